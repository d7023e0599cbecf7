/* SPDX-License-Identifier: Apache-2.0 */
#include "views/list_view.h"

bool list_view_key(struct view *v, const struct key *k)
{
	struct list_view *l = (struct list_view *)v;
	bool is_hit = false;
	if (!list_key(&l->list, k, &is_hit))
		return false;
	if (is_hit)
		app_command(v->app, v, l->hit, "");
	return true;
}

bool list_view_widget(struct view *v, const char *command)
{
	return list_command(&((struct list_view *)v)->list, command);
}

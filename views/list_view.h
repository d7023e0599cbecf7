/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_LIST_VIEW_H
#define VIEWS_LIST_VIEW_H
/*
 * A screen that is one list: its struct starts with this, and its class takes these. UI thread.
 */
#include "tui/list.h"
#include "views/app.h"

struct list_view {
	struct view view;
	struct list list;
	const char *hit; /* the command that a second click on a row runs */
};
bool list_view_key(struct view *, const struct key *);
bool list_view_widget(struct view *, const char *command);
#endif

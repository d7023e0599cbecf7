/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/cause.h"

#include <string.h>

#include "base/str.h"

static const char ours[] = "fairway ";
static const char by[] = " by ";

const char *kube_cause_text(const struct kube_cause *c, struct arena *arena)
{
	char text[KUBE_CAUSE_MAX];
	char *whole = arena_printf(arena, "%s%s%s%s%s%s%s%s", ours, c->action, c->version ? " " : "",
				   c->version ? c->version : "", by, c->by ? c->by : "somebody", c->reason ? ": " : "",
				   c->reason ? c->reason : "");
	for (char *at = whole; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	str_copy(text, sizeof(text), whole);
	return arena_dup(arena, text);
}

bool kube_cause_read(const char *text, struct arena *arena, struct kube_cause *c)
{
	*c = (struct kube_cause){0};
	if (!text || !str_starts(text, ours))
		return false;
	text += strlen(ours);
	const char *person = strstr(text, by);
	if (!person || person == text)
		return false;
	const char *space = memchr(text, ' ', (size_t)(person - text));
	const char *name = person + strlen(by), *colon = strstr(name, ": ");
	c->action = arena_dup_n(arena, text, (size_t)((space ? space : person) - text));
	c->version = space ? arena_dup_n(arena, space + 1, (size_t)(person - space - 1)) : NULL;
	c->by = colon ? arena_dup_n(arena, name, (size_t)(colon - name)) : arena_dup(arena, name);
	c->reason = colon ? arena_dup(arena, colon + 2) : NULL;
	return true;
}

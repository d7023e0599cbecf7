/* SPDX-License-Identifier: Apache-2.0 */
#include "views/use.h"

#include <stdlib.h>
#include <string.h>

static int by_instance(const void *a, const void *b)
{
	return strcmp(((const struct use *)a)->instance, ((const struct use *)b)->instance);
}

void use_ask(struct use_board *b, struct view *v, const char *service)
{
	if (!b->request)
		b->request = app_send(v->app, v, request_use(service, NULL, true));
}

static void take(struct use_board *b, const struct uses *told)
{
	size_t i = 0;
	while (i < b->n && !str_eq(b->sources[i].uses.source, told->source))
		i++;
	if (i == USE_SOURCES)
		return;
	b->n = i == b->n ? b->n + 1 : b->n;
	struct arena *a = &b->sources[i].arena;
	arena_reset(a);
	struct use *items = arena_alloc(a, (told->n + 1) * sizeof(*items));
	for (size_t k = 0; k < told->n; k++) {
		items[k] = told->items[k];
		items[k].instance = arena_dup(a, told->items[k].instance);
	}
	qsort(items, told->n, sizeof(*items), by_instance);
	b->sources[i].uses = (struct uses){arena_dup(a, told->source), items, told->n};
}

/* A screen that is covered needs nobody's work. */
void use_take(struct use_board *b, struct view *v, const struct message *m)
{
	if (m->request != b->request)
		return;
	if (m->kind == MESSAGE_USE)
		take(b, &m->uses);
	if (m->kind == MESSAGE_USE && app_top(v->app) != v) {
		app_drop(v->app, b->request);
		b->request = 0;
	}
	app_stale(v->app);
}

bool use_is_told(const struct use_board *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->sources[i].uses.n)
			return true;
	return false;
}

const struct use *use_find(const struct use_board *b, const struct instance *instance)
{
	struct use key = {.instance = instance->id};
	for (size_t i = 0; i < b->n; i++)
		if (instance->id && str_eq(b->sources[i].uses.source, instance->base.source))
			return bsearch(&key, b->sources[i].uses.items, b->sources[i].uses.n, sizeof(key),
				       by_instance);
	return NULL;
}

void use_finish(struct use_board *b)
{
	for (size_t i = 0; i < b->n; i++)
		arena_finish(&b->sources[i].arena);
}

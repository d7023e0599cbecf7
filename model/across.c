/* SPDX-License-Identifier: Apache-2.0 */
#include "model/across.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct order { /* environments, first of promotion first */
	const struct environment **items;
	size_t n;
};

static int by_position(const void *a, const void *b)
{
	const struct environment *x = *(const struct environment *const *)a, *y = *(const struct environment *const *)b;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool order_of(const struct records *table, struct arena *arena, struct order *out)
{
	bool has_several = false;
	out->items = arena_alloc(arena, (records_count(table) + 1) * sizeof(struct environment *));
	out->n = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		out->items[out->n++] = records_row(table, h);
		has_several = has_several || !str_eq(out->items[0]->base.source, out->items[out->n - 1]->base.source);
	}
	qsort(out->items, out->n, sizeof(struct environment *), by_position);
	return has_several;
}

/* Of the nearest environment before that has the service; NULL when there is none. */
static const struct placement *before(const struct records *placements, const struct order *order,
				      const struct placement *p)
{
	const struct placement *found = NULL;
	struct placement probe = *p;
	for (size_t i = 0; i < order->n && !str_eq(order->items[i]->name, p->environment); i++) {
		probe.base.source = order->items[i]->base.source;
		probe.environment = order->items[i]->name;
		const struct placement *other = records_row(placements, records_find(placements, &probe));
		if (other)
			found = other;
	}
	return found;
}

void across_drift(const struct overlay *environments, struct overlay *placements)
{
	struct arena arena = {0};
	struct order order;
	const struct records *table = overlay_rows(placements);
	if (!order_of(overlay_rows(environments), &arena, &order)) {
		arena_finish(&arena);
		return;
	}
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct placement *p = records_row(table, h), *other = before(table, &order, p);
		if (!other || str_eq(other->base.source, p->base.source))
			continue;
		const char *drift = str_eq(other->version, p->version) ? NULL : other->version;
		if (str_eq(drift, p->drift))
			continue;
		struct placement changed = *p;
		changed.drift = arena_dup(&arena, drift);
		records_put(overlay_rows(placements), &changed);
	}
	arena_finish(&arena);
}

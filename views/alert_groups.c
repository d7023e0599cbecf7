/* SPDX-License-Identifier: Apache-2.0 */
#include "views/alert_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_place(const void *a, const void *b)
{
	const struct alert_group *x = a, *y = b;
	int order = by_text(x->service, y->service);
	if (!order)
		order = by_text(x->environment, y->environment);
	if (!order)
		order = x->rank - y->rank;
	return order ? order : by_text(x->id, y->id);
}

static bool is_same_place(const struct alert_group *a, const struct alert_group *b)
{
	return str_eq(a->service, b->service) && str_eq(a->environment, b->environment);
}

void alert_groups_clear(struct alert_groups *g)
{
	free(g->items);
	*g = (struct alert_groups){0};
}

void alert_groups_make(struct alert_groups *g, const struct records *table, alert_wanted *wanted,
		       alert_rank *rank, void *arg)
{
	alert_groups_clear(g);
	struct alert_group *all = mem_array(records_count(table), sizeof(*all));
	size_t n = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct alert *a = records_row(table, h);
		if (wanted(a, arg))
			all[n++] = (struct alert_group){a->id, a->service, a->environment, rank(a), 1};
	}
	if (n <= ALERT_GROUPS_FROM) {
		free(all);
		return;
	}
	qsort(all, n, sizeof(*all), by_place);
	g->items = all;
	for (size_t i = 0; i < n;
	     i++) { /* the first of each place is its worst: it stays, the others are counted */
		if (g->n && is_same_place(&g->items[g->n - 1], &all[i]))
			g->items[g->n - 1].n++;
		else
			g->items[g->n++] = all[i];
	}
}

const struct alert_group *alert_groups_head(const struct alert_groups *g, const struct alert *a)
{
	size_t low = 0, high = g->n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct alert_group *at = &g->items[middle];
		int order = by_text(a->service, at->service);
		if (!order)
			order = by_text(a->environment, at->environment);
		if (!order)
			return str_eq(a->id, at->id) ? at : NULL;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

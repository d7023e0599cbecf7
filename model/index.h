/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_INDEX_H
#define MODEL_INDEX_H
/*
 * A sorted, narrowed, filtered view of a table's rows: what a pane shows. It keeps handles, not rows.
 *
 * index_step() brings it up to date. Few changes: the changed rows are taken out, sorted and merged back in
 * one pass. Another order, another filter, or many changes: the work is cut into slices and the old view
 * stays until the new one is whole. Rows that compare equal keep the order in which they came to the table's
 * slots. Between steps the view may hold handles of rows that are gone: records_row() gives NULL, draw such a
 * line empty. UI thread. The table must outlive the index.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/records.h"

struct filter;
struct index;

struct index_rules {
	/* Two rows, as strcmp(3). NULL: by slot. */
	int (*compare)(const void *a, const void *b, void *arg);
	bool (*wants)(const void *row, void *arg); /* narrowing; NULL: all */
	void *arg;
};
#define INDEX_SLICE_US 2000

struct index *index_new(struct records *, const struct index_rules *);
void index_free(struct index *);
/* Another order or narrowing; also when what `arg` points to has changed its meaning. */
void index_set_rules(struct index *, const struct index_rules *);
/* Borrowed until replaced or index_free(); NULL shows all. Call it again when the same filter was changed. */
void index_set_filter(struct index *, struct filter *);

enum index_state {
	INDEX_SAME,    /* nothing to do, nothing changed */
	INDEX_CHANGED, /* up to date, and the view is another than before */
	INDEX_BUSY     /* more to do: call again soon */
};
/* Works for about budget_us; clock is read through now_us so that this module reads none. now_us NULL: works
 * to the end. */
enum index_state index_step(struct index *, unsigned budget_us, uint64_t (*now_us)(void));

size_t index_count(const struct index *);                   /* rows shown */
size_t index_total(const struct index *);                   /* rows before the filter, after narrowing */
record_handle index_at(const struct index *, size_t place); /* RECORDS_NO_ROW past the end */
#define INDEX_NO_PLACE SIZE_MAX
/* Place of a handle; looks around hint first. */
size_t index_place(const struct index *, record_handle, size_t hint);
#endif

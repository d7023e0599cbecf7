/* SPDX-License-Identifier: Apache-2.0 */
#include "model/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/filter.h"

/*
 * A full build walks four phases, each in slices: collect the wanted rows, sort runs of RUN_ROWS in place,
 * merge runs pairwise, then pick the rows that pass the filter. Rows may change in the middle. A row that did
 * is "dirty": merging leaves it out, since its place in its run is no longer true, and at the end all dirty
 * rows are put in as any later change is. So the order of the others never depends on a row that moved.
 */
enum phase_of_build { BUILD_NONE, BUILD_COLLECT, BUILD_RUNS, BUILD_MERGE, BUILD_PICK };
#define RUN_ROWS 32u
#define STEP_ROWS 256u /* rows handled between two looks at the clock */

struct rows {
	record_handle *at;
	size_t n, cap;
};

struct index {
	struct records *table;
	struct index_rules rules;
	struct filter *filter;
	struct rows all;   /* wanted, sorted */
	struct rows shown; /* those of all that pass the filter; unused while there is none */
	bool has_shown;
	uint64_t read;     /* number of the last change of the table that was taken in */
	struct rows dirty; /* slots with a bit in is_dirty, as the handles they had */
	uint64_t *is_dirty;
	size_t dirty_words;
	enum phase_of_build phase;
	size_t at, kept; /* progress of the phase: rows read, rows written */
	struct rows work, spare;
	struct rows places;      /* where the rows of spare go, while merging changes */
	size_t *ends, *new_ends; /* where each run ends in work, in spare */
	size_t n_ends, n_new_ends, ends_cap;
	size_t left, right, right_end, run; /* of the merge under way */
	bool merging, was_changed;
};

static void rows_add(struct rows *r, record_handle h)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->at = mem_grow(r->at, r->cap, sizeof(*r->at));
	}
	r->at[r->n++] = h;
}

static void rows_reserve(struct rows *r, size_t n)
{
	if (r->cap < n) {
		r->cap = n;
		r->at = mem_grow(r->at, n, sizeof(*r->at));
	}
}

static void rows_swap(struct rows *a, struct rows *b)
{
	struct rows t = *a;
	*a = *b;
	*b = t;
}

struct index *index_new(struct records *table, const struct index_rules *rules)
{
	struct index *ix = mem_alloc(sizeof(*ix));
	ix->table = table;
	index_set_rules(ix, rules);
	return ix;
}

void index_free(struct index *ix)
{
	if (!ix)
		return;
	free(ix->all.at);
	free(ix->shown.at);
	free(ix->dirty.at);
	free(ix->is_dirty);
	free(ix->work.at);
	free(ix->spare.at);
	free(ix->places.at);
	free(ix->ends);
	free(ix->new_ends);
	free(ix);
}

static void forget_dirty(struct index *ix)
{
	for (size_t i = 0; i < ix->dirty.n; i++)
		ix->is_dirty[records_slot(ix->dirty.at[i]) / 64] = 0;
	ix->dirty.n = 0;
}

static void start_build(struct index *ix)
{
	forget_dirty(ix);
	ix->read = records_latest(ix->table);
	ix->phase = BUILD_COLLECT;
	ix->at = 0;
	ix->work.n = 0;
	ix->merging = false;
}

static void start_pick(struct index *ix)
{
	ix->phase = BUILD_PICK;
	ix->at = 0;
	ix->spare.n = 0;
}

void index_set_rules(struct index *ix, const struct index_rules *rules)
{
	ix->rules = *rules;
	start_build(ix);
}

void index_set_filter(struct index *ix, struct filter *filter)
{
	ix->filter = filter;
	if (ix->phase == BUILD_NONE || ix->phase == BUILD_PICK)
		start_pick(ix);
}

static bool wanted(const struct index *ix, record_handle h)
{
	const void *row = records_row(ix->table, h);
	return row && (!ix->rules.wants || ix->rules.wants(row, ix->rules.arg));
}

static bool passes(const struct index *ix, record_handle h)
{
	size_t len;
	const char *folded = records_folded(ix->table, h, &len);
	return folded &&
	       filter_record(ix->filter, records_class(ix->table), records_row(ix->table, h), folded, len);
}

static int order(record_handle a, record_handle b, const struct index *ix)
{
	const void *x = records_row(ix->table, a), *y = records_row(ix->table, b);
	assert(x && y); /* dirty rows are taken out before anything is compared */
	int c = ix->rules.compare ? ix->rules.compare(x, y, ix->rules.arg) : 0;
	if (c)
		return c;
	uint32_t i = records_slot(a), k = records_slot(b);
	return i < k ? -1 : i > k;
}

static int order_at(const void *a, const void *b, void *ix)
{
	return order(*(const record_handle *)a, *(const record_handle *)b, ix);
}

/* Changed rows. */

static bool is_dirty(const struct index *ix, record_handle h)
{
	uint32_t slot = records_slot(h);
	return slot / 64 < ix->dirty_words && ix->is_dirty[slot / 64] >> (slot % 64) & 1;
}

static void mark_dirty(struct index *ix, record_handle h)
{
	uint32_t slot = records_slot(h);
	if (slot / 64 >= ix->dirty_words) {
		size_t words = slot / 64 + 64;
		ix->is_dirty = mem_grow(ix->is_dirty, words, sizeof(*ix->is_dirty));
		memset(ix->is_dirty + ix->dirty_words, 0, (words - ix->dirty_words) * sizeof(*ix->is_dirty));
		ix->dirty_words = words;
	}
	if (is_dirty(ix, h))
		return;
	ix->is_dirty[slot / 64] |= (uint64_t)1 << (slot % 64);
	rows_add(&ix->dirty, h);
}

/* Takes the table's news in. False when some were lost: everything is built anew. */
static bool read_changes(struct index *ix)
{
	uint64_t latest = records_latest(ix->table);
	if (ix->read + 1 < records_oldest(ix->table))
		return false;
	for (uint64_t n = ix->read + 1; n <= latest; n++)
		mark_dirty(ix, records_change(ix->table, n));
	ix->read = latest;
	return true;
}

/* The handles that the dirty slots have now, sorted; rows that are gone or not wanted are left out. */
static void fresh_rows(struct index *ix, struct rows *out)
{
	out->n = 0;
	for (size_t i = 0; i < ix->dirty.n; i++) {
		record_handle h = records_at_slot(ix->table, records_slot(ix->dirty.at[i]));
		if (h && wanted(ix, h))
			rows_add(out, h);
	}
	if (out->n > 1)
		qsort_r(out->at, out->n, sizeof(*out->at), order_at, ix);
}

/* The place before which h belongs in rows[from .. n). */
static size_t place_of(const struct index *ix, const struct rows *rows, size_t from, record_handle h)
{
	size_t low = from, high = rows->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order(rows->at[middle], h, ix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Takes the dirty rows out, finds the place of each fresh one by halving, then opens the gaps from the back:
 * the rows that stay are moved, but not compared. */
static void merge_fresh(struct index *ix, struct rows *rows, const struct rows *fresh, bool is_filtered)
{
	size_t n = 0, from = 0;
	for (size_t i = 0; i < rows->n; i++)
		if (!is_dirty(ix, rows->at[i]))
			rows->at[n++] = rows->at[i];
	rows->n = n;
	rows_reserve(rows, n + fresh->n);
	ix->spare.n = ix->places.n = 0;
	for (size_t i = 0; i < fresh->n; i++) {
		if (is_filtered && !passes(ix, fresh->at[i]))
			continue;
		from = place_of(ix, rows, from, fresh->at[i]);
		rows_add(&ix->spare, fresh->at[i]);
		rows_add(&ix->places, (uint32_t)from);
	}
	rows->n += ix->spare.n;
	for (size_t k = ix->spare.n; k > 0; k--) {
		size_t place = ix->places.at[k - 1];
		memmove(rows->at + place + k, rows->at + place, (n - place) * sizeof(*rows->at));
		rows->at[place + k - 1] = ix->spare.at[k - 1];
		n = place;
	}
}

static void merge_dirty(struct index *ix)
{
	if (!ix->dirty.n)
		return;
	fresh_rows(ix, &ix->work);
	merge_fresh(ix, &ix->all, &ix->work, false);
	if (ix->has_shown)
		merge_fresh(ix, &ix->shown, &ix->work, true);
	forget_dirty(ix);
	ix->was_changed = true;
}

/* The phases of a build; each does about STEP_ROWS rows and tells whether it is at its end. */

static bool collect(struct index *ix)
{
	size_t end = ix->at + STEP_ROWS, slots = records_slots(ix->table);
	for (; ix->at < end && ix->at < slots; ix->at++) {
		record_handle h = records_at_slot(ix->table, (uint32_t)ix->at);
		if (h && wanted(ix, h))
			rows_add(&ix->work, h);
	}
	return ix->at >= slots;
}

static bool sort_run(struct index *ix)
{
	size_t end = ix->at + RUN_ROWS < ix->work.n ? ix->at + RUN_ROWS : ix->work.n;
	size_t start = ix->kept;
	for (size_t i = ix->at; i < end; i++) {
		record_handle h = ix->work.at[i];
		if (is_dirty(ix, h))
			continue;
		size_t k = ix->kept++;
		for (; k > start && order(h, ix->work.at[k - 1], ix) < 0; k--)
			ix->work.at[k] = ix->work.at[k - 1];
		ix->work.at[k] = h;
	}
	ix->at = end;
	if (ix->kept > start)
		ix->ends[ix->n_ends++] = ix->kept;
	if (end < ix->work.n)
		return false;
	ix->work.n = ix->kept;
	return true;
}

static void start_runs(struct index *ix)
{
	size_t most = ix->work.n / RUN_ROWS + 2;
	if (ix->ends_cap < most) {
		ix->ends = mem_grow(ix->ends, most, sizeof(*ix->ends));
		ix->new_ends = mem_grow(ix->new_ends, most, sizeof(*ix->new_ends));
		ix->ends_cap = most;
	}
	ix->n_ends = ix->n_new_ends = 0;
	ix->at = ix->kept = 0;
	ix->phase = BUILD_RUNS;
}

static void start_pair(struct index *ix)
{
	ix->left = ix->run ? ix->ends[ix->run - 1] : 0;
	ix->right = ix->ends[ix->run];
	ix->right_end = ix->run + 1 < ix->n_ends ? ix->ends[ix->run + 1] : ix->right;
	ix->merging = true;
}

static void end_pass(struct index *ix)
{
	rows_swap(&ix->work, &ix->spare);
	size_t *ends = ix->ends;
	ix->ends = ix->new_ends;
	ix->new_ends = ends;
	ix->n_ends = ix->n_new_ends;
	ix->n_new_ends = 0;
	ix->spare.n = 0;
	ix->run = 0;
}

/* Merges a part of one pair of runs from work into spare. */
static bool merge_some(struct index *ix)
{
	if (ix->n_ends <= 1)
		return true;
	if (!ix->merging)
		start_pair(ix);
	rows_reserve(&ix->spare, ix->work.n);
	size_t left_end = ix->ends[ix->run];
	for (unsigned n = 0; n < STEP_ROWS && (ix->left < left_end || ix->right < ix->right_end); n++) {
		const record_handle *w = ix->work.at;
		if (ix->left < left_end && is_dirty(ix, w[ix->left]))
			ix->left++;
		else if (ix->right < ix->right_end && is_dirty(ix, w[ix->right]))
			ix->right++;
		else if (ix->right >= ix->right_end ||
			 (ix->left < left_end && order(w[ix->left], w[ix->right], ix) < 0))
			ix->spare.at[ix->spare.n++] = w[ix->left++];
		else
			ix->spare.at[ix->spare.n++] = w[ix->right++];
	}
	if (ix->left < left_end || ix->right < ix->right_end)
		return false;
	ix->merging = false;
	ix->new_ends[ix->n_new_ends++] = ix->spare.n;
	ix->run += 2;
	if (ix->run >= ix->n_ends)
		end_pass(ix);
	return false;
}

static bool pick(struct index *ix)
{
	size_t end = ix->at + STEP_ROWS < ix->all.n ? ix->at + STEP_ROWS : ix->all.n;
	if (filter_is_empty(ix->filter))
		return true;
	for (; ix->at < end; ix->at++)
		if (passes(ix, ix->all.at[ix->at]))
			rows_add(&ix->spare, ix->all.at[ix->at]);
	return ix->at >= ix->all.n;
}

static void end_pick(struct index *ix)
{
	ix->has_shown = !filter_is_empty(ix->filter);
	if (ix->has_shown)
		rows_swap(&ix->shown, &ix->spare);
	ix->phase = BUILD_NONE;
	ix->was_changed = true;
}

/* One small piece of the build under way. */
static void build_some(struct index *ix)
{
	if (ix->phase == BUILD_COLLECT && collect(ix)) {
		start_runs(ix);
	} else if (ix->phase == BUILD_RUNS && sort_run(ix)) {
		ix->phase = BUILD_MERGE;
		ix->run = 0;
		ix->spare.n = 0;
	} else if (ix->phase == BUILD_MERGE && merge_some(ix)) {
		rows_swap(&ix->all, &ix->work);
		start_pick(ix);
	} else if (ix->phase == BUILD_PICK && pick(ix)) {
		end_pick(ix);
	}
}

enum index_state index_step(struct index *ix, unsigned budget_us, uint64_t (*now_us)(void))
{
	uint64_t start = now_us ? now_us() : 0;
	ix->was_changed = false;
	/* A build under way is not begun anew for many changes: under a flood it would never end. */
	if (!read_changes(ix) || (ix->phase == BUILD_NONE && ix->dirty.n > ix->all.n / 4 + STEP_ROWS * 4))
		start_build(ix);
	while (ix->phase != BUILD_NONE) {
		build_some(ix);
		if (now_us && now_us() - start >= budget_us && ix->phase != BUILD_NONE)
			return INDEX_BUSY;
	}
	merge_dirty(ix);
	return ix->was_changed ? INDEX_CHANGED : INDEX_SAME;
}

static const struct rows *visible(const struct index *ix)
{
	return ix->has_shown ? &ix->shown : &ix->all;
}

size_t index_count(const struct index *ix)
{
	return visible(ix)->n;
}

size_t index_total(const struct index *ix)
{
	return ix->all.n;
}

record_handle index_at(const struct index *ix, size_t place)
{
	const struct rows *rows = visible(ix);
	return place < rows->n ? rows->at[place] : RECORDS_NO_ROW;
}

size_t index_place(const struct index *ix, record_handle h, size_t hint)
{
	const struct rows *rows = visible(ix);
	size_t low = hint < 64 ? 0 : hint - 64, high = hint + 64 < rows->n ? hint + 64 : rows->n;
	for (size_t i = low; i < high; i++)
		if (rows->at[i] == h)
			return i;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->at[i] == h)
			return i;
	return INDEX_NO_PLACE;
}

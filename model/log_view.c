/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/filter.h"
#include "model/log_block.h"

/*
 * Two lists: `up` holds the lines of the block where the scan began and of all later ones, rising; `down`
 * holds those of earlier blocks, falling. The view is down turned round, then up. Numbers are kept as
 * distances from `base` in 32 bits: 100,000 lines cost 400 kB.
 */
struct numbers {
	uint32_t *at;
	size_t n, cap;
};

struct log_view {
	struct log_buffer *buffer;
	struct log_wants wants;
	char *texts[3]; /* copies that wants points to */
	uint64_t base;
	struct numbers up, down;
	size_t up_evicted;    /* of up's front */
	uint64_t up_next;     /* first line not yet looked at going up */
	uint64_t down_next;   /* one past the last line not yet looked at going down */
	uint64_t *has, *not ; /* bitmaps of a block */
	uint32_t *starts;     /* of its lines */
	size_t words;
};

#define NUMBERS_BELOW 0x80000000u /* base is so far below the line where the scan began */

static void numbers_add(struct numbers *l, uint32_t value)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 256;
		l->at = mem_grow(l->at, l->cap, sizeof(*l->at));
	}
	l->at[l->n++] = value;
}

static void restart(struct log_view *v)
{
	uint64_t end = log_buffer_end(v->buffer);
	struct log_block *block = end ? log_buffer_block_of(v->buffer, end - 1) : NULL;
	uint64_t from = block ? block->first : end;
	v->base = from - NUMBERS_BELOW; /* may wrap: only distances count */
	v->up.n = v->down.n = v->up_evicted = 0;
	v->up_next = v->down_next = from;
}

struct log_view *log_view_new(struct log_buffer *buffer)
{
	struct log_view *v = mem_alloc(sizeof(*v));
	v->buffer = buffer;
	restart(v);
	return v;
}

void log_view_free(struct log_view *v)
{
	if (!v)
		return;
	for (int i = 0; i < 3; i++)
		free(v->texts[i]);
	free(v->up.at);
	free(v->down.at);
	free(v->has);
	free(v->not );
	free(v->starts);
	free(v);
}

void log_view_want(struct log_view *v, const struct log_wants *wants)
{
	char *texts[] = {mem_dup(wants->instance), mem_dup(wants->service), mem_dup(wants->environment)};
	v->wants = *wants;
	for (int i = 0; i < 3; i++) {
		free(v->texts[i]);
		v->texts[i] = texts[i];
	}
	v->wants.instance = texts[0];
	v->wants.service = texts[1];
	v->wants.environment = texts[2];
	restart(v);
}

/* Judging a block: lines [from, n) of it, where from is a head. */

struct judged {
	const struct log_buffer *buffer;
	const struct log_block *block;
	size_t from;
	struct filter_source source;
};

static const struct filter_source *source_of(size_t i, void *arg)
{
	struct judged *j = arg;
	const struct log_instance *in =
		log_buffer_instance_at(j->buffer, j->block->lines[j->from + i].instance);
	j->source = (struct filter_source){in->service, in->environment, in->instance};
	return &j->source;
}

static void scan_text(struct log_view *v, const struct log_block *block, size_t from)
{
	size_t n = block->n - from, words = (n + 63) / 64;
	if (v->words < words) {
		v->has = mem_grow(v->has, words, sizeof(*v->has));
		v->not = mem_grow(v->not, words, sizeof(*v->not ));
		v->starts = mem_grow(v->starts, words * 64, sizeof(*v->starts));
		v->words = words;
	}
	for (size_t i = 0; i < n; i++)
		v->starts[i] = block->starts[from + i] - block->starts[from];
	struct judged judged = {.buffer = v->buffer, .block = block, .from = from};
	struct filter_lines lines = {.bytes = block->bytes + block->starts[from],
				     .len = block->len - block->starts[from],
				     .starts = v->starts,
				     .n = n,
				     .is_ascii = block->is_ascii,
				     .source = source_of,
				     .arg = &judged};
	filter_scan(v->wants.filter, &lines, v->has, v->not );
	/* A head carries the verdict of its group. */
	for (size_t i = 0; i < n; i++) {
		size_t head = i - block->lines[from + i].back;
		if (head == i)
			continue;
		v->has[head / 64] |= (v->has[i / 64] >> (i % 64) & 1) << (head % 64);
		v->not [head / 64] |= (v->not [i / 64] >> (i % 64) & 1) << (head % 64);
	}
}

static bool instance_wanted(const struct log_view *v, uint32_t number)
{
	const struct log_wants *w = &v->wants;
	if (!w->instance && !w->service && !w->environment)
		return true;
	const struct log_instance *in = log_buffer_instance_at(v->buffer, number);
	return (!w->instance || str_eq(w->instance, in->instance)) &&
	       (!w->service || str_eq(w->service, in->service)) &&
	       (!w->environment || str_eq(w->environment, in->environment));
}

static bool line_wanted(const struct log_view *v, struct log_block *block, size_t from, size_t i)
{
	const struct log_meta *line = &block->lines[i];
	if (line->time < v->wants.since || !instance_wanted(v, line->instance))
		return false;
	if (v->wants.marked_only)
		return line->flags & LOG_META_MARKED;
	if (line->flags & LOG_META_GAP)
		return true;
	if (!filter_is_empty(v->wants.filter)) {
		size_t head = i - from - line->back;
		uint64_t bit = (uint64_t)1 << (head % 64);
		if (!(v->has[head / 64] & bit) || v->not [head / 64] & bit)
			return false;
	}
	if (v->wants.least > LOG_LEVEL_NONE) {
		enum log_level level = log_block_level(block, i);
		return (level ? level : LOG_LEVEL_INFO) >= v->wants.least;
	}
	return true;
}

static uint32_t distance(const struct log_view *v, uint64_t number)
{
	return (uint32_t)(number - v->base);
}

/* The first line that may change its verdict when lines from `from` on are new: the earliest head of theirs,
 * and of every line behind that one. */
static size_t group_start(const struct log_block *block, size_t from)
{
	size_t start = from;
	for (size_t i = block->n; i > start; i--) {
		size_t head = i - 1 - block->lines[i - 1].back;
		if (head < start)
			start = head;
	}
	return start;
}

static void go_up(struct log_view *v)
{
	struct log_block *block = log_buffer_block_of(v->buffer, v->up_next);
	if (!block) { /* evicted while nobody looked */
		v->up_next = log_buffer_first(v->buffer);
		return;
	}
	size_t from = group_start(block, (size_t)(v->up_next - block->first));
	while (v->up.n > v->up_evicted && v->up.at[v->up.n - 1] >= distance(v, block->first + from))
		v->up.n--;
	if (!filter_is_empty(v->wants.filter))
		scan_text(v, block, from);
	for (size_t i = from; i < block->n; i++)
		if (line_wanted(v, block, from, i))
			numbers_add(&v->up, distance(v, block->first + i));
	v->up_next = block->first + block->n;
}

static void go_down(struct log_view *v)
{
	struct log_block *block = log_buffer_block_of(v->buffer, v->down_next - 1);
	if (!filter_is_empty(v->wants.filter))
		scan_text(v, block, 0);
	for (size_t i = block->n; i > 0; i--)
		if (line_wanted(v, block, 0, i - 1))
			numbers_add(&v->down, distance(v, block->first + i - 1));
	v->down_next = block->first;
}

static void forget_evicted(struct log_view *v)
{
	uint64_t first = log_buffer_first(v->buffer);
	while (v->down.n && v->base + v->down.at[v->down.n - 1] < first)
		v->down.n--;
	while (v->up_evicted < v->up.n && v->base + v->up.at[v->up_evicted] < first)
		v->up_evicted++;
	if (v->up_evicted > 4096 && v->up_evicted > v->up.n / 2) {
		v->up.n -= v->up_evicted;
		memmove(v->up.at, v->up.at + v->up_evicted, v->up.n * sizeof(*v->up.at));
		v->up_evicted = 0;
	}
	if (v->up_next < first)
		v->up_next = first;
	if (v->up_next - v->base > 0xf0000000u)
		restart(v); /* after two thousand million lines */
}

bool log_view_is_busy(const struct log_view *v)
{
	return v->up_next < log_buffer_end(v->buffer) || v->down_next > log_buffer_first(v->buffer);
}

bool log_view_step(struct log_view *v, unsigned budget_us, uint64_t (*now_us)(void))
{
	uint64_t start = now_us ? now_us() : 0;
	forget_evicted(v);
	while (log_view_is_busy(v)) {
		if (v->up_next < log_buffer_end(v->buffer))
			go_up(v);
		else
			go_down(v);
		if (now_us && now_us() - start >= budget_us)
			break;
	}
	return log_view_is_busy(v);
}

size_t log_view_count(const struct log_view *v)
{
	return v->down.n + v->up.n - v->up_evicted;
}

static uint32_t at_place(const struct log_view *v, size_t place)
{
	return place < v->down.n ? v->down.at[v->down.n - 1 - place]
				 : v->up.at[v->up_evicted + place - v->down.n];
}

bool log_view_at(const struct log_view *v, size_t place, uint64_t *number)
{
	if (place >= log_view_count(v))
		return false;
	*number = v->base + at_place(v, place);
	return true;
}

size_t log_view_place(const struct log_view *v, uint64_t number)
{
	size_t low = 0, high = log_view_count(v);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (v->base + at_place(v, middle) < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum log_search log_view_search(const struct log_view *v, struct filter *filter, size_t *from,
				bool is_backward, size_t most)
{
	size_t count = log_view_count(v);
	for (size_t looked = 0; is_backward ? *from > 0 : *from + 1 < count; looked++) {
		if (looked >= most)
			return LOG_SEARCH_MORE;
		*from = is_backward ? *from - 1 : *from + 1;
		struct log_entry e;
		uint64_t number;
		if (!log_view_at(v, *from, &number) || !log_buffer_entry(v->buffer, number, &e))
			continue;
		const struct log_instance *in = log_buffer_instance_at(v->buffer, e.instance);
		struct filter_source source = {in->service, in->environment, in->instance};
		if (filter_text(filter, &source, e.text, e.len))
			return LOG_SEARCH_FOUND;
	}
	return LOG_SEARCH_END;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_wait.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/filter_term.h"
#include "model/log_block.h"
#include "model/text.h"

#define HEAD_LOOK 512 /* waiting lines looked through for a stream's head */
#define ROOM_LINES_KEPT 8192
#define HOME_BYTES (256 * 1024) /* big enough that the C library gives it back to the system */

/* Text of lines that came one after the other. It goes when the last of them has its place: a burst of a hundred thousand
 * lines is never held twice. */
struct log_bytes {
	struct log_bytes *older, *newer;
	size_t used, cap, lines;
	char bytes[];
};
struct log_wait {
	struct log_waiting *lines;
	size_t n, cap;
	struct log_bytes *newest; /* the one that is written to; NULL before the first line */
	size_t bytes;             /* of all */
	bool is_sorted;
	uint64_t order;
	int64_t until; /* of the last settle; 0: none yet */
	struct log_stream *streams;
	size_t n_streams, cap_streams;
	uint32_t *buckets; /* stream + 1 */
	uint32_t n_buckets;
};

struct log_wait *log_wait_new(void)
{
	struct log_wait *w = mem_alloc(sizeof(*w));
	w->is_sorted = true;
	w->n_buckets = 16;
	w->buckets = mem_array(w->n_buckets, sizeof(*w->buckets));
	return w;
}

/* Text. */

static void drop_bytes(struct log_wait *w, struct log_bytes *home)
{
	if (home->newer)
		home->newer->older = home->older;
	else
		w->newest = home->older;
	if (home->older)
		home->older->newer = home->newer;
	w->bytes -= home->cap;
	free(home);
}

static struct log_bytes *open_bytes(struct log_wait *w, size_t len)
{
	struct log_bytes *home = w->newest;
	if (home && home->cap - home->used >= len)
		return home;
	size_t cap = len > HOME_BYTES ? len : HOME_BYTES;
	home = mem_grow(NULL, 1, sizeof(*home) + cap);
	*home = (struct log_bytes){.older = w->newest, .cap = cap};
	if (w->newest)
		w->newest->newer = home;
	w->newest = home;
	w->bytes += cap;
	return home;
}

static void keep_text(struct log_wait *w, struct log_waiting *line, const char *bytes)
{
	struct log_bytes *home = open_bytes(w, line->len);
	char *text = home->bytes + home->used, *end = text + line->len;
	memcpy(text, bytes, line->len);
	for (char *p = text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		*p = ' ';
	home->used += line->len;
	home->lines++;
	line->text = text;
	line->home = home;
}

static void drop_text(struct log_wait *w, const struct log_waiting *line)
{
	if (--line->home->lines == 0)
		drop_bytes(w, line->home);
}

void log_wait_clear(struct log_wait *w)
{
	w->n = 0;
	w->is_sorted = true;
	while (w->newest)
		drop_bytes(w, w->newest);
	for (size_t i = 0; i < w->n_streams; i++) {
		w->streams[i].has_head = false;
		w->streams[i].trace = (struct log_trace){0};
	}
}

void log_wait_free(struct log_wait *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_streams; i++) {
		free((char *)(uintptr_t)w->streams[i].from.service);
		free((char *)(uintptr_t)w->streams[i].from.environment);
		free((char *)(uintptr_t)w->streams[i].from.instance);
	}
	free(w->streams);
	free(w->buckets);
	while (w->newest)
		drop_bytes(w, w->newest);
	free(w->lines);
	free(w);
}

/* Streams. */

static uint32_t hash_of(const struct log_instance *from)
{
	const char *const parts[] = {from->service, from->environment, from->instance};
	uint32_t h = TEXT_SEED;
	for (int i = 0; i < 3; i++)
		h = parts[i] ? text_hash(h, parts[i], strlen(parts[i]) + 1) : text_hash(h, "\1", 1);
	return h;
}

static uint32_t bucket_of(const struct log_wait *w, const struct log_instance *from)
{
	uint32_t mask = w->n_buckets - 1, b = hash_of(from) & mask;
	for (; w->buckets[b]; b = (b + 1) & mask) {
		const struct log_instance *have = &w->streams[w->buckets[b] - 1].from;
		if (str_eq(have->instance, from->instance) && str_eq(have->service, from->service) &&
		    str_eq(have->environment, from->environment))
			break;
	}
	return b;
}

static void grow_buckets(struct log_wait *w)
{
	free(w->buckets);
	w->n_buckets *= 2;
	w->buckets = mem_array(w->n_buckets, sizeof(*w->buckets));
	for (size_t i = 0; i < w->n_streams; i++)
		w->buckets[bucket_of(w, &w->streams[i].from)] = (uint32_t)i + 1;
}

uint32_t log_wait_stream(struct log_wait *w, const char *service, const char *environment,
			 const char *instance)
{
	struct log_instance from = {service, environment, instance};
	uint32_t b = bucket_of(w, &from);
	if (w->buckets[b])
		return w->buckets[b] - 1;
	if (w->n_streams == w->cap_streams) {
		w->cap_streams = w->cap_streams ? w->cap_streams * 2 : 16;
		w->streams = mem_grow(w->streams, w->cap_streams, sizeof(*w->streams));
	}
	from = (struct log_instance){mem_dup(service), mem_dup(environment), mem_dup(instance)};
	w->streams[w->n_streams++] = (struct log_stream){.from = from, .key = INT64_MIN};
	w->buckets[b] = (uint32_t)w->n_streams;
	if (w->n_streams * 2 > w->n_buckets)
		grow_buckets(w);
	return (uint32_t)w->n_streams - 1;
}

struct log_stream *log_wait_stream_at(struct log_wait *w, uint32_t stream)
{
	return &w->streams[stream];
}

const struct log_instance *log_wait_instance(const struct log_wait *w, uint32_t stream)
{
	return &w->streams[stream].from;
}

size_t log_wait_streams(const struct log_wait *w)
{
	return w->n_streams;
}

/* Lines. */

static int compare(const struct log_waiting *a, const struct log_waiting *b)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_any(const void *a, const void *b)
{
	return compare(a, b);
}

/* A line is not sorted before the one that came before it on its stream, unless the stream's clock jumped
 * back. */
static int64_t key_of(const struct log_wait *w, const struct log_stream *s, int64_t time, bool continues)
{
	int64_t key = time;
	if (s->key != INT64_MIN && (continues || (time < s->key && time >= s->key - LOG_WAIT_MS)))
		key = s->key;
	if (w->until && key > w->until + LOG_WAIT_MS)
		key = w->until + LOG_WAIT_MS > s->key ? w->until + LOG_WAIT_MS : s->key;
	return key;
}

void log_wait_add(struct log_wait *w, uint32_t stream, int64_t time, const char *bytes, size_t len,
		  unsigned flags, bool continues)
{
	struct log_stream *s = &w->streams[stream];
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->lines = mem_grow(w->lines, w->cap, sizeof(*w->lines));
	}
	struct log_waiting *line = &w->lines[w->n++];
	*line = (struct log_waiting){
		.time = time,
		.key = key_of(w, s, time, continues),
		.order = ++w->order,
		.len = (uint32_t)len,
		.stream = stream,
		.continues = continues,
		.flags = (uint8_t)(flags | (filter_is_ascii(bytes, len) ? 0 : LOG_META_WIDE))};
	if (!continues && !(flags & LOG_META_GAP))
		s->last_head = line->order;
	line->head = continues ? s->last_head : line->order;
	s->key = line->key;
	keep_text(w, line, bytes);
	if (w->n > 1 && compare(line - 1, line) > 0)
		w->is_sorted = false;
}

const struct log_waiting *log_wait_head(const struct log_wait *w, uint32_t stream)
{
	uint64_t order = w->streams[stream].last_head;
	for (size_t i = w->n; i > 0 && w->n - i < HEAD_LOOK; i--)
		if (w->lines[i - 1].order == order)
			return &w->lines[i - 1];
	return NULL;
}

/* What is left moves to the front. A burst's memory is not kept for the quiet after it. */
static void keep_rest(struct log_wait *w, size_t from)
{
	w->n -= from;
	memmove(w->lines, w->lines + from, w->n * sizeof(*w->lines));
	if (w->n || w->cap <= ROOM_LINES_KEPT)
		return;
	free(w->lines);
	w->lines = NULL;
	w->cap = 0;
}

size_t log_wait_settle(struct log_wait *w, int64_t until,
		       void (*place)(const struct log_waiting *, struct log_stream *, void *arg), void *arg)
{
	if (!w->is_sorted)
		qsort(w->lines, w->n, sizeof(*w->lines), compare_any);
	w->is_sorted = true;
	size_t forced = w->n > LOG_WAIT_LINES ? w->n - LOG_WAIT_LINES : 0, i = 0;
	for (; i < w->n && (i < forced || w->lines[i].key <= until); i++) {
		const struct log_waiting *line = &w->lines[i];
		place(line, &w->streams[line->stream], arg);
		drop_text(w, line);
	}
	if (i)
		keep_rest(w, i);
	if (until != INT64_MAX && until > w->until)
		w->until = until;
	return i;
}

size_t log_wait_bytes(const struct log_wait *w)
{
	return w->bytes + w->cap * sizeof(*w->lines);
}

size_t log_wait_count(const struct log_wait *w)
{
	return w->n;
}

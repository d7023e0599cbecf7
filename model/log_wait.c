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
#define ROOM_KEPT (1024 * 1024)
#define ROOM_LINES_KEPT 8192

struct log_wait {
	struct log_waiting *lines;
	size_t n, cap;
	struct str bytes;
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

void log_wait_clear(struct log_wait *w)
{
	w->n = 0;
	w->is_sorted = true;
	str_reset(&w->bytes);
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
	free(w->lines);
	str_finish(&w->bytes);
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
		.at = w->bytes.len,
		.len = (uint32_t)len,
		.stream = stream,
		.continues = continues,
		.flags = (uint8_t)(flags | (filter_is_ascii(bytes, len) ? 0 : LOG_META_WIDE))};
	if (!continues && !(flags & LOG_META_GAP))
		s->last_head = line->order;
	line->head = continues ? s->last_head : line->order;
	s->key = line->key;
	str_addn(&w->bytes, bytes, len);
	for (char *p = w->bytes.s + line->at; (p = memchr(p, '\n', (size_t)(w->bytes.s + w->bytes.len - p)));
	     p++)
		*p = ' ';
	if (w->n > 1 && compare(line - 1, line) > 0)
		w->is_sorted = false;
}

const struct log_waiting *log_wait_head(const struct log_wait *w, uint32_t stream, const char **bytes)
{
	uint64_t order = w->streams[stream].last_head;
	for (size_t i = w->n; i > 0 && w->n - i < HEAD_LOOK; i--) {
		if (w->lines[i - 1].order != order)
			continue;
		*bytes = w->bytes.s + w->lines[i - 1].at;
		return &w->lines[i - 1];
	}
	return NULL;
}

/* What is left moves to the front, and so do its bytes. */
static void keep_rest(struct log_wait *w, size_t from)
{
	struct str rest = {0};
	for (size_t i = from; i < w->n; i++) {
		struct log_waiting *to = &w->lines[i - from];
		*to = w->lines[i];
		size_t at = rest.len;
		str_addn(&rest, w->bytes.s + to->at, to->len);
		to->at = at;
	}
	w->n -= from;
	str_finish(&w->bytes);
	w->bytes = rest;
}

/* A burst's memory is not kept for the quiet after it. */
static void empty_room(struct log_wait *w)
{
	w->n = 0;
	str_reset(&w->bytes);
	if (w->bytes.cap > ROOM_KEPT)
		str_finish(&w->bytes);
	if (w->cap > ROOM_LINES_KEPT) {
		free(w->lines);
		w->lines = NULL;
		w->cap = 0;
	}
}

size_t log_wait_settle(struct log_wait *w, int64_t until,
		       void (*place)(const struct log_waiting *, const char *bytes, struct log_stream *,
				     void *arg),
		       void *arg)
{
	if (!w->is_sorted)
		qsort(w->lines, w->n, sizeof(*w->lines), compare_any);
	w->is_sorted = true;
	size_t forced = w->n > LOG_WAIT_LINES ? w->n - LOG_WAIT_LINES : 0, i = 0;
	for (; i < w->n && (i < forced || w->lines[i].key <= until); i++) {
		const struct log_waiting *line = &w->lines[i];
		place(line, w->bytes.s + line->at, &w->streams[line->stream], arg);
	}
	if (i == w->n) {
		empty_room(w);
	} else if (i) {
		keep_rest(w, i);
	}
	if (until != INT64_MAX && until > w->until)
		w->until = until;
	return i;
}

size_t log_wait_bytes(const struct log_wait *w)
{
	return w->bytes.cap + w->cap * sizeof(*w->lines);
}

size_t log_wait_count(const struct log_wait *w)
{
	return w->n;
}

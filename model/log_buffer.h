/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_BUFFER_H
#define MODEL_LOG_BUFFER_H
/*
 * Log lines of many instances, merged by time, bounded. Lines are copied in as bytes; level, JSON and fields
 * are read when a line is shown (model/log_text).
 *
 * Lines arrive by log_buffer_add() into a waiting room and are given their place by log_buffer_settle(): all
 * that are not newer than a time, in the order of their times, so that instances whose streams arrive a
 * little apart interleave rightly. A line that comes later than that is put at the end: what was shown never
 * moves. A stack trace stays together: its lines follow their head, and share its level and its fate under a
 * filter.
 *
 * Settled lines are numbered from 0 and keep their number. The oldest are evicted by whole blocks when a
 * ceiling is reached; the buffer counts them. One thread. No clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/log_text.h"

struct log_buffer;
struct str;

#define LOG_BUFFER_LINE_MAX 65536 /* bytes of a line; the rest is cut off and the line marked */
#define LOG_BUFFER_BLOCK (256 * 1024)
#define LOG_BUFFER_GROUP_MAX 2000 /* lines of one stack trace; more begin anew */

struct log_limits {
	size_t bytes, lines; /* 0: 64 MiB, 1,000,000 */
};
struct log_buffer *log_buffer_new(const struct log_limits *); /* NULL: the defaults */
void log_buffer_free(struct log_buffer *);
void log_buffer_clear(struct log_buffer *); /* numbers go on */

/* The number by which lines name their instance; the same three texts give the same number. Texts are copied.
 */
uint32_t log_buffer_instance(struct log_buffer *, const char *service, const char *environment,
			     const char *instance);
struct log_instance {
	const char *service, *environment, *instance; /* NULL when unsaid */
};
const struct log_instance *log_buffer_instance_at(const struct log_buffer *, uint32_t number);
size_t log_buffer_instances(const struct log_buffer *);

/* One line without its line feed; one inside of it becomes a blank. Bytes are copied. */
void log_buffer_add(struct log_buffer *, uint32_t instance, int64_t time, const char *bytes, size_t len);
/* A line of ours among them: a gap, an exit, an eviction at the source. Filters let it pass. */
void log_buffer_add_gap(struct log_buffer *, uint32_t instance, int64_t time, const char *text);
/* Places waiting lines with time <= until. INT64_MAX places all. Returns how many. */
size_t log_buffer_settle(struct log_buffer *, int64_t until);

uint64_t log_buffer_first(const struct log_buffer *);   /* number of the oldest line kept */
uint64_t log_buffer_end(const struct log_buffer *);     /* one past the newest */
uint64_t log_buffer_evicted(const struct log_buffer *); /* lines dropped for the ceilings */
size_t log_buffer_bytes(const struct log_buffer *);
size_t log_buffer_waiting(const struct log_buffer *);

struct log_entry {
	uint64_t number, head; /* head == number unless the line continues another */
	int64_t time;
	uint32_t instance;
	const char *text; /* borrowed until the next settle or clear; ends with '\n' at text[len] */
	size_t len;
	bool is_gap, is_cut, is_marked;
};
bool log_buffer_entry(const struct log_buffer *, uint64_t number, struct log_entry *); /* false: not kept */
/* Level of the line's head, read once and remembered. */
enum log_level log_buffer_level(struct log_buffer *, uint64_t number);
/* The first line not older than time; log_buffer_end() when all are older. */
uint64_t log_buffer_since(const struct log_buffer *, int64_t time);
/* A mark on a line, as a person sets it. */
void log_buffer_mark(struct log_buffer *, uint64_t number, bool is_marked);
/* Appends "TIME SERVICE/INSTANCE TEXT\n" (RFC 3339 UTC), masked for a terminal. */
void log_buffer_export(const struct log_buffer *, uint64_t number, struct str *out);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_WAIT_H
#define MODEL_LOG_WAIT_H
/*
 * The waiting room of a log buffer: lines that came and have no place yet, and the streams they came from.
 * Lines of one stream keep the order in which they came, whatever their times say. A stream whose clock runs
 * ahead is held for LOG_WAIT_MS at most. Of model/log_buffer only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/log_buffer.h"
#include "model/log_group.h"

#define LOG_WAIT_MS 2000
#define LOG_WAIT_LINES 65536 /* more waiting lines than that are placed at once */

struct log_bytes;
struct log_waiting {
	int64_t key;          /* time it is sorted by */
	uint64_t head, order; /* arrival number of its head, and its own */
	int64_t time;
	const char *text;       /* len bytes, no newline among them, no NUL after them */
	struct log_bytes *home; /* whose memory they are in */
	uint32_t len, stream;
	uint8_t flags;
	bool continues;
};
struct log_stream {
	struct log_instance from;
	struct log_trace trace;
	bool has_head; /* a settled one */
	uint64_t head;
	int64_t key;        /* of its last line */
	uint64_t last_head; /* arrival number of its last head */
};

struct log_wait;
struct log_wait *log_wait_new(void);
void log_wait_free(struct log_wait *);
void log_wait_clear(struct log_wait *); /* lines; streams stay */
uint32_t log_wait_stream(struct log_wait *, const char *service, const char *environment,
			 const char *instance);
struct log_stream *log_wait_stream_at(struct log_wait *, uint32_t stream);
const struct log_instance *log_wait_instance(const struct log_wait *, uint32_t stream);
size_t log_wait_streams(const struct log_wait *);
void log_wait_add(struct log_wait *, uint32_t stream, int64_t time, const char *bytes, size_t len,
		  unsigned flags, bool continues);
/* The last head of a stream while it waits, else NULL. Until the next call that adds or settles. */
const struct log_waiting *log_wait_head(const struct log_wait *, uint32_t stream);
/* Hands over lines in order; returns how many. A line's text is gone when place returns. */
size_t log_wait_settle(struct log_wait *, int64_t until,
		       void (*place)(const struct log_waiting *, struct log_stream *, void *arg), void *arg);
size_t log_wait_bytes(const struct log_wait *); /* of memory */
size_t log_wait_count(const struct log_wait *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_LOG_TAIL_H
#define PLATFORM_LOG_TAIL_H
/*
 * The log of one slot, read forward; what log_read merges. A position names the next byte and how many index
 * entries were passed, so that a mark and the line before it at the same offset stay apart.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "platform/log_read.h"

struct log_position {
	uint64_t n;     /* of raw.N; 0: before the oldest */
	uint64_t at;    /* offset */
	uint64_t entry; /* of index.N, the first not passed */
};

struct log_tail;
struct log_tail *log_tail_new(const struct place *, const char *id, struct err *err);
void log_tail_free(struct log_tail *);
/* The next line; its texts are borrowed until the next call. False: none now. */
bool log_tail_next(struct log_tail *, struct slot_line *);
/* Just behind the line told last. */
struct log_position log_tail_position(const struct log_tail *);
void log_tail_seek(struct log_tail *, struct log_position);
void log_tail_seek_since(struct log_tail *, int64_t wall_ms);
/* To where at least `lines` whole lines follow, or to the oldest. */
void log_tail_seek_last(struct log_tail *, size_t lines);
#endif

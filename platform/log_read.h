/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_LOG_READ_H
#define PLATFORM_LOG_READ_H
/*
 * Reading the logs of slots (slot_log.h): lines in order, from a time, a count or a cursor on, and then what
 * comes. Holds no lock and writes nothing: any number of readers, in any process that can read the files. One
 * thread per reader.
 *
 * A line is told when its newline, or the start or the exit of an instance after it, is there. It carries the
 * time when its first byte was taken. Lines end at \n; what they hold is the service's: any bytes, NUL too.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "platform/place.h"

#define LOG_LINE_MAX 65536 /* a longer line is told in pieces, all but the last with is_cut */

enum log_line_kind {
	LOG_TEXT,
	LOG_START, /* an instance started */
	LOG_EXIT,  /* it ended; value: status, -1 not seen */
	LOG_GAP,   /* lines were rotated away before they were read */
};

struct slot_line {
	enum log_line_kind kind;
	int64_t time;      /* wall ms */
	const char *slot;  /* borrowed from the reader */
	const char *text;  /* borrowed until the next call; text[len] is NUL; "" unless LOG_TEXT */
	size_t len;
	bool is_cut;       /* the line goes on in the next one of this slot */
	int32_t value;
};

/* Several slots merged by time (ties: by name of slot). Order holds within what is there when
 * log_read_next() is called. */
struct log_read;
struct log_read *log_read_new(const struct place *);
void log_read_free(struct log_read *);
/* Adds a slot, at its oldest line. Adding it twice does nothing. A slot without a log yet is fine;
 * without a folder it is ERR_NOT_FOUND. */
bool log_read_add(struct log_read *, const char *id, struct err *err);

/* Where to go on; each sets all slots added so far. Without one of them reading begins at the oldest line. */
void log_read_since(struct log_read *, int64_t wall_ms);
/* So that exactly `lines` LOG_TEXT lines of what is there are left, or all when there are fewer. */
void log_read_tail(struct log_read *, size_t lines);
/* Slots that the cursor does not name stay where they are. ERR_USAGE: not a cursor. */
bool log_read_seek(struct log_read *, const char *cursor, struct err *err);
/* Just behind the last line told: a text of [a-z0-9._:,-] that stays good across rotation and restarts. */
void log_read_cursor(const struct log_read *, struct str *out);

/* The next line; false: none is there now (ask again when the log grew). */
bool log_read_next(struct log_read *, struct slot_line *);
#endif

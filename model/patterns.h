/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_PATTERNS_H
#define MODEL_PATTERNS_H
/*
 * Which errors are new: lines of error level, with what varies masked out (numbers, ids, quoted texts,
 * addresses), counted before and after a time. Streaming; at most PATTERNS_MAX patterns are kept, the rarest
 * gives way. Pure, one owner, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/log_text.h"

struct str;
struct patterns;

#define PATTERNS_MAX 512
#define PATTERNS_BYTES 200 /* of a pattern; the rest of a longer line is not looked at */

struct patterns_window {
	int64_t from, onset, to; /* lines outside [from, to] do not count */
};
struct patterns *patterns_new(const struct patterns_window *);
void patterns_free(struct patterns *);
/* One line (the head of a stack trace, or its last line). Below error level it does not count. */
void patterns_add(struct patterns *, int64_t time, const char *line, size_t len);
/* The same when the level is known. */
void patterns_add_level(struct patterns *, int64_t time, enum log_level, const char *line, size_t len);

struct pattern {
	const char
		*text; /* masked: "cannot parse amount <s>: <n> decimals"; borrowed until patterns_free() */
	const char *example; /* one line as it was, cut */
	uint64_t before, after;
	int64_t first_seen; /* after the onset */
	bool is_new;        /* not seen before the onset */
};
/* Those that are new or came at three times their rate before and more, the strongest first. Returns how
 * many. */
size_t patterns_rank(const struct patterns *, struct pattern *out, size_t most);
/* "new since onset, 34 times: TEXT" or "6 times as often as before (120, was 20): TEXT". */
void patterns_sentence(const struct patterns *, const struct pattern *, struct str *out);
uint64_t patterns_forgotten(const struct patterns *); /* lines whose pattern had to give way */
/* The mask by itself: at most size - 1 bytes. */
void patterns_mask(const char *line, size_t len, char *out, size_t size);
#endif

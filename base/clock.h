/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
/*
 * Time. Wall time is milliseconds since 1970 UTC; 0 stands for "absent". Monotonic time never jumps and is
 * for every wait, back-off and age of ours. FAIRWAY_NOW=RFC3339 freezes the wall clock (tests). Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
#define CLOCK_TEXT 32 /* room for any text made here */
/* "2026-08-01T10:00:00.123Z"; "?" outside of the years 0 to 9999 */
void clock_rfc3339(int64_t wall_ms, char out[CLOCK_TEXT]);
/* RFC 3339 with Z or an offset, fraction of any length. */
bool clock_parse_rfc3339(const char *text, int64_t *wall_ms);
/* "10m", "1h30m", "45s", "250ms", "2d"; a bare number is refused. Not negative. */
bool clock_parse_duration(const char *text, int64_t *ms);
/* The other way round, in the largest unit that holds it exactly: "5m", "90s", "250ms", "0s". */
void clock_duration(int64_t ms, char out[CLOCK_TEXT]);
/* A point in the past: an age before now ("10m", "-10m") or a time (RFC 3339). */
bool clock_parse_since(const char *text, int64_t now_wall, int64_t *wall_ms);
/* The one way ages are told: "0s" … "59s", "12m", "3h", "2d". Negative counts as 0. */
void clock_age(int64_t ms, char out[CLOCK_TEXT]);
int64_t clock_age_unit(int64_t ms); /* of what clock_age() makes of it, in ms: 1000 for seconds, … */
/* A span told exactly: "41s", "2m 05s", "1h 02m". */
void clock_span(int64_t ms, char out[CLOCK_TEXT]);
#endif

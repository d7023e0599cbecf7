/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
/*
 * Text that came from outside, made fit for a terminal, a table or JSON: the one masking function of both
 * boundaries (the canvas, every output). Any thread, once utf8_start_locale() was called.
 *
 * Unsafe: C0 but newline and tab, DEL, C1, bidirectional controls, everything of no width that is not a
 * combining mark, line and paragraph separators, unassigned code points, invalid UTF-8 (each byte by
 * itself), the fifth and later combining mark of a cell, and what utf8proc and wcwidth(3) differ on, for
 * there the terminal and we would disagree about columns (5,282 of 149,219 code points on Debian 12).
 * An emoji sequence (joiners, skin tones, variation selectors) shows its first code point.
 * Lengths are bytes, widths are columns. Pure ASCII takes a short way everywhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

/* setlocale(LC_CTYPE) from the environment, or C.UTF-8 where that is not UTF-8, so that widths are known
 * either way. Once, by main, before any thread. Returns whether the user's locale is UTF-8. */
bool utf8_start_locale(void);

#define UTF8_BAD 0xFFFFFFFFu
/* Reads one code point of s[0..len), len > 0. Returns its bytes. An invalid, overlong or surrogate sequence
 * gives UTF8_BAD and 1. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
/* Writes cp (a valid one) to out, returns its bytes, 1 to 4. No NUL. */
size_t utf8_encode(uint32_t cp, char out[4]);

#define UTF8_MARKS 4 /* combining marks kept on a cell */
struct utf8_cell {           /* what one position of a terminal shows */
	uint32_t cp[1 + UTF8_MARKS]; /* base and marks, 0-terminated when fewer */
	uint8_t width;       /* 1 or 2 columns */
	bool is_masked;      /* it stands for something unsafe; cp is '?' (or ' ' for newline and tab) */
};
/* Reads one cell of s[0..len), len > 0; always safe to draw. Returns the bytes it stands for. */
size_t utf8_next(const char *s, size_t len, struct utf8_cell *cell);

/* Nothing in it would be masked (newline and tab are fine): what a runbook step must be to run. */
bool utf8_is_safe(const char *s, size_t len);

enum utf8_lines { UTF8_ONE_LINE, UTF8_KEEP_LINES }; /* newline and tab become a space, or stay */
/* Appends s with everything unsafe as '?'. */
void utf8_mask(struct str *out, const char *s, size_t len, enum utf8_lines lines);
/* Appends s as the inside of a JSON string (RFC 8259): quotes, backslashes and C0 escaped, everything
 * unsafe as \uXXXX (pairs above U+FFFF), an invalid byte as \ufffd. The quotes around it are the caller's. */
void utf8_json(struct str *out, const char *s, size_t len);

/* The same for JSON that is printed already: its quotes, backslashes and line breaks stay. */
void utf8_json_printed(struct str *out, const char *s, size_t len);

/* Columns that s takes on one line, as utf8_next() draws it. */
size_t utf8_width(const char *s, size_t len);
/* The bytes of the longest start of s that fits in columns; *used, when wanted, gets its columns. */
size_t utf8_clip(const char *s, size_t len, size_t columns, size_t *used);
enum utf8_align { UTF8_LEFT, UTF8_RIGHT };
/* Appends s masked on one line, cut with "…" when it is wider, padded with spaces to exactly columns. */
void utf8_fit(struct str *out, const char *s, size_t columns, enum utf8_align align);
/* Appends s masked on one line, cut with "…" at columns, not padded. */
void utf8_cut(struct str *out, const char *s, size_t columns);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_DOC_H
#define TUI_DOC_H
/*
 * A text of styled lines, built once and then shown by a pager or a dialog: help, a runbook, a diff, a
 * plan. It copies all text. Append only. Lines are numbered from 0. UI thread (or any one owner).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "tui/style.h"

struct doc_span {
	uint32_t at, len; /* bytes of the text */
	uint32_t style;   /* enum style */
};
struct doc_line {
	uint32_t span, n_spans;
	uint32_t at, len;   /* the whole line's bytes */
	uint16_t hang;      /* columns by which wrapped parts are indented */
	bool is_preformatted; /* cut at the edge, not wrapped at words: code, tables */
	bool is_filled;     /* its last style fills the rest of the line: code blocks */
	int32_t tag;        /* the builder's own: number of a step, a section; 0 */
};
struct doc { /* all zero is empty */
	struct str text;
	struct doc_span *spans;
	struct doc_line *lines;
	size_t n_spans, cap_spans, n_lines, cap_lines;
	bool is_open; /* the last line takes more */
};
void doc_finish(struct doc *);
void doc_reset(struct doc *);
/* Adds to the line that is open; '\n' in it ends lines. NULL adds nothing. */
void doc_add(struct doc *, enum style, const char *utf8);
void doc_add_n(struct doc *, enum style, const char *utf8, size_t len);
void doc_addf(struct doc *, enum style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void doc_newline(struct doc *); /* ends the open line; a blank line when none is open */
/* One whole line. */
void doc_line(struct doc *, enum style, const char *utf8);
void doc_linef(struct doc *, enum style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Properties of the open or the next line. */
void doc_hang(struct doc *, int columns);
void doc_preformatted(struct doc *, bool is_filled);
void doc_tag(struct doc *, int tag);
/* Lines of a unified diff, each in its style. */
void doc_diff(struct doc *, const char *diff);
/* The plain text of a line. Borrowed, not NUL-terminated. */
const char *doc_text(const struct doc *, size_t line, size_t *len);
#endif

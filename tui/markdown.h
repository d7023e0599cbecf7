/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_MARKDOWN_H
#define TUI_MARKDOWN_H
/*
 * Markdown (GitHub's dialect by cmark-gfm: tables, strike-through, task lists) to styled lines.
 * Raw HTML is shown as text. Links show their address behind them. Ceilings are checked before the parser
 * sees a byte, since a table of 16 kB costs cmark-gfm 0.29 seconds and a gigabyte. UI thread.
 */
#include <stdbool.h>
#include <stddef.h>

struct doc;
struct err;

#define MARKDOWN_BYTES_MAX (256 * 1024)
#define MARKDOWN_CELLS_MAX 20000 /* rows x columns of what may be a table */

struct markdown_block { /* a fenced code block, in the order of the text */
	const char *info;  /* words behind the fence: "sh {run}"; "" */
	const char *code;  /* raw content, not masked */
	size_t len;
	int number;        /* from 1; lines of it in the doc have this tag */
};
/* Appends text to doc. on_block, unless NULL, is told of each fenced code block; its strings live during
 * the call. ERR_REFUSED above a ceiling, naming it: show the text as it is then (doc_line). */
bool markdown_render(struct doc *, const char *text, size_t len,
                     void (*on_block)(const struct markdown_block *, void *arg), void *arg, struct err *);
#endif

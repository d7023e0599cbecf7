/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_SHEET_H
#define TUI_SHEET_H
/*
 * A sheet: a list with columns: a header line, widths shared out (layout.h), the first columns frozen
 * while the others pan, and a mark of the scroll position at the right edge. Columns that do not fit are
 * left out from the right; a "›" in the header says so. Cells come from a callback. UI thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/list.h"

#define SHEET_COLUMNS_MAX 24

struct sheet_column {
	const char *title; /* borrowed for the table's life; masked like all text */
	int min, ideal;    /* columns of the screen; ideal 0: min */
	int weight;        /* share of what is left */
	enum utf8_align align; /* of the title; cells align themselves or use sheet_text() */
};
struct sheet_source {
	struct list_source rows; /* draw is not used */
	/* Draws one cell into a canvas of one line and the column's width. rows.arg is handed over. */
	void (*cell)(const struct canvas *cell, size_t index, size_t column, bool is_selected, void *arg);
};
struct sheet {
	struct list list;
	struct sheet_source source;
	struct sheet_column columns[SHEET_COLUMNS_MAX];
	size_t n_columns;
	size_t frozen;  /* first columns that never pan, usually 1 or 2 */
	size_t pan;     /* columns after the frozen ones that are scrolled away */
	int chosen;     /* column drawn as the chosen cell's (a matrix), -1 none; kept in sight */
	bool is_headless;
	int gap;        /* blanks between columns, 1 unless set */
	struct {        /* result of the last draw */
		int x, width;
	} placed[SHEET_COLUMNS_MAX]; /* width 0: not shown */
	int drawn_y, drawn_x;
};
/* Do not move the struct afterwards. Copies the columns (at most SHEET_COLUMNS_MAX; more is a mistake of
 * ours). frozen 1, chosen -1. */
void sheet_init(struct sheet *, const struct sheet_source *, const struct sheet_column *, size_t n);
/* Other columns for the same rows (environments came). */
void sheet_set_columns(struct sheet *, const struct sheet_column *, size_t n);
void sheet_draw(struct sheet *, const struct canvas *);
/* A text in a cell by the column's alignment: what most cells do. */
void sheet_text(const struct canvas *cell, enum style, enum utf8_align, const char *utf8);
/* list_command(), and "cell-left" and "cell-right", which pan. A view whose table has a chosen column calls
 * sheet_choose() for these two itself. */
bool sheet_command(struct sheet *, const char *command);
bool sheet_pan(struct sheet *, int by);    /* whether it moved */
bool sheet_choose(struct sheet *, int by, size_t first_choice); /* moves chosen, not left of first_choice */
/* As list_key(); *column gets the column clicked, or -1. */
bool sheet_key(struct sheet *, const struct key *, bool *is_hit, int *column);
#endif

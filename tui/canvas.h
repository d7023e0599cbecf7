/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H
/*
 * The drawing surface. A grid holds the cells of one frame; a canvas is a rectangle of it, a value to be
 * copied and passed on. Coordinates are the canvas's own, (y, x) from 0; everything outside is clipped, so
 * that callers need no checks and a canvas of no size is fine. All text is masked (base/utf8.h): outside
 * text goes in as it is. UI thread. Nothing here touches a terminal: tests draw into a grid of their own
 * and read it back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"
#include "tui/style.h"

struct str;

struct cell {
	uint32_t cp[1 + UTF8_MARKS]; /* cp[0] 0: the right half of the wide cell before */
	uint8_t style;               /* enum style */
	uint8_t width;               /* 0, 1, 2 */
};
struct grid {
	int rows, columns;
	bool is_ascii;       /* signs and lines by their ASCII stand-ins, other non-ASCII as '?' */
	int cursor_y, cursor_x; /* where the terminal's cursor is shown; -1 hides it */
	struct cell *cells;  /* rows * columns, owned */
};
void grid_init(struct grid *, int rows, int columns);
void grid_resize(struct grid *, int rows, int columns); /* blank after */
void grid_clear(struct grid *);                         /* blank, cursor hidden */
void grid_finish(struct grid *);
/* Appends the text of one row, trailing spaces cut: for tests and copies of the screen. */
void grid_row(const struct grid *, int y, struct str *out);

struct canvas {
	struct grid *grid;  /* borrowed */
	int y, x;           /* place in the grid */
	int rows, columns;
	enum style over;    /* unless STYLE_TEXT: takes the place of every style drawn (a selected row) */
};
struct canvas canvas_of(struct grid *); /* all of it */
/* The part of c at (y, x) of that size, cut where c ends. */
struct canvas canvas_sub(const struct canvas *c, int y, int x, int rows, int columns);

/* Draw one line of text at (y, x); newline and tab show as a space. Return the column after the text,
 * which may be right of the canvas. x may be negative: the text is cut at the left edge (panning). */
int canvas_text(const struct canvas *, int y, int x, enum style, const char *utf8);
int canvas_text_n(const struct canvas *, int y, int x, enum style, const char *utf8, size_t len);
int canvas_textf(const struct canvas *, int y, int x, enum style, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same in a field of columns: cut with "…" when wider, aligned, the rest of the field blank. */
void canvas_field(const struct canvas *, int y, int x, int columns, enum style, enum utf8_align,
                  const char *utf8);
/* Ends at column x_end (exclusive). Returns the column where it starts. */
int canvas_text_right(const struct canvas *, int y, int x_end, enum style, const char *utf8);
/* One cell. cp of width 2 takes two. */
void canvas_put(const struct canvas *, int y, int x, enum style, uint32_t cp);
void canvas_fill(const struct canvas *, int y, int x, int rows, int columns, enum style, uint32_t cp);
void canvas_clear(const struct canvas *); /* blanks, in the style of `over` */
/* Changes the style of what is drawn already. */
void canvas_restyle(const struct canvas *, int y, int x, int rows, int columns, enum style);
void canvas_hline(const struct canvas *, int y, int x, int columns, enum style);
void canvas_vline(const struct canvas *, int y, int x, int rows, enum style);
/* Shows the terminal's cursor there (the last call of a frame wins). Ignored outside of the canvas. */
void canvas_cursor(const struct canvas *, int y, int x);

struct canvas_box {
	const char *title;   /* top left, NULL for none */
	const char *right;   /* top right: an age, a count; NULL */
	const char *bottom;  /* bottom right: "12/340"; NULL */
	enum style right_style; /* STYLE_TEXT: that of the title */
	bool is_focused;
};
/* Draws a border along the edge and returns the inside. Where boxes touch, share the line with
 * canvas_box_joined(): borders that meet become ┬ ├ ┼ and so on. */
struct canvas canvas_box(const struct canvas *, const struct canvas_box *);
struct canvas canvas_box_joined(const struct canvas *, const struct canvas_box *);
#endif

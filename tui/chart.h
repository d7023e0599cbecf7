/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_CHART_H
#define TUI_CHART_H
/*
 * Lines over time in braille dots (2x4 a cell), or ASCII where the grid is ASCII: labelled value axis,
 * time axis, a threshold, vertical marks (deploys). A gap in the data is a gap in the line: never drawn
 * across. Pure drawing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct chart_point {
	int64_t at_ms;
	double value; /* NAN: known to be missing */
};
struct chart_series {
	const struct chart_point *points; /* by time, borrowed */
	size_t n;
	enum style style;
	const char *name; /* NULL: not named */
};
struct chart_mark {
	int64_t at_ms;
	const char *label; /* "1.9.2"; NULL */
	enum style style;  /* STYLE_VERTICAL unless it says more */
};
struct chart {
	const struct chart_series *series;
	size_t n_series;
	const struct chart_mark *marks;
	size_t n_marks;
	int64_t from_ms, to_ms;   /* the time shown */
	int64_t gap_ms;           /* points farther apart are not joined; 0: always joined */
	double threshold;         /* NAN: none */
	const char *unit;         /* "%", "ms", NULL */
	bool is_area;             /* filled below the first series */
	bool is_from_zero;        /* the value axis starts at 0 */
	/* Text of an instant for the time axis; NULL: "-10m" before to_ms. */
	void (*time_text)(int64_t at_ms, char *out, size_t size, void *arg);
	void *arg;
};
void chart_draw(const struct canvas *, const struct chart *);
/* One line of ▁▂▃▄▅▆▇█, the newest at the right; NAN is a blank. max NAN: the greatest of the values. */
void chart_sparkline(const struct canvas *, int y, int x, int columns, enum style, const double *values,
                     size_t n, double max);
/* ▓▓▓░░ of done/total in columns; the colours tell nothing the text beside it does not. */
void chart_bar(const struct canvas *, int y, int x, int columns, enum style, double done, double total);
/* A value with three digits at most and an SI suffix: "1.2k", "0.04", "980". The unit "ratio" is told in percent. */
void chart_number(double value, const char *unit, char *out, size_t size);
#endif

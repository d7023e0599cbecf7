/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define DOTS_X 2 /* of a braille cell, Unicode 11.0 ch. 21.1 */
#define DOTS_Y 4
#define BRAILLE 0x2800
#define LABEL_ROWS 3 /* of marks */
#define AXIS_WIDTH 7
#define MARK 0x250A /* ┊ */
#define THRESHOLD 0x2504 /* ┄ */

static const uint8_t dots[DOTS_Y][DOTS_X] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

struct plot {
	const struct chart *chart;
	struct canvas area;
	double low, high;
	uint8_t *bits, *styles; /* one a cell */
	int width, height;      /* in dots */
};

void chart_number(double value, const char *unit, char *out, size_t size)
{
	static const struct {
		double from;
		const char *suffix;
	} scales[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
	const char *suffix = "";
	if (unit && strcmp(unit, "ratio") == 0) {
		value *= 100;
		unit = "%";
	}
	double magnitude = fabs(value);
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		if (magnitude >= scales[i].from) {
			value /= scales[i].from;
			magnitude = fabs(value);
			suffix = scales[i].suffix;
			break;
		}
	}
	int digits = magnitude >= 99.95 || magnitude == floor(magnitude) ? 0 : magnitude >= 1 ? 1 : 2;
	if (isnan(value))
		str_copy(out, size, "-");
	else
		snprintf(out, size, "%.*f%s%s", digits, value, suffix, unit ? unit : "");
}

static void widen(struct plot *p, double value)
{
	if (!isfinite(value))
		return;
	p->low = value < p->low || isnan(p->low) ? value : p->low;
	p->high = value > p->high || isnan(p->high) ? value : p->high;
}

/* A round number at or above: 1, 2, 2.5, 5 times a power of ten. */
static double round_up(double value)
{
	static const double steps[] = {1, 2, 2.5, 5, 10};
	if (value <= 0)
		return value;
	double power = pow(10, floor(log10(value)));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (value <= steps[i] * power * (1 + 1e-9))
			return steps[i] * power;
	return value;
}

static void find_range(struct plot *p)
{
	const struct chart *chart = p->chart;
	p->low = p->high = NAN;
	for (size_t i = 0; i < chart->n_series; i++) {
		const struct chart_series *s = &chart->series[i];
		for (size_t j = 0; j < s->n; j++)
			if (s->points[j].at_ms >= chart->from_ms && s->points[j].at_ms <= chart->to_ms)
				widen(p, s->points[j].value);
	}
	if (isnan(p->low))
		return;
	widen(p, chart->threshold);
	if (chart->is_from_zero)
		widen(p, 0);
	if (p->low >= 0)
		p->high = round_up(p->high);
	if (p->high - p->low <= 0)
		p->high = p->low + 1;
}

static int dot_x(const struct plot *p, int64_t at_ms)
{
	double span = (double)(p->chart->to_ms - p->chart->from_ms);
	return (int)lround((double)(at_ms - p->chart->from_ms) / span * (p->width - 1));
}

static int dot_y(const struct plot *p, double value)
{
	return (int)lround((p->high - value) / (p->high - p->low) * (p->height - 1));
}

static void set_dot(struct plot *p, int x, int y, enum style style)
{
	if (x < 0 || y < 0 || x >= p->width || y >= p->height)
		return;
	int cell = y / DOTS_Y * p->area.columns + x / DOTS_X;
	p->bits[cell] |= dots[y % DOTS_Y][x % DOTS_X];
	p->styles[cell] = (uint8_t)style;
}

static void draw_line(struct plot *p, int x0, int y0, int x1, int y1, enum style style)
{
	int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
	for (int i = 0; i <= steps; i++)
		set_dot(p, x0 + (steps ? (x1 - x0) * i / steps : 0), y0 + (steps ? (y1 - y0) * i / steps : 0),
			style);
}

static void fill_below(struct plot *p, int x0, int y0, int x1, int y1, enum style style)
{
	for (int x = x0; x <= x1; x++) {
		int top = x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y0;
		for (int y = top; y < p->height; y++)
			set_dot(p, x, y, style);
	}
}

static void draw_series(struct plot *p, const struct chart_series *s, bool is_area)
{
	const struct chart_point *last = NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct chart_point *at = &s->points[i];
		if (!isfinite(at->value) || at->at_ms < p->chart->from_ms || at->at_ms > p->chart->to_ms) {
			last = NULL;
			continue;
		}
		bool is_joined =
			last && (p->chart->gap_ms == 0 || at->at_ms - last->at_ms <= p->chart->gap_ms);
		const struct chart_point *from = is_joined ? last : at;
		int x0 = dot_x(p, from->at_ms), y0 = dot_y(p, from->value);
		int x1 = dot_x(p, at->at_ms), y1 = dot_y(p, at->value);
		draw_line(p, x0, y0, x1, y1, s->style);
		if (is_area)
			fill_below(p, x0, y0, x1, y1, s->style);
		last = at;
	}
}

static char ascii_of(uint8_t bits)
{
	bool is_top = bits & 0x1B, is_bottom = bits & 0xE4; /* the upper and the lower two rows of dots */
	return is_top && is_bottom ? '|' : is_top ? '\'' : '.';
}

static void show_dots(const struct plot *p)
{
	for (int y = 0; y < p->area.rows; y++) {
		for (int x = 0; x < p->area.columns; x++) {
			uint8_t bits = p->bits[y * p->area.columns + x];
			enum style style = (enum style)p->styles[y * p->area.columns + x];
			if (bits)
				canvas_put(&p->area, y, x, style,
					   p->area.grid->is_ascii ? (uint32_t)ascii_of(bits)
								  : (uint32_t)(BRAILLE + bits));
		}
	}
}

static void draw_threshold(const struct plot *p)
{
	if (!isfinite(p->chart->threshold))
		return;
	int y = dot_y(p, p->chart->threshold) / DOTS_Y;
	canvas_fill(&p->area, y, 0, 1, p->area.columns, STYLE_THRESHOLD, THRESHOLD);
}

static void draw_marks(const struct plot *p)
{
	int told = 0;
	for (size_t i = 0; i < p->chart->n_marks; i++) {
		const struct chart_mark *mark = &p->chart->marks[i];
		if (mark->at_ms < p->chart->from_ms || mark->at_ms > p->chart->to_ms)
			continue;
		int x = dot_x(p, mark->at_ms) / DOTS_X;
		enum style style = mark->style ? mark->style : STYLE_VERTICAL;
		canvas_fill(&p->area, 0, x, p->area.rows, 1, style, MARK);
		if (!mark->label)
			continue;
		int width = (int)utf8_width(mark->label, strlen(mark->label));
		/* Left of its line where there is no room at its right; near marks take a row each. */
		int y = p->area.rows >= 2 * LABEL_ROWS ? told++ % LABEL_ROWS : 0;
		canvas_text(&p->area, y, x + 1 + width <= p->area.columns ? x + 1 : x - width, style,
			    mark->label);
	}
}

static void value_label(const struct canvas *c, int y, double value, const char *unit)
{
	char text[32];
	chart_number(value, unit, text, sizeof(text));
	canvas_field(c, y, 0, AXIS_WIDTH - 1, STYLE_AXIS, UTF8_RIGHT, text);
}

static void time_text(const struct chart *chart, int64_t at_ms, char *out, size_t size)
{
	if (chart->time_text) {
		chart->time_text(at_ms, out, size, chart->arg);
		return;
	}
	char age[CLOCK_TEXT];
	clock_age(chart->to_ms - at_ms, age);
	snprintf(out, size, "-%s", age);
}

static void draw_axes(const struct plot *p, const struct canvas *c)
{
	char text[48];
	int bottom = p->area.rows - 1;
	value_label(c, 0, p->high, p->chart->unit);
	if (bottom >= 4)
		value_label(c, bottom / 2, p->high - (p->high - p->low) * (bottom / 2) / bottom,
			    p->chart->unit);
	value_label(c, bottom, p->low, p->chart->unit);
	int64_t middle = p->chart->from_ms + (p->chart->to_ms - p->chart->from_ms) / 2;
	time_text(p->chart, p->chart->from_ms, text, sizeof(text));
	canvas_text(c, bottom + 1, AXIS_WIDTH, STYLE_AXIS, text);
	if (p->area.columns >= 40) {
		time_text(p->chart, middle, text, sizeof(text));
		canvas_text(c, bottom + 1, AXIS_WIDTH + p->area.columns / 2, STYLE_AXIS, text);
	}
	if (p->chart->time_text)
		time_text(p->chart, p->chart->to_ms, text, sizeof(text));
	else
		str_copy(text, sizeof(text), "now");
	canvas_text_right(c, bottom + 1, c->columns, STYLE_AXIS, text);
}

void chart_draw(const struct canvas *c, const struct chart *chart)
{
	struct plot p = {.chart = chart};
	p.area = canvas_sub(c, 0, AXIS_WIDTH, c->rows - 1, c->columns - AXIS_WIDTH);
	if (p.area.rows < 2 || p.area.columns < 4 || chart->to_ms <= chart->from_ms)
		return;
	find_range(&p);
	if (isnan(p.low)) {
		canvas_text(c, c->rows / 2, AXIS_WIDTH, STYLE_DIM, "no data in this time");
		return;
	}
	p.width = p.area.columns * DOTS_X;
	p.height = p.area.rows * DOTS_Y;
	size_t cells = (size_t)p.area.columns * (size_t)p.area.rows;
	p.bits = mem_array(cells, 1);
	p.styles = mem_array(cells, 1);
	for (size_t i = chart->n_series; i-- > 0;) /* the first one on top */
		draw_series(&p, &chart->series[i], chart->is_area && i == 0);
	draw_threshold(&p);
	draw_marks(&p);
	show_dots(&p);
	draw_axes(&p, c);
	free(p.bits);
	free(p.styles);
}

void chart_sparkline(const struct canvas *c, int y, int x, int columns, enum style style,
		     const double *values, size_t n, double max)
{
	if (isnan(max))
		for (size_t i = 0; i < n; i++)
			max = isfinite(values[i]) && !(values[i] <= max) ? values[i] : max;
	for (int i = 0; i < columns; i++) {
		size_t from_end = (size_t)(columns - i);
		if (from_end > n || !isfinite(values[n - from_end]))
			continue;
		double share = max > 0 ? values[n - from_end] / max : 0;
		int level = share <= 0 ? 0 : share >= 1 ? 7 : (int)(share * 8);
		canvas_put(c, y, x + i, style, 0x2581 + (uint32_t)level);
	}
}

void chart_bar(const struct canvas *c, int y, int x, int columns, enum style style, double done, double total)
{
	double share = total > 0 ? done / total : 0;
	int full = (int)((share < 0 ? 0 : share > 1 ? 1 : share) * columns + 0.5);
	canvas_fill(c, y, x, 1, full, style, 0x2593);
	canvas_fill(c, y, x + full, 1, columns - full, STYLE_DIM, 0x2591);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/pager.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/key.h"

#define NO_MATCH SIZE_MAX
#define WHEEL_ROWS 3
#define PAN_COLUMNS 8

void pager_init(struct pager *p, const struct doc *doc)
{
	pager_finish(p);
	*p = (struct pager){.doc = doc, .match = NO_MATCH};
}

void pager_finish(struct pager *p)
{
	free(p->rows);
	*p = (struct pager){.match = NO_MATCH};
}

static void add_row(struct pager *p, size_t line, size_t at, size_t len, int indent)
{
	if (p->n_rows == p->cap_rows) {
		p->cap_rows = p->cap_rows ? p->cap_rows * 2 : 128;
		p->rows = mem_grow(p->rows, p->cap_rows, sizeof(*p->rows));
	}
	p->rows[p->n_rows++] = (struct pager_row){
		.line = (uint32_t)line, .at = (uint32_t)at, .len = (uint32_t)len, .indent = (uint16_t)indent};
}

/* The bytes of the first row of s: up to the last blank that fits, or as much as fits of a word too long for
 * any row. At least one cell. */
static size_t row_bytes(const char *s, size_t len, int width)
{
	size_t fits = utf8_clip(s, len, (size_t)width, NULL);
	if (fits == len || s[fits] == ' ')
		return fits;
	for (size_t i = fits; i > 0; i--)
		if (s[i - 1] == ' ')
			return i;
	if (fits > 0)
		return fits;
	struct utf8_cell cell;
	return utf8_next(s, len, &cell);
}

static void wrap_line(struct pager *p, size_t line)
{
	const struct doc_line *l = &p->doc->lines[line];
	const char *text = str_text(&p->doc->text);
	size_t at = l->at, end = l->at + l->len;
	if (p->is_unwrapped || l->is_preformatted || l->len == 0) {
		add_row(p, line, at, l->len, 0);
		return;
	}
	for (int indent = 0; at < end;) {
		size_t n = row_bytes(text + at, end - at, p->width > indent ? p->width - indent : 1);
		add_row(p, line, at, n, indent);
		at += n;
		while (at < end && text[at] == ' ')
			at++;
		indent = l->hang < p->width / 2 ? l->hang : 0;
	}
}

static void wrap(struct pager *p)
{
	if (!p->doc || p->width <= 0)
		return;
	/* A line that was open when it was wrapped may have grown since. */
	while (p->n_rows > 0 && p->rows[p->n_rows - 1].line + 1 == p->wrapped_lines)
		p->n_rows--;
	p->wrapped_lines -= p->wrapped_lines > 0;
	for (; p->wrapped_lines < p->doc->n_lines; p->wrapped_lines++)
		wrap_line(p, p->wrapped_lines);
}

/* The first row of a line. */
static size_t row_of(const struct pager *p, size_t line)
{
	size_t low = 0, high = p->n_rows;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->rows[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t last_top(const struct pager *p)
{
	size_t rows = p->visible > 0 ? (size_t)p->visible : 1;
	return p->n_rows > rows ? p->n_rows - rows : 0;
}

static void clamp(struct pager *p)
{
	if (p->top > last_top(p))
		p->top = last_top(p);
}

static void rewrap(struct pager *p)
{
	size_t line = pager_top_line(p);
	p->n_rows = p->wrapped_lines = 0;
	wrap(p);
	p->top = row_of(p, line);
	clamp(p);
}

void pager_changed(struct pager *p)
{
	wrap(p);
	p->was_end_seen = false;
}

void pager_refilled(struct pager *p)
{
	p->n_rows = p->wrapped_lines = 0;
	p->match = SIZE_MAX;
	pager_changed(p);
}

size_t pager_top_line(const struct pager *p)
{
	return p->top < p->n_rows ? p->rows[p->top].line : 0;
}

static bool has_capital(const char *s)
{
	for (; *s; s++)
		if (isupper((unsigned char)*s))
			return true;
	return false;
}

static bool is_same_text(const char *a, const char *b, size_t n, bool is_exact)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] &&
		    (is_exact || tolower((unsigned char)a[i]) != tolower((unsigned char)b[i])))
			return false;
	return true;
}

/* Where the pattern starts in the line at or after `from` (a byte of the doc), or NO_MATCH. */
static size_t find_in_line(const struct pager *p, size_t line, size_t from)
{
	const struct doc_line *l = &p->doc->lines[line];
	const char *text = str_text(&p->doc->text);
	size_t n = strlen(p->search), end = l->at + l->len;
	bool is_exact = has_capital(p->search);
	for (size_t at = from > l->at ? from : l->at; n > 0 && at + n <= end; at++)
		if (is_same_text(text + at, p->search, n, is_exact))
			return at;
	return NO_MATCH;
}

static void draw_matches(const struct pager *p, const struct canvas *c, int y, const struct pager_row *row)
{
	const char *text = str_text(&p->doc->text);
	size_t end = row->at + row->len, n = strlen(p->search);
	size_t start = p->doc->lines[row->line].at;
	/* One that started on the row before shows its end here. */
	size_t from = row->at - start < n ? start : row->at - n + 1;
	for (size_t at = find_in_line(p, row->line, from); at < end;
	     at = find_in_line(p, row->line, at + n)) {
		size_t first = at > row->at ? at : row->at, last = at + n < end ? at + n : end;
		if (last <= first)
			continue;
		int x = row->indent + (int)utf8_width(text + row->at, first - row->at) - p->pan;
		int width = (int)utf8_width(text + first, last - first);
		bool is_current = row->line == p->match && at == p->match_at;
		canvas_restyle(c, y, x > 0 ? x : 0, 1, x < 0 ? width + x : width,
		               is_current ? STYLE_MATCH_CURRENT : STYLE_MATCH);
	}
}

static void draw_row(const struct pager *p, const struct canvas *c, int y, const struct pager_row *row)
{
	const struct doc_line *line = &p->doc->lines[row->line];
	const char *text = str_text(&p->doc->text);
	size_t end = row->at + row->len;
	int x = row->indent - p->pan;
	if (line->is_filled && line->n_spans > 0)
		canvas_fill(c, y, 0, 1, c->columns,
		            (enum style)p->doc->spans[line->span + line->n_spans - 1].style, ' ');
	for (uint32_t i = 0; i < line->n_spans; i++) {
		const struct doc_span *span = &p->doc->spans[line->span + i];
		size_t first = span->at > row->at ? span->at : row->at;
		size_t last = span->at + span->len < end ? span->at + span->len : end;
		if (last > first)
			x = canvas_text_n(c, y, x, (enum style)span->style, text + first, last - first);
	}
	if (p->search[0])
		draw_matches(p, c, y, row);
}

void pager_draw(struct pager *p, const struct canvas *c)
{
	p->visible = c->rows;
	if (p->width != c->columns) {
		p->width = c->columns;
		rewrap(p);
	}
	wrap(p);
	clamp(p);
	for (int y = 0; y < c->rows && p->top + (size_t)y < p->n_rows; y++)
		draw_row(p, c, y, &p->rows[p->top + (size_t)y]);
	if (c->rows > 0 && p->top + (size_t)c->rows >= p->n_rows)
		p->was_end_seen = true;
}

static void scroll(struct pager *p, long by)
{
	if (by < 0)
		p->top -= p->top < (size_t)-by ? p->top : (size_t)-by;
	else
		p->top += (size_t)by;
	clamp(p);
}

void pager_show_line(struct pager *p, size_t line)
{
	size_t row = row_of(p, line), rows = p->visible > 0 ? (size_t)p->visible : 1;
	if (row >= p->top && row < p->top + rows)
		return;
	p->top = row > rows / 3 ? row - rows / 3 : 0;
	clamp(p);
}

/* The nearest match in a direction from a byte of a line, going round once. */
static bool find_match(struct pager *p, size_t line, size_t from, int direction)
{
	size_t n = p->doc->n_lines;
	for (size_t i = 0; i <= n && n > 0; i++) {
		size_t at = NO_MATCH;
		if (direction > 0) {
			at = find_in_line(p, line, i == 0 ? from : 0);
		} else {
			for (size_t next = find_in_line(p, line, 0);
			     next != NO_MATCH && (i > 0 || next < from);
			     next = find_in_line(p, line, next + 1))
				at = next;
		}
		if (at != NO_MATCH) {
			p->match = line;
			p->match_at = at;
			pager_show_line(p, line);
			return true;
		}
		line = direction > 0 ? (line + 1) % n : (line + n - 1) % n;
	}
	return false;
}

bool pager_search(struct pager *p, const char *pattern)
{
	str_copy(p->search, sizeof(p->search), pattern);
	p->match = NO_MATCH;
	return p->doc && p->search[0] && find_match(p, pager_top_line(p), 0, 1);
}

bool pager_search_step(struct pager *p, int direction)
{
	if (!p->doc || !p->search[0] || p->doc->n_lines == 0)
		return false;
	size_t line = p->match != NO_MATCH ? p->match : pager_top_line(p);
	size_t from = p->match != NO_MATCH ? p->match_at + (direction > 0) : 0;
	return find_match(p, line, from, direction);
}

static void pan(struct pager *p, int by)
{
	p->pan += by;
	if (p->pan < 0)
		p->pan = 0;
}

enum action {
	DOWN,
	UP,
	TOP,
	BOTTOM,
	PAGE_DOWN,
	PAGE_UP,
	HALF_DOWN,
	HALF_UP,
	NEXT,
	PREVIOUS,
	WRAP,
	LEFT,
	RIGHT
};
static const struct {
	const char *command;
	enum action action;
} actions[] = {
	{"down", DOWN},
	{"up", UP},
	{"top", TOP},
	{"bottom", BOTTOM},
	{"page-down", PAGE_DOWN},
	{"page-up", PAGE_UP},
	{"half-down", HALF_DOWN},
	{"half-up", HALF_UP},
	{"search-next", NEXT},
	{"search-previous", PREVIOUS},
	{"wrap", WRAP},
	{"cell-left", LEFT},
	{"cell-right", RIGHT},
};

static void act(struct pager *p, enum action action)
{
	long page = p->visible > 1 ? p->visible - 1 : 1, half = p->visible > 1 ? p->visible / 2 : 1;
	switch (action) {
	case DOWN: case UP:
		scroll(p, action == DOWN ? 1 : -1);
		return;
	case PAGE_DOWN: case PAGE_UP:
		scroll(p, action == PAGE_DOWN ? page : -page);
		return;
	case HALF_DOWN: case HALF_UP:
		scroll(p, action == HALF_DOWN ? half : -half);
		return;
	case TOP: case BOTTOM:
		p->top = action == TOP ? 0 : last_top(p);
		return;
	case NEXT: case PREVIOUS:
		pager_search_step(p, action == NEXT ? 1 : -1);
		return;
	case LEFT: case RIGHT:
		pan(p, action == LEFT ? -PAN_COLUMNS : PAN_COLUMNS);
		return;
	case WRAP:
		p->is_unwrapped = !p->is_unwrapped;
		p->pan = 0;
		rewrap(p);
		return;
	}
}

bool pager_command(struct pager *p, const char *command)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].command, command) == 0) {
			act(p, actions[i].action);
			return true;
		}
	}
	return false;
}

bool pager_key(struct pager *p, const struct key *key)
{
	if (key->sym != KEYSYM_WHEEL_UP && key->sym != KEYSYM_WHEEL_DOWN)
		return false;
	scroll(p, key->sym == KEYSYM_WHEEL_DOWN ? WHEEL_ROWS : -WHEEL_ROWS);
	return true;
}

void pager_position(const struct pager *p, char *out, size_t size)
{
	size_t last = last_top(p);
	if (last == 0)
		str_copy(out, size, "all");
	else if (p->top == 0)
		str_copy(out, size, "top");
	else if (p->top == last)
		str_copy(out, size, "end");
	else
		snprintf(out, size, "%zu%%", p->top * 100 / last);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/canvas.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define GRID_SIDE_MAX 2000 /* a terminal that claims more is lying */

static const struct {
	uint32_t cp;
	char ascii;
} stand_ins[] = {
	{0x2716, 'x'}, {0x25CF, '*'}, {0x25B2, '^'}, {0x25CC, 'o'}, {0x26BF, '#'},  {0x2026, '~'},
	{0x00B7, '.'}, {0x2190, '<'}, {0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'},  {0x25B6, '>'},
	{0x25C0, '<'}, {0x2714, '+'}, {0x2593, '#'}, {0x2591, '.'}, {0x2588, '#'},  {0x2014, '-'},
	{0x2013, '-'}, {0x2022, '*'}, {0x203A, '>'}, {0x2039, '<'}, {0x2018, '\''}, {0x2019, '\''},
	{0x201C, '"'}, {0x201D, '"'}, {0x00D7, 'x'}, {0x25CB, 'o'}, {0x2581, '_'},  {0x2582, '_'},
	{0x2583, '.'}, {0x2584, '-'}, {0x2585, '-'}, {0x2586, '='}, {0x2587, '*'},  {0x2713, '+'},
	{0x25BC, 'v'}, {0x00A0, ' '}, {0x2504, '-'}, {0x250A, ':'},
};

/* Lines by the sides they reach: up 1, right 2, down 4, left 8. */
enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8 };
static const uint32_t lines[16] = {
	[LEFT | RIGHT] = 0x2500,
	[UP | DOWN] = 0x2502,
	[RIGHT | DOWN] = 0x250C,
	[LEFT | DOWN] = 0x2510,
	[UP | RIGHT] = 0x2514,
	[UP | LEFT] = 0x2518,
	[UP | RIGHT | DOWN] = 0x251C,
	[UP | LEFT | DOWN] = 0x2524,
	[LEFT | RIGHT | DOWN] = 0x252C,
	[LEFT | RIGHT | UP] = 0x2534,
	[LEFT | RIGHT | UP | DOWN] = 0x253C,
	[LEFT] = 0x2500,
	[RIGHT] = 0x2500,
	[UP] = 0x2502,
	[DOWN] = 0x2502,
};

static const struct cell blank = {.cp = {' '}, .width = 1};

void grid_init(struct grid *grid, int rows, int columns)
{
	*grid = (struct grid){.cursor_y = -1, .cursor_x = -1};
	grid_resize(grid, rows, columns);
}

static int within(int value, int min, int max)
{
	return value < min ? min : value > max ? max : value;
}

void grid_resize(struct grid *grid, int rows, int columns)
{
	grid->rows = within(rows, 0, GRID_SIDE_MAX);
	grid->columns = within(columns, 0, GRID_SIDE_MAX);
	free(grid->cells);
	grid->cells = mem_array((size_t)grid->rows * (size_t)grid->columns + 1, sizeof(*grid->cells));
	grid_clear(grid);
}

void grid_clear(struct grid *grid)
{
	size_t n = (size_t)grid->rows * (size_t)grid->columns;
	for (size_t i = 0; i < n; i++)
		grid->cells[i] = blank;
	grid->cursor_y = grid->cursor_x = -1;
}

void grid_finish(struct grid *grid)
{
	free(grid->cells);
	*grid = (struct grid){.cursor_y = -1, .cursor_x = -1};
}

void grid_row(const struct grid *grid, int y, struct str *out)
{
	size_t start = out->len, end = start;
	for (int x = 0; x < grid->columns; x++) {
		const struct cell *cell = &grid->cells[y * grid->columns + x];
		for (size_t i = 0; i <= UTF8_MARKS && cell->cp[i]; i++) {
			char bytes[4];
			str_addn(out, bytes, utf8_encode(cell->cp[i], bytes));
		}
		if (cell->cp[0] && cell->cp[0] != ' ')
			end = out->len;
	}
	if (out->s && out->len > end) {
		out->s[end] = '\0';
		out->len = end;
	}
}

struct canvas canvas_of(struct grid *grid)
{
	return (struct canvas){.grid = grid, .rows = grid->rows, .columns = grid->columns};
}

struct canvas canvas_sub(const struct canvas *c, int y, int x, int rows, int columns)
{
	int top = within(y, 0, c->rows), left = within(x, 0, c->columns);
	int bottom = within(y + (rows > 0 ? rows : 0), top, c->rows);
	int right = within(x + (columns > 0 ? columns : 0), left, c->columns);
	return (struct canvas){.grid = c->grid, .y = c->y + top, .x = c->x + left, .rows = bottom - top,
	                       .columns = right - left, .over = c->over};
}

static struct cell *cell_at(const struct canvas *c, int y, int x)
{
	return &c->grid->cells[(c->y + y) * c->grid->columns + c->x + x];
}

static bool is_inside(const struct canvas *c, int y, int x)
{
	return y >= 0 && y < c->rows && x >= 0 && x < c->columns;
}

/* A wide cell that loses one half loses the other, too. */
static void break_wide(const struct canvas *c, int y, int x)
{
	struct cell *cell = cell_at(c, y, x);
	if (cell->width == 0 && c->x + x > 0) {
		uint8_t style = cell[-1].style;
		cell[-1] = blank;
		cell[-1].style = style;
	}
	if (cell->width == 2 && c->x + x + 1 < c->grid->columns) {
		uint8_t style = cell[1].style;
		cell[1] = blank;
		cell[1].style = style;
	}
}

static void put(const struct canvas *c, int y, int x, enum style style, const struct cell *what)
{
	if (!is_inside(c, y, x))
		return;
	break_wide(c, y, x);
	struct cell *cell = cell_at(c, y, x);
	*cell = *what;
	cell->style = (uint8_t)(c->over != STYLE_TEXT ? c->over : style);
}

static uint32_t fit_ascii(const struct canvas *c, uint32_t cp)
{
	if (cp < 0x7F || !c->grid->is_ascii)
		return cp;
	for (size_t i = 0; i < sizeof(stand_ins) / sizeof(stand_ins[0]); i++)
		if (stand_ins[i].cp == cp)
			return (uint32_t)stand_ins[i].ascii;
	if (cp >= 0x2500 && cp < 0x2580)
		return cp == lines[LEFT | RIGHT] ? '-' : cp == lines[UP | DOWN] ? '|' : '+';
	return '?';
}

/* Returns the column after the cell. A wide one that does not fit whole leaves a blank. */
static int put_cell(const struct canvas *c, int y, int x, enum style style, const struct utf8_cell *from)
{
	struct cell cell = {.width = 1};
	memcpy(cell.cp, from->cp, sizeof(cell.cp));
	uint32_t fitted = fit_ascii(c, from->cp[0]);
	if (fitted != from->cp[0] || c->grid->is_ascii)
		cell = (struct cell){.cp = {fitted}, .width = 1};
	if (from->width == 1) {
		put(c, y, x, style, &cell);
		return x + 1;
	}
	bool is_whole = is_inside(c, y, x) && is_inside(c, y, x + 1);
	if (!is_whole || c->grid->is_ascii) {
		put(c, y, x, style, is_whole ? &cell : &blank);
		put(c, y, x + 1, style, &blank);
		return x + 2;
	}
	const struct cell right = {.width = 0};
	break_wide(c, y, x + 1);
	put(c, y, x, style, &blank);
	put(c, y, x + 1, style, &blank);
	cell.width = 2;
	put(c, y, x, style, &cell);
	*cell_at(c, y, x + 1) = right;
	cell_at(c, y, x + 1)->style = cell_at(c, y, x)->style;
	return x + 2;
}

int canvas_text_n(const struct canvas *c, int y, int x, enum style style, const char *utf8, size_t len)
{
	for (size_t at = 0; at < len;) {
		/* Nothing more of it can be seen, and log lines can be long. */
		if (x >= c->columns)
			return x;
		struct utf8_cell cell;
		at += utf8_next(utf8 + at, len - at, &cell);
		x = put_cell(c, y, x, style, &cell);
	}
	return x;
}

int canvas_text(const struct canvas *c, int y, int x, enum style style, const char *utf8)
{
	return utf8 ? canvas_text_n(c, y, x, style, utf8, strlen(utf8)) : x;
}

int canvas_textf(const struct canvas *c, int y, int x, enum style style, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	x = canvas_text_n(c, y, x, style, str_text(&text), text.len);
	str_finish(&text);
	return x;
}

void canvas_field(const struct canvas *c, int y, int x, int columns, enum style style, enum utf8_align align,
                  const char *utf8)
{
	if (columns <= 0)
		return;
	size_t used, len = utf8 ? strlen(utf8) : 0, n = utf8_clip(utf8, len, (size_t)columns, &used);
	bool is_cut = n < len;
	if (is_cut)
		n = utf8_clip(utf8, len, (size_t)columns - 1, &used);
	int blanks = columns - (int)used - is_cut;
	int at = align == UTF8_RIGHT ? x + blanks : x;
	canvas_fill(c, y, x, 1, columns, style, ' ');
	at = canvas_text_n(c, y, at, style, utf8, n);
	if (is_cut)
		canvas_put(c, y, at, style, 0x2026);
}

int canvas_text_right(const struct canvas *c, int y, int x_end, enum style style, const char *utf8)
{
	int x = x_end - (int)utf8_width(utf8, strlen(utf8));
	canvas_text(c, y, x, style, utf8);
	return x;
}

void canvas_put(const struct canvas *c, int y, int x, enum style style, uint32_t cp)
{
	char bytes[4];
	struct utf8_cell cell;
	utf8_next(bytes, utf8_encode(cp, bytes), &cell);
	put_cell(c, y, x, style, &cell);
}

void canvas_fill(const struct canvas *c, int y, int x, int rows, int columns, enum style style, uint32_t cp)
{
	struct canvas part = canvas_sub(c, y, x, rows, columns);
	struct cell cell = {.cp = {fit_ascii(c, cp)}, .width = 1};
	for (int r = 0; r < part.rows; r++)
		for (int i = 0; i < part.columns; i++)
			put(&part, r, i, style, &cell);
}

void canvas_clear(const struct canvas *c)
{
	canvas_fill(c, 0, 0, c->rows, c->columns, STYLE_TEXT, ' ');
}

void canvas_restyle(const struct canvas *c, int y, int x, int rows, int columns, enum style style)
{
	struct canvas part = canvas_sub(c, y, x, rows, columns);
	for (int r = 0; r < part.rows; r++)
		for (int i = 0; i < part.columns; i++)
			cell_at(&part, r, i)->style = (uint8_t)style;
}

void canvas_hline(const struct canvas *c, int y, int x, int columns, enum style style)
{
	canvas_fill(c, y, x, 1, columns, style, lines[LEFT | RIGHT]);
}

void canvas_vline(const struct canvas *c, int y, int x, int rows, enum style style)
{
	canvas_fill(c, y, x, rows, 1, style, lines[UP | DOWN]);
}

void canvas_cursor(const struct canvas *c, int y, int x)
{
	if (!is_inside(c, y, x))
		return;
	c->grid->cursor_y = c->y + y;
	c->grid->cursor_x = c->x + x;
}

/* The sides that the line drawn at a place reaches already; 0 when there is none. */
static int sides_at(const struct canvas *c, int y, int x)
{
	if (!is_inside(c, y, x))
		return 0;
	uint32_t cp = cell_at(c, y, x)->cp[0];
	for (int sides = 1; sides < 16; sides++)
		if (lines[sides] == cp && (sides & (sides - 1)))
			return sides;
	/* In ASCII a '+' says nothing of its sides: it stays a '+'. */
	return c->grid->is_ascii && cp == '+' ? LEFT | RIGHT | UP | DOWN : 0;
}

/* Words of another box on the border that both share: what is drawn there, but not as a border. */
static bool has_words(const struct canvas *c, int y, int x)
{
	if (!is_inside(c, y, x))
		return false;
	const struct cell *cell = cell_at(c, y, x);
	bool is_border = cell->style == STYLE_BORDER || cell->style == STYLE_BORDER_FOCUS;
	return !is_border && (cell->cp[0] != ' ' || cell->style != STYLE_TEXT);
}

static void put_line(const struct canvas *c, int y, int x, int sides, enum style style, bool is_joined)
{
	if (is_joined && has_words(c, y, x))
		return;
	if (is_joined)
		sides |= sides_at(c, y, x);
	canvas_put(c, y, x, style, lines[sides]);
}

static void box_lines(const struct canvas *c, enum style style, bool is_joined)
{
	int bottom = c->rows - 1, right = c->columns - 1;
	put_line(c, 0, 0, RIGHT | DOWN, style, is_joined);
	put_line(c, 0, right, LEFT | DOWN, style, is_joined);
	put_line(c, bottom, 0, UP | RIGHT, style, is_joined);
	put_line(c, bottom, right, UP | LEFT, style, is_joined);
	for (int x = 1; x < right; x++) {
		put_line(c, 0, x, LEFT | RIGHT, style, is_joined);
		put_line(c, bottom, x, LEFT | RIGHT, style, is_joined);
	}
	for (int y = 1; y < bottom; y++) {
		put_line(c, y, 0, UP | DOWN, style, is_joined);
		put_line(c, y, right, UP | DOWN, style, is_joined);
	}
}

static void box_words(const struct canvas *c, const struct canvas_box *box)
{
	enum style title = box->is_focused ? STYLE_TITLE_FOCUS : STYLE_TITLE;
	int room = c->columns - 4;
	struct str text = {0};
	if (!str_empty(box->right) && room > 0) {
		str_add(&text, " ");
		utf8_cut(&text, box->right, (size_t)room);
		str_add(&text, " ");
		int x = canvas_text_right(c, 0, c->columns - 2, box->right_style ? box->right_style : title,
					  text.s);
		room = x - 4; /* a bit of border between */
	}
	if (!str_empty(box->title) && room > 0) {
		str_reset(&text);
		utf8_cut(&text, box->title, (size_t)room);
		canvas_put(c, 0, canvas_text(c, 0, 2, title, text.s), title, ' ');
	}
	if (!str_empty(box->bottom) && c->columns > 6) {
		str_reset(&text);
		str_add(&text, " ");
		utf8_cut(&text, box->bottom, (size_t)c->columns - 6);
		str_add(&text, " ");
		canvas_text_right(c, c->rows - 1, c->columns - 2, title, text.s);
	}
	str_finish(&text);
}

static struct canvas draw_box(const struct canvas *c, const struct canvas_box *box, bool is_joined)
{
	if (c->rows < 2 || c->columns < 2)
		return canvas_sub(c, 0, 0, 0, 0);
	box_lines(c, box->is_focused ? STYLE_BORDER_FOCUS : STYLE_BORDER, is_joined);
	box_words(c, box);
	return canvas_sub(c, 1, 1, c->rows - 2, c->columns - 2);
}

struct canvas canvas_box(const struct canvas *c, const struct canvas_box *box)
{
	return draw_box(c, box, false);
}

struct canvas canvas_box_joined(const struct canvas *c, const struct canvas_box *box)
{
	return draw_box(c, box, true);
}

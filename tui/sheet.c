/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/sheet.h"

#include <assert.h>
#include <string.h>

#include "tui/key.h"
#include "tui/layout.h"

#define SCROLLBAR 0x2588 /* a full block, one column at the right edge */
#define MORE "›"

static void draw_row(const struct canvas *row, size_t index, bool is_selected, void *arg)
{
	struct sheet *sheet = arg;
	for (size_t i = 0; i < sheet->n_columns; i++) {
		if (sheet->placed[i].width == 0)
			continue;
		struct canvas cell = canvas_sub(row, 0, sheet->placed[i].x, 1, sheet->placed[i].width);
		sheet->source.cell(&cell, index, i, is_selected, sheet->source.rows.arg);
	}
}

/* The list inside calls back with the sheet, which hands the caller's arg on. */
static size_t row_count(void *arg)
{
	struct sheet *sheet = arg;
	return sheet->source.rows.count(sheet->source.rows.arg);
}

static uint64_t row_id(size_t index, void *arg)
{
	struct sheet *sheet = arg;
	return sheet->source.rows.id(index, sheet->source.rows.arg);
}

static size_t row_index_of(uint64_t id, size_t hint, void *arg)
{
	struct sheet *sheet = arg;
	return sheet->source.rows.index_of(id, hint, sheet->source.rows.arg);
}

void sheet_init(struct sheet *sheet, const struct sheet_source *source, const struct sheet_column *columns,
		size_t n)
{
	*sheet = (struct sheet){.source = *source, .frozen = 1, .chosen = -1, .gap = 1};
	const struct list_source rows = {.count = row_count, .id = row_id, .draw = draw_row, .arg = sheet,
	                                 .index_of = source->rows.index_of ? row_index_of : NULL};
	list_init(&sheet->list, &rows);
	sheet_set_columns(sheet, columns, n);
}

void sheet_set_columns(struct sheet *sheet, const struct sheet_column *columns, size_t n)
{
	assert(n <= SHEET_COLUMNS_MAX);
	memcpy(sheet->columns, columns, n * sizeof(*columns));
	sheet->n_columns = n;
	memset(sheet->placed, 0, sizeof(sheet->placed));
	if (sheet->chosen >= (int)n)
		sheet->chosen = (int)n - 1;
	if (sheet->pan + sheet->frozen >= n)
		sheet->pan = 0;
}

static bool is_panned_away(const struct sheet *sheet, size_t column)
{
	return column >= sheet->frozen && column < sheet->frozen + sheet->pan;
}

/* Places the columns that fit; returns how many of the last ones did not. */
static size_t place(struct sheet *sheet, int room)
{
	struct layout_part parts[SHEET_COLUMNS_MAX];
	size_t which[SHEET_COLUMNS_MAX], n = 0, left_out = 0;
	int needed = 0;
	memset(sheet->placed, 0, sizeof(sheet->placed));
	for (size_t i = 0; i < sheet->n_columns; i++) {
		if (is_panned_away(sheet, i))
			continue;
		const struct sheet_column *column = &sheet->columns[i];
		int with_gap = column->min + (n ? sheet->gap : 0);
		if (n > 0 && (left_out > 0 || needed + with_gap > room)) {
			left_out++;
			continue;
		}
		needed += with_gap;
		which[n] = i;
		parts[n++] = (struct layout_part){
			.min = column->min, .ideal = column->ideal, .weight = column->weight};
	}
	layout_share(parts, n, room - (n ? ((int)n - 1) * sheet->gap : 0));
	for (size_t i = 0, x = 0; i < n; i++) {
		sheet->placed[which[i]].x = (int)x;
		sheet->placed[which[i]].width = parts[i].size;
		x += (size_t)(parts[i].size + sheet->gap);
	}
	return left_out;
}

/* Where the last column has its place, columns panned away come back as far as there is room. */
static size_t place_back(struct sheet *sheet, int room)
{
	size_t left_out = place(sheet, room);
	while (sheet->pan > 0 && left_out == 0) {
		sheet->pan--;
		if (place(sheet, room) == 0)
			continue;
		sheet->pan++;
		place(sheet, room);
		break;
	}
	return left_out;
}

/* Pans until the chosen column has a place. */
static size_t place_chosen(struct sheet *sheet, int room)
{
	if (sheet->chosen < 0)
		return place_back(sheet, room);
	size_t chosen = (size_t)sheet->chosen;
	if (chosen >= sheet->frozen && chosen < sheet->frozen + sheet->pan)
		sheet->pan = chosen - sheet->frozen;
	size_t left_out = place_back(sheet, room);
	while (sheet->placed[chosen].width == 0 && chosen >= sheet->frozen &&
	       sheet->frozen + sheet->pan < chosen) {
		sheet->pan++;
		left_out = place(sheet, room);
	}
	return left_out;
}

static void draw_header(const struct sheet *sheet, const struct canvas *c, size_t left_out)
{
	struct canvas line = canvas_sub(c, 0, 0, 1, c->columns);
	for (size_t i = 0; i < sheet->n_columns; i++)
		if (sheet->placed[i].width > 0)
			canvas_field(&line, 0, sheet->placed[i].x, sheet->placed[i].width, STYLE_HEADER,
			             sheet->columns[i].align, sheet->columns[i].title);
	/* Above the scrollbar, where no title is. */
	if (left_out > 0)
		canvas_text(&line, 0, c->columns - 1, STYLE_KEY, MORE);
}

static void draw_scrollbar(const struct sheet *sheet, const struct canvas *c, size_t count)
{
	size_t rows = (size_t)c->rows;
	if (c->rows < 2 || count <= rows)
		return;
	size_t length = rows * rows / count > 0 ? rows * rows / count : 1;
	size_t start = sheet->list.top * (rows - length) / (count - rows);
	canvas_fill(c, (int)start, 0, (int)length, 1, STYLE_BORDER, SCROLLBAR);
}

void sheet_draw(struct sheet *sheet, const struct canvas *c)
{
	sheet->drawn_y = c->y;
	sheet->drawn_x = c->x;
	int header = sheet->is_headless ? 0 : 1;
	/* The last column is the scrollbar's, always: rows must not move sideways when there is one. */
	struct canvas inner = canvas_sub(c, 0, 0, c->rows, c->columns - 1);
	size_t left_out = sheet->n_columns ? place_chosen(sheet, inner.columns) : 0;
	if (header)
		draw_header(sheet, c, left_out);
	struct canvas rows = canvas_sub(&inner, header, 0, c->rows - header, inner.columns);
	list_draw(&sheet->list, &rows);
	struct canvas edge = canvas_sub(c, header, c->columns - 1, c->rows - header, 1);
	draw_scrollbar(sheet, &edge, sheet->source.rows.count(sheet->source.rows.arg));
}

void sheet_text(const struct canvas *cell, enum style style, enum utf8_align align, const char *utf8)
{
	canvas_field(cell, 0, 0, cell->columns, style, align, utf8);
}

bool sheet_command(struct sheet *sheet, const char *command)
{
	if (strcmp(command, "cell-left") == 0) {
		sheet_pan(sheet, -1);
		return true;
	}
	if (strcmp(command, "cell-right") == 0) {
		sheet_pan(sheet, 1);
		return true;
	}
	return list_command(&sheet->list, command);
}

bool sheet_pan(struct sheet *sheet, int by)
{
	size_t last = sheet->n_columns;
	/* To the right only while something is hidden there. */
	bool is_more = last > sheet->frozen + sheet->pan + 1 && sheet->placed[last - 1].width == 0;
	if (by < 0 && sheet->pan > 0)
		sheet->pan--;
	else if (by > 0 && is_more)
		sheet->pan++;
	else
		return false;
	return true;
}

bool sheet_choose(struct sheet *sheet, int by, size_t first_choice)
{
	if (first_choice >= sheet->n_columns)
		return false;
	int to = sheet->chosen < 0 ? (int)first_choice : sheet->chosen + by;
	int last = (int)sheet->n_columns - 1;
	to = to < (int)first_choice ? (int)first_choice : to > last ? last : to;
	bool is_moved = to != sheet->chosen;
	sheet->chosen = to;
	return is_moved;
}

bool sheet_key(struct sheet *sheet, const struct key *key, bool *is_hit, int *column)
{
	if (column)
		*column = -1;
	if (!list_key(&sheet->list, key, is_hit))
		return false;
	for (size_t i = 0; column && i < sheet->n_columns; i++) {
		int x = key->x - sheet->drawn_x - sheet->placed[i].x;
		if (x >= 0 && x < sheet->placed[i].width)
			*column = (int)i;
	}
	return true;
}

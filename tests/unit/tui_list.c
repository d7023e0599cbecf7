/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tui/key.h"
#include "tui/sheet.h"

struct rows { /* identities in their order; a list of 4 rows sees every edge */
	uint64_t ids[64];
	size_t n, drawn;
};

static size_t count(void *arg)
{
	return ((struct rows *)arg)->n;
}

static uint64_t id(size_t index, void *arg)
{
	return ((struct rows *)arg)->ids[index];
}

static void draw_row(const struct canvas *row, size_t index, bool is_selected, void *arg)
{
	struct rows *rows = arg;
	rows->drawn++;
	canvas_textf(row, 0, 0, STYLE_TEXT, "%s%llu", is_selected ? ">" : " ",
		     (unsigned long long)rows->ids[index]);
}

static const struct list_source *source_of(struct rows *rows, struct list_source *source)
{
	*source = (struct list_source){.count = count, .id = id, .draw = draw_row, .arg = rows};
	return source;
}

static struct rows numbered(size_t n)
{
	struct rows rows = {.n = n};
	for (size_t i = 0; i < n; i++)
		rows.ids[i] = i + 1;
	return rows;
}

static void draw(struct list *list, int height)
{
	struct grid grid;
	grid_init(&grid, height, 10);
	struct canvas all = canvas_of(&grid);
	list_draw(list, &all);
	grid_finish(&grid);
}

static void the_selection_follows_its_row(void **state)
{
	(void)state;
	struct rows rows = numbered(10);
	struct list list;
	struct list_source source;
	list_init(&list, source_of(&rows, &source));
	draw(&list, 4);
	assert_int_equal(list.selected, 1);
	assert_true(list_select(&list, 5));
	draw(&list, 4);
	int at = (int)(list.index - list.top);
	/* three rows come above */
	memmove(rows.ids + 3, rows.ids, 10 * sizeof(rows.ids[0]));
	rows.ids[0] = 90, rows.ids[1] = 91, rows.ids[2] = 92, rows.n = 13;
	draw(&list, 4);
	assert_int_equal(list.selected, 5);
	assert_int_equal(list.index, 7);
	assert_int_equal((int)(list.index - list.top), at);
	/* it goes: the row that took its place */
	memmove(rows.ids + 7, rows.ids + 8, 5 * sizeof(rows.ids[0]));
	rows.n = 12;
	draw(&list, 4);
	assert_int_equal(list.selected, 6);
	/* all go, and come back */
	rows.n = 0;
	draw(&list, 4);
	assert_int_equal(list.selected, LIST_NO_ID);
	assert_int_equal(list_index(&list), LIST_NO_INDEX);
	assert_false(list_move(&list, LIST_DOWN));
	assert_false(list_select(&list, 5));
	rows.n = 2;
	draw(&list, 4);
	assert_int_equal(list.selected, 90);
}

static void movement_stays_inside(void **state)
{
	(void)state;
	struct rows rows = numbered(10);
	struct list list;
	struct list_source source;
	list_init(&list, source_of(&rows, &source));
	draw(&list, 4);
	static const struct {
		const char *command;
		uint64_t selected;
	} steps[] = {{"up", 1}, {"down", 2}, {"page-down", 5}, {"half-down", 7}, {"bottom", 10}, {"down", 10},
	             {"page-up", 7}, {"half-up", 5}, {"top", 1}, {"page-up", 1}};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_true(list_command(&list, steps[i].command));
		draw(&list, 4);
		assert_int_equal(list.selected, steps[i].selected);
		assert_true(list.index >= list.top && list.index < list.top + 4);
	}
	assert_false(list_command(&list, "open"));
	char position[32];
	list_position(&list, position, sizeof(position));
	assert_string_equal(position, "1/10");
}

/* Rows come, go and change places at random; the selected one never moves to another while it is there. */
static void it_holds_under_any_change(void **state)
{
	(void)state;
	unsigned seed = 5;
	struct rows rows = numbered(20);
	struct list list;
	struct list_source source;
	list_init(&list, source_of(&rows, &source));
	uint64_t next = 100;
	for (int i = 0; i < 5000; i++) {
		size_t at = rows.n ? (size_t)rand_r(&seed) % rows.n : 0;
		if (rand_r(&seed) % 2 && rows.n < 64) {
			memmove(rows.ids + at + 1, rows.ids + at, (rows.n - at) * sizeof(rows.ids[0]));
			rows.ids[at] = next++;
			rows.n++;
		} else if (rows.n) {
			memmove(rows.ids + at, rows.ids + at + 1, (rows.n - at - 1) * sizeof(rows.ids[0]));
			rows.n--;
		}
		bool is_there = false;
		for (size_t j = 0; j < rows.n; j++)
			is_there = is_there || rows.ids[j] == list.selected;
		uint64_t before = list.selected;
		draw(&list, 1 + rand_r(&seed) % 9);
		if (is_there)
			assert_int_equal(list.selected, before);
		if (rows.n)
			assert_int_equal(rows.ids[list.index], list.selected);
		if (i % 7 == 0)
			list_move(&list, (enum list_move)(rand_r(&seed) % 8));
	}
}

static void only_visible_rows_are_drawn(void **state)
{
	(void)state;
	struct rows rows = numbered(60);
	struct list list;
	struct list_source source;
	list_init(&list, source_of(&rows, &source));
	draw(&list, 7);
	assert_int_equal(rows.drawn, 7);
	draw(&list, 0);
	assert_int_equal(rows.drawn, 7);
}

static void cell(const struct canvas *c, size_t index, size_t column, bool is_selected, void *arg)
{
	char text[32];
	(void)is_selected;
	snprintf(text, sizeof(text), "%c%llu", (char)('a' + column),
		 (unsigned long long)((struct rows *)arg)->ids[index]);
	sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
}

static void expect_sheet(struct sheet *sheet, int columns, const char *const *want)
{
	struct grid grid;
	grid_init(&grid, 3, columns);
	struct canvas all = canvas_of(&grid);
	sheet_draw(sheet, &all);
	for (int y = 0; y < 3; y++) {
		struct str row = {0};
		grid_row(&grid, y, &row);
		assert_string_equal(str_text(&row), want[y]);
		str_finish(&row);
	}
	grid_finish(&grid);
}

static void columns_pan_behind_the_frozen_one(void **state)
{
	(void)state;
	static const struct sheet_column columns[] = {{"NAME", 4, 6, 1, UTF8_LEFT},
						      {"DEV", 4, 4, 0, UTF8_LEFT},
						      {"STAGING", 4, 4, 0, UTF8_RIGHT},
						      {"PROD", 4, 4, 0, UTF8_LEFT}};
	struct rows rows = numbered(5);
	struct sheet sheet;
	struct sheet_source source = {.cell = cell};
	source_of(&rows, &source.rows);
	sheet_init(&sheet, &source, columns, 4);
	expect_sheet(&sheet, 26,
		     (const char *const[]){"NAME       DEV  STA… PROD", "a1         b1   c1   d1  █",
					   "a2         b2   c2   d2"});
	expect_sheet(&sheet, 12, (const char *const[]){"NAME   DEV ›", "a1     b1  █", "a2     b2"});
	assert_true(sheet_command(&sheet, "cell-right"));
	expect_sheet(&sheet, 12, (const char *const[]){"NAME   STA…›", "a1     c1  █", "a2     c2"});
	sheet_pan(&sheet, 1);
	expect_sheet(&sheet, 12, (const char *const[]){"NAME   PROD", "a1     d1  █", "a2     d2"});
	assert_false(sheet_pan(&sheet, 1));
	/* The chosen cell is kept in sight. */
	assert_true(sheet_choose(&sheet, 1, 1));
	assert_int_equal(sheet.chosen, 1);
	expect_sheet(&sheet, 12, (const char *const[]){"NAME   DEV ›", "a1     b1  █", "a2     b2"});
	assert_true(sheet_choose(&sheet, 5, 1));
	expect_sheet(&sheet, 12, (const char *const[]){"NAME   PROD", "a1     d1  █", "a2     d2"});
	assert_false(sheet_choose(&sheet, 1, 1));
	expect_sheet(&sheet, 3, (const char *const[]){"N…›", "a1█", "a2"});
	expect_sheet(&sheet, 0, (const char *const[]){"", "", ""});
}

static void clicks_name_row_and_column(void **state)
{
	(void)state;
	static const struct sheet_column columns[] = {{"NAME", 4, 6, 0, UTF8_LEFT},
						      {"DEV", 4, 4, 0, UTF8_LEFT}};
	struct rows rows = numbered(5);
	struct sheet sheet;
	struct sheet_source source = {.cell = cell};
	source_of(&rows, &source.rows);
	sheet_init(&sheet, &source, columns, 2);
	expect_sheet(&sheet, 20, (const char *const[]){"NAME   DEV", "a1     b1          █", "a2     b2"});
	bool is_hit;
	int column;
	struct key click = {.sym = KEYSYM_CLICK, .y = 2, .x = 8};
	assert_true(sheet_key(&sheet, &click, &is_hit, &column));
	assert_true(is_hit && column == 1 && sheet.list.selected == 2);
	click.y = 0;
	assert_false(sheet_key(&sheet, &click, &is_hit, &column));
	click.y = 1, click.x = 25;
	assert_false(sheet_key(&sheet, &click, &is_hit, &column));
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_selection_follows_its_row),
		cmocka_unit_test(movement_stays_inside),
		cmocka_unit_test(it_holds_under_any_change),
		cmocka_unit_test(only_visible_rows_are_drawn),
		cmocka_unit_test(columns_pan_behind_the_frozen_one),
		cmocka_unit_test(clicks_name_row_and_column),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

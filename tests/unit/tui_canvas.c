/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tests/support/noise.h"
#include "tui/canvas.h"
#include "tui/chart.h"
#include "tui/layout.h"

static void assert_rows(const struct grid *grid, const char *const *rows)
{
	for (int y = 0; y < grid->rows; y++) {
		struct str row = {0};
		grid_row(grid, y, &row);
		assert_string_equal(str_text(&row), rows[y]);
		str_finish(&row);
	}
}

static void text_is_clipped_on_all_sides(void **state)
{
	(void)state;
	struct grid grid;
	grid_init(&grid, 4, 10);
	struct canvas all = canvas_of(&grid), c = canvas_sub(&all, 1, 2, 2, 5);
	canvas_text(&c, -1, 0, STYLE_TEXT, "above");
	canvas_text(&c, 2, 0, STYLE_TEXT, "below");
	assert_int_equal(canvas_text(&c, 0, -2, STYLE_TEXT, "abcdef"), 4);
	canvas_text(&c, 1, 2, STYLE_TEXT, "long text");
	canvas_fill(&c, -5, -5, 100, 7, STYLE_TEXT, '.');
	assert_rows(&grid, (const char *const[]){"", "  ..ef", "  ..lon", ""});
	grid_finish(&grid);
}

static void a_wide_cell_is_whole_or_blank(void **state)
{
	(void)state;
	struct grid grid;
	grid_init(&grid, 3, 6);
	struct canvas c = canvas_of(&grid);
	canvas_text(&c, 0, 0, STYLE_TEXT, "日本語x"); /* 7 columns in 6 */
	canvas_put(&c, 0, 1, STYLE_TEXT, 'a');      /* the right half of 日 */
	canvas_text(&c, 1, 1, STYLE_TEXT, "日本語"); /* 語 does not fit */
	canvas_text(&c, 2, -1, STYLE_TEXT, "日本");  /* cut at the left */
	assert_rows(&grid, (const char *const[]){" a本語", " 日本", " 本"});
	grid_finish(&grid);
}

static void boxes_that_touch_are_joined(void **state)
{
	(void)state;
	struct grid grid;
	grid_init(&grid, 5, 24);
	struct canvas all = canvas_of(&grid), left, right, top, bottom;
	layout_columns(&all, 50, 4, 4, 1, &left, &right);
	layout_rows(&right, 50, 2, 2, 1, &top, &bottom);
	canvas_box_joined(&left, &(struct canvas_box){.title = "1 A", .bottom = "1/2"});
	canvas_box_joined(&top, &(struct canvas_box){.title = "2 Long title here", .right = "4s"});
	canvas_box_joined(&bottom, &(struct canvas_box){0});
	assert_rows(&grid, (const char *const[]){
		"┌─1 A ─────┬─2 … ─ 4s ─┐",
		"│          │           │",
		"│          ├───────────┤",
		"│          │           │",
		"└──── 1/2 ─┴───────────┘",
	});
	grid.is_ascii = true;
	grid_clear(&grid);
	canvas_box_joined(&left, &(struct canvas_box){.title = "é●"});
	canvas_box_joined(&top, &(struct canvas_box){0});
	canvas_box_joined(&bottom, &(struct canvas_box){0});
	assert_rows(&grid, (const char *const[]){
		"+-?* ------+-----------+",
		"|          |           |",
		"|          +-----------+",
		"|          |           |",
		"+----------+-----------+",
	});
	grid_finish(&grid);
}

static void any_box_is_drawn_in_any_room(void **state)
{
	(void)state;
	for (int rows = 0; rows < 6; rows++) {
		for (int columns = 0; columns < 14; columns++) {
			struct grid grid;
			grid_init(&grid, rows, columns);
			struct canvas all = canvas_of(&grid);
			struct canvas inside = canvas_box(
				&all,
				&(struct canvas_box){.title = "title", .right = "12s", .bottom = "1/100"});
			noise_draw(&inside, 3);
			assert_true(inside.rows <= rows && inside.columns <= columns);
			grid_finish(&grid);
		}
	}
}

static void room_is_shared(void **state)
{
	(void)state;
	static const struct {
		int room, sizes[3];
	} rows[] = {{100, {10, 30, 60}}, {40, {10, 20, 10}}, {18, {10, 5, 3}},
		    {12, {10, 2, 0}},    {4, {4, 0, 0}},     {0, {0, 0, 0}}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct layout_part parts[3] = {{10, 10, 0, 0}, {5, 30, 0, 0}, {3, 10, 1, 0}};
		layout_share(parts, 3, rows[i].room);
		int sum = 0;
		for (int j = 0; j < 3; j++)
			sum += parts[j].size;
		assert_in_range(sum, 0, rows[i].room);
		if (i == 0 || i >= 2)
			for (int j = 0; j < 3; j++)
				assert_int_equal(parts[j].size, rows[i].sizes[j]);
	}
}

static void numbers_are_short(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *unit, *text;
	} rows[] = {{0, NULL, "0"},   {0.04, NULL, "0.04"},  {1234, NULL, "1.2k"},
		    {98, "%", "98%"}, {1.5, "ms", "1.5ms"},  {2e9, NULL, "2G"},
		    {NAN, NULL, "-"}, {-3.25, NULL, "-3.2"}, {999.96, NULL, "1000"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		chart_number(rows[i].value, rows[i].unit, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void a_chart_has_axes_marks_and_gaps(void **state)
{
	(void)state;
	struct grid grid;
	grid_init(&grid, 6, 27);
	struct canvas all = canvas_of(&grid);
	const struct chart_point points[] = {{0, 0}, {100, 1}, {200, 2}, {300, NAN}, {600, 8}, {1000, 8}};
	const struct chart_series series = {.points = points, .n = 6, .style = STYLE_SERIES};
	const struct chart_mark mark = {.at_ms = 500, .label = "1.9.2"};
	const struct chart chart = {.series = &series,
				    .n_series = 1,
				    .marks = &mark,
				    .n_marks = 1,
				    .from_ms = 0,
				    .to_ms = 1000,
				    .threshold = 5,
				    .unit = "%"};
	chart_draw(&all, &chart);
	assert_rows(&grid, (const char *const[]){
		"   10%           ┊1.9.2",
		"                 ┊⠈⠉⠉⠉⠉⠉⠉⠉⠉",
		"    5% ┄┄┄┄┄┄┄┄┄┄┊┄┄┄┄┄┄┄┄┄",
		"           ⡀     ┊",
		"    0% ⣀⠤⠒⠉      ┊",
		"       -1s              now",
	});
	grid_finish(&grid);
}

static void a_chart_survives_odd_data(void **state)
{
	(void)state;
	const struct chart_point odd[] = {{0, INFINITY}, {1, -1e300}, {2, 1e300}, {3, NAN}, {INT64_MAX, 5}};
	for (int size = 0; size < 20; size++) {
		struct grid grid;
		grid_init(&grid, size, size * 2);
		struct canvas all = canvas_of(&grid);
		const struct chart_series series[] = {{.points = odd, .n = 5}, {.points = NULL, .n = 0}};
		chart_draw(&all, &(struct chart){.series = series,
						 .n_series = 2,
						 .to_ms = 10,
						 .threshold = NAN,
						 .is_area = true});
		chart_draw(&all, &(struct chart){.to_ms = 10, .threshold = 3});
		chart_sparkline(&all, 0, 0, size, STYLE_SERIES, (const double[]){1, NAN, -3, INFINITY}, 4,
				NAN);
		chart_bar(&all, 0, 0, size, STYLE_OK, 5, 0);
		grid_finish(&grid);
	}
}

static void a_sparkline_and_a_bar(void **state)
{
	(void)state;
	struct grid grid;
	grid_init(&grid, 2, 8);
	struct canvas all = canvas_of(&grid);
	chart_sparkline(&all, 0, 0, 8, STYLE_SERIES, (const double[]){0, 1, 2, NAN, 4}, 5, NAN);
	chart_bar(&all, 1, 0, 6, STYLE_OK, 5, 6);
	assert_rows(&grid, (const char *const[]){"   ▁▃▅ █", "▓▓▓▓▓░"});
	grid_finish(&grid);
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_clipped_on_all_sides),
		cmocka_unit_test(a_wide_cell_is_whole_or_blank),
		cmocka_unit_test(boxes_that_touch_are_joined),
		cmocka_unit_test(any_box_is_drawn_in_any_room),
		cmocka_unit_test(room_is_shared),
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(a_chart_has_axes_marks_and_gaps),
		cmocka_unit_test(a_chart_survives_odd_data),
		cmocka_unit_test(a_sparkline_and_a_bar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

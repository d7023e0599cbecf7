/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/dialog.h"
#include "tui/form.h"
#include "tui/input.h"
#include "tui/markdown.h"
#include "tui/pager.h"
#include "tui/prompt.h"

static void assert_grid(const struct grid *grid, const char *want)
{
	struct str text = {0};
	for (int y = 0; y < grid->rows; y++) {
		grid_row(grid, y, &text);
		str_addc(&text, '\n');
	}
	assert_string_equal(str_text(&text), want);
	str_finish(&text);
}

static void assert_pager(struct pager *p, int rows, int columns, const char *want)
{
	struct grid grid;
	grid_init(&grid, rows, columns);
	struct canvas all = canvas_of(&grid);
	pager_draw(p, &all);
	assert_grid(&grid, want);
	grid_finish(&grid);
}

static void a_pager_wraps_and_keeps_its_place(void **state)
{
	(void)state;
	struct doc doc = {0};
	struct pager p = {0};
	doc_hang(&doc, 2);
	doc_line(&doc, STYLE_TEXT, "- one two three four");
	doc_add(&doc, STYLE_TEXT, "sup");
	doc_line(&doc, STYLE_STRONG, "ercalifragilistic");
	doc_preformatted(&doc, false);
	doc_line(&doc, STYLE_CODE, "a\tcode line is not wrapped");
	doc_line(&doc, STYLE_TEXT, "end");
	pager_init(&p, &doc);
	assert_pager(&p, 8, 10, "- one two\n  three\n  four\nsupercalif\nragilistic\na       co\nend\n\n");
	assert_true(p.was_end_seen);
	assert_pager(&p, 3, 20, "- one two three four\nsupercalifragilistic\na       code line is\n");
	assert_true(pager_command(&p, "bottom"));
	assert_pager(&p, 3, 20, "supercalifragilistic\na       code line is\nend\n");
	assert_pager(&p, 3, 10, "supercalif\nragilistic\na       co\n"); /* the same line at another width */
	pager_command(&p, "top");
	pager_command(&p, "wrap");
	pager_command(&p, "cell-right");
	assert_pager(&p, 3, 10, "o three fo\nifragilist\ncode line\n");
	/* it grows, and so does the line that was open */
	doc_add(&doc, STYLE_TEXT, "more");
	pager_changed(&p);
	doc_add(&doc, STYLE_TEXT, "over");
	pager_changed(&p);
	p.pan = 0;
	pager_command(&p, "bottom");
	assert_pager(&p, 3, 10, "a       co\nend\nmoreover\n");
	pager_finish(&p);
	doc_finish(&doc);
}

static void a_pager_finds_without_losing_context(void **state)
{
	(void)state;
	struct doc doc = {0};
	struct pager p = {0};
	for (int i = 0; i < 50; i++)
		doc_linef(&doc, STYLE_TEXT, "line %d%s", i, i % 20 == 7 ? " Needle needle" : "");
	pager_init(&p, &doc);
	struct grid grid;
	grid_init(&grid, 5, 30);
	struct canvas all = canvas_of(&grid);
	pager_draw(&p, &all);
	assert_true(pager_search(&p, "needle"));
	static const size_t lines[] = {7, 7, 27, 27, 47, 47, 7};
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(p.match, lines[i]);
		assert_true(pager_command(&p, "search-next"));
	}
	pager_command(&p, "search-previous");
	pager_command(&p, "search-previous");
	assert_int_equal(p.match, 47); /* it goes round */
	assert_true(pager_search(&p, "Needle"));
	pager_command(&p, "search-next");
	assert_int_equal(p.match, 7); /* a capital: exactly so; the top was at 47 */
	pager_draw(&p, &all);
	int matches = 0;
	for (int i = 0; i < 5 * 30; i++)
		matches += grid.cells[i].style == STYLE_MATCH_CURRENT;
	assert_int_equal(matches, 6);
	assert_false(pager_search(&p, "absent"));
	assert_false(pager_search(&p, ""));
	char position[16];
	pager_command(&p, "bottom");
	pager_position(&p, position, sizeof(position));
	assert_string_equal(position, "end");
	grid_finish(&grid);
	pager_finish(&p);
	doc_finish(&doc);
}

static enum prompt_result type(struct prompt *p, const char *script)
{
	struct input *in = input_new();
	struct key key;
	enum prompt_result last = PROMPT_IGNORED;
	assert_true(input_script(in, script, 0, NULL));
	while (input_next(in, &key))
		last = prompt_key(p, &key);
	input_free(in);
	return last;
}

static void a_prompt_edits(void **state)
{
	(void)state;
	static const struct {
		const char *script, *text;
	} rows[] = {
		{"abc", "abc"},
		{"abc<left><left>x", "axbc"},
		{"abc<ctrl-a>x<ctrl-e>y", "xabcy"},
		{"a b c<ctrl-w>", "a b "},
		{"one two<alt-b><ctrl-k>", "one "},
		{"one two<ctrl-u><ctrl-y>!", "one two!"},
		{"ab<ctrl-t>", "ba"},
		{"日本<backspace>", "日"},
		{"abc<home><delete><ctrl-d>", "c"},
		{"ab<ctrl-a><alt-d>", ""},
		{"jkq/", "jkq/"},
		{"<left><backspace><ctrl-k><delete>", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prompt p;
		prompt_init(&p, "/", "");
		type(&p, rows[i].script);
		assert_string_equal(str_text(&p.text), rows[i].text);
		prompt_finish(&p);
	}
}

static void a_prompt_remembers(void **state)
{
	(void)state;
	struct prompt_history history = {0};
	struct prompt p;
	prompt_init(&p, ":", "");
	p.history = &history;
	prompt_set(&p, "");
	assert_int_equal(type(&p, "one<enter>"), PROMPT_DONE);
	prompt_set(&p, "");
	type(&p, "two<enter>");
	prompt_set(&p, "");
	assert_int_equal(type(&p, "draft<up>"), PROMPT_CHANGED);
	assert_string_equal(p.text.s, "two");
	type(&p, "<up><up>");
	assert_string_equal(p.text.s, "one");
	type(&p, "<down><down>");
	assert_string_equal(p.text.s, "draft");
	for (int i = 0; i < 2 * PROMPT_HISTORY_MAX; i++) {
		char line[16];
		snprintf(line, sizeof(line), "%d", i);
		prompt_history_add(&history, line);
		prompt_history_add(&history, line);
	}
	assert_int_equal(history.n, PROMPT_HISTORY_MAX);
	prompt_finish(&p);
	prompt_history_finish(&history);
}

static void words(const char *text, size_t cursor, struct prompt_choices *to, void *arg)
{
	static const char *const all[] = {"deploy", "deploys", "promote"};
	(void)arg;
	for (size_t i = 0; i < 3; i++)
		if (strncmp(all[i], text, cursor) == 0)
			prompt_choice(to, all[i], "help");
}

static void a_prompt_completes(void **state)
{
	(void)state;
	struct prompt p;
	prompt_init(&p, ":", "");
	p.complete = words;
	type(&p, "p<tab>");
	assert_string_equal(p.text.s, "promote");
	prompt_set(&p, "");
	type(&p, "d<tab><tab>");
	assert_string_equal(p.text.s, "deploy");
	assert_int_equal(prompt_n_choices(&p), 2);
	assert_string_equal(prompt_chosen(&p), "deploy");
	type(&p, "<tab>");
	assert_string_equal(prompt_chosen(&p), "deploys");
	struct grid grid;
	grid_init(&grid, 4, 24);
	struct canvas all = canvas_of(&grid), above = canvas_sub(&all, 0, 0, 3, 24),
		      line = canvas_sub(&all, 3, 0, 1, 24);
	prompt_draw(&p, &line, &above);
	assert_grid(&grid, "\n deploy        help\n deploys       help\n:deploy\n");
	assert_int_equal(grid.cursor_x, 7);
	grid_finish(&grid);
	prompt_finish(&p);
}

static void a_secret_is_not_shown(void **state)
{
	(void)state;
	struct prompt p;
	struct prompt_history history = {0};
	prompt_init(&p, "token: ", "");
	p.is_secret = true;
	p.history = &history;
	type(&p, "hunter2<ctrl-u>hunter22<enter>");
	struct grid grid;
	grid_init(&grid, 1, 24);
	struct canvas all = canvas_of(&grid);
	prompt_draw(&p, &all, NULL);
	assert_grid(&grid, "token: ••••••••\n");
	assert_int_equal(history.n, 0);
	assert_int_equal(p.cut.len, 0);
	grid_finish(&grid);
	prompt_finish(&p);
}

static bool check_name(const struct form_field *field, const char *value, char *error, size_t size, void *arg)
{
	(void)field;
	(void)arg;
	if (str_is_name(value))
		return true;
	snprintf(error, size, "lower-case letters, digits and dashes");
	return false;
}

static void a_form_checks_as_typed(void **state)
{
	(void)state;
	static const char *const languages[] = {"go", "python", "c"};
	static const struct form_field fields[] = {
		{.name = "name",
		 .label = "Name",
		 .kind = FORM_TEXT,
		 .is_required = true,
		 .check = check_name,
		 .help = "of it"},
		{.name = "port", .label = "Port", .kind = FORM_INT, .initial = "8080"},
		{.name = "language",
		 .label = "Language",
		 .kind = FORM_ENUM,
		 .options = languages,
		 .n_options = 3},
		{.name = "metrics", .label = "Metrics", .kind = FORM_BOOL, .initial = "true"},
	};
	struct form *form = form_new(fields, 4);
	struct input *in = input_new();
	struct key key;
	enum form_result last = FORM_IGNORED;
	assert_false(form_is_valid(form));
	assert_true(input_script(in, "Ab<tab>x<tab><right><tab><space><enter>", 0, NULL));
	while (input_next(in, &key))
		last = form_key(form, &key);
	assert_int_equal(last, FORM_TAKEN); /* not done: the focus went to what is wrong */
	assert_int_equal(form_focus(form), 0);
	assert_string_equal(form_value(form, "language"), "python");
	assert_string_equal(form_value(form, "metrics"), "false");
	struct grid grid;
	grid_init(&grid, 11, 50);
	struct canvas all = canvas_of(&grid);
	form_draw(form, &all);
	assert_grid(&grid, "Name    * Ab\n          ✖ lower-case letters, digits and dashes\n\n"
	                   "Port      8080x\n          ✖ must be a whole number\n\n"
	                   "Language   go  [python]  c\n\n\nMetrics   [false]  true\n\n");
	assert_true(input_script(in, "<ctrl-u>orders<tab><backspace><ctrl-s>", 0, NULL));
	while (input_next(in, &key))
		last = form_key(form, &key);
	assert_int_equal(last, FORM_DONE);
	assert_string_equal(form_value(form, "name"), "orders");
	form_set_error(form, "port", "is taken");
	assert_false(form_is_valid(form));
	assert_null(form_value(form, "no-such"));
	grid_finish(&grid);
	input_free(in);
	form_free(form);
}

static enum dialog_result press(struct dialog *d, const char *name, int64_t at_ms, bool is_pasted)
{
	struct key key;
	size_t button = 99;
	assert_true(key_parse(name, &key, NULL));
	key.at_ms = at_ms;
	key.is_pasted = is_pasted;
	enum dialog_result result = dialog_key(d, &key, at_ms, &button);
	if (result == DIALOG_CONFIRMED)
		assert_int_equal(button, 0);
	return result;
}

static void a_dialog_waits_for_the_eyes(void **state)
{
	(void)state;
	struct dialog d;
	dialog_init(&d, &(struct dialog_options){
				.title = "Restart checkout in dev", .buttons = {"Restart"}, .now_ms = 1000});
	doc_line(&d.body, STYLE_TEXT, "2 instances restart, one after the other.");
	assert_int_equal(press(&d, "enter", 999, false), DIALOG_TAKEN); /* typed before it opened */
	assert_int_equal(press(&d, "tab", 1100, false), DIALOG_TAKEN);
	assert_int_equal(press(&d, "enter", 1299, false), DIALOG_TAKEN);
	assert_int_equal(press(&d, "enter", 1400, true), DIALOG_TAKEN); /* pasted */
	assert_int_equal(press(&d, "enter", 1400, false), DIALOG_CONFIRMED);
	assert_int_equal(press(&d, "shift-tab", 1500, false), DIALOG_TAKEN);
	assert_int_equal(press(&d, "enter", 1600, false), DIALOG_CANCELLED); /* the default */
	assert_int_equal(press(&d, "y", 1700, false), DIALOG_IGNORED);
	assert_int_equal(press(&d, "esc", 1700, false), DIALOG_CANCELLED);
	struct grid grid;
	grid_init(&grid, 9, 54);
	struct canvas all = canvas_of(&grid);
	dialog_draw(&d, &all);
	assert_grid(&grid, "\n\n"
	                   "    ┌─Restart checkout in dev ──────────────────┐\n"
	                   "    │ 2 instances restart, one after the other. │\n"
	                   "    │                                           │\n"
	                   "    │                      Restart   [ Cancel ] │\n"
	                   "    └───────────────────────────────────────────┘\n\n\n");
	grid_finish(&grid);
	dialog_finish(&d);
}

static void a_protected_dialog_wants_the_name(void **state)
{
	(void)state;
	struct dialog d;
	dialog_init(&d, &(struct dialog_options){.title = "Roll back",
						 .buttons = {"Roll back"},
						 .is_danger = true,
						 .typed_name = "prod/checkout",
						 .needs_end = true,
						 .now_ms = 0});
	for (int i = 0; i < 40; i++)
		doc_linef(&d.body, STYLE_TEXT, "line %d of the plan", i);
	struct grid grid;
	grid_init(&grid, 24, 80);
	struct canvas all = canvas_of(&grid);
	dialog_draw(&d, &all);
	assert_int_equal(press(&d, "p", 400, false), DIALOG_TAKEN);
	assert_int_equal(press(&d, "enter", 401, false), DIALOG_TAKEN);
	for (const char *c = "rod/checkout"; *c; c++)
		press(&d, (char[]){*c, '\0'}, 500, false);
	assert_int_equal(press(&d, "enter", 600, false), DIALOG_TAKEN); /* its end was not seen */
	assert_string_equal(d.hint, "read it to its end first: page-down");
	for (int i = 0; i < 4; i++) {
		press(&d, "page-down", 700, false);
		dialog_draw(&d, &all);
	}
	assert_int_equal(press(&d, "enter", 800, false), DIALOG_CONFIRMED);
	for (int rows = 0; rows < 12; rows++) {
		struct canvas small = canvas_sub(&all, 0, 0, rows, rows * 4);
		dialog_draw(&d, &small);
	}
	grid_finish(&grid);
	dialog_finish(&d);
}

static void collect(const struct markdown_block *block, void *arg)
{
	str_addf(arg, "%d:%s:%s", block->number, block->info, block->code);
}

static void markdown_becomes_lines(void **state)
{
	(void)state;
	static const char text[] =
		"# Title *x*\nSome `code` and [a link](https://x.dev/).\n\n- one\n- two\n  1. three\n\n"
		"> quoted\n\n```sh {run}\nls -l\n```\n\n|A|B|\n|-|-:|\n|1|22|\n|wide "
		"cell|3|\n\n<b>\033[2J</b>\n";
	struct doc doc = {0};
	struct str blocks = {0};
	struct err err;
	struct pager p = {0};
	assert_true(markdown_render(&doc, text, sizeof(text) - 1, collect, &blocks, &err));
	assert_string_equal(blocks.s, "1:sh {run}:ls -l\n");
	pager_init(&p, &doc);
	assert_pager(
		&p, 21, 40,
		"Title x\n───────\n\nSome code and a link (https://x.dev/).\n\n• one\n• two\n  1. three\n\n"
		"│ quoted\n\n  sh {run}\n  ls -l\n\nA         │  B\n──────────┼───\n1         │ 22\n"
		"wide cell │  3\n\n<b>?[2J</b>\n\n");
	int tagged = 0;
	for (size_t i = 0; i < doc.n_lines; i++)
		tagged += doc.lines[i].tag == 1;
	assert_int_equal(tagged, 2);
	pager_finish(&p);
	doc_finish(&doc);
	str_finish(&blocks);
}

static char *repeat(const char *unit, size_t size)
{
	char *text = mem_alloc(size + 1);
	for (size_t i = 0; i < size; i++)
		text[i] = unit[i % strlen(unit)];
	return text;
}

static void hostile_markdown_costs_little(void **state)
{
	(void)state;
	struct err err;
	struct doc doc = {0};
	/* A head of 4,000 columns and 4,000 short rows: cmark-gfm would make 16 million cells of it. */
	static const char *const ends[] = {"\n", "\r\n", "\r", "\n> "};
	for (size_t i = 0; i < 4; i++) {
		struct str table = {0};
		for (int row = 0; row < 2; row++) {
			str_add(&table, ends[i][strlen(ends[i]) - 1] == ' ' && row == 0 ? "> " : "");
			for (int j = 0; j < 4000; j++)
				str_add(&table, row == 0 ? "|a" : "|-");
			str_addf(&table, "|%s", ends[i]);
		}
		for (int j = 0; j < 4000; j++)
			str_addf(&table, "|%s", ends[i]);
		assert_false(markdown_render(&doc, table.s, table.len, NULL, NULL, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		str_finish(&table);
	}
	char *big = repeat("a", MARKDOWN_BYTES_MAX + 1);
	assert_false(markdown_render(&doc, big, MARKDOWN_BYTES_MAX + 1, NULL, NULL, &err));
	free(big);
	static const char *const units[] = {">",    "[",    "*a ",   "<", "- ", "1) ", "_a*",
					    "[a](", "> - ", "a\n- ", "`", "![", "\\"};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		char *text = repeat(units[i], 64 * 1024);
		struct pager p = {0};
		int64_t t = clock_mono_ms();
		assert_true(markdown_render(&doc, text, 64 * 1024, NULL, NULL, &err));
		pager_init(&p, &doc);
		struct grid grid;
		grid_init(&grid, 24, 80);
		struct canvas all = canvas_of(&grid);
		pager_draw(&p, &all);
		assert_in_range(clock_mono_ms() - t, 0, 3000);
		grid_finish(&grid);
		pager_finish(&p);
		doc_reset(&doc);
		free(text);
	}
	doc_finish(&doc);
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pager_wraps_and_keeps_its_place),
		cmocka_unit_test(a_pager_finds_without_losing_context),
		cmocka_unit_test(a_prompt_edits),
		cmocka_unit_test(a_prompt_remembers),
		cmocka_unit_test(a_prompt_completes),
		cmocka_unit_test(a_secret_is_not_shown),
		cmocka_unit_test(a_form_checks_as_typed),
		cmocka_unit_test(a_dialog_waits_for_the_eyes),
		cmocka_unit_test(a_protected_dialog_wants_the_name),
		cmocka_unit_test(markdown_becomes_lines),
		cmocka_unit_test(hostile_markdown_costs_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

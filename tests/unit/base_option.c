/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/option.h"

static const char *const looks[] = {"dark", "light", NULL};
static const struct option_row rows[] = {
	{.name = "look", .help = "Colours for", .type = OPTION_CHOICE, .absent = "dark", .choices = looks},
	{.name = "refresh",
	 .help = "How often",
	 .type = OPTION_DURATION,
	 .absent = "5s",
	 .min = 500,
	 .max = 300000},
	{.name = "bell", .help = "Ring", .type = OPTION_BOOL, .absent = "true"},
	{.name = "lines", .help = "How many", .type = OPTION_INT, .absent = "100", .min = 10, .max = 1000},
	{.name = "url", .help = "Where", .type = OPTION_URL, .is_needed = true},
	{.name = "folder", .help = "Where", .type = OPTION_PATH},
	{.name = "title", .help = "What", .type = OPTION_TEXT},
};
#define N (sizeof(rows) / sizeof(rows[0]))

static char *read_all(const char *text, struct setting out[N], struct arena *arena)
{
	struct complaints c = {0};
	struct yaml y = {.file = "c.yaml", .arena = arena, .complaints = &c};
	const struct yaml_node *root = yaml_load(&y, text, strlen(text));
	const char *const more[] = {"contexts"};
	option_known_keys(&y, root, rows, N, more, 1);
	option_read(&y, root, rows, N, out);
	return c.text;
}

static void values_and_defaults(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct setting s[N];
	assert_null(
		read_all("look: light\nrefresh: 750ms\nbell: no\nurl: https://x.example/a\ncontexts: {}\n", s,
			 &arena));
	assert_int_equal(option_find(s, N, "look")->number, 1);
	assert_false(option_find(s, N, "look")->is_default);
	assert_int_equal(option_find(s, N, "refresh")->number, 750);
	assert_int_equal(option_find(s, N, "bell")->number, 0);
	assert_int_equal(option_find(s, N, "lines")->number, 100);
	assert_true(option_find(s, N, "lines")->is_default);
	assert_string_equal(option_find(s, N, "url")->text, "https://x.example/a");
	assert_null(option_find(s, N, "title")->text);
	assert_null(option_find(s, N, "none"));
	arena_finish(&arena);
}

static void complaints(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct setting s[N];
	char *text =
		read_all("look: drak\nrefresh: 1ms\nbell: 2\nlines: 5\nfolder: x\ntitel: a\n", s, &arena);
	static const char *const wanted[] = {
		"c.yaml:1: look: \"drak\": must be dark or light\n",
		"c.yaml:2: refresh: \"1ms\": must be a duration such as 250ms, 10s or 5m, from 500ms to 5m\n",
		"c.yaml:3: bell: \"2\": must be true or false\n",
		"c.yaml:4: lines: \"5\": must be a whole number from 10 to 1000\n",
		"c.yaml:5: folder: \"x\": must be an absolute path, or one that starts with ~/\n",
		"c.yaml:6: titel: unknown key, did you mean \"title\"?\n",
		"url: is missing\n",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("%s\nwanted %s", text, wanted[i]);
	assert_int_equal(option_find(s, N, "look")->number, 0); /* the default stays */
	assert_string_equal(option_find(s, N, "lines")->text, "100");
	free(text);
	arena_finish(&arena);
}

static void urls(void **state)
{
	(void)state;
	static const char *const good[] = {"http://a", "https://a.b:80/c?d", "unix:/run/x"};
	static const char *const bad[] = {
		"ftp://a", "file:///etc/passwd", "http://", "https://u@a/", "http://a b",
		"unix:x",  "http://a\n",         "a",       "https://:80/"};
	struct setting s;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(option_check(&rows[4], good[i], &s, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (option_check(&rows[4], bad[i], &s, NULL))
			fail_msg("taken: %s", bad[i]);
}

static void an_example_is_yaml(void **state)
{
	(void)state;
	struct str s = {0};
	option_example(&s, &rows[1], 2);
	assert_string_equal(s.s, "  # How often: a duration such as 250ms, 10s or 5m, from 500ms to 5m.\n  # "
				 "refresh: \"5s\"\n");
	str_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_and_defaults),
		cmocka_unit_test(complaints),
		cmocka_unit_test(urls),
		cmocka_unit_test(an_example_is_yaml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

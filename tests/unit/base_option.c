/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	{.name = "rooms", .help = "Which", .type = OPTION_LIST},
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

static const char *rooms_of(const char *text)
{
	struct arena arena = {0};
	struct setting s[N];
	static char out[512];
	char *complaint = read_all(text, s, &arena);
	const struct setting *rooms = option_find(s, N, "rooms");
	char *lf = complaint ? strchr(complaint, '\n') : NULL;
	if (lf)
		*lf = '\0';
	snprintf(out, sizeof(out), "%s", lf ? complaint : rooms->text ? rooms->text : "none");
	free(complaint);
	arena_finish(&arena);
	return out;
}

static void lists_of_names(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"rooms: [a, A]",    "rooms: [a, a]",   "rooms: [\"a,b\"]", "rooms: [-a]",      "rooms: [a-]",
		"rooms: []",        "rooms: [a, \"\"]", "rooms: \"a,\"",   "rooms: \"a, b\"", "rooms: [a/b]",
		"rooms: {a: b}",    "rooms: [[a]]",
		"rooms: [a123456789012345678901234567890123456789012345678901234567890123]"};
	assert_string_equal(rooms_of("url: http://a\nrooms: [apps, 2fa, no]"), "apps,2fa,no");
	assert_string_equal(rooms_of("url: http://a\nrooms: apps"), "apps");
	assert_string_equal(rooms_of("url: http://a\nrooms: apps,more"), "apps,more");
	assert_string_equal(rooms_of("url: http://a\nrooms: ~"), "none");
	assert_string_equal(rooms_of("url: http://a"), "none");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[200];
		snprintf(text, sizeof(text), "url: http://a\n%s", bad[i]);
		if (!strstr(rooms_of(text), "c.yaml:2: rooms"))
			fail_msg("%s: %s", bad[i], rooms_of(text));
	}
	struct str many = {0};
	for (int i = 0; i <= OPTION_LIST_MAX; i++)
		str_addf(&many, "%sr%d", i ? "," : "", i);
	struct setting s;
	assert_false(option_check(&rows[7], many.s, &s, NULL));
	*strrchr(many.s, ',') = '\0';
	assert_true(option_check(&rows[7], many.s, &s, NULL));
	str_reset(&many);
	option_print(&many, &rows[7], "apps,no,2fa");
	assert_string_equal(many.s, "[apps, \"no\", \"2fa\"]");
	str_finish(&many);
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
		cmocka_unit_test(lists_of_names),
		cmocka_unit_test(an_example_is_yaml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

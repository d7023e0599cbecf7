/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"

static const struct {
	const char *raw, *masked;
} masks[] = {
	{"plain", "plain"},
	{"a\nb\tc", "a b c"},
	{"\033]0;evil\007", "?]0;evil?"},
	{"\x9b" "31m", "?31m"},            /* C1 as a raw byte */
	{"\xc2\x9b" "31m", "?31m"},        /* C1 as U+009B */
	{"a\x7f", "a?"},
	{"prod\xe2\x80\xae" "x", "prod?x"}, /* U+202E */
	{"a\xe2\x81\xa6" "b", "a?b"},       /* U+2066 */
	{"a\xe2\x80\x8b" "b", "a?b"},       /* U+200B */
	{"a\xe2\x80\x8d" "b", "a?b"},       /* a joiner that joins nothing */
	{"\xef\xbb\xbfx", "?x"},            /* U+FEFF */
	{"a\xc2\xad" "b", "a?b"},           /* soft hyphen */
	{"\xc0\xaf", "??"},                 /* overlong */
	{"\xed\xa0\x80", "???"},            /* surrogate */
	{"\xf4\x90\x80\x80", "????"},       /* above U+10FFFF */
	{"caf\xc3", "caf?"},                /* cut off */
	{"e\xcc\x81", "e\xcc\x81"},         /* a mark stays on its base */
	{"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81?"},
	{"\xcc\x81" "a", "?a"},             /* a mark on nothing */
	{"日本", "日本"},
	{"👩\xe2\x80\x8d💻!", "👩!"},          /* a sequence shows its base */
	{"👍🏽", "👍"},
	{"✖?!●◌▲⚿", "✖?!●◌▲⚿"},
	{"─│┌┐└┘├┤┬┴┼…·▓░⣿⠀▁█", "─│┌┐└┘├┤┬┴┼…·▓░⣿⠀▁█"},
};

static void outside_text_is_masked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct str out = {0};
		utf8_mask(&out, masks[i].raw, strlen(masks[i].raw), UTF8_ONE_LINE);
		assert_string_equal(str_text(&out), masks[i].masked);
		str_finish(&out);
	}
	struct str out = {0};
	utf8_mask(&out, "a\nb\tc\r", 6, UTF8_KEEP_LINES);
	assert_string_equal(out.s, "a\nb\tc?");
	str_finish(&out);
}

static void json_keeps_all_and_shows_nothing_unsafe(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"say \"hi\" \\", "say \\\"hi\\\" \\\\"},
		{"a\nb\tc\r\033", "a\\nb\\tc\\r\\u001b"},
		{"x\xe2\x80\xaey", "x\\u202ey"},
		{"\xf3\xa0\x80\x81", "\\udb40\\udc01"}, /* a tag character, U+E0001 */
		{"\xff", "\\ufffd"},
		{"é日👍", "é日👍"},
		{"\x7f", "\\u007f"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str out = {0};
		utf8_json(&out, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(str_text(&out), rows[i][1]);
		str_finish(&out);
	}
	struct str out = {0};
	utf8_json(&out, "a\0b", 3);
	assert_string_equal(out.s, "a\\u0000b");
	str_finish(&out);
}

static void only_what_is_shown_may_run(void **state)
{
	(void)state;
	assert_true(utf8_is_safe("kubectl get pods\n\techo é\n", 26));
	assert_false(utf8_is_safe("echo \xe2\x80\x8bx", 9));
	assert_false(utf8_is_safe("a\0b", 3));
	assert_false(utf8_is_safe("👩\xe2\x80\x8d💻", strlen("👩\xe2\x80\x8d💻"))); /* part of it is hidden */
	assert_false(utf8_is_safe("\r", 1));
}

static void text_is_cut_by_columns(void **state)
{
	(void)state;
	size_t used;
	assert_int_equal(utf8_width("日本x", strlen("日本x")), 5);
	assert_int_equal(utf8_clip("日本x", strlen("日本x"), 3, &used), 3);
	assert_int_equal(used, 2);
	static const struct {
		const char *text;
		size_t columns;
		enum utf8_align align;
		const char *fitted;
	} rows[] = {
		{"abc", 5, UTF8_LEFT, "abc  "},   {"abc", 5, UTF8_RIGHT, "  abc"},
		{"abcdef", 4, UTF8_LEFT, "abc…"}, {"日本語", 4, UTF8_LEFT, "日… "},
		{"abc", 3, UTF8_LEFT, "abc"},     {"abc", 0, UTF8_LEFT, ""},
		{"abc", 1, UTF8_RIGHT, "…"},      {"日", 1, UTF8_LEFT, "…"},
		{"", 2, UTF8_LEFT, "  "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str out = {0};
		utf8_fit(&out, rows[i].text, rows[i].columns, rows[i].align);
		assert_string_equal(str_text(&out), rows[i].fitted);
		assert_int_equal(utf8_width(str_text(&out), out.len), rows[i].columns);
		str_finish(&out);
	}
}

/* Whatever comes in: the masked text is valid, safe, and masking it again changes nothing. */
static void any_bytes_become_safe(void **state)
{
	(void)state;
	unsigned seed = 7;
	for (int round = 0; round < 4000; round++) {
		char raw[48];
		size_t len = (size_t)(rand_r(&seed) % (int)sizeof(raw)) + 1;
		for (size_t i = 0; i < len; i++)
			raw[i] = (char)(rand_r(&seed) % 3 ? 0x80 + rand_r(&seed) % 0x80
							  : rand_r(&seed) % 0x80);
		struct str once = {0}, twice = {0};
		utf8_mask(&once, raw, len, UTF8_ONE_LINE);
		assert_true(utf8_is_safe(str_text(&once), once.len));
		utf8_mask(&twice, str_text(&once), once.len, UTF8_ONE_LINE);
		assert_string_equal(str_text(&once), str_text(&twice));
		assert_int_equal(utf8_width(raw, len), utf8_width(str_text(&once), once.len));
		str_finish(&once);
		str_finish(&twice);
	}
}

static void every_drawn_code_point_has_an_agreed_width(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp < 0x110000; cp++) {
		if (cp >= 0xD800 && cp < 0xE000)
			continue;
		char bytes[4];
		struct utf8_cell cell;
		size_t n = utf8_encode(cp, bytes);
		assert_int_equal(utf8_next(bytes, n, &cell), n);
		assert_true(cell.is_masked || (cell.cp[0] == cp && wcwidth((wchar_t)cp) == cell.width));
	}
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_text_is_masked),
		cmocka_unit_test(json_keeps_all_and_shows_nothing_unsafe),
		cmocka_unit_test(only_what_is_shown_may_run),
		cmocka_unit_test(text_is_cut_by_columns),
		cmocka_unit_test(any_bytes_become_safe),
		cmocka_unit_test(every_drawn_code_point_has_an_agreed_width),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

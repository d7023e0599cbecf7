/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

static void names(void **state)
{
	(void)state;
	assert_true(str_is_name("checkout"));
	assert_true(str_is_name("a1-b"));
	assert_false(str_is_name("1a"));
	assert_false(str_is_name("a-"));
	assert_false(str_is_name("A"));
	assert_false(str_is_name(""));
	char long_name[65];
	memset(long_name, 'a', 64);
	long_name[64] = '\0';
	assert_false(str_is_name(long_name));
	long_name[63] = '\0';
	assert_true(str_is_name(long_name));
}

static void nearest(void **state)
{
	(void)state;
	const char *const keys[] = {"health", "metrics", "runbooks"};
	assert_string_equal(str_nearest("heatlh", keys, 3), "health");
	assert_null(str_nearest("zzz", keys, 3));
}

static void durations(void **state)
{
	(void)state;
	int64_t ms;
	assert_true(clock_parse_duration("1h30m", &ms));
	assert_int_equal(ms, 5400000);
	assert_true(clock_parse_duration("250ms", &ms));
	assert_int_equal(ms, 250);
	assert_false(clock_parse_duration("10", &ms));
	assert_false(clock_parse_duration("", &ms));
	assert_false(clock_parse_duration("-5m", &ms));
	assert_false(clock_parse_duration("999999999999999999d", &ms));
	static const char *const texts[] = {"0s", "250ms", "1500ms", "90s", "5m", "3h", "2d"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char back[CLOCK_TEXT];
		assert_true(clock_parse_duration(texts[i], &ms));
		clock_duration(ms, back);
		assert_string_equal(back, texts[i]);
	}
}

static void instants(void **state)
{
	(void)state;
	int64_t ms;
	char text[CLOCK_TEXT];
	assert_true(clock_parse_rfc3339("2026-08-01T10:00:00.123Z", &ms));
	clock_rfc3339(ms, text);
	assert_string_equal(text, "2026-08-01T10:00:00.123Z");
	assert_true(clock_parse_rfc3339("2026-08-01T12:00:00.123456789+02:00", &ms));
	clock_rfc3339(ms, text);
	assert_string_equal(text, "2026-08-01T10:00:00.123Z");
	assert_false(clock_parse_rfc3339("2026-13-01T10:00:00Z", &ms));
	assert_false(clock_parse_rfc3339("2026-08-01T10:00:00", &ms));
}

static void errors_are_cut_on_a_character(void **state)
{
	(void)state;
	struct err err;
	char text[400];
	memset(text, 'x', sizeof(text));
	for (size_t at = sizeof(err.text) - 4; at < sizeof(err.text) + 1; at++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + at - 1, "€", 3);
		text[399] = '\0';
		err_set(&err, ERR_FAILED, "%s", text);
		size_t len = strlen(err.text);
		assert_true(len < sizeof(err.text));
		assert_true(err.text[len - 1] == 'x' || strcmp(err.text + len - 3, "€") == 0);
	}
	assert_int_equal(err_exit_status(err_kind_of("refused")), 3);
}

static void base64(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zg==x", "Zg==Zg==", "=", "====", "Zm 9v", "Zm9v=", "Z=m8", "Zm-_"};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct str there = {0}, back = {0};
		base64_add(&there, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(str_text(&there), pairs[i][1]);
		assert_true(base64_read(&back, pairs[i][1], strlen(pairs[i][1])));
		assert_string_equal(str_text(&back), pairs[i][0]);
		str_finish(&there);
		str_finish(&back);
	}
	struct str out = {0};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_read(&out, bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
	str_reset(&out);
	assert_true(base64_read(&out, "Zm9\r\nv\nAP8=\n", 12));
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.s, "foo\0\xFF", 5);
	str_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),    cmocka_unit_test(nearest),
		cmocka_unit_test(durations), cmocka_unit_test(instants),
		cmocka_unit_test(errors_are_cut_on_a_character),
		cmocka_unit_test(base64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"

static void ages_are_told_in_one_unit(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{-5000, "0s"},   {0, "0s"},        {999, "0s"},         {59999, "59s"},          {60000, "1m"},
		{3599999, "59m"}, {3600000, "1h"}, {172799999, "47h"}, {172800000, "2d"}, {864000000, "10d"},
	};
	char text[CLOCK_TEXT];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_age(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* Whoever sleeps until the unit is full misses no text, and wakes for none that is the same. */
static void an_age_changes_when_its_unit_is_full(void **state)
{
	(void)state;
	char text[CLOCK_TEXT], last[CLOCK_TEXT], next[CLOCK_TEXT];
	for (int64_t ms = 0; ms < (int64_t)4 * 24 * 3600 * 1000; ms += 7919) {
		int64_t unit = clock_age_unit(ms), lasts = unit - ms % unit;
		clock_age(ms, text);
		clock_age(ms + lasts - 1, last);
		clock_age(ms + lasts, next);
		assert_string_equal(text, last);
		assert_string_not_equal(text, next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_are_told_in_one_unit),
		cmocka_unit_test(an_age_changes_when_its_unit_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

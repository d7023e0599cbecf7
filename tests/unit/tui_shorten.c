/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tui/shorten.h"

static void only_what_says_nothing_goes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *left;
	} cases[] = {
		{"\033[39m\033(B\033[ma", "\033[ma"},
		{"\033[39;49m\033(B\033[mX", "\033[mX"},
		{"\033[39m\033[49m\033[m\017X", "\033[mX"},
		{"\033(B\033[0;1m\033[38;5;31mk", "\033[0;1m\033[38;5;31mk"},
		{"\033[39m\033[39X\033[m", "\033[39m\033[39X\033[m"}, /* an erase in between shows the colour */
		{"\033[39ma\033[39;49m\033[38;5;28m", "\033[39ma\033[39;49m\033[38;5;28m"},
		{"\033[39m", "\033[39m"},
		{"\033[39m\033(B", "\033[39m"},
		{"\033", "\033"},
		{"\033(", "\033("},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char bytes[64];
		size_t len = strlen(cases[i].bytes);
		memcpy(bytes, cases[i].bytes, len);
		len = shorten(bytes, len);
		assert_int_equal(len, strlen(cases[i].left));
		assert_memory_equal(bytes, cases[i].left, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_says_nothing_goes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

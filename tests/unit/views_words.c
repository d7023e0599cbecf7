/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "views/words.h"

static void the_own_name_reads_you(void **state)
{
	(void)state;
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"rolled back by ada", "rolled back by you"},
		{"by ada: moved by ada; by adam, by ada-x", "by you: moved by you; by adam, by ada-x"},
		{"nearby ada, BY ada, by ", "nearby ada, BY ada, by "},
		{"1.9.2 by ada (uid 0)", "1.9.2 by you (uid 0)"},
		{"", ""},
	};
	char room[WORDS_OWN];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(words_own(cases[i].text, "ada", room), cases[i].shown);
	assert_string_equal(words_own("by ada", NULL, room), "by ada");
	assert_null(words_own(NULL, "ada", room));
}

/* Nothing is cut: what has no room stays as it is. */
static void a_long_text_stays_whole(void **state)
{
	(void)state;
	char room[WORDS_OWN], text[2 * WORDS_OWN];
	for (size_t len = WORDS_OWN - 40; len < sizeof(text) - 10; len++) {
		memset(text, 'x', len);
		str_copy(text + len, sizeof(text) - len, " by ada");
		const char *shown = words_own(text, "ada", room);
		assert_int_equal(strlen(shown), len + 7);
		assert_true(shown == text || memcmp(shown + len, " by you", 8) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_name_reads_you),
		cmocka_unit_test(a_long_text_stays_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/supervise.h"

#define MIDDLE (UINT32_MAX / 2) /* no jitter, but for rounding */

static void waits_double_up_to_the_longest(void **state)
{
	(void)state;
	struct supervise s = {0};
	/* 20 s apart, 10 s up: never steady, never five in a minute */
	int64_t now = 1000, want[] = {250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++, now += 20000) {
		struct supervise_verdict v = supervise_exited(&s, now, 10000, MIDDLE);
		assert_in_range(v.wait_ms, want[i] - 1, want[i]);
		assert_false(v.is_crash_loop);
	}
}

static void five_in_a_minute_are_a_loop(void **state)
{
	(void)state;
	struct supervise s = {0};
	for (int i = 0; i < 4; i++)
		assert_false(supervise_exited(&s, i * 15000, 1000, MIDDLE).is_crash_loop);
	struct supervise_verdict v = supervise_exited(&s, 60000, 1000, MIDDLE);
	assert_true(v.is_crash_loop);
	assert_in_range(v.wait_ms, 29999, 30000);
	/* the sixth: the last five are 15 s … 60 s and this one */
	assert_false(supervise_exited(&s, 75001, 1000, MIDDLE).is_crash_loop);
}

static void staying_up_starts_anew(void **state)
{
	(void)state;
	struct supervise s = {0};
	for (int i = 0; i < 5; i++)
		supervise_exited(&s, i * 100, 10, MIDDLE);
	struct supervise_verdict v = supervise_exited(&s, 31000, 30000, MIDDLE);
	assert_false(v.is_crash_loop);
	assert_in_range(v.wait_ms, 249, 250);
}

static void jitter_stays_in_bounds(void **state)
{
	(void)state;
	struct supervise s = {0};
	assert_int_equal(supervise_exited(&s, 0, 0, 0).wait_ms, 200);
	s = (struct supervise){0};
	assert_int_equal(supervise_exited(&s, 0, 0, UINT32_MAX).wait_ms, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_the_longest),
		cmocka_unit_test(five_in_a_minute_are_a_loop),
		cmocka_unit_test(staying_up_starts_anew),
		cmocka_unit_test(jitter_stays_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

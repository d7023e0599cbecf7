/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "platform/rollout.h"

struct row {
	enum rollout_step step;
	struct rollout_facts facts;
	enum rollout_verdict verdict;
	bool ends_old;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rollout_answer a;
		rollout_judge(rows[i].step, &rows[i].facts, &a);
		if (a.verdict != rows[i].verdict || a.ends_old != rows[i].ends_old)
			fail_msg("row %zu (%s): verdict %d, ends_old %d: %s", i,
				 rollout_step_names[rows[i].step], a.verdict, a.ends_old, a.reason);
		assert_true(a.verdict != ROLLOUT_FAIL || *a.reason);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof(*(rows)))

static void forward(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ROLLOUT_BUILD, {.has_release = false}, ROLLOUT_WAIT, false},
		{ROLLOUT_BUILD, {.has_release = true}, ROLLOUT_NEXT, false},
		{ROLLOUT_HEALTHY, {.count = 2, .ready = 1}, ROLLOUT_WAIT, false},
		{ROLLOUT_HEALTHY, {.count = 2, .ready = 2}, ROLLOUT_NEXT, false},
		{ROLLOUT_HEALTHY, {.count = 2, .ready = 1, .failing = 1}, ROLLOUT_FAIL, false},
		{ROLLOUT_HEALTHY,
		 {.count = 2, .ready = 1, .in_step_ms = ROLLOUT_READY_MS},
		 ROLLOUT_FAIL,
		 false},
		{ROLLOUT_CUT_OVER, {.has_route = true}, ROLLOUT_WAIT, false},
		{ROLLOUT_CUT_OVER, {.has_route = true, .is_in_force = true}, ROLLOUT_NEXT, false},
		{ROLLOUT_CUT_OVER, {.has_route = false}, ROLLOUT_NEXT, false},
		{ROLLOUT_CUT_OVER, {.has_route = true, .in_step_ms = ROLLOUT_ROUTE_MS}, ROLLOUT_FAIL, false},
		{ROLLOUT_DRAIN, {.has_old = false}, ROLLOUT_NEXT, false},
		{ROLLOUT_DRAIN, {.has_old = true, .old_alive = 2, .draining = -1}, ROLLOUT_WAIT, false},
		{ROLLOUT_DRAIN, {.has_old = true, .old_alive = 2, .draining = 3}, ROLLOUT_WAIT, false},
		{ROLLOUT_DRAIN, {.has_old = true, .old_alive = 2, .draining = 0}, ROLLOUT_WAIT, true},
		{ROLLOUT_DRAIN,
		 {.has_old = true, .old_alive = 2, .draining = 3, .in_step_ms = ROLLOUT_DRAIN_MS},
		 ROLLOUT_WAIT,
		 true},
		{ROLLOUT_DRAIN, {.has_old = true, .old_alive = 0}, ROLLOUT_NEXT, true},
		{ROLLOUT_WATCH, {.count = 1, .ready = 1, .watch_left_ms = 1}, ROLLOUT_WAIT, false},
		{ROLLOUT_WATCH, {.count = 1, .ready = 1}, ROLLOUT_NEXT, false},
		{ROLLOUT_WATCH, {.count = 1, .failing = 1, .watch_left_ms = 1000}, ROLLOUT_FAIL, false},
		{ROLLOUT_WATCH, {.count = 1, .ready = 0}, ROLLOUT_WAIT, false},
		{ROLLOUT_WATCH, {.count = 1, .watch_left_ms = -ROLLOUT_SETTLE_MS}, ROLLOUT_FAIL, false},
	};
	CHECK(rows);
}

static void back(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ROLLOUT_BACK, {.count = 2, .old_ready = 1, .has_route = true}, ROLLOUT_WAIT, false},
		{ROLLOUT_BACK, {.count = 2, .old_ready = 2, .has_route = true}, ROLLOUT_WAIT, false},
		{ROLLOUT_BACK,
		 {.count = 2, .old_ready = 2, .has_route = true, .is_in_force = true, .draining = 1},
		 ROLLOUT_WAIT,
		 false},
		{ROLLOUT_BACK,
		 {.count = 2, .old_ready = 2, .has_route = true, .is_in_force = true},
		 ROLLOUT_NEXT,
		 true},
		{ROLLOUT_BACK, {.count = 1, .old_ready = 1}, ROLLOUT_NEXT, true},
		{ROLLOUT_BACK, {.count = 1, .in_step_ms = ROLLOUT_READY_MS}, ROLLOUT_FAIL, false},
	};
	CHECK(rows);
}

static void goes_back(void **state)
{
	(void)state;
	const char *why;
	struct rollout_facts old = {.has_old = true}, none = {0},
			     migrated = {.has_old = true, .migrations = 2};
	assert_false(rollout_goes_back(ROLLOUT_BUILD, &old, &why));
	assert_false(rollout_goes_back(ROLLOUT_HEALTHY, &old, &why));
	assert_true(rollout_goes_back(ROLLOUT_CUT_OVER, &old, &why));
	assert_true(rollout_goes_back(ROLLOUT_WATCH, &old, &why));
	assert_false(rollout_goes_back(ROLLOUT_WATCH, &none, &why));
	assert_non_null(why);
	assert_false(rollout_goes_back(ROLLOUT_WATCH, &migrated, &why));
	assert_non_null(strstr(why, "--past-migration"));
	assert_false(rollout_goes_back(ROLLOUT_BACK, &old, &why)); /* never in circles */
}

/* A wait is never without an end, but for the build, which tells. */
static void waits_end(void **state)
{
	(void)state;
	for (int step = ROLLOUT_HEALTHY; step < ROLLOUT_STEPS; step++) {
		struct rollout_facts f = {
			.count = 1, .has_old = true, .old_alive = 1, .has_route = true, .draining = 1};
		struct rollout_answer a = {.verdict = ROLLOUT_WAIT};
		int looks = 0;
		f.watch_left_ms = 5000;
		for (; a.verdict == ROLLOUT_WAIT && looks < 10; looks++) {
			rollout_judge(step, &f, &a);
			if (a.verdict == ROLLOUT_WAIT && a.wait_ms <= 0)
				fail_msg("%s waits without a time", rollout_step_names[step]);
			f.in_step_ms += a.wait_ms;
			f.watch_left_ms -= a.wait_ms;
		}
		assert_true(looks < 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward),
		cmocka_unit_test(back),
		cmocka_unit_test(goes_back),
		cmocka_unit_test(waits_end),
	};
	return cmocka_run_group_tests_name("rollout", tests, NULL, NULL);
}

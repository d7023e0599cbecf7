/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/str.h"
#include "model/records.h"
#include "views/alert_groups.h"

static void put(struct records *t, int number, const char *service, const char *environment, int severity)
{
	char id[32];
	struct alert a;
	record_init(record_class(RECORD_ALERT), &a);
	snprintf(id, sizeof(id), "a%03d", number);
	a.base.source = "test";
	a.id = id;
	a.name = "Rule";
	a.service = service;
	a.environment = environment;
	a.severity = severity;
	a.phase = ALERT_FIRING;
	records_put(t, &a);
}

static bool all(const struct alert *a, void *arg)
{
	(void)arg;
	return !str_eq(a->environment, "hidden");
}

static int by_severity(const struct alert *a)
{
	return a->severity;
}

static const struct alert *row(struct records *t, const char *id)
{
	return records_row(t, records_find_key(t, NULL, id));
}

static void few_stay_apart(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_ALERT));
	struct alert_groups g = {0};
	for (int i = 0; i < ALERT_GROUPS_FROM; i++)
		put(t, i, "basket", "prod", SEVERITY_WARNING);
	for (int i = 100; i < 110; i++)
		put(t, i, "basket", "hidden", SEVERITY_WARNING);
	alert_groups_make(&g, t, all, by_severity, NULL);
	assert_int_equal(g.n, 0);
	assert_null(alert_groups_head(&g, row(t, "a000")));
	alert_groups_clear(&g);
	records_free(t);
}

static void a_storm_is_told_by_placement(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_ALERT));
	struct alert_groups g = {0};
	for (int i = 0; i < 15; i++)
		put(t, i, "basket", "prod", i == 7 ? SEVERITY_CRITICAL : SEVERITY_WARNING);
	for (int i = 20; i < 30; i++)
		put(t, i, "stock", "prod", SEVERITY_WARNING);
	put(t, 40, NULL, NULL, SEVERITY_INFO); /* unowned is a place too */
	alert_groups_make(&g, t, all, by_severity, NULL);
	assert_int_equal(g.n, 3);
	assert_int_equal(alert_groups_head(&g, row(t, "a007"))->n, 15); /* the worst stands for the rest */
	assert_null(alert_groups_head(&g, row(t, "a000")));
	assert_int_equal(alert_groups_head(&g, row(t, "a020"))->n, 10);
	assert_int_equal(alert_groups_head(&g, row(t, "a040"))->n, 1);
	alert_groups_clear(&g);
	records_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_stay_apart),
		cmocka_unit_test(a_storm_is_told_by_placement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

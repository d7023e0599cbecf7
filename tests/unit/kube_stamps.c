/* SPDX-License-Identifier: Apache-2.0 */
/* The stamps before a log's lines, and what a pod tells of its containers' runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/providers/kubernetes/logs.h"

static void stamps(void **state)
{
	static const struct {
		const char *line;
		int64_t ns; /* -1: none */
		const char *rest;
	} rows[] = {
		{"2023-11-14T22:13:20.000000001Z one", 1700000000000000001, "one"},
		{"2023-11-14T22:13:20.123456789Z ", 1700000000123456789, ""},
		{"2023-11-14T22:13:20.123456789Z", 1700000000123456789, ""}, /* cut by limitBytes */
		{"2023-11-14T22:13:20.5Z tenths", 1700000000500000000, "tenths"},
		{"2023-11-14T22:13:20Z whole", 1700000000000000000, "whole"},
		{"2023-11-14T23:13:20.000000002+01:00 zone", 1700000000000000002, "zone"},
		{"2023-11-14T22:13:21.000000003Z  blank", 1700000001000000003, " blank"},
		{"2023-11-14T22:13:20.123456789123Z more digits", 1700000000123456789, "more digits"},
		{"", -1, ""},
		{"2023-11-14T22:13:20.12", -1, ""},
		{"no stamp", -1, ""},
		{"2023-11-14 22:13:20.000000001Z one", -1, ""},
		{"1969-11-14T22:13:20.000000001Z old", -1, ""},
		{"2023-11-14T22:13:20.00000000xZ one", -1, ""},
		{"2023-11-14T22:13:20.0000000000000000000000000000000000001Z one", -1, ""},
	};
	struct kube_stamps cache = {0};
	(void)state;
	for (int turn = 0; turn < 2; turn++) /* the second time by the second that was read before */
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			int64_t ns = -1;
			size_t used = 0, len = strlen(rows[i].line);
			if (!kube_stamp_read(&cache, rows[i].line, len, &ns, &used)) {
				assert_int_equal(rows[i].ns, -1);
				continue;
			}
			assert_true(ns == rows[i].ns);
			assert_string_equal(rows[i].line + used, rows[i].rest);
		}
}

static void one(const char *status, struct kube_run *run)
{
	struct arena arena = {0};
	struct str text = {0};
	const struct kube_container *all;
	str_addf(&text, "{\"spec\":{\"containers\":[{\"name\":\"app\"}]},\"status\":{\"containerStatuses\":[{\"name\":\"app\",%s}]}}",
		 status);
	cJSON *pod = json_parse(text.s, text.len, NULL);
	assert_non_null(pod);
	assert_int_equal(kube_pod_containers(pod, &arena, &all), 1);
	kube_run_of(&all[0], run);
	cJSON_Delete(pod);
	str_finish(&text);
	arena_finish(&arena);
}

static void runs(void **state)
{
	struct kube_run run;
	(void)state;
	one("\"restartCount\":2,\"state\":{\"running\":{\"startedAt\":\"2023-11-14T22:13:20Z\"}},"
	    "\"lastState\":{\"terminated\":{\"exitCode\":3}}", &run);
	assert_true(run.is_running && run.has_run && run.restarts == 2 && run.started_at == 1700000000000);
	assert_string_equal(run.ended, "");
	assert_string_equal(run.before, "exit 3");
	/* What waits to be started again is the run that ended. */
	one("\"restartCount\":2,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 10s\"}},"
	    "\"lastState\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\"}}", &run);
	assert_true(!run.is_running && run.has_run && run.restarts == 2);
	assert_string_equal(run.ended, "OOMKilled");
	assert_string_equal(run.before, "");
	assert_string_equal(run.waits, "CrashLoopBackOff: back-off 10s");
	one("\"state\":{\"terminated\":{\"exitCode\":0}},\"lastState\":{\"terminated\":{\"exitCode\":143}}", &run);
	assert_true(!run.is_running && run.has_run && run.restarts == 0);
	assert_string_equal(run.ended, "exit 0");
	assert_string_equal(run.before, "SIGTERM");
	one("\"state\":{\"waiting\":{\"reason\":\"ContainerCreating\"}}", &run);
	assert_true(!run.is_running && !run.has_run);
	assert_string_equal(run.waits, "ContainerCreating");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(stamps), cmocka_unit_test(runs)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

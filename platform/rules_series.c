/* SPDX-License-Identifier: Apache-2.0 */
/* Charts: points out of the short history, with what happened meanwhile. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/daemon.h"
#include "platform/rules_part.h"
#include "platform/state.h"

#define POINTS_MAX 900
#define STEP_MS 5000

static const struct {
	const char *name, *unit;
	enum history_chart chart;
} charts[] = {
	{"error_ratio", "ratio", CHART_ERROR_RATIO},
	{"request_rate", "requests/s", CHART_REQUEST_RATE},
	{"latency_p95", "s", CHART_LATENCY},
};

const char *rules_series_name(const struct service_alert *what)
{
	if (what->when == WHEN_ERROR_RATIO)
		return "error_ratio";
	if (what->when == WHEN_LATENCY)
		return "latency_p95";
	return what->when == WHEN_METRIC ? what->metric : NULL;
}

static void add_marks(const struct daemon *d, cJSON *json, const char *service, const char *environment, int64_t since)
{
	const struct deploy *deploy;
	cJSON *marks = cJSON_AddArrayToObject(json, "marks");
	for (size_t i = 0; (deploy = state_next(d->state, record_class(RECORD_DEPLOY), &i));) {
		if (!str_eq(deploy->service, service) || !str_eq(deploy->environment, environment) ||
		    deploy->started_at < since)
			continue;
		char time[CLOCK_TEXT], text[200];
		clock_rfc3339(deploy->started_at, time);
		snprintf(text, sizeof(text), "%s %.60s by %.60s", deploy->kind ? deploy->kind : "deploy",
		         deploy->to ? deploy->to : "", deploy->by ? deploy->by : "the platform");
		cJSON *mark = cJSON_CreateObject();
		json_add_text(mark, "time", time);
		json_add_text(mark, "text", text);
		cJSON_AddItemToArray(marks, mark);
	}
}

static void add_threshold(const struct rule_set *set, cJSON *json, const char *name)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (str_eq(rules_series_name(set->rules[i].what), name)) {
			cJSON_AddNumberToObject(json, "threshold", set->rules[i].what->threshold);
			return;
		}
}

struct cJSON *rules_series(const struct rules *rules, const char *service, const char *environment, const char *name,
                           int64_t since, struct err *err)
{
	const struct rule_set *set = rules_find(rules, service, environment);
	if (!set) {
		err_set(err, ERR_NOT_FOUND, "nothing is measured of %.63s in %.63s", service, environment);
		return NULL;
	}
	enum history_chart chart = CHART_VALUE;
	const char *unit = "", *metric = name;
	for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++)
		if (str_eq(charts[i].name, name)) {
			chart = charts[i].chart;
			unit = charts[i].unit;
			metric = NULL;
		}
	int64_t mono = clock_mono_ms(), wall = clock_wall_ms();
	struct history_point *points = mem_array(POINTS_MAX, sizeof(*points));
	size_t n = metric_history_chart(set->history, chart, metric, 0.95, mono - (wall - since), mono, STEP_MS, points,
	                                POINTS_MAX);
	cJSON *json = cJSON_CreateObject();
	json_add_text(json, "name", name);
	json_add_text(json, "unit", unit);
	cJSON *list = cJSON_AddArrayToObject(json, "points");
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(points[i].value))
			continue;
		double pair[2] = {(double)(wall - (mono - points[i].mono_ms)), points[i].value};
		cJSON_AddItemToArray(list, cJSON_CreateDoubleArray(pair, 2));
	}
	free(points);
	add_threshold(set, json, name);
	add_marks(rules->daemon, json, service, environment, since);
	return json;
}

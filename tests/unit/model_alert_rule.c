/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "model/alert_rule.h"

#define T0 100000 /* monotonic time of the first scrape */
#define WALL 1785578400000

struct bench {
	struct service_file file;
	struct metric_history *history;
	struct rule_facts facts;
	struct rule_state state;
};

static void setup(struct bench *b, const char *alert)
{
	char text[600];
	struct complaints c = {0};
	*b = (struct bench){.facts = {.is_known = true, .desired = 1, .ready = 1}};
	snprintf(text, sizeof(text), "name: a\nrun: ./a\nport: 80\nalerts:\n- %s\n", alert);
	if (!service_file_parse(&b->file, "service.yaml", text, strlen(text), &c))
		fail_msg("%s", c.text);
	b->history = metric_history_new(&b->file);
}

static void teardown(struct bench *b)
{
	metric_history_free(b->history);
	service_file_finish(&b->file);
}

static void add(const struct promtext_sample *s, void *arg)
{
	metric_history_add(arg, s);
}

static void scrape(struct bench *b, const char *instance, int64_t mono, const char *text)
{
	struct promtext p = {.each = add, .arg = b->history};
	metric_history_begin(b->history, instance, mono);
	promtext_feed(&p, text, strlen(text));
	promtext_finish(&p);
	assert_int_equal(p.n_bad, 0);
	metric_history_end(b->history);
}

static void requests(struct bench *b, const char *instance, int64_t mono, int good, int failed)
{
	char text[300];
	snprintf(text, sizeof(text),
		 "http_requests_total{path=\"/\",code=\"200\"} %d\n"
		 "http_requests_total{path=\"/\",code=\"503\"} "
		 "%d\nhttp_requests_total{path=\"/healthz\",code=\"200\"} %d\n",
		 good, failed, 1000 * good);
	scrape(b, instance, mono, text);
}

static enum rule_phase step(struct bench *b, int64_t mono)
{
	alert_rule_step(&b->file.alerts[0], &b->facts, b->history, mono, WALL + mono, &b->state);
	return b->state.phase;
}

static const char high[] = "{name: High, when: error_ratio, above: 5%, window: 10s, for: 3s}";

static void fires_and_resolves(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, high);
	int good = 0, failed = 0;
	int64_t t = T0;
	for (; t < T0 + 15000; t += 1000) { /* quiet */
		requests(&b, "i1", t, good += 10, failed);
		assert_int_equal(step(&b, t), RULE_INACTIVE);
	}
	int64_t onset = t;
	for (; t < onset + 3000; t += 1000) {
		requests(&b, "i1", t, good, failed += 10);
		assert_int_equal(step(&b, t), RULE_PENDING);
	}
	requests(&b, "i1", t, good, failed += 10);
	assert_int_equal(step(&b, t), RULE_FIRING);
	assert_int_equal(b.state.starts_at, WALL + t);
	assert_true(b.state.value > 0.39 && b.state.value < 0.41); /* 40 of 100 in the window */
	for (int64_t end = t + 9000; t < end;) {
		t += 1000;
		requests(&b, "i1", t, good += 10, failed);
		assert_int_equal(step(&b, t), RULE_FIRING);
	}
	t += 1000;
	requests(&b, "i1", t, good += 10, failed);
	assert_int_equal(step(&b, t), RULE_RESOLVED);
	assert_int_equal(b.state.ends_at, WALL + t);
	teardown(&b);
}

static void a_dead_scrape_is_unknown_never_resolved(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, high);
	int failed = 0;
	int64_t t = T0;
	for (; t < T0 + 8000; t += 1000) {
		requests(&b, "i1", t, 0, failed += 10);
		step(&b, t);
	}
	assert_int_equal(b.state.phase, RULE_FIRING);
	int64_t started = b.state.starts_at;
	assert_int_equal(step(&b, t + 60000), RULE_UNKNOWN);
	assert_int_equal(b.state.starts_at, started);
	assert_int_equal(step(&b, t + 600000), RULE_UNKNOWN);
	t += 600000;
	/* Back, but seen for less than a window: still not resolved. */
	requests(&b, "i1", t, 10, failed);
	assert_int_not_equal(step(&b, t), RULE_RESOLVED);
	for (int64_t end = t + 11000; t < end;) {
		t += 1000;
		requests(&b, "i1", t, 10, failed);
		step(&b, t);
	}
	assert_int_equal(b.state.phase, RULE_RESOLVED);
	teardown(&b);
}

static void a_restarted_daemon_resolves_nothing(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, high);
	b.state = (struct rule_state){.phase = RULE_FIRING, .starts_at = WALL};
	requests(&b, "i1", T0, 500, 500);
	assert_int_equal(step(&b, T0), RULE_UNKNOWN);
	requests(&b, "i1", T0 + 1000, 500, 510);
	assert_int_equal(step(&b, T0 + 1000), RULE_FIRING);
	assert_int_equal(b.state.starts_at, WALL);
	teardown(&b);
}

static void one_blind_instance_keeps_it_unknown(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, high);
	int64_t t = T0;
	b.state = (struct rule_state){.phase = RULE_FIRING, .starts_at = WALL};
	requests(&b, "i2", t, 10, 0);
	for (; t < T0 + 20000; t += 1000)
		requests(&b, "i1", t, (int)t, 0);
	assert_int_equal(step(&b, t), RULE_UNKNOWN);
	metric_history_forget(b.history, "i2");
	assert_int_equal(step(&b, t), RULE_RESOLVED);
	teardown(&b);
}

static void counter_resets_cost_nothing(void **state)
{
	(void)state;
	struct bench b;
	double ratio, rate;
	setup(&b, high);
	requests(&b, "i1", T0, 1000, 1000);      /* base line: counts nothing */
	assert_false(metric_history_error_ratio(b.history, HISTORY_REQUESTS, T0, 10000, &ratio));
	requests(&b, "i1", T0 + 1000, 1010, 1000);
	requests(&b, "i1", T0 + 2000, 30, 10);   /* restarted: 30 + 10 since */
	assert_true(metric_history_error_ratio(b.history, HISTORY_REQUESTS, T0 + 2000, 10000, &ratio));
	assert_true(ratio > 0.199 && ratio < 0.201);
	assert_true(metric_history_rate(b.history, HISTORY_REQUESTS, T0 + 2000, 10000, &rate));
	assert_true(rate > 24.9 && rate < 25.1); /* 50 in the 2 s seen */
	teardown(&b);
}

static void a_series_born_later_counts_from_zero(void **state)
{
	(void)state;
	struct bench b;
	double ratio;
	setup(&b, high);
	scrape(&b, "i1", T0, "http_requests_total{code=\"200\"} 5\n");
	scrape(&b, "i1", T0 + 1000,
	       "http_requests_total{code=\"200\"} 5\nhttp_requests_total{code=\"500\"} 3\n");
	assert_true(metric_history_error_ratio(b.history, HISTORY_REQUESTS, T0 + 1000, 10000, &ratio));
	assert_true(ratio > 0.99);
	teardown(&b);
}

static void latency(void **state)
{
	(void)state;
	struct bench b;
	double v;
	setup(&b, "{name: Slow, when: latency, above: 300ms, quantile: 0.5, window: 10s, for: 0s}");
	scrape(&b, "i1", T0,
	       "http_request_duration_seconds_bucket{le=\"0.1\"} 0\n"
	       "http_request_duration_seconds_bucket{le=\"0.5\"} "
	       "0\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} 0\n");
	scrape(&b, "i1", T0 + 1000, "http_request_duration_seconds_bucket{le=\"0.1\"} 0\n"
	       "http_request_duration_seconds_bucket{le=\"0.5\"} 80\n"
	       "http_request_duration_seconds_bucket{le=\"+Inf\"} 100\n");
	assert_true(metric_history_quantile(b.history, HISTORY_DURATION, 0.5, T0 + 1000, 10000, &v));
	assert_true(v > 0.349 && v < 0.351); /* 0.1 + 0.4 * 50 / 80 */
	assert_true(metric_history_quantile(b.history, HISTORY_DURATION, 0.99, T0 + 1000, 10000, &v));
	assert_true(v > 0.499 && v < 0.501); /* in the last bucket: its lower bound */
	assert_int_equal(step(&b, T0 + 1000), RULE_FIRING);
	char text[RULE_SENTENCE];
	alert_rule_sentence(&b.file.alerts[0], &b.state, text);
	assert_string_equal(text, "350ms is what 50% of requests stay below, above 300ms over 10s");
	teardown(&b);
}

static void gauges_and_counters(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, "{name: Queue, when: metric, metric: depth, above: 5, window: 2s, for: 0s}");
	scrape(&b, "i1", T0, "depth{q=\"a\"} 2\ndepth{q=\"b\"} 6\n");
	assert_int_equal(step(&b, T0), RULE_FIRING);
	scrape(&b, "i1", T0 + 1000, "depth{q=\"a\"} 2\n");
	scrape(&b, "i1", T0 + 2000, "depth{q=\"a\"} 2\n");
	assert_int_equal(step(&b, T0 + 2000), RULE_RESOLVED);
	scrape(&b, "i1", T0 + 3000, "other 1\n"); /* the metric is gone: nothing is known */
	step(&b, T0 + 3000);
	assert_true(b.state.is_blind);
	teardown(&b);
	setup(&b, "{name: Fail, when: metric, metric: failed_total, above: 1, window: 2s, for: 0s}");
	scrape(&b, "i1", T0, "failed_total 900\n");
	assert_int_equal(step(&b, T0), RULE_INACTIVE);
	scrape(&b, "i1", T0 + 1000, "failed_total 905\n");
	assert_int_equal(step(&b, T0 + 1000), RULE_FIRING);
	teardown(&b);
}

static void facts(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, "{name: Down, when: down, for: 2s}");
	assert_int_equal(step(&b, T0), RULE_INACTIVE);
	b.facts.ready = 0;
	assert_int_equal(step(&b, T0 + 1000), RULE_PENDING);
	assert_int_equal(alert_rule_fires_in(&b.file.alerts[0], &b.state, T0 + 1500), 1500);
	b.facts.is_known = false;
	assert_int_equal(step(&b, T0 + 9000), RULE_UNKNOWN); /* not firing by a gap */
	b.facts.is_known = true;
	assert_int_equal(step(&b, T0 + 9500), RULE_PENDING);
	assert_int_equal(step(&b, T0 + 11500), RULE_FIRING);
	b.facts.desired = 0;
	assert_int_equal(step(&b, T0 + 12000), RULE_RESOLVED);
	teardown(&b);
}

static void wall_clock_jumps_do_nothing(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, "{name: Down, when: down, for: 10s}");
	b.facts.ready = 0;
	const struct service_alert *a = &b.file.alerts[0];
	alert_rule_step(a, &b.facts, b.history, T0, WALL, &b.state);
	alert_rule_step(a, &b.facts, b.history, T0 + 1000, WALL + 3600000, &b.state);
	assert_int_equal(b.state.phase, RULE_PENDING);
	alert_rule_step(a, &b.facts, b.history, T0 + 10000, WALL - 3600000, &b.state);
	assert_int_equal(b.state.phase, RULE_FIRING);
	teardown(&b);
}

static void charts(void **state)
{
	(void)state;
	struct bench b;
	struct history_point points[20];
	setup(&b, high);
	for (int i = 0; i <= 10; i++)
		requests(&b, "i1", T0 + i * 1000, i * 10, i > 5 ? (i - 5) * 10 : 0);
	size_t n =
		metric_history_chart(b.history, CHART_ERROR_RATIO, NULL, 0, T0, T0 + 10000, 1000, points, 20);
	assert_int_equal(n, 10); /* the base line has none */
	assert_int_equal(points[0].mono_ms, T0 + 1000);
	assert_true(points[0].value < 0.01);
	assert_true(points[9].value > 0.49 && points[9].value < 0.51);
	n = metric_history_chart(b.history, CHART_REQUEST_RATE, NULL, 0, T0 + 8000, T0 + 10000, 1000, points,
				 2);
	assert_int_equal(n, 2); /* never more than asked for, the newest kept */
	assert_int_equal(points[1].mono_ms, T0 + 10000);
	assert_true(points[1].value > 19.9 && points[1].value < 20.1);
	teardown(&b);
}

static void floods_are_bounded(void **state)
{
	(void)state;
	struct bench b;
	char text[128], name[32];
	setup(&b, high);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "i%d", i);
		requests(&b, name, T0, 1, 1);
	}
	assert_int_equal(metric_history_sight(b.history, T0).fresh, 64);
	metric_history_begin(b.history, "i1", T0 + 1000);
	struct promtext p = {.each = add, .arg = b.history};
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "http_request_duration_seconds_bucket{le=\"%d\",x=\"%d\"} %d\n",
			 i, i, i);
		promtext_feed(&p, text, strlen(text));
	}
	promtext_finish(&p);
	metric_history_end(b.history);
	double v;
	assert_true(metric_history_quantile(b.history, HISTORY_DURATION, 0.95, T0 + 1000, 10000, &v));
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_and_resolves),
		cmocka_unit_test(a_dead_scrape_is_unknown_never_resolved),
		cmocka_unit_test(a_restarted_daemon_resolves_nothing),
		cmocka_unit_test(one_blind_instance_keeps_it_unknown),
		cmocka_unit_test(counter_resets_cost_nothing),
		cmocka_unit_test(a_series_born_later_counts_from_zero),
		cmocka_unit_test(latency),
		cmocka_unit_test(gauges_and_counters),
		cmocka_unit_test(facts),
		cmocka_unit_test(wall_clock_jumps_do_nothing),
		cmocka_unit_test(charts),
		cmocka_unit_test(floods_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

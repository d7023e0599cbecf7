/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "model/service_file.h"

static struct service_file parse_good(const char *text)
{
	struct service_file f;
	struct complaints c = {0};
	if (!service_file_parse(&f, "service.yaml", text, strlen(text), &c))
		fail_msg("refused: %s", c.text);
	assert_null(c.text);
	return f;
}

static void assert_complaint(const char *text, const char *complaint)
{
	struct service_file f;
	struct complaints c = {0};
	assert_false(service_file_parse(&f, "service.yaml", text, strlen(text), &c));
	assert_null(f.name);
	if (!strstr(c.text, complaint))
		fail_msg("complaints:\n%s\nwanted: %s", c.text, complaint);
	complaints_finish(&c);
}

static void seed_file_is_accepted(void **state)
{
	(void)state;
	struct service_file f = parse_good(
		"name: user-service\nlanguage: go\nscaling:\n  min_replicas: 2\n  max_replicas: 10\n"
		"  cpu_target: 70%\ndatabases:\n- postgres: user-db\n- redis: session-cache\n"
		"observability:\n  logging: structured\n  metrics: prometheus\n  alerts: "
		"pagerduty-integration\n");
	assert_string_equal(f.name, "user-service");
	assert_string_equal(f.build.text, "go build -o user-service .");
	assert_string_equal(f.run.argv[2], "exec ./user-service");
	assert_true(f.run.is_default);
	assert_true(f.has_port);
	assert_int_equal(f.port, 0);
	assert_string_equal(f.metrics, "/metrics");
	assert_string_equal(f.health.path, "/healthz");
	assert_string_equal(f.health.ready, "/healthz");
	assert_int_equal(f.n_databases, 2);
	assert_string_equal(f.databases[1].engine, "redis");
	assert_string_equal(f.databases[1].name, "session-cache");
	assert_int_equal(service_file_replicas(&f, "prod"), 2);
	assert_int_equal(f.n_alerts, 2);
	assert_string_equal(f.alerts[0].name, "ServiceDown");
	assert_true(service_file_can_run(&f, NULL));
	service_file_finish(&f);
}

static void worker_has_no_port(void **state)
{
	(void)state;
	struct service_file f = parse_good("name: swell\nlanguage: python\nhealth: {grace: 5s}\n");
	assert_false(f.has_port);
	assert_null(f.health.path);
	assert_null(f.metrics);
	assert_int_equal(f.health.grace_ms, 5000);
	service_file_finish(&f);
	f = parse_good("name: catalog-only\n");
	struct err err;
	assert_false(service_file_can_run(&f, &err));
	assert_non_null(strstr(err.text, "say run: or language:"));
	service_file_finish(&f);
}

static void health_and_metrics(void **state)
{
	(void)state;
	struct service_file f =
		parse_good("name: a\nrun: [./a]\nport: 8080\nhealth: {path: /live, ready: /go, interval: "
			   "2s}\nmetrics: false\n");
	assert_string_equal(f.health.path, "/live");
	assert_string_equal(f.health.ready, "/go");
	assert_int_equal(f.health.interval_ms, 2000);
	assert_null(f.metrics);
	assert_int_equal(f.port, 8080);
	service_file_finish(&f);
	f = parse_good("name: a\nrun: ./a\nport: 8080\nhealth: false\n");
	assert_null(f.health.path);
	assert_null(f.health.ready);
	assert_string_equal(f.metrics, "/metrics");
	service_file_finish(&f);
}

static void environments(void **state)
{
	(void)state;
	struct service_file f =
		parse_good("name: a\nrun: ./a\nenv: {MODE: slow, LEVEL: 1}\nscaling: {min_replicas: 2}\n"
			   "environments:\n  prod:\n    env: {MODE: fast}\n    replicas: 4\nwatch: {prod: "
			   "60s, dev: 0s}\n");
	assert_string_equal(service_file_env(&f, "prod", "MODE"), "fast");
	assert_string_equal(service_file_env(&f, "dev", "MODE"), "slow");
	assert_string_equal(service_file_env(&f, "prod", "LEVEL"), "1");
	assert_null(service_file_env(&f, "prod", "NONE"));
	assert_int_equal(service_file_replicas(&f, "prod"), 4);
	assert_int_equal(service_file_replicas(&f, "dev"), 2);
	assert_int_equal(service_file_watch(&f, "prod"), 60000);
	assert_int_equal(service_file_watch(&f, "dev"), 0);
	assert_int_equal(service_file_watch(&f, "staging"), SERVICE_WATCH_MS);
	service_file_finish(&f);
}

static void resources(void **state)
{
	(void)state;
	struct service_file f = parse_good("name: a\nresources: {requests: {cpu: 250m, memory: 128Mi}, limits: {cpu: 1.5}}\n");
	assert_string_equal(f.resources.cpu_request, "250m");
	assert_string_equal(f.resources.memory_request, "128Mi");
	assert_string_equal(f.resources.cpu_limit, "1.5");
	assert_null(f.resources.memory_limit);
	service_file_finish(&f);
	assert_complaint("name: a\nresources: {requests: {cpu: 250Mi}}\n",
	                 "resources.requests.cpu: \"250Mi\": must be a quantity above 0, such as 250m or 1.5");
	assert_complaint("name: a\nresources: {limits: {memory: 0}}\n", "resources.limits.memory: \"0\": must be");
	assert_complaint("name: a\nresources: {limits: {memory: 1.}}\n", "resources.limits.memory: \"1.\": must be");
	assert_complaint("name: a\nresources: {limits: {memory: -1}}\n", "resources.limits.memory: \"-1\": must be");
	assert_complaint("name: a\nresources: {limit: {memory: 1}}\n", "did you mean \"limits\"?");
}

static void alerts(void **state)
{
	(void)state;
	struct service_file f = parse_good("name: a\nrun: ./a\nport: 1\nalerts:\n"
					   "- {name: HighErrorRatio, severity: critical, when: error_ratio, "
					   "above: 5%, window: 10s, for: 3s, "
					   "runbook: runbooks/errors.md}\n"
					   "- {name: Slow, when: latency, above: 300ms, quantile: 0.99}\n"
					   "- {name: Queue, when: metric, metric: queue_depth, below: 3}\n"
					   "- {name: Gone, when: down, severity: warning}\n"
					   "runbooks: {Slow: runbooks/slow.md, general: runbooks/all.md}\n");
	assert_int_equal(f.n_alerts, 5); /* ServiceDown gives way to Gone */
	assert_string_equal(f.alerts[4].name, "CrashLoop");
	assert_true(f.alerts[0].threshold > 0.049 && f.alerts[0].threshold < 0.051);
	assert_string_equal(f.alerts[0].metric, "http_requests_total");
	assert_int_equal(f.alerts[0].for_ms, 3000);
	assert_true(f.alerts[1].threshold > 0.29 && f.alerts[1].threshold < 0.31);
	assert_true(f.alerts[2].is_below);
	assert_string_equal(service_file_runbook(&f, "HighErrorRatio"), "runbooks/errors.md");
	assert_string_equal(service_file_runbook(&f, "Slow"), "runbooks/slow.md");
	assert_string_equal(service_file_runbook(&f, "Queue"), "runbooks/all.md");
	service_file_finish(&f);
	f = parse_good("name: a\nrun: ./a\nrunbooks: {Slow: runbooks/slow.md}\n");
	assert_null(service_file_runbook(&f, "Queue"));
	service_file_finish(&f);
}

static void approval_changes_with_what_runs(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"name: a\nrun: ./a b\n",
		"name: a\nrun: [./a, b]\n",
		"name: a\nrun: [./a b]\n",
		"name: a\nbuild: ./a b\nrun: ./a b\n",
	};
	char hex[6][HASH_HEX];
	for (size_t i = 0; i < 4; i++) {
		struct service_file f = parse_good(texts[i]);
		service_file_approval(&f, "dev", "/srv/a", hex[i]);
		if (i == 0) {
			service_file_approval(&f, "prod", "/srv/a", hex[4]);
			service_file_approval(&f, "dev", "/srv/b", hex[5]);
		}
		service_file_finish(&f);
	}
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
	struct service_file f = parse_good("name: a\nteam: x\nrun: ./a b\nport: 80\n");
	char same[HASH_HEX];
	service_file_approval(&f, "dev", "/srv/a", same);
	assert_string_equal(same, hex[0]);
	service_file_finish(&f);
}

static void argv_is_shown_as_a_shell_would_need_it(void **state)
{
	(void)state;
	struct service_file f = parse_good("name: a\nrun: [./a, 'b c', \"it's\", '', x=1]\n");
	assert_string_equal(f.run.text, "./a 'b c' 'it'\\''s' '' x=1");
	assert_false(f.run.is_shell);
	assert_string_equal(f.run.argv[2], "it's");
	service_file_finish(&f);
}

static void complaints_name_all(void **state)
{
	(void)state;
	static const char text[] =
		"name: Checkout\nteem: payments\nport: 0\nhealth: healthz\nalerts:\n- name: X\n"
		"  when: error_ration\n  for: soon\n";
	assert_complaint(text, "service.yaml:1: name: \"Checkout\": must be a name");
	assert_complaint(text, "service.yaml:2: teem: unknown key, did you mean \"team\"?");
	assert_complaint(text, "service.yaml:3: port: \"0\": must be a whole number from 1 to 65535");
	assert_complaint(text, "service.yaml:4: health: \"healthz\": must be a path");
	assert_complaint(
		text,
		"service.yaml:7: alerts[0].when: \"error_ration\": must be down, crash_loop, unhealthy, "
		"error_ratio, latency or metric; did you mean \"error_ratio\"?");
	assert_complaint(text, "service.yaml:8: alerts[0].for: \"soon\": must be a duration");
	assert_complaint("team: x\n", "service.yaml:1: name: is missing");
	assert_complaint("- a\n", "must be a map");
	assert_complaint("name: a\nlanguage: pyhton\n", "did you mean \"python\"?");
	assert_complaint("name: a\nalerts: [{name: X, when: error_ratio}]\n", "needs above: or below:");
	assert_complaint("name: a\nalerts: [{name: X, when: down}, {name: X, when: down}]\n",
			 "is on line 2 already");
	assert_complaint("name: a\ndependencies: [a]\n", "cannot depend on itself");
	assert_complaint("name: a\ndependencies: [b, b]\n", "named twice");
	assert_complaint("name: a\nscaling: {min_replicas: 5, max_replicas: 2}\n",
			 "is less than min_replicas, 5");
	assert_complaint("name: a\nenvironments: {prod: {replicas: 20}}\n",
			 "more than scaling.max_replicas, 10");
}

static void hostile_values(void **state)
{
	(void)state;
	assert_complaint("name: a\nrunbooks: [../../etc/passwd]\n", "inside of the service's folder");
	assert_complaint("name: a\nrunbooks: [/etc/passwd]\n", "inside of the service's folder");
	assert_complaint("name: a\nrunbooks: {X: a/../../b}\n", "inside of the service's folder");
	assert_complaint("name: a\nlinks: {x: 'javascript:alert(1)'}\n", "http:// or https://");
	assert_complaint("name: a\nlinks: {x: 'https://user@host/'}\n", "http:// or https://");
	assert_complaint("name: a\nlinks: {x: 'http://'}\n", "http:// or https://");
	assert_complaint("name: a\nenv: {PORT: 1}\n", "is set by fairway");
	assert_complaint("name: a\nenv: {FAIRWAY_X: 1}\n", "is set by fairway");
	assert_complaint("name: a\nenv: {'A=B': 1}\n", "letters, digits");
	assert_complaint("name: a\nhealth: '/x y'\n", "must be a path");
	assert_complaint("name: a\nhealth: //evil/x\n", "must be a path");
	assert_complaint("name: a\nrun: []\n", "names no program");
	assert_complaint("name: \"a\\e[2J\"\n", "control character");
}

/* Any byte may be wrong: there is a service with a name and its two rules at least, or a complaint. */
static void every_byte_may_be_wrong(void **state)
{
	(void)state;
	static const char text[] =
		"name: a\nlanguage: go\nport: 80\nhealth: {path: /h, grace: 1s}\nenv: {A: &x b, C: *x}\n"
		"scaling: {min_replicas: 1, cpu_target: 7%}\ndatabases: [pg: d]\nrunbooks: [r/a.md]\n"
		"alerts:\n- {name: E, when: error_ratio, above: 5%, for: 3s}\nwatch: {prod: 1m}\nrun: [./a, "
		"'b']\n";
	static const char wrong[] = {'\0', '\n', ' ', '"', '\'', '{', '[',   ']',
				     ':',  '-',  '&', '*', '%',  '9', '\xff'};
	char bytes[sizeof(text)];
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		for (size_t j = 0; j < sizeof(wrong); j++) {
			struct service_file f;
			struct complaints c = {0};
			memcpy(bytes, text, sizeof(text));
			bytes[i] = wrong[j];
			if (service_file_parse(&f, "service.yaml", bytes, sizeof(text) - 1, &c)) {
				assert_true(str_is_name(f.name));
				assert_true(f.n_alerts >= 2);
				assert_null(c.text);
			} else {
				assert_non_null(c.text);
			}
			service_file_finish(&f);
			complaints_finish(&c);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seed_file_is_accepted),
		cmocka_unit_test(worker_has_no_port),
		cmocka_unit_test(health_and_metrics),
		cmocka_unit_test(environments),
		cmocka_unit_test(resources),
		cmocka_unit_test(alerts),
		cmocka_unit_test(approval_changes_with_what_runs),
		cmocka_unit_test(argv_is_shown_as_a_shell_would_need_it),
		cmocka_unit_test(complaints_name_all),
		cmocka_unit_test(hostile_values),
		cmocka_unit_test(every_byte_may_be_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/why.h"

/* A platform of our own making: a shop's "basket" in "live", with facts that each test bends. */
static struct {
	struct service service;
	struct environment live, test;
	struct placement here, before, neighbour;
	struct instance one, two;
	struct deploy deploy;
	struct release release;
	struct alert alert;
	struct lock lock;
	struct event event;
	struct health_source source;
	const struct placement *neighbours[1];
	const struct instance *instances[2];
	const struct deploy *deploys[1];
	const struct release *releases[1];
	const struct alert *alerts[1];
	const struct lock *locks[1];
	const struct event *events[1];
	struct why_facts facts;
	struct why why;
} w;

static int64_t at(const char *text)
{
	int64_t ms;
	assert_true(clock_parse_rfc3339(text, &ms));
	return ms;
}

static void add_records(void)
{
	record_init(record_class(RECORD_SERVICE), &w.service);
	record_init(record_class(RECORD_ENVIRONMENT), &w.live);
	record_init(record_class(RECORD_PLACEMENT), &w.here);
	record_init(record_class(RECORD_PLACEMENT), &w.before);
	record_init(record_class(RECORD_PLACEMENT), &w.neighbour);
	record_init(record_class(RECORD_INSTANCE), &w.one);
	record_init(record_class(RECORD_INSTANCE), &w.two);
	record_init(record_class(RECORD_DEPLOY), &w.deploy);
	record_init(record_class(RECORD_RELEASE), &w.release);
	record_init(record_class(RECORD_ALERT), &w.alert);
	record_init(record_class(RECORD_LOCK), &w.lock);
	record_init(record_class(RECORD_EVENT), &w.event);
	w.service.name = "basket";
	w.live.name = "live";
	w.here.service = w.before.service = "basket";
	w.here.environment = w.neighbour.environment = "live";
	w.before.environment = "test";
	w.here.version = "3.1.0";
	w.before.version = "3.2.0";
	w.here.health = w.before.health = w.neighbour.health = HEALTH_OK;
	w.here.desired = w.here.ready = 2;
	w.neighbour.service = "stock";
	w.one.id = "basket-1";
	w.two.id = "basket-2";
	w.one.service = w.two.service = "basket";
	w.one.environment = w.two.environment = "live";
	w.one.phase = w.two.phase = PHASE_RUNNING;
	w.one.is_ready = w.two.is_ready = true;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	add_records();
	int64_t now = at("2026-03-05T09:30:00Z");
	w.source = (struct health_source){
		.state = SOURCE_LIVE, .as_of = now - 1000, .now = now, .fresh_ms = 15000};
	w.neighbours[0] = &w.neighbour;
	w.instances[0] = &w.one;
	w.instances[1] = &w.two;
	w.deploys[0] = &w.deploy;
	w.releases[0] = &w.release;
	w.alerts[0] = &w.alert;
	w.locks[0] = &w.lock;
	w.events[0] = &w.event;
	w.facts = (struct why_facts){.service = "basket",
				     .environment = "live",
				     .now = now,
				     .you = "kim",
				     .source = &w.source,
				     .source_name = "platform",
				     .service_record = &w.service,
				     .environment_record = &w.live,
				     .placement = &w.here,
				     .placement_before = &w.before,
				     .neighbours = w.neighbours,
				     .n_neighbours = 1,
				     .deploys = w.deploys,
				     .releases = w.releases,
				     .alerts = w.alerts,
				     .locks = w.locks,
				     .events = w.events,
				     .instances = w.instances,
				     .n_instances = 2};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	why_finish(&w.why);
	return 0;
}

static void expect(const char *check, enum step_state state, const char *answer)
{
	why_finish(&w.why);
	why_explain(&w.facts, &w.why);
	assert_string_equal(w.why.answer, answer);
	for (size_t i = 0; i < w.why.n; i++)
		if (str_eq(w.why.checks[i].name, check)) {
			assert_int_equal(w.why.checks[i].state, state);
			assert_true(w.why.checks[i].detail[0]);
			return;
		}
	fail_msg("no check %s", check);
}

static void nothing_in_the_way(void **state)
{
	(void)state;
	expect("drift", STEP_DONE,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
	assert_true(w.why.is_fine);
	w.before.version = "3.1.0";
	expect("drift", STEP_DONE,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.1.0 too: nothing to "
	       "promote");
	w.here.health = HEALTH_STOPPED;
	w.facts.placement_before = NULL;
	expect("health", STEP_DONE, "basket in live is stopped: no instance is wanted");
}

static void blind(void **state)
{
	(void)state;
	w.here.health = HEALTH_OK;
	w.source.as_of = w.facts.now - 43000;
	expect("source", STEP_FAILED, "nobody can say: platform has told nothing for 43 s");
	assert_false(w.why.is_fine);
	assert_int_equal(w.why.checks[5].state, STEP_SKIPPED);
	w.source.state = SOURCE_DOWN;
	w.facts.source_error = "connection refused";
	expect("source", STEP_FAILED,
	       "nobody can say: platform has told nothing for 43 s (connection refused)");
	w.source.as_of = 0;
	expect("source", STEP_FAILED, "nobody can say: platform was never reached (connection refused)");
}

static void not_there(void **state)
{
	(void)state;
	w.facts.placement = NULL;
	expect("service", STEP_FAILED, "basket was never deployed to live: deploy it with D");
	w.facts.environment_record = NULL;
	expect("service", STEP_FAILED, "no environment is called live here");
	w.facts.service_record = NULL;
	expect("service", STEP_FAILED, "no service is called basket here");
}

static void guards(void **state)
{
	(void)state;
	w.facts.n_locks = 1;
	w.lock.service = "basket";
	w.lock.environment = "live";
	w.lock.by = "noor";
	w.lock.reason = "stocktaking";
	w.lock.until = w.facts.now + 90 * 60000;
	expect("lock", STEP_FAILED, "basket in live is locked by noor until 11:00: stocktaking");
	w.lock.until = w.facts.now - 1;
	w.live.is_read_only = true;
	expect("environment", STEP_FAILED, "live is read-only: nothing can be changed there from here");
	w.live.is_read_only = false;
	w.lock.environment = "test";
	expect("lock", STEP_DONE,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
}

static void deploys(void **state)
{
	(void)state;
	struct step steps[] = {{.name = "build", .state = STEP_DONE},
			       {.name = "start", .state = STEP_RUNNING}};
	w.facts.n_deploys = 1;
	w.deploy.service = "basket";
	w.deploy.environment = "live";
	w.deploy.to = "3.2.0";
	w.deploy.by = "kim";
	w.deploy.state = DEPLOY_RUNNING;
	w.deploy.started_at = w.facts.now - 12000;
	w.deploy.steps = (struct parts){steps, 2};
	expect("deploy", STEP_RUNNING,
	       "a deploy of basket to 3.2.0 by you runs for 12 s, at step start: wait for its end, or roll "
	       "back with B");
	steps[1] =
		(struct step){.name = "build", .state = STEP_FAILED, .detail = "exit 2: missing semicolon"};
	w.deploy.state = DEPLOY_FAILED;
	w.deploy.ended_at = w.facts.now - 200000;
	expect("last deploy", STEP_FAILED,
	       "the last deploy of basket, to 3.2.0 by you, failed at step build 3m 20s ago: exit 2: missing "
	       "semicolon");
	w.deploy.state = DEPLOY_ROLLED_BACK;
	w.deploy.trigger = TRIGGER_AUTOMATIC;
	w.deploy.by = NULL;
	w.deploy.steps.n = 0;
	w.deploy.detail = "basket-2 ended with exit 1";
	expect("last deploy", STEP_FAILED,
	       "the last deploy of basket, to 3.2.0, was rolled back by itself 3m 20s ago: basket-2 ended "
	       "with exit 1");
	w.deploy.environment = "test"; /* another's failure is no answer */
	expect("last deploy", STEP_SKIPPED,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
}

static void instances(void **state)
{
	(void)state;
	w.here.ready = 1;
	w.here.health = HEALTH_DEGRADED;
	w.two.is_ready = false;
	w.two.phase = PHASE_UNHEALTHY;
	w.two.reason = "GET /ready answered 503: cache cold";
	expect("ready", STEP_FAILED,
	       "1 of 2 instances of basket in live are ready; basket-2 is unhealthy: GET /ready answered "
	       "503: cache cold");
	w.two.reason = "connection refused";
	w.two.port = 8123;
	expect("listener", STEP_FAILED,
	       "basket-2 runs but nothing answers at its port 8123: connection refused");
	w.two.phase = PHASE_CRASH_LOOP;
	w.two.reason = NULL;
	w.two.exit = "exit 3";
	w.two.restarts = 5;
	w.facts.n_events = 1;
	w.event.kind = "exit";
	w.event.instance = "basket-2";
	w.event.text = "ended with exit 3: no DATABASE_URL";
	expect("crash loop", STEP_FAILED,
	       "basket ends again and again, last with exit 3, 5 restarts (basket-2): ended with exit 3: no "
	       "DATABASE_URL");
}

static void neighbours_and_health(void **state)
{
	(void)state;
	w.neighbour.health = HEALTH_FAILING;
	w.neighbour.reason = "no instance is ready";
	expect("dependencies", STEP_FAILED,
	       "stock, which basket needs, is failing in live: no instance is ready");
	w.neighbour.health = HEALTH_UNKNOWN;
	expect("dependencies", STEP_SKIPPED,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
	w.here.health = HEALTH_DEGRADED;
	w.here.reason = "disk is nearly full";
	expect("health", STEP_FAILED, "basket in live is degraded: disk is nearly full");
}

static void alerts(void **state)
{
	(void)state;
	w.facts.n_alerts = 1;
	w.alert.service = "basket";
	w.alert.environment = "live";
	w.alert.name = "BasketErrors";
	w.alert.phase = ALERT_FIRING;
	w.alert.starts_at = at("2026-03-05T09:25:00Z");
	w.alert.metric = "error_ratio";
	w.alert.value = 0.071;
	expect("alerts", STEP_FAILED, "basket 3.1.0 answers 7 % of requests with errors since 09:25");
	struct step steps[] = {
		{.name = "cut over", .state = STEP_DONE, .ended_at = w.alert.starts_at - 95000}};
	w.facts.n_deploys = 1;
	w.deploy.service = "basket";
	w.deploy.environment = "live";
	w.deploy.from = "3.0.9";
	w.deploy.to = "3.1.0";
	w.deploy.by = "ada";
	w.deploy.state = DEPLOY_SUCCEEDED;
	w.deploy.started_at = w.alert.starts_at - 130000;
	w.deploy.steps = (struct parts){steps, 1};
	expect("alerts", STEP_FAILED,
	       "basket 3.1.0 answers 7 % of requests with errors since 09:25; it was deployed 1m 35s before "
	       "by ada: roll back with B");
	w.alert.metric = "request_duration_seconds";
	w.alert.value = 2.5;
	w.alert.threshold = 0.5;
	w.deploy.started_at -= 7200000;
	expect("alerts", STEP_FAILED,
	       "basket 3.1.0 answers slowly, in 2.50 s where 0.50 s is the limit, since 09:25");
	w.alert.phase = ALERT_PENDING;
	expect("alerts", STEP_DONE,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
}

static void bad_releases(void **state)
{
	(void)state;
	w.facts.n_releases = 1;
	w.release.service = "basket";
	w.release.version = "3.2.0";
	w.release.is_bad = true;
	w.release.bad_reason = "lost baskets";
	expect("release", STEP_FAILED,
	       "basket 3.2.0, which test has, is marked bad: lost baskets: promoting it needs --despite-bad");
	w.release.version = "3.1.0";
	expect("release", STEP_FAILED,
	       "basket 3.1.0 runs in live and is marked bad: lost baskets: roll back with B");
	w.release.is_bad = false;
	expect("release", STEP_DONE,
	       "nothing is in the way: basket in live is ok with 3.1.0; test has 3.2.0: P promotes it");
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_in_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(blind, setup, teardown),
		cmocka_unit_test_setup_teardown(not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(guards, setup, teardown),
		cmocka_unit_test_setup_teardown(deploys, setup, teardown),
		cmocka_unit_test_setup_teardown(instances, setup, teardown),
		cmocka_unit_test_setup_teardown(neighbours_and_health, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_releases, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

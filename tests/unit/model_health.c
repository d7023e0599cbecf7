/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "model/health.h"
#include "model/join.h"

static void expect(const struct health_facts *f, enum health want, const char *why)
{
	struct str reason = {0};
	assert_int_equal(health_of(f, &reason), want);
	assert_string_equal(str_text(&reason), why);
	str_finish(&reason);
}

static void order(void **state)
{
	(void)state;
	struct health_facts f;
	health_facts_init(&f);
	expect(&f, HEALTH_UNKNOWN, "not seen yet");
	f.desired = f.ready = 3;
	expect(&f, HEALTH_OK, "");
	f.failing_dependency = "ledger";
	expect(&f, HEALTH_DEGRADED, "neighbour: ledger");
	f.ready = 2;
	expect(&f, HEALTH_DEGRADED, "2 of 3 ready");
	f.ready = 0;
	expect(&f, HEALTH_FAILING, "no instance is ready");
	f.desired = 0;
	expect(&f, HEALTH_STOPPED, "");
	f.desired = f.ready = 3;
	struct instance i;
	record_init(record_class(RECORD_INSTANCE), &i);
	i.phase = PHASE_CRASH_LOOP;
	health_add_instance(&f, &i);
	expect(&f, HEALTH_FAILING, "1 instance in a crash loop");
}

static void alerts_count_acked_or_not(void **state)
{
	(void)state;
	struct health_facts f;
	struct ack ack = {.by = "ada"};
	struct alert a;
	health_facts_init(&f);
	f.desired = f.ready = 1;
	record_init(record_class(RECORD_ALERT), &a);
	a.name = "Errors";
	a.severity = SEVERITY_WARNING;
	a.phase = ALERT_PENDING;
	health_add_alert(&f, &a);
	expect(&f, HEALTH_OK, "");
	a.phase = ALERT_FIRING;
	a.acked = (struct parts){&ack, 1};
	health_add_alert(&f, &a);
	expect(&f, HEALTH_DEGRADED, "Errors is firing");
	a.severity = SEVERITY_CRITICAL;
	health_add_alert(&f, &a);
	expect(&f, HEALTH_FAILING, "Errors is firing");
}

static void a_silent_source_is_unknown(void **state)
{
	(void)state;
	struct health_source s = {.state = SOURCE_LIVE, .as_of = 100000, .now = 115000, .fresh_ms = 15000};
	struct health_facts f;
	health_facts_init(&f);
	f.desired = f.ready = 1;
	f.critical = 1;
	f.source = &s;
	expect(&f, HEALTH_FAILING, "a critical alert is firing");
	s.now = 143000;
	expect(&f, HEALTH_UNKNOWN, "blind 43s");
	s.state = SOURCE_DOWN;
	s.now = 101000;
	expect(&f, HEALTH_UNKNOWN, "blind 1s");
	s.as_of = 0;
	expect(&f, HEALTH_UNKNOWN, "never seen");
}

static void roll_up(void **state)
{
	(void)state;
	struct health_sum sum = {0};
	char text[32];
	assert_int_equal(health_worst(&sum), HEALTH_UNKNOWN);
	health_add(&sum, HEALTH_STOPPED);
	assert_int_equal(health_worst(&sum), HEALTH_STOPPED);
	health_add(&sum, HEALTH_OK);
	assert_int_equal(health_worst(&sum), HEALTH_OK);
	health_add(&sum, HEALTH_DEGRADED);
	assert_int_equal(health_worst(&sum), HEALTH_DEGRADED);
	health_add(&sum, HEALTH_UNKNOWN);
	assert_int_equal(health_worst(&sum), HEALTH_UNKNOWN);
	health_add(&sum, HEALTH_FAILING);
	assert_int_equal(health_worst(&sum), HEALTH_FAILING);
	health_fraction(&sum, text, sizeof(text));
	assert_string_equal(text, "1/4");
	assert_int_equal(health_worse(HEALTH_STOPPED, HEALTH_OK), HEALTH_OK);
	assert_string_equal(health_sign(HEALTH_FAILING, false), "✖");
	assert_string_equal(health_sign(77, true), "?");
}

static bool only_checkout(enum join_part part, const char *name, void *arg)
{
	(void)arg;
	return part != JOIN_SERVICE || strcmp(name, "checkout") == 0;
}

static void expect_join(const struct join_context *c, struct pair *labels, size_t n, const char *service,
			const char *sentence)
{
	struct joined j;
	char text[128];
	join(c, NULL, NULL, NULL, &(struct pairs){labels, n}, NULL, &j);
	assert_string_equal(j.part[JOIN_SERVICE].name, service);
	join_sentence(&j, text, sizeof(text));
	assert_string_equal(text, sentence);
}

static void joins_by_rules(void **state)
{
	(void)state;
	struct join_context any = {.environment = "prod"}, known = {.is_known = only_checkout};
	struct pair labels[] = {{"job", "monitoring/node"},
				{"app", "checkout"},
				{"pod", "checkout-7d9f8b6c5-x2x9z"},
				{"service", "lb"}};
	expect_join(&any, labels, 4, "lb", "joined by label `service`");
	expect_join(&known, labels, 4, "checkout", "joined by label `app`"); /* lb is no service of ours */
	expect_join(&known, labels + 2, 1, "checkout", "joined by label `pod`");
	expect_join(&any, labels, 1, "node", "joined by label `job`");
	expect_join(&known, labels, 1, "", "unowned: no rule fits its labels");
	expect_join(&known, labels + 3, 1, "lb",
		    "joined by label `service`"); /* not known, but what it says */
	struct pair pods[] = {{"pod", "ledger-0"}};
	expect_join(&any, pods, 1, "ledger", "joined by label `pod`");
	pods[0].value = "user-service";
	expect_join(&any, pods, 1, "user-service", "joined by label `pod`");
	struct joined j;
	struct pair note = {"backstage.io/owner", "group:default/payments"};
	join(&any, "search", "", NULL, NULL, &(struct pairs){&note, 1}, &j);
	assert_string_equal(j.part[JOIN_SERVICE].rule, "told by the source");
	assert_string_equal(j.part[JOIN_ENVIRONMENT].name, "prod");
	assert_string_equal(j.part[JOIN_TEAM].name, "payments");
	assert_string_equal(j.part[JOIN_TEAM].rule, "joined by annotation `backstage.io/owner`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(alerts_count_acked_or_not),
		cmocka_unit_test(a_silent_source_is_unknown),
		cmocka_unit_test(roll_up),
		cmocka_unit_test(joins_by_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a newcomer lives through in `fairway demo`, line by line: the platform rises, a release is promoted
 * that fails in production only, its alert is read, acked and answered by a rollback, and a new service goes
 * to production. Real processes, one console of 120x40. tests/e2e/demo.sh runs it; state lies in
 * $FAIRWAY_STATE_DIR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/console.h"

struct script {
	struct screen *screen;
	bool is_broken; /* a line of the script failed: those after it mean nothing */
};

static struct screen *begin(void **state)
{
	struct script *script = *state;
	if (script->is_broken)
		fail_msg("a line before this one failed");
	script->is_broken = true;
	return script->screen;
}

static void end(void **state)
{
	((struct script *)*state)->is_broken = false;
}

static void first_frame_says_unknown(void **state)
{
	struct screen *s = begin(state);
	screen_expect_text(s, "? unknown", CONSOLE_SLOW_MS);
	assert_true(screen_is_alternate(s));
	end(state);
}

static void the_platform_rises(void **state)
{
	static const char *const services[][2] = {
		{"checkout", "payments"}, {"gateway", "storefront"}, {"ledger", "payments"},
		{"search", "storefront"}, {"swell", "platform"},     {"users", "identity"},
	};
	struct screen *s = begin(state);
	screen_expect_text(s, "raising ", CONSOLE_SLOW_MS);
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		console_expect_row(s, CONSOLE_SLOW_MS, "●", services[i][0], services[i][1], NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "● prod ok", "● staging ok", "● dev ok", NULL);
	screen_expect_text(s, "checkout 1.9.2 is in staging: P promotes it to prod", CONSOLE_SLOW_MS);
	end(state);
}

static void a_plan_is_shown_before_anything_happens(void **state)
{
	struct screen *s = begin(state);
	char out[65536];
	screen_keys(s, "P");
	screen_expect_text(s, "checkout in prod goes from 1.9.1 to 1.9.2", CONSOLE_SLOW_MS);
	screen_expect_text(s, "no locks", SCREEN_MS);
	screen_expect_text(s, "nothing is rebuilt", SCREEN_MS);
	console_expect_row(s, 0, "steps: ", "start", "healthy", "cut over", "watch", NULL);
	screen_expect_text(s, "fairway promote checkout --from staging --to prod", SCREEN_MS);
	screen_keys(s, "prod/chekout");
	console_press_until(s, "<enter>", "that is not the name", true, SCREEN_MS);
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "-o", "json", "service", "checkout",
				      "--env", "prod", NULL),
			 0);
	assert_non_null(strstr(out, "\"version\""));
	assert_null(strstr(out, "\"to_version\"")); /* nothing moves yet */
	screen_keys(s, "<ctrl-u>");
	end(state);
}

static void the_typed_name_starts_it(void **state)
{
	struct screen *s = begin(state);
	console_confirm(s, "prod/checkout");
	console_expect_row(s, CONSOLE_SLOW_MS, "checkout", "payments", "→1.9.2 ", "/2", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ cut over", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "▶ watch", NULL);
	screen_keys(s, "<esc>");
	console_expect_row(s, SCREEN_MS, "▶ checkout", "prod", "1.9.1→1.9.2", "watching", NULL);
	console_expect_row(s, SCREEN_MS, "checkout", "payments", "[1.9.2", NULL);
	end(state);
}

static void its_errors_fire_an_alert_that_rings(void **state)
{
	struct screen *s = begin(state);
	assert_int_equal(screen_bells(s), 0);
	console_expect_row(s, CONSOLE_SLOW_MS, "crit", "checkout", "prod", "HighErr", "fires in", NULL);
	screen_expect_text(s, "4 Alerts 1 firing", CONSOLE_SLOW_MS);
	console_expect_row(s, SCREEN_MS, "✖ prod 1 firing", NULL);
	console_expect_row(s, SCREEN_MS, "✖ checkout", "1.9.2✖", NULL);
	screen_expect_text(s, "HighErrorRatio fires on checkout in prod", SCREEN_MS);
	assert_int_equal(screen_bells(s), 1);
	end(state);
}

static void its_neighbour_is_told_from_it(void **state)
{
	struct screen *s = begin(state);
	console_expect_row(s, CONSOLE_SLOW_MS, "! gateway", "2.4.0!", NULL);
	screen_keys(s, ":gateway<enter>");
	console_expect_row(s, CONSOLE_SLOW_MS, "! prod", "neighbour: checkout", NULL);
	screen_expect_text(s, " gateway in prod:", SCREEN_MS); /* what keys act on now */
	screen_keys(s, "q");
	screen_expect_text(s, "4 Alerts 1 firing", SCREEN_MS);
	end(state);
}

static void triage_says_who_and_why(void **state)
{
	struct screen *s = begin(state);
	screen_keys(s, "4<enter>");
	console_expect_row(s, CONSOLE_SLOW_MS, "owner", "payments", NULL);
	console_expect_row(s, SCREEN_MS, "changed", "1.9.2, by you,", " s before onset", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "new since onset", NULL);
	console_expect_row(s, SCREEN_MS, "amount", "JPY", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "promote 1.9.2", NULL); /* the deploy's mark in the chart */
	screen_expect_text(s, "not acked", SCREEN_MS);
	end(state);
}

static void one_key_acks(void **state)
{
	struct screen *s = begin(state);
	screen_keys(s, "a");
	console_expect_row(s, CONSOLE_SLOW_MS, "acked by", "you", NULL);
	screen_expect_text(s, "1 firing (1 acked)", SCREEN_MS);
	end(state);
}

static void the_runbook_says_roll_back(void **state)
{
	struct screen *s = begin(state);
	screen_keys(s, "r");
	screen_expect_text(s, "A deploy came just before: roll back", CONSOLE_SLOW_MS);
	screen_expect_text(s, "Runbook checkout", SCREEN_MS);
	screen_keys(s, "q");
	screen_expect_no_text(s, "Runbook checkout", SCREEN_MS);
	screen_expect_text(s, "1 Alert", SCREEN_MS);
	end(state);
}

static void rollback_cuts_over_back(void **state)
{
	struct screen *s = begin(state);
	char out[65536];
	screen_keys(s, "B");
	screen_expect_text(s, "checkout in prod goes from 1.9.2 to 1.9.1", CONSOLE_SLOW_MS);
	screen_expect_text(s, "1.9.2 is marked bad", SCREEN_MS);
	console_confirm(s, "prod/checkout");
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ cut over", NULL);
	screen_keys(s, "<esc>");
	screen_expect_no_text(s, "✔ cut over", SCREEN_MS);
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "service", "checkout", "--env",
				      "prod", NULL),
			 0);
	assert_non_null(strstr(out, "1.9.1"));
	end(state);
}

static void the_alert_resolves(void **state)
{
	struct screen *s = begin(state);
	screen_expect_text(s, "resolved after", CONSOLE_SLOW_MS);
	console_expect_row(s, SCREEN_MS, "handled", "acked after", "resolved after", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "● prod ok", NULL);
	end(state);
}

static void the_timeline_is_copied_as_markdown(void **state)
{
	static const char *const facts[] = {"# ",            "HighErrorRatio", "payments",
					    "1.9.2, by you", "JPY",            "resolved after"};
	struct screen *s = begin(state);
	size_t from;
	screen_raw(s, &from);
	screen_keys(s, "y");
	screen_expect_text(s, "copied", SCREEN_MS);
	char *text = console_copied(s, from);
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (!strstr(text, facts[i]))
			fail_msg("\"%s\" is not in the copied timeline:\n%s", facts[i], text);
	free(text);
	screen_keys(s, "q");
	screen_expect_text(s, "1 Services", SCREEN_MS);
	assert_false(screen_has_text(s, "P promotes it to prod")); /* a bad release is not hinted at */
	end(state);
}

static void a_form_makes_a_service(void **state)
{
	struct screen *s = begin(state);
	screen_keys(s, "n");
	screen_expect_text(s, "New service", SCREEN_MS);
	screen_keys(s, "Orders!");
	screen_expect_text(s, "✖", SCREEN_MS); /* checked as it is typed */
	screen_keys(s, "<ctrl-u>orders<tab>payments<ctrl-s>");
	console_expect_row(s, CONSOLE_SLOW_MS, "6 files", NULL);
	screen_expect_text(s, "nothing is made yet", SCREEN_MS);
	screen_keys(s, "<ctrl-s>");
	screen_expect_text(s, "Make orders from http-service", CONSOLE_SLOW_MS);
	console_expect_row(s, SCREEN_MS, "then: up in dev", "promote to staging", "promote to prod",
			   "prove in prod", NULL);
	screen_keys(s, "<tab>");
	console_press_until(s, "<enter>", "Make orders from http-service", false, SCREEN_MS);
	end(state);
}

static void it_goes_from_dev_to_prod(void **state)
{
	struct screen *s = begin(state);
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ new", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ up in dev", NULL);
	console_confirm(s, "prod/orders");
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ promote to staging", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "✔ promote to prod", NULL);
	end(state);
}

static void each_check_is_proved(void **state)
{
	static const char *const proofs[] = {"✔ inject a fault", "✔ the alert fires", "✔ its team is told",
					     "✔ prove in prod"};
	struct screen *s = begin(state);
	screen_expect_text(s, "time to production with full observability: ", CONSOLE_SLOW_MS);
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++)
		console_expect_row(s, SCREEN_MS, proofs[i], NULL);
	screen_keys(s, "<esc>");
	screen_expect_no_text(s, "✔ prove in prod", SCREEN_MS);
	console_expect_row(s, SCREEN_MS, "orders", "payments", NULL);
	end(state);
}

static void leaving_ends_no_service(void **state)
{
	struct screen *s = begin(state);
	char out[65536];
	screen_keys(s, "Q");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
	assert_false(screen_is_alternate(s));
	screen_expect_text(s, "fairway demo down ends it", SCREEN_MS);
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "status", NULL), 0);
	assert_non_null(strstr(out, "7 services in 3 environments"));
	end(state);
}

static int start(void **state)
{
	static struct script script;
	script.screen = console_open(&(struct console_setup){.words = {"demo"}});
	*state = &script;
	return 0;
}

static int stop(void **state)
{
	screen_end(((struct script *)*state)->screen);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_frame_says_unknown),
		cmocka_unit_test(the_platform_rises),
		cmocka_unit_test(a_plan_is_shown_before_anything_happens),
		cmocka_unit_test(the_typed_name_starts_it),
		cmocka_unit_test(its_errors_fire_an_alert_that_rings),
		cmocka_unit_test(its_neighbour_is_told_from_it),
		cmocka_unit_test(triage_says_who_and_why),
		cmocka_unit_test(one_key_acks),
		cmocka_unit_test(the_runbook_says_roll_back),
		cmocka_unit_test(rollback_cuts_over_back),
		cmocka_unit_test(the_alert_resolves),
		cmocka_unit_test(the_timeline_is_copied_as_markdown),
		cmocka_unit_test(a_form_makes_a_service),
		cmocka_unit_test(it_goes_from_dev_to_prod),
		cmocka_unit_test(each_check_is_proved),
		cmocka_unit_test(leaving_ends_no_service),
	};
	return cmocka_run_group_tests(tests, start, stop);
}

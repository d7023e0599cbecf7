/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "model/patterns.h"
#include "model/rank.h"

#define S 1000
#define MIN (60 * S)
#define NOON ((int64_t)1767268800000) /* 2026-01-01T12:00:00Z */

static struct deploy deploy_of(const char *service, const char *to, const char *by, int64_t at)
{
	struct deploy d;
	record_init(record_class(RECORD_DEPLOY), &d);
	d.id = to;
	d.service = service;
	d.environment = "prod";
	d.from = "1.0";
	d.to = to;
	d.by = by;
	d.state = DEPLOY_SUCCEEDED;
	d.started_at = at;
	d.ended_at = at + 5 * S;
	return d;
}

static void expect_rank(const struct timeline *t, const struct rank_subject *s, const char *const *want,
			size_t n)
{
	struct ranked ranked[8];
	struct str text = {0};
	assert_int_equal(rank_changes(t, s, ranked, 8), n);
	for (size_t i = 0; i < n; i++) {
		str_reset(&text);
		rank_sentence(&ranked[i], s, &text);
		assert_string_equal(str_text(&text), want[i]);
	}
	str_finish(&text);
}

static void own_deploy_by_its_cut_over(void **state)
{
	(void)state;
	struct timeline t;
	timeline_init(&t, NOON - 120 * MIN, NOON + 10 * MIN);
	struct step step = {.name = "cut over", .state = STEP_DONE, .ended_at = NOON - 20 * S};
	struct deploy d = deploy_of("parcel", "2.4.0", "kim", NOON - 3 * MIN);
	d.steps = (struct parts){&step, 1};
	timeline_add_deploy(&t, &d);
	timeline_sort(&t);
	assert_int_equal(t.n, 3);
	struct rank_subject s = {.service = "parcel", .environment = "prod", .onset = NOON, .you = "kim"};
	expect_rank(&t, &s, (const char *[]){"2.4.0, by you, 20 s before onset"}, 1);
	s.onset = NOON - 30 * S; /* before the cut over: the new version served nobody yet */
	expect_rank(&t, &s, NULL, 0);
	timeline_finish(&t);
}

static void tiers_then_nearness_then_age(void **state)
{
	(void)state;
	struct timeline t;
	timeline_init(&t, NOON - 24 * 60 * MIN, NOON + MIN);
	struct deploy own = deploy_of("parcel", "2.4.0", "ada", NOON - 40 * MIN),
		      old = deploy_of("parcel", "2.3.9", "ada", NOON - 300 * MIN);
	struct deploy need = deploy_of("label", "7", NULL, NOON - 5 * MIN),
		      other = deploy_of("mail", "9", "noor", NOON - 10 * S);
	struct deploy elsewhere = deploy_of("parcel", "3", "ada", NOON - S),
		      later = deploy_of("parcel", "4", "ada", NOON + 30 * S);
	elsewhere.environment = "dev";
	struct deploy *all[] = {&other, &old, &later, &need, &elsewhere, &own};
	for (size_t i = 0; i < 6; i++)
		timeline_add_deploy(&t, all[i]);
	timeline_sort(&t);
	const char *const needs[] = {"label"};
	struct rank_subject s = {
		.service = "parcel", .environment = "prod", .onset = NOON, .dependencies = {needs, 1}};
	expect_rank(&t, &s,
		    (const char *[]){"2.4.0, by ada, 40m 00s before onset", "label 7, 5m 00s before onset",
				     "mail 9, by noor, 10 s before onset",
				     "2.3.9, by ada, 5h 00m before onset"},
		    4);
	timeline_finish(&t);
}

static void other_changes_count(void **state)
{
	(void)state;
	struct timeline t;
	timeline_init(&t, NOON - 60 * MIN, NOON + MIN);
	struct event e;
	record_init(record_class(RECORD_EVENT), &e);
	e.service = "parcel";
	e.environment = "prod";
	e.kind = "scale";
	e.text = "scaled from 4 to 1";
	e.time = NOON + S; /* a scrape's delay after the onset that was told */
	timeline_add_event(&t, &e);
	e.kind = "exit";
	e.text = "ended with exit 1";
	e.time = NOON - S;
	timeline_add_event(&t, &e); /* a consequence, no change */
	struct deploy back = deploy_of("parcel", "2.3.9", "noor", NOON - 2 * MIN);
	back.kind = "rollback";
	timeline_add_deploy(&t, &back);
	timeline_sort(&t);
	struct rank_subject s = {.service = "parcel", .environment = "prod", .onset = NOON};
	expect_rank(&t, &s,
		    (const char *[]){"scaled from 4 to 1, 0 s before onset",
				     "rollback to 2.3.9, by noor, 2m 00s before onset"},
		    2);
	timeline_finish(&t);
}

static void copy_for_an_incident(void **state)
{
	(void)state;
	struct timeline t;
	timeline_init(&t, NOON - MIN, NOON + 10 * MIN);
	struct ack ack = {.by = "ada", .at = NOON + 6 * S};
	struct alert a;
	record_init(record_class(RECORD_ALERT), &a);
	a.name = "ParcelErrors";
	a.service = "parcel";
	a.environment = "prod";
	a.phase = ALERT_RESOLVED;
	a.starts_at = NOON;
	a.ends_at = NOON + 55 * S;
	a.summary = "a | b <script> \x1b[1m";
	a.acked = (struct parts){&ack, 1};
	timeline_add_alert(&t, &a);
	struct note n;
	record_init(record_class(RECORD_NOTE), &n);
	n.time = NOON + 10 * S;
	n.by = "ada";
	n.text = "it is `x|y`\nsecond line";
	timeline_add_note(&t, &n);
	timeline_sort(&t);
	struct str out = {0};
	struct timeline_facts f = {.alert = &a,
				   .service = "parcel",
				   .environment = "prod",
				   .team = "post",
				   .now = NOON + 60 * S,
				   .cause = "2.4.0, by you, 20 s before onset",
				   .evidence = "one ```` two"};
	timeline_markdown(&t, &f, &out);
	assert_string_equal(str_text(&out),
			    "## ParcelErrors: parcel in prod\n\n"
			    "- **Alert**: critical, resolved\n"
			    "- **Summary**: a \\| b \\<script\\> ?\\[1m\n"
			    "- **Began**: 2026-01-01 12:00:00 UTC, acked after 6 s, resolved after 55 s\n"
			    "- **Owner**: post\n"
			    "- **Last change before it**: 2.4.0, by you, 20 s before onset\n"
			    "\n| UTC | what | where | who |\n|---|---|---|---|\n"
			    "| 2026-01-01 12:00:00 | ParcelErrors fires | parcel in prod |  |\n"
			    "| 12:00:06 | ParcelErrors acked | parcel in prod | ada |\n"
			    "| 12:00:10 | it is \\`x\\|y\\` second line |  | ada |\n"
			    "| 12:00:55 | ParcelErrors resolved | parcel in prod |  |\n"
			    "\n`````\none ```` two\n`````\n");
	str_reset(&out);
	a.phase = ALERT_FIRING;
	a.acked.n = 0;
	timeline_alert_spans(&a, NOON + 125 * S, &out);
	assert_string_equal(str_text(&out), "firing for 2m 05s, not acked");
	str_finish(&out);
	timeline_finish(&t);
}

static void masks(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"order 4711 of user \"kim\" failed after 35ms", "order <n> of user <s> failed after <n>ms"},
		{"10.1.2.3:5432 refused, id 550e8400-e29b-41d4-a716-446655440000", "<n> refused, id <id>"},
		{"can't read 0xdeadbeef: blob a94a8fe5ccb19ba61c4c0873d391e987",
		 "can't read <id>: blob <id>"},
		{"open 'x", "open 'x"},
		{"", ""},
	};
	char text[PATTERNS_BYTES];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		patterns_mask(cases[i][0], strlen(cases[i][0]), text, sizeof(text));
		assert_string_equal(text, cases[i][1]);
	}
	patterns_mask("a 1 2", 5, text, 4);
	assert_string_equal(text, "a <");
}

static void feed(struct patterns *p, int64_t from, int n, const char *format)
{
	char line[200];
	for (int i = 0; i < n; i++) {
		snprintf(line, sizeof(line), format, 1000 + i * 7);
		patterns_add(p, from + i, line, strlen(line));
	}
}

static void new_patterns(void **state)
{
	(void)state;
	struct patterns *p = patterns_new(&(struct patterns_window){NOON - 10 * MIN, NOON, NOON + 10 * MIN});
	feed(p, NOON - 5 * MIN, 40, "{\"level\":\"error\",\"msg\":\"timeout after %dms\"}");
	feed(p, NOON + S, 45, "{\"level\":\"error\",\"msg\":\"timeout after %dms\"}"); /* as before */
	feed(p, NOON + S, 12,
	     "{\"level\":\"error\",\"msg\":\"no rate for parcel %d\",\"error\":\"KeyError: 'XPF'\"}");
	feed(p, NOON - MIN, 2, "level=error msg=\"queue full\" size=%d");
	feed(p, NOON + S, 30, "level=error msg=\"queue full\" size=%d");
	feed(p, NOON + S, 99, "INFO served %d");
	feed(p, NOON + 20 * MIN, 50, "ERROR after the window %d");
	struct pattern out[8];
	struct str text = {0};
	assert_int_equal(patterns_rank(p, out, 8), 2);
	patterns_sentence(p, &out[0], &text);
	assert_string_equal(str_text(&text),
			    "new since onset, 12 times: no rate for parcel <n>: KeyError: <s>");
	assert_int_equal(out[0].first_seen, NOON + S);
	assert_string_equal(out[0].example, "no rate for parcel 1000: KeyError: 'XPF'");
	str_reset(&text);
	patterns_sentence(p, &out[1], &text);
	assert_string_equal(str_text(&text), "15 times as often as before (30, was 2): queue full");
	str_finish(&text);
	patterns_free(p);
}

static void patterns_are_bounded(void **state)
{
	(void)state;
	struct patterns *p = patterns_new(&(struct patterns_window){0, 10, 100});
	char line[64];
	feed(p, 20, 30, "ERROR frequent %d");
	for (int i = 0; i < 3000; i++) {
		snprintf(line, sizeof(line), "ERROR word%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26,
			 'a' + i / 676);
		patterns_add(p, 50, line, strlen(line));
	}
	struct pattern out[PATTERNS_MAX];
	assert_int_equal(patterns_rank(p, out, PATTERNS_MAX), PATTERNS_MAX);
	assert_string_equal(out[0].text, "ERROR frequent <n>");
	assert_int_equal(patterns_forgotten(p), 3001 - PATTERNS_MAX);
	patterns_free(p);
}

static void one_error_is_told_once(void **state)
{
	(void)state;
	struct patterns *p = patterns_new(&(struct patterns_window){NOON - MIN, NOON, NOON + MIN});
	feed(p, NOON + S, 1, "2026-01-01 12:00:01 [error] disk %d is gone");
	struct pattern out[1];
	struct str text = {0};
	assert_int_equal(patterns_rank(p, out, 1), 1);
	patterns_sentence(p, &out[0], &text);
	assert_string_equal(str_text(&text),
			    "new since onset, once: <n>-<n>-<n> <n> [error] disk <n> is gone");
	str_finish(&text);
	patterns_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_deploy_by_its_cut_over),
		cmocka_unit_test(tiers_then_nearness_then_age),
		cmocka_unit_test(other_changes_count),
		cmocka_unit_test(copy_for_an_incident),
		cmocka_unit_test(masks),
		cmocka_unit_test(new_patterns),
		cmocka_unit_test(patterns_are_bounded),
		cmocka_unit_test(one_error_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

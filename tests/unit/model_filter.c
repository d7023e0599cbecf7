/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/filter.h"
#include "model/log_text.h"
#include "model/records.h"

static bool passes(const char *typed, const char *line)
{
	struct err err = {0};
	struct filter *f = filter_new(typed, &err);
	if (!f)
		fail_msg("%s: %s", typed, err.text);
	struct filter_source from = {"checkout", "prod", "checkout-1"};
	bool is = filter_text(f, &from, line, strlen(line));
	filter_free(f);
	return is;
}

static void words(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *line;
		bool passes;
	} cases[] = {
		{"", "anything", true},
		{"time out", "out of time", true},
		{"\"time out\"", "out of time", false},
		{"\"time out\"", "a Time out", true},
		{"error", "ERROR at", true},
		{"Error", "ERROR at", false},
		{"Error", "an Error at", true},
		{"!health", "GET /healthz", false},
		{"get !health", "GET /orders", true},
		{"1.9.2", "1x9y2", false},
		{"/5\\d\\d/", "status 503", true},
		{"/5\\d\\d/", "status 404", false},
		{"!/5\\d\\d/", "status 503", false},
		{"5\\d\\d|refused", "Refused", true},
		{"/healthz", "GET /healthz", true},
		{"/api/v1/", "GET /api/v1/orders", true},
		{"user(", "user(7)", true},     /* no valid expression: taken as it stands */
		{"/\\S+ms/", "took 5MS", true}, /* \S is a class, no capital */
		{"äpfel", "ÄPFEL", true},
		{"^get$", "xget", false},
		{"service:check", "x", true},
		{"service:out", "x", false},
		{"env:prod instance:checkout-1", "x", true},
		{"!env:prod", "x", false},
		{"level:warn", "{\"level\":\"warning\",\"msg\":\"x\"}", true},
		{"level:error", "no error so far", false},
		{"status:503", "{\"msg\":\"x\",\"status\":503}", true},
		{"status:503", "{\"msg\":\"503\",\"status\":200}", false},
		{"status:503", "path=/ status=503", true},
		{"http://x", "see HTTP://x/y", true},
		{"!", "wow!", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (passes(cases[i].typed, cases[i].line) != cases[i].passes)
			fail_msg("%s on %s", cases[i].typed, cases[i].line);
}

static void errors(void **state)
{
	(void)state;
	struct err err = {0};
	assert_null(filter_new("/a(b/", &err));
	assert_non_null(strstr(err.text, "/a(b/: missing closing parenthesis at character"));
	char *text = mem_alloc(FILTER_BYTES_MAX + 2);
	memset(text, 'a', FILTER_BYTES_MAX + 1);
	assert_null(filter_new(text, &err));
	for (int i = 0; i < FILTER_BYTES_MAX; i++)
		text[i] = i % 2 ? ' ' : 'a';
	text[FILTER_BYTES_MAX] = '\0';
	assert_null(filter_new(text, &err));
	free(text);
}

static void a_hard_expression_gives_up(void **state)
{
	(void)state;
	struct filter *f = filter_new("/(a+)+[bx]/", NULL);
	char line[101] = "";
	memset(line, 'a', 100);
	assert_false(filter_text(f, NULL, line, 100));
	assert_int_equal(filter_gave_up(f), 1);
	static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\nshort\n";
	uint32_t starts[] = {0, 61};
	uint64_t has, not ;
	filter_forget_gave_up(f);
	filter_scan(
		f,
		&(struct filter_lines){
			.bytes = text, .len = sizeof(text) - 1, .starts = starts, .n = 2, .is_ascii = true},
		&has, &not );
	assert_int_equal(has, 0);
	assert_int_equal(filter_gave_up(f), 1);
	filter_free(f);
}

/* filter_scan() over a block must say what filter_text() says line by line. */
static void scan_agrees_with_lines(void **state)
{
	(void)state;
	static const char *const typed[] = {"foo",          "Foo",
					    "foo bar",      "!foo",
					    "/fo+\\s+bar/", "/o\\n?b/",
					    "/^foo/",       "/bar$/",
					    "/^$/",         "/x*/",
					    "/[^a]b/",      "foo !bar",
					    "/(?<=o)b/",    "/foo(?!\\sbar)/",
					    "/\\s++$/",     "/\\Afoo/",
					    "/ä|b/",        "/o(?s:.)b/",
					    "level:error",  "/foo/ /bar/",
					    "!/o b/",       "/a\\sf/"};
	static const char *const parts[] = {"foo", "bar", "Foo",      "b",    "o",      " ",
					    "  ",  "a",   "\xc3\xa4", "\xff", "ERROR ", ""};
	srand(11);
	for (int round = 0; round < 2000; round++) {
		char text[1024];
		uint32_t starts[40];
		size_t len = 0, n = (size_t)(1 + rand() % 30);
		bool ascii = rand() % 2;
		for (size_t i = 0; i < n; i++) {
			starts[i] = (uint32_t)len;
			for (int k = rand() % 4; k > 0; k--) {
				const char *part = parts[rand() % 12];
				if (ascii && (unsigned char)*part > 127)
					continue;
				memcpy(text + len, part, strlen(part));
				len += strlen(part);
			}
			text[len++] = '\n';
		}
		struct filter *f = filter_new(typed[round % 22], NULL);
		uint64_t has, not ;
		filter_scan(f,
			    &(struct filter_lines){
				    .bytes = text, .len = len, .starts = starts, .n = n, .is_ascii = ascii},
			    &has, &not );
		for (size_t i = 0; i < n; i++) {
			size_t end = i + 1 < n ? starts[i + 1] : len;
			bool want = filter_text(f, NULL, text + starts[i], end - starts[i] - 1);
			if (want != ((has & ~not ) >> i & 1))
				fail_msg("%s on line %zu of round %d", typed[round % 22], i, round);
		}
		filter_free(f);
	}
}

static void records(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_ALERT));
	struct alert a;
	struct pair label = {"region", "eu-west"};
	record_init(record_class(RECORD_ALERT), &a);
	a.id = "1";
	a.name = "HighErrorRate";
	a.service = "checkout";
	a.environment = "prod";
	a.labels = (struct pairs){&label, 1};
	a.phase = ALERT_FIRING;
	record_handle h = records_put(t, &a);
	static const struct {
		const char *typed;
		bool passes;
	} cases[] = {{"higherr", true},      {"HighErr", true},       {"highErr", false},
		     {"check prod", true},   {"/high.*rate/", true},  {"/High.*RATE/", false},
		     {"/High.*Rate/", true}, {"severity:crit", true}, {"phase:resolved", false},
		     {"state:firing", true}, {"region:eu", true},     {"region:us", false},
		     {"!env:prod", false},   {"/^checkout$/", true},  {"!checkout", false},
		     {"nothere:x", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter *f = filter_new(cases[i].typed, NULL);
		size_t len;
		const char *folded = records_folded(t, h, &len);
		if (filter_record(f, record_class(RECORD_ALERT), records_row(t, h), folded, len) !=
		    cases[i].passes)
			fail_msg("%s", cases[i].typed);
		filter_free(f);
	}
	records_free(t);
}

static void highlights(void **state)
{
	(void)state;
	struct filter *f = filter_new("!zzz bar /o+/", NULL);
	static const char line[] = "x Bar foo bar";
	size_t at = 0, len = 0;
	assert_true(filter_find(f, line, strlen(line), 0, &at, &len));
	assert_int_equal(at, 2);
	assert_int_equal(len, 3);
	assert_true(filter_find(f, line, strlen(line), at + len, &at, &len));
	assert_int_equal(at, 7);
	assert_int_equal(len, 2);
	assert_true(filter_find(f, line, strlen(line), at + len, &at, &len));
	assert_int_equal(at, 10);
	assert_false(filter_find(f, line, strlen(line), at + len, &at, &len));
	filter_free(f);
}

static void span_is(struct log_span s, const char *want)
{
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.s, want, s.len);
}

static void log_lines(void **state)
{
	(void)state;
	static struct log_text t;
	static const char json[] = "{\"ts\":\"10:00\",\"level\":\"ERROR\",\"msg\":"
				   "\"a\\u00e9\\n\\ud83d\\ude00 \\u0000\",\"n\":-1.5,"
				   "\"o\":{\"k\":[\"}\"]},\"error\":\"E\",\"b\":true}";
	log_text_parse(&t, json, sizeof(json) - 1);
	assert_int_equal(t.form, LOG_FORM_JSON);
	assert_int_equal(t.level, LOG_LEVEL_ERROR);
	span_is(t.message, "aé\n😀 \xef\xbf\xbd");
	span_is(t.stamp, "10:00");
	span_is(t.error, "E");
	assert_int_equal(t.n_fields, 3);
	span_is(t.fields[1].name, "o");
	span_is(t.fields[1].value, "{\"k\":[\"}\"]}");
	static const char fmt[] = "time=1 level=warn msg=\"two words\" path=/a=b";
	log_text_parse(&t, fmt, sizeof(fmt) - 1);
	assert_int_equal(t.form, LOG_FORM_LOGFMT);
	assert_int_equal(t.level, LOG_LEVEL_WARN);
	span_is(t.message, "two words");
	span_is(t.fields[0].value, "/a=b");
	static const char plain[] = "x = y is no logfmt";
	log_text_parse(&t, plain, sizeof(plain) - 1);
	assert_int_equal(t.form, LOG_FORM_PLAIN);
	span_is(t.message, plain);
}

static void log_levels(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum log_level level;
	} cases[] = {
		{"2026-01-01 10:00:00 ERROR no", LOG_LEVEL_ERROR},
		{"[warn] disk", LOG_LEVEL_WARN},
		{"error: disk", LOG_LEVEL_ERROR},
		{"no error so far", LOG_LEVEL_NONE},
		{"E0102 15:04:05.000000 12 f.go:1] no", LOG_LEVEL_ERROR},
		{"<3>disk", LOG_LEVEL_ERROR},
		{"panic: runtime error", LOG_LEVEL_FATAL},
		{"Traceback (most recent call last):", LOG_LEVEL_ERROR},
		{"{\"msg\":\"ERROR\",\"level\":30}", LOG_LEVEL_INFO},
		{"{\"msg\":\"ERROR\"}", LOG_LEVEL_NONE},
		{"INFO  level=error", LOG_LEVEL_ERROR},
		{"WARNING:root:x", LOG_LEVEL_WARN},
		{"", LOG_LEVEL_NONE},
		{"   ", LOG_LEVEL_NONE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (log_text_level(cases[i].line, strlen(cases[i].line)) != cases[i].level)
			fail_msg("%s", cases[i].line);
}

/* Any bytes: every cut and every changed byte of a JSON line; spans stay inside of the line or the buffer. */
static void hostile_lines(void **state)
{
	(void)state;
	static const char line[] =
		"{\"level\":\"error\",\"msg\":\"a\\u00e9\\\"b\",\"o\":{\"k\":[1,\"}\"]},\"x\":1e5} ";
	static struct log_text t;
	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof(line);
		char *copy = mem_dup_n(line, len);
		copy = mem_grow(copy, len ? len : 1, 1); /* no NUL behind it: sanitizers see an overrun */
		for (int k = rand() % 4; k > 0 && len; k--)
			copy[(size_t)rand() % len] = (char)(rand() % 3 ? "\\\"{}[]u:,"[rand() % 9] : rand());
		log_text_parse(&t, copy, len);
		for (size_t i = 0; i < t.n_fields; i++) {
			const char *s = t.fields[i].value.s;
			bool in_line = s >= copy && s + t.fields[i].value.len <= copy + len;
			assert_true(in_line || (s >= t.unescaped &&
						s + t.fields[i].value.len <= t.unescaped + LOG_TEXT_BYTES));
		}
		free(copy);
	}
	struct str deep = {0};
	for (int i = 0; i < 100000; i++)
		str_add(&deep, "{\"a\":");
	log_text_parse(&t, deep.s, deep.len);
	assert_int_equal(t.form, LOG_FORM_PLAIN);
	str_reset(&deep);
	str_addc(&deep, '{');
	for (int i = 0; i < 200; i++)
		str_addf(&deep, "%s\"k%d\":\"\\t%0100d\"", i ? "," : "", i, i);
	str_addc(&deep, '}');
	log_text_parse(&t, deep.s, deep.len);
	assert_int_equal(t.n_fields, LOG_TEXT_FIELDS);
	assert_true(t.is_cut);
	str_finish(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(errors),
		cmocka_unit_test(a_hard_expression_gives_up),
		cmocka_unit_test(scan_agrees_with_lines),
		cmocka_unit_test(records),
		cmocka_unit_test(highlights),
		cmocka_unit_test(log_lines),
		cmocka_unit_test(log_levels),
		cmocka_unit_test(hostile_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

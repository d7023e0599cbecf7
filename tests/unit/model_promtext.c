/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "model/promtext.h"

static void tell(const struct promtext_sample *s, void *arg)
{
	struct str *out = arg;
	str_addf(out, "%s", s->name);
	for (size_t i = 0; i < s->n_labels; i++)
		str_addf(out, "|%s=%s", s->labels[i].name, s->labels[i].value);
	str_addf(out, " %g @%lld t%d\n", s->value, (long long)s->time_ms, (int)s->type);
}

static size_t read_in_pieces(const char *text, size_t len, size_t piece, struct str *out)
{
	struct promtext p = {.each = tell, .arg = out};
	for (size_t i = 0; i < len; i += piece)
		promtext_feed(&p, text + i, len - i < piece ? len - i : piece);
	promtext_finish(&p);
	return p.n_bad;
}

static const char sample[] = "# HELP http_requests_total All.\n# TYPE http_requests_total counter\n"
			     "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
			     "\n  # a comment\n"
			     "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot:"
			     "\\n\\\"F\\\"\",} 1.458255915e9\r\n"
			     "metric_without_timestamp_and_labels 12.47\n"
			     "something_weird{problem=\"division by zero\"} +Inf -3982045\n"
			     "nothing NaN\n"
			     "# TYPE d histogram\nd_bucket{le=\"0.05\"} 24054\nd_sum 5\nother 1";

static void reads_the_format(void **state)
{
	(void)state;
	struct str whole = {0};
	assert_int_equal(read_in_pieces(sample, sizeof(sample) - 1, sizeof(sample), &whole), 0);
	assert_string_equal(whole.s, "http_requests_total|method=post|code=200 1027 @1395066363000 t1\n"
				     "msdos_file_access_time_seconds|path=C:\\DIR\\FILE.TXT|error=Cannot:"
				     "\n\"F\" 1.45826e+09 @0 t0\n"
				     "metric_without_timestamp_and_labels 12.47 @0 t0\n"
				     "something_weird|problem=division by zero inf @-3982045 t0\n"
				     "nothing nan @0 t0\n"
				     "d_bucket|le=0.05 24054 @0 t3\nd_sum 5 @0 t3\nother 1 @0 t0\n");
	for (size_t piece = 1; piece < 20; piece++) {
		struct str cut = {0};
		read_in_pieces(sample, sizeof(sample) - 1, piece, &cut);
		assert_string_equal(cut.s, whole.s);
		str_finish(&cut);
	}
	str_finish(&whole);
}

static void bad_lines_are_left_out(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"9x 1",     "x",        "x 1 2 3", "x{a=1} 2",    "x{a=\"b} 2",     "x{a=\"b\" c=\"d\"} 2",
		"x 1x",     "x ",       "x 0x10",  "{a=\"b\"} 1", "x{a=\"\\q\"} 1", "x 1 1.5",
		"x nan(1)", "x{a=\"b\""};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct str out = {0}, text = {0};
		str_addf(&text, "%s\ngood 1\n", bad[i]);
		if (read_in_pieces(text.s, text.len, 1000, &out) != 1)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(out.s, "good 1 @0 t0\n");
		str_finish(&out);
		str_finish(&text);
	}
	struct str out = {0};
	assert_int_equal(read_in_pieces("a\0b 1\nc 1\n", 10, 3, &out), 1);
	assert_string_equal(out.s, "c 1 @0 t0\n");
	str_finish(&out);
}

static void count(const struct promtext_sample *s, void *arg)
{
	(void)s;
	++*(size_t *)arg;
}

static void ceilings(void **state)
{
	(void)state;
	struct str text = {0};
	size_t n = 0;
	struct promtext p = {.each = count, .arg = &n};
	for (int i = 0; i < 40000; i++) /* a line that is too long */
		promtext_feed(&p, "aaaaaaaaaa", 10);
	promtext_feed(&p, "\nx 1\n", 5);
	assert_int_equal(p.n_bad, 1);
	assert_int_equal(n, 1);
	assert_true(p.line.cap < 2 * PROMTEXT_MAX_LINE + 64);
	for (int i = 0; i < 70000; i++)
		promtext_feed(&p, "x 1\n", 4);
	assert_int_equal(n, PROMTEXT_MAX_SAMPLES);
	assert_true(p.is_cut);
	promtext_finish(&p);
	str_add(&text, "x{");
	for (int i = 0; i < 33; i++)
		str_addf(&text, "l%d=\"\",", i);
	str_add(&text, "} 1\n");
	struct str out = {0};
	assert_int_equal(read_in_pieces(text.s, text.len, 100000, &out), 1);
	str_finish(&out);
	str_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_format),
		cmocka_unit_test(bad_lines_are_left_out),
		cmocka_unit_test(ceilings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

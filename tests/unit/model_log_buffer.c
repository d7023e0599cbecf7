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
#include "base/str.h"
#include "model/filter.h"
#include "model/log_buffer.h"
#include "model/log_view.h"

static void add(struct log_buffer *b, uint32_t instance, int64_t time, const char *text)
{
	log_buffer_add(b, instance, time, text, strlen(text));
}

static void assert_line(const struct log_buffer *b, uint64_t number, const char *text)
{
	struct log_entry e;
	assert_true(log_buffer_entry(b, number, &e));
	assert_int_equal(e.len, strlen(text));
	assert_memory_equal(e.text, text, e.len);
	assert_int_equal(e.text[e.len], '\n');
}

static void merges_by_time(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t x = log_buffer_instance(b, "checkout", "prod", "x");
	uint32_t y = log_buffer_instance(b, "checkout", "prod", "y");
	assert_int_equal(log_buffer_instance(b, "checkout", "prod", "x"), x);
	assert_int_not_equal(x, y);
	add(b, x, 10, "x10");
	add(b, x, 30, "x30");
	add(b, y, 20, "y20");
	add(b, y, 50, "y\n50");
	assert_int_equal(log_buffer_settle(b, 40), 3);
	assert_int_equal(log_buffer_waiting(b), 1);
	add(b, x, 15, "late"); /* comes after its time was settled: goes to the end, moves nothing */
	assert_int_equal(log_buffer_settle(b, 45), 1);
	assert_int_equal(log_buffer_settle(b, INT64_MAX), 1);
	static const char *const want[] = {"x10", "y20", "x30", "late", "y 50"};
	for (size_t i = 0; i < 5; i++)
		assert_line(b, i, want[i]);
	assert_int_equal(log_buffer_since(b, 30), 2);
	assert_int_equal(log_buffer_since(b, 99), 5);
	log_buffer_free(b);
}

static void a_clock_that_runs_ahead_holds_nothing(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t x = log_buffer_instance(b, NULL, NULL, "x");
	log_buffer_settle(b, 1000);
	add(b, x, 3600000, "from the future");
	add(b, x, 1100, "and back");
	assert_int_equal(log_buffer_settle(b, 1100), 0);
	assert_int_equal(log_buffer_settle(b, 3100), 2);
	assert_line(b, 0, "from the future");
	log_buffer_free(b);
}

static const char *const python[] = {
	"ERROR cannot charge",
	"Traceback (most recent call last):",
	"  File \"app.py\", line 3, in charge",
	"ValueError: bad amount",
	"",
	"During handling of the above exception, another exception occurred:",
	"",
	"Traceback (most recent call last):",
	"  File \"app.py\", line 9",
	"app.Refused: no",
};

static void traces_stay_together(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t x = log_buffer_instance(b, "s", "e", "x"), y = log_buffer_instance(b, "s", "e", "y");
	for (size_t i = 0; i < 10; i++) {
		add(b, x, 100 + (int64_t)i, python[i]);
		add(b, y, 100 + (int64_t)i, "INFO other");
	}
	add(b, x, 111, "INFO next");
	log_buffer_settle(b, INT64_MAX);
	struct log_entry e;
	for (uint64_t i = 0; i < 10; i++) {
		assert_line(b, i, python[i]);
		assert_true(log_buffer_entry(b, i, &e));
		assert_int_equal(e.head, 0);
		assert_int_equal(log_buffer_level(b, i), LOG_LEVEL_ERROR);
	}
	assert_true(log_buffer_entry(b, log_buffer_end(b) - 1, &e));
	assert_int_equal(e.head, e.number);
	log_buffer_free(b);
}

static void a_trace_after_a_calm_line_is_a_head(void **state)
{
	(void)state;
	static const char *const lines[] = {"INFO served",
					    "Traceback (most recent call last):",
					    "  File \"a\"",
					    "KeyError: 'x'",
					    "INFO: served",
					    "java.lang.IllegalStateException: no",
					    "\tat a.B.c(B.java:3)",
					    "Caused by: java.io.IOException",
					    "INFO done"};
	static const uint64_t heads[] = {0, 1, 1, 1, 4, 5, 5, 5, 8};
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t x = log_buffer_instance(b, "s", "e", "x");
	for (size_t i = 0; i < 9; i++)
		add(b, x, 1, lines[i]);
	log_buffer_settle(b, INT64_MAX);
	for (uint64_t i = 0; i < 9; i++) {
		struct log_entry e;
		assert_true(log_buffer_entry(b, i, &e));
		if (i != 7) /* "Caused by" needs a head that tells an error; this one has no level */
			assert_int_equal(e.head, heads[i]);
	}
	assert_int_equal(log_buffer_level(b, 3), LOG_LEVEL_ERROR);
	log_buffer_free(b);
}

static void a_trace_passes_as_one(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	struct log_view *v = log_view_new(b);
	uint32_t x = log_buffer_instance(b, "s", "e", "x");
	add(b, x, 1, "INFO start");
	for (size_t i = 0; i < 3; i++)
		add(b, x, 2, python[i]);
	log_buffer_settle(b, INT64_MAX);
	struct filter *f = filter_new("ValueError", NULL);
	log_view_want(v, &(struct log_wants){.filter = f});
	assert_false(log_view_step(v, 0, NULL));
	assert_int_equal(log_view_count(v), 0);
	add(b, x, 3, python[3]); /* the line that matches comes later: its whole group is shown */
	log_buffer_add_gap(b, x, 4, "log lost 3 lines");
	add(b, x, 5, "INFO next");
	log_buffer_settle(b, INT64_MAX);
	log_view_step(v, 0, NULL);
	uint64_t number;
	assert_int_equal(log_view_count(v), 5); /* four lines and the gap */
	assert_true(log_view_at(v, 0, &number));
	assert_int_equal(number, 1);
	assert_int_equal(log_view_place(v, 5), 4);
	log_view_want(v, &(struct log_wants){.least = LOG_LEVEL_ERROR});
	log_view_step(v, 0, NULL);
	assert_int_equal(log_view_count(v), 5);
	struct filter *not = filter_new("!ValueError", NULL);
	log_view_want(v, &(struct log_wants){.filter = not });
	log_view_step(v, 0, NULL);
	assert_int_equal(log_view_count(v), 3);
	filter_free(f);
	filter_free(not );
	log_view_free(v);
	log_buffer_free(b);
}

static void searches_within_the_view(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	struct log_view *v = log_view_new(b);
	uint32_t x = log_buffer_instance(b, "s", "e", "x");
	for (int i = 0; i < 100; i++) {
		char text[32];
		snprintf(text, sizeof(text), "line %d", i);
		add(b, x, i, text);
	}
	log_buffer_settle(b, INT64_MAX);
	log_view_step(v, 0, NULL);
	struct filter *f = filter_new("/[47]7$/", NULL);
	size_t at = 0;
	assert_int_equal(log_view_search(v, f, &at, false, 20), LOG_SEARCH_MORE);
	assert_int_equal(log_view_search(v, f, &at, false, 100), LOG_SEARCH_FOUND);
	assert_int_equal(at, 47);
	assert_int_equal(log_view_search(v, f, &at, false, 100), LOG_SEARCH_FOUND);
	assert_int_equal(at, 77);
	assert_int_equal(log_view_search(v, f, &at, false, 100), LOG_SEARCH_END);
	at = 60;
	assert_int_equal(log_view_search(v, f, &at, true, 100), LOG_SEARCH_FOUND);
	assert_int_equal(at, 47);
	filter_free(f);
	log_view_free(v);
	log_buffer_free(b);
}

static void marks_and_export(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	uint32_t x = log_buffer_instance(b, "checkout", "prod", "checkout-1");
	add(b, x, 1000, "bad \x1b[31m text");
	log_buffer_settle(b, INT64_MAX);
	log_buffer_mark(b, 0, true);
	struct log_entry e;
	assert_true(log_buffer_entry(b, 0, &e) && e.is_marked);
	struct str out = {0};
	log_buffer_export(b, 0, &out);
	assert_string_equal(str_text(&out), "1970-01-01T00:00:01.000Z checkout/checkout-1 bad ?[31m text\n");
	str_finish(&out);
	log_buffer_free(b);
}

static void long_lines_are_cut(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(NULL);
	char *line = mem_alloc(LOG_BUFFER_LINE_MAX + 10);
	memset(line, 'a', LOG_BUFFER_LINE_MAX + 9);
	add(b, log_buffer_instance(b, NULL, NULL, NULL), 1, line);
	log_buffer_settle(b, INT64_MAX);
	struct log_entry e;
	assert_true(log_buffer_entry(b, 0, &e) && e.is_cut);
	assert_int_equal(e.len, LOG_BUFFER_LINE_MAX);
	free(line);
	log_buffer_free(b);
}

/* Random lines against a plain list, with blocks of a few lines so that every edge runs. */
#define MODEL_LINES 6000
static struct {
	char text[40];
	int64_t head;
	bool is_even;
} model[MODEL_LINES];

static uint64_t ticks;
static uint64_t hasty(void)
{
	return ticks += 1000000;
}

static bool model_shows(int64_t i, const char *word)
{
	bool has = false;
	if (!word)
		return true;
	for (int64_t k = model[i].head;
	     k < MODEL_LINES && model[k].text[0] && (k == model[i].head || model[k].head == model[i].head);
	     k++)
		has = has || strstr(model[k].text, word);
	return has;
}

static void random_against_model(void **state)
{
	(void)state;
	struct log_buffer *b = log_buffer_new(&(struct log_limits){.bytes = 20000, .lines = 300});
	struct log_view *v = log_view_new(b);
	uint32_t x = log_buffer_instance(b, "s", "e", "x");
	struct filter *filters[] = {NULL, filter_new("foo", NULL), filter_new("/fo+\\b/", NULL)};
	int64_t n = 0, head = 0;
	srand(5);
	while (n < MODEL_LINES - 20) {
		for (int k = rand() % 8; k >= 0; k--, n++) {
			bool continues = n && rand() % 3 == 0;
			snprintf(model[n].text, sizeof(model[n].text), "%s%d %s", continues ? "  " : "",
				 (int)n, rand() % 5 ? "bar" : "foo");
			head = continues ? head : n;
			model[n].head = head;
			add(b, x, n, model[n].text);
		}
		log_buffer_settle(b, INT64_MAX);
		int which = (int)(n / 500 % 3);
		if (n % 50 < 5)
			log_view_want(v, &(struct log_wants){.filter = filters[which]});
		static int wanted;
		if (n % 50 < 5)
			wanted = which;
		uint64_t first = log_buffer_first(b), number;
		if (log_view_step(v, 0, rand() % 2 ? hasty : NULL))
			continue;
		assert_true(log_buffer_end(b) == (uint64_t)n && (uint64_t)n - first <= 300 + 40);
		size_t place = 0;
		for (uint64_t i = first; i < (uint64_t)n; i++) {
			struct log_entry e;
			assert_line(b, i, model[i].text);
			assert_true(log_buffer_entry(b, i, &e));
			assert_int_equal(e.head, model[i].head);
			if (!model_shows((int64_t)i, wanted ? "foo" : NULL))
				continue;
			assert_true(log_view_at(v, place, &number));
			assert_int_equal(number, i);
			assert_int_equal(log_view_place(v, i), place);
			place++;
		}
		assert_int_equal(log_view_count(v), place);
	}
	assert_int_equal(log_buffer_evicted(b), log_buffer_first(b));
	assert_true(log_buffer_evicted(b) > 5000);
	assert_true(log_buffer_bytes(b) < 64 * 1024);
	filter_free(filters[1]);
	filter_free(filters[2]);
	log_view_free(v);
	log_buffer_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_by_time),
		cmocka_unit_test(a_clock_that_runs_ahead_holds_nothing),
		cmocka_unit_test(traces_stay_together),
		cmocka_unit_test(a_trace_after_a_calm_line_is_a_head),
		cmocka_unit_test(a_trace_passes_as_one),
		cmocka_unit_test(searches_within_the_view),
		cmocka_unit_test(marks_and_export),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(random_against_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#include "model/index.h"
#include "model/records.h"
#include "model/text.h"

static struct instance instance_of(const char *source, const char *id, const char *service, int64_t restarts)
{
	struct instance r;
	record_init(record_class(RECORD_INSTANCE), &r);
	r.base.source = source;
	r.id = id;
	r.service = service;
	r.environment = "prod";
	r.restarts = restarts;
	return r;
}

static void pool(void **state)
{
	(void)state;
	struct text_pool *p = text_pool_new();
	char name[16] = "checkout";
	const char *a = text_take(p, name);
	name[0] = 'X';
	assert_string_equal(a, "checkout");
	assert_ptr_equal(text_take(p, "checkout"), a);
	assert_null(text_take(p, NULL));
	text_drop(p, a);
	assert_ptr_equal(text_find(p, "checkout"), a);
	text_drop(p, a);
	assert_null(text_find(p, "checkout"));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		text_take(p, name);
	}
	assert_int_equal(text_pool_count(p), 1000);
	assert_string_equal(text_find(p, "t999"), "t999");
	text_pool_free(p);
}

static void folding(void **state)
{
	(void)state;
	struct str out = {0};
	const char text[] = "ÄbC\xff Ж\xe2\x82";
	text_fold(&out, text, sizeof(text) - 1);
	assert_string_equal(str_text(&out), "äbc\xff ж\xe2\x82");
	str_finish(&out);
}

static void put_find_delete(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_INSTANCE));
	struct instance a = instance_of("p", "a", "checkout", 0), b = instance_of("q", "a", "ledger", 1);
	record_handle ha = records_put(t, &a), hb = records_put(t, &b);
	assert_true(ha && hb && ha != hb); /* the source is part of the identity */
	assert_int_equal(records_find(t, &a), ha);
	assert_int_equal(records_find_key(t, NULL, "a"), ha);
	assert_int_equal(records_find_key(t, "q", "a"), hb);
	assert_int_equal(records_find_key(t, "q", "b"), RECORDS_NO_ROW);
	assert_string_equal(((const struct instance *)records_row(t, hb))->service, "ledger");
	uint64_t seen = records_latest(t);
	a.base.as_of = 7;
	assert_int_equal(records_put(t, &a), ha);
	assert_int_equal(records_latest(t), seen); /* as_of alone wakes nobody */
	assert_int_equal(((const struct record *)records_row(t, ha))->as_of, 7);
	a.service = "Search";
	records_put(t, &a);
	assert_int_equal(records_change(t, records_latest(t)), ha);
	size_t len;
	assert_string_equal(records_folded(t, ha, &len), "a\nsearch\nprod");
	assert_true(records_delete(t, &a));
	assert_false(records_delete(t, &a));
	assert_null(records_row(t, ha));
	assert_null(records_folded(t, ha, &len));
	record_handle again = records_put(t, &a);
	assert_int_equal(records_slot(again), records_slot(ha));
	assert_int_not_equal(again, ha);
	assert_null(records_row(t, ha));
	records_free(t);
}

static void lists_are_copied(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_ALERT));
	struct alert a;
	record_init(record_class(RECORD_ALERT), &a);
	char by[] = "ada", key[] = "team", value[] = "payments", silence[] = "s1";
	struct ack ack = {.by = by, .at = 5};
	struct pair label = {key, value};
	const char *silences[] = {silence};
	a.base.source = "p";
	a.id = "1";
	a.acked = (struct parts){&ack, 1};
	a.labels = (struct pairs){&label, 1};
	a.silenced_by = (struct texts){silences, 1};
	record_handle h = records_put(t, &a);
	by[0] = key[0] = value[0] = silence[0] = 'X';
	const struct alert *row = records_row(t, h);
	assert_string_equal(((const struct ack *)row->acked.items)->by, "ada");
	assert_int_equal(((const struct ack *)row->acked.items)->at, 5);
	assert_string_equal(row->labels.items[0].key, "team");
	assert_string_equal(row->silenced_by.items[0], "s1");
	struct alert own = *row; /* a record that borrows from its own row */
	own.severity = SEVERITY_INFO;
	own.acked.n = 0;
	records_put(t, &own);
	row = records_row(t, h);
	assert_string_equal(row->labels.items[0].value, "payments");
	assert_int_equal(row->acked.n, 0);
	records_free(t);
}

static void sync_sweeps_one_source(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_INSTANCE));
	const char *const ids[] = {"a", "b", "c"};
	for (int i = 0; i < 3; i++) {
		struct instance p = instance_of("p", ids[i], "s", 0), q = instance_of("q", ids[i], "s", 0);
		records_put(t, &p);
		records_put(t, &q);
	}
	struct instance keep = instance_of("p", "b", "s", 0), other = instance_of("q", "a", "s", 0);
	records_begin(t, "p");
	records_begin(t, "q");
	records_put(t, &keep);
	records_put(t, &other);
	records_end(t, "p");
	assert_int_equal(records_count(t), 4); /* q is still being listed */
	records_begin(t, "q");                 /* its list broke off and begins again */
	records_end(t, "q");
	assert_int_equal(records_count(t), 1);
	assert_true(records_find(t, &keep));
	records_end(t, "p"); /* an end without a begin sweeps nothing */
	assert_int_equal(records_count(t), 1);
	records_free(t);
}

/* Against a naive model: an array of restarts by id, -1 absent. */
#define IDS 700

static int by_restarts(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct instance *x = a, *y = b;
	if (x->restarts != y->restarts)
		return x->restarts < y->restarts ? -1 : 1;
	return strcmp(x->id, y->id);
}

static bool is_even(const void *row, void *arg)
{
	(void)arg;
	return ((const struct instance *)row)->restarts % 2 == 0;
}

static uint64_t ticks; /* a clock that runs out at once: each step does the least it can */
static uint64_t hasty(void)
{
	return ticks += 1000000;
}

static void check_index(struct index *ix, struct records *t, const int64_t *model, bool even, char letter)
{
	size_t n = 0;
	for (int i = 0; i < IDS; i++)
		n += model[i] >= 0 && (!even || model[i] % 2 == 0) && (!letter || i % 10 == letter - '0');
	assert_int_equal(index_count(ix), n);
	for (size_t i = 0; i < n; i++) {
		const struct instance *row = records_row(t, index_at(ix, i));
		assert_non_null(row);
		assert_int_equal(row->restarts, model[atoi(row->id + 1)]);
		if (i)
			assert_true(by_restarts(records_row(t, index_at(ix, i - 1)), row, NULL) < 0);
		assert_int_equal(index_place(ix, index_at(ix, i), i / 2), i);
	}
}

static void random_change(struct records *t, int64_t *model)
{
	char id[16];
	int i = rand() % IDS;
	snprintf(id, sizeof(id), "i%d", i);
	struct instance r = instance_of("p", id, i % 3 ? "checkout" : NULL, rand() % 50);
	if (rand() % 4) {
		assert_true(records_put(t, &r));
		model[i] = r.restarts;
	} else {
		assert_int_equal(records_delete(t, &r), model[i] >= 0);
		model[i] = -1;
	}
}

static void random_against_model(void **state)
{
	(void)state;
	int64_t model[IDS];
	struct records *t = records_new(record_class(RECORD_INSTANCE));
	struct index_rules all = {.compare = by_restarts}, even = {.compare = by_restarts, .wants = is_even};
	struct index *ix = index_new(t, &all), *narrow = index_new(t, &even);
	struct filter *ends_with_3 = filter_new("/^i\\d*3$/", NULL);
	for (int i = 0; i < IDS; i++)
		model[i] = -1;
	srand(3);
	for (int round = 0; round < 300; round++) {
		for (int i = rand() % (round % 20 ? 40 : 2000); i > 0; i--)
			random_change(t, model);
		if (round % 17 == 0)
			index_set_filter(ix, round % 2 ? ends_with_3 : NULL);
		if (round % 23 == 0)
			index_set_rules(narrow, &even);
		bool settle = round % 5 == 0;
		enum index_state a = index_step(ix, 1, settle ? NULL : hasty);
		enum index_state b = index_step(narrow, 1, settle ? NULL : hasty);
		if (a != INDEX_BUSY)
			check_index(ix, t, model, false, round / 17 * 17 % 2 ? '3' : 0);
		if (b != INDEX_BUSY)
			check_index(narrow, t, model, true, 0);
		assert_true(!settle || (a != INDEX_BUSY && b != INDEX_BUSY));
	}
	while (records_warm(t, 100))
		;
	assert_false(records_warm(t, 1));
	index_free(ix);
	index_free(narrow);
	filter_free(ends_with_3);
	records_clear(t);
	assert_int_equal(records_count(t), 0);
	records_free(t);
}

static void reader_that_fell_behind(void **state)
{
	(void)state;
	int64_t model[IDS];
	for (int i = 0; i < IDS; i++)
		model[i] = -1;
	struct records *t = records_new(record_class(RECORD_INSTANCE));
	struct index_rules rules = {.compare = by_restarts};
	struct index *ix = index_new(t, &rules);
	index_step(ix, 0, NULL);
	for (int i = 0; i < 200000; i++)
		random_change(t, model);
	assert_true(records_oldest(t) > 1);
	assert_int_equal(index_step(ix, 0, NULL), INDEX_CHANGED);
	check_index(ix, t, model, false, 0);
	assert_int_equal(index_step(ix, 0, NULL), INDEX_SAME);
	index_free(ix);
	records_free(t);
}

static void a_full_table_refuses(void **state)
{
	(void)state;
	struct records *t = records_new(record_class(RECORD_PATH));
	struct path p;
	record_init(record_class(RECORD_PATH), &p);
	char name[24];
	p.name = name;
	for (uint32_t i = 0; i <= RECORDS_MAX; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		assert_int_equal(records_put(t, &p) != RECORDS_NO_ROW, i < RECORDS_MAX);
	}
	assert_int_equal(records_refused(t), 1);
	assert_int_equal(records_count(t), RECORDS_MAX);
	records_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool),
		cmocka_unit_test(folding),
		cmocka_unit_test(put_find_delete),
		cmocka_unit_test(lists_are_copied),
		cmocka_unit_test(sync_sweeps_one_source),
		cmocka_unit_test(random_against_model),
		cmocka_unit_test(reader_that_fell_behind),
		cmocka_unit_test(a_full_table_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

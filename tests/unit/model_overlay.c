/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/overlay.h"

static struct service service_of(const char *source, const char *name)
{
	struct service s;
	record_init(record_class(RECORD_SERVICE), &s);
	s.base.source = source;
	s.name = name;
	return s;
}

static void put_catalog(struct overlay *o, const char *name)
{
	static const char *const needs[] = {"ledger"};
	struct service s = service_of("catalog", name);
	s.team = "payments";
	s.description = "Takes the money";
	s.dependencies = (struct texts){needs, 1};
	overlay_put(o, &s);
}

static void put_platform(struct overlay *o, const char *name, int health)
{
	struct service s = service_of("platform", name);
	s.team = "payments-eu";
	s.health = health;
	overlay_put(o, &s);
}

static const struct service *only(const struct overlay *o)
{
	const struct records *t = overlay_rows(o);
	assert_int_equal(records_count(t), 1);
	return records_row(t, records_next(t, RECORDS_NO_ROW));
}

static void check_whole(const struct overlay *o)
{
	const struct service *s = only(o);
	assert_string_equal(s->base.source, "platform");
	assert_int_equal(s->health, HEALTH_FAILING);
	assert_string_equal(s->team, "payments-eu");
	assert_string_equal(s->description, "Takes the money");
	assert_int_equal(s->dependencies.n, 1);
}

static void one_row_whoever_comes_first(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct overlay *o = overlay_new(record_class(RECORD_SERVICE));
		if (turn)
			put_platform(o, "checkout", HEALTH_FAILING);
		put_catalog(o, "checkout");
		if (!turn) {
			assert_string_equal(only(o)->base.source, "catalog");
			assert_int_equal(only(o)->health, HEALTH_UNKNOWN);
			put_platform(o, "checkout", HEALTH_FAILING);
		}
		check_whole(o);
		put_catalog(o, "checkout");
		check_whole(o);
		overlay_free(o);
	}
}

static void what_one_takes_back_anothers_word_replaces(void **state)
{
	(void)state;
	struct overlay *o = overlay_new(record_class(RECORD_SERVICE));
	put_platform(o, "checkout", HEALTH_FAILING);
	put_catalog(o, "checkout");
	overlay_delete_key(o, "platform", "checkout");
	assert_string_equal(only(o)->base.source, "catalog");
	assert_int_equal(only(o)->health, HEALTH_UNKNOWN);
	assert_string_equal(only(o)->team, "payments");
	put_platform(o, "checkout", HEALTH_FAILING);
	check_whole(o);
	overlay_delete_key(o, "catalog", "checkout");
	assert_null(only(o)->description);
	assert_int_equal(only(o)->health, HEALTH_FAILING);
	overlay_delete_key(o, "nobody", "checkout");
	overlay_delete_key(o, "platform", "checkout");
	assert_int_equal(records_count(overlay_rows(o)), 0);
	overlay_free(o);
}

static void a_list_sweeps_its_own_rows_only(void **state)
{
	(void)state;
	struct overlay *o = overlay_new(record_class(RECORD_SERVICE));
	put_platform(o, "checkout", HEALTH_FAILING);
	put_catalog(o, "checkout");
	put_catalog(o, "search");
	overlay_begin(o, "platform"); /* the platform came back, and knows nothing */
	overlay_end(o, "platform");
	assert_int_equal(records_count(overlay_rows(o)), 2);
	const struct service *s =
		records_row(overlay_rows(o), records_find_key(overlay_rows(o), NULL, "checkout"));
	assert_string_equal(s->base.source, "catalog");
	assert_int_equal(s->health, HEALTH_UNKNOWN);
	put_platform(o, "checkout", HEALTH_FAILING);
	overlay_begin(o, "catalog");
	overlay_end(o, "catalog");
	assert_null(only(o)->description);
	assert_string_equal(only(o)->base.source, "platform");
	overlay_free(o);
}

/* A row is always what the rule makes of what was told, whatever happened before. */
static void random_against_the_rule(void **state)
{
	(void)state;
	static const char *const sources[] = {"catalog", "platform", "zoo"};
	struct overlay *o = overlay_new(record_class(RECORD_PLACEMENT));
	int told[3][4]; /* -1: not told, else its health */
	memset(told, -1, sizeof(told));
	srand(7);
	for (int step = 0; step < 20000; step++) {
		int source = rand() % 3, key = rand() % 4, act = rand() % 8;
		char name[16], text[32];
		snprintf(name, sizeof(name), "s%d", key);
		snprintf(text, sizeof(text), "%s/prod", name);
		struct placement p;
		record_init(record_class(RECORD_PLACEMENT), &p);
		p.base.source = sources[source];
		p.service = name;
		p.environment = "prod";
		p.health = rand() % 5;
		if (act < 5) {
			overlay_put(o, &p);
			told[source][key] = p.health;
		} else if (act < 7) {
			overlay_delete_key(o, sources[source], text);
			told[source][key] = -1;
		} else {
			overlay_begin(o, sources[source]);
			overlay_put(o, &p);
			overlay_end(o, sources[source]);
			for (int i = 0; i < 4; i++)
				told[source][i] = i == key ? p.health : -1;
		}
		size_t want = 0;
		for (int k = 0; k < 4; k++) {
			static const int care[] = {HEALTH_FAILING, HEALTH_DEGRADED, HEALTH_OK, HEALTH_STOPPED};
			int leader = -1, worst = HEALTH_UNKNOWN;
			for (int s = 2; s >= 0; s--)
				if (told[s][k] >= 0 && told[s][k] != HEALTH_UNKNOWN)
					leader = s;
			for (int c = 3; c >= 0; c--)
				for (int s = 0; s < 3; s++)
					if (told[s][k] == care[c])
						worst = care[c];
			for (int s = 0; s < 3 && leader < 0; s++)
				if (told[s][k] >= 0)
					leader = s;
			snprintf(text, sizeof(text), "s%d/prod", k);
			const struct placement *row =
				records_row(overlay_rows(o), records_find_key(overlay_rows(o), NULL, text));
			assert_int_equal(row != NULL, leader >= 0);
			if (!row)
				continue;
			want++;
			assert_string_equal(row->base.source, sources[leader]);
			assert_int_equal(row->health, worst);
		}
		assert_int_equal(records_count(overlay_rows(o)), want);
	}
	overlay_free(o);
}

static void what_is_not_shared_passes_through(void **state)
{
	(void)state;
	struct overlay *o = overlay_new(record_class(RECORD_RELEASE));
	struct release r;
	record_init(record_class(RECORD_RELEASE), &r);
	r.base.source = "platform";
	r.service = "checkout";
	r.number = 3;
	overlay_put(o, &r);
	r.base.source = "other";
	overlay_put(o, &r);
	assert_int_equal(records_count(overlay_rows(o)), 2);
	overlay_delete_key(o, "platform", "checkout/3");
	assert_int_equal(records_count(overlay_rows(o)), 1);
	overlay_begin(o, "other");
	overlay_end(o, "other");
	assert_int_equal(records_count(overlay_rows(o)), 0);
	overlay_free(o);
	overlay_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_row_whoever_comes_first),
		cmocka_unit_test(what_one_takes_back_anothers_word_replaces),
		cmocka_unit_test(a_list_sweeps_its_own_rows_only),
		cmocka_unit_test(random_against_the_rule),
		cmocka_unit_test(what_is_not_shared_passes_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/gather.h"

static struct records *tables[RECORD_COUNT];

static void put_environment(const char *name, int64_t position)
{
	struct environment e;
	record_init(record_class(RECORD_ENVIRONMENT), &e);
	e.base.source = name;
	e.name = name;
	e.position = position;
	records_put(tables[RECORD_ENVIRONMENT], &e);
}

static void put_placement(const char *environment, const char *version, const char *image)
{
	struct placement p;
	record_init(record_class(RECORD_PLACEMENT), &p);
	p.base.source = environment;
	p.service = "checkout";
	p.environment = environment;
	p.version = version;
	p.image = image;
	records_put(tables[RECORD_PLACEMENT], &p);
}

static int set_up(void **state)
{
	(void)state;
	tables[RECORD_ENVIRONMENT] = records_new(record_class(RECORD_ENVIRONMENT));
	tables[RECORD_PLACEMENT] = records_new(record_class(RECORD_PLACEMENT));
	put_environment("prod", 2);
	put_environment("dev", 0);
	put_environment("staging", 1);
	put_placement("dev", "1.9.3", NULL);
	put_placement("staging", "0123456789ab", "r/checkout@sha256:0123456789abcdef");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	records_free(tables[RECORD_ENVIRONMENT]);
	records_free(tables[RECORD_PLACEMENT]);
	return 0;
}

static struct wish promoted(const char *action, const char *from, const char *to)
{
	struct wish w;
	record_init(record_class(RECORD_WISH), &w);
	w.action = action;
	w.service = "checkout";
	w.from = from;
	w.environment = to;
	gather_promotion(tables, &w);
	return w;
}

static void from_the_environment_before(void **state)
{
	(void)state;
	struct wish w = promoted("promote", NULL, "prod");
	assert_string_equal(w.from, "staging");
	assert_string_equal(w.version, "sha256:0123456789abcdef");
}

static void from_the_one_named(void **state)
{
	(void)state;
	struct wish w = promoted("promote", "dev", "prod");
	assert_string_equal(w.from, "dev");
	assert_string_equal(w.version, "1.9.3");
}

static void what_is_not_known_stays_unsaid(void **state)
{
	(void)state;
	assert_null(promoted("promote", NULL, "dev").from);
	assert_null(promoted("promote", "prod", "staging").version);
	assert_null(promoted("deploy", NULL, "prod").version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_environment_before),
		cmocka_unit_test(from_the_one_named),
		cmocka_unit_test(what_is_not_known_stays_unsaid),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

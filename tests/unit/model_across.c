/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/across.h"

struct faces {
	struct overlay *environments, *placements;
};

static void put_environment(struct faces *f, const char *source, const char *name, int64_t position)
{
	struct environment e;
	record_init(record_class(RECORD_ENVIRONMENT), &e);
	e.base.source = source;
	e.name = name;
	e.position = position;
	overlay_put(f->environments, &e);
}

static void put_placement(struct faces *f, const char *source, const char *environment, const char *version,
			  const char *drift)
{
	struct placement p;
	record_init(record_class(RECORD_PLACEMENT), &p);
	p.base.source = source;
	p.service = "checkout";
	p.environment = environment;
	p.version = version;
	p.drift = drift;
	overlay_put(f->placements, &p);
}

static const char *drift_in(const struct faces *f, const char *environment)
{
	const struct records *t = overlay_rows(f->placements);
	for (record_handle h = records_next(t, RECORDS_NO_ROW); h; h = records_next(t, h)) {
		const struct placement *p = records_row(t, h);
		if (str_eq(p->environment, environment))
			return p->drift;
	}
	fail_msg("no placement in %s", environment);
	return NULL;
}

static int set_up(void **state)
{
	static struct faces f;
	f = (struct faces){overlay_new(record_class(RECORD_ENVIRONMENT)), overlay_new(record_class(RECORD_PLACEMENT))};
	put_environment(&f, "prod/deploys", "prod", 2);
	put_environment(&f, "staging/deploys", "staging", 1);
	put_environment(&f, "dev/deploys", "dev", 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct faces *f = *state;
	overlay_free(f->environments);
	overlay_free(f->placements);
	return 0;
}

static void two_clusters_drift_apart_and_meet_again(void **state)
{
	struct faces *f = *state;
	put_placement(f, "staging/deploys", "staging", "1.2", NULL);
	put_placement(f, "prod/deploys", "prod", "1.1", NULL);
	across_drift(f->environments, f->placements);
	assert_string_equal(drift_in(f, "prod"), "1.2");
	assert_null(drift_in(f, "staging"));
	put_placement(f, "prod/deploys", "prod", "1.2", NULL);
	across_drift(f->environments, f->placements);
	assert_null(drift_in(f, "prod"));
	put_placement(f, "staging/deploys", "staging", "1.3", NULL);
	across_drift(f->environments, f->placements);
	assert_string_equal(drift_in(f, "prod"), "1.3");
}

static void the_nearest_environment_that_has_it_counts(void **state)
{
	struct faces *f = *state;
	put_placement(f, "dev/deploys", "dev", "2.0", NULL);
	put_placement(f, "prod/deploys", "prod", "1.1", NULL);
	across_drift(f->environments, f->placements);
	assert_string_equal(drift_in(f, "prod"), "2.0");
	put_placement(f, "staging/deploys", "staging", "1.1", NULL);
	across_drift(f->environments, f->placements);
	assert_null(drift_in(f, "prod"));
	assert_string_equal(drift_in(f, "staging"), "2.0");
}

static void one_source_is_believed(void **state)
{
	struct faces *f = *state;
	put_environment(f, "platform", "blue", 5);
	put_environment(f, "platform", "green", 6);
	put_placement(f, "platform", "blue", "7", NULL);
	put_placement(f, "platform", "green", "6", "told by itself");
	across_drift(f->environments, f->placements);
	assert_string_equal(drift_in(f, "green"), "told by itself");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_clusters_drift_apart_and_meet_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_nearest_environment_that_has_it_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_source_is_believed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

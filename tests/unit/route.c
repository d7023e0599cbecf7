/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "platform/route.h"

static void table_comes_back(void **state)
{
	(void)state;
	struct route_table table = {.generation = 42}, back;
	struct route *r = route_table_add(&table, "prod/checkout", 20001);
	route_add_backend(r, 20105);
	route_add_backend(r, 20106);
	route_table_add(&table, "prod/search", 20002);
	struct str text = {0};
	route_table_render(&table, &text);
	assert_string_equal(text.s, "generation 42\nprod/checkout 20001 20105,20106\nprod/search 20002 -\n");
	assert_true(route_table_parse(text.s, &back, NULL));
	assert_int_equal(back.generation, 42);
	assert_int_equal(back.count, 2);
	assert_true(route_has_backend(route_table_find(&back, 20001), 20106));
	assert_int_equal(route_table_find(&back, 20002)->backend_count, 0);
	route_table_finish(&table);
	route_table_finish(&back);
	str_finish(&text);
}

static void bad_tables_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"\n",
		"generation\n",
		"generation -1\n",
		"generation x\n",
		"prod/a 1 2\n",
		"generation 1\nprod/a\n",
		"generation 1\nprod/a 1\n",
		"generation 1\nprod/a 0 -\n",
		"generation 1\nprod/a 70000 -\n",
		"generation 1\nprod/a 1 2,\n",
		"generation 1\nprod/a 1 ,2\n",
		"generation 1\nprod/a 1 2 3\n",
		"generation 1\nprod/a 1 -\nprod/b 1 -\n",
		"generation 1\n 1 -\n",
		"generation 1\n\n",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct route_table table;
		struct err err;
		if (route_table_parse(rows[i], &table, &err))
			fail_msg("%s is taken", rows[i]);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_int_equal(table.count, 0);
	}
}

static void files(void **state)
{
	(void)state;
	char dir[] = "/tmp/fairway-route-XXXXXX", path[64];
	struct route_ack ack = {.generation = 7}, back, bad;
	struct route_table table;
	struct err err;
	assert_non_null(mkdtemp(dir));
	assert_false(route_table_read(dir, &table, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	route_ack_add_failed(&ack, 20002, 98);
	route_ack_add_draining(&ack, 20104, 3);
	str_copy(ack.error, sizeof(ack.error), "routes:3: no");
	assert_true(route_ack_write(dir, &ack, NULL));
	assert_true(route_ack_read(dir, &back, NULL));
	assert_int_equal(back.generation, 7);
	assert_int_equal(route_ack_failure(&back, 20002), 98);
	assert_int_equal(route_ack_failure(&back, 20104), 0);
	assert_int_equal(route_ack_in_flight(&back, 20104), 3);
	assert_string_equal(back.error, "routes:3: no");
	assert_false(route_ack_parse("generation 1\nnoise\n", &bad, NULL));
	route_ack_finish(&back);
	route_ack_finish(&ack);
	snprintf(path, sizeof(path), "%s/%s", dir, ROUTE_ACK_FILE);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else was left there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_comes_back),
		cmocka_unit_test(bad_tables_refused),
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}

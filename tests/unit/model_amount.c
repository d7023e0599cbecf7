/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/amount.h"

static void as_people_write_it(void **state)
{
	static const struct {
		int64_t used, request, limit;
		const char *cpu, *memory;
	} rows[] = {
		{-1, -1, -1, "", ""},
		{120, -1, -1, "120m", "0Ki"},
		{120, 100, 500, "120m/500m", "0Ki/0Ki"},
		{120, 100, -1, "120m/100m", "0Ki/0Ki"},
		{-1, -1, 500, "-/500m", "-/0Ki"},
		{0, -1, 2048, "0m/2048m", "0Ki/2Ki"},
		{67108864, -1, 134217728, "67108/134217", "64Mi/128Mi"},
		{10737418240, -1, INT64_MAX, "10737418/9223372036854775", "10Gi/8589934591Gi"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct instance it;
		char text[AMOUNT_TEXT];
		record_init(record_class(RECORD_INSTANCE), &it);
		it.cpu = it.memory = rows[i].used;
		it.cpu_request = it.memory_request = rows[i].request;
		it.cpu_limit = it.memory_limit = rows[i].limit;
		amount_cpu(&it, text);
		assert_string_equal(text, rows[i].cpu);
		amount_memory(&it, text);
		assert_string_equal(text, rows[i].memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_people_write_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

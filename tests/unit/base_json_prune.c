/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/json_prune.h"

static const struct json_path drop[] = {
	{{"metadata", "managedFields"}},
	{{"metadata", "annotations", "a.b/last-applied"}},
	{{"spec", "containers", "env"}},
	{{"spec", "volumes"}},
};

static void becomes(const char *text, const char *wanted)
{
	struct str out = {0};
	assert_true(json_prune(text, strlen(text), drop, sizeof(drop) / sizeof(drop[0]), &out));
	assert_string_equal(str_text(&out), wanted);
	str_finish(&out);
}

static void members_go_wherever_they_stand(void **state)
{
	(void)state;
	becomes("{\"metadata\":{\"managedFields\":[{\"a\":\"]}\"}],\"name\":\"x\"},\"spec\":{\"volumes\":[]}}",
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{}}");
	becomes("{\"metadata\" : { \"name\" : \"x\" , \"managedFields\" : 1 }, \"b\": 2}",
		"{\"metadata\" : { \"name\" : \"x\" }, \"b\": 2}");
	becomes("{\"spec\":{\"containers\":[{\"env\":[1,2],\"name\":\"a\"},{\"name\":\"b\",\"env\":null}]}}",
		"{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}");
	becomes("{\"metadata\":{\"annotations\":{\"a.b/last-applied\":\"{\\\"env\\\":\\\\\",\"c\":\"d\"}}}",
		"{\"metadata\":{\"annotations\":{\"c\":\"d\"}}}");
}

static void what_only_looks_alike_stays(void **state)
{
	(void)state;
	static const char *const same[] = {
		"{\"managedFields\":1,\"volumes\":[],\"env\":{}}",
		"{\"metadata\":{\"labels\":{\"env\":\"prod\",\"managedFields\":\"x\"}}}",
		"{\"x\":{\"metadata\":{\"managedFields\":1}}}",
		"{\"metadata\":\"managedFields\",\"spec\":[\"volumes\",\"env\"]}",
		"[]", "7", "\"spec\"", "",
	};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		becomes(same[i], same[i]);
}

static void what_is_no_json_is_left_to_the_parser(void **state)
{
	(void)state;
	static const char *const broken[] = {
		"{\"metadata\":{\"managedFields\":[1", "{\"metadata\":{\"name\":\"x", "}", "{\"metadata\":{\"name\\\"",
	};
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct str out = {0};
		str_add(&out, "before");
		assert_false(json_prune(broken[i], strlen(broken[i]), drop, 4, &out));
		assert_int_equal(out.len, 6);
		str_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_go_wherever_they_stand),
		cmocka_unit_test(what_only_looks_alike_stays),
		cmocka_unit_test(what_is_no_json_is_left_to_the_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "model/platform_file.h"

static struct platform_file parse_good(const char *text)
{
	struct platform_file f;
	struct complaints c = {0};
	if (!platform_file_parse(&f, "platform.yaml", text, strlen(text), &c))
		fail_msg("%s", c.text);
	return f;
}

static void reads(void **state)
{
	(void)state;
	char hex[HASH_HEX], other[HASH_HEX];
	struct platform_file f = parse_good("environments:\n- name: dev\n- {name: staging}\n- {name: prod, "
					    "protected: true, read_only: false}\n"
					    "teams:\n  payments:\n    on_call: ada\n    notify: {file: "
					    "pages.log}\n  search: {notify: {command: [./page, x]}}\n");
	assert_int_equal(f.n_environments, 3);
	assert_string_equal(f.environments[2].name, "prod");
	assert_true(platform_file_environment(&f, "prod")->is_protected);
	assert_string_equal(platform_file_team(&f, "payments")->notify_file, "pages.log");
	assert_string_equal(platform_file_team(&f, "search")->notify_command[1], "x");
	assert_null(platform_file_team(&f, "none"));
	assert_true(platform_file_approval(&f, "/srv", hex));
	platform_file_finish(&f);
	f = parse_good("teams:\n  search: {notify: {command: [./page, y]}}\n");
	assert_true(platform_file_approval(&f, "/srv", other));
	assert_string_not_equal(hex, other);
	platform_file_finish(&f);
}

static void defaults(void **state)
{
	(void)state;
	char hex[HASH_HEX];
	struct complaints c = {0};
	struct platform_file f = parse_good("");
	assert_int_equal(f.n_environments, 1);
	assert_string_equal(f.environments[0].name, "dev");
	assert_false(platform_file_approval(&f, "/srv", hex));
	assert_string_equal(hex, "");
	platform_file_finish(&f);
	assert_true(platform_file_load(&f, "/nonexistent/platform.yaml", &c));
	assert_null(c.text);
	assert_int_equal(f.n_environments, 1);
	platform_file_finish(&f);
}

static void complaints(void **state)
{
	(void)state;
	static const struct {
		const char *text, *complaint;
	} rows[] = {
		{"environments: []\n", "platform.yaml:1: environments: must name 1 to 20"},
		{"environments: [{name: dev}, {name: dev}]\n",
		 "environments[1].name: \"dev\": is named twice"},
		{"environments: [{protected: true}]\n", "environments[0].name: is missing"},
		{"teams: {Pay: {}}\n", "teams.Pay: the name of a team"},
		{"teams: {pay: {notify: {file: a, command: [b]}}}\n", "needs file: or command:, one of them"},
		{"teams: {pay: {notify: {comand: [b]}}}\n", "did you mean \"command\"?"},
		{"team: {}\n", "did you mean \"teams\"?"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct platform_file f;
		struct complaints c = {0};
		assert_false(
			platform_file_parse(&f, "platform.yaml", rows[i].text, strlen(rows[i].text), &c));
		if (!strstr(c.text, rows[i].complaint))
			fail_msg("%s", c.text);
		complaints_finish(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(defaults),
		cmocka_unit_test(complaints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/args.h"
#include "cli/help.h"
#include "cli/verb.h"
#include "model/action.h"

#define PARSE(a, err, ...)                                                       \
	char *argv[] = {"fairway", __VA_ARGS__, NULL};                           \
	int argc = (int)(sizeof(argv) / sizeof(argv[0])) - 1;                    \
	bool is_parsed = args_parse(argc, argv, &(a), &(err))

static void options_stand_anywhere(void **state)
{
	(void)state;
	struct args a;
	struct err err = {0};
	PARSE(a, err, "-o", "json", "deploy", "--env=prod", "checkout", "1.9.2", "--yes", "--context", "demo");
	assert_true(is_parsed);
	assert_string_equal(a.verb, "deploy");
	assert_int_equal(a.n_words, 2);
	assert_string_equal(a.words[1], "1.9.2");
	assert_string_equal(a.env, "prod");
	assert_string_equal(a.context, "demo");
	assert_int_equal(a.output, OUTPUT_JSON);
	assert_true(a.yes);
}

static void two_dashes_end_options(void **state)
{
	(void)state;
	struct args a;
	struct err err = {0};
	PARSE(a, err, "note", "--env", "dev", "--", "checkout", "--yes is a word here");
	assert_true(is_parsed);
	assert_int_equal(a.n_words, 2);
	assert_string_equal(a.words[1], "--yes is a word here");
	assert_false(a.yes);
}

static void values_are_checked(void **state)
{
	(void)state;
	static char *const wrong[][3] = {
		{"--output", "yaml", "table|json"}, {"--yes=1", NULL, "takes no value"}, {"--env", NULL, "needs a value"},
		{"--evn", "x", "--env"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct args a;
		struct err err = {0};
		char *argv[] = {"fairway", wrong[i][0], wrong[i][1], NULL};
		assert_false(args_parse(wrong[i][1] ? 3 : 2, argv, &a, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.text, wrong[i][2]));
	}
}

static void too_many_are_refused(void **state)
{
	(void)state;
	struct args a;
	struct err err = {0};
	char *argv[2 + ARGS_WORDS_MAX + 2] = {"fairway", "up"};
	for (size_t i = 2; i < sizeof(argv) / sizeof(argv[0]) - 1; i++)
		argv[i] = "dir";
	assert_false(args_parse((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv, &a, &err));
	assert_int_equal(err.kind, ERR_USAGE);
}

static void what_a_verb_needs_must_be_there(void **state)
{
	(void)state;
	struct args a;
	struct err err = {0};
	const struct verb *v = verb_find("lock");
	PARSE(a, err, "lock", "checkout", "--env", "prod");
	assert_true(is_parsed);
	assert_false(args_check(&a, v->name, v->takes, v->needs, argc, argv, &err));
	assert_non_null(strstr(err.text, "--reason"));
	a.reason = "moving";
	assert_true(args_check(&a, v->name, v->takes, v->needs, argc, argv, &err));
}

static void times_go_both_ways(void **state)
{
	(void)state;
	int64_t at = 0;
	struct err err = {0};
	assert_true(args_time("--since", "10m", false, 1000000, &at, &err));
	assert_int_equal(at, 1000000 - 600000);
	assert_true(args_time("--until", "10m", true, 1000000, &at, &err));
	assert_int_equal(at, 1000000 + 600000);
	assert_true(args_time("--until", "1970-01-01T00:00:01Z", true, 0, &at, &err));
	assert_int_equal(at, 1000);
	assert_false(args_time("--since", "10", false, 0, &at, &err));
	assert_non_null(strstr(err.text, "--since"));
}

/* Every row can be said in its usage, every verb's action exists, and no word stands for two things. */
static void rows_fit_together(void **state)
{
	(void)state;
	const struct verb *v;
	const struct arg_row *r;
	for (size_t i = 0; (v = verb_at(i)); i++) {
		struct str usage = {0};
		assert_ptr_equal(verb_find(v->name), v);
		assert_true(strlen(v->help) <= 72);
		assert_true(v->min_words <= v->max_words);
		assert_false((v->needs & ~(unsigned)OPT_REASON) & ~v->takes);
		if (v->action)
			assert_non_null(action_find(v->action));
		help_usage(v, &usage);
		for (size_t k = 0; (r = args_row(k)); k++)
			if (r->help && r->with & v->takes)
				assert_non_null(strstr(str_text(&usage), r->name));
		str_finish(&usage);
	}
	assert_null(verb_find("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere), cmocka_unit_test(two_dashes_end_options),
		cmocka_unit_test(values_are_checked),     cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(what_a_verb_needs_must_be_there), cmocka_unit_test(times_go_both_ways),
		cmocka_unit_test(rows_fit_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

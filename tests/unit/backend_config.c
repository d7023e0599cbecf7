/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/config.h"
#include "base/str.h"

struct files {
	char dir[64], file[96];
};

static int set_up(void **state)
{
	struct files *f = calloc(1, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/fairway-config-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/config.yaml", f->dir);
	setenv("FAIRWAY_STATE_DIR", f->dir, 1);
	unsetenv("FAIRWAY_CONTEXT");
	unsetenv("FAIRWAY_CONFIG");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct files *f = *state;
	unlink(f->file);
	rmdir(f->dir);
	free(f);
	return 0;
}

static struct config *load(struct files *f, const char *text, const char *context, struct complaints *c)
{
	FILE *out = fopen(f->file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(f->file, 0600);
	*c = (struct complaints){0};
	return config_load(&(struct config_flags){f->file, context}, c);
}

static void defaults_hold(void **state)
{
	struct complaints c;
	struct config *config = load(*state, "", NULL, &c);
	assert_non_null(config);
	assert_string_equal(config->context->name, "local");
	assert_false(config->is_context_chosen);
	assert_true(str_ends(config->context->platform_root, "/local"));
	assert_int_equal(config_number(config, "bell"), 1);
	assert_int_equal(config_number(config, "log-lines"), 100000);
	config_free(config);
}

static void a_context_of_ones_own(void **state)
{
	static const char text[] =
		"context: acme\nbell: false\ncontexts:\n  acme:\n    platform: {kind: platform, name: box}\n"
		"    environments:\n    - {name: prod, protected: true}\n";
	struct complaints c;
	struct config *config = load(*state, text, NULL, &c);
	if (c.count)
		fail_msg("%s", c.text);
	assert_string_equal(config->context->name, "acme");
	assert_int_equal(config->context->n_environments, 1);
	assert_true(config->context->environments[0].is_protected);
	assert_true(str_ends(config->context->platform_root, "/box"));
	assert_int_equal(config_number(config, "bell"), 0);
	char *shown = config_show_text(config);
	assert_non_null(strstr(shown, "context: acme"));
	free(shown);
	config_free(config);
	config = load(*state, text, "demo", &c);
	assert_string_equal(config->context->name, "demo");
	config_free(config);
}

static void every_mistake_is_told_at_once(void **state)
{
	static const char text[] =
		"bel: true\nlog-lines: 5\ncontexts:\n  acme:\n    deploys: {kind: pagerduty}\n"
		"    logs: {kind: files, path: /x, token: hunter2-secret}\n  demo: {}\n";
	static const char *const wanted[] = {":1: bel",
					     ":2: log-lines",
					     "pagerduty",
					     "platform, files, kubernetes",
					     "this provider has no logs",
					     "token is never written here",
					     "built in"};
	struct complaints c;
	assert_null(load(*state, text, NULL, &c));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(c.text, wanted[i]))
			fail_msg("\"%s\" is not in: %s", wanted[i], c.text);
	assert_null(strstr(c.text, "hunter2"));
	complaints_finish(&c);
}

static void an_unknown_context_names_the_nearest(void **state)
{
	struct complaints c;
	assert_null(load(*state, "", "dmeo", &c));
	assert_non_null(strstr(c.text, "did you mean demo?"));
	complaints_finish(&c);
}

static void what_others_can_write_is_refused(void **state)
{
	struct files *f = *state;
	struct complaints c;
	config_free(load(f, "", NULL, &c));
	chmod(f->file, 0622);
	assert_null(config_load(&(struct config_flags){f->file, NULL}, &c));
	assert_non_null(strstr(c.text, "others can write"));
	complaints_finish(&c);
}

static void the_default_text_is_a_good_file(void **state)
{
	struct complaints c;
	char *text = config_default_text();
	struct config *config = load(*state, text, NULL, &c);
	if (c.count)
		fail_msg("%s", c.text);
	size_t n;
	const struct option_row *rows = config_options(&n);
	for (size_t i = 0; i < n; i++)
		assert_non_null(strstr(text, rows[i].name));
	config_free(config);
	free(text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(defaults_hold), CASE(a_context_of_ones_own), CASE(every_mistake_is_told_at_once),
		CASE(an_unknown_context_names_the_nearest), CASE(what_others_can_write_is_refused),
		CASE(the_default_text_is_a_good_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

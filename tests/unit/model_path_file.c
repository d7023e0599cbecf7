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

#include "base/utf8.h"
#include "model/path_file.h"
#include "model/service_file.h"

struct folder {
	char dir[64];
};

static void put(const struct folder *at, const char *name, const char *text)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/path/%s", at->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	struct folder *at = mem_alloc(sizeof(*at));
	struct tree t = {0};
	char target[96];
	str_copy(at->dir, sizeof(at->dir), "/tmp/fairway-path-XXXXXX");
	assert_non_null(mkdtemp(at->dir));
	snprintf(target, sizeof(target), "%s/path", at->dir);
	assert_true(tree_add(&t, "path.yaml", "", 0, false, NULL));
	assert_true(tree_add(&t, "template/src/<%name%>.py", "X = <%text%>\n", 13, false, NULL));
	assert_true(tree_add(&t, "template/Dockerfile", "FROM x\n", 7, false, NULL));
	assert_true(tree_add(&t, "template/logo.bin", "\0<%no%>", 7, true, NULL));
	assert_true(tree_create(&t, target, NULL));
	tree_finish(&t);
	*state = at;
	return 0;
}

static int teardown(void **state)
{
	struct folder *at = *state;
	struct tree_stage s = {0};
	str_copy(s.path, sizeof(s.path), at->dir);
	tree_drop(&s);
	free(at);
	return 0;
}

static const char description[] =
	"name: my-path\ntitle: Mine\nparameters:\n  name: {pattern: '^[a-z]+$'}\n  text: {default: none}\n"
	"  container: {type: boolean, default: false}\nfiles:\n- {path: Dockerfile, when: container}\n"
	"next: run <%name%>\n";

static bool load(const struct folder *at, struct path_file *f, struct complaints *c)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/path", at->dir);
	return path_file_load_folder(f, path, c);
}

static void a_folder_is_rendered(void **state)
{
	struct folder *at = *state;
	struct path_file f;
	struct complaints c = {0};
	struct tree out;
	struct err err = {0};
	struct arena arena = {0};
	const struct path_answer answers[] = {{"name", "orders"}, {"text", "a\"b"}};
	put(at, "path.yaml", description);
	if (!load(at, &f, &c))
		fail_msg("%s", c.text);
	assert_string_equal(f.parameters[2].name, "container");
	assert_true(path_file_check(&f, answers, 2, &c));
	if (!path_file_render(&f, answers, 2, &out, &err))
		fail_msg("%s", err.text);
	assert_int_equal(out.n, 2);
	assert_string_equal(tree_find(&out, "src/orders.py")->bytes, "X = \"a\\\"b\"\n");
	assert_int_equal(tree_find(&out, "logo.bin")->len, 7); /* bytes are no template */
	assert_true(tree_find(&out, "logo.bin")->is_executable);
	assert_string_equal(path_file_next(&f, answers, 2, &arena), "run orders");
	tree_finish(&out);
	const struct path_answer more[] = {{"name", "orders"}, {"container", "true"}};
	assert_true(path_file_render(&f, more, 2, &out, &err));
	assert_non_null(tree_find(&out, "Dockerfile"));
	tree_finish(&out);
	arena_finish(&arena);
	path_file_finish(&f);
}

static void answers_are_checked_all_at_once(void **state)
{
	struct folder *at = *state;
	struct path_file f;
	struct complaints c = {0};
	const struct path_answer answers[] = {{"name", "../x"}, {"container", "maybe"}, {"txet", "1"}};
	put(at, "path.yaml", description);
	assert_true(load(at, &f, &c));
	assert_false(path_file_check(&f, answers, 3, &c));
	assert_non_null(strstr(c.text, "my-path: name: \"../x\": must look like ^[a-z]+$\n"));
	assert_non_null(strstr(c.text, "my-path: container: \"maybe\": must be true or false\n"));
	assert_non_null(
		strstr(c.text, "my-path: txet: is no parameter of this path, did you mean \"text\"?\n"));
	complaints_finish(&c);
	assert_false(path_file_check(&f, NULL, 0, &c));
	assert_string_equal(c.text, "my-path: name: must be given\n");
	complaints_finish(&c);
	path_file_finish(&f);
}

/* A pattern that is too kind does not let a name out of the folder. */
static void names_cannot_leave_the_folder(void **state)
{
	struct folder *at = *state;
	struct path_file f;
	struct complaints c = {0};
	struct tree out;
	struct err err;
	const struct path_answer answers[] = {{"name", "../../x"}};
	put(at, "path.yaml",
	    "name: p\nparameters: {name: {}, text: {default: x}, container: {type: boolean, default: no}}\n");
	assert_false(load(at, &f, &c)); /* a default is checked as any value: true or false */
	complaints_finish(&c);
	put(at, "path.yaml", "name: p\nparameters: {name: {}, text: {default: x}}\n");
	assert_true(load(at, &f, &c));
	assert_true(path_file_check(&f, answers, 1, &c));
	assert_false(path_file_render(&f, answers, 1, &out, &err));
	assert_non_null(strstr(err.text, "is no name for a file"));
	path_file_finish(&f);
}

static void complaints_about_a_path(void **state)
{
	struct folder *at = *state;
	static const struct {
		const char *text, *complaint;
	} rows[] = {
		{"name: p\n", "parameters: is missing"},
		{"name: p\nparameters: {x: {}}\n", "must be a parameter \"name\""},
		{"name: p\nparameters: {name: {type: strin}}\n",
		 "parameters.name.type: \"strin\": must be string, integer or "
		 "boolean; did you mean \"string\"?"},
		{"name: p\nparameters: {name: {pattern: '['}}\n", "is no regular expression"},
		{"name: p\nparameters: {name: {minimum: 1}}\n", "has a meaning only with type: integer"},
		{"name: p\nparameters: {name: {default: B, pattern: '^[a-z]$'}}\n",
		 "parameters.name.default: \"B\": must look"},
		{"name: p\nparameters: {name: {}}\nfiles: [{path: Dockerfile, when: name}]\n",
		 "must name a boolean parameter"},
		{"name: p\nparameters: {name: {}, b: {type: boolean}}\nfiles: [{path: x, when: '!b'}]\n",
		 "\"x\": there is no such file"},
		{"name: p\nparameters: {Name: {}, name: {}}\n", "parameters.Name: the name of a parameter"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct path_file f;
		struct complaints c = {0};
		put(at, "path.yaml", rows[i].text);
		assert_false(load(at, &f, &c));
		if (!strstr(c.text, rows[i].complaint))
			fail_msg("%s\nwanted %s", c.text, rows[i].complaint);
		complaints_finish(&c);
	}
}

static void carried_paths(void **state)
{
	(void)state;
	char name[64];
	size_t index = 0, n = 0;
	while (path_file_next_carried(&index, name)) {
		struct path_file f;
		struct complaints c = {0};
		if (!path_file_load_carried(&f, name, &c))
			fail_msg("%s", c.text);
		assert_string_equal(f.name, name);
		path_file_finish(&f);
		n++;
	}
	assert_true(n >= 1);
	struct path_file f;
	struct complaints c = {0};
	assert_false(path_file_load_carried(&f, "../keymaps", &c));
	assert_non_null(strstr(c.text, "there are: http-service"));
	complaints_finish(&c);
}

/* What the path makes from any answer that passes is a good service.yaml that says just that. */
static void http_service_with_hostile_answers(void **state)
{
	(void)state;
	static const char *const values[] = {"plain",   "a: b # c", "- x",      "\"q\" 'r' \\", "*a &b !c",
					     "{x} [y]", "% @ `",    "<%name%>", "yes",          "1.5",
					     "| >",     "é 漢字",   "a\u202eb", "$(id) `id`"};
	struct path_file f;
	struct complaints c = {0};
	assert_true(path_file_load_carried(&f, "http-service", &c));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct path_answer answers[] = {
			{"name", "orders"}, {"team", "payments"}, {"description", values[i]}};
		struct tree out;
		struct err err = {0};
		struct service_file s;
		assert_true(path_file_check(&f, answers, 3, &c));
		if (!path_file_render(&f, answers, 3, &out, &err))
			fail_msg("%s", err.text);
		const struct tree_file *file = tree_find(&out, "service.yaml");
		if (!service_file_parse(&s, "service.yaml", file->bytes, file->len, &c))
			fail_msg("%s: %s", values[i], c.text);
		assert_string_equal(s.description, values[i]);
		assert_string_equal(s.name, "orders");
		assert_string_equal(s.team, "payments");
		assert_true(s.has_port);
		assert_int_equal(s.port, 0);
		assert_non_null(tree_find(&out, service_file_runbook(&s, "HighErrorRatio")));
		assert_null(strstr(tree_find(&out, "main.py")->bytes, "<%"));
		service_file_finish(&s);
		tree_finish(&out);
	}
	const struct path_answer bad[] = {
		{"name", "orders"}, {"team", "payments"}, {"description", "two\nlines"}};
	assert_false(path_file_check(&f, bad, 3, &c));
	complaints_finish(&c);
	path_file_finish(&f);
}

static void schemas(void **state)
{
	(void)state;
	static const struct {
		struct schema s;
		const char *value, *sentence; /* NULL: it will do */
	} rows[] = {
		{{.max_length = 3}, "abc", NULL},
		{{.max_length = 3}, "éüß", NULL},
		{{.max_length = 3}, "abcd", "must be at most 3 characters"},
		{{.max_length = 3, .min_length = 1}, "", "must not be empty"},
		{{.max_length = 9}, "a\tb", "must be one line of UTF-8 text without control characters"},
		{{.max_length = 9}, "a\xff", "must be one line of UTF-8 text without control characters"},
		{{.max_length = 9, .pattern = "^a$"}, "b", "must look like ^a$"},
		{{.max_length = 60, .pattern = "^(a+)+$"},
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
		 "cannot be checked: the pattern ^(a+)+$ gave up"},
		{{.type = SCHEMA_INTEGER, .minimum = 1, .maximum = 9}, "9", NULL},
		{{.type = SCHEMA_INTEGER, .minimum = 1, .maximum = 9},
		 "10",
		 "must be a whole number from 1 to 9"},
		{{.type = SCHEMA_INTEGER, .minimum = 1, .maximum = INT64_MAX},
		 "x",
		 "must be a whole number, at least 1"},
		{{.type = SCHEMA_BOOLEAN}, "yes", "must be true or false"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = {0};
		bool good = schema_check(&rows[i].s, rows[i].value, &err);
		assert_int_equal(good, !rows[i].sentence);
		assert_string_equal(err.text, rows[i].sentence ? rows[i].sentence : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_is_rendered, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_are_checked_all_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(names_cannot_leave_the_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(complaints_about_a_path, setup, teardown),
		cmocka_unit_test(carried_paths),
		cmocka_unit_test(http_service_with_hostile_answers),
		cmocka_unit_test(schemas),
	};
	utf8_start_locale();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

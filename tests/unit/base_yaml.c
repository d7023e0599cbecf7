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

#include "base/yaml.h"

struct doc {
	struct arena arena;
	struct complaints complaints;
	struct yaml y;
	const struct yaml_node *root;
};

static void doc_open_n(struct doc *d, const char *bytes, size_t len)
{
	*d = (struct doc){0};
	d->y = (struct yaml){.file = "f.yaml", .arena = &d->arena, .complaints = &d->complaints};
	d->root = yaml_load(&d->y, bytes, len);
}

static void doc_open(struct doc *d, const char *text)
{
	doc_open_n(d, text, strlen(text));
}

static void doc_close(struct doc *d)
{
	arena_finish(&d->arena);
	complaints_finish(&d->complaints);
}

static void assert_refused(const char *bytes, size_t len, const char *why)
{
	struct doc d;
	doc_open_n(&d, bytes, len);
	assert_null(d.root);
	assert_non_null(d.complaints.text);
	if (!strstr(d.complaints.text, why))
		fail_msg("complaint is %s, wanted %s", d.complaints.text, why);
	doc_close(&d);
}

static void tree(void **state)
{
	(void)state;
	struct doc d;
	doc_open(&d, "name: checkout\nlist:\n- a\n- {x: '1', y: [2, 3]}\nempty:\nquoted: ''\n");
	assert_non_null(d.root);
	assert_int_equal(d.root->count, 4);
	assert_string_equal(yaml_find(d.root, "name")->text, "checkout");
	const struct yaml_node *list = yaml_find(d.root, "list");
	assert_int_equal(list->count, 2);
	assert_int_equal(list->first->next->line, 4);
	const struct yaml_node *three = yaml_find(list->first->next, "y")->first->next;
	assert_string_equal(yaml_path(&d.y, three), "list[1].y[1]");
	assert_true(yaml_find(list->first->next, "x")->is_quoted);
	assert_null(yaml_find(d.root, "empty"));
	assert_non_null(yaml_find(d.root, "quoted"));
	assert_null(d.complaints.text);
	doc_close(&d);
}

static void nothing_is_an_empty_map(void **state)
{
	(void)state;
	const char *const texts[] = {"", "# only a comment\n", "---\n"};
	for (size_t i = 0; i < 3; i++) {
		struct doc d;
		doc_open(&d, texts[i]);
		assert_non_null(d.root);
		assert_int_equal(d.root->kind, YAML_MAP);
		assert_int_equal(d.root->count, 0);
		doc_close(&d);
	}
}

static void getters_complain_with_line_and_path(void **state)
{
	(void)state;
	struct doc d;
	doc_open(&d,
		 "port: 70000\nratio: 120%\nwait: soon\nbig: [a]\nflag: maybe\nname: Bad\nkind: promethus\n");
	long long port = 7;
	double ratio = 0.5;
	int64_t wait = 9;
	const char *text = "kept";
	bool flag = true;
	int kind = -1;
	const char *const kinds[] = {"prometheus", "none"};
	assert_false(yaml_as_int(&d.y, yaml_find(d.root, "port"), 1, 65535, &port));
	assert_false(yaml_as_percent(&d.y, yaml_find(d.root, "ratio"), &ratio));
	assert_false(yaml_as_duration(&d.y, yaml_find(d.root, "wait"), 0, 1000, &wait));
	assert_false(yaml_as_text(&d.y, yaml_find(d.root, "big"), &text));
	assert_false(yaml_as_bool(&d.y, yaml_find(d.root, "flag"), &flag));
	assert_false(yaml_as_name(&d.y, yaml_find(d.root, "name"), &text));
	assert_false(yaml_as_choice(&d.y, yaml_find(d.root, "kind"), kinds, 2, &kind));
	assert_false(yaml_as_int(&d.y, yaml_find(d.root, "absent"), 1, 2, &port));
	assert_int_equal(port, 7);
	assert_int_equal(wait, 9);
	assert_true(flag);
	assert_string_equal(text, "kept");
	assert_int_equal(d.complaints.count, 7);
	assert_non_null(strstr(d.complaints.text,
			       "f.yaml:1: port: \"70000\": must be a whole number from 1 to 65535\n"));
	assert_non_null(strstr(d.complaints.text,
			       "f.yaml:7: kind: \"promethus\": must be prometheus or none; "
			       "did you mean \"prometheus\"?\n"));
	doc_close(&d);
}

static void getters_read(void **state)
{
	(void)state;
	struct doc d;
	doc_open(&d, "n: -3\np: 99.5%\nd: 250ms\nb: yes\nl: [a, '', 'b c']\nm: {A: 1, B: two}\nf: 1e3\n");
	long long n;
	double p, f;
	int64_t ms;
	bool b;
	struct yaml_texts l;
	struct yaml_pairs m;
	assert_true(yaml_as_int(&d.y, yaml_find(d.root, "n"), -5, 5, &n));
	assert_int_equal(n, -3);
	assert_true(yaml_as_percent(&d.y, yaml_find(d.root, "p"), &p));
	assert_true(p > 99.49 && p < 99.51);
	assert_true(yaml_as_number(&d.y, yaml_find(d.root, "f"), 0, 2000, &f));
	assert_true(f > 999 && f < 1001);
	assert_true(yaml_as_duration(&d.y, yaml_find(d.root, "d"), 0, 1000, &ms));
	assert_int_equal(ms, 250);
	assert_true(yaml_as_bool(&d.y, yaml_find(d.root, "b"), &b));
	assert_true(b);
	assert_true(yaml_as_texts(&d.y, yaml_find(d.root, "l"), &l));
	assert_int_equal(l.count, 3);
	assert_string_equal(l.items[2], "b c");
	assert_null(l.items[3]);
	assert_true(yaml_as_pairs(&d.y, yaml_find(d.root, "m"), &m));
	assert_string_equal(m.items[1].name, "B");
	assert_string_equal(m.items[1].value, "two");
	assert_null(d.complaints.text);
	doc_close(&d);
}

static void unknown_and_double_keys(void **state)
{
	(void)state;
	const char *const known[] = {"health", "metrics"};
	struct doc d;
	doc_open(&d, "heatlh: /x\nzzzzzz: 1\nmetrics: a\nmetrics: b\n");
	assert_non_null(d.root);
	yaml_known_keys(&d.y, d.root, known, 2);
	assert_string_equal(yaml_find(d.root, "metrics")->text, "a");
	assert_non_null(strstr(d.complaints.text,
			       "f.yaml:4: metrics: \"b\": given twice: it is on line 3 already\n"));
	assert_non_null(
		strstr(d.complaints.text, "f.yaml:1: heatlh: unknown key, did you mean \"health\"?\n"));
	assert_non_null(strstr(d.complaints.text, "f.yaml:2: zzzzzz: unknown key\n"));
	assert_int_equal(d.complaints.count, 3);
	doc_close(&d);
}

static void aliases(void **state)
{
	(void)state;
	struct doc d;
	doc_open(&d, "a: &x {k: [1, 2]}\nb: *x\n");
	assert_non_null(d.root);
	const struct yaml_node *two = yaml_find(yaml_find(d.root, "b"), "k")->first->next;
	assert_string_equal(two->text, "2");
	assert_string_equal(yaml_path(&d.y, two), "b.k[1]");
	doc_close(&d);
	assert_refused("a: &x [*x]\n", 11, "f.yaml:1: an alias inside of what it names");
	assert_refused("a: *y\n", 6, "no such anchor");
}

static const char *lax(const char *text, const char *map, const char *key)
{
	static char out[100];
	struct doc d = {0};
	d.y = (struct yaml){.file = "f.yaml", .arena = &d.arena, .complaints = &d.complaints, .is_lax = true};
	d.root = yaml_load(&d.y, text, strlen(text));
	const struct yaml_node *in = map ? yaml_find(d.root, map) : d.root, *n = yaml_find(in, key);
	str_copy(out, sizeof(out), !d.root ? d.complaints.text : n ? n->text : "none");
	size_t count = 0;
	for (const struct yaml_node *c = in ? in->first : NULL; c; c = c->next)
		assert_int_equal(c->index, count++);
	assert_int_equal(count, in ? in->count : 0);
	doc_close(&d);
	return out;
}

static void as_others_read(void **state)
{
	(void)state;
	assert_string_equal(lax("a: 1\nb: 2\na: 3\n", NULL, "a"), "3");
	assert_string_equal(lax("---\na: 1\n---\na: 2\n", NULL, "a"), "1");
	assert_string_equal(lax("---\na: 1\n--- {\n", NULL, "a"), "1");
	assert_string_equal(lax("x: &x {k: 1}\nm: {<<: *x, l: 2}\n", "m", "k"), "1");
	assert_string_equal(lax("x: &x {k: 1}\nm: {<<: *x, k: 2}\n", "m", "k"), "2");
	assert_string_equal(lax("x: &x {k: 1}\nm: {k: 2, <<: *x}\n", "m", "k"), "1");
	assert_string_equal(lax("x: &x {k: 1}\ny: &y {k: 2}\nm: {<<: [*x, *y]}\n", "m", "k"), "1");
	assert_string_equal(lax("m: {<<: {<<: {k: 1}}}\n", "m", "k"), "1");
	assert_non_null(strstr(lax("m: {<<: [1]}\n", "m", "k"), "f.yaml:1: only maps can be merged"));
	assert_non_null(strstr(lax("m: {<<: a}\n", "m", "k"), "only maps can be merged"));
	assert_string_equal(lax("\xEF\xBB\xBF" "a: 1\nb: 2\n", NULL, "a"), "1");
}

static void bombs(void **state)
{
	(void)state;
	struct str s = {0};
	str_add(&s, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++)
		str_addf(&s, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_refused(s.s, s.len, "more than 10000 values");
	str_reset(&s);
	for (int i = 0; i < 40000; i++)
		str_addc(&s, '[');
	assert_refused(s.s, s.len, "at most 64 levels");
	str_reset(&s);
	for (int i = 0; i < 40000; i++)
		str_add(&s, "{a: ");
	assert_refused(s.s, s.len, "at most 64 levels");
	str_reset(&s);
	str_reserve(&s, YAML_MAX_BYTES + 1);
	memset(s.s, ' ', YAML_MAX_BYTES + 1);
	assert_refused(s.s, YAML_MAX_BYTES + 1, "at most 1 MiB");
	str_finish(&s);
}

static void control_bytes(void **state)
{
	(void)state;
	assert_refused("a: \"x\\e[31m\"\n", 13, "f.yaml:1: holds a control character");
	assert_refused("b: 1\na: \"x\\0y\"\n", 15, "f.yaml:2: holds a control character");
	assert_refused("a: \"\\x9b\"\n", 10, "control character");
	assert_refused("a: \x1b[0m\n", 8, "UTF-8 without control characters");
	assert_refused("a: \xff\xfe\n", 6, "UTF-8");
	assert_refused("a: [1\nb: 2\n", 11, "not valid YAML");
	assert_refused("a: 1\n---\nb: 2\n", 14, "second document");
	assert_refused("[a]: 1\n", 7, "a key must be text");
}

/* Every prefix of a document ends: with a tree or a complaint, never both missing. */
static void every_cut(void **state)
{
	(void)state;
	static const char text[] = "a: &x {k: [1, \"t\\u00e9\"]}\nb: *x\nc: |\n  lines\n  more\nd: 'it''s'\n";
	for (size_t n = 0; n < sizeof(text); n++) {
		struct doc d;
		doc_open_n(&d, text, n);
		assert_true(d.root || d.complaints.text);
		doc_close(&d);
	}
}

static void quoting_round_trips(void **state)
{
	(void)state;
	static const char *const values[] = {
		"plain", "",     "true",         "No",          "12",          "1e3",   "a: b", "a #b",
		"- x",   "it's", "\"q\"",        "back\\slash", "line\nbreak", "tab\t", "*x",   "&x",
		"{a}",   "~",    "null",         "é ü",         "trail ",      " lead", "@x",   "`x`",
		"%x",    "a,b",  "\xe2\x80\xa8", "!x",          "?",           "---"};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct str s = {0};
		str_add(&s, "k: [");
		yaml_quote_scalar(&s, values[i]);
		str_add(&s, "]\n");
		struct doc d;
		doc_open(&d, s.s);
		if (!d.root)
			fail_msg("%s: %s", s.s, d.complaints.text);
		assert_string_equal(d.root->first->first->text, values[i]);
		doc_close(&d);
		str_finish(&s);
	}
}

static void only_regular_files(void **state)
{
	(void)state;
	char dir[] = "/tmp/fairway-yaml-XXXXXX", path[64];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct doc d = {0};
	bool is_absent = true;
	d.y = (struct yaml){.file = path, .arena = &d.arena, .complaints = &d.complaints};
	assert_null(yaml_load_file(&d.y, &is_absent));
	assert_false(is_absent);
	assert_non_null(strstr(d.complaints.text, "is not a regular file"));
	unlink(path);
	assert_null(yaml_load_file(&d.y, &is_absent));
	assert_true(is_absent);
	doc_close(&d);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tree),
		cmocka_unit_test(nothing_is_an_empty_map),
		cmocka_unit_test(getters_complain_with_line_and_path),
		cmocka_unit_test(getters_read),
		cmocka_unit_test(unknown_and_double_keys),
		cmocka_unit_test(aliases),
		cmocka_unit_test(as_others_read),
		cmocka_unit_test(bombs),
		cmocka_unit_test(control_bytes),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(quoting_round_trips),
		cmocka_unit_test(only_regular_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/template.h"
#include "base/utf8.h"
#include "base/yaml.h"

static const struct template_value *sample(struct arena *a)
{
	struct template_value *map = template_map(a), *inner;
	template_set_text(a, map, "name", "orders");
	template_set_text(a, map, "empty", "");
	template_set_text(a, map, "odd", "a\"b'c\\d$e\n*f*");
	template_set_number(a, map, "port", "8080");
	template_set_number(a, map, "zero", "0");
	template_set_bool(a, map, "yes", true);
	template_set_bool(a, map, "no", false);
	struct template_value *list = template_set_list(a, map, "list");
	template_add_text(a, list, "x");
	template_add_text(a, list, "y");
	template_set_list(a, map, "none");
	struct template_value *people = template_set_list(a, map, "people");
	inner = template_add_map(a, people);
	template_set_text(a, inner, "name", "ada");
	inner = template_add_map(a, people);
	template_set_text(a, inner, "name", "bob");
	template_set_bool(a, inner, "is_last", true);
	return map;
}

static void semantics(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"plain", "plain"},
		{"", ""},
		{"{{ x }} ${{ y }} % > <", "{{ x }} ${{ y }} % > <"},
		{"<%name%> <% name %> <%{name}%> <%&name%>", "orders orders orders orders"},
		{"<%port%>", "8080"},
		{"<%yes%>", "true"},
		{"<%#yes%>a<%/yes%><%#no%>b<%/no%><%^no%>c<%/no%>", "ac"},
		{"<%#empty%>a<%/empty%><%^empty%>b<%/empty%>", "b"},
		{"<%#port%>a<%/port%><%#zero%>b<%/zero%><%^zero%>c<%/zero%>", "ac"},
		{"<%#absent%>a<%/absent%><%^absent%>b<%/absent%>", "b"},
		{"<%#list%>[<%.%>]<%/list%><%#none%>z<%/none%>", "[x][y]"},
		{"<%#people%><%name%> of <%port%><%^is_last%>, <%/is_last%><%/people%>",
		 "ada of 8080, bob of 8080"},
		{"a\n  <%#yes%>\nb\n<%/yes%>  \nc\n", "a\nb\nc\n"},
		{"a <%#yes%>b\n<%/yes%>c\n", "a b\nc\n"},
		{"a\n<%! a\n comment %>\nb\n", "a\nb\n"},
		{"<%#list%>\n- <%.%>\n<%/list%>\n", "- x\n- y\n"},
		{"<%#yes%><%#yes%>x<%/yes%><%/yes%>", "x"},
		{"<%#yes%>\n<%/yes%>", ""},
	};
	struct arena arena = {0};
	const struct template_value *data = sample(&arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = {0};
		struct err err;
		if (!template_render(&s, "t", rows[i].text, strlen(rows[i].text), TEMPLATE_PLAIN, data, &err))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_string_equal(str_text(&s), rows[i].wanted);
		str_finish(&s);
	}
	arena_finish(&arena);
}

static void errors_name_the_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{"a\n<%nome%>", "t:2: there is no value of this name: \"nome\""},
		{"a\n\n<%name", "t:3: a tag that does not end"},
		{"<%{name%>", "t:1: a tag that does not end"},
		{"<%%>", "t:1: a tag without a name"},
		{"<%> x%>", "t:1: a tag that is not understood"},
		{"<%= x %>", "t:1: a tag that is not understood"},
		{"<%#yes%>a", "t:1: a section that is not closed: \"yes\""},
		{"<%#yes%><%#no%><%/yes%><%/no%>",
		 "t:1: closes another section than the one that is open: \"yes\""},
		{"a<%/yes%>", "t:1: closes a section that is not open: \"yes\""},
		{"<%list%>", "is a list or a map"},
		{"<%#no%>\n<%#x%>\n<%/no%>", "t:3: closes another section"},
	};
	struct arena arena = {0};
	const struct template_value *data = sample(&arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = {0};
		struct err err = {0};
		str_add(&s, "kept");
		assert_false(template_render(&s, "t", rows[i].text, strlen(rows[i].text), TEMPLATE_PLAIN,
					     data, &err));
		if (!strstr(err.text, rows[i].wanted))
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_string_equal(s.s, "kept");
		str_finish(&s);
	}
	arena_finish(&arena);
}

static void values_are_literals_of_their_format(void **state)
{
	(void)state;
	static const struct {
		const char *path, *text, *wanted;
	} rows[] = {
		{"a.yaml", "k: <%odd%>", "k: \"a\\\"b'c\\\\d$e\\n*f*\""},
		{"a.yml", "k: <%name%> <%port%> <%yes%>", "k: orders 8080 true"},
		{"a.json", "<%odd%>", "\"a\\\"b'c\\\\d$e\\n*f*\""},
		{"a.py", "<%odd%> <%yes%> <%port%>", "\"a\\\"b'c\\\\d$e\\n*f*\" True 8080"},
		{"a.sh", "<%odd%>", "'a\"b'\\''c\\d$e\n*f*'"},
		{"a.md", "<%odd%>", "a\"b'c\\\\d\\$e \\*f\\*"},
		{"Makefile", "<%name%>", "orders"},
		{"a.py", "<%{name}%>", "orders"},
	};
	struct arena arena = {0};
	const struct template_value *data = sample(&arena);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str s = {0};
		assert_true(template_render(&s, "t", rows[i].text, strlen(rows[i].text),
		                            template_format_of(rows[i].path), data, NULL));
		assert_string_equal(s.s, rows[i].wanted);
		str_finish(&s);
	}
	arena_finish(&arena);
	struct str s = {0};
	template_escape(&s, "a\xe2\x80\xae" "b\x1b", TEMPLATE_PYTHON);
	assert_string_equal(s.s, "\"a\\U0000202eb\\U0000001b\"");
	str_finish(&s);
}

/* Ten nested loops over 100 elements would take 10^20 steps. */
static void total(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct template_value *map = template_map(&arena), *list = template_set_list(&arena, map, "l");
	for (int i = 0; i < 100; i++)
		template_add_text(&arena, list, "xxxxxxxxxx");
	struct str text = {0}, out = {0};
	struct err err = {0};
	for (int i = 0; i < 10; i++)
		str_add(&text, "<%#l%>");
	for (int i = 0; i < 10; i++)
		str_add(&text, "<%/l%>");
	assert_false(template_render(&out, "t", text.s, text.len, TEMPLATE_PLAIN, map, &err));
	assert_non_null(strstr(err.text, "1,000,000 steps"));
	str_reset(&text);
	for (int i = 0; i < 4; i++)
		str_add(&text, "<%#l%><%.%><%.%><%.%><%.%><%.%><%.%><%.%><%.%>");
	for (int i = 0; i < 4; i++)
		str_add(&text, "<%/l%>");
	assert_false(template_render(&out, "t", text.s, text.len, TEMPLATE_PLAIN, map, &err));
	assert_true(out.cap < 16 * 1024 * 1024);
	str_reset(&text);
	for (int i = 0; i < 5000; i++)
		str_add(&text, "<%#l%>");
	assert_false(template_render(&out, "t", text.s, text.len, TEMPLATE_PLAIN, map, &err));
	assert_non_null(strstr(err.text, "32 deep"));
	str_finish(&text);
	str_finish(&out);
	arena_finish(&arena);
}

static void every_cut_ends(void **state)
{
	(void)state;
	static const char text[] =
		"a\n<%#people%>\n <%name%>, <%{name}%> <%! c %>\n<%/people%>\n<%^no%>x<%/no%><%&odd%>";
	struct arena arena = {0};
	const struct template_value *data = sample(&arena);
	for (size_t n = 0; n < sizeof(text); n++) {
		struct str s = {0};
		struct err err = {0};
		bool good = template_render(&s, "t", text, n, TEMPLATE_YAML, data, &err);
		assert_true(good || err.text[0]);
		str_finish(&s);
	}
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(semantics),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(values_are_literals_of_their_format),
		cmocka_unit_test(total),
		cmocka_unit_test(every_cut_ends),
	};
	utf8_start_locale();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

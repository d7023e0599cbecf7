/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/record.h"
#include "model/record_json.h"

static struct deploy sample(void)
{
	static const char *const commits[] = {"a1 one", "b2 two"};
	static struct step steps[2];
	steps[0] = (struct step){.name = "build", .state = STEP_DONE, .started_at = 1000, .ended_at = 2000};
	steps[1] = (struct step){.name = "start", .state = STEP_RUNNING, .started_at = 2000};
	struct deploy d;
	record_init(record_class(RECORD_DEPLOY), &d);
	d.base.as_of = 5000;
	d.id = "d1";
	d.service = "checkout";
	d.environment = "prod";
	d.to = "1.9.2 \"quoted\" \x1b";
	d.started_at = 1000;
	d.steps = (struct parts){steps, 2};
	d.commits = (struct texts){commits, 2};
	return d;
}

static void there_and_back(void **state)
{
	(void)state;
	const struct record_class *class = record_class(RECORD_DEPLOY);
	struct deploy d = sample(), back, copy;
	char *text = record_to_text(class, &d);
	struct arena arena = {0};
	struct err err;
	assert_true(record_from_text(class, text, strlen(text), &back, &arena, &err));
	assert_true(record_equal(class, &d, &back));
	assert_int_equal(back.base.as_of, 5000);
	record_copy(class, &copy, &back, &arena);
	assert_true(record_equal(class, &copy, &back));
	((struct step *)copy.steps.items)[1].state = STEP_FAILED;
	assert_false(record_equal(class, &copy, &back));
	struct str key = {0};
	record_key(class, &d, &key);
	assert_string_equal(key.s, "d1");
	str_finish(&key);
	free(text);
	arena_finish(&arena);
}

static void absent_is_left_out(void **state)
{
	(void)state;
	struct instance i;
	record_init(record_class(RECORD_INSTANCE), &i);
	i.id = "x";
	char *text = record_to_text(record_class(RECORD_INSTANCE), &i);
	assert_string_equal(text, "{\"id\":\"x\",\"phase\":\"unknown\",\"ready\":false}");
	free(text);
}

/* What a source leaves out is not well, not over, not harmless. */
static void unsaid_is_never_good(void **state)
{
	(void)state;
	static const struct {
		enum record_kind kind;
		const char *json, *member, *value;
	} rows[] = {
		{RECORD_SERVICE, "{\"name\":\"a\"}", "health", "unknown"},
		{RECORD_ENVIRONMENT, "{\"name\":\"a\"}", "health", "unknown"},
		{RECORD_PLACEMENT, "{\"service\":\"a\",\"environment\":\"b\"}", "health", "unknown"},
		{RECORD_INSTANCE, "{\"id\":\"a\"}", "phase", "unknown"},
		{RECORD_DEPLOY, "{\"id\":\"a\",\"state\":null}", "state", "unknown"},
		{RECORD_ALERT, "{\"id\":\"a\"}", "phase", "unknown"},
		{RECORD_ALERT, "{\"id\":\"a\"}", "severity", "critical"},
		{RECORD_AUDIT, "{\"id\":\"a\"}", "state", "unknown"},
		{RECORD_OPERATION, "{\"id\":\"a\"}", "state", "unknown"},
		{RECORD_SOURCE, "{\"name\":\"a\"}", "state", "down"},
		{RECORD_PLAN, "{\"id\":\"a\"}", "class", "protected"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct record_class *class = record_class(rows[i].kind);
		const struct field *f = record_field(class, rows[i].member);
		struct arena arena = {0};
		struct err err;
		void *record = arena_alloc(&arena, class->size);
		assert_true(record_from_text(class, rows[i].json, strlen(rows[i].json), record, &arena, &err));
		assert_string_equal(record_value_name(f->values, *(int *)record_at(record, f)), rows[i].value);
		arena_finish(&arena);
	}
}

static void refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{}", "[]", "{\"id\":1}", "{\"id\":\"a\\u0000b\"}", "{\"id\":\"a\",\"id\":\"b\"}", "{\"id\":\"a\"} x",
		"{\"id\":\"a\",\"started_at\":\"yesterday\"}", "{\"id\":\"a\",\"steps\":{}}", "{\"id\":\"a\",\"state\":\"odd\"}",
		"{\"id\":\"a\",\"release\":1.5}", "{\"id\":\"\xff\"}", "{\"id\":\"a\",\"commits\":[1]}", "",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena = {0};
		struct err err = {0};
		struct deploy d;
		assert_false(record_from_text(record_class(RECORD_DEPLOY), bad[i], strlen(bad[i]), &d, &arena, &err));
		assert_true(err.text[0] != '\0');
		arena_finish(&arena);
	}
	char deep[200];
	memset(deep, '[', sizeof(deep));
	struct err err;
	assert_null(json_parse(deep, sizeof(deep), &err));
	assert_non_null(strstr(err.text, "deeper"));
}

static void masked_for_people(void **state)
{
	(void)state;
	char *text = json_mask("{\"a\":\"x\xe2\x80\xaey\xe2\x80\x8b\xc2\x9bz \xc3\xa9\"}");
	assert_string_equal(text, "{\"a\":\"x\\u202ey\\u200b\\u009bz \xc3\xa9\"}");
	free(text);
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(absent_is_left_out),
		cmocka_unit_test(unsaid_is_never_good),
		cmocka_unit_test(refuses),
		cmocka_unit_test(masked_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "backend/providers/kubernetes/cause.h"
#include "base/str.h"

static void comes_back(void **state)
{
	static const struct kube_cause all[] = {
		{"deploy", "1.9.2", "ada", "zero-decimal: currencies by hand"},
		{"deploy", "sha256:0123", "ada", NULL},
		{"restart", NULL, "ada", "leaks"},
		{"restart", NULL, "ada", NULL},
	};
	struct arena arena = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct kube_cause c;
		assert_true(kube_cause_read(kube_cause_text(&all[i], &arena), &arena, &c));
		assert_true(str_eq(c.action, all[i].action) && str_eq(c.version, all[i].version));
		assert_true(str_eq(c.by, all[i].by) && str_eq(c.reason, all[i].reason));
	}
	arena_finish(&arena);
}

static void others_are_left(void **state)
{
	static const char *const texts[] = {NULL, "", "kubectl set image", "fairway ", "fairway by x", "fairway deploy 1", "by ada"};
	struct arena arena = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kube_cause c;
		assert_false(kube_cause_read(texts[i], &arena, &c));
		assert_null(c.action);
	}
	arena_finish(&arena);
}

static void is_one_short_line(void **state)
{
	struct arena arena = {0};
	char reason[4096];
	(void)state;
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	reason[2] = '\n';
	reason[3] = 0x1b;
	const char *text = kube_cause_text(&(struct kube_cause){"deploy", "1", "ada", reason}, &arena);
	assert_true(strlen(text) < KUBE_CAUSE_MAX);
	assert_null(strpbrk(text, "\n\x1b"));
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(others_are_left),
		cmocka_unit_test(is_one_short_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

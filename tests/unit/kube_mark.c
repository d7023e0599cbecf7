/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "backend/providers/kubernetes/mark.h"
#include "base/str.h"

#define NOW INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

static void a_lock_comes_back_until_it_is_over(void **state)
{
	struct arena arena = {0};
	struct kube_mark m, lock = {.by = "ada", .reason = "freeze: \"sale\"", .at = NOW, .until = NOW + 5000};
	const char *text = kube_lock_write(&lock, &arena);
	(void)state;
	assert_true(kube_lock_read(text, NOW + 4999, &arena, &m));
	assert_string_equal(m.by, "ada");
	assert_string_equal(m.reason, lock.reason);
	assert_true(m.at == NOW && m.until == NOW + 5000);
	assert_string_equal(kube_lock_text(&m, &arena), "by ada: freeze: \"sale\", until 2023-11-14T22:13:25.000Z");
	assert_false(kube_lock_read(text, NOW + 5000, &arena, &m));
	lock.until = 0;
	assert_true(kube_lock_read(kube_lock_write(&lock, &arena), INT64_MAX / 2, &arena, &m));
	assert_string_equal(kube_lock_text(&m, &arena), "by ada: freeze: \"sale\"");
	assert_null(kube_lock_write(NULL, &arena));
	arena_finish(&arena);
}

static void what_others_wrote_counts_for_nothing(void **state)
{
	/* An end that cannot be read is an end: a lock that nobody can see the end of would stay for ever. */
	static const char *const texts[] = {NULL, "", "yes", "[]", "{", "1", "{\"until\":\"tomorrow\"}", "{\"until\":7}"};
	struct arena arena = {0};
	struct kube_mark m;
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(kube_lock_read(texts[i], NOW, &arena, &m));
		assert_false(kube_ack_read(texts[i], "probe", 0, NOW, &arena, &m));
	}
	assert_true(kube_lock_read("{}", NOW, &arena, &m));
	assert_string_equal(kube_lock_text(&m, &arena), "by somebody: no reason was given");
	arena_finish(&arena);
}

static void acks_of_several_alerts_stand_together(void **state)
{
	struct arena arena = {0};
	struct kube_mark m, ada = {.by = "ada", .at = NOW}, bob = {.by = "bob", .at = NOW + 1};
	const char *one = kube_ack_write(NULL, "probe", &ada, &arena);
	const char *both = kube_ack_write(one, "crash-loop", &bob, &arena);
	(void)state;
	assert_true(kube_ack_read(both, "probe", NOW, NOW, &arena, &m) && str_eq(m.by, "ada"));
	assert_true(kube_ack_read(both, "crash-loop", NOW, NOW, &arena, &m) && str_eq(m.by, "bob"));
	assert_false(kube_ack_read(both, "pending", NOW, NOW, &arena, &m));
	assert_string_equal(kube_ack_write(both, "crash-loop", NULL, &arena), one);
	assert_null(kube_ack_write(one, "probe", NULL, &arena));
	assert_string_equal(kube_ack_write("not ours", "probe", &ada, &arena), one);
	arena_finish(&arena);
}

static void an_ack_is_of_one_firing(void **state)
{
	struct arena arena = {0};
	struct kube_mark m, ada = {.by = "ada", .at = NOW};
	const char *text = kube_ack_write(NULL, "probe", &ada, &arena);
	(void)state;
	assert_true(kube_ack_read(text, "probe", NOW - 3600000, NOW, &arena, &m));
	assert_true(kube_ack_read(text, "probe", NOW + 60000, NOW, &arena, &m)); /* its clock goes before ours */
	assert_false(kube_ack_read(text, "probe", NOW + 60001, NOW, &arena, &m));
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_comes_back_until_it_is_over),
		cmocka_unit_test(what_others_wrote_counts_for_nothing),
		cmocka_unit_test(acks_of_several_alerts_stand_together),
		cmocka_unit_test(an_ack_is_of_one_firing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

#include "base/db.h"
#include "base/err.h"
#include "base/str.h"
#include "platform/audit.h"
#include "platform/own.h"
#include "platform/state.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	str_copy(dir, sizeof(dir), "/tmp/fairway-audit-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	static const char *const names[] = {"/state.db", "/state.db-wal", "/state.db-shm"};
	for (size_t i = 0; i < 3; i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static struct audit_entry sample(const char *action)
{
	struct audit_entry e;
	record_init(record_class(RECORD_AUDIT), &e);
	e.by = "ana";
	e.action = action;
	e.service = "checkout";
	e.environment = "prod";
	e.reason = "a reason with \"quotes\" and \x1b[31m";
	return e;
}

static void intent_then_outcome(void **unused)
{
	(void)unused;
	struct state *s = state_open(dir, own_classes, NULL);
	struct audit *audit = audit_new(s, NULL);
	struct audit_entry entry = sample("deploy");
	struct audit_check check;
	char id[AUDIT_ID], second[AUDIT_ID];
	assert_true(audit_intent(audit, &entry, id, NULL));
	const struct audit_entry *shown = state_get(s, record_class(RECORD_AUDIT), id);
	assert_int_equal(shown->state, AUDIT_RECORDED);
	assert_string_equal(shown->by, "ana");
	assert_true(audit_outcome(audit, id, AUDIT_DONE, "deployed", NULL));
	shown = state_get(s, record_class(RECORD_AUDIT), id);
	assert_int_equal(shown->state, AUDIT_DONE);
	assert_string_equal(shown->detail, "deployed");
	assert_string_equal(shown->action, "deploy");
	assert_true(audit_fact(audit, &entry, AUDIT_REFUSED, "locked", NULL));
	assert_true(audit_verify(audit, &check, NULL));
	assert_true(check.is_ok);
	assert_int_equal(check.entries, 4);
	audit_free(audit);
	state_close(s);

	s = state_open(dir, own_classes, NULL);
	audit = audit_new(s, NULL);
	shown = state_get(s, record_class(RECORD_AUDIT), id);
	assert_int_equal(shown->state, AUDIT_DONE);
	assert_true(audit_intent(audit, &entry, second, NULL));
	assert_string_not_equal(id, second);
	struct audit_check again;
	assert_true(audit_verify(audit, &again, NULL));
	assert_true(again.is_ok);
	assert_string_equal(again.head, ((const struct audit_entry *)state_get(s, record_class(RECORD_AUDIT), second))->hash);
	audit_free(audit);
	state_close(s);
}

static void is_taken_back_with_its_transaction(void **unused)
{
	(void)unused;
	struct state *s = state_open(dir, own_classes, NULL);
	struct audit *audit = audit_new(s, NULL);
	struct audit_entry entry = sample("lock");
	struct audit_check check;
	char id[AUDIT_ID];
	assert_true(state_begin(s, NULL));
	assert_true(audit_intent(audit, &entry, id, NULL));
	state_abort(s);
	assert_true(audit_verify(audit, &check, NULL));
	assert_true(check.is_ok);
	assert_int_equal(check.entries, 0);
	assert_true(audit_intent(audit, &entry, id, NULL));
	assert_true(audit_verify(audit, &check, NULL));
	assert_true(check.is_ok && check.entries == 1);
	audit_free(audit);
	state_close(s);
}

/* Each way of tampering that SQL allows once the triggers are dropped is seen. */
static void tampering_is_seen(void **unused)
{
	(void)unused;
	static const char *const ways[] = {
		"UPDATE audit SET text = replace(text, 'ana', 'bob') WHERE seq = 2",
		"DELETE FROM audit WHERE seq = 2",
		"UPDATE audit SET hash = previous WHERE seq = 2",
		"INSERT INTO audit(text, previous, hash) SELECT text, previous, hash FROM audit WHERE seq = 1",
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct state *s = state_open(dir, own_classes, NULL);
		struct audit *audit = audit_new(s, NULL);
		struct audit_entry entry = sample("scale");
		struct audit_check check;
		char id[AUDIT_ID];
		struct err err = {0};
		for (int n = 0; n < 3; n++)
			assert_true(audit_intent(audit, &entry, id, NULL));
		assert_false(db_exec(state_db(s), ways[0], &err));
		assert_non_null(strstr(err.text, "cannot be changed"));
		assert_false(db_exec(state_db(s), ways[1], &err));
		assert_true(db_exec(state_db(s), "DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays", NULL));
		assert_true(db_exec(state_db(s), ways[i], NULL));
		assert_true(audit_verify(audit, &check, NULL));
		assert_false(check.is_ok);
		assert_int_equal(check.first_bad, i == 1 ? 3 : i == 3 ? 4 : 2);
		audit_free(audit);
		state_close(s);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void tells_who(void **unused)
{
	(void)unused;
	char who[AUDIT_WHO];
	audit_who(0, getpid(), NULL, who);
	assert_true(str_starts(who, "root"));
	audit_who(4242424, 1, "10.0.0.1 22\x1b[2J\n", who);
	assert_true(str_starts(who, "uid 4242424"));
	assert_non_null(strstr(who, " via 10.0.0.1 22 [2J "));
	assert_null(strchr(who, '\x1b'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(intent_then_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_taken_back_with_its_transaction, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tampering_is_seen, set_up, tear_down),
		cmocka_unit_test(tells_who),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

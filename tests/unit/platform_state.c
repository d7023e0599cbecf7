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

#include "base/db.h"
#include "base/err.h"
#include "base/mem.h"
#include "platform/own.h"
#include "platform/state.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	str_copy(dir, sizeof(dir), "/tmp/fairway-state-XXXXXX");
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

static struct state *open_it(void)
{
	struct err err = {0};
	struct state *s = state_open(dir, own_classes, &err);
	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static struct lock sample(const char *service, const char *reason)
{
	struct lock lock;
	record_init(record_class(RECORD_LOCK), &lock);
	lock.service = service;
	lock.environment = "prod";
	lock.reason = reason;
	return lock;
}

static const char *reason_of(struct state *s, const char *service)
{
	const struct lock *l = state_getf(s, record_class(RECORD_LOCK), "%s/prod", service);
	return l ? l->reason : NULL;
}

static void outlives_its_daemon(void **unused)
{
	(void)unused;
	struct state *s = open_it();
	struct lock lock = sample("checkout", "freeze");
	assert_true(state_put(s, record_class(RECORD_LOCK), &lock, NULL));
	struct own_target target;
	record_init(own_class(OWN_TARGET), &target);
	target.service = "checkout";
	target.environment = "prod";
	target.release = 7;
	assert_true(state_put(s, own_class(OWN_TARGET), &target, NULL));
	assert_int_equal(state_serial(s, "deploy"), 1);
	assert_int_equal(state_serial(s, "deploy"), 2);
	lock.reason = "again";
	assert_true(state_put(s, record_class(RECORD_LOCK), &lock, NULL));
	struct event event;
	record_init(record_class(RECORD_EVENT), &event);
	event.id = "e1";
	state_put_later(s, record_class(RECORD_EVENT), &event);
	state_close(s);

	char path[96];
	struct stat st;
	snprintf(path, sizeof(path), "%s/state.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	s = open_it();
	assert_string_equal(reason_of(s, "checkout"), "again");
	const struct own_target *back = state_get(s, own_class(OWN_TARGET), "checkout/prod");
	assert_non_null(back);
	assert_int_equal(back->release, 7);
	assert_non_null(state_get(s, record_class(RECORD_EVENT), "e1"));
	assert_int_equal(state_serial(s, "deploy"), 3);
	assert_true(state_delete(s, record_class(RECORD_LOCK), "checkout/prod", NULL));
	assert_int_equal(state_count(s, record_class(RECORD_LOCK)), 0);
	state_close(s);
	s = open_it();
	assert_null(reason_of(s, "checkout"));
	state_close(s);
}

static void all_or_nothing(void **unused)
{
	(void)unused;
	struct state *s = open_it();
	struct lock a = sample("a", "one"), b = sample("b", "two");
	assert_true(state_put(s, record_class(RECORD_LOCK), &a, NULL));
	assert_true(state_begin(s, NULL));
	a.reason = "changed";
	assert_true(state_put(s, record_class(RECORD_LOCK), &a, NULL));
	assert_true(state_put(s, record_class(RECORD_LOCK), &b, NULL));
	assert_string_equal(reason_of(s, "a"), "changed");
	state_abort(s);
	assert_string_equal(reason_of(s, "a"), "one");
	assert_null(reason_of(s, "b"));
	assert_true(state_begin(s, NULL));
	assert_true(state_put(s, record_class(RECORD_LOCK), &b, NULL));
	assert_true(state_delete(s, record_class(RECORD_LOCK), "a/prod", NULL));
	assert_true(state_commit(s, NULL));
	state_close(s);
	s = open_it();
	assert_null(reason_of(s, "a"));
	assert_string_equal(reason_of(s, "b"), "two");
	state_close(s);
}

struct seen {
	int n;
	char last[600];
};
static void see(const struct record_class *class, const char *line, size_t len, void *arg)
{
	(void)class;
	struct seen *seen = arg;
	seen->n++;
	assert_int_equal(strlen(line), len);
	assert_true(line[len - 1] == '\n');
	str_copy(seen->last, sizeof(seen->last), line);
}

static void changes_are_told_in_order(void **unused)
{
	(void)unused;
	struct state *s = open_it();
	struct seen seen = {0}, replayed = {0};
	state_watch(s, see, &seen);
	char start[64], after_one[64];
	state_cursor(s, start);
	struct lock a = sample("a", "one");
	state_put(s, record_class(RECORD_LOCK), &a, NULL);
	assert_int_equal(seen.n, 1);
	assert_non_null(strstr(seen.last, "{\"type\":\"PUT\",\"kind\":\"lock\",\"item\":{\"service\":\"a\""));
	state_cursor(s, after_one);
	assert_non_null(strstr(seen.last, after_one));
	state_put(s, record_class(RECORD_LOCK), &a, NULL);
	assert_int_equal(seen.n, 1); /* nothing changed */
	state_begin(s, NULL);
	state_delete(s, record_class(RECORD_LOCK), "a/prod", NULL);
	assert_int_equal(seen.n, 1); /* not before it is durable */
	state_commit(s, NULL);
	assert_int_equal(seen.n, 2);
	assert_non_null(strstr(seen.last, "\"type\":\"DELETE\",\"kind\":\"lock\",\"key\":\"a/prod\""));
	assert_true(state_replay(s, start, see, &replayed));
	assert_int_equal(replayed.n, 2);
	assert_true(state_replay(s, after_one, see, &replayed));
	assert_int_equal(replayed.n, 3);
	assert_false(state_replay(s, "0000000000000000.1", see, &replayed));
	assert_false(state_replay(s, "", see, &replayed));
	snprintf(after_one + strlen(after_one), sizeof(after_one) - strlen(after_one), "0");
	assert_false(state_replay(s, after_one, see, &replayed));
	for (int i = 0; i < STATE_RING + 5; i++) {
		a.until = 1 + i;
		state_show(s, record_class(RECORD_LOCK), &a);
	}
	assert_false(state_replay(s, start, see, &replayed));
	state_close(s);
	s = open_it();
	assert_false(state_replay(s, after_one, see, &replayed)); /* another life */
	state_close(s);
}

static void walks_survive_changes(void **unused)
{
	(void)unused;
	struct state *s = open_it();
	for (int i = 0; i < 300; i++) {
		struct event event;
		char id[16];
		record_init(record_class(RECORD_EVENT), &event);
		snprintf(id, sizeof(id), "%d", i);
		event.id = id;
		state_put_later(s, record_class(RECORD_EVENT), &event);
	}
	int n = 0;
	const struct event *e;
	for (size_t i = 0; (e = state_next(s, record_class(RECORD_EVENT), &i)); n++)
		if (n != 299)
			state_hide(s, record_class(RECORD_EVENT), e->id);
	assert_int_equal(n, 300);
	assert_int_equal(state_count(s, record_class(RECORD_EVENT)), 1);
	assert_true(state_flush(s, NULL));
	assert_non_null(state_get(s, record_class(RECORD_EVENT), "299"));
	assert_null(state_get(s, record_class(RECORD_EVENT), "5"));
	state_close(s);
}

static void refuses_what_is_not_ours(void **unused)
{
	(void)unused;
	char path[96], target[96];
	struct err err = {0};
	snprintf(path, sizeof(path), "%s/state.db", dir);
	snprintf(target, sizeof(target), "%s/elsewhere", dir);
	assert_int_equal(symlink(target, path), 0);
	assert_null(state_open(dir, own_classes, &err));
	assert_non_null(strstr(err.text, "state.db"));
	unlink(path);
	FILE *f = fopen(path, "w");
	fputs("this is no database, and long enough to be taken for one if nobody looks at its head", f);
	fclose(f);
	assert_null(state_open(dir, own_classes, &err));
	unlink(path);
	struct state *s = open_it();
	assert_null(db_open(path, &err)); /* there is one writer */
	assert_non_null(strstr(err.text, "locked"));
	state_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(outlives_its_daemon, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_are_told_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(walks_survive_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_ours, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

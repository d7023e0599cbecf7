/* SPDX-License-Identifier: Apache-2.0 */
/* The console's audit: its chain, what a crash leaves, a full disk. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/journal.h"
#include "backend/message.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "tests/support/scratch.h"

struct world {
	char *dir, *path;
	struct arena arena;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct str path = {0};
	w->dir = scratch_new();
	str_addf(&path, "%s/audit/console-audit.log", w->dir);
	w->path = str_detach(&path);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	scratch_remove(w->dir);
	arena_finish(&w->arena);
	free(w->path);
	free(w);
	return 0;
}

static bool intend(struct world *w, const char *action, const char **id, struct err *err)
{
	struct audit_entry e;
	record_init(record_class(RECORD_AUDIT), &e);
	e.by = "alice";
	e.action = action;
	e.service = "checkout";
	bool is_done = journal_intent(w->path, &e, &w->arena, err);
	*id = e.id;
	return is_done;
}

static void act(struct world *w, const char *action)
{
	struct err err = {0};
	const char *id;
	if (!intend(w, action, &id, &err) || !journal_outcome(w->path, id, AUDIT_DONE, "fine", &err))
		fail_msg("%s", err.text);
}

static struct audit_check verify(struct world *w)
{
	struct audit_check check;
	struct err err = {0};
	if (!journal_verify(w->path, &check, &w->arena, &err))
		fail_msg("%s", err.text);
	return check;
}

static struct str load(const struct world *w)
{
	struct str text = {0};
	assert_true(file_read(AT_FDCWD, w->path, 1 << 20, &text, NULL));
	return text;
}

static void store(const struct world *w, const char *bytes, size_t len)
{
	int fd = open(w->path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, bytes, len));
	close(fd);
}

static void check_bad(struct world *w, int line)
{
	char want[32];
	snprintf(want, sizeof(want), "line %d", line);
	struct audit_check check = verify(w);
	assert_false(check.is_ok);
	assert_string_equal(check.first_bad, want);
}

static void every_changed_byte_is_found(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 2; i++)
		act(w, "deploy");
	struct audit_check check = verify(w);
	assert_true(check.is_ok);
	assert_int_equal(check.entries, 4);
	assert_non_null(check.head);
	struct str text = load(w);
	int line = 1;
	for (size_t i = 0; i + 1 < text.len; i++) {
		char kept = text.s[i];
		text.s[i] = kept == 'x' ? 'y' : 'x';
		store(w, text.s, text.len);
		check_bad(w, line);
		text.s[i] = kept;
		line += kept == '\n';
		arena_reset(&w->arena);
	}
	store(w, text.s, text.len);
	assert_true(verify(w).is_ok);
	str_finish(&text);
}

static void removed_moved_and_doubled_entries_are_found(void **state)
{
	struct world *w = *state;
	const char *lines[6];
	size_t lens[6];
	for (int i = 0; i < 3; i++)
		act(w, "deploy");
	struct str text = load(w);
	const char *at = text.s;
	for (int i = 0; i < 6; i++) {
		lines[i] = at;
		at = strchr(at, '\n') + 1;
		lens[i] = (size_t)(at - lines[i]);
	}
	static const struct {
		int order[7], n, bad;
	} rows[] = {
		{{1, 2, 3, 4, 5}, 5, 1},       {{0, 1, 3, 4, 5}, 5, 3},    {{0, 2, 1, 3, 4, 5}, 6, 2},
		{{0, 1, 1, 2, 3, 4, 5}, 7, 3}, {{0, 1, 2, 3, 5, 4}, 6, 5},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str made = {0};
		for (int k = 0; k < rows[i].n; k++)
			str_addn(&made, lines[rows[i].order[k]], lens[rows[i].order[k]]);
		store(w, made.s, made.len);
		check_bad(w, rows[i].bad);
		str_finish(&made);
	}
	/* What is cut off the end is seen only against a head that was kept elsewhere. */
	store(w, text.s, text.len);
	char *head = mem_dup(verify(w).head);
	store(w, text.s, (size_t)(lines[5] - text.s));
	struct audit_check check = verify(w);
	assert_true(check.is_ok);
	assert_string_not_equal(check.head, head);
	free(head);
	str_finish(&text);
}

static void take(const struct audit_entry *e, void *arg)
{
	*(int *)arg = *(int *)arg * 10 + e->state;
}

static void an_intent_without_an_outcome_is_unknown(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	const char *id;
	int states = 0;
	act(w, "deploy");
	assert_true(intend(w, "promote", &id, &err));
	struct str text = load(w);
	str_add(&text, "{\"half\":\"a li"); /* a crash in the middle of the next line */
	store(w, text.s, text.len);
	assert_true(journal_read(w->path, take, &states, &err));
	assert_int_equal(states, 10 * AUDIT_DONE + AUDIT_UNKNOWN);
	assert_true(
		journal_outcome(w->path, id, AUDIT_FAILED, "late", &err)); /* cuts the rest off and goes on */
	struct audit_check check = verify(w);
	assert_true(check.is_ok);
	assert_int_equal(check.entries, 4);
	str_finish(&text);
}

static void a_journal_of_others_is_refused(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	const char *id;
	struct stat st;
	act(w, "deploy");
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	chmod(w->path, 0640);
	assert_false(intend(w, "deploy", &id, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	unlink(w->path);
	assert_int_equal(symlink("/etc/passwd", w->path), 0);
	assert_false(intend(w, "deploy", &id, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	unlink(w->path);
}

static void a_file_that_cannot_grow_refuses_and_mends(void **state)
{
	struct world *w = *state;
	struct rlimit limit, small;
	struct err err = {0};
	struct stat st;
	const char *id;
	act(w, "deploy");
	assert_int_equal(stat(w->path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){(rlim_t)st.st_size + 10, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	bool is_done = intend(w, "promote", &id, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(is_done);
	assert_int_equal(err.kind, ERR_REFUSED);
	act(w, "rollback");
	struct audit_check check = verify(w);
	assert_true(check.is_ok);
	assert_int_equal(check.entries, 4);
}

/* A file system with room for one entry, not for an entry and its outcome. */
static void a_full_disk_refuses_before_the_act(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	const char *id;
	if (mount("fairway-test", w->dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0700") < 0) {
		print_message(
			"# SKIP a_full_disk_refuses_before_the_act: no right to mount a small file system\n");
		skip();
	}
	act(w, "deploy");
	struct str fill = {0};
	str_addf(&fill, "%s/fill", w->dir);
	int fd = open(fill.s, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char page[4096] = {0};
	int n = 0;
	while (write(fd, page, sizeof(page)) == (ssize_t)sizeof(page))
		n++;
	bool is_done = intend(w, "promote", &id, &err);
	int entries = (int)verify(w).entries;
	ftruncate(fd, (off_t)(n - 3) * (off_t)sizeof(page));
	struct err later = {0};
	bool is_done_later =
		intend(w, "promote", &id, &later) && journal_outcome(w->path, id, AUDIT_DONE, NULL, &later);
	close(fd);
	str_finish(&fill);
	umount2(w->dir, MNT_DETACH);
	assert_true(n > 3);
	assert_false(is_done);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "no room for the audit"));
	assert_int_equal(entries, 2);
	if (!is_done_later)
		fail_msg("%s", later.text);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_changed_byte_is_found),
		CASE(removed_moved_and_doubled_entries_are_found),
		CASE(an_intent_without_an_outcome_is_unknown),
		CASE(a_journal_of_others_is_refused),
		CASE(a_file_that_cannot_grow_refuses_and_mends),
		CASE(a_full_disk_refuses_before_the_act),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

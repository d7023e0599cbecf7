/* SPDX-License-Identifier: Apache-2.0 */
/* Slots with the real shim: this program is its own, by --shim. Instances are /bin/sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "platform/log_read.h"
#include "platform/process.h"
#include "platform/reactor.h"
#include "platform/shim.h"
#include "platform/slot.h"
#include "platform/supervise.h"
#include "tests/support/scratch.h"

#define DEADLINE_MS 10000

struct bed {
	char *root;
	struct place place;
	struct reactor *reactor;
	struct slots *slots;
	struct supervisor *supervisor;
	int started, exited;
	pid_t pid;
	struct slot_exit exit;
};

static void on_started(const char *id, pid_t pid, void *arg)
{
	struct bed *b = arg;
	b->started++;
	b->pid = pid;
	if (b->supervisor)
		supervisor_on_started(b->supervisor, id);
}

static void on_exited(const char *id, const struct slot_exit *e, void *arg)
{
	struct bed *b = arg;
	b->exited++;
	b->exit = *e;
	if (b->supervisor)
		supervisor_on_exited(b->supervisor, id, e);
}

static void open_slots(struct bed *b)
{
	const struct slots_config config = {0};
	const struct slots_events events = {.started = on_started, .exited = on_exited};
	b->slots = slots_new(b->reactor, &b->place, &config, &events, b, NULL);
	assert_non_null(b->slots);
	assert_true(slots_adopt(b->slots, NULL));
}

static int setup(void **state)
{
	static struct bed bed;
	bed = (struct bed){.root = scratch_new(), .reactor = reactor_new(NULL)};
	assert_true(place_open(&bed.place, bed.root, NULL));
	*state = &bed;
	open_slots(&bed);
	return 0;
}

static void kill_each(const struct slot_info *info, void *arg)
{
	struct bed *b = arg;
	slot_stop(b->slots, info->id, 0, NULL);
}

static bool wait_for(struct bed *b, const int *count, int want)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	while (*count < want && clock_mono_ms() < until)
		reactor_turn(b->reactor, 20);
	return *count >= want;
}

static void count_living(const struct slot_info *info, void *arg)
{
	*(int *)arg += info->phase != SLOT_EMPTY && info->phase != SLOT_EXITED;
}

static int teardown(void **state)
{
	struct bed *b = *state;
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	supervisor_free(b->supervisor);
	b->supervisor = NULL;
	slots_each(b->slots, kill_each, b);
	for (int living = 1; living && clock_mono_ms() < until;) {
		reactor_turn(b->reactor, 20);
		living = 0;
		slots_each(b->slots, count_living, &living);
	}
	slots_free(b->slots);
	reactor_free(b->reactor);
	place_close(&b->place);
	scratch_remove(b->root);
	return 0;
}

static bool start(struct bed *b, const char *script, struct err *err)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const char *const more[] = {"MARK=here", NULL};
	const char *const tags[] = {"release=7", NULL};
	char **env = child_env_new(more);
	struct slot_spec spec = {
		.id = "one", .dir = b->root, .argv = argv, .env = (const char *const *)env, .tags = tags};
	bool is_ok = slot_start(b->slots, &spec, err);
	child_env_free(env);
	return is_ok;
}

/* Everything that `one` wrote, lines joined with "|". */
static void logged(struct bed *b, char *out, size_t size)
{
	struct log_read *r = log_read_new(&b->place);
	struct slot_line line;
	struct str s = {0};
	assert_true(log_read_add(r, "one", NULL));
	while (log_read_next(r, &line))
		if (line.kind == LOG_TEXT)
			str_addf(&s, "%s|", line.text);
	str_copy(out, size, str_text(&s));
	str_finish(&s);
	log_read_free(r);
}

static bool wait_logged(struct bed *b, const char *want)
{
	char text[256] = "";
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	while (!strstr(text, want) && clock_mono_ms() < until) {
		reactor_turn(b->reactor, 20);
		logged(b, text, sizeof(text));
	}
	return strstr(text, want) != NULL;
}

static void runs_and_exits(void **state)
{
	struct bed *b = *state;
	char text[256];
	struct slot_info info;
	assert_true(start(b, "echo out $MARK $HOME_NOT; echo err >&2; pwd; exit 3", NULL));
	assert_int_equal(b->started + b->exited, 0); /* never from inside the call */
	assert_true(wait_for(b, &b->exited, 1));
	assert_int_equal(b->started, 1);
	assert_int_equal(b->exit.status, 3);
	assert_int_equal(b->exit.signal, 0);
	assert_true(b->exit.is_seen);
	logged(b, text, sizeof(text)); /* all of it is there when the exit is told */
	assert_non_null(strstr(text, "out here|err|"));
	assert_true(slot_info(b->slots, "one", &info));
	assert_int_equal(info.phase, SLOT_EXITED);
	assert_string_equal(slot_spec_tag(info.spec, "release"), "7");
	assert_true(slot_start_again(b->slots, "one", NULL));
	assert_true(wait_for(b, &b->exited, 2));
}

static void an_instance_inherits_only_its_lock(void **state)
{
	struct bed *b = *state;
	assert_true(start(b,
	                  "cd /proc/self/fd && for f in *; do case $f in 0|1|2) ;; *) readlink $f; esac; done; "
	                  "readlink 0; grep SigBlk /proc/self/status; grep SigIgn /proc/self/status", NULL));
	assert_true(wait_for(b, &b->exited, 1));
	char text[512];
	logged(b, text, sizeof(text));
	assert_non_null(strstr(text, "/slots/one/lock|"));
	assert_non_null(strstr(text, "/dev/null|SigBlk:\t0000000000000000|SigIgn:\t"));
	/* 32 and 33 are the C library's own, and beyond its reach when whoever started the test ignores
	 * them */
	assert_int_equal(strtoull(strstr(text, "SigIgn:") + 7, NULL, 16) & 0x7FFFFFFF, 0);
	assert_null(strstr(text, "pipe:"));
	assert_null(strstr(text, "eventpoll"));
}

static void a_program_that_is_not_there_says_so(void **state)
{
	struct bed *b = *state;
	const char *const argv[] = {"no-such-program-here", NULL};
	struct slot_spec spec = {.id = "one", .dir = b->root, .argv = argv};
	assert_true(slot_start(b->slots, &spec, NULL));
	assert_true(wait_for(b, &b->exited, 1));
	assert_int_equal(b->started, 0);
	assert_int_equal(b->exit.status, SHIM_FAILED);
	assert_non_null(strstr(b->exit.error, "no-such-program-here: No such file"));
	spec.dir = "/no/such/folder";
	assert_true(slot_start(b->slots, &spec, NULL));
	assert_true(wait_for(b, &b->exited, 2));
	assert_non_null(strstr(b->exit.error, "/no/such/folder: No such file"));
}

/* A shim that no daemon of ours knows of; how it ended. */
static int run_shim(struct bed *b)
{
	const char *const argv[] = {"shim", "--shim", b->root, "one", NULL};
	struct child child;
	struct child_end end;
	struct child_start s = {.argv = argv, .path = "/proc/self/exe"};
	assert_true(child_start(&s, &child, NULL));
	assert_int_equal(child_wait_for(&child, DEADLINE_MS, &end), CHILD_ENDED);
	return end.status;
}

static void a_second_one_is_refused(void **state)
{
	struct bed *b = *state;
	struct err err;
	assert_true(start(b, "exec sleep 60", NULL));
	assert_true(wait_for(b, &b->started, 1));
	assert_false(start(b, "echo no", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(run_shim(b), SHIM_HELD);
}

/* Programs that close every descriptor they inherited let go of the lock; they are found by their
 * identity. */
static void an_instance_without_its_lock_counts(void **state)
{
	struct bed *b = *state;
	struct slot_info info;
	const char *const argv[] = {"python3", "-c",
	                            "import os,time; os.closerange(3, 4096); print('shut', flush=True); "
	                            "time.sleep(60)",
	                            NULL};
	char **env = child_env_new(NULL);
	struct slot_spec spec = {.id = "one", .dir = "/", .argv = argv, .env = (const char *const *)env};
	assert_true(slot_start(b->slots, &spec, NULL));
	child_env_free(env);
	assert_true(wait_logged(b, "shut|"));
	assert_int_equal(run_shim(b), SHIM_HELD);
	slots_free(b->slots);
	open_slots(b);
	assert_true(slot_info(b->slots, "one", &info));
	assert_int_equal(info.phase, SLOT_RUNNING);
	assert_int_equal(info.pid, b->pid);
}

static void stop_is_term_then_kill(void **state)
{
	struct bed *b = *state;
	assert_true(start(b, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done", NULL));
	assert_true(wait_logged(b, "up|"));
	assert_true(slot_stop(b->slots, "one", 5000, NULL));
	assert_true(wait_for(b, &b->exited, 1));
	assert_int_equal(b->exit.status, 0);
	assert_true(start(b, "trap '' TERM; echo deaf; while :; do sleep 0.05; done", NULL));
	assert_true(wait_logged(b, "deaf|"));
	int64_t since = clock_mono_ms();
	assert_true(slot_stop(b->slots, "one", 100, NULL));
	assert_true(wait_for(b, &b->exited, 2));
	assert_int_equal(b->exit.signal, SIGKILL);
	assert_true(clock_mono_ms() - since >= 100);
}

/* The leader dies, a child of it lives on: the slot is free only when the child is gone too. */
static void the_rest_of_the_session_is_ended(void **state)
{
	struct bed *b = *state;
	assert_true(start(b, "sleep 60 & echo child $!; exit 0", NULL));
	assert_true(wait_for(b, &b->exited, 1));
	char text[128];
	logged(b, text, sizeof(text));
	int pid = atoi(text + strlen("child "));
	struct process p;
	assert_true(pid > 1);
	assert_true(!process_read(pid, &p) || p.is_zombie || p.session != b->exit.pid);
}

static void a_new_daemon_adopts_the_living(void **state)
{
	struct bed *b = *state;
	struct slot_info info;
	assert_true(start(b, "trap 'exit 4' TERM; echo up; while :; do sleep 0.05; done", NULL));
	assert_true(wait_logged(b, "up|"));
	slots_free(b->slots);
	open_slots(b);
	assert_true(slot_info(b->slots, "one", &info));
	assert_int_equal(info.phase, SLOT_RUNNING);
	assert_true(info.is_adopted);
	assert_int_equal(info.pid, b->pid);
	assert_int_equal(b->started, 1);
	assert_true(slot_stop(b->slots, "one", 5000, NULL));
	assert_true(wait_for(b, &b->exited, 1));
	assert_int_equal(b->exit.status, 4);
}

/* The leader died while no daemon was there; a child still holds the lock. */
static void a_new_daemon_ends_what_a_dead_leader_left(void **state)
{
	struct bed *b = *state;
	struct slot_info info;
	struct child_end end;
	assert_true(start(b, "sleep 60 & echo up; exec sleep 60", NULL));
	assert_true(wait_logged(b, "up|"));
	slots_free(b->slots);
	struct child leader = {.pid = b->pid, .pidfd = child_pidfd(b->pid)};
	child_signal(&leader, SIGKILL);
	assert_int_equal(child_wait_for(&leader, DEADLINE_MS, &end), CHILD_ENDED);
	open_slots(b);
	assert_true(slot_info(b->slots, "one", &info));
	assert_int_equal(info.phase, SLOT_STOPPING);
	assert_true(wait_for(b, &b->exited, 1));
	assert_false(b->exit.is_seen);
	assert_true(start(b, "exit 0", NULL));
	assert_true(wait_for(b, &b->exited, 2));
}

static void records_of_another_boot_are_dead(void **state)
{
	struct bed *b = *state;
	struct slot_info info;
	assert_true(start(b, "exit 0", NULL));
	assert_true(wait_for(b, &b->exited, 1));
	slots_free(b->slots);
	/* this very process, but recorded under another boot */
	struct slot_identity who = {
		.pid = getpid(), .pid_namespace = b->place.pid_namespace, .boot_id = "another"};
	assert_true(slot_identity_of(getpid(), &who.start));
	assert_false(slot_identity_is_alive(&who, &b->place));
	int dir = slot_folder(&b->place, "one", NULL), lock = slot_lock_open(dir, NULL);
	assert_true(slot_identity_write(lock, &who));
	close(lock);
	close(dir);
	open_slots(b);
	assert_true(slot_info(b->slots, "one", &info));
	assert_int_equal(info.phase, SLOT_EXITED);
	assert_false(info.exit->is_seen);
}

static void removed_leaves_nothing(void **state)
{
	struct bed *b = *state;
	struct slot_info info;
	struct err err;
	assert_true(start(b, "exec sleep 60", NULL));
	assert_true(wait_for(b, &b->started, 1));
	assert_false(slot_remove(b->slots, "one", &err));
	assert_true(slot_stop(b->slots, "one", 0, NULL));
	assert_true(wait_for(b, &b->exited, 1));
	assert_true(slot_remove(b->slots, "one", NULL));
	assert_false(slot_info(b->slots, "one", &info));
	assert_int_equal(faccessat(b->place.slots_fd, "one", F_OK, 0), -1);
}

static void bad_names_are_refused(void **state)
{
	struct bed *b = *state;
	static const char *const bad[] = {"", ".", "..", "../x", "a/b", "-x", "A", ".x"};
	const char *const argv[] = {"true", NULL};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct slot_spec spec = {.id = bad[i], .dir = "/", .argv = argv};
		assert_false(slot_start(b->slots, &spec, NULL));
	}
}

static void on_waiting(const char *id, int64_t wait_ms, bool is_crash_loop, void *arg)
{
	(void)id;
	(void)arg;
	assert_false(is_crash_loop);
	assert_in_range(wait_ms, 200, 30000);
}

static void supervised_comes_back(void **state)
{
	struct bed *b = *state;
	const struct supervisor_events events = {.waiting = on_waiting};
	const char *const argv[] = {"sh", "-c", "exit 1", NULL};
	struct slot_spec spec = {.id = "one", .dir = "/", .argv = argv};
	b->supervisor = supervisor_new(b->reactor, b->slots, &events, b);
	assert_true(supervisor_want(b->supervisor, &spec, NULL));
	assert_true(wait_for(b, &b->exited, 3));
	assert_int_equal(supervisor_state(b->supervisor, "one").restarts, 2);
	assert_true(supervisor_state(b->supervisor, "one").next_start_ms > 500);
	supervisor_unwant(b->supervisor, "one");
	assert_int_equal(supervisor_state(b->supervisor, "one").next_start_ms, -1);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--shim") == 0)
		return shim_main(argc - 2, argv + 2);
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(runs_and_exits),
		T(an_instance_inherits_only_its_lock),
		T(a_program_that_is_not_there_says_so),
		T(a_second_one_is_refused),
		T(an_instance_without_its_lock_counts),
		T(stop_is_term_then_kill),
		T(the_rest_of_the_session_is_ended),
		T(a_new_daemon_adopts_the_living),
		T(a_new_daemon_ends_what_a_dead_leader_left),
		T(records_of_another_boot_are_dead),
		T(removed_leaves_nothing),
		T(bad_names_are_refused),
		T(supervised_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

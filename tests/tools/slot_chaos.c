/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills daemon, keeper and instances of tests/tools/slot_daemon.c, and proves that no slot ever had two
 * instances and that every line an instance wrote is in the log exactly once. What was written is known from
 * counting_service's journal.
 *   slot_chaos rounds STATE ROUNDS SEED    kills at random, keeper on duty
 *   slot_chaos point STATE CALL N          one daemon killed when it enters its N-th CALL; then another
 * Prints "rounds N, instances N, lines N" or "killed|not-reached, lines N"; problems go to stderr. Status 0:
 * all is proved.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "platform/log_read.h"
#include "platform/process.h"
#include "platform/slot_file.h"

#define SAMPLE_MS 20
#define DEADLINE_MS 15000
#define PIDS_MAX 1000

enum victim { DAEMON = 1, KEEPER = 2, INSTANCE = 4 };
/* A keeper's death comes before each second death of a daemon: the new keeper's back-off is the shortest. */
static const unsigned victims[] = {DAEMON, KEEPER, INSTANCE, DAEMON | INSTANCE, KEEPER | INSTANCE, INSTANCE,
                                   KEEPER | DAEMON, INSTANCE};
static const char *const slots[] = {"a", "b", "c"};
#define N_SLOTS (sizeof(slots) / sizeof(slots[0]))

struct chaos {
	struct place place;
	char *daemon, *service; /* paths of the tools */
	unsigned doubles, problems;
	pid_t keeper_pid, daemon_pid, instances[N_SLOTS];
};

/* ---- who is there ---- */

static bool read_proc(pid_t pid, const char *what, struct str *out)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	str_reset(out);
	return file_read(AT_FDCWD, path, 1 << 20, out, NULL) && out->len > 0;
}

/* Whether one of the NUL-ended texts is exactly this one. */
static bool has_text(const struct str *texts, const char *text)
{
	for (const char *p = texts->s; p < texts->s + texts->len; p += strlen(p) + 1)
		if (strcmp(p, text) == 0)
			return true;
	return false;
}

static void look_at(struct chaos *c, pid_t pid, struct str *text)
{
	char mark[512];
	if (read_proc(pid, "cmdline", text) && has_text(text, c->place.root) && !has_text(text, "point")) {
		if (has_text(text, "--keeper"))
			c->keeper_pid = pid;
		if (has_text(text, "--daemon") && !strstr(text->s, "strace"))
			c->daemon_pid = pid;
	}
	if (!read_proc(pid, "environ", text))
		return;
	for (size_t i = 0; i < N_SLOTS; i++) {
		snprintf(mark, sizeof(mark), "COUNTING_JOURNAL=%s/journal-%s", c->place.root, slots[i]);
		if (!has_text(text, mark))
			continue;
		if (c->instances[i]) {
			fprintf(stderr, "slot %s has two instances: %d and %d\n", slots[i],
			        (int)c->instances[i], (int)pid);
			c->doubles++;
		}
		c->instances[i] = pid;
	}
}

static void sample(struct chaos *c)
{
	struct str text = {0};
	DIR *proc = opendir("/proc");
	c->keeper_pid = c->daemon_pid = 0;
	memset(c->instances, 0, sizeof(c->instances));
	for (struct dirent *e; proc && (e = readdir(proc));) {
		long long pid;
		if (str_to_int(e->d_name, 2, 1 << 30, &pid) && pid != getpid())
			look_at(c, (pid_t)pid, &text);
	}
	closedir(proc);
	str_finish(&text);
}

static bool all_are_up(const struct chaos *c)
{
	bool is_up = c->keeper_pid && c->daemon_pid;
	for (size_t i = 0; i < N_SLOTS; i++)
		is_up &= c->instances[i] != 0;
	return is_up;
}

static bool none_is_up(const struct chaos *c)
{
	bool is_up = c->keeper_pid || c->daemon_pid;
	for (size_t i = 0; i < N_SLOTS; i++)
		is_up |= c->instances[i] != 0;
	return !is_up;
}

static bool wait_until(struct chaos *c, bool (*is_so)(const struct chaos *), const char *what)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	for (;;) {
		sample(c);
		if (is_so(c))
			return true;
		if (clock_mono_ms() >= until)
			break;
		poll(NULL, 0, SAMPLE_MS);
	}
	fprintf(stderr, "waited too long until %s: keeper %d, daemon %d, instances %d %d %d\n", what,
	        (int)c->keeper_pid, (int)c->daemon_pid, (int)c->instances[0], (int)c->instances[1],
	        (int)c->instances[2]);
	c->problems++;
	return false;
}

static void kill_if(pid_t pid)
{
	if (pid > 1)
		kill(pid, SIGKILL);
}

static void wait_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	struct process p;
	while (pid > 1 && process_read(pid, &p) && !p.is_zombie && clock_mono_ms() < until)
		poll(NULL, 0, 1);
}

/* Nothing of ours may outlive the test, however it ended. */
static void clean_up(struct chaos *c)
{
	for (int i = 0; i < 50; i++) {
		sample(c);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (none_is_up(c))
			return;
		kill_if(c->keeper_pid);
		kill_if(c->daemon_pid);
		for (size_t s = 0; s < N_SLOTS; s++)
			kill_if(c->instances[s]);
		poll(NULL, 0, SAMPLE_MS);
	}
}

/* ---- what was written, what was kept ---- */

struct run {
	pid_t pid;
	long lines;
};

static struct run *run_of(struct run *runs, size_t *n, pid_t pid)
{
	for (size_t i = *n; i > 0; i--)
		if (runs[i - 1].pid == pid)
			return &runs[i - 1];
	if (*n == PIDS_MAX) {
		fprintf(stderr, "more than %d instances\n", PIDS_MAX);
		exit(1);
	}
	runs[*n] = (struct run){.pid = pid};
	return &runs[(*n)++];
}

static void check_journal(struct chaos *c, const char *name, struct run *runs, size_t *n)
{
	struct str text = {0};
	int pid;
	long last;
	if (file_read(c->place.root_fd, name, 256, &text, NULL) &&
	    sscanf(str_text(&text), "%d %ld", &pid, &last) == 2) {
		const struct run *r = run_of(runs, n, pid);
		/* killed between writing a line and noting it: one more is there */
		if (r->lines != last + 1 && r->lines != last + 2) {
			fprintf(stderr, "%s: wrote %ld lines, the log has %ld\n", name, last + 1, r->lines);
			c->problems++;
		}
	}
	str_finish(&text);
}

static long check_logs(struct chaos *c, size_t *n_runs)
{
	struct run *runs = mem_array(PIDS_MAX, sizeof(*runs));
	struct log_read *r = log_read_new(&c->place);
	struct slot_line line;
	long total = 0;
	for (size_t i = 0; i < N_SLOTS; i++)
		log_read_add(r, slots[i], NULL);
	while (log_read_next(r, &line)) {
		int pid;
		long n;
		if (line.kind != LOG_TEXT)
			continue;
		total++;
		struct run *run =
			sscanf(line.text, "%d %ld", &pid, &n) == 2 ? run_of(runs, n_runs, pid) : NULL;
		if (!run || n != run->lines) {
			fprintf(stderr, "slot %s: \"%.40s\" where line %ld was due\n", line.slot, line.text,
			        run ? run->lines : -1);
			c->problems++;
		} else {
			run->lines++;
		}
	}
	log_read_free(r);
	DIR *dir = opendir(c->place.root);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (str_starts(e->d_name, "journal-"))
			check_journal(c, e->d_name, runs, n_runs);
	closedir(dir);
	free(runs);
	return total;
}

/* ---- kills at random ---- */

static char *pair(const char *name, const char *value)
{
	struct str s = {0};
	str_addf(&s, "%s=%s", name, value);
	return str_detach(&s);
}

/* slots: what the daemon starts when it is not there; args: counting_service's. */
static bool start(struct chaos *c, const char *const *argv, const char *ids, const char *args,
                  struct child *child)
{
	struct err err;
	struct str command = {0};
	str_addf(&command, "%s %s", c->service, args);
	char *more[] = {pair("SLOT_DAEMON_SLOTS", ids), pair("SLOT_DAEMON_ARGS", command.s),
	                pair("SLOT_DAEMON_FILE_BYTES", "2000"), NULL};
	char **env = child_env_new((const char *const *)more);
	struct child_start s = {.argv = argv, .env = (const char *const *)env, .err = STDERR_FILENO};
	bool is_ok = child_start(&s, child, &err);
	if (!is_ok) {
		fprintf(stderr, "%s\n", err.text);
		c->problems++;
	}
	child_env_free(env);
	str_finish(&command);
	for (char **m = more; *m; m++)
		free(*m);
	return is_ok;
}

static void start_keeper(struct chaos *c)
{
	const char *const argv[] = {c->daemon, "--keeper", c->place.root, NULL};
	struct child child;
	if (start(c, argv, "a b c", "0 300 30", &child))
		child_forget(&child);
}

static void stop_all(struct chaos *c)
{
	file_replace(c->place.root_fd, "stop", "", 0, false, NULL);
	wait_until(c, none_is_up, "all have ended");
}

static void kill_round(struct chaos *c, int round, unsigned random)
{
	unsigned who = victims[(unsigned)round % (sizeof(victims) / sizeof(victims[0]))];
	poll(NULL, 0, (int)(random % 40)); /* not always at the same point of its work */
	pid_t dying[] = {who & KEEPER ? c->keeper_pid : 0, who & DAEMON ? c->daemon_pid : 0,
	                 who & INSTANCE ? c->instances[random % N_SLOTS] : 0};
	for (size_t i = 0; i < 3; i++)
		kill_if(dying[i]);
	for (size_t i = 0; i < 3; i++) /* one that is still on its way out would be taken for alive */
		wait_gone(dying[i]);
	if ((who & KEEPER) && (who & DAEMON)) {
		/* nobody is left to start anything: as when a user comes back */
		for (int i = 0; i < 5; i++, poll(NULL, 0, SAMPLE_MS))
			sample(c);
		start_keeper(c);
	}
}

static int rounds(struct chaos *c, int n, unsigned seed)
{
	size_t runs = 0;
	start_keeper(c);
	for (int i = 0; i < n && wait_until(c, all_are_up, "all run"); i++) {
		seed = seed * 1103515245u + 12345u;
		kill_round(c, i, seed >> 16);
		sample(c);
	}
	wait_until(c, all_are_up, "all run at last");
	stop_all(c);
	long lines = check_logs(c, &runs);
	printf("rounds %d, instances %zu, lines %ld, doubles %u\n", n, runs, lines, c->doubles);
	/* each third round kills an instance: fewer runs than that would prove nothing */
	return c->problems || c->doubles || runs < N_SLOTS + (size_t)n / 3 ? 1 : 0;
}

/* ---- one kill at one system call ---- */

static bool instance_is_done(const struct chaos *c)
{
	return c->instances[0] == 0;
}

static bool daemon_is_gone(const struct chaos *c)
{
	return c->daemon_pid == 0;
}

/* The daemon that comes after: adopts, starts the slot if it never ran, ends when the instance did. */
static void finish_with_another(struct chaos *c, const char *args)
{
	const char *const argv[] = {c->daemon, "--daemon", c->place.root, NULL};
	struct child child;
	struct child_end end;
	if (!start(c, argv, "a", args, &child))
		return;
	file_replace(c->place.root_fd, "stop", "idle", 4, false, NULL);
	if (child_wait_for(&child, DEADLINE_MS, &end) != CHILD_ENDED || end.status != 0) {
		fprintf(stderr, "the second daemon did not end well\n");
		c->problems++;
	}
}

static int point(struct chaos *c, const char *call, const char *nth)
{
	static const char args[] = "60 500 20";
	char inject[128], trace[64];
	snprintf(trace, sizeof(trace), "trace=%s", call);
	snprintf(inject, sizeof(inject), "inject=%s:signal=KILL:when=%s", call, nth);
	/* without -f: the daemon alone, not the instances it starts */
	const char *const argv[] = {"strace", "-qq", "-o", "/dev/null", "-e", trace, "-e", inject,
	                            c->daemon, "--daemon", c->place.root, NULL};
	struct child child;
	struct child_end end;
	size_t runs = 0;
	/* in the keeper's place: holds the FIFO while no daemon does */
	int dir = slot_folder_make(&c->place, slots[0], NULL), fifo = slot_fifo_open(dir, NULL);
	file_replace(c->place.root_fd, "stop", "idle", 4, false, NULL);
	if (!start(c, argv, "a", args, &child))
		return 1;
	enum child_waited w = child_wait_for(&child, DEADLINE_MS, &end);
	wait_until(c, daemon_is_gone, "the daemon is gone");
	finish_with_another(c, args);
	wait_until(c, instance_is_done, "the instance has ended");
	long lines = check_logs(c, &runs);
	bool is_killed = w == CHILD_ENDED && end.signal == SIGKILL;
	printf("%s, lines %ld\n", is_killed ? "killed" : "not-reached", lines);
	close(fifo);
	close(dir);
	/* an instance may be killed before its first line; what it wrote is all there (check_logs) */
	return w != CHILD_ENDED || c->problems || c->doubles || lines < 60 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct err err;
	struct chaos c = {0};
	if (argc != 5 || !place_open(&c.place, argv[2], &err)) {
		fprintf(stderr, "usage: slot_chaos rounds STATE ROUNDS SEED | point STATE CALL N\n");
		return 2;
	}
	struct str tool = {0};
	str_addn(&tool, argv[0], (size_t)(strrchr(argv[0], '/') - argv[0]) + 1);
	size_t folder = tool.len;
	str_add(&tool, "slot_daemon");
	c.daemon = realpath(tool.s, NULL);
	tool.len = folder;
	str_add(&tool, "counting_service");
	c.service = realpath(tool.s, NULL);
	str_finish(&tool);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* in the place of init, which in a container may reap nobody */
	bool is_rounds = strcmp(argv[1], "rounds") == 0;
	int status =
		is_rounds ? rounds(&c, atoi(argv[3]), (unsigned)atoi(argv[4])) : point(&c, argv[3], argv[4]);
	clean_up(&c);
	free(c.daemon);
	free(c.service);
	place_close(&c.place);
	return status;
}

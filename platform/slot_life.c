/* SPDX-License-Identifier: Apache-2.0 */
/* One slot from its start to its end. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/process.h"
#include "platform/shim.h"
#include "platform/slot_table.h"

#define HOLD_MS 2000        /* for the keeper's answer; a stopped keeper must not stop us */
#define SETTLE_MS 200       /* a held lock without a living identity: a shim may be about to write it */
#define ELSEWHERE_MS 1000   /* between looks at a lock that another pid namespace holds */
#define CLEAR_MIN_MS 5
#define CLEAR_MAX_MS 200
#define EXIT_FILE_MS 500    /* for the keeper to write down how an adopted one ended */
#define KILL_AGAIN_MS 200

static void due(void *arg)
{
	struct slot *s = arg;
	if (s->due)
		s->due(s);
}

static void call_after(struct slot *s, int64_t ms, void (*call)(struct slot *))
{
	if (!s->timer)
		s->timer = reactor_timer_add(s->owner->reactor, -1, 0, due, s);
	s->due = call;
	reactor_timer_set(s->timer, ms);
}

static void no_call(struct slot *s)
{
	s->due = NULL;
	if (s->timer)
		reactor_timer_set(s->timer, -1);
}

static struct remains remains_of(const struct slot *s)
{
	/* The end of an adopted leader is told within milliseconds: nobody else had its number as session
	 * since. */
	return (struct remains){.leader = s->who.pid, .start = s->who.start, .lock_fd = s->lock,
	                        .is_recent = s->is_own || s->is_adopted};
}

/* ---- the end ---- */

static void tell_exited(struct slot *s)
{
	char text[256];
	s->phase = SLOT_EXITED;
	slot_exit_text(&s->exit, text, sizeof(text));
	log_line(s->owner->config.log, LOG_INFO, "%s (%d) %s", s->id, (int)s->exit.pid, text);
	if (s->owner->events.exited)
		s->owner->events.exited(s->id, &s->exit, s->owner->arg);
}

/* Nothing of it is left. */
static void end(struct slot *s)
{
	struct child_end ignored;
	no_call(s);
	if (s->is_own)
		child_wait(&s->child, true, &ignored);
	s->is_own = false;
	slot_log_mark(s->log, SLOT_LOG_EXIT, s->exit.is_seen ? s->exit.status : -1);
	tell_exited(s);
}

/* How an adopted one ended: from the keeper's note, or from the kernel. False: neither is there yet. */
static bool learn_exit(struct slot *s)
{
	int wait_status;
	struct slot_exit e;
	if (s->exit.is_seen)
		return true;
	if (slot_exit_read(s->dir, &e) && e.pid == s->who.pid && e.start == s->who.start) {
		s->exit = e;
		return true;
	}
	/* the keeper is not its parent: it was killed since, and cannot tell */
	if (s->child.pidfd < 0 ||
	    !process_exit_status(s->who.pid, s->who.start, s->child.pidfd, &wait_status))
		return false;
	s->exit.is_seen = true;
	s->exit.signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	s->exit.status = s->exit.signal ? 128 + s->exit.signal : WEXITSTATUS(wait_status);
	slot_exit_write(s->dir, &s->exit);
	return true;
}

/* Ends what the leader left, until the slot is free and the leader's end is known. */
static void clear_remains(struct slot *s)
{
	struct remains r = remains_of(s);
	int64_t wait = CLEAR_MIN_MS * (int64_t)(s->rounds + 1);
	bool is_free = remains_signal(&r, SIGKILL) == 0 && !slot_lock_is_held(s->lock);
	bool is_known = learn_exit(s) || clock_mono_ms() >= s->kill_at;
	s->rounds++;
	if (!is_free || !is_known) {
		call_after(s, wait < CLEAR_MAX_MS ? wait : CLEAR_MAX_MS, clear_remains);
		return;
	}
	if (!s->is_own)
		child_forget(&s->child);
	end(s);
}

static void end_begins(struct slot *s)
{
	s->phase = SLOT_STOPPING;
	s->rounds = 0;
	s->kill_at = clock_mono_ms() + EXIT_FILE_MS; /* from here on: how long to wait for the note */
	clear_remains(s);
}

static void close_report(struct slot *s)
{
	reactor_fd_remove(s->on_report);
	s->on_report = NULL;
	if (s->report >= 0)
		close(s->report);
	s->report = -1;
}

/* exec closed the pipe, or the shim left a byte in it because it failed: then its end comes too. */
static void on_report(int fd, unsigned events, void *arg)
{
	struct slot *s = arg;
	char c;
	(void)events;
	ssize_t n = read(fd, &c, 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_report(s);
	if (n == 0 && s->phase == SLOT_STARTING) {
		s->phase = SLOT_RUNNING;
		if (s->owner->events.started)
			s->owner->events.started(s->id, s->who.pid, s->owner->arg);
	}
}

/* What slot_life_adopt() found, unless it is not settled yet. */
static void tell_adopted(struct slot *s)
{
	if (s->phase == SLOT_RUNNING && s->owner->events.started)
		s->owner->events.started(s->id, s->who.pid, s->owner->arg);
	else if (s->phase == SLOT_EXITED || s->phase == SLOT_EMPTY)
		tell_exited(s);
}

/* Another instance won the race for the lock: an earlier daemon had just started it. */
static void met_holder(struct slot *s)
{
	struct child_end ignored;
	child_wait(&s->child, true, &ignored);
	s->is_own = false;
	slot_life_adopt(s);
	tell_adopted(s);
}

/* Writes down how our child ended before it is reaped: a daemon killed in between leaves a note or a
 * zombie. */
static void note_end(struct slot *s, const struct child_end *how)
{
	struct slot_exit told;
	s->exit.is_seen = true;
	s->exit.status = how->status;
	s->exit.signal = how->signal;
	/* the shim's own note says why it could not exec: it must not be written over */
	if (how->status == SHIM_FAILED && slot_exit_read(s->dir, &told) && told.pid == s->who.pid &&
	    told.start == s->who.start)
		s->exit = told;
	else
		slot_exit_write(s->dir, &s->exit);
}

static void on_child(int fd, unsigned events, void *arg)
{
	struct slot *s = arg;
	struct child_end how;
	(void)fd;
	enum child_waited w = child_wait(&s->child, false, &how);
	if (w == CHILD_RUNS)
		return;
	reactor_fd_remove(s->on_child);
	s->on_child = NULL;
	if (s->on_report) /* it started and ended within one turn: the start is told first */
		on_report(s->report, events, s);
	s->is_own = w == CHILD_ENDED;
	s->exit = (struct slot_exit){.pid = s->who.pid, .start = s->who.start, .at = clock_wall_ms()};
	if (s->is_own && how.status == SHIM_HELD && s->phase == SLOT_STARTING) {
		met_holder(s);
		return;
	}
	if (s->is_own)
		note_end(s, &how);
	end_begins(s);
}

/* ---- the beginning ---- */

static void not_started(struct slot *s, const char *why)
{
	s->exit = (struct slot_exit){.at = clock_wall_ms(), .is_seen = true, .status = SHIM_FAILED};
	str_copy(s->exit.error, sizeof(s->exit.error), why);
	tell_exited(s);
}

static bool watch_child(struct slot *s, struct err *err)
{
	s->on_child = reactor_fd_add(s->owner->reactor, s->child.pidfd, REACTOR_READ, on_child, s, err);
	return s->on_child != NULL;
}

static bool start_shim(struct slot *s, struct err *err)
{
	struct slots *all = s->owner;
	int report[2];
	const char *const argv[] = {"fairway", "--shim", all->place->root, s->id, NULL};
	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot start %s", s->id);
	char **env = child_env_new(NULL);
	struct child_start start = {.argv = argv,
	                            .path = all->program,
	                            .env = (const char *const *)env,
	                            .dir = "/",
	                            .out = log_fd(all->config.log),
	                            .err = log_fd(all->config.log),
	                            .pass = {report[1]},
	                            .n_pass = 1};
	bool is_started = child_start(&start, &s->child, err);
	child_env_free(env);
	close(report[1]);
	s->report = report[0];
	if (!is_started)
		return false;
	s->is_own = true;
	s->is_adopted = false;
	s->who = (struct slot_identity){.pid = s->child.pid, .pid_namespace = all->place->pid_namespace,
	                                .started_at = clock_wall_ms()};
	memcpy(s->who.boot_id, all->place->boot_id, sizeof(s->who.boot_id));
	/* our unreaped child: it is there, if only as a zombie */
	slot_identity_of(s->child.pid, &s->who.start);
	s->on_report = reactor_fd_add(all->reactor, s->report, REACTOR_READ, on_report, s, err);
	return s->on_report && watch_child(s, err);
}

static void spawn(struct slot *s)
{
	struct err err = {0};
	no_call(s);
	if (s->is_stop_wanted) {
		not_started(s, "stopped before it was started");
		return;
	}
	slot_log_mark(s->log, SLOT_LOG_START, 0); /* what an earlier one wrote stays before it */
	if (start_shim(s, &err))
		return;
	/* without the two watches its end would never be seen */
	struct child_end ignored;
	if (s->child.pidfd >= 0) {
		child_signal(&s->child, SIGKILL);
		child_wait_for(&s->child, 1000, &ignored);
	}
	s->is_own = false;
	reactor_fd_remove(s->on_child);
	s->on_child = NULL;
	close_report(s);
	not_started(s, err.text);
}

static void hold_missing(struct slot *s)
{
	log_line(s->owner->config.log, LOG_WARNING, "%s: the keeper does not answer; starting without it",
	         s->id);
	spawn(s);
}

void slot_life_begin(struct slot *s)
{
	s->phase = SLOT_STARTING;
	s->is_stop_wanted = false;
	if (!s->owner->link || s->is_held)
		call_after(s, 0, spawn); /* its events must not come from inside the call */
	else if (keeper_link_hold(s->owner->link, s->id))
		call_after(s, HOLD_MS, hold_missing);
	else
		call_after(s, 0, hold_missing);
}

void slot_life_held(struct slot *s)
{
	s->is_held = true;
	if (s->due == hold_missing)
		spawn(s);
}

/* ---- stopping ---- */

static void kill_session(struct slot *s)
{
	struct remains r = remains_of(s);
	remains_signal(&r, SIGKILL);
	call_after(s, KILL_AGAIN_MS, kill_session); /* until its end is seen */
}

void slot_life_stop(struct slot *s, int64_t grace_ms)
{
	int64_t now = clock_mono_ms();
	s->is_stop_wanted = true;
	bool is_waiting = s->due == hold_missing || s->due == spawn;
	if (s->phase == SLOT_EMPTY || s->phase == SLOT_EXITED || is_waiting || s->due == clear_remains)
		return;
	bool is_first = s->phase != SLOT_STOPPING;
	if (is_first && grace_ms > 0) {
		struct remains r = remains_of(s);
		remains_signal(&r, SIGTERM);
		remains_signal(&r, SIGCONT); /* a stopped process takes no SIGTERM */
	}
	s->phase = SLOT_STOPPING;
	if (is_first || now + grace_ms < s->kill_at) {
		s->kill_at = now + grace_ms;
		call_after(s, grace_ms, kill_session);
	}
}

/* ---- finding what an earlier daemon left ---- */

/* A lock that is held though who wrote it is dead: children of it, or a shim that is about to write. */
static void settle(struct slot *s)
{
	slot_life_adopt(s);
	if (s->due != settle) {
		tell_adopted(s);
		return;
	}
	if (s->who.pid_namespace != s->owner->place->pid_namespace && s->who.pid > 0) {
		/* of another container: not ours to end, nor to run beside */
		call_after(s, ELSEWHERE_MS, settle);
		return;
	}
	/* how long the leader is dead is unknown: only holders of the lock are surely ours */
	s->is_adopted = false;
	s->exit = (struct slot_exit){.pid = s->who.pid, .start = s->who.start, .at = clock_wall_ms()};
	end_begins(s);
}

static bool adopt_living(struct slot *s)
{
	if (!slot_identity_is_alive(&s->who, s->owner->place))
		return false;
	s->child = (struct child){.pid = s->who.pid, .pidfd = child_pidfd(s->who.pid)};
	/* asked again behind the pidfd: from now on it cannot be another */
	if (s->child.pidfd < 0 || !slot_identity_is_alive(&s->who, s->owner->place) ||
	    !watch_child(s, NULL)) {
		child_forget(&s->child);
		return false;
	}
	s->phase = SLOT_RUNNING;
	s->is_adopted = true;
	return true;
}

static void adopt_dead(struct slot *s)
{
	struct slot_exit e;
	bool has_note = slot_exit_read(s->dir, &e);
	s->phase = s->who.pid > 0 || has_note ? SLOT_EXITED : SLOT_EMPTY;
	s->exit = (struct slot_exit){.pid = s->who.pid, .start = s->who.start};
	if (has_note && (s->who.pid == 0 || (e.pid == s->who.pid && e.start == s->who.start)))
		s->exit = e;
	if (slot_log_is_mid_run(s->log))
		slot_log_mark(s->log, SLOT_LOG_EXIT, s->exit.is_seen ? s->exit.status : -1);
}

void slot_life_adopt(struct slot *s)
{
	no_call(s);
	close_report(s);
	slot_identity_read(s->lock, &s->who);
	s->is_own = false;
	if (adopt_living(s))
		return;
	if (!slot_lock_is_held(s->lock)) {
		adopt_dead(s);
		return;
	}
	s->phase = SLOT_STOPPING;
	call_after(s, SETTLE_MS, settle);
}

void slot_life_finish(struct slot *s)
{
	reactor_fd_remove(s->on_child);
	s->on_child = NULL;
	close_report(s);
	reactor_timer_remove(s->timer);
	s->timer = NULL;
	child_forget(&s->child);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/slot_file.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define STEADY_MS 10000     /* a daemon that lived this long starts the back-off anew */
#define LOCK_WAIT_MS 1000   /* a keeper that was just killed needs a moment to let go */
#define LOG_BYTES (4 * 1024 * 1024)
#define MESSAGE (SLOT_ID_MAX + 16)

extern char **environ;

struct hold {
	char *id;
	int fifo;
};

struct keeper {
	struct place place;
	struct log *log;
	char *program;
	int lock, signals, link; /* link: our end towards the daemon, -1: none */
	struct child daemon;
	int64_t started_ms, start_at_ms, backoff_ms;
	bool is_stopping;
	struct hold *holds;
	size_t n_holds;
};

/* ---- the FIFOs ---- */

static struct hold *find_hold(struct keeper *k, const char *id)
{
	for (size_t i = 0; i < k->n_holds; i++)
		if (strcmp(k->holds[i].id, id) == 0)
			return &k->holds[i];
	return NULL;
}

static bool hold(struct keeper *k, const char *id)
{
	struct err err = {0};
	if (find_hold(k, id))
		return true;
	int dir = slot_folder(&k->place, id, &err);
	int fifo = dir < 0 ? -1 : slot_fifo_open(dir, &err);
	if (dir >= 0)
		close(dir);
	if (fifo < 0) {
		log_line(k->log, LOG_ERROR, "cannot hold the log of %s: %s", id, err.text);
		return false;
	}
	k->holds = mem_grow(k->holds, k->n_holds + 1, sizeof(k->holds[0]));
	k->holds[k->n_holds++] = (struct hold){mem_dup(id), fifo};
	return true;
}

static void hold_found(const char *id, void *arg)
{
	hold(arg, id);
}

static void drop(struct keeper *k, const char *id)
{
	struct hold *h = find_hold(k, id);
	if (!h)
		return;
	close(h->fifo);
	free(h->id);
	*h = k->holds[--k->n_holds];
}

/* What the daemon that became us left open (keeper_take_over): now that we hold our own, it goes. */
static void close_inherited(void)
{
	const char *list = getenv("FAIRWAY_INHERITED_FDS");
	char *end;
	for (const char *p = list; p && *p; p = *end ? end + 1 : end) {
		long fd = strtol(p, &end, 10);
		if (end == p)
			break;
		if (fd > STDERR_FILENO)
			close((int)fd);
	}
	unsetenv("FAIRWAY_INHERITED_FDS");
}

/* ---- reaping ---- */

/* Which slot the process was the instance of, by the identity in its lock. Its folder, or -1. */
static int slot_of(struct keeper *k, pid_t pid, uint64_t start, const char **id)
{
	for (size_t i = 0; i < k->n_holds; i++) {
		struct slot_identity who;
		int dir = slot_folder(&k->place, k->holds[i].id, NULL);
		int lock = dir < 0 ? -1 : slot_lock_open(dir, NULL);
		bool is_it = lock >= 0 && slot_identity_read(lock, &who) && who.pid == pid &&
		             who.start == start && str_eq(who.boot_id, k->place.boot_id);
		if (lock >= 0)
			close(lock);
		if (is_it) {
			*id = k->holds[i].id;
			return dir;
		}
		if (dir >= 0)
			close(dir);
	}
	return -1;
}

/* The daemon may write the same at the same time, and one of the two then loses its new file to the other. */
static bool keep_exit(int dir, const struct slot_exit *e)
{
	struct slot_exit kept;
	return slot_exit_write(dir, e) || (slot_exit_read(dir, &kept) && kept.pid == e->pid && kept.start == e->start);
}

/* An instance ended that no daemon is the parent of. It is still a zombie: its number, which is its
 * session's, is not anybody else's yet, so the rest of its session can be ended safely. */
static void note_instance(struct keeper *k, pid_t pid)
{
	const char *id;
	uint64_t start;
	struct child_end end;
	int dir = slot_identity_of(pid, &start) ? slot_of(k, pid, start, &id) : -1;
	if (dir < 0)
		return;
	struct child child = {.pid = pid, .pidfd = child_pidfd(pid)};
	if (child.pidfd >= 0 && child_wait(&child, false, &end) == CHILD_ENDED) {
		struct slot_exit e = {.pid = pid, .start = start, .at = clock_wall_ms(), .is_seen = true,
		                      .status = end.status, .signal = end.signal};
		char text[64];
		child_signal_session(&child, SIGKILL);
		slot_exit_text(&e, text, sizeof(text));
		log_line(k->log, keep_exit(dir, &e) ? LOG_INFO : LOG_ERROR, "%s (%d) %s", id, (int)pid,
		         text);
	}
	child_forget(&child);
	close(dir);
}

/* False: it came to the daemon, whose end has its own place; call again after that. */
static bool reap_others(struct keeper *k)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return true;
		if (info.si_pid == k->daemon.pid)
			return false;
		/* written before it is reaped: a kill in between loses nothing */
		note_instance(k, info.si_pid);
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}

/* ---- the daemon ---- */

static bool start_daemon(struct keeper *k, struct err *err)
{
	int ends[2];
	const char *const argv[] = {"fairway", "--daemon", k->place.root, NULL};
	size_t n = 0;
	while (environ && environ[n])
		n++;
	const char **env = mem_array(n + 2, sizeof(*env));
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		if (!str_starts(environ[i], "FAIRWAY_KEEPER_FD="))
			env[m++] = environ[i];
	env[m] = "FAIRWAY_KEEPER_FD=3";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		free(env);
		return err_errno(err, ERR_FAILED, errno, "cannot make the link to the daemon");
	}
	struct child_start start = {.argv = argv,
	                            .path = k->program,
	                            .env = env,
	                            .dir = "/",
	                            .out = log_fd(k->log),
	                            .err = log_fd(k->log),
	                            .pass = {ends[1]},
	                            .n_pass = 1};
	bool is_started = child_start(&start, &k->daemon, err);
	free(env);
	close(ends[1]);
	if (is_started)
		k->link = ends[0];
	else
		close(ends[0]);
	return is_started;
}

static void start_or_wait(struct keeper *k)
{
	struct err err = {0};
	k->started_ms = clock_mono_ms();
	if (start_daemon(k, &err))
		return;
	log_line(k->log, LOG_ERROR, "%s", err.text);
	k->start_at_ms = k->started_ms + k->backoff_ms;
	k->backoff_ms = k->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : k->backoff_ms * 2;
}

static void close_link(struct keeper *k)
{
	if (k->link >= 0)
		close(k->link);
	k->link = -1;
}

/* False: the keeper's work is done. */
static bool after_daemon(struct keeper *k)
{
	struct child_end end;
	int64_t now = clock_mono_ms();
	if (k->daemon.pidfd < 0 || child_wait(&k->daemon, true, &end) != CHILD_ENDED)
		return true;
	k->daemon = (struct child){.pidfd = -1};
	close_link(k);
	if (end.status == 0 || k->is_stopping)
		return false;
	if (now - k->started_ms >= STEADY_MS)
		k->backoff_ms = BACKOFF_MIN_MS;
	k->start_at_ms = end.status == DAEMON_AGAIN ? now : now + k->backoff_ms;
	log_line(k->log, LOG_WARNING, "the daemon ended with status %d%s; starting it in %d ms", end.status,
	         end.signal ? " (a signal)" : "", (int)(k->start_at_ms - now));
	if (end.status != DAEMON_AGAIN)
		k->backoff_ms = k->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : k->backoff_ms * 2;
	return true;
}

static void on_link(struct keeper *k)
{
	char text[MESSAGE + 1], answer[MESSAGE + 8];
	ssize_t n = recv(k->link, text, MESSAGE, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_link(k); /* the daemon is dead or dying: SIGCHLD tells */
	if (n <= 0)
		return;
	text[n] = '\0';
	if (str_starts(text, "drop ")) {
		drop(k, text + 5);
	} else if (str_starts(text, "hold ") && hold(k, text + 5)) {
		int len = snprintf(answer, sizeof(answer), "held %s", text + 5);
		send(k->link, answer, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* False: end now. */
static bool on_signal(struct keeper *k)
{
	struct signalfd_siginfo s;
	bool is_asked = false;
	while (read(k->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		is_asked |= s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT;
	if (is_asked) {
		k->is_stopping = true;
		if (!child_signal(&k->daemon, SIGTERM))
			return false;
	}
	bool goes_on;
	do
		goes_on = after_daemon(k);
	while (!reap_others(k) && goes_on);
	return goes_on;
}

static void keep(struct keeper *k)
{
	bool goes_on = true;
	while (goes_on) {
		if (k->daemon.pidfd < 0 && clock_mono_ms() >= k->start_at_ms)
			start_or_wait(k);
		int64_t wait = k->daemon.pidfd >= 0 ? -1 : k->start_at_ms - clock_mono_ms();
		struct pollfd fds[2] = {{.fd = k->signals, .events = POLLIN},
		                        {.fd = k->link, .events = POLLIN}};
		if (poll(fds, 2, wait < 0 && k->daemon.pidfd < 0 ? 0 : (int)wait) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			on_link(k);
		if (fds[0].revents)
			goes_on = on_signal(k);
	}
}

/* ---- life ---- */

static bool take_signals(struct keeper *k)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would reap behind our back */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return false;
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals >= 0;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid(); /* fails when we lead one already: the same */
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (chdir("/") < 0)
		return; /* a folder that cannot be left is only kept busy */
}

/* A new keeper begins a new log when the old one is long; the one before it is kept. */
static void shorten_log(const struct place *place)
{
	struct stat st;
	if (fstatat(place->root_fd, "daemon.log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > LOG_BYTES)
		renameat(place->root_fd, "daemon.log", place->root_fd, "daemon.log.old");
}

/* ERR_REFUSED: another keeper serves this place. */
static bool prepare(struct keeper *k, const char *root, struct err *err)
{
	if (!place_open(&k->place, root, err)) {
		err->kind = ERR_USAGE;
		return false;
	}
	k->lock = place_lock(&k->place, "keeper.lock", LOCK_WAIT_MS, err);
	if (k->lock < 0)
		return false;
	shorten_log(&k->place);
	char *log_path = place_path(&k->place, "daemon.log");
	k->log = log_new(log_path, "keeper", err);
	free(log_path);
	if (!k->log)
		return false;
	k->program = keeper_program();
	if (!k->program || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || !take_signals(k))
		return err_errno(err, ERR_FAILED, errno, "cannot start the platform");
	return true;
}

static void finish(struct keeper *k)
{
	while (k->n_holds)
		drop(k, k->holds[0].id);
	free(k->holds);
	free(k->program);
	close_link(k);
	if (k->signals >= 0)
		close(k->signals);
	log_free(k->log);
	if (k->lock >= 0)
		close(k->lock);
	place_close(&k->place);
}

int keeper_main(int argc, char **argv)
{
	struct err err = {0};
	struct keeper k = {.lock = -1, .signals = -1, .link = -1, .daemon = {.pidfd = -1},
	                   .backoff_ms = BACKOFF_MIN_MS};
	if (argc != 1) {
		fprintf(stderr, "usage: fairway --keeper STATE\n");
		return 2;
	}
	if (!prepare(&k, argv[0], &err)) {
		finish(&k);
		if (err.kind == ERR_REFUSED)
			return 0;
		fprintf(stderr, "fairway: %s\n", err.text);
		return 2;
	}
	leave_terminal();
	slot_ids_each(&k.place, hold_found, &k);
	close_inherited();
	log_line(k.log, LOG_INFO, "keeping %s, %zu slots", k.place.root, k.n_holds);
	keep(&k);
	log_line(k.log, LOG_INFO, "the daemon is done, so is the keeper");
	finish(&k);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

struct lend {
	struct child child;
	int tty, pipe;       /* -1: none */
	pid_t group;         /* ours, the foreground one before */
	struct termios modes;
	struct str output;
	bool waits_when_failed, is_over, is_waiting;
	int status;
};

/* A background group that touches the terminal would be stopped. */
static void to_foreground(const struct lend *l, pid_t group)
{
	sigset_t set, mask;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	tcsetpgrp(l->tty, group);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void restore_modes(const struct lend *l)
{
	sigset_t set, mask;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	tcsetattr(l->tty, TCSANOW, &l->modes);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

static void say(const struct lend *l, const char *text)
{
	struct str line = {0};
	utf8_mask(&line, text, strlen(text), UTF8_ONE_LINE);
	str_addc(&line, '\n');
	file_write_all(l->tty, line.s, line.len);
	str_finish(&line);
}

static bool take_terminal(struct lend *l, struct err *err)
{
	l->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (l->tty < 0 || tcgetattr(l->tty, &l->modes) < 0)
		return err_set(err, ERR_REFUSED, "there is no terminal here");
	l->group = getpgrp();
	if (tcgetpgrp(l->tty) != l->group)
		return err_set(err, ERR_REFUSED, "the terminal belongs to another job");
	return true;
}

static bool start_child(struct lend *l, const struct lend_wish *wish, struct err *err)
{
	int ends[2] = {-1, -1};
	if (wish->takes_output && pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, ERR_FAILED, errno, "pipe");
	l->pipe = ends[0];
	char **env = child_env_whole(wish->env);
	struct child_start start = {.argv = wish->argv, .env = (const char *const *)env, .dir = wish->dir,
	                            .in = l->tty, .out = wish->takes_output ? ends[1] : l->tty, .err = l->tty,
	                            .is_own_group_only = true};
	bool is_started = child_start(&start, &l->child, err);
	child_env_free(env);
	/* Not by posix_spawn: a stop typed before its exec would stop us with it. What touched the terminal too early is
	 * stopped by now. */
	if (is_started) {
		to_foreground(l, l->child.pid);
		kill(-l->child.pid, SIGCONT);
	}
	if (ends[1] >= 0) {
		close(ends[1]);
		fcntl(l->pipe, F_SETFL, O_NONBLOCK);
	}
	return is_started;
}

struct lend *lend_start(const struct lend_wish *wish, struct err *err)
{
	struct lend *l = mem_alloc(sizeof(*l));
	*l = (struct lend){.child.pidfd = -1, .tty = -1, .pipe = -1, .waits_when_failed = wish->waits_when_failed};
	if (take_terminal(l, err)) {
		if (wish->title)
			say(l, wish->title);
		if (start_child(l, wish, err))
			return l;
	}
	lend_free(l);
	return NULL;
}

size_t lend_poll(const struct lend *l, struct pollfd fds[LEND_FDS])
{
	fds[0] = (struct pollfd){.fd = l->child.pidfd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = l->pipe, .events = POLLIN};
	fds[2] = (struct pollfd){.fd = l->is_waiting ? l->tty : -1, .events = POLLIN};
	return LEND_FDS;
}

static void drain(struct lend *l)
{
	char bytes[4096];
	while (l->pipe >= 0) {
		ssize_t n = read(l->pipe, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		size_t room = LEND_OUTPUT_MAX - l->output.len;
		if (n > 0) {
			str_addn(&l->output, bytes, (size_t)n < room ? (size_t)n : room);
			continue;
		}
		close(l->pipe);
		l->pipe = -1;
	}
}

/* One that stopped itself has nobody else to wake it: we are its shell. */
static void wake_child(struct lend *l)
{
	siginfo_t info = {0};
	if (waitid(P_PIDFD, (id_t)l->child.pidfd, &info, WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	to_foreground(l, l->child.pid);
	kill(-l->child.pid, SIGCONT);
}

static void wait_for_enter(struct lend *l)
{
	to_foreground(l, l->group);
	restore_modes(l);
	tcflush(l->tty, TCIFLUSH);
	struct str text = {0};
	str_addf(&text, "it ended with status %d; enter goes back to fairway", l->status);
	say(l, text.s);
	str_finish(&text);
	fcntl(l->tty, F_SETFL, O_NONBLOCK);
	l->is_waiting = true;
}

bool lend_step(struct lend *l, int *status)
{
	struct child_end end;
	char line[256];
	drain(l);
	if (l->is_waiting) {
		ssize_t n = read(l->tty, line, sizeof(line));
		l->is_over = n >= 0 || (errno != EAGAIN && errno != EINTR);
	} else if (!l->is_over) {
		wake_child(l);
		if (child_wait(&l->child, true, &end) == CHILD_RUNS)
			return false;
		drain(l);
		l->status = end.status;
		l->is_over = true;
		if (end.status != 0 && l->waits_when_failed) {
			l->is_over = false;
			wait_for_enter(l);
		}
	}
	*status = l->status;
	return l->is_over;
}

const char *lend_output(const struct lend *l, size_t *len)
{
	*len = l->output.len;
	return str_text(&l->output);
}

void lend_free(struct lend *l)
{
	struct child_end end;
	if (!l)
		return;
	if (l->child.pidfd >= 0) {
		kill(-l->child.pid, SIGHUP);
		if (child_wait_for(&l->child, 300, &end) == CHILD_RUNS) {
			kill(-l->child.pid, SIGKILL);
			child_wait_for(&l->child, 1000, &end);
			child_forget(&l->child);
		}
	}
	if (l->pipe >= 0)
		close(l->pipe);
	if (l->tty >= 0 && l->group) {
		to_foreground(l, l->group);
		restore_modes(l);
	}
	if (l->tty >= 0)
		close(l->tty);
	if (l->output.s)
		explicit_bzero(l->output.s, l->output.cap);
	str_finish(&l->output);
	free(l);
}

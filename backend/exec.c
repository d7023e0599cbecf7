/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define LIMIT_MS 60000

struct exec {
	struct loop *loop;
	struct child child;
	struct tube {
		int fd;          /* -1: it was closed, or never was */
		struct str *to;
		bool is_tail; /* the last bytes are kept, not the first */
	} tubes[2];          /* output, errors */
	struct str output;
	struct loop_timer limit;
	bool is_persons;
	exec_ended *ended;
	void (*told)(const char *, size_t, void *);
	void *arg;
};

static void close_tube(struct exec *x, struct tube *t)
{
	if (t->fd < 0)
		return;
	loop_fd_forget(x->loop, t->fd);
	close(t->fd);
	t->fd = -1;
}

static void release(struct exec *x)
{
	loop_timer_clear(x->loop, &x->limit);
	for (size_t i = 0; i < 2; i++)
		close_tube(x, &x->tubes[i]);
	if (x->child.pidfd >= 0) {
		loop_fd_forget(x->loop, x->child.pidfd);
		child_forget(&x->child);
	}
	str_finish(&x->output);
	free(x);
}

/* False at the end of the pipe. What is above the ceiling is read and dropped, so that the child never
 * stalls. */
static bool drain(struct tube *t)
{
	char bytes[4096];
	for (;;) {
		ssize_t n = read(t->fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		if (t->is_tail && t->to->len > 2 * EXEC_OUTPUT_MAX) {
			memmove(t->to->s, t->to->s + t->to->len - EXEC_OUTPUT_MAX, EXEC_OUTPUT_MAX);
			t->to->len = EXEC_OUTPUT_MAX;
		}
		size_t room = t->is_tail ? sizeof(bytes) : EXEC_OUTPUT_MAX - t->to->len;
		str_addn(t->to, bytes, (size_t)n < room ? (size_t)n : room);
	}
}

/* One piece: whoever is told may cancel. */
static void on_piece(int fd, void *arg)
{
	struct exec *x = arg;
	char bytes[16384];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	if (n > 0)
		x->told(bytes, (size_t)n, x->arg);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_tube(x, &x->tubes[0]);
}

static void on_output(int fd, void *arg)
{
	struct exec *x = arg;
	struct tube *t = &x->tubes[fd == x->tubes[0].fd ? 0 : 1];
	if (!drain(t))
		close_tube(x, t);
}

void exec_hold(struct exec *x, bool is_held)
{
	struct tube *t = &x->tubes[0];
	if (t->fd < 0)
		return;
	if (is_held)
		loop_fd_forget(x->loop, t->fd);
	else
		loop_fd_watch(x->loop, t->fd, POLLIN, x->told ? on_piece : on_output, x);
}

static void end(struct exec *x, int status, const struct err *err)
{
	exec_ended *ended = x->ended;
	void *arg = x->arg;
	struct str output = x->output;
	x->output = (struct str){0};
	release(x);
	ended(status, str_text(&output), output.len, err, arg);
	explicit_bzero(output.s, output.cap); /* it may have been a secret */
	str_finish(&output);
}

static void on_end(int fd, void *arg)
{
	struct exec *x = arg;
	struct child_end how = {0};
	(void)fd;
	if (child_wait(&x->child, false, &how) == CHILD_RUNS)
		return;
	loop_fd_forget(x->loop, fd); /* reaping closes it */
	if (!x->is_persons)
		child_signal_session(&x->child, SIGKILL); /* what it left behind */
	child_wait(&x->child, true, &how);
	x->child.pidfd = -1;
	for (size_t i = 0; i < 2; i++)
		if (x->tubes[i].fd >= 0)
			drain(&x->tubes[i]);
	end(x, how.status, NULL);
}

/* Kills and reaps: a killed child ends within moments, and its number must not stay taken. */
static void kill_child(struct exec *x)
{
	struct child_end how;
	child_signal_session(&x->child, SIGKILL);
	child_signal(&x->child, SIGKILL);
	loop_fd_forget(x->loop, x->child.pidfd);
	child_wait_for(&x->child, 1000, &how);
	child_forget(&x->child);
	x->child.pidfd = -1;
}

static void on_limit(void *arg)
{
	struct exec *x = arg;
	struct err err;
	err_set(&err, ERR_FAILED, "it did not end in time and was killed");
	kill_child(x);
	end(x, -1, &err);
}

/* A pipe whose end for reading is watched; the other one is returned, -1 with err. */
static int open_tube(struct exec *x, struct tube *t, struct str *to, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_errno(err, ERR_FAILED, errno, "pipe");
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*t = (struct tube){ends[0], to, to != &x->output};
	loop_fd_watch(x->loop, t->fd, POLLIN, x->told && t == x->tubes ? on_piece : on_output, x);
	return ends[1];
}

static bool start(struct exec *x, const struct exec_wish *wish, struct err *err)
{
	int out = open_tube(x, &x->tubes[0], &x->output, err), errors = out;
	if (out >= 0 && wish->errors)
		errors = open_tube(x, &x->tubes[1], wish->errors, err);
	char **env = wish->is_persons ? child_env_whole(wish->env) : child_env_new(wish->env);
	struct child_start start = {.argv = wish->argv, .env = (const char *const *)env,
	                            .dir = wish->dir ? wish->dir : "/", .out = out,
	                            .err = wish->drops_stderr ? 0 : errors};
	bool is_started = out >= 0 && errors >= 0 && child_start(&start, &x->child, err);
	child_env_free(env);
	if (out >= 0)
		close(out);
	if (errors >= 0 && errors != out)
		close(errors);
	if (!is_started)
		x->child.pidfd = -1;
	return is_started;
}

struct exec *exec_start(struct loop *loop, const struct exec_wish *wish, exec_ended *ended, void *arg,
			struct err *err)
{
	struct exec *x = mem_alloc(sizeof(*x));
	*x = (struct exec){.loop = loop, .child.pidfd = -1, .tubes = {{.fd = -1}, {.fd = -1}}, .ended = ended,
	                   .told = wish->told, .arg = arg, .is_persons = wish->is_persons};
	if (!start(x, wish, err)) {
		release(x);
		return NULL;
	}
	loop_fd_watch(loop, x->child.pidfd, POLLIN, on_end, x);
	loop_timer_set(loop, &x->limit, wish->limit_ms ? wish->limit_ms : LIMIT_MS, on_limit, x);
	return x;
}

void exec_cancel(struct exec *x)
{
	if (!x)
		return;
	kill_child(x);
	release(x);
}

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
	int pipe;
	struct str output;
	struct loop_timer limit;
	exec_ended *ended;
	void (*told)(const char *, size_t, void *);
	void *arg;
};

static void release(struct exec *x)
{
	loop_timer_clear(x->loop, &x->limit);
	if (x->pipe >= 0) {
		loop_fd_forget(x->loop, x->pipe);
		close(x->pipe);
	}
	if (x->child.pidfd >= 0) {
		loop_fd_forget(x->loop, x->child.pidfd);
		child_forget(&x->child);
	}
	str_finish(&x->output);
	free(x);
}

/* False at the end of the pipe. What is above the ceiling is read and dropped, so that the child never
 * stalls. */
static bool drain(struct exec *x)
{
	char bytes[4096];
	for (;;) {
		ssize_t n = read(x->pipe, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		size_t room = EXEC_OUTPUT_MAX - x->output.len;
		str_addn(&x->output, bytes, (size_t)n < room ? (size_t)n : room);
	}
}

static void close_pipe(struct exec *x)
{
	loop_fd_forget(x->loop, x->pipe);
	close(x->pipe);
	x->pipe = -1;
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
		close_pipe(x);
}

static void on_output(int fd, void *arg)
{
	struct exec *x = arg;
	(void)fd;
	if (!drain(x))
		close_pipe(x);
}

void exec_hold(struct exec *x, bool is_held)
{
	if (x->pipe < 0)
		return;
	if (is_held)
		loop_fd_forget(x->loop, x->pipe);
	else
		loop_fd_watch(x->loop, x->pipe, POLLIN, x->told ? on_piece : on_output, x);
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
	child_signal_session(&x->child, SIGKILL); /* what it left behind */
	child_wait(&x->child, true, &how);
	x->child.pidfd = -1;
	if (x->pipe >= 0)
		drain(x);
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

struct exec *exec_start(struct loop *loop, const struct exec_wish *wish, exec_ended *ended, void *arg,
			struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_errno(err, ERR_FAILED, errno, "pipe");
		return NULL;
	}
	char **env = child_env_new(wish->env);
	struct child_start start = {.argv = wish->argv, .env = (const char *const *)env,
	                            .dir = wish->dir ? wish->dir : "/", .out = ends[1],
	                            .err = wish->drops_stderr ? 0 : ends[1]};
	struct exec *x = mem_alloc(sizeof(*x));
	*x = (struct exec){.loop = loop, .child.pidfd = -1, .pipe = ends[0], .ended = ended, .told = wish->told,
			   .arg = arg};
	bool is_started = child_start(&start, &x->child, err);
	child_env_free(env);
	close(ends[1]);
	if (!is_started) {
		x->child.pidfd = -1;
		release(x);
		return NULL;
	}
	fcntl(x->pipe, F_SETFL, O_NONBLOCK);
	exec_hold(x, false);
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

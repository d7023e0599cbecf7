/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/child.h"
#include "base/str.h"

bool terminal_lend(const struct lend_wish *wish, int signal_fd, int *status, struct lend **output, struct err *err)
{
	struct pollfd fds[LEND_FDS + 1];
	fflush(stdout);
	struct lend *l = lend_start(wish, err);
	bool is_good = l != NULL;
	while (is_good && !lend_step(l, status)) {
		size_t n = lend_poll(l, fds);
		fds[n] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
		if (poll(fds, n + 1, LEND_POLL_MS) < 0 && errno != EINTR)
			is_good = err_errno(err, ERR_FAILED, errno, "poll");
		else if (fds[n].revents)
			is_good = err_set(err, ERR_CANCELLED, "interrupted");
	}
	if (is_good && output) {
		*output = l;
		return true;
	}
	lend_free(l);
	return is_good;
}

/* With what we were given in place of a terminal. Of one that is there, but not for its output, nothing is read. */
static bool run_plain(const struct terminal_wish *wish, int out, int signal_fd, int *status, struct err *err)
{
	struct child child = {.pidfd = -1};
	struct child_end end = {0};
	int in = isatty(STDIN_FILENO) ? -1 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	char **env = child_env_whole(wish->env);
	const struct child_start start = {
		.argv = wish->plain, .env = (const char *const *)env, .in = in, .out = out, .err = STDERR_FILENO};
	fflush(stdout);
	bool is_good = child_start(&start, &child, err);
	child_env_free(env);
	if (in >= 0)
		close(in);
	while (is_good && child_wait(&child, true, &end) == CHILD_RUNS) {
		struct pollfd fds[] = {{.fd = child.pidfd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			is_good = err_errno(err, ERR_FAILED, errno, "poll");
		else if (fds[1].revents)
			is_good = err_set(err, ERR_CANCELLED, "interrupted");
	}
	*status = end.status;
	if (child.pidfd < 0)
		return is_good;
	child_signal_session(&child, SIGTERM);
	if (child_wait_for(&child, 1000, &end) == CHILD_RUNS) {
		child_signal_session(&child, SIGKILL);
		child_wait_for(&child, 1000, &end);
	}
	return is_good;
}

void terminal_answer(struct backend *b, const struct message *m, bool is_terminal, int out, int signal_fd)
{
	const struct terminal_wish *wish = &m->terminal;
	struct terminal_answer answer = {.request = m->request, .ticket = wish->ticket, .refusal = "there is no terminal"};
	struct lend *output = NULL;
	struct err err = {0};
	struct str title = {0};
	str_addf(&title, "%s:", wish->why);
	for (size_t i = 0; wish->argv[i]; i++)
		str_addf(&title, " %s", wish->argv[i]);
	const struct lend_wish lend = {
		.argv = wish->argv, .env = wish->env, .title = m->request ? NULL : str_text(&title),
		.takes_output = !m->request};
	if (wish->approve) {
		answer.refusal = "a verb does not ask whether it may";
	} else if (wish->plain && !(is_terminal && isatty(STDOUT_FILENO))) {
		answer.refusal = run_plain(wish, out, signal_fd, &answer.status, &err) ? NULL : err.text;
	} else if (is_terminal) {
		bool is_run = terminal_lend(&lend, signal_fd, &answer.status, &output, &err);
		answer.refusal = is_run ? NULL : err.text;
	}
	if (output)
		answer.output = lend_output(output, &answer.len);
	backend_send(b, request_terminal(&answer));
	lend_free(output);
	str_finish(&title);
}

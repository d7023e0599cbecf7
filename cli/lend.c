/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
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

void terminal_answer(struct backend *b, const struct message *m, bool is_terminal, int signal_fd)
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

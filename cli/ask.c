/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "cli/session.h"

static void put_question(const char *question)
{
	struct str masked = {0};
	utf8_mask(&masked, question, strlen(question), UTF8_ONE_LINE);
	fflush(stdout);
	fputs(str_text(&masked), stderr);
	str_finish(&masked);
}

bool ask_line(struct cli *cli, const char *question, char *answer, size_t size, struct err *err)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
	                       {.fd = session_signal_fd(cli->session), .events = POLLIN}};
	tcflush(STDIN_FILENO, TCIFLUSH);
	put_question(question);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_errno(err, ERR_FAILED, errno, "cannot read the terminal");
		if (fds[1].revents && session_signalled(cli->session, err)) {
			fputc('\n', stderr);
			return false;
		}
		if (fds[0].revents)
			break;
	}
	/* The terminal hands over whole lines (canonical mode, termios(3)). */
	ssize_t n = read(STDIN_FILENO, answer, size - 1);
	if (n <= 0)
		return err_set(err, ERR_REFUSED, "no answer; nothing was changed");
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	return true;
}

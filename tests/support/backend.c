/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/backend.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool take(int fd, char *text, size_t size, const char *until)
{
	size_t len = strlen(text);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (!until || !strstr(text, until)) {
		if (poll(&p, 1, DEADLINE_MS) != 1)
			return false;
		ssize_t n = recv(fd, text + len, size - 1 - len, 0);
		if (n <= 0)
			return !until;
		len += (size_t)n;
		text[len] = '\0';
	}
	return true;
}

void put(int fd, const char *text)
{
	for (size_t len = strlen(text); len;) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* What the backend answers, by path; body[] is what came behind the head. */
static void script(int fd, char *text)
{
	if (strstr(text, "GET /length "))
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
	else if (strstr(text, "HEAD /length "))
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	else if (strstr(text, "/chunked "))
		put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			"chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n");
	else if (strstr(text, "/close "))
		put(fd, "HTTP/1.0 200 OK\r\n\r\nhello");
	else if (strstr(text, "/cut "))
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
	else if (strstr(text, "/smuggle "))
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello");
	else if (strstr(text, "/slow "))
		poll(NULL, 0, 300), put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
	else if (strstr(text, "/never "))
		poll(NULL, 0, 5000);
	else if (strstr(text, "/echo ")) {
		if (strstr(text, "100-continue"))
			put(fd, "HTTP/1.1 100 Continue\r\n\r\n");
		if (take(fd, text, 8192, "END"))
			put(fd, "HTTP/1.1 200 OK\r\n\r\n"), put(fd, strstr(text, "\r\n\r\n") + 4);
	} else if (strstr(text, "/upgrade ")) {
		put(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
		text[0] = '\0';
		if (take(fd, text, 8192, "bye"))
			put(fd, text);
	} else if (strstr(text, "/big ")) {
		put(fd, "HTTP/1.0 200 OK\r\n\r\n");
		char block[8193];
		memset(block, 'x', 8192);
		block[8192] = '\0';
		for (int i = 0; i < 512; i++)
			put(fd, block);
	}
}

void backend_serve(int listener)
{
	char text[8192];
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			text[0] = '\0';
			if (take(fd, text, sizeof(text), "\r\n\r\n"))
				script(fd, text);
			_exit(0);
		}
		close(fd);
	}
}

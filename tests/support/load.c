/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ANSWER_MAX = 4096, PATIENCE_MS = 15000 };

struct conn {
	int fd; /* -1: to be made */
	unsigned number;
	bool is_out;
	int64_t since;
	size_t len;
	char answer[ANSWER_MAX + 1];
};

int load_listen(uint16_t port, uint16_t *got)
{
	int one = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t size = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 512) ||
	    getsockname(fd, (struct sockaddr *)&at, &size)) {
		close(fd);
		return -1;
	}
	*got = ntohs(at.sin_port);
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool conn_post(struct conn *c, const struct load_options *o, struct load_result *r)
{
	char text[256], body[32];
	if (c->fd < 0) {
		c->fd = connect_to(o->port);
		r->reconnected++;
	}
	if (c->fd < 0)
		return false;
	c->number = r->sent++;
	int body_len = snprintf(body, sizeof(body), "number=%u", c->number);
	int len = snprintf(text, sizeof(text),
			   "POST /count HTTP/1.1\r\nHost: load\r\nContent-Length: %d\r\n\r\n%s", body_len,
			   body);
	c->is_out = true;
	c->len = 0;
	c->since = clock_mono_ms();
	if (send(c->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		r->broken++;
		c->is_out = false;
		close(c->fd);
		c->fd = -1;
	}
	return true;
}

/* Whether a whole answer with a Content-Length lies in text; its body in *body. */
static bool answer_whole(const char *text, size_t len, const char **body)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = end ? strcasestr(text, "\r\ncontent-length:") : NULL;
	if (!length || length > end)
		return false;
	*body = end + 4;
	return (size_t)(*body - text) + strtoul(length + 17, NULL, 10) <= len;
}

static void conn_drop(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	c->is_out = false;
}

static void conn_read(struct conn *c, struct load_result *r)
{
	const char *body;
	unsigned number;
	ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len, 0);
	if (n <= 0) {
		r->broken += c->is_out;
		conn_drop(c);
		return;
	}
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	if (!answer_whole(c->answer, c->len, &body))
		return;
	r->answered++;
	c->is_out = false;
	int64_t took = clock_mono_ms() - c->since;
	r->slowest_ms = took > r->slowest_ms ? took : r->slowest_ms;
	if (strncmp(c->answer, "HTTP/1.1 200", 12))
		r->failed++;
	else if (sscanf(body, "counted=%u", &number) != 1 || number != c->number)
		r->wrong++;
	else if (r->answered_ok)
		r->answered_ok[number] = 1;
	if (strcasestr(c->answer, "connection: close"))
		conn_drop(c);
}

static bool is_over(const struct load_options *o, const struct load_result *r, int64_t end)
{
	return clock_mono_ms() >= end || (o->stop && *o->stop) ||
	       (o->stop_file && !access(o->stop_file, F_OK)) || r->sent >= LOAD_NUMBERS - 1;
}

bool load_run(const struct load_options *o, struct load_result *r)
{
	struct conn *conns = mem_array((size_t)o->connections, sizeof(*conns));
	struct pollfd *polls = mem_array((size_t)o->connections, sizeof(*polls));
	int64_t end = clock_mono_ms() + o->run_ms, patience = end + PATIENCE_MS;
	bool was_made = false, has_ended = false;
	for (int i = 0; i < o->connections; i++)
		conns[i].fd = -1;
	for (;;) {
		int out = 0;
		if (!has_ended && is_over(o, r, end)) {
			has_ended = true;
			patience = clock_mono_ms() + PATIENCE_MS;
		}
		for (int i = 0; i < o->connections; i++) {
			if (!has_ended && !conns[i].is_out)
				was_made |= conn_post(&conns[i], o, r);
			out += conns[i].is_out;
			polls[i] =
				(struct pollfd){.fd = conns[i].is_out ? conns[i].fd : -1, .events = POLLIN};
		}
		if (has_ended && (!out || clock_mono_ms() > patience))
			break;
		poll(polls, (nfds_t)o->connections, 20);
		if (o->pace_ms)
			poll(NULL, 0, o->pace_ms);
		for (int i = 0; i < o->connections; i++)
			if (polls[i].revents && conns[i].fd >= 0)
				conn_read(&conns[i], r);
	}
	for (int i = 0; i < o->connections; i++) {
		r->broken += conns[i].is_out;
		if (conns[i].fd >= 0)
			close(conns[i].fd);
	}
	free(conns);
	free(polls);
	return was_made;
}

static void serve_one(int fd, uint8_t *seen, int delay_ms)
{
	char text[ANSWER_MAX + 1], body[32];
	const char *start = NULL;
	unsigned number;
	size_t len = 0;
	while (!start || !answer_whole(text, len, &start)) {
		ssize_t n = recv(fd, text + len, ANSWER_MAX - len, 0);
		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
		if (strncmp(text, "POST ", len < 5 ? len : 5)) { /* a health probe */
			send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38, MSG_NOSIGNAL);
			return;
		}
		answer_whole(text, len, &start);
	}
	if (sscanf(start, "number=%u", &number) != 1 || number >= LOAD_NUMBERS)
		return;
	__atomic_fetch_add(&seen[number], 1, __ATOMIC_RELAXED);
	if (delay_ms)
		poll(NULL, 0, delay_ms);
	int body_len = snprintf(body, sizeof(body), "counted=%u\n", number);
	int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body_len,
			 body);
	send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

void load_serve(int listener, uint8_t *seen, int delay_ms)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		serve_one(fd, seen, delay_ms);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
}

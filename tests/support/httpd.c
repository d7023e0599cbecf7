/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define REQUESTS_MAX 512
#define HEAD_MAX 16384
#define BODY_MAX 65536

struct httpd {
	httpd_answer *answer;
	void *arg;
	char *path;
	int listener, port;
	pthread_t acceptor;
	pthread_mutex_t lock;
	bool is_stopping;
	struct {
		pthread_t thread;
		int fd;
	} connections[CONNECTIONS_MAX];
	int n_connections;
	char *requests[REQUESTS_MAX];
	int n_requests;
};
struct connection {
	struct httpd *server;
	int slot, fd;
};

static void die(const char *what)
{
	fprintf(stderr, "httpd: %s: %s\n", what, strerror(errno));
	exit(1);
}

bool httpd_is_stopping(struct httpd *h)
{
	pthread_mutex_lock(&h->lock);
	bool is = h->is_stopping;
	pthread_mutex_unlock(&h->lock);
	return is;
}

int httpd_port(const struct httpd *h)
{
	return h->port;
}

int httpd_count(struct httpd *h, const char *start)
{
	int n = 0;
	pthread_mutex_lock(&h->lock);
	for (int i = 0; i < h->n_requests; i++)
		n += strncmp(h->requests[i], start, strlen(start)) == 0;
	pthread_mutex_unlock(&h->lock);
	return n;
}

bool httpd_write(struct httpd_call *c, const void *bytes, size_t len)
{
	const char *at = bytes;
	while (len) {
		ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool httpd_print(struct httpd_call *c, const char *fmt, ...)
{
	char text[8192];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return httpd_write(c, text, (size_t)n);
}

void httpd_reply(struct httpd_call *c, int status, const char *type, const char *body)
{
	if (httpd_print(c, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nFairway-Api: 1\r\nContent-Length: %zu\r\n\r\n", status, type,
			strlen(body)))
		httpd_write(c, body, strlen(body));
	c->keeps_alive = true;
}

void httpd_wait_closed(struct httpd_call *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN | POLLRDHUP};
	while (!httpd_is_stopping(c->server)) {
		char byte;
		if (poll(&p, 1, 50) > 0 && recv(c->fd, &byte, 1, MSG_PEEK) <= 0)
			return;
	}
}

static void count_request(struct httpd *h, const char *method, const char *target)
{
	char *text = malloc(strlen(method) + strlen(target) + 2);
	snprintf(text, strlen(method) + strlen(target) + 2, "%s %s", method, target);
	pthread_mutex_lock(&h->lock);
	if (h->n_requests < REQUESTS_MAX)
		h->requests[h->n_requests++] = text;
	else
		free(text);
	pthread_mutex_unlock(&h->lock);
}

/* Reads bytes until the head is whole; -1 when the peer went. Returns the head's length. */
static int read_head(int fd, char *head, size_t *have)
{
	for (;;) {
		head[*have] = '\0';
		char *end = strstr(head, "\r\n\r\n");
		if (end)
			return (int)(end + 4 - head);
		ssize_t n = *have < HEAD_MAX ? recv(fd, head + *have, HEAD_MAX - *have, 0) : 0;
		if (n <= 0)
			return -1;
		*have += (size_t)n;
	}
}

static bool serve_one(struct connection *k, char *head, size_t *have)
{
	static const char length[] = "\r\nContent-Length:";
	int head_len = read_head(k->fd, head, have);
	if (head_len < 0)
		return false;
	char *copy = strndup(head, (size_t)head_len), *body = calloc(1, BODY_MAX + 1), method[16], target[4096];
	const char *field = strcasestr(copy, length);
	size_t want = field ? (size_t)atoi(field + sizeof(length) - 1) : 0, got = *have - (size_t)head_len;
	if (got > want)
		got = want;
	memcpy(body, head + head_len, got);
	memmove(head, head + head_len + got, *have - (size_t)head_len - got);
	*have -= (size_t)head_len + got;
	while (got < want && want <= BODY_MAX) {
		ssize_t n = recv(k->fd, body + got, want - got, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	struct httpd_call call = {k->server, k->fd, method, target, copy, body, false};
	bool is_whole = got == want && sscanf(copy, "%15s %4095s", method, target) == 2;
	if (is_whole) {
		count_request(k->server, method, target);
		k->server->answer(&call, k->server->arg);
	}
	free(copy);
	free(body);
	return is_whole && call.keeps_alive;
}

static void *connection_main(void *arg)
{
	struct connection *k = arg;
	char *head = malloc(HEAD_MAX + 1);
	size_t have = 0;
	while (serve_one(k, head, &have))
		;
	free(head);
	shutdown(k->fd, SHUT_RDWR);
	free(k);
	return NULL;
}

static void *acceptor_main(void *arg)
{
	struct httpd *h = arg;
	for (;;) {
		int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno == EINTR)
			continue;
		if (fd < 0)
			return NULL;
		pthread_mutex_lock(&h->lock);
		if (h->is_stopping || h->n_connections == CONNECTIONS_MAX) {
			close(fd);
		} else {
			struct connection *k = malloc(sizeof(*k));
			*k = (struct connection){h, h->n_connections, fd};
			h->connections[k->slot].fd = fd;
			if (pthread_create(&h->connections[k->slot].thread, NULL, connection_main, k) != 0)
				die("thread");
			h->n_connections++;
		}
		pthread_mutex_unlock(&h->lock);
	}
}

struct httpd *httpd_start(const char *socket_path, httpd_answer *answer, void *arg)
{
	struct httpd *h = calloc(1, sizeof(*h));
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	h->answer = answer;
	h->arg = arg;
	pthread_mutex_init(&h->lock, NULL);
	h->listener = socket(socket_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_path) {
		h->path = strdup(socket_path);
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
		unlink(socket_path);
		if (bind(h->listener, (struct sockaddr *)&un, sizeof(un)) < 0)
			die(socket_path);
	} else if (bind(h->listener, (struct sockaddr *)&in, sizeof(in)) < 0 ||
		   getsockname(h->listener, (struct sockaddr *)&in, &len) < 0) {
		die("bind");
	}
	h->port = ntohs(in.sin_port);
	if (listen(h->listener, 64) < 0 || pthread_create(&h->acceptor, NULL, acceptor_main, h) != 0)
		die("listen");
	return h;
}

void httpd_stop(struct httpd *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->is_stopping = true;
	pthread_mutex_unlock(&h->lock);
	shutdown(h->listener, SHUT_RDWR);
	pthread_join(h->acceptor, NULL);
	close(h->listener);
	for (int i = 0; i < h->n_connections; i++)
		shutdown(h->connections[i].fd, SHUT_RDWR);
	for (int i = 0; i < h->n_connections; i++) {
		pthread_join(h->connections[i].thread, NULL);
		close(h->connections[i].fd);
	}
	for (int i = 0; i < h->n_requests; i++)
		free(h->requests[i]);
	if (h->path)
		unlink(h->path);
	free(h->path);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

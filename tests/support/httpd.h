/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_HTTPD_H
#define TESTS_SUPPORT_HTTPD_H
/*
 * A small HTTP/1.1 server for tests, on a Unix socket or a loopback port, that does exactly what a test
 * wants, faults too. Each connection has a thread of its own; every request that arrived whole is counted.
 */
#include <stdbool.h>
#include <stddef.h>

struct httpd;
struct httpd_call { /* one request */
	struct httpd *server;
	int fd;
	const char *method, *target; /* target: path and query */
	const char *head;            /* the whole head, for headers */
	const char *body;
	bool keeps_alive;            /* set by the answer when another request may follow */
};
/* Answers by writing to call->fd with httpd_write(). Returning without keeps_alive closes the connection. */
typedef void httpd_answer(struct httpd_call *call, void *arg);

/* socket_path NULL: a loopback port. Ends the test program when it cannot listen. */
struct httpd *httpd_start(const char *socket_path, httpd_answer *, void *arg);
void httpd_stop(struct httpd *); /* closes everything, joins, frees; the socket's file is removed */
int httpd_port(const struct httpd *);
/* How many requests came whose "METHOD target" starts with that. */
int httpd_count(struct httpd *, const char *start);
bool httpd_is_stopping(struct httpd *);
/* False when the peer is gone. */
bool httpd_write(struct httpd_call *, const void *bytes, size_t len);
bool httpd_print(struct httpd_call *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole reply with Content-Length and Fairway-Api: 1. */
void httpd_reply(struct httpd_call *, int status, const char *type, const char *body);
/* Waits until the peer closes or the server stops. */
void httpd_wait_closed(struct httpd_call *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_HTTP_H
#define BACKEND_HTTP_H
/*
 * One HTTP exchange over TCP, TLS or a Unix socket, on the backend thread's loop. Rules kept here for
 * everybody:
 *   - a write goes out once, on a fresh connection that is not kept, and follows no redirect (being
 *     redirected is a failure); when it may have been sent and no whole reply came, its error is ERR_UNKNOWN;
 *   - a read follows at most 3 redirects, all to the same scheme, host and port;
 *   - http and https only, TLS 1.2 or later, verified unless told otherwise; a proxy is the one given, else the
 *     environment's (HTTPS_PROXY, NO_PROXY as curl(1) reads them), but not for loopback; Unix sockets never have
 *     one; socks5 resolves names at the proxy, as kubectl does;
 *   - a token (`secret`, Authorization) travels over https, to this machine's loopback, or over a Unix
 *     socket; else it is refused;
 *   - header values with control bytes are refused; decoded bytes are counted against the ceiling; a header
 *     block is at most 64 KiB;
 *   - a connection that broke after it was made fails with code ECONNRESET, however it broke;
 *   - all speak HTTP/1.1, and a stream has a connection of its own, so that holding it back holds its server back.
 * The handlers run inside loop_step(). After `done`, or http_cancel(), the struct http is gone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct http;
struct loop;

struct header {
	const char *name, *value;
};
struct http_way { /* to the server; all zero: as the URL says, verified with the system's certificates */
	const char *socket;             /* path of a Unix socket, or NULL */
	const char *ca_file, *ca_pem;   /* PEM: what the server is verified with; both NULL: the system's */
	const char *cert_pem, *key_pem; /* PEM: the client's certificate and its key; both or neither */
	const char *tls_name;           /* name that the server's certificate must have when it is not the URL's */
	const char *proxy; /* http, https or socks5 URL, for every address; NULL: the environment's */
	bool is_insecure;               /* the server is not verified */
	bool is_uncompressed;           /* the reply is not to be compressed */
};
struct http_wish { /* copied by http_start() */
	const char *method;          /* "GET", "POST", … */
	const char *url;             /* absolute */
	struct http_way way;
	const struct header *headers;
	size_t n_headers;
	struct header secret;        /* one more header, which holds a token; name NULL: none */
	const void *body;            /* NULL: none */
	size_t body_len;
	size_t ceiling;              /* decoded bytes of the reply; 0: without bound, for streams */
	int64_t head_ms;             /* the reply must begin within; 0: 30 s */
	int64_t idle_ms; /* no byte for so long fails it; 0: head_ms for a plain read, never for a stream */
	bool is_write;
	bool is_stream;
};
struct http_handler {
	/* Once, before the first byte of the body. Headers have lower-case names. */
	void (*head)(void *arg, int status, const struct header *headers, size_t n);
	void (*bytes)(void *arg, const char *bytes, size_t len);
	void (*done)(void *arg, const struct err *failure); /* NULL: the whole reply was read */
};

/* NULL with err when the request cannot even be made; no handler runs then, nor before http_start()
 * returned. */
struct http *http_start(struct loop *, const struct http_wish *, const struct http_handler *, void *arg,
			struct err *);
/* No byte of the body is told until it goes on, and what that fills holds its server back. A head may still come, or the
 * end of what was told whole. */
void http_hold(struct http *, bool is_held);
/* No handler runs any more. Callable from a handler of the same exchange. */
void http_cancel(struct http *);

/* libcurl's process-wide set-up; before any thread. */
bool http_set_up(struct err *);
#endif

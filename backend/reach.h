/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_REACH_H
#define BACKEND_REACH_H
/*
 * How a source is reached right now: where its server is, how it is verified, who we are to it. Most sources
 * have that in the configuration: an address, a file of certificates, a token. A source whose provider is
 * reached by kubeconfig has all of it from there, as kubectl would (backend/kubeconfig.h), and may have to run
 * a credential plugin first. Every secret is told to the redactor before anybody sees it, and the process is
 * hardened before the first one is read. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/http.h"

struct config_source;
struct err;
struct loop;
struct message;
struct reaches;
struct reach_wait;
struct redact;
struct terminal_answer;

enum reach_by { /* of a provider */
	REACH_CONFIG,     /* url, ca, token of its configuration */
	REACH_KUBECONFIG, /* its options `kubeconfig` and `context` name an entry of kubeconfig files */
};

struct reach { /* everything but url may be NULL */
	const char *url;                 /* absolute, may have a path prefix, no '/' at its end */
	struct http_way way;
	struct header secret;            /* Authorization, or what the configuration names */
	const struct header *headers;    /* of every request: impersonation */
	size_t n_headers;
	const char *scope;               /* kubeconfig: namespace of the context, NULL: unsaid */
	const char *who;                 /* kubeconfig: name of its user entry, for sentences */
	const char *context;             /* kubeconfig: its name */
	uint64_t serial;                 /* of these credentials, for reach_refused() */
};

struct reaches *reaches_new(struct loop *, struct redact *); /* both are borrowed until reaches_free() */
void reaches_free(struct reaches *); /* nobody may wait any more; NULL is fine */
/* Who is told when a plugin needs the terminal (MESSAGE_TERMINAL; takes the message), and what came of it. Without a
 * lender there is no terminal. */
void reaches_lender(struct reaches *, void (*deliver)(struct message *, void *arg), void *arg);
void reaches_answer(struct reaches *, const struct terminal_answer *);

/* reach: borrowed for the call, NULL with err. The wait is gone after it. */
typedef void reach_told(const struct reach *, const struct err *, void *arg);
/* Never calls told before it returns. Several may wait for one plugin or command: it runs once. */
struct reach_wait *reach_ask(struct reaches *, const struct config_source *, reach_told *, void *arg);
void reach_cancel(struct reach_wait *); /* silent; NULL is fine */
/* The server refused who we are (401); serial: of the struct reach that was sent. The next one who asks gets
 * fresh credentials where they can be had. False: asking again would bring the same ones. */
bool reach_refused(struct reaches *, const struct config_source *, uint64_t serial);
#endif

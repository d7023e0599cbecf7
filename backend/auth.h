/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_AUTH_H
#define BACKEND_AUTH_H
/*
 * Tokens, from where the configuration says: a command (a captured child, AUTH_LIMIT_MS, its standard
 * output), a file (a regular one of ours or root's that nobody else can read or write, not followed) or a
 * variable. White space around a token is cut off; one that is empty, longer than AUTH_TOKEN_MAX or holds
 * anything but printable ASCII is refused, so that no header can be made of it. Every token is told to the
 * redactor before anybody sees it, and the process is hardened before the first one is read (base/harden.h).
 * Errors name where a token comes from, never what it is. What a command printed is kept for AUTH_KEEP_MS, or
 * until a server refused it; its failure for AUTH_FAIL_MS, so that a command that asks a person does not ask
 * every second. Backend thread only.
 */
#include "backend/config.h"
#include "backend/loop.h"

struct auth;
struct auth_wait;
struct redact;

#define AUTH_LIMIT_MS 30000
#define AUTH_KEEP_MS (10 * 60 * 1000)
#define AUTH_FAIL_MS 30000
#define AUTH_TOKEN_MAX (16 * 1024)

struct auth *auth_new(struct loop *, struct redact *); /* both are borrowed until auth_free() */
void auth_free(struct auth *); /* nobody may wait any more; NULL is fine */

/* token: borrowed for the call, NULL with err. The wait is gone after it. */
typedef void auth_told(const char *token, const struct err *err, void *arg);
/* Never calls told before it returns. Several may wait for one command: it runs once. */
struct auth_wait *auth_ask(struct auth *, const struct token_source *, auth_told *, void *arg);
void auth_cancel(struct auth_wait *); /* silent; NULL is fine */
/* A server refused the token: the next one who asks gets a new one. False: they are read each time anyway. */
bool auth_refused(struct auth *, const struct token_source *);
#endif

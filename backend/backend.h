/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H
/*
 * The client layer, as a face sees it: one thread of its own that owns libcurl, all parsing, all captured
 * children and the console's journal, behind two queues. Nothing else is shared. Requests go in
 * (request.h), messages come out (message.h); neither ever holds a pointer into the other side.
 *
 *	struct backend *b = backend_start(config, &err);
 *	uint64_t watch = backend_send(b, request_watch(REQUEST_ALL_KINDS));
 *	poll() on backend_fd(b), then: while ((m = backend_next(b))) { …; message_free(m); }
 *	backend_stop(b);
 *
 * All functions but backend_start() are for one thread, the face's, and none of them blocks but
 * backend_stop(). A face without threads of its own can be tested against the same functions of a fake.
 */
#include <stddef.h>
#include <stdint.h>

#include "backend/message.h"
#include "backend/request.h"

struct backend;
struct config;
struct err;

/* Starts the thread with all signals blocked. The configuration is borrowed until backend_stop(). Call before
 * other threads exist: libcurl is set up here. */
struct backend *backend_start(const struct config *, struct err *);

/* Takes the request; returns its id, never 0. Messages for it carry that id. */
uint64_t backend_send(struct backend *, struct request *);

/* Ends a request; its MESSAGE_DONE still comes (ERR_CANCELLED, or the outcome when that was faster). A write
 * that is on its way is not taken back: its outcome is reported as unknown. An id that is done is ignored. */
void backend_cancel(struct backend *, uint64_t id);

/* The next message, which is the caller's to free; NULL when there is none now. Taking a batch of a stream
 * acknowledges it: a source whose batches nobody takes is held back (BACKEND_UNREAD_MAX), never buffered
 * without bound. */
struct message *backend_next(struct backend *);
#define BACKEND_UNREAD_MAX 16 /* messages of one request that may lie unread before its source is held back */

/* Readable while there are messages (an eventfd); poll it, do not read it. */
int backend_fd(const struct backend *);

/* A copy without the values of any token that was loaded: for what leaves the program by other ways than a
 * message (copies, files that are saved); messages themselves are clean. Any byte; free() it; *out_len may be
 * NULL. */
char *backend_redact(const struct backend *, const char *text, size_t len, size_t *out_len);

/* Cancels everything, waits for the thread (<= 1 s, whatever the network does) and frees all, unread messages
 * too. To see the final replies of what was under way, cancel and take messages before. NULL is fine. */
void backend_stop(struct backend *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H
/*
 * What a verb needs of the backend, synchronous: the records of some kinds as they are now, and the replies to one
 * request at a time. Nothing waits for ever: a source that does not answer within SESSION_PATIENCE_MS, or
 * SESSION_FAR_PATIENCE_MS, is told as unreachable, and SIGINT or SIGTERM end every wait. Main thread.
 */
#include <stdint.h>

#include "backend/message.h"
#include "backend/request.h"
#include "cli/verb.h"
#include "model/records.h"

#define SESSION_PATIENCE_MS 2000
#define SESSION_FAR_PATIENCE_MS 15000 /* where a source is on another machine, and may have to log in first */

struct session;

/* Reads the configuration, starts the backend and takes SIGINT and SIGTERM. context as in cli_load(). */
bool session_open(struct cli *, const char *context, struct err *);
void session_close(struct session *); /* NULL is fine */

/* Watches kinds (bits of REQUEST_KIND) and returns when all sources have told what they have, or their time is up:
 * session_check() tells. False only when it was interrupted (ERR_CANCELLED). Called again it watches other kinds. */
bool session_watch(struct session *, unsigned kinds, struct err *);
/* The same for a verb that shows what there is and ends; of the kinds in `named` it wants names only. */
bool session_read(struct session *, unsigned kinds, unsigned named, struct err *);
/* Whether every source is live that matters; ERR_UNREACHABLE, or ERR_REFUSED where a credential plugin is not approved,
 * names the first that is not. With --env, those of another environment do not matter (but for promote). */
bool session_check(const struct session *, struct err *);
const struct source *session_source(const struct session *, const char *name); /* NULL when unknown */
/* Rows of a kind that was watched; RECORD_SOURCE always. */
const struct records *session_records(const struct session *, enum record_kind);
struct records *const *session_tables(const struct session *); /* RECORD_COUNT of them, for model/gather.h; NULL unwatched */

/* Sends a request; the reply comes by session_next(). */
uint64_t session_send(struct session *, struct request *);
/* The next message of that request; the caller frees it. NULL with *err when patience_ms passed without one
 * (ERR_UNREACHABLE; -1 waits as long as it takes) or a signal came (ERR_CANCELLED, its number in code). Watched
 * records go on being applied meanwhile. After MESSAGE_DONE nothing comes. */
struct message *session_next(struct session *, uint64_t request, int64_t patience_ms, struct err *);
/* Sends, and passes every message but DONE to each() (NULL: they are dropped) until DONE. Returns whether it went
 * well; on a wait that ended too early the request is cancelled. */
bool session_ask(struct session *, struct request *, int64_t patience_ms,
                 void (*each)(const struct message *, void *arg), void *arg, struct err *);
void session_cancel(struct session *, uint64_t request);
/* Whether a source has been other than live for ms now. */
bool session_is_dark(const struct session *, int64_t ms);
/* Sleeps at most ms, ending early on a signal (false, ERR_CANCELLED). For polling what has no descriptor. */
bool session_pause(struct session *, int64_t ms, struct err *);
/* A descriptor that is readable once a signal came: for a wait of one's own. */
int session_signal_fd(const struct session *);
bool session_signalled(const struct session *, struct err *); /* takes it; false when there was none */
#endif

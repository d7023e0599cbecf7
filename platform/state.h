/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_STATE_H
#define PLATFORM_STATE_H
/*
 * What the platform knows: records in memory, the lasting ones also in state.db (SQLite, WAL, synchronous=FULL,
 * 0600). The daemon is its only writer. Every accepted change of a public class gets the next cursor and is
 * handed to the watchers. Records handed out are borrowed until the next state_put or state_delete of the
 * same key. One thread: the daemon's.
 *
 * Journalling: state_put of a lasting class returns only after its commit reached the disk (fdatasync),
 * unless it stands between state_begin and state_commit, which commit together.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct err;
struct state;

/* Opens or makes DIR/state.db and reads all lasting records. Other classes than the public ones (the daemon's
 * own, platform/own.h) are registered by `own`, NULL at the end. */
struct state *state_open(const char *dir, const struct record_class *const *own, struct err *);
void state_close(struct state *);

bool state_begin(struct state *, struct err *);
bool state_commit(struct state *, struct err *); /* false: nothing of it is kept, memory is as before */
void state_abort(struct state *);                /* gives up what was begun: nothing of it is kept */
bool state_is_begun(const struct state *);
/* Begins nest: only the outermost commit counts. */

/* Copies *record. No change (record_equal): only as_of is updated, nothing is written or told. */
bool state_put(struct state *, const struct record_class *, const void *record, struct err *);
bool state_delete(struct state *, const struct record_class *, const char *key, struct err *);
/* For what may be lost with the daemon (events, the phase of an alert): in memory and told now, written by the next
 * state_flush(). */
void state_put_later(struct state *, const struct record_class *, const void *record);
/* In memory and told, never written: derived records, and those whose module keeps them itself (audit). */
void state_show(struct state *, const struct record_class *, const void *record);
void state_hide(struct state *, const struct record_class *, const char *key);
/* Called once when the first change waits for a flush: arm a timer. */
void state_on_later(struct state *, void (*later)(void *arg), void *arg);
/* Writes what waits, in one commit, and tidies memory. Not inside a walk. false: it waits on. */
bool state_flush(struct state *, struct err *);
const void *state_get(const struct state *, const struct record_class *, const char *key);
/* As state_get with the key put together from parts: state_getf(s, class, "%s/%s", service, environment). */
const void *state_getf(const struct state *, const struct record_class *, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Walk a class in the order of first insertion: for (size_t i = 0; (r = state_next(s, class, &i));). The record
 * under the walk may be put or deleted. */
const void *state_next(const struct state *, const struct record_class *, size_t *index);
size_t state_count(const struct state *, const struct record_class *);

/* Counts from 1, per name, without gaps: numbers of deploys, events, releases. A number becomes durable with the next
 * record that is written, so no number that a lasting record bears is given out again. */
int64_t state_serial(struct state *, const char *name);

struct db;
struct db *state_db(struct state *); /* for a module with a table of its own: platform/audit.c */

/* Changes, for the API. The callback gets the JSON line of the change (borrowed for the call). */
typedef void state_watcher(const struct record_class *, const char *json_line, size_t len, void *arg);
void state_watch(struct state *, state_watcher *, void *arg); /* one watcher: the API fans out */
void state_cursor(const struct state *, char out[64]);
/* The changes after a cursor, in order; false when it is too old or of another life: list again. */
bool state_replay(const struct state *, const char *cursor, state_watcher *, void *arg);
#define STATE_RING 10000 /* changes kept for replay, and at most 8 MiB of them */
#endif

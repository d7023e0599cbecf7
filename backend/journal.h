/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_JOURNAL_H
#define BACKEND_JOURNAL_H
/*
 * The console's own audit, for writes of providers that do not record them where they are done. One JSON
 * line an entry in $FAIRWAY_STATE_DIR/console-audit.log (else $XDG_STATE_HOME/fairway/…), 0600,
 * append-only, each line carrying the SHA-256 of itself chained to the one before. The intent is on disk
 * (fdatasync) and room for the outcome is reserved before journal_intent() returns; an intent without an
 * outcome reads as "unknown". The chain proves tampering only against a head kept elsewhere. Several
 * programs may append: flock(2). Backend thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/record.h"

struct arena;
struct audit_check;
struct message;

#define JOURNAL_LINE_MAX 4096

/* Path of the journal; free() it. NULL with err when there is no home for it. */
char *journal_path(struct err *);
/* "alice (uid 1000, login 1000, from 192.0.2.1 …)": who acts, by the kernel's word and SSH_CONNECTION. */
char *journal_who(const char *via); /* free() it */
/* Fills in entry->id, at, previous and hash (texts in the arena). False: the act must not happen. */
bool journal_intent(const char *path, struct audit_entry *entry, struct arena *, struct err *);
bool journal_outcome(const char *path, const char *id, enum audit_state, const char *detail, struct err *);
/* Calls each for every entry with its outcome joined, oldest first. False when the file cannot be read; a
 * missing one is fine. */
typedef void journal_each(const struct audit_entry *, void *arg);
bool journal_read(const char *path, journal_each *, void *arg, struct err *);
/* The whole journal as rows of a source of its own, "console"; NULL when it cannot be read. */
struct message *journal_rows(const char *path, uint64_t request);
/* Texts in the arena. */
bool journal_verify(const char *path, struct audit_check *, struct arena *, struct err *);
#endif

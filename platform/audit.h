/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_AUDIT_H
#define PLATFORM_AUDIT_H
/*
 * Who changed what, where and why: an append-only table of state.db, its rows chained by SHA-256. An intent is durable
 * before the act, its outcome is a second row; room on the disk for both is taken before the intent is accepted.
 *
 * hash(n) = SHA-256(field(hash(n-1)), field(text(n))) with fields as base/hash.h adds them; hash(0) is the empty text.
 * The chain proves tampering only against a head that was exported before. Its entries are shown as RECORD_AUDIT.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hash.h"
#include "model/record.h"

struct audit;
struct err;
struct state;

#define AUDIT_ID 24
#define AUDIT_WHO 160

struct audit *audit_new(struct state *, struct err *); /* NULL on failure; shows the newest entries */
void audit_free(struct audit *);

/* by, action, service, environment, reason and plan of the entry count. Gives the id. Takes part in a transaction that
 * was begun: then it is durable when that is. */
bool audit_intent(struct audit *, const struct audit_entry *, char id[AUDIT_ID], struct err *);
bool audit_outcome(struct audit *, const char *id, enum audit_state, const char *detail, struct err *);
/* Both at once, for what was refused or what the platform did by itself. */
bool audit_fact(struct audit *, const struct audit_entry *, enum audit_state, const char *detail, struct err *);

struct audit_check {
	int64_t entries;
	char head[HASH_HEX];
	bool is_ok;
	int64_t first_bad; /* number of the row; 0 when all is well */
};
bool audit_verify(struct audit *, struct audit_check *, struct err *);

/* "ana", "root (login ana)", "root (login ana) via 10.1.2.3": uid, the login uid of the process (/proc/PID/loginuid,
 * proc(5)) when it is another, and what it says of its SSH connection. Control bytes are left out. */
void audit_who(uid_t uid, pid_t pid, const char *via, char out[AUDIT_WHO]);
#endif

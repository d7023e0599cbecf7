/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SLOT_FILE_H
#define PLATFORM_SLOT_FILE_H
/*
 * What lies in slots/ID and is read by several processes (daemon, keeper, shim):
 *   lock  flock'ed by the instance; text "pid start boot-id pid-namespace started-at": its identity. Never
 *         unlinked.
 *   spec  what to run: records of "name=value" with a NUL after each (dir, arg, env, tag)
 *   exit  how the last instance ended; names the identity it speaks of, so that a stale one fools nobody
 *   log   the FIFO behind stdout and stderr
 * Replaced by rename: a reader sees the old or the new one. Any thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "platform/place.h"

#define SLOT_ID_MAX 160
/* [a-z0-9][-a-z0-9._]*, at most SLOT_ID_MAX: fit to be a file name. */
bool slot_id_is_valid(const char *id);

/* ---- the spec ---- */
struct slot_spec {
	const char *id;
	const char *dir;          /* absolute working folder */
	const char *const *argv;  /* NULL-ended; argv[0] is looked up in PATH of env unless it has a slash */
	const char *const *env;   /* "NAME=value", NULL-ended: the whole environment; see child_env_new() */
	const char *const *tags; /* "name=value", NULL-ended, may be NULL: the caller's, kept with the spec */
};
const char *slot_spec_tag(const struct slot_spec *, const char *name); /* NULL: absent */
bool slot_spec_write(int slot_dir, const struct slot_spec *, struct err *err);
struct slot_spec *slot_spec_read(int slot_dir, const char *id, struct err *err); /* one block: free() it */

/* ---- who runs ---- */
struct slot_identity {
	pid_t pid;               /* also its session */
	uint64_t start; /* field 22 of /proc/PID/stat, proc(5): ticks since boot; tells a reused pid */
	char boot_id[PLACE_BOOT_ID];
	uint64_t pid_namespace;
	int64_t started_at;      /* wall ms */
};
bool slot_identity_of(pid_t pid, uint64_t *start); /* false: no such process */
bool slot_identity_write(int lock_fd, const struct slot_identity *);
bool slot_identity_read(int lock_fd, struct slot_identity *); /* false: none there, or not whole */
/* The very process is there, and not a zombie. */
bool slot_identity_is_alive(const struct slot_identity *, const struct place *);

/* ---- how it ended ---- */
struct slot_exit {
	pid_t pid;        /* 0: it never came to run */
	uint64_t start;
	int64_t at;       /* wall ms when it was seen */
	bool is_seen;     /* false: keeper and daemon were both dead, nobody saw it: "not seen" */
	int status;       /* 128 + signal when a signal ended it */
	int signal;       /* 0: none */
	char error[200];  /* why it could not be started; "" otherwise */
};
bool slot_exit_write(int slot_dir, const struct slot_exit *);
bool slot_exit_read(int slot_dir, struct slot_exit *);
/* "exited with status 1", "ended by signal 9 (Killed)", "ended, not seen", or the error. */
void slot_exit_text(const struct slot_exit *, char *out, size_t size);

/* ---- the folder ---- */
/* The open folder slots/ID; -1, with ERR_NOT_FOUND when there is none. */
int slot_folder(const struct place *, const char *id, struct err *err);
int slot_folder_make(const struct place *, const char *id, struct err *err); /* made when missing */
/* Made when missing; opened both ways, non-blocking, close-on-exec. */
int slot_fifo_open(int slot_dir, struct err *err);
int slot_lock_open(int slot_dir, struct err *err); /* made when missing; not taken */
bool slot_lock_is_held(int lock_fd);               /* by an open file other than lock_fd's */
/* Each valid id on disk, in no order. */
void slot_ids_each(const struct place *, void (*each)(const char *id, void *arg), void *arg);
#endif

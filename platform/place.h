/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_PLACE_H
#define PLATFORM_PLACE_H
/*
 * The state folder of one platform, made and checked. Layout:
 *   daemon.lock keeper.lock   flock(2) decides who is the daemon, the keeper; never unlinked
 *   slots/ID/                 lock log(FIFO) spec exit raw.N index.N fault: see slot_file.h, slot_log.h
 *   releases/ builds/ relay/  made here, filled by others
 *   state.db daemon.log api.sock
 * All folders are 0700 and ours. On a network file system flock and rename do not hold what this design needs
 * of them: refused. Constant once opened; any thread may read it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define PLACE_BOOT_ID 37 /* /proc/sys/kernel/random/boot_id, random(4): 36 characters */

struct place {
	char *root;   /* absolute */
	char *socket; /* where the API listens; its folder exists and is ours alone */
	int root_fd, slots_fd;
	char boot_id[PLACE_BOOT_ID]; /* what is recorded under another one is dead */
	uint64_t pid_namespace;      /* inode of /proc/self/ns/pid: pids of another one mean nothing here */
};

bool place_open(struct place *, const char *root, struct err *err);
void place_close(struct place *); /* all zero is allowed */
/* A path below the root, free() it: place_path(p, "builds/%s.log", id). */
char *place_path(const struct place *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Takes the lock file ("daemon.lock", "keeper.lock"), waiting at most wait_ms. Returns the descriptor that
 * holds it (close-on-exec: the lock ends with it), -1 with ERR_REFUSED when another process has it. */
int place_lock(const struct place *, const char *name, int wait_ms, struct err *err);
/* Whether somebody holds the lock now: "is the daemon up", without taking it. */
bool place_is_locked(const struct place *, const char *name);
#endif

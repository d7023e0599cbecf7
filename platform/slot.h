/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SLOT_H
#define PLATFORM_SLOT_H
/*
 * Slots: places for one process each. At most one lives in a slot, ever, whatever dies and restarts around
 * it: the kernel holds that truth (a flock that the instance inherits), not a table of ours. Instances
 * outlive daemon and keeper; slots_adopt() finds them again.
 *
 * The daemon's thread only. Everything is told through the events, always from the loop, never from inside a
 * call. An instance that died is told as exited only when nothing of its session is left and every byte it
 * wrote is in the log.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/slot_file.h"

struct slots;

enum slot_phase {
	SLOT_EMPTY,    /* nothing ran here, or not in this boot */
	SLOT_STARTING, /* asked for; not yet executing the service */
	SLOT_RUNNING,
	SLOT_STOPPING, /* told to end, or its leader is dead and the rest of its session is being ended */
	SLOT_EXITED,
};

struct slots_events { /* any may be NULL; texts are borrowed for the call */
	void (*started)(const char *id, pid_t pid, void *arg);      /* the service executes */
	void (*exited)(const char *id, const struct slot_exit *, void *arg);
	void (*log_grew)(const char *id, void *arg); /* new bytes are stamped: readers may read */
	/* The log cannot be written (a full disk): reading stopped, the instance stalls once its FIFO is
	 * full, nothing is lost. Told again with false when it goes on. */
	void (*log_stalled)(const char *id, bool is_stalled, const struct err *, void *arg);
};

struct slots_config { /* zero is the default */
	int64_t log_file_bytes; /* 8 MiB */
	int log_files;          /* 4 kept */
	struct log *log;
};

/* Opens the slots of a place; the caller holds daemon.lock. Takes up the link to the keeper when there is
 * one: losing it ends in keeper_take_over() by itself. */
struct slots *slots_new(struct reactor *, const struct place *, const struct slots_config *,
                        const struct slots_events *, void *arg, struct err *err);
/* Lets go: instances go on running. */
void slots_free(struct slots *);

/* At the start of a daemon, once: looks at every slot on disk. Afterwards slot_info() tells of each
 * whether it runs (no `started` is told for these) or how it ended; the remains of dead leaders are ended
 * and told as exited. */
bool slots_adopt(struct slots *, struct err *err);

/* Starts spec->id. Refused while something lives there. Failure to execute comes later, as exited with its
 * error. */
bool slot_start(struct slots *, const struct slot_spec *, struct err *err);
/* Starts with the spec kept from last time. */
bool slot_start_again(struct slots *, const char *id, struct err *err);
/* SIGTERM to the session, SIGKILL to what is left of it after grace_ms (0: at once). True when there is
 * nothing to stop, too. A second call can only shorten the grace. */
bool slot_stop(struct slots *, const char *id, int64_t grace_ms, struct err *err);
bool slot_signal(struct slots *, const char *id, int signal, struct err *err); /* to the leader alone */
/* Removes the slot with its logs. Refused while something lives there; true when there is none. */
bool slot_remove(struct slots *, const char *id, struct err *err);

struct slot_info {
	const char *id;
	enum slot_phase phase;
	pid_t pid;                      /* of the leader; 0 unless running or stopping */
	int64_t started_at;             /* wall ms of the start; 0: never */
	bool is_adopted;                /* started by an earlier daemon */
	bool is_stalled;                /* its log cannot be written */
	const struct slot_exit *exit;   /* NULL unless phase is SLOT_EXITED */
	const struct slot_spec *spec;   /* the kept one; NULL when none was */
};
/* False: no such slot. What it points to lives until the next call into slots or turn of the loop. */
bool slot_info(const struct slots *, const char *id, struct slot_info *);
/* In the order of ids. The callback may start and stop slots, not remove them. */
void slots_each(struct slots *, void (*each)(const struct slot_info *, void *arg), void *arg);
#endif

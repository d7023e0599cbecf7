/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SUPERVISE_H
#define PLATFORM_SUPERVISE_H
/*
 * Slots that should run are started again when they exit: after 250 ms, doubling to 30 s, each ± 20 % so that
 * many do not come back in step; counted anew once an instance stayed up for 30 s. Five exits within 60 s are
 * a crash loop: said so, and still tried at the longest wait.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "platform/slot.h"

/* ---- the decision: pure, the time is passed in ---- */
#define SUPERVISE_EXITS 5

struct supervise { /* all zero: never exited */
	int64_t exits[SUPERVISE_EXITS]; /* monotonic ms of the last exits, a ring */
	unsigned n_exits;               /* all there were */
	unsigned streak;                /* exits since it last stayed up: the exponent */
};
struct supervise_verdict {
	int64_t wait_ms; /* before the next start */
	bool is_crash_loop;
};
/* An instance that ran up_ms exited at now_ms (monotonic). random: any 32 bits, for the jitter. */
struct supervise_verdict supervise_exited(struct supervise *, int64_t now_ms, int64_t up_ms, uint32_t random);

/* ---- the glue: the daemon's thread ---- */
struct supervisor;
struct supervisor_events {
	/* The slot will be started again in wait_ms. */
	void (*waiting)(const char *id, int64_t wait_ms, bool is_crash_loop, void *arg);
	/* A start that was due was refused. It is tried again as after an exit. */
	void (*failed)(const char *id, const struct err *, void *arg);
};
struct supervisor *supervisor_new(struct reactor *, struct slots *, const struct supervisor_events *,
                                  void *arg);
void supervisor_free(struct supervisor *);
/* From now on the slot should run. It is started with the spec when nothing lives there (at once; a slot
 * in crash loop starts counting anew); a running one is left alone, whatever spec it was started with. */
bool supervisor_want(struct supervisor *, const struct slot_spec *, struct err *err);
/* The same for a slot that was adopted, with the spec kept on disk. */
bool supervisor_want_again(struct supervisor *, const char *id, struct err *err);
/* From now on it is not started again. It is not stopped: see slot_stop(). May be called from an event. */
void supervisor_unwant(struct supervisor *, const char *id);
/* To be called from the owner's slots_events. */
void supervisor_on_started(struct supervisor *, const char *id);
void supervisor_on_exited(struct supervisor *, const char *id, const struct slot_exit *);

struct supervisor_state {
	bool is_wanted, is_crash_loop;
	unsigned restarts;     /* since this daemon watches it */
	int64_t next_start_ms; /* how long until the next start; -1: none due */
};
struct supervisor_state supervisor_state(const struct supervisor *, const char *id);
#endif

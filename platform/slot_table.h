/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SLOT_TABLE_H
#define PLATFORM_SLOT_TABLE_H
/* What slot.c (the table and its calls) and slot_life.c (one slot from start to end) share. Nobody else
 * includes it. */
#include "base/child.h"
#include "platform/keeper.h"
#include "platform/slot.h"
#include "platform/slot_log.h"

struct slot {
	struct slots *owner;
	char *id;
	int dir, fifo, lock; /* lock: to look at, never taken here */
	struct slot_log *log;
	struct slot_spec *spec;
	enum slot_phase phase;
	bool is_adopted;
	bool is_held;        /* the keeper has its FIFO open */
	bool is_stop_wanted;
	bool is_stalled;
	struct slot_identity who; /* of the one that lives or lived here; pid 0: unknown */
	struct slot_exit exit;

	/* while something lives */
	struct child child;          /* pidfd -1: none, or its leader is gone */
	bool is_own; /* a child of ours, not yet reaped: its number cannot be anybody else's */
	struct reactor_fd *on_child; /* its end */
	int report;                  /* a pipe that exec closes; -1 */
	struct reactor_fd *on_report;
	struct reactor_timer *timer; /* the one thing waited for: */
	void (*due)(struct slot *);
	int64_t kill_at;             /* monotonic ms; while stopping */
	unsigned rounds;             /* of ending the remains */
};

struct slots {
	struct reactor *reactor;
	const struct place *place;
	struct slots_config config;
	struct slots_events events;
	void *arg;
	struct keeper_link *link;
	char *program;
	struct slot **all; /* by id */
	size_t n;
};

struct slot *slot_find(const struct slots *, const char *id);
/* slot_life.c */
void slot_life_begin(struct slot *); /* from SLOT_STARTING: the rest happens in the loop */
void slot_life_held(struct slot *);                       /* the keeper has the FIFO */
void slot_life_adopt(struct slot *);                      /* finds out what lives there */
void slot_life_stop(struct slot *, int64_t grace_ms);
void slot_life_finish(struct slot *);                     /* lets go of what is alive */
#endif

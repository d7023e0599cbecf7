/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_REACTOR_H
#define PLATFORM_REACTOR_H
/*
 * The daemon's one loop: descriptors, timers and deferred calls on epoll(7). One thread; nothing here may be
 * called from another. With nothing to do it sleeps without a wake-up.
 *
 * Handles belong to the caller until removed, also when a timer has fired. Everything may be added, changed
 * and removed inside any callback; what was removed is never called again, not even in the same turn.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { /* bits of what a descriptor is watched for, and of what happened */
	REACTOR_READ = 1,
	REACTOR_WRITE = 2,
	REACTOR_HANGUP = 4, /* told always, asked for or not: hang-up or error */
};

struct reactor;
struct reactor_fd;
struct reactor_timer;

struct reactor *reactor_new(struct err *); /* NULL on failure */
void reactor_free(struct reactor *);       /* handles still there are freed; their descriptors stay open */

/* Watches fd (level-triggered; pollable: not a regular file). One watch per descriptor. The descriptor
 * stays the caller's: remove the watch before closing it. NULL with err when the kernel refuses. */
struct reactor_fd *reactor_fd_add(struct reactor *, int fd, unsigned events,
                                  void (*ready)(int fd, unsigned events, void *arg), void *arg, struct err *);
void reactor_fd_watch(struct reactor_fd *, unsigned events); /* 0 pauses it: not even a hang-up is told */
void reactor_fd_remove(struct reactor_fd *);

/* A timer that fires after_ms from now (0: next turn; negative: not until set), then every every_ms (0:
 * once). Monotonic time. A late periodic timer fires once, not once for every period missed. */
struct reactor_timer *reactor_timer_add(struct reactor *, int64_t after_ms, int64_t every_ms,
                                        void (*fired)(void *arg), void *arg);
void reactor_timer_set(struct reactor_timer *, int64_t after_ms); /* sets it anew; negative stops it */
bool reactor_timer_is_set(const struct reactor_timer *);
void reactor_timer_remove(struct reactor_timer *);

/* Calls once, after the callback that runs now and before the loop sleeps, in the order asked for. */
void reactor_defer(struct reactor *, void (*call)(void *arg), void *arg);
/* Forgets every deferred call with this argument: for the finish of an object. */
void reactor_defer_cancel(struct reactor *, const void *arg);

void reactor_run(struct reactor *);  /* until reactor_stop() */
void reactor_stop(struct reactor *); /* reactor_run() returns after this turn */
/* One turn that waits at most max_wait_ms (negative: as long as needed); false once stopped. For tests. */
bool reactor_turn(struct reactor *, int64_t max_wait_ms);
/* Turns that slept and woke: what idleness is measured by. */
uint64_t reactor_wakeups(const struct reactor *);
#endif

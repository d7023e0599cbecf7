/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_ROLLOUT_H
#define PLATFORM_ROLLOUT_H
/*
 * What a deploy does next: pure decisions over facts, no clock, no I/O. platform/deploy.c gathers the facts,
 * asks, and acts. A step is judged again whenever a fact may have changed, so every judgement only looks at
 * how things are. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rollout_step {
	ROLLOUT_BUILD,
	ROLLOUT_START,
	ROLLOUT_HEALTHY,
	ROLLOUT_CUT_OVER,
	ROLLOUT_DRAIN,
	ROLLOUT_WATCH,
	ROLLOUT_BACK, /* only after a failure: the release before comes back */
	ROLLOUT_STEPS,
};
extern const char *const rollout_step_names[ROLLOUT_STEPS]; /* "build", "start", … "roll back" */

#define ROLLOUT_READY_MS 60000  /* for all instances to become ready */
#define ROLLOUT_ROUTE_MS 10000  /* for the relay to take up the table */
#define ROLLOUT_DRAIN_MS 10000  /* for requests at the old instances */
#define ROLLOUT_END_MS 15000    /* for the old instances to end */
#define ROLLOUT_SETTLE_MS 10000 /* after the watch, for an instance that is not ready just then */

struct rollout_facts {
	int count;                /* instances wanted */
	int ready, failing;       /* of the new release */
	const char *reason;       /* of the first failing one, or why it is not ready; may be NULL or "" */
	bool has_release;         /* it is built */
	bool has_old;             /* another release served before */
	int old_alive, old_ready; /* its instances */
	int draining;             /* requests at the side that is being left; -1: not known yet */
	bool has_route;           /* the placement has a stable address */
	bool is_in_force;         /* the relay serves by the newest table */
	int64_t in_step_ms;
	int64_t watch_left_ms;
	int64_t migrations; /* what the new release brought to a database; <= 0: none known */
};

enum rollout_verdict {
	ROLLOUT_WAIT, /* look again at a change, or in wait_ms */
	ROLLOUT_NEXT, /* the step is done */
	ROLLOUT_FAIL, /* reason says why */
};
struct rollout_answer {
	enum rollout_verdict verdict;
	int64_t wait_ms;
	bool ends_old; /* drain, roll back: the side that was left may be stopped now */
	char reason[200];
};
void rollout_judge(enum rollout_step, const struct rollout_facts *, struct rollout_answer *);
/* After a step failed: whether the release before is to be brought back. false with why in *reason when it
 * cannot be. */
bool rollout_goes_back(enum rollout_step failed, const struct rollout_facts *, const char **reason);
#endif

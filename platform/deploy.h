/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_DEPLOY_H
#define PLATFORM_DEPLOY_H
/*
 * Deploys: bringing a release to a placement, as a journalled sequence of steps
 *   build → start → healthy → cut over → drain → watch
 * Every step is committed in the deploy's record before it acts and after it is done, and every act is
 * idempotent: a daemon that was killed anywhere goes on with the step that was under way. What fails
 * before the cut over ends the new instances; what serves is not touched. Failing instances in the watch
 * bring the release before back by itself (unless migrations stand between); the abandoned release is
 * marked bad. The daemon's thread.
 *
 * One deploy at a time per placement, any number of placements side by side. What decides is pure:
 * platform/rollout.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct daemon;
struct deploys;
struct err;

struct deploys *deploys_new(struct daemon *, struct err *);
void deploys_free(struct deploys *);
/* After fleet_resume(): takes up every deploy that was under way. */
bool deploys_resume(struct deploys *, struct err *);

struct deploy_wish {      /* copied */
	const char *kind; /* "deploy", "promote", "rollback" */
	const char *service, *environment;
	int64_t release;     /* a kept one; RECORD_NONE: to be built */
	const char *version; /* to be built: NULL is what lies in the folder now */
	const char *by, *reason;
	int trigger;      /* enum trigger */
	int64_t watch_ms; /* RECORD_NONE: what the service says */
	bool despite_bad;
};
/* Writes the record and begins. The deploy is borrowed as records of state are. NULL: refused (another one
 * is under way, the release is bad, nothing is known of the service), nothing was written. A rollback
 * while a deploy is in its watch ends that one as rolled_back. */
const struct deploy *deploy_begin(struct deploys *, const struct deploy_wish *, struct err *);
/* The one under way there, or NULL. */
const struct deploy *deploy_under_way(const struct deploys *, const char *service, const char *environment);
/* Before the cut over: ends the new instances, state cancelled. After it: refused, a rollback is the way. */
bool deploy_cancel(struct deploys *, const char *service, const char *environment, const char *by,
		   struct err *);
#endif

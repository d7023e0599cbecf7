/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_DEPLOY_RECORD_H
#define PLATFORM_DEPLOY_RECORD_H
/*
 * The journal of a deploy: its public record and what it must know beside it (own_rollout), always written
 * together. Every function commits before it returns; then whoever follows the deploy is told. For
 * platform/deploy.c only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/record.h"
#include "platform/rollout.h"

struct daemon;
struct deploy_wish;
struct err;

/* release NULL: to be built. NULL: not written. */
const struct deploy *deploy_record_new(struct daemon *, const struct deploy_wish *, const struct release *,
				       int64_t from_release, const char *folder, struct err *err);
/* The step under way: the first that is not over. */
enum rollout_step deploy_record_step(const struct deploy *);
bool deploy_record_begin(struct daemon *, const char *id, enum rollout_step, struct err *err);
bool deploy_record_done(struct daemon *, const char *id, enum rollout_step);
/* The release is known: after the build. */
bool deploy_record_release(struct daemon *, const char *id, const struct release *, struct err *err);
bool deploy_record_plan(struct daemon *, const char *id, int64_t count, int64_t watch_ms, struct err *err);
/* The watch begins, and is to last that long. */
bool deploy_record_watch(struct daemon *, const char *id, int64_t ms, struct err *err);
/* The step failed and the release before comes back. */
bool deploy_record_back(struct daemon *, const char *id, enum rollout_step failed, const char *why);
/* It is over: the step is done, or failed unless it succeeded; those after it are skipped. detail may be
 * NULL. */
bool deploy_record_end(struct daemon *, const char *id, enum rollout_step last, enum deploy_state,
		       const char *detail);
/* As DEPLOY_FAILED; whoever follows it is told the kind as well, which its record does not keep. */
bool deploy_record_fail(struct daemon *, const char *id, enum rollout_step last, const struct err *why);
#endif

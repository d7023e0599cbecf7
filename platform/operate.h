/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_OPERATE_H
#define PLATFORM_OPERATE_H
/*
 * Everything that changes something: wish, plan, confirmation, audit, act, outcome. One row an action in operate.c; what
 * an action does is in plan_*.c, which see platform/operate_row.h.
 *
 * A plan lives in memory, 5 minutes, is used once, and remembers what it was made from: executing it makes it anew and
 * refuses when that changed. The daemon's thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/record.h"

struct daemon;
struct operate;

#define OPERATE_ID 33 /* 32 hex digits and NUL: ids of plans and operations */

struct operate *operate_new(struct daemon *, struct err *);
void operate_free(struct operate *);
/* After the deploys were resumed: goes on watching what is still under way, and writes "unknown" behind every intent that
 * the last daemon left open. */
bool operate_resume(struct operate *, struct err *);

/* by: who asks, as audit_who() tells. The plan is borrowed until it is used or over. NULL: the wish makes no sense
 * (ERR_USAGE) or names what is not there (ERR_NOT_FOUND). A plan that will be refused has `refusal`. */
const struct plan *operate_plan(struct operate *, const struct wish *, const char *by, struct err *);
/* confirm: the plan's `confirm` for protected ones, "yes" (or that) for changing ones, ignored for reversible ones. The
 * operation is borrowed until the loop turns; NULL: refused, failed, or no such plan. */
const struct operation *operate_execute(struct operate *, const char *plan, const char *confirm, const char *reason,
                                        const char *by, struct err *);
const struct operation *operate_find(const struct operate *, const char *id);
const struct operation *operate_undo(struct operate *, const char *operation, const char *by, struct err *);

/* A deploy was written: operations that follow it are told of it. failure: how one that failed is told. */
void operate_on_deploy(struct operate *, const struct deploy *, enum err_kind failure);
/* An operation changed. One listener: the API. */
void operate_watch(struct operate *, void (*changed)(const struct operation *, void *arg), void *arg);
#endif

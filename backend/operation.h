/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_OPERATION_H
#define BACKEND_OPERATION_H
/*
 * The one gate in front of everything that changes something, for both faces: no write without a plan that
 * was made here, is at most 5 minutes old, is confirmed as its class wants, and is used for the first
 * time; nothing at all in a read-only context or environment. Providers check again what only they can
 * know. Backend thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/config.h"
#include "model/record.h"

struct err;
struct operations;

#define OPERATION_PLAN_MS (5 * 60 * 1000)

struct operations *operations_new(void);
void operations_free(struct operations *);

/* A provider made this plan: it is kept, and sharpened by the configuration (a protected environment makes a
 * changing plan protected; read-only gives it a refusal; one without an id or an end gets them). Texts that are
 * added lie in the arena. */
void operations_learn(struct operations *, const struct config_context *, const char *source,
		      const struct wish *, struct plan *, struct arena *, int64_t now);

struct admission {
	const char *source;       /* who made the plan; borrowed until the next call */
	const struct plan *plan;
	const struct wish *wish;  /* what it was made for */
};
/* Whether a plan may be executed now; uses it up when it may. confirm: what was typed, NULL for nothing. */
bool operations_admit(struct operations *, const char *plan, const char *confirm, int64_t now,
		      struct admission *, struct err *);
/* For what needs no plan (undo): whether the context allows changes at all. */
bool operations_allowed(const struct config_context *, struct err *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_OPERATE_ROW_H
#define PLATFORM_OPERATE_ROW_H
/*
 * What an action brings to platform/operate.c: a row with functions that plan, execute and undo it.
 */
#include "base/mem.h"
#include "base/str.h"
#include "model/action.h"
#include "model/record.h"
#include "platform/daemon.h"
#include "base/err.h"

#define PLAN_LIST 200

struct planning { /* a plan while it is made; texts lie in the arena, which the plan keeps */
	struct daemon *daemon;
	struct arena *arena;
	const struct wish *wish;
	const char *by;
	struct plan *plan;
	struct str basis; /* what the plan rests on: when it reads otherwise later, the plan is refused */
	const char *changes[PLAN_LIST], *steps[PLAN_LIST], *warnings[PLAN_LIST], *locks[PLAN_LIST];
	const char *commands[PLAN_LIST];
	size_t n_changes, n_steps, n_warnings, n_locks, n_commands;
};
/* The text as one word of a shell: as it is, or in quotes. For `equivalent`, which people copy. */
const char *plan_word(struct planning *, const char *text);
void plan_change(struct planning *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_warn(struct planning *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void plan_step(struct planning *, const char *name);
void plan_lock(struct planning *, const char *text);
void plan_command(struct planning *, const char *text);
void plan_basis(struct planning *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first refusal counts. */
void plan_refuse(struct planning *, enum err_kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An operation under way. What is set in `record` lies in its arena; operation_tell() shows it. */
struct running {
	struct daemon *daemon;
	struct arena arena;
	struct operation record;
	const struct wish *wish; /* of the plan; lies in the arena */
	const char *by, *reason; /* reason: given at the confirmation, or with the wish */
	char audit[24];
	const char *deploy;      /* the deploy it follows, or NULL */
	struct step steps[PLAN_LIST];
	const char *undo;        /* what undo needs to know */
	void *task;              /* of an action that goes on by itself */
};
void operation_step(struct running *, const char *name, enum step_state, const char *detail);
void operation_tell(struct running *);
/* Ends it: audited, told. err NULL: done. detail: one sentence. */
void operation_end(struct running *, const struct err *, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* It ends as the deploy does. */
void operation_follow(struct running *, const char *deploy);

struct operate_row {
	const char *action;
	/* Fills the plan. false: the wish makes no sense. */
	bool (*plan)(struct planning *, struct err *);
	/* Acts. true: it has begun (and ended, when operation_end() was called inside). false: nothing was done. */
	bool (*execute)(struct running *, struct err *);
	/* NULL: cannot be undone. */
	bool (*undo)(struct running *, struct err *);
};
/* Rows of each file, an empty one at the end. */
extern const struct operate_row plan_rollout_rows[], plan_note_rows[], plan_folder_rows[], plan_prove_rows[];
#endif

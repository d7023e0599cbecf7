/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ATTEMPT_H
#define CLI_ATTEMPT_H
/*
 * The one way in which a verb changes something: plan → confirm → execute → outcome, through the backend's engine.
 * Progress goes to stderr, the record that came of it to stdout. Main thread.
 */
#include "base/mem.h"
#include "cli/verb.h"
#include "model/record.h"

struct cJSON;

struct attempt { /* all zero to start with */
	struct arena arena;         /* holds what follows */
	struct plan plan;
	struct operation operation; /* its state is AUDIT_RECORDED until there is an outcome */
	struct err outcome;         /* ERR_NONE: done */
};
void attempt_finish(struct attempt *);

/* Asks for the plan. False: it could not be had. A plan that will be refused is a plan: see plan.refusal. */
bool attempt_plan(struct cli *, const struct wish *, struct attempt *, struct err *);
/* Whether the plan may be executed: it is not refused, and was confirmed by --yes, --confirm or at the terminal. is_meant:
 * a changing one needs no --yes (the verb said so itself). Shows the plan before it asks or refuses. */
bool attempt_confirm(struct cli *, const struct attempt *, bool is_meant, struct err *);
/* Executes and waits for the outcome, telling steps. False: *err says what went wrong, attempt.operation how far it came. */
bool attempt_execute(struct cli *, struct attempt *, struct err *);
/* Plan, confirm, execute and print, or with --dry-run only the plan. Appends JSON to array, or prints it when that is
 * NULL. Returns the exit status. */
int attempt_run(struct cli *, const struct wish *, bool is_meant, struct cJSON *array);
/* The plan as text (is_error: to stderr). */
void attempt_show_plan(const struct plan *, bool is_error);
/* What came of it: the record that was made, or the operation. */
void attempt_print(struct cli *, const struct attempt *, struct cJSON *array);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define PLANS_MAX 64 /* older ones are forgotten: nobody confirms so many at once */

struct kept {
	struct arena arena;
	struct plan plan;
	struct wish wish;
	const char *source;
	int64_t made_at;
	bool is_used;
};
struct operations {
	struct kept plans[PLANS_MAX];
	size_t next;
};

struct operations *operations_new(void)
{
	return mem_alloc(sizeof(struct operations));
}

void operations_free(struct operations *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < PLANS_MAX; i++)
		arena_finish(&o->plans[i].arena);
	free(o);
}

bool operations_allowed(const struct config_context *context, struct err *err)
{
	if (!context->is_read_only)
		return true;
	return err_set(err, ERR_REFUSED, "context %s is read-only", context->name);
}

static const struct config_environment *environment_of(const struct config_context *context, const char *name)
{
	for (size_t i = 0; name && i < context->n_environments; i++)
		if (str_eq(context->environments[i].name, name))
			return &context->environments[i];
	return NULL;
}

static void refuse(struct plan *plan, const char *sentence)
{
	plan->refusal = sentence;
	plan->refusal_kind = err_kind_name(ERR_REFUSED);
}

static void sharpen(const struct config_context *context, struct plan *plan, struct arena *arena)
{
	const struct config_environment *e = environment_of(context, plan->environment);
	if (context->is_read_only && !plan->refusal)
		refuse(plan, arena_printf(arena, "context %s is read-only", context->name));
	if (e && e->is_read_only && !plan->refusal)
		refuse(plan, arena_printf(arena, "environment %s is read-only", e->name));
	if (e && e->is_protected && plan->class == OP_CHANGING)
		plan->class = OP_PROTECTED;
	if (plan->class == OP_PROTECTED && !plan->confirm)
		plan->confirm = arena_printf(arena, "%s/%s", plan->environment ? plan->environment : "",
					     plan->service ? plan->service : "");
}

static const char *random_id(struct arena *arena)
{
	unsigned char bytes[16];
	char *id = arena_alloc(arena, 2 * sizeof(bytes) + 1);
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return id;
}

void operations_learn(struct operations *o, const struct config_context *context, const char *source,
                      const struct wish *wish, struct plan *plan, struct arena *arena, int64_t now)
{
	sharpen(context, plan, arena);
	if (!plan->id)
		plan->id = random_id(arena);
	if (!plan->expires_at)
		plan->expires_at = now + OPERATION_PLAN_MS;
	struct kept *k = &o->plans[o->next++ % PLANS_MAX];
	arena_finish(&k->arena);
	*k = (struct kept){.made_at = now};
	record_copy(record_class(RECORD_PLAN), &k->plan, plan, &k->arena);
	record_copy(record_class(RECORD_WISH), &k->wish, wish, &k->arena);
	k->source = arena_dup(&k->arena, source);
}

static bool is_confirmed(const struct plan *plan, const char *confirm, struct err *err)
{
	switch (plan->class) {
	case OP_REVERSIBLE:
		return true;
	case OP_CHANGING:
		if (!str_empty(confirm))
			return true;
		return err_set(err, ERR_REFUSED, "%s was not confirmed", plan->action);
	default:
		if (str_eq(confirm, plan->confirm))
			return true;
		return err_set(err, ERR_REFUSED, "%s is protected: type %s to confirm it",
			       plan->environment ? plan->environment : plan->action, plan->confirm);
	}
}

static bool is_refused(const struct plan *plan, struct err *err)
{
	if (!plan->refusal)
		return false;
	err_set(err, plan->refusal_kind ? err_kind_of(plan->refusal_kind) : ERR_REFUSED, "%s", plan->refusal);
	return true;
}

bool operations_admit(struct operations *o, const char *plan, const char *confirm, int64_t now,
                      struct admission *admission, struct err *err)
{
	struct kept *k = NULL;
	for (size_t i = 0; plan && i < PLANS_MAX && !k; i++)
		if (str_eq(o->plans[i].plan.id, plan))
			k = &o->plans[i];
	if (!k)
		return err_set(err, ERR_REFUSED, "there is no such plan: plan it again");
	if (k->is_used)
		return err_set(err, ERR_REFUSED, "this plan was used already: plan it again");
	/* The wall clock may jump back; a plan from the future is as old as one from the past. */
	if (now - k->made_at > OPERATION_PLAN_MS || now < k->made_at - 1000)
		return err_set(err, ERR_REFUSED, "this plan is older than 5 minutes: plan it again");
	if (is_refused(&k->plan, err) || !is_confirmed(&k->plan, confirm, err))
		return false;
	k->is_used = true;
	*admission = (struct admission){.source = k->source, .plan = &k->plan, .wish = &k->wish};
	return true;
}

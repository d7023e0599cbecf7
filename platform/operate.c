/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/operate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "platform/audit.h"
#include "platform/operate_row.h"
#include "platform/own.h"
#include "platform/prove.h"
#include "platform/reactor.h"
#include "platform/state.h"

#define PLAN_LIFE_MS (5 * 60 * 1000)
#define UNDO_MS 10000
#define PLANS_MAX 256       /* the oldest gives way */
#define OPERATIONS_KEPT 256 /* ended ones */

struct planned {
	struct planned *next;
	struct arena arena;
	struct wish wish;
	struct plan plan;
	char *basis;
	int64_t expires_mono;
};
struct operate {
	struct daemon *daemon;
	struct planned *plans;     /* newest first */
	struct running **running;  /* oldest first; ended ones stay for a while */
	size_t n_running, cap_running;
	void (*changed)(const struct operation *, void *arg);
	void *changed_arg;
};

static const struct operate_row *const row_lists[] = {
	plan_rollout_rows, plan_note_rows, plan_folder_rows, plan_prove_rows,
};

static const struct operate_row *find_row(const char *action)
{
	for (size_t i = 0; i < sizeof(row_lists) / sizeof(row_lists[0]); i++)
		for (const struct operate_row *row = row_lists[i]; row->action; row++)
			if (str_eq(row->action, action))
				return row;
	return NULL;
}

static void random_id(char out[OPERATE_ID])
{
	unsigned char bytes[16];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- plans ---- */

static void free_plan(struct planned *p)
{
	if (!p)
		return;
	arena_finish(&p->arena);
	free(p->basis);
	free(p);
}

static void forget_old_plans(struct operate *o)
{
	int64_t now = clock_mono_ms();
	size_t n = 0;
	for (struct planned **at = &o->plans; *at;) {
		struct planned *p = *at;
		if (p->expires_mono > now && ++n < PLANS_MAX) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		free_plan(p);
	}
}

static struct planned *take_plan(struct operate *o, const char *id)
{
	forget_old_plans(o);
	for (struct planned **at = &o->plans; *at; at = &(*at)->next)
		if (str_eq((*at)->plan.id, id)) {
			struct planned *p = *at;
			*at = p->next;
			return p;
		}
	return NULL;
}

static struct texts kept(struct arena *arena, const char *const *items, size_t n)
{
	const char **copy = arena_alloc(arena, (n + 1) * sizeof(*copy));
	memcpy(copy, items, n * sizeof(*copy));
	return (struct texts){copy, n};
}

static void set_class(struct planning *p, const struct action *action)
{
	struct plan *plan = p->plan;
	plan->class = action->class;
	const struct environment *env =
		plan->environment ? state_get(p->daemon->state, record_class(RECORD_ENVIRONMENT), plan->environment) : NULL;
	if (!env)
		return;
	plan_basis(p, "environment %d %d;", env->is_protected, env->is_read_only);
	if (env->is_read_only && action->class != OP_REVERSIBLE)
		plan_refuse(p, ERR_REFUSED, "%s is read-only", env->name);
	if (env->is_protected && action->class == OP_CHANGING && !plan->confirm) {
		plan->class = OP_PROTECTED;
		plan->confirm = arena_printf(p->arena, "%s/%s", env->name, plan->service ? plan->service : "all");
	} else if (plan->confirm) {
		plan->class = OP_PROTECTED;
	}
	if (plan->confirm && plan->equivalent)
		plan->equivalent = arena_printf(p->arena, "%s --confirm %s", plan->equivalent, plan->confirm);
}

/* Fills p->plan, whose id and times are the caller's. */
static bool make_plan(struct daemon *daemon, struct arena *arena, const struct wish *wish, const char *by,
                      struct plan *plan, struct str *basis, struct err *err)
{
	const struct action *action = action_find(wish->action);
	const struct operate_row *row = action ? find_row(wish->action) : NULL;
	if (!action)
		return err_set(err, ERR_USAGE, "there is no action \"%.40s\"", wish->action);
	if (action->wants & ACTION_ELSEWHERE)
		return err_set(err, ERR_REFUSED, "the embedded platform has no %s: a cluster may", wish->action);
	if (!row)
		return err_set(err, ERR_USAGE, "%s is done by the console or the command line, not by the platform",
		               wish->action);
	if ((action->wants & WISH_REASON_NEEDED) && str_empty(wish->reason))
		return err_set(err, ERR_USAGE, "%s needs a reason", wish->action);
	record_init(record_class(RECORD_PLAN), plan);
	struct planning p = {.daemon = daemon, .arena = arena, .wish = wish, .by = by, .plan = plan};
	plan->action = wish->action;
	plan->service = wish->service;
	plan->environment = wish->environment;
	bool ok = row->plan(&p, err);
	if (ok) {
		set_class(&p, action);
		plan->changes = kept(arena, p.changes, p.n_changes);
		plan->steps = kept(arena, p.steps, p.n_steps);
		plan->warnings = kept(arena, p.warnings, p.n_warnings);
		plan->locks = kept(arena, p.locks, p.n_locks);
		plan->commands = kept(arena, p.commands, p.n_commands);
	}
	*basis = p.basis;
	return ok;
}

const struct plan *operate_plan(struct operate *o, const struct wish *wish, const char *by, struct err *err)
{
	struct planned *p = mem_alloc(sizeof(*p));
	struct str basis = {0};
	char id[OPERATE_ID];
	record_copy(record_class(RECORD_WISH), &p->wish, wish, &p->arena);
	if (!make_plan(o->daemon, &p->arena, &p->wish, by, &p->plan, &basis, err)) {
		str_finish(&basis);
		free_plan(p);
		return NULL;
	}
	p->basis = str_detach(&basis);
	random_id(id);
	p->plan.id = arena_dup(&p->arena, id);
	p->plan.expires_at = clock_wall_ms() + PLAN_LIFE_MS;
	p->expires_mono = clock_mono_ms() + PLAN_LIFE_MS;
	p->plan.base.as_of = clock_wall_ms();
	forget_old_plans(o);
	p->next = o->plans;
	o->plans = p;
	return &p->plan;
}

/* ---- executing ---- */

static void free_running(struct running *r)
{
	arena_finish(&r->arena);
	free(r);
}

static struct running *new_running(struct operate *o, const struct planned *p, const char *reason, const char *by)
{
	struct running *r = mem_alloc(sizeof(*r));
	char id[OPERATE_ID];
	random_id(id);
	r->daemon = o->daemon;
	struct wish *wish = arena_alloc(&r->arena, sizeof(*wish));
	record_copy(record_class(RECORD_WISH), wish, &p->wish, &r->arena);
	r->wish = wish;
	r->by = arena_dup(&r->arena, by);
	r->reason = arena_dup(&r->arena, str_empty(reason) ? wish->reason : reason);
	struct operation *op = &r->record;
	record_init(record_class(RECORD_OPERATION), op);
	op->id = arena_dup(&r->arena, id);
	op->plan = arena_dup(&r->arena, p->plan.id);
	op->action = wish->action;
	op->service = arena_dup(&r->arena, p->plan.service);
	op->environment = arena_dup(&r->arena, p->plan.environment);
	op->state = AUDIT_RECORDED;
	op->started_at = clock_wall_ms();
	op->steps.items = r->steps;
	for (size_t i = 0; i < p->plan.steps.n; i++)
		operation_step(r, p->plan.steps.items[i], STEP_WAITING, NULL);
	return r;
}

static struct audit_entry entry_of(const struct plan *plan, const char *reason, const char *by)
{
	struct audit_entry entry;
	record_init(record_class(RECORD_AUDIT), &entry);
	entry.by = by;
	entry.action = plan->action;
	entry.service = plan->service;
	entry.environment = plan->environment;
	entry.reason = reason;
	entry.plan = plan->id;
	return entry;
}

static bool is_confirmed(const struct plan *plan, const char *confirm, struct err *err)
{
	if (plan->class == OP_REVERSIBLE)
		return true;
	if (plan->class == OP_PROTECTED)
		return str_eq(confirm, plan->confirm) ||
		       err_set(err, ERR_REFUSED, "%s is protected: confirm with \"%s\"",
		               plan->environment ? plan->environment : "an environment of it", plan->confirm);
	return str_eq(confirm, "yes") || (plan->confirm && str_eq(confirm, plan->confirm)) ||
	       err_set(err, ERR_REFUSED, "it changes something: confirm with \"yes\"");
}

/* Makes the plan again: what it rests on must read as it did. */
static bool still_holds(struct operate *o, struct planned *p, const char *by, struct err *err)
{
	struct arena arena = {0};
	struct plan again;
	struct str basis = {0};
	bool ok = make_plan(o->daemon, &arena, &p->wish, by, &again, &basis, err);
	if (ok && again.refusal) {
		ok = err_set(err, err_kind_of(again.refusal_kind), "%s", again.refusal);
	} else if (ok && strcmp(str_text(&basis), p->basis) != 0) {
		ok = err_set(err, ERR_REFUSED, "changed since the plan: look at a new one");
		if (err)
			err->code = 409;
	}
	str_finish(&basis);
	arena_finish(&arena);
	return ok;
}

static void keep_running(struct operate *o, struct running *r)
{
	if (o->n_running >= OPERATIONS_KEPT)
		for (size_t i = 0; i < o->n_running; i++) {
			if (!o->running[i]->record.ended_at)
				continue;
			free_running(o->running[i]);
			memmove(&o->running[i], &o->running[i + 1], (o->n_running - i - 1) * sizeof(*o->running));
			o->n_running--;
			break;
		}
	if (o->n_running == o->cap_running) {
		o->cap_running = o->cap_running ? o->cap_running * 2 : 16;
		o->running = mem_grow(o->running, o->cap_running, sizeof(struct running *));
	}
	o->running[o->n_running++] = r;
}

static bool write_intent(struct operate *o, struct running *r, const struct plan *plan, struct err *err)
{
	struct state *state = o->daemon->state;
	struct audit_entry entry = entry_of(plan, r->reason, r->by);
	if (!state_begin(state, err))
		return false;
	struct own_journal journal;
	record_init(own_class(OWN_JOURNAL), &journal);
	bool ok = audit_intent(o->daemon->audit, &entry, r->audit, err);
	journal.id = r->record.id;
	journal.action = plan->action;
	journal.service = plan->service;
	journal.environment = plan->environment;
	journal.audit = r->audit;
	journal.at = r->record.started_at;
	if (ok && state_put(state, own_class(OWN_JOURNAL), &journal, err))
		ok = state_commit(state, err);
	else
		ok = false;
	state_abort(state);
	if (!ok)
		state_hide(state, record_class(RECORD_AUDIT), r->audit); /* it was shown, and is not kept */
	return ok;
}

const struct operation *operate_execute(struct operate *o, const char *plan_id, const char *confirm, const char *reason,
                                        const char *by, struct err *err)
{
	struct planned *p = take_plan(o, plan_id);
	if (!p) {
		err_set(err, ERR_REFUSED, "there is no such plan: it was used, or is older than 5 minutes; plan anew");
		if (err)
			err->code = 409;
		return NULL;
	}
	struct err why = {0};
	if (!is_confirmed(&p->plan, confirm, &why) || !still_holds(o, p, by, &why)) {
		struct audit_entry entry = entry_of(&p->plan, str_empty(reason) ? p->wish.reason : reason, by);
		audit_fact(o->daemon->audit, &entry, AUDIT_REFUSED, why.text, NULL);
		free_plan(p);
		if (err)
			*err = why;
		return NULL;
	}
	struct running *r = new_running(o, p, reason, by);
	if (!write_intent(o, r, &p->plan, err)) {
		err_prefix(err, "refused, because it cannot be audited (the same by hand: %s)",
		           p->plan.equivalent ? p->plan.equivalent : "none");
		if (err)
			err->kind = ERR_REFUSED;
		free_running(r);
		free_plan(p);
		return NULL;
	}
	free_plan(p);
	const struct operate_row *row = find_row(r->record.action);
	keep_running(o, r);
	if (!row->execute(r, &why) && !r->record.ended_at)
		operation_end(r, &why, "%s", why.text);
	else if (row->undo && r->record.state == AUDIT_DONE)
		r->record.undo_until = clock_wall_ms() + UNDO_MS;
	return &r->record;
}

static struct running *find_running(const struct operate *o, const char *id)
{
	for (size_t i = 0; i < o->n_running; i++)
		if (str_eq(o->running[i]->record.id, id))
			return o->running[i];
	return NULL;
}

const struct operation *operate_find(const struct operate *o, const char *id)
{
	const struct running *r = find_running(o, id);
	return r ? &r->record : NULL;
}

const struct operation *operate_undo(struct operate *o, const char *id, const char *by, struct err *err)
{
	struct running *r = find_running(o, id);
	if (!r) {
		err_set(err, ERR_NOT_FOUND, "there is no such operation");
		return NULL;
	}
	if (clock_wall_ms() > r->record.undo_until) {
		err_set(err, ERR_REFUSED, "%s cannot be undone any more", r->record.action);
		return NULL;
	}
	struct audit_entry entry;
	char audit[AUDIT_ID];
	record_init(record_class(RECORD_AUDIT), &entry);
	entry.by = by;
	entry.action = arena_printf(&r->arena, "undo %s", r->record.action);
	entry.service = r->record.service;
	entry.environment = r->record.environment;
	entry.plan = r->record.plan;
	if (!audit_intent(o->daemon->audit, &entry, audit, err))
		return NULL;
	r->record.undo_until = 0;
	struct err why = {0};
	bool ok = find_row(r->record.action)->undo(r, &why);
	audit_outcome(o->daemon->audit, audit, ok ? AUDIT_DONE : AUDIT_FAILED, ok ? NULL : why.text, NULL);
	if (!ok) {
		if (err)
			*err = why;
		return NULL;
	}
	r->record.detail = "undone";
	operation_tell(r);
	return &r->record;
}

/* ---- outcomes ---- */

void operation_tell(struct running *r)
{
	struct operate *o = r->daemon->operate;
	r->record.base.as_of = clock_wall_ms();
	if (o->changed)
		o->changed(&r->record, o->changed_arg);
}

void operation_step(struct running *r, const char *name, enum step_state state, const char *detail)
{
	struct parts *steps = &r->record.steps;
	size_t i = 0;
	while (i < steps->n && strcmp(r->steps[i].name, name) != 0)
		i++;
	if (i == PLAN_LIST || (i == steps->n && state == STEP_SKIPPED)) /* a step that the plan never named is no news */
		return;
	struct step *step = &r->steps[i];
	if (i == steps->n) {
		*step = (struct step){.name = arena_dup(&r->arena, name)};
		steps->n++;
	}
	step->state = state;
	if (state != STEP_WAITING && state != STEP_SKIPPED && !step->started_at)
		step->started_at = clock_wall_ms();
	if (state == STEP_DONE || state == STEP_FAILED)
		step->ended_at = clock_wall_ms();
	if (detail)
		step->detail = arena_dup(&r->arena, detail);
}

static void write_outcome(struct running *r)
{
	struct state *state = r->daemon->state;
	struct err err = {0};
	bool ok = state_begin(state, &err) &&
	          audit_outcome(r->daemon->audit, r->audit, (enum audit_state)r->record.state, r->record.detail, &err) &&
	          state_delete(state, own_class(OWN_JOURNAL), r->record.id, &err) && state_commit(state, &err);
	if (ok)
		return;
	state_abort(state);
	daemon_log(r->daemon, "the outcome of operation %s could not be written: %s", r->record.id, err.text);
}

void operation_end(struct running *r, const struct err *err, const char *fmt, ...)
{
	if (r->record.ended_at)
		return;
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	r->record.detail = arena_dup(&r->arena, str_text(&text));
	str_finish(&text);
	r->record.ended_at = clock_wall_ms();
	r->record.state = !err                          ? AUDIT_DONE
	                  : err->kind == ERR_REFUSED    ? AUDIT_REFUSED
	                  : err->kind == ERR_UNKNOWN    ? AUDIT_UNKNOWN
	                                                : AUDIT_FAILED;
	r->record.error_kind = err ? err_kind_name(err->kind) : NULL;
	for (size_t i = 0; i < r->record.steps.n; i++) {
		struct step *s = &r->steps[i];
		if (s->state == STEP_WAITING || s->state == STEP_RUNNING)
			operation_step(r, s->name, err ? (s->state == STEP_RUNNING ? STEP_FAILED : STEP_SKIPPED) : STEP_DONE, NULL);
	}
	write_outcome(r);
	operation_tell(r);
}

static void copy_steps(struct running *r, const struct deploy *d)
{
	const struct step *steps = d->steps.items;
	for (size_t i = 0; i < d->steps.n; i++) {
		operation_step(r, steps[i].name, (enum step_state)steps[i].state, steps[i].detail);
		for (size_t j = 0; j < r->record.steps.n; j++)
			if (str_eq(r->steps[j].name, steps[i].name)) {
				r->steps[j].started_at = steps[i].started_at;
				r->steps[j].ended_at = steps[i].ended_at;
			}
	}
}

static void follow(struct running *r, const struct deploy *d, enum err_kind failure)
{
	copy_steps(r, d);
	if (d->state == DEPLOY_RUNNING) {
		operation_tell(r);
		return;
	}
	struct err err = {.kind = d->state == DEPLOY_UNKNOWN     ? ERR_UNKNOWN
	                          : d->state == DEPLOY_CANCELLED ? ERR_CANCELLED
	                                                         : failure};
	const char *detail = d->detail;
	if (!detail)
		detail = arena_printf(&r->arena, "%s %s in %s: %s", d->service, d->to ? d->to : "", d->environment,
		                      record_value_name(deploy_state_names, d->state));
	operation_end(r, d->state == DEPLOY_SUCCEEDED ? NULL : &err, "%s", detail);
}

void operation_follow(struct running *r, const char *deploy)
{
	struct state *state = r->daemon->state;
	r->deploy = arena_dup(&r->arena, deploy);
	r->record.made = arena_printf(&r->arena, "deploy/%s", deploy);
	const struct own_journal *old = state_get(state, own_class(OWN_JOURNAL), r->record.id);
	if (old) {
		struct own_journal journal = *old;
		journal.deploy = r->deploy;
		state_put(state, own_class(OWN_JOURNAL), &journal, NULL);
	}
	const struct deploy *d = state_get(state, record_class(RECORD_DEPLOY), deploy);
	if (d)
		follow(r, d, ERR_FAILED);
}

void operate_on_deploy(struct operate *o, const struct deploy *d, enum err_kind failure)
{
	for (size_t i = 0; i < o->n_running; i++)
		if (!o->running[i]->record.ended_at && str_eq(o->running[i]->deploy, d->id))
			follow(o->running[i], d, failure);
}

void operate_watch(struct operate *o, void (*changed)(const struct operation *, void *arg), void *arg)
{
	o->changed = changed;
	o->changed_arg = arg;
}

/* ---- life ---- */

struct operate *operate_new(struct daemon *daemon, struct err *err)
{
	(void)err;
	struct operate *o = mem_alloc(sizeof(*o));
	o->daemon = daemon;
	return o;
}

void operate_free(struct operate *o)
{
	if (!o)
		return;
	while (o->plans) {
		struct planned *p = o->plans;
		o->plans = p->next;
		free_plan(p);
	}
	for (size_t i = 0; i < o->n_running; i++) {
		prove_stop(o->running[i]);
		free_running(o->running[i]);
	}
	free(o->running);
	free(o);
}

static bool resume_one(struct operate *o, const struct own_journal *j, struct err *err)
{
	const struct deploy *d = j->deploy ? state_get(o->daemon->state, record_class(RECORD_DEPLOY), j->deploy) : NULL;
	struct running *r = mem_alloc(sizeof(*r));
	struct operation *op = &r->record;
	r->daemon = o->daemon;
	r->wish = arena_alloc(&r->arena, sizeof(struct wish));
	record_init(record_class(RECORD_OPERATION), op);
	op->id = arena_dup(&r->arena, j->id);
	op->action = arena_dup(&r->arena, j->action);
	op->service = arena_dup(&r->arena, j->service);
	op->environment = arena_dup(&r->arena, j->environment);
	op->state = AUDIT_RECORDED;
	op->started_at = j->at;
	op->steps.items = r->steps;
	str_copy(r->audit, sizeof(r->audit), j->audit);
	keep_running(o, r);
	if (d) {
		operation_follow(r, d->id);
		return true;
	}
	struct err unknown = {.kind = ERR_UNKNOWN};
	operation_end(r, &unknown, "the platform ended before the outcome was known: check %s", op->service ? op->service : "it");
	return op->ended_at || err_set(err, ERR_FAILED, "operation %s cannot be closed", op->id);
}

bool operate_resume(struct operate *o, struct err *err)
{
	const struct own_journal *j;
	for (size_t i = 0; (j = state_next(o->daemon->state, own_class(OWN_JOURNAL), &i));)
		if (!resume_one(o, j, err))
			return false;
	return true;
}

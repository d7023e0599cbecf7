/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EXECUTE: each change of the plan's basis goes out once, and holds only for the object that the plan has seen. What
 * comes of it is watched. An answer that did not come is not taken for a no: the object is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/object.h"
#include "backend/providers/kubernetes/rollout.h"

#define LOOK_MS 1500     /* after an answer that did not come: it may still be on its way in */
#define LOOKS 3

enum { TAG_WRITE, TAG_READ, TAG_WAIT, TAG_LOOK_AT, TAG_ROLLERS = 16 };
enum { STEP_PATCH, STEP_NEW, STEP_OLD, STEP_WATCH, STEPS };

struct execution {
	struct arena arena;      /* lasts */
	struct arena said;       /* texts of the newest state; never reset while a step has one */
	struct kube_change changes[KUBE_CHANGES_MAX];
	size_t n, at;
	const char *to, *cause;
	bool has_retried;        /* after a conflict: once a change */
	int looks;
	struct err lost;         /* what became of the answer */
	struct step steps[STEPS];
	size_t n_steps;
	int64_t started_at;
	struct kube_rollers rollers;
	const char *about;       /* whose ailing was told last */
	char *told;              /* the state as it was told last */
};

static void finish(void *state)
{
	struct execution *x = state;
	for (size_t i = 0; i < x->n; i++)
		cJSON_Delete(x->changes[i].patch);
	kube_rollers_finish(&x->rollers);
	arena_finish(&x->arena);
	arena_finish(&x->said);
	free(x->told);
}

/* --- telling --- */

static void tell(struct execution *x, struct run *r, enum audit_state state, const char *detail, enum err_kind kind)
{
	run_operation(r, &(struct operation_told){.state = state, .detail = detail, .kind = kind,
						  .steps = {x->steps, x->n_steps}, .started_at = x->started_at});
}

static void set_step(struct execution *x, struct run *r, size_t i, enum step_state state, const char *detail)
{
	run_step(r, &x->steps[i], state);
	x->steps[i].detail = detail;
}

static enum audit_state state_of(enum err_kind kind)
{
	return kind == ERR_NONE ? AUDIT_DONE : kind == ERR_REFUSED ? AUDIT_REFUSED : kind == ERR_UNKNOWN ? AUDIT_UNKNOWN : AUDIT_FAILED;
}

/* The end: told as the operation's outcome, and as the run's. */
static void end(struct execution *x, struct run *r, enum err_kind kind, const char *detail)
{
	struct err err;
	for (size_t i = 0; i < x->n_steps; i++)
		if (x->steps[i].state == STEP_RUNNING)
			set_step(x, r, i, kind ? STEP_FAILED : STEP_DONE, x->steps[i].detail);
		else if (x->steps[i].state == STEP_WAITING)
			x->steps[i].state = STEP_SKIPPED;
	tell(x, r, state_of(kind), detail, kind);
	err_set(&err, kind, "%s", detail);
	run_done(r, kind ? &err : NULL);
}

static const char *name_of(struct execution *x)
{
	return kube_change_name(&x->changes[x->at], true, &x->said);
}

/* Of several, those before this one are done: that must not be lost in the sentence. */
static void fail(struct execution *x, struct run *r, const struct err *err)
{
	struct str text = {0};
	enum err_kind kind = err->kind;
	if (x->at > 0) {
		str_addf(&text, "%zu of %zu workloads are changed, not %s: ", x->at, x->n, name_of(x));
		kind = kind == ERR_UNKNOWN ? ERR_UNKNOWN : ERR_FAILED;
	}
	str_add(&text, err->text);
	set_step(x, r, STEP_PATCH, STEP_FAILED, NULL);
	end(x, r, kind, arena_dup(&x->said, text.s));
	str_finish(&text);
}

/* --- writing --- */

static void write_change(struct execution *x, struct run *r)
{
	const struct kube_change *c = &x->changes[x->at];
	struct str path = {0};
	char *body = kube_change_body(c, true, x->cause);
	kube_change_path(&path, c, false);
	kube_send(r, TAG_WRITE, "PATCH", path.s, c->type, body);
	str_finish(&path);
	free(body);
}

static void read_object(struct execution *x, struct run *r, uint32_t tag)
{
	const struct kube_change *c = &x->changes[x->at];
	struct str path = {0};
	kube_path(&path, c->what, c->namespace, c->name, NULL);
	kube_get(r, tag, path.s);
	str_finish(&path);
}

static const char *cause_of(struct execution *x, struct run *r)
{
	const struct request *q = run_request(r);
	const char *reason = !str_empty(q->reason) ? q->reason : q->wish.reason;
	bool has_version = !str_eq(q->wish.action, "restart");
	return kube_cause_text(&(struct kube_cause){q->wish.action, has_version ? x->to : NULL, q->by,
						    str_empty(reason) ? NULL : reason},
			       &x->arena);
}

static bool load(struct execution *x, struct run *r)
{
	const char *text = run_request(r)->basis;
	cJSON *basis = text ? json_parse(text, strlen(text), NULL) : NULL;
	const cJSON *item;
	bool is_good = basis != NULL;
	cJSON_ArrayForEach(item, json_get(basis, "changes"))
	{
		is_good = is_good && x->n < KUBE_CHANGES_MAX && kube_change_load(item, &x->arena, &x->changes[x->n]);
		x->n += is_good;
	}
	x->to = arena_dup(&x->arena, json_text(basis, "to"));
	cJSON_Delete(basis);
	return is_good && x->n > 0;
}

static void begin(struct execution *x, struct run *r)
{
	static const char *const names[STEPS] = {"patch", "new pods", "old pods", "watch"};
	struct err err;
	bool is_rollout = false;
	if (!load(x, r)) {
		err_set(&err, ERR_REFUSED, "this plan does not say what it rests on: plan it again");
		run_done(r, &err);
		return;
	}
	for (size_t i = 0; i < x->n; i++)
		is_rollout = is_rollout || x->changes[i].is_rollout;
	x->n_steps = is_rollout ? STEPS : 1;
	for (size_t i = 0; i < x->n_steps; i++)
		x->steps[i].name = names[i];
	x->started_at = run_now(r);
	x->cause = cause_of(x, r);
	set_step(x, r, STEP_PATCH, STEP_RUNNING, NULL);
	tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
	write_change(x, r);
}

/* --- after the last write --- */

static const char *undo_words(struct execution *x, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	bool is_deploy = str_eq(w->action, "deploy") || str_eq(w->action, "promote") || str_eq(w->action, "rollback") ||
			 str_eq(w->action, "resume");
	return is_deploy ? arena_printf(&x->said, "; fairway rollback %s --env %s takes it back", w->service, kube_environment(r))
			 : "";
}

static const char *done_words(struct execution *x, struct run *r, const struct kube_look *look)
{
	const struct wish *w = &run_request(r)->wish;
	const char *in = kube_environment(r);
	if (str_eq(w->action, "scale"))
		return arena_printf(&x->said, "%s in %s runs %lld instances", w->service, in, (long long)w->count);
	if (str_eq(w->action, "restart"))
		return arena_printf(&x->said, "%s in %s was restarted: %lld of %lld ready", w->service, in,
				    (long long)look->ready, (long long)look->desired);
	return arena_printf(&x->said, "%s in %s runs %s: %lld of %lld ready", w->service, in, x->to ? x->to : "what was resumed",
			    (long long)look->ready, (long long)look->desired);
}

static void say_new(struct execution *x, struct run *r, const struct kube_look *look)
{
	struct str text = {0};
	bool is_over = look->outcome == KUBE_WATCHING || look->outcome == KUBE_WELL;
	str_addf(&text, "%lld of %lld ready", (long long)look->ready, (long long)look->desired);
	if (look->culprit && !is_over)
		str_addf(&text, "; failing: %s", look->culprit);
	if (look->culprit && look->outcome == KUBE_UNDER_WAY)
		str_addf(&text, "; it goes on%s", undo_words(x, r));
	set_step(x, r, STEP_NEW, is_over ? STEP_DONE : STEP_RUNNING, arena_dup(&x->said, text.s));
	str_finish(&text);
}

static void say_steps(struct execution *x, struct run *r, const struct kube_look *look)
{
	bool is_over = look->outcome == KUBE_WATCHING || look->outcome == KUBE_WELL;
	arena_reset(&x->said); /* only these steps have texts there */
	say_new(x, r, look);
	bool has_begun = x->steps[STEP_OLD].started_at > 0;
	set_step(x, r, STEP_OLD, look->old > 0 && !is_over ? STEP_RUNNING : is_over || has_begun ? STEP_DONE : STEP_WAITING,
		 look->old > 0 ? arena_printf(&x->said, "%lld to end", (long long)look->old) : NULL);
	set_step(x, r, STEP_WATCH,
		 look->outcome == KUBE_WELL       ? STEP_DONE
		 : look->outcome == KUBE_WATCHING ? STEP_RUNNING
						  : STEP_WAITING, NULL);
}

/* Told when a person would see a difference: the server's words for one and the same trouble come and go. */
static bool is_news(struct execution *x, const struct kube_look *look)
{
	struct str now = {0};
	str_addf(&now, "%d %lld/%lld %lld %s", (int)look->outcome, (long long)look->ready, (long long)look->desired,
		 (long long)look->old, look->about ? look->about : "");
	bool is_new = !str_eq(now.s, x->told);
	free(x->told);
	x->told = str_detach(&now);
	return is_new;
}

static void look(struct execution *x, struct run *r)
{
	struct kube_look look;
	kube_rollers_look(&x->rollers, run_arena(r), &look);
	switch (look.outcome) {
	case KUBE_FAILED:
		say_steps(x, r, &look);
		end(x, r, ERR_FAILED,
		    arena_printf(&x->said, "%s in %s%s: %s%s", run_request(r)->wish.service, kube_environment(r),
				 look.is_foreign ? "" : " does not get well", look.why, look.is_foreign ? "" : undo_words(x, r)));
		break;
	case KUBE_UNSEEN:
		end(x, r, ERR_UNKNOWN, arena_printf(&x->said, "the change was written; %s", look.why));
		break;
	case KUBE_HELD:
		for (size_t i = STEP_NEW; i < STEPS; i++)
			set_step(x, r, i, STEP_SKIPPED, NULL);
		end(x, r, ERR_NONE, arena_printf(&x->said, "%s; fairway resume %s --env %s lets it go on", look.why,
						 run_request(r)->wish.service, kube_environment(r)));
		break;
	case KUBE_WELL:
		say_steps(x, r, &look);
		end(x, r, ERR_NONE, done_words(x, r, &look));
		break;
	case KUBE_UNDER_WAY:
	case KUBE_WATCHING:
		if (!look.is_seen || !is_news(x, &look))
			break;
		say_steps(x, r, &look);
		tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
		break;
	}
}

/* Of what needs no watching. */
static const char *short_words(const char *action)
{
	return str_eq(action, "lock")     ? "is locked"
	       : str_eq(action, "unlock") ? "is unlocked"
	       : str_eq(action, "ack")    ? "has somebody on its alert"
	       : str_eq(action, "unack")  ? "has nobody on its alert any more"
	       : str_eq(action, "pause")  ? "is paused"
	       : str_eq(action, "resume") ? "goes on"
	       : str_eq(action, "cancel") ? "goes back to what served before"
	       : str_eq(action, "deploy") ? "starts its next run with "
					  : "is changed";
}

static void all_written(struct execution *x, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	run_accepted(r);
	set_step(x, r, STEP_PATCH, STEP_DONE, "patched");
	if (!x->rollers.n) {
		end(x, r, ERR_NONE, arena_printf(&x->said, "%s in %s %s%s", w->service ? w->service : w->alert, kube_environment(r),
						 short_words(w->action), str_eq(w->action, "deploy") && x->to ? x->to : ""));
		return;
	}
	set_step(x, r, STEP_NEW, STEP_RUNNING, NULL);
	tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
	kube_rollers_start(&x->rollers, r, TAG_ROLLERS);
}

static void written(struct execution *x, struct run *r, const cJSON *object)
{
	const struct kube_change *c = &x->changes[x->at];
	if (c->is_rollout)
		kube_rollers_add(&x->rollers, c, object);
	x->at++;
	x->has_retried = false;
	if (x->at < x->n)
		write_change(x, r);
	else
		all_written(x, r);
}

/* --- conflicts, and answers that did not come --- */

/* Every leaf of a merge patch is in the object. */
static bool holds(const cJSON *object, const cJSON *patch)
{
	const cJSON *item;
	if (!cJSON_IsObject(patch))
		return cJSON_IsNull(patch) ? !object || cJSON_IsNull(object) : cJSON_Compare(object, patch, true);
	cJSON_ArrayForEach(item, patch)
	{
		if (!holds(json_get(object, item->string), item))
			return false;
	}
	return true;
}

static bool took(const struct execution *x, const struct kube_change *c, const cJSON *object)
{
	struct kube_meta m;
	kube_meta_read(object, &m);
	if (!str_eq(m.uid, c->uid))
		return false;
	if (c->has_cause)
		return m.generation > c->generation && str_eq(json_text(m.annotations, KUBE_CAUSE), x->cause);
	return str_eq(c->type, KUBE_MERGE) && holds(object, c->patch);
}

/* The plan has seen another state. When only the status moved, what was shown still holds: that is sent, once more. */
static void take_conflict(struct execution *x, struct run *r, const cJSON *object)
{
	struct kube_change *c = &x->changes[x->at];
	struct kube_meta m;
	struct err err;
	kube_meta_read(object, &m);
	const char *manager = kube_last_manager(object);
	if (!str_eq(m.uid, c->uid))
		err_set(&err, ERR_REFUSED, "%s was deleted and made anew since it was planned: plan again", name_of(x));
	else if (c->mark && !str_eq(json_text(m.annotations, c->mark), c->was))
		err_set(&err, ERR_REFUSED, "somebody else noted something on %s meanwhile: plan again", name_of(x));
	else if (m.generation != c->generation && !c->mark)
		err_set(&err, ERR_REFUSED, "%s was changed since it was planned, by %s: plan again", name_of(x),
			manager ? manager : "somebody");
	else if (x->has_retried || !m.version)
		err_set(&err, ERR_REFUSED, "%s changes all the time: plan again", name_of(x));
	else {
		x->has_retried = true;
		c->version = arena_dup(&x->arena, m.version);
		write_change(x, r);
		return;
	}
	fail(x, r, &err);
}

static void look_later(struct execution *x, struct run *r)
{
	if (x->looks++ < LOOKS) {
		run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TAG_WAIT, .after_ms = LOOK_MS});
		return;
	}
	struct err err;
	err_set(&err, ERR_UNKNOWN, "%s: no answer came, and nothing shows that it took: look before you do it again",
		name_of(x));
	fail(x, r, &err);
}

static void lost(struct execution *x, struct run *r, const struct err *err)
{
	x->lost = *err;
	x->looks = 0;
	set_step(x, r, STEP_PATCH, STEP_RUNNING, "no answer came: looking whether it took");
	tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
	look_later(x, r);
}

static void take_object(struct execution *x, struct run *r, const struct input *in)
{
	cJSON *object = json_parse(in->data, in->len, NULL);
	if (in->tag == TAG_READ)
		take_conflict(x, r, object);
	else if (in->tag == TAG_WRITE && !object)
		lost(x, r, &x->lost);
	else if (in->tag == TAG_WRITE || took(x, &x->changes[x->at], object))
		written(x, r, object);
	else
		look_later(x, r);
	cJSON_Delete(object);
}

static void failed(struct execution *x, struct run *r, const struct input *in)
{
	struct err err;
	kube_failure(r, in, &err);
	if (in->tag == TAG_LOOK_AT) {
		look_later(x, r);
	} else if (in->tag == TAG_READ) {
		err.kind = err.kind == ERR_NOT_FOUND ? ERR_REFUSED : err.kind;
		err_prefix(&err, "it was changed since it was planned, and cannot be read");
		fail(x, r, &err);
	} else if (err.kind == ERR_UNKNOWN || (in->status >= 500 && in->status != 503)) {
		/* a proxy's 502 or 504, or a server's own 500, may come after the write */
		lost(x, r, &err);
	} else if (in->status == 404) {
		err_set(&err, ERR_REFUSED, "%s was deleted since it was planned", name_of(x));
		fail(x, r, &err);
	} else if (in->status == 409) {
		read_object(x, r, TAG_READ);
	} else {
		fail(x, r, &err);
	}
}

static void on_execute(void *state, struct run *r, const struct input *in)
{
	struct execution *x = state;
	struct err err;
	if (in->kind != INPUT_START && kube_rollers_on(&x->rollers, r, in)) {
		look(x, r);
		return;
	}
	switch (in->kind) {
	case INPUT_START:
		begin(x, r);
		break;
	case INPUT_HEAD:
		if (!kube_speaks(in, &err) && in->tag == TAG_WRITE) {
			run_stop(r, TAG_WRITE);
			lost(x, r, &err);
		}
		break;
	case INPUT_UNIT:
		take_object(x, r, in);
		break;
	case INPUT_FAIL:
		failed(x, r, in);
		break;
	case INPUT_TIMER:
		read_object(x, r, TAG_LOOK_AT);
		break;
	case INPUT_END:
		break;
	}
}

const struct query kubernetes_execute = {
	.name = "execute",
	.serves = REQUEST_EXECUTE,
	.size = sizeof(struct execution),
	.on = on_execute,
	.finish = finish,
};

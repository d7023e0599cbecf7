/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PLAN: find the workloads, ask for rights and history, try the patches on the server, tell. All that is asked here
 * leaves the cluster as it is.
 */
#include "backend/providers/kubernetes/plan.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/rights.h"

enum { STAGE_FIND, STAGE_ASK, STAGE_TRY };
enum { /* tags: 256 of each, and then those of the search */
	TAG_RIGHT = 0x000,
	TAG_HISTORY = 0x100,
	TAG_SCALER = 0x200,
	TAG_TRY = 0x300,
	TAG_KIND = 0xf00,
	TAG_FIND = 0x1000,
};

static void next_stage(struct kube_plan *, struct run *);

static void finish(void *state)
{
	struct kube_plan *p = state;
	for (size_t i = 0; i < p->n_found; i++) {
		cJSON_Delete(p->found[i].object);
		cJSON_Delete(p->found[i].history);
		cJSON_Delete(p->found[i].after);
		cJSON_Delete(p->found[i].change.patch);
	}
	kube_find_finish(&p->find);
	arena_finish(&p->arena);
}

static void tell(struct kube_plan *p, struct run *r)
{
	kube_tell_plan(p, r, &run_request(r)->wish);
	run_done(r, NULL);
}

/* A list, element by element: what is not of the service is dropped at once. */
static void ask_list(struct kube_plan *p, struct run *r, uint32_t tag, const char *path)
{
	p->waiting++;
	run_ask(r, &(struct ask){.tag = tag, .path = path, .framing = FRAME_ITEMS, .items = "items",
				 .ceiling = 4 * 1024 * 1024, .head_ms = KUBE_HEAD_MS, .is_patient = true});
}

/* --- find --- */

static void take_workload(struct run *r, const struct kube_find *f, enum kube_what what, cJSON *object)
{
	struct kube_plan *p = f->arg;
	if (p->n_found == KUBE_FOUND_MAX) {
		cJSON_Delete(object);
		return;
	}
	struct kube_target *t = &p->found[p->n_found];
	*t = (struct kube_target){.object = object};
	kube_workload_read(what, object, &p->arena, &t->w);
	kube_identify(r, &t->w.meta, &t->who);
	if (t->w.meta.deleted_at || !t->w.meta.version) {
		cJSON_Delete(object);
		return;
	}
	p->service = arena_dup(&p->arena, t->who.service);
	t->who = (struct kube_identity){.owner = arena_dup(&p->arena, t->who.owner)};
	p->n_found++;
}

static void found(struct run *r, const struct kube_find *f, const struct err *err, void *arg)
{
	struct kube_plan *p = arg;
	struct err gone;
	if (!err && !p->n_found) {
		err_set(&gone, ERR_NOT_FOUND, "what runs %s in %s is being deleted", f->service, p->environment);
		err = &gone;
	}
	if (err)
		run_done(r, err);
	else
		next_stage(p, r);
}

static bool is_sensible(const struct wish *w, struct err *err)
{
	if (str_eq(w->action, "promote") && str_empty(w->version))
		return err_set(err, ERR_REFUSED, "what %s runs in %s is not known, so it cannot be promoted; deploy a version",
			       w->service, w->from ? w->from : "the environment before");
	if (str_eq(w->action, "deploy") && str_empty(w->version))
		return err_set(err, ERR_USAGE, "deploy which version? Give a tag, a digest or a whole image");
	if (str_eq(w->action, "scale") && w->count < 0)
		return err_set(err, ERR_USAGE, "scale to how many instances?");
	return true;
}

static void begin(struct kube_plan *p, struct run *r)
{
	struct err err;
	const struct wish *w = &run_request(r)->wish;
	if (!is_sensible(w, &err)) {
		run_done(r, &err);
		return;
	}
	p->environment = kube_environment(r);
	const char *service = w->service;
	if (w->alert && !kube_alert_read(w->alert, &p->arena, &p->alert, &service)) {
		err_set(&err, ERR_NOT_FOUND, "there is no alert %.100s in %s", w->alert, p->environment);
		run_done(r, &err);
		return;
	}
	p->find = (struct kube_find){.service = service, .tag = TAG_FIND, .done = found, .each = take_workload, .arg = p};
	kube_find_start(&p->find, r);
}

/* --- ask --- */

static void ask_right(struct kube_plan *p, struct run *r, struct kube_target *t)
{
	struct kube_right right = {"patch", t->change.what, t->change.sub};
	p->waiting++;
	kube_right_ask(r, TAG_RIGHT + (uint32_t)(t - p->found), t->w.meta.namespace, &right);
}

static void ask_history(struct kube_plan *p, struct run *r, struct kube_target *t)
{
	bool has_replicasets = t->w.what == KUBE_DEPLOYMENT || t->w.what == KUBE_ROLLOUT;
	const char *selector = kube_selector(t->w.selector, &p->arena);
	struct str path = {0};
	kube_path(&path, has_replicasets ? KUBE_REPLICASET : KUBE_REVISION, t->w.meta.namespace, NULL, NULL);
	if (selector) {
		str_add(&path, "?labelSelector=");
		address_escape(&path, selector, true);
	}
	ask_list(p, r, TAG_HISTORY + (uint32_t)(t - p->found), path.s);
	str_finish(&path);
}

static void ask_scaler(struct kube_plan *p, struct run *r, struct kube_target *t)
{
	struct str path = {0};
	kube_path(&path, KUBE_AUTOSCALER, t->w.meta.namespace, NULL, NULL);
	ask_list(p, r, TAG_SCALER + (uint32_t)(t - p->found), path.s);
	str_finish(&path);
}

/* The rights are asked for what the patches will write; which subresource that is shows when they are made. */
static void ask(struct kube_plan *p, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	bool wants_history = str_eq(w->action, "rollback") || str_eq(w->action, "cancel");
	p->stage = STAGE_ASK;
	kube_choose(p, w);
	kube_mind_lock(p, w, run_now(r));
	for (struct kube_target *t = NULL; !p->refusal.kind && (t = kube_next_chosen(p, t));) {
		if (wants_history)
			ask_history(p, r, t);
		if (str_eq(w->action, "scale"))
			ask_scaler(p, r, t);
	}
}

static void take_revision(struct kube_plan *p, const struct input *in)
{
	struct kube_target *t = &p->found[in->tag - TAG_HISTORY];
	if (!t->history)
		t->history = cJSON_CreateArray();
	cJSON *object = in->is_last ? NULL : json_parse(in->data, in->len, NULL);
	if (object && kube_is_revision(t, object))
		cJSON_AddItemToArray(t->history, object);
	else
		cJSON_Delete(object);
}

static void take_scaler(struct kube_plan *p, const struct input *in)
{
	struct kube_target *t = &p->found[in->tag - TAG_SCALER];
	cJSON *object = in->is_last ? NULL : json_parse(in->data, in->len, NULL);
	const cJSON *spec = json_get(object, "spec"), *of = json_get(spec, "scaleTargetRef");
	if (str_eq(json_text(of, "kind"), kube_kinds[t->w.what].name) && str_eq(json_text(of, "name"), t->w.meta.name))
		kube_say_warning(p, "the HorizontalPodAutoscaler %s keeps %lld to %lld instances: it will change this back",
				 json_text(json_get(object, "metadata"), "name"),
				 (long long)json_int(spec, "minReplicas", 1), (long long)json_int(spec, "maxReplicas", 0));
	cJSON_Delete(object);
}

/* --- try --- */

static void make(struct kube_plan *p, struct run *r)
{
	p->stage = STAGE_TRY;
	kube_make_changes(p, &run_request(r)->wish, run_request(r)->by, run_now(r));
	for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));)
		if (t->change.uid)
			ask_right(p, r, t);
}

static void try_patch(struct kube_plan *p, struct run *r, struct kube_target *t)
{
	struct str path = {0};
	char *body = kube_change_body(&t->change, false, NULL);
	kube_change_path(&path, &t->change, true);
	p->waiting++;
	kube_try(r, TAG_TRY + (uint32_t)(t - p->found), "PATCH", path.s, t->change.type, body);
	str_finish(&path);
	free(body);
}

static void take_right(struct kube_plan *p, struct run *r, const struct input *in)
{
	struct kube_target *t = &p->found[in->tag - TAG_RIGHT];
	struct kube_right right = {"patch", t->change.what, t->change.sub};
	struct err err = {0};
	bool is_allowed = in->kind == INPUT_UNIT && kube_right_read(in, &err);
	bool is_unknown = in->kind == INPUT_FAIL || err.kind;
	if (!is_allowed && !is_unknown) { /* before any other refusal: nothing else would help */
		p->refusal = (struct err){0};
		kube_refuse(p, ERR_REFUSED, "%s", kube_right_denied(&right, t->w.meta.namespace, &p->arena));
	} else if (!p->refusal.kind) { /* not known: the server tells when it is tried */
		try_patch(p, r, t);
	}
}

static void take_trial(struct kube_plan *p, const struct input *in)
{
	struct kube_target *t = &p->found[in->tag - TAG_TRY];
	cJSON *after = json_parse(in->data, in->len, NULL);
	if (t->change.sub) { /* another object, or one whose change is in its status */
		bool is_scale = str_eq(t->change.sub, "scale");
		const cJSON *replicas = json_get(json_get(after, "spec"), "replicas");
		cJSON *now = is_scale && replicas ? cJSON_Duplicate(t->object, true) : NULL;
		if (now)
			cJSON_ReplaceItemInObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(now, "spec"), "replicas",
							       cJSON_Duplicate(replicas, true));
		cJSON_Delete(after);
		after = now;
	}
	t->after = after;
}

/* "299 - "text"", RFC 9111 had it: what the server thinks of the request. */
static void take_warnings(struct kube_plan *p, const struct input *in)
{
	for (size_t i = 0; i < in->n_headers; i++) {
		const char *text = in->headers[i].value, *quote = strchr(text, '"');
		if (!str_eq(in->headers[i].name, "warning"))
			continue;
		size_t len = quote ? strlen(quote + 1) : 0;
		if (len && quote[len] == '"')
			kube_say_warning(p, "%.*s", (int)len - 1, quote + 1);
		else
			kube_say_warning(p, "%s", text);
	}
}

static void trial_failed(struct kube_plan *p, struct run *r, const struct input *in)
{
	struct err err;
	kube_failure(r, in, &err);
	if (in->status == 400 && strstr(err.text, "dry run")) { /* a webhook that would act even then */
		kube_say_warning(p, "it could not be tried on the server, so there is no difference to show: %s", err.text);
		return;
	}
	if (err.kind == ERR_UNKNOWN) /* nothing was to be changed: there is no outcome to wonder about */
		err.kind = ERR_UNREACHABLE;
	if (in->status < 400 || in->status == 429 || in->status >= 500)
		run_done(r, &err);
	else
		kube_refuse(p, ERR_REFUSED, "the server would refuse it: %s", err.text);
}

/* --- all --- */

static void next_stage(struct kube_plan *p, struct run *r)
{
	if (p->waiting > 0)
		return;
	if (p->stage == STAGE_FIND)
		ask(p, r);
	if (p->stage == STAGE_ASK && p->waiting == 0 && !p->refusal.kind)
		make(p, r);
	if (p->waiting == 0)
		tell(p, r);
}

static void take(struct kube_plan *p, struct run *r, const struct input *in)
{
	switch (in->tag & TAG_KIND) {
	case TAG_RIGHT:
		take_right(p, r, in);
		break;
	case TAG_HISTORY:
		take_revision(p, in);
		break;
	case TAG_SCALER:
		take_scaler(p, in);
		break;
	case TAG_TRY:
		take_trial(p, in);
		break;
	}
}

static void take_failure(struct kube_plan *p, struct run *r, const struct input *in)
{
	if ((in->tag & TAG_KIND) == TAG_RIGHT)
		take_right(p, r, in);
	else if ((in->tag & TAG_KIND) == TAG_TRY)
		trial_failed(p, r, in);
	if ((in->tag & TAG_KIND) == TAG_HISTORY) { /* half of it is none */
		struct kube_target *t = &p->found[in->tag - TAG_HISTORY];
		cJSON_Delete(t->history);
		t->history = NULL;
		kube_failure(r, in, &p->trouble);
	}
	/* Without its history a rollback is refused; without its scalers a scale has a warning less. */
}

static void on_plan(void *state, struct run *r, const struct input *in)
{
	struct kube_plan *p = state;
	struct err err;
	if (in->kind != INPUT_START && kube_find_owns(&p->find, in)) {
		kube_find_on(&p->find, r, in);
		return;
	}
	switch (in->kind) {
	case INPUT_START:
		begin(p, r);
		break;
	case INPUT_HEAD:
		if (!kube_speaks(in, &err))
			run_done(r, &err);
		else
			take_warnings(p, in);
		break;
	case INPUT_UNIT:
		take(p, r, in);
		break;
	case INPUT_FAIL:
		take_failure(p, r, in);
		p->waiting--;
		next_stage(p, r);
		break;
	case INPUT_END:
		p->waiting--;
		next_stage(p, r);
		break;
	case INPUT_TIMER:
		break;
	}
}

static bool suits(const struct request *q)
{
	static const char *const actions[] = {"deploy", "promote", "rollback", "cancel", "restart", "scale",
					      "pause",  "resume",  "lock",     "unlock", NULL};
	const struct wish *w = &q->wish;
	for (size_t i = 0; actions[i]; i++)
		if (str_eq(w->action, actions[i]))
			return w->service != NULL;
	return w->alert && kube_is_mark(w->action);
}

const struct query kubernetes_plan = {
	.name = "plan",
	.serves = REQUEST_PLAN,
	.suits = suits,
	.size = sizeof(struct kube_plan),
	.on = on_plan,
	.finish = finish,
};

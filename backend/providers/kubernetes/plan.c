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
enum { /* tags: 256 of each */
	TAG_FIND = 0x000,
	TAG_RIGHT = 0x100,
	TAG_HISTORY = 0x200,
	TAG_SCALER = 0x300,
	TAG_TRY = 0x400,
	TAG_KIND = 0xf00,
};

static void finish(void *state)
{
	struct kube_plan *p = state;
	for (size_t i = 0; i < p->n_found; i++) {
		cJSON_Delete(p->found[i].object);
		cJSON_Delete(p->found[i].history);
		cJSON_Delete(p->found[i].after);
		cJSON_Delete(p->found[i].change.patch);
	}
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
				 .ceiling = 4 * 1024 * 1024, .head_ms = KUBE_HEAD_MS});
}

/* --- find --- */

static void find(struct kube_plan *p, struct run *r)
{
	p->stage = STAGE_FIND;
	for (size_t n = 0; n < p->namespaces.n; n++)
		for (int what = 0; what < KUBE_WORKLOADS; what++) {
			struct str path = {0};
			kube_path(&path, (enum kube_what)what, p->namespaces.items[n], NULL, NULL);
			ask_list(p, r, TAG_FIND + (uint32_t)(n * KUBE_WORKLOADS) + (uint32_t)what, path.s);
			str_finish(&path);
		}
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
	static const char *const all[] = {NULL};
	struct err err;
	if (!is_sensible(&run_request(r)->wish, &err)) {
		run_done(r, &err);
		return;
	}
	p->environment = kube_environment(r);
	struct texts given = kube_namespaces(r);
	size_t n = given.n < 256 / KUBE_WORKLOADS ? given.n : 256 / KUBE_WORKLOADS;
	const char **items = arena_alloc(&p->arena, (n + 1) * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = arena_dup(&p->arena, given.items[i]);
	p->namespaces = n ? (struct texts){items, n} : (struct texts){all, 1};
	find(p, r);
}

static void take_workload(struct kube_plan *p, struct run *r, const struct input *in)
{
	const char *service = run_request(r)->wish.service;
	enum kube_what what = (enum kube_what)((in->tag - TAG_FIND) % KUBE_WORKLOADS);
	/* Most are not of the service: they are not worth parsing. */
	if (in->is_last || p->n_found == KUBE_FOUND_MAX || !memmem(in->data, in->len, service, strlen(service)))
		return;
	struct kube_target *t = &p->found[p->n_found];
	cJSON *object = json_parse(in->data, in->len, NULL);
	*t = (struct kube_target){.object = object};
	if (object && kube_workload_read(what, object, &p->arena, &t->w) && t->w.meta.version && t->w.meta.namespace)
		kube_identify(r, &t->w.meta, &t->who);
	/* A Job of a CronJob is what that one is about; a ReplicaSet's owner is found itself. */
	bool is_part = what == KUBE_JOB && t->w.meta.owner_kind;
	if (str_eq(t->who.service, service) && !t->w.meta.deleted_at && !is_part) {
		t->who = (struct kube_identity){.owner = arena_dup(&p->arena, t->who.owner)};
		p->n_found++;
	} else {
		cJSON_Delete(object);
	}
}

/* Where we may not look, or there is no such kind, there may be enough elsewhere. */
static void find_failed(struct kube_plan *p, struct run *r, const struct input *in)
{
	struct err err;
	bool is_optional = kube_kinds[(in->tag - TAG_FIND) % KUBE_WORKLOADS].is_optional;
	if (in->status == 404 || (in->status == 403 && is_optional))
		return;
	kube_failure(r, in, &err);
	if (in->status != 403) {
		run_done(r, &err);
		return;
	}
	if (!p->trouble.kind)
		p->trouble = err;
}

static void nothing_found(struct kube_plan *p, struct run *r)
{
	struct err err;
	const struct wish *w = &run_request(r)->wish;
	if (p->trouble.kind && !p->namespaces.items[0] && !p->is_narrowed) { /* all may not be listed: the context's */
		const char **one = arena_alloc(&p->arena, sizeof(*one));
		*one = arena_dup(&p->arena, run_scope(r) ? run_scope(r) : "default");
		p->namespaces = (struct texts){one, 1};
		p->is_narrowed = true;
		p->trouble = (struct err){0};
		find(p, r);
		return;
	}
	if (p->trouble.kind)
		err = p->trouble;
	else
		err_set(&err, ERR_NOT_FOUND, "%s has no workload in %s", w->service, kube_environment(r));
	run_done(r, &err);
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
	kube_make_changes(p, &run_request(r)->wish, run_now(r));
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
	kube_send(r, TAG_TRY + (uint32_t)(t - p->found), "PATCH", path.s, t->change.type, body);
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
	if (in->status < 400 || in->status >= 500)
		run_done(r, &err);
	else
		kube_refuse(p, ERR_REFUSED, "the server would refuse it: %s", err.text);
}

/* --- all --- */

static void next_stage(struct kube_plan *p, struct run *r)
{
	if (p->waiting > 0)
		return;
	if (p->stage == STAGE_FIND && !p->n_found) {
		nothing_found(p, r);
		return;
	}
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
	case TAG_FIND:
		take_workload(p, r, in);
		break;
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
	if ((in->tag & TAG_KIND) == TAG_FIND)
		find_failed(p, r, in);
	else if ((in->tag & TAG_KIND) == TAG_RIGHT)
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
	static const char *const actions[] = {"promote", "rollback", "cancel", "restart", "scale", "pause", "resume", NULL};
	const struct wish *w = &q->wish;
	for (size_t i = 0; actions[i]; i++)
		if (str_eq(w->action, actions[i]))
			return w->service != NULL;
	return w->service && str_eq(w->action, "deploy");
}

const struct query kubernetes_plan = {
	.name = "plan",
	.serves = REQUEST_PLAN,
	.suits = suits,
	.size = sizeof(struct kube_plan),
	.on = on_plan,
	.finish = finish,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of bringing a service.yaml to a cluster: into which namespace, and what the server makes of each
 * object when it is tried there.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/apply_plan.h"
#include "backend/providers/kubernetes/mark.h"
#include "backend/providers/kubernetes/object.h"
#include "backend/providers/kubernetes/rights.h"

enum {
	TAG_MONITORS = KUBE_FOLDER_TAG + KUBE_FOLDER_TAGS,
	TAG_FIND,
	TAG_NAMESPACE,
	TAG_LIVE,
	TAG_TRIAL = TAG_LIVE + MANIFEST_KINDS,
	TAG_RIGHT = TAG_TRIAL + MANIFEST_KINDS,
	TAG_RIGHT_OF_NAMESPACE = TAG_RIGHT + MANIFEST_KINDS,
};
static void end(struct kube_apply_plan *p, struct run *r, const struct err *err)
{
	p->is_over = true;
	run_done(r, err);
}

/* --- the objects are tried --- */

static void try_object(struct kube_apply_plan *p, struct run *r, enum manifest_what what)
{
	struct str path = {0};
	char *body = kube_apply_body(&p->manifest, what, NULL);
	kube_apply_path(&path, what, p->basis.namespace, p->folder.file.name, true,
			p->basis.forced & 1u << what);
	kube_try(r, TAG_TRIAL + (uint32_t)what, "PATCH", path.s, KUBE_APPLY, body);
	p->waiting++;
	free(body);
	str_finish(&path);
}

static void ask_live(struct kube_apply_plan *p, struct run *r, enum manifest_what what)
{
	struct str path = {0};
	kube_path(&path, kube_manifest_what(what), p->basis.namespace, p->folder.file.name, NULL);
	kube_get(r, TAG_LIVE + (uint32_t)what, path.s);
	p->waiting++;
	str_finish(&path);
}

/* In a namespace that is not there yet nothing can be tried: the rights are asked for. */
static void ask_rights(struct kube_apply_plan *p, struct run *r)
{
	struct kube_right right = {"create", KUBE_NAMESPACE, NULL};
	kube_apply_say(&p->changes, arena_printf(&p->arena, "the namespace %s is made", p->basis.namespace));
	kube_apply_say(&p->warnings,
		       "the server did not try these objects: their namespace is not there yet");
	kube_right_ask(r, TAG_RIGHT_OF_NAMESPACE, NULL, &right);
	p->waiting++;
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		if (!p->manifest.objects[i])
			continue;
		right = (struct kube_right){"patch", kube_manifest_what((enum manifest_what)i), NULL};
		kube_right_ask(r, TAG_RIGHT + (uint32_t)i, p->basis.namespace, &right);
		p->waiting++;
	}
}

static void on_right(struct kube_apply_plan *p, const struct input *in)
{
	struct err err = {0};
	bool is_denied = in->kind == INPUT_UNIT && !kube_right_read(in, &err) && !err.kind;
	if (is_denied && in->tag == TAG_RIGHT_OF_NAMESPACE)
		kube_apply_refuse(p, ERR_REFUSED,
				  arena_printf(&p->arena,
					       "namespace %s is not there, and you may not create it",
					       p->basis.namespace));
	else if (is_denied)
		p->denied |= 1u << (in->tag - TAG_RIGHT);
}

static void make_objects(struct kube_apply_plan *p, struct run *r)
{
	p->basis.hash = p->folder.hash;
	p->basis.image = kube_apply_image(p, r);
	if (p->refusal.kind) {
		kube_apply_tell(p, r);
		return;
	}
	kube_make_manifest(&p->manifest, r, &p->folder.file, &p->basis);
	for (int i = 0; i < MANIFEST_KINDS && !p->basis.is_namespace_made; i++) {
		if (!p->manifest.objects[i])
			continue;
		if (run_request(r)->wish.take_over)
			p->basis.forced |= 1u << i;
		if (i != MANIFEST_DEPLOYMENT)
			ask_live(p, r, (enum manifest_what)i);
		try_object(p, r, (enum manifest_what)i);
	}
	if (p->basis.is_namespace_made)
		ask_rights(p, r);
}

/* Who manages what we would set: fairway itself, by another kind of write, may always go on. */
static bool is_ours_alone(const cJSON *status, struct str *told)
{
	const cJSON *cause;
	bool is_ours = false, is_others = false;
	cJSON_ArrayForEach(cause, json_get(json_get(status, "details"), "causes"))
	{
		const char *who = json_text(cause, "message"), *field = json_text(cause, "field");
		if (!str_eq(json_text(cause, "reason"), "FieldManagerConflict") || !who)
			continue;
		bool is_own = str_starts(who, "conflict with \"" KUBE_MANAGER "\"");
		is_ours = is_ours || is_own;
		is_others = is_others || !is_own;
		if (!is_own)
			str_addf(told, "%s%s manages %s", told->len ? ", " : "",
				 str_starts(who, "conflict with ") ? who + strlen("conflict with ") : who,
				 field ? field : "a field");
	}
	return is_ours && !is_others;
}

static void on_conflict(struct kube_apply_plan *p, struct run *r, enum manifest_what what,
			const struct input *in)
{
	struct str told = {0};
	cJSON *status = json_parse(in->data, in->len, NULL);
	if (is_ours_alone(status, &told) && !(p->basis.forced & 1u << what)) {
		p->basis.forced |= 1u << what;
		try_object(p, r, what);
	} else {
		kube_apply_refuse(
			p, ERR_REFUSED,
			arena_printf(&p->arena, "%s of %s %s: change it there, or add --take-over",
				     told.len ? told.s : "another program manages what would change",
				     kube_kinds[kube_manifest_what(what)].name, p->folder.file.name));
	}
	str_finish(&told);
	cJSON_Delete(status);
}

/* "… is forbidden: User "ada" cannot patch …"; admission (a quota, a policy) says 403 in other words. */
static bool is_right(const struct input *in)
{
	return in->data && memmem(in->data, in->len, " cannot ", strlen(" cannot "));
}

static void on_trial(struct kube_apply_plan *p, struct run *r, enum manifest_what what,
		     const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		p->after[what] = json_parse(in->data, in->len, NULL);
	} else if (in->status == 409) {
		on_conflict(p, r, what, in);
	} else if (in->status == 403 && str_eq(kube_status_reason(r, in), "Forbidden") && is_right(in)) {
		p->denied |= 1u << what;
	} else {
		kube_failure(r, in, &err);
		err_prefix(&err, "%s %s", kube_kinds[kube_manifest_what(what)].name, p->folder.file.name);
		if (in->status < 400) { /* nobody answered: there is no plan */
			end(p, r, &err);
			return;
		}
		kube_apply_refuse(p, err.kind, arena_dup(&p->arena, err.text));
	}
}

static void on_live(struct kube_apply_plan *p, struct run *r, enum manifest_what what, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		p->live[what] = json_parse(in->data, in->len, NULL);
	} else if (in->status < 400) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	} /* not there, or not ours to see: the trial tells */
}

static void on_object(struct kube_apply_plan *p, struct run *r, const struct input *in)
{
	if (in->kind != INPUT_UNIT && in->kind != INPUT_FAIL)
		return;
	p->waiting--;
	if (in->tag >= TAG_RIGHT)
		on_right(p, in);
	else if (in->tag >= TAG_TRIAL)
		on_trial(p, r, (enum manifest_what)(in->tag - TAG_TRIAL), in);
	else
		on_live(p, r, (enum manifest_what)(in->tag - TAG_LIVE), in);
	if (p->waiting == 0 && !p->is_over)
		kube_apply_tell(p, r);
}

/* --- where it goes --- */

static void find(struct kube_apply_plan *p, struct run *r)
{
	struct str path = {0};
	kube_path(&path, KUBE_DEPLOYMENT, p->places.items[p->at_place], p->folder.file.name, NULL);
	kube_get(r, TAG_FIND, path.s);
	str_finish(&path);
}

static void on_monitors(struct kube_apply_plan *p, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_HEAD && !kube_speaks(in, &err)) {
		end(p, r, &err);
	} else if (in->kind == INPUT_UNIT ||
		   (in->kind == INPUT_FAIL && (in->status == 404 || in->status == 403))) {
		cJSON *list = in->kind == INPUT_UNIT ? json_parse(in->data, in->len, NULL) : NULL;
		const cJSON *kind;
		cJSON_ArrayForEach(kind, json_get(list, "resources")) p->basis.has_monitor |=
			str_eq(json_text(kind, "name"), kube_kinds[KUBE_MONITOR].plural);
		cJSON_Delete(list);
		p->places = kube_places(r, &p->arena);
		find(p, r);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void mind_lock(struct kube_apply_plan *p, struct run *r, const struct kube_meta *meta)
{
	struct kube_mark m;
	if (!kube_lock_read(json_text(meta->annotations, KUBE_LOCK), run_now(r), &p->arena, &m))
		return;
	p->lock = arena_printf(&p->arena, "%s in %s is locked %s", p->folder.file.name, kube_environment(r),
			       kube_lock_text(&m, &p->arena));
	kube_apply_refuse(p, ERR_REFUSED, p->lock);
}

static void on_find(struct kube_apply_plan *p, struct run *r, const struct input *in)
{
	struct kube_meta meta;
	struct err err;
	if (in->kind == INPUT_UNIT) {
		cJSON *live = p->live[MANIFEST_DEPLOYMENT] = json_parse(in->data, in->len, NULL);
		kube_meta_read(live, &meta);
		p->basis.namespace = p->places.items[p->at_place];
		p->basis.uid = meta.uid;
		p->basis.generation = meta.generation;
		mind_lock(p, r, &meta);
		make_objects(p, r);
	} else if (in->kind == INPUT_FAIL && in->status == 404 && p->at_place + 1 < p->places.n) {
		p->at_place++;
		find(p, r);
	} else if (in->kind == INPUT_FAIL && in->status == 404) {
		struct str path = {0};
		p->basis.namespace = p->places.items[0];
		kube_path(&path, KUBE_NAMESPACE, NULL, p->basis.namespace, NULL);
		kube_get(r, TAG_NAMESPACE, path.s);
		str_finish(&path);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void on_namespace(struct kube_apply_plan *p, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT || (in->kind == INPUT_FAIL && (in->status == 404 || in->status == 403))) {
		p->basis.is_namespace_made = in->status == 404;
		make_objects(p, r); /* who may not see namespaces is told by the trial whether it is there */
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void on_folder(struct kube_apply_plan *p, struct run *r, const struct input *in)
{
	const struct wish *w = &run_request(r)->wish;
	struct err err;
	switch (kube_folder_on(&p->folder, r, in, &err)) {
	case KUBE_LOOKS_ON:
		return;
	case KUBE_LOOKED_IN_VAIN:
		end(p, r, &err);
		return;
	case KUBE_LOOKED:
		break;
	}
	if (w->service && !str_eq(w->service, p->folder.file.name)) {
		err_set(&err, ERR_USAGE, "%s is the folder of %s, not of %s", w->folder, p->folder.file.name,
			w->service);
		end(p, r, &err);
		return;
	}
	kube_get(r, TAG_MONITORS, "/apis/monitoring.coreos.com/v1");
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct kube_apply_plan *p = state;
	const struct wish *w = &run_request(r)->wish;
	if (p->is_over)
		return;
	if (in->kind == INPUT_START)
		kube_folder_start(&p->folder, r, w->folder, !w->version);
	else if (kube_folder_owns(in))
		on_folder(p, r, in);
	else if (in->tag == TAG_MONITORS)
		on_monitors(p, r, in);
	else if (in->tag == TAG_FIND)
		on_find(p, r, in);
	else if (in->tag == TAG_NAMESPACE)
		on_namespace(p, r, in);
	else
		on_object(p, r, in);
}

static void finish(void *state)
{
	struct kube_apply_plan *p = state;
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		cJSON_Delete(p->live[i]);
		cJSON_Delete(p->after[i]);
	}
	manifest_finish(&p->manifest);
	kube_folder_finish(&p->folder);
	arena_finish(&p->arena);
}

static bool suits(const struct request *q)
{
	return kube_is_apply(&q->wish);
}

const struct query kubernetes_apply_plan = {
	.name = "plan to apply",
	.serves = REQUEST_PLAN,
	.suits = suits,
	.size = sizeof(struct kube_apply_plan),
	.on = on,
	.finish = finish,
};

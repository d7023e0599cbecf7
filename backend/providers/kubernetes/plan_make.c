/* SPDX-License-Identifier: Apache-2.0 */
/* What each action writes to a workload. */
#include <string.h>

#include "backend/providers/kubernetes/plan.h"
#include "base/clock.h"
#include "model/version.h"

#define VERSION_LABEL "app.kubernetes.io/version"
#define RESTARTED "kubectl.kubernetes.io/restartedAt"

const char *kube_template_path(const struct kube_target *t)
{
	return t->w.what == KUBE_CRONJOB ? "/spec/jobTemplate/spec/template" : "/spec/template";
}

bool kube_has_template(struct kube_plan *p, const struct kube_target *t, const char *verb)
{
	const cJSON *of = json_get(json_get(t->object, "spec"), "workloadRef");
	const char *kind = json_text(of, "kind"), *name = json_text(of, "name");
	if (t->w.template)
		return true;
	kube_refuse(p, ERR_REFUSED, "%s takes its pods from %s %s (workloadRef): fairway %s %s --workload %s/%s",
		    kube_change_name(&t->change, true, &p->arena), kind ? kind : "another workload", name ? name : "?", verb,
		    p->service, kind ? kind : "KIND", name ? name : "NAME");
	return false;
}

cJSON *kube_patch_new(struct kube_target *t)
{
	cJSON *patch = cJSON_CreateArray();
	if (!t->w.meta.annotations)
		kube_patch_add(patch, "add", "/metadata/annotations", NULL, cJSON_CreateObject());
	return patch;
}

static void set_change(struct kube_target *t, const char *type, cJSON *patch)
{
	t->change.type = type;
	t->change.patch = patch;
}

/* {"spec": {NAME: value}} */
static void set_spec(struct kube_target *t, const char *outer, const char *name, cJSON *value)
{
	cJSON *patch = cJSON_CreateObject();
	cJSON_AddItemToObject(cJSON_AddObjectToObject(patch, outer), name, value);
	set_change(t, KUBE_MERGE, patch);
}

static const char *name_of(struct kube_plan *p, struct kube_target *t)
{
	return kube_change_name(&t->change, true, &p->arena);
}

/* --- deploy, promote --- */

static const char *names_in(struct kube_plan *p, const cJSON *list)
{
	struct str all = {0};
	const cJSON *c;
	cJSON_ArrayForEach(c, list)
	{
		const char *name = json_text(c, "name");
		str_addf(&all, "%s%s", all.len ? ", " : "", name ? name : "?");
	}
	const char *text = arena_dup(&p->arena, str_text(&all));
	str_finish(&all);
	return text;
}

static const cJSON *find_container(const cJSON *list, const char *name, int *index)
{
	const cJSON *c;
	*index = 0;
	cJSON_ArrayForEach(c, list)
	{
		if (name && str_eq(json_text(c, "name"), name))
			return c;
		++*index;
	}
	return NULL;
}

const cJSON *kube_container_of(struct kube_plan *p, struct kube_target *t, const struct wish *w, int *index)
{
	const cJSON *list = json_get(json_get(t->w.template, "spec"), "containers"), *found;
	const char *noted = json_text(t->w.meta.annotations, KUBE_PREFIX "container");
	const char *marked = json_text(json_get(json_get(t->w.template, "metadata"), "annotations"),
				       "kubectl.kubernetes.io/default-container");
	const char *wanted = w->container ? w->container : noted ? noted : marked;
	if ((found = find_container(list, wanted, index)))
		return found;
	if (w->container) {
		kube_refuse(p, ERR_NOT_FOUND, "%s has no container %s; it has: %s", name_of(p, t), w->container,
			    names_in(p, list));
		return NULL;
	}
	if ((found = find_container(list, p->service, index)) || (found = find_container(list, t->w.meta.name, index)))
		return found;
	*index = 0;
	if (cJSON_GetArraySize(list) == 1)
		return cJSON_GetArrayItem(list, 0);
	kube_refuse(p, ERR_USAGE, "%s has several containers: name one with --container: %s", name_of(p, t),
		    names_in(p, list));
	return NULL;
}

/* The label tells the version of what runs: it follows, unless the selector holds it fast. */
static void follow_label(struct kube_target *t, const char *from, const char *to, cJSON *patch)
{
	const cJSON *labels = json_get(json_get(t->w.template, "metadata"), "labels");
	char path[64];
	size_t len = strlen(to);
	bool is_value = len <= 63 && strspn(to, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
	bool is_held = json_get(json_get(t->w.selector, "matchLabels"), VERSION_LABEL) != NULL;
	if (is_held || !is_value)
		return;
	if (str_eq(json_text(labels, VERSION_LABEL), from)) {
		str_copy(path, sizeof(path), kube_template_path(t));
		memcpy(path + strlen(path), "/metadata/labels", sizeof("/metadata/labels"));
		kube_patch_add(patch, "replace", path, VERSION_LABEL, cJSON_CreateString(to));
	}
	if (str_eq(json_text(t->w.meta.labels, VERSION_LABEL), from))
		kube_patch_add(patch, "replace", "/metadata/labels", VERSION_LABEL, cJSON_CreateString(to));
}

static void make_deploy(struct kube_plan *p, struct kube_target *t, const struct wish *w)
{
	struct err err;
	int index;
	const cJSON *container = kube_has_template(p, t, "deploy") ? kube_container_of(p, t, w, &index) : NULL;
	if (!container)
		return;
	const char *name = json_text(container, "name"), *from = json_text(container, "image");
	const char *to = image_with(from, w->version, &p->arena, &err);
	if (!to) {
		kube_refuse(p, err.kind, "%s", err.text);
		return;
	}
	cJSON *patch = kube_patch_new(t);
	const char *path = arena_printf(&p->arena, "%s/spec/containers/%d/image", kube_template_path(t), index);
	kube_patch_add(patch, "replace", path, NULL, cJSON_CreateString(to));
	t->to = image_version(to, &p->arena);
	const char *was = image_version(from, &p->arena);
	if (was && t->to)
		follow_label(t, was, t->to, patch);
	set_change(t, KUBE_JSON_PATCH, patch);
	t->same = arena_printf(&p->arena, "set image %s/%s %s=%s", kube_kinds[t->w.what].plural, t->w.meta.name, name, to);
	if (str_eq(from, to))
		return;
	kube_say_change(p, "%s: image of %s %s → %s", name_of(p, t), name, from ? from : "(none)", to);
	if (str_eq(t->to, "latest"))
		kube_say_warning(p, "the tag latest may be another image tomorrow: what runs cannot be told by it");
	if (t->w.what == KUBE_CRONJOB)
		kube_say_change(p, "%s takes it from its next run on", name_of(p, t));
}

/* Nothing to do for any of them: the same image again replaces no pod. */
static void check_deploy(struct kube_plan *p, const struct wish *w)
{
	for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));) {
		const cJSON *op;
		cJSON_ArrayForEach(op, t->change.patch)
		{
			const char *to = json_text(op, "value");
			if (!str_ends(json_text(op, "path"), "/image"))
				continue;
			int index;
			const cJSON *c = kube_container_of(p, t, w, &index);
			if (!str_eq(json_text(c, "image"), to))
				return;
		}
	}
	kube_refuse(p, ERR_REFUSED, "%s in %s runs %s already: nothing would change; restart replaces its instances", w->service,
		    p->environment, w->version);
}

/* --- restart, scale, pause, resume --- */

static void make_restart(struct kube_plan *p, struct kube_target *t, int64_t now)
{
	char time[CLOCK_TEXT];
	if (t->w.is_paused) {
		kube_refuse(p, ERR_REFUSED, "%s is paused: nothing would roll; resume it first", name_of(p, t));
		return;
	}
	clock_rfc3339(now - now % 1000, time);
	t->to = t->w.version;
	if (t->w.what == KUBE_ROLLOUT) {
		set_spec(t, "spec", "restartAt", cJSON_CreateString(time));
		t->change.has_cause = false;
		t->same = arena_printf(&p->arena, "argo rollouts restart %s", t->w.meta.name);
	} else {
		cJSON *template = cJSON_CreateObject();
		json_add_text(cJSON_AddObjectToObject(cJSON_AddObjectToObject(template, "metadata"), "annotations"), RESTARTED, time);
		set_spec(t, "spec", "template", template);
		t->same = arena_printf(&p->arena, "rollout restart %s/%s", kube_kinds[t->w.what].plural, t->w.meta.name);
	}
	kube_say_change(p, "%s: %lld pod%s replaced by fresh ones of the same image", name_of(p, t),
			(long long)t->w.desired, t->w.desired == 1 ? " is" : "s are");
}

static void make_scale(struct kube_plan *p, struct kube_target *t, const struct wish *w)
{
	set_spec(t, "spec", "replicas", cJSON_CreateNumber((double)w->count));
	t->change.sub = "scale";
	t->same = arena_printf(&p->arena, "scale %s/%s --replicas=%lld", kube_kinds[t->w.what].plural, t->w.meta.name,
			       (long long)w->count);
	if (t->w.desired == w->count)
		kube_refuse(p, ERR_REFUSED, "%s keeps %lld instances already", name_of(p, t), (long long)w->count);
	else
		kube_say_change(p, "%s: replicas %lld → %lld", name_of(p, t), (long long)t->w.desired,
				(long long)w->count);
}

static void make_pause(struct kube_plan *p, struct kube_target *t, bool is_pause)
{
	bool is_cron = t->w.what == KUBE_CRONJOB, is_now = is_cron ? t->w.is_suspended : t->w.is_paused;
	const char *word = is_pause ? "pause" : "resume";
	set_spec(t, "spec", is_cron ? "suspend" : "paused", cJSON_CreateBool(is_pause));
	t->change.is_rollout = !is_pause && !is_cron;
	if (t->w.what == KUBE_ROLLOUT)
		t->same = arena_printf(&p->arena, "argo rollouts %s %s", is_pause ? "pause" : "promote", t->w.meta.name);
	else if (is_cron)
		t->same = arena_printf(&p->arena, "patch cronjobs/%s -p '{\"spec\":{\"suspend\":%s}}'", t->w.meta.name,
				       is_pause ? "true" : "false");
	else
		t->same = arena_printf(&p->arena, "rollout %s %s/%s", word, kube_kinds[t->w.what].plural, t->w.meta.name);
	if (is_now == is_pause)
		kube_refuse(p, ERR_REFUSED, "%s is %s", name_of(p, t),
			    is_pause ? "paused already" : is_cron ? "not suspended" : "not paused");
	else if (is_cron)
		kube_say_change(p, "%s %s", name_of(p, t), is_pause ? "starts no Job until it is resumed" : "starts Jobs again");
	else
		kube_say_change(p, "%s: %s", name_of(p, t),
				is_pause ? "what rolls now stays as it is; no later change reaches its pods until it is resumed"
					 : "what was changed meanwhile rolls out now");
}

/* A Rollout that waits at a step, or was aborted, goes on by its status, as its own plugin writes it. */
static bool make_step(struct kube_plan *p, struct kube_target *t)
{
	const cJSON *status = json_get(t->object, "status");
	bool is_waiting = cJSON_GetArraySize(json_get(status, "pauseConditions")) > 0;
	bool is_aborted = json_bool(status, "abort", false), is_held = json_bool(status, "controllerPause", false);
	if (t->w.what != KUBE_ROLLOUT || t->w.is_paused || !(is_waiting || is_aborted))
		return false;
	set_spec(t, "status", is_aborted ? "abort" : "pauseConditions", is_aborted ? cJSON_CreateFalse() : cJSON_CreateNull());
	cJSON *body = cJSON_GetObjectItemCaseSensitive(t->change.patch, "status");
	bool is_inconclusive = is_held && strstr(t->w.reason ? t->w.reason : "", "Inconclusive");
	if (is_inconclusive && !is_aborted) { /* it stands before a step whose analysis could not decide */
		json_add_bool(body, "controllerPause", false);
		json_add_int(body, "currentStepIndex", json_int(status, "currentStepIndex", 0) + 1);
	}
	t->change.sub = "status";
	t->change.is_rollout = true;
	t->same = arena_printf(&p->arena, "argo rollouts %s %s", is_aborted ? "retry rollout" : "promote", t->w.meta.name);
	kube_say_change(p, "%s: %s", name_of(p, t),
			is_aborted ? "the rollout that was aborted is tried again from its first step"
				   : arena_printf(&p->arena, "goes on from where it waits: %s", t->w.reason ? t->w.reason : "a pause"));
	return true;
}

static void make_cancel(struct kube_plan *p, struct kube_target *t)
{
	if (t->w.rollout == KUBE_STEADY) {
		kube_refuse(p, ERR_REFUSED, "%s: no rollout is under way", name_of(p, t));
	} else if (t->w.what == KUBE_ROLLOUT) {
		set_spec(t, "status", "abort", cJSON_CreateTrue());
		t->change.sub = "status";
		t->change.is_rollout = false;
		t->same = arena_printf(&p->arena, "argo rollouts abort %s", t->w.meta.name);
		kube_say_change(p, "%s: the rollout is aborted, the stable version serves alone again", name_of(p, t));
	} else {
		kube_make_undo(p, t, NULL);
	}
}

/* --- all --- */

static void make_one(struct kube_plan *p, struct kube_target *t, const struct wish *w, int64_t now)
{
	const char *action = w->action;
	t->change = (struct kube_change){
		.what = t->w.what, .namespace = t->w.meta.namespace, .name = t->w.meta.name, .uid = t->w.meta.uid,
		.version = t->w.meta.version, .generation = t->w.meta.generation, .is_rollout = true,
		/* what makes no revision leaves the reason of the one that runs alone */
		.has_cause = !str_eq(action, "scale") && !str_eq(action, "pause") && !str_eq(action, "resume") &&
			     t->w.what != KUBE_CRONJOB,
	};
	if (str_eq(action, "deploy") || str_eq(action, "promote"))
		make_deploy(p, t, w);
	else if (str_eq(action, "restart"))
		make_restart(p, t, now);
	else if (str_eq(action, "scale"))
		make_scale(p, t, w);
	else if (str_eq(action, "pause") || (str_eq(action, "resume") && !make_step(p, t)))
		make_pause(p, t, str_eq(action, "pause"));
	else if (str_eq(action, "rollback"))
		kube_make_undo(p, t, w->release);
	else if (str_eq(action, "cancel"))
		make_cancel(p, t);
	if (t->w.what == KUBE_CRONJOB)
		t->change.is_rollout = false;
}

static void warn(struct kube_plan *p, struct kube_target *t, const struct wish *w)
{
	bool is_deploy = str_eq(w->action, "deploy") || str_eq(w->action, "promote");
	const cJSON *strategy = json_get(json_get(t->object, "spec"), "updateStrategy");
	if (t->who.owner)
		kube_say_warning(p, "%s owns %s: it will set this back; change it there", t->who.owner, name_of(p, t));
	if (t->w.meta.owner_kind)
		kube_say_warning(p, "%s %s controls %s: it may set this back", t->w.meta.owner_kind, t->w.meta.owner_name,
				 name_of(p, t));
	if (is_deploy && t->w.is_paused)
		kube_say_warning(p, "%s is paused: it is written, and rolls out when it is resumed", name_of(p, t));
	if (t->change.is_rollout && str_eq(json_text(strategy, "type"), "OnDelete"))
		kube_say_warning(p, "%s has the strategy OnDelete: each pod changes when somebody deletes it", name_of(p, t));
}

void kube_make_changes(struct kube_plan *p, const struct wish *w, const char *by, int64_t now)
{
	for (struct kube_target *t = NULL; !p->refusal.kind && (t = kube_next_chosen(p, t));) {
		make_one(p, t, w, now);
		if (kube_is_mark(w->action))
			kube_make_mark(p, t, w, by, now);
		else if (!p->refusal.kind)
			warn(p, t, w);
	}
	if (!p->refusal.kind && (str_eq(w->action, "deploy") || str_eq(w->action, "promote")))
		check_deploy(p, w);
}

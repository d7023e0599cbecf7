/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back to a revision that is kept: of a Deployment and a Rollout by their ReplicaSets, of a StatefulSet and a
 * DaemonSet by their ControllerRevisions. Nothing is marked; what is gone back to becomes the newest revision.
 */
#include <string.h>

#include "backend/providers/kubernetes/plan.h"
#include "model/version.h"

static bool has_replicasets(const struct kube_target *t)
{
	return t->w.what == KUBE_DEPLOYMENT || t->w.what == KUBE_ROLLOUT;
}

static const char *number_name(const struct kube_target *t)
{
	return t->w.what == KUBE_ROLLOUT ? "rollout.argoproj.io/revision" : "deployment.kubernetes.io/revision";
}

static const char *hash_label(const struct kube_target *t)
{
	return t->w.what == KUBE_ROLLOUT ? "rollouts-pod-template-hash" : "pod-template-hash";
}

static int64_t number_of(const struct kube_target *t, const cJSON *revision)
{
	long long n;
	if (!has_replicasets(t))
		return json_int(revision, "revision", 0);
	const char *text = json_text(json_get(json_get(revision, "metadata"), "annotations"), number_name(t));
	return text && str_to_int(text, 0, INT64_MAX, &n) ? n : 0;
}

static const cJSON *template_of(const struct kube_target *t, const cJSON *revision)
{
	const cJSON *of = has_replicasets(t) ? revision : json_get(revision, "data");
	return json_get(json_get(of, "spec"), "template");
}

bool kube_is_revision(const struct kube_target *t, const cJSON *object)
{
	struct kube_meta m;
	kube_meta_read(object, &m);
	return str_eq(m.owner_uid, t->w.meta.uid) && template_of(t, object) && number_of(t, object) > 0;
}

static const char *version_of(struct kube_plan *p, const struct kube_target *t, const cJSON *revision)
{
	const cJSON *c, *list = json_get(json_get(template_of(t, revision), "spec"), "containers");
	cJSON_ArrayForEach(c, list)
	{
		if (str_eq(json_text(c, "name"), t->w.container))
			return image_version(json_text(c, "image"), &p->arena);
	}
	return image_version(json_text(cJSON_GetArrayItem(list, 0), "image"), &p->arena);
}

static const cJSON *newest(const struct kube_target *t, int64_t below)
{
	const cJSON *r, *found = NULL;
	cJSON_ArrayForEach(r, t->history)
	{
		if (number_of(t, r) < below && (!found || number_of(t, r) > number_of(t, found)))
			found = r;
	}
	return found;
}

/* The revision that the workload's own template is: the newest, also when its rollout never ended. */
static int64_t current(const struct kube_target *t)
{
	const cJSON *last = newest(t, INT64_MAX);
	int64_t newest_kept = last ? number_of(t, last) : 0;
	return t->w.revision > newest_kept ? t->w.revision : newest_kept;
}

/* "2 (1.9.1), 3 (1.9.2)" */
static const char *kept(struct kube_plan *p, const struct kube_target *t)
{
	struct str all = {0};
	const cJSON *r = NULL;
	for (int64_t below = INT64_MAX; (r = newest(t, below)); below = number_of(t, r)) {
		const char *version = version_of(p, t, r);
		str_addf(&all, "%s%lld (%s)", all.len ? ", " : "", (long long)number_of(t, r), version ? version : "?");
	}
	const char *text = arena_dup(&p->arena, str_text(&all));
	str_finish(&all);
	return text;
}

static const cJSON *find(struct kube_plan *p, struct kube_target *t, const char *release)
{
	int64_t now = current(t);
	long long number;
	const cJSON *r;
	const char *name = kube_change_name(&t->change, true, &p->arena);
	if (!release) {
		if (!(r = newest(t, now)))
			kube_refuse(p, ERR_NOT_FOUND, "%s keeps no revision before this one: deploy a version instead", name);
		return r;
	}
	/* A version may look like a number; a number that is kept wins. */
	if (str_to_int(release, 1, INT64_MAX, &number))
		cJSON_ArrayForEach(r, t->history)
		{
			if (number_of(t, r) == number)
				return r;
		}
	for (int64_t below = INT64_MAX; (r = newest(t, below)); below = number_of(t, r))
		if (number_of(t, r) != now && str_eq(version_of(p, t, r), release))
			return r;
	const cJSON *running = newest(t, INT64_MAX);
	if (running && str_eq(version_of(p, t, running), release))
		kube_refuse(p, ERR_REFUSED, "%s runs %s already: nothing would change", name, release);
	else
		kube_refuse(p, ERR_NOT_FOUND, "%s keeps no revision %s; it keeps: %s", name, release, kept(p, t));
	return NULL;
}

static cJSON *clean_template(const struct kube_target *t, const cJSON *template)
{
	cJSON *copy = cJSON_Duplicate(template, true);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(copy, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(meta, "labels"), hash_label(t));
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "creationTimestamp"); /* null, from old servers */
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "$patch");
	return copy;
}

static bool is_same(const struct kube_target *t, const cJSON *template)
{
	cJSON *was = clean_template(t, t->w.template), *would = clean_template(t, template);
	bool is_equal = cJSON_Compare(was, would, true);
	cJSON_Delete(was);
	cJSON_Delete(would);
	return is_equal;
}

static void set_patch(struct kube_target *t, const cJSON *revision)
{
	if (has_replicasets(t)) {
		t->change.type = KUBE_JSON_PATCH;
		t->change.patch = kube_patch_new(t);
		kube_patch_add(t->change.patch, "replace", "/spec/template", NULL, clean_template(t, template_of(t, revision)));
	} else { /* its data is the patch that its own controller would apply */
		t->change.type = KUBE_STRATEGIC;
		t->change.patch = cJSON_Duplicate(json_get(revision, "data"), true);
	}
}

static void tell(struct kube_plan *p, struct kube_target *t, const cJSON *revision)
{
	const char *name = kube_change_name(&t->change, true, &p->arena);
	const char *cause = json_text(json_get(json_get(revision, "metadata"), "annotations"), "kubernetes.io/change-cause");
	long long number = (long long)number_of(t, revision);
	t->to = version_of(p, t, revision);
	kube_say_change(p, "%s: %s → %s, revision %lld%s%s", name, t->w.version ? t->w.version : "?", t->to ? t->to : "?",
			number, cause ? ", which came of: " : "", cause ? cause : "");
	t->same = t->w.what == KUBE_ROLLOUT
			  ? arena_printf(&p->arena, "argo rollouts undo %s --to-revision=%lld", t->w.meta.name, number)
			  : arena_printf(&p->arena, "rollout undo %s/%s --to-revision=%lld", kube_kinds[t->w.what].plural,
					 t->w.meta.name, number);
}

void kube_make_undo(struct kube_plan *p, struct kube_target *t, const char *release)
{
	const char *name = kube_change_name(&t->change, true, &p->arena);
	if (!kube_has_template(p, t, "rollback"))
		return;
	if (!t->history) {
		kube_refuse(p, p->trouble.kind, "the revisions of %s cannot be read: %s", name, p->trouble.text);
		return;
	}
	if (t->w.is_paused) {
		kube_refuse(p, ERR_REFUSED, "%s is paused: nothing would roll back; resume it first", name);
		return;
	}
	const cJSON *revision = find(p, t, release);
	if (!revision)
		return;
	if (is_same(t, template_of(t, revision))) {
		kube_refuse(p, ERR_REFUSED, "%s is as revision %lld has it: nothing would change", name,
			    (long long)number_of(t, revision));
		return;
	}
	set_patch(t, revision);
	tell(p, t, revision);
	kube_say_warning(p, "what it wrote to databases and other services stays, and so do ConfigMaps and Secrets");
}

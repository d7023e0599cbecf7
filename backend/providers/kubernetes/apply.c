/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/apply.h"

#include <string.h>

#include "backend/providers/kubernetes/cause.h"

static const enum kube_what whats[MANIFEST_KINDS] = {
	[MANIFEST_POLICY] = KUBE_POLICY,         [MANIFEST_SERVICE] = KUBE_SERVICE,
	[MANIFEST_DEPLOYMENT] = KUBE_DEPLOYMENT, [MANIFEST_AUTOSCALER] = KUBE_AUTOSCALER,
	[MANIFEST_BUDGET] = KUBE_BUDGET,         [MANIFEST_MONITOR] = KUBE_MONITOR,
};

enum kube_what kube_manifest_what(enum manifest_what what)
{
	return whats[what];
}

bool kube_is_apply(const struct wish *w)
{
	return w->folder &&
	       (str_eq(w->action, "up") || str_eq(w->action, "deploy") || str_eq(w->action, "promote"));
}

void kube_make_manifest(struct manifest *m, struct run *r, const struct service_file *file,
			const struct kube_basis *b)
{
	manifest_make(m, &(struct manifest_wish){.file = file,
						 .environment = kube_environment(r),
						 .namespace = b->namespace,
						 .image = b->image,
						 .lacks_monitors = !b->has_monitor});
}

struct texts kube_places(struct run *r, struct arena *arena)
{
	struct texts said = kube_namespaces(r);
	const char *scope = run_scope(r), **items = arena_alloc(arena, (said.n + 1) * sizeof(*items));
	for (size_t i = 0; i < said.n; i++)
		items[i] = arena_dup(arena, said.items[i]);
	if (!said.n)
		items[said.n++] = arena_dup(arena, str_empty(scope) ? "default" : scope);
	return (struct texts){items, said.n};
}

char *kube_basis_text(const struct kube_basis *b)
{
	cJSON *o = cJSON_CreateObject();
	json_add_text(o, "image", b->image);
	json_add_text(o, "namespace", b->namespace);
	json_add_text(o, "hash", b->hash);
	json_add_text(o, "uid", b->uid);
	json_add_int(o, "generation", b->generation);
	json_add_bool(o, "built", b->is_built);
	json_add_bool(o, "namespace_made", b->is_namespace_made);
	json_add_bool(o, "monitor", b->has_monitor);
	json_add_int(o, "forced", b->forced);
	json_add_int(o, "changed", b->changed);
	char *text = json_print(o);
	cJSON_Delete(o);
	return text;
}

bool kube_basis_read(const char *text, struct arena *arena, struct kube_basis *b)
{
	cJSON *o = text ? json_parse(text, strlen(text), NULL) : NULL;
	*b = (struct kube_basis){
		.image = arena_dup(arena, json_text(o, "image")),
		.namespace = arena_dup(arena, json_text(o, "namespace")),
		.hash = arena_dup(arena, json_text(o, "hash")),
		.uid = arena_dup(arena, json_text(o, "uid")),
		.generation = json_int(o, "generation", 0),
		.is_built = json_bool(o, "built", false),
		.is_namespace_made = json_bool(o, "namespace_made", false),
		.has_monitor = json_bool(o, "monitor", false),
		.forced = (unsigned)json_int(o, "forced", 0),
		.changed = (unsigned)json_int(o, "changed", 0),
	};
	cJSON_Delete(o);
	return b->image && b->namespace && b->hash;
}

void kube_apply_path(struct str *path, enum manifest_what what, const char *namespace, const char *name,
		     bool is_trial, bool is_forced)
{
	kube_path(path, whats[what], namespace, name, NULL);
	str_addf(path, "?fieldManager=%s%s%s", KUBE_MANAGER, is_trial ? "&dryRun=All" : "",
		 is_forced ? "&force=true" : "");
}

char *kube_apply_body(const struct manifest *m, enum manifest_what what, const char *cause)
{
	cJSON *body = cJSON_Duplicate(m->objects[what], true);
	if (what == MANIFEST_DEPLOYMENT) {
		cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(body, "spec"),
							"replicas");
		cJSON *meta = cJSON_GetObjectItemCaseSensitive(body, "metadata");
		cJSON *annotations = cJSON_GetObjectItemCaseSensitive(meta, "annotations");
		if (cause && !annotations)
			annotations = cJSON_AddObjectToObject(meta, "annotations");
		json_add_text(annotations, KUBE_CAUSE, cause);
	}
	char *text = json_print(body);
	cJSON_Delete(body);
	return text;
}

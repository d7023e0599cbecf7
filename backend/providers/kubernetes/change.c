/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/change.h"

#include <string.h>

#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/object.h"

void kube_change_path(struct str *path, const struct kube_change *c, bool is_trial)
{
	kube_path(path, c->what, c->namespace, c->name, c->sub);
	str_addf(path, "?fieldManager=%s%s", KUBE_MANAGER, is_trial ? "&dryRun=All" : "");
}

/* RFC 6901 */
static void add_escaped(struct str *out, const char *key)
{
	for (; *key; key++)
		if (*key == '~' || *key == '/')
			str_add(out, *key == '~' ? "~0" : "~1");
		else
			str_addc(out, *key);
}

void kube_patch_add(cJSON *patch, const char *op, const char *path, const char *key, cJSON *value)
{
	struct str at = {0};
	cJSON *item = cJSON_CreateObject();
	str_add(&at, path);
	if (key) {
		str_addc(&at, '/');
		add_escaped(&at, key);
	}
	json_add_text(item, "op", op);
	json_add_text(item, "path", str_text(&at));
	cJSON_AddItemToObject(item, "value", value);
	cJSON_AddItemToArray(patch, item);
	str_finish(&at);
}

static cJSON *member(cJSON *object, const char *name)
{
	cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
	if (cJSON_IsObject(found))
		return found;
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	return cJSON_AddObjectToObject(object, name);
}

static void add_to_operations(const struct kube_change *c, cJSON *body, bool with_version, const char *cause)
{
	if (with_version) {
		kube_patch_add(body, "replace", "/metadata/uid", NULL, cJSON_CreateString(c->uid));
		kube_patch_add(body, "replace", "/metadata/resourceVersion", NULL, cJSON_CreateString(c->version));
	}
	if (cause) /* the patch itself makes annotations where there are none */
		kube_patch_add(body, "add", "/metadata/annotations", KUBE_CAUSE, cJSON_CreateString(cause));
}

static void add_to_object(const struct kube_change *c, cJSON *body, bool with_version, const char *cause)
{
	cJSON *meta = member(body, "metadata");
	if (with_version) {
		json_add_text(meta, "uid", c->uid);
		json_add_text(meta, "resourceVersion", c->version);
	}
	if (cause)
		json_add_text(member(meta, "annotations"), KUBE_CAUSE, cause);
}

char *kube_change_body(const struct kube_change *c, bool with_version, const char *cause)
{
	cJSON *body = cJSON_Duplicate(c->patch, true);
	if (cJSON_IsArray(body))
		add_to_operations(c, body, with_version, c->has_cause ? cause : NULL);
	else
		add_to_object(c, body, with_version, c->has_cause ? cause : NULL);
	char *text = json_print(body);
	cJSON_Delete(body);
	return text;
}

cJSON *kube_change_save(const struct kube_change *c)
{
	cJSON *o = cJSON_CreateObject();
	json_add_text(o, "kind", kube_kinds[c->what].name);
	json_add_text(o, "namespace", c->namespace);
	json_add_text(o, "name", c->name);
	json_add_text(o, "uid", c->uid);
	json_add_text(o, "version", c->version);
	json_add_int(o, "generation", c->generation);
	json_add_text(o, "sub", c->sub);
	json_add_text(o, "mark", c->mark);
	json_add_text(o, "was", c->was);
	json_add_text(o, "type", c->type);
	json_add_bool(o, "cause", c->has_cause);
	json_add_bool(o, "rollout", c->is_rollout);
	cJSON_AddItemToObject(o, "patch", cJSON_Duplicate(c->patch, true));
	return o;
}

bool kube_change_load(const cJSON *o, struct arena *arena, struct kube_change *c)
{
	const cJSON *patch = json_get(o, "patch");
	*c = (struct kube_change){
		.what = kube_what_of(json_text(o, "kind")),
		.namespace = arena_dup(arena, json_text(o, "namespace")),
		.name = arena_dup(arena, json_text(o, "name")),
		.uid = arena_dup(arena, json_text(o, "uid")),
		.version = arena_dup(arena, json_text(o, "version")),
		.generation = json_int(o, "generation", 0),
		.sub = arena_dup(arena, json_text(o, "sub")),
		.mark = arena_dup(arena, json_text(o, "mark")),
		.was = arena_dup(arena, json_text(o, "was")),
		.type = arena_dup(arena, json_text(o, "type")),
		.has_cause = json_bool(o, "cause", false),
		.is_rollout = json_bool(o, "rollout", false),
	};
	if (c->what >= KUBE_WORKLOADS || !c->namespace || !c->name || !c->uid || !c->version || !c->type || !patch)
		return false;
	c->patch = cJSON_Duplicate(patch, true);
	return true;
}

const char *kube_change_name(const struct kube_change *c, bool shown_namespace, struct arena *arena)
{
	if (!shown_namespace)
		return arena_printf(arena, "%s %s", kube_kinds[c->what].name, c->name);
	return arena_printf(arena, "%s %s in %s", kube_kinds[c->what].name, c->name, c->namespace);
}

const char *kube_last_manager(const cJSON *object)
{
	const cJSON *entry;
	const char *last = NULL;
	int64_t at = -1;
	cJSON_ArrayForEach(entry, json_get(json_get(object, "metadata"), "managedFields"))
	{
		int64_t time = kube_time(entry, "time");
		if (str_eq(json_text(entry, "subresource"), "status") || time < at)
			continue;
		at = time;
		last = json_text(entry, "manager");
	}
	return last;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a context stands for as JSON, in the words of kubeconfig files. */
#include <stdlib.h>
#include <string.h>

#include "backend/kubeconfig_private.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/str.h"

/* --- YAML as JSON --- */

static cJSON *scalar_json(const struct yaml_node *n)
{
	struct str number = {0};
	cJSON *json;
	switch (kube_scalar(n)) {
	case SCALAR_NULL:
		return cJSON_CreateNull();
	case SCALAR_BOOL:
		return cJSON_CreateBool(kube_true(n));
	case SCALAR_NUMBER:
		kube_number(&number, n);
		json = cJSON_CreateRaw(str_text(&number)); /* a double would not hold all of it */
		str_finish(&number);
		return json;
	case SCALAR_TEXT:
		break;
	}
	return cJSON_CreateString(n->text);
}

cJSON *kubeconfig_json(const struct yaml_node *n)
{
	if (n->kind == YAML_TEXT)
		return scalar_json(n);
	cJSON *json = n->kind == YAML_MAP ? cJSON_CreateObject() : cJSON_CreateArray();
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		if (n->kind == YAML_MAP)
			cJSON_AddItemToObject(json, c->key, kubeconfig_json(c));
		else
			cJSON_AddItemToArray(json, kubeconfig_json(c));
	}
	return json;
}

/* --- fields --- */

static cJSON *texts_json(const struct kube_texts *t)
{
	cJSON *json = t->items ? cJSON_CreateArray() : cJSON_CreateNull();
	for (size_t i = 0; i < t->n; i++)
		cJSON_AddItemToArray(json, cJSON_CreateString(t->items[i]));
	return json;
}

static cJSON *text_list_json(const struct yaml_node *list)
{
	if (list->kind != YAML_LIST)
		return cJSON_CreateNull();
	cJSON *json = cJSON_CreateArray();
	for (const struct yaml_node *c = list->first; c; c = c->next)
		cJSON_AddItemToArray(json, cJSON_CreateString(kube_text(c)));
	return json;
}

static cJSON *map_json(const struct yaml_node *map, bool of_lists)
{
	cJSON *json = map ? cJSON_CreateObject() : cJSON_CreateNull();
	for (const struct yaml_node *c = map ? map->first : NULL; c; c = c->next)
		cJSON_AddItemToObject(json, c->key, of_lists ? text_list_json(c) : cJSON_CreateString(kube_text(c)));
	return json;
}

static int by_item_name(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a, *y = *(const struct yaml_node *const *)b;
	return strcmp(kube_text(yaml_find(x, "name")), kube_text(yaml_find(y, "name")));
}

static cJSON *named_json(const struct yaml_node *list, const char *key)
{
	bool is_extension = strcmp(key, "extension") == 0;
	if (!list)
		return cJSON_CreateNull();
	const struct yaml_node **items = mem_array(list->count + 1, sizeof(*items));
	size_t n = 0;
	for (const struct yaml_node *c = list->first; c; c = c->next)
		items[n++] = c;
	if (is_extension) /* a map to kubectl */
		qsort(items, n, sizeof(*items), by_item_name);
	cJSON *json = cJSON_CreateArray();
	for (size_t i = 0; i < n; i++) {
		cJSON *item = cJSON_CreateObject();
		const struct yaml_node *value = yaml_find(items[i], key);
		cJSON_AddStringToObject(item, "name", kube_text(yaml_find(items[i], "name")));
		cJSON_AddItemToObject(item, key, is_extension && !value ? cJSON_CreateNull()
						 : is_extension          ? kubeconfig_json(value)
						 : cJSON_CreateString(kube_text(value)));
		cJSON_AddItemToArray(json, item);
	}
	free(items);
	return json;
}

static void add_bytes(cJSON *object, const char *key, const struct kube_bytes *bytes, bool is_raw)
{
	struct str text = {0};
	if (!bytes->len)
		return;
	if (is_raw)
		base64_add(&text, bytes->data, bytes->len);
	else
		str_add(&text, "DATA+OMITTED");
	cJSON_AddStringToObject(object, key, text.s);
	explicit_bzero(text.s, text.len);
	str_finish(&text);
}

static cJSON *fields_json(const struct entry_class *, const void *entry, bool is_raw);

static void add_text(cJSON *object, const struct kube_field *f, const char *text, bool is_raw)
{
	if (text && f->is_secret && !is_raw)
		text = "REDACTED";
	if (text || f->is_always)
		cJSON_AddStringToObject(object, f->key, text ? text : "");
}

static void add_nodes(cJSON *object, const struct kube_field *f, const struct yaml_node *n)
{
	if (!f->is_always && (!n || !n->count))
		return;
	if (f->type == FIELD_VARIABLES || f->type == FIELD_EXTENSIONS)
		cJSON_AddItemToObject(object, f->key,
				      named_json(n, f->type == FIELD_VARIABLES ? "value" : "extension"));
	else
		cJSON_AddItemToObject(object, f->key, map_json(n, f->type == FIELD_LISTS));
}

static void add_field(cJSON *object, const struct kube_field *f, const void *at, bool is_raw)
{
	const void *const *pointer = at;
	const struct kube_texts *texts = at;
	switch (f->type) {
	case FIELD_TEXT:
		add_text(object, f, *pointer, is_raw);
		break;
	case FIELD_BYTES:
		add_bytes(object, f->key, at, is_raw);
		break;
	case FIELD_BOOL:
		if (f->is_always || *(const bool *)at)
			cJSON_AddBoolToObject(object, f->key, *(const bool *)at);
		break;
	case FIELD_TEXTS:
		if (f->is_always || texts->n)
			cJSON_AddItemToObject(object, f->key, texts_json(texts));
		break;
	case FIELD_EXEC:
	case FIELD_PROVIDER:
		if (*pointer)
			cJSON_AddItemToObject(object, f->key,
					      fields_json(f->type == FIELD_EXEC ? &kube_exec_class
										: &kube_provider_class,
							  *pointer, is_raw));
		break;
	default:
		add_nodes(object, f, *pointer);
	}
}

static cJSON *fields_json(const struct entry_class *class, const void *entry, bool is_raw)
{
	cJSON *json = cJSON_CreateObject();
	for (size_t i = 0; i < class->n; i++)
		add_field(json, &class->fields[i], (const char *)entry + class->fields[i].at, is_raw);
	return json;
}

/* --- entries --- */

static void add_entry(cJSON *root, enum entry_kind kind, const void *entry, bool is_raw)
{
	const struct entry_class *class = &kube_classes[kind];
	cJSON *list = entry ? cJSON_AddArrayToObject(root, class->list) : cJSON_AddNullToObject(root, class->list);
	if (!entry)
		return;
	cJSON *item = cJSON_CreateObject();
	cJSON_AddStringToObject(item, "name", *(const char *const *)entry);
	cJSON_AddItemToObject(item, class->key, fields_json(class, entry, is_raw));
	cJSON_AddItemToArray(list, item);
}

/* A file's bytes in the place of its name, as --flatten has it. */
static bool flatten(struct arena *arena, const char *folder, const char **file, struct kube_bytes *data,
		    const char *what, struct err *err)
{
	struct str bytes = {0};
	if (*file && data->data)
		return err_set(err, ERR_USAGE, "%s stands there as a file and as data: one only", what);
	if (!*file)
		return true;
	char *path = kubeconfig_path(folder, *file);
	bool is_read = kubeconfig_bytes(data, path, what, &bytes, err);
	if (is_read && bytes.len)
		*data = (struct kube_bytes){arena_dup_n(arena, bytes.s, bytes.len), bytes.len};
	*file = NULL;
	free(path);
	str_finish(&bytes);
	return is_read;
}

cJSON *kubeconfig_view(const struct kube_pick *pick, bool is_raw, struct err *err)
{
	struct arena arena = {0};
	struct kube_cluster cluster = pick->cluster ? *pick->cluster : (struct kube_cluster){0};
	struct kube_user user = pick->user ? *pick->user : (struct kube_user){0};
	cJSON *root = NULL;
	if (flatten(&arena, user.folder, &user.cert_file, &user.cert, "the client-certificate", err) &&
	    flatten(&arena, user.folder, &user.key_file, &user.key, "the client-key", err) &&
	    flatten(&arena, cluster.folder, &cluster.ca_file, &cluster.ca, "the certificate-authority", err)) {
		root = cJSON_CreateObject();
		cJSON_AddStringToObject(root, "kind", "Config");
		cJSON_AddStringToObject(root, "apiVersion", "v1");
		add_entry(root, ENTRY_CLUSTER, pick->cluster ? &cluster : NULL, is_raw);
		add_entry(root, ENTRY_USER, pick->user ? &user : NULL, is_raw);
		add_entry(root, ENTRY_CONTEXT, pick->context, is_raw);
		cJSON_AddStringToObject(root, "current-context", pick->context->name);
	}
	arena_finish(&arena);
	return root;
}

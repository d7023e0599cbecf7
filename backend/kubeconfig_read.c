/* SPDX-License-Identifier: Apache-2.0 */
/* One kubeconfig file into structs, by rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/kubeconfig_private.h"
#include "base/base64.h"
#include "base/str.h"

#define MAX_VALUES 100000
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define AT(tag, member) offsetof(struct tag, member)

static const struct kube_field cluster_fields[] = {
	{"server", AT(kube_cluster, server), FIELD_TEXT, .is_always = true},
	{"tls-server-name", AT(kube_cluster, tls_name), FIELD_TEXT},
	{"insecure-skip-tls-verify", AT(kube_cluster, is_insecure), FIELD_BOOL},
	{"certificate-authority", AT(kube_cluster, ca_file), FIELD_TEXT},
	{"certificate-authority-data", AT(kube_cluster, ca), FIELD_BYTES},
	{"proxy-url", AT(kube_cluster, proxy), FIELD_TEXT},
	{"disable-compression", AT(kube_cluster, is_uncompressed), FIELD_BOOL},
	{"extensions", AT(kube_cluster, extensions), FIELD_EXTENSIONS},
};
static const struct kube_field user_fields[] = {
	{"client-certificate", AT(kube_user, cert_file), FIELD_TEXT},
	{"client-certificate-data", AT(kube_user, cert), FIELD_BYTES},
	{"client-key", AT(kube_user, key_file), FIELD_TEXT},
	{"client-key-data", AT(kube_user, key), FIELD_BYTES},
	{"token", AT(kube_user, token), FIELD_TEXT, .is_secret = true},
	{"tokenFile", AT(kube_user, token_file), FIELD_TEXT},
	{"as", AT(kube_user, as), FIELD_TEXT},
	{"as-uid", AT(kube_user, as_uid), FIELD_TEXT},
	{"as-groups", AT(kube_user, as_groups), FIELD_TEXTS},
	{"as-user-extra", AT(kube_user, as_extra), FIELD_LISTS},
	{"username", AT(kube_user, username), FIELD_TEXT},
	{"password", AT(kube_user, password), FIELD_TEXT, .is_secret = true},
	{"auth-provider", AT(kube_user, provider), FIELD_PROVIDER},
	{"exec", AT(kube_user, exec), FIELD_EXEC},
	{"extensions", AT(kube_user, extensions), FIELD_EXTENSIONS},
};
static const struct kube_field context_fields[] = {
	{"cluster", AT(kube_context, cluster), FIELD_TEXT, .is_always = true},
	{"user", AT(kube_context, user), FIELD_TEXT, .is_always = true},
	{"namespace", AT(kube_context, namespace), FIELD_TEXT},
	{"extensions", AT(kube_context, extensions), FIELD_EXTENSIONS},
};
static const struct kube_field exec_fields[] = {
	{"command", AT(kube_exec, command), FIELD_TEXT, .is_always = true},
	{"args", AT(kube_exec, args), FIELD_TEXTS, .is_always = true},
	{"env", AT(kube_exec, env), FIELD_VARIABLES, .is_always = true},
	{"apiVersion", AT(kube_exec, api), FIELD_TEXT},
	{"installHint", AT(kube_exec, hint), FIELD_TEXT},
	{"provideClusterInfo", AT(kube_exec, wants_cluster), FIELD_BOOL, .is_always = true},
	{"interactiveMode", AT(kube_exec, interactive), FIELD_TEXT},
};
static const struct kube_field provider_fields[] = {
	{"name", AT(kube_provider, name), FIELD_TEXT, .is_always = true},
	{"config", AT(kube_provider, config), FIELD_PAIRS, .is_always = true},
};
const struct entry_class kube_classes[ENTRY_KINDS] = {
	[ENTRY_CLUSTER] = {"clusters", "cluster", sizeof(struct kube_cluster), cluster_fields, COUNT(cluster_fields)},
	[ENTRY_USER] = {"users", "user", sizeof(struct kube_user), user_fields, COUNT(user_fields)},
	[ENTRY_CONTEXT] = {"contexts", "context", sizeof(struct kube_context), context_fields, COUNT(context_fields)},
};
const struct entry_class kube_exec_class = {NULL, NULL, sizeof(struct kube_exec), exec_fields, COUNT(exec_fields)};
const struct entry_class kube_provider_class = {NULL, NULL, sizeof(struct kube_provider), provider_fields,
						COUNT(provider_fields)};

/* --- scalars --- */

static bool is_one_of(const char *text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static const char *const null_words[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const true_words[] = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
static const char *const false_words[] = {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
					  NULL};
static const char *const odd_numbers[] = {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
					  "-.inf", "-.Inf", "-.INF", NULL};

static bool is_all(const char *text, const char *digits)
{
	return *text && text[strspn(text, digits)] == '\0';
}

static bool is_float(const char *text)
{
	static const char digits[] = "0123456789";
	const char *at = text + (*text == '+' || *text == '-');
	size_t before = strspn(at, digits), after = 0;
	at += before;
	if (*at == '.') {
		after = strspn(at + 1, digits);
		at += after + 1;
	}
	if (!before && !after)
		return false;
	if (*at == 'e' || *at == 'E') {
		at += at[1] == '+' || at[1] == '-' ? 2 : 1;
		if (!is_all(at, digits))
			return false;
		return isfinite(strtod(text, NULL)); /* too large a number is a text */
	}
	return *at == '\0';
}

static bool is_number(const char *text)
{
	char plain[400];
	size_t n = 0;
	if (is_one_of(text, odd_numbers))
		return true;
	if (!strchr("+-.0123456789", *text) || strlen(text) >= sizeof(plain))
		return false;
	if (*text == '.')
		return is_float(text);
	for (const char *c = text; *c; c++)
		if (*c != '_')
			plain[n++] = *c;
	plain[n] = '\0';
	const char *at = plain + (*plain == '+' || *plain == '-');
	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		return is_all(at + 2, "0123456789abcdefABCDEF") && strlen(at) <= 18;
	if (at[0] == '0' && (at[1] == 'b' || at[1] == 'B'))
		return is_all(at + 2, "01") && strlen(at) <= 66;
	if (at[0] == '0' && (at[1] == 'o' || at[1] == 'O'))
		return is_all(at + 2, "01234567") && strlen(at) <= 23;
	return is_float(plain);
}

enum scalar kube_scalar(const struct yaml_node *n)
{
	if (n->is_quoted)
		return SCALAR_TEXT;
	if (is_one_of(n->text, null_words))
		return SCALAR_NULL;
	if (is_one_of(n->text, true_words) || is_one_of(n->text, false_words))
		return SCALAR_BOOL;
	return is_number(n->text) ? SCALAR_NUMBER : SCALAR_TEXT;
}

bool kube_true(const struct yaml_node *n)
{
	return is_one_of(n->text, true_words);
}

void kube_number(struct str *out, const struct yaml_node *n)
{
	const char *sign = *n->text == '-' ? "-" : "";
	struct str plain = {0};
	for (const char *c = n->text + strspn(n->text, "+-"); *c; c++)
		if (*c != '_')
			str_addc(&plain, *c);
	const char *at = str_text(&plain), *zeroless = at + strspn(at, "0");
	bool is_hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	bool is_binary = at[0] == '0' && (at[1] == 'b' || at[1] == 'B');
	bool is_octal = at[0] == '0' && at[1] && is_all(at + (at[1] == 'o' || at[1] == 'O' ? 2 : 1), "01234567");
	double number = strtod(at, NULL);
	if (is_hex || is_binary || is_octal)
		str_addf(out, "%s%llu", sign, strtoull(at + (is_octal && at[1] <= '7' ? 1 : 2), NULL,
						       is_hex ? 16 : is_binary ? 2 : 8));
	else if (is_all(at, "0123456789"))
		str_addf(out, "%s%s", sign, *zeroless ? zeroless : "0");
	else if (isfinite(number) && (*at != '.' || strchr("0123456789", at[1])))
		str_addf(out, "%s%.17g", sign, number);
	else
		str_add(out, "null"); /* JSON has no infinity */
	str_finish(&plain);
}

static bool is_null(const struct yaml_node *n)
{
	return n->kind == YAML_TEXT && kube_scalar(n) == SCALAR_NULL;
}

const char *kube_text(const struct yaml_node *n)
{
	return n && n->kind == YAML_TEXT && !is_null(n) ? n->text : "";
}

/* --- values --- */

struct file {
	struct kube_reader *reader;
	struct yaml yaml;
	const char *folder; /* of the file, absolute */
};

/* What stands there is not repeated: it may be a secret. */
static bool refuse(struct file *f, const struct yaml_node *n, const char *reason)
{
	const char *path = yaml_path(&f->yaml, n);
	complain(f->yaml.complaints, f->yaml.file, n->line, *path ? path : NULL, NULL, "%s", reason);
	return false;
}

static bool is_text(struct file *f, const struct yaml_node *n)
{
	if (n->kind != YAML_TEXT)
		return refuse(f, n, "must be text");
	enum scalar s = kube_scalar(n);
	if (s == SCALAR_BOOL || s == SCALAR_NUMBER)
		return refuse(f, n, "must be text: put it in quotes");
	return true;
}

static bool is_list(struct file *f, const struct yaml_node *n)
{
	return n->kind == YAML_LIST || refuse(f, n, "must be a list");
}

static bool is_map(struct file *f, const struct yaml_node *n)
{
	return n->kind == YAML_MAP || refuse(f, n, "must be a map of keys and values");
}

static void read_texts(struct file *f, const struct yaml_node *n, struct kube_texts *out)
{
	if (!is_list(f, n))
		return;
	const char **items = arena_alloc(f->reader->arena, (n->count + 1) * sizeof(*items));
	for (const struct yaml_node *c = n->first; c; c = c->next)
		if (is_text(f, c))
			items[out->n++] = kube_text(c);
	out->items = items;
}

static void read_bytes(struct file *f, const struct yaml_node *n, struct kube_bytes *out)
{
	struct str bytes = {0};
	if (!is_text(f, n))
		return;
	if (!base64_read(&bytes, n->text, strlen(n->text)))
		refuse(f, n, "must be base64");
	else if (bytes.len)
		*out = (struct kube_bytes){arena_dup_n(f->reader->arena, bytes.s, bytes.len), bytes.len};
	if (bytes.s)
		explicit_bzero(bytes.s, bytes.len);
	str_finish(&bytes);
}

static void check_texts_of_maps(struct file *f, const struct yaml_node *map, bool of_lists)
{
	struct kube_texts unused = {0};
	for (const struct yaml_node *c = is_map(f, map) ? map->first : NULL; c; c = c->next) {
		if (of_lists && !is_null(c))
			read_texts(f, c, &unused);
		else if (!of_lists)
			is_text(f, c);
		unused.n = 0;
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Items have a name, and what key says: a text, or anything. */
static void check_named(struct file *f, const struct yaml_node *list, const char *key)
{
	bool is_extension = strcmp(key, "extension") == 0;
	if (!is_list(f, list))
		return;
	const char **names = mem_array(list->count + 1, sizeof(*names));
	size_t n = 0;
	for (const struct yaml_node *c = list->first; c; c = c->next) {
		const struct yaml_node *name = yaml_find(c, "name"), *value = yaml_find(c, key);
		if (is_null(c) || is_map(f, c)) {
			names[n++] = kube_text(name);
			(void)(name && is_text(f, name));
			(void)(value && !is_extension && is_text(f, value));
		}
	}
	qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 1; i < n && is_extension; i++)
		if (strcmp(names[i], names[i - 1]) == 0) {
			refuse(f, list, "holds two of one name");
			break;
		}
	free(names);
}

static void read_fields(struct file *, const struct yaml_node *, const struct entry_class *, void *entry);

static void *read_nested(struct file *f, const struct yaml_node *n, const struct entry_class *class)
{
	if (!is_map(f, n))
		return NULL;
	void *entry = arena_alloc(f->reader->arena, class->size);
	read_fields(f, n, class, entry);
	return entry;
}

static struct kube_exec *read_exec(struct file *f, const struct yaml_node *n)
{
	struct kube_exec *exec = read_nested(f, n, &kube_exec_class);
	bool is_lax = exec && (str_eq(exec->api, "client.authentication.k8s.io/v1beta1") ||
			       str_eq(exec->api, "client.authentication.k8s.io/v1alpha1"));
	if (is_lax && !exec->interactive)
		exec->interactive = "IfAvailable";
	return exec;
}

static void read_field(struct file *f, const struct yaml_node *n, const struct kube_field *field, void *value)
{
	switch (field->type) {
	case FIELD_TEXT:
		if (is_text(f, n) && *kube_text(n))
			*(const char **)value = n->text;
		return;
	case FIELD_BYTES:
		read_bytes(f, n, value);
		return;
	case FIELD_BOOL:
		if (n->kind != YAML_TEXT || kube_scalar(n) != SCALAR_BOOL)
			refuse(f, n, "must be true or false, without quotes");
		else
			*(bool *)value = kube_true(n);
		return;
	case FIELD_TEXTS:
		read_texts(f, n, value);
		return;
	case FIELD_EXEC:
		*(struct kube_exec **)value = read_exec(f, n);
		return;
	case FIELD_PROVIDER:
		*(struct kube_provider **)value = read_nested(f, n, &kube_provider_class);
		return;
	case FIELD_LISTS:
	case FIELD_PAIRS:
		check_texts_of_maps(f, n, field->type == FIELD_LISTS);
		break;
	case FIELD_VARIABLES:
	case FIELD_EXTENSIONS:
		check_named(f, n, field->type == FIELD_VARIABLES ? "value" : "extension");
		break;
	}
	*(const struct yaml_node **)value = n;
}

static void read_fields(struct file *f, const struct yaml_node *map, const struct entry_class *class, void *entry)
{
	for (size_t i = 0; i < class->n; i++) {
		const struct yaml_node *n = yaml_find(map, class->fields[i].key);
		if (n)
			read_field(f, n, &class->fields[i], (char *)entry + class->fields[i].at);
	}
}

/* --- entries --- */

static void read_entries(struct file *f, const struct yaml_node *list, enum entry_kind kind)
{
	struct kube_reader *r = f->reader;
	const struct entry_class *class = &kube_classes[kind];
	if (!list || !is_list(f, list))
		return;
	size_t n = r->n_found[kind];
	r->found[kind] = mem_grow(r->found[kind], n + list->count + 1, sizeof(struct found));
	for (const struct yaml_node *c = list->first; c; c = c->next) {
		const struct yaml_node *name = yaml_find(c, "name"), *body = yaml_find(c, class->key);
		if ((!is_null(c) && !is_map(f, c)) || (name && !is_text(f, name)) || (body && !is_map(f, body)))
			continue;
		struct found *found = &r->found[kind][n];
		*found = (struct found){kube_text(name), r->file, n, arena_alloc(r->arena, class->size)};
		*(struct kube_head *)found->entry = (struct kube_head){found->name, f->folder};
		if (body)
			read_fields(f, body, class, found->entry);
		n++;
	}
	r->n_found[kind] = n;
}

static void check_kind(struct file *f, const struct yaml_node *root)
{
	const struct yaml_node *api = yaml_find(root, "apiVersion"), *kind = yaml_find(root, "kind");
	if (api && is_text(f, api) && strcmp(api->text, "v1") != 0)
		refuse(f, api, "must be v1");
	if (kind && is_text(f, kind) && strcmp(kind->text, "Config") != 0)
		refuse(f, kind, "must be Config");
}

void kube_read(struct kube_reader *r, const char *name, const char *bytes, size_t len)
{
	struct file f = {.reader = r};
	f.yaml = (struct yaml){.file = name, .arena = r->arena, .complaints = r->complaints,
			       .max_bytes = KUBECONFIG_MAX_BYTES, .max_nodes = MAX_VALUES, .is_lax = true};
	f.folder = arena_dup_n(r->arena, name, (size_t)(strrchr(name, '/') - name));
	const struct yaml_node *root = yaml_load(&f.yaml, bytes, len);
	if (!root || is_null(root) || !is_map(&f, root))
		return;
	check_kind(&f, root);
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		read_entries(&f, yaml_find(root, kube_classes[kind].list), kind);
	const struct yaml_node *current = yaml_find(root, "current-context");
	if (current && is_text(&f, current) && *current->text && !r->current)
		r->current = current->text;
}

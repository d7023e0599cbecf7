/* SPDX-License-Identifier: Apache-2.0 */
/* config.yaml into structs. Every complaint is made before anything is given up. */
#include <stdlib.h>
#include <string.h>

#include "backend/config_private.h"
#include "backend/provider.h"
#include "base/str.h"
#include "base/yaml.h"

const char *const config_roles[] = {"platform", "catalog", "deploys", "logs", "alerts", "metrics", "on-call",
                                    "runbooks", "paths", NULL};

struct reader {
	struct yaml yaml;
	struct config *config;
	struct config_source *sources; /* of the context being read */
	size_t n_sources;
};

static const char *expand_home(struct reader *r, const char *path)
{
	const char *home = getenv("HOME");
	if (path[0] == '~' && home) /* option_check() let "~" and "~/" through, nothing else with it */
		return arena_printf(&r->config->arena, "%s%s", home, path + 1);
	return path;
}

static void read_settings(struct reader *r, const struct yaml_node *map, struct setting *settings, size_t n,
                          const struct option_row *rows)
{
	option_read(&r->yaml, map, rows, n, settings);
	for (size_t i = 0; i < n; i++)
		if (rows[i].type == OPTION_PATH && settings[i].text)
			settings[i].text = expand_home(r, settings[i].text);
}

static bool is_header_name(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		      *c == '-'))
			return false;
	return strlen(text) <= 64;
}

static const char *read_header(struct reader *r, const struct yaml_node *node)
{
	const char *name;
	if (!yaml_as_text(&r->yaml, node, &name))
		return NULL;
	if (is_header_name(name))
		return name;
	yaml_complain(&r->yaml, node, "the name of a header: letters, digits and dashes");
	return NULL;
}

/* token: { command: [...] } | { file: PATH } | { env: NAME }, each with header: NAME where the server wants
 * that. */
static void read_token(struct reader *r, const struct yaml_node *node, struct token_source *token)
{
	static const char *const keys[] = {"command", "file", "env", "header"};
	static const struct option_row file = {"file", "", OPTION_PATH};
	if (!node)
		return;
	if (node->kind == YAML_TEXT) { /* never repeat its text: it may be the secret itself */
		complain(r->yaml.complaints, r->yaml.file, node->line, yaml_path(&r->yaml, node), NULL,
			 "a token is never written here: say { command: [...] }, { file: PATH } or { env: "
			 "NAME }");
		return;
	}
	if (!yaml_is_map(&r->yaml, node))
		return;
	yaml_known_keys(&r->yaml, node, keys, sizeof(keys) / sizeof(keys[0]));
	const struct yaml_node *header = yaml_find(node, "header");
	if (node->count != (header ? 2 : 1)) {
		yaml_complain(&r->yaml, node, "one of command, file, env");
		return;
	}
	struct yaml_texts argv;
	struct setting path;
	if (yaml_as_texts(&r->yaml, yaml_find(node, "command"), &argv) && argv.count)
		*token = (struct token_source){.from = TOKEN_COMMAND, .command = argv.items};
	else if (yaml_as_text(&r->yaml, yaml_find(node, "env"), &token->name))
		token->from = TOKEN_ENV;
	read_settings(r, node, &path, 1, &file);
	if (path.text)
		*token = (struct token_source){.from = TOKEN_FILE, .name = path.text};
	token->header = read_header(r, header);
}

static void no_provider(struct reader *r, const struct yaml_node *kind)
{
	struct str built = {0};
	const struct provider *p;
	for (size_t i = 0; (p = provider_at(i)); i++)
		str_addf(&built, "%s%s", i ? ", " : "", p->name);
	yaml_complain(&r->yaml, kind, "this program has no such provider; it has: %s", str_text(&built));
	str_finish(&built);
}

static bool has_role(const struct provider *p, const char *role)
{
	for (size_t i = 0; p->roles[i]; i++)
		if (str_eq(p->roles[i], role))
			return true;
	return false;
}

static void read_source(struct reader *r, const struct yaml_node *node, const char *role,
			const char *environment)
{
	static const char *const more[] = {"kind", "url", "token", "ca"};
	static const struct option_row common[] = {{"url", "", OPTION_URL}, {"ca", "", OPTION_PATH}};
	const char *kind;
	if (!yaml_is_map(&r->yaml, node) || !yaml_as_text(&r->yaml, yaml_need(&r->yaml, node, "kind"), &kind))
		return;
	const struct provider *p = provider_find(kind);
	if (!p) {
		no_provider(r, yaml_find(node, "kind"));
		return;
	}
	if (!has_role(p, role))
		yaml_complain(&r->yaml, yaml_find(node, "kind"), "this provider has no %s", role);
	struct arena *arena = &r->config->arena;
	size_t n_more = p->reach == REACH_KUBECONFIG ? 1 : sizeof(more) / sizeof(more[0]); /* the rest is there */
	option_known_keys(&r->yaml, node, p->options, p->n_options, more, n_more);
	r->sources = mem_grow(r->sources, r->n_sources + 1, sizeof(*r->sources));
	struct config_source *s = &r->sources[r->n_sources++];
	*s = (struct config_source){
		.name = environment ? arena_printf(arena, "%s/%s", environment, role) : role, .role = role,
		.environment = environment, .provider = p,
		.settings = config_defaults(arena, p->options, p->n_options), .n_settings = p->n_options,
	};
	read_settings(r, node, s->settings, s->n_settings, p->options);
	struct setting own[2];
	read_settings(r, node, own, 2, common);
	s->url = own[0].text;
	s->ca_file = own[1].text;
	read_token(r, yaml_find(node, "token"), &s->token);
}

static void read_roles(struct reader *r, const struct yaml_node *map, const char *environment)
{
	for (size_t i = 0; config_roles[i]; i++) {
		const struct yaml_node *node = yaml_find(map, config_roles[i]);
		if (node)
			read_source(r, node, config_roles[i], environment);
	}
}

static void check_keys(struct reader *r, const struct yaml_node *map, const char *const *own)
{
	const char *known[32];
	size_t n = 0;
	for (size_t i = 0; config_roles[i]; i++)
		known[n++] = config_roles[i];
	for (size_t i = 0; own[i]; i++)
		known[n++] = own[i];
	yaml_known_keys(&r->yaml, map, known, n);
}

static void read_environments(struct reader *r, const struct yaml_node *list, struct config_context *context)
{
	static const char *const own[] = {"name", "protected", "read-only", NULL};
	if (!list || !yaml_is_list(&r->yaml, list))
		return;
	struct config_environment *items = arena_alloc(&r->config->arena, (list->count + 1) * sizeof(*items));
	for (const struct yaml_node *node = list->first; node; node = node->next) {
		struct config_environment *e = &items[context->n_environments];
		if (!yaml_is_map(&r->yaml, node) ||
		    !yaml_as_name(&r->yaml, yaml_need(&r->yaml, node, "name"), &e->name))
			continue;
		check_keys(r, node, own);
		yaml_as_bool(&r->yaml, yaml_find(node, "protected"), &e->is_protected);
		yaml_as_bool(&r->yaml, yaml_find(node, "read-only"), &e->is_read_only);
		size_t first = r->n_sources;
		read_roles(r, node, e->name);
		for (size_t i = first; i < r->n_sources; i++) {
			r->sources[i].position = (int64_t)context->n_environments;
			r->sources[i].is_protected = e->is_protected;
			r->sources[i].is_read_only = e->is_read_only || context->is_read_only;
		}
		context->n_environments++;
	}
	context->environments = items;
}

static bool has_source(const struct reader *r, const char *role)
{
	for (size_t i = 0; i < r->n_sources; i++)
		if (str_eq(r->sources[i].role, role))
			return true;
	return false;
}

/* Where services can be deployed, the golden paths that the program carries are offered too. */
static void add_paths(struct reader *r)
{
	if (!has_source(r, "deploys") || has_source(r, "paths"))
		return;
	r->sources = mem_grow(r->sources, r->n_sources + 1, sizeof(*r->sources));
	r->sources[r->n_sources++] = config_carried_paths(&r->config->arena);
}

static void read_context(struct reader *r, const struct yaml_node *node, struct config_context *context)
{
	static const char *const own[] = {"environments", "read-only", NULL};
	*context = (struct config_context){.name = node->key};
	if (!str_is_name(node->key))
		yaml_complain(&r->yaml, node, "a context is named with small letters, digits and dashes");
	if (!yaml_is_map(&r->yaml, node))
		return;
	check_keys(r, node, own);
	yaml_as_bool(&r->yaml, yaml_find(node, "read-only"), &context->is_read_only);
	r->sources = NULL;
	r->n_sources = 0;
	read_roles(r, node, NULL);
	read_environments(r, yaml_find(node, "environments"), context);
	add_paths(r);
	if (r->n_sources) {
		struct config_source *kept = arena_alloc(&r->config->arena, r->n_sources * sizeof(*kept));
		memcpy(kept, r->sources, r->n_sources * sizeof(*kept));
		context->sources = kept;
	}
	context->n_sources = r->n_sources;
	free(r->sources);
}

static void read_contexts(struct reader *r, const struct yaml_node *map, struct config_context **out,
			  size_t *n)
{
	if (!map || !yaml_is_map(&r->yaml, map))
		return;
	*out = arena_alloc(&r->config->arena, (map->count + 1) * sizeof(**out));
	for (const struct yaml_node *node = map->first; node; node = node->next) {
		if (str_eq(node->key, "demo") || str_eq(node->key, "local"))
			yaml_complain(&r->yaml, node, "this context is built in");
		else
			read_context(r, node, &(*out)[(*n)++]);
	}
}

bool config_read(struct config *c, bool must_exist, struct config_context **contexts, size_t *n,
                 struct complaints *complaints)
{
	struct complaints absent = {0};
	struct reader r = {.yaml = {.file = c->file, .arena = &c->arena, .complaints = &absent}, .config = c};
	const struct yaml_node *root = yaml_load_file(&r.yaml, &c->is_absent);
	bool is_fine = c->is_absent && !must_exist;
	if (is_fine)
		complaints_finish(&absent);
	else
		complaints_join(complaints, &absent);
	r.yaml.complaints = complaints;
	if (!root)
		return is_fine;
	if (!yaml_is_map(&r.yaml, root))
		return false;
	static const char *const more[] = {"contexts"};
	size_t n_rows;
	const struct option_row *rows = config_options(&n_rows);
	option_known_keys(&r.yaml, root, rows, n_rows, more, 1);
	read_settings(&r, root, c->settings, c->n_settings, rows);
	read_contexts(&r, yaml_find(root, "contexts"), contexts, n);
	return true;
}

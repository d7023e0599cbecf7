/* SPDX-License-Identifier: Apache-2.0 */
#include "model/platform_file.h"

#include <string.h>

#include "base/yaml.h"

#define MAX_ENVIRONMENTS 20

static void parse_environment(const struct yaml *y, struct platform_file *f, const struct yaml_node *n)
{
	static const char *const known[] = {"name", "protected", "read_only"};
	struct platform_environment e = {0};
	if (!yaml_is_map(y, n))
		return;
	yaml_known_keys(y, n, known, sizeof(known) / sizeof(known[0]));
	const struct yaml_node *name = yaml_need(y, n, "name");
	yaml_as_bool(y, yaml_find(n, "protected"), &e.is_protected);
	yaml_as_bool(y, yaml_find(n, "read_only"), &e.is_read_only);
	if (!yaml_as_name(y, name, &e.name))
		return;
	if (platform_file_environment(f, e.name))
		yaml_complain(y, name, "is named twice");
	f->environments[f->n_environments++] = e;
}

static void parse_environments(const struct yaml *y, struct platform_file *f, const struct yaml_node *n)
{
	if (!yaml_is_list(y, n))
		return;
	if (n->count == 0 || n->count > MAX_ENVIRONMENTS) {
		yaml_complain(y, n, "must name 1 to %d environments", MAX_ENVIRONMENTS);
		return;
	}
	f->environments = arena_alloc(y->arena, n->count * sizeof(*f->environments));
	for (const struct yaml_node *c = n->first; c; c = c->next)
		parse_environment(y, f, c);
}

static void parse_notify(const struct yaml *y, struct platform_team *t, const struct yaml_node *n)
{
	static const char *const known[] = {"file", "command"};
	struct yaml_texts argv;
	if (!yaml_is_map(y, n))
		return;
	yaml_known_keys(y, n, known, 2);
	const struct yaml_node *file = yaml_find(n, "file"), *command = yaml_find(n, "command");
	if (!file == !command)
		yaml_complain(y, n, "needs file: or command:, one of them");
	yaml_as_text(y, file, &t->notify_file);
	if (!yaml_as_texts(y, command, &argv))
		return;
	if (argv.count == 0 || !*argv.items[0])
		yaml_complain(y, command, "names no program: the first element is the program");
	t->notify_command = argv.items;
}

static void parse_teams(const struct yaml *y, struct platform_file *f, const struct yaml_node *n)
{
	static const char *const known[] = {"notify", "on_call"};
	if (!yaml_is_map(y, n))
		return;
	f->teams = arena_alloc(y->arena, (n->count + 1) * sizeof(*f->teams));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		struct platform_team t = {.name = c->key};
		if (!str_is_name(t.name))
			yaml_complain(y, c,
				      "the name of a team is small letters, digits and '-', a letter first");
		if (!yaml_is_map(y, c))
			continue;
		yaml_known_keys(y, c, known, 2);
		yaml_as_text(y, yaml_find(c, "on_call"), &t.on_call);
		parse_notify(y, &t, yaml_find(c, "notify"));
		f->teams[f->n_teams++] = t;
	}
}

static void parse_root(const struct yaml *y, struct platform_file *f, const struct yaml_node *root)
{
	static const char *const known[] = {"environments", "teams"};
	if (!yaml_is_map(y, root))
		return;
	yaml_known_keys(y, root, known, 2);
	parse_environments(y, f, yaml_find(root, "environments"));
	parse_teams(y, f, yaml_find(root, "teams"));
}

static bool settle(struct platform_file *f, bool is_good)
{
	if (!is_good) {
		platform_file_finish(f);
		return false;
	}
	if (f->n_environments == 0) {
		f->environments = arena_alloc(&f->arena, sizeof(*f->environments));
		f->environments[f->n_environments++].name = "dev";
	}
	return true;
}

bool platform_file_parse(struct platform_file *out, const char *file, const void *bytes, size_t len,
                         struct complaints *complaints)
{
	*out = (struct platform_file){0};
	size_t before = complaints->count;
	struct yaml y = {.file = file, .arena = &out->arena, .complaints = complaints};
	const struct yaml_node *root = yaml_load(&y, bytes, len);
	if (root)
		parse_root(&y, out, root);
	return settle(out, complaints->count == before);
}

bool platform_file_load(struct platform_file *out, const char *path, struct complaints *complaints)
{
	*out = (struct platform_file){0};
	bool is_absent = false;
	struct complaints own = {0};
	struct yaml y = {.file = path, .arena = &out->arena, .complaints = &own};
	const struct yaml_node *root = yaml_load_file(&y, &is_absent);
	if (is_absent)
		complaints_finish(&own);
	if (root)
		parse_root(&y, out, root);
	bool is_good = own.count == 0;
	complaints_join(complaints, &own);
	return settle(out, is_good);
}

void platform_file_finish(struct platform_file *f)
{
	arena_finish(&f->arena);
	*f = (struct platform_file){0};
}

const struct platform_environment *platform_file_environment(const struct platform_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_environments; i++)
		if (str_eq(f->environments[i].name, name))
			return &f->environments[i];
	return NULL;
}

const struct platform_team *platform_file_team(const struct platform_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_teams; i++)
		if (str_eq(f->teams[i].name, name))
			return &f->teams[i];
	return NULL;
}

bool platform_file_approval(const struct platform_file *f, const char *folder, char hex[HASH_HEX])
{
	struct hash h;
	bool has_command = false;
	hash_start(&h);
	hash_add_field(&h, "fairway platform approval 1");
	hash_add_field(&h, folder);
	for (size_t i = 0; i < f->n_teams; i++) {
		const struct platform_team *t = &f->teams[i];
		if (!t->notify_command)
			continue;
		has_command = true;
		hash_add_field(&h, t->name);
		for (const char *const *word = t->notify_command; *word; word++)
			hash_add_field(&h, *word);
		hash_add_field(&h, NULL);
	}
	hash_finish_hex(&h, hex);
	if (!has_command)
		hex[0] = '\0';
	return has_command;
}

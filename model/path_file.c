/* SPDX-License-Identifier: Apache-2.0 */
#include "model/path_file.h"

#include <stdio.h>
#include <string.h>

#include "base/carried.h"
#include "base/template.h"

#define CARRIED "paths/"
#define TEMPLATES "template/"

static const char *const known_keys[] = {"name",       "title", "description", "language",
					 "parameters", "files", "next"};

const struct schema *path_file_parameter(const struct path_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_parameters; i++)
		if (strcmp(f->parameters[i].name, name) == 0)
			return &f->parameters[i];
	return NULL;
}

static bool is_parameter_name(const char *s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	return *s >= 'a' && *s <= 'z' && strspn(s, chars) == strlen(s) && strlen(s) <= 63;
}

static void parse_parameters(const struct yaml *y, struct path_file *f, const struct yaml_node *n)
{
	if (!yaml_is_map(y, n))
		return;
	if (n->count > PATH_MAX_PARAMETERS) {
		yaml_complain(y, n, "too many parameters: at most %d", PATH_MAX_PARAMETERS);
		return;
	}
	f->parameters = arena_alloc(y->arena, (n->count + 1) * sizeof(*f->parameters));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		if (!is_parameter_name(c->key))
			yaml_complain(
				y, c,
				"the name of a parameter is small letters, digits and '_', a letter first");
		if (schema_parse(y, c, &f->parameters[f->n_parameters]))
			f->n_parameters++;
	}
	if (!yaml_find(n, "name"))
		yaml_complain(y, n, "there must be a parameter \"name\": that of the service");
}

static void parse_condition(const struct yaml *y, struct path_file *f, const struct yaml_node *n)
{
	static const char *const known[] = {"path", "when"};
	struct path_condition c = {0};
	if (!yaml_is_map(y, n))
		return;
	yaml_known_keys(y, n, known, 2);
	const struct yaml_node *when = yaml_need(y, n, "when");
	if (!yaml_as_text(y, yaml_need(y, n, "path"), &c.path) || !yaml_as_text(y, when, &c.parameter))
		return;
	c.is_negated = c.parameter[0] == '!';
	c.parameter += c.is_negated;
	const struct schema *s = path_file_parameter(f, c.parameter);
	if (!s || s->type != SCHEMA_BOOLEAN)
		yaml_complain(y, when, "must name a boolean parameter, with ! before it for the contrary");
	f->conditions[f->n_conditions++] = c;
}

static void parse_files(const struct yaml *y, struct path_file *f, const struct yaml_node *n)
{
	if (!yaml_is_list(y, n))
		return;
	f->conditions = arena_alloc(y->arena, (n->count + 1) * sizeof(*f->conditions));
	for (const struct yaml_node *c = n->first; c; c = c->next)
		parse_condition(y, f, c);
}

static void parse_root(const struct yaml *y, struct path_file *f, const struct yaml_node *root)
{
	if (!yaml_is_map(y, root))
		return;
	yaml_known_keys(y, root, known_keys, sizeof(known_keys) / sizeof(known_keys[0]));
	yaml_as_name(y, yaml_need(y, root, "name"), &f->name);
	f->title = f->name;
	f->description = "";
	yaml_as_text(y, yaml_find(root, "title"), &f->title);
	yaml_as_prose(y, yaml_find(root, "description"), &f->description);
	yaml_as_text(y, yaml_find(root, "language"), &f->language);
	yaml_as_prose(y, yaml_find(root, "next"), &f->next);
	parse_parameters(y, f, yaml_need(y, root, "parameters"));
	parse_files(y, f, yaml_find(root, "files"));
}

/* A text with tags is a template; a file of bytes (an image) is copied as it is. */
static bool is_template(const struct tree_file *f)
{
	return f->len && memmem(f->bytes, f->len, "<%", 2) && !memchr(f->bytes, '\0', f->len);
}

static bool settle(struct path_file *f, const char *file, bool is_good, size_t before,
		   struct complaints *complaints)
{
	if (is_good && f->sources.n == 0 && complaints->count == before)
		complain(complaints, file, 0, NULL, NULL, "there are no files below %s beside it", TEMPLATES);
	for (size_t i = 0; is_good && i < f->n_conditions; i++) {
		const char *path = f->conditions[i].path;
		bool is_there = false;
		for (size_t j = 0; j < f->sources.n && !is_there; j++)
			is_there = str_eq(f->sources.files[j].path, path) ||
			           (str_ends(path, "/") && str_starts(f->sources.files[j].path, path));
		if (!is_there)
			complain(complaints, file, 0, "files", path, "there is no such file below %s",
				 TEMPLATES);
	}
	if (is_good && complaints->count == before)
		return true;
	path_file_finish(f);
	return false;
}

const char *path_file_next_carried(size_t *index, char name[64])
{
	const struct carried *c;
	while ((c = carried_next(CARRIED, index))) {
		const char *rest = c->path + strlen(CARRIED), *slash = strchr(rest, '/');
		size_t len = slash ? (size_t)(slash - rest) : 0;
		if (len == 0 || len > 63 || strcmp(slash + 1, PATH_FILE_NAME) != 0)
			continue;
		memcpy(name, rest, len);
		name[len] = '\0';
		return name;
	}
	return NULL;
}

static bool complain_absent(const char *name, struct complaints *complaints)
{
	struct str list = {0};
	char one[64];
	size_t index = 0;
	while (path_file_next_carried(&index, one))
		str_addf(&list, "%s%s", list.len ? ", " : "", one);
	complain(complaints, "paths", 0, NULL, name, "there is no such golden path; there are: %s",
		 str_text(&list));
	str_finish(&list);
	return false;
}

bool path_file_load_carried(struct path_file *f, const char *name, struct complaints *complaints)
{
	char file[128], prefix[128];
	size_t before = complaints->count, index = 0;
	struct err err = {0};
	*f = (struct path_file){0};
	snprintf(file, sizeof(file), CARRIED "%.63s/" PATH_FILE_NAME, name);
	snprintf(prefix, sizeof(prefix), CARRIED "%.63s/" TEMPLATES, name);
	const struct carried *c = str_is_name(name) ? carried_find(file) : NULL;
	if (!c)
		return complain_absent(name, complaints);
	struct yaml y = {.file = arena_dup(&f->arena, file), .arena = &f->arena, .complaints = complaints};
	const struct yaml_node *root = yaml_load(&y, c->data, c->size);
	if (root)
		parse_root(&y, f, root);
	while (!err.kind && (c = carried_next(prefix, &index)))
		tree_add(&f->sources, c->path + strlen(prefix), c->data, c->size, c->executable, &err);
	if (err.kind)
		complain(complaints, file, 0, NULL, NULL, "%s", err.text);
	return settle(f, file, root != NULL, before, complaints);
}

bool path_file_parse(struct path_file *f, const char *file, const char *text, size_t len,
		     struct complaints *complaints)
{
	size_t before = complaints->count;
	*f = (struct path_file){0};
	struct yaml y = {.file = arena_dup(&f->arena, file), .arena = &f->arena, .complaints = complaints};
	const struct yaml_node *root = yaml_load(&y, text, len);
	if (root)
		parse_root(&y, f, root);
	if (root && complaints->count == before)
		return true;
	path_file_finish(f);
	return false;
}

bool path_file_load_folder(struct path_file *f, const char *folder, struct complaints *complaints)
{
	size_t before = complaints->count;
	struct err err = {0};
	*f = (struct path_file){0};
	const char *file = arena_printf(&f->arena, "%s/" PATH_FILE_NAME, folder);
	struct yaml y = {.file = file, .arena = &f->arena, .complaints = complaints};
	const struct yaml_node *root = yaml_load_file(&y, NULL);
	if (root)
		parse_root(&y, f, root);
	if (root && !tree_read(&f->sources, arena_printf(&f->arena, "%s/" TEMPLATES, folder), &err))
		complain(complaints, file, 0, NULL, NULL, "%s", err.text);
	return settle(f, file, root != NULL, before, complaints);
}

void path_file_finish(struct path_file *f)
{
	tree_finish(&f->sources);
	arena_finish(&f->arena);
	*f = (struct path_file){0};
}

/* --- answers --- */

const char *path_file_value(const struct path_file *f, const char *name, const struct path_answer *answers,
			    size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (strcmp(answers[i].name, name) == 0)
			return answers[i].value;
	const struct schema *s = path_file_parameter(f, name);
	return s ? s->default_value : NULL;
}

bool path_file_check(const struct path_file *f, const struct path_answer *answers, size_t n,
                     struct complaints *complaints)
{
	const char *names[PATH_MAX_PARAMETERS];
	size_t before = complaints->count;
	for (size_t i = 0; i < f->n_parameters; i++) {
		const struct schema *s = &f->parameters[i];
		struct err err;
		const char *value = path_file_value(f, s->name, answers, n);
		names[i] = s->name;
		if (!value)
			complain(complaints, f->name, 0, s->name, NULL, "must be given");
		else if (!schema_check(s, value, &err))
			complain(complaints, f->name, 0, s->name, s->is_secret ? NULL : value, "%s",
				 err.text);
	}
	for (size_t i = 0; i < n; i++) {
		if (path_file_parameter(f, answers[i].name))
			continue;
		const char *near = str_nearest(answers[i].name, names, f->n_parameters);
		complain(complaints, f->name, 0, answers[i].name, NULL, "is no parameter of this path%s%s%s",
		         near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	return complaints->count == before;
}

static const struct template_value *data_of(const struct path_file *f, const struct path_answer *answers,
					    size_t n, struct arena *arena)
{
	struct template_value *map = template_map(arena);
	for (size_t i = 0; i < f->n_parameters; i++) {
		const struct schema *s = &f->parameters[i];
		const char *value = path_file_value(f, s->name, answers, n);
		if (!value)
			continue;
		if (s->type == SCHEMA_BOOLEAN)
			template_set_bool(arena, map, s->name, strcmp(value, "true") == 0);
		else if (s->type == SCHEMA_INTEGER)
			template_set_number(arena, map, s->name, value);
		else
			template_set_text(arena, map, s->name, value);
	}
	return map;
}

static bool is_wanted(const struct path_file *f, const char *path, const struct path_answer *answers,
		      size_t n)
{
	for (size_t i = 0; i < f->n_conditions; i++) {
		const struct path_condition *c = &f->conditions[i];
		bool is_it = str_eq(c->path, path) || (str_ends(c->path, "/") && str_starts(path, c->path));
		bool is_set = str_eq(path_file_value(f, c->parameter, answers, n), "true");
		if (is_it && is_set == c->is_negated)
			return false;
	}
	return true;
}

static bool render_one(const struct path_file *f, const struct tree_file *source,
		       const struct template_value *data, struct tree *out, struct err *err)
{
	struct str path = {0}, bytes = {0};
	const char *name = arena_printf(&out->arena, "%s: " TEMPLATES "%s", f->name, source->path);
	bool good =
		template_render(&path, name, source->path, strlen(source->path), TEMPLATE_PLAIN, data, err);
	if (good && !is_template(source))
		str_addn(&bytes, source->bytes, source->len);
	else if (good)
		good = template_render(&bytes, name, source->bytes, source->len,
				       template_format_of(str_text(&path)), data, err);
	good = good &&
	       tree_add(out, str_text(&path), str_text(&bytes), bytes.len, source->is_executable, err);
	str_finish(&path);
	str_finish(&bytes);
	return good;
}

bool path_file_render(const struct path_file *f, const struct path_answer *answers, size_t n,
		      struct tree *out, struct err *err)
{
	struct arena arena = {0};
	const struct template_value *data = data_of(f, answers, n, &arena);
	bool good = true;
	*out = (struct tree){0};
	for (size_t i = 0; good && i < f->sources.n; i++)
		if (is_wanted(f, f->sources.files[i].path, answers, n))
			good = render_one(f, &f->sources.files[i], data, out, err);
	if (!good)
		tree_finish(out);
	arena_finish(&arena);
	return good;
}

const char *path_file_next(const struct path_file *f, const struct path_answer *answers, size_t n,
			   struct arena *arena)
{
	struct str s = {0};
	const struct template_value *data = data_of(f, answers, n, arena);
	const char *next = f->next ? f->next : "";
	template_render(&s, f->name, next, strlen(next), TEMPLATE_PLAIN, data, NULL);
	const char *text = arena_dup(arena, str_text(&s));
	str_finish(&s);
	return text;
}

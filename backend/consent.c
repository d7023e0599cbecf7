/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/consent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/kubeconfig.h"
#include "base/err.h"
#include "base/file.h"
#include "base/place.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/yaml.h"

#define FILE_NAME "approved-plugins"
#define FILE_MAX (1024 * 1024)

/* As execvp(3) would find it, but that an empty part of PATH is not the folder we are in. */
static char *in_path(const char *command)
{
	const char *path = getenv("PATH");
	for (const char *at = path ? path : ""; *at;) {
		size_t len = strcspn(at, ":");
		struct str file = {0};
		str_addn(&file, at, len);
		str_addf(&file, "/%s", command);
		if (len && access(file.s, X_OK) == 0)
			return str_detach(&file);
		str_finish(&file);
		at += len + (at[len] == ':');
	}
	return NULL;
}

static const char *const *variables(const struct yaml_node *own, struct arena *a)
{
	const char **env = arena_alloc(a, ((own ? own->count : 0) + 1) * sizeof(*env));
	size_t n = 0;
	for (const struct yaml_node *c = own ? own->first : NULL; c; c = c->next) {
		const struct yaml_node *value = yaml_find(c, "value");
		env[n++] = arena_printf(a, "%s=%s", yaml_find(c, "name")->text, value ? value->text : "");
	}
	env[n] = NULL;
	return env;
}

static const char *line_of(const struct consent *c, struct arena *a)
{
	struct str line = {0};
	for (const char *const *v = c->env; *v; v++) {
		size_t name = strcspn(*v, "=") + 1;
		str_addn(&line, *v, name);
		str_add_word(&line, *v + name);
		str_addc(&line, ' ');
	}
	for (const char *const *v = c->argv; *v; v++) {
		str_add(&line, v == c->argv ? "" : " ");
		str_add_word(&line, *v);
	}
	const char *kept = arena_dup(a, line.s);
	str_finish(&line);
	return kept;
}

bool consent_of(const struct kube_user *u, struct arena *a, struct consent *out)
{
	if (!u || !u->exec || !u->exec->command)
		return false;
	const struct kube_exec *x = u->exec;
	char *path = strchr(x->command, '/') ? kubeconfig_path(u->folder, x->command) : in_path(x->command);
	bool is_there = path && access(path, F_OK) == 0;
	const char **argv = arena_alloc(a, (x->args.n + 2) * sizeof(*argv));
	argv[0] = arena_dup(a, path ? path : x->command);
	free(path);
	for (size_t i = 0; i < x->args.n; i++)
		argv[i + 1] = arena_dup(a, x->args.items[i]);
	argv[x->args.n + 1] = NULL;
	*out = (struct consent){.argv = argv, .env = variables(x->env, a)};
	out->line = line_of(out, a);
	if (!is_there)
		return true;
	struct hash h;
	hash_start(&h);
	for (const char *const *v = out->argv; *v; v++)
		hash_add_field(&h, *v);
	hash_add_field(&h, NULL);
	for (const char *const *v = out->env; *v; v++)
		hash_add_field(&h, *v);
	hash_finish_hex(&h, out->hash);
	return true;
}

/* --- what is kept --- */

static bool holds(const char *text, const char *hash)
{
	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (str_starts(line, hash) && line[HASH_HEX - 1] == ' ')
			return true;
	return false;
}

bool consent_is_given(const char *hash)
{
	char *path = place_beside(FILE_NAME, NULL);
	struct str text = {0};
	bool is_given = strlen(hash) == HASH_HEX - 1 && path && file_read(AT_FDCWD, path, FILE_MAX, &text, NULL) &&
			holds(str_text(&text), hash);
	str_finish(&text);
	free(path);
	return is_given;
}

/* Whole or not at all. Of two at once one is lost: that one is asked about again. */
static bool keep(const struct consent *c, struct err *err)
{
	char *folder = place_beside("", err);
	struct str text = {0};
	struct err why = {0};
	int dir = folder ? file_folder(folder, err) : -1;
	bool is_good = dir >= 0 && (file_read(dir, FILE_NAME, FILE_MAX, &text, &why) || why.kind == ERR_NOT_FOUND);
	if (dir >= 0 && !is_good && err)
		*err = why;
	str_addf(&text, "%s ", c->hash);
	utf8_mask(&text, c->line, strlen(c->line), UTF8_ONE_LINE);
	str_addc(&text, '\n');
	is_good = is_good && file_replace(dir, FILE_NAME, text.s, text.len, true, err);
	if (dir >= 0)
		close(dir);
	str_finish(&text);
	free(folder);
	return is_good;
}

bool consent_give(const struct consent *c, struct err *err)
{
	if (!*c->hash)
		return err_set(err, ERR_NOT_FOUND, "%.200s is not there: there is nothing to approve", c->argv[0]);
	if (!utf8_is_safe(c->line, strlen(c->line)))
		return err_set(err, ERR_REFUSED, "%.200s is given what a terminal cannot show as it is: it is not run", c->argv[0]);
	return consent_is_given(c->hash) || keep(c, err);
}

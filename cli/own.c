/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about the program itself: info, config, keymap. */
#include <cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/config.h"
#include "backend/kubeconfig.h"
#include "backend/offer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/place.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/libraries.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "tui/keymap.h"
#include "views/command.h"

#define FILE_MAX (1024 * 1024)
#define COMMANDS_MAX 512

static void add_path(cJSON *object, const char *name, char *path)
{
	json_add_text(object, name, path);
	free(path);
}

static cJSON *info_json(struct cli *cli)
{
	struct config_flags flags = {.file = cli->args->config};
	struct rows sources;
	struct library libraries[LIBRARIES_MAX];
	cJSON *object = cJSON_CreateObject();
	json_add_text(object, "version", fairway_version);
	json_add_text(object, "context", cli->config->context->name);
	cJSON *versions = cJSON_AddObjectToObject(object, "libraries");
	size_t n = libraries_list(libraries);
	for (size_t i = 0; i < n; i++)
		json_add_text(versions, libraries[i].name, libraries[i].version);
	cJSON *paths = cJSON_AddObjectToObject(object, "paths");
	add_path(paths, "config", config_path(&flags, NULL));
	const char *root = cli->config->context->platform_root;
	json_add_text(paths, "state", root);
	if (root)
		add_path(paths, "socket", place_socket(root));
	cJSON *array = cJSON_AddArrayToObject(object, "sources");
	rows_find(cli->session, RECORD_SOURCE, NULL, &sources);
	for (size_t i = 0; i < sources.n; i++)
		cJSON_AddItemToArray(array, rows_json(cli->session, sources.class, sources.items[i]));
	rows_finish(&sources);
	return object;
}

static void print_object(const cJSON *object, const char *title)
{
	const cJSON *item;
	printf("\n%s\n", title);
	cJSON_ArrayForEach(item, object) {
		struct str line = {0};
		str_addf(&line, "  %-16s %s", item->string, item->valuestring ? item->valuestring : "");
		output_line(str_text(&line));
		str_finish(&line);
	}
}

static void print_info(cJSON *info)
{
	const cJSON *source;
	struct str line = {0};
	str_addf(&line, "fairway %s, context %s", json_text(info, "version"), json_text(info, "context"));
	output_line(str_text(&line));
	print_object(json_get(info, "libraries"), "Libraries");
	print_object(json_get(info, "paths"), "Paths");
	puts("\nSources");
	cJSON_ArrayForEach(source, json_get(info, "sources")) {
		const char *error = json_text(source, "error"), *warning = json_text(source, "warning");
		str_reset(&line);
		str_addf(&line, "  %-16s %s%s%s%s%s", json_text(source, "name"), json_text(source, "state"),
		         error ? ": " : "", error ? error : "", warning ? "; " : "", warning ? warning : "");
		output_line(str_text(&line));
	}
	str_finish(&line);
	cJSON_Delete(info);
}

int read_info(struct cli *cli)
{
	struct err err = {0};
	if (!session_open(cli, NULL, &err) || !session_read(cli->session, REQUEST_KIND(RECORD_SERVICE), 0, &err))
		return cli_fail(cli, &err);
	cJSON *info = info_json(cli);
	if (cli->args->output == OUTPUT_JSON)
		output_json(info);
	else
		print_info(info);
	return session_check(cli->session, &err) ? 0 : cli_fail(cli, &err);
}

/* A text or a path: as it is, or with -o json one object that holds it. */
static int print_as(struct cli *cli, const char *name, const char *text)
{
	if (cli->args->output == OUTPUT_JSON) {
		cJSON *object = cJSON_CreateObject();
		json_add_text(object, name, text);
		output_json(object);
	} else {
		output_text(text, strlen(text));
	}
	return 0;
}

/* What is said of a kubeconfig's contexts that become environments. */
static void tell_offer(const struct cli *cli, const struct offer *o)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct offer_item *item = &o->items[i];
		cli_tell(cli, "%s: context %s%s%s%s", item->environment, item->context,
			 item->is_protected ? ", protected, since its name holds prod" : "",
			 item->plugin ? ", logs in by " : "", item->plugin ? item->plugin : "");
	}
}

static int config_init(struct cli *cli)
{
	struct err err = {0};
	struct offer offer = {0};
	struct config_flags flags = {.file = cli->args->config};
	char *path = config_path(&flags, &err);
	bool is_read = path && offer_read(&offer, cli->args->kubeconfig, &err);
	bool is_good = is_read || (path && !cli->args->kubeconfig);
	struct str text = {0};
	if (is_good && !is_read)
		cli_tell(cli, "without environments: %s", err.text);
	for (size_t i = 0; i < offer.n; i++)
		offer.items[i].is_chosen = true;
	char *defaults = config_default_text(), *environments = is_read && offer.n ? offer_text(&offer) : NULL;
	str_add(&text, defaults);
	if (environments)
		str_addf(&text, "\n%s", environments);
	int status = 0;
	if (!is_good || !offer_write(path, str_text(&text), &err)) {
		status = cli_fail(cli, &err);
	} else {
		tell_offer(cli, &offer);
		print_as(cli, "path", path);
	}
	str_finish(&text);
	offer_finish(&offer);
	free(defaults);
	free(environments);
	free(path);
	return status;
}

static int config_check(struct cli *cli)
{
	struct str line = {0};
	if (!cli_load(cli, NULL))
		return err_exit_status(ERR_USAGE);
	str_addf(&line, cli->config->is_absent ? "%s: absent; all is as built in" : "%s: ok", cli->config->file);
	int status = print_as(cli, "result", str_text(&line));
	str_finish(&line);
	return status;
}

static int config_show(struct cli *cli)
{
	if (!cli_load(cli, NULL))
		return err_exit_status(ERR_USAGE);
	char *text = config_show_text(cli->config);
	print_as(cli, "config", text);
	free(text);
	return 0;
}

static int config_tell_path(struct cli *cli)
{
	struct err err = {0};
	struct config_flags flags = {.file = cli->args->config};
	char *path = config_path(&flags, &err);
	if (!path)
		return cli_fail(cli, &err);
	print_as(cli, "path", path);
	free(path);
	return 0;
}

/* What a context of a kubeconfig stands for, as kubectl config view --minify --flatten tells it. */
static int config_kubeconfig(struct cli *cli)
{
	struct err err = {0};
	struct kube_pick pick;
	struct kubeconfig *k = kubeconfig_load(cli->args->kubeconfig, &err);
	cJSON *view = k && kubeconfig_pick(k, cli->args->context, &pick, &err)
			      ? kubeconfig_view(&pick, cli->args->raw, &err) : NULL;
	kubeconfig_free(k);
	if (!view)
		return cli_fail(cli, &err);
	output_json(view);
	return 0;
}

int read_config(struct cli *cli)
{
	static const struct {
		const char *word;
		int (*run)(struct cli *);
	} words[] = {{"init", config_init}, {"check", config_check}, {"show", config_show}, {"path", config_tell_path},
		     {"kubeconfig", config_kubeconfig}, {"plugins", config_plugins}};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(cli->args->words[0], words[i].word))
			return words[i].run(cli);
	return cli_refuse(cli, ERR_USAGE, "\"%s\" is not one of %s", cli->args->words[0], cli->verb->shape);
}

static size_t known_commands(struct keymap_known *known)
{
	size_t n = 0, rows_n;
	const char *view = NULL;
	for (size_t i = 0;; view = command_view_at(i++)) { /* NULL first: the commands of the console itself */
		if (i && !view)
			return n;
		const struct command *rows = command_rows(view, &rows_n);
		for (size_t k = 0; k < rows_n && n < COMMANDS_MAX; k++)
			known[n++] = (struct keymap_known){rows[k].name, rows[k].flags & COMMAND_NO_KEY};
	}
}

/* The keys that are compiled in, and over them a file's. */
static bool load_keys(struct keymap *map, const char *file, struct complaints *complaints, struct err *err)
{
	struct str text = {0};
	if (!keymap_load_carried(map, "default", complaints, err))
		return false;
	bool is_read = !file || file_read(AT_FDCWD, file, FILE_MAX, &text, err);
	if (file && is_read)
		keymap_load(map, file, str_text(&text), text.len, complaints);
	str_finish(&text);
	return is_read;
}

int read_keymap(struct cli *cli)
{
	struct err err = {0};
	struct complaints complaints = {0};
	struct keymap_known *known = mem_array(COMMANDS_MAX, sizeof(*known));
	if (!str_eq(cli->args->words[0], "check")) {
		free(known);
		return cli_refuse(cli, ERR_USAGE, "\"%s\" is not check; usage: fairway keymap check [FILE]",
		                  cli->args->words[0]);
	}
	const char *file = cli->args->n_words > 1 ? cli->args->words[1] : NULL;
	struct keymap *map = keymap_new();
	int status = 0;
	if (!load_keys(map, file, &complaints, &err)) {
		status = cli_fail(cli, &err);
	} else {
		keymap_check(map, known, known_commands(known), &complaints);
		if (complaints.count)
			status = cli_complain(cli, &complaints);
		else
			print_as(cli, "result", file ? "the keys are fine" : "the keys that are built in are fine");
	}
	complaints_finish(&complaints);
	keymap_free(map);
	free(known);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fairway manifests: the Kubernetes objects of a folder's service.yaml, for kubectl or a repository. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "model/manifest.h"

static void print_yaml(const struct manifest *m)
{
	struct str out = {0};
	for (size_t i = 0; i < m->notes.n; i++)
		str_addf(&out, "# %s\n", m->notes.items[i]);
	manifest_print(&out, m);
	output_text(str_text(&out), out.len);
	str_finish(&out);
}

/* A List, as kubectl takes it. */
static void print_json(struct manifest *m)
{
	cJSON *all = cJSON_CreateObject();
	json_add_text(all, "apiVersion", "v1");
	json_add_text(all, "kind", "List");
	cJSON *items = cJSON_AddArrayToObject(all, "items");
	for (size_t i = 0; i < MANIFEST_KINDS; i++) {
		if (m->objects[i])
			cJSON_AddItemToArray(items, m->objects[i]);
		m->objects[i] = NULL;
	}
	output_json(all);
}

static bool is_image(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7F)
			return false;
	return *text;
}

static int show(struct cli *cli, const struct service_file *file)
{
	const struct args *a = cli->args;
	struct manifest m;
	struct arena arena = {0};
	if (a->image && !is_image(a->image))
		return cli_refuse(cli, ERR_USAGE, "--image \"%s\" is no name of an image", a->image);
	if (a->namespace && !str_is_name(a->namespace))
		return cli_refuse(cli, ERR_USAGE, "--namespace \"%s\" is no name of a namespace", a->namespace);
	manifest_make(&m, &(struct manifest_wish){
		.file = file,
		.environment = a->env,
		.namespace = a->namespace,
		.image = a->image ? a->image : arena_printf(&arena, "%s:latest", file->name),
	});
	if (a->output == OUTPUT_JSON)
		print_json(&m);
	else
		print_yaml(&m);
	manifest_finish(&m);
	arena_finish(&arena);
	return 0;
}

int read_manifests(struct cli *cli)
{
	struct service_file file;
	struct complaints complaints = {0};
	struct arena arena = {0};
	int status;
	const char *path = arena_printf(&arena, "%s/" SERVICE_FILE_NAME, cli->args->words[0]);
	if (service_file_load(&file, path, NULL, &complaints)) {
		status = show(cli, &file);
		service_file_finish(&file);
	} else {
		status = cli_complain(cli, &complaints);
	}
	complaints_finish(&complaints);
	arena_finish(&arena);
	return status;
}

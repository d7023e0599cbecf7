/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/files/files.h"

#include "base/str.h"

static const struct option_row options[] = {
	{"path", "Folder that holds the files", OPTION_PATH},
};
static const char *const roles[] = {"catalog", "runbooks", "paths", NULL};
static const struct query *const queries[] = {
	&files_watch, &files_document, &files_render, &files_plan, &files_execute, NULL,
};
const struct provider provider_files = {
	.name = "files",
	.help = "Folders of service.yaml, Markdown runbooks and golden paths",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.roles = roles,
	.queries = queries,
};

bool files_has_role(const struct run *r, const char *role)
{
	return str_eq(run_source(r)->role, role);
}

const char *files_folder(const struct run *r)
{
	return run_setting(r, "path")->text;
}

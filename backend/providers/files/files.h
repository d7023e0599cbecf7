/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_FILES_FILES_H
#define BACKEND_PROVIDERS_FILES_FILES_H
/* Folders of files: service.yaml (catalog), Markdown (runbooks), golden paths. Shared by the queries of this
 * folder. */
#include "backend/provider.h"
#include "model/path_file.h"

extern const struct query files_watch, files_document, files_render, files_plan, files_execute;

bool files_has_role(const struct run *, const char *role);
const char *files_folder(const struct run *); /* the option `path`; NULL when unsaid */

/* What `new` is asked for, judged and made in memory. */
struct files_made {
	struct path_file path;
	struct tree tree;
	char *name, *folder;  /* the new service, and the folder that is made */
	char hash[65];        /* over every name, mode and byte, and the folder: the plan's precondition */
};
bool files_make(struct run *, const struct wish *, struct files_made *, struct err *);
void files_made_finish(struct files_made *); /* all zero is fine */
#endif

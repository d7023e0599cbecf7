/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_PLATFORM_FILE_H
#define MODEL_PLATFORM_FILE_H
/*
 * platform.yaml, fairway-service(5): the environments of an embedded platform in the order of promotion, and
 * how its teams are told about alerts. It is optional and lies at the root of a folder given to `fairway up`.
 *
 *	environments:
 *	- name: dev
 *	- {name: prod, protected: true}
 *	teams:
 *	  payments:
 *	    on_call: ada@example.org
 *	    notify: {file: pages/payments.log}       # or {command: [./page, payments]}
 *
 * Pure. A struct platform_file owns an arena; all pointers live until platform_file_finish(). Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

#define PLATFORM_FILE_NAME "platform.yaml"

struct platform_environment {
	const char *name;
	bool is_protected, is_read_only;
};

struct platform_team {
	const char *name, *on_call;         /* on_call NULL: unsaid */
	const char *notify_file; /* NULL: none; relative to the folder of platform.yaml, or absolute */
	const char *const *notify_command; /* argv with NULL at its end; NULL: none. A file holds commands:
					      see approval */
};

struct platform_file {
	struct arena arena;
	struct platform_environment *environments; /* never empty: "dev" when unsaid */
	size_t n_environments;
	struct platform_team *teams;
	size_t n_teams;
};

/* Fills *out, or complains and leaves it empty. Empty text gives the defaults. */
bool platform_file_parse(struct platform_file *out, const char *file, const void *bytes, size_t len,
                         struct complaints *);
/* The same from a file; a missing one gives the defaults. */
bool platform_file_load(struct platform_file *out, const char *path, struct complaints *);
void platform_file_finish(struct platform_file *);

const struct platform_environment *platform_file_environment(const struct platform_file *, const char *name);
const struct platform_team *platform_file_team(const struct platform_file *, const char *name);
/* What a person approves: SHA-256 over every notify command, with its team, and the folder's real path.
 * Returns false (and "" in hex) when the file holds no command: nothing to approve. */
bool platform_file_approval(const struct platform_file *, const char *folder, char hex[HASH_HEX]);
#endif

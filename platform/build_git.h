/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_BUILD_GIT_H
#define PLATFORM_BUILD_GIT_H
/*
 * The few questions that platform/build.c asks git, each a child that is waited for. git is always run in the
 * folder, with the settings that platform/build.h names. Blocks; any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/child.h"
#include "base/err.h"
#include "base/str.h"

bool git_has_work_tree(const char *folder);
/* "1.9.2", "1.9.2-3-gabc1234-dirty", "abc1234": the nearest tag of the service, else the nearest tag without
 * a slash. */
bool git_version_now(const char *service, const char *folder, struct str *version, struct str *commit,
		     bool *is_dirty, struct err *err);
/* The commit that a version names, and how that version is called. ERR_NOT_FOUND. */
bool git_version_find(const char *service, const char *folder, const char *version, struct str *commit,
		      struct str *name, struct err *err);
/* Names of the files that git knows or would add, relative to the folder, a NUL after each. */
bool git_list_now(const char *folder, struct str *names, struct err *err);
/* "MODE TYPE OBJECT\tNAME" with a NUL after each: git-ls-tree(1) -r -z. */
bool git_list_commit(const char *folder, const char *commit, struct str *entries, struct err *err);

/* Reads objects one by one: git-cat-file(1) --batch. */
struct git_objects {
	struct child child;
	int in, out; /* ours: to write names to, to read contents from */
};
bool git_objects_open(struct git_objects *, const char *folder, struct err *err);
/* ERR_REFUSED for more than max bytes. */
bool git_objects_read(struct git_objects *, const char *object, size_t max, struct str *out, struct err *err);
void git_objects_close(struct git_objects *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TREE_H
#define BASE_TREE_H
/*
 * A small tree of files in memory, and the way from and to a folder: read it, make it (all or nothing),
 * compare it. Names are relative with "/" between parts; ".", "..", "", backslashes and control characters
 * are refused, and no symbolic link is followed below the folder. At most 1,000 files, 16 parts, 1 MiB a
 * file, 16 MiB together. A struct tree owns an arena. Any thread, one owner at a time.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/diff.h"
#include "base/err.h"
#include "base/mem.h"

#define TREE_MAX_FILES 1000
#define TREE_MAX_FILE (1024 * 1024)

struct tree_file {
	const char *path;
	const char *bytes;       /* NUL after the last one, not counted */
	size_t len;
	bool is_executable;
};
struct tree { /* all zero is empty */
	struct arena arena;
	struct tree_file *files; /* sorted by path */
	size_t n, cap, total;
};
bool tree_name_is_safe(const char *path);
/* Copies; refuses an unsafe name, a name twice, a file where a folder is needed, and what is too big. */
bool tree_add(struct tree *, const char *path, const void *bytes, size_t len, bool is_executable,
	      struct err *);
const struct tree_file *tree_find(const struct tree *, const char *path);
/* Adds every regular file below folder. A link, a device or a socket is an error. */
bool tree_read(struct tree *, const char *folder, struct err *);
void tree_finish(struct tree *);

/*
 * Making a folder: stage it beside its place, do there what else belongs to it (git init), then land it with
 * renameat2(2) RENAME_NOREPLACE. Either the whole folder is there, on disk, or nothing. Modes follow the
 * umask.
 */
struct tree_stage {
	char path[4096];         /* the temporary folder; whoever wants may add to it before it lands */
	char target[4096];
};
/* Refused (ERR_REFUSED) when target exists, whatever it is. The parent must exist. */
bool tree_stage(const struct tree *, const char *target, struct tree_stage *, struct err *);
bool tree_land(struct tree_stage *, struct err *);  /* on failure the stage is dropped */
void tree_drop(struct tree_stage *); /* removes what was staged; after tree_land() it does nothing */
/* Both at once. */
bool tree_create(const struct tree *, const char *target, struct err *);

enum tree_state { TREE_SAME, TREE_CHANGED, TREE_MISSING };
struct tree_change {
	const struct tree_file *file;
	enum tree_state state;
	const char *old_bytes;   /* what lies there, for diff_texts(); NULL when missing or no regular file */
	size_t old_len;
};
/* How folder differs from the tree, file by file (what else lies there is not looked at). out has room for
 * t->n; bytes go to the arena. Returns false only when folder cannot be read at all. */
bool tree_compare(const struct tree *, const char *folder, struct arena *, struct tree_change *out,
		  struct err *);
#endif

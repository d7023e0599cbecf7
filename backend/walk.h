/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_WALK_H
#define BACKEND_WALK_H
/*
 * Finds files below a folder: at most 4 levels deep and 1,000 of them, 1 MiB each; hidden folders and
 * node_modules are left out, symbolic links are not followed, nothing but regular files is opened. Reads at
 * once: for folders of a person, not for trees of a network.
 */
#include <stdbool.h>
#include <stddef.h>

struct err;

/* name is below the folder. err: why this file cannot be read, bytes are NULL then; the others come all the
 * same. Returns false to stop. */
typedef bool walk_each(const char *name, const char *bytes, size_t len, const struct err *err, void *arg);
/* In the order of names. False when the folder cannot be read, or holds too much. */
bool walk(const char *folder, const char *suffix, walk_each *, void *arg, struct err *);
#endif

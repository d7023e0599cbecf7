/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CARRIED_H
#define BASE_CARRIED_H
/*
 * Files carried inside the program, made by tools/carry.sh from keymaps/, paths/ and platform/samples/:
 * what the program needs is there wherever the program is. Read-only, sorted by path, any thread.
 */
#include <stddef.h>
#include <stdint.h>

struct carried {
	const char *path; /* as in the source tree: "keymaps/default.yaml" */
	const char *data; /* NUL after the last byte, not counted in size */
	uint64_t size;
	uint64_t executable; /* 0 or 1 */
};
extern const struct carried carried_table[];
extern const uint64_t carried_count;

const struct carried *carried_find(const char *path); /* NULL when there is none */
/* The first at or after index whose path starts with prefix, or NULL; *index moves past it. Start with 0. */
const struct carried *carried_next(const char *prefix, size_t *index);
#endif

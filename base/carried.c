/* SPDX-License-Identifier: Apache-2.0 */
#include "base/carried.h"

#include <string.h>

#include "base/str.h"

const struct carried *carried_find(const char *path)
{
	for (uint64_t i = 0; i < carried_count; i++)
		if (strcmp(carried_table[i].path, path) == 0)
			return &carried_table[i];
	return NULL;
}

const struct carried *carried_next(const char *prefix, size_t *index)
{
	while (*index < carried_count) {
		const struct carried *c = &carried_table[(*index)++];
		if (str_starts(c->path, prefix))
			return c;
	}
	return NULL;
}

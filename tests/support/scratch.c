/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

char *scratch_new(void)
{
	const char *tmp = getenv("TMPDIR");
	struct str s = {0};
	str_addf(&s, "%s/fairway-test-XXXXXX", str_empty(tmp) ? "/tmp" : tmp);
	char *path = mkdtemp(str_detach(&s));
	if (!path) {
		perror("mkdtemp");
		abort();
	}
	return path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void scratch_remove(char *path)
{
	if (path)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/log_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"

#define NAME 40

int log_file_open(int slot_dir, const char *kind, uint64_t n, int flags)
{
	char name[NAME];
	snprintf(name, sizeof(name), "%s.%" PRIu64, kind, n);
	return openat(slot_dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool log_files_range(int slot_dir, uint64_t *first, uint64_t *last)
{
	int fd = openat(slot_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	bool is_found = false;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		long long n;
		if (!str_starts(e->d_name, "raw.") || !str_to_int(e->d_name + 4, 1, LLONG_MAX, &n))
			continue;
		if (!is_found || (uint64_t)n < *first)
			*first = (uint64_t)n;
		if (!is_found || (uint64_t)n > *last)
			*last = (uint64_t)n;
		is_found = true;
	}
	closedir(dir);
	return is_found;
}

void log_files_unlink(int slot_dir, uint64_t n)
{
	char name[NAME];
	/* the bytes first: a file without its index would be taken for the newest, were it left alone */
	snprintf(name, sizeof(name), "raw.%" PRIu64, n);
	unlinkat(slot_dir, name, 0);
	snprintf(name, sizeof(name), "index.%" PRIu64, n);
	unlinkat(slot_dir, name, 0);
}

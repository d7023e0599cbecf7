/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define DEPTH_MAX 4
#define FILES_MAX 1000
#define ENTRIES_MAX 20000
#define FILE_MAX (1024 * 1024)

struct walker {
	const char *root, *suffix;
	walk_each *each;
	void *arg;
	size_t n_files, n_entries;
	bool is_stopped;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names that may matter, sorted; the caller frees. */
static size_t list(struct walker *w, DIR *dir, char ***out)
{
	char **names = NULL;
	size_t n = 0;
	struct dirent *entry;
	while ((entry = readdir(dir)) && w->n_entries < ENTRIES_MAX) {
		w->n_entries++;
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0)
			continue;
		names = mem_grow(names, n + 1, sizeof(*names));
		names[n++] = mem_dup(entry->d_name);
	}
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*out = names;
	return n;
}

static bool walk_folder(struct walker *w, int fd, const char *prefix, int depth, struct err *err);

static bool take(struct walker *w, int dir, const char *name, const char *prefix, int depth, struct err *err)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true; /* it went away meanwhile */
	struct str path = {0};
	str_addf(&path, "%s%s", prefix, name);
	bool is_good = true;
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
		int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		str_addc(&path, '/');
		if (fd >= 0)
			is_good = walk_folder(w, fd, path.s, depth + 1, err);
	} else if (S_ISREG(st.st_mode) && str_ends(name, w->suffix)) {
		struct str bytes = {0};
		struct err wrong = {0};
		if (++w->n_files > FILES_MAX)
			is_good = err_set(err, ERR_FAILED, "%s: more than %d files that end with %s", w->root,
					  FILES_MAX, w->suffix);
		else if (file_read(dir, name, FILE_MAX, &bytes, &wrong))
			w->is_stopped = !w->each(path.s, str_text(&bytes), bytes.len, NULL, w->arg);
		else
			w->is_stopped = !w->each(path.s, NULL, 0, &wrong, w->arg);
		str_finish(&bytes);
	}
	str_finish(&path);
	return is_good;
}

/* Takes fd. */
static bool walk_folder(struct walker *w, int fd, const char *prefix, int depth, struct err *err)
{
	DIR *dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_errno(err, ERR_FAILED, errno, "%s", w->root);
	}
	char **names;
	size_t n = list(w, dir, &names);
	bool is_good = w->n_entries < ENTRIES_MAX ||
		       err_set(err, ERR_FAILED, "%s: more than %d entries", w->root, ENTRIES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (is_good && !w->is_stopped)
			is_good = take(w, dirfd(dir), names[i], prefix, depth, err);
		free(names[i]);
	}
	free(names);
	closedir(dir);
	return is_good;
}

bool walk(const char *folder, const char *suffix, walk_each *each, void *arg, struct err *err)
{
	struct walker w = {.root = folder, .suffix = suffix, .each = each, .arg = arg};
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_UNREACHABLE : ERR_FAILED, errno, "%s", folder);
	return walk_folder(&w, fd, "", 1, err);
}

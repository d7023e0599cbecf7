/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define MAX_TOTAL (16 * 1024 * 1024)
#define MAX_PARTS 16

bool tree_name_is_safe(const char *path)
{
	size_t len = strlen(path), parts = 0;
	if (len == 0 || len > 255)
		return false;
	for (const unsigned char *c = (const unsigned char *)path; *c; c++)
		if (*c < 0x20 || *c == 0x7F || *c == '\\')
			return false;
	for (const char *part = path;; part += strcspn(part, "/") + 1) {
		size_t n = strcspn(part, "/");
		bool is_dots = (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.');
		if (n == 0 || is_dots || ++parts > MAX_PARTS)
			return false;
		if (!part[n])
			return true;
	}
}

/* Where path is, or would be. */
static size_t place_of(const struct tree *t, const char *path, bool *is_there)
{
	size_t low = 0, high = t->n;
	*is_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int d = strcmp(t->files[middle].path, path);
		if (d == 0)
			*is_there = true;
		if (d < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct tree_file *tree_find(const struct tree *t, const char *path)
{
	bool is_there;
	size_t i = place_of(t, path, &is_there);
	return is_there ? &t->files[i] : NULL;
}

/* "a" and "a/b" cannot both be files. */
static bool meets_a_file(const struct tree *t, const char *path)
{
	size_t len = strlen(path);
	for (size_t i = 0; i < t->n; i++) {
		const char *other = t->files[i].path;
		size_t n = strlen(other);
		if ((n < len && path[n] == '/' && memcmp(path, other, n) == 0) ||
		    (len < n && other[len] == '/' && memcmp(path, other, len) == 0))
			return true;
	}
	return false;
}

bool tree_add(struct tree *t, const char *path, const void *bytes, size_t len, bool is_executable,
	      struct err *err)
{
	bool is_there;
	if (!tree_name_is_safe(path))
		return err_set(err, ERR_USAGE,
			       "\"%.100s\" is no name for a file: it must be relative, without ..", path);
	size_t at = place_of(t, path, &is_there);
	if (is_there || meets_a_file(t, path))
		return err_set(err, ERR_USAGE, "%s: two files of the same name", path);
	if (len > TREE_MAX_FILE || t->n == TREE_MAX_FILES || t->total + len > MAX_TOTAL)
		return err_set(err, ERR_USAGE,
			       "%s: too big: at most 1,000 files, 1 MiB each, 16 MiB together", path);
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct tree_file *files = arena_alloc(&t->arena, cap * sizeof(*files));
		if (t->n)
			memcpy(files, t->files, t->n * sizeof(*files));
		t->files = files;
		t->cap = cap;
	}
	memmove(&t->files[at + 1], &t->files[at], (t->n - at) * sizeof(*t->files));
	t->files[at] = (struct tree_file){arena_dup(&t->arena, path), arena_dup_n(&t->arena, bytes, len), len,
	                                  is_executable};
	t->n++;
	t->total += len;
	return true;
}

void tree_finish(struct tree *t)
{
	arena_finish(&t->arena);
	*t = (struct tree){0};
}

/* --- reading --- */

static bool read_file(struct tree *t, int dir, const char *name, const char *path, const struct stat *st,
                      struct err *err)
{
	struct str bytes = {0};
	bool good = file_read(dir, name, TREE_MAX_FILE, &bytes, err) &&
	            tree_add(t, path, str_text(&bytes), bytes.len, st->st_mode & 0100, err);
	str_finish(&bytes);
	return good;
}

static bool read_folder(struct tree *t, int fd, const char *prefix, struct err *err);

static bool read_entry(struct tree *t, int dir, const char *name, const char *prefix, struct err *err)
{
	struct stat st;
	char path[300];
	int n = snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "/" : "", name);
	if (n < 0 || (size_t)n >= sizeof(path) || !tree_name_is_safe(path))
		return err_set(err, ERR_USAGE, "\"%.100s\" is no name for a file of a path", name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, ERR_USAGE, errno, "%s", path);
	if (S_ISREG(st.st_mode))
		return read_file(t, dir, name, path, &st, err);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is no regular file: links and devices are not taken",
			       path);
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(err, ERR_USAGE, errno, "%s", path) : read_folder(t, fd, path, err);
}

/* Takes fd. The depth is bounded by the parts a safe name may have. */
static bool read_folder(struct tree *t, int fd, const char *prefix, struct err *err)
{
	DIR *d = fdopendir(fd);
	bool good = true;
	if (!d) {
		close(fd);
		return err_errno(err, ERR_USAGE, errno, "%s", prefix);
	}
	for (struct dirent *e; good && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			good = read_entry(t, dirfd(d), e->d_name, prefix, err);
	closedir(d);
	return good;
}

bool tree_read(struct tree *t, const char *folder, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_USAGE, errno, "%s", folder);
	return read_folder(t, fd, "", err);
}

/* --- making --- */

/* Opens (and makes) the folder that path lies in; *name becomes its last part. -1 on failure. */
static int open_parent(int root, const char *path, const char **name, bool make, struct err *err)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
	const char *part = path;
	for (const char *slash; fd >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
		char folder[256];
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - part), part);
		if (make && mkdirat(fd, folder, 0777) < 0 && errno != EEXIST) {
			int number = errno;
			close(fd);
			errno = number;
			fd = -1;
			break;
		}
		int next = openat(fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int number = errno;
		close(fd);
		errno = number;
		fd = next;
	}
	if (fd < 0)
		err_errno(err, ERR_FAILED, errno, "%s", path);
	*name = part;
	return fd;
}

static bool write_file(int root, const struct tree_file *f, struct err *err)
{
	const char *name;
	int dir = open_parent(root, f->path, &name, true, err);
	if (dir < 0)
		return false;
	int mode = f->is_executable ? 0777 : 0666;
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	bool good = fd >= 0 && file_write_all(fd, f->bytes, f->len) && fsync(fd) == 0 && fsync(dir) == 0;
	if (!good)
		err_errno(err, ERR_FAILED, errno, "%s cannot be written", f->path);
	if (fd >= 0)
		close(fd);
	close(dir);
	return good;
}

static bool make_stage(struct tree_stage *s, const char *parent, const char *name, struct err *err)
{
	for (int tries = 0; tries < 100; tries++) {
		unsigned long long random = 0;
		if (getrandom(&random, sizeof(random), 0) < 0)
			return err_errno(err, ERR_FAILED, errno, "no random numbers");
		int n = snprintf(s->path, sizeof(s->path), "%s/.%.80s.%016llx.new", parent, name, random);
		if (n < 0 || (size_t)n >= sizeof(s->path))
			return err_set(err, ERR_USAGE, "the path of the folder is too long");
		if (mkdir(s->path, 0777) == 0)
			return true;
		if (errno != EEXIST)
			break;
	}
	err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "%s", parent);
	s->path[0] = '\0';
	return false;
}

static bool split_target(const char *target, struct tree_stage *s, char *parent, size_t size,
			 const char **name)
{
	if (!str_copy(s->target, sizeof(s->target), target))
		return false;
	for (size_t len = strlen(s->target); len > 1 && s->target[len - 1] == '/'; len--)
		s->target[len - 1] = '\0';
	const char *slash = strrchr(s->target, '/');
	*name = slash ? slash + 1 : s->target;
	if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return false;
	if (!slash)
		return str_copy(parent, size, ".");
	size_t len = slash == s->target ? 1 : (size_t)(slash - s->target);
	snprintf(parent, size, "%.*s", (int)len, s->target);
	return true;
}

static bool exists(const char *target, struct err *err)
{
	struct stat st;
	if (lstat(target, &st) < 0)
		return false;
	err_set(err, ERR_REFUSED, "%s exists already and is left as it is: choose another folder", target);
	return true;
}

bool tree_stage(const struct tree *t, const char *target, struct tree_stage *s, struct err *err)
{
	char parent[4096];
	const char *name;
	*s = (struct tree_stage){0};
	if (!split_target(target, s, parent, sizeof(parent), &name))
		return err_set(err, ERR_USAGE, "\"%.100s\" is no name for a new folder", target);
	if (exists(s->target, err) || !make_stage(s, parent, name, err))
		return false;
	int root = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool good = root >= 0 || err_errno(err, ERR_FAILED, errno, "%s", s->path);
	for (size_t i = 0; good && i < t->n; i++)
		good = write_file(root, &t->files[i], err);
	if (root >= 0)
		close(root);
	if (!good)
		tree_drop(s);
	return good;
}

static bool sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

/* Where the file system knows no RENAME_NOREPLACE (NFS, some FUSE): taking the name with mkdir(2) is as
 * exclusive, and rename(2) replaces only an empty folder. */
static bool rename_once(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (mkdir(to, 0777) < 0)
		return false;
	if (rename(from, to) == 0)
		return true;
	int number = errno;
	rmdir(to);
	errno = number;
	return false;
}

bool tree_land(struct tree_stage *s, struct err *err)
{
	char parent[4096];
	str_copy(parent, sizeof(parent), s->path);
	*strrchr(parent, '/') = '\0';
	if (!sync_folder(s->path) || !rename_once(s->path, s->target)) {
		int number = errno;
		if (number != EEXIST || !exists(s->target, err))
			err_errno(err, ERR_FAILED, number, "%s cannot be made", s->target);
		tree_drop(s);
		return false;
	}
	s->path[0] = '\0';
	sync_folder(*parent ? parent : "/"); /* it is there; a power cut now can only make it not be */
	return true;
}

static void remove_below(int dir, const char *name, int depth)
{
	if (unlinkat(dir, name, 0) == 0 || depth > 64)
		return;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_below(dirfd(d), e->d_name, depth + 1);
	closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

void tree_drop(struct tree_stage *s)
{
	if (s->path[0])
		remove_below(AT_FDCWD, s->path, 0);
	s->path[0] = '\0';
}

bool tree_create(const struct tree *t, const char *target, struct err *err)
{
	struct tree_stage s;
	return tree_stage(t, target, &s, err) && tree_land(&s, err);
}

/* --- comparing --- */

static void compare_file(int root, struct tree_change *c, struct arena *arena)
{
	const char *name;
	struct str bytes = {0};
	int dir = open_parent(root, c->file->path, &name, false, NULL);
	c->state = TREE_MISSING;
	if (dir < 0)
		return;
	if (file_read(dir, name, TREE_MAX_FILE, &bytes, NULL)) {
		bool is_same =
			bytes.len == c->file->len && memcmp(str_text(&bytes), c->file->bytes, bytes.len) == 0;
		c->state = is_same ? TREE_SAME : TREE_CHANGED;
		c->old_bytes = arena_dup_n(arena, str_text(&bytes), bytes.len);
		c->old_len = bytes.len;
	} else if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		c->state = TREE_CHANGED; /* something that is no file to be read */
	}
	str_finish(&bytes);
	close(dir);
}

bool tree_compare(const struct tree *t, const char *folder, struct arena *arena, struct tree_change *out,
                  struct err *err)
{
	int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_USAGE, errno, "%s", folder);
	for (size_t i = 0; i < t->n; i++) {
		out[i] = (struct tree_change){.file = &t->files[i]};
		compare_file(root, &out[i], arena);
	}
	close(root);
	return true;
}

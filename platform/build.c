/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "platform/build_git.h"

enum { DEPTH_MAX = 64 };

struct names {
	char **items;
	size_t count;
};

/* One packing: from where, to where, and what was counted. */
struct packing {
	const char *folder;
	int from, to; /* folders; from is -1 when the files come out of git */
	struct hash hash;
	struct build_packed *packed;
	struct err *err;
};

static void names_add(struct names *names, const char *name)
{
	if ((names->count & (names->count - 1)) == 0)
		names->items =
			mem_grow(names->items, names->count ? names->count * 2 : 1, sizeof(*names->items));
	names->items[names->count++] = mem_dup(name);
}

static void names_finish(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool build_version_is_valid(const char *version)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/";
	size_t n = strlen(version);
	return n && n < BUILD_VERSION && strspn(version, letters) == n && version[0] != '-' &&
	       version[0] != '/' && !strstr(version, "..") && !strstr(version, "//");
}

static bool name_is_safe(const char *name)
{
	if (!*name || *name == '/' || strlen(name) >= PATH_MAX)
		return false;
	for (const char *part = name; part;) {
		const char *slash = strchr(part, '/');
		size_t n = slash ? (size_t)(slash - part) : strlen(part);
		if (!n || (n <= 2 && !strncmp(part, "..", n)) || (n == 4 && !strncasecmp(part, ".git", 4)))
			return false;
		part = slash ? slash + 1 : NULL;
	}
	return true;
}

/* Whether a link at name (relative to the folder) with that text stays inside, by the words alone. */
static bool link_stays_inside(const char *name, const char *text)
{
	int depth = 0;
	if (*text == '/')
		return false;
	for (const char *c = name; *c; c++)
		depth += *c == '/';
	while (*text) {
		size_t n = strcspn(text, "/");
		if (n == 2 && !strncmp(text, "..", 2))
			depth--;
		else if (n && !(n == 1 && *text == '.'))
			depth++;
		if (depth < 0)
			return false;
		text += n + (text[n] == '/');
	}
	return true;
}

/* Opens name below dir without leaving it, through no symbolic link: openat2(2). */
static int open_beneath(int dir, const char *name, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static bool parents_make(int dir, const char *name, struct err *err)
{
	char path[PATH_MAX];
	str_copy(path, sizeof(path), name);
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(dir, path, 0700) && errno != EEXIST)
			return err_errno(err, ERR_FAILED, errno, "cannot make the folder %s of the release",
					 path);
		*slash = '/';
	}
	return true;
}

static bool count(struct packing *p, const char *name, const char *mode, uint64_t bytes)
{
	hash_add_field(&p->hash, name);
	hash_add_field(&p->hash, mode);
	p->packed->bytes += bytes;
	if (++p->packed->files > BUILD_FILES_MAX)
		return err_set(p->err, ERR_REFUSED, "%s holds more than %d files: a release may not",
			       p->folder, BUILD_FILES_MAX);
	if (p->packed->bytes > BUILD_BYTES_MAX)
		return err_set(p->err, ERR_REFUSED, "%s holds more than %d MiB: a release may not", p->folder,
			       BUILD_BYTES_MAX >> 20);
	return true;
}

/* Before contents: so that bytes cannot move from one file to the next and leave the hash as it was. */
static void size_add(struct packing *p, uint64_t size)
{
	char text[32];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	hash_add_field(&p->hash, text);
}

static bool pack_link(struct packing *p, const char *name, const char *text)
{
	if (!link_stays_inside(name, text))
		return err_set(p->err, ERR_REFUSED,
			       "%s/%s is a symbolic link that leads out of the folder: a release may not",
			       p->folder, name);
	if (!count(p, name, "link", strlen(text)) || !parents_make(p->to, name, p->err))
		return false;
	hash_add_field(&p->hash, text);
	return !symlinkat(text, p->to, name) ||
	       err_errno(p->err, ERR_FAILED, errno, "cannot write %s of the release", name);
}

static int create(struct packing *p, const char *name, bool is_executable)
{
	if (!parents_make(p->to, name, p->err))
		return -1;
	int fd = open_beneath(p->to, name, O_RDONLY);
	if (fd >= 0) {
		close(fd);
		errno = EEXIST;
		fd = -1;
	} else {
		fd = openat(p->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    is_executable ? 0700 : 0600);
	}
	if (fd < 0)
		err_errno(p->err, ERR_FAILED, errno, "cannot write %s of the release", name);
	return fd;
}

static bool pack_bytes(struct packing *p, const char *name, bool is_executable, const struct str *bytes)
{
	if (!count(p, name, is_executable ? "program" : "file", bytes->len))
		return false;
	size_add(p, bytes->len);
	hash_add(&p->hash, str_text(bytes), bytes->len);
	int fd = create(p, name, is_executable);
	if (fd < 0)
		return false;
	bool is_written = file_write_all(fd, str_text(bytes), bytes->len);
	int number = errno;
	close(fd);
	return is_written || err_errno(p->err, ERR_FAILED, number, "cannot write %s of the release", name);
}

static bool copy_bytes(struct packing *p, const char *name, int in, int out)
{
	char bytes[65536];
	for (;;) {
		ssize_t n = read(in, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(p->err, ERR_FAILED, errno, "%s/%s", p->folder, name);
		if (n == 0)
			return true;
		hash_add(&p->hash, bytes, (size_t)n);
		if (!file_write_all(out, bytes, (size_t)n))
			return err_errno(p->err, ERR_FAILED, errno, "cannot write %s of the release", name);
	}
}

static bool pack_file(struct packing *p, const char *name, const struct stat *st)
{
	bool is_executable = st->st_mode & S_IXUSR;
	if (!count(p, name, is_executable ? "program" : "file", (uint64_t)st->st_size))
		return false;
	size_add(p, (uint64_t)st->st_size);
	int in = open_beneath(p->from, name, O_RDONLY);
	if (in < 0)
		return err_errno(p->err, ERR_FAILED, errno, "%s/%s", p->folder, name);
	int out = create(p, name, is_executable);
	bool is_copied = out >= 0 && copy_bytes(p, name, in, out);
	close(in);
	if (out >= 0)
		close(out);
	return is_copied;
}

/* One name of the folder as it lies there. What vanished meanwhile, or is deleted but known to git, is left
 * out. */
static bool pack_name(struct packing *p, const char *name)
{
	struct stat st;
	char text[PATH_MAX];
	if (!name_is_safe(name))
		return err_set(p->err, ERR_REFUSED, "%s holds a file whose name a release cannot keep",
			       p->folder);
	if (fstatat(p->from, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || errno == ENOTDIR ||
		       err_errno(p->err, ERR_FAILED, errno, "%s/%s", p->folder, name);
	if (S_ISREG(st.st_mode))
		return pack_file(p, name, &st);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlinkat(p->from, name, text, sizeof(text) - 1);
		if (n < 0)
			return err_errno(p->err, ERR_FAILED, errno, "%s/%s", p->folder, name);
		text[n] = '\0';
		return pack_link(p, name, text);
	}
	return err_set(p->err, ERR_REFUSED,
		       "%s/%s is neither a file nor a link (a submodule, a device): a release "
		       "cannot keep it",
		       p->folder, name);
}

static bool walk(int dir, const char *prefix, int depth, struct names *names, struct err *err)
{
	DIR *d = fdopendir(dir);
	bool is_good = d && depth < DEPTH_MAX;
	for (struct dirent *e; is_good && (e = readdir(d));) {
		char path[PATH_MAX];
		struct stat st;
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || str_eq(e->d_name, ".git"))
			continue;
		int n = snprintf(path, sizeof(path), "%s%s", prefix, e->d_name);
		is_good = n < (int)sizeof(path) - 1 &&
			  !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
			  names->count <= BUILD_FILES_MAX;
		if (is_good && S_ISDIR(st.st_mode)) {
			int below =
				openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			path[n++] = '/';
			path[n] = '\0';
			if (below < 0 || !walk(below, path, depth + 1, names, err))
				is_good = false;
		} else if (is_good) {
			names_add(names, path);
		}
	}
	if (d)
		closedir(d);
	else
		close(dir);
	return is_good || err_set(err, ERR_REFUSED,
				  "the folder %s cannot be read whole (too deep, too many files, or "
				  "not ours to read)",
				  *prefix ? prefix : "of the service");
}

static void names_split(const struct str *text, struct names *names)
{
	for (size_t at = 0; at < text->len; at += strlen(text->s + at) + 1)
		names_add(names, text->s + at);
}

static bool pack_now(struct packing *p, const char *service)
{
	struct names names = {0};
	struct str list = {0}, version = {0}, commit = {0};
	bool is_dirty = true, has_git = git_has_work_tree(p->folder), is_good;
	if (has_git)
		has_git = git_version_now(service, p->folder, &version, &commit, &is_dirty, NULL);
	if (has_git) {
		is_good = git_list_now(p->folder, &list, p->err);
		names_split(&list, &names);
	} else {
		is_good = walk(dup(p->from), "", 0, &names, p->err);
	}
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), name_order);
	for (size_t i = 0; is_good && i < names.count; i++)
		is_good = pack_name(p, names.items[i]);
	str_copy(p->packed->version, sizeof(p->packed->version), str_text(&version)); /* "" without git */
	str_copy(p->packed->commit, sizeof(p->packed->commit), is_dirty ? "" : str_text(&commit));
	names_finish(&names);
	str_finish(&list);
	str_finish(&version);
	str_finish(&commit);
	return is_good;
}

/* "100644 blob OBJECT\tNAME" */
static bool pack_entry(struct packing *p, struct git_objects *git, const char *entry, struct str *bytes)
{
	char mode[8], type[12], object[72];
	const char *name = strchr(entry, '\t');
	if (!name || sscanf(entry, "%7s %11s %71s", mode, type, object) != 3 || !name_is_safe(name + 1))
		return err_set(p->err, ERR_REFUSED,
			       "this version holds a file whose name a release cannot keep");
	name++;
	if (!str_eq(type, "blob"))
		return err_set(p->err, ERR_REFUSED, "%s is a submodule: a release cannot keep it", name);
	if (!git_objects_read(git, object, BUILD_BYTES_MAX, bytes, p->err))
		return false;
	if (str_eq(mode, "120000"))
		return pack_link(p, name, str_text(bytes));
	return pack_bytes(p, name, str_eq(mode, "100755"), bytes);
}

static bool pack_version(struct packing *p, const char *service, const char *version)
{
	struct str entries = {0}, commit = {0}, name = {0}, bytes = {0};
	struct git_objects git;
	if (!build_version_is_valid(version))
		return err_set(p->err, ERR_USAGE,
			       "\"%s\" cannot be a version: letters, digits and . _ + - / only", version);
	bool is_good = git_version_find(service, p->folder, version, &commit, &name, p->err) &&
		       git_list_commit(p->folder, commit.s, &entries, p->err) &&
		       git_objects_open(&git, p->folder, p->err);
	if (is_good) {
		for (size_t at = 0; is_good && at < entries.len; at += strlen(entries.s + at) + 1)
			is_good = pack_entry(p, &git, entries.s + at, &bytes);
		git_objects_close(&git);
	}
	str_copy(p->packed->version, sizeof(p->packed->version), str_text(&name));
	str_copy(p->packed->commit, sizeof(p->packed->commit), str_text(&commit));
	str_finish(&entries);
	str_finish(&commit);
	str_finish(&name);
	str_finish(&bytes);
	return is_good;
}

static int folder_open(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "%s", path);
	return fd;
}

bool build_pack(const char *service, const char *folder, const char *version, const char *dest,
		struct build_packed *packed, struct err *err)
{
	struct packing p = {
		.folder = folder, .from = folder_open(folder, err), .to = -1, .packed = packed, .err = err};
	*packed = (struct build_packed){0};
	if (p.from < 0)
		return false;
	if (mkdir(dest, 0700) || (p.to = folder_open(dest, err)) < 0) {
		int number = errno;
		close(p.from);
		return err_errno(err, ERR_FAILED, number, "cannot make %s for the release", dest);
	}
	hash_start(&p.hash);
	bool is_good = version ? pack_version(&p, service, version) : pack_now(&p, service);
	hash_finish_hex(&p.hash, packed->tree);
	close(p.from);
	close(p.to);
	if (is_good && !packed->files)
		is_good = err_set(err, ERR_NOT_FOUND, "%s holds no file%s%s", folder, version ? " at " : "",
				  version ? version : "");
	if (!is_good)
		build_remove(dest, NULL);
	else if (!*packed->version)
		snprintf(packed->version, sizeof(packed->version), "tree-%.12s", packed->tree);
	return is_good;
}

int build_main(int argc, char **argv)
{
	struct build_packed packed;
	struct err err;
	if (argc != 4) {
		fprintf(stderr, "fairway --pack: wants SERVICE FOLDER VERSION|- DEST\n");
		return err_exit_status(ERR_USAGE);
	}
	if (!build_pack(argv[0], argv[1], str_eq(argv[2], "-") ? NULL : argv[2], argv[3], &packed, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return err_exit_status(err.kind);
	}
	printf("version %s\ncommit %s\ntree %s\n", packed.version, packed.commit, packed.tree);
	return fflush(stdout) ? err_exit_status(ERR_FAILED) : 0;
}

bool build_packed_parse(const char *text, struct build_packed *packed, struct err *err)
{
	*packed = (struct build_packed){0};
	if (sscanf(text, "version %127s\n", packed->version) == 1) {
		const char *commit = strstr(text, "\ncommit "), *tree = strstr(text, "\ntree ");
		if (commit && tree && sscanf(tree, "\ntree %64s", packed->tree) == 1) {
			size_t n = strcspn(commit + 8, "\n");
			if (n < sizeof(packed->commit))
				memcpy(packed->commit, commit + 8, n);
			return true;
		}
	}
	return err_set(err, ERR_FAILED, "packing the release ended without an answer");
}

/* What a child that ends just now removes itself is as good as removed by us. */
static bool is_removed(int dir, const char *name, int flags)
{
	return !unlinkat(dir, name, flags) || errno == ENOENT;
}

static bool remove_below(int dir)
{
	DIR *d = fdopendir(dir);
	bool is_good = d;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || is_removed(dirfd(d), e->d_name, 0))
			continue;
		fchmodat(dirfd(d), e->d_name, 0700, 0); /* a build may have left folders without rights */
		int below = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		is_good &= (below >= 0 && remove_below(below) && is_removed(dirfd(d), e->d_name, AT_REMOVEDIR)) ||
			   (below < 0 && errno == ENOENT);
	}
	if (d)
		closedir(d);
	return is_good;
}

bool build_remove(const char *path, struct err *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return true;
	if (dir >= 0 && remove_below(dir) && is_removed(AT_FDCWD, path, AT_REMOVEDIR))
		return true;
	return err_errno(err, ERR_FAILED, errno, "cannot remove %s", path);
}

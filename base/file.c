/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Checks the open folder; closes it and returns -1 when others could write into it. */
static int checked_folder(int fd, const char *name, struct err *err)
{
	struct stat st;
	if (fd < 0) {
		err_errno(err, ERR_FAILED, errno, "cannot open the folder %s", name);
		return -1;
	}
	if (fstat(fd, &st) == 0 && st.st_uid != geteuid())
		err_set(err, ERR_REFUSED, "%s belongs to user %u, not to you: refused", name,
		        (unsigned)st.st_uid);
	else if ((st.st_mode & 077) && fchmod(fd, 0700) < 0)
		err_errno(err, ERR_FAILED, errno, "cannot close the folder %s to others", name);
	else
		return fd;
	close(fd);
	return -1;
}

static bool make_folder(int dir, const char *name, struct err *err)
{
	if (mkdirat(dir, name, 0700) == 0 || errno == EEXIST)
		return true;
	return err_errno(err, ERR_FAILED, errno, "cannot make the folder %s", name);
}

int file_folder_at(int dir, const char *name, struct err *err)
{
	if (!make_folder(dir, name, err))
		return -1;
	return checked_folder(openat(dir, name, FOLDER_FLAGS), name, err);
}

int file_folder(const char *path, struct err *err)
{
	char *part = mem_dup(path);
	bool is_made = true;
	for (char *slash = strchr(part + 1, '/'); slash && is_made; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		struct stat st;
		/* a parent may be a link or on a read-only mount: only a missing one is made */
		if (stat(part, &st) < 0)
			is_made = make_folder(AT_FDCWD, part, err);
		*slash = '/';
	}
	free(part);
	return is_made ? file_folder_at(AT_FDCWD, path, err) : -1;
}

bool file_write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool file_write_all_at(int fd, const void *bytes, size_t len, off_t at)
{
	const char *p = bytes;
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool file_replace(int dir, const char *name, const void *bytes, size_t len, bool is_durable, struct err *err)
{
	struct str fresh = {0};
	str_addf(&fresh, "%s.new", name);
	int fd = openat(dir, fresh.s, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool is_written = fd >= 0 && fchmod(fd, 0600) == 0 && file_write_all(fd, bytes, len) &&
	                  (!is_durable || fdatasync(fd) == 0);
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (is_written && renameat(dir, fresh.s, dir, name) < 0) {
		is_written = false;
		why = errno;
	}
	if (is_written && is_durable) {
		int folder = openat(dir, ".", FOLDER_FLAGS & ~O_NOFOLLOW);
		if (folder >= 0) {
			fsync(folder);
			close(folder);
		}
	}
	if (!is_written && fd >= 0)
		unlinkat(dir, fresh.s, 0);
	str_finish(&fresh);
	return is_written || err_errno(err, ERR_FAILED, why, "cannot write %s", name);
}

bool file_read(int dir, const char *name, size_t max, struct str *out, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "cannot read %s",
		                 name);
	struct stat st;
	size_t start = out->len;
	ssize_t n = 0;
	bool is_regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	while (is_regular && out->len - start <= max) {
		str_reserve(out, 4096);
		n = read(fd, out->s + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += (size_t)n;
		out->s[out->len] = '\0';
	}
	int why = errno;
	close(fd);
	if (!is_regular)
		return err_set(err, ERR_FAILED, "%s is not a regular file", name);
	if (n < 0)
		return err_errno(err, ERR_FAILED, why, "cannot read %s", name);
	if (out->len - start > max)
		return err_set(err, ERR_FAILED, "%s is larger than %zu bytes", name, max);
	return true;
}

int file_open_private(int dir, const char *name, int more_flags, struct err *err)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | more_flags, 0600);
	if (fd < 0)
		err_errno(err, ERR_FAILED, errno, "cannot open %s", name);
	return fd;
}

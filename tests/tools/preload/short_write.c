/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD: a write to a file or a stream takes half of what it was given, and splice() at most 1000
 * bytes, as each of them may. SHORT_COUNT_FILE gets a byte for each, so that a test knows that there were any.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPLICE_MOST 1000

static void count(void)
{
	const char *path = getenv("SHORT_COUNT_FILE");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		(void)!syscall(SYS_write, fd, ".", 1);
		close(fd);
	}
}

/* Pipes, eventfds and packets keep what they promise: a few bytes are written whole. */
static size_t fewer(int fd, size_t n)
{
	struct stat st;
	int type = 0;
	socklen_t size = sizeof(type);
	if (n < 2 || fstat(fd, &st))
		return n;
	if (!S_ISREG(st.st_mode) && (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_STREAM))
		return n;
	count();
	return n / 2;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	return syscall(SYS_write, fd, bytes, fewer(fd, n));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	return syscall(SYS_pwrite64, fd, bytes, fewer(fd, n), at);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	return syscall(SYS_sendto, fd, bytes, fewer(fd, n), flags, NULL, 0);
}

ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t n, unsigned flags)
{
	if (n > SPLICE_MOST)
		count();
	return syscall(SYS_splice, in, in_at, out, out_at, n > SPLICE_MOST ? SPLICE_MOST : n, flags);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LD_PRELOAD: the allocation with the number FAIL_ALLOCATION, counted from 1 over all threads, fails with ENOMEM.
 * The file that FAIL_COUNT_FILE names gets their count at exit, so that a test knows how many there are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the C library offers to those that take malloc's place. */
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static atomic_long count, failing = -1;

static int fails(void)
{
	if (failing < 0) {
		const char *text = getenv("FAIL_ALLOCATION"); /* allocates nothing */
		failing = text ? strtol(text, NULL, 10) : 0;
	}
	if (atomic_fetch_add(&count, 1) + 1 != failing)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

__attribute__((destructor)) static void tell(void)
{
	char line[32];
	const char *path = getenv("FAIL_COUNT_FILE");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	int len = snprintf(line, sizeof(line), "%ld\n", atomic_load(&count));
	if (fd >= 0 && write(fd, line, (size_t)len) == len)
		close(fd);
}

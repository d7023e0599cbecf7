/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H
/*
 * Private files (0600) and folders (0700), whatever the umask says. Names are relative to a folder's
 * descriptor (openat(2)); AT_FDCWD is allowed. No call follows a symbolic link in the last part of a name.
 * Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Makes every missing part of path, each 0700, then checks the last one: a folder, ours, and closed to
 * others (it is made 0700 when it is ours). Returns its descriptor (close-on-exec), or -1. */
int file_folder(const char *path, struct err *err);
/* The same for one folder below a descriptor: made when missing, checked, opened. */
int file_folder_at(int dir, const char *name, struct err *err);

/* Replaces name with the bytes, all or nothing: a new file beside it, then rename(2). is_durable also
 * flushes the file and the folder, so that it outlives a power cut. A crash can leave NAME.new behind; the
 * next write takes it over. */
bool file_replace(int dir, const char *name, const void *bytes, size_t len, bool is_durable, struct err *err);

/* Reads a whole regular file of at most max bytes onto out's end. A missing file is ERR_NOT_FOUND. */
bool file_read(int dir, const char *name, size_t max, struct str *out, struct err *err);

/* Opens name for reading and writing, made 0600 when missing; not followed, close-on-exec. -1 on failure. */
int file_open_private(int dir, const char *name, int more_flags, struct err *err);

/* Writes all of it, through short writes and EINTR. False with errno set. */
bool file_write_all(int fd, const void *bytes, size_t len);
bool file_write_all_at(int fd, const void *bytes, size_t len, off_t at); /* pwrite(2): the place stays */
#endif

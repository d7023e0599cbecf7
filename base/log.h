/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LOG_H
#define BASE_LOG_H
/*
 * The program's own log (not the logs of services): for whoever mends fairway or looks for a cause. One line
 * is one write(2) on an O_APPEND descriptor, so that several processes can share a file. A NULL log takes
 * nothing. Control bytes of what is logged are masked. Never log a secret. Any thread.
 */
#include <stdarg.h>
#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log;
/* Appends to path (made 0600, not followed). who is put into each line: "daemon", "keeper".
 * FAIRWAY_LOG=debug lowers the level, which is info otherwise. NULL with err when it cannot be opened. */
struct log *log_new(const char *path, const char *who, struct err *err);
/* The same onto a descriptor that stays the caller's. */
struct log *log_on(int fd, const char *who);
void log_free(struct log *);
int log_fd(const struct log *); /* for the stderr of children; -1 for NULL */
void log_line(struct log *, enum log_level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#endif

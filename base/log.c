/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct log {
	int fd;
	bool is_owner;
	enum log_level level;
	char who[16];
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

struct log *log_on(int fd, const char *who)
{
	struct log *log = mem_alloc(sizeof(*log));
	*log = (struct log){.fd = fd, .level = LOG_INFO};
	str_copy(log->who, sizeof(log->who), who);
	const char *wish = getenv("FAIRWAY_LOG");
	for (size_t i = 0; wish && i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (str_eq(wish, level_names[i]))
			log->level = (enum log_level)i;
	return log;
}

struct log *log_new(const char *path, const char *who, struct err *err)
{
	int fd = file_open_private(AT_FDCWD, path, O_APPEND, err);
	if (fd < 0)
		return NULL;
	struct log *log = log_on(fd, who);
	log->is_owner = true;
	return log;
}

void log_free(struct log *log)
{
	if (log && log->is_owner)
		close(log->fd);
	free(log);
}

int log_fd(const struct log *log)
{
	return log ? log->fd : -1;
}

void log_line(struct log *log, enum log_level level, const char *fmt, ...)
{
	if (!log || level > log->level)
		return;
	char now[CLOCK_TEXT];
	clock_rfc3339(clock_wall_ms(), now);
	struct str line = {0};
	str_addf(&line, "%s %s[%d] %s: ", now, log->who, (int)getpid(), level_names[level]);
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&line, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.s[i] < ' ' || line.s[i] == 0x7F)
			line.s[i] = '?';
	str_addc(&line, '\n');
	file_write_all(log->fd, line.s, line.len); /* a log that cannot be written has nobody to tell */
	str_finish(&line);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_group.h"

#include <string.h>

static bool starts(const char *s, size_t len, const char *with)
{
	size_t n = strlen(with);
	return len >= n && memcmp(s, with, n) == 0;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* "ValueError: text", "app.errors.Refused", "java.lang.IllegalStateException: text": a dotted name, then a
 * colon or the end. Returns the name's length, or 0. */
static size_t exception_name(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && (is_word(s[n]) || s[n] == '.' || s[n] == '$'))
		n++;
	bool is_name = n && (s[0] < '0' || s[0] > '9') &&
		       (n == len || (s[n] == ':' && (n + 1 == len || s[n + 1] == ' ')));
	return is_name ? n : 0;
}

/* A thrown class by its name alone: dotted, and an Exception, an Error or a Throwable. */
static bool is_thrown(const char *s, size_t len)
{
	if (starts(s, len, "Exception in thread "))
		return true;
	size_t n = exception_name(s, len);
	return n && memchr(s, '.', n) && (memmem(s, n, "Exception", 9) || memmem(s, n, "Error", 5));
}

static enum log_continues python_next(struct log_trace *t, const char *s, size_t len)
{
	if (starts(s, len, "During handling of the above") || starts(s, len, "The above exception was")) {
		t->is_closed = false;
		return LOG_CONTINUES;
	}
	if (!len)
		return LOG_CONTINUES;
	if (!t->is_closed && exception_name(s, len)) {
		t->is_closed = true;
		return LOG_CONTINUES;
	}
	t->kind = LOG_TRACE_NONE;
	return LOG_HEAD;
}

static enum log_continues go_next(struct log_trace *t, const char *s, size_t len)
{
	if (!len || s[len - 1] == ')' || starts(s, len, "created by ") || starts(s, len, "goroutine ") ||
	    starts(s, len, "[signal ") || starts(s, len, "exit status "))
		return LOG_CONTINUES;
	t->kind = LOG_TRACE_NONE;
	return LOG_HEAD;
}

static enum log_continues next(struct log_trace *t, const char *s, size_t len)
{
	static const char *const follow[] = {"Caused by: ",
					     "at ",
					     "... ",
					     "Suppressed: ",
					     "During handling of the above",
					     "The above exception was"};
	if (len && (*s == ' ' || *s == '\t'))
		return LOG_CONTINUES;
	if (starts(s, len, "Traceback (most recent call last)")) {
		bool is_inside = t->kind == LOG_TRACE_PYTHON && !t->is_closed;
		t->kind = LOG_TRACE_PYTHON;
		t->is_closed = false;
		return is_inside ? LOG_CONTINUES : LOG_CONTINUES_ERROR;
	}
	if (starts(s, len, "panic: ")) {
		t->kind = LOG_TRACE_GO;
		return LOG_HEAD;
	}
	if (t->kind == LOG_TRACE_PYTHON)
		return python_next(t, s, len);
	if (t->kind == LOG_TRACE_GO)
		return go_next(t, s, len);
	for (size_t i = 0; i < sizeof(follow) / sizeof(follow[0]); i++)
		if (starts(s, len, follow[i]))
			return LOG_CONTINUES_ERROR;
	return is_thrown(s, len) ? LOG_CONTINUES_ERROR : LOG_HEAD;
}

enum log_continues log_trace_next(struct log_trace *t, const char *line, size_t len)
{
	enum log_continues is = next(t, line, len);
	if (!t->had_line)
		is = LOG_HEAD;
	t->had_line = true;
	return is;
}

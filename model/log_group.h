/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_GROUP_H
#define MODEL_LOG_GROUP_H
/*
 * Which lines continue the one before: stack traces of Python, Java and its kin, Go and Node, and what is
 * indented. One struct log_trace for each stream of lines; all zero at its start. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum log_continues {
	LOG_HEAD,
	LOG_CONTINUES,
	LOG_CONTINUES_ERROR, /* when the line before tells an error; else it is a head by itself */
};
enum log_trace_kind { LOG_TRACE_NONE, LOG_TRACE_PYTHON, LOG_TRACE_GO };
struct log_trace {
	enum log_trace_kind kind;
	bool had_line;  /* there is something to continue */
	bool is_closed; /* Python: the exception's own line was seen */
};
enum log_continues log_trace_next(struct log_trace *, const char *line, size_t len);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_EXEC_H
#define BACKEND_EXEC_H
/*
 * A captured child: no terminal, no input, allow-listed environment unless told otherwise, output (both
 * streams, in order of arrival, unless they are to be kept apart) kept up to EXEC_OUTPUT_MAX bytes, or told as it
 * comes. Its session is killed when it is given up. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/loop.h"

struct err;
struct exec;
struct str;

#define EXEC_OUTPUT_MAX (64 * 1024)

struct exec_wish { /* copied */
	const char *const *argv;
	const char *const *env; /* "NAME=value" beside the allow-list; may be NULL */
	const char *dir;        /* NULL: / */
	int64_t limit_ms;       /* it is killed after that; 0: 60 s */
	bool drops_stderr;      /* only standard output is kept */
	/* Told of output as it comes, which is then not kept; what comes last is told at the end. May cancel. */
	void (*told)(const char *output, size_t len, void *arg);
	struct str *errors;     /* standard error goes here instead, its last EXEC_OUTPUT_MAX bytes at least;
				   borrowed while it runs. NULL: as above */
	bool is_persons; /* as a person would start it in a shell: all of our environment instead of the
			    allow-list, and what it leaves behind (a browser) goes on when it ends by itself */
};
/* status: exit status, 128 + signal; or -1 with err when it was given up. The struct exec is gone after
 * it. */
typedef void exec_ended(int status, const char *output, size_t len, const struct err *err, void *arg);
/* NULL with err when it cannot start. Never calls ended before it returns. */
struct exec *exec_start(struct loop *, const struct exec_wish *, exec_ended *, void *arg, struct err *);
void exec_cancel(struct exec *); /* silent; NULL is fine */
void exec_hold(struct exec *, bool is_held); /* reads no output: a child that goes on printing waits */
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_CONSOLE_H
#define VIEWS_CONSOLE_H
/*
 * The console from the outside: reads the configuration, starts the backend, runs the screens, and starts again when
 * another context is chosen. Main thread, before any other exists.
 */
struct err;

struct console_options {
	const char *config, *context; /* flags; NULL: unsaid */
	const char *keys;             /* typed first; NULL */
	const char *farewell;         /* printed after it was left; NULL */
};
/* Returns the exit status. Errors are printed. */
int console_run(const struct console_options *);
#endif

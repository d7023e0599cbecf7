/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_CONSOLE_H
#define TESTS_SUPPORT_CONSOLE_H
/*
 * The real program in a pseudo-terminal, over the state, the configuration and the home that the environment
 * of this process names (tests/support/tap.sh sets them). Looks are those of tests/support/screen.h.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tests/support/screen.h"

#define CONSOLE_SLOW_MS 60000 /* what many processes have to do first, on a machine that is busy */

struct console_setup {
	int rows, columns;       /* 40x120 when 0 */
	const char *words[8];    /* after the program's name; NULL ends them */
	const char *env[8];      /* on top; NULL ends them */
	bool is_job;
};
struct screen *console_open(const struct console_setup *);
/* Runs the program with these words until it ends; its standard output in out. Returns its status. The last
 * word is NULL. */
int console_verb(char *out, size_t size, const char *word, ...);

/* Some row holds all these words; the last one is NULL. */
bool console_has_row(struct screen *, const char *word, ...);
void console_expect_row(struct screen *, int deadline_ms, const char *word, ...);
/* Presses the keys again and again until the text is there, or is gone. For what has a guard of time. */
void console_press_until(struct screen *, const char *script, const char *text, bool is_there,
			 int deadline_ms);
/* Types the name that a dialog asks for, and confirms. */
void console_confirm(struct screen *, const char *name);
/* What the last OSC 52 behind byte `from` of the raw output copied, decoded; free() it. NULL: none. */
char *console_copied(struct screen *, size_t from);
#endif

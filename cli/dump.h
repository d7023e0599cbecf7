/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H
/*
 * `fairway --dump WHAT` prints the rows of the program as mdoc(7) for the man pages: what stands in a page in place of
 * the marker @@WHAT@@ (tools/man.sh). "words" prints every word that a shell may complete, one a line. Main thread.
 */
#include "base/err.h"

/* Names are those of the rows in dump.c; ERR_USAGE lists them. */
bool dump_print(const char *what, struct err *err);
/* dump_keys.c */
void dump_commands(void);
void dump_keys(void);
#endif

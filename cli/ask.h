/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ASK_H
#define CLI_ASK_H
/* A question at a terminal. What was typed before it was asked is dropped. Main thread; only where cli.is_terminal. */
#include <stddef.h>

#include "cli/verb.h"

/* One line without its end. False: interrupted, or the input ended (ERR_REFUSED). */
bool ask_line(struct cli *, const char *question, char *answer, size_t size, struct err *err);
#endif

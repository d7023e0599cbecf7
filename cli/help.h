/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H
/* --help of the program and of each verb, from the rows of args.c and verb.c. Main thread. */
#include "cli/verb.h"

struct str;

void help_program(void);
void help_verb(const struct verb *);
/* The usage of a verb on one line, as SYNOPSIS shows it: "fairway deploy SERVICE [VERSION] --env E [--yes] …".
 * Options that go with every verb are left out. Appended to *out. */
void help_usage(const struct verb *, struct str *out);
#endif

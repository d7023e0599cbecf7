/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VERB_H
#define CLI_VERB_H
/*
 * The verbs of the command line, one row each (verb.c): `fairway VERB` does one thing and exits with a status of
 * base/err.h. Same operations as the console's, through the same backend.
 */
#include <stdbool.h>
#include <stdio.h>

#include "cli/args.h"

struct backend;
struct config;
struct err;

struct cli {
	const struct args *args;
	const struct verb *verb;
	const struct config *config;
	struct backend *backend; /* started on first need: cli_backend() */
	bool is_coloured;        /* tables may be coloured */
	bool is_terminal;        /* stdin and stderr are one: a question could be asked, and never is without */
};

struct verb {
	const char *name, *shape; /* shape: "SERVICE [VERSION] --env E"; the SYNOPSIS after `fairway NAME` */
	const char *help;         /* one sentence, <= 72 columns, no full stop */
	unsigned takes;           /* enum option_bit */
	size_t min_words, max_words;
	bool writes;
	/* Returns the exit status. Errors were told by cli_fail(). */
	int (*run)(struct cli *);
	const char *action; /* model/action.h, for the write verbs that are one operation */
};
const struct verb *verb_find(const char *name); /* NULL when unknown */
const struct verb *verb_at(size_t index);       /* NULL past the last */

/* Prints "fairway VERB: text" to stderr, masked; with -o json an object {"error", "kind"}. Returns the status. */
int cli_fail(const struct cli *, const struct err *);

/* run functions, by file */
int read_list(struct cli *);     /* read.c: services instances envs deploys releases alerts events */
int read_service(struct cli *);
int read_status(struct cli *);
int read_why(struct cli *);      /* read_more.c */
int read_runbook(struct cli *);
int read_audit(struct cli *);
int read_logs(struct cli *);     /* logs.c */
int read_info(struct cli *);     /* own.c */
int read_config(struct cli *);
int read_keymap(struct cli *);
int write_operation(struct cli *); /* write.c: one operation by its row */
int write_new(struct cli *);
int write_up(struct cli *);      /* platform.c */
int write_demo(struct cli *);
int write_platform(struct cli *);

/* Everything: parse, find the verb, run. argv as main got it. *console is set, and 0 returned, when the console is
 * to be opened instead. */
int cli_main(int argc, char **argv, struct args *args, bool *console);
#endif

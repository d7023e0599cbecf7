/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_VERB_H
#define CLI_VERB_H
/*
 * The verbs of the command line, one row each (verb.c): `fairway VERB` does one thing and exits with a status of
 * base/err.h. Same operations as the console's, through the same backend.
 */
#include <stdbool.h>

#include "base/err.h"
#include "cli/args.h"

struct config;
struct session;

struct cli {
	struct args *args;
	const struct verb *verb;   /* NULL before it is known */
	struct config *config;     /* owned; loaded by cli_load() */
	struct session *session;   /* owned; opened by session_open() */
	bool is_coloured;          /* tables may be coloured */
	bool is_terminal;          /* stdin and stderr are one: a question may be asked */
	bool wants_console;        /* set by a verb that opens the console instead of ending */
};

struct verb {
	const char *name, *shape; /* shape: its words, "SERVICE [VERSION]"; options follow from takes and needs */
	const char *help;         /* one sentence, <= 72 columns, no full stop */
	unsigned takes;           /* enum option_bit */
	unsigned needs;           /* of these: each must be given */
	size_t min_words, max_words;
	/* Returns the exit status. Errors were told by cli_fail(). */
	int (*run)(struct cli *);
	const char *action; /* model/action.h, for the write verbs that are one operation */
};
const struct verb *verb_find(const char *name); /* NULL when unknown */
const struct verb *verb_at(size_t index);       /* NULL past the last */
/* The verb changes something: it goes through plan and confirmation. */
static inline bool verb_writes(const struct verb *v)
{
	return v->takes & OPT_WRITE;
}

/* Reads the configuration for this run, once. context NULL: as the command line or the file says. Complaints were
 * told when it returns false: end with status 2. */
bool cli_load(struct cli *, const char *context);
/* Prints "fairway VERB: text" to stderr, masked; with -o json an object {"error", "kind"}. An empty text
 * was told before. Returns the status. */
int cli_fail(const struct cli *, const struct err *);
/* The same for a verb with a sentence of its own. */
int cli_refuse(const struct cli *, enum err_kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Every complaint about a file, as they stand: "file:line: …". Returns status 2. */
int cli_complain(const struct cli *, const struct complaints *);
/* One line of progress to stderr, masked; nothing with -o json, whose stderr holds errors only. */
void cli_tell(const struct cli *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* run functions, by file */
int config_plugins(struct cli *); /* plugins.c, of read_config() */
int read_list(struct cli *);     /* read.c: services instances envs deploys releases alerts events */
int read_service(struct cli *);
int read_status(struct cli *);
int read_why(struct cli *);      /* why.c */
int read_runbook(struct cli *);  /* read_more.c */
int read_audit(struct cli *);
int read_logs(struct cli *);     /* logs.c */
int read_info(struct cli *);     /* own.c */
int read_config(struct cli *);
int read_keymap(struct cli *);
int read_manifests(struct cli *); /* manifests.c */
int write_operation(struct cli *); /* write.c: one operation by its row */
int write_lend(struct cli *); /* what is done in the terminal: exec, port-forward */
int write_down(struct cli *);
int write_up(struct cli *);      /* up.c */
int write_new(struct cli *);     /* new.c */
int write_demo(struct cli *);    /* platform.c */
int write_platform(struct cli *);

/* Everything: parse, find the verb, run. argv as main got it. *console is set, and 0 returned, when the console is
 * to be opened instead. */
int cli_main(int argc, char **argv, struct args *args, bool *console);
#endif

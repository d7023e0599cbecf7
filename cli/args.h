/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H
/*
 * The command line read once, by two tables: options (args.c) and verbs (verb.c). --help and fairway(1) are made
 * from the same rows. The main thread, before anything else runs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct err;

#define ARGS_WORDS_MAX 16
#define ARGS_SET_MAX 64

enum output { OUTPUT_TABLE, OUTPUT_JSON };
enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct args { /* text is borrowed from argv */
	const char *verb; /* NULL: the console */
	const char *words[ARGS_WORDS_MAX]; /* what is not an option, without the verb */
	size_t n_words;
	const char *context, *config, *keys;
	int output, colour; /* enum output, enum colour */
	const char *env, *from, *to, *since, *tail, *level, *grep, *instance, *reason, *until, *for_, *dir, *approve;
	const char *confirm, *service, *image, *namespace, *container, *kubeconfig, *workload;
	const char *dump; /* what to print for the man pages, cli/dump.h */
	const char *set[ARGS_SET_MAX];
	size_t n_set;
	bool follow, previous, yes, dry_run, past_migration, despite_bad, without_databases, apply, take_over, raw, help, version;
};

/* Which verbs take an option: bits of struct verb.takes; OPT_ALL goes with every verb. */
enum option_bit {
	OPT_ENV = 1 << 0, OPT_FROM = 1 << 1, OPT_TO = 1 << 2, OPT_SINCE = 1 << 3, OPT_LOGS = 1 << 4,
	OPT_REASON = 1 << 5, OPT_UNTIL = 1 << 6, OPT_FOR = 1 << 7, OPT_NEW = 1 << 8, OPT_APPROVE = 1 << 9,
	OPT_WRITE = 1 << 10, OPT_GUARDS = 1 << 11, OPT_SERVICE = 1 << 12, OPT_ALL = 1 << 13, OPT_CONSOLE = 1 << 14,
	OPT_IMAGE = 1 << 15, OPT_NAMESPACE = 1 << 16, OPT_CONTAINER = 1 << 17, OPT_KUBECONFIG = 1 << 18, OPT_APPLY = 1 << 19,
	OPT_WORKLOAD = 1 << 20, OPT_INSTANCE = 1 << 21,
};

enum arg_kind { ARG_TEXT, ARG_FLAG, ARG_CHOICE, ARG_LIST };
struct arg_row {
	const char *name;  /* "--env" */
	const char *brief; /* "-e", or NULL */
	const char *value; /* "E" in the help; NULL for a flag */
	enum arg_kind kind;
	size_t offset;     /* in struct args */
	unsigned with;     /* enum option_bit */
	const char *const *choices; /* ARG_CHOICE; NULL-ended */
	const char *help;           /* NULL: not for people */
};
const struct arg_row *args_row(size_t index); /* NULL past the last */

/* takes: the verb's bits. Options may stand anywhere; "--" ends them. */
bool args_parse(int argc, char **argv, struct args *, struct err *);
/* Complains of an option that this verb does not take, and of one of needs (bits) that is missing. Called once the
 * verb is known. */
bool args_check(const struct args *, const char *verb, unsigned takes, unsigned needs, int argc, char **argv,
                struct err *);
/* "10m" and "2h" count back from now, or forward with is_ahead; else RFC 3339. name: the option, for the error. */
bool args_time(const char *name, const char *text, bool is_ahead, int64_t now_ms, int64_t *wall_ms, struct err *);
bool args_span(const char *name, const char *text, int64_t *ms, struct err *);
#endif

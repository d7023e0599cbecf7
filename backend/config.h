/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_CONFIG_H
#define BACKEND_CONFIG_H
/*
 * fairway-config(5): $XDG_CONFIG_HOME/fairway/config.yaml, environment, flags; flags win. Contexts `demo`
 * and `local` are built in. Read once before the backend thread starts; const afterwards. A reload makes a
 * second struct config. All complaints come at once, as file:line: key: "value": reason.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/option.h"

struct provider;

/* The program's own options, top level of config.yaml. */
const struct option_row *config_options(size_t *n);

enum token_from { TOKEN_NONE, TOKEN_COMMAND, TOKEN_FILE, TOKEN_ENV };
struct token_source {
	enum token_from from;
	const char *const *command;     /* argv, NULL at its end */
	const char *name;               /* file or variable */
	const char *header;             /* sent in this header as it is; NULL: as "Authorization: Bearer" */
};

struct config_source { /* one provider at work */
	const char *name;               /* unique in its context: "platform", "prod/alerts", "runbooks" */
	const char *role; /* catalog, deploys, logs, alerts, metrics, on-call, runbooks, paths, platform */
	const char *environment;        /* NULL: of the whole context */
	int64_t position;               /* of its environment, and what holds there */
	bool is_protected, is_read_only;
	const struct provider *provider;
	struct setting *settings;       /* a row for each option of the provider */
	size_t n_settings;
	struct token_source token;
	const char *url;                /* NULL for local ones */
	const char *ca_file; /* what its server is verified with; NULL: the system's certificates */
};
struct config_environment {
	const char *name;
	bool is_protected, is_read_only;
};
struct config_context {
	const char *name, *help;
	bool is_builtin, is_read_only;
	const char *platform_root;      /* STATE of its embedded platform (base/place.h); NULL: it has none */
	const struct config_source *sources;
	size_t n_sources;
	const struct config_environment *environments;
	size_t n_environments;
};

struct config {
	struct arena arena;
	const char *file;               /* where it was, or would be, read from */
	bool is_absent;                 /* there is no such file: everything is by default */
	const struct config_context *contexts; /* built-in ones first */
	size_t n_contexts;
	const struct config_context *context;  /* the chosen one */
	bool is_context_chosen;         /* by flag, environment or file: not the default */
	struct setting *settings;       /* of config_options() */
	size_t n_settings;
};

struct config_flags { /* from the command line; NULL: unsaid */
	const char *file, *context;
};
/* NULL after complaining. A missing file is fine unless flags or FAIRWAY_CONFIG name it. */
struct config *config_load(const struct config_flags *, struct complaints *);
void config_free(struct config *);

const struct setting *config_setting(const struct config *,
				     const char *name); /* of config_options(); never NULL */
const char *config_text(const struct config *, const char *name);
int64_t config_number(const struct config *, const char *name); /* BOOL, INT, DURATION, CHOICE */
const struct config_context *config_context(const struct config *, const char *name); /* NULL when unknown */

/* An annotated configuration where every option stands with its default, for `config init`; free() it. */
char *config_default_text(void);
/* What is in force, as YAML with the origin of each value, for `config show`; tokens are named, never shown.
 * free() it. */
char *config_show_text(const struct config *);
/* Where config.yaml is read from; free() it. NULL: no home folder. */
char *config_path(const struct config_flags *, struct err *);
#endif

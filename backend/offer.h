/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_OFFER_H
#define BACKEND_OFFER_H
/*
 * A first configuration out of a kubeconfig: each of its contexts as an environment, to be chosen from. Reading one
 * asks no server and runs nothing; what a chosen one will run, its credential plugin, is told with its path. Any
 * thread; the files of a kubeconfig are small and read at once.
 */
#include <stdbool.h>
#include <stddef.h>

#include "backend/consent.h"
#include "base/mem.h"

struct err;

#define OFFER_CONTEXT "clusters" /* what the context of the configuration is called */

struct offer_item {
	const char *context;     /* of the kubeconfig */
	const char *environment; /* what it will be called: a name (base/str.h), unique */
	const char *server, *user; /* NULL: unsaid */
	const char *plugin;      /* command line of its credential plugin, resolved in PATH; NULL: none */
	struct consent consent;  /* to that; all zero: none */
	bool is_current, is_insecure;
	bool is_protected;       /* guessed: "prod" is in one of its names */
	bool is_chosen;          /* at first: the current one */
};
struct offer { /* all zero: nothing */
	struct arena arena;
	const char *kubeconfig; /* the file that was named, absolute; NULL: those of the environment */
	const char *files;      /* their names, for sentences */
	struct offer_item *items; /* in the order of promotion, as their names suggest it: dev, test, staging, prod */
	size_t n;
};
/* kubeconfig NULL: those of the environment; none there is an empty offer. False with err. offer_finish() both ways. */
bool offer_read(struct offer *, const char *kubeconfig, struct err *);
void offer_finish(struct offer *);

/* The chosen ones as YAML for config.yaml, `context` included; free() it. */
char *offer_text(const struct offer *);
/* Writes a new config.yaml, 0600, whole or not at all, folders where they are missing. Never over an existing file:
 * that is ERR_REFUSED. */
bool offer_write(const char *path, const char *text, struct err *);
#endif

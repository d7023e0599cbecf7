/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_CONSENT_H
#define BACKEND_CONSENT_H
/*
 * Credential plugins are commands of a file: none runs before its person has approved it, once, by the hash of its
 * resolved path, its arguments and the variables of its entry. Another command, or another program that PATH finds, is
 * asked about anew. What was approved is kept beside the platforms' folders (base/place.h), in approved-plugins, a line
 * each: the hash, a space, the command. What the program does, and what it calls, is not covered.
 *
 * These calls read small files; any thread.
 */
#include <stdbool.h>

#include "base/hash.h"
#include "base/mem.h"

struct err;
struct kube_user;

struct consent { /* texts in the arena */
	char hash[HASH_HEX];       /* "" when the command is not there: nothing can run, nor be approved */
	const char *const *argv;   /* NULL-ended; the first one is a path, or the bare name of what is not there */
	const char *const *env;    /* "NAME=value", NULL-ended */
	const char *line;          /* all of it, as a line for a shell */
};
/* False: the user has no plugin. */
bool consent_of(const struct kube_user *, struct arena *, struct consent *);
bool consent_is_given(const char *hash);
/* ERR_REFUSED for what a terminal cannot show whole, ERR_NOT_FOUND for what is not there. */
bool consent_give(const struct consent *, struct err *);
#endif

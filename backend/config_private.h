/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_CONFIG_PRIVATE_H
#define BACKEND_CONFIG_PRIVATE_H
/* Shared by config.c (what is in force), config_read.c (the file) and config_text.c (what is printed). */
#include "backend/config.h"

/* A row for each option with its default. */
struct setting *config_defaults(struct arena *, const struct option_row *, size_t n);
struct setting *config_named(const struct config_source *,
			     const char *name); /* NULL when the provider has no such row */
/* A source of the golden paths that the program carries. */
struct config_source config_carried_paths(struct arena *);
/* Reads c->file into c->settings and the contexts it tells; false after complaining that it cannot be used at
 * all. */
bool config_read(struct config *, bool must_exist, struct config_context **, size_t *n, struct complaints *);
bool config_place_platform(struct config *, struct config_context *, struct err *);

extern const char *const config_roles[]; /* of sources, NULL at the end */
#endif

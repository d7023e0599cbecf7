/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_PATH_FILE_H
#define MODEL_PATH_FILE_H
/*
 * A golden path, fairway-path(5): a folder with path.yaml and, below template/, the files of a new service
 * with
 * <% %> tags in their texts and names (base/template.h).
 *
 *	name: http-service
 *	title: HTTP service
 *	description: …
 *	language: python
 *	parameters:
 *	  name: { pattern: '^[a-z]…$' }            # in the order of the form; base/schema.h
 *	files:                                     # only where a file is not always wanted
 *	- { path: Dockerfile, when: container }    # a boolean parameter, or "!" and one; path may be a
 * "folder/" next: fairway up <%name%>                  # a sentence, shown when it is made
 *
 * Comes from what the program carries (base/carried.h, "paths/NAME/") or from a folder. Each path must have a
 * parameter "name". A struct path_file owns what it points to until path_file_finish(). Any thread, no global
 * state.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/tree.h"

#define PATH_FILE_NAME "path.yaml"
#define PATH_MAX_PARAMETERS 40

struct path_condition {
	const char *path;            /* a file of the template, or a folder with "/" at its end */
	const char *parameter;
	bool is_negated;
};

struct path_file {
	struct arena arena;
	const char *name, *title, *description, *language, *next; /* language and next may be NULL */
	struct schema *parameters;   /* in the form's order */
	size_t n_parameters;
	struct path_condition *conditions;
	size_t n_conditions;
	struct tree sources;         /* the template's files, names below template/ */
};

/* Reads a path that the program carries. Not there: false with a complaint naming the nearest one. */
bool path_file_load_carried(struct path_file *, const char *name, struct complaints *);
bool path_file_load_folder(struct path_file *, const char *folder, struct complaints *);
/* path.yaml alone, without the template: what its form needs. file: for complaints. */
bool path_file_parse(struct path_file *, const char *file, const char *text, size_t len, struct complaints *);
void path_file_finish(struct path_file *); /* all zero is fine */
/* The names of the carried paths, one a call: start with *index 0; NULL at the end. Valid until the buffer is
 * used. */
const char *path_file_next_carried(size_t *index, char name[64]);

struct path_answer { /* borrowed */
	const char *name, *value;
};
const struct schema *path_file_parameter(const struct path_file *, const char *name);
/* The value that counts: the answer, else the default, else NULL. */
const char *path_file_value(const struct path_file *, const char *name, const struct path_answer *, size_t n);
/* Checks every parameter and the names of the answers; one complaint each ("http-service: port: …"). */
bool path_file_check(const struct path_file *, const struct path_answer *, size_t n, struct complaints *);

/* Makes every file in memory. The answers must have passed path_file_check(). */
bool path_file_render(const struct path_file *, const struct path_answer *, size_t n, struct tree *out,
		      struct err *);
/* The sentence next:, rendered; "" when there is none. In the arena. */
const char *path_file_next(const struct path_file *, const struct path_answer *, size_t n, struct arena *);
/* Files of folder that are not as the path makes them now are its drift: tree_compare() of what
 * path_file_render() made. tree_stage() and tree_land() make the folder, all or nothing. */
#endif

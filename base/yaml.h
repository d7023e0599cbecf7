/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_YAML_H
#define BASE_YAML_H
/*
 * YAML 1.1 by libyaml, read whole into a tree in the caller's arena, every node with its line; then typed
 * getters that complain with the full key path ("alerts[1].for"). All complaints about a file come at once.
 *
 * Bounded against hostile input (libyaml itself is not): 1 MiB, depth 64 counted per event, 10,000 nodes
 * after aliases were expanded, 256 anchors, one document. Control characters are refused, so a text holds no
 * NUL. Merge keys (<<) and tags have no meaning here. Files of other programs may be larger and laxer (struct
 * yaml). Any thread; a tree is read-only after yaml_load().
 *
 *	struct arena arena = {0};
 *	struct complaints complaints = {0};
 *	struct yaml y = {.file = path, .arena = &arena, .complaints = &complaints};
 *	const struct yaml_node *root = yaml_load(&y, bytes, len);
 *	if (root && yaml_is_map(&y, root)) {
 *		yaml_known_keys(&y, root, known, n_known);
 *		yaml_as_text(&y, yaml_need(&y, root, "name"), &name);
 *		yaml_as_int(&y, yaml_find(root, "port"), 1, 65535, &port);
 *	}
 *	if (complaints.count) …
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define YAML_MAX_BYTES (1024 * 1024)
#define YAML_MAX_DEPTH 64
#define YAML_MAX_NODES 10000

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	int line;                     /* from 1 */
	bool is_quoted; /* a text in quotes or a block: never null, number or bool by its look */
	const char *text;             /* YAML_TEXT, NUL-terminated; else NULL */
	const char *key;              /* name in the parent map; NULL in a list and at the root */
	size_t index;                 /* place in the parent, from 0 */
	size_t count;                 /* children */
	const struct yaml_node *first, *next, *parent; /* children in the file's order; next sibling */
};

struct yaml {
	const char *file;             /* shown in complaints; borrowed */
	struct arena *arena;          /* holds the tree and what the getters return */
	struct complaints *complaints;
	/* For files that other programs write and read. */
	size_t max_bytes, max_nodes;  /* 0: YAML_MAX_BYTES, YAML_MAX_NODES */
	bool is_lax; /* a key given twice: the last one counts; merge keys are merged; what follows the first
			document is not looked at. So does go-yaml 2, which kubectl reads with. */
};

/* The root of the tree, or NULL after complaining. An empty file is an empty map. A key given twice is
 * complained about and the first kept. */
const struct yaml_node *yaml_load(struct yaml *, const void *bytes, size_t len);
/* The same from a file: y->file is opened (regular files only, never a FIFO or device). Not found: NULL and a
 * complaint as well; *is_absent (may be NULL) tells. */
const struct yaml_node *yaml_load_file(struct yaml *, bool *is_absent);

/* "file:line: key.path: "value": reason". */
void yaml_complain(const struct yaml *, const struct yaml_node *, const char *reason, ...)
	__attribute__((format(printf, 3, 4)));
/* "alerts[1].for"; "" at the root. In the arena. */
const char *yaml_path(const struct yaml *, const struct yaml_node *);

/* The value of a key; NULL when it is absent or null (empty, ~). map may be NULL or no map: NULL. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);
/* The same, and complains when there is none. */
const struct yaml_node *yaml_need(const struct yaml *, const struct yaml_node *map, const char *key);
/* Complains about each key that is not in names, naming the nearest one that is. */
void yaml_known_keys(const struct yaml *, const struct yaml_node *map, const char *const *names, size_t n);

/*
 * Typed getters. A NULL node is false without a complaint, so that they take yaml_find() as it is. A node of
 * the wrong type or range is complained about, false, and *out stays as it was: put the default there first.
 */
bool yaml_is_map(const struct yaml *, const struct yaml_node *);
bool yaml_is_list(const struct yaml *, const struct yaml_node *);
bool yaml_as_text(const struct yaml *, const struct yaml_node *, const char **out); /* not empty, one line */
bool yaml_as_prose(const struct yaml *, const struct yaml_node *, const char **out); /* any text, lines too */
bool yaml_as_name(const struct yaml *, const struct yaml_node *, const char **out); /* str_is_name() */
bool yaml_as_int(const struct yaml *, const struct yaml_node *, long long min, long long max, long long *out);
bool yaml_as_number(const struct yaml *, const struct yaml_node *, double min, double max, double *out);
bool yaml_as_bool(const struct yaml *, const struct yaml_node *, bool *out); /* true false yes no on off */
bool yaml_as_duration(const struct yaml *, const struct yaml_node *, int64_t min_ms, int64_t max_ms,
		      int64_t *ms);
bool yaml_as_percent(const struct yaml *, const struct yaml_node *, double *out); /* "70%" or 70 → 70.0 */
/* One of names[0..n): *out becomes its index. */
bool yaml_as_choice(const struct yaml *, const struct yaml_node *, const char *const *names, size_t n,
		    int *out);

struct yaml_texts { /* in the arena */
	const char *const *items; /* NULL after the last: fit for argv */
	size_t count;
};
bool yaml_as_texts(const struct yaml *, const struct yaml_node *, struct yaml_texts *); /* a list of texts */
struct yaml_pair {
	const char *name, *value;
	const struct yaml_node *node; /* of the value, for complaints */
};
struct yaml_pairs {
	struct yaml_pair *items;
	size_t count;
};
bool yaml_as_pairs(const struct yaml *, const struct yaml_node *, struct yaml_pairs *); /* a map of texts */

/* Appends text as one YAML scalar on one line: plain where that is safe and reads as text, else
 * double-quoted. */
void yaml_quote_scalar(struct str *, const char *text);
/* The same, always in double quotes. */
void yaml_quote_always(struct str *, const char *text);
/* Appends JSON as a YAML document in block style: members in their order, an empty map or list as {} or []. */
struct cJSON;
void yaml_put_json(struct str *, const struct cJSON *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H
/*
 * Options as rows: one row says a key's name, type, default, limits and help; the reader, its complaints, the
 * example that `config init` writes and the manual page are all made from it. A new option is one row.
 * Rows are constants; a struct setting borrows from its row and from the arena of the struct yaml. Any
 * thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/yaml.h"

enum option_type {
	OPTION_TEXT,
	OPTION_BOOL,
	OPTION_INT,
	OPTION_DURATION,
	OPTION_CHOICE,
	OPTION_PATH,
	OPTION_URL,
	OPTION_LIST, /* of names, as RFC 1123 has labels; their text is joined by ',' */
};
struct option_row {
	const char *name, *help;
	enum option_type type;
	const char *absent;             /* default, as text; NULL: none */
	const char *const *choices;     /* OPTION_CHOICE: NULL at the end */
	int64_t min, max; /* OPTION_INT, OPTION_DURATION (ms); both 0: any that is not negative */
	bool is_needed;
};
struct setting { /* a row with its value */
	const struct option_row *option;
	const char *text;               /* NULL: unset and without a default */
	int64_t number;                 /* BOOL 0/1, INT, DURATION in ms, CHOICE its index */
	bool is_default;                /* not said in the file */
};

/* Reads text as a value of the row; else a sentence that follows the key: "must be …". A URL is http, https
 * or unix:/PATH. A path is absolute or starts with "~/". A list holds at most OPTION_LIST_MAX names, none twice. */
#define OPTION_LIST_MAX 200
bool option_check(const struct option_row *, const char *text, struct setting *, struct err *);
/* Fills a setting for each row, from the map or from the default; complains about wrong and missing ones,
 * which keep their default. map may be NULL: all defaults. Other keys of the map are not looked at. */
void option_read(const struct yaml *, const struct yaml_node *map, const struct option_row *, size_t n,
                 struct setting *out);
/* Complains about keys of the map that are neither a row nor one of more[0..n_more), naming the nearest. */
void option_known_keys(const struct yaml *, const struct yaml_node *map, const struct option_row *, size_t n,
                       const char *const *more, size_t n_more);
const struct setting *option_find(const struct setting *, size_t n, const char *name); /* or NULL */

/* "http://…" or "https://…" with a host; no spaces, no user name in it, nothing but printable ASCII. */
bool option_is_web_address(const char *text);
const char *option_type_name(enum option_type); /* "duration" */
/* Appends what a value may be: "a duration from 1s to 5m", "dark or light". */
void option_describe(struct str *, const struct option_row *);
/* Appends the text of a value as YAML. */
void option_print(struct str *, const struct option_row *, const char *text);
/* Appends the row as lines of an example file: help and limits as comments, the key with its default
 * commented out. */
void option_example(struct str *, const struct option_row *, int indent);
#endif

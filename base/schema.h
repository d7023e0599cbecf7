/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H
/*
 * One parameter described by the part of JSON Schema (json-schema.org, 2020-12) that a form needs:
 *
 *	port: { type: integer, minimum: 1024, maximum: 65535, default: 8080, title: Port, description: … }
 *
 * type string (default), integer or boolean; default; enum (of texts); for strings pattern (PCRE2, found
 * anywhere as JSON Schema has it: write ^…$), minLength, maxLength (in characters); for integers minimum,
 * maximum; title, description; secret (never stored or shown). A parameter without default must be given. A
 * value is text, as typed. Any thread; a struct schema lives in the arena of the struct yaml.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/yaml.h"

#define SCHEMA_MAX_LENGTH 4096 /* of a value, in bytes, whatever maxLength says */

enum schema_type { SCHEMA_STRING, SCHEMA_INTEGER, SCHEMA_BOOLEAN };
const char *schema_type_name(enum schema_type);

struct schema {
	const char *name;
	enum schema_type type;
	const char *title, *description; /* title: the name when unsaid; description may be NULL */
	const char *default_value;       /* NULL: must be given */
	const char *pattern;             /* NULL: any */
	struct yaml_texts choices;       /* empty: any */
	long long minimum, maximum;      /* integers */
	size_t min_length, max_length;   /* characters */
	bool is_secret;
};

/* Reads one schema, named by the node's key; complains and returns false when it is wrong. */
bool schema_parse(const struct yaml *, const struct yaml_node *, struct schema *);
/* Whether value will do; else a sentence that follows the parameter's title: "must be …". */
bool schema_check(const struct schema *, const char *value, struct err *);
#endif

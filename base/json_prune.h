/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_PRUNE_H
#define BASE_JSON_PRUNE_H
/*
 * Takes members that nobody reads out of a JSON text before it is parsed: of what an API server says of a pod a
 * reader needs a third, and parsing costs far more than passing over. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define JSON_PRUNE_KEYS 6   /* keys in a path, at most */
#define JSON_PRUNE_PATHS 32 /* paths in a list, at most */

/* Keys from the outermost object inwards, NULL at the end; arrays on the way are passed through. */
struct json_path {
	const char *keys[JSON_PRUNE_KEYS];
};
/* Appends text without those members. It looks at structure only: what is left is json_parse()'s to judge, what is
 * taken out nobody's. False, with *out as it was, when brackets or quotes do not fit or the nesting is deeper than
 * JSON_DEPTH: parse the text itself then, and get its error. */
bool json_prune(const char *text, size_t len, const struct json_path *drop, size_t n, struct str *out);
#endif

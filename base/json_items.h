/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_ITEMS_H
#define BASE_JSON_ITEMS_H
/*
 * Finds the elements of one array inside a JSON object while its bytes arrive, so that a list of any
 * length is read in memory bounded by its largest element: {"metadata":{…},"items":[{…},{…}]} gives each
 * element and, at the end, the object with that array emptied (the envelope). It looks at structure only;
 * what it hands out goes to json_parse(), which judges the rest. Depth <= JSON_DEPTH; element and envelope
 * are each bounded by the ceiling. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct err;

#define JSON_ITEMS_PATH 4 /* names in a path, at most */

struct json_items {
	const char *path;          /* "items", "data.result"; borrowed */
	size_t ceiling;
	struct str element, envelope;
	char key[64];              /* the key being read */
	size_t key_len;
	int depth, matched;        /* matched: how many names of the path lead to where we are */
	int items_depth;           /* depth inside of the array; 0: not in it */
	bool in_text, is_escaped, is_key, wants_key, is_key_done, is_found, is_ended;
};

/* Returns false to stop; json_items_feed() then returns true at once. */
typedef bool json_items_each(const char *element, size_t len, void *arg);

void json_items_init(struct json_items *, const char *path, size_t ceiling);
void json_items_finish(struct json_items *);
/* Any cut of the bytes gives the same elements. */
bool json_items_feed(struct json_items *, const char *bytes, size_t len, json_items_each *, void *arg, struct err *);
/* After the last byte: the envelope, or an error when the object is not complete. Borrowed. */
bool json_items_end(struct json_items *, const char **envelope, size_t *len, struct err *);
#endif

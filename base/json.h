/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_JSON_H
#define BASE_JSON_H
/*
 * cJSON with the doors closed that hostile input goes through: depth <= 64, no "\u0000" inside strings, no
 * two equal keys in one object, no bytes after the value, size ceilings by the caller, valid UTF-8 only.
 * Getters compare names with their case, and never crash on a wrong type. Parsing on one thread only (cJSON keeps
 * one process-wide error slot).
 */
#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct str;

#define JSON_DEPTH 64

/* Called by main once, before any thread: what cJSON finds no memory for ends the program (base/mem.h). Without it such a
 * text counts as malformed. */
void json_start(void);
/* NULL and *err when it is not acceptable; the caller cJSON_Delete()s the result. */
cJSON *json_parse(const char *text, size_t len, struct err *);
/* The same, its pieces in the arena: nothing is to be deleted. After json_start(). For what comes by thousands. */
const cJSON *json_parse_in(struct arena *, const char *text, size_t len, struct err *);
/* Members of an object; NULL or the default when absent or of another type. Borrowed. */
const char *json_text(const cJSON *object, const char *name);
int64_t json_int(const cJSON *object, const char *name, int64_t absent);
bool json_bool(const cJSON *object, const char *name, bool absent);
const cJSON *json_get(const cJSON *object, const char *name);
/* Text without line breaks; a byte of a string that is not UTF-8 becomes \ufffd. Never NULL (out of memory ends the
 * program). The caller frees it. */
char *json_print(const cJSON *);
/* Appends it as a JSON string; a byte that is not UTF-8 becomes \ufffd. */
void json_quote(struct str *, const char *text, size_t len);
/* Adds only when text is not NULL. */
void json_add_text(cJSON *object, const char *name, const char *text);
void json_add_int(cJSON *object, const char *name, int64_t value); /* exact up to 2^53 */
void json_add_bool(cJSON *object, const char *name, bool value);
void json_add_time(cJSON *object, const char *name, int64_t wall_ms); /* RFC 3339; adds nothing for 0 */
/* Rewrites printed JSON so that nothing unsafe (base/utf8.h) is raw: each character of that becomes \uXXXX.
 * For everything that goes to a person's terminal or pipe. The caller frees it. */
char *json_mask(const char *printed);
#endif

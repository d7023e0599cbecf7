/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RECORD_JSON_H
#define MODEL_RECORD_JSON_H
/*
 * Records to and from JSON by their rows. Absent values are left out; times are RFC 3339 UTC with milliseconds;
 * as_of is written when it is set. cJSON's parser keeps one process-wide error slot, so read on one thread
 * only (the backend's, or the daemon's); writing is safe on any.
 */
#include <stdbool.h>

#include "model/record.h"

struct arena;
struct cJSON;
struct err;

struct cJSON *record_to_json(const struct record_class *, const void *record); /* the caller deletes it */
/* Text of one record, without a line break; the caller frees it. */
char *record_to_text(const struct record_class *, const void *record);
/* Reads an object. Members that are not known are ignored (a newer server); a wrong type and a missing
 * key member are errors. Text is copied into the arena. */
bool record_from_json(const struct record_class *, const struct cJSON *, void *record, struct arena *, struct err *);
bool record_from_text(const struct record_class *, const char *json, size_t len, void *record, struct arena *,
                      struct err *);
#endif

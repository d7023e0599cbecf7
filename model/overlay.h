/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_OVERLAY_H
#define MODEL_OVERLAY_H
/*
 * One row for what several sources tell of the same thing. A catalog tells who owns a service, a platform how
 * it is: for classes with CLASS_SHARED a face sees one row a key, made of the rows of all sources.
 *
 * The rule: the row of a source that knows its health leads, else that of the source whose name comes first;
 * its source and as_of are the row's. What the leader leaves out is filled in from the others, in the order
 * of their names; of several that know the health the worst is shown. Every source's own row is kept, so
 * that what one takes back, another's word replaces. Classes that are not shared pass through.
 *
 * The verbs are those of model/records.h; rows are read from overlay_rows(). One thread.
 */
#include "model/records.h"

struct overlay;

struct overlay *overlay_new(const struct record_class *);
void overlay_free(struct overlay *); /* NULL is fine */
struct records *overlay_rows(const struct overlay *); /* to read: rows, handles, changes */

void overlay_put(struct overlay *, const void *record);
void overlay_delete_key(struct overlay *, const char *source, const char *key); /* key: record_key() */
void overlay_begin(struct overlay *, const char *source);
void overlay_end(struct overlay *, const char *source);
#endif

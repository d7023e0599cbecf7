/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RECORDS_H
#define MODEL_RECORDS_H
/*
 * A table of records of one class: what providers told, copied, found by identity (source + key members).
 *
 * Rows lie in slabs and never move. A handle names a row for its life: slot in the low 20 bits, generation in
 * the high 12, so a handle of a row that is gone finds nothing. Views keep handles, never row pointers,
 * across frames. Texts marked FIELD_INTERN live in a pool, all else of a row in one block of its own, freed
 * when the row changes; so a 50,000-row table of instances costs about 300 bytes a row.
 *
 * Every put that changed something and every delete is numbered and logged; readers (model/index) remember
 * the last number they saw and ask for the rest. One that fell too far behind starts anew. Readers need not
 * register.
 *
 * One thread (the console's UI thread, or a verb's only one). No clock, no I/O.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct records;
typedef uint32_t record_handle;
#define RECORDS_NO_ROW 0u
#define RECORDS_MAX (1u << 20) /* rows; more are refused and counted */

struct records *records_new(const struct record_class *);
void records_free(struct records *);
const struct record_class *records_class(const struct records *);

/* Copies the record in, over the one of the same identity. Returns its handle, RECORDS_NO_ROW when the table
 * is full. Also marks the row as seen by the sync under way. */
record_handle records_put(struct records *, const void *record);
/* Of a record of which only source and key members are read. */
bool records_delete(struct records *, const void *record); /* whether it was there */
record_handle records_find(const struct records *, const void *record);
/* By the identity's text, as record_key() writes it. Walks the rows: for a person's choice, not for a loop.
 * source NULL: of any. */
record_handle records_find_key(const struct records *, const char *source, const char *key);
const void *records_row(const struct records *, record_handle); /* NULL when it is gone */
void records_clear(struct records *);

/* A full list of one source: rows not put between begin and end are deleted at the end. A list that broke off
 * just begins again. Lists of several sources may be under way at once. */
void records_begin(struct records *, const char *source);
void records_end(struct records *, const char *source);
/* All rows of the source were confirmed at that time: sets as_of, wakes no reader. */
void records_confirm(struct records *, const char *source, int64_t as_of);

size_t records_count(const struct records *);
uint64_t records_refused(const struct records *);
/* Walk in no order: for (h = records_next(t, RECORDS_NO_ROW); h; h = records_next(t, h)). Deleting the
 * current is fine. */
record_handle records_next(const struct records *, record_handle after);
static inline uint32_t records_slot(record_handle h)
{
	return h & (RECORDS_MAX - 1);
}
record_handle records_at_slot(const struct records *, uint32_t slot); /* RECORDS_NO_ROW when it is free */
uint32_t records_slots(const struct records *); /* slots in use or once used: handles' slots are below it */

/* Lower-cased text of the FIELD_SEARCH members, joined by a line feed; made when first asked for, kept until
 * the row changes. NULL when the row is gone. */
const char *records_folded(struct records *, record_handle, size_t *len);

/* Makes the search texts of at most `most` rows that have none yet; false when all have one. For idle time,
 * and for the moment a filter's prompt opens: the first letter typed then finds them made. */
bool records_warm(struct records *, size_t most);

/* Changes are numbered from 1. Those in [records_oldest, records_latest] can still be read. */
uint64_t records_oldest(const struct records *);
uint64_t records_latest(const struct records *);
record_handle records_change(const struct records *, uint64_t number);

size_t records_bytes(const struct records *); /* what it holds, roughly */
#endif

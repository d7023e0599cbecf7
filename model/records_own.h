/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RECORDS_OWN_H
#define MODEL_RECORDS_OWN_H
/*
 * What a row of a table holds for its record: texts marked FIELD_INTERN and the source in a pool, all other
 * texts, lists and parts in one block. Of model/records only.
 */
#include <stddef.h>

struct record_class;
struct text_pool;

struct own {
	void *block; /* NULL when the record needs none */
	size_t size;
};
/* Copies from into to; every pointer of to then belongs to own or to the pool. */
void own_take(const struct record_class *, void *to, const void *from, struct own *, struct text_pool *);
/* Gives back what own_take() took; record's pointers dangle after. */
void own_drop(const struct record_class *, const void *record, struct own *, struct text_pool *);
#endif

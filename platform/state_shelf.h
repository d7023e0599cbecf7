/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_STATE_SHELF_H
#define PLATFORM_STATE_SHELF_H
/*
 * The records of one class in memory: in the order of insertion, found by key through a hash. platform/state.c alone
 * uses it.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct record_class;
struct shelf_item { /* a record and the arena that holds all of it; record NULL: none */
	void *record;
	struct arena arena;
};
struct shelf_entry {
	char *key;
	uint64_t hash;
	struct shelf_item item;
};
struct shelf {
	const struct record_class *class;
	struct shelf_entry *entries;
	size_t n, cap, live;
	uint32_t *slots; /* index + 1 into entries; 0 is empty */
	size_t n_slots;  /* a power of two */
};
void shelf_item_make(struct shelf_item *, const struct record_class *, const void *record);
void shelf_item_finish(struct shelf_item *);
struct shelf_entry *shelf_find(const struct shelf *, const char *key); /* also one whose record is gone */
/* Puts the item in place of what is there, which is handed back (record NULL: nothing was). Takes *item. */
struct shelf_item shelf_swap(struct shelf *, const char *key, struct shelf_item *item);
void shelf_tidy(struct shelf *); /* forgets entries whose record is gone, when there are many */
void shelf_finish(struct shelf *);
#endif

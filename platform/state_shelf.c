/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/state_shelf.h"

#include <stdlib.h>
#include <string.h>

#include "model/record.h"

static uint64_t hash_key(const char *key)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	return h;
}

void shelf_item_make(struct shelf_item *item, const struct record_class *class, const void *record)
{
	/* Copied twice: the first copy tells how much one block must hold. */
	struct arena scratch = {0};
	void *first = arena_alloc(&scratch, class->size);
	record_copy(class, first, record, &scratch);
	*item = (struct shelf_item){0};
	arena_reserve(&item->arena, arena_used(&scratch));
	item->record = arena_alloc(&item->arena, class->size);
	record_copy(class, item->record, first, &item->arena);
	arena_finish(&scratch);
}

void shelf_item_finish(struct shelf_item *item)
{
	arena_finish(&item->arena);
	item->record = NULL;
}

static void place(struct shelf *s, size_t index)
{
	size_t at = s->entries[index].hash & (s->n_slots - 1);
	while (s->slots[at])
		at = (at + 1) & (s->n_slots - 1);
	s->slots[at] = (uint32_t)index + 1;
}

static void rehash(struct shelf *s, size_t n_slots)
{
	free(s->slots);
	s->slots = mem_array(n_slots, sizeof(*s->slots));
	s->n_slots = n_slots;
	for (size_t i = 0; i < s->n; i++)
		place(s, i);
}

struct shelf_entry *shelf_find(const struct shelf *s, const char *key)
{
	if (!s->n_slots)
		return NULL;
	uint64_t hash = hash_key(key);
	for (size_t at = hash & (s->n_slots - 1); s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
		struct shelf_entry *e = &s->entries[s->slots[at] - 1];
		if (e->hash == hash && strcmp(e->key, key) == 0)
			return e;
	}
	return NULL;
}

static struct shelf_entry *add(struct shelf *s, const char *key)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->entries = mem_grow(s->entries, s->cap, sizeof(*s->entries));
	}
	s->entries[s->n] = (struct shelf_entry){.key = mem_dup(key), .hash = hash_key(key)};
	s->n++;
	if (s->n * 2 > s->n_slots)
		rehash(s, s->n_slots ? s->n_slots * 2 : 32);
	else
		place(s, s->n - 1);
	return &s->entries[s->n - 1];
}

struct shelf_item shelf_swap(struct shelf *s, const char *key, struct shelf_item *item)
{
	struct shelf_entry *e = shelf_find(s, key);
	if (!e && !item->record)
		return (struct shelf_item){0};
	if (!e)
		e = add(s, key);
	struct shelf_item old = e->item;
	s->live += (item->record != NULL);
	s->live -= (old.record != NULL);
	e->item = *item;
	*item = (struct shelf_item){0};
	return old;
}

void shelf_tidy(struct shelf *s)
{
	if (s->n < 64 || s->live * 2 > s->n)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->entries[i].item.record)
			s->entries[kept++] = s->entries[i];
		else
			free(s->entries[i].key);
	}
	s->n = kept;
	rehash(s, s->n_slots);
}

void shelf_finish(struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++) {
		shelf_item_finish(&s->entries[i].item);
		free(s->entries[i].key);
	}
	free(s->entries);
	free(s->slots);
	*s = (struct shelf){0};
}

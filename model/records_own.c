/* SPDX-License-Identifier: Apache-2.0 */
#include "model/records_own.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/record.h"
#include "model/text.h"

/* The same walk runs twice: with bytes NULL it only measures, then it copies. */
struct block {
	char *bytes;
	size_t used;
};

static void *block_array(struct block *b, const void *from, size_t size)
{
	const size_t align = alignof(max_align_t);
	if (!size)
		return NULL;
	b->used = (b->used + align - 1) & ~(align - 1);
	void *at = b->bytes ? b->bytes + b->used : NULL;
	if (at)
		memcpy(at, from, size);
	b->used += size;
	return at;
}

static const char *block_text(struct block *b, const char *text)
{
	if (!text)
		return NULL;
	size_t size = strlen(text) + 1;
	char *at = b->bytes ? b->bytes + b->used : NULL;
	if (at)
		memcpy(at, text, size);
	b->used += size;
	return at;
}

static void take_texts(struct block *b, struct texts *to, const struct texts *from)
{
	const char **items = block_array(b, from->items, from->n * sizeof(*items));
	for (size_t i = 0; i < from->n; i++) {
		const char *text = block_text(b, from->items[i]);
		if (items)
			items[i] = text;
	}
	to->items = items;
}

static void take_pairs(struct block *b, struct pairs *to, const struct pairs *from)
{
	struct pair *items = block_array(b, from->items, from->n * sizeof(*items));
	for (size_t i = 0; i < from->n; i++) {
		const char *key = block_text(b, from->items[i].key);
		const char *value = block_text(b, from->items[i].value);
		if (items)
			items[i] = (struct pair){key, value};
	}
	to->items = items;
}

/* Parts hold texts and numbers only (struct step, struct ack). */
static void take_parts(struct block *b, const struct record_class *sub, struct parts *to,
		       const struct parts *from)
{
	char *items = block_array(b, from->items, from->n * sub->size);
	for (size_t i = 0; i < from->n; i++) {
		const char *part = (const char *)from->items + i * sub->size;
		for (size_t k = 0; k < sub->n_fields; k++) {
			const struct field *f = &sub->fields[k];
			if (f->type != FIELD_TEXT)
				continue;
			const char *text = block_text(b, *(const char *const *)record_get(part, f));
			if (items)
				*(const char **)record_at(items + i * sub->size, f) = text;
		}
	}
	to->items = items;
}

static void take_lists(struct block *b, const struct record_class *class, void *to, const void *from)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		void *out = record_at(to, f);
		const void *in = record_get(from, f);
		if (f->type == FIELD_TEXTS)
			take_texts(b, out, in);
		else if (f->type == FIELD_PAIRS)
			take_pairs(b, out, in);
		else if (f->type == FIELD_PARTS || f->type == FIELD_PART)
			take_parts(b, f->sub, out, in);
	}
}

static void take_texts_of(struct block *b, const struct record_class *class, void *to, const void *from)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (f->type == FIELD_TEXT && !(f->flags & FIELD_INTERN))
			*(const char **)record_at(to, f) =
				block_text(b, *(const char *const *)record_get(from, f));
	}
}

void own_take(const struct record_class *class, void *to, const void *from, struct own *own,
	      struct text_pool *pool)
{
	char copy[class->size] __attribute__((aligned(16))); /* so that from may be to itself */
	memcpy(copy, from, class->size);
	struct block b = {0};
	take_lists(&b, class, to, copy);
	take_texts_of(&b, class, to, copy);
	*own = (struct own){.size = b.used, .block = b.used ? mem_alloc(b.used) : NULL};
	memcpy(to, copy, class->size);
	b = (struct block){.bytes = own->block};
	take_lists(&b, class, to, copy);
	take_texts_of(&b, class, to, copy);
	((struct record *)to)->source = text_take(pool, ((const struct record *)copy)->source);
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (f->type == FIELD_TEXT && f->flags & FIELD_INTERN)
			*(const char **)record_at(to, f) =
				text_take(pool, *(const char *const *)record_get(copy, f));
	}
}

void own_drop(const struct record_class *class, const void *record, struct own *own, struct text_pool *pool)
{
	text_drop(pool, ((const struct record *)record)->source);
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (f->type == FIELD_TEXT && f->flags & FIELD_INTERN)
			text_drop(pool, *(const char *const *)record_get(record, f));
	}
	free(own->block);
	*own = (struct own){0};
}

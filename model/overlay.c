/* SPDX-License-Identifier: Apache-2.0 */
#include "model/overlay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/health.h"

struct overlay {
	const struct record_class *class;
	struct records *rows; /* what is shown */
	struct records *told; /* each source's own row; NULL: one source a key, and rows is that table */
	char **sources;       /* that ever told something, sorted */
	size_t n_sources;
	const struct field *health; /* NULL: the class has none */
};

struct overlay *overlay_new(const struct record_class *class)
{
	struct overlay *o = mem_alloc(sizeof(*o));
	o->class = class;
	o->rows = records_new(class);
	o->told = class->flags & CLASS_SHARED ? records_new(class) : NULL;
	o->health = record_field(class, "health");
	return o;
}

void overlay_free(struct overlay *o)
{
	if (!o)
		return;
	records_free(o->rows);
	records_free(o->told);
	for (size_t i = 0; i < o->n_sources; i++)
		free(o->sources[i]);
	free(o->sources);
	free(o);
}

struct records *overlay_rows(const struct overlay *o)
{
	return o->rows;
}

static void know_source(struct overlay *o, const char *name)
{
	size_t at = 0;
	int order = 1;
	while (at < o->n_sources && (order = strcmp(o->sources[at], name)) < 0)
		at++;
	if (at < o->n_sources && order == 0)
		return;
	o->sources = mem_grow(o->sources, o->n_sources + 1, sizeof(*o->sources));
	memmove(o->sources + at + 1, o->sources + at, (o->n_sources - at) * sizeof(*o->sources));
	o->sources[at] = mem_dup(name);
	o->n_sources++;
}

/* The rows of all sources with the key of this one, in the order of the sources' names. */
static size_t group_of(const struct overlay *o, const void *record, struct arena *arena, const void ***out)
{
	const void **rows = arena_alloc(arena, (o->n_sources + 1) * sizeof(*rows));
	void *probe = arena_alloc(arena, o->class->size);
	size_t n = 0;
	memcpy(probe, record, o->class->size);
	for (size_t i = 0; i < o->n_sources; i++) {
		((struct record *)probe)->source = o->sources[i];
		const void *row = records_row(o->told, records_find(o->told, probe));
		if (row)
			rows[n++] = row;
	}
	*out = rows;
	return n;
}

static bool is_absent(const struct field *f, const void *at)
{
	switch (f->type) {
	case FIELD_TEXT:
		return !*(const char *const *)at;
	case FIELD_INT:
		return *(const int64_t *)at == RECORD_NONE;
	case FIELD_TIME:
		return *(const int64_t *)at == 0;
	case FIELD_REAL:
		return isnan(*(const double *)at);
	case FIELD_BOOL:
		return !*(const bool *)at;
	case FIELD_ENUM:
		return *(const int *)at == f->absent;
	case FIELD_TEXTS:
		return ((const struct texts *)at)->n == 0;
	case FIELD_PAIRS:
		return ((const struct pairs *)at)->n == 0;
	case FIELD_PARTS:
	case FIELD_PART:
		return ((const struct parts *)at)->n == 0;
	}
	return false;
}

static size_t field_size(enum field_type type)
{
	static const size_t sizes[] = {
		[FIELD_TEXT] = sizeof(char *),        [FIELD_INT] = sizeof(int64_t),
		[FIELD_REAL] = sizeof(double),        [FIELD_BOOL] = sizeof(bool),
		[FIELD_TIME] = sizeof(int64_t),       [FIELD_ENUM] = sizeof(int),
		[FIELD_TEXTS] = sizeof(struct texts), [FIELD_PAIRS] = sizeof(struct pairs),
		[FIELD_PARTS] = sizeof(struct parts), [FIELD_PART] = sizeof(struct parts),
	};
	return sizes[type];
}

/* Borrows from the other row: the table copies what is put into it. */
static void fill(const struct record_class *class, void *to, const void *from)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (is_absent(f, record_get(to, f)))
			memcpy(record_at(to, f), record_get(from, f), field_size(f->type));
	}
}

static bool is_leader(const struct overlay *o, const void *row)
{
	return o->health && *(const int *)record_get(row, o->health) != o->health->absent;
}

/* Two clusters may both know how a service is: what hurts in one is not hidden by the other. */
static int worst(const struct overlay *o, const void *const *rows, size_t n)
{
	struct health_sum sum = {0};
	for (size_t i = 0; i < n; i++)
		if (is_leader(o, rows[i]))
			health_add(&sum, *(const int *)record_get(rows[i], o->health));
	return (int)health_worst(&sum);
}

static void show(struct overlay *o, const void *record)
{
	struct arena arena = {0};
	const void **rows;
	size_t n = group_of(o, record, &arena, &rows), first = 0;
	while (first < n && !is_leader(o, rows[first]))
		first++;
	if (first == n)
		first = 0;
	if (n) {
		void *whole = arena_alloc(&arena, o->class->size);
		memcpy(whole, rows[first], o->class->size);
		for (size_t i = 0; i < n; i++)
			if (i != first)
				fill(o->class, whole, rows[i]);
		if (o->health)
			*(int *)record_at(whole, o->health) = worst(o, rows, n);
		records_put(o->rows, whole);
	}
	for (size_t i = 0; i < n; i++)
		if (i != first)
			records_delete(o->rows, rows[i]);
	arena_finish(&arena);
}

void overlay_put(struct overlay *o, const void *record)
{
	if (!o->told) {
		records_put(o->rows, record);
		return;
	}
	know_source(o, ((const struct record *)record)->source);
	const void *row = records_row(o->told, records_put(o->told, record));
	if (row)
		show(o, row);
}

/* A record of which only the identity is filled, from the text of its key: names hold no '/', so every key
 * member but the last ends at the first one. */
static void *record_of_key(const struct record_class *class, const char *source, const char *key,
			   struct arena *arena)
{
	void *record = arena_alloc(arena, class->size);
	record_init(class, record);
	((struct record *)record)->source = source;
	size_t left = 0;
	for (size_t i = 0; i < class->n_fields; i++)
		left += (class->fields[i].flags & FIELD_KEY) != 0;
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (!(f->flags & FIELD_KEY))
			continue;
		const char *slash = --left ? strchr(key, '/') : NULL;
		char *part = arena_dup_n(arena, key, slash ? (size_t)(slash - key) : strlen(key));
		if (f->type == FIELD_INT)
			*(int64_t *)record_at(record, f) = strtoll(part, NULL, 10);
		else
			*(const char **)record_at(record, f) = part;
		key = slash ? slash + 1 : "";
	}
	return record;
}

void overlay_delete_key(struct overlay *o, const char *source, const char *key)
{
	struct arena arena = {0};
	void *record = record_of_key(o->class, source, key, &arena);
	records_delete(o->rows, record);
	if (o->told && records_delete(o->told, record))
		show(o, record);
	arena_finish(&arena);
}

void overlay_begin(struct overlay *o, const char *source)
{
	records_begin(o->told ? o->told : o->rows, source);
}

/* What its source no longer tells leaves, unless another source tells it too; what it no longer adds to the
 * row of another is seen when that one is shown anew. */
void overlay_end(struct overlay *o, const char *source)
{
	records_end(o->told ? o->told : o->rows, source);
	if (!o->told)
		return;
	for (record_handle h = records_next(o->told, RECORDS_NO_ROW); h; h = records_next(o->told, h))
		show(o, records_row(o->told, h));
	for (record_handle h = records_next(o->rows, RECORDS_NO_ROW); h; h = records_next(o->rows, h)) {
		const void *row = records_row(o->rows, h);
		if (!records_find(o->told, row))
			records_delete(o->rows, row);
	}
}

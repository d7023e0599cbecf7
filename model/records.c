/* SPDX-License-Identifier: Apache-2.0 */
#include "model/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/records_own.h"
#include "model/text.h"

#define SLAB_ROWS 256u
#define GENERATION_MAX 0xfffu
#define FIRST_BUCKETS 64u /* a power of two */
#define LOG_FIRST 1024u   /* powers of two */
#define LOG_MAX 65536u

struct row { /* what the table knows about a row; the record itself follows in the slab */
	struct own own;
	char *folded;
	uint32_t folded_len;
	uint32_t hash;
	uint64_t seen;       /* number of the sync that last saw it */
	uint16_t generation; /* 1 to GENERATION_MAX while handles to it may exist */
	bool is_used;
	uint32_t next_free; /* slot + 1 */
};

struct sync {
	const char *source;
	uint64_t began; /* 0: none under way */
};

struct records {
	const struct record_class *class;
	struct text_pool *pool;
	size_t stride;
	char **slabs;
	uint32_t n_slots, first_free; /* first_free: slot + 1 */
	size_t count, bytes;
	uint64_t refused;
	uint32_t *buckets; /* slot + 1; open addressing, linear */
	uint32_t n_buckets;
	struct sync *syncs;
	size_t n_syncs;
	uint64_t sync_number;
	record_handle *log;
	uint32_t log_size;
	uint64_t log_oldest, log_latest;
	struct str scratch;
	uint32_t warm; /* where records_warm() goes on */
};

static struct row *row_at(const struct records *t, uint32_t slot)
{
	return (struct row *)(void *)(t->slabs[slot / SLAB_ROWS] + (slot % SLAB_ROWS) * t->stride);
}

static void *record_of(struct row *row)
{
	return row + 1;
}

static record_handle handle_of(const struct row *row, uint32_t slot)
{
	return slot | (uint32_t)row->generation << 20;
}

struct records *records_new(const struct record_class *class)
{
	struct records *t = mem_alloc(sizeof(*t));
	t->class = class;
	t->pool = text_pool_new();
	t->stride = (sizeof(struct row) + class->size + 15) & ~(size_t)15;
	t->n_buckets = FIRST_BUCKETS;
	t->buckets = mem_array(t->n_buckets, sizeof(*t->buckets));
	t->log_size = LOG_FIRST;
	t->log = mem_array(t->log_size, sizeof(*t->log));
	t->log_oldest = 1;
	return t;
}

void records_free(struct records *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct row *row = row_at(t, i);
		free(row->own.block);
		free(row->folded);
	}
	for (uint32_t i = 0; i < t->n_slots; i += SLAB_ROWS)
		free(t->slabs[i / SLAB_ROWS]);
	free(t->slabs);
	free(t->buckets);
	free(t->syncs);
	free(t->log);
	str_finish(&t->scratch);
	text_pool_free(t->pool);
	free(t);
}

const struct record_class *records_class(const struct records *t)
{
	return t->class;
}

/* The log: a ring that doubles until LOG_MAX, then forgets its oldest entries. */

static void log_change(struct records *t, record_handle h)
{
	if (t->log_latest + 1 - t->log_oldest == t->log_size && t->log_size < LOG_MAX) {
		record_handle *log = mem_array(t->log_size * 2, sizeof(*log));
		for (uint64_t n = t->log_oldest; n <= t->log_latest; n++)
			log[n & (t->log_size * 2 - 1)] = records_change(t, n);
		free(t->log);
		t->log = log;
		t->log_size *= 2;
	}
	t->log_latest++;
	t->log[t->log_latest & (t->log_size - 1)] = h;
	if (t->log_latest + 1 - t->log_oldest > t->log_size)
		t->log_oldest++;
}

uint64_t records_oldest(const struct records *t)
{
	return t->log_oldest;
}

uint64_t records_latest(const struct records *t)
{
	return t->log_latest;
}

record_handle records_change(const struct records *t, uint64_t number)
{
	return t->log[number & (t->log_size - 1)];
}

/* Identity to slot. */

static uint32_t hash_text(uint32_t h, const char *text)
{
	return text ? text_hash(h, text, strlen(text) + 1) : text_hash(h, "\1", 1);
}

static uint32_t identity_hash(const struct record_class *class, const void *record)
{
	uint32_t h = hash_text(TEXT_SEED, ((const struct record *)record)->source);
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (!(f->flags & FIELD_KEY))
			continue;
		if (f->type == FIELD_TEXT)
			h = hash_text(h, *(const char *const *)record_get(record, f));
		else
			h = text_hash(h, record_get(record, f), sizeof(int64_t));
	}
	return h;
}

static bool identity_equal(const struct record_class *class, const void *a, const void *b)
{
	if (!str_eq(((const struct record *)a)->source, ((const struct record *)b)->source))
		return false;
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (!(f->flags & FIELD_KEY))
			continue;
		const void *x = record_get(a, f), *y = record_get(b, f);
		if (f->type == FIELD_TEXT ? !str_eq(*(const char *const *)x, *(const char *const *)y)
					  : *(const int64_t *)x != *(const int64_t *)y)
			return false;
	}
	return true;
}

/* Returns the bucket that holds the record, or the empty one where it belongs. */
static uint32_t find_bucket(const struct records *t, const void *record, uint32_t hash)
{
	uint32_t mask = t->n_buckets - 1, b = hash & mask;
	for (; t->buckets[b]; b = (b + 1) & mask) {
		struct row *row = row_at(t, t->buckets[b] - 1);
		if (row->hash == hash && identity_equal(t->class, record_of(row), record))
			break;
	}
	return b;
}

static void grow_buckets(struct records *t)
{
	uint32_t n = t->n_buckets * 2, mask = n - 1;
	uint32_t *buckets = mem_array(n, sizeof(*buckets));
	for (uint32_t i = 0; i < t->n_buckets; i++) {
		if (!t->buckets[i])
			continue;
		uint32_t b = row_at(t, t->buckets[i] - 1)->hash & mask;
		while (buckets[b])
			b = (b + 1) & mask;
		buckets[b] = t->buckets[i];
	}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
}

/* Knuth's algorithm R: no tombstones, so a table that lives for weeks stays as fast as a new one. */
static void empty_bucket(struct records *t, uint32_t hole)
{
	uint32_t mask = t->n_buckets - 1;
	t->buckets[hole] = 0;
	for (uint32_t b = (hole + 1) & mask; t->buckets[b]; b = (b + 1) & mask) {
		uint32_t home = row_at(t, t->buckets[b] - 1)->hash & mask;
		if (((b - home) & mask) < ((b - hole) & mask))
			continue;
		t->buckets[hole] = t->buckets[b];
		t->buckets[b] = 0;
		hole = b;
	}
}

/* Rows. */

static bool take_slot(struct records *t, uint32_t *slot)
{
	if (t->first_free) {
		*slot = t->first_free - 1;
		t->first_free = row_at(t, *slot)->next_free;
		return true;
	}
	if (t->n_slots >= RECORDS_MAX)
		return false;
	if (t->n_slots % SLAB_ROWS == 0) {
		uint32_t n = t->n_slots / SLAB_ROWS;
		t->slabs = mem_grow(t->slabs, n + 1, sizeof(*t->slabs));
		t->slabs[n] = mem_array(SLAB_ROWS, t->stride);
	}
	*slot = t->n_slots++;
	return true;
}

static void drop_content(struct records *t, struct row *row)
{
	t->bytes -= row->own.size + row->folded_len;
	own_drop(t->class, record_of(row), &row->own, t->pool);
	free(row->folded);
	row->folded = NULL;
	row->folded_len = 0;
}

static void fill(struct records *t, struct row *row, const void *record)
{
	own_take(t->class, record_of(row), record, &row->own, t->pool);
	t->bytes += row->own.size;
}

static void delete_bucket(struct records *t, uint32_t bucket)
{
	uint32_t slot = t->buckets[bucket] - 1;
	struct row *row = row_at(t, slot);
	log_change(t, handle_of(row, slot));
	empty_bucket(t, bucket);
	drop_content(t, row);
	row->is_used = false;
	row->generation = row->generation == GENERATION_MAX ? 1 : (uint16_t)(row->generation + 1);
	row->next_free = t->first_free;
	t->first_free = slot + 1;
	t->count--;
}

static record_handle insert(struct records *t, const void *record, uint32_t hash, uint32_t bucket)
{
	uint32_t slot;
	if (!take_slot(t, &slot)) {
		t->refused++;
		return RECORDS_NO_ROW;
	}
	struct row *row = row_at(t, slot);
	if (!row->generation)
		row->generation = 1;
	row->is_used = true;
	row->hash = hash;
	row->seen = t->sync_number;
	fill(t, row, record);
	t->buckets[bucket] = slot + 1;
	t->count++;
	if (t->count * 4 > (size_t)t->n_buckets * 3)
		grow_buckets(t);
	log_change(t, handle_of(row, slot));
	return handle_of(row, slot);
}

record_handle records_put(struct records *t, const void *record)
{
	uint32_t hash = identity_hash(t->class, record);
	uint32_t bucket = find_bucket(t, record, hash);
	if (!t->buckets[bucket])
		return insert(t, record, hash, bucket);
	uint32_t slot = t->buckets[bucket] - 1;
	struct row *row = row_at(t, slot);
	row->seen = t->sync_number;
	((struct record *)record_of(row))->as_of = ((const struct record *)record)->as_of;
	if (record_equal(t->class, record_of(row), record))
		return handle_of(row, slot);
	/* Taken before the old content is dropped: the new record may borrow texts from the old row. */
	struct row old = *row;
	char kept[t->class->size] __attribute__((aligned(16)));
	memcpy(kept, record_of(row), t->class->size);
	fill(t, row, record);
	t->bytes -= old.own.size + old.folded_len;
	own_drop(t->class, kept, &old.own, t->pool);
	free(old.folded);
	row->folded = NULL;
	row->folded_len = 0;
	log_change(t, handle_of(row, slot));
	return handle_of(row, slot);
}

bool records_delete(struct records *t, const void *record)
{
	uint32_t bucket = find_bucket(t, record, identity_hash(t->class, record));
	if (!t->buckets[bucket])
		return false;
	delete_bucket(t, bucket);
	return true;
}

record_handle records_find(const struct records *t, const void *record)
{
	uint32_t bucket = find_bucket(t, record, identity_hash(t->class, record));
	if (!t->buckets[bucket])
		return RECORDS_NO_ROW;
	uint32_t slot = t->buckets[bucket] - 1;
	return handle_of(row_at(t, slot), slot);
}

record_handle records_find_key(const struct records *t, const char *source, const char *key)
{
	struct str text = {0};
	record_handle found = RECORDS_NO_ROW;
	for (record_handle h = records_next(t, RECORDS_NO_ROW); h && !found; h = records_next(t, h)) {
		const struct record *record = records_row(t, h);
		if (source && !str_eq(source, record->source))
			continue;
		str_reset(&text);
		record_key(t->class, record, &text);
		if (str_eq(str_text(&text), key))
			found = h;
	}
	str_finish(&text);
	return found;
}

const void *records_row(const struct records *t, record_handle h)
{
	uint32_t slot = records_slot(h);
	if (slot >= t->n_slots)
		return NULL;
	struct row *row = row_at(t, slot);
	return row->is_used && handle_of(row, slot) == h ? record_of(row) : NULL;
}

static void delete_slot(struct records *t, uint32_t slot)
{
	struct row *row = row_at(t, slot);
	delete_bucket(t, find_bucket(t, record_of(row), row->hash));
}

void records_clear(struct records *t)
{
	for (uint32_t i = 0; i < t->n_slots; i++)
		if (row_at(t, i)->is_used)
			delete_slot(t, i);
}

/* Mark and sweep. */

static struct sync *sync_of(struct records *t, const char *source, bool make)
{
	for (size_t i = 0; i < t->n_syncs; i++)
		if (str_eq(t->syncs[i].source, source))
			return &t->syncs[i];
	if (!make)
		return NULL;
	t->syncs = mem_grow(t->syncs, t->n_syncs + 1, sizeof(*t->syncs));
	t->syncs[t->n_syncs] = (struct sync){.source = text_take(t->pool, source)};
	return &t->syncs[t->n_syncs++];
}

void records_begin(struct records *t, const char *source)
{
	sync_of(t, source, true)->began = ++t->sync_number;
}

void records_end(struct records *t, const char *source)
{
	struct sync *sync = sync_of(t, source, false);
	if (!sync || !sync->began)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct row *row = row_at(t, i);
		if (row->is_used && row->seen < sync->began &&
		    str_eq(((struct record *)record_of(row))->source, source))
			delete_slot(t, i);
	}
	sync->began = 0;
}

void records_confirm(struct records *t, const char *source, int64_t as_of)
{
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct row *row = row_at(t, i);
		struct record *base = record_of(row);
		if (row->is_used && str_eq(base->source, source))
			base->as_of = as_of;
	}
}

size_t records_count(const struct records *t)
{
	return t->count;
}

uint64_t records_refused(const struct records *t)
{
	return t->refused;
}

record_handle records_next(const struct records *t, record_handle after)
{
	for (uint32_t i = after ? records_slot(after) + 1 : 0; i < t->n_slots; i++) {
		struct row *row = row_at(t, i);
		if (row->is_used)
			return handle_of(row, i);
	}
	return RECORDS_NO_ROW;
}

record_handle records_at_slot(const struct records *t, uint32_t slot)
{
	if (slot >= t->n_slots)
		return RECORDS_NO_ROW;
	struct row *row = row_at(t, slot);
	return row->is_used ? handle_of(row, slot) : RECORDS_NO_ROW;
}

uint32_t records_slots(const struct records *t)
{
	return t->n_slots;
}

static void fold_row(struct records *t, struct row *row)
{
	struct str *text = &t->scratch;
	str_reset(text);
	for (size_t i = 0; i < t->class->n_fields; i++) {
		const struct field *f = &t->class->fields[i];
		if (!(f->flags & FIELD_SEARCH) || f->type != FIELD_TEXT)
			continue;
		const char *value = *(const char *const *)record_get(record_of(row), f);
		if (str_empty(value))
			continue;
		if (text->len)
			str_addc(text, '\n');
		text_fold(text, value, strlen(value));
	}
	row->folded = mem_dup_n(str_text(text), text->len); /* exact: there may be 50,000 of them */
	row->folded_len = (uint32_t)text->len;
	t->bytes += text->len;
}

const char *records_folded(struct records *t, record_handle h, size_t *len)
{
	if (!records_row(t, h)) {
		*len = 0;
		return NULL;
	}
	struct row *row = row_at(t, records_slot(h));
	if (!row->folded)
		fold_row(t, row);
	*len = row->folded_len;
	return row->folded;
}

bool records_warm(struct records *t, size_t most)
{
	size_t made = 0;
	for (uint32_t looked = 0; looked < t->n_slots && made < most; looked++) {
		if (t->warm >= t->n_slots)
			t->warm = 0;
		struct row *row = row_at(t, t->warm++);
		if (row->is_used && !row->folded) {
			fold_row(t, row);
			made++;
		}
	}
	return made == most && most;
}

size_t records_bytes(const struct records *t)
{
	return t->bytes + t->n_slots * t->stride + t->n_buckets * sizeof(*t->buckets) +
	       t->log_size * sizeof(*t->log);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/str.h"

#define FIRST_BUCKETS 64 /* a power of two */

struct entry {
	struct entry *next;
	uint32_t hash, refs;
	char text[];
};

struct text_pool {
	struct entry **buckets;
	size_t n_buckets, count;
};

uint32_t text_hash(uint32_t seed, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint32_t h = seed;
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x01000193u;
	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	return h ^ h >> 13;
}

struct text_pool *text_pool_new(void)
{
	struct text_pool *pool = mem_alloc(sizeof(*pool));
	pool->n_buckets = FIRST_BUCKETS;
	pool->buckets = mem_array(pool->n_buckets, sizeof(struct entry *));
	return pool;
}

void text_pool_free(struct text_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < pool->n_buckets; i++) {
		struct entry *next;
		for (struct entry *e = pool->buckets[i]; e; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(pool->buckets);
	free(pool);
}

static struct entry *entry_of(const char *taken)
{
	return (struct entry *)(void *)((char *)(uintptr_t)taken - offsetof(struct entry, text));
}

static struct entry *find(const struct text_pool *pool, const char *text, uint32_t hash)
{
	struct entry *e = pool->buckets[hash & (pool->n_buckets - 1)];
	while (e && (e->hash != hash || strcmp(e->text, text) != 0))
		e = e->next;
	return e;
}

static void grow(struct text_pool *pool)
{
	size_t n = pool->n_buckets * 2;
	struct entry **buckets = mem_array(n, sizeof(struct entry *));
	for (size_t i = 0; i < pool->n_buckets; i++) {
		struct entry *next;
		for (struct entry *e = pool->buckets[i]; e; e = next) {
			next = e->next;
			e->next = buckets[e->hash & (n - 1)];
			buckets[e->hash & (n - 1)] = e;
		}
	}
	free(pool->buckets);
	pool->buckets = buckets;
	pool->n_buckets = n;
}

const char *text_take(struct text_pool *pool, const char *text)
{
	if (!text)
		return NULL;
	size_t len = strlen(text);
	uint32_t hash = text_hash(TEXT_SEED, text, len);
	struct entry *e = find(pool, text, hash);
	if (e) {
		e->refs++;
		return e->text;
	}
	if (pool->count >= pool->n_buckets)
		grow(pool);
	e = mem_alloc(sizeof(*e) + len + 1);
	memcpy(e->text, text, len + 1);
	e->hash = hash;
	e->refs = 1;
	struct entry **bucket = &pool->buckets[hash & (pool->n_buckets - 1)];
	e->next = *bucket;
	*bucket = e;
	pool->count++;
	return e->text;
}

const char *text_keep(const char *taken)
{
	if (taken)
		entry_of(taken)->refs++;
	return taken;
}

void text_drop(struct text_pool *pool, const char *taken)
{
	if (!taken)
		return;
	struct entry *e = entry_of(taken);
	if (--e->refs)
		return;
	struct entry **at = &pool->buckets[e->hash & (pool->n_buckets - 1)];
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	pool->count--;
	free(e);
}

const char *text_find(const struct text_pool *pool, const char *text)
{
	if (!text)
		return NULL;
	struct entry *e = find(pool, text, text_hash(TEXT_SEED, text, strlen(text)));
	return e ? e->text : NULL;
}

size_t text_pool_count(const struct text_pool *pool)
{
	return pool->count;
}

static size_t fold_wide(struct str *out, const char *s, size_t len)
{
	utf8proc_int32_t cp;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &cp);
	if (n <= 0) {
		str_addc(out, *s);
		return 1;
	}
	utf8proc_uint8_t lower[4];
	utf8proc_ssize_t m = utf8proc_encode_char(utf8proc_tolower(cp), lower);
	str_addn(out, lower, (size_t)m);
	return (size_t)n;
}

void text_fold(struct str *out, const char *s, size_t len)
{
	str_reserve(out, len);
	for (size_t i = 0; i < len;) {
		size_t from = i;
		while (i < len && (unsigned char)s[i] < 0x80)
			i++;
		str_addn(out, s + from, i - from);
		for (char *p = out->s + out->len - (i - from); p < out->s + out->len; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + ('a' - 'A'));
		if (i < len)
			i += fold_wide(out, s + i, len - i);
	}
}

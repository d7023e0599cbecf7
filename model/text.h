/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H
/*
 * Texts that repeat over many records, kept once. A text taken from the pool is a plain `const char *` whose
 * address stands for its value: two texts of one pool are equal when their pointers are. Every text_take() is
 * matched by one text_drop(); the last drop frees it, so a source that invents a new text each second does
 * not grow the pool. One owner at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;
struct text_pool;

struct text_pool *text_pool_new(void);
void text_pool_free(struct text_pool *);                     /* every text dies with it */
const char *text_take(struct text_pool *, const char *text); /* NULL gives NULL */
const char *text_keep(const char *taken);                    /* one reference more to a text that was taken */
void text_drop(struct text_pool *, const char *taken);       /* NULL is fine */
const char *text_find(const struct text_pool *, const char *text); /* without a reference; NULL: not there */
size_t text_pool_count(const struct text_pool *);

/* Appends s in lower case, so that a search in it need not think of case. Invalid UTF-8 stays as it is. */
void text_fold(struct str *out, const char *s, size_t len);
/* FNV-1a with a final mix, continued from seed (start with TEXT_SEED). Not for keys that an enemy picks to
 * collide in the millions: tables have ceilings. */
#define TEXT_SEED 0x811c9dc5u
uint32_t text_hash(uint32_t seed, const void *bytes, size_t len);
#endif

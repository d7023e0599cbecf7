/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
/*
 * Memory. The mem_ family never returns NULL: out of memory runs the hook (which restores the
 * terminal), prints one line and ends the program with status 70. What it returns is freed with free().
 * Arenas: many small pieces that die together; not thread-safe, one owner at a time.
 */
#include <stddef.h>

void *mem_alloc(size_t size);                  /* zeroed */
void *mem_array(size_t count, size_t size);    /* zeroed; overflow counts as out of memory */
void *mem_grow(void *old, size_t count, size_t size); /* realloc of an array; new part is not zeroed */
char *mem_dup(const char *text);               /* NULL gives NULL */
char *mem_dup_n(const void *bytes, size_t len); /* copy with a NUL after it */
/* For libraries that take their memory from us: malloc(3) and its like that do not return NULL either. Without these
 * they tell of an answer that is malformed, or of a host that is not there. */
void *mem_for_malloc(size_t size);
void *mem_for_calloc(size_t count, size_t size);
void *mem_for_realloc(void *old, size_t size);
char *mem_for_strdup(const char *text);
/* Called once, from the thread that ran out, before the program ends. main sets it before any thread starts. */
void mem_on_exhausted(void (*restore)(void));
/* For memory that a library could not get: runs the hook and exits with 70. */
_Noreturn void mem_exhausted(void);

struct arena_block;
struct arena { /* all zero is an empty arena */
	struct arena_block *blocks;
	size_t total; /* bytes held from malloc, for ceilings */
};
void *arena_alloc(struct arena *, size_t size); /* zeroed, aligned for any type, never NULL */
/* Makes the next block just so big: for an arena that holds one thing of a known size. */
void arena_reserve(struct arena *, size_t size);
/* Bytes handed out so far, each piece rounded up: what a copy of all of it needs. */
size_t arena_used(const struct arena *);
char *arena_dup(struct arena *, const char *text); /* NULL gives NULL */
char *arena_dup_n(struct arena *, const void *bytes, size_t len);
const char **arena_dup_list(struct arena *, const char *const *texts); /* NULL-ended, as it came; texts copied too */
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *);  /* forgets all, keeps one block for re-use */
void arena_finish(struct arena *); /* frees all; the arena is empty and usable again */
#endif

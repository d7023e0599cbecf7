/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK 4096
#define EXIT_MEMORY 70

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

/* Written once by main before any thread starts, read by whoever runs out. */
static void (*exhausted_hook)(void);

void mem_on_exhausted(void (*restore)(void))
{
	exhausted_hook = restore;
}

_Noreturn void mem_exhausted(void)
{
	static const char text[] = "fairway: out of memory\n";
	if (exhausted_hook)
		exhausted_hook();
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)ignored;
	_exit(EXIT_MEMORY);
}

static void *checked(void *p)
{
	if (!p)
		mem_exhausted();
	return p;
}

void *mem_for_malloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *mem_for_calloc(size_t count, size_t size)
{
	return mem_array(count, size);
}

void *mem_for_realloc(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1));
}

char *mem_for_strdup(const char *text)
{
	return checked(strdup(text));
}

void *mem_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mem_dup(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *mem_dup_n(const void *bytes, size_t len)
{
	char *p = checked(malloc(len + 1));
	if (len)
		memcpy(p, bytes, len);
	p[len] = '\0';
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	if (size > SIZE_MAX / 2)
		mem_exhausted();
	size = (size + align - 1) & ~(align - 1);
	struct arena_block *b = a->blocks;
	if (!b || b->size - b->used < size) {
		size_t room = size > ARENA_BLOCK - sizeof(*b) ? size : ARENA_BLOCK - sizeof(*b);
		struct arena_block *fresh = checked(malloc(sizeof(*fresh) + room));
		*fresh = (struct arena_block){.size = room};
		a->total += sizeof(*fresh) + room;
		if (b && size > ARENA_BLOCK / 2) { /* a big piece must not hide the half-empty block */
			fresh->next = b->next;
			b->next = fresh;
		} else {
			fresh->next = b;
			a->blocks = fresh;
		}
		b = fresh;
	}
	void *p = b->bytes + b->used;
	b->used += size;
	return memset(p, 0, size);
}

void arena_reserve(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		mem_exhausted();
	struct arena_block *fresh = checked(malloc(sizeof(*fresh) + size));
	*fresh = (struct arena_block){.next = a->blocks, .size = size};
	a->blocks = fresh;
	a->total += sizeof(*fresh) + size;
}

size_t arena_used(const struct arena *a)
{
	size_t used = 0;
	for (const struct arena_block *b = a->blocks; b; b = b->next)
		used += b->used;
	return used;
}

char *arena_dup_n(struct arena *a, const void *bytes, size_t len)
{
	char *p = arena_alloc(a, len + 1);
	if (len)
		memcpy(p, bytes, len);
	return p;
}

char *arena_dup(struct arena *a, const char *text)
{
	return text ? arena_dup_n(a, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = arena_alloc(a, (size_t)(n > 0 ? n : 0) + 1);
	if (n > 0)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void arena_finish(struct arena *a)
{
	for (struct arena_block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*a = (struct arena){0};
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->blocks;
	if (!keep)
		return;
	a->blocks = keep->next;
	arena_finish(a);
	keep->next = NULL;
	keep->used = 0;
	a->blocks = keep;
	a->total = sizeof(*keep) + keep->size;
}

const char **arena_dup_list(struct arena *a, const char *const *texts)
{
	size_t n = 0;
	while (texts[n])
		n++;
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = arena_dup(a, texts[i]);
	list[n] = NULL;
	return list;
}

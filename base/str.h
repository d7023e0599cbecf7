/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H
/*
 * A growing byte string, always NUL-terminated once anything was added. All zero is empty.
 * The holder owns s and frees it with str_finish(), or takes it with str_detach().
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct str {
	char *s; /* NULL while empty and never grown */
	size_t len, cap;
};

void str_reserve(struct str *, size_t extra); /* room for extra more bytes and the NUL */
void str_addn(struct str *, const void *bytes, size_t len);
void str_add(struct str *, const char *text); /* NULL adds nothing */
void str_addc(struct str *, char c);
void str_addf(struct str *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *, const char *fmt, va_list);
/* The text as one word of a shell: as it is, or in quotes. For commands that people copy. */
void str_add_word(struct str *, const char *text);
void str_reset(struct str *);    /* length 0, memory kept */
char *str_detach(struct str *);  /* the caller frees it; "" when empty; the str is empty after */
void str_finish(struct str *);
static inline const char *str_text(const struct str *s)
{
	return s->s ? s->s : "";
}

bool str_eq(const char *a, const char *b);            /* NULL equals only NULL */
bool str_starts(const char *text, const char *with);
bool str_ends(const char *text, const char *with);
static inline bool str_empty(const char *s)
{
	return !s || !*s;
}
/* Copies into dst[size], cut on a character's edge when it does not fit. Returns whether it fitted. */
bool str_copy(char *dst, size_t size, const char *src);
/* A whole decimal integer within [min, max]; false leaves *out. */
bool str_to_int(const char *text, long long min, long long max, long long *out);
/* A name of design's form: [a-z]([-a-z0-9]{0,61}[a-z0-9])? (RFC 1123 label that starts with a letter). */
bool str_is_name(const char *text);
/* The nearest of names[0..n) by edit distance, or NULL when none is near: "did you mean". */
const char *str_nearest(const char *text, const char *const *names, size_t n);
#endif

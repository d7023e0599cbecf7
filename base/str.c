/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void str_reserve(struct str *s, size_t extra)
{
	size_t need = s->len + extra + 1;
	if (need <= s->cap)
		return;
	size_t cap = s->cap ? s->cap * 2 : 64;
	if (cap < need)
		cap = need;
	s->s = mem_grow(s->s, cap, 1);
	s->cap = cap;
	s->s[s->len] = '\0';
}

void str_addn(struct str *s, const void *bytes, size_t len)
{
	str_reserve(s, len);
	if (len)
		memcpy(s->s + s->len, bytes, len);
	s->len += len;
	s->s[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	if (text)
		str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n <= 0)
		return;
	str_reserve(s, (size_t)n);
	vsnprintf(s->s + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_add_word(struct str *str, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=:,./@%";
	if (*text && strspn(text, plain) == strlen(text)) {
		str_add(str, text);
		return;
	}
	str_addc(str, '\'');
	for (const char *c = text; *c; c++)
		if (*c == '\'')
			str_add(str, "'\\''");
		else
			str_addc(str, *c);
	str_addc(str, '\'');
}

void str_reset(struct str *s)
{
	s->len = 0;
	if (s->s)
		s->s[0] = '\0';
}

char *str_detach(struct str *s)
{
	char *p = s->s ? s->s : mem_dup("");
	*s = (struct str){0};
	return p;
}

void str_finish(struct str *s)
{
	free(s->s);
	*s = (struct str){0};
}

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool str_ends(const char *text, const char *with)
{
	size_t n = strlen(text), m = strlen(with);
	return n >= m && memcmp(text + n - m, with, m) == 0;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);
	bool fits = len < size;
	if (!fits) {
		len = size - 1;
		while (len > 0 && ((unsigned char)src[len] & 0xC0) == 0x80)
			len--;
	}
	memcpy(dst, src, len);
	dst[len] = '\0';
	return fits;
}

bool str_to_int(const char *text, long long min, long long max, long long *out)
{
	if (!text || !*text || *text == ' ' || *text == '+')
		return false;
	char *end;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool str_is_name(const char *text)
{
	if (!text || text[0] < 'a' || text[0] > 'z')
		return false;
	size_t n = 0;
	for (; text[n]; n++) {
		char c = text[n];
		bool inner = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
		if (!inner || n >= 63)
			return false;
	}
	return text[n - 1] != '-';
}

/* Edit distance with one row; names here are short, longer ones are never near. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), row[65];
	if (n > 64 || m > 64)
		return 64;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[m];
}

const char *str_nearest(const char *text, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t least = strlen(text) / 3 + 2; /* farther than this is another word */
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(text, names[i]);
		if (d < least) {
			least = d;
			best = names[i];
		}
	}
	return best;
}

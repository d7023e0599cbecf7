/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/shorten.h"

#include <stdbool.h>
#include <string.h>

static size_t prefix(const char *at, const char *end, const char *words)
{
	size_t n = strlen(words);
	return (size_t)(end - at) >= n && memcmp(at, words, n) == 0 ? n : 0;
}

/* Length of what selects the ASCII set, which it may be in already. */
static size_t charset(const char *at, const char *end)
{
	return at < end && *at == '\017' ? 1 : prefix(at, end, "\033(B");
}

static size_t default_colour(const char *at, const char *end)
{
	static const char *const all[] = {"\033[39m", "\033[49m", "\033[39;49m"};
	size_t n = 0;
	for (size_t i = 0; i < 3 && !n; i++)
		n = prefix(at, end, all[i]);
	return n;
}

static bool is_reset(const char *at, const char *end)
{
	return prefix(at, end, "\033[m") || prefix(at, end, "\033[0m") || prefix(at, end, "\033[0;");
}

/* Length of the default colours and charsets up to a reset that makes them needless; 0: none. */
static size_t needless(const char *at, const char *end)
{
	const char *from = at;
	size_t n;
	while ((n = default_colour(at, end)) || (n = charset(at, end)))
		at += n;
	return is_reset(at, end) ? (size_t)(at - from) : charset(from, end);
}

size_t shorten(char *bytes, size_t len)
{
	const char *end = bytes + len;
	char *out = bytes;
	for (const char *at = bytes; at < end;) {
		at += needless(at, end);
		if (at < end && !charset(at, end))
			*out++ = *at++;
	}
	return (size_t)(out - bytes);
}

void replace_once(struct str *bytes, const char *words, const char *with)
{
	size_t len = strlen(words);
	const char *at = len && bytes->len ? memmem(bytes->s, bytes->len, words, len) : NULL;
	struct str out = {0};
	if (!at)
		return;
	str_addn(&out, bytes->s, (size_t)(at - bytes->s));
	str_add(&out, with);
	str_addn(&out, at + len, bytes->len - (size_t)(at - bytes->s) - len);
	str_finish(bytes);
	*bytes = out;
}

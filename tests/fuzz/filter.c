/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types as a filter (the first line), over text (the rest): the scan of many lines agrees with one by one. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/filter.h"
#include "tests/fuzz/fuzz.h"

#define LINES 64

static bool is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] & 0x80)
			return false;
	return true;
}

static void compare(struct filter *f, const char *text, size_t len)
{
	uint32_t starts[LINES];
	uint64_t has[1] = {0}, not[1] = {0};
	size_t n = 0;
	for (size_t at = 0; at < len && n < LINES; n++) {
		const char *end = memchr(text + at, '\n', len - at);
		starts[n] = (uint32_t)at;
		at = (size_t)(end - text) + 1;
		len = n == LINES - 1 ? at : len;
	}
	filter_scan(f, &(struct filter_lines){.bytes = text, .len = len, .starts = starts, .n = n,
					     .is_ascii = is_ascii(text, len)}, has, not);
	uint64_t gave_up = filter_gave_up(f);
	for (size_t i = 0; i < n; i++) {
		size_t stop = (i + 1 < n ? starts[i + 1] : len) - 1;
		bool one = filter_text(f, NULL, text + starts[i], stop - starts[i]);
		bool many = (has[0] >> i & 1) && !(not[0] >> i & 1);
		assert(one == many || gave_up || filter_gave_up(f));
	}
	size_t at, match_len;
	if (filter_find(f, text, len, 0, &at, &match_len))
		assert(at + match_len <= len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = {0};
	const uint8_t *end = len ? memchr(data, '\n', len) : NULL;
	if (!end)
		return 0;
	char *wish = mem_dup_n(data, (size_t)(end - data));
	struct filter *f = filter_new(wish, &err);
	size_t rest = len - (size_t)(end + 1 - data);
	while (rest && end[rest] != '\n')
		rest--;
	if (!f)
		assert(err.text[0]);
	else if (rest)
		compare(f, (const char *)end + 1, rest);
	filter_free(f);
	free(wish);
	return 0;
}

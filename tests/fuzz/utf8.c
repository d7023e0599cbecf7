/* SPDX-License-Identifier: Apache-2.0 */
/* The one masking function: what comes out is safe to draw, whatever went in, and as wide as it was said to be. */
#include <cJSON.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

static void look_at_mask(const char *s, size_t len)
{
	struct str out = {0};
	utf8_mask(&out, s, len, UTF8_KEEP_LINES);
	assert(utf8_is_safe(str_text(&out), out.len));
	str_reset(&out);
	utf8_mask(&out, s, len, UTF8_ONE_LINE);
	assert(utf8_is_safe(str_text(&out), out.len));
	assert(!memchr(str_text(&out), '\n', out.len) && !memchr(str_text(&out), '\t', out.len));
	assert(utf8_width(str_text(&out), out.len) == utf8_width(s, len));
	str_finish(&out);
}

static void look_at_json(const char *s, size_t len)
{
	struct str out = {0};
	str_addc(&out, '"');
	utf8_json(&out, s, len);
	str_addc(&out, '"');
	assert(fuzz_is_shown(out.s, out.len) && !memchr(out.s, '\n', out.len));
	cJSON *json = cJSON_ParseWithLengthOpts(out.s, out.len + 1, NULL, true);
	assert(json || memmem(out.s, out.len, "\\u0000", 6));
	cJSON_Delete(json);
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1)
		return 0;
	utf8_start_locale();
	size_t columns = data[0] % 40u + 1, used;
	const char *s = (const char *)data + 1;
	len--;
	look_at_mask(s, len);
	look_at_json(s, len);
	size_t clipped = utf8_clip(s, len, columns, &used);
	assert(clipped <= len && used <= columns && utf8_width(s, clipped) == used);
	struct str text = {0}, out = {0};
	str_addn(&text, s, strnlen(s, len));
	utf8_fit(&out, str_text(&text), columns, UTF8_RIGHT);
	assert(utf8_is_safe(out.s, out.len) && utf8_width(out.s, out.len) == columns);
	str_finish(&text);
	str_finish(&out);
	return 0;
}

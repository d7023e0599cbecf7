/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <utf8proc.h>
#include <wchar.h>

#include "base/str.h"

#define ELLIPSIS "…"
#define JOINER 0x200Du

bool utf8_start_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return true;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "en_US.UTF-8");
	return false;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7F;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *cp)
{
	if ((unsigned char)*s < 0x80) {
		*cp = (unsigned char)*s;
		return 1;
	}
	utf8proc_int32_t c;
	utf8proc_ssize_t n =
		utf8proc_iterate((const utf8proc_uint8_t *)s, len > 4 ? 4 : (utf8proc_ssize_t)len, &c);
	if (n <= 0) {
		*cp = UTF8_BAD;
		return 1;
	}
	*cp = (uint32_t)c;
	return (size_t)n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)cp, (utf8proc_uint8_t *)out);
}

/* Columns of a code point that may be drawn by itself, 0 when it may not. */
static int width_of(uint32_t cp)
{
	if (cp < 0x80)
		return is_plain((unsigned char)cp) ? 1 : 0;
	if (cp == UTF8_BAD)
		return 0;
	const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
	switch (p->category) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		return 0;
	default:
		break;
	}
	int width = utf8proc_charwidth((utf8proc_int32_t)cp);
	if (p->ignorable || width != wcwidth((wchar_t)cp))
		return 0;
	return width == 1 || width == 2 ? width : 0;
}

static bool is_mark(uint32_t cp)
{
	if (cp < 0x300 || cp == UTF8_BAD)
		return false;
	const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)cp);
	return (p->category == UTF8PROC_CATEGORY_MN || p->category == UTF8PROC_CATEGORY_ME) &&
	       !p->ignorable && utf8proc_charwidth((utf8proc_int32_t)cp) == 0 && wcwidth((wchar_t)cp) == 0;
}

static bool is_pictograph(uint32_t cp)
{
	if (cp < 0xA9 || cp == UTF8_BAD)
		return false;
	return utf8proc_get_property((utf8proc_int32_t)cp)->boundclass ==
	       UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_emoji_extra(uint32_t cp)
{
	return cp == 0xFE0F || cp == 0xFE0E || (cp >= 0x1F3FB && cp <= 0x1F3FF);
}

/* The bytes of the rest of an emoji sequence after its first code point: selectors, skin tones, and what
 * joiners join. A joiner that joins nothing is left for the mask. */
static size_t emoji_rest(const char *s, size_t len)
{
	size_t at = 0;
	while (at < len) {
		uint32_t cp, next;
		size_t n = utf8_decode(s + at, len - at, &cp);
		if (is_emoji_extra(cp)) {
			at += n;
			continue;
		}
		if (cp != JOINER || at + n >= len)
			break;
		size_t m = utf8_decode(s + at + n, len - at - n, &next);
		if (!is_pictograph(next))
			break;
		at += n + m;
	}
	return at;
}

static size_t take_marks(const char *s, size_t len, struct utf8_cell *cell)
{
	size_t at = 0;
	for (size_t kept = 0; at < len && kept < UTF8_MARKS; kept++) {
		uint32_t cp;
		size_t n = utf8_decode(s + at, len - at, &cp);
		if (!is_mark(cp))
			break;
		cell->cp[1 + kept] = cp;
		at += n;
	}
	return at;
}

size_t utf8_next(const char *s, size_t len, struct utf8_cell *cell)
{
	unsigned char c = (unsigned char)*s;
	*cell = (struct utf8_cell){.cp = {c}, .width = 1};
	if (is_plain(c) && (len == 1 || (unsigned char)s[1] < 0x80))
		return 1;
	if (c == '\n' || c == '\t') {
		cell->cp[0] = ' ';
		cell->is_masked = true;
		return 1;
	}
	uint32_t cp;
	size_t n = utf8_decode(s, len, &cp);
	int width = width_of(cp);
	if (width == 0) {
		cell->cp[0] = '?';
		cell->is_masked = true;
		return n;
	}
	cell->cp[0] = cp;
	cell->width = (uint8_t)width;
	if (n < len && (unsigned char)s[n] >= 0x80) {
		if (is_pictograph(cp))
			n += emoji_rest(s + n, len - n);
		n += take_marks(s + n, len - n, cell);
	}
	return n;
}

static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && is_plain((unsigned char)s[n]))
		n++;
	/* The last one may carry marks. */
	return n > 0 && n < len && (unsigned char)s[n] >= 0x80 ? n - 1 : n;
}

bool utf8_is_safe(const char *s, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = plain_run(s + at, len - at);
		at += n;
		if (at >= len)
			break;
		struct utf8_cell cell;
		n = utf8_next(s + at, len - at, &cell);
		if (cell.is_masked && s[at] != '\n' && s[at] != '\t')
			return false;
		/* The hidden rest of an emoji sequence would run without being shown. */
		char again[4 * (1 + UTF8_MARKS)];
		size_t shown = 0;
		for (size_t i = 0; i <= UTF8_MARKS && cell.cp[i]; i++)
			shown += utf8_encode(cell.cp[i], again);
		if (!cell.is_masked && shown != n)
			return false;
		at += n;
	}
	return true;
}

static void add_cell(struct str *out, const struct utf8_cell *cell)
{
	for (size_t i = 0; i <= UTF8_MARKS && cell->cp[i]; i++) {
		char bytes[4];
		str_addn(out, bytes, utf8_encode(cell->cp[i], bytes));
	}
}

void utf8_mask(struct str *out, const char *s, size_t len, enum utf8_lines lines)
{
	for (size_t at = 0; at < len;) {
		size_t n = plain_run(s + at, len - at);
		str_addn(out, s + at, n);
		at += n;
		if (at >= len)
			break;
		struct utf8_cell cell;
		n = utf8_next(s + at, len - at, &cell);
		if (lines == UTF8_KEEP_LINES && (s[at] == '\n' || s[at] == '\t'))
			str_addc(out, s[at]);
		else
			add_cell(out, &cell);
		at += n;
	}
}

static void json_escape(struct str *out, uint32_t cp)
{
	static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	for (size_t i = 0; shorts[i]; i += 2) {
		if ((uint32_t)shorts[i] == cp) {
			str_addc(out, '\\');
			str_addc(out, shorts[i + 1]);
			return;
		}
	}
	if (cp > 0xFFFF)
		str_addf(out, "\\u%04x\\u%04x", 0xD800 + ((cp - 0x10000) >> 10),
			 0xDC00 + ((cp - 0x10000) & 0x3FF));
	else
		str_addf(out, "\\u%04x", cp);
}

/* kept: what stays as it is, of what would else be escaped. */
static void json_add(struct str *out, const char *s, size_t len, const char *kept)
{
	size_t marks = UTF8_MARKS; /* none may start the text */
	for (size_t at = 0; at < len;) {
		uint32_t cp;
		size_t n = utf8_decode(s + at, len - at, &cp);
		bool is_kept;
		if (is_mark(cp)) {
			is_kept = marks < UTF8_MARKS;
			marks++;
		} else {
			bool is_syntax = cp && cp < 0x80 && strchr("\"\\\n", (int)cp);
			is_kept = is_syntax ? strchr(kept, (int)cp) != NULL : width_of(cp) > 0;
			marks = is_kept && !is_syntax ? 0 : UTF8_MARKS;
		}
		if (is_kept)
			str_addn(out, s + at, n);
		else
			json_escape(out, cp == UTF8_BAD ? 0xFFFD : cp);
		at += n;
	}
}

void utf8_json(struct str *out, const char *s, size_t len)
{
	json_add(out, s, len, "");
}

void utf8_json_printed(struct str *out, const char *s, size_t len)
{
	json_add(out, s, len, "\"\\\n");
}

size_t utf8_clip(const char *s, size_t len, size_t columns, size_t *used)
{
	size_t at = 0, width = 0;
	while (at < len) {
		struct utf8_cell cell;
		size_t n = utf8_next(s + at, len - at, &cell);
		if (width + cell.width > columns)
			break;
		width += cell.width;
		at += n;
	}
	if (used)
		*used = width;
	return at;
}

size_t utf8_width(const char *s, size_t len)
{
	size_t width;
	utf8_clip(s, len, SIZE_MAX, &width);
	return width;
}

/* Appends what fits and returns its columns. */
static size_t add_cut(struct str *out, const char *s, size_t columns)
{
	size_t used, len = strlen(s), fits = utf8_clip(s, len, columns, &used);
	if (fits == len) {
		utf8_mask(out, s, len, UTF8_ONE_LINE);
		return used;
	}
	if (columns == 0)
		return 0;
	fits = utf8_clip(s, len, columns - 1, &used);
	utf8_mask(out, s, fits, UTF8_ONE_LINE);
	str_add(out, ELLIPSIS);
	return used + 1;
}

void utf8_cut(struct str *out, const char *s, size_t columns)
{
	add_cut(out, s, columns);
}

void utf8_fit(struct str *out, const char *s, size_t columns, enum utf8_align align)
{
	struct str text = {0};
	size_t used = add_cut(&text, s, columns);
	if (align == UTF8_LEFT)
		str_addn(out, str_text(&text), text.len);
	for (size_t i = used; i < columns; i++)
		str_addc(out, ' ');
	if (align == UTF8_RIGHT)
		str_addn(out, str_text(&text), text.len);
	str_finish(&text);
}

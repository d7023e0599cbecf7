/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define FEW_KEYS 24 /* so many are compared each with each: sorting needs memory */

/* Where cJSON's pieces go while json_parse_in() runs on this thread; NULL: to malloc. */
static _Thread_local struct arena *parse_arena;
static bool is_started; /* written once by main before any thread starts */

static void *piece(size_t size)
{
	return parse_arena ? arena_alloc(parse_arena, size) : mem_for_malloc(size);
}

static void free_piece(void *p)
{
	if (!parse_arena)
		free(p);
}

void json_start(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = piece, .free_fn = free_piece});
	is_started = true;
}

/* The length of what is plain inside of a string: most of a text is. */
static size_t plain(const char *text, size_t len)
{
	size_t n = 0;
	while (n < len && (unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x80 && text[n] != '"' &&
	       text[n] != '\\')
		n++;
	return n;
}

/* cJSON recurses, takes "\u0000" for an end of text and lets bad UTF-8 pass, so one scan comes first. */
static bool acceptable(const char *text, size_t len, struct err *err)
{
	int depth = 0;
	bool in_text = false;
	for (size_t i = 0; i < len; i++) {
		if (in_text)
			i += plain(text + i, len - i);
		if (i == len)
			break;
		unsigned char c = (unsigned char)text[i];
		if (c == 0 || (in_text && c < 0x20))
			return err_set(err, ERR_FAILED, "JSON: a raw control byte at offset %zu", i);
		if (in_text && c == '\\') {
			if (i + 5 < len && memcmp(text + i, "\\u0000", 6) == 0)
				return err_set(err, ERR_FAILED, "JSON: \\u0000 at offset %zu is not accepted",
					       i);
			i++;
		} else if (c == '"') {
			in_text = !in_text;
		} else if (!in_text && (c == '{' || c == '[')) {
			if (++depth > JSON_DEPTH)
				return err_set(err, ERR_FAILED, "JSON: nested deeper than %d", JSON_DEPTH);
		} else if (!in_text && (c == '}' || c == ']')) {
			depth--;
		} else if (c >= 0x80) {
			utf8proc_int32_t point;
			utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i,
							      (utf8proc_ssize_t)(len - i), &point);
			if (n < 1)
				return err_set(err, ERR_FAILED, "JSON: not UTF-8 at offset %zu", i);
			i += (size_t)n - 1;
		}
	}
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool stands_twice(const char *name, struct err *err)
{
	return !err_set(err, ERR_FAILED, "JSON: the key \"%.60s\" stands twice", name);
}

static bool few_unique(const cJSON *object, struct err *err)
{
	for (const cJSON *a = object->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			if (a->string[0] == b->string[0] && strcmp(a->string, b->string) == 0)
				return !stands_twice(a->string, err);
	return true;
}

static bool many_unique(const cJSON *object, size_t n, struct err *err)
{
	const char **names = mem_array(n, sizeof(*names));
	const cJSON *item;
	size_t at = 0;
	cJSON_ArrayForEach(item, object) names[at++] = item->string;
	qsort(names, n, sizeof(*names), by_name);
	bool is_unique = true;
	for (size_t i = 1; i < n && is_unique; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			is_unique = !stands_twice(names[i], err);
	free(names);
	return is_unique;
}

/* The first of two equal keys would win silently: what one reader checks another would not see. */
static bool keys_unique(const cJSON *json, struct err *err)
{
	size_t n = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, json)
	{
		n++;
		if (item->child && !keys_unique(item, err))
			return false;
	}
	if (!cJSON_IsObject(json))
		return true;
	return n <= FEW_KEYS ? few_unique(json, err) : many_unique(json, n, err);
}

cJSON *json_parse(const char *text, size_t len, struct err *err)
{
	if (!acceptable(text, len, err))
		return NULL;
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (!json) {
		err_set(err, ERR_FAILED, "JSON: not well-formed near offset %zu of %zu",
			end ? (size_t)(end - text) : 0, len);
		return NULL;
	}
	while (end < text + len && strchr(" \t\r\n", *end))
		end++;
	if (end != text + len) {
		err_set(err, ERR_FAILED, "JSON: more after the value at offset %zu", (size_t)(end - text));
	} else if (keys_unique(json, err)) {
		return json;
	}
	cJSON_Delete(json);
	return NULL;
}

const cJSON *json_parse_in(struct arena *arena, const char *text, size_t len, struct err *err)
{
	assert(is_started);
	parse_arena = arena;
	const cJSON *json = json_parse(text, len, err);
	parse_arena = NULL;
	return json;
}

const cJSON *json_get(const cJSON *object, const char *name)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *json_text(const cJSON *object, const char *name)
{
	const cJSON *item = json_get(object, name);
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

int64_t json_int(const cJSON *object, const char *name, int64_t absent)
{
	const cJSON *item = json_get(object, name);
	if (!cJSON_IsNumber(item) || fabs(item->valuedouble) > 9007199254740992.0)
		return absent;
	return (int64_t)item->valuedouble;
}

bool json_bool(const cJSON *object, const char *name, bool absent)
{
	const cJSON *item = json_get(object, name);
	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : absent;
}

/* Whether all of it is UTF-8; *bad gets the first byte that is not. */
static bool is_utf8(const char *text, size_t *bad)
{
	size_t at = 0, len = strlen(text);
	uint32_t cp;
	while (at < len) {
		size_t n = utf8_decode(text + at, len - at, &cp);
		if (cp == UTF8_BAD)
			break;
		at += n;
	}
	*bad = at;
	return at == len;
}

/* cJSON prints what bytes a string holds: one file that is not UTF-8 would make a list unreadable for all. */
char *json_print(const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	size_t at;
	if (!text)
		mem_exhausted();
	if (is_utf8(text, &at))
		return text;
	struct str out = {0};
	const char *rest = text;
	do {
		str_addn(&out, rest, at);
		str_add(&out, "\\ufffd");
		rest += at + 1;
	} while (!is_utf8(rest, &at));
	str_add(&out, rest);
	free(text);
	return str_detach(&out);
}

void json_quote(struct str *out, const char *text, size_t len)
{
	str_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = plain(text + i, len - i);
		uint32_t point;
		str_addn(out, text + i, n);
		i += n;
		if (i == len)
			break;
		n = utf8_decode(text + i, len - i, &point);
		if (point == UTF8_BAD)
			str_add(out, "\\ufffd");
		else if (point < 0x20 || point == '"' || point == '\\')
			str_addf(out, "\\u%04x", (unsigned)point);
		else
			str_addn(out, text + i, n);
		i += n;
	}
	str_addc(out, '"');
}

void json_add_text(cJSON *object, const char *name, const char *text)
{
	if (text && !cJSON_AddStringToObject(object, name, text))
		mem_exhausted();
}

void json_add_time(cJSON *object, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT];
	if (!wall_ms)
		return;
	clock_rfc3339(wall_ms, text);
	json_add_text(object, name, text);
}

void json_add_int(cJSON *object, const char *name, int64_t value)
{
	if (!cJSON_AddNumberToObject(object, name, (double)value))
		mem_exhausted();
}

void json_add_bool(cJSON *object, const char *name, bool value)
{
	if (!cJSON_AddBoolToObject(object, name, value))
		mem_exhausted();
}

char *json_mask(const char *printed)
{
	struct str out = {0};
	utf8_json_printed(&out, printed, strlen(printed));
	return str_detach(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

/* cJSON recurses, takes "\u0000" for an end of text and lets bad UTF-8 pass, so one scan comes first. */
static bool acceptable(const char *text, size_t len, struct err *err)
{
	int depth = 0;
	bool in_text = false;
	for (size_t i = 0; i < len; i++) {
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

/* The first of two equal keys would win silently: what one reader checks another would not see. */
static bool keys_unique(const cJSON *json, struct err *err)
{
	size_t n = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, json)
	{
		n++;
		if ((cJSON_IsObject(item) || cJSON_IsArray(item)) && !keys_unique(item, err))
			return false;
	}
	if (!cJSON_IsObject(json) || n < 2)
		return true;
	const char *few[16], **names = n <= 16 ? few : mem_array(n, sizeof(*names));
	n = 0;
	cJSON_ArrayForEach(item, json) names[n++] = item->string;
	qsort(names, n, sizeof(*names), by_name);
	bool unique = true;
	for (size_t i = 1; i < n && unique; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			unique = err_set(err, ERR_FAILED, "JSON: the key \"%.60s\" stands twice", names[i]);
	if (names != few)
		free(names);
	return unique;
}

void json_start(void)
{
	cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = mem_for_malloc, .free_fn = free});
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

void json_add_text(cJSON *object, const char *name, const char *text)
{
	if (text && !cJSON_AddStringToObject(object, name, text))
		mem_exhausted();
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

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is accepted prints and reads back the same; what is printed for a person is safe; elements of a list come out
 * the same however the bytes are cut. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_items.h"
#include "base/json_prune.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

#define CEILING 4096

static bool keep(const char *element, size_t len, void *arg)
{
	str_addn(arg, element, len);
	str_addc(arg, '\n');
	return true;
}

static void split(const uint8_t *data, size_t len, size_t piece, struct str *out)
{
	struct json_items items;
	const char *envelope;
	size_t n;
	bool is_good = true;
	json_items_init(&items, "data.items", CEILING);
	for (size_t at = 0; is_good && at < len; at += piece)
		is_good = json_items_feed(&items, (const char *)data + at, len - at < piece ? len - at : piece, keep, out,
					  NULL);
	is_good = is_good && json_items_end(&items, &envelope, &n, NULL);
	if (is_good)
		str_addn(out, envelope, n);
	str_addc(out, is_good ? '+' : '-');
	json_items_finish(&items);
}

/* The same members taken out of what was parsed. */
static void delete_path(cJSON *json, const char *const *keys)
{
	cJSON *item;
	if (cJSON_IsArray(json)) {
		cJSON_ArrayForEach(item, json) delete_path(item, keys);
	} else if (cJSON_IsObject(json)) {
		if (keys[1])
			delete_path(cJSON_GetObjectItemCaseSensitive(json, keys[0]), keys + 1);
		else
			cJSON_DeleteItemFromObjectCaseSensitive(json, keys[0]);
	}
}

static void prune(cJSON *json, const uint8_t *data, size_t len)
{
	static const struct json_path drop[] = {{{"a"}}, {{"b", "a"}}, {{"data", "items", "a"}}, {{"data", "c"}}};
	struct str out = {0};
	bool is_good = json_prune((const char *)data, len, drop, sizeof(drop) / sizeof(drop[0]), &out);
	if (json && !memchr(data, '\\', len)) { /* a key with escapes is nobody's path */
		assert(is_good);
		cJSON *pruned = json_parse(out.s ? out.s : "", out.len, NULL);
		for (size_t i = 0; i < sizeof(drop) / sizeof(drop[0]); i++)
			delete_path(json, drop[i].keys);
		assert(pruned && cJSON_Compare(json, pruned, true));
		cJSON_Delete(pruned);
	}
	str_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = {0};
	utf8_start_locale();
	cJSON *json = json_parse((const char *)data, len, &err);
	assert(json || err.text[0]);
	if (json) {
		char *printed = json_print(json), *masked = json_mask(printed);
		assert(fuzz_is_shown(masked, strlen(masked)));
		cJSON *again = json_parse(masked, strlen(masked), &err);
		assert(again && cJSON_Compare(json, again, true));
		cJSON_Delete(again);
		free(printed);
		free(masked);
	}
	prune(json, data, len);
	cJSON_Delete(json);
	struct str whole = {0}, pieces = {0};
	split(data, len, len ? len : 1, &whole);
	split(data, len, len ? data[len - 1] % 5 + 1u : 1, &pieces);
	assert(whole.len == pieces.len && memcmp(whole.s, pieces.s, whole.len) == 0);
	str_finish(&whole);
	str_finish(&pieces);
	return 0;
}

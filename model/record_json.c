/* SPDX-License-Identifier: Apache-2.0 */
#include "model/record_json.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

static cJSON *must(cJSON *item)
{
	if (!item)
		mem_exhausted();
	return item;
}

static cJSON *texts_to_json(const struct texts *t)
{
	cJSON *array = must(cJSON_CreateArray());
	for (size_t i = 0; i < t->n; i++)
		cJSON_AddItemToArray(array, must(cJSON_CreateString(t->items[i] ? t->items[i] : "")));
	return array;
}

static cJSON *pairs_to_json(const struct pairs *p)
{
	cJSON *object = must(cJSON_CreateObject());
	for (size_t i = 0; i < p->n; i++)
		json_add_text(object, p->items[i].key, p->items[i].value ? p->items[i].value : "");
	return object;
}

static cJSON *parts_to_json(const struct record_class *sub, const struct parts *p)
{
	cJSON *array = must(cJSON_CreateArray());
	for (size_t i = 0; i < p->n; i++)
		cJSON_AddItemToArray(array, record_to_json(sub, (const char *)p->items + i * sub->size));
	return array;
}

static void add_field(cJSON *object, const struct field *f, const void *at)
{
	switch (f->type) {
	case FIELD_TEXT:
		json_add_text(object, f->name, *(const char *const *)at);
		break;
	case FIELD_INT:
		if (*(const int64_t *)at != RECORD_NONE)
			json_add_int(object, f->name, *(const int64_t *)at);
		break;
	case FIELD_REAL:
		if (isfinite(*(const double *)at))
			must(cJSON_AddNumberToObject(object, f->name, *(const double *)at));
		break;
	case FIELD_BOOL:
		json_add_bool(object, f->name, *(const bool *)at);
		break;
	case FIELD_TIME:
		json_add_time(object, f->name, *(const int64_t *)at);
		break;
	case FIELD_ENUM:
		json_add_text(object, f->name, record_value_name(f->values, *(const int *)at));
		break;
	case FIELD_TEXTS:
		if (((const struct texts *)at)->n)
			cJSON_AddItemToObject(object, f->name, texts_to_json(at));
		break;
	case FIELD_PAIRS:
		if (((const struct pairs *)at)->n)
			cJSON_AddItemToObject(object, f->name, pairs_to_json(at));
		break;
	case FIELD_PARTS:
		if (((const struct parts *)at)->n)
			cJSON_AddItemToObject(object, f->name, parts_to_json(f->sub, at));
		break;
	case FIELD_PART:
		if (((const struct parts *)at)->n)
			cJSON_AddItemToObject(object, f->name,
					      record_to_json(f->sub, ((const struct parts *)at)->items));
		break;
	}
}

cJSON *record_to_json(const struct record_class *class, const void *record)
{
	cJSON *object = must(cJSON_CreateObject());
	for (size_t i = 0; i < class->n_fields; i++)
		add_field(object, &class->fields[i], record_get(record, &class->fields[i]));
	if (class->kind != RECORD_COUNT)
		json_add_time(object, "as_of", ((const struct record *)record)->as_of);
	return object;
}

char *record_to_text(const struct record_class *class, const void *record)
{
	cJSON *object = record_to_json(class, record);
	char *text = json_print(object);
	cJSON_Delete(object);
	return text;
}

static bool wrong(const struct record_class *class, const struct field *f, const char *wanted,
		  struct err *err)
{
	return err_set(err, ERR_FAILED, "%s: \"%s\" is not %s", class->name, f->name, wanted);
}

static bool texts_from_json(const cJSON *json, struct texts *out, struct arena *arena)
{
	if (!cJSON_IsArray(json))
		return false;
	size_t n = (size_t)cJSON_GetArraySize(json), i = 0;
	const char **items = arena_alloc(arena, n * sizeof(*items));
	const cJSON *item;
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsString(item))
			return false;
		items[i++] = arena_dup(arena, item->valuestring);
	}
	*out = (struct texts){items, n};
	return true;
}

static bool pairs_from_json(const cJSON *json, struct pairs *out, struct arena *arena)
{
	if (!cJSON_IsObject(json))
		return false;
	size_t n = (size_t)cJSON_GetArraySize(json), i = 0;
	struct pair *items = arena_alloc(arena, n * sizeof(*items));
	const cJSON *item;
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsString(item))
			return false;
		items[i++] =
			(struct pair){arena_dup(arena, item->string), arena_dup(arena, item->valuestring)};
	}
	*out = (struct pairs){items, n};
	return true;
}

static bool parts_from_json(const struct record_class *sub, const cJSON *json, struct parts *out,
			    struct arena *arena, struct err *err)
{
	bool single = cJSON_IsObject(json);
	size_t n = single ? 1 : (size_t)cJSON_GetArraySize(json), i = 0;
	char *items = arena_alloc(arena, n * sub->size);
	const cJSON *item;
	*out = (struct parts){items, n};
	if (single)
		return record_from_json(sub, json, items, arena, err);
	cJSON_ArrayForEach(item, json)
	{
		if (!record_from_json(sub, item, items + i++ * sub->size, arena, err))
			return false;
	}
	return true;
}

static bool int_from_json(const cJSON *json, int64_t *out)
{
	if (!cJSON_IsNumber(json) || fabs(json->valuedouble) > 9007199254740992.0 ||
	    json->valuedouble != floor(json->valuedouble))
		return false;
	*out = (int64_t)json->valuedouble;
	return true;
}

static bool read_field(const struct record_class *class, const struct field *f, const cJSON *json, void *at,
		       struct arena *arena, struct err *err)
{
	switch (f->type) {
	case FIELD_TEXT:
		if (!cJSON_IsString(json))
			return wrong(class, f, "text", err);
		*(const char **)at = arena_dup(arena, json->valuestring);
		return true;
	case FIELD_INT:
		return int_from_json(json, at) || wrong(class, f, "a whole number", err);
	case FIELD_REAL:
		if (!cJSON_IsNumber(json))
			return wrong(class, f, "a number", err);
		*(double *)at = json->valuedouble;
		return true;
	case FIELD_BOOL:
		if (!cJSON_IsBool(json))
			return wrong(class, f, "true or false", err);
		*(bool *)at = cJSON_IsTrue(json);
		return true;
	case FIELD_TIME:
		return (cJSON_IsString(json) && clock_parse_rfc3339(json->valuestring, at)) ||
		       wrong(class, f, "a time (RFC 3339)", err);
	case FIELD_ENUM:
		*(int *)at = cJSON_IsString(json) ? record_value_of(f->values, json->valuestring) : -1;
		return *(int *)at >= 0 || wrong(class, f, "a value that is known here", err);
	case FIELD_TEXTS:
		return texts_from_json(json, at, arena) || wrong(class, f, "a list of texts", err);
	case FIELD_PAIRS:
		return pairs_from_json(json, at, arena) || wrong(class, f, "an object of texts", err);
	case FIELD_PARTS:
		if (!cJSON_IsArray(json))
			return wrong(class, f, "a list", err);
		return parts_from_json(f->sub, json, at, arena, err);
	case FIELD_PART:
		if (!cJSON_IsObject(json))
			return wrong(class, f, "an object", err);
		return parts_from_json(f->sub, json, at, arena, err);
	}
	return false;
}

bool record_from_json(const struct record_class *class, const cJSON *json, void *record, struct arena *arena,
		      struct err *err)
{
	record_init(class, record);
	if (!cJSON_IsObject(json))
		return err_set(err, ERR_FAILED, "%s: not an object", class->name);
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		const cJSON *item = json_get(json, f->name);
		if (!item || cJSON_IsNull(item)) {
			if (f->flags & FIELD_KEY)
				return err_set(err, ERR_FAILED, "%s: without \"%s\"", class->name, f->name);
			continue;
		}
		if (!read_field(class, f, item, record_at(record, f), arena, err))
			return false;
	}
	const char *as_of = json_text(json, "as_of");
	if (as_of && class->kind != RECORD_COUNT &&
	    !clock_parse_rfc3339(as_of, &((struct record *)record)->as_of))
		return err_set(err, ERR_FAILED, "%s: \"as_of\" is not a time (RFC 3339)", class->name);
	return true;
}

bool record_from_text(const struct record_class *class, const char *text, size_t len, void *record,
		      struct arena *arena, struct err *err)
{
	cJSON *json = json_parse(text, len, err);
	if (!json)
		return false;
	bool ok = record_from_json(class, json, record, arena, err);
	cJSON_Delete(json);
	return ok;
}

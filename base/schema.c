/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/schema.h"

#include <limits.h>
#include <pcre2.h>
#include <string.h>

#include "base/utf8.h"

#define MATCH_LIMIT 100000

static const char *const types[] = {"string", "integer", "boolean"};

const char *schema_type_name(enum schema_type type)
{
	return types[type];
}

static pcre2_code *compile(const char *pattern, char *why, size_t size)
{
	int number;
	PCRE2_SIZE offset;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
					 PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &number,
					 &offset, NULL);
	if (!code && why)
		pcre2_get_error_message(number, (PCRE2_UCHAR *)why, size);
	return code;
}

static void parse_pattern(const struct yaml *y, const struct yaml_node *n, struct schema *s)
{
	char why[120] = "";
	if (!yaml_as_text(y, n, &s->pattern))
		return;
	pcre2_code *code = compile(s->pattern, why, sizeof(why));
	if (!code)
		yaml_complain(y, n, "is no regular expression: %s", why);
	pcre2_code_free(code);
}

/* Keys that have a meaning with one type only. */
static void check_type(const struct yaml *y, const struct yaml_node *n, enum schema_type type)
{
	static const struct {
		const char *key;
		enum schema_type type;
	} rows[] = {
		{"pattern", SCHEMA_STRING},   {"minLength", SCHEMA_STRING}, {"maxLength", SCHEMA_STRING},
		{"minimum", SCHEMA_INTEGER},  {"maximum", SCHEMA_INTEGER},  {"enum", SCHEMA_STRING},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type != type && yaml_find(n, rows[i].key))
			yaml_complain(y, yaml_find(n, rows[i].key), "has a meaning only with type: %s",
			              types[rows[i].type]);
}

static void parse_limits(const struct yaml *y, const struct yaml_node *n, struct schema *s)
{
	long long least = 0, most = SCHEMA_MAX_LENGTH;
	s->minimum = LLONG_MIN;
	s->maximum = LLONG_MAX;
	yaml_as_int(y, yaml_find(n, "minimum"), LLONG_MIN, LLONG_MAX, &s->minimum);
	yaml_as_int(y, yaml_find(n, "maximum"), LLONG_MIN, LLONG_MAX, &s->maximum);
	yaml_as_int(y, yaml_find(n, "minLength"), 0, SCHEMA_MAX_LENGTH, &least);
	yaml_as_int(y, yaml_find(n, "maxLength"), 1, SCHEMA_MAX_LENGTH, &most);
	s->min_length = (size_t)least;
	s->max_length = (size_t)most;
	if (s->minimum > s->maximum)
		yaml_complain(y, yaml_find(n, "maximum"), "is less than minimum");
	if (least > most)
		yaml_complain(y, yaml_find(n, "maxLength"), "is less than minLength");
}

bool schema_parse(const struct yaml *y, const struct yaml_node *n, struct schema *s)
{
	static const char *const known[] = {"type",      "title",     "description", "default",
					    "pattern",   "enum",      "minimum",     "maximum",
					    "minLength", "maxLength", "secret"};
	size_t before = y->complaints->count;
	int type = SCHEMA_STRING;
	struct err err;
	*s = (struct schema){.name = n->key, .title = n->key};
	if (!yaml_is_map(y, n))
		return false;
	yaml_known_keys(y, n, known, sizeof(known) / sizeof(known[0]));
	yaml_as_choice(y, yaml_find(n, "type"), types, 3, &type);
	s->type = (enum schema_type)type;
	check_type(y, n, s->type);
	yaml_as_text(y, yaml_find(n, "title"), &s->title);
	yaml_as_text(y, yaml_find(n, "description"), &s->description);
	yaml_as_bool(y, yaml_find(n, "secret"), &s->is_secret);
	yaml_as_texts(y, yaml_find(n, "enum"), &s->choices);
	parse_pattern(y, yaml_find(n, "pattern"), s);
	parse_limits(y, n, s);
	const struct yaml_node *preset = yaml_find(n, "default");
	yaml_as_prose(y, preset, &s->default_value);
	if (y->complaints->count == before && s->default_value && !schema_check(s, s->default_value, &err))
		yaml_complain(y, preset, "%s", err.text);
	return y->complaints->count == before;
}

static bool check_pattern(const struct schema *s, const char *value, struct err *err)
{
	pcre2_code *code = compile(s->pattern, NULL, 0);
	pcre2_match_data *data = code ? pcre2_match_data_create(1, NULL) : NULL;
	pcre2_match_context *context = data ? pcre2_match_context_create(NULL) : NULL;
	int found = PCRE2_ERROR_NOMEMORY;
	if (context) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		found = pcre2_match(code, (PCRE2_SPTR)value, strlen(value), 0, 0, data, context);
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	if (found >= 0)
		return true;
	if (found != PCRE2_ERROR_NOMATCH)
		return err_set(err, ERR_USAGE, "cannot be checked: the pattern %s gave up", s->pattern);
	return err_set(err, ERR_USAGE, "must look like %s", s->pattern);
}

static bool count_characters(const char *value, size_t len, size_t *out)
{
	*out = 0;
	while (len > 0) {
		uint32_t cp;
		size_t n = utf8_decode(value, len, &cp);
		if (cp == UTF8_BAD || cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
			return false;
		value += n;
		len -= n;
		++*out;
	}
	return true;
}

static bool check_choice(const struct schema *s, const char *value, struct err *err)
{
	struct str list = {0};
	for (size_t i = 0; i < s->choices.count; i++) {
		bool is_last = i + 1 == s->choices.count;
		if (strcmp(s->choices.items[i], value) == 0) {
			str_finish(&list);
			return true;
		}
		str_addf(&list, "%s%s", i == 0 ? "" : is_last ? " or " : ", ", s->choices.items[i]);
	}
	err_set(err, ERR_USAGE, "must be %s", str_text(&list));
	str_finish(&list);
	return false;
}

static bool check_string(const struct schema *s, const char *value, struct err *err)
{
	size_t len = strlen(value), n;
	if (len > SCHEMA_MAX_LENGTH)
		return err_set(err, ERR_USAGE, "must be at most %d bytes", SCHEMA_MAX_LENGTH);
	if (!count_characters(value, len, &n))
		return err_set(err, ERR_USAGE, "must be one line of UTF-8 text without control characters");
	if (n < s->min_length)
		return err_set(err, ERR_USAGE, n ? "must be at least %zu characters" : "must not be empty",
			       s->min_length);
	if (n > s->max_length)
		return err_set(err, ERR_USAGE, "must be at most %zu characters", s->max_length);
	if (s->choices.count && !check_choice(s, value, err))
		return false;
	return !s->pattern || check_pattern(s, value, err);
}

static bool check_integer(const struct schema *s, const char *value, struct err *err)
{
	long long v;
	if (str_to_int(value, s->minimum, s->maximum, &v))
		return true;
	if (s->minimum > LLONG_MIN && s->maximum < LLONG_MAX)
		return err_set(err, ERR_USAGE, "must be a whole number from %lld to %lld", s->minimum,
			       s->maximum);
	if (s->minimum > LLONG_MIN)
		return err_set(err, ERR_USAGE, "must be a whole number, at least %lld", s->minimum);
	if (s->maximum < LLONG_MAX)
		return err_set(err, ERR_USAGE, "must be a whole number, at most %lld", s->maximum);
	return err_set(err, ERR_USAGE, "must be a whole number");
}

bool schema_check(const struct schema *s, const char *value, struct err *err)
{
	switch (s->type) {
	case SCHEMA_STRING:
		return check_string(s, value, err);
	case SCHEMA_INTEGER:
		return check_integer(s, value, err);
	case SCHEMA_BOOLEAN:
		return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
		       err_set(err, ERR_USAGE, "must be true or false");
	}
	return false;
}

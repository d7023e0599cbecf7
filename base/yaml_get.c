/* SPDX-License-Identifier: Apache-2.0 */
/* The typed getters of base/yaml.h; base/yaml.c loads the tree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/yaml.h"

#define SHOWN_CHOICES 12

static bool is_null(const struct yaml_node *n)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	if (n->kind != YAML_TEXT || n->is_quoted)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp(n->text, nulls[i]) == 0)
			return true;
	return false;
}

const char *yaml_path(const struct yaml *y, const struct yaml_node *node)
{
	const struct yaml_node *way[YAML_MAX_DEPTH + 1];
	size_t n = 0;
	for (; node && node->parent && n <= YAML_MAX_DEPTH; node = node->parent)
		way[n++] = node;
	struct str s = {0};
	while (n-- > 0) {
		if (way[n]->key)
			str_addf(&s, "%s%.80s", s.len ? "." : "", way[n]->key);
		else
			str_addf(&s, "[%zu]", way[n]->index);
	}
	const char *path = arena_dup(y->arena, str_text(&s));
	str_finish(&s);
	return path;
}

void yaml_complain(const struct yaml *y, const struct yaml_node *node, const char *reason, ...)
{
	struct str s = {0};
	va_list ap;
	va_start(ap, reason);
	str_vaddf(&s, reason, ap);
	va_end(ap);
	const char *path = yaml_path(y, node);
	complain(y->complaints, y->file, node->line, *path ? path : NULL, node->text, "%s", str_text(&s));
	str_finish(&s);
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml_node *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return is_null(n) ? NULL : n;
	return NULL;
}

const struct yaml_node *yaml_need(const struct yaml *y, const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = yaml_find(map, key);
	if (n || !map)
		return n;
	const char *path = yaml_path(y, map);
	const char *full = arena_printf(y->arena, "%s%s%s", path, *path ? "." : "", key);
	complain(y->complaints, y->file, map->line, full, NULL, "is missing");
	return NULL;
}

void yaml_known_keys(const struct yaml *y, const struct yaml_node *map, const char *const *names, size_t n)
{
	for (const struct yaml_node *c = map ? map->first : NULL; c; c = c->next) {
		bool known = !c->key;
		for (size_t i = 0; i < n && !known; i++)
			known = strcmp(c->key, names[i]) == 0;
		if (known)
			continue;
		const char *near = str_nearest(c->key, names, n);
		const char *path = yaml_path(y, c);
		complain(y->complaints, y->file, c->line, path, NULL, "unknown key%s%s%s",
			 near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
}

static bool wrong(const struct yaml *y, const struct yaml_node *n, const char *what)
{
	yaml_complain(y, n, "%s", what);
	return false;
}

bool yaml_is_map(const struct yaml *y, const struct yaml_node *n)
{
	return n && (n->kind == YAML_MAP || wrong(y, n, "must be a map of keys and values"));
}

bool yaml_is_list(const struct yaml *y, const struct yaml_node *n)
{
	return n && (n->kind == YAML_LIST || wrong(y, n, "must be a list"));
}

bool yaml_as_prose(const struct yaml *y, const struct yaml_node *n, const char **out)
{
	if (!n)
		return false;
	if (n->kind != YAML_TEXT)
		return wrong(y, n, "must be text");
	*out = n->text;
	return true;
}

bool yaml_as_text(const struct yaml *y, const struct yaml_node *n, const char **out)
{
	const char *text;
	if (!yaml_as_prose(y, n, &text))
		return false;
	if (!*text || strchr(text, '\n'))
		return wrong(y, n, *text ? "must be one line" : "is empty");
	*out = text;
	return true;
}

bool yaml_as_name(const struct yaml *y, const struct yaml_node *n, const char **out)
{
	const char *text;
	if (!yaml_as_text(y, n, &text))
		return false;
	if (!str_is_name(text))
		return wrong(y, n,
			     "must be a name: small letters, digits and '-', a letter first, at most 63");
	*out = text;
	return true;
}

bool yaml_as_int(const struct yaml *y, const struct yaml_node *n, long long min, long long max,
		 long long *out)
{
	const char *text;
	if (!yaml_as_text(y, n, &text))
		return false;
	if (!str_to_int(text, min, max, out)) {
		yaml_complain(y, n, "must be a whole number from %lld to %lld", min, max);
		return false;
	}
	return true;
}

/* strtod() would also take "inf", "0x1p3" and leading spaces. The C locale keeps the point a point. */
static bool to_number(const char *text, size_t len, double *out)
{
	char copy[40];
	if (len == 0 || len >= sizeof(copy) || strspn(text, "0123456789.+-eE") < len)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *end;
	double v = strtod(copy, &end);
	if (*end || end == copy || !isfinite(v))
		return false;
	*out = v;
	return true;
}

bool yaml_as_number(const struct yaml *y, const struct yaml_node *n, double min, double max, double *out)
{
	const char *text;
	double v;
	if (!yaml_as_text(y, n, &text))
		return false;
	if (!to_number(text, strlen(text), &v) || v < min || v > max) {
		yaml_complain(y, n, "must be a number from %g to %g", min, max);
		return false;
	}
	*out = v;
	return true;
}

bool yaml_as_percent(const struct yaml *y, const struct yaml_node *n, double *out)
{
	const char *text;
	double v;
	if (!yaml_as_text(y, n, &text))
		return false;
	size_t len = strlen(text);
	if (text[len - 1] == '%')
		len--;
	if (!to_number(text, len, &v) || v < 0 || v > 100)
		return wrong(y, n, "must be a percentage from 0% to 100%, such as 70%");
	*out = v;
	return true;
}

bool yaml_as_bool(const struct yaml *y, const struct yaml_node *n, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true},
		     {"no", false},  {"on", true},     {"off", false}};
	const char *text;
	if (!yaml_as_text(y, n, &text))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*out = words[i].value;
			return true;
		}
	}
	return wrong(y, n, "must be true or false");
}

bool yaml_as_duration(const struct yaml *y, const struct yaml_node *n, int64_t min_ms, int64_t max_ms,
		      int64_t *ms)
{
	const char *text;
	int64_t v;
	if (!yaml_as_text(y, n, &text))
		return false;
	if (!clock_parse_duration(text, &v))
		return wrong(y, n, "must be a duration such as 250ms, 10s, 5m or 1h30m");
	if (v < min_ms || v > max_ms) {
		char least[CLOCK_TEXT], most[CLOCK_TEXT];
		clock_duration(min_ms, least);
		clock_duration(max_ms, most);
		yaml_complain(y, n, "must be from %s to %s", least, most);
		return false;
	}
	*ms = v;
	return true;
}

bool yaml_as_choice(const struct yaml *y, const struct yaml_node *n, const char *const *names, size_t count,
		    int *out)
{
	const char *text;
	if (!yaml_as_text(y, n, &text))
		return false;
	struct str list = {0};
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (int)i;
			str_finish(&list);
			return true;
		}
		if (i < SHOWN_CHOICES)
			str_addf(&list, "%s%s", i == 0 ? "" : i + 1 == count ? " or " : ", ", names[i]);
	}
	const char *near = str_nearest(text, names, count);
	yaml_complain(y, n, "must be %s%s%s%s%s", str_text(&list), count > SHOWN_CHOICES ? ", …" : "",
	              near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	str_finish(&list);
	return false;
}

bool yaml_as_texts(const struct yaml *y, const struct yaml_node *n, struct yaml_texts *out)
{
	if (!yaml_is_list(y, n))
		return false;
	const char **items = arena_alloc(y->arena, (n->count + 1) * sizeof(*items));
	size_t count = 0;
	bool good = true;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		if (yaml_as_prose(y, c, &items[count]))
			count++;
		else
			good = false;
	}
	if (good)
		*out = (struct yaml_texts){.items = items, .count = count};
	return good;
}

bool yaml_as_pairs(const struct yaml *y, const struct yaml_node *n, struct yaml_pairs *out)
{
	if (!yaml_is_map(y, n))
		return false;
	struct yaml_pair *items = arena_alloc(y->arena, (n->count + 1) * sizeof(*items));
	size_t count = 0;
	bool good = true;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		items[count] = (struct yaml_pair){.name = c->key, .node = c};
		if (yaml_as_prose(y, c, &items[count].value))
			count++;
		else
			good = false;
	}
	if (good)
		*out = (struct yaml_pairs){.items = items, .count = count};
	return good;
}

void yaml_quote_always(struct str *s, const char *text)
{
	str_addc(s, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool is_c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0;
		/* U+2028 and U+2029 break lines in YAML, U+FEFF is a byte order mark. */
		bool is_break = p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9);
		bool is_mark = p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF;
		if (*p == '"' || *p == '\\') {
			str_addf(s, "\\%c", *p);
		} else if (*p == '\n' || *p == '\t') {
			str_add(s, *p == '\n' ? "\\n" : "\\t");
		} else if (*p < 0x20 || *p == 0x7F) {
			str_addf(s, "\\x%02X", *p);
		} else if (is_c1) {
			str_addf(s, "\\x%02X", *++p);
		} else if (is_break || is_mark) {
			str_addf(s, "\\u%s", is_mark ? "FEFF" : p[2] == 0xA8 ? "2028" : "2029");
			p += 2;
		} else {
			str_addc(s, (char)*p);
		}
	}
	str_addc(s, '"');
}

/* Plain only for words that no reader takes for a number, bool, null, date or syntax. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"true", "false", "yes", "no",  "on", "off",
					    "null", "y",     "n",   "inf", "nan"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char inner[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-./()'+@";
	size_t len = strlen(text);
	if (len == 0 || !strchr(letters, text[0]) || strspn(text, inner) < len || text[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return true;
}

void yaml_quote_scalar(struct str *s, const char *text)
{
	if (is_plain(text))
		str_add(s, text);
	else
		yaml_quote_always(s, text);
}

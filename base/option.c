/* SPDX-License-Identifier: Apache-2.0 */
#include "base/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const char *const type_names[] = {"text", "bool", "int", "duration", "choice", "path", "url", "list"};

const char *option_type_name(enum option_type type)
{
	return type_names[type];
}

static bool is_limited(const struct option_row *row)
{
	return row->min || row->max;
}

static bool refuse(const struct option_row *row, struct err *err)
{
	struct str s = {0};
	option_describe(&s, row);
	err_set(err, ERR_USAGE, "must be %s", str_text(&s));
	str_finish(&s);
	return false;
}

static bool read_int(const struct option_row *row, const char *text, struct setting *s)
{
	long long v;
	if (!str_to_int(text, is_limited(row) ? row->min : 0, is_limited(row) ? row->max : INT64_MAX, &v))
		return false;
	s->number = v;
	return true;
}

static bool read_duration(const struct option_row *row, const char *text, struct setting *s)
{
	int64_t ms;
	if (!clock_parse_duration(text, &ms) || (is_limited(row) && (ms < row->min || ms > row->max)))
		return false;
	s->number = ms;
	return true;
}

static bool read_choice(const struct option_row *row, const char *text, struct setting *s)
{
	for (size_t i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], text) == 0) {
			s->number = (int64_t)i;
			return true;
		}
	}
	return false;
}

static bool read_bool(const struct option_row *row, const char *text, struct setting *s)
{
	(void)row;
	s->number = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
	return s->number || strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;
}

static bool read_path(const struct option_row *row, const char *text, struct setting *s)
{
	(void)row;
	(void)s;
	return text[0] == '/' || str_starts(text, "~/") || strcmp(text, "~") == 0;
}

static bool is_url_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7F || strchr("\"<>\\^`{|}", *text))
			return false;
	return true;
}

/* The rest of an address' truth is its client's business; here only what is never right. */
bool option_is_web_address(const char *text)
{
	if (!str_starts(text, "http://") && !str_starts(text, "https://"))
		return false;
	const char *host = strchr(text, '/') + 2;
	size_t n = strcspn(host, "/?#");
	return n > 0 && host[0] != ':' && !memchr(host, '@', n) && strlen(text) <= 2000 && is_url_text(text);
}

static bool read_url(const struct option_row *row, const char *text, struct setting *s)
{
	(void)row;
	(void)s;
	return option_is_web_address(text) || (str_starts(text, "unix:/") && is_url_text(text));
}

static bool is_label(const char *text, size_t len)
{
	if (!len || len > 63 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text[i]))
			return false;
	return true;
}

static bool has_item(const char *list, const char *end, const char *item, size_t len)
{
	for (const char *at = list; at < end; at += strcspn(at, ",") + 1)
		if (strcspn(at, ",") == len && strncmp(at, item, len) == 0)
			return true;
	return false;
}

static bool read_list(const struct option_row *row, const char *text, struct setting *s)
{
	(void)row;
	s->number = 0;
	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");
		if (!is_label(at, len) || has_item(text, at, at, len) || ++s->number > OPTION_LIST_MAX)
			return false;
		at += len;
		if (!*at)
			return true;
	}
}

static bool read_text(const struct option_row *row, const char *text, struct setting *s)
{
	(void)row;
	(void)s;
	return *text != '\0';
}

/* In the order of enum option_type. */
static bool (*const readers[])(const struct option_row *, const char *, struct setting *) = {
	read_text, read_bool, read_int, read_duration, read_choice, read_path, read_url, read_list,
};

bool option_check(const struct option_row *row, const char *text, struct setting *out, struct err *err)
{
	struct setting s = {.option = row, .text = text};
	if (!*text)
		return err_set(err, ERR_USAGE, "is empty");
	if (!readers[row->type](row, text, &s))
		return refuse(row, err);
	*out = s;
	return true;
}

static struct setting default_of(const struct option_row *row)
{
	struct setting s = {.option = row};
	if (row->absent && !option_check(row, row->absent, &s, NULL))
		abort(); /* a row whose own default is wrong: found by the first run of it */
	s.is_default = true;
	return s;
}

/* The value as one text; false without one, or after complaining. */
static bool text_of(const struct yaml *y, const struct yaml_node *node, const struct option_row *row,
		    const char **text)
{
	struct yaml_texts items;
	struct str joined = {0};
	if (!node || node->kind != YAML_LIST || row->type != OPTION_LIST)
		return yaml_as_text(y, node, text);
	if (!yaml_as_texts(y, node, &items))
		return false;
	for (size_t i = 0; i < items.count; i++) /* a ',' of an item's own is no way to smuggle in another */
		str_addf(&joined, "%s%s", i ? "," : "", strchr(items.items[i], ',') ? "," : items.items[i]);
	*text = arena_dup(y->arena, str_text(&joined));
	str_finish(&joined);
	return true;
}

void option_read(const struct yaml *y, const struct yaml_node *map, const struct option_row *rows, size_t n,
                 struct setting *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct yaml_node *node = rows[i].is_needed && map ? yaml_need(y, map, rows[i].name)
			: yaml_find(map, rows[i].name);
		const char *text;
		struct err err = {0};
		out[i] = default_of(&rows[i]);
		if (text_of(y, node, &rows[i], &text) && !option_check(&rows[i], text, &out[i], &err))
			yaml_complain(y, node, "%s", err.text);
	}
}

void option_known_keys(const struct yaml *y, const struct yaml_node *map, const struct option_row *rows,
		       size_t n, const char *const *more, size_t n_more)
{
	const char **names = mem_array(n + n_more + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = rows[i].name;
	for (size_t i = 0; i < n_more; i++)
		names[n + i] = more[i];
	yaml_known_keys(y, map, names, n + n_more);
	free(names);
}

const struct setting *option_find(const struct setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(settings[i].option->name, name) == 0)
			return &settings[i];
	return NULL;
}

static void tell_duration(struct str *s, int64_t ms)
{
	char text[CLOCK_TEXT];
	clock_duration(ms, text);
	str_add(s, text);
}

void option_describe(struct str *s, const struct option_row *row)
{
	static const char *const words[] = {
		[OPTION_TEXT] = "text", [OPTION_BOOL] = "true or false", [OPTION_INT] = "a whole number",
		[OPTION_DURATION] = "a duration such as 250ms, 10s or 5m",
		[OPTION_PATH] = "an absolute path, or one that starts with ~/",
		[OPTION_URL] = "an http://, https:// or unix:/path address",
		[OPTION_LIST] = "a list of names, each once: small letters, digits and dashes",
	};
	if (row->type == OPTION_CHOICE) {
		for (size_t i = 0; row->choices[i]; i++)
			str_addf(s, "%s%s",
				 i == 0                ? ""
				 : row->choices[i + 1] ? ", "
						       : " or ",
				 row->choices[i]);
		return;
	}
	str_add(s, words[row->type]);
	if (row->type == OPTION_INT && is_limited(row))
		str_addf(s, " from %lld to %lld", (long long)row->min, (long long)row->max);
	if (row->type == OPTION_DURATION && is_limited(row)) {
		str_add(s, ", from ");
		tell_duration(s, row->min);
		str_add(s, " to ");
		tell_duration(s, row->max);
	}
}

void option_print(struct str *s, const struct option_row *row, const char *text)
{
	if (row->type != OPTION_LIST) {
		yaml_quote_scalar(s, text);
		return;
	}
	str_addc(s, '[');
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, ",");
		char item[64];
		str_copy(item, len < sizeof(item) ? len + 1 : sizeof(item), at);
		yaml_quote_scalar(s, item); /* "no" is a name too */
		at += len + (at[len] == ',');
		str_add(s, *at ? ", " : "");
	}
	str_addc(s, ']');
}

void option_example(struct str *s, const struct option_row *row, int indent)
{
	str_addf(s, "%*s# %s: ", indent, "", row->help);
	option_describe(s, row);
	str_addf(s, "%s.\n%*s# %s:", row->is_needed ? "; needed" : "", indent, "", row->name);
	if (row->absent) {
		str_addc(s, ' ');
		option_print(s, row, row->absent);
	}
	str_addc(s, '\n');
}

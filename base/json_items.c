/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_items.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"

void json_items_init(struct json_items *j, const char *path, size_t ceiling)
{
	*j = (struct json_items){.path = path, .ceiling = ceiling};
}

void json_items_finish(struct json_items *j)
{
	str_finish(&j->element);
	str_finish(&j->envelope);
}

/* Whether the key just read is the part of the path after the first `matched` ones. */
static bool key_leads_on(const struct json_items *j, bool *is_last)
{
	const char *part = j->path;
	for (int i = 0; i < j->matched; i++)
		part = strchr(part, '.') + 1;
	size_t len = strcspn(part, ".");
	*is_last = part[len] == '\0';
	return j->is_key_done && j->key_len == len && memcmp(j->key, part, len) == 0;
}

static void text_byte(struct json_items *j, char c)
{
	if (j->is_escaped) {
		j->is_escaped = false;
		j->key_len = sizeof(j->key) + 1; /* a key with escapes is none of ours */
	} else if (c == '\\') {
		j->is_escaped = true;
	} else if (c == '"') {
		j->in_text = false;
		j->is_key_done = j->is_key;
	} else if (j->is_key) {
		if (j->key_len < sizeof(j->key))
			j->key[j->key_len] = c;
		j->key_len++;
	}
}

/* A container opens where no element is being read. */
static bool open_outside(struct json_items *j, char c, struct err *err)
{
	if (++j->depth > JSON_DEPTH)
		return err_set(err, ERR_FAILED, "JSON: nested deeper than %d", JSON_DEPTH);
	bool is_last = false;
	if (!j->items_depth && j->depth == j->matched + 2 && key_leads_on(j, &is_last)) {
		if (c == '[' && is_last && !j->is_found) {
			j->items_depth = j->depth;
			j->is_found = true;
		} else if (c == '{' && !is_last) {
			j->matched++;
		}
	}
	j->wants_key = c == '{';
	j->is_key_done = false;
	return true;
}

static void close_outside(struct json_items *j)
{
	if (j->items_depth == j->depth)
		j->items_depth = 0;
	if (j->matched && j->depth == j->matched + 1)
		j->matched--;
	j->depth--;
	j->is_ended = j->depth == 0;
	j->wants_key = false;
	j->is_key_done = false;
}

static bool structure_byte(struct json_items *j, char c, struct err *err)
{
	switch (c) {
	case '"':
		j->in_text = true;
		j->is_key = j->wants_key && !j->items_depth;
		if (j->is_key)
			j->key_len = 0;
		j->wants_key = false;
		return true;
	case '{':
	case '[':
		return open_outside(j, c, err);
	case '}':
	case ']':
		if (j->depth == 0)
			return err_set(err, ERR_FAILED, "JSON: more brackets close than open");
		close_outside(j);
		return true;
	case ',':
		/* Right for objects; in a list outside of the path a text is then taken for a key, which leads nowhere. */
		j->wants_key = !j->items_depth;
		j->is_key_done = false;
		return true;
	default:
		return true;
	}
}

static bool keep(struct json_items *j, struct str *to, char c, struct err *err)
{
	if (to->len >= j->ceiling)
		return err_set(err, ERR_FAILED, "JSON: a part of the list is larger than %zu bytes", j->ceiling);
	str_addc(to, c);
	return true;
}

/* Behind the text that these bytes are in, or their end. */
static size_t rest_of_text(struct json_items *j, const char *bytes, size_t len)
{
	size_t n = 0;
	for (; n < len; n++) {
		if (j->is_escaped) {
			j->is_escaped = false;
		} else if (bytes[n] == '\\') {
			j->is_escaped = true;
		} else if (bytes[n] == '"') {
			j->in_text = false;
			return n + 1;
		}
	}
	return n;
}

/* How many of these bytes lie inside of an element's brackets: most of a list does, and there only depth counts. */
static size_t inner_run(struct json_items *j, const char *bytes, size_t len)
{
	size_t n = 0;
	if (!j->items_depth)
		return 0;
	while (n < len && j->depth > j->items_depth && j->depth < JSON_DEPTH) {
		char c = bytes[n];
		if (j->in_text) {
			n += rest_of_text(j, bytes + n, len - n);
			continue;
		}
		if (c == '"')
			j->in_text = true;
		else if (c == '{' || c == '[')
			j->depth++;
		else if (c == '}' || c == ']')
			j->depth--;
		n++;
	}
	return n;
}

static bool keep_run(struct json_items *j, const char *bytes, size_t len, struct err *err)
{
	struct str *to = &j->element;
	if (len > j->ceiling - to->len)
		return err_set(err, ERR_FAILED, "JSON: a part of the list is larger than %zu bytes", j->ceiling);
	str_addn(to, bytes, len);
	return true;
}

bool json_items_feed(struct json_items *j, const char *bytes, size_t len, json_items_each *each, void *arg,
                     struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		size_t run = inner_run(j, bytes + i, len - i);
		if (run && !keep_run(j, bytes + i, run, err))
			return false;
		i += run;
		if (i == len)
			break;
		char c = bytes[i];
		bool was_in_list = j->items_depth != 0;
		bool is_blank = !j->in_text && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
		if (j->is_ended && !is_blank)
			return err_set(err, ERR_FAILED, "JSON: more after the value");
		if (is_blank)
			continue;
		bool is_top = was_in_list && j->depth == j->items_depth && !j->in_text;
		if (j->in_text)
			text_byte(j, c);
		else if (!structure_byte(j, c, err))
			return false;
		bool is_boundary = is_top && (c == ',' || j->items_depth == 0);
		if (is_boundary && j->element.len) {
			size_t n = j->element.len;
			j->element.len = 0;
			if (!each(j->element.s, n, arg))
				return true;
		}
		if (!was_in_list || j->items_depth == 0) {
			if (!keep(j, &j->envelope, c, err))
				return false;
		} else if (!is_boundary && !keep(j, &j->element, c, err)) {
			return false;
		}
	}
	return true;
}

bool json_items_end(struct json_items *j, const char **envelope, size_t *len, struct err *err)
{
	if (!j->is_ended)
		return err_set(err, ERR_FAILED, "JSON: it ends too early");
	*envelope = str_text(&j->envelope);
	*len = j->envelope.len;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_prune.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"

struct level {
	uint32_t on_path; /* paths whose first `keys` keys lead here */
	uint8_t keys;
	bool is_object;
};
struct pruner {
	const char *text, *end;
	const struct json_path *drop;
	size_t n;
	struct str *out;
	const char *kept; /* what lies from here on is not yet in out */
	struct level levels[JSON_DEPTH + 1];
	int depth;
};

static const char *skip_blank(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* Behind the text that begins at the quote `at`; NULL when it does not end. */
static const char *skip_text(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		const char *quote = memchr(at, '"', (size_t)(end - at));
		if (!quote)
			return NULL;
		size_t backslashes = 0;
		while (quote - backslashes > at && quote[-(ptrdiff_t)backslashes - 1] == '\\')
			backslashes++;
		if (backslashes % 2 == 0)
			return quote + 1;
		at = quote;
	}
	return NULL;
}

static const char *skip_container(const char *at, const char *end)
{
	int depth = 0;
	while (at < end) {
		if (*at == '"') {
			if (!(at = skip_text(at, end)))
				return NULL;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && --depth == 0)
			return at + 1;
		at++;
	}
	return NULL;
}

static const char *skip_value(const char *at, const char *end)
{
	if (at < end && *at == '"')
		return skip_text(at, end);
	if (at < end && (*at == '{' || *at == '['))
		return skip_container(at, end);
	while (at < end && !strchr(",]} \n\t\r", *at))
		at++;
	return at;
}

/* Which paths go on with this key; *is_end: one of them ends with it. */
static uint32_t follow(const struct pruner *p, const struct level *here, const char *key, size_t len, bool *is_end)
{
	uint32_t on_path = 0;
	*is_end = false;
	for (size_t i = 0; i < p->n; i++) {
		if (!(here->on_path & (1u << i)))
			continue;
		const char *wanted = p->drop[i].keys[here->keys];
		if (strlen(wanted) != len || memcmp(wanted, key, len) != 0)
			continue;
		on_path |= 1u << i;
		if (here->keys + 1 == JSON_PRUNE_KEYS || !p->drop[i].keys[here->keys + 1])
			*is_end = true;
	}
	return on_path;
}

static void flush(struct pruner *p, const char *to)
{
	str_addn(p->out, p->kept, (size_t)(to - p->kept));
}

/* Takes the member from key to behind its value out, with the comma that is one too many then. */
static const char *take_out(struct pruner *p, const char *key, const char *value)
{
	const char *after = skip_value(value, p->end);
	if (!after)
		return NULL;
	flush(p, key);
	after = skip_blank(after, p->end);
	if (after < p->end && *after == ',') {
		after++;
	} else {
		size_t len = p->out->len;
		while (len && strchr(" \n\t\r", p->out->s[len - 1]))
			len--;
		if (len && p->out->s[len - 1] == ',')
			p->out->s[p->out->len = len - 1] = '\0';
	}
	p->kept = after;
	return after;
}

/* A key of an object on some path: its value is taken out, or gone into with the paths that lead on. */
static const char *member(struct pruner *p, const char *key, uint32_t *on_path)
{
	const char *after = skip_text(key, p->end);
	*on_path = 0;
	if (!after)
		return NULL;
	const char *colon = skip_blank(after, p->end);
	if (colon == p->end || *colon != ':')
		return after; /* a text that is no key */
	bool is_end;
	*on_path = follow(p, &p->levels[p->depth], key + 1, (size_t)(after - key) - 2, &is_end);
	const char *value = skip_blank(colon + 1, p->end);
	if (!is_end)
		return value;
	*on_path = 0;
	return take_out(p, key, value);
}

static bool open_level(struct pruner *p, char c, uint32_t on_path)
{
	if (p->depth == JSON_DEPTH)
		return false;
	const struct level *outer = &p->levels[p->depth++];
	uint8_t keys = (uint8_t)(outer->keys + outer->is_object);
	p->levels[p->depth] = (struct level){outer->is_object ? on_path : outer->on_path, keys, c == '{'};
	return true;
}

static bool prune(struct pruner *p)
{
	uint32_t on_path = 0; /* of the key before the value that comes */
	const char *at = p->text;
	while (at && at < p->end) {
		const struct level *here = &p->levels[p->depth];
		switch (*at) {
		case '"':
			at = here->is_object && here->on_path ? member(p, at, &on_path) : skip_text(at, p->end);
			continue;
		case '{':
		case '[':
			if (!here->on_path || (here->is_object && !on_path)) {
				at = skip_container(at, p->end);
				continue;
			}
			if (!open_level(p, *at, on_path))
				return false;
			on_path = 0;
			break;
		case '}':
		case ']':
			if (p->depth-- == 0)
				return false;
			on_path = 0;
			break;
		default:
			break;
		}
		at++;
	}
	return at && p->depth == 0;
}

bool json_prune(const char *text, size_t len, const struct json_path *drop, size_t n, struct str *out)
{
	assert(n <= JSON_PRUNE_PATHS);
	size_t before = out->len;
	struct pruner p = {.text = text, .end = text + len, .drop = drop, .n = n, .out = out, .kept = text};
	p.levels[0] = (struct level){.on_path = n == JSON_PRUNE_PATHS ? UINT32_MAX : (1u << n) - 1};
	str_reserve(out, len);
	if (!prune(&p)) {
		out->len = before;
		return false;
	}
	flush(&p, p.end);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/template.h"

#include <string.h>

#include "base/utf8.h"
#include "base/yaml.h"

#define OPEN "<%"
#define CLOSE "%>"
#define MAX_DEPTH 32
#define MAX_STEPS 1000000
#define MAX_OUTPUT (4 * 1024 * 1024)
#define MAX_NAME 100

/* --- data --- */

static struct template_value *new_value(struct arena *arena, enum template_kind kind)
{
	struct template_value *v = arena_alloc(arena, sizeof(*v));
	v->kind = kind;
	return v;
}

static struct template_value *append(struct template_value *parent, struct template_value *v)
{
	if (parent->last)
		parent->last->next = v;
	else
		parent->first = v;
	parent->last = v;
	return v;
}

struct template_value *template_map(struct arena *arena)
{
	return new_value(arena, TEMPLATE_MAP);
}

static struct template_value *set(struct arena *arena, struct template_value *map, const char *key,
                                  enum template_kind kind)
{
	struct template_value *v = new_value(arena, kind);
	v->key = arena_dup(arena, key);
	return append(map, v);
}

void template_set_text(struct arena *arena, struct template_value *map, const char *key, const char *text)
{
	set(arena, map, key, TEMPLATE_TEXT)->text = arena_dup(arena, text);
}

void template_set_number(struct arena *arena, struct template_value *map, const char *key,
			 const char *decimal)
{
	set(arena, map, key, TEMPLATE_NUMBER)->text = arena_dup(arena, decimal);
}

void template_set_bool(struct arena *arena, struct template_value *map, const char *key, bool truth)
{
	set(arena, map, key, TEMPLATE_BOOL)->truth = truth;
}

struct template_value *template_set_list(struct arena *arena, struct template_value *map, const char *key)
{
	return set(arena, map, key, TEMPLATE_LIST);
}

void template_add_text(struct arena *arena, struct template_value *list, const char *text)
{
	append(list, new_value(arena, TEMPLATE_TEXT))->text = arena_dup(arena, text);
}

struct template_value *template_add_map(struct arena *arena, struct template_value *list)
{
	return append(list, new_value(arena, TEMPLATE_MAP));
}

/* --- escaping --- */

static const struct {
	const char *end;
	enum template_format format;
} ends[] = {
	{".yaml", TEMPLATE_YAML},  {".yml", TEMPLATE_YAML},    {".json", TEMPLATE_JSON},
	{".js", TEMPLATE_JSON},    {".ts", TEMPLATE_JSON},     {".go", TEMPLATE_JSON},
	{".toml", TEMPLATE_JSON},  {".py", TEMPLATE_PYTHON},   {".sh", TEMPLATE_SHELL},
	{".bash", TEMPLATE_SHELL}, {".md", TEMPLATE_MARKDOWN},
};

enum template_format template_format_of(const char *path)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (str_ends(path, ends[i].end))
			return ends[i].format;
	return TEMPLATE_PLAIN;
}

/* What nobody sees in a source (a direction mark, a control) is written as its number. */
static void escape_python(struct str *s, const char *value)
{
	size_t len = strlen(value);
	str_addc(s, '"');
	while (len > 0) {
		uint32_t cp;
		size_t n = utf8_decode(value, len, &cp);
		if (cp == '"' || cp == '\\')
			str_addf(s, "\\%c", (char)cp);
		else if (cp == '\n' || cp == '\t')
			str_add(s, cp == '\n' ? "\\n" : "\\t");
		else if (cp == UTF8_BAD)
			str_add(s, "\\ufffd");
		else if (utf8_is_safe(value, n))
			str_addn(s, value, n);
		else
			str_addf(s, "\\U%08x", (unsigned)cp);
		value += n;
		len -= n;
	}
	str_addc(s, '"');
}

static void escape_shell(struct str *s, const char *value)
{
	str_addc(s, '\'');
	for (; *value; value++) {
		if (*value == '\'')
			str_add(s, "'\\''");
		else
			str_addc(s, *value);
	}
	str_addc(s, '\'');
}

static void escape_markdown(struct str *s, const char *value)
{
	if (*value == '-')
		str_addc(s, '\\');
	for (; *value; value++) {
		if (*value == '\n' || *value == '\r' || *value == '\t')
			str_addc(s, ' ');
		else if (*value == '<' || *value == '&')
			str_add(s, *value == '<' ? "&lt;" : "&amp;");
		else if (strchr("\\`*_{}[]()#+!|>~$", *value))
			str_addf(s, "\\%c", *value);
		else
			str_addc(s, *value);
	}
}

void template_escape(struct str *s, const char *value, enum template_format format)
{
	switch (format) {
	case TEMPLATE_PLAIN:
		str_add(s, value);
		return;
	case TEMPLATE_YAML:
		yaml_quote_scalar(s, value);
		return;
	case TEMPLATE_JSON:
		str_addc(s, '"');
		utf8_json(s, value, strlen(value));
		str_addc(s, '"');
		return;
	case TEMPLATE_PYTHON:
		escape_python(s, value);
		return;
	case TEMPLATE_SHELL:
		escape_shell(s, value);
		return;
	case TEMPLATE_MARKDOWN:
		escape_markdown(s, value);
		return;
	}
}

/* --- rendering --- */

struct scope { /* what names mean: the innermost first */
	const struct template_value *value;
	const struct scope *outer;
};

struct tag {
	char sigil;                   /* 0 value, '&' raw, '#', '^', '/', '!' */
	char name[MAX_NAME + 1];
	const char *start, *end;      /* of the whole tag, and of the line when it stands alone */
};

struct render {
	struct str *out;
	size_t base, steps;
	const char *name, *text, *end;
	enum template_format format;
	struct err *err;
};

static bool fail(struct render *r, const char *at, const char *what, const char *name)
{
	int line = 1;
	for (const char *p = r->text; p < at; p++)
		line += *p == '\n';
	if (*name)
		return err_set(r->err, ERR_USAGE, "%s:%d: %s: \"%s\"", r->name, line, what, name);
	return err_set(r->err, ERR_USAGE, "%s:%d: %s", r->name, line, what);
}

static bool emit(struct render *r, const char *at, const char *bytes, size_t len)
{
	str_addn(r->out, bytes, len);
	return r->out->len - r->base <= MAX_OUTPUT || fail(r, at, "makes more than 4 MiB", "");
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A tag that prints nothing, alone on its line, stands for the whole line. */
static void widen(const struct render *r, struct tag *t)
{
	const char *start = t->start, *end = t->end;
	while (start > r->text && is_blank(start[-1]))
		start--;
	while (end < r->end && is_blank(*end))
		end++;
	bool is_first = start == r->text || start[-1] == '\n';
	bool is_last = end == r->end || *end == '\n';
	if (!is_first || !is_last)
		return;
	t->start = start;
	t->end = end == r->end ? end : end + 1;
}

static bool read_name(struct render *r, struct tag *t, const char *p, const char *end)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	while (p < end && (is_blank(*p) || *p == '\n'))
		p++;
	while (end > p && (is_blank(end[-1]) || end[-1] == '\n'))
		end--;
	size_t len = (size_t)(end - p);
	if (len == 0 || len > MAX_NAME)
		return fail(r, t->start, "a tag without a name, or with a very long one", "");
	memcpy(t->name, p, len);
	t->name[len] = '\0';
	if (strspn(t->name, chars) != len)
		return fail(r, t->start, "a tag that is not understood", t->name);
	return true;
}

/* The next tag in p..end: *found says whether there is one. False on an error. */
static bool next_tag(struct render *r, const char *p, const char *end, struct tag *t, bool *found)
{
	const char *open = p < end ? memmem(p, (size_t)(end - p), OPEN, 2) : NULL;
	*found = open != NULL;
	if (!open)
		return true;
	*t = (struct tag){.start = open};
	if (++r->steps > MAX_STEPS)
		return fail(r, open, "takes more than 1,000,000 steps", "");
	const char *inner = open + 2;
	bool is_braced = inner < end && *inner == '{';
	const char *shut = is_braced ? "}" CLOSE : CLOSE;
	const char *close = memmem(inner, (size_t)(end - inner), shut, strlen(shut));
	if (!close)
		return fail(r, open, "a tag that does not end", "");
	t->end = close + strlen(shut);
	if (inner < close && strchr("#^/!&{", *inner))
		t->sigil = *inner++ == '{' ? '&' : inner[-1];
	if (t->sigil == '!' || t->sigil == '#' || t->sigil == '^' || t->sigil == '/')
		widen(r, t);
	return t->sigil == '!' || read_name(r, t, inner, close);
}

/* Finds the end of a section that starts at p, checking what is nested in it. */
static bool find_close(struct render *r, const struct tag *open, const char *end, struct tag *close,
		       int depth)
{
	const char *p = open->end;
	if (depth > MAX_DEPTH)
		return fail(r, open->start, "sections nested more than 32 deep", "");
	for (;;) {
		struct tag t;
		bool found;
		if (!next_tag(r, p, end, &t, &found))
			return false;
		if (!found)
			return fail(r, open->start, "a section that is not closed", open->name);
		if (t.sigil == '/' && strcmp(t.name, open->name) != 0)
			return fail(r, t.start, "closes another section than the one that is open", t.name);
		if (t.sigil == '/') {
			*close = t;
			return true;
		}
		if ((t.sigil == '#' || t.sigil == '^') && !find_close(r, &t, end, &t, depth + 1))
			return false;
		p = t.end;
	}
}

static const struct template_value *child(const struct template_value *map, const char *key, size_t len)
{
	const struct template_value *found = NULL;
	if (map->kind != TEMPLATE_MAP)
		return NULL;
	for (const struct template_value *v = map->first; v; v = v->next)
		if (strncmp(v->key, key, len) == 0 && v->key[len] == '\0')
			found = v;
	return found;
}

static const struct template_value *look_up(const struct scope *scope, const char *name)
{
	if (strcmp(name, ".") == 0)
		return scope->value;
	size_t len = strcspn(name, ".");
	const struct template_value *v = NULL;
	for (; scope && !v; scope = scope->outer)
		v = child(scope->value, name, len);
	while (v && name[len]) {
		name += len + 1;
		len = strcspn(name, ".");
		v = child(v, name, len);
	}
	return v;
}

static bool is_true(const struct template_value *v)
{
	if (!v)
		return false;
	switch (v->kind) {
	case TEMPLATE_TEXT:
		return !str_empty(v->text);
	case TEMPLATE_NUMBER:
		return strcmp(v->text, "0") != 0;
	case TEMPLATE_BOOL:
		return v->truth;
	case TEMPLATE_LIST:
		return v->first != NULL;
	default:
		return true;
	}
}

static bool emit_value(struct render *r, const struct tag *t, const struct template_value *v)
{
	if (!v)
		return fail(r, t->start, "there is no value of this name", t->name);
	enum template_format format = t->sigil == '&' ? TEMPLATE_PLAIN : r->format;
	if (v->kind == TEMPLATE_TEXT)
		template_escape(r->out, v->text, format);
	else if (v->kind == TEMPLATE_NUMBER)
		str_add(r->out, v->text);
	else if (v->kind == TEMPLATE_BOOL && format == TEMPLATE_PYTHON)
		str_add(r->out, v->truth ? "True" : "False");
	else if (v->kind == TEMPLATE_BOOL)
		str_add(r->out, v->truth ? "true" : "false");
	else
		return fail(r, t->start, "is a list or a map: print its parts in a section", t->name);
	return emit(r, t->start, "", 0);
}

static bool render_range(struct render *, const char *p, const char *end, const struct scope *, int depth);

static bool render_section(struct render *r, const struct tag *open, const struct tag *close,
                           const struct scope *scope, int depth)
{
	const struct template_value *v = look_up(scope, open->name);
	if (open->sigil == '^')
		return is_true(v) || render_range(r, open->end, close->start, scope, depth + 1);
	if (!is_true(v))
		return true;
	const struct template_value *one = v->kind == TEMPLATE_LIST ? v->first : v;
	for (; one; one = v->kind == TEMPLATE_LIST ? one->next : NULL) {
		struct scope inner = {.value = one, .outer = scope};
		if (++r->steps > MAX_STEPS)
			return fail(r, open->start, "takes more than 1,000,000 steps", "");
		if (!render_range(r, open->end, close->start, &inner, depth + 1))
			return false;
	}
	return true;
}

static bool render_range(struct render *r, const char *p, const char *end, const struct scope *scope,
			 int depth)
{
	for (;;) {
		struct tag t, close;
		bool found, good = true;
		if (!next_tag(r, p, end, &t, &found))
			return false;
		const char *stop = found ? t.start : end;
		if (!emit(r, p, p, (size_t)(stop - p)))
			return false;
		if (!found)
			return true;
		p = t.end;
		if (t.sigil == '/')
			return fail(r, t.start, "closes a section that is not open", t.name);
		if (t.sigil == '#' || t.sigil == '^') {
			good = find_close(r, &t, end, &close, depth) &&
			       render_section(r, &t, &close, scope, depth);
			p = good ? close.end : end;
		} else if (t.sigil != '!') {
			good = emit_value(r, &t, look_up(scope, t.name));
		}
		if (!good)
			return false;
	}
}

bool template_render(struct str *out, const char *name, const char *text, size_t len,
		     enum template_format format, const struct template_value *data, struct err *err)
{
	struct render r = {.out = out, .base = out->len, .name = name, .text = text, .end = text + len,
	                   .format = format, .err = err};
	struct scope scope = {.value = data};
	if (render_range(&r, text, text + len, &scope, 0))
		return true;
	out->len = r.base;
	if (out->s)
		out->s[out->len] = '\0';
	return false;
}

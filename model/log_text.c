/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_text.h"

#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32

/* Names that libraries give to what every line has. */
enum role { ROLE_OTHER, ROLE_MESSAGE, ROLE_LEVEL, ROLE_STAMP, ROLE_ERROR };
static const struct {
	const char *name;
	enum role role;
} roles[] = {
	{"msg", ROLE_MESSAGE},      {"message", ROLE_MESSAGE},   {"event", ROLE_MESSAGE},
	{"text", ROLE_MESSAGE},     {"level", ROLE_LEVEL},       {"severity", ROLE_LEVEL},
	{"lvl", ROLE_LEVEL},        {"loglevel", ROLE_LEVEL},    {"time", ROLE_STAMP},
	{"ts", ROLE_STAMP},         {"timestamp", ROLE_STAMP},   {"@timestamp", ROLE_STAMP},
	{"t", ROLE_STAMP},          {"error", ROLE_ERROR},       {"err", ROLE_ERROR},
	{"exception", ROLE_ERROR},  {"stack", ROLE_ERROR},       {"exc_info", ROLE_ERROR},
	{"stacktrace", ROLE_ERROR}, {"stack_trace", ROLE_ERROR},
};

static enum role role_of(struct log_span name)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strlen(roles[i].name) == name.len && memcmp(roles[i].name, name.s, name.len) == 0)
			return roles[i].role;
	return ROLE_OTHER;
}

/* Puts a pair where it belongs. What is there twice stays as a field. */
static void add_pair(struct log_text *out, struct log_span name, struct log_span value)
{
	enum role role = role_of(name);
	struct log_span *place = role == ROLE_MESSAGE ? &out->message
				 : role == ROLE_STAMP ? &out->stamp
				 : role == ROLE_ERROR ? &out->error
						      : NULL;
	if (role == ROLE_LEVEL && !out->level) {
		out->level = log_level_of(value.s, value.len);
		if (out->level)
			return;
	}
	if (place && !place->s) {
		*place = value;
		return;
	}
	if (out->n_fields == LOG_TEXT_FIELDS) {
		out->is_cut = true;
		return;
	}
	out->fields[out->n_fields++] = (struct log_field){name, value};
}

/* JSON: a scan over a text that may be anything. s..end is what is left; every function moves s. */
struct scan {
	const char *s, *end;
	struct log_text *out;
};

static void skip_blank(struct scan *in)
{
	while (in->s < in->end && (*in->s == ' ' || *in->s == '\t' || *in->s == '\r'))
		in->s++;
}

static bool take(struct scan *in, char c)
{
	skip_blank(in);
	if (in->s >= in->end || *in->s != c)
		return false;
	in->s++;
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool take_hex4(struct scan *in, uint32_t *cp)
{
	if (in->end - in->s < 4)
		return false;
	*cp = 0;
	for (int i = 0; i < 4; i++) {
		int v = hex_value(*in->s++);
		if (v < 0)
			return false;
		*cp = *cp << 4 | (uint32_t)v;
	}
	return true;
}

static void put_byte(struct scan *in, char c)
{
	if (in->out->used < LOG_TEXT_BYTES)
		in->out->unescaped[in->out->used++] = c;
	else
		in->out->is_cut = true;
}

static void put_code_point(struct scan *in, uint32_t cp)
{
	if (!cp || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		put_byte(in, (char)cp);
		return;
	}
	if (cp >= 0x10000) {
		put_byte(in, (char)(0xf0 | cp >> 18));
		put_byte(in, (char)(0x80 | (cp >> 12 & 0x3f)));
	} else if (cp >= 0x800) {
		put_byte(in, (char)(0xe0 | cp >> 12));
	}
	put_byte(in, cp < 0x800 ? (char)(0xc0 | cp >> 6) : (char)(0x80 | (cp >> 6 & 0x3f)));
	put_byte(in, (char)(0x80 | (cp & 0x3f)));
}

static bool take_unicode(struct scan *in)
{
	uint32_t cp, low;
	if (!take_hex4(in, &cp))
		return false;
	if (cp >= 0xd800 && cp < 0xdc00 && in->end - in->s >= 6 && in->s[0] == '\\' && in->s[1] == 'u') {
		struct scan ahead = *in;
		ahead.s += 2;
		if (take_hex4(&ahead, &low) && low >= 0xdc00 && low < 0xe000) {
			in->s = ahead.s;
			cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	put_code_point(in, cp);
	return true;
}

static bool take_escape(struct scan *in)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (in->s >= in->end)
		return false;
	char c = *in->s++;
	if (c == 'u')
		return take_unicode(in);
	const char *at = c ? strchr(from, c) : NULL;
	if (at)
		put_byte(in, to[at - from]);
	return at != NULL;
}

/* A string behind its opening quote. Without escapes the span points into the line. */
static bool take_string(struct scan *in, struct log_span *out)
{
	const char *from = in->s;
	while (in->s < in->end && *in->s != '"' && *in->s != '\\')
		in->s++;
	if (in->s < in->end && *in->s == '"') {
		*out = (struct log_span){from, (size_t)(in->s++ - from)};
		return true;
	}
	size_t start = in->out->used;
	for (const char *p = from; p < in->s; p++)
		put_byte(in, *p);
	while (in->s < in->end && *in->s != '"') {
		if (*in->s == '\\') {
			in->s++;
			if (!take_escape(in))
				return false;
		} else {
			put_byte(in, *in->s++);
		}
	}
	*out = (struct log_span){in->out->unescaped + start, in->out->used - start};
	return in->s++ < in->end;
}

/* A nested object or array, kept as its text: brackets are counted, strings stepped over. */
static bool take_nested(struct scan *in, struct log_span *out)
{
	const char *from = in->s;
	int depth = 0;
	bool in_string = false;
	for (; in->s < in->end; in->s++) {
		char c = *in->s;
		if (in_string) {
			if (c == '\\')
				in->s++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			in->s++;
			*out = (struct log_span){from, (size_t)(in->s - from)};
			return true;
		}
	}
	return false;
}

static bool take_value(struct scan *in, struct log_span *out)
{
	skip_blank(in);
	if (in->s >= in->end)
		return false;
	if (*in->s == '"') {
		in->s++;
		return take_string(in, out);
	}
	if (*in->s == '{' || *in->s == '[')
		return take_nested(in, out);
	const char *from = in->s;
	while (in->s < in->end && !strchr(",}] \t\r", *in->s) && *in->s)
		in->s++;
	*out = (struct log_span){from, (size_t)(in->s - from)};
	return in->s > from;
}

static bool parse_json(struct log_text *out, const char *line, size_t len)
{
	struct scan in = {line, line + len, out};
	if (!take(&in, '{'))
		return false;
	if (!take(&in, '}')) {
		do {
			struct log_span name, value;
			if (!take(&in, '"') || !take_string(&in, &name) || !take(&in, ':') ||
			    !take_value(&in, &value))
				return false;
			add_pair(out, name, value);
		} while (take(&in, ','));
		if (!take(&in, '}'))
			return false;
	}
	skip_blank(&in);
	return in.s == in.end;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '.' || c == '-' || c == '@' || c == '/';
}

static bool take_pair(struct scan *in, struct log_span *name, struct log_span *value)
{
	const char *from = in->s;
	while (in->s < in->end && is_name_char(*in->s))
		in->s++;
	*name = (struct log_span){from, (size_t)(in->s - from)};
	if (!name->len || in->s >= in->end || *in->s != '=')
		return false;
	in->s++;
	if (in->s < in->end && *in->s == '"') {
		in->s++;
		return take_string(in, value);
	}
	from = in->s;
	while (in->s < in->end && *in->s != ' ')
		in->s++;
	*value = (struct log_span){from, (size_t)(in->s - from)};
	return true;
}

/* A line is logfmt when it is pairs from its start to its end and there are two at least. */
static bool parse_logfmt(struct log_text *out, const char *line, size_t len)
{
	struct scan in = {line, line + len, out};
	size_t n = 0;
	for (;; n++) {
		struct log_span name, value;
		skip_blank(&in);
		if (in.s >= in.end)
			break;
		if (!take_pair(&in, &name, &value))
			return false;
		add_pair(out, name, value);
	}
	return n >= 2;
}

static void reset(struct log_text *out)
{
	memset(out, 0, offsetof(struct log_text, unescaped));
	out->used = 0;
}

void log_text_parse(struct log_text *out, const char *line, size_t len)
{
	reset(out);
	out->form = LOG_FORM_JSON;
	if (len && (*line == '{' || *line == ' ') && parse_json(out, line, len))
		goto done;
	reset(out);
	out->form = LOG_FORM_LOGFMT;
	if (memchr(line, '=', len) && parse_logfmt(out, line, len))
		goto done;
	reset(out);
	out->form = LOG_FORM_PLAIN;
	out->message = (struct log_span){line, len};
done:
	if (!out->message.s && out->form != LOG_FORM_PLAIN) {
		out->message = out->error.s ? out->error : (struct log_span){line, len};
		if (out->error.s)
			out->error = (struct log_span){NULL, 0};
	}
	if (!out->level)
		out->level = log_text_level(line, len);
}

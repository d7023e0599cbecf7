/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/filter_term.h"
#include "model/text.h"

#define SIGNS "*+?[](){}|^$\\"

/* What a person may type for a member, and its name in the records. */
static const struct {
	const char *typed, *member;
} aliases[] = {
	{"env", "environment"}, {"svc", "service"}, {"ns", "environment"},
	{"pod", "instance"},    {"state", "phase"},
};

void term_finish(struct term *t)
{
	free(t->text);
	free(t->folded);
	free(t->member);
	pcre2_code_free(t->plain);
	pcre2_code_free(t->utf);
	*t = (struct term){0};
}

static bool has_capital(const char *s, size_t len, bool is_regex)
{
	for (size_t i = 0; i < len; i++) {
		if (is_regex && s[i] == '\\')
			i++; /* \S, \D, \W are classes, not letters */
		else if (s[i] >= 'A' && s[i] <= 'Z')
			return true;
	}
	return false;
}

/* Whether a match within one line could be missed when the bytes after or before the line are seen too. */
static bool sees_beyond(const char *s, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++) {
		if (s[i] == '\\') {
			if (strchr("AzZGKRXQ", s[i + 1]))
				return true;
			i++;
		} else if (s[i] == '(' && s[i + 1] == '*') {
			return true;
		} else if (s[i] == '(' && s[i + 1] == '?') {
			if (i + 2 < len && s[i + 2] != ':')
				return true;
		} else if (strchr("*+?}", s[i]) && s[i + 1] == '+') {
			return true;
		}
	}
	return false;
}

static pcre2_code *compile(const struct term *t, uint32_t options, int *number, PCRE2_SIZE *at)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (!context)
		mem_exhausted();
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, 100);
	if (t->is_caseless)
		options |= PCRE2_CASELESS;
	options |= t->kind == TERM_REGEX ? PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C : PCRE2_LITERAL;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)t->text, t->len, options, number, at, context);
	pcre2_compile_context_free(context);
	if (code)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without a JIT the interpreter does it */
	return code;
}

static bool compile_both(struct term *t, struct err *err)
{
	int number = 0;
	PCRE2_SIZE at = 0;
	t->utf = compile(t, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &number, &at);
	if (!t->utf) {
		PCRE2_UCHAR why[120];
		pcre2_get_error_message(number, why, sizeof(why));
		return err_set(err, ERR_USAGE, "/%.80s/: %s at character %zu", t->text, (char *)why,
			       (size_t)at + 1);
	}
	if (filter_is_ascii(t->text, t->len))
		t->plain = compile(t, 0, &number, &at);
	return true;
}

static void set_text(struct term *t, const char *s, size_t len)
{
	struct str folded = {0};
	t->text = mem_dup_n(s, len);
	t->len = len;
	text_fold(&folded, s, len);
	t->folded_len = folded.len;
	t->folded = str_detach(&folded);
}

static bool make_regex(struct term *t, const char *s, size_t len, struct err *err)
{
	t->kind = TERM_REGEX;
	t->is_caseless = !has_capital(s, len, true);
	t->is_by_line = sees_beyond(s, len);
	set_text(t, s, len);
	return compile_both(t, err);
}

static bool make_word(struct term *t, const char *s, size_t len, struct err *err)
{
	t->kind = TERM_WORD;
	t->is_caseless = !has_capital(s, len, false);
	set_text(t, s, len);
	return !t->is_caseless || compile_both(t, err);
}

static bool has_sign(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(SIGNS, s[i]))
			return true;
	return false;
}

/* "env:prod": a lower-case name, a colon, a value that is no "//…" of a URL. Returns the name's length, or 0.
 */
static size_t member_length(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && (islower((unsigned char)s[n]) || s[n] == '_' || s[n] == '-'))
		n++;
	return n && n + 1 < len && s[n] == ':' && s[n + 1] != '/' && s[n + 1] != ':' ? n : 0;
}

static bool make_member(struct term *t, const char *s, size_t len, size_t name_len, struct err *err)
{
	char *name = mem_dup_n(s, name_len);
	bool is_fine = make_word(t, s, len, err); /* the whole, for texts that have no such member */
	t->kind = TERM_MEMBER;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(name, aliases[i].typed) == 0) {
			free(name);
			name = mem_dup(aliases[i].member);
		}
	t->member = name;
	free(t->text);
	free(t->folded);
	set_text(t, s + name_len + 1, len - name_len - 1);
	return is_fine;
}

static bool make_term(struct term *t, const char *s, size_t len, struct err *err)
{
	size_t name = member_length(s, len);
	if (name)
		return make_member(t, s, len, name, err);
	if (has_sign(s, len)) {
		bool is_not = t->is_not;
		if (make_regex(t, s, len, NULL))
			return true;
		term_finish(t);
		t->is_not = is_not;
	}
	return make_word(t, s, len, err);
}

/* Length of what stands between s[0] (the opening sign) and its like; *next is behind it. A backslash keeps
 * the sign in a regular expression. Without a closing sign the rest of the text counts. */
static size_t delimited(const char *s, const char **next)
{
	char sign = s[0];
	size_t i = 1;
	while (s[i] && s[i] != sign) {
		if (sign == '/' && s[i] == '\\' && s[i + 1])
			i++;
		i++;
	}
	*next = s[i] ? s + i + 1 : s + i;
	return i - 1;
}

/* "/5\d\d/" but not "/healthz" or "/api/v1": an expression ends with its slash before a blank or the end. */
static bool is_expression(const char *s)
{
	const char *next;
	size_t len = s[0] == '/' ? delimited(s, &next) : 0;
	return len && next[-1] == '/' && (!*next || isspace((unsigned char)*next));
}

static bool parse_term(struct term *t, const char **at, struct err *err)
{
	const char *s = *at, *next;
	if (*s == '!' && s[1] && !isspace((unsigned char)s[1])) {
		t->is_not = true;
		s++;
	}
	if (is_expression(s)) {
		size_t len = delimited(s, &next);
		*at = next;
		return make_regex(t, s + 1, len, err);
	}
	if (*s == '"' && s[1] && s[1] != '"') {
		size_t len = delimited(s, &next);
		*at = next;
		return make_word(t, s + 1, len, err);
	}
	size_t len = 0;
	while (s[len] && !isspace((unsigned char)s[len]))
		len++;
	*at = s + len;
	return make_term(t, s, len, err);
}

bool filter_parse(struct filter *f, const char *text, struct err *err)
{
	for (const char *at = text;;) {
		while (isspace((unsigned char)*at))
			at++;
		if (!*at)
			return true;
		if (f->n_terms == FILTER_TERMS_MAX)
			return err_set(err, ERR_USAGE, "filter: more than %d words", FILTER_TERMS_MAX);
		if (!parse_term(&f->terms[f->n_terms++], &at, err))
			return false;
	}
}

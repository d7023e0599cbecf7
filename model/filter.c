/* SPDX-License-Identifier: Apache-2.0 */
#include "model/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/filter_term.h"
#include "model/log_text.h"
#include "model/record.h"
#include "model/text.h"

#define MATCH_LIMIT 100000u
#define STACK_FIRST (32 * 1024)
#define STACK_MAX (512 * 1024)

struct filter *filter_new(const char *text, struct err *err)
{
	if (strlen(text) > FILTER_BYTES_MAX) {
		err_set(err, ERR_USAGE, "filter: longer than %d bytes", FILTER_BYTES_MAX);
		return NULL;
	}
	struct filter *f = mem_alloc(sizeof(*f));
	if (!filter_parse(f, text, err)) {
		filter_free(f);
		return NULL;
	}
	f->match = pcre2_match_data_create(1, NULL);
	f->context = pcre2_match_context_create(NULL);
	f->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, NULL);
	if (!f->match || !f->context)
		mem_exhausted();
	pcre2_set_match_limit(f->context, MATCH_LIMIT);
	pcre2_set_depth_limit(f->context, MATCH_LIMIT / 10);
	pcre2_jit_stack_assign(f->context, NULL, f->stack);
	return f;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < FILTER_TERMS_MAX; i++)
		term_finish(&f->terms[i]);
	pcre2_match_data_free(f->match);
	pcre2_match_context_free(f->context);
	pcre2_jit_stack_free(f->stack);
	free(f->scratch);
	free(f);
}

bool filter_is_empty(const struct filter *f)
{
	return !f || !f->n_terms;
}

uint64_t filter_gave_up(const struct filter *f)
{
	return f ? f->gave_up : 0;
}

void filter_forget_gave_up(struct filter *f)
{
	f->gave_up = 0;
}

bool filter_is_ascii(const char *text, size_t len)
{
	uint64_t word, high = 0;
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, text + i, 8);
		high |= word;
	}
	for (; i < len; i++)
		high |= (uint64_t)(unsigned char)text[i];
	return !(high & 0x8080808080808080u);
}

bool filter_run(struct filter *f, const struct term *t, const char *text, size_t len, size_t from,
		bool is_ascii, bool *gave_up, size_t *at, size_t *end)
{
	const pcre2_code *code = is_ascii && t->plain ? t->plain : t->utf;
	int rc = pcre2_match(code, (PCRE2_SPTR)text, len, from, 0, f->match, f->context);
	*gave_up = rc < 0 && rc != PCRE2_ERROR_NOMATCH;
	if (rc < 0)
		return false;
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(f->match);
	*at = ends[0];
	*end = ends[1] < ends[0] ? ends[0] : ends[1]; /* \K in a lookahead may turn them round */
	return true;
}

bool filter_match(struct filter *f, const struct term *t, const char *text, size_t len, bool is_ascii)
{
	if (t->kind == TERM_WORD && !t->is_caseless)
		return memmem(text, len, t->text, t->len) != NULL;
	bool gave_up;
	size_t at, end;
	bool is_match = filter_run(f, t, text, len, 0, is_ascii, &gave_up, &at, &end);
	f->gave_up += gave_up;
	return is_match;
}

/* Records. */

static bool value_starts(const struct term *t, const char *value)
{
	return value && strncasecmp(value, t->text, t->len) == 0;
}

/* `env:prod`: the member's value starts with it. */
static bool member_matches(const struct term *t, const struct field *field, const void *record)
{
	const void *at = record_get(record, field);
	char number[24];
	switch (field->type) {
	case FIELD_TEXT:
		return value_starts(t, *(const char *const *)at);
	case FIELD_ENUM:
		return value_starts(t, record_value_name(field->values, *(const int *)at));
	case FIELD_BOOL:
		return value_starts(t, *(const bool *)at ? "true" : "false") ||
		       value_starts(t, *(const bool *)at ? "yes" : "no");
	case FIELD_INT:
		snprintf(number, sizeof(number), "%lld", (long long)*(const int64_t *)at);
		return strcmp(number, t->text) == 0;
	case FIELD_TEXTS: {
		const struct texts *list = at;
		for (size_t i = 0; i < list->n; i++)
			if (value_starts(t, list->items[i]))
				return true;
		return false;
	}
	default:
		return false;
	}
}

/* `team:payments` of an alert may be said by its labels as well. */
static bool pairs_match(const struct term *t, const struct record_class *class, const void *record)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		if (class->fields[i].type != FIELD_PAIRS)
			continue;
		const struct pairs *pairs = record_get(record, &class->fields[i]);
		for (size_t k = 0; k < pairs->n; k++)
			if (str_eq(pairs->items[k].key, t->member) && value_starts(t, pairs->items[k].value))
				return true;
	}
	return false;
}

static bool texts_match(struct filter *f, const struct term *t, const struct record_class *class,
			const void *record)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *field = &class->fields[i];
		if (field->type != FIELD_TEXT || !(field->flags & FIELD_SEARCH))
			continue;
		const char *text = *(const char *const *)record_get(record, field);
		if (text && filter_match(f, t, text, strlen(text), false))
			return true;
	}
	return false;
}

static const struct field *member_of(const struct term *t, const struct record_class *class)
{
	const struct field *field = record_field(class, t->member);
	/* "env:prod" of an environment, "service:checkout" of a service: their own name. */
	return !field && str_eq(t->member, class->name) ? record_field(class, "name") : field;
}

static bool record_term(struct filter *f, const struct term *t, const struct record_class *class,
			const void *record, const char *folded, size_t len)
{
	if (t->kind == TERM_MEMBER) {
		const struct field *field = member_of(t, class);
		return (field && member_matches(t, field, record)) || pairs_match(t, class, record);
	}
	if (t->kind == TERM_WORD)
		return memmem(folded, len, t->folded, t->folded_len) &&
		       (t->is_caseless || texts_match(f, t, class, record));
	return t->is_caseless ? filter_match(f, t, folded, len, false) : texts_match(f, t, class, record);
}

bool filter_record(struct filter *f, const struct record_class *class, const void *record, const char *folded,
		   size_t len)
{
	for (size_t i = 0; f && i < f->n_terms; i++)
		if (record_term(f, &f->terms[i], class, record, folded, len) == f->terms[i].is_not)
			return false;
	return true;
}

/* Lines. */

static bool line_field(const struct term *t, const char *text, size_t len)
{
	if (!memmem(text, len, t->text, t->len))
		return false;
	struct log_text parsed;
	log_text_parse(&parsed, text, len);
	for (size_t i = 0; i < parsed.n_fields; i++) {
		const struct log_field *field = &parsed.fields[i];
		if (field->name.len == strlen(t->member) &&
		    memcmp(field->name.s, t->member, field->name.len) == 0 && field->value.len >= t->len &&
		    strncasecmp(field->value.s, t->text, t->len) == 0)
			return true;
	}
	return false;
}

static bool text_member(const struct term *t, const struct filter_source *from, const char *text, size_t len)
{
	if (str_eq(t->member, "level"))
		return value_starts(t, log_level_name(log_text_level(text, len)));
	if (from && str_eq(t->member, "service"))
		return value_starts(t, from->service);
	if (from && str_eq(t->member, "environment"))
		return value_starts(t, from->environment);
	if (from && str_eq(t->member, "instance"))
		return value_starts(t, from->instance);
	return line_field(t, text, len);
}

bool filter_text_term(struct filter *f, const struct term *t, const struct filter_source *from,
		      const char *text, size_t len, bool is_ascii)
{
	return t->kind == TERM_MEMBER ? text_member(t, from, text, len)
				      : filter_match(f, t, text, len, is_ascii);
}

bool filter_text(struct filter *f, const struct filter_source *from, const char *text, size_t len)
{
	bool is_ascii = filter_is_ascii(text, len);
	for (size_t i = 0; f && i < f->n_terms; i++)
		if (filter_text_term(f, &f->terms[i], from, text, len, is_ascii) == f->terms[i].is_not)
			return false;
	return true;
}

bool filter_find(struct filter *f, const char *text, size_t len, size_t from, size_t *at, size_t *match_len)
{
	bool is_ascii = filter_is_ascii(text, len), is_found = false;
	for (size_t i = 0; f && i < f->n_terms && from <= len; i++) {
		const struct term *t = &f->terms[i];
		size_t start = 0, end = 0;
		bool gave_up, has = false;
		if (t->is_not || t->kind == TERM_MEMBER)
			continue;
		if (t->kind == TERM_WORD && !t->is_caseless) {
			const char *hit = memmem(text + from, len - from, t->text, t->len);
			has = hit != NULL;
			start = hit ? (size_t)(hit - text) : 0;
			end = start + t->len;
		} else {
			has = filter_run(f, t, text, len, from, is_ascii, &gave_up, &start, &end);
		}
		if (has && end > start && (!is_found || start < *at)) {
			is_found = true;
			*at = start;
			*match_len = end - start;
		}
	}
	return is_found;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_FILTER_TERM_H
#define MODEL_FILTER_TERM_H
/*
 * The parts of a filter: what filter_parse.c makes of the typed text and filter.c runs. Of model/filter only.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/filter.h"

enum term_kind { TERM_WORD, TERM_REGEX, TERM_MEMBER };

struct term {
	enum term_kind kind;
	bool is_not, is_caseless;
	bool is_by_line; /* a match may depend on what is beyond the line: never run over many lines at once
			  */
	char *text, *folded, *member;
	size_t len, folded_len;
	pcre2_code *plain, *utf; /* regex and caseless words; utf for bytes above 127 */
};

struct filter {
	struct term terms[FILTER_TERMS_MAX];
	size_t n_terms;
	uint64_t gave_up;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint64_t *scratch; /* a bitmap for filter_scan() */
	size_t scratch_words;
};

/* Fills f->terms from the text. */
bool filter_parse(struct filter *f, const char *text, struct err *err);
void term_finish(struct term *);

struct str;
/* One text against one term of any kind but a member. */
bool filter_match(struct filter *f, const struct term *, const char *text, size_t len, bool is_ascii);
/* Runs a code from an offset; false also when it gave up, which is counted. */
bool filter_run(struct filter *f, const struct term *, const char *text, size_t len, size_t from,
		bool is_ascii, bool *gave_up, size_t *at, size_t *end);
bool filter_text_term(struct filter *f, const struct term *, const struct filter_source *, const char *text,
		      size_t len, bool is_ascii);
bool filter_is_ascii(const char *text, size_t len);
#endif

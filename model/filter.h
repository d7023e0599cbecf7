/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H
/*
 * What a person types to narrow a list or a log. Words are all required, anywhere in the text:
 *	time out          both words            "time out"        the phrase
 *	!health           without it            env:prod          a member of that value (env, service, team,
 *level, …)
 *	/5\d\d|refused/   a regular expression  took=[5-9]\d+     the same, told by its signs * + ? [ ] ( ) {
 *} | ^ $ \ Case counts in a word that holds a capital letter. Without slashes a text that is no valid
 *expression is taken as it stands; with slashes it is an error, told in words. Expressions are PCRE2's, run
 *by its JIT with a limit of 100,000 steps a line: a line that exceeds it does not match and is counted.
 *
 * One thread at a time: a filter carries its match state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct filter;
struct record_class;

#define FILTER_TERMS_MAX 32
#define FILTER_BYTES_MAX 4096

/* NULL on a wrong expression or too long a text. An empty text makes a filter that all pass. */
struct filter *filter_new(const char *text, struct err *);
void filter_free(struct filter *);
bool filter_is_empty(const struct filter *);    /* NULL is empty */
uint64_t filter_gave_up(const struct filter *); /* lines given up since the last filter_forget_gave_up() */
void filter_forget_gave_up(struct filter *);

/* folded: records_folded(); members are looked at for `name:value` and where case counts. */
bool filter_record(struct filter *, const struct record_class *, const void *record, const char *folded,
		   size_t len);

struct filter_source { /* where a text comes from, for `service:`, `env:` and `instance:`; any may be NULL */
	const char *service, *environment, *instance;
};
/* One text, such as a log line. `level:` asks log_text_level(); another `name:value` asks the line's fields.
 */
bool filter_text(struct filter *, const struct filter_source *, const char *text, size_t len);

/*
 * Many lines at once. bytes[0..len) are lines that each end with '\n'; line i starts at starts[i].
 * Sets bit i of has (all required terms found) and of not (an excluded term found). Both bitmaps have
 * (n + 63) / 64 words and are overwritten. is_ascii: no byte above 127 in bytes.
 */
struct filter_lines {
	const char *bytes;
	size_t len;
	const uint32_t *starts;
	size_t n;
	bool is_ascii;
	const struct filter_source *(*source)(size_t line, void *arg); /* of line i */
	void *arg;
};
void filter_scan(struct filter *, const struct filter_lines *, uint64_t *has, uint64_t * not );
/* The place of the first match of a required term in text at or after from, for highlighting. */
bool filter_find(struct filter *, const char *text, size_t len, size_t from, size_t *at, size_t *match_len);
#endif

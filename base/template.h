/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H
/*
 * Templates: the semantics of mustache(5) with the delimiters <% %>, since {{ }} and ${{ }} belong to files
 * that golden paths make (Prometheus, Helm, GitHub).
 *
 *	<%name%>               the value as a whole literal of the target format: quotes included
 *	<%{name}%>  <%&name%>  the value as it is
 *	<%#x%> … <%/x%>        once if x is true, a map, a text that is not empty or a number that is not 0;
 *once for each element of a list
 *	<%^x%> … <%/x%>        once if x is false, empty or not there
 *	<%! comment %>         nothing;  <%.%> the element itself;  <%a.b%> b inside of a
 *
 * A section or comment tag alone on its line takes the line along. Other than in mustache(5) a value that is
 * not there is an error, for a path must not print half a file; partials and other delimiters are refused.
 *
 * Total: every template ends with any data. Nesting 32, output 4 MiB, 1,000,000 steps. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum template_kind { TEMPLATE_TEXT, TEMPLATE_NUMBER, TEMPLATE_BOOL, TEMPLATE_LIST, TEMPLATE_MAP };
struct template_value {
	enum template_kind kind;
	const char *key;                      /* in a map */
	const char *text;                     /* TEXT, NUMBER (decimal, trusted to be one) */
	bool truth;                           /* BOOL */
	struct template_value *first, *last, *next;
};
/* Data lives in the caller's arena; texts are copied. A key set again counts: the last one wins. */
struct template_value *template_map(struct arena *);
void template_set_text(struct arena *, struct template_value *map, const char *key, const char *text);
void template_set_number(struct arena *, struct template_value *map, const char *key, const char *decimal);
void template_set_bool(struct arena *, struct template_value *map, const char *key, bool truth);
struct template_value *template_set_list(struct arena *, struct template_value *map, const char *key);
void template_add_text(struct arena *, struct template_value *list, const char *text);
struct template_value *template_add_map(struct arena *, struct template_value *list);

enum template_format {
	TEMPLATE_PLAIN,     /* as it is */
	TEMPLATE_YAML,      /* a scalar, quoted where it must be */
	TEMPLATE_JSON,      /* "…"; also JavaScript, Go, TOML: JSON's escapes hold there */
	TEMPLATE_PYTHON,    /* "…"; True, False */
	TEMPLATE_SHELL,     /* '…'; also Makefile recipes are not: they need plain */
	TEMPLATE_MARKDOWN,  /* on one line, what would be markup behind a backslash */
};
/* By the name's end: "a/service.yaml" is YAML. Unknown ends are plain. */
enum template_format template_format_of(const char *path);
void template_escape(struct str *, const char *value, enum template_format);

/* Appends to out, which is left as it was on failure. The error reads "NAME:LINE: what". */
bool template_render(struct str *out, const char *name, const char *text, size_t len, enum template_format,
                     const struct template_value *data, struct err *);
#endif

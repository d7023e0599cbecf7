/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H
/*
 * What verbs print: tables for people, JSON for programs (fairway(1), OUTPUT). All text is masked, also into
 * pipes; JSON has every unsafe character as \uXXXX. Main thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/record.h"

struct cJSON;

/* One column of the table of a kind: the member's name and the title over it. */
struct output_column {
	const char *field, *title;
	void (*write)(const void *record, char *out); /* another text than the member's; NULL */
	bool is_rare; /* left out when no record has it */
};
#define OUTPUT_CELL 64 /* room for what write() writes */
/* Columns of a class, or NULL when its tables are not for people. */
const struct output_column *output_columns(const struct record_class *, size_t *n);

/* Prints records[0..n) as a table. now_ms: for ages. */
void output_table(const struct record_class *, const void *const *records, size_t n, bool is_coloured,
                  long long now_ms);
/* One line of text, masked, to stdout. */
void output_line(const char *text);
/* Prints and deletes. */
void output_json(struct cJSON *);
/* A Markdown document for a terminal or a pipe: masked, as it is. */
void output_text(const char *text, size_t len);
#endif

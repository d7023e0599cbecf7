/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DIFF_H
#define BASE_DIFF_H
/*
 * The difference of two texts by lines, as unified hunks: Myers, "An O(ND) Difference Algorithm", in linear
 * space. Bounded: above 50,000 lines a side, or where the texts differ too much to search, the part in
 * question is told as removed and added whole, which is right but longer. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

enum diff_kind { DIFF_CONTEXT, DIFF_ADDED, DIFF_REMOVED, DIFF_HUNK };
struct diff_line {
	enum diff_kind kind;
	bool has_newline;            /* false only for a last line without one */
	const char *text;            /* without newline; DIFF_HUNK: "@@ -1,3 +1,4 @@" */
	size_t len;
	size_t old_line, new_line;   /* from 1; 0 where the line is not */
};
struct diff {
	struct arena arena;
	struct diff_line *lines;     /* texts are borrowed from the two inputs */
	size_t n, added, removed;
};
/* context: unchanged lines around a change, usually 3. No lines at all when the texts are the same. A last
 * line with and without its newline are different lines. */
void diff_texts(struct diff *, const char *old_text, size_t old_len, const char *new_text, size_t new_len,
                size_t context);
void diff_finish(struct diff *);
/* Appends it as `diff -u` prints it, "--- " and "+++ " lines first; nothing when there is no difference. */
void diff_print(struct str *, const struct diff *, const char *old_name, const char *new_name);
#endif

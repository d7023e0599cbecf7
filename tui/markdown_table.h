/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_MARKDOWN_TABLE_H
#define TUI_MARKDOWN_TABLE_H
/* Tables of tui/markdown.c: counted before they are parsed, drawn with columns as wide as their widest cell.
 */
#include <cmark-gfm.h>
#include <stddef.h>

#include "tui/doc.h"

/* Rows x columns of everything in text that cmark-gfm could take for a table, added up. Never too low. */
size_t markdown_table_cells(const char *text, size_t len);
void markdown_table(struct doc *, cmark_node *table, int indent);
#endif

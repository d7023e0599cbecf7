/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/markdown_table.h"

#include <cmark-gfm-core-extensions.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define COLUMNS_MAX 64   /* more are not drawn */
#define CELL_WIDTH_MAX 60

struct line {
	const char *s;
	size_t len;
};

static struct line next_line(const char **text, size_t *len)
{
	struct line line = {.s = *text};
	while (line.len < *len && line.s[line.len] != '\n' && line.s[line.len] != '\r')
		line.len++;
	size_t taken = line.len + (line.len < *len);
	if (taken < *len && line.s[taken - 1] == '\r' && line.s[taken] == '\n')
		taken++; /* one end: the empty line between would end the table for us alone */
	*text += taken;
	*len -= taken;
	return line;
}

/* Only marks of containers: what ends a table. */
static bool is_blank(const struct line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (!memchr(" \t>", line->s[i], 3))
			return false;
	return true;
}

/* Columns of a line that can be the one under a table's head, behind marks of quotes and lists; 0 when it
 * cannot. */
static size_t delimiter_columns(const struct line *line)
{
	size_t pipes = 0, dashes = 0;
	for (size_t i = 0; i < line->len; i++) {
		char c = line->s[i];
		if (c == '\0' || !strchr("|:- \t\v\f>+*.)0123456789", c))
			return 0;
		pipes += c == '|';
		dashes += c == '-';
	}
	return dashes > 0 ? pipes + 1 : 0;
}

size_t markdown_table_cells(const char *text, size_t len)
{
	size_t total = 0, columns = 0;
	while (len > 0) {
		struct line line = next_line(&text, &len);
		size_t here = delimiter_columns(&line);
		if (is_blank(&line))
			columns = 0;
		else if (here > columns)
			columns = here;
		/* A single column costs no more than its lines do. */
		total += columns > 1 ? columns : 0;
	}
	return total;
}

static void add_text(struct str *out, cmark_node *cell)
{
	cmark_iter *iter = cmark_iter_new(cell);
	cmark_event_type event;
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		const char *text = event == CMARK_EVENT_ENTER ? cmark_node_get_literal(node) : NULL;
		str_add(out, text);
		if (event == CMARK_EVENT_EXIT && cmark_node_get_type(node) == CMARK_NODE_LINK)
			str_addf(out, " (%s)", cmark_node_get_url(node));
	}
	cmark_iter_free(iter);
}

static size_t column_widths(cmark_node *table, size_t widths[COLUMNS_MAX])
{
	size_t n = 0;
	for (cmark_node *row = cmark_node_first_child(table); row; row = cmark_node_next(row)) {
		size_t column = 0;
		for (cmark_node *cell = cmark_node_first_child(row); cell && column < COLUMNS_MAX;
		     cell = cmark_node_next(cell), column++) {
			struct str text = {0};
			add_text(&text, cell);
			size_t width = utf8_width(str_text(&text), text.len);
			width = width < CELL_WIDTH_MAX ? width : CELL_WIDTH_MAX;
			widths[column] = width > widths[column] ? width : widths[column];
			str_finish(&text);
		}
		n = column > n ? column : n;
	}
	return n;
}

static void add_row(struct doc *doc, cmark_node *row, const size_t *widths, const uint8_t *alignments,
		    size_t n, enum style style)
{
	size_t column = 0;
	for (cmark_node *cell = cmark_node_first_child(row); cell && column < n;
	     cell = cmark_node_next(cell), column++) {
		struct str text = {0}, fitted = {0};
		add_text(&text, cell);
		utf8_fit(&fitted, str_text(&text), widths[column],
			 alignments && alignments[column] == 'r' ? UTF8_RIGHT : UTF8_LEFT);
		doc_add(doc, STYLE_BORDER, column ? " │ " : "");
		doc_add(doc, style, str_text(&fitted));
		str_finish(&text);
		str_finish(&fitted);
	}
}

static void add_rule(struct doc *doc, const size_t *widths, size_t n)
{
	for (size_t column = 0; column < n; column++) {
		doc_add(doc, STYLE_BORDER, column ? "─┼─" : "");
		for (size_t i = 0; i < widths[column]; i++)
			doc_add(doc, STYLE_BORDER, "─");
	}
}

static void begin(struct doc *doc, int indent)
{
	doc_preformatted(doc, false);
	for (int i = 0; i < indent; i++)
		doc_add(doc, STYLE_TEXT, " ");
}

void markdown_table(struct doc *doc, cmark_node *table, int indent)
{
	size_t widths[COLUMNS_MAX] = {0}, n = column_widths(table, widths);
	const uint8_t *alignments = cmark_gfm_extensions_get_table_alignments(table);
	bool is_head = true;
	for (cmark_node *row = cmark_node_first_child(table); row; row = cmark_node_next(row)) {
		begin(doc, indent);
		add_row(doc, row, widths, alignments, n, is_head ? STYLE_HEADER : STYLE_TEXT);
		doc_newline(doc);
		if (!is_head)
			continue;
		begin(doc, indent);
		add_rule(doc, widths, n);
		doc_newline(doc);
		is_head = false;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/markdown_table.h"

#define DEPTH_MAX 32 /* lists in lists: deeper ones are shown at this depth */
#define STYLES_MAX 32
#define RULE_COLUMNS 40
#define BULLET "• "

struct list_level {
	int number; /* of the next item; -1: bullets */
	bool is_tight;
};
struct render {
	struct doc *doc;
	void (*on_block)(const struct markdown_block *, void *arg);
	void *arg;
	int quotes, n_blocks;
	struct list_level lists[DEPTH_MAX];
	int depth, indent; /* columns that items have indented by */
	int indents[DEPTH_MAX];
	char bullet[24];   /* in front of the next line; "" */
	enum style styles[STYLES_MAX]; /* of the inlines that are open */
	int n_styles;
	bool wants_blank;
};

/* cmark's own allocator aborts when memory runs out. */
static void *grow(void *old, size_t size)
{
	return mem_grow(old, size, 1);
}

static cmark_mem memory(void)
{
	return (cmark_mem){mem_array, grow, free};
}

/* The extensions' node types have no header of their own. */
static bool is_called(cmark_node *node, const char *type)
{
	return strcmp(cmark_node_get_type_string(node), type) == 0;
}

static enum style style_now(const struct render *r)
{
	int n = r->n_styles < STYLES_MAX ? r->n_styles : STYLES_MAX;
	return n > 0 ? r->styles[n - 1] : STYLE_TEXT;
}

/* The innermost list that is kept; only inside of one. */
static struct list_level *list_now(struct render *r)
{
	return &r->lists[(r->depth < DEPTH_MAX ? r->depth : DEPTH_MAX) - 1];
}

static void push_style(struct render *r, enum style style)
{
	if (r->n_styles < STYLES_MAX)
		r->styles[r->n_styles] = style;
	r->n_styles++;
}

static void pop_style(struct render *r)
{
	r->n_styles--;
}

static void add(struct render *r, const char *text)
{
	doc_add(r->doc, style_now(r), text);
}

static void add_bars(struct render *r)
{
	for (int i = 0; i < r->quotes && i < DEPTH_MAX; i++)
		doc_add(r->doc, STYLE_QUOTE, "│ ");
}

/* A blank line before a block that wants one, but not at the start or between a bullet and its text. */
static void space_out(struct render *r)
{
	if (r->wants_blank && r->doc->n_lines > 0 && !r->bullet[0]) {
		add_bars(r);
		doc_newline(r->doc);
	}
	r->wants_blank = false;
}

/* Bars of quotes, indentation, the bullet of an item that starts. */
static void begin_line(struct render *r)
{
	int bullet = (int)utf8_width(r->bullet, strlen(r->bullet));
	doc_hang(r->doc, 2 * r->quotes + r->indent);
	add_bars(r);
	for (int i = bullet; i < r->indent; i++)
		doc_add(r->doc, STYLE_TEXT, " ");
	doc_add(r->doc, STYLE_KEY, r->bullet);
	r->bullet[0] = '\0';
}

static void begin_block(struct render *r)
{
	space_out(r);
	begin_line(r);
}

static void end_block(struct render *r)
{
	doc_newline(r->doc);
	r->wants_blank = r->depth == 0 || !list_now(r)->is_tight;
}

static void rule(struct render *r, enum style style, int columns)
{
	for (int i = 0; i < columns; i++)
		doc_add(r->doc, style, "─");
}

static void on_heading(struct render *r, cmark_node *node, bool is_enter)
{
	int level = cmark_node_get_heading_level(node);
	if (is_enter) {
		begin_block(r);
		push_style(r, level <= 2 ? STYLE_HEADING : STYLE_STRONG);
		return;
	}
	pop_style(r);
	size_t len, width;
	const char *text = doc_text(r->doc, r->doc->n_lines - 1, &len);
	utf8_clip(text, len, RULE_COLUMNS * 2, &width);
	end_block(r);
	if (level == 1) {
		rule(r, STYLE_HEADING, (int)width);
		doc_newline(r->doc);
	}
	r->wants_blank = true;
}

static void code_line(struct render *r, enum style style, const char *text, size_t len, int tag)
{
	begin_line(r);
	doc_preformatted(r->doc, false);
	doc_tag(r->doc, tag);
	doc_add(r->doc, STYLE_TEXT, "  ");
	doc_add_n(r->doc, style, text, len);
	doc_newline(r->doc);
}

static void on_code_block(struct render *r, cmark_node *node)
{
	const char *code = cmark_node_get_literal(node), *info = cmark_node_get_fence_info(node);
	int fence_length, fence_offset;
	char fence;
	bool is_fenced = cmark_node_get_fenced(node, &fence_length, &fence_offset, &fence);
	int number = is_fenced ? ++r->n_blocks : 0;
	space_out(r);
	if (is_fenced && r->on_block)
		r->on_block(&(struct markdown_block){.info = info ? info : "",
						     .code = code,
						     .len = strlen(code),
						     .number = number},
			    r->arg);
	if (!str_empty(info))
		code_line(r, STYLE_DIM, info, strlen(info), number);
	while (*code) {
		size_t len = strcspn(code, "\n");
		code_line(r, STYLE_CODE, code, len, number);
		code += len + (code[len] == '\n');
	}
	r->wants_blank = true;
}

static void on_html_block(struct render *r, cmark_node *node)
{
	const char *html = cmark_node_get_literal(node);
	space_out(r);
	while (*html) {
		size_t len = strcspn(html, "\n");
		code_line(r, STYLE_DIM, html, len, 0);
		html += len + (html[len] == '\n');
	}
	r->wants_blank = true;
}

static void on_list(struct render *r, cmark_node *node, bool is_enter)
{
	if (!is_enter) {
		r->depth--;
		r->wants_blank = r->depth == 0 || r->wants_blank;
		return;
	}
	bool is_ordered = cmark_node_get_list_type(node) == CMARK_ORDERED_LIST;
	if (r->depth < DEPTH_MAX)
		r->lists[r->depth] =
			(struct list_level){.number = is_ordered ? cmark_node_get_list_start(node) : -1,
					    .is_tight = cmark_node_get_list_tight(node)};
	r->depth++;
}

static void on_item(struct render *r, cmark_node *node, bool is_enter)
{
	struct list_level *list = list_now(r);
	int level = (int)(list - r->lists);
	if (!is_enter) {
		/* An item without a line of its own still has its bullet. */
		if (r->bullet[0]) {
			begin_line(r);
			doc_newline(r->doc);
		}
		r->indent = r->indents[level];
		return;
	}
	space_out(r);
	if (is_called(node, "tasklist"))
		str_copy(r->bullet, sizeof(r->bullet),
		         cmark_gfm_extensions_get_tasklist_item_checked(node) ? "[x] " : "[ ] ");
	else if (list->number >= 0)
		snprintf(r->bullet, sizeof(r->bullet), "%d. ", list->number++);
	else
		str_copy(r->bullet, sizeof(r->bullet), BULLET);
	r->indents[level] = r->indent;
	if (r->depth <= DEPTH_MAX)
		r->indent += (int)utf8_width(r->bullet, strlen(r->bullet));
}

static void on_link(struct render *r, cmark_node *node, bool is_enter)
{
	if (is_enter) {
		push_style(r, STYLE_LINK);
		return;
	}
	pop_style(r);
	const char *url = cmark_node_get_url(node);
	cmark_node *child = cmark_node_first_child(node);
	const char *text = child && !cmark_node_next(child) ? cmark_node_get_literal(child) : NULL;
	/* <https://…> says its address already. */
	if (!str_empty(url) && (!text || strcmp(text, url) != 0)) {
		doc_add(r->doc, STYLE_DIM, " (");
		doc_add(r->doc, STYLE_DIM, url);
		doc_add(r->doc, STYLE_DIM, ")");
	}
}

static void on_image(struct render *r, cmark_node *node, bool is_enter)
{
	doc_add(r->doc, STYLE_DIM, is_enter ? "[image: " : "] (");
	if (is_enter)
		return;
	doc_add(r->doc, STYLE_DIM, cmark_node_get_url(node));
	doc_add(r->doc, STYLE_DIM, ")");
}

static void on_quote(struct render *r, bool is_enter)
{
	if (is_enter)
		space_out(r);
	r->wants_blank = !is_enter;
	r->quotes += is_enter ? 1 : -1;
}

static void on_break(struct render *r)
{
	begin_block(r);
	rule(r, STYLE_BORDER, RULE_COLUMNS);
	end_block(r);
}

static void on_styled(struct render *r, enum style style, bool is_enter)
{
	if (is_enter)
		push_style(r, style);
	else
		pop_style(r);
}

static void on_inline(struct render *r, cmark_node *node, cmark_node_type type, bool is_enter)
{
	if (type == CMARK_NODE_TEXT)
		add(r, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_SOFTBREAK)
		add(r, " ");
	else if (type == CMARK_NODE_CODE)
		doc_add(r->doc, STYLE_CODE, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_HTML_INLINE)
		doc_add(r->doc, STYLE_DIM, cmark_node_get_literal(node));
	else if (type == CMARK_NODE_STRONG || type == CMARK_NODE_EMPH)
		on_styled(r, STYLE_STRONG, is_enter);
	else if (is_called(node, "strikethrough"))
		on_styled(r, STYLE_DIM, is_enter);
	else if (type == CMARK_NODE_LINK)
		on_link(r, node, is_enter);
	else if (type == CMARK_NODE_IMAGE)
		on_image(r, node, is_enter);
	if (type == CMARK_NODE_LINEBREAK) {
		doc_newline(r->doc);
		begin_line(r);
	}
}

static void on_table(struct render *r, cmark_node *node)
{
	space_out(r);
	if (r->bullet[0]) {
		begin_line(r);
		doc_newline(r->doc);
	}
	markdown_table(r->doc, node, 2 * r->quotes + r->indent);
	r->wants_blank = true;
}

static void on_node(struct render *r, cmark_node *node, bool is_enter)
{
	cmark_node_type type = cmark_node_get_type(node);
	if (type == CMARK_NODE_PARAGRAPH)
		(is_enter ? begin_block : end_block)(r);
	else if (type == CMARK_NODE_HEADING)
		on_heading(r, node, is_enter);
	else if (type == CMARK_NODE_CODE_BLOCK)
		on_code_block(r, node);
	else if (type == CMARK_NODE_HTML_BLOCK)
		on_html_block(r, node);
	else if (type == CMARK_NODE_THEMATIC_BREAK)
		on_break(r);
	else if (type == CMARK_NODE_BLOCK_QUOTE)
		on_quote(r, is_enter);
	else if (type == CMARK_NODE_LIST)
		on_list(r, node, is_enter);
	else if (type == CMARK_NODE_ITEM)
		on_item(r, node, is_enter);
	else
		on_inline(r, node, type, is_enter);
}

static void walk(struct render *r, cmark_node *root)
{
	cmark_iter *iter = cmark_iter_new(root);
	cmark_event_type event;
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		if (!is_called(node, "table")) {
			on_node(r, node, event == CMARK_EVENT_ENTER);
		} else if (event == CMARK_EVENT_ENTER) {
			on_table(r, node);
			cmark_iter_reset(iter, node, CMARK_EVENT_EXIT);
		}
	}
	cmark_iter_free(iter);
}

bool markdown_render(struct doc *doc, const char *text, size_t len,
                     void (*on_block)(const struct markdown_block *, void *arg), void *arg, struct err *err)
{
	static const char *const extensions[] = {"table", "strikethrough", "tasklist"};
	if (len > MARKDOWN_BYTES_MAX)
		return err_set(err, ERR_REFUSED, "the text has more than %d KiB: shown as it is",
			       MARKDOWN_BYTES_MAX / 1024);
	if (markdown_table_cells(text, len) > MARKDOWN_CELLS_MAX)
		return err_set(err, ERR_REFUSED, "its tables have more than %d cells: shown as it is",
			       MARKDOWN_CELLS_MAX);
	cmark_gfm_core_extensions_ensure_registered();
	cmark_mem mem = memory();
	cmark_parser *parser = cmark_parser_new_with_mem(CMARK_OPT_DEFAULT, &mem);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++)
		cmark_parser_attach_syntax_extension(parser, cmark_find_syntax_extension(extensions[i]));
	cmark_parser_feed(parser, text, len);
	cmark_node *root = cmark_parser_finish(parser);
	struct render r = {.doc = doc, .on_block = on_block, .arg = arg};
	walk(&r, root);
	cmark_node_free(root);
	cmark_parser_free(parser);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/doc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define TAB 8

void doc_finish(struct doc *doc)
{
	str_finish(&doc->text);
	free(doc->spans);
	free(doc->lines);
	*doc = (struct doc){0};
}

void doc_reset(struct doc *doc)
{
	str_reset(&doc->text);
	doc->n_spans = doc->n_lines = 0;
	doc->is_open = false;
}

static struct doc_line *open_line(struct doc *doc)
{
	if (doc->is_open)
		return &doc->lines[doc->n_lines - 1];
	if (doc->n_lines == doc->cap_lines) {
		doc->cap_lines = doc->cap_lines ? doc->cap_lines * 2 : 64;
		doc->lines = mem_grow(doc->lines, doc->cap_lines, sizeof(*doc->lines));
	}
	struct doc_line *line = &doc->lines[doc->n_lines++];
	*line = (struct doc_line){.span = (uint32_t)doc->n_spans, .at = (uint32_t)doc->text.len};
	doc->is_open = true;
	return line;
}

static void add_span(struct doc *doc, enum style style, const char *utf8, size_t len)
{
	struct doc_line *line = open_line(doc);
	struct doc_span *last = line->n_spans ? &doc->spans[doc->n_spans - 1] : NULL;
	if (!last || last->style != (uint32_t)style) {
		if (doc->n_spans == doc->cap_spans) {
			doc->cap_spans = doc->cap_spans ? doc->cap_spans * 2 : 128;
			doc->spans = mem_grow(doc->spans, doc->cap_spans, sizeof(*doc->spans));
		}
		last = &doc->spans[doc->n_spans++];
		*last = (struct doc_span){.at = (uint32_t)doc->text.len, .style = (uint32_t)style};
		line->n_spans++;
	}
	str_addn(&doc->text, utf8, len);
	last->len += (uint32_t)len;
	line->len += (uint32_t)len;
}

static void add_tab(struct doc *doc, enum style style)
{
	const struct doc_line *line = open_line(doc);
	size_t column = utf8_width(str_text(&doc->text) + line->at, line->len);
	add_span(doc, style, "        ", TAB - column % TAB);
}

void doc_add_n(struct doc *doc, enum style style, const char *utf8, size_t len)
{
	while (len > 0) {
		size_t n = 0;
		while (n < len && utf8[n] != '\n' && utf8[n] != '\t')
			n++;
		if (n > 0)
			add_span(doc, style, utf8, n);
		if (n < len && utf8[n] == '\n')
			doc_newline(doc);
		else if (n < len)
			add_tab(doc, style);
		n += n < len;
		utf8 += n;
		len -= n;
	}
}

void doc_add(struct doc *doc, enum style style, const char *utf8)
{
	if (utf8)
		doc_add_n(doc, style, utf8, strlen(utf8));
}

static void add_formatted(struct doc *doc, enum style style, const char *fmt, va_list ap)
{
	struct str text = {0};
	str_vaddf(&text, fmt, ap);
	doc_add_n(doc, style, str_text(&text), text.len);
	str_finish(&text);
}

void doc_addf(struct doc *doc, enum style style, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_formatted(doc, style, fmt, ap);
	va_end(ap);
}

void doc_newline(struct doc *doc)
{
	open_line(doc);
	doc->is_open = false;
}

void doc_line(struct doc *doc, enum style style, const char *utf8)
{
	doc_add(doc, style, utf8);
	doc_newline(doc);
}

void doc_linef(struct doc *doc, enum style style, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_formatted(doc, style, fmt, ap);
	va_end(ap);
	doc_newline(doc);
}

void doc_hang(struct doc *doc, int columns)
{
	open_line(doc)->hang = (uint16_t)(columns > 0 ? columns : 0);
}

void doc_preformatted(struct doc *doc, bool is_filled)
{
	struct doc_line *line = open_line(doc);
	line->is_preformatted = true;
	line->is_filled = is_filled;
}

void doc_tag(struct doc *doc, int tag)
{
	open_line(doc)->tag = tag;
}

static const struct {
	const char *start;
	enum style style;
} diff_styles[] = {
	/* the first that fits */
	{"+++", STYLE_STRONG}, {"---", STYLE_STRONG},   {"@@", STYLE_HUNK}, {"+", STYLE_ADDED},
	{"-", STYLE_REMOVED},  {"diff ", STYLE_STRONG}, {"", STYLE_TEXT},
};

void doc_diff(struct doc *doc, const char *diff)
{
	while (*diff) {
		size_t len = strcspn(diff, "\n"), i = 0;
		while (strncmp(diff, diff_styles[i].start, strlen(diff_styles[i].start)) != 0)
			i++;
		doc_preformatted(doc, false);
		doc_add_n(doc, diff_styles[i].style, diff, len);
		doc_newline(doc);
		diff += len + (diff[len] == '\n');
	}
}

const char *doc_text(const struct doc *doc, size_t line, size_t *len)
{
	*len = doc->lines[line].len;
	return str_text(&doc->text) + doc->lines[line].at;
}

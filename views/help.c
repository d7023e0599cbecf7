/* SPDX-License-Identifier: Apache-2.0 */
/* Help: the keys and commands of the screen below, then those that work everywhere; out of the rows. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tui/keymap.h"
#include "views/reader.h"

struct help {
	struct reader reader;
};

static void add_row(struct help *h, const struct view *v, const struct command *c)
{
	char keys[96], line[200];
	keymap_keys_all(app_keymap(h->reader.view.app), app_layers(h->reader.view.app, v), c->name, keys,
			sizeof(keys));
	if (!keys[0] && c->flags & COMMAND_HIDDEN)
		return;
	snprintf(line, sizeof(line), "  %-12s", keys);
	doc_hang(&h->reader.doc, 34);
	doc_add(&h->reader.doc, STYLE_KEY, line);
	doc_addf(&h->reader.doc, STYLE_STRONG, " %-18s ", c->name);
	const char *denied = app_denied(h->reader.view.app, c->name);
	doc_add(&h->reader.doc, denied ? STYLE_DIM : STYLE_TEXT, c->help);
	if (denied)
		doc_addf(&h->reader.doc, STYLE_WARNING, ": %s", denied);
	doc_newline(&h->reader.doc);
}

static bool has_row(const struct command *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].name, name))
			return true;
	return false;
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct help *h = (struct help *)v;
	struct view *below = app_below(v->app, v);
	size_t n, own = below ? below->class->n_commands : 0;
	const struct command *rows = command_rows(NULL, &n);
	(void)arg, (void)err;
	if (below) {
		doc_line(&h->reader.doc, STYLE_HEADING, below->class->title);
		doc_linef(&h->reader.doc, STYLE_DIM, "%s.", below->class->help);
		doc_newline(&h->reader.doc);
		for (size_t i = 0; i < own; i++)
			add_row(h, below, &below->class->commands[i]);
		doc_newline(&h->reader.doc);
	}
	doc_line(&h->reader.doc, STYLE_HEADING, "Everywhere");
	for (size_t i = 0; i < n; i++)
		if (!below || !has_row(below->class->commands, own, rows[i].name))
			add_row(h, below, &rows[i]);
	doc_newline(&h->reader.doc);
	doc_line(&h->reader.doc, STYLE_HEADING, "Signs");
	doc_line(&h->reader.doc, STYLE_TEXT,
		 "  ✖ failing   ? unknown   ! degraded   ● ok   ◌ stopped   ▲ drift   ⚿ protected or locked");
	str_addn(&h->reader.source, str_text(&h->reader.doc.text), h->reader.doc.text.len);
	reader_init(&h->reader);
	return true;
}

static void draw(struct view *v, const struct canvas *body)
{
	reader_draw((struct reader *)v, body, "Help", NULL);
}

static const struct command commands[] = {READER_COMMANDS};
static const char *const layers[] = {"help", "pager", NULL};
static const char *const footer[] = {"back", "search", "search-next", NULL};
const struct view_class view_help = {
	.name = "help",
	.title = "Help",
	.help = "The keys and commands of the screen below",
	.size = sizeof(struct help),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.open = open_view,
	.draw = draw,
	READER_VIEW,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runbook, as Markdown. arg: "" for the target, "SERVICE", or "SERVICE NAME". Read only: no key here
 * writes.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model/records.h"
#include "tui/markdown.h"
#include "views/reader.h"

struct runbook_view {
	struct reader reader;
	char service[80], name[256];
	bool is_done;
};

/* The runbook of the alert that fires there, when there is one: that is what a person at night wants. */
static void choose(struct runbook_view *r)
{
	struct app *app = r->reader.view.app;
	struct records *alerts = app_records(app, RECORD_ALERT);
	for (record_handle h = records_next(alerts, RECORDS_NO_ROW); h; h = records_next(alerts, h)) {
		const struct alert *a = records_row(alerts, h);
		bool is_here = str_eq(a->service, r->service) &&
			       (!app_env(app)[0] || str_eq(a->environment, app_env(app)));
		if (is_here && a->phase == ALERT_FIRING && !str_empty(a->runbook))
			str_copy(r->name, sizeof(r->name), a->runbook);
	}
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct runbook_view *r = (struct runbook_view *)v;
	sscanf(arg, "%79s %255s", r->service, r->name);
	if (!r->service[0])
		str_copy(r->service, sizeof(r->service), app_service(v->app));
	if (!r->service[0])
		return err_set(err, ERR_USAGE, "choose a service first");
	if (!r->name[0])
		choose(r);
	reader_init(&r->reader);
	doc_line(&r->reader.doc, STYLE_DIM, "asking…");
	app_send(v->app, v,
		 request_document(DOCUMENT_RUNBOOK, r->service, r->name[0] ? r->name : NULL, false));
	return true;
}

static void render(struct runbook_view *r, const struct err *failed)
{
	struct doc *doc = &r->reader.doc;
	struct err err = {0};
	doc_reset(doc);
	if (failed->kind != ERR_NONE) {
		doc_line(doc, STYLE_ERROR, failed->text);
	} else if (!markdown_render(doc, str_text(&r->reader.source), r->reader.source.len, NULL, NULL,
				    &err)) {
		doc_line(doc, STYLE_WARNING, err.text);
		doc_add_n(doc, STYLE_TEXT, str_text(&r->reader.source), r->reader.source.len);
		doc_newline(doc);
	}
	reader_refilled(&r->reader);
}

static void message(struct view *v, const struct message *m)
{
	struct runbook_view *r = (struct runbook_view *)v;
	if (m->kind == MESSAGE_DOCUMENT)
		str_addn(&r->reader.source, m->document.text, m->document.len);
	else if (m->kind == MESSAGE_DONE)
		render(r, &m->err);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct runbook_view *r = (struct runbook_view *)v;
	char title[400];
	snprintf(title, sizeof(title), "Runbook %s %s", r->service, r->name);
	reader_draw(&r->reader, body, title, NULL);
}

static const struct command commands[] = {READER_COMMANDS};
static const char *const layers[] = {"runbook", "pager", NULL};
static const char *const footer[] = {"back", "search", "logs", "copy", NULL};
const struct view_class view_runbook = {
	.name = "runbook",
	.title = "Runbook",
	.help = "What to do, written by the owner of the service",
	.size = sizeof(struct runbook_view),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.open = open_view,
	.message = message,
	.draw = draw,
	READER_VIEW,
};

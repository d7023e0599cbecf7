/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of the platform: a service.yaml ("spec NAME"), a deploy with its steps and build log ("deploy ID").
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "views/reader.h"
#include "views/words.h"

struct document_view {
	struct reader reader;
	char what[16], name[96];
	size_t head; /* lines of the doc above the text */
	bool is_done;
	uint64_t request;
};

/* The facts of a deploy; they change while it runs, so the whole doc is made again. */
static void add_deploy(struct document_view *d)
{
	struct doc *doc = &d->reader.doc;
	const struct deploy *deploy = app_find(d->reader.view.app, RECORD_DEPLOY, d->name);
	char text[CLOCK_TEXT], at[32], room[WORDS_OWN];
	if (!deploy)
		return;
	words_time(deploy->started_at, at, sizeof(at));
	doc_linef(doc, STYLE_HEADING, "%s %s%s%s in %s", deploy->service ? deploy->service : "?",
		  deploy->from ? deploy->from : "", deploy->from ? " → " : "", deploy->to ? deploy->to : "",
		  deploy->environment ? deploy->environment : "?");
	doc_linef(doc, words_deploy_style(deploy->state), "%s %s", words_deploy_sign(deploy->state),
		  record_value_name(deploy_state_names, deploy->state));
	doc_linef(doc, STYLE_TEXT, "by %s at %s%s%s", words_who(deploy->by), at, deploy->reason ? ": " : "",
		  deploy->reason ? deploy->reason : "");
	if (deploy->detail)
		doc_line(doc, deploy->state == DEPLOY_SUCCEEDED ? STYLE_TEXT : STYLE_ERROR,
			 words_own(deploy->detail, words_me(), room));
	const struct step *steps = deploy->steps.items;
	for (size_t i = 0; i < deploy->steps.n; i++) {
		const struct step *s = &steps[i];
		text[0] = '\0';
		if (s->started_at)
			clock_span((s->ended_at ? s->ended_at : app_now(d->reader.view.app)) - s->started_at,
				   text);
		doc_addf(doc, words_step_style(s->state), "  %s %-10s %8s  ", words_step_sign(s->state),
			 s->name, text);
		doc_add(doc, STYLE_DIM, words_own(s->detail, words_me(), room));
		doc_newline(doc);
	}
	for (size_t i = 0; i < deploy->commits.n; i++)
		doc_linef(doc, STYLE_DIM, "  commit %s", deploy->commits.items[i]);
	doc_newline(doc);
	doc_line(doc, STYLE_HEADING, "Build log");
}

static void fill(struct document_view *d)
{
	struct doc *doc = &d->reader.doc;
	doc_reset(doc);
	if (str_eq(d->what, "deploy"))
		add_deploy(d);
	const char *text = str_text(&d->reader.source), *end = text + d->reader.source.len;
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		doc_add_n(doc, STYLE_TEXT, text, (size_t)((eol ? eol : end) - text));
		doc_newline(doc);
		text = eol ? eol + 1 : end;
	}
	if (!d->reader.source.len)
		doc_line(doc, STYLE_DIM, d->is_done ? "(empty)" : "asking…");
	reader_refilled(&d->reader);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct document_view *d = (struct document_view *)v;
	if (sscanf(arg, "%15s %95s", d->what, d->name) != 2)
		return err_set(err, ERR_USAGE, "document: \"%s\" is not \"spec NAME\" or \"deploy ID\"", arg);
	bool is_deploy = str_eq(d->what, "deploy");
	reader_init(&d->reader);
	fill(d);
	d->request = app_send(v->app, v,
			      is_deploy ? request_document(DOCUMENT_BUILD_LOG, NULL, d->name, true)
					: request_document(DOCUMENT_SPEC, d->name, NULL, false));
	return true;
}

static void message(struct view *v, const struct message *m)
{
	struct document_view *d = (struct document_view *)v;
	if (m->kind == MESSAGE_DOCUMENT) {
		str_addn(&d->reader.source, m->document.text, m->document.len);
	} else if (m->kind == MESSAGE_DONE) {
		d->is_done = true;
		if (m->err.kind != ERR_NONE)
			app_fail(v->app, &m->err);
	}
	fill(d);
}

static void changed(struct view *v, uint32_t kinds)
{
	(void)kinds;
	if (str_eq(((struct document_view *)v)->what, "deploy"))
		fill((struct document_view *)v);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct document_view *d = (struct document_view *)v;
	char title[128];
	snprintf(title, sizeof(title), "%s %s", d->what, d->name);
	reader_draw(&d->reader, body, title, NULL);
}

static const struct command commands[] = {READER_COMMANDS};
static const char *const layers[] = {"document", "pager", NULL};
static const char *const footer[] = {"back", "search", "copy", NULL};
const struct view_class view_document = {
	.name = "document",
	.title = "Document",
	.help = "A service.yaml, or a deploy with its steps and build log",
	.size = sizeof(struct document_view),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_DEPLOY,
	.open = open_view,
	.message = message,
	.changed = changed,
	.draw = draw,
	READER_VIEW,
};

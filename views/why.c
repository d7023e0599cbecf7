/* SPDX-License-Identifier: Apache-2.0 */
/* Why the target is red or cannot be deployed: the checks made, and a sentence for the first that fails. */
#include <stdio.h>

#include "base/str.h"
#include "model/gather.h"
#include "views/app.h"
#include "views/reader.h"
#include "views/words.h"

struct why_view {
	struct reader reader;
	char service[80], environment[80];
};

static void fill(struct why_view *w)
{
	struct app *app = w->reader.view.app;
	struct doc *doc = &w->reader.doc;
	struct arena arena = {0};
	struct why_facts facts;
	struct why why;
	gather_why(app_tables(app), w->service, w->environment, app_now(app), words_me(), &arena, &facts);
	why_explain(&facts, &why);
	doc_reset(doc);
	doc_hang(doc, 2);
	doc_addf(doc, why.is_fine ? STYLE_OK : STYLE_STRONG, "%s", why.answer);
	doc_newline(doc);
	doc_newline(doc);
	for (size_t i = 0; i < why.n; i++) {
		const struct step *c = &why.checks[i];
		doc_hang(doc, 28);
		doc_addf(doc, words_step_style(c->state), "  %s %-24s", words_step_sign(c->state), c->name);
		doc_add(doc, c->state == STEP_FAILED ? STYLE_TEXT : STYLE_DIM, c->detail);
		doc_newline(doc);
	}
	str_reset(&w->reader.source);
	str_add(&w->reader.source, why.answer);
	why_finish(&why);
	arena_finish(&arena);
	reader_refilled(&w->reader);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct why_view *w = (struct why_view *)v;
	(void)arg, (void)err;
	str_copy(w->service, sizeof(w->service), app_service(v->app));
	str_copy(w->environment, sizeof(w->environment), app_env(v->app));
	reader_init(&w->reader);
	fill(w);
	return true;
}

static void changed(struct view *v, uint32_t kinds)
{
	(void)kinds;
	fill((struct why_view *)v);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct why_view *w = (struct why_view *)v;
	char title[200], age[64];
	enum style style;
	snprintf(title, sizeof(title), "Why %s in %s", w->service, w->environment);
	app_freshness(v->app, age, sizeof(age), &style);
	reader_draw(&w->reader, body, title, age[0] ? age : NULL);
}

static const struct command commands[] = {READER_COMMANDS};
static const char *const layers[] = {"why", "pager", NULL};
static const char *const footer[] = {"back", "copy", "search", NULL};
const struct view_class view_why = {
	.name = "why",
	.title = "Why",
	.help = "The checks made for the target, and the first that fails",
	.size = sizeof(struct why_view),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_PLACEMENT | 1u << RECORD_INSTANCE | 1u << RECORD_DEPLOY | 1u << RECORD_ALERT |
		 1u << RECORD_LOCK | 1u << RECORD_EVENT | 1u << RECORD_ENVIRONMENT | 1u << RECORD_SOURCE,
	.open = open_view,
	.changed = changed,
	.draw = draw,
	READER_VIEW,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Which version to deploy to the target: what lies in the folder now, or a release that is kept. */
#include <stdio.h>
#include <string.h>

#include "backend/config.h"
#include "base/clock.h"
#include "base/str.h"
#include "views/pane.h"
#include "views/words.h"

struct deploy_view {
	struct pane_view list;
	char service[80], environment[80];
};

static bool wants(const void *row, void *arg)
{
	return str_eq(((const struct release *)row)->service, ((struct deploy_view *)arg)->service);
}

static int compare(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct release *x = a, *y = b;
	return x->number == y->number ? 0 : x->number > y->number ? -1 : 1;
}

static void cell(struct pane *p, const struct canvas *c, const void *row, size_t column, bool is_selected)
{
	const struct release *r = row;
	char text[256];
	(void)is_selected;
	switch (column) {
	case 0:
		sheet_text(c, r->is_bad ? STYLE_FAILING : STYLE_TEXT, UTF8_LEFT,
			   r->version ? r->version : "?");
		break;
	case 1:
		app_age(p->app, r->created_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
		break;
	case 2:
		sheet_text(c, STYLE_DIM, UTF8_LEFT, words_who(r->by));
		break;
	case 3:
		text[0] = '\0';
		for (size_t i = 0; i < r->current_in.n; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? ", " : "",
				 r->current_in.items[i]);
		sheet_text(c, STYLE_OK, UTF8_LEFT, text);
		break;
	default:
		snprintf(text, sizeof(text), "%s%s", r->is_bad ? "✖ bad: " : "",
			 r->is_bad && r->bad_reason ? r->bad_reason : "");
		sheet_text(c, STYLE_FAILING, UTF8_LEFT, text);
	}
}

static const struct sheet_column columns[] = {{"VERSION", 12, 22, 1, UTF8_LEFT},
					      {"AGE", 5, 5, 0, UTF8_RIGHT},
					      {"BY", 6, 10, 0, UTF8_LEFT},
					      {"RUNS IN", 10, 20, 1, UTF8_LEFT},
					      {"", 6, 20, 2, UTF8_LEFT}};
static const struct pane_class releases = {.kind = RECORD_RELEASE,
					   .title = "Releases",
					   .columns = columns,
					   .n_columns = 5,
					   .frozen = 1,
					   .empty = "no release is kept yet",
					   .compare = compare,
					   .wants = wants,
					   .cell = cell};

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct deploy_view *d = (struct deploy_view *)v;
	(void)arg, (void)err;
	str_copy(d->service, sizeof(d->service), app_service(v->app));
	str_copy(d->environment, sizeof(d->environment), app_env(v->app));
	pane_init(&d->list.pane, v->app, &releases, d);
	return true;
}

/* Only clusters tell a service's image and its service.yaml apart. */
static bool is_of_clusters(const struct deploy_view *d)
{
	return !app_config(d->list.view.app)->context->platform_root;
}

/* is_whole: on a cluster all that service.yaml says, not the image alone. */
static void operate(struct deploy_view *d, const char *version, bool is_whole)
{
	struct app *app = d->list.view.app;
	const struct service *s = app_findf(app, RECORD_SERVICE, "%s", d->service);
	struct wish w;
	record_init(record_class(RECORD_WISH), &w);
	w.action = "deploy";
	w.service = d->service;
	w.environment = d->environment;
	w.version = version;
	if (is_whole && is_of_clusters(d) && (!s || !s->folder)) {
		app_say(app, STYLE_WARNING, "no source tells the folder of %s: fairway deploy %s --apply --dir FOLDER names it",
			d->service, d->service);
		return;
	}
	w.folder = is_whole && is_of_clusters(d) ? s->folder : NULL;
	app_close(app, &d->list.view);
	app_operate(app, &w); /* copies; d lives until this key is done */
}

static void on_marked(struct deploy_view *d, bool is_whole)
{
	const struct release *r = pane_row(&d->list.pane);
	if (r)
		operate(d, r->version, is_whole);
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	(void)app, (void)arg;
	on_marked((struct deploy_view *)v, false);
}

static void run_apply(struct app *app, struct view *v, const char *arg)
{
	(void)app, (void)arg;
	on_marked((struct deploy_view *)v, true);
}

static void run_build(struct app *app, struct view *v, const char *arg)
{
	(void)app, (void)arg;
	operate((struct deploy_view *)v, NULL, true);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct deploy_view *d = (struct deploy_view *)v;
	char build[64], apply[64];
	app_key_of(v->app, v, "build", build, sizeof(build));
	app_key_of(v->app, v, "apply", apply, sizeof(apply));
	canvas_textf(body, 0, 1, STYLE_HEADING, "Deploy %s to %s", d->service, d->environment);
	if (is_of_clusters(d))
		canvas_textf(body, 1, 1, STYLE_TEXT,
			     "enter takes the image that is marked, %s all of service.yaml with it; %s builds the folder",
			     apply, build);
	else
		canvas_textf(body, 1, 1, STYLE_TEXT,
			     "enter takes the release that is marked; %s builds what lies in the folder now", build);
	struct canvas c = canvas_sub(body, 2, 0, body->rows - 2, body->columns);
	pane_draw(&d->list.pane, &c, 0, true);
}

static const struct command commands[] = {
	{"open", "Plan the deploy of the release that is marked", 0, run_open},
	{"apply", "On a cluster: plan all that service.yaml says, with the release that is marked", COMMAND_CHANGES, run_apply},
	{"build", "Build what lies in the service's folder now and plan its deploy", COMMAND_CHANGES,
	 run_build},
};
static const char *const layers[] = {"deploy", "list", NULL};
static const char *const footer[] = {"open", "apply", "build", "back", NULL};
const struct view_class view_deploy = {
	.name = "deploy",
	.title = "Deploy",
	.help = "Choose the version that is brought to the target",
	.size = sizeof(struct deploy_view),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_RELEASE,
	.open = open_view,
	.draw = draw,
	PANE_VIEW,
};

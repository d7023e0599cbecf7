/* SPDX-License-Identifier: Apache-2.0 */
/* Which version to deploy to the target: what lies in the folder now, or a release that is kept. */
#include <stdio.h>
#include <string.h>

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
		words_age(app_now(p->app), r->created_at, text);
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

static void operate(struct deploy_view *d, const char *version)
{
	struct wish w;
	record_init(record_class(RECORD_WISH), &w);
	w.action = "deploy";
	w.service = d->service;
	w.environment = d->environment;
	w.version = version;
	struct app *app = d->list.view.app;
	app_close(app, &d->list.view);
	app_operate(app, &w); /* copies; d lives until this key is done */
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct deploy_view *d = (struct deploy_view *)v;
	const struct release *r = pane_row(&d->list.pane);
	(void)app, (void)arg;
	if (r)
		operate(d, r->version);
}

static void run_build(struct app *app, struct view *v, const char *arg)
{
	(void)app, (void)arg;
	operate((struct deploy_view *)v, NULL);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct deploy_view *d = (struct deploy_view *)v;
	char key_name[64];
	app_key_of(v->app, v, "build", key_name, sizeof(key_name));
	canvas_textf(body, 0, 1, STYLE_HEADING, "Deploy %s to %s", d->service, d->environment);
	canvas_textf(body, 1, 1, STYLE_TEXT,
		     "enter takes the release that is marked; %s builds what lies in the folder now",
		     key_name);
	struct canvas c = canvas_sub(body, 2, 0, body->rows - 2, body->columns);
	pane_draw(&d->list.pane, &c, 0, true);
}

static const struct command commands[] = {
	{"open", "Plan the deploy of the release that is marked", 0, run_open},
	{"build", "Build what lies in the service's folder now and plan its deploy", COMMAND_CHANGES,
	 run_build},
};
static const char *const layers[] = {"deploy", "list", NULL};
static const char *const footer[] = {"open", "build", "back", NULL};
const struct view_class view_deploy = {
	.name = "deploy",
	.title = "Deploy",
	.help = "Choose the version that is brought to the target",
	.size = sizeof(struct deploy_view),
	.layers = layers,
	.footer = footer,
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
	.shows = 1u << RECORD_RELEASE,
	.open = open_view,
	.changed = pane_view_changed,
	.wake = pane_view_wake,
	.draw = draw,
	.key = pane_view_key,
	.widget = pane_view_widget,
	.close = pane_view_close,
};

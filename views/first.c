/* SPDX-License-Identifier: Apache-2.0 */
/* The first run: no configuration and nothing that runs. Three ways on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/offer.h"
#include "base/str.h"
#include "tui/layout.h"
#include "views/list_view.h"

enum way { WAY_FOLDER, WAY_KUBECONFIG, WAY_DEMO, WAY_NEW, WAY_COUNT };
struct first {
	struct list_view base;
	char folder[512], clusters[200];
};

static const struct {
	const char *title, *text;
} ways[WAY_COUNT] = {
	[WAY_FOLDER] = {"Run this folder",
			"reads its service.yaml, shows every command, and asks before one runs"},
	[WAY_KUBECONFIG] = {"Use your clusters", "contexts of a kubeconfig, as environments; there is none yet"},
	[WAY_DEMO] = {"Open the demo",
		      "a platform of six services in three environments, as real processes here"},
	[WAY_NEW] = {"Make a new service",
		     "from a golden path, with health, metrics, logs, an alert and its runbook"},
};

static size_t count(void *arg)
{
	(void)arg;
	return WAY_COUNT;
}

static uint64_t id(size_t at, void *arg)
{
	(void)arg;
	return at + 1;
}

static void draw_row(const struct canvas *row, size_t at, bool is_selected, void *arg)
{
	struct first *f = arg;
	(void)is_selected;
	canvas_field(row, 0, 1, 26, STYLE_STRONG, UTF8_LEFT, ways[at].title);
	const char *own = at == WAY_FOLDER ? f->folder : at == WAY_KUBECONFIG ? f->clusters : "";
	canvas_field(row, 0, 28, row->columns - 29, STYLE_DIM, UTF8_LEFT, *own ? own : ways[at].text);
}

/* "staging, prod and 3 more, of ~/.kube/config", or why they cannot be told. */
static void look_for_clusters(struct first *f)
{
	struct offer offer;
	struct err err = {0};
	struct str text = {0};
	bool is_read = offer_read(&offer, NULL, &err);
	size_t shown = offer.n > 3 ? 2 : offer.n;
	for (size_t i = 0; i < shown; i++)
		str_addf(&text, "%s%s", i ? ", " : "", offer.items[i].environment);
	if (shown < offer.n)
		str_addf(&text, " and %zu more", offer.n - shown);
	if (offer.n)
		str_addf(&text, ", of %s", offer.files);
	str_copy(f->clusters, sizeof(f->clusters), is_read ? str_text(&text) : err.text);
	str_finish(&text);
	offer_finish(&offer);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct first *f = (struct first *)v;
	look_for_clusters(f);
	(void)arg, (void)err;
	if (!getcwd(f->folder, sizeof(f->folder)))
		f->folder[0] = '\0';
	f->base.hit = "open";
	list_init(&f->base.list, &(struct list_source){.count = count, .id = id, .draw = draw_row, .arg = f});
	list_sync(&f->base.list);
	return true;
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct first *f = (struct first *)v;
	(void)arg;
	struct wish w;
	switch (list_index(&f->base.list)) {
	case WAY_FOLDER:
		record_init(record_class(RECORD_WISH), &w);
		w.action = "up";
		w.folder = f->folder;
		app_push(app, &view_home, NULL);
		app_send(app, NULL, request_new(REQUEST_RAISE));
		app_operate(app, &w);
		break;
	case WAY_DEMO:
		app_switch(app, "demo");
		break;
	case WAY_NEW:
		app_push(app, &view_home, NULL);
		app_send(app, NULL, request_new(REQUEST_RAISE));
		app_push(app, &view_scaffold, NULL);
		break;
	case WAY_KUBECONFIG:
		app_push(app, &view_clusters, NULL);
		break;
	default:
		break;
	}
}

static void draw(struct view *v, const struct canvas *body)
{
	struct first *f = (struct first *)v;
	struct canvas c = layout_centre(body, 13, body->columns > 100 ? 100 : body->columns);
	struct canvas in =
		canvas_box(&c, &(struct canvas_box){.title = "Welcome to fairway", .is_focused = true});
	canvas_text(&in, 1, 1, STYLE_TEXT,
		    "Nothing runs here yet, and there is no configuration. Where do you want to start?");
	struct canvas rows = canvas_sub(&in, 3, 0, WAY_COUNT, in.columns);
	f->base.list.is_focused = true;
	list_draw(&f->base.list, &rows);
	canvas_text(
		&in, 8, 1, STYLE_DIM,
		"Other sources are named in a configuration: fairway config init writes one to start from.");
}

static const struct command commands[] = {
	{"open", "Take the way that is marked", 0, run_open},
};
static const char *const layers[] = {"first", "list", NULL};
static const char *const footer[] = {"open", "help", "quit", NULL};
const struct view_class view_first = {
	.name = "first",
	.title = "First run",
	.help = "No configuration yet: run a folder, open the demo, make a service",
	.size = sizeof(struct first),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.open = open_view,
	.draw = draw,
	.key = list_view_key,
	.widget = list_view_widget,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The first run: no configuration and nothing that runs. Three ways on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "tui/layout.h"
#include "tui/list.h"
#include "views/app.h"

enum way { WAY_FOLDER, WAY_KUBECONFIG, WAY_DEMO, WAY_NEW, WAY_COUNT };
struct first {
	struct view view;
	struct list list;
	char folder[512];
};

static const struct {
	const char *title, *text;
} ways[WAY_COUNT] = {
	[WAY_FOLDER] = {"Run this folder",
			"reads its service.yaml, shows every command, and asks before one runs"},
	[WAY_KUBECONFIG] = {"Use a kubeconfig context",
			    "not built yet: this version runs services on this machine"},
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
	canvas_field(row, 0, 28, row->columns - 29, STYLE_DIM, UTF8_LEFT,
		     at == WAY_FOLDER && f->folder[0] ? f->folder : ways[at].text);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct first *f = (struct first *)v;
	(void)arg, (void)err;
	if (!getcwd(f->folder, sizeof(f->folder)))
		f->folder[0] = '\0';
	list_init(&f->list, &(struct list_source){.count = count, .id = id, .draw = draw_row, .arg = f});
	list_sync(&f->list);
	return true;
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct first *f = (struct first *)v;
	(void)arg;
	struct wish w;
	switch (list_index(&f->list)) {
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
	default:
		app_say(app, STYLE_WARNING,
			"Kubernetes contexts come with a later version; the demo and folders run here now");
	}
}

static bool key(struct view *v, const struct key *k)
{
	bool is_hit = false;
	if (!list_key(&((struct first *)v)->list, k, &is_hit))
		return false;
	if (is_hit)
		run_open(v->app, v, "");
	return true;
}

static bool widget(struct view *v, const char *command)
{
	return list_command(&((struct first *)v)->list, command);
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
	f->list.is_focused = true;
	list_draw(&f->list, &rows);
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
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
	.open = open_view,
	.draw = draw,
	.key = key,
	.widget = widget,
};

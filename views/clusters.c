/* SPDX-License-Identifier: Apache-2.0 */
/* The contexts of a kubeconfig: those that are chosen become environments of a new configuration. */
#include <stdlib.h>
#include <string.h>

#include "backend/offer.h"
#include "base/str.h"
#include "tui/layout.h"
#include "tui/term.h"
#include "views/list_view.h"

#define DETAILS 9 /* lines below the list */
#define PLUGIN_COLUMNS 74 /* of the command line of a plugin, on two lines */

struct clusters {
	struct list_view base;
	struct offer offer;
};

static size_t count(void *arg)
{
	return ((struct clusters *)arg)->offer.n;
}

static uint64_t id(size_t at, void *arg)
{
	(void)arg;
	return at + 1;
}

static void draw_row(const struct canvas *row, size_t at, bool is_selected, void *arg)
{
	const struct offer_item *item = &((struct clusters *)arg)->offer.items[at];
	int half = (row->columns - 20) / 2;
	(void)is_selected;
	canvas_text(row, 0, 1, item->is_chosen ? STYLE_STRONG : STYLE_DIM, item->is_chosen ? "[x]" : "[ ]");
	canvas_field(row, 0, 5, half - 1, item->is_chosen ? STYLE_STRONG : STYLE_TEXT, UTF8_LEFT, item->environment);
	canvas_field(row, 0, 5 + half, 11, STYLE_PROTECTED, UTF8_LEFT, item->is_protected ? "protected" : "");
	canvas_field(row, 0, 17 + half, row->columns - 18 - half, STYLE_DIM, UTF8_LEFT, item->context);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct clusters *c = (struct clusters *)v;
	(void)arg;
	c->base.hit = "mark";
	list_init(&c->base.list, &(struct list_source){.count = count, .id = id, .draw = draw_row, .arg = c});
	if (!offer_read(&c->offer, NULL, err))
		return false;
	if (!c->offer.n)
		return err_set(err, ERR_NOT_FOUND, "no context in %s",
			       *c->offer.files ? c->offer.files : "any kubeconfig: say KUBECONFIG=FILE");
	list_sync(&c->base.list);
	for (size_t i = 0; i < c->offer.n; i++)
		if (c->offer.items[i].is_chosen)
			list_select_index(&c->base.list, i);
	return true;
}

static struct offer_item *selected(struct clusters *c)
{
	size_t at = list_index(&c->base.list);
	return at == LIST_NO_INDEX ? NULL : &c->offer.items[at];
}

static void run_mark(struct app *app, struct view *v, const char *arg)
{
	struct offer_item *item = selected((struct clusters *)v);
	(void)arg;
	if (item)
		item->is_chosen = !item->is_chosen;
	app_stale(app);
}

static void run_protect(struct app *app, struct view *v, const char *arg)
{
	struct offer_item *item = selected((struct clusters *)v);
	(void)arg;
	if (item)
		item->is_protected = !item->is_protected;
	app_stale(app);
}

/* What is shown whole here, and chosen, is approved by opening it; what is not is asked about when it is to run. */
static bool is_shown_whole(const struct clusters *c, const char *plugin)
{
	size_t len = strlen(plugin);
	for (size_t i = 0; i < len; i++)
		if (plugin[i] < 0x20 || plugin[i] > 0x7e)
			return false;
	const struct grid *screen = term_grid(app_term(c->base.view.app));
	return len <= (size_t)PLUGIN_COLUMNS * 2 && screen->columns >= PLUGIN_COLUMNS + 4 && screen->rows >= DETAILS + 8;
}

static bool approve(struct clusters *c, struct err *err)
{
	for (size_t i = 0; i < c->offer.n; i++) {
		const struct offer_item *item = &c->offer.items[i];
		if (item->is_chosen && item->plugin && *item->consent.hash && is_shown_whole(c, item->plugin) &&
		    !consent_give(&item->consent, err))
			return false;
	}
	return true;
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct clusters *c = (struct clusters *)v;
	struct err err = {0};
	bool is_any = false;
	(void)arg;
	for (size_t i = 0; i < c->offer.n; i++)
		is_any = is_any || c->offer.items[i].is_chosen;
	if (!is_any) {
		app_say(app, STYLE_WARNING, "choose one or more first");
		return;
	}
	char *text = offer_text(&c->offer);
	if (approve(c, &err) && offer_write(app_config(app)->file, text, &err))
		app_restart(app, OFFER_CONTEXT);
	else
		app_fail(app, &err);
	free(text);
}

static void draw_plugin(const struct canvas *in, const char *plugin)
{
	size_t len = strlen(plugin), first = len < PLUGIN_COLUMNS ? len : PLUGIN_COLUMNS;
	canvas_text(in, 2, 1, STYLE_WARNING, "logs in by this command, which may run from then on:");
	canvas_textf(in, 3, 1, STYLE_STRONG, "%.*s", (int)first, plugin);
	canvas_text(in, 4, 1, STYLE_STRONG, plugin + first);
}

static void draw_details(struct clusters *c, const struct canvas *in)
{
	const struct offer_item *item = selected(c);
	char protect[32], open[32];
	app_key_of(c->base.view.app, &c->base.view, "protect", protect, sizeof(protect));
	app_key_of(c->base.view.app, &c->base.view, "open", open, sizeof(open));
	if (item) {
		canvas_textf(in, 0, 1, STYLE_TEXT, "%s%s", item->server, item->is_insecure ? ", not verified" : "");
		canvas_textf(in, 1, 1, STYLE_TEXT, "as %s", item->user ? item->user : "nobody");
	}
	if (item && item->plugin)
		draw_plugin(in, item->plugin);
	canvas_textf(in, 6, 1, STYLE_DIM, "Changes in a protected one want its name typed: guessed where a name holds prod; %s "
		     "changes that.", protect);
	canvas_textf(in, 7, 1, STYLE_DIM, "%s writes %s and opens it.", open, app_config(c->base.view.app)->file);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct clusters *c = (struct clusters *)v;
	char position[48];
	list_position(&c->base.list, position, sizeof(position));
	struct canvas in = canvas_box(body, &(struct canvas_box){.title = "Which contexts become environments?",
								 .is_focused = true, .bottom = position});
	struct canvas rows = canvas_sub(&in, 0, 0, in.rows - DETAILS, in.columns);
	struct canvas details = canvas_sub(&in, in.rows - DETAILS + 1, 0, DETAILS - 1, in.columns);
	c->base.list.is_focused = true;
	list_draw(&c->base.list, &rows);
	draw_details(c, &details);
}

static void close_view(struct view *v)
{
	offer_finish(&((struct clusters *)v)->offer);
}

static const struct command commands[] = {
	{"mark", "Choose the context, or not", 0, run_mark},
	{"protect", "Protect the environment, or not", 0, run_protect},
	{"open", "Write the configuration and open it", 0, run_open},
};
static const char *const layers[] = {"clusters", "list", NULL};
static const char *const footer[] = {"mark", "protect", "open", "back", "help", NULL};
const struct view_class view_clusters = {
	.name = "clusters",
	.title = "Kubeconfig",
	.help = "Contexts of a kubeconfig, to be environments of a new configuration",
	.size = sizeof(struct clusters),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.open = open_view,
	.draw = draw,
	.key = list_view_key,
	.widget = list_view_widget,
	.close = close_view,
};

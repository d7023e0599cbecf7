/* SPDX-License-Identifier: Apache-2.0 */
/* A service: who owns it, where it runs, its instances, deploys and what happened. arg: its name. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/amount.h"
#include "model/records.h"
#include "tui/layout.h"
#include "views/pane.h"
#include "views/use.h"
#include "views/words.h"

#define FACT_ROWS 4
#define LOW_ROWS 26

enum service_pane { PANE_PLACEMENTS, PANE_INSTANCES, PANE_DEPLOYS, PANE_EVENTS, PANE_COUNT };
struct service_view {
	struct view view;
	char name[80];
	struct pane_group group;
	struct use_board use;
	bool has_use; /* an instance tells how much it uses, or may use … */
	uint64_t looked; /* … looked for until this change of the table */
};

static bool is_mine(const char *service, void *arg)
{
	return str_eq(service, ((struct service_view *)arg)->name);
}

static bool wants_placement(const void *row, void *arg)
{
	return is_mine(((const struct placement *)row)->service, arg);
}

static bool wants_instance(const void *row, void *arg)
{
	return is_mine(((const struct instance *)row)->service, arg);
}

static bool wants_deploy(const void *row, void *arg)
{
	return is_mine(((const struct deploy *)row)->service, arg);
}

static bool wants_event(const void *row, void *arg)
{
	return is_mine(((const struct event *)row)->service, arg);
}

static int compare_placements(const void *a, const void *b, void *arg)
{
	struct app *app = ((struct service_view *)arg)->view.app;
	const struct environment *x = app_environment(app, ((const struct placement *)a)->environment);
	const struct environment *y = app_environment(app, ((const struct placement *)b)->environment);
	int64_t px = x ? x->position : -1, py = y ? y->position : -1;
	return px == py ? 0 : px > py ? -1 : 1; /* prod first */
}

static int compare_instances(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct instance *x = a, *y = b;
	int by_env = strcmp(x->environment ? x->environment : "", y->environment ? y->environment : "");
	return by_env ? by_env : strcmp(x->id, y->id);
}

static int compare_deploys(const void *a, const void *b, void *arg)
{
	(void)arg;
	int64_t x = ((const struct deploy *)a)->started_at, y = ((const struct deploy *)b)->started_at;
	return x == y ? 0 : x > y ? -1 : 1;
}

static int compare_events(const void *a, const void *b, void *arg)
{
	(void)arg;
	int64_t x = ((const struct event *)a)->time, y = ((const struct event *)b)->time;
	return x == y ? 0 : x > y ? -1 : 1;
}

static void placement_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			   bool is_selected)
{
	const struct placement *r = row;
	enum style style = words_health_style(app_is_live(p->app) ? r->health : HEALTH_UNKNOWN);
	char text[300], room[WORDS_OWN];
	(void)is_selected;
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, style, style_sign(style));
		canvas_field(c, 0, 2, c->columns - 2, STYLE_TEXT, UTF8_LEFT, r->environment);
		break;
	case 1:
		snprintf(text, sizeof(text), "%s%s%s", r->version ? r->version : "-",
			 r->to_version ? "→" : "", r->to_version ? r->to_version : "");
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
		break;
	case 2:
		snprintf(text, sizeof(text), "%lld/%lld", (long long)(r->ready > 0 ? r->ready : 0),
			 (long long)(r->desired > 0 ? r->desired : 0));
		sheet_text(c, r->ready < r->desired ? STYLE_DEGRADED : STYLE_TEXT, UTF8_LEFT, text);
		break;
	case 3:
		app_age(p->app, r->deployed_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
		break;
	default:
		snprintf(text, sizeof(text), "%s%s%s%s%s%s", r->reason ? r->reason : "",
			 r->reason && r->lock ? "; " : "", r->lock ? "⚿ " : "", r->lock ? r->lock : "",
			 r->drift ? "  ▲ before: " : "", r->drift ? r->drift : "");
		sheet_text(c, r->reason ? style : STYLE_DIM, UTF8_LEFT, words_own(text, words_me(), room));
	}
}

/* The record with what it uses beside. */
static struct instance with_use(const struct service_view *s, const struct instance *i)
{
	const struct use *use = use_find(&s->use, i);
	struct instance copy = *i;
	copy.cpu = use ? use->cpu : i->cpu;
	copy.memory = use ? use->memory : i->memory;
	return copy;
}

static void amount_cell(const struct service_view *s, const struct canvas *c, const struct instance *i,
			bool is_memory)
{
	char text[AMOUNT_TEXT];
	struct instance now = with_use(s, i);
	(is_memory ? amount_memory : amount_cpu)(&now, text);
	int64_t used = is_memory ? now.memory : now.cpu, most = is_memory ? now.memory_limit : now.cpu_limit;
	bool is_much = most > 0 && used != RECORD_NONE && used >= most / 10 * 9;
	sheet_text(c, is_much ? STYLE_WARNING : STYLE_TEXT, UTF8_RIGHT, text);
}

static void instance_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			  bool is_selected)
{
	const struct instance *i = row;
	const struct service_view *s = p->arg;
	enum style style = words_phase_style(i->phase);
	char text[256];
	(void)is_selected;
	if (s->has_use && (column == 5 || column == 6)) {
		amount_cell(s, c, i, column == 6);
		return;
	}
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, style, style_sign(style)[0] ? style_sign(style) : "·");
		canvas_field(c, 0, 2, c->columns - 2, STYLE_TEXT, UTF8_LEFT, i->id);
		break;
	case 1:
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, i->version ? i->version : "-");
		break;
	case 2:
		sheet_text(c, style, UTF8_LEFT, record_value_name(phase_names, i->phase));
		break;
	case 3:
		snprintf(text, sizeof(text), "%lld", (long long)(i->restarts > 0 ? i->restarts : 0));
		sheet_text(c, i->restarts > 0 ? STYLE_WARNING : STYLE_DIM, UTF8_RIGHT, text);
		break;
	case 4:
		app_age(p->app, i->started_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
		break;
	case 5:
		snprintf(text, sizeof(text), "%lld", (long long)i->pid);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, i->pid > 0 ? text : "");
		break;
	default:
		snprintf(text, sizeof(text), "%s%s%s%s", i->reason ? i->reason : "",
			 i->reason && i->exit ? "; " : "", i->exit ? "last exit: " : "",
			 i->exit ? i->exit : "");
		sheet_text(c, i->reason ? style : STYLE_DIM, UTF8_LEFT, text);
	}
}

static void deploy_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			bool is_selected)
{
	const struct deploy *d = row;
	char text[256], room[WORDS_OWN];
	(void)is_selected;
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, words_deploy_style(d->state), words_deploy_sign(d->state));
		canvas_field(c, 0, 2, c->columns - 2, STYLE_TEXT, UTF8_LEFT,
			     d->environment ? d->environment : "?");
		break;
	case 1:
		snprintf(text, sizeof(text), "%s%s%s", d->from ? d->from : "", d->from && d->to ? "→" : "",
			 d->to ? d->to : "");
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
		break;
	case 2:
		app_age(p->app, d->started_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
		break;
	case 3:
		sheet_text(c, STYLE_DIM, UTF8_LEFT, words_deployer(d));
		break;
	default:
		snprintf(text, sizeof(text), "%s%s%s", d->kind ? d->kind : "",
			 d->detail   ? ": "
			 : d->reason ? ": "
				     : "",
			 d->detail   ? d->detail
			 : d->reason ? d->reason
				     : "");
		sheet_text(c, d->state == DEPLOY_FAILED ? STYLE_ERROR : STYLE_DIM, UTF8_LEFT,
			   words_own(text, words_me(), room));
	}
}

static void event_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
		       bool is_selected)
{
	const struct event *e = row;
	char text[32], room[WORDS_OWN];
	(void)is_selected, (void)p;
	switch (column) {
	case 0:
		words_time(e->time, text, sizeof(text));
		sheet_text(c, STYLE_DIM, UTF8_LEFT, text);
		break;
	case 1:
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, e->environment ? e->environment : "");
		break;
	case 2:
		sheet_text(c, STYLE_STRONG, UTF8_LEFT, e->kind ? e->kind : "");
		break;
	default:
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, e->text ? words_own(e->text, words_me(), room) : "");
	}
}

static const struct sheet_column placement_columns[] = {{"  ENV", 9, 11, 0, UTF8_LEFT},
							{"VERSION", 9, 14, 1, UTF8_LEFT},
							{"READY", 5, 6, 0, UTF8_LEFT},
							PANE_AGE,
							{"", 20, 40, 2, UTF8_LEFT}};
static const struct sheet_column instance_columns[] = {{"  INSTANCE", 20, 24, 1, UTF8_LEFT},
						       {"VERSION", 6, 10, 1, UTF8_LEFT},
						       {"PHASE", 8, 10, 0, UTF8_LEFT},
						       {"RST", 3, 3, 0, UTF8_RIGHT},
						       PANE_AGE,
						       {"PID", 7, 7, 0, UTF8_RIGHT},
						       {"", 4, 24, 2, UTF8_LEFT}};
static const struct sheet_column use_columns[] = {{"  INSTANCE", 20, 24, 1, UTF8_LEFT},
						  {"VERSION", 6, 10, 1, UTF8_LEFT},
						  {"PHASE", 8, 10, 0, UTF8_LEFT},
						  {"RST", 3, 3, 0, UTF8_RIGHT},
						  PANE_AGE,
						  {"CPU", 8, 11, 0, UTF8_RIGHT},
						  {"MEM", 9, 13, 0, UTF8_RIGHT},
						  {"", 4, 24, 2, UTF8_LEFT}};
static const struct sheet_column deploy_columns[] = {{"  ENV", 9, 10, 0, UTF8_LEFT},
						     {"VERSION", 9, 14, 1, UTF8_LEFT},
						     PANE_AGE,
						     {"BY", 5, 9, 0, UTF8_LEFT},
						     {"", 10, 24, 2, UTF8_LEFT}};
static const struct sheet_column event_columns[] = {{"TIME", 8, 8, 0, UTF8_LEFT},
						    {"ENV", 5, 8, 0, UTF8_LEFT},
						    {"KIND", 8, 10, 0, UTF8_LEFT},
						    {"", 12, 30, 2, UTF8_LEFT}};

static const struct pane_class pane_classes[PANE_COUNT] = {
	{.kind = RECORD_PLACEMENT,
	 .title = "Environments",
	 PANE_COLUMNS(placement_columns),
	 .empty = "runs nowhere",
	 .compare = compare_placements,
	 .wants = wants_placement,
	 .cell = placement_cell},
	{.kind = RECORD_INSTANCE,
	 .title = "Instances",
	 PANE_COLUMNS(instance_columns),
	 .empty = "no instance",
	 .compare = compare_instances,
	 .wants = wants_instance,
	 .cell = instance_cell},
	{.kind = RECORD_DEPLOY,
	 .title = "Deploys",
	 PANE_COLUMNS(deploy_columns),
	 .empty = "no deploy yet",
	 .compare = compare_deploys,
	 .wants = wants_deploy,
	 .cell = deploy_cell},
	{.kind = RECORD_EVENT,
	 .title = "Events",
	 PANE_COLUMNS(event_columns),
	 .empty = "nothing happened yet",
	 .compare = compare_events,
	 .wants = wants_event,
	 .cell = event_cell},
};

/* The target follows the placement or the instance that is selected; the service stays. */
static void set_target(struct service_view *s)
{
	const void *row = pane_group_row(&s->group);
	const char *environment = app_env(s->view.app);
	char name[80];
	if (row && s->group.focus == PANE_PLACEMENTS)
		environment = ((const struct placement *)row)->environment;
	else if (row && s->group.focus == PANE_INSTANCES)
		environment = ((const struct instance *)row)->environment;
	else if (row && s->group.focus == PANE_DEPLOYS)
		environment = ((const struct deploy *)row)->environment;
	str_copy(name, sizeof(name), environment ? environment : "");
	app_target(s->view.app, s->name, name);
}

static bool has_amount(const struct instance *i)
{
	const int64_t amounts[] = {i->cpu, i->cpu_request, i->cpu_limit, i->memory, i->memory_request, i->memory_limit};
	for (size_t k = 0; k < sizeof(amounts) / sizeof(amounts[0]); k++)
		if (amounts[k] != RECORD_NONE)
			return true;
	return false;
}

/* Whether an instance that is new since we looked has one: there may be too many to look at all for each reply. */
static bool news_have_amount(struct service_view *s)
{
	struct records *table = app_records(s->view.app, RECORD_INSTANCE);
	uint64_t latest = records_latest(table), at = s->looked + 1;
	at = at < records_oldest(table) ? records_oldest(table) : at;
	s->looked = latest;
	for (; at <= latest; at++) {
		const struct instance *i = records_row(table, records_change(table, at));
		if (i && wants_instance(i, s) && has_amount(i))
			return true;
	}
	return false;
}

/* A process of the embedded platform has a pid instead. */
static void choose_columns(struct service_view *s)
{
	if (s->has_use)
		return;
	s->has_use = use_is_told(&s->use) || news_have_amount(s);
	if (s->has_use)
		sheet_set_columns(&s->group.panes[PANE_INSTANCES].sheet, use_columns,
				  sizeof(use_columns) / sizeof(use_columns[0]));
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct service_view *s = (struct service_view *)v;
	(void)err;
	str_copy(s->name, sizeof(s->name), arg);
	pane_group_init(&s->group, v->app, pane_classes, PANE_COUNT, LOW_ROWS, s);
	choose_columns(s);
	use_ask(&s->use, v, s->name);
	set_target(s);
	return true;
}

static void changed(struct view *v, uint32_t kinds)
{
	struct service_view *s = (struct service_view *)v;
	pane_group_update(&s->group);
	choose_columns(s);
	if (!kinds)
		use_ask(&s->use, v, s->name);
	if (!kinds || str_empty(app_env(v->app))) /* the first rows come after the screen was opened */
		set_target(s);
}

static void message(struct view *v, const struct message *m)
{
	struct service_view *s = (struct service_view *)v;
	use_take(&s->use, v, m);
	choose_columns(s);
}

static void draw_list(const struct canvas *c, int y, const char *label, const struct texts *t)
{
	int x = canvas_text(c, y, 1, STYLE_DIM, label);
	for (size_t i = 0; i < t->n; i++)
		x = canvas_textf(c, y, x, STYLE_TEXT, "%s%s", i ? ", " : "", t->items[i]);
	if (!t->n)
		canvas_text(c, y, x, STYLE_DIM, "—");
}

static void draw_facts(struct service_view *s, const struct canvas *c)
{
	const struct service *r = app_find(s->view.app, RECORD_SERVICE, s->name);
	if (!r) {
		canvas_textf(c, 0, 1, STYLE_UNKNOWN, "? %s: not known to any source", s->name);
		return;
	}
	enum style style = words_health_style(app_is_live(s->view.app) ? r->health : HEALTH_UNKNOWN);
	int x = canvas_text(c, 0, 1, style, style_sign(style));
	x = canvas_textf(c, 0, x + 1, STYLE_HEADING, "%s", r->name);
	canvas_text(c, 0, x + 2, STYLE_TEXT, r->description ? r->description : "");
	x = canvas_textf(c, 1, 1, STYLE_DIM, "team ");
	x = canvas_text(c, 1, x, STYLE_STRONG, r->team ? r->team : "unowned");
	if (r->on_call)
		x = canvas_textf(c, 1, x, STYLE_TEXT, "   on call %s", r->on_call);
	x = canvas_textf(c, 1, x, STYLE_DIM, "   tier %s   %s   %s", r->tier ? r->tier : "—",
			 r->language ? r->language : "", r->lifecycle ? r->lifecycle : "");
	draw_list(c, 2, "depends on ", &r->dependencies);
	const struct placement *here =
		app_findf(s->view.app, RECORD_PLACEMENT, "%s/%s", s->name, app_env(s->view.app));
	x = canvas_text(c, 3, 1, STYLE_DIM, "links ");
	if (here && here->url)
		x = canvas_textf(c, 3, x, STYLE_LINK, "%s %s  ", here->environment, here->url);
	for (size_t i = 0; i < r->links.n; i++)
		x = canvas_textf(c, 3, x, STYLE_LINK, "%s %s  ", r->links.items[i].key,
				 r->links.items[i].value);
	if (!r->links.n && !(here && here->url))
		canvas_text(c, 3, x, STYLE_DIM, "—");
}

static void draw(struct view *v, const struct canvas *body)
{
	struct service_view *s = (struct service_view *)v;
	struct canvas facts = canvas_sub(body, 0, 0, FACT_ROWS, body->columns);
	struct canvas c = canvas_sub(body, FACT_ROWS, 0, body->rows - FACT_ROWS, body->columns);
	draw_facts(s, &facts);
	if (pane_group_draw_low(&s->group, &c))
		return;
	struct canvas top, bottom, places[PANE_COUNT];
	layout_rows(&c, 45, 6, 6, 1, &top, &bottom);
	layout_columns(&top, 50, 40, 40, 1, &places[PANE_PLACEMENTS], &places[PANE_INSTANCES]);
	layout_columns(&bottom, 50, 40, 40, 1, &places[PANE_DEPLOYS], &places[PANE_EVENTS]);
	pane_group_draw(&s->group, places);
}

static bool widget(struct view *v, const char *command)
{
	struct service_view *s = (struct service_view *)v;
	if (!pane_group_widget(&s->group, command))
		return false;
	set_target(s);
	return true;
}

static bool key(struct view *v, const struct key *k)
{
	struct service_view *s = (struct service_view *)v;
	bool is_hit = false;
	int column;
	if (!pane_group_key(&s->group, k, &is_hit, &column))
		return false;
	set_target(s);
	if (is_hit)
		app_command(v->app, v, "open", "");
	return true;
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct service_view *s = (struct service_view *)v;
	const void *row = pane_group_row(&s->group);
	char text[128];
	(void)arg;
	if (row && s->group.focus == PANE_DEPLOYS) {
		snprintf(text, sizeof(text), "deploy %s", ((const struct deploy *)row)->id);
		app_push(app, &view_document, text);
	} else if (row && s->group.focus == PANE_PLACEMENTS) {
		app_push(app, &view_why, NULL);
	} else if (row && s->group.focus == PANE_INSTANCES) {
		const struct instance *i = row;
		char one[400];
		snprintf(one, sizeof(one), "%s %s %s", s->name, i->environment ? i->environment : "", i->id);
		app_push(app, &view_logs, i->environment ? one : NULL);
	} else if (row) {
		app_push(app, &view_logs, NULL);
	}
}

/* In the instance that is selected, else in one that the source chooses. */
static void run_in_instance(struct app *app, struct service_view *s, const char *command)
{
	const void *row = pane_group_row(&s->group);
	bool is_instance = row && s->group.focus == PANE_INSTANCES;
	app_command(app, NULL, command, is_instance ? ((const struct instance *)row)->id : "");
}

static void run_exec(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	run_in_instance(app, (struct service_view *)v, "exec");
}

static void run_forward(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	run_in_instance(app, (struct service_view *)v, "port-forward");
}

static int64_t wake(struct view *v, int64_t now)
{
	struct service_view *s = (struct service_view *)v;
	(void)now;
	if (pane_group_is_busy(&s->group)) {
		pane_group_update(&s->group);
		return 0;
	}
	return -1;
}

static void close_view(struct view *v)
{
	struct service_view *s = (struct service_view *)v;
	pane_group_finish(&s->group);
	use_finish(&s->use);
}

static const struct command commands[] = {
	{"open", "Open what is selected: why, an instance's log, a deploy", COMMAND_TARGET, run_open},
	{"exec", "Open a shell in the selected instance", COMMAND_TARGET | COMMAND_CHANGES, run_exec},
	{"port-forward", "Reach a port of the selected instance from here", COMMAND_TARGET | COMMAND_CHANGES, run_forward},
};
static const char *const layers[] = {"service", "list", NULL};
static const char *const footer[] = {"open",     "logs",    "runbook", "why",  "deploy",
				     "rollback", "promote", "spec",    "back", NULL};
const struct view_class view_service = {
	.name = "service",
	.title = "Service",
	.help = "One service: its owner, environments, instances, deploys and events",
	.size = sizeof(struct service_view),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_SERVICE | 1u << RECORD_PLACEMENT | 1u << RECORD_INSTANCE | 1u << RECORD_DEPLOY |
		 1u << RECORD_EVENT | 1u << RECORD_ENVIRONMENT,
	.open = open_view,
	.changed = changed,
	.message = message,
	.draw = draw,
	.key = key,
	.widget = widget,
	.wake = wake,
	.close = close_view,
};

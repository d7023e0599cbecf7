/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Home: services by environment (a matrix whose chosen cell is the target), environments, deploys, alerts.
 * One filter and one narrowing over all four. Where the screen is low the focused pane stands whole and the
 * others keep a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/records.h"
#include "tui/key.h"
#include "tui/layout.h"
#include "tui/term.h"
#include "views/home.h"
#include "views/words.h"

#define LOW_ROWS 28 /* body rows below which only one pane stands whole */

/* The matrix has a column for each environment, prod last. */
static void set_matrix(struct home *h)
{
	const struct environment *all[64];
	size_t n = app_environments(h->view.app, all, 64);
	struct sheet *sheet = &h->group.panes[PANE_SERVICES].sheet;
	memcpy(h->columns, home_panes[PANE_SERVICES].columns, HOME_FIXED_COLUMNS * sizeof(h->columns[0]));
	h->n_environments = 0;
	for (size_t i = 0; i < n && h->n_environments < HOME_MATRIX_MAX; i++) {
		if (!home_in_environment(h, all[i]->name))
			continue;
		size_t at = h->n_environments++;
		str_copy(h->environments[at], sizeof(h->environments[at]), all[i]->name);
		h->columns[HOME_FIXED_COLUMNS + at] =
			(struct sheet_column){h->environments[at], 9, 17, 2, UTF8_LEFT};
	}
	sheet_set_columns(sheet, h->columns, HOME_FIXED_COLUMNS + h->n_environments);
	int last = (int)(HOME_FIXED_COLUMNS + h->n_environments) - 1;
	if (h->n_environments == 0)
		sheet->chosen = -1;
	else if (sheet->chosen < HOME_FIXED_COLUMNS || sheet->chosen > last)
		sheet->chosen = last;
}

static const char *chosen_environment(struct home *h)
{
	int at = h->group.panes[PANE_SERVICES].sheet.chosen - HOME_FIXED_COLUMNS;
	return at >= 0 && (size_t)at < h->n_environments ? h->environments[at] : "";
}

/* The target follows the selection of the pane that has the focus; a screen above has a target of its own. */
static void set_target(struct home *h)
{
	const void *row = pane_group_row(&h->group);
	struct app *app = h->view.app;
	if (app_top(app) != &h->view)
		return;
	if (h->group.focus == PANE_SERVICES)
		app_target(app, row ? ((const struct service *)row)->name : NULL, chosen_environment(h));
	else if (h->group.focus == PANE_ENVIRONMENTS && row)
		app_target(app, app_service(app), ((const struct environment *)row)->name);
	else if (h->group.focus == PANE_DEPLOYS && row)
		app_target(app, ((const struct deploy *)row)->service,
			   ((const struct deploy *)row)->environment);
	else if (h->group.focus == PANE_ALERTS && row)
		app_target(app, ((const struct alert *)row)->service,
			   ((const struct alert *)row)->environment);
}

static void note_alerts(struct home *h)
{
	struct records *table = app_records(h->view.app, RECORD_ALERT);
	int firing = 0, acked = 0, unacked_critical = 0;
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct alert *a = records_row(table, i);
		if (a->phase != ALERT_FIRING || !home_wants_alert(h, a))
			continue;
		firing++;
		acked += a->acked.n > 0;
		unacked_critical += !a->acked.n && !a->silenced_by.n;
	}
	struct pane *p = &h->group.panes[PANE_ALERTS];
	snprintf(p->note, sizeof(p->note),
		 acked    ? "%d firing (%d acked)"
		 : firing ? "%d firing"
			  : "",
		 firing, acked);
	if (unacked_critical && !h->has_shown_alerts && app_is_settled(h->view.app)) {
		h->has_shown_alerts = true;
		if (term_grid(app_term(h->view.app))->rows < LOW_ROWS + 2)
			h->group.focus = PANE_ALERTS; /* the one thing to see on a low screen */
	}
}

static bool wants_alert(const struct alert *a, void *arg)
{
	return home_wants_alert(arg, a);
}

/* A storm of alerts is told by placement; a zoomed pane tells each. */
static void group_alerts(struct home *h)
{
	struct pane *p = &h->group.panes[PANE_ALERTS];
	bool was_grouped = h->groups.n > 0;
	if (h->group.is_zoomed && h->group.focus == PANE_ALERTS)
		alert_groups_clear(&h->groups);
	else
		alert_groups_make(&h->groups, app_records(h->view.app, RECORD_ALERT), wants_alert,
				  home_alert_rank, h);
	if (p->index && (was_grouped || h->groups.n))
		pane_rules_changed(p);
}

static void changed(struct view *v, uint32_t kinds)
{
	struct home *h = (struct home *)v;
	if (kinds & (1u << RECORD_ENVIRONMENT))
		set_matrix(h);
	if (kinds & (1u << RECORD_ALERT))
		group_alerts(h);
	pane_group_update(&h->group);
	note_alerts(h);
	set_target(h);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	struct home *h = (struct home *)v;
	pane_group_init(&h->group, v->app, home_panes, PANE_COUNT, LOW_ROWS, h);
	changed(v, UINT32_MAX);
	return true;
}

static void close_view(struct view *v)
{
	struct home *h = (struct home *)v;
	pane_group_finish(&h->group);
	filter_free(h->filter);
	alert_groups_clear(&h->groups);
}

static int64_t wake(struct view *v, int64_t now)
{
	(void)now;
	struct home *h = (struct home *)v;
	if (pane_group_is_busy(&h->group)) {
		pane_group_update(&h->group);
		set_target(h);
		return 0;
	}
	return -1;
}

static bool is_bad(struct app *app, const char *service, const char *version)
{
	struct records *table = app_records(app, RECORD_RELEASE);
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct release *r = records_row(table, i);
		if (r->is_bad && str_eq(r->service, service) && str_eq(r->version, version))
			return true;
	}
	return false;
}

/* While a platform rises, nothing has ever run before what is deployed: "raising 7/18". */
static bool tell_raising(struct app *app, char *out, size_t size)
{
	struct records *deploys = app_records(app, RECORD_DEPLOY),
		       *table = app_records(app, RECORD_PLACEMENT);
	size_t raised = 0, all = 0, first = 0;
	for (record_handle i = records_next(deploys, RECORDS_NO_ROW); i; i = records_next(deploys, i)) {
		const struct deploy *d = records_row(deploys, i);
		first += d->state == DEPLOY_RUNNING && !d->from;
	}
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct placement *p = records_row(table, i);
		all++;
		raised += p->version && p->ready >= p->desired;
	}
	if (first && raised < all)
		snprintf(out, size, "raising %zu/%zu", raised, all);
	return first && raised < all;
}

/* One sentence about what to do next, or nothing. */
static void hint(struct home *h, char *out, size_t size)
{
	struct app *app = h->view.app;
	struct records *table = app_records(app, RECORD_PLACEMENT);
	char key[64];
	out[0] = '\0';
	if (h->filter_text[0]) {
		snprintf(out, size, "filter: %s", h->filter_text);
		return;
	}
	for (size_t i = 0; i < pane_count(&h->group.panes[PANE_ALERTS]) && i < 1; i++) {
		const struct alert *a = records_row(app_records(app, RECORD_ALERT),
						    index_at(h->group.panes[PANE_ALERTS].index, 0));
		if (a && a->phase == ALERT_FIRING && !a->acked.n && !a->silenced_by.n) {
			snprintf(out, size, "%s fires on %s in %s: 4 goes there, enter opens it, a acks it",
				 a->name, a->service ? a->service : "?",
				 a->environment ? a->environment : "?");
			return;
		}
	}
	if (tell_raising(app, out, size))
		return;
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct placement *p = records_row(table, i);
		const struct environment *before =
			p->drift ? app_next_environment(app, p->environment, -1) : NULL;
		const struct environment *here = before ? app_environment(app, p->environment) : NULL;
		if (!before || p->to_version || p->health != HEALTH_OK || !here || !here->is_protected ||
		    is_bad(app, p->service, p->drift))
			continue;
		app_key_of(app, &h->view, "promote", key, sizeof(key));
		snprintf(out, size, "%s %s is in %s: %s promotes it to %s", p->service, p->drift,
			 before->name, key, p->environment);
		return;
	}
}

static void draw(struct view *v, const struct canvas *body)
{
	struct home *h = (struct home *)v;
	char text[320];
	hint(h, text, sizeof(text));
	struct canvas c = canvas_sub(body, 0, 0, body->rows - (text[0] ? 1 : 0), body->columns);
	if (text[0])
		canvas_text(body, body->rows - 1, 1, h->filter_text[0] ? STYLE_MATCH : STYLE_INFO, text);
	if (pane_group_draw_low(&h->group, &c))
		return;
	struct canvas top, bottom, places[PANE_COUNT];
	layout_rows(&c, 55, 8, 8, 1, &top, &bottom);
	layout_columns(&top, 58, 40, 30, 1, &places[PANE_SERVICES], &places[PANE_ENVIRONMENTS]);
	layout_columns(&bottom, 50, 40, 40, 1, &places[PANE_DEPLOYS], &places[PANE_ALERTS]);
	pane_group_draw(&h->group, places);
}

static bool key(struct view *v, const struct key *k)
{
	struct home *h = (struct home *)v;
	bool is_hit = false;
	int column = -1;
	if (!pane_group_key(&h->group, k, &is_hit, &column))
		return false;
	if (h->group.focus == PANE_SERVICES && column >= HOME_FIXED_COLUMNS)
		h->group.panes[PANE_SERVICES].sheet.chosen = column;
	set_target(h);
	if (is_hit)
		app_command(v->app, v, "open", "");
	return true;
}

static bool widget(struct view *v, const char *command)
{
	struct home *h = (struct home *)v;
	bool is_right = str_eq(command, "cell-right");
	if (h->group.focus == PANE_SERVICES && (is_right || str_eq(command, "cell-left")))
		sheet_choose(&h->group.panes[PANE_SERVICES].sheet, is_right ? 1 : -1, HOME_FIXED_COLUMNS);
	else if (!pane_group_widget(&h->group, command))
		return false;
	if (str_eq(command, "zoom"))
		group_alerts(h);
	set_target(h);
	return true;
}

static void run_open(struct app *app, struct view *v, const char *arg)
{
	struct home *h = (struct home *)v;
	const void *row = pane_group_row(&h->group);
	(void)arg;
	if (!row)
		return;
	if (h->group.focus == PANE_ENVIRONMENTS) {
		const char *name = ((const struct environment *)row)->name;
		app_command(app, v, "narrow-environment", str_eq(name, app_narrow_env(app)) ? "all" : name);
	} else if (h->group.focus == PANE_ALERTS) {
		app_push(app, &view_triage, ((const struct alert *)row)->id);
	} else if (h->group.focus == PANE_DEPLOYS) {
		char text[160];
		snprintf(text, sizeof(text), "deploy %s", ((const struct deploy *)row)->id);
		app_push(app, &view_document, text);
	} else {
		app_push(app, &view_service, app_service(app));
	}
}

static void apply_filter(struct app *app, const char *text, void *arg)
{
	struct home *h = arg;
	struct err err;
	struct filter *fresh = filter_new(text, &err);
	if (!fresh) {
		app_fail(app, &err);
		return;
	}
	str_copy(h->filter_text, sizeof(h->filter_text), text);
	for (int i = 0; i < PANE_COUNT; i++)
		pane_filter(&h->group.panes[i], text[0] ? fresh : NULL);
	filter_free(h->filter);
	h->filter = fresh;
	set_target(h);
}

static void cancel_filter(struct app *app, void *arg)
{
	apply_filter(app, "", arg);
}

static void run_filter(struct app *app, struct view *v, const char *arg)
{
	struct home *h = (struct home *)v;
	if (arg[0]) {
		apply_filter(app, arg, h);
		return;
	}
	app_ask(app, &(struct ask){.label = "/",
				   .text = h->filter_text,
				   .changed = apply_filter,
				   .done = apply_filter,
				   .cancelled = cancel_filter,
				   .arg = h});
}

static void run_back(struct app *app, struct view *v, const char *arg)
{
	struct home *h = (struct home *)v;
	(void)arg;
	if (h->filter_text[0])
		apply_filter(app, "", h);
	else if (app_narrow_env(app)[0] || app_narrow_team(app)[0])
		app_command(app, v, "narrow-environment", "all");
	else
		app_say(app, STYLE_INFO, "q leaves; services go on running");
}

static void narrowed(struct home *h)
{
	set_matrix(h);
	group_alerts(h);
	for (int i = 0; i < PANE_COUNT; i++)
		pane_rules_changed(&h->group.panes[i]);
	note_alerts(h);
	set_target(h);
}

/* Without a name: the next one in turn, then all again. */
static void run_narrow_environment(struct app *app, struct view *v, const char *arg)
{
	const struct environment *all[64];
	size_t n = app_environments(app, all, 64), at = 0;
	const char *now = app_narrow_env(app), *next = NULL;
	if (str_eq(arg, "all")) {
		app_narrow(app, NULL, NULL);
	} else if (arg[0]) {
		app_narrow(app, arg, app_narrow_team(app));
	} else {
		while (now[0] && at < n && !str_eq(all[at]->name, now))
			at++;
		if (now[0])
			at++;
		next = at < n ? all[at]->name : NULL;
		app_narrow(app, next, app_narrow_team(app));
	}
	narrowed((struct home *)v);
}

static void run_narrow_team(struct app *app, struct view *v, const char *arg)
{
	struct records *table = app_records(app, RECORD_SERVICE);
	const char *now = app_narrow_team(app), *next = NULL;
	char team[128];
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct service *s =
			records_row(table, i); /* the nearest name behind the one in force */
		if (s->team && strcmp(s->team, now) > 0 && (!next || strcmp(s->team, next) < 0))
			next = s->team;
	}
	str_copy(team, sizeof(team), arg[0] ? (str_eq(arg, "all") ? "" : arg) : next ? next : "");
	char env[128];
	str_copy(env, sizeof(env), app_narrow_env(app));
	app_narrow(app, env, team);
	narrowed((struct home *)v);
}

static const struct command commands[] = {
	{"open", "Open what is selected: a service, a deploy, an alert", COMMAND_TARGET, run_open},
	{"filter", "Show only rows that match, in every pane", 0, run_filter},
	{"narrow-environment", "Show one environment only; the next one in turn", 0, run_narrow_environment},
	{"narrow-team", "Show one team's services only; the next one in turn", 0, run_narrow_team},
	{"back", "Take the filter or the narrowing off", COMMAND_HIDDEN, run_back},
};
static const char *const layers[] = {"home", "list", NULL};
static const char *const footer[] = {"open",    "logs", "runbook", "ack",     "deploy", "rollback",
				     "promote", "new",  "filter",  "palette", "help",   NULL};

const struct view_class view_home = {
	.name = "home",
	.title = "Home",
	.help = "Services by environment, environments, deploys and alerts",
	.size = sizeof(struct home),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_SERVICE | 1u << RECORD_ENVIRONMENT | 1u << RECORD_PLACEMENT |
		 1u << RECORD_DEPLOY | 1u << RECORD_ALERT | 1u << RECORD_LOCK | 1u << RECORD_RELEASE,
	.open = open_view,
	.changed = changed,
	.draw = draw,
	.key = key,
	.widget = widget,
	.wake = wake,
	.close = close_view,
};

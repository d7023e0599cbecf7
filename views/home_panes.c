/* SPDX-License-Identifier: Apache-2.0 */
/* What home's four panes show: which rows, in which order, and each cell. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/records.h"
#include "tui/chart.h"
#include "views/home.h"
#include "views/words.h"

/* Narrowing: the arg of every pane is its home. */
static bool in_team(struct home *h, const char *service)
{
	const char *team = app_narrow_team(h->view.app);
	const struct service *s = team[0] && service ? app_find(h->view.app, RECORD_SERVICE, service) : NULL;
	return !team[0] || (s && str_eq(s->team, team));
}

bool home_in_environment(struct home *h, const char *environment)
{
	const char *narrow = app_narrow_env(h->view.app);
	return !narrow[0] || str_eq(narrow, environment);
}

static bool wants_service(const void *row, void *arg)
{
	return in_team(arg, ((const struct service *)row)->name);
}

static bool wants_environment(const void *row, void *arg)
{
	return home_in_environment(arg, ((const struct environment *)row)->name);
}

static bool wants_deploy(const void *row, void *arg)
{
	const struct deploy *d = row;
	return home_in_environment(arg, d->environment) && in_team(arg, d->service);
}

bool home_wants_alert(struct home *h, const struct alert *a)
{
	return home_in_environment(h, a->environment) && in_team(h, a->service);
}

static bool wants_alert(const void *row, void *arg)
{
	struct home *h = arg;
	return home_wants_alert(h, row) && (!h->groups.n || alert_groups_head(&h->groups, row));
}

/* What is worst comes first. */
static int health_rank(int health)
{
	static const int ranks[] = {[HEALTH_FAILING] = 0,
				    [HEALTH_UNKNOWN] = 1,
				    [HEALTH_DEGRADED] = 2,
				    [HEALTH_OK] = 3,
				    [HEALTH_STOPPED] = 4};
	return health >= 0 && health <= HEALTH_STOPPED ? ranks[health] : 1;
}

static int compare_services(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct service *x = a, *y = b;
	int by_health = health_rank(x->health) - health_rank(y->health);
	return by_health ? by_health : strcmp(x->name, y->name);
}

static int compare_environments(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct environment *x = a, *y = b; /* prod first */
	return x->position != y->position ? (x->position > y->position ? -1 : 1) : strcmp(x->name, y->name);
}

static int newest_first(int64_t a, int64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int compare_deploys(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct deploy *x = a, *y = b;
	bool x_runs = x->state == DEPLOY_RUNNING, y_runs = y->state == DEPLOY_RUNNING;
	return x_runs != y_runs ? (x_runs ? -1 : 1) : newest_first(x->started_at, y->started_at);
}

int home_alert_rank(const struct alert *a)
{
	static const int ranks[] = {
		[ALERT_FIRING] = 0, [ALERT_UNKNOWN] = 1, [ALERT_PENDING] = 2, [ALERT_RESOLVED] = 3};
	return ranks[a->phase] * 16 + (a->silenced_by.n || a->inhibited_by.n ? 8 : 0) + (a->acked.n ? 4 : 0) +
	       a->severity;
}

static int compare_alerts(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct alert *x = a, *y = b;
	int by_rank = home_alert_rank(x) - home_alert_rank(y);
	return by_rank ? by_rank : newest_first(x->starts_at, y->starts_at);
}

/* "1.9.1→1.9.2 1/2", where that is too long "→1.9.2 1/2"; "1.9.2✖", "2.4.0 ▲" */
static void placement_text(struct home *h, const struct placement *p, int columns, char *out, size_t size,
			   enum style *style)
{
	int health = app_is_live(h->view.app) ? p->health : HEALTH_UNKNOWN;
	*style = health == HEALTH_OK ? STYLE_TEXT : words_health_style(health);
	const char *version = p->version ? p->version : "-";
	if (p->to_version && !str_eq(p->to_version, p->version)) {
		const char *from = p->version ? p->version : "";
		int n = snprintf(out, size, "→%s %lld/%lld", p->to_version,
				 (long long)(p->to_ready > 0 ? p->to_ready : 0),
				 (long long)(p->to_desired > 0 ? p->to_desired : 0));
		size_t len = strlen(from);
		if (n > 0 && (size_t)n + len < size &&
		    utf8_width(out, (size_t)n) + utf8_width(from, len) <= (size_t)columns) {
			memmove(out + len, out, (size_t)n + 1);
			memcpy(out, from, len);
		}
	} else if (health != HEALTH_OK) {
		snprintf(out, size, "%s%s", version, style_sign(words_health_style(health)));
	} else {
		snprintf(out, size, "%s%s%s", version, p->drift ? " ▲" : "", p->lock ? " ⚿" : "");
	}
}

static void service_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			 bool is_selected)
{
	struct home *h = p->arg;
	const struct service *s = row;
	if (column == 0) {
		enum style style = words_health_style(app_is_live(p->app) ? s->health : HEALTH_UNKNOWN);
		canvas_text(c, 0, 0, style, style_sign(style));
		canvas_field(c, 0, 2, c->columns - 2, STYLE_TEXT, UTF8_LEFT, s->name);
		return;
	}
	if (column < HOME_FIXED_COLUMNS) {
		sheet_text(c, STYLE_DIM, UTF8_LEFT, s->team ? s->team : "unowned");
		return;
	}
	size_t at = column - HOME_FIXED_COLUMNS;
	const struct placement *placement =
		app_findf(p->app, RECORD_PLACEMENT, "%s/%s", s->name, h->environments[at]);
	char text[128] = "";
	enum style style = STYLE_DIM;
	if (placement)
		placement_text(h, placement, c->columns - 2, text, sizeof(text), &style);
	if (is_selected && p->sheet.chosen == (int)column) {
		char chosen[140];
		snprintf(chosen, sizeof(chosen), "[%s]", text[0] ? text : "none");
		sheet_text(c, STYLE_STRONG, UTF8_LEFT, chosen);
	} else {
		canvas_field(c, 0, 1, c->columns - 1, style, UTF8_LEFT, text);
	}
}

static void count_environment(struct app *app, const char *name, int *ready, int *desired, int *drift)
{
	struct records *table = app_records(app, RECORD_PLACEMENT);
	*ready = *desired = *drift = 0;
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct placement *p = records_row(table, i);
		if (!str_eq(p->environment, name))
			continue;
		*ready += p->ready > 0 ? (int)p->ready : 0;
		*desired += p->desired > 0 ? (int)p->desired : 0;
		*drift += p->drift != NULL;
	}
}

static const struct deploy *last_deploy(struct app *app, const char *environment)
{
	struct records *table = app_records(app, RECORD_DEPLOY);
	const struct deploy *last = NULL;
	for (record_handle i = records_next(table, RECORDS_NO_ROW); i; i = records_next(table, i)) {
		const struct deploy *d = records_row(table, i);
		if (str_eq(d->environment, environment) && (!last || d->started_at > last->started_at))
			last = d;
	}
	return last;
}

static void environment_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			     bool is_selected)
{
	(void)is_selected;
	const struct environment *e = row;
	enum style style = words_health_style(app_is_live(p->app) ? e->health : HEALTH_UNKNOWN);
	int ready, desired, drift;
	char age[CLOCK_TEXT], text[160];
	const struct deploy *d;
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, style, style_sign(style));
		canvas_textf(c, 0, 2, e->is_protected ? STYLE_PROTECTED : STYLE_TEXT, "%s%s", e->name,
			     e->is_protected ? " ⚿" : "");
		break;
	case 1:
		count_environment(p->app, e->name, &ready, &desired, &drift);
		canvas_textf(c, 0, 0, ready < desired ? STYLE_DEGRADED : STYLE_TEXT, "%d/%d", ready, desired);
		break;
	case 2:
		count_environment(p->app, e->name, &ready, &desired, &drift);
		if (drift)
			canvas_textf(c, 0, 0, STYLE_DRIFT, "%d ▲", drift);
		else
			canvas_text(c, 0, 0, STYLE_DIM, "—");
		break;
	case 3:
		canvas_textf(c, 0, 0, e->firing > 0 ? STYLE_FAILING : STYLE_DIM, "%lld",
			     (long long)(e->firing > 0 ? e->firing : 0));
		break;
	default:
		d = last_deploy(p->app, e->name);
		if (!d)
			break;
		app_age(p->app, d->started_at, age);
		snprintf(text, sizeof(text), "%s %s %s", age, d->service ? d->service : "",
			 d->to ? d->to : "");
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
	}
}

static void deploy_progress(struct app *app, const struct canvas *c, const struct deploy *d)
{
	char text[CLOCK_TEXT], room[WORDS_OWN];
	int done, total;
	words_progress(&d->steps, &done, &total);
	if (d->state == DEPLOY_RUNNING && d->watch_until > app_now(app)) {
		app_left(app, d->watch_until, text);
		canvas_textf(c, 0, 0, STYLE_INFO, "watching %s", text);
	} else if (d->state == DEPLOY_RUNNING) {
		chart_bar(c, 0, 0, 6, STYLE_INFO, done, total ? total : 1);
		canvas_textf(c, 0, 7, STYLE_INFO, "%d/%d", done, total);
	} else if (d->state == DEPLOY_SUCCEEDED) {
		char told[CLOCK_TEXT + 8];
		clock_span(d->ended_at - d->started_at, text);
		snprintf(told, sizeof(told), "done in %s", text);
		sheet_text(c, STYLE_DIM, UTF8_LEFT, told);
	} else {
		sheet_text(c, words_deploy_style(d->state), UTF8_LEFT,
			   d->detail ? words_own(d->detail, words_me(), room) : record_value_name(deploy_state_names, d->state));
	}
}

static void deploy_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
			bool is_selected)
{
	(void)is_selected;
	const struct deploy *d = row;
	char text[160];
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, words_deploy_style(d->state), words_deploy_sign(d->state));
		canvas_field(c, 0, 2, c->columns - 2, STYLE_TEXT, UTF8_LEFT, d->service ? d->service : "?");
		break;
	case 1:
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, d->environment ? d->environment : "?");
		break;
	case 2:
		if (d->from && d->to && !str_eq(d->from, d->to))
			snprintf(text, sizeof(text), "%s→%s", d->from, d->to);
		else
			snprintf(text, sizeof(text), "%s", d->to ? d->to : d->kind ? d->kind : "");
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
		break;
	case 3:
		deploy_progress(p->app, c, d);
		break;
	case 4:
		sheet_text(c, STYLE_DIM, UTF8_LEFT, words_deployer(d));
		break;
	default:
		app_age(p->app, d->started_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
	}
}

/* "acked you", "fires in 8s", "1.9.2 1m before": the one thing to know beside the alert. */
static void alert_remark(struct app *app, const struct alert *a, char *out, size_t size)
{
	char age[CLOCK_TEXT];
	out[0] = '\0';
	if (a->phase == ALERT_RESOLVED) {
		app_age(app, a->ends_at, age);
		snprintf(out, size, "resolved %s ago%s", age, a->times > 1 ? ", again" : "");
	} else if (a->phase == ALERT_PENDING && a->fires_at) {
		app_left(app, a->fires_at, age);
		snprintf(out, size, "fires in %s", age); /* so it is pending */
	} else if (a->silenced_by.n || a->inhibited_by.n) {
		snprintf(out, size, "%s", a->silenced_by.n ? "silenced" : "inhibited");
	} else if (a->acked.n) {
		snprintf(out, size, "acked %s", words_who(((const struct ack *)a->acked.items)->by));
	} else {
		const struct placement *p =
			app_findf(app, RECORD_PLACEMENT, "%s/%s", a->service ? a->service : "",
				  a->environment ? a->environment : "");
		if (!p || !p->deployed_at || p->deployed_at > a->starts_at)
			return;
		clock_age(a->starts_at - p->deployed_at, age);
		snprintf(out, size, "%s %s before", p->version ? p->version : "", age);
	}
}

/* Half a word: the column beside it says more. */
static const char *severity_short(int severity)
{
	return severity == SEVERITY_CRITICAL ? "crit" : severity == SEVERITY_WARNING ? "warn" : "info";
}

static void alert_cell(struct pane *p, const struct canvas *c, const void *row, size_t column,
		       bool is_selected)
{
	(void)is_selected;
	const struct alert *a = row;
	enum style style = words_alert_style(a);
	char text[160];
	switch (column) {
	case 0:
		canvas_text(c, 0, 0, style, words_severity_sign(a->severity));
		canvas_text(c, 0, 2, style, severity_short(a->severity));
		break;
	case 1:
		sheet_text(c, style == STYLE_DIM ? STYLE_DIM : STYLE_TEXT, UTF8_LEFT,
			   a->service ? a->service : "unowned");
		break;
	case 2:
		sheet_text(c, style == STYLE_DIM ? STYLE_DIM : STYLE_TEXT, UTF8_LEFT,
			   a->environment ? a->environment : "?");
		break;
	case 3: {
		const struct alert_group *g = alert_groups_head(&((struct home *)p->arg)->groups, a);
		bool is_group = g && g->n > 1;
		snprintf(text, sizeof(text), is_group ? "%s +%zu" : "%s", a->name, is_group ? g->n - 1 : 0);
		sheet_text(c, style == STYLE_DIM ? STYLE_DIM : STYLE_TEXT, UTF8_LEFT, text);
		break;
	}
	case 4:
		app_age(p->app, a->starts_at, text);
		sheet_text(c, STYLE_DIM, UTF8_RIGHT, text);
		break;
	default:
		alert_remark(p->app, a, text, sizeof(text));
		sheet_text(c, a->phase == ALERT_PENDING ? STYLE_WARNING : STYLE_DIM, UTF8_LEFT, text);
	}
}

static const struct sheet_column fixed_columns[HOME_FIXED_COLUMNS] = {{"  NAME", 12, 18, 2, UTF8_LEFT},
								      {"TEAM", 10, 12, 1, UTF8_LEFT}};
static const struct sheet_column environment_columns[] = {{"  ENV", 9, 11, 0, UTF8_LEFT},
							  {"READY", 6, 7, 0, UTF8_LEFT},
							  {"DRIFT", 5, 6, 0, UTF8_LEFT},
							  {"FIRING", 6, 6, 0, UTF8_LEFT},
							  {"LAST DEPLOY", 12, 24, 1, UTF8_LEFT}};
static const struct sheet_column deploy_columns[] = {
	{"  SERVICE", 10, 14, 1, UTF8_LEFT}, {"ENV", 7, 8, 0, UTF8_LEFT}, {"VERSION", 11, 13, 1, UTF8_LEFT},
	{"PROGRESS", 12, 18, 2, UTF8_LEFT},  {"BY", 4, 5, 0, UTF8_LEFT},  PANE_AGE};
static const struct sheet_column alert_columns[] = {
	{"  SEV", 6, 6, 0, UTF8_LEFT},  {"SERVICE", 8, 11, 1, UTF8_LEFT}, {"ENV", 5, 8, 0, UTF8_LEFT},
	{"ALERT", 9, 14, 1, UTF8_LEFT}, PANE_AGE,     {"", 16, 22, 2, UTF8_LEFT}};

const struct pane_class home_panes[PANE_COUNT] = {
	[PANE_SERVICES] = {.kind = RECORD_SERVICE,
			   .title = "Services",
			   PANE_COLUMNS(fixed_columns),
			   .empty = "no service yet: n makes one from a golden path",
			   .compare = compare_services,
			   .wants = wants_service,
			   .cell = service_cell},
	[PANE_ENVIRONMENTS] = {.kind = RECORD_ENVIRONMENT,
			       .title = "Environments",
			       PANE_COLUMNS(environment_columns),
			       .empty = "no environment",
			       .compare = compare_environments,
			       .wants = wants_environment,
			       .cell = environment_cell},
	[PANE_DEPLOYS] = {.kind = RECORD_DEPLOY,
			  .title = "Deploys",
			  PANE_COLUMNS(deploy_columns),
			  .empty = "no deploy yet",
			  .compare = compare_deploys,
			  .wants = wants_deploy,
			  .cell = deploy_cell},
	[PANE_ALERTS] = {.kind = RECORD_ALERT,
			 .title = "Alerts",
			 PANE_COLUMNS(alert_columns),
			 .empty = "nothing fires",
			 .compare = compare_alerts,
			 .wants = wants_alert,
			 .cell = alert_cell},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* One frame: the bar at the top, the views from the last whole one up, the footer with the keys that work
 * here. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "views/app_private.h"
#include "views/words.h"

#define TARGET_STEP 12 /* columns that the target takes in the footer: a multiple of these */

#define BAR_GAP 3 /* between environments */

static void count_firing(struct app *app, const char *environment, int *firing, int *acked)
{
	struct records *table = app->tables[RECORD_ALERT];
	*firing = *acked = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct alert *a = records_row(table, h);
		if (a->phase != ALERT_FIRING || !str_eq(a->environment, environment))
			continue;
		++*firing;
		*acked += a->acked.n > 0;
	}
}

/* "● prod 2 firing (1 acked)": an environment in the bar. Returns the column after it. */
static int draw_environment(struct app *app, const struct canvas *c, int x, const struct environment *e)
{
	int firing, acked;
	bool is_live = app_is_live(app);
	int health = is_live ? e->health : HEALTH_UNKNOWN;
	count_firing(app, e->name, &firing, &acked);
	x = canvas_text(c, 0, x, words_health_style(health), style_sign(words_health_style(health)));
	x = canvas_textf(c, 0, x, STYLE_BAR, " %s ", e->name);
	if (!is_live) {
		char age[64];
		enum style style;
		app_freshness(app, age, sizeof(age), &style);
		x = canvas_text(c, 0, x, style, age[0] == '?' ? age + 2 : age);
	} else if (firing) {
		x = canvas_textf(c, 0, x, STYLE_FAILING, acked ? "%d firing (%d acked)" : "%d firing", firing,
				 acked);
	} else {
		x = canvas_text(c, 0, x, STYLE_BAR, record_value_name(health_names, health));
	}
	return x + BAR_GAP;
}

static void draw_bar(struct app *app, const struct canvas *c)
{
	canvas_fill(c, 0, 0, 1, c->columns, STYLE_BAR, ' ');
	int x = canvas_text(c, 0, 1, STYLE_TITLE_FOCUS, "fairway");
	x = canvas_textf(c, 0, x + 2, STYLE_BAR, "%s / %s", app->config->context->name,
			 app->narrow_env[0] ? app->narrow_env : "all environments");
	if (app->narrow_team[0])
		x = canvas_textf(c, 0, x, STYLE_BAR, " / team %s", app->narrow_team);
	const struct view *top = app->depth > 1 ? app->stack[app->depth - 1] : NULL;
	if (top && !(top->class->flags & VIEW_OVERLAY))
		x = canvas_textf(c, 0, x, STYLE_BAR, "  %s", top->class->title);
	if (app->config->context->is_read_only)
		x = canvas_text(c, 0, x + 2, STYLE_PROTECTED, "read-only");
	const char *unverified = app_warned_source(app);
	if (unverified)
		x = canvas_textf(c, 0, x + 2, STYLE_WARNING, "not verified: %s", unverified);

	const struct environment *all[64];
	size_t n = app_environments(app, all, 64);
	struct canvas right = canvas_sub(c, 0, x + 2, 1, c->columns - x - 2 - 7);
	int at = 0;
	for (size_t i = n; i-- > 0;) { /* prod first: what matters most is left out last */
		int end = draw_environment(app, &right, at, all[i]);
		if (end - BAR_GAP >= right.columns) { /* half of a state would be a wrong one */
			canvas_fill(&right, 0, at, 1, right.columns - at, STYLE_BAR, ' ');
			canvas_text(&right, 0, at, STYLE_BAR, "…");
			break;
		}
		at = end;
	}
	if (n == 0) {
		char text[64];
		enum style style;
		app_freshness(app, text, sizeof(text), &style);
		canvas_text(&right, 0, 0, style, text);
	}
	char clock[16];
	time_t seconds = (time_t)(app->now / 1000);
	struct tm tm;
	strftime(clock, sizeof(clock), "%H:%M", localtime_r(&seconds, &tm));
	canvas_text_right(c, 0, c->columns - 1, STYLE_BAR, clock);
}

/* " enter open  l logs": as many as fit. */
static void draw_keys(struct app *app, const struct canvas *c, const struct view *v, int x)
{
	for (size_t i = 0; v->class->footer && v->class->footer[i]; i++) {
		struct view *owner;
		const char *name = v->class->footer[i];
		const struct command *row = app_find_command(app, (struct view *)v, name, &owner);
		char key[KEY_TEXT * KEY_CHORD_MAX];
		app_key_of(app, v, name, key, sizeof(key));
		if (!row || !key[0] || x + (int)(strlen(key) + strlen(name)) + 2 > c->columns)
			continue;
		bool is_denied = app_denied(app, name) != NULL;
		x = canvas_text(c, 0, x, is_denied ? STYLE_DIM : STYLE_KEY, key);
		x = canvas_textf(c, 0, x, is_denied ? STYLE_DIM : STYLE_STATUS, is_denied ? " (%s) " : " %s  ", name);
	}
}

static void draw_footer(struct app *app, const struct canvas *c)
{
	const struct view *v = app_top(app);
	canvas_fill(c, 0, 0, 1, c->columns, STYLE_STATUS, ' ');
	if (app->chord.n) {
		char keys[KEY_TEXT * KEY_CHORD_MAX];
		key_print_chord(app->chord.keys, app->chord.n, keys, sizeof(keys));
		canvas_textf(c, 0, 1, STYLE_KEY, "%s -", keys);
		return;
	}
	if (!v)
		return;
	int x = 1;
	bool has_target = false;
	for (size_t i = 0; v->class->footer && v->class->footer[i]; i++) {
		struct view *owner;
		const struct command *row =
			app_find_command(app, (struct view *)v, v->class->footer[i], &owner);
		has_target |= row && (row->flags & COMMAND_TARGET);
	}
	if (has_target && app->service[0]) {
		const struct environment *e = app_environment(app, app->env);
		x = canvas_text(c, 0, x, e && e->is_protected ? STYLE_PROTECTED : STYLE_STRONG, app->service);
		if (app->env[0])
			x = canvas_textf(c, 0, x, e && e->is_protected ? STYLE_PROTECTED : STYLE_STRONG,
					 " in %s", app->env);
		x = canvas_text(c, 0, x, STYLE_STATUS, ":  ");
		/* The keys keep their place while the target changes under the cursor: they are not sent again. */
		x = (x + TARGET_STEP - 1) / TARGET_STEP * TARGET_STEP;
	}
	draw_keys(app, c, v, x);
}

static void draw_said(struct app *app, const struct canvas *c)
{
	canvas_fill(c, 0, 0, 1, c->columns, STYLE_TEXT, ' ');
	int x = canvas_text(c, 0, 1, app->said_style, app->said);
	if (app->undo[0] && app->undo_until > app->mono) {
		char key[KEY_TEXT * KEY_CHORD_MAX];
		app_key_of(app, app_top(app), "undo", key, sizeof(key));
		canvas_textf(c, 0, x + 2, STYLE_KEY, "%s undo (%d s)", key,
			     (int)((app->undo_until - app->mono + 999) / 1000));
	}
}

void app_draw(struct app *app)
{
	struct grid *grid = term_grid(app->term);
	grid_clear(grid);
	app->ages_due = 0;
	struct canvas all = canvas_of(grid);
	struct canvas bar = canvas_sub(&all, 0, 0, 1, all.columns);
	struct canvas body = canvas_sub(&all, 1, 0, all.rows - 2, all.columns);
	struct canvas footer = canvas_sub(&all, all.rows - 1, 0, 1, all.columns);
	draw_bar(app, &bar);
	size_t first = app->depth;
	while (first > 0 && app->stack[first - 1]->class->flags & VIEW_OVERLAY)
		first--;
	for (size_t i = first ? first - 1 : 0; i < app->depth; i++)
		app->stack[i]->class->draw(app->stack[i], &body);
	if (app->said_until)
		draw_said(app, &footer);
	else
		draw_footer(app, &footer);
}

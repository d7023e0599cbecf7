/* SPDX-License-Identifier: Apache-2.0 */
#include "views/pane.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/records.h"
#include "tui/term.h"

static size_t rows_count(void *arg)
{
	return index_count(((struct pane *)arg)->index);
}

static uint64_t rows_id(size_t at, void *arg)
{
	return index_at(((struct pane *)arg)->index, at);
}

static size_t rows_index_of(uint64_t id, size_t hint, void *arg)
{
	size_t place = index_place(((struct pane *)arg)->index, (record_handle)id, hint);
	return place == INDEX_NO_PLACE ? LIST_NO_INDEX : place;
}

static void draw_cell(const struct canvas *cell, size_t at, size_t column, bool is_selected, void *arg)
{
	struct pane *p = arg;
	const void *row = records_row(app_records(p->app, p->class->kind), index_at(p->index, at));
	if (row)
		p->class->cell(p, cell, row, column, is_selected);
}

void pane_init(struct pane *p, struct app *app, const struct pane_class *class, void *arg)
{
	*p = (struct pane){.class = class, .app = app, .arg = arg};
	struct index_rules rules = {.compare = class->compare, .wants = class->wants, .arg = arg};
	p->index = index_new(app_records(app, class->kind), &rules);
	struct sheet_source source = {
		.rows = {.count = rows_count, .id = rows_id, .index_of = rows_index_of, .arg = p},
		.cell = draw_cell,
	};
	sheet_init(&p->sheet, &source, class->columns, class->n_columns);
	p->sheet.frozen = class->frozen;
	pane_update(p);
}

void pane_finish(struct pane *p)
{
	index_free(p->index);
	p->index = NULL;
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

bool pane_update(struct pane *p)
{
	enum index_state state = index_step(p->index, INDEX_SLICE_US, now_us);
	p->is_busy = state == INDEX_BUSY;
	struct list *list = &p->sheet.list;
	bool is_at_top = !list->is_focused && list->index == 0;
	if (state != INDEX_SAME)
		app_stale(p->app);
	list_sync(list);
	if (is_at_top && list->top + list->index > 0) { /* nobody is reading here: what is new shows itself */
		list_select_index(list, 0);
		list->top = 0;
	}
	return p->is_busy;
}

void pane_filter(struct pane *p, struct filter *filter)
{
	index_set_filter(p->index, filter);
	pane_update(p);
}

void pane_rules_changed(struct pane *p)
{
	struct index_rules rules = {.compare = p->class->compare, .wants = p->class->wants, .arg = p->arg};
	index_set_rules(p->index, &rules);
	pane_update(p);
}

static void title(const struct pane *p, int number, char *out, size_t size)
{
	char count[64];
	size_t shown = index_count(p->index), total = index_total(p->index);
	if (p->note[0])
		snprintf(count, sizeof(count), "%s", p->note);
	else if (shown != total)
		snprintf(count, sizeof(count), "%zu of %zu", shown, total);
	else
		snprintf(count, sizeof(count), "%zu", shown);
	if (number)
		snprintf(out, size, "%d %s %s", number, p->class->title, count);
	else
		snprintf(out, size, "%s %s", p->class->title, count);
}

void pane_draw(struct pane *p, const struct canvas *c, int number, bool is_focused)
{
	char text[128], age[64], place[32];
	enum style style;
	title(p, number, text, sizeof(text));
	app_freshness(p->app, age, sizeof(age), &style);
	list_position(&p->sheet.list, place, sizeof(place));
	struct canvas_box box = {.title = text, .is_focused = is_focused};
	box.right = age[0]                   ? age
		    : is_focused && place[0] ? place
					     : NULL; /* the border below is shared with another pane */
	box.right_style = age[0] ? style : STYLE_DIM;
	struct canvas inside = canvas_box_joined(c, &box);
	p->sheet.list.is_focused = is_focused;
	sheet_draw(&p->sheet, &inside);
	if (index_count(p->index))
		return;
	bool is_settled = app_is_settled(p->app) && app_is_live(p->app);
	if (!is_settled)
		canvas_text(&inside, 1, 1, STYLE_UNKNOWN, "? unknown");
	else
		canvas_text(&inside, 1, 1, STYLE_DIM,
			    index_total(p->index) ? "nothing matches the filter" : p->class->empty);
}

void pane_draw_line(struct pane *p, const struct canvas *c, int number)
{
	char text[128], age[64];
	enum style style;
	title(p, number, text, sizeof(text));
	canvas_hline(c, 0, 0, c->columns, STYLE_BORDER);
	int x = canvas_textf(c, 0, 1, STYLE_TITLE, " %s ", text);
	app_freshness(p->app, age, sizeof(age), &style);
	if (age[0])
		canvas_text(c, 0, x, style, age);
}

const void *pane_row(const struct pane *p)
{
	return records_row(app_records(p->app, p->class->kind), (record_handle)p->sheet.list.selected);
}

size_t pane_count(const struct pane *p)
{
	return index_count(p->index);
}

bool pane_command(struct pane *p, const char *command)
{
	return sheet_command(&p->sheet, command);
}

bool pane_key(struct pane *p, const struct key *key, bool *is_hit, int *column)
{
	return sheet_key(&p->sheet, key, is_hit, column);
}

void pane_group_init(struct pane_group *g, struct app *app, const struct pane_class *classes, int n,
		     int low_rows, void *arg)
{
	*g = (struct pane_group){.app = app, .n = n, .low_rows = low_rows};
	for (int i = 0; i < n; i++)
		pane_init(&g->panes[i], app, &classes[i], arg);
}

void pane_group_finish(struct pane_group *g)
{
	for (int i = 0; i < g->n; i++)
		pane_finish(&g->panes[i]);
}

void pane_group_update(struct pane_group *g)
{
	for (int i = 0; i < g->n; i++)
		pane_update(&g->panes[i]);
}

bool pane_group_is_busy(const struct pane_group *g)
{
	for (int i = 0; i < g->n; i++)
		if (g->panes[i].is_busy)
			return true;
	return false;
}

const void *pane_group_row(const struct pane_group *g)
{
	return pane_row(&g->panes[g->focus]);
}

bool pane_focus(const char *command, int n, int *focus, bool *is_zoomed)
{
	if (str_starts(command, "pane-") && command[5] >= '1' && command[5] < '1' + n && !command[6])
		*focus = command[5] - '1';
	else if (str_eq(command, "pane-next"))
		*focus = (*focus + 1) % n;
	else if (str_eq(command, "pane-previous"))
		*focus = (*focus + n - 1) % n;
	else if (str_eq(command, "zoom"))
		*is_zoomed = !*is_zoomed;
	else
		return false;
	return true;
}

bool pane_group_widget(struct pane_group *g, const char *command)
{
	return pane_focus(command, g->n, &g->focus, &g->is_zoomed) || pane_command(&g->panes[g->focus], command);
}

bool pane_group_key(struct pane_group *g, const struct key *key, bool *is_hit, int *column)
{
	bool is_low = g->is_zoomed || term_grid(app_term(g->app))->rows < g->low_rows + 2;
	for (int i = 0; i < g->n; i++) {
		if ((is_low && i != g->focus) || !pane_key(&g->panes[i], key, is_hit, column))
			continue;
		g->focus = i;
		return true;
	}
	return false;
}

void pane_group_draw(struct pane_group *g, const struct canvas *places)
{
	for (int pass = 0; pass < 2; pass++) /* the focused one last: its border wins where they touch */
		for (int i = 0; i < g->n; i++)
			if ((i == g->focus) == (pass == 1))
				pane_draw(&g->panes[i], &places[i], i + 1, pass == 1);
}

bool pane_group_draw_low(struct pane_group *g, const struct canvas *body)
{
	if (!g->is_zoomed && body->rows >= g->low_rows)
		return false;
	int y = 0, whole = body->rows - (g->is_zoomed ? 0 : g->n - 1);
	for (int i = 0; i < g->n; i++) {
		int rows = i == g->focus ? whole : g->is_zoomed ? 0 : 1;
		struct canvas part = canvas_sub(body, y, 0, rows, body->columns);
		if (i == g->focus)
			pane_draw(&g->panes[i], &part, i + 1, true);
		else if (rows)
			pane_draw_line(&g->panes[i], &part, i + 1);
		y += rows;
	}
	return true;
}

void pane_view_changed(struct view *v, uint32_t kinds)
{
	(void)kinds;
	pane_update(&((struct pane_view *)v)->pane);
}

bool pane_view_key(struct view *v, const struct key *k)
{
	bool is_hit = false;
	int column;
	if (!pane_key(&((struct pane_view *)v)->pane, k, &is_hit, &column))
		return false;
	if (is_hit)
		app_command(v->app, v, "open", "");
	return true;
}

bool pane_view_widget(struct view *v, const char *command)
{
	return pane_command(&((struct pane_view *)v)->pane, command);
}

int64_t pane_view_wake(struct view *v, int64_t now_mono)
{
	struct pane *p = &((struct pane_view *)v)->pane;
	(void)now_mono;
	if (!p->is_busy)
		return -1;
	pane_update(p);
	return 0;
}

void pane_view_close(struct view *v)
{
	pane_finish(&((struct pane_view *)v)->pane);
}

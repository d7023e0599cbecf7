/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The palette: type a command with its words, or the letters of a service, an environment or an alert, in
 * order. The best matches stand below; enter takes the marked one.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/records.h"
#include "tui/layout.h"
#include "tui/prompt.h"
#include "views/app.h"

#define MATCHES_MAX 200
#define NO_MATCH (-1)

enum match_kind { MATCH_COMMAND, MATCH_SERVICE, MATCH_ENVIRONMENT, MATCH_ALERT };
struct match {
	enum match_kind kind;
	int score;
	char name[96];  /* what is matched and shown */
	char help[160]; /* beside it */
	char id[96];    /* of the alert */
};
struct palette {
	struct view view;
	struct prompt prompt;
	struct match *matches;
	size_t n, chosen;
};

/* Letters of text in order within name: the fewer gaps and the earlier, the better. NO_MATCH when they are
 * not there. */
static int fuzzy(const char *text, const char *name)
{
	int score = 0, gap = 0;
	const char *at = name;
	for (; *text; text++) {
		while (*at && tolower((unsigned char)*at) != tolower((unsigned char)*text)) {
			at++;
			gap++;
		}
		if (!*at)
			return NO_MATCH;
		score += gap * 2;
		gap = 0;
		at++;
	}
	return score + (int)strlen(at);
}

static int by_score(const void *a, const void *b)
{
	const struct match *x = a, *y = b;
	if (x->score != y->score)
		return x->score - y->score;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

static void offer(struct palette *p, enum match_kind kind, const char *typed, const char *name,
		  const char *help, const char *id)
{
	int score = fuzzy(typed, name);
	if (score == NO_MATCH || p->n == MATCHES_MAX)
		return;
	struct match *m = &p->matches[p->n++];
	m->kind = kind;
	m->score = score;
	str_copy(m->name, sizeof(m->name), name);
	str_copy(m->help, sizeof(m->help), help ? help : "");
	str_copy(m->id, sizeof(m->id), id ? id : "");
}

static void offer_commands(struct palette *p, const char *typed, const struct command *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(rows[i].flags & COMMAND_HIDDEN))
			offer(p, MATCH_COMMAND, typed, rows[i].name,
			      app_denied(p->view.app, rows[i].name) ? app_denied(p->view.app, rows[i].name) : rows[i].help,
			      NULL);
}

static void offer_records(struct palette *p, const char *typed)
{
	struct app *app = p->view.app;
	struct records *table = app_records(app, RECORD_SERVICE);
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct service *s = records_row(table, h);
		offer(p, MATCH_SERVICE, typed, s->name, s->description, NULL);
	}
	table = app_records(app, RECORD_ENVIRONMENT);
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h))
		offer(p, MATCH_ENVIRONMENT, typed, ((const struct environment *)records_row(table, h))->name,
		      "home, narrowed to this environment", NULL);
	table = app_records(app, RECORD_ALERT);
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct alert *a = records_row(table, h);
		char name[96];
		snprintf(name, sizeof(name), "%s %s %s", a->name, a->service ? a->service : "",
			 a->environment ? a->environment : "");
		offer(p, MATCH_ALERT, typed, name, a->summary, a->id);
	}
}

static void update(struct palette *p)
{
	const char *text = str_text(&p->prompt.text);
	struct view *below = app_below(p->view.app, &p->view);
	char first[96];
	size_t n = strcspn(text, " ");
	bool has_words = text[n] == ' ';
	snprintf(first, sizeof(first), "%.*s", (int)n, text);
	p->n = p->chosen = 0;
	if (below)
		offer_commands(p, first, below->class->commands, below->class->n_commands);
	size_t rows;
	const struct command *own = command_rows(NULL, &rows);
	offer_commands(p, first, own, rows);
	if (!has_words)
		offer_records(p, text);
	qsort(p->matches, p->n, sizeof(*p->matches), by_score);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct palette *p = (struct palette *)v;
	(void)err;
	prompt_init(&p->prompt, ":", arg);
	p->matches = mem_array(MATCHES_MAX, sizeof(*p->matches));
	update(p);
	return true;
}

/* Home is the lowest screen: all above it are closed. */
static void narrow_home(struct app *app, struct view *v, const char *environment)
{
	struct view *under;
	while ((under = app_below(app, v))) {
		app_close(app, v);
		v = under;
	}
	app_command(app, v, "narrow-environment", environment);
}

static void go(struct palette *p)
{
	struct app *app = p->view.app;
	struct view *below = app_below(app, &p->view);
	if (p->chosen >= p->n)
		return;
	struct match m = p->matches[p->chosen];
	char words[512];
	const char *text = str_text(&p->prompt.text), *space = strchr(text, ' ');
	snprintf(words, sizeof(words), "%s", space ? space + 1 + strspn(space + 1, " ") : "");
	app_close(app, &p->view); /* p lives until this key is done */
	switch (m.kind) {
	case MATCH_COMMAND:
		app_command(app, below, m.name, words);
		break;
	case MATCH_SERVICE:
		app_target(app, m.name, app_env(app));
		app_push(app, &view_service, m.name);
		break;
	case MATCH_ENVIRONMENT:
		narrow_home(app, below, m.name);
		break;
	case MATCH_ALERT:
		app_push(app, &view_triage, m.id);
		break;
	}
}

static bool key(struct view *v, const struct key *k)
{
	struct palette *p = (struct palette *)v;
	if (key_is(k, KEYSYM_DOWN) || key_is(k, KEYSYM_UP)) {
		if (key_is(k, KEYSYM_DOWN) && p->chosen + 1 < p->n)
			p->chosen++;
		else if (key_is(k, KEYSYM_UP) && p->chosen > 0)
			p->chosen--;
		return true;
	}
	if (key_is(k, KEYSYM_TAB)) {
		if (p->chosen < p->n)
			prompt_set(&p->prompt, p->matches[p->chosen].name);
		update(p);
		return true;
	}
	switch (prompt_key(&p->prompt, k)) {
	case PROMPT_CHANGED:
		update(p);
		break;
	case PROMPT_DONE:
		go(p);
		break;
	case PROMPT_CANCELLED:
		app_close(v->app, v);
		break;
	case PROMPT_IGNORED:
	case PROMPT_MOVED:
		break;
	}
	return true;
}

static void draw(struct view *v, const struct canvas *body)
{
	static const char *const kinds[] = {"command", "service", "environment", "alert"};
	struct palette *p = (struct palette *)v;
	int rows = body->rows - 4 < 16 ? body->rows - 4 : 16;
	struct canvas c = canvas_sub(body, 1, body->columns > 100 ? (body->columns - 90) / 2 : 2, rows,
				     body->columns > 100 ? 90 : body->columns - 4);
	canvas_clear(&c);
	struct canvas in = canvas_box(&c, &(struct canvas_box){.title = "Go to, or do", .is_focused = true});
	struct canvas line = canvas_sub(&in, 0, 0, 1, in.columns);
	size_t shown = (size_t)(in.rows - 1), first = p->chosen >= shown ? p->chosen - shown + 1 : 0;
	for (size_t i = first; i < p->n && i < first + shown; i++) {
		struct match *m = &p->matches[i];
		struct canvas row = canvas_sub(&in, (int)(i - first) + 1, 0, 1, in.columns);
		row.over = i == p->chosen ? STYLE_SELECTED : STYLE_TEXT;
		if (i == p->chosen)
			canvas_clear(&row);
		char key_name[64] = "";
		if (m->kind == MATCH_COMMAND)
			app_key_of(v->app, app_below(v->app, v), m->name, key_name, sizeof(key_name));
		canvas_field(&row, 0, 1, 26, STYLE_STRONG, UTF8_LEFT, m->name);
		canvas_field(&row, 0, 28, 8, STYLE_KEY, UTF8_LEFT,
			     m->kind == MATCH_COMMAND ? key_name : kinds[m->kind]);
		canvas_field(&row, 0, 37, in.columns - 38, STYLE_DIM, UTF8_LEFT, m->help);
	}
	if (!p->n)
		canvas_text(&in, 1, 1, STYLE_DIM, "nothing by that name");
	prompt_draw(&p->prompt, &line, NULL);
}

static void close_view(struct view *v)
{
	struct palette *p = (struct palette *)v;
	prompt_finish(&p->prompt);
	free(p->matches);
}

static const char *const layers[] = {"palette", NULL};
const struct view_class view_palette = {
	.name = "palette",
	.title = "Palette",
	.help = "Commands by name, and services, environments and alerts by their letters",
	.size = sizeof(struct palette),
	.flags = VIEW_OVERLAY | VIEW_TYPING,
	.layers = layers,
	.open = open_view,
	.draw = draw,
	.key = key,
	.close = close_view,
};

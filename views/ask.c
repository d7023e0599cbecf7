/* SPDX-License-Identifier: Apache-2.0 */
/* A one-line question at the bottom: filter, search, a number, a reason. */
#include <stdlib.h>

#include "base/mem.h"
#include "tui/prompt.h"
#include "views/app.h"

struct ask_view {
	struct view view;
	struct ask ask;
	char *label;
	struct prompt prompt;
	bool is_answered;
};

void app_ask(struct app *app, const struct ask *ask)
{
	struct ask_view *a = (struct ask_view *)app_push(app, &view_ask, NULL);
	if (!a) {
		if (ask->forget)
			ask->forget(ask->arg);
		return;
	}
	a->ask = *ask;
	a->label = mem_dup(ask->label);
	prompt_init(&a->prompt, a->label, ask->text ? ask->text : "");
	a->prompt.complete = ask->complete;
	a->prompt.arg = ask->arg;
	if (ask->is_listing)
		prompt_list(&a->prompt);
}

static bool key(struct view *v, const struct key *k)
{
	struct ask_view *a = (struct ask_view *)v;
	switch (prompt_key(&a->prompt, k)) {
	case PROMPT_CHANGED:
		if (a->ask.changed)
			a->ask.changed(v->app, str_text(&a->prompt.text), a->ask.arg);
		if (a->ask.is_listing)
			prompt_list(&a->prompt);
		break;
	case PROMPT_DONE:
		a->is_answered = true;
		app_close(v->app, v); /* first: what done opens stands where this stood */
		if (a->ask.done)
			a->ask.done(v->app, str_text(&a->prompt.text), a->ask.arg);
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
	struct ask_view *a = (struct ask_view *)v;
	struct canvas line = canvas_sub(body, body->rows - 1, 0, 1, body->columns);
	struct canvas above = canvas_sub(body, 0, 0, body->rows - 1, body->columns);
	canvas_fill(&line, 0, 0, 1, line.columns, STYLE_FIELD_FOCUS, ' ');
	prompt_draw(&a->prompt, &line, &above);
}

static void close_view(struct view *v)
{
	struct ask_view *a = (struct ask_view *)v;
	if (!a->is_answered && a->ask.cancelled)
		a->ask.cancelled(v->app, a->ask.arg);
	if (a->ask.forget)
		a->ask.forget(a->ask.arg);
	prompt_finish(&a->prompt);
	free(a->label);
}

const struct view_class view_ask = {
	.name = "ask",
	.title = "Question",
	.help = "One line to be typed: a filter, a reason, a number",
	.size = sizeof(struct ask_view),
	.flags = VIEW_OVERLAY | VIEW_TYPING,
	.draw = draw,
	.key = key,
	.close = close_view,
};

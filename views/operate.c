/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation from wish to outcome: asks for the plan, shows it in a dialog whose default is Cancel, runs it, shows
 * its steps. Closing it hides a running operation; it goes on, and its outcome is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "tui/dialog.h"
#include "tui/layout.h"
#include "views/app.h"
#include "views/words.h"

enum stage { STAGE_PLANNING, STAGE_ASKING, STAGE_RUNNING, STAGE_ENDED };

struct operate {
	struct view view;
	struct arena arena;       /* wish, plan */
	struct arena of_operation; /* the newest state of it */
	struct wish wish;
	struct plan plan;
	struct operation operation;
	struct dialog dialog;
	enum stage stage;
	uint64_t request;
	int64_t started;
};

void app_operate(struct app *app, const struct wish *wish)
{
	struct operate *o = (struct operate *)app_push(app, &view_operate, NULL);
	if (!o)
		return;
	record_copy(record_class(RECORD_WISH), &o->wish, wish, &o->arena);
	o->started = app_mono(app);
	o->request = app_send(app, &o->view, request_plan(&o->wish));
	if (!o->request)
		app_close(app, &o->view);
}

static void add_lines(struct doc *d, const char *heading, const struct texts *lines, enum style style, const char *bullet)
{
	if (!lines->n)
		return;
	if (heading)
		doc_line(d, STYLE_HEADING, heading);
	for (size_t i = 0; i < lines->n; i++) {
		doc_hang(d, 2);
		doc_addf(d, style, "%s%s", bullet, lines->items[i]);
		doc_newline(d);
	}
}

static void plan_body(const struct plan *p, struct doc *d)
{
	add_lines(d, NULL, &p->changes, STYLE_TEXT, "");
	add_lines(d, NULL, &p->warnings, STYLE_WARNING, "! ");
	add_lines(d, "Locks", &p->locks, STYLE_WARNING, "⚿ ");
	if (!p->locks.n && p->class != OP_REVERSIBLE)
		doc_line(d, STYLE_DIM, "no locks");
	add_lines(d, "Commands that were not approved yet", &p->commands, STYLE_CODE, "  ");
	if (p->diff) {
		doc_newline(d);
		doc_diff(d, p->diff);
	}
	if (p->steps.n) {
		doc_add(d, STYLE_DIM, "steps: ");
		for (size_t i = 0; i < p->steps.n; i++)
			doc_addf(d, STYLE_DIM, "%s%s", i ? " → " : "", p->steps.items[i]);
		doc_newline(d);
	}
	if (p->equivalent) {
		doc_hang(d, 2);
		doc_add(d, STYLE_DIM, "same as: ");
		doc_add(d, STYLE_CODE, p->equivalent);
		doc_newline(d);
	}
	if (p->refusal) {
		doc_newline(d);
		doc_hang(d, 2);
		doc_addf(d, STYLE_ERROR, "✖ refused: %s", p->refusal);
		doc_newline(d);
	}
}

static void capital(const char *word, char *out, size_t size)
{
	str_copy(out, size, word);
	if (out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] - 'a' + 'A');
}

static void ask_person(struct operate *o)
{
	const struct plan *p = &o->plan;
	char button[64];
	capital(o->wish.action, button, sizeof(button));
	struct dialog_options options = {
		.title = p->title ? p->title : o->wish.action,
		.buttons = {p->refusal ? NULL : button},
		.typed_name = p->refusal || p->class != OP_PROTECTED ? NULL : p->confirm,
		.is_danger = p->class == OP_PROTECTED,
		.now_ms = app_mono(o->view.app),
	};
	dialog_init(&o->dialog, &options);
	plan_body(p, &o->dialog.body);
	o->stage = STAGE_ASKING;
}

static void execute(struct operate *o)
{
	const char *confirm = o->plan.class == OP_PROTECTED  ? o->plan.confirm
	                      : o->plan.class == OP_CHANGING ? "yes"
	                                                     : NULL;
	o->stage = STAGE_RUNNING;
	o->started = app_mono(o->view.app);
	o->request = app_send(o->view.app, &o->view, request_execute(o->plan.id, confirm, o->wish.reason));
}

/* What these did is worth reading: every check with its time. */
static bool keeps_proof(const struct operate *o)
{
	return str_eq(o->wish.action, "new") || str_eq(o->wish.action, "prove");
}

static void take_operation(struct operate *o, const struct operation *op)
{
	struct app *app = o->view.app;
	arena_reset(&o->of_operation);
	record_copy(record_class(RECORD_OPERATION), &o->operation, op, &o->of_operation);
	if (op->state == AUDIT_RECORDED)
		return;
	o->stage = STAGE_ENDED;
	if (op->state == AUDIT_DONE) {
		app_say(app, STYLE_OK, "%s", op->detail ? op->detail : "done");
		if (op->undo_until && op->id)
			app_offer_undo(app, op->id, op->undo_until);
		if (!keeps_proof(o))
			app_close(app, &o->view);
	}
}

static void message(struct view *v, const struct message *m)
{
	struct operate *o = (struct operate *)v;
	switch (m->kind) {
	case MESSAGE_PLAN:
		record_copy(record_class(RECORD_PLAN), &o->plan, &m->plan, &o->arena);
		if (o->plan.refusal || o->plan.class != OP_REVERSIBLE)
			ask_person(o);
		else
			execute(o);
		break;
	case MESSAGE_OPERATION:
		take_operation(o, &m->operation);
		break;
	case MESSAGE_DONE:
		if (m->request != o->request || m->err.kind == ERR_NONE || m->err.kind == ERR_CANCELLED)
			break;
		if (o->stage == STAGE_ENDED) /* the operation itself has told why */
			break;
		app_fail(v->app, &m->err);
		app_close(v->app, v);
		break;
	default:
		break;
	}
}

static bool key(struct view *v, const struct key *k)
{
	struct operate *o = (struct operate *)v;
	size_t button;
	if (o->stage != STAGE_ASKING)
		return false;
	switch (dialog_key(&o->dialog, k, app_mono(v->app), &button)) {
	case DIALOG_CANCELLED:
		app_close(v->app, v);
		break;
	case DIALOG_CONFIRMED:
		execute(o);
		break;
	case DIALOG_IGNORED:
	case DIALOG_TAKEN:
		break;
	}
	return true;
}

static void draw_step(struct operate *o, const struct canvas *c, int y, const struct step *s)
{
	char span[CLOCK_TEXT] = "";
	enum style style = words_step_style(s->state);
	canvas_text(c, y, 1, style, words_step_sign(s->state));
	int x = canvas_text(c, y, 3, s->state == STEP_WAITING ? STYLE_DIM : STYLE_TEXT, s->name);
	if (s->started_at)
		clock_span((s->ended_at ? s->ended_at : app_now(o->view.app)) - s->started_at, span);
	canvas_text(c, y, x < 18 ? 18 : x + 1, STYLE_DIM, span);
	if (s->detail)
		canvas_field(c, y, 27, c->columns - 28, s->state == STEP_FAILED ? STYLE_ERROR : STYLE_DIM, UTF8_LEFT, s->detail);
}

static void draw_running(struct operate *o, const struct canvas *body)
{
	const struct operation *op = &o->operation;
	const struct step *steps = op->steps.items;
	bool is_over = o->stage == STAGE_ENDED;
	int rows = (int)op->steps.n + 3 + (is_over ? 2 : 0);
	struct canvas c = layout_centre(body, rows < 6 ? 6 : rows, body->columns > 90 ? 90 : body->columns - 4);
	char key_name[64];
	canvas_clear(&c);
	struct canvas_box box = {.title = o->plan.title ? o->plan.title : o->wish.action, .is_focused = true};
	struct canvas in = canvas_box(&c, &box);
	if (!op->steps.n)
		canvas_text(&in, 0, 1, STYLE_DIM, "sent, waiting for the first step");
	for (size_t i = 0; i < op->steps.n; i++)
		draw_step(o, &in, (int)i, &steps[i]);
	if (is_over && op->detail)
		canvas_field(&in, (int)op->steps.n, 1, in.columns - 2, op->state == AUDIT_DONE ? STYLE_OK : STYLE_ERROR, UTF8_LEFT,
		             op->detail);
	app_key_of(o->view.app, &o->view, "cancel", key_name, sizeof(key_name));
	canvas_textf(&in, in.rows - 1, 1, STYLE_DIM, is_over ? "%s closes" : "%s hides this; it goes on", key_name);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct operate *o = (struct operate *)v;
	if (o->stage == STAGE_ASKING) {
		dialog_draw(&o->dialog, body);
	} else if (o->stage == STAGE_PLANNING) {
		if (app_mono(v->app) - o->started > 100) {
			struct canvas c = layout_centre(body, 3, 44);
			canvas_clear(&c);
			struct canvas in = canvas_box(&c, &(struct canvas_box){.title = o->wish.action, .is_focused = true});
			canvas_text(&in, 0, 1, STYLE_DIM, "asking for the plan; esc gives up");
		}
	} else if (o->plan.class != OP_REVERSIBLE) {
		draw_running(o, body);
	}
}

static int64_t wake(struct view *v, int64_t now)
{
	struct operate *o = (struct operate *)v;
	(void)now;
	if (o->stage == STAGE_PLANNING)
		return 120;
	if (o->stage == STAGE_ASKING)
		return -1;
	return o->stage == STAGE_RUNNING ? 1000 : -1;
}

static void run_back(struct app *app, struct view *v, const char *arg)
{
	struct operate *o = (struct operate *)v;
	(void)arg;
	if (o->stage == STAGE_RUNNING)
		app_keep(app, o->request);
	app_close(app, v);
}

static void run_confirm(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	if (((struct operate *)v)->stage == STAGE_ENDED)
		app_close(app, v);
}

static void close_view(struct view *v)
{
	struct operate *o = (struct operate *)v;
	dialog_finish(&o->dialog);
	arena_finish(&o->arena);
	arena_finish(&o->of_operation);
}

static const struct command commands[] = {
	{"back", "Hide a running operation; it goes on", COMMAND_HIDDEN, run_back},
	{"cancel", "Give the plan up, or hide what runs", COMMAND_HIDDEN, run_back},
	{"confirm", "Close what has ended", COMMAND_HIDDEN, run_confirm},
};
static const char *const layers[] = {"dialog", NULL};
static const char *const footer[] = {"cancel", NULL};

const struct view_class view_operate = {
	.name = "operate",
	.title = "Operation",
	.help = "The plan of a change, its confirmation and its steps",
	.size = sizeof(struct operate),
	.flags = VIEW_OVERLAY,
	.layers = layers,
	.footer = footer,
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
	.message = message,
	.draw = draw,
	.key = key,
	.wake = wake,
	.close = close_view,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation from wish to outcome: asks for the plan, shows it in a dialog whose default is Cancel, runs
 * it, shows its steps. Closing it hides a running operation; it goes on, and its outcome is said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/gather.h"
#include "tui/dialog.h"
#include "tui/layout.h"
#include "views/app.h"
#include "views/words.h"

enum stage { STAGE_PLANNING, STAGE_ASKING, STAGE_RUNNING, STAGE_ENDED };

#define LEGS_MAX 16

struct leg { /* one operation of the way */
	struct wish wish;
	enum step_state state;
	int64_t began, ended; /* wall ms */
	const char *detail;
};
struct operate {
	struct view view;
	struct arena arena;        /* wishes, plans, details */
	struct arena of_operation; /* the newest state of the one that runs */
	struct leg legs[LEGS_MAX];
	size_t n_legs, at;
	const char *goal;  /* "prod": where the way leads; NULL for a single operation */
	int64_t began;     /* wall ms: the first one was confirmed */
	const char *typed; /* the name typed last: it holds for the rest of the way in that environment */
	bool is_approved;  /* the plan was asked for again, with its commands approved */
	struct plan plan;
	struct operation operation;
	char output[300];  /* the last line of what a build printed */
	struct dialog dialog;
	enum stage stage;
	uint64_t request;
	int64_t started; /* monotonic: the stage */
};

static struct wish *wish_of(struct operate *o)
{
	return &o->legs[o->at].wish;
}

static void ask_plan(struct operate *o)
{
	o->stage = STAGE_PLANNING;
	o->started = app_mono(o->view.app);
	arena_reset(&o->of_operation);
	o->operation = (struct operation){0};
	struct wish w = *wish_of(o);
	gather_promotion(app_tables(o->view.app), &w);
	o->request = app_send(o->view.app, &o->view, request_plan(&w));
	if (!o->request)
		app_close(o->view.app, &o->view);
}

void app_operate_way(struct app *app, const struct wish *wishes, size_t n, const char *goal)
{
	struct operate *o = (struct operate *)app_push(app, &view_operate, NULL);
	if (!o)
		return;
	o->n_legs = n < LEGS_MAX ? n : LEGS_MAX;
	o->goal = arena_dup(&o->arena, goal);
	for (size_t i = 0; i < o->n_legs; i++)
		record_copy(record_class(RECORD_WISH), &o->legs[i].wish, &wishes[i], &o->arena);
	ask_plan(o);
}

void app_operate(struct app *app, const struct wish *wish)
{
	app_operate_way(app, wish, 1, NULL);
}

/* "promote to prod" */
static void leg_name(const struct leg *l, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", l->wish.action,
		 l->wish.environment ? str_eq(l->wish.action, "promote") ? " to " : " in " : "",
		 l->wish.environment ? l->wish.environment : "");
}

static void add_lines(struct doc *d, const char *heading, const struct texts *lines, enum style style,
		      const char *bullet)
{
	if (!lines->n)
		return;
	if (heading)
		doc_line(d, STYLE_HEADING, heading);
	for (size_t i = 0; i < lines->n; i++) {
		char room[WORDS_OWN];
		doc_hang(d, 2);
		doc_addf(d, style, "%s%s", bullet, words_own(lines->items[i], words_me(), room));
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
		char room[WORDS_OWN];
		doc_newline(d);
		doc_hang(d, 2);
		doc_addf(d, STYLE_ERROR, "✖ refused: %s", words_own(p->refusal, words_me(), room));
		doc_newline(d);
	}
	if (p->diff) { /* last: it may be long, and the box scrolls */
		doc_newline(d);
		doc_diff(d, p->diff);
	}
}

static void capital(const char *word, char *out, size_t size)
{
	str_copy(out, size, word);
	if (out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] - 'a' + 'A');
}

static void add_way(const struct operate *o, struct doc *d)
{
	char name[128];
	for (size_t i = o->at + 1; i < o->n_legs; i++) {
		leg_name(&o->legs[i], name, sizeof(name));
		doc_addf(d, STYLE_TEXT, i == o->at + 1 ? "then: %s" : " → %s", name);
	}
	if (o->at + 1 < o->n_legs)
		doc_newline(d);
}

static void ask_person(struct operate *o)
{
	const struct plan *p = &o->plan;
	char button[64];
	capital(str_eq(wish_of(o)->action, "cancel") ? "end the deploy" : wish_of(o)->action, button, sizeof(button));
	struct dialog_options options = {
		.title = p->title ? p->title : wish_of(o)->action,
		.buttons = {p->refusal ? NULL : button},
		.typed_name = p->refusal || p->class != OP_PROTECTED ? NULL : p->confirm,
		.is_danger = p->class == OP_PROTECTED,
		.now_ms = app_mono(o->view.app),
	};
	dialog_finish(&o->dialog);
	dialog_init(&o->dialog, &options);
	plan_body(p, &o->dialog.body);
	add_way(o, &o->dialog.body);
	o->stage = STAGE_ASKING;
}

static void execute(struct operate *o)
{
	const char *confirm = o->plan.class == OP_PROTECTED  ? o->plan.confirm
			      : o->plan.class == OP_CHANGING ? "yes"
							     : NULL;
	o->stage = STAGE_RUNNING;
	o->started = app_mono(o->view.app);
	o->legs[o->at].state = STEP_RUNNING;
	o->legs[o->at].began = app_now(o->view.app);
	if (!o->began)
		o->began = app_now(o->view.app);
	o->request =
		app_send(o->view.app, &o->view, request_execute(o->plan.id, confirm, wish_of(o)->reason));
}

/* Pieces are whole lines: of the newest one its last. */
static void take_output(struct operate *o, const struct document *d)
{
	size_t end = d->len, start;
	while (end && d->text[end - 1] == '\n')
		end--;
	for (start = end; start && d->text[start - 1] != '\n';)
		start--;
	if (end > start)
		snprintf(o->output, sizeof(o->output), "%.*s", (int)(end - start), d->text + start);
	app_stale(o->view.app);
}

/* What these did is worth reading: every check with its time. */
static bool keeps_proof(const struct operate *o)
{
	return o->goal || str_eq(o->legs[0].wish.action, "prove");
}

static void next_leg(struct operate *o)
{
	o->at++;
	o->is_approved = false;
	ask_plan(o);
}

/* The way is over, or a single operation: its outcome is said, and what is worth reading stays. */
static void finish(struct operate *o, const struct operation *op)
{
	struct app *app = o->view.app;
	char span[CLOCK_TEXT];
	o->stage = STAGE_ENDED;
	if (op->state != AUDIT_DONE)
		return;
	clock_span(app_now(app) - o->began, span);
	if (o->goal)
		app_say(app, STYLE_OK, "%s is in %s, %s after it was begun: %s", o->legs[0].wish.service, o->goal, span,
			op->detail ? op->detail : "proved");
	else
		app_say(app, STYLE_OK, "%s", op->detail ? op->detail : "done");
	if (op->undo_until && op->id)
		app_offer_undo(app, op->id, op->undo_until);
	if (!keeps_proof(o))
		app_close(app, &o->view);
}

static void take_operation(struct operate *o, const struct operation *op)
{
	struct leg *leg = &o->legs[o->at];
	arena_reset(&o->of_operation);
	o->output[0] = '\0';
	record_copy(record_class(RECORD_OPERATION), &o->operation, op, &o->of_operation);
	if (op->state == AUDIT_RECORDED || o->stage != STAGE_RUNNING)
		return;
	leg->state = op->state == AUDIT_DONE ? STEP_DONE : STEP_FAILED;
	leg->ended = app_now(o->view.app);
	leg->detail = arena_dup(&o->arena, op->detail);
	if (op->state == AUDIT_DONE && o->at + 1 < o->n_legs)
		next_leg(o);
	else
		finish(o, op);
}

/* On a way, what the person has just made and seen counts as approved, and what was shown first as confirmed.
 */
static void take_plan(struct operate *o, const struct plan *plan)
{
	record_copy(record_class(RECORD_PLAN), &o->plan, plan, &o->arena);
	if (o->plan.refusal && o->plan.approve && o->at > 0 && !o->is_approved) {
		o->is_approved = true;
		wish_of(o)->approve = o->plan.approve;
		ask_plan(o);
	} else if (o->plan.refusal || (o->at == 0 && o->plan.class != OP_REVERSIBLE) ||
		   (o->plan.class == OP_PROTECTED && !str_eq(o->plan.confirm, o->typed))) {
		ask_person(o);
	} else {
		execute(o);
	}
}

static void message(struct view *v, const struct message *m)
{
	struct operate *o = (struct operate *)v;
	switch (m->kind) {
	case MESSAGE_PLAN:
		take_plan(o, &m->plan);
		break;
	case MESSAGE_OPERATION:
		take_operation(o, &m->operation);
		break;
	case MESSAGE_DOCUMENT:
		take_output(o, &m->document);
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
		o->typed = o->plan.class == OP_PROTECTED ? o->plan.confirm : NULL;
		execute(o);
		break;
	case DIALOG_IGNORED:
	case DIALOG_TAKEN:
		break;
	}
	return true;
}

struct line { /* a step or a leg, as it is drawn */
	const char *name, *detail;
	int state;
	int64_t began, ended;
};

static void draw_line(struct operate *o, const struct canvas *c, int y, int indent, const struct line *l)
{
	char span[CLOCK_TEXT] = "", room[WORDS_OWN];
	enum style style = words_step_style(l->state);
	canvas_text(c, y, 1 + indent, style, words_step_sign(l->state));
	int x = canvas_text(c, y, 3 + indent, l->state == STEP_WAITING ? STYLE_DIM : STYLE_TEXT, l->name);
	if (l->began)
		clock_span((l->ended ? l->ended : app_now(o->view.app)) - l->began, span);
	x = x < 28 ? 28 : x + 1;
	canvas_text(c, y, x, STYLE_DIM, span);
	if (l->detail)
		canvas_field(c, y, x + 8, c->columns - x - 9,
			     l->state == STEP_FAILED ? STYLE_ERROR : STYLE_DIM, UTF8_LEFT,
			     words_own(l->detail, words_me(), room));
}

static int draw_steps(struct operate *o, const struct canvas *c, int y, int indent)
{
	const struct step *steps = o->operation.steps.items;
	for (size_t i = 0; i < o->operation.steps.n; i++) {
		struct line l = {steps[i].name, steps[i].detail, steps[i].state, steps[i].started_at,
				 steps[i].ended_at};
		if (l.state == STEP_RUNNING && o->output[0])
			l.detail = o->output;
		draw_line(o, c, y++, indent, &l);
	}
	return y;
}

static int draw_legs(struct operate *o, const struct canvas *c)
{
	char name[128];
	int y = 0;
	for (size_t i = 0; i < o->n_legs; i++) {
		const struct leg *leg = &o->legs[i];
		leg_name(leg, name, sizeof(name));
		struct line l = {name, leg->detail, (int)leg->state, leg->began, leg->ended};
		draw_line(o, c, y++, 0, &l);
		if (i == o->at)
			y = draw_steps(o, c, y, 2);
	}
	return y;
}

/* What a proof could not see. */
static void add_skipped(const struct operation *op, struct str *out)
{
	const struct step *steps = op->steps.items;
	for (size_t i = 0; i < op->steps.n; i++)
		if (steps[i].state == STEP_SKIPPED)
			str_addf(out, "%s%s", out->len ? ", " : "; not proved: ", steps[i].name);
}

/* From the first confirmation to the last proof; what of it the operations took, and what the person. */
static void draw_time_to(struct operate *o, const struct canvas *c, int y)
{
	char all[CLOCK_TEXT], ours[CLOCK_TEXT];
	struct str skipped = {0};
	int64_t worked = 0;
	for (size_t i = 0; i <= o->at; i++)
		worked += o->legs[i].ended - o->legs[i].began;
	clock_span(o->legs[o->at].ended - o->began, all);
	clock_span(worked, ours);
	add_skipped(&o->operation, &skipped);
	canvas_textf(c, y, 1, STYLE_OK, "time to production%s: %s, %s of it the platform's%s",
		     skipped.len ? "" : " with full observability", all, ours, str_text(&skipped));
	str_finish(&skipped);
}

static void draw_running(struct operate *o, const struct canvas *body)
{
	const struct operation *op = &o->operation;
	bool is_over = o->stage == STAGE_ENDED;
	int rows = (int)(op->steps.n + (o->n_legs > 1 ? o->n_legs : 0)) + 4 + (is_over ? 2 : 0);
	struct canvas c =
		layout_centre(body, rows < 6 ? 6 : rows, body->columns > 110 ? 110 : body->columns - 4);
	char key_name[64];
	canvas_clear(&c);
	struct canvas_box box = {.title = o->plan.title ? o->plan.title : wish_of(o)->action,
				 .is_focused = true};
	struct canvas in = canvas_box(&c, &box);
	int y = o->n_legs > 1 ? draw_legs(o, &in) : draw_steps(o, &in, 0, 0);
	if (!op->steps.n && o->n_legs == 1)
		canvas_text(&in, 0, 1, STYLE_DIM, "sent, waiting for the first step");
	bool is_done = op->state == AUDIT_DONE;
	if (is_over && is_done && o->goal) {
		draw_time_to(o, &in, y + 1);
	} else if (is_over && op->detail) {
		char room[WORDS_OWN];
		canvas_field(&in, y + 1, 1, in.columns - 2, is_done ? STYLE_OK : STYLE_ERROR, UTF8_LEFT,
			     words_own(op->detail, words_me(), room));
	}
	app_key_of(o->view.app, &o->view, "cancel", key_name, sizeof(key_name));
	const char *what = is_over         ? "closes"
			   : o->n_legs > 1 ? "stops after this step"
					   : "hides this; it goes on";
	canvas_textf(&in, in.rows - 1, 1, STYLE_DIM, "%s %s", key_name, what);
}

static void draw(struct view *v, const struct canvas *body)
{
	struct operate *o = (struct operate *)v;
	if (o->stage == STAGE_ASKING) {
		dialog_draw(&o->dialog, body);
	} else if (o->stage == STAGE_PLANNING && o->at == 0) {
		if (app_mono(v->app) - o->started > 100) {
			struct canvas c = layout_centre(body, 3, 44);
			canvas_clear(&c);
			struct canvas in = canvas_box(
				&c, &(struct canvas_box){.title = wish_of(o)->action, .is_focused = true});
			canvas_text(&in, 0, 1, STYLE_DIM, "asking for the plan; esc gives up");
		}
	} else if (o->plan.class != OP_REVERSIBLE || o->n_legs > 1) {
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
	VIEW_COMMANDS(commands),
	.message = message,
	.draw = draw,
	.key = key,
	.wake = wake,
	.close = close_view,
};

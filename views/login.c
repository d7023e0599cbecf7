/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal, lent: to a credential plugin that has to ask its person, once that person agreed, and to whatever a view
 * wants to run there (app_lend). The loop of the app goes on meanwhile, without keys and frames. And the question whether
 * a plugin may run at all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/lend.h"
#include "base/mem.h"
#include "base/str.h"
#include "tui/dialog.h"
#include "views/app_private.h"

bool app_lend(struct app *app, const struct app_lend *wish, struct err *err)
{
	if (app->lent)
		return err_set(err, ERR_REFUSED, "the terminal is lent already");
	term_lend(app->term);
	app->lent = lend_start(wish->what, err);
	if (!app->lent) {
		term_take_back(app->term);
		return false;
	}
	app->lent_done = wish->done;
	app->lent_arg = wish->arg;
	return true;
}

void app_lend_step(struct app *app)
{
	int status;
	size_t len;
	if (!app->lent || !lend_step(app->lent, &status))
		return;
	struct lend *over = app->lent;
	const char *output = lend_output(over, &len);
	app->lent = NULL;
	app->lent_done(app, status, output, len, app->lent_arg);
	lend_free(over);
	term_take_back(app->term);
	app_stale(app);
}

void app_lend_end(struct app *app)
{
	if (!app->lent)
		return;
	lend_free(app->lent);
	app->lent = NULL;
	term_take_back(app->term);
}

/* --- an operation that is done there --- */

static void on_operation_ended(struct app *app, int status, const char *output, size_t len, void *arg)
{
	uint64_t *request = arg;
	(void)output, (void)len;
	app_send(app, NULL, request_terminal(&(struct terminal_answer){.request = *request, .status = status}));
	free(request);
}

void app_lend_operation(struct app *app, const struct message *m)
{
	const struct lend_wish wish = {.argv = m->terminal.argv, .env = m->terminal.env, .title = m->terminal.why,
				       .waits_when_failed = true};
	struct err err = {0};
	uint64_t *request = mem_alloc(sizeof(*request));
	*request = m->request;
	if (app_lend(app, &(struct app_lend){&wish, on_operation_ended, request}, &err))
		return;
	app_send(app, NULL, request_terminal(&(struct terminal_answer){.request = m->request, .refusal = err.text}));
	free(request);
}

/* --- a plugin that asks --- */

struct login {
	struct view view;
	struct arena arena;
	struct dialog dialog;
	uint64_t ticket;
	const char **argv, **env;
	const char *title, *command;
	bool is_approval;  /* asked is whether it may run at all */
	bool is_answered;
};

static void answer(struct app *app, const struct terminal_answer *a)
{
	app_send(app, NULL, request_terminal(a));
}

static void ask_to_log_in(struct login *l, const char *why)
{
	dialog_init(&l->dialog, &(struct dialog_options){.title = "Log in", .buttons = {"Log in"}, .now_ms = l->view.app->mono});
	doc_addf(&l->dialog.body, STYLE_TEXT, "%s.", why);
	doc_newline(&l->dialog.body);
	doc_newline(&l->dialog.body);
	doc_add(&l->dialog.body, STYLE_STRONG, l->command);
	doc_newline(&l->dialog.body);
	doc_newline(&l->dialog.body);
	doc_add(&l->dialog.body, STYLE_DIM,
		"It gets the terminal until it ends. Put off, it is asked for again by refresh.");
}

static void ask_to_approve(struct login *l, const char *why)
{
	dialog_init(&l->dialog, &(struct dialog_options){.title = "Approve a credential plugin", .buttons = {"Approve"},
							 .needs_end = true, .now_ms = l->view.app->mono});
	doc_addf(&l->dialog.body, STYLE_TEXT, "%s that you have not approved yet.", why);
	doc_newline(&l->dialog.body);
	doc_newline(&l->dialog.body);
	for (size_t i = 0; l->env[i]; i++) {
		doc_addf(&l->dialog.body, STYLE_TEXT, "with %s", l->env[i]);
		doc_newline(&l->dialog.body);
	}
	doc_add(&l->dialog.body, STYLE_STRONG, l->command);
	doc_newline(&l->dialog.body);
	doc_newline(&l->dialog.body);
	doc_add(&l->dialog.body, STYLE_DIM,
		"Approved, it runs whenever its cluster asks who you are. Another command is asked about again. Put off, "
		"this one is asked about again by refresh.");
}

void app_ask_login(struct app *app, const struct terminal_wish *wish)
{
	struct login *l = (struct login *)app_push(app, &view_login, NULL);
	struct str command = {0};
	if (!l) {
		answer(app, &(struct terminal_answer){.ticket = wish->ticket, .refusal = "too many screens are open"});
		return;
	}
	for (size_t i = 0; wish->argv[i]; i++) {
		str_add(&command, i ? " " : "");
		str_add_word(&command, wish->argv[i]);
	}
	l->ticket = wish->ticket;
	l->is_approval = wish->approve != NULL;
	l->argv = arena_dup_list(&l->arena, wish->argv);
	l->env = arena_dup_list(&l->arena, wish->env);
	l->command = arena_dup(&l->arena, str_text(&command));
	l->title = arena_printf(&l->arena, "%s: %s", wish->why, l->command);
	str_finish(&command);
	if (l->is_approval)
		ask_to_approve(l, wish->why);
	else
		ask_to_log_in(l, wish->why);
	app_stale(app);
}

static void approve(struct login *l)
{
	l->is_answered = true;
	answer(l->view.app, &(struct terminal_answer){.ticket = l->ticket});
	app_close(l->view.app, &l->view);
}

static void on_ended(struct app *app, int status, const char *output, size_t len, void *arg)
{
	uint64_t *ticket = arg;
	answer(app, &(struct terminal_answer){.ticket = *ticket, .status = status, .output = output, .len = len});
	if (status)
		app_say(app, STYLE_ERROR, "the login ended with status %d; refresh asks for it again", status);
	free(ticket);
}

static void run_login(struct login *l)
{
	struct app *app = l->view.app;
	struct err err = {0};
	uint64_t *ticket = mem_alloc(sizeof(*ticket));
	*ticket = l->ticket;
	l->is_answered = true;
	const struct lend_wish wish = {.argv = l->argv, .env = l->env, .title = l->title, .takes_output = true,
				       .waits_when_failed = true};
	if (!app_lend(app, &(struct app_lend){&wish, on_ended, ticket}, &err)) {
		answer(app, &(struct terminal_answer){.ticket = l->ticket, .refusal = err.text});
		app_fail(app, &err);
		free(ticket);
	}
	app_close(app, &l->view);
}

static bool key(struct view *v, const struct key *k)
{
	struct login *l = (struct login *)v;
	size_t button;
	switch (dialog_key(&l->dialog, k, app_mono(v->app), &button)) {
	case DIALOG_CANCELLED:
		app_close(v->app, v);
		break;
	case DIALOG_CONFIRMED:
		if (l->is_approval)
			approve(l);
		else
			run_login(l);
		break;
	case DIALOG_IGNORED:
	case DIALOG_TAKEN:
		break;
	}
	return true;
}

static void draw(struct view *v, const struct canvas *body)
{
	dialog_draw(&((struct login *)v)->dialog, body);
}

static void close_view(struct view *v)
{
	struct login *l = (struct login *)v;
	if (!l->is_answered)
		answer(v->app, &(struct terminal_answer){.ticket = l->ticket, .refusal = "it was put off"});
	dialog_finish(&l->dialog);
	arena_finish(&l->arena);
}

static const char *const layers[] = {"dialog", NULL};

const struct view_class view_login = {
	.name = "login",
	.title = "Log in",
	.help = "A credential plugin of a kubeconfig wants the terminal",
	.size = sizeof(struct login),
	.flags = VIEW_OVERLAY,
	.layers = layers,
	.draw = draw,
	.key = key,
	.close = close_view,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of views, commands, requests, and what is said. */
#include "views/app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "views/app_private.h"
#include "views/words.h"

#define VIEW_ROW(name) &view_##name,
static const struct view_class *const view_classes[] = {VIEWS(VIEW_ROW)};
#undef VIEW_ROW
#define N_VIEWS (sizeof(view_classes) / sizeof(view_classes[0]))

const struct view_class *view_class_find(const char *name)
{
	for (size_t i = 0; i < N_VIEWS; i++)
		if (str_eq(view_classes[i]->name, name))
			return view_classes[i];
	return NULL;
}

const char *command_view_at(size_t index)
{
	return index < N_VIEWS ? view_classes[index]->name : NULL;
}

const char *command_view_help(const char *view_class)
{
	const struct view_class *class = view_class_find(view_class);
	return class ? class->help : NULL;
}

const struct command *command_rows(const char *view_class, size_t *n)
{
	const struct view_class *class = view_class ? view_class_find(view_class) : NULL;
	*n = view_class ? (class ? class->n_commands : 0) : app_n_commands;
	return view_class ? (class ? class->commands : NULL) : app_commands;
}

struct view *app_top(struct app *app)
{
	return app->depth ? app->stack[app->depth - 1] : NULL;
}

struct view *app_below(struct app *app, struct view *v)
{
	for (size_t i = 1; i < app->depth; i++)
		if (app->stack[i] == v)
			return app->stack[i - 1];
	return NULL;
}

void app_stale(struct app *app)
{
	app->is_stale = true;
}

struct view *app_push(struct app *app, const struct view_class *class, const char *arg)
{
	struct err err = {0};
	if (app->depth == APP_DEPTH) {
		app_say(app, STYLE_WARNING, "too many screens are open: close one with esc");
		return NULL;
	}
	struct view *v = mem_alloc(class->size);
	v->class = class;
	v->app = app;
	app->stack[app->depth++] = v;
	app_stale(app);
	if (class->open && !class->open(v, arg ? arg : "", &err)) {
		app_close(app, v);
		if (err.kind != ERR_NONE)
			app_fail(app, &err);
		return NULL;
	}
	return v;
}

static void forget_requests(struct app *app, const struct view *v)
{
	for (size_t i = 0; i < APP_REQUESTS; i++)
		if (app->requests[i].id && app->requests[i].view == v) {
			backend_cancel(app->backend, app->requests[i].id);
			app->requests[i] = (struct app_request){0};
		}
}

void app_close(struct app *app, struct view *v)
{
	size_t at = 0;
	while (at < app->depth && app->stack[at] != v)
		at++;
	while (app->depth > at) { /* those above first */
		struct view *gone = app->stack[--app->depth];
		forget_requests(app, gone);
		app->closing[app->n_closing++] = gone;
	}
	struct view *top = app_top(app);
	if (top && top->class->changed)
		top->class->changed(top, 0);
	app_stale(app);
}

/* A view may close itself in the middle of its own key or message, so it lives until that is over. */
void app_free_closed(struct app *app)
{
	while (app->n_closing) {
		struct view *gone = app->closing[--app->n_closing];
		if (gone->class->close)
			gone->class->close(gone);
		free(gone);
	}
}

void app_quit(struct app *app)
{
	app->is_quitting = true;
}

void app_switch(struct app *app, const char *context)
{
	if (!config_context(app->config, context)) {
		app_say(app, STYLE_ERROR, "%s: no such context; fairway config show lists them", context);
		return;
	}
	app_restart(app, context);
}

void app_restart(struct app *app, const char *context)
{
	str_copy(app->switch_to, APP_CONTEXT, context);
	app_quit(app);
}

static const struct command *find_row(const struct command *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* The view's own commands, then, below an overlay, those of no other view: a dialog hides what is under it.
 */
const struct command *app_find_command(struct app *app, struct view *v, const char *name, struct view **owner)
{
	const struct command *c = v ? find_row(v->class->commands, v->class->n_commands, name) : NULL;
	(void)app;
	*owner = v;
	return c ? c : find_row(app_commands, app_n_commands, name);
}

bool app_command(struct app *app, struct view *v, const char *name, const char *arg)
{
	struct view *owner;
	const struct command *c = app_find_command(app, v, name, &owner);
	if (!c)
		return false;
	if (c->flags & COMMAND_WIDGET) {
		if (!v || !v->class->widget || !v->class->widget(v, name))
			return false;
	} else {
		c->run(app, owner, arg ? arg : "");
	}
	app_stale(app);
	return true;
}

uint64_t app_send(struct app *app, struct view *v, struct request *request)
{
	size_t at = 0;
	while (at < APP_REQUESTS && app->requests[at].id)
		at++;
	if (at == APP_REQUESTS) {
		request_free(request);
		app_say(app, STYLE_WARNING, "too many requests are under way: wait a moment");
		return 0;
	}
	app->requests[at] = (struct app_request){backend_send(app->backend, request), v};
	return app->requests[at].id;
}

void app_drop(struct app *app, uint64_t request)
{
	for (size_t i = 0; request && i < APP_REQUESTS; i++)
		if (app->requests[i].id == request) {
			backend_cancel(app->backend, request);
			app->requests[i] = (struct app_request){0};
		}
}

void app_keep(struct app *app, uint64_t request)
{
	for (size_t i = 0; request && i < APP_REQUESTS; i++)
		if (app->requests[i].id == request)
			app->requests[i].view = NULL;
}

void app_offer_undo(struct app *app, const char *operation, int64_t until_wall)
{
	str_copy(app->undo, sizeof(app->undo), operation);
	app->undo_until = app->mono + (until_wall - app->now);
}

void app_say(struct app *app, enum style style, const char *fmt, ...)
{
	char text[sizeof(app->said)], room[WORDS_OWN];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_copy(app->said, sizeof(app->said), words_own(text, words_me(), room));
	app->said_style = style;
	app->said_until = app->mono + APP_SAY_MS;
	app_stale(app);
}

void app_fail(struct app *app, const struct err *err)
{
	app_say(app, STYLE_ERROR, "%s", err->text);
}

void app_bell(struct app *app)
{
	if (config_number(app->config, "bell"))
		term_bell(app->term);
}

bool app_copy(struct app *app, const char *text, size_t len)
{
	char *clean = backend_redact(app->backend, text, len, &len);
	bool is_copied = term_copy(app->term, clean, len);
	free(clean);
	if (!is_copied) {
		app_say(app, STYLE_WARNING, "too large to copy: %zu bytes", len);
		return false;
	}
	app_say(app, STYLE_INFO, "copied, if your terminal allows it (OSC 52): %zu bytes", len);
	return true;
}

void app_target(struct app *app, const char *service, const char *environment)
{
	str_copy(app->service, sizeof(app->service), service ? service : "");
	str_copy(app->env, sizeof(app->env), environment ? environment : "");
	app_stale(app);
}

void app_narrow(struct app *app, const char *environment, const char *team)
{
	str_copy(app->narrow_env, sizeof(app->narrow_env), environment ? environment : "");
	str_copy(app->narrow_team, sizeof(app->narrow_team), team ? team : "");
	app_stale(app);
}

const char *app_service(struct app *app)
{
	return app->service;
}

const char *app_env(struct app *app)
{
	return app->env;
}

const char *app_narrow_env(struct app *app)
{
	return app->narrow_env;
}

const char *app_narrow_team(struct app *app)
{
	return app->narrow_team;
}

int64_t app_now(struct app *app)
{
	return app->now;
}

int64_t app_mono(struct app *app)
{
	return app->mono;
}

const struct config *app_config(struct app *app)
{
	return app->config;
}

struct keymap *app_keymap(struct app *app)
{
	return app->keymap;
}

struct term *app_term(struct app *app)
{
	return app->term;
}

bool app_is_settled(struct app *app)
{
	return app->is_settled;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that work on every screen: rows only, and short functions that ask other views to do the work.
 * Operations are wishes about the target; the plan, the question and the audit come from app_operate().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/records.h"
#include "views/app_private.h"
#include "views/words.h"

#define SILENCE_MS (60 * 60 * 1000)

static bool has_target(struct app *app)
{
	if (app->service[0] && app->env[0])
		return true;
	app_say(app, STYLE_WARNING, "choose a service and an environment first (arrows, or 1)");
	return false;
}

static struct wish target_wish(struct app *app, const char *action)
{
	struct wish w;
	record_init(record_class(RECORD_WISH), &w);
	w.action = action;
	w.service = app->service;
	w.environment = app->env;
	return w;
}

static void operate_on_target(struct app *app, const char *action)
{
	if (!has_target(app))
		return;
	struct wish w = target_wish(app, action);
	app_operate(app, &w);
}

static void run_deploy(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	if (!arg[0]) {
		app_push(app, &view_deploy, NULL);
		return;
	}
	struct wish w = target_wish(app, "deploy");
	w.version = arg;
	app_operate(app, &w);
}

/* Into the target when the environment before it runs something else; else from the target to the next one.
 */
static void run_promote(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	const struct environment *before = app_next_environment(app, app->env, -1);
	const struct environment *after = app_next_environment(app, app->env, 1);
	const struct placement *here = app_findf(app, RECORD_PLACEMENT, "%s/%s", app->service, app->env);
	struct wish w = target_wish(app, "promote");
	char to[APP_NAME];
	if (arg[0]) {
		w.environment = arg;
		w.from = app->env;
	} else if (before && ((here && here->drift) || !here || !after)) {
		w.from = before->name;
	} else if (after) {
		str_copy(to, sizeof(to), after->name);
		w.environment = to;
		w.from = app->env;
	} else {
		app_say(app, STYLE_WARNING, "there is one environment only: nothing to promote to");
		return;
	}
	app_operate(app, &w);
}

static void run_rollback(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	struct wish w = target_wish(app, "rollback");
	w.release = arg[0] ? arg : NULL;
	app_operate(app, &w);
}

static void run_restart(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	operate_on_target(app, "restart");
}

static void run_pause(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	operate_on_target(app, "pause");
}

static void run_resume(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	operate_on_target(app, "resume");
}

static void run_exec(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	struct wish w = target_wish(app, "exec");
	w.instance = arg[0] ? arg : NULL;
	app_operate(app, &w);
}

static void forward_to(struct app *app, const char *text, void *arg)
{
	struct wish w = target_wish(app, "port-forward");
	w.instance = arg;
	w.text = text;
	app_operate(app, &w);
}

static void run_forward(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	char *instance = arg[0] ? mem_dup(arg) : NULL;
	app_ask(app, &(struct ask){.label = "ports (LOCAL:REMOTE): ", .done = forward_to, .forget = free, .arg = instance});
}

static void run_cancel(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	operate_on_target(app, "cancel");
}

static void run_unlock(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	operate_on_target(app, "unlock");
}

static void scale_to(struct app *app, const char *text, void *arg)
{
	(void)arg;
	long long n;
	if (!str_to_int(text, 0, 1000, &n)) {
		app_say(app, STYLE_ERROR, "scale: \"%s\" is not a number from 0 to 1000", text);
		return;
	}
	struct wish w = target_wish(app, "scale");
	w.count = n;
	app_operate(app, &w);
}

static void run_scale(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	const struct placement *p = app_findf(app, RECORD_PLACEMENT, "%s/%s", app->service, app->env);
	char now[32];
	snprintf(now, sizeof(now), "%lld", p && p->desired >= 0 ? (long long)p->desired : 1LL);
	if (arg[0])
		scale_to(app, arg, NULL);
	else
		app_ask(app, &(struct ask){.label = "instances: ", .text = now, .done = scale_to});
}

/* "2h because the migration runs": a span first when there is one, the rest is the reason. */
static void with_span(struct wish *w, const char *text, int64_t otherwise, char *word, size_t size)
{
	size_t n = strcspn(text, " ");
	snprintf(word, size, "%.*s", (int)n, text);
	if (clock_parse_duration(word, &w->duration)) {
		text += n;
		text += strspn(text, " ");
	} else {
		w->duration = otherwise;
	}
	w->reason = text[0] ? text : NULL;
}

static void lock_for(struct app *app, const char *text, void *arg)
{
	(void)arg;
	struct wish w = target_wish(app, "lock");
	char word[32];
	with_span(&w, text, RECORD_NONE, word, sizeof(word));
	if (w.duration > 0)
		w.until = app->now + w.duration;
	app_operate(app, &w);
}

static void run_lock(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	if (arg[0])
		lock_for(app, arg, NULL);
	else
		app_ask(app, &(struct ask){.label = "lock (2h and why): ", .text = "2h ", .done = lock_for});
}

static void silence_for(struct app *app, const char *text, void *arg)
{
	(void)arg;
	struct wish w = target_wish(app, "silence");
	char word[32];
	with_span(&w, text, SILENCE_MS, word, sizeof(word));
	app_operate(app, &w);
}

static void run_silence(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	if (arg[0])
		silence_for(app, arg, NULL);
	else
		app_ask(app,
			&(struct ask){.label = "silence (1h and why): ", .text = "1h ", .done = silence_for});
}

static void note_text(struct app *app, const char *text, void *arg)
{
	(void)arg;
	if (!text[0])
		return;
	struct wish w = target_wish(app, "note");
	w.text = text;
	app_operate(app, &w);
}

static void run_note(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (!has_target(app))
		return;
	if (arg[0])
		note_text(app, arg, NULL);
	else
		app_ask(app, &(struct ask){.label = "note: ", .done = note_text});
}

/* The alert to act on: the one named, or the worst of the target, or the worst of all. */
static const struct alert *worst_alert(struct app *app, const char *id)
{
	struct records *table = app->tables[RECORD_ALERT];
	const struct alert *worst = NULL;
	int least = 1000;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct alert *a = records_row(table, h);
		bool is_here = str_eq(a->service, app->service) && str_eq(a->environment, app->env);
		int rank = (is_here ? 0 : 100) + (a->acked.n ? 10 : 0) + (a->phase == ALERT_FIRING ? 0 : 3) +
			   a->severity;
		if (id[0] ? str_eq(a->id, id) : a->phase != ALERT_RESOLVED && rank < least) {
			worst = a;
			least = rank;
		}
	}
	return worst;
}

void app_ack(struct app *app, const char *id)
{
	const struct alert *a = worst_alert(app, id);
	if (!a) {
		app_say(app, STYLE_INFO, "no alert to ack");
		return;
	}
	struct wish w;
	record_init(record_class(RECORD_WISH), &w);
	w.action = a->acked.n ? "unack" : "ack";
	w.alert = a->id;
	w.service = a->service;
	w.environment = a->environment;
	app_operate(app, &w);
}

static void run_ack(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	app_ack(app, arg);
}

static void run_logs(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (arg[0] || app->service[0])
		app_push(app, &view_logs, arg);
	else
		app_say(app, STYLE_WARNING, "choose a service first");
}

static void run_runbook(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (arg[0] || app->service[0])
		app_push(app, &view_runbook, arg);
	else
		app_say(app, STYLE_WARNING, "choose a service first");
}

static void run_instances(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	struct view *service = app_push(app, &view_service, app->service);
	if (service)
		app_command(app, service, "pane-2", "");
}

static void run_new(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	app_push(app, &view_scaffold, arg);
}

static void run_audit(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	app_push(app, &view_audit, arg);
}

static void run_why(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (has_target(app))
		app_push(app, &view_why, arg);
}

static void run_spec(struct app *app, struct view *v, const char *arg)
{
	char text[128];
	(void)v;
	snprintf(text, sizeof(text), "spec %s", arg[0] ? arg : app->service);
	app_push(app, &view_document, text);
}

static void run_help(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	app_push(app, &view_help, NULL);
}

static void run_palette(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	app_push(app, &view_palette, NULL);
}

static void run_back(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	if (app->depth > 1)
		app_close(app, v);
	else
		app_quit(app);
}

static void run_quit(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	app_quit(app);
}

static void run_context(struct app *app, struct view *v, const char *arg)
{
	(void)v;
	if (arg[0])
		app_switch(app, arg);
	else
		app_say(app, STYLE_INFO, "this is context %s; context NAME goes to another",
			app->config->context->name);
}

static void run_redraw(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	term_redraw(app->term);
}

/* Lists come by themselves; this asks for all of them anew. */
static void run_refresh(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	backend_cancel(app->backend, app->watch);
	app_send(app, NULL, request_terminal(&(struct terminal_answer){0})); /* a login that was put off, too */
	app->watch = backend_send(app->backend, request_watch(REQUEST_ALL_KINDS));
	app_say(app, STYLE_INFO, "asked every source again");
}

static void run_suspend(struct app *app, struct view *v, const char *arg)
{
	(void)v, (void)arg;
	term_suspend(app->term);
}

static void run_undo(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	(void)v;
	if (!app->undo[0] || app->undo_until <= app->mono) {
		app_say(app, STYLE_INFO, "nothing to undo");
		return;
	}
	app_send(app, NULL, request_undo(app->undo));
	app->undo[0] = '\0';
	app_say(app, STYLE_INFO, "taken back");
}

const struct command app_commands[] = {
	{"logs", "Follow the log lines of the target, all instances merged", COMMAND_TARGET, run_logs},
	{"runbook", "Read the runbook of the target", COMMAND_TARGET, run_runbook},
	{"ack", "Say that you are on it, or take that back", COMMAND_TARGET, run_ack},
	{"deploy", "Choose a version and bring it to the target", COMMAND_TARGET | COMMAND_CHANGES,
	 run_deploy},
	{"rollback", "Bring the last good release back and mark this one bad",
	 COMMAND_TARGET | COMMAND_CHANGES, run_rollback},
	{"promote", "Bring a release on to the next environment", COMMAND_TARGET | COMMAND_CHANGES,
	 run_promote},
	{"restart", "Replace every instance by a fresh one", COMMAND_TARGET | COMMAND_CHANGES, run_restart},
	{"scale", "Set how many instances run", COMMAND_TARGET | COMMAND_CHANGES, run_scale},
	{"pause-rollout", "Hold the rollouts of the target until they are resumed",
	 COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY, run_pause},
	{"resume-rollout", "Let a rollout go on that was paused, or waits at a step",
	 COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY, run_resume},
	{"exec", "Open a shell in an instance of the target", COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY, run_exec},
	{"port-forward", "Reach a port of an instance of the target from here",
	 COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY, run_forward},
	{"cancel-deploy", "End the deploy that is under way",
	 COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY, run_cancel},
	{"lock", "Refuse every change of the target for a time", COMMAND_TARGET | COMMAND_CHANGES, run_lock},
	{"unlock", "Allow changes of the target again", COMMAND_TARGET | COMMAND_CHANGES | COMMAND_NO_KEY,
	 run_unlock},
	{"silence", "Notify nobody of the target's alerts for a time", COMMAND_TARGET | COMMAND_CHANGES,
	 run_silence},
	{"note", "Write a sentence into the timeline", COMMAND_TARGET, run_note},
	{"why", "Tell why the target is red, or cannot be deployed", COMMAND_TARGET, run_why},
	{"instances", "List the instances of the target", COMMAND_TARGET, run_instances},
	{"spec", "Show the service.yaml of the target", COMMAND_TARGET | COMMAND_NO_KEY, run_spec},
	{"new", "Make a service from a golden path", 0, run_new},
	{"audit", "List who changed what, where and why", 0, run_audit},
	{"palette", "Run a command by name, or go to a service", 0, run_palette},
	{"help", "Show the keys and commands of this screen", 0, run_help},
	{"undo", "Take the last ack, note or silence back", 0, run_undo},
	{"context", "Go to another context of the configuration", COMMAND_NO_KEY, run_context},
	{"refresh", "Ask every source again", 0, run_refresh},
	{"redraw", "Draw the whole screen again", COMMAND_HIDDEN, run_redraw},
	{"suspend", "Go back to the shell; fg returns", 0, run_suspend},
	{"back", "Close this screen", COMMAND_HIDDEN, run_back},
	{"quit", "Leave; services go on running", 0, run_quit},
	{"down", "One row down", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"up", "One row up", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"top", "The first row", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"bottom", "The last row", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"page-down", "One page down", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"page-up", "One page up", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"half-down", "Half a page down", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"half-up", "Half a page up", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"cell-left", "One cell or column to the left", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"cell-right", "One cell or column to the right", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-1", "Go to the first pane", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-2", "Go to the second pane", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-3", "Go to the third pane", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-4", "Go to the fourth pane", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-5", "Go to the fifth pane", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-next", "Go to the next pane or field", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"pane-previous", "Go to the pane or field before", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"zoom", "Give the focused pane the whole screen, and back", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"search-next", "Go to the next match", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"search-previous", "Go to the match before", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
	{"wrap", "Wrap long lines, or cut them", COMMAND_HIDDEN | COMMAND_WIDGET, NULL},
};
const size_t app_n_commands = sizeof(app_commands) / sizeof(app_commands[0]);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines of all instances of a service, merged: follow, pause, since, level, filter, search, wrap. The
 * buffer is bounded and says what it dropped. arg: "" for the target, "SERVICE", "SERVICE ENVIRONMENT", "SERVICE
 * ENVIRONMENT INSTANCE".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/filter.h"
#include "model/log_buffer.h"
#include "model/log_view.h"
#include "tui/key.h"
#include "views/app.h"
#include "views/logs_draw.h"
#include "views/words.h"

#define TAIL_LINES 2000 /* of each instance, at first */
#define SETTLE_MS 250   /* lines of several instances wait that long to be put in order */
#define PAST_MS 1500   /* at most */
#define PAST_LINES 50000
#define COPY_LINES 400
#define SEARCH_SLICE 200000 /* lines looked at for one step of a search */
#define STEP_US 2000

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void ask_lines(struct logs *l)
{
	struct log_wish wish = {
		.service = l->service,
		.environment = l->environment[0] ? l->environment : NULL,
		.instance = l->instance[0] ? l->instance : NULL,
		.since = l->since,
		.tail = l->since ? RECORD_NONE : TAIL_LINES,
		.is_following = true,
	};
	app_drop(l->view.app, l->request);
	log_buffer_clear(l->buffer);
	l->asked = app_now(l->view.app);
	l->past_began = l->past_came = 0;
	l->request = app_send(l->view.app, &l->view, request_logs(&wish));
	l->is_ended = false;
}

static void want(struct logs *l)
{
	struct log_wants wants = {
		.filter = l->filter_text[0] ? l->filter : NULL, .least = l->least, .since = l->since};
	log_view_want(l->lines, &wants);
	l->is_following = true;
	l->is_paused = false;
	log_view_step(l->lines, STEP_US, now_us);
	app_stale(l->view.app);
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct logs *l = (struct logs *)v;
	sscanf(arg, "%79s %79s %299s", l->service, l->environment, l->instance);
	if (!l->service[0]) {
		str_copy(l->service, sizeof(l->service), app_service(v->app));
		str_copy(l->environment, sizeof(l->environment), app_env(v->app));
	}
	if (!l->service[0])
		return err_set(err, ERR_USAGE, "choose a service first");
	struct log_limits limits = {.lines = (size_t)config_number(app_config(v->app), "log-lines")};
	l->buffer = log_buffer_new(&limits);
	l->lines = log_view_new(l->buffer);
	l->filter = filter_new("", NULL);
	l->is_wrapped = false;
	want(l);
	ask_lines(l);
	return l->request != 0;
}

static void take_batch(struct logs *l, const struct log_batch *b)
{
	uint32_t *numbers = mem_array(b->n_instances ? b->n_instances : 1, sizeof(*numbers));
	for (size_t i = 0; numbers && i < b->n_instances; i++)
		numbers[i] = log_buffer_instance(l->buffer, b->instances[i].service,
						 b->instances[i].environment, b->instances[i].id);
	uint32_t nobody = log_buffer_instance(l->buffer, l->service, NULL, NULL);
	bool has_past = false;
	for (size_t i = 0; numbers && i < b->n; i++) {
		const struct log_row *row = &b->lines[i];
		uint32_t instance = row->instance < b->n_instances ? numbers[row->instance] : nobody;
		int64_t time = row->time ? row->time : app_now(l->view.app);
		if (row->what == LINE_TEXT) {
			has_past = has_past || time < l->asked;
			log_buffer_add(l->buffer, instance, time, b->block + row->at, row->len);
		} else {
			char text[512];
			snprintf(text, sizeof(text), "%.*s", (int)(row->len < 500 ? row->len : 500),
				 b->block + row->at);
			log_buffer_add_gap(l->buffer, instance, time, text);
		}
	}
	free(numbers);
	l->oldest_wait = app_mono(l->view.app);
	l->past_came = has_past ? l->oldest_wait : l->past_came;
	l->past_began = l->past_began ? l->past_began : l->past_came;
}

/* What was printed before comes instance by instance: it is put in order once it seems to be there. */
static bool is_past_coming(const struct logs *l)
{
	int64_t now = app_mono(l->view.app);
	return log_buffer_waiting(l->buffer) < PAST_LINES && now - l->past_came < SETTLE_MS &&
	       now - l->past_began < PAST_MS && !l->is_ended;
}

static void settle(struct logs *l)
{
	if (is_past_coming(l))
		return;
	if (log_buffer_waiting(l->buffer) && app_mono(l->view.app) - l->oldest_wait >= SETTLE_MS)
		log_buffer_settle(l->buffer, INT64_MAX);
	else
		log_buffer_settle(l->buffer, app_now(l->view.app) - SETTLE_MS);
	if (!l->is_paused)
		log_view_step(l->lines, STEP_US, now_us);
}

static void message(struct view *v, const struct message *m)
{
	struct logs *l = (struct logs *)v;
	if (m->kind == MESSAGE_LOGS) {
		take_batch(l, &m->logs);
	} else if (m->kind == MESSAGE_DONE && m->request == l->request) {
		l->is_ended = true;
		log_buffer_settle(l->buffer, INT64_MAX);
		if (m->err.kind != ERR_NONE)
			app_fail(v->app, &m->err);
	}
	settle(l);
}

static int64_t wake(struct view *v, int64_t now)
{
	struct logs *l = (struct logs *)v;
	size_t waiting = log_buffer_waiting(l->buffer);
	bool was_busy = log_view_is_busy(l->lines);
	(void)now;
	settle(l);
	if (log_buffer_waiting(l->buffer) < waiting || (was_busy && !l->is_paused))
		app_stale(v->app); /* what has its place now is not on the screen yet */
	if (log_view_is_busy(l->lines) && !l->is_paused)
		return 0;
	if (l->search_wanted)
		return 0;
	return log_buffer_waiting(l->buffer) ? SETTLE_MS / 2 : -1;
}

/* Search goes on over frames: a million lines must not hold a key up. */
static void search_on(struct logs *l)
{
	if (!l->search || !l->search_wanted)
		return;
	switch (log_view_search(l->lines, l->search, &l->search_at, l->search_wanted < 0, SEARCH_SLICE)) {
	case LOG_SEARCH_FOUND:
		l->is_following = false;
		l->cursor = l->search_at;
		l->top = l->cursor > 5 ? l->cursor - 5 : 0;
		l->search_wanted = 0;
		break;
	case LOG_SEARCH_END:
		app_say(l->view.app, STYLE_WARNING, "not found %s: %s",
			l->search_wanted < 0 ? "above" : "below", l->search_text);
		l->search_wanted = 0;
		break;
	case LOG_SEARCH_MORE:
		app_stale(l->view.app);
		break;
	}
}

static void draw(struct view *v, const struct canvas *body)
{
	struct logs *l = (struct logs *)v;
	search_on(l);
	logs_draw(l, body);
}

static void move(struct logs *l, long by)
{
	size_t count = log_view_count(l->lines);
	if (!count)
		return;
	if (l->is_following) {
		l->cursor = count - 1;
		l->is_following = false;
	}
	long at = (long)l->cursor + by;
	l->cursor = at < 0 ? 0 : (size_t)at >= count ? count - 1 : (size_t)at;
	if (by > 0 && l->cursor == count - 1 && !l->is_paused)
		l->is_following = true;
}

static bool widget(struct view *v, const char *command)
{
	struct logs *l = (struct logs *)v;
	static const struct {
		const char *name;
		int halves; /* of a page; 0: one line */
		int sign;
	} moves[] = {{"down", 0, 1},     {"up", 0, -1},       {"page-down", 2, 1},
		     {"page-up", 2, -1}, {"half-down", 1, 1}, {"half-up", 1, -1}};
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (str_eq(moves[i].name, command)) {
			move(l,
			     moves[i].sign * (moves[i].halves ? (long)l->visible * moves[i].halves / 2 : 1));
			return true;
		}
	if (str_eq(command, "top")) {
		l->is_following = false;
		l->cursor = l->top = 0;
	} else if (str_eq(command, "bottom")) {
		l->is_following = true;
		l->is_paused = false;
	} else if (str_eq(command, "wrap")) {
		l->is_wrapped = !l->is_wrapped;
	} else if (str_eq(command, "cell-left") || str_eq(command, "cell-right")) {
		l->pan += str_eq(command, "cell-right") ? 16 : -16;
		l->pan = l->pan < 0 ? 0 : l->pan;
	} else if (str_eq(command, "search-next") || str_eq(command, "search-previous")) {
		l->search_wanted = str_eq(command, "search-next") ? 1 : -1;
		l->search_at = l->search_wanted > 0 ? l->cursor + 1 : l->cursor;
	} else {
		return false;
	}
	return true;
}

static bool key(struct view *v, const struct key *k)
{
	if (k->sym != KEYSYM_WHEEL_UP && k->sym != KEYSYM_WHEEL_DOWN)
		return false;
	move((struct logs *)v, k->sym == KEYSYM_WHEEL_UP ? -3 : 3);
	return true;
}

static void run_follow(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	(void)app, (void)arg;
	l->is_following = !l->is_following || l->is_paused;
	l->is_paused = false;
	if (!l->is_following && log_view_count(l->lines))
		l->cursor = log_view_count(l->lines) - 1;
}

static void run_pause(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	(void)arg;
	l->is_paused = !l->is_paused;
	app_say(app, STYLE_INFO,
		l->is_paused ? "paused: lines are kept and come when you go on" : "going on");
}

static void set_filter(struct app *app, const char *text, void *arg)
{
	struct logs *l = arg;
	struct err err;
	struct filter *fresh = filter_new(text, &err);
	if (!fresh) {
		app_fail(app, &err);
		return;
	}
	struct filter *old = l->filter;
	l->filter = fresh;
	str_copy(l->filter_text, sizeof(l->filter_text), text);
	want(l);
	filter_free(old);
}

static void run_filter(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	if (arg[0])
		set_filter(app, arg, l);
	else
		app_ask(app, &(struct ask){.label = "& ",
					   .text = l->filter_text,
					   .changed = set_filter,
					   .done = set_filter,
					   .arg = l});
}

static void set_search(struct app *app, const char *text, void *arg)
{
	struct logs *l = arg;
	struct err err;
	struct filter *fresh = text[0] ? filter_new(text, &err) : NULL;
	if (text[0] && !fresh) {
		app_fail(app, &err);
		return;
	}
	filter_free(l->search);
	l->search = fresh;
	str_copy(l->search_text, sizeof(l->search_text), text);
	size_t count = log_view_count(l->lines);
	l->search_wanted = fresh ? -1 : 0; /* from the newest up: that is where the trouble is */
	l->search_at = l->is_following ? count : l->cursor + 1;
	if (l->search_at > count)
		l->search_at = count;
}

static void run_search(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	if (arg[0])
		set_search(app, arg, l);
	else
		app_ask(app,
			&(struct ask){.label = "/", .text = l->search_text, .done = set_search, .arg = l});
}

static void set_since(struct app *app, const char *text, void *arg)
{
	struct logs *l = arg;
	if (!text[0]) {
		l->since = 0;
	} else if (!clock_parse_since(text, app_now(app), &l->since)) {
		app_say(app, STYLE_ERROR, "since: \"%s\" is neither a span (10m) nor a time (RFC 3339)",
			text);
		return;
	}
	want(l);
	ask_lines(l);
}

static void run_since(struct app *app, struct view *v, const char *arg)
{
	if (arg[0])
		set_since(app, arg, v);
	else
		app_ask(app,
			&(struct ask){
				.label = "since (10m, empty for the newest): ", .done = set_since, .arg = v});
}

static void run_level(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	static const enum log_level turns[] = {LOG_LEVEL_NONE, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
					       LOG_LEVEL_ERROR};
	size_t at = 0;
	(void)app;
	while (at < 4 && turns[at] != l->least)
		at++;
	l->least = arg[0] ? log_level_of(arg, strlen(arg)) : turns[(at + 1) % 4];
	want(l);
}

static void run_mark(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	uint64_t number;
	struct log_entry entry;
	(void)app, (void)arg;
	if (log_view_at(l->lines, l->cursor, &number) && log_buffer_entry(l->buffer, number, &entry))
		log_buffer_mark(l->buffer, number, !entry.is_marked);
}

static void run_copy(struct app *app, struct view *v, const char *arg)
{
	struct logs *l = (struct logs *)v;
	struct str out = {0};
	size_t count = log_view_count(l->lines), end = l->is_following ? count : l->cursor + 1;
	uint64_t number;
	(void)arg;
	for (size_t i = end > COPY_LINES ? end - COPY_LINES : 0; i < end && i < count; i++)
		if (log_view_at(l->lines, i, &number))
			log_buffer_export(l->buffer, number, &out);
	app_copy(app, str_text(&out), out.len);
	str_finish(&out);
}

static void close_view(struct view *v)
{
	struct logs *l = (struct logs *)v;
	log_view_free(l->lines);
	log_buffer_free(l->buffer);
	filter_free(l->filter);
	filter_free(l->search);
}

static const struct command commands[] = {
	{"follow", "Go with the newest line, or stay where you are", 0, run_follow},
	{"pause", "Hold the screen still; lines are kept meanwhile", 0, run_pause},
	{"since", "Show lines from a time on: 10m, 2h, or a time", 0, run_since},
	{"level", "Show this level and above; the next one in turn", 0, run_level},
	{"filter", "Show only lines that match words or a regular expression", 0, run_filter},
	{"search", "Go to lines that match, and leave the others", 0, run_search},
	{"mark", "Mark the line", 0, run_mark},
	{"copy", "Copy the lines up to the cursor", 0, run_copy},
};
static const char *const layers[] = {"logs", "pager", NULL};
static const char *const footer[] = {"follow", "pause", "since", "level", "filter",
				     "search", "wrap",  "copy",  "back",  NULL};
const struct view_class view_logs = {
	.name = "logs",
	.title = "Logs",
	.help = "Log lines of all instances of a service, merged by time",
	.size = sizeof(struct logs),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.open = open_view,
	.message = message,
	.draw = draw,
	.key = key,
	.widget = widget,
	.wake = wake,
	.close = close_view,
};

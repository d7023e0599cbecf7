/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one loop: draw if stale, wait for keys, replies, signals or the next wake, take them all, draw again. A
 * frame that the terminal has not taken yet is never waited for.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "views/app_private.h"
#include "views/reload.h"

#define MINUTE_MS 60000
#define MESSAGES_BUDGET_MS 2 /* replies are applied that long before keys are looked at again */
#define STATUS_SIGNAL 128

static void take_signals(struct app *app)
{
	struct signalfd_siginfo info;
	while (read(app->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGWINCH:
			term_resized(app->term);
			app_stale(app);
			break;
		case SIGCONT:
			term_continued(app->term);
			app_stale(app);
			break;
		default: /* SIGTERM, SIGHUP, SIGINT */
			app->status = STATUS_SIGNAL + (int)info.ssi_signo;
			app->is_quitting = true;
		}
	}
}

static void run_key(struct app *app, const struct key *key)
{
	struct view *v = app_top(app);
	const char *name = NULL;
	app->is_key_stale = true;
	if (key->sym == KEYSYM_RESIZE || !v)
		return;
	if (v->class->key && v->class->key(v, key)) {
		app->chord.n = 0;
		app_stale(app);
		return;
	}
	if (v->class->flags & VIEW_TYPING || key->is_pasted)
		return;
	switch (keymap_feed(app->keymap, &app->chord, app_layers(app, v), key, &name)) {
	case KEYMAP_EXACT:
		app->said_until = 0;
		if (!app_command(app, v, name, ""))
			app_say(app, STYLE_DIM, "%s: not on this screen", name);
		break;
	case KEYMAP_PREFIX:
	case KEYMAP_NONE:
		break;
	}
	app_stale(app);
}

static void take_keys(struct app *app)
{
	char bytes[1024];
	for (;;) {
		size_t room = input_room(app->input);
		if (room == 0)
			break;
		ssize_t n = term_read(app->term, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
		if (n < 0) {
			app->status = STATUS_SIGNAL + SIGHUP;
			app->is_quitting = true;
		}
		if (n <= 0)
			break;
		input_bytes(app->input, bytes, (size_t)n, app->mono);
	}
	input_tick(app->input, app->mono);
	struct key key;
	while (!app->is_quitting && input_next(app->input, &key)) {
		run_key(app, &key);
		app_free_closed(app);
	}
}

static void tell_views(struct app *app, uint32_t kinds)
{
	for (size_t i = 0; i < app->depth; i++) {
		struct view *v = app->stack[i];
		if (!(v->class->shows & kinds))
			continue;
		if (v->class->changed)
			v->class->changed(v, kinds & v->class->shows);
		app_stale(app);
	}
	if (kinds &
	    (REQUEST_KIND(RECORD_SOURCE) | REQUEST_KIND(RECORD_ALERT) | REQUEST_KIND(RECORD_ENVIRONMENT)))
		app_stale(app); /* the bar shows these everywhere */
}

/* A new critical alert that nobody has acked rings once. */
static void ring(struct app *app)
{
	struct records *table = app->tables[RECORD_ALERT];
	bool is_loud = false;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct alert *a = records_row(table, h);
		is_loud |= a->phase == ALERT_FIRING && a->severity == SEVERITY_CRITICAL && !a->acked.n &&
			   !a->silenced_by.n;
	}
	if (is_loud && !app->has_rung)
		app_bell(app);
	app->has_rung = is_loud;
}

/* Returns the kinds of records that are others now. */
static uint32_t own_message(struct app *app, const struct message *m)
{
	uint32_t kinds = 0;
	switch (m->kind) {
	case MESSAGE_RECORDS:
		kinds = app_model_apply(app, &m->changes);
		if (kinds & REQUEST_KIND(RECORD_ALERT))
			ring(app);
		break;
	case MESSAGE_SETTLED:
		app->is_settled = true;
		app_stale(app);
		break;
	case MESSAGE_OPERATION:
		if (m->operation.state != AUDIT_RECORDED && m->operation.detail)
			app_say(app, m->operation.state == AUDIT_DONE ? STYLE_OK : STYLE_ERROR, "%s",
				m->operation.detail);
		break;
	case MESSAGE_DONE:
		if (m->err.kind != ERR_NONE && m->err.kind != ERR_CANCELLED)
			app_fail(app, &m->err);
		break;
	default:
		break;
	}
	return kinds;
}

/* Views look at what changed once for all of them: a list of 50,000 rows is merged once. */
static void take_messages(struct app *app)
{
	uint32_t kinds = 0;
	int64_t until = clock_mono_ms() + MESSAGES_BUDGET_MS;
	struct message *m;
	while (clock_mono_ms() < until && (m = backend_next(app->backend))) {
		struct view *v = NULL;
		bool is_own = m->request == app->watch;
		if (m->kind == MESSAGE_TERMINAL && m->request)
			app_lend_operation(app, m);
		else if (m->kind == MESSAGE_TERMINAL)
			app_ask_login(app, &m->terminal);
		for (size_t i = 0; i < APP_REQUESTS; i++)
			if (app->requests[i].id && app->requests[i].id == m->request) {
				v = app->requests[i].view;
				is_own = !v;
				if (m->kind == MESSAGE_DONE)
					app->requests[i] = (struct app_request){0};
			}
		if (v && v->class->message) {
			v->class->message(v, m);
			app_stale(app);
		} else if (is_own) {
			kinds |= own_message(app, m);
		}
		message_free(m);
		app_free_closed(app);
	}
	tell_views(app, kinds);
}

static int sooner(int wait, int64_t ms)
{
	if (ms < 0)
		return wait;
	return wait < 0 || ms < wait ? (int)ms : wait;
}

/* How long nothing needs us: -1 would be for ever, but the clock goes on by the minute. */
static int wait_ms(struct app *app)
{
	int wait = (int)(MINUTE_MS - app->now % MINUTE_MS);
	if (app->ages_due)
		wait = sooner(wait, app->ages_due > app->now ? app->ages_due - app->now : 0);
	wait = sooner(wait, input_wait_ms(app->input, app->mono));
	if (app->said_until)
		wait = sooner(wait, app->said_until > app->mono ? app->said_until - app->mono : 0);
	if (app->undo_until > app->mono)
		wait = sooner(wait, 1000);
	for (size_t i = 0; i < app->depth; i++)
		if (app->stack[i]->class->wake)
			wait = sooner(wait, app->stack[i]->class->wake(app->stack[i], app->mono));
	if (app->is_stale && !term_is_sending(app->term) && !app->lent)
		wait = sooner(wait, app->drawn_at + APP_FRAME_MS > app->mono
					    ? app->drawn_at + APP_FRAME_MS - app->mono
					    : 0);
	return wait;
}

static void draw_if_due(struct app *app)
{
	bool is_due = app->is_key_stale || app->mono - app->drawn_at >= APP_FRAME_MS;
	if (!app->is_stale || !is_due || term_is_sending(app->term) || term_is_lent(app->term))
		return;
	app_draw(app);
	term_draw(app->term);
	app->is_stale = app->is_key_stale = false;
	app->drawn_at = app->mono;
}

static void read_clocks(struct app *app)
{
	app->now = clock_wall_ms();
	app->mono = clock_mono_ms();
	if (app->said_until && app->said_until <= app->mono) {
		app->said_until = 0;
		app_stale(app);
	}
	if (app->undo[0] && app->undo_until <= app->mono)
		app->undo[0] = '\0';
}

static struct term_options term_options_of(const struct config *config)
{
	return (struct term_options){.is_mouse_off = !config_number(config, "mouse"),
				     .is_utf8 = !config_number(config, "ascii") && utf8_start_locale()};
}

/* All but `time` changes over at once: TZ cannot be changed beside another thread. */
static void take_config(struct app *app)
{
	struct complaints wrong = {0};
	struct err err = {0};
	enum reload_news news = reload_look(app->options.reload, &wrong);
	if (news != RELOAD_NOTHING) {
		app->config = reload_config(app->options.reload);
		app->chord.n = 0;
		app_say(app, STYLE_INFO, "%s was read again", app->config->file);
		if (!app_load_keys(app, &err))
			app_fail(app, &err);
		struct term_options term = term_options_of(app->config);
		term_set(app->term, &term);
		if (news == RELOAD_ALL) /* lists are fetched anew: not for the sake of a key */
			app_send(app, NULL, request_reload(app->config));
	} else if (wrong.count) {
		app_say(app, STYLE_ERROR, "not taken: %.*s", (int)strcspn(wrong.text, "\n"), wrong.text);
	}
	complaints_finish(&wrong);
}

static void loop(struct app *app)
{
	while (!app->is_quitting && app->depth) {
		draw_if_due(app);
		struct pollfd fds[4 + LEND_FDS] = {
			{term_fd(app->term), (short)(POLLIN | (term_is_sending(app->term) ? POLLOUT : 0)), 0},
			{backend_fd(app->backend), POLLIN, 0},
			{app->signals, POLLIN, 0},
			{app->options.reload ? reload_fd(app->options.reload) : -1, POLLIN, 0},
		};
		int wait = wait_ms(app);
		size_t more = app->lent ? lend_poll(app->lent, fds + 4) : 0;
		if (app->lent) {
			fds[0].fd = -1; /* its keys are the child's */
			wait = sooner(wait, LEND_POLL_MS);
		}
		int n = poll(fds, 4 + more, wait);
		read_clocks(app);
		if (n < 0 && errno != EINTR)
			break;
		if (n == 0) /* a wake of somebody's: ages, a countdown */
			app_stale(app);
		if (fds[2].revents)
			take_signals(app);
		if (fds[0].revents & POLLOUT && !term_send(app->term))
			app->is_quitting = true;
		if (fds[3].revents)
			take_config(app);
		app_lend_step(app);
		if (!app->lent)
			take_keys(app);
		if (fds[1].revents)
			take_messages(app);
	}
}

static bool start(struct app *app, const struct app_options *options, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	static const int wanted[] = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGCONT};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	app->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (app->signals < 0)
		return err_errno(err, ERR_FAILED, errno, "signalfd");
	struct term_options term = term_options_of(app->config);
	app->term = term_open(&term, err);
	if (!app->term)
		return false;
	app->input = input_new();
	app_model_init(app);
	if (!app_load_keys(app, err))
		return false;
	if (options->keys && !input_script(app->input, options->keys, app->mono, err))
		return false;
	return true;
}

static void finish(struct app *app)
{
	while (app->depth)
		app_close(app, app->stack[0]);
	app_free_closed(app);
	if (app->term)
		app_lend_end(app);
	term_close(app->term);
	input_free(app->input);
	keymap_free(app->keymap);
	if (app->tables[0])
		app_model_finish(app);
	if (app->signals >= 0)
		close(app->signals);
}

int app_run(const struct app_options *options, char switch_to[APP_CONTEXT], struct err *err)
{
	struct app *app = mem_alloc(sizeof(*app));
	app->options = *options;
	app->config = options->config;
	app->backend = options->backend;
	app->signals = -1;
	app->switch_to = switch_to;
	switch_to[0] = '\0';
	read_clocks(app);
	int status = 1;
	if (start(app, options, err)) {
		if (options->is_raising)
			app_send(app, NULL, request_new(REQUEST_RAISE));
		app->watch = backend_send(app->backend, request_watch(REQUEST_ALL_KINDS));
		app_push(app, options->is_first_run ? &view_first : &view_home, NULL);
		if (options->hint)
			app_say(app, STYLE_INFO, "%s", options->hint);
		app_stale(app);
		app->is_key_stale = true;
		loop(app);
		status = app->status;
	}
	finish(app);
	free(app);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "backend/provider.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/lend.h"
#include "model/across.h"
#include "model/overlay.h"

#define SESSION_DARK_MS 300

struct session {
	struct backend *backend;
	struct overlay *overlays[RECORD_COUNT];
	struct records *tables[RECORD_COUNT]; /* their rows */
	uint64_t watch;
	bool is_settled, is_terminal;
	int lent_out; /* descriptor that a child's output goes to where there is no terminal */
	const struct config_context *context;
	const char *environment; /* asked about: sources of another one do not matter; NULL: all do */
	bool has_told;       /* records came since that was last looked at */
	int signal_fd;
	int64_t patience_ms; /* of its sources */
	int64_t lent_until;  /* mono ms: the terminal was lent until then, no time to answer in */
	sigset_t old_mask;
	int64_t dark_since; /* mono ms; 0 while every source is live */
	struct str unapproved; /* hashes of plugins that may not run, a line each */
};

static void open_table(struct session *s, enum record_kind kind)
{
	s->overlays[kind] = overlay_new(record_class(kind));
	s->tables[kind] = overlay_rows(s->overlays[kind]);
}

/* The embedded platform answers at once or not at all; a server far away may log us in first. */
static int64_t patience(const struct config *config)
{
	for (size_t i = 0; i < config->context->n_sources; i++) {
		const struct config_source *source = &config->context->sources[i];
		if (source->provider->reach == REACH_KUBECONFIG || str_starts(source->url ? source->url : "", "http"))
			return SESSION_FAR_PATIENCE_MS;
	}
	return SESSION_PATIENCE_MS;
}

bool session_open(struct cli *cli, const char *context, struct err *err)
{
	if (cli->session)
		return true;
	if (!cli_load(cli, context))
		return err_set(err, ERR_USAGE, "%s", ""); /* told already, all of it */
	struct session *s = mem_alloc(sizeof(*s));
	sigset_t taken;
	sigemptyset(&taken);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGTERM);
	sigprocmask(SIG_BLOCK, &taken, &s->old_mask);
	s->signal_fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	open_table(s, RECORD_SOURCE);
	s->is_terminal = cli->is_terminal;
	s->lent_out = cli->args->output == OUTPUT_JSON ? STDERR_FILENO : STDOUT_FILENO;
	s->patience_ms = patience(cli->config);
	s->context = cli->config->context;
	if (!str_eq(cli->verb->action, "promote")) /* which is about two of them */
		s->environment = cli->args->env;
	cli->session = s;
	if (s->signal_fd < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot wait for signals");
	s->backend = backend_start(cli->config, err);
	return s->backend;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	backend_stop(s->backend);
	for (size_t i = 0; i < RECORD_COUNT; i++)
		overlay_free(s->overlays[i]);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
	str_finish(&s->unapproved);
	free(s);
}

/* Whether what is asked about hangs on that source. */
static bool matters(const struct session *s, const char *source)
{
	for (size_t i = 0; s->environment && i < s->context->n_sources; i++) {
		const struct config_source *c = &s->context->sources[i];
		if (str_eq(c->name, source) && c->environment)
			return str_eq(c->environment, s->environment);
	}
	return true;
}

/* Those that matter have told what they have, whatever the others do. */
static bool is_settled(const struct session *s)
{
	for (size_t i = 0; !s->is_settled && i < s->context->n_sources; i++)
		if (!s->environment || (matters(s, s->context->sources[i].name) &&
					!session_source(s, s->context->sources[i].name)))
			return false;
	return s->is_settled || s->context->n_sources;
}

static void note_darkness(struct session *s)
{
	if (session_check(s, NULL))
		s->dark_since = 0;
	else if (!s->dark_since)
		s->dark_since = clock_mono_ms();
}

/* A source that is quiet from here on says nothing more: it is judged now. */
static void settle(struct session *s)
{
	s->is_settled = true;
	note_darkness(s);
}

static void apply(struct session *s, const struct message *m)
{
	s->has_told = true;
	for (size_t i = 0; i < m->changes.n; i++) {
		const struct change *c = &m->changes.items[i];
		struct overlay *table = c->kind < RECORD_COUNT ? s->overlays[c->kind] : NULL;
		if (!table)
			continue;
		switch (c->what) {
		case CHANGE_BEGIN:
			overlay_begin(table, m->changes.source);
			break;
		case CHANGE_PUT:
			overlay_put(table, c->record);
			break;
		case CHANGE_DELETE:
			overlay_delete_key(table, m->changes.source, c->key);
			break;
		case CHANGE_SYNC:
			overlay_end(table, m->changes.source);
			break;
		}
	}
	if (s->overlays[RECORD_ENVIRONMENT] && s->overlays[RECORD_PLACEMENT])
		across_drift(s->overlays[RECORD_ENVIRONMENT], s->overlays[RECORD_PLACEMENT]);
	note_darkness(s);
}

bool session_signalled(const struct session *s, struct err *err)
{
	struct signalfd_siginfo info;
	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	err_set(err, ERR_CANCELLED, info.ssi_signo == SIGTERM ? "terminated" : "interrupted");
	if (err)
		err->code = (int)info.ssi_signo;
	return true;
}

int session_signal_fd(const struct session *s)
{
	return s->signal_fd;
}

/* Waits until the backend has something, a signal came, or the deadline (mono ms, -1 none) passed. */
static bool wait_for(struct session *s, int64_t deadline, struct err *err)
{
	struct pollfd fds[] = {{.fd = s->signal_fd, .events = POLLIN}, {.fd = backend_fd(s->backend), .events = POLLIN}};
	for (;;) {
		if (deadline >= 0 && s->lent_until && deadline < s->lent_until + s->patience_ms)
			deadline = s->lent_until + s->patience_ms;
		int64_t left = deadline < 0 ? -1 : deadline - clock_mono_ms();
		if (deadline >= 0 && left <= 0)
			return err_set(err, ERR_UNREACHABLE, "no answer in time");
		int n = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_FAILED, errno, "cannot wait for the backend");
		if (n > 0 && fds[0].revents && session_signalled(s, err))
			return false;
		if (n > 0 && fds[1].revents)
			return true;
	}
}

/* The next message that is not of the watch; NULL when there is none at this moment. */
static struct message *take(struct session *s)
{
	struct message *m;
	while ((m = backend_next(s->backend))) {
		if (m->kind == MESSAGE_TERMINAL) {
			if (m->terminal.approve)
				str_addf(&s->unapproved, "%s\n", m->terminal.approve);
			terminal_answer(s->backend, m, s->is_terminal, s->lent_out, s->signal_fd);
			s->lent_until = clock_mono_ms();
			message_free(m);
			continue;
		}
		if (m->request != s->watch)
			return m;
		if (m->kind == MESSAGE_RECORDS)
			apply(s, m);
		else if (m->kind == MESSAGE_SETTLED || m->kind == MESSAGE_DONE)
			settle(s);
		message_free(m);
	}
	return NULL;
}

static bool watch(struct session *s, struct request *request, struct err *err)
{
	unsigned kinds = request->kinds;
	if (s->watch)
		backend_cancel(s->backend, s->watch);
	for (size_t i = 0; i < RECORD_COUNT; i++)
		if (kinds & REQUEST_KIND(i) && !s->tables[i])
			open_table(s, (enum record_kind)i);
	s->is_settled = false;
	s->watch = backend_send(s->backend, request);
	int64_t deadline = clock_mono_ms() + s->patience_ms;
	struct err waited = {0};
	for (;;) {
		message_free(take(s)); /* of requests that were given up */
		if (s->has_told)
			deadline = clock_mono_ms() + s->patience_ms;
		s->has_told = false;
		if (s->is_settled)
			return true;
		if (wait_for(s, deadline, &waited))
			continue;
		if (waited.kind == ERR_UNREACHABLE)
			return true; /* what is known is shown; session_check() tells what is missing */
		if (err)
			*err = waited;
		return false;
	}
}

bool session_watch(struct session *s, unsigned kinds, struct err *err)
{
	return watch(s, request_watch(kinds), err);
}

bool session_read(struct session *s, unsigned kinds, unsigned named, struct err *err)
{
	return watch(s, request_read(kinds, named), err);
}

const struct records *session_records(const struct session *s, enum record_kind kind)
{
	return s->tables[kind];
}

struct records *const *session_tables(const struct session *s)
{
	return s->tables;
}

const struct source *session_source(const struct session *s, const char *name)
{
	const struct records *t = s->tables[RECORD_SOURCE];
	for (record_handle h = records_next(t, RECORDS_NO_ROW); h; h = records_next(t, h)) {
		const struct source *row = records_row(t, h);
		if (str_eq(row->name, name))
			return row;
	}
	return NULL;
}

/* The sentence tells the hash that approves what may not run. */
static bool is_unapproved(const struct session *s, const char *error)
{
	bool is_one = false;
	for (size_t at = 0; at < s->unapproved.len && !is_one; at += HASH_HEX)
		is_one = memmem(error, strlen(error), s->unapproved.s + at, HASH_HEX - 1) != NULL;
	return is_one;
}

bool session_check(const struct session *s, struct err *err)
{
	const struct records *t = s->tables[RECORD_SOURCE];
	for (record_handle h = records_next(t, RECORDS_NO_ROW); h; h = records_next(t, h)) {
		const struct source *row = records_row(t, h);
		if (row->state == SOURCE_LIVE || !matters(s, row->name))
			continue;
		if (!str_empty(row->error))
			return err_set(err, is_unapproved(s, row->error) ? ERR_REFUSED : ERR_UNREACHABLE, "%s: %s", row->name, row->error);
		return err_set(err, ERR_UNREACHABLE, "%s is %s; what it knew may be old", row->name,
		               record_value_name(source_state_names, row->state));
	}
	if (!is_settled(s))
		return err_set(err, ERR_UNREACHABLE, "no answer within %d s; is it stopped?",
		               (int)(s->patience_ms / 1000));
	return true;
}

bool session_is_dark(const struct session *s, int64_t ms)
{
	return s->dark_since && clock_mono_ms() - s->dark_since >= ms;
}

uint64_t session_send(struct session *s, struct request *r)
{
	return backend_send(s->backend, r);
}

void session_cancel(struct session *s, uint64_t request)
{
	backend_cancel(s->backend, request);
}

struct message *session_next(struct session *s, uint64_t request, int64_t patience_ms, struct err *err)
{
	int64_t deadline = patience_ms < 0 ? -1 : clock_mono_ms() + patience_ms;
	for (;;) {
		struct message *m = take(s);
		if (m && m->request == request)
			return m;
		if (m)
			message_free(m);
		else if (!wait_for(s, deadline, err))
			return NULL;
	}
}

bool session_ask(struct session *s, struct request *r, int64_t patience_ms,
                 void (*each)(const struct message *, void *arg), void *arg, struct err *err)
{
	if (patience_ms == SESSION_PATIENCE_MS)
		patience_ms = s->watch && !session_check(s, NULL) ? SESSION_DARK_MS /* it had its time when it was watched */
								  : s->patience_ms;
	uint64_t id = session_send(s, r);
	struct message *m;
	while ((m = session_next(s, id, patience_ms, err))) {
		bool is_done = m->kind == MESSAGE_DONE;
		struct err outcome = is_done ? m->err : (struct err){0};
		if (!is_done && each)
			each(m, arg);
		message_free(m);
		if (is_done && outcome.kind != ERR_NONE && err)
			*err = outcome;
		if (is_done)
			return outcome.kind == ERR_NONE;
	}
	session_cancel(s, id);
	struct err source = {0};
	if (err && err->kind == ERR_UNREACHABLE && !session_check(s, &source))
		*err = source; /* it tells more than that the time is up */
	return false;
}

bool session_pause(struct session *s, int64_t ms, struct err *err)
{
	struct err waited = {0};
	int64_t deadline = clock_mono_ms() + ms;
	for (;;) {
		message_free(take(s));
		if (!wait_for(s, deadline, &waited))
			break;
	}
	if (waited.kind == ERR_UNREACHABLE)
		return true; /* the time is up: that was asked for */
	if (err)
		*err = waited;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/run_private.h"

#define CEILING (1024 * 1024)
#define ERROR_BODY_MAX (64 * 1024)
#define READ_ATTEMPTS 3

const char *input_header(const struct input *e, const char *name)
{
	for (size_t i = 0; i < e->n_headers; i++)
		if (str_eq(e->headers[i].name, name))
			return e->headers[i].value;
	return NULL;
}

const struct request *run_request(const struct run *r)
{
	return r->wish.request;
}

const struct config_source *run_source(const struct run *r)
{
	return r->wish.source;
}

const struct setting *run_setting(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->wish.source->n_settings; i++)
		if (str_eq(r->wish.source->settings[i].option->name, name))
			return &r->wish.source->settings[i];
	return NULL;
}

int64_t run_now(const struct run *r)
{
	return r->wish.io->wall(r->wish.io->arg);
}

const char *run_root(const struct run *r)
{
	return r->wish.root;
}

const char *run_via(const struct run *r)
{
	return r->wish.io->via;
}

struct arena *run_arena(struct run *r)
{
	return &r->scratch;
}

bool run_has_written(const struct run *r)
{
	return r->is_written;
}

static int64_t mono(const struct run *r)
{
	return r->wish.io->mono(r->wish.io->arg);
}

static void timer_set(struct run *r, struct loop_timer *t, int64_t after_ms, void (*due)(void *), void *arg)
{
	r->wish.io->timer_set(r->wish.io->arg, t, after_ms, due, arg);
}

static void timer_clear(struct run *r, struct loop_timer *t)
{
	r->wish.io->timer_clear(r->wish.io->arg, t);
}

/* --- exchanges --- */

static void stop_ask(struct asked *a)
{
	const struct io *io = a->run->wish.io;
	a->is_dead = true;
	a->frame.is_stopped = true;
	timer_clear(a->run, &a->timer);
	if (a->http)
		io->cancel(io->arg, a->http);
	a->http = NULL;
	if (a->exec)
		io->exec_cancel(io->arg, a->exec);
	a->exec = NULL;
}

static void stop_asks(struct run *r)
{
	for (struct asked *a = r->asks; a; a = a->next)
		stop_ask(a);
}

/* Not while a callback of one of them may be on the stack. */
static void sweep_asks(struct run *r)
{
	struct asked **at = &r->asks;
	while (*at) {
		struct asked *a = *at;
		if (!a->is_dead) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		frame_finish(&a->frame);
		free(a->folder);
		free(a->suffix);
		free(a);
	}
}

void run_hold(struct run *r, bool is_held)
{
	const struct io *io = r->wish.io;
	if (is_held == r->is_held)
		return;
	r->is_held = is_held;
	for (struct asked *a = r->asks; a; a = a->next)
		if (a->http)
			io->hold(io->arg, a->http, is_held);
}

/* --- attempts --- */

static void tell(struct run *r, const struct input *e)
{
	if (r->is_over || r->is_again)
		return;
	r->wish.query->on(r->state, r, e);
	arena_reset(&r->scratch);
}

static void end_attempt(struct run *r)
{
	stop_asks(r);
	if (r->wish.query->keeps_state && !r->is_over)
		return;
	if (r->state && r->wish.query->finish)
		r->wish.query->finish(r->state);
	free(r->state);
	r->state = NULL;
}

static void begin_attempt(struct run *r)
{
	r->is_again = false;
	r->began = mono(r);
	if (!r->state)
		r->state = mem_alloc(r->wish.query->size ? r->wish.query->size : 1);
	tell(r, &(struct input){.kind = INPUT_START, .cursor = r->cursor});
}

static void enter(struct run *r)
{
	r->depth++;
}

static void leave(struct run *r);

static void on_retry(void *arg)
{
	struct run *r = arg;
	enter(r);
	begin_attempt(r);
	leave(r);
}

static int64_t backoff(const struct run *r)
{
	int64_t ms = RUN_BACKOFF_MS;
	for (int i = 1; i < r->attempts && ms < RUN_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > RUN_BACKOFF_MAX_MS)
		ms = RUN_BACKOFF_MAX_MS;
	return ms * 3 / 4 + r->wish.io->chance(r->wish.io->arg, (uint32_t)(ms / 2 + 1)); /* 75 % to 125 % */
}

static bool is_refused(const struct err *e)
{
	return e->kind == ERR_UNREACHABLE && (e->code == ENOENT || e->code == ECONNREFUSED);
}

/* A first break of a source that was well is not told at once: the next attempt mostly mends it, and the heartbeat's
 * timer tells it when it does not. A refusal is plain. */
static void mark_failed(struct run *r)
{
	if (r->wish.query->serves != REQUEST_WATCH)
		return;
	bool is_first = r->attempts == 1 && r->is_known && r->told == SOURCE_LIVE;
	if (is_first && !is_refused(&r->again) && r->again.kind == ERR_UNREACHABLE)
		return;
	bool is_down = is_refused(&r->again) || !r->has_synced;
	timer_clear(r, &r->freshness);
	run_tell_source(r, is_down ? SOURCE_DOWN : SOURCE_STALE, &r->again);
	if (!r->is_settled && r->wish.settled) {
		r->is_settled = true;
		run_flush(r);
		r->wish.settled(r, r->wish.arg);
	}
}

/* run_again() was called in the callback that is being left. */
static void next_attempt(struct run *r)
{
	end_attempt(r);
	r->attempts++;
	if (!r->again.kind) { /* but not round and round without any progress */
		timer_set(r, &r->retry, r->attempts > 1 ? backoff(r) : 0, on_retry, r);
		return;
	}
	if (r->wish.query->is_standing) {
		mark_failed(r);
	} else if (r->is_written || r->has_delivered || r->again.kind != ERR_UNREACHABLE || is_refused(&r->again) ||
	           r->attempts >= READ_ATTEMPTS) {
		run_done(r, &r->again);
		return;
	}
	timer_set(r, &r->retry, backoff(r), on_retry, r);
}

static void leave(struct run *r)
{
	if (--r->depth > 0)
		return;
	if (r->is_again && !r->is_over && !r->retry.is_set)
		next_attempt(r);
	sweep_asks(r);
	run_flush(r);
	if (!r->is_over || r->is_ended_told)
		return;
	r->is_ended_told = true;
	end_attempt(r);
	sweep_asks(r);
	timer_clear(r, &r->freshness);
	timer_clear(r, &r->retry);
	r->wish.ended(r, &r->outcome, r->wish.arg); /* r may be gone now */
}

void run_again(struct run *r, const struct err *err)
{
	if (r->is_over || r->is_again)
		return;
	r->is_again = true;
	r->again = err ? *err : (struct err){0};
	stop_asks(r);
}

void run_done(struct run *r, const struct err *err)
{
	if (r->is_over)
		return;
	r->is_over = true;
	if (err)
		r->outcome = *err;
	stop_asks(r);
}

/* --- freshness --- */

static void on_freshness(void *arg)
{
	struct run *r = arg;
	int64_t limit = r->wish.query->heartbeat_ms + RUN_LATE_MS;
	int64_t left = r->alive_mono + limit - mono(r);
	enter(r);
	if (r->is_held)
		left = limit; /* we do not listen: that is no silence of the source */
	if (left > 0) {
		timer_set(r, &r->freshness, left, on_freshness, r);
	} else {
		struct err late;
		err_set(&late, ERR_UNREACHABLE, "%s says nothing any more", r->wish.source->name);
		if (r->again.kind)
			late = r->again;
		run_tell_source(r, SOURCE_STALE, &late);
	}
	leave(r);
}

void run_alive(struct run *r)
{
	r->alive_mono = mono(r);
	r->alive_wall = run_now(r);
	if (r->alive_mono - r->began >= 10 * RUN_BACKOFF_MS) { /* one good unit before garbage is no success */
		r->attempts = 0;
		r->again = (struct err){0};
	}
	if (r->wish.query->serves != REQUEST_WATCH || !r->has_synced)
		return;
	bool is_due = r->alive_wall - r->told_wall >= r->wish.query->heartbeat_ms * 9 / 10;
	if (!r->is_known || r->told != SOURCE_LIVE || is_due || r->alive_wall < r->told_wall)
		run_tell_source(r, SOURCE_LIVE, NULL);
	if (r->wish.query->heartbeat_ms && !r->freshness.is_set)
		timer_set(r, &r->freshness, r->wish.query->heartbeat_ms + RUN_LATE_MS, on_freshness, r);
}

/* --- events of exchanges --- */

static bool on_unit(const char *unit, size_t len, bool is_last, void *arg)
{
	struct asked *a = arg;
	struct input e = {.kind = INPUT_UNIT, .tag = a->tag, .status = a->status, .data = unit, .len = len,
	                  .is_last = is_last};
	if (a->is_error_body) {
		struct err err;
		err_set(&err, a->status >= 500 ? ERR_UNREACHABLE : ERR_FAILED, "%s answers with status %d",
			a->run->wish.source->name, a->status);
		err.code = a->status;
		e.kind = INPUT_FAIL;
		e.err = &err;
		tell(a->run, &e);
	} else {
		tell(a->run, &e);
	}
	return !a->is_dead;
}

static void on_head(void *arg, int status, const struct header *headers, size_t n)
{
	struct asked *a = arg;
	if (a->is_dead)
		return;
	enter(a->run);
	a->status = status;
	if (status >= 400) {
		frame_finish(&a->frame);
		frame_init(&a->frame, FRAME_BODY, ERROR_BODY_MAX, NULL, on_unit, a);
		a->is_error_body = true;
	} else {
		tell(a->run, &(struct input){.kind = INPUT_HEAD, .tag = a->tag, .status = status, .headers = headers,
		                             .n_headers = n});
	}
	leave(a->run);
}

/* The ask failed by itself. A write that was answered at all is not repeated, whatever the answer broke of. */
static void fail_ask(struct asked *a, const struct err *err)
{
	if (a->is_dead)
		return;
	struct err told = *err;
	if (a->is_write && a->status && told.kind != ERR_UNKNOWN) {
		told.kind = ERR_UNKNOWN;
		err_prefix(&told, "the request was sent, its outcome is not known");
	}
	tell(a->run, &(struct input){.kind = INPUT_FAIL, .tag = a->tag, .status = a->status, .err = &told});
	stop_ask(a);
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	struct asked *a = arg;
	struct err err;
	if (a->is_dead)
		return;
	enter(a->run);
	if (!frame_feed(&a->frame, bytes, len, &err))
		fail_ask(a, &err);
	leave(a->run);
}

static void on_done(void *arg, const struct err *failure)
{
	struct asked *a = arg;
	struct run *r = a->run;
	struct err err;
	a->http = NULL; /* it is gone after this call */
	if (a->is_dead)
		return;
	enter(r);
	if (failure)
		fail_ask(a, failure);
	else if (!frame_end(&a->frame, &err))
		fail_ask(a, &err);
	else if (!a->is_dead && !a->is_error_body)
		tell(r, &(struct input){.kind = INPUT_END, .tag = a->tag, .status = a->status});
	stop_ask(a);
	leave(r);
}

static const struct http_handler http_handler = {on_head, on_bytes, on_done};

static void on_ask_timer(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	enter(r);
	a->is_dead = true;
	tell(r, &(struct input){.kind = INPUT_TIMER, .tag = a->tag});
	leave(r);
}

/* The failure of an ask that could not even start comes later, like every other event. */
static void on_broken_start(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	enter(r);
	fail_ask(a, &a->broken);
	leave(r);
}

static void start_http(struct run *r, struct asked *a, const struct ask *ask)
{
	const struct io *io = r->wish.io;
	const struct config_source *source = r->wish.source;
	const struct setting *socket = run_setting(r, "socket");
	struct http_wish wish = {
		.method = ask->method ? ask->method : "GET",
		.url = arena_printf(&r->scratch, "%s%s", source->url ? source->url : "http://localhost", ask->path),
		.socket = socket ? socket->text : NULL, .headers = ask->headers, .n_headers = ask->n_headers,
		.body = ask->body, .body_len = ask->body_len, .head_ms = ask->head_ms, .idle_ms = ask->idle_ms,
		.is_write = ask->is_write, .is_stream = ask->is_stream,
	};
	if (!ask->is_stream && ask->framing == FRAME_BODY)
		wish.ceiling = a->frame.ceiling;
	if (ask->is_write)
		r->is_written = true;
	a->http = io->start(io->arg, &wish, &http_handler, a, &a->broken);
	if (!a->http)
		timer_set(r, &a->timer, 0, on_broken_start, a);
	else if (r->is_held)
		io->hold(io->arg, a->http, true);
}

static void on_exec(int status, const char *output, size_t len, const struct err *err, void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	a->exec = NULL; /* it is gone after this call */
	enter(r);
	if (err)
		fail_ask(a, err);
	else
		tell(r, &(struct input){.kind = INPUT_END, .tag = a->tag, .status = status, .data = output, .len = len});
	stop_ask(a);
	leave(r);
}

static void start_exec(struct run *r, struct asked *a, const struct ask *ask)
{
	const struct io *io = r->wish.io;
	a->exec = io->exec(io->arg, &(struct exec_wish){.argv = ask->argv, .dir = ask->folder}, on_exec, a, &a->broken);
	if (!a->exec)
		timer_set(r, &a->timer, 0, on_broken_start, a);
}

static bool on_file(const char *name, const char *bytes, size_t len, void *arg)
{
	struct asked *a = arg;
	tell(a->run, &(struct input){.kind = INPUT_UNIT, .tag = a->tag, .data = bytes, .len = len, .name = name});
	return !a->is_dead;
}

static void on_walk(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	const struct io *io = r->wish.io;
	struct err err;
	enter(r);
	if (!io->walk(io->arg, a->folder, a->suffix, on_file, a, &err))
		fail_ask(a, &err);
	else if (!a->is_dead)
		tell(r, &(struct input){.kind = INPUT_END, .tag = a->tag});
	stop_ask(a);
	leave(r);
}

void run_ask(struct run *r, const struct ask *ask)
{
	if (r->is_over || r->is_again)
		return;
	struct asked *a = mem_alloc(sizeof(*a));
	*a = (struct asked){.run = r, .next = r->asks, .tag = ask->tag, .is_write = ask->is_write};
	r->asks = a;
	frame_init(&a->frame, ask->framing, ask->ceiling ? ask->ceiling : CEILING, ask->items, on_unit, a);
	a->frame.cuts_long_lines = ask->cuts_long_lines;
	switch (ask->kind) {
	case ASK_HTTP:
		start_http(r, a, ask);
		break;
	case ASK_EXEC:
		start_exec(r, a, ask);
		break;
	case ASK_FILES:
		a->folder = mem_dup(ask->folder);
		a->suffix = mem_dup(ask->suffix);
		timer_set(r, &a->timer, 0, on_walk, a);
		break;
	case ASK_TIMER:
		timer_set(r, &a->timer, ask->after_ms, on_ask_timer, a);
		break;
	}
}

void run_stop(struct run *r, uint32_t tag)
{
	for (struct asked *a = r->asks; a; a = a->next)
		if (a->tag == tag)
			stop_ask(a);
}

void run_cursor(struct run *r, const char *cursor, size_t len)
{
	free(r->cursor);
	r->cursor = cursor ? mem_dup_n(cursor, len) : NULL;
}

/* --- life --- */

struct run *run_new(const struct run_wish *wish)
{
	struct run *r = mem_alloc(sizeof(*r));
	r->wish = *wish;
	return r;
}

void run_start(struct run *r)
{
	enter(r);
	begin_attempt(r);
	leave(r);
}

void run_free(struct run *r)
{
	if (!r)
		return;
	r->is_over = true;
	end_attempt(r);
	sweep_asks(r);
	timer_clear(r, &r->freshness);
	timer_clear(r, &r->retry);
	run_forget_batches(r);
	arena_finish(&r->scratch);
	free(r->cursor);
	free(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The exchanges of a run: what is asked, what comes back, and how it ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/run_private.h"

#define RETRY_AFTER_MAX_S 600
#define PATIENCE 4
#define PATIENCE_MS 10000
#define CEILING (1024 * 1024)
#define ERROR_BODY_MAX (64 * 1024)

static void stop_ask(struct asked *a)
{
	const struct io *io = a->run->wish.io;
	a->is_dead = true;
	a->frame.is_stopped = true;
	run_timer_clear(a->run, &a->timer);
	if (a->http)
		io->cancel(io->arg, a->http);
	a->http = NULL;
	if (a->exec)
		io->exec_cancel(io->arg, a->exec);
	a->exec = NULL;
	if (a->reach)
		io->reach_cancel(io->arg, a->reach);
	a->reach = NULL;
}

void run_stop_asks(struct run *r)
{
	for (struct asked *a = r->asks; a; a = a->next)
		stop_ask(a);
}

/* Not while a callback of one of them may be on the stack. */
void run_sweep_asks(struct run *r)
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
		arena_finish(&a->kept);
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
		else if (a->exec && a->is_stream)
			io->exec_hold(io->arg, a->exec, is_held);
}

static bool on_unit(const char *unit, size_t len, bool is_last, void *arg)
{
	struct asked *a = arg;
	a->has_told = true;
	struct input e = {.kind = INPUT_UNIT, .tag = a->tag, .status = a->status, .data = unit, .len = len,
	                  .is_last = is_last};
	if (a->is_error_body) {
		struct err err;
		err_set(&err, a->status >= 500 ? ERR_UNREACHABLE : ERR_FAILED, "%s answers with status %d",
			a->run->wish.source->name, a->status);
		err.code = a->status;
		e.kind = INPUT_FAIL;
		e.err = &err;
		e.retry_ms = a->retry_ms;
		run_tell(a->run, &e);
	} else {
		e.before = str_text(frame_envelope(&a->frame)); /* empty when there is no array */
		e.before_len = frame_envelope(&a->frame)->len;
		e.is_proto = a->frame.is_proto;
		run_tell(a->run, &e);
	}
	return !a->is_dead;
}

static void begin_frame(struct asked *a)
{
	frame_init(&a->frame, a->framing, a->ceiling, a->items, on_unit, a);
	a->frame.cuts_long_lines = a->cuts_long_lines;
	a->frame.proto = a->proto;
}

static void ask_reach(struct asked *);

/* A read goes out once more when other credentials can be had; a write never does. */
static bool renew(struct asked *a)
{
	const struct io *io = a->run->wish.io;
	bool can = io->reach_refused(io->arg, a->run->wish.source, a->serial);
	if (!can || a->is_write || a->is_renewed)
		return false;
	a->is_renewed = true;
	io->cancel(io->arg, a->http);
	a->http = NULL;
	ask_reach(a);
	return true;
}

static void on_repeat(void *arg)
{
	ask_reach(arg);
}

static void ask_anew(struct asked *a, int64_t after_ms)
{
	a->status = 0;
	a->retry_ms = 0;
	a->is_error_body = false;
	frame_finish(&a->frame);
	begin_frame(a);
	run_timer_set(a->run, &a->timer, after_ms, on_repeat, a);
}

/* A connection that breaks is ordinary: a read goes out again. What was told of a reply is not told twice, and whoever
 * reads a stream goes on by himself. */
static bool repeat(struct asked *a, const struct err *failure)
{
	struct run *r = a->run;
	if (failure->code != ECONNRESET || a->is_write || a->wish.is_stream || a->has_told ||
	    r->wish.query->is_standing || r->is_written || r->attempts >= READ_ATTEMPTS - 1)
		return false;
	ask_anew(a, run_backoff(r, ++r->attempts));
	return true;
}

/* A server that has no time just now mostly has it a second later. */
static bool wait_for_server(struct asked *a)
{
	bool has_no_time = a->status == 429 || (a->status >= 500 && a->status != 501);
	if (!a->is_patient || a->is_write || !has_no_time || a->run->wish.query->is_standing || a->n_waits >= PATIENCE ||
	    a->retry_ms > PATIENCE_MS)
		return false;
	int64_t after_ms = run_backoff(a->run, ++a->n_waits);
	ask_anew(a, after_ms > a->retry_ms ? after_ms : a->retry_ms);
	return true;
}

/* RFC 9110, 10.2.3, the seconds; a date is not looked at. */
static int64_t retry_after(const struct header *headers, size_t n)
{
	const struct input in = {.headers = headers, .n_headers = n};
	const char *text = input_header(&in, "retry-after");
	long long s;
	return text && str_to_int(text, 0, RETRY_AFTER_MAX_S, &s) ? s * 1000 : 0;
}

static void on_head(void *arg, int status, const struct header *headers, size_t n)
{
	struct asked *a = arg;
	if (a->is_dead || (status == 401 && renew(a)))
		return;
	run_enter(a->run);
	a->status = status;
	if (status >= 400) {
		frame_finish(&a->frame);
		frame_init(&a->frame, FRAME_BODY, ERROR_BODY_MAX, NULL, on_unit, a);
		a->is_error_body = true;
		a->retry_ms = retry_after(headers, n);
	} else {
		run_tell(a->run, &(struct input){.kind = INPUT_HEAD,
						 .tag = a->tag,
						 .status = status,
						 .headers = headers,
						 .n_headers = n});
	}
	run_leave(a->run);
}

/* The ask failed by itself. A write that was answered at all is not repeated, whatever the answer broke
 * of. */
static void fail_ask(struct asked *a, const struct err *err)
{
	if (a->is_dead)
		return;
	struct err told = *err;
	if (a->is_write && a->status && told.kind != ERR_UNKNOWN) {
		told.kind = ERR_UNKNOWN;
		err_prefix(&told, "the request was sent, its outcome is not known");
	}
	run_tell(a->run,
		 &(struct input){.kind = INPUT_FAIL, .tag = a->tag, .status = a->status, .err = &told});
	stop_ask(a);
}

static void on_bytes(void *arg, const char *bytes, size_t len)
{
	struct asked *a = arg;
	struct err err;
	if (a->is_dead)
		return;
	run_enter(a->run);
	if (!frame_feed(&a->frame, bytes, len, &err))
		fail_ask(a, &err);
	run_leave(a->run);
}

static void on_done(void *arg, const struct err *failure)
{
	struct asked *a = arg;
	struct run *r = a->run;
	struct err err;
	a->http = NULL; /* it is gone after this call */
	if (a->is_dead || (failure ? repeat(a, failure) : wait_for_server(a)))
		return;
	run_enter(r);
	if (failure)
		fail_ask(a, failure);
	else if (!frame_end(&a->frame, &err))
		fail_ask(a, &err);
	else if (!a->is_dead && !a->is_error_body)
		run_tell(r, &(struct input){.kind = INPUT_END, .tag = a->tag, .status = a->status});
	stop_ask(a);
	run_leave(r);
}

static const struct http_handler http_handler = {on_head, on_bytes, on_done};

static void on_ask_timer(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	run_enter(r);
	a->is_dead = true;
	run_tell(r, &(struct input){.kind = INPUT_TIMER, .tag = a->tag});
	run_leave(r);
}

/* The failure of an ask that could not even start comes later, like every other event. */
static void on_broken_start(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	run_enter(r);
	fail_ask(a, &a->broken);
	run_leave(r);
}

/* From here on a write may be out. */
static void send_http(struct asked *a, const struct http_wish *wish)
{
	struct run *r = a->run;
	const struct io *io = r->wish.io;
	if (a->is_write)
		r->is_written = true;
	a->http = io->start(io->arg, wish, &http_handler, a, &a->broken);
	if (!a->http)
		run_timer_set(r, &a->timer, 0, on_broken_start, a);
	else if (r->is_held)
		io->hold(io->arg, a->http, true);
}

/* A copy: the headers of the ask, then those that the server is asked with anyway. */
static const struct header *join_headers(struct arena *arena, const struct header *own, size_t n_own,
					 const struct header *more, size_t n_more)
{
	struct header *all = arena_alloc(arena, (n_own + n_more + 1) * sizeof(*all));
	for (size_t i = 0; i < n_own + n_more; i++) {
		const struct header *h = i < n_own ? &own[i] : &more[i - n_own];
		all[i] = (struct header){arena_dup(arena, h->name), arena_dup(arena, h->value)};
	}
	return all;
}

static void keep(char **kept, const char *text)
{
	if (str_eq(*kept, text))
		return;
	free(*kept);
	*kept = mem_dup(text);
}

/* What is said to a server that anybody may be, and what it answers, is worth little: no reason to change things. */
static bool is_allowed(const struct asked *a, const struct reach *reach, struct err *err)
{
	const struct setting *option = run_setting(a->run, "insecure-writes");
	if (!a->is_write || !reach->way.is_insecure || (option && option->number))
		return true;
	return err_set(err, ERR_REFUSED,
		       "the certificate of %s is not verified (insecure-skip-tls-verify), so nothing is changed through "
		       "it; insecure-writes: true in its configuration allows that", a->run->wish.source->name);
}

static void on_reach(const struct reach *reach, const struct err *err, void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	a->reach = NULL; /* it is gone after this call */
	struct err refused;
	run_enter(r);
	if (reach && !is_allowed(a, reach, &refused))
		err = &refused;
	if (err) {
		fail_ask(a, err);
	} else {
		struct arena arena = {0};
		r->is_insecure = reach->way.is_insecure;
		struct http_wish wish = a->wish;
		keep(&r->scope, reach->scope);
		keep(&r->who, reach->who);
		keep(&r->context, reach->context);
		a->serial = reach->serial;
		wish.url = arena_printf(&arena, "%s%s", reach->url, a->wish.url);
		wish.headers = join_headers(&arena, a->wish.headers, a->wish.n_headers, reach->headers,
					    reach->n_headers);
		wish.n_headers += reach->n_headers;
		wish.way = reach->way;
		wish.secret = reach->secret;
		send_http(a, &wish);
		arena_finish(&arena);
	}
	run_leave(r);
}

static void ask_reach(struct asked *a)
{
	const struct io *io = a->run->wish.io;
	a->reach = io->reach(io->arg, a->run->wish.source, on_reach, a);
}

static void start_http(struct asked *a, const struct ask *ask)
{
	a->wish = (struct http_wish){
		.method = arena_dup(&a->kept, ask->method ? ask->method : "GET"),
		.url = arena_dup(&a->kept, ask->path),
		.headers = join_headers(&a->kept, ask->headers, ask->n_headers, NULL, 0),
		.n_headers = ask->n_headers,
		.body = ask->body ? arena_dup_n(&a->kept, ask->body, ask->body_len) : NULL,
		.body_len = ask->body_len,
		.head_ms = ask->head_ms,
		.idle_ms = ask->idle_ms,
		.is_write = ask->is_write,
		.is_stream = ask->is_stream,
	};
	if (!ask->is_stream && ask->framing == FRAME_BODY)
		a->wish.ceiling = a->frame.ceiling;
	ask_reach(a);
}

static void on_exec(int status, const char *output, size_t len, const struct err *err, void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	struct err broken;
	a->exec = NULL; /* it is gone after this call */
	run_enter(r);
	if (!err && a->is_stream && (!frame_feed(&a->frame, output, len, &broken) || !frame_end(&a->frame, &broken)))
		err = &broken;
	if (err)
		fail_ask(a, err);
	else if (!a->is_dead)
		run_tell(r, &(struct input){.kind = INPUT_END,
					    .tag = a->tag,
					    .status = status,
					    .data = a->is_stream ? NULL : output,
					    .len = a->is_stream ? 0 : len});
	stop_ask(a);
	run_leave(r);
}

static void on_output(const char *bytes, size_t len, void *arg)
{
	on_bytes(arg, bytes, len);
}

static void start_exec(struct run *r, struct asked *a, const struct ask *ask)
{
	const struct io *io = r->wish.io;
	a->is_stream = ask->is_stream;
	struct exec_wish wish = {.argv = ask->argv, .dir = ask->folder, .limit_ms = ask->limit_ms,
				 .drops_stderr = ask->drops_stderr, .told = ask->is_stream ? on_output : NULL};
	a->exec = io->exec(io->arg, &wish, on_exec, a, &a->broken);
	if (a->exec && a->is_stream && r->is_held)
		io->exec_hold(io->arg, a->exec, true);
	if (!a->exec)
		run_timer_set(r, &a->timer, 0, on_broken_start, a);
}

static bool on_file(const char *name, const char *bytes, size_t len, const struct err *err, void *arg)
{
	struct asked *a = arg;
	run_tell(a->run, &(struct input){.kind = INPUT_UNIT,
					 .tag = a->tag,
					 .data = bytes,
					 .len = len,
					 .name = name,
					 .err = err});
	return !a->is_dead;
}

static void on_walk(void *arg)
{
	struct asked *a = arg;
	struct run *r = a->run;
	const struct io *io = r->wish.io;
	struct err err;
	run_enter(r);
	if (!io->walk(io->arg, a->folder, a->suffix, on_file, a, &err))
		fail_ask(a, &err);
	else if (!a->is_dead)
		run_tell(r, &(struct input){.kind = INPUT_END, .tag = a->tag});
	stop_ask(a);
	run_leave(r);
}

void run_ask(struct run *r, const struct ask *ask)
{
	if (r->is_over || r->is_again)
		return;
	struct asked *a = mem_alloc(sizeof(*a));
	*a = (struct asked){.run = r, .next = r->asks, .tag = ask->tag, .is_write = ask->is_write,
			    .is_patient = ask->is_patient};
	r->asks = a;
	a->framing = ask->framing;
	a->ceiling = ask->ceiling ? ask->ceiling : CEILING;
	a->items = ask->items;
	a->proto = ask->proto;
	a->cuts_long_lines = ask->cuts_long_lines;
	begin_frame(a);
	switch (ask->kind) {
	case ASK_HTTP:
		start_http(a, ask);
		break;
	case ASK_EXEC:
		start_exec(r, a, ask);
		break;
	case ASK_FILES:
		a->folder = mem_dup(ask->folder);
		a->suffix = mem_dup(ask->suffix);
		run_timer_set(r, &a->timer, 0, on_walk, a);
		break;
	case ASK_TIMER:
		run_timer_set(r, &a->timer, ask->after_ms, on_ask_timer, a);
		break;
	}
}

void run_stop(struct run *r, uint32_t tag)
{
	for (struct asked *a = r->asks; a; a = a->next)
		if (a->tag == tag)
			stop_ask(a);
}

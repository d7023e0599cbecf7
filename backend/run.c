/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/run_private.h"

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

uint32_t run_chance(const struct run *r, uint32_t below)
{
	return r->wish.io->chance(r->wish.io->arg, below);
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

const char *run_scope(const struct run *r)
{
	return r->scope;
}

const char *run_context(const struct run *r)
{
	return r->context;
}

const char *run_who(const struct run *r)
{
	return r->who;
}

bool run_has_written(const struct run *r)
{
	return r->is_written;
}

void run_accepted(struct run *r)
{
	r->is_accepted = true;
}

void run_answered(struct run *r, const struct terminal_answer *answer)
{
	struct err err;
	struct input in = {.kind = INPUT_END, .tag = RUN_TERMINAL_TAG, .status = answer->status};
	if (answer->refusal) {
		err_set(&err, ERR_REFUSED, "%s", answer->refusal);
		in.kind = INPUT_FAIL;
		in.err = &err;
	}
	run_enter(r);
	run_tell(r, &in);
	run_leave(r);
}

bool run_goes_on(const struct run *r)
{
	return r->is_accepted;
}

static int64_t mono(const struct run *r)
{
	return r->wish.io->mono(r->wish.io->arg);
}

void run_timer_set(struct run *r, struct loop_timer *t, int64_t after_ms, void (*due)(void *), void *arg)
{
	r->wish.io->timer_set(r->wish.io->arg, t, after_ms, due, arg);
}

void run_timer_clear(struct run *r, struct loop_timer *t)
{
	r->wish.io->timer_clear(r->wish.io->arg, t);
}

/* --- attempts --- */

void run_tell(struct run *r, const struct input *e)
{
	if (r->is_over || r->is_again)
		return;
	r->wish.query->on(r->state, r, e);
	arena_reset(&r->scratch);
}

static void end_attempt(struct run *r)
{
	run_stop_asks(r);
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
	run_tell(r, &(struct input){.kind = INPUT_START, .cursor = r->cursor});
}

void run_enter(struct run *r)
{
	r->depth++;
}

static void on_retry(void *arg)
{
	struct run *r = arg;
	run_enter(r);
	begin_attempt(r);
	run_leave(r);
}

int64_t run_backoff(const struct run *r, int attempts)
{
	int64_t ms = RUN_BACKOFF_MS;
	for (int i = 1; i < attempts && ms < RUN_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > RUN_BACKOFF_MAX_MS)
		ms = RUN_BACKOFF_MAX_MS;
	return ms * 3 / 4 + r->wish.io->chance(r->wish.io->arg, (uint32_t)(ms / 2 + 1)); /* 75 % to 125 % */
}

static bool is_refused(const struct err *e)
{
	return e->kind == ERR_UNREACHABLE && (e->code == ENOENT || e->code == ECONNREFUSED);
}

/* A first break of a source that was well is not told at once: the next attempt mostly mends it, and the
 * heartbeat's timer tells it when it does not. A refusal is plain. */
static void mark_failed(struct run *r)
{
	if (r->wish.query->serves != REQUEST_WATCH)
		return;
	bool is_first = r->attempts == 1 && r->is_known && r->told == SOURCE_LIVE;
	if (is_first && !is_refused(&r->again) && r->again.kind == ERR_UNREACHABLE)
		return;
	bool is_down = is_refused(&r->again) || !r->has_synced;
	run_timer_clear(r, &r->freshness);
	run_tell_source(r, is_down ? SOURCE_DOWN : SOURCE_STALE, &r->again);
	if (!r->is_settled && r->wish.settled) {
		r->is_settled = true;
		run_flush(r);
		r->wish.settled(r, r->wish.arg);
	}
}

void run_troubled(struct run *r, const struct err *err)
{
	r->attempts++;
	r->again = *err;
	mark_failed(r);
}

/* run_again() was called in the callback that is being left. */
static void next_attempt(struct run *r)
{
	end_attempt(r);
	r->attempts++;
	if (!r->again.kind) { /* but not round and round without any progress */
		run_timer_set(r, &r->retry, r->attempts > 1 ? run_backoff(r, r->attempts) : 0, on_retry, r);
		return;
	}
	if (r->wish.query->is_standing) {
		mark_failed(r);
	} else if (r->is_written || r->has_delivered || r->again.kind != ERR_UNREACHABLE ||
		   is_refused(&r->again) || r->attempts >= READ_ATTEMPTS) {
		run_done(r, &r->again);
		return;
	}
	run_timer_set(r, &r->retry, run_backoff(r, r->attempts), on_retry, r);
}

void run_leave(struct run *r)
{
	if (--r->depth > 0)
		return;
	if (r->is_again && !r->is_over && !r->retry.is_set)
		next_attempt(r);
	run_sweep_asks(r);
	run_flush(r);
	if (!r->is_over || r->is_ended_told)
		return;
	r->is_ended_told = true;
	end_attempt(r);
	run_sweep_asks(r);
	run_timer_clear(r, &r->freshness);
	run_timer_clear(r, &r->retry);
	r->wish.ended(r, &r->outcome, r->wish.arg); /* r may be gone now */
}

void run_again(struct run *r, const struct err *err)
{
	if (r->is_over || r->is_again)
		return;
	r->is_again = true;
	r->again = err ? *err : (struct err){0};
	run_stop_asks(r);
}

void run_done(struct run *r, const struct err *err)
{
	if (r->is_over)
		return;
	r->is_over = true;
	if (err)
		r->outcome = *err;
	run_stop_asks(r);
}

/* --- freshness --- */

static void on_freshness(void *arg)
{
	struct run *r = arg;
	int64_t limit = r->wish.query->heartbeat_ms + RUN_LATE_MS;
	int64_t left = r->alive_mono + limit - mono(r);
	run_enter(r);
	if (r->is_held)
		left = limit; /* we do not listen: that is no silence of the source */
	if (left > 0) {
		run_timer_set(r, &r->freshness, left, on_freshness, r);
	} else {
		struct err late;
		err_set(&late, ERR_UNREACHABLE, "%s says nothing any more", r->wish.source->name);
		if (r->again.kind)
			late = r->again;
		run_tell_source(r, SOURCE_STALE, &late);
	}
	run_leave(r);
}

void run_alive(struct run *r)
{
	r->alive_mono = mono(r);
	r->alive_wall = run_now(r);
	if (r->alive_mono - r->began >=
	    10 * RUN_BACKOFF_MS) { /* one good unit before garbage is no success */
		r->attempts = 0;
		r->again = (struct err){0};
	}
	if (r->wish.query->serves != REQUEST_WATCH || !r->has_synced)
		return;
	bool is_due = r->alive_wall - r->told_wall >= r->wish.query->heartbeat_ms * 9 / 10;
	if (!r->is_known || r->told != SOURCE_LIVE || is_due || r->alive_wall < r->told_wall)
		run_tell_source(r, SOURCE_LIVE, NULL);
	if (r->wish.query->heartbeat_ms && !r->freshness.is_set)
		run_timer_set(r, &r->freshness, r->wish.query->heartbeat_ms + RUN_LATE_MS, on_freshness, r);
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
	run_enter(r);
	begin_attempt(r);
	run_leave(r);
}

void run_free(struct run *r)
{
	if (!r)
		return;
	r->is_over = true;
	end_attempt(r);
	run_sweep_asks(r);
	run_timer_clear(r, &r->freshness);
	run_timer_clear(r, &r->retry);
	run_forget_batches(r);
	arena_finish(&r->scratch);
	free(r->cursor);
	free(r->scope);
	free(r->who);
	free(r->context);
	free(r);
}

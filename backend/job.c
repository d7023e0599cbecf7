/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "backend/ensure.h"
#include "backend/operation.h"
#include "backend/provider.h"
#include "backend/run.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

struct job {
	struct jobs *jobs;
	struct job *next;
	struct request *request;
	struct run **runs;        /* NULL where one has ended */
	size_t n_runs, n_open;    /* n_open counts one more while they are being started */
	size_t n_unsettled;
	int unread;
	bool is_settled, has_written;
	struct err outcome;       /* the first failure */
	struct ensure *ensure;
};
struct jobs {
	struct loop *loop;
	const struct config *config;
	jobs_deliver *deliver;
	void *arg;
	struct io io;
	struct job *first;
	struct operations *operations;
};

/* --- the world as runs see it --- */

static int64_t io_mono(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static int64_t io_wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static uint32_t io_chance(void *arg, uint32_t below)
{
	uint32_t bits = 0;
	(void)arg;
	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits) || below == 0)
		return 0;
	return bits % below;
}

static void io_timer_set(void *arg, struct loop_timer *t, int64_t after_ms, void (*due)(void *), void *due_arg)
{
	loop_timer_set(((struct jobs *)arg)->loop, t, after_ms, due, due_arg);
}

static void io_timer_clear(void *arg, struct loop_timer *t)
{
	loop_timer_clear(((struct jobs *)arg)->loop, t);
}

static struct http *io_start(void *arg, const struct http_wish *wish, const struct http_handler *handler,
                             void *handler_arg, struct err *err)
{
	return http_start(((struct jobs *)arg)->loop, wish, handler, handler_arg, err);
}

static void io_hold(void *arg, struct http *h, bool is_held)
{
	(void)arg;
	http_hold(h, is_held);
}

static void io_cancel(void *arg, struct http *h)
{
	(void)arg;
	http_cancel(h);
}

static struct job *job_of(struct jobs *jobs, uint64_t id)
{
	struct job *j = jobs->first;
	while (j && j->request->id != id)
		j = j->next;
	return j;
}

static void hold(struct job *j)
{
	bool is_full = j->unread >= BACKEND_UNREAD_MAX, is_low = j->unread <= BACKEND_UNREAD_MAX / 2;
	for (size_t i = 0; (is_full || is_low) && i < j->n_runs; i++)
		if (j->runs[i])
			run_hold(j->runs[i], is_full);
}

static void send(struct job *j, struct message *m)
{
	j->unread++;
	j->jobs->deliver(m, j->jobs->arg);
	hold(j);
}

static void io_deliver(void *arg, struct message *m)
{
	struct jobs *jobs = arg;
	struct job *j = job_of(jobs, m->request);
	if (!j) {
		message_free(m);
		return;
	}
	if (m->kind == MESSAGE_PLAN)
		operations_learn(jobs->operations, jobs->config->context, run_source(j->runs[0])->name, &m->plan,
				 &m->arena, clock_wall_ms());
	send(j, m);
}

/* --- ends --- */

static void finish(struct job *j)
{
	struct job **at = &j->jobs->first;
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	struct message *m = message_new(MESSAGE_DONE, j->request->id);
	m->err = j->outcome;
	j->jobs->deliver(m, j->jobs->arg);
	for (size_t i = 0; i < j->n_runs; i++)
		run_free(j->runs[i]);
	ensure_cancel(j->ensure);
	request_free(j->request);
	free(j->runs);
	free(j);
}

static void fail(struct job *j, const struct err *err)
{
	if (err->kind && !j->outcome.kind)
		j->outcome = *err;
}

static void close_one(struct job *j)
{
	if (--j->n_open == 0)
		finish(j);
}

static void on_ended(struct run *r, const struct err *err, void *arg)
{
	struct job *j = arg;
	fail(j, err);
	for (size_t i = 0; i < j->n_runs; i++)
		if (j->runs[i] == r)
			j->runs[i] = NULL;
	run_free(r);
	close_one(j);
}

static void settle(struct job *j)
{
	if (j->is_settled || j->n_unsettled)
		return;
	j->is_settled = true;
	send(j, message_new(MESSAGE_SETTLED, j->request->id));
}

static void on_settled(struct run *r, void *arg)
{
	struct job *j = arg;
	(void)r;
	j->n_unsettled--;
	settle(j);
}

static void give_up(struct job *j, enum err_kind kind, const char *why)
{
	bool has_written = false;
	for (size_t i = 0; i < j->n_runs; i++)
		has_written = has_written || (j->runs[i] && run_has_written(j->runs[i]));
	if (has_written && j->request->kind != REQUEST_PLAN)
		err_set(&j->outcome, ERR_UNKNOWN, "%s after the request was sent: its outcome is not known", why);
	else
		err_set(&j->outcome, kind, "%s", why);
	finish(j);
}

/* --- starts --- */

static void add_run(struct job *j, const struct config_source *source, const struct query *query)
{
	j->runs = mem_grow(j->runs, j->n_runs + 1, sizeof(struct run *));
	j->runs[j->n_runs++] = run_new(&(struct run_wish){
		.io = &j->jobs->io, .source = source, .query = query, .request = j->request, .ended = on_ended,
		.settled = j->request->kind == REQUEST_WATCH ? on_settled : NULL, .arg = j,
	});
	j->n_open++;
	j->n_unsettled++;
}

static void start_runs(struct job *j)
{
	for (size_t i = 0; i < j->n_runs; i++)
		run_start(j->runs[i]);
}

static bool fits(const struct config_source *s, const char *environment)
{
	return !environment || !s->environment || str_eq(s->environment, environment);
}

static const char *environment_of(const struct request *q)
{
	switch (q->kind) {
	case REQUEST_LOGS:
		return q->logs.environment;
	case REQUEST_SERIES:
		return q->series.environment;
	case REQUEST_PLAN:
		return q->wish.environment;
	default:
		return NULL;
	}
}

/* All sources that serve the request, or the first one; a watch without any source stays, and is settled. */
static void start_on_sources(struct job *j, bool all, const char *only)
{
	const struct config_context *context = j->jobs->config->context;
	for (size_t i = 0; i < context->n_sources; i++) {
		const struct config_source *s = &context->sources[i];
		const struct query *query = provider_query(s->provider, j->request);
		if (!query || !fits(s, environment_of(j->request)) || (only && !str_eq(s->name, only)))
			continue;
		add_run(j, s, query);
		if (!all)
			break;
	}
	if (j->n_runs == 0 && !all)
		err_set(&j->outcome, ERR_USAGE, "no source of context %s serves this (%s)", context->name,
			request_kind_name(j->request->kind));
	start_runs(j);
}

static void start_watch(struct job *j)
{
	j->n_open++; /* never taken back: a watch ends by being cancelled */
	start_on_sources(j, true, NULL);
	settle(j);
}

static void start_execute(struct job *j)
{
	struct admission admission;
	if (!operations_admit(j->jobs->operations, j->request->plan, j->request->confirm, clock_wall_ms(), &admission,
			      &j->outcome))
		return;
	start_on_sources(j, false, admission.source);
}

static void start_undo(struct job *j)
{
	if (operations_allowed(j->jobs->config->context, &j->outcome))
		start_on_sources(j, false, NULL);
}

static void on_ensured(const struct err *err, void *arg)
{
	struct job *j = arg;
	j->ensure = NULL;
	fail(j, err);
	close_one(j);
}

static void start_raise(struct job *j)
{
	const char *root = j->jobs->config->context->platform_root;
	if (!root) {
		err_set(&j->outcome, ERR_USAGE, "context %s has no embedded platform", j->jobs->config->context->name);
		return;
	}
	j->n_open++;
	j->ensure = ensure_start(j->jobs->loop, root, on_ensured, j);
}

/* The rows of the sources that were there vanish; the watches go on with the new ones. */
static void rewatch(struct job *j, const struct config_context *old)
{
	for (size_t i = 0; i < j->n_runs; i++) {
		run_free(j->runs[i]);
		j->n_open -= j->runs[i] != NULL;
	}
	j->n_runs = j->n_unsettled = 0;
	for (size_t i = 0; i < old->n_sources; i++) {
		struct message *m = message_new(MESSAGE_RECORDS, j->request->id);
		struct change *items = arena_alloc(&m->arena, (size_t)RECORD_COUNT * 2 * sizeof(*items));
		m->changes = (struct changes){.source = arena_dup(&m->arena, old->sources[i].name), .items = items};
		for (int kind = 0; kind < RECORD_COUNT; kind++) {
			if (kind != RECORD_SOURCE && !(j->request->kinds & REQUEST_KIND(kind)))
				continue;
			items[m->changes.n++] = (struct change){CHANGE_BEGIN, (enum record_kind)kind, NULL, NULL};
			items[m->changes.n++] = (struct change){CHANGE_SYNC, (enum record_kind)kind, NULL, NULL};
		}
		send(j, m);
	}
	start_on_sources(j, true, NULL);
}

/* Other requests keep the sources they started with: both configurations live until this request is done, so all
 * that is not a watch must end first. */
static void start_reload(struct job *j)
{
	struct jobs *jobs = j->jobs;
	const struct config_context *old = jobs->config->context;
	jobs->config = j->request->config;
	for (struct job *other = jobs->first, *next; other; other = next) {
		next = other->next;
		if (other == j)
			continue;
		if (other->request->kind == REQUEST_WATCH)
			rewatch(other, old);
		else
			give_up(other, ERR_CANCELLED, "the configuration was reloaded");
	}
}

static void start_job(struct job *j)
{
	switch (j->request->kind) {
	case REQUEST_WATCH:
		start_watch(j);
		break;
	case REQUEST_AUDIT_VERIFY:
		start_on_sources(j, true, NULL);
		break;
	case REQUEST_EXECUTE:
		start_execute(j);
		break;
	case REQUEST_UNDO:
		start_undo(j);
		break;
	case REQUEST_RAISE:
		start_raise(j);
		break;
	case REQUEST_RELOAD:
		start_reload(j);
		break;
	default:
		start_on_sources(j, false, NULL);
		break;
	}
}

void jobs_start(struct jobs *jobs, struct request *request)
{
	struct job *j = mem_alloc(sizeof(*j));
	*j = (struct job){.jobs = jobs, .next = jobs->first, .request = request, .n_open = 1};
	jobs->first = j;
	start_job(j);
	close_one(j);
}

void jobs_cancel(struct jobs *jobs, uint64_t id)
{
	struct job *j = job_of(jobs, id);
	if (j)
		give_up(j, ERR_CANCELLED, "cancelled");
}

void jobs_acknowledge(struct jobs *jobs, uint64_t id, int messages)
{
	struct job *j = job_of(jobs, id);
	if (!j)
		return;
	j->unread -= messages;
	hold(j);
}

struct jobs *jobs_new(struct loop *loop, const struct config *config, jobs_deliver *deliver, void *arg)
{
	struct jobs *jobs = mem_alloc(sizeof(*jobs));
	*jobs = (struct jobs){
		.loop = loop, .config = config, .deliver = deliver, .arg = arg, .operations = operations_new(),
		.io = {io_mono, io_wall, io_chance, io_timer_set, io_timer_clear, io_start, io_hold, io_cancel, io_deliver,
		       getenv("SSH_CONNECTION"), jobs},
	};
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	while (jobs->first)
		give_up(jobs->first, ERR_CANCELLED, "the program ends");
	operations_free(jobs->operations);
	free(jobs);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "backend/ensure.h"
#include "backend/journal.h"
#include "backend/operation.h"
#include "backend/provider.h"
#include "backend/redact.h"
#include "backend/run.h"
#include "backend/world.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

struct job {
	struct jobs *jobs;
	struct job *next;
	struct request *request;
	const struct config *config; /* in force when it began; a watch goes on with a newer one */
	struct run **runs;        /* NULL where one has ended */
	size_t n_runs, n_open;    /* n_open counts one more while they are being started */
	size_t n_unsettled;
	int unread;
	bool is_settled, has_sent, asks_all;
	size_t next_source;       /* where to go on when the source that was asked does not know it; 0: nowhere */
	struct err outcome;       /* the first failure */
	struct err absent;        /* what a source said that does not know it … */
	size_t n_absent;          /* … and how many did */
	struct ensure *ensure;
	char *journalled;         /* id of its intent in the console's journal, without an outcome yet */
};
struct jobs {
	struct loop *loop;
	const struct config *config;
	jobs_deliver *deliver;
	void *arg;
	struct world world;
	struct io io;
	struct job *first;
	struct operations *operations;
	struct redact *redact;
	char *journal;            /* path; NULL: there is no place for it */
};

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
	j->has_sent = true;
	redact_message(j->jobs->redact, m);
	j->jobs->deliver(m, j->jobs->arg);
	hold(j);
}

/* Of a job that asks one source after another: the one that speaks. */
static const struct config_source *source_of(const struct job *j)
{
	return run_source(j->runs[j->n_runs - 1]);
}

static void on_deliver(struct message *m, void *arg)
{
	struct jobs *jobs = arg;
	struct job *j = job_of(jobs, m->request);
	if (!j) {
		message_free(m);
		return;
	}
	if (m->kind == MESSAGE_PLAN)
		operations_learn(jobs->operations, j->config->context, source_of(j)->name,
				 &j->request->wish, &m->plan, &m->arena, clock_wall_ms());
	send(j, m);
}

/* --- ends --- */

static enum audit_state audit_state_of(const struct err *e)
{
	switch (e->kind) {
	case ERR_NONE:
		return AUDIT_DONE;
	case ERR_REFUSED:
		return AUDIT_REFUSED;
	case ERR_UNKNOWN:
		return AUDIT_UNKNOWN;
	default:
		return AUDIT_FAILED;
	}
}

static void show_journal(struct job *j)
{
	if (j->request->kind != REQUEST_WATCH || !(j->request->kinds & REQUEST_KIND(RECORD_AUDIT)) ||
	    !j->jobs->journal)
		return;
	struct message *m = journal_rows(j->jobs->journal, j->request->id);
	if (m)
		send(j, m);
}

static void show_journal_everywhere(struct jobs *jobs)
{
	for (struct job *j = jobs->first; j; j = j->next)
		show_journal(j);
}

/* An outcome that cannot be written leaves the entry "unknown", and is said. */
static void journal_end(struct job *j)
{
	struct err err;
	if (!j->journalled)
		return;
	if (!journal_outcome(j->jobs->journal, j->journalled, audit_state_of(&j->outcome), j->outcome.text,
			     &err) &&
	    !j->outcome.kind)
		err_set(&j->outcome, ERR_UNKNOWN, "it was done, but its outcome is not in the audit: %s",
			err.text);
	free(j->journalled);
	j->journalled = NULL;
	show_journal_everywhere(j->jobs);
}

static void finish(struct job *j)
{
	redact_err(j->jobs->redact, &j->outcome);
	journal_end(j);
	struct job **at = &j->jobs->first;
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	struct message *m = message_new(MESSAGE_DONE, j->request->id);
	m->err = j->outcome;
	redact_err(j->jobs->redact, &m->err);
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
	if (--j->n_open > 0)
		return;
	if (j->n_absent && j->n_absent == j->n_runs)
		fail(j, &j->absent);
	finish(j);
}

static bool ask_next(struct job *j);

static void on_ended(struct run *r, const struct err *err, void *arg)
{
	struct job *j = arg;
	struct err outcome = *err; /* it dies with the run */
	for (size_t i = 0; i < j->n_runs; i++)
		if (j->runs[i] == r)
			j->runs[i] = NULL;
	run_free(r);
	if (outcome.kind == ERR_NOT_FOUND && j->asks_all) {
		j->absent = outcome;
		j->n_absent++;
	} else if (outcome.kind != ERR_NOT_FOUND || j->has_sent || !ask_next(j)) {
		fail(j, &outcome);
	}
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
	bool has_written = false, goes_on = false;
	for (size_t i = 0; i < j->n_runs; i++) {
		has_written = has_written || (j->runs[i] && run_has_written(j->runs[i]));
		goes_on = goes_on || (j->runs[i] && run_goes_on(j->runs[i]));
	}
	if (goes_on)
		err_set(&j->outcome, ERR_UNKNOWN, "%s: it was accepted and goes on, nobody watches it any more", why);
	else if (has_written && j->request->kind != REQUEST_PLAN)
		err_set(&j->outcome, ERR_UNKNOWN, "%s after the request was sent: its outcome is not known",
			why);
	else
		err_set(&j->outcome, kind, "%s", why);
	finish(j);
}

/* --- starts --- */

static void add_run(struct job *j, const struct config_source *source)
{
	j->runs = mem_grow(j->runs, j->n_runs + 1, sizeof(struct run *));
	j->runs[j->n_runs++] = run_new(&(struct run_wish){
		.io = &j->jobs->io,
		.source = source,
		.root = j->config->context->platform_root,
		.query = provider_query(source->provider, j->request),
		.request = j->request,
		.ended = on_ended,
		.settled = j->request->kind == REQUEST_WATCH ? on_settled : NULL,
		.arg = j,
	});
	j->n_open++;
	j->n_unsettled++;
}

/* One that ends at once may start others meanwhile. */
static void start_runs(struct job *j)
{
	size_t n = j->n_runs;
	for (size_t i = 0; i < n; i++)
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
	case REQUEST_USE:
		return q->environment;
	case REQUEST_PLAN:
		return q->wish.environment;
	default:
		return NULL;
	}
}

static bool serves(const struct job *j, const struct config_source *s)
{
	return provider_query(s->provider, j->request) && fits(s, environment_of(j->request));
}

/* A watch without any source stays, and is settled. */
static void start_on_all(struct job *j)
{
	const struct config_context *context = j->config->context;
	for (size_t i = 0; i < context->n_sources; i++)
		if (serves(j, &context->sources[i]))
			add_run(j, &context->sources[i]);
	start_runs(j);
}

/* False when there is no further one. Two sources may both serve runbooks: what one does not know the next
 * may. */
static bool ask_next(struct job *j)
{
	const struct config_context *context = j->config->context;
	while (j->next_source && j->next_source < context->n_sources) {
		const struct config_source *s = &context->sources[j->next_source++];
		if (!serves(j, s))
			continue;
		add_run(j, s);
		run_start(j->runs[j->n_runs - 1]);
		return true;
	}
	return false;
}

static void nothing_serves(struct job *j)
{
	const struct config_context *context = j->config->context;
	for (size_t i = 0; i < context->n_sources; i++) {
		const struct config_source *s = &context->sources[i];
		const char *why = fits(s, environment_of(j->request)) && s->provider->cannot
					  ? s->provider->cannot(j->request) : NULL;
		if (why) {
			err_set(&j->outcome, ERR_REFUSED, "%s: %s", s->name, why);
			return;
		}
	}
	err_set(&j->outcome, ERR_USAGE, "no source of context %s serves this (%s)", context->name,
		request_kind_name(j->request->kind));
}

/* The first source that serves the request, or the one named. */
static void start_on_one(struct job *j, const char *only)
{
	const struct config_context *context = j->config->context;
	/* A service may be placed in several sources: its log is that of all. */
	j->asks_all = (j->request->kind == REQUEST_LOGS || j->request->kind == REQUEST_USE) &&
		      !environment_of(j->request);
	for (size_t i = 0; i < context->n_sources && (!j->n_runs || j->asks_all); i++) {
		if (!serves(j, &context->sources[i]) || (only && !str_eq(context->sources[i].name, only)))
			continue;
		j->next_source = only ? 0 : i + 1;
		add_run(j, &context->sources[i]);
	}
	if (j->n_runs == 0)
		nothing_serves(j);
	start_runs(j);
}

static void start_watch(struct job *j)
{
	j->n_open++; /* never taken back: a watch ends by being cancelled */
	show_journal(j);
	start_on_all(j);
	settle(j);
}

static const struct config_source *source_named(const struct config_context *context, const char *name)
{
	for (size_t i = 0; i < context->n_sources; i++)
		if (str_eq(context->sources[i].name, name))
			return &context->sources[i];
	return NULL;
}

/* True when the intent is on disk, or is recorded where the act is done. */
static bool journal_begin(struct job *j, const struct admission *admission)
{
	const struct config_source *source = source_named(j->config->context, admission->source);
	if (!source)
		return err_set(&j->outcome, ERR_REFUSED, "%s is no source any more: plan it again",
			       admission->source);
	if (source->provider->audits_itself)
		return true;
	if (!j->jobs->journal)
		return err_set(&j->outcome, ERR_REFUSED,
			       "there is no place for the audit: set FAIRWAY_STATE_DIR");
	struct arena arena = {0};
	struct audit_entry e;
	char *by = journal_who(j->jobs->io.via);
	record_init(record_class(RECORD_AUDIT), &e);
	e.by = by;
	e.action = admission->plan->action;
	e.service = admission->plan->service;
	e.environment = admission->plan->environment;
	e.plan = admission->plan->id;
	e.reason = redact_text(j->jobs->redact, &arena, j->request->reason);
	bool is_done = journal_intent(j->jobs->journal, &e, &arena, &j->outcome);
	if (is_done)
		j->journalled = mem_dup(e.id);
	else if (admission->plan->equivalent)
		err_prefix(&j->outcome, "not done (by hand: %s)", admission->plan->equivalent);
	free(by);
	arena_finish(&arena);
	return is_done;
}

/* The journal's chain beside those of the sources. */
static void start_verify(struct job *j)
{
	struct message *m = message_new(MESSAGE_AUDIT, j->request->id);
	if (j->jobs->journal && journal_verify(j->jobs->journal, &m->audit, &m->arena, &j->outcome))
		send(j, m);
	else
		message_free(m);
	start_on_all(j);
}

static void name_account(struct job *j)
{
	char *who = journal_who(NULL);
	j->request->by = arena_dup_n(&j->request->arena, who, strcspn(who, " "));
	free(who);
}

static void start_execute(struct job *j)
{
	struct admission admission;
	if (!operations_admit(j->jobs->operations, j->request->plan, j->request->confirm, clock_wall_ms(),
			      &admission, &j->outcome))
		return;
	record_copy(record_class(RECORD_WISH), &j->request->wish, admission.wish, &j->request->arena);
	name_account(j);
	j->request->basis = arena_dup(&j->request->arena, admission.plan->basis);
	if (journal_begin(j, &admission))
		start_on_one(j, admission.source);
}

static void start_undo(struct job *j)
{
	if (operations_allowed(j->config->context, &j->outcome))
		start_on_one(j, NULL);
}

static void on_ensured(const struct err *err, void *arg)
{
	struct job *j = arg;
	j->ensure = NULL;
	fail(j, err);
	if (!err->kind)
		start_on_one(j, NULL);
	close_one(j);
}

static void start_raise(struct job *j)
{
	const char *root = j->config->context->platform_root;
	if (!root) {
		err_set(&j->outcome, ERR_USAGE, "context %s has no embedded platform",
			j->config->context->name);
		return;
	}
	j->n_open++;
	j->ensure = ensure_start(j->jobs->loop, root, on_ensured, j);
}

static void forget_rows(struct job *j, const struct config_source *source)
{
	struct message *m = message_new(MESSAGE_RECORDS, j->request->id);
	struct change *items = arena_alloc(&m->arena, (size_t)RECORD_COUNT * 2 * sizeof(*items));
	m->changes = (struct changes){.source = arena_dup(&m->arena, source->name), .items = items};
	for (int kind = 0; kind < RECORD_COUNT; kind++) {
		if (kind != RECORD_SOURCE && !(j->request->kinds & REQUEST_KIND(kind)))
			continue;
		items[m->changes.n++] = (struct change){CHANGE_BEGIN, (enum record_kind)kind, NULL, NULL};
		items[m->changes.n++] = (struct change){CHANGE_SYNC, (enum record_kind)kind, NULL, NULL};
	}
	send(j, m);
}

/* The rows of the sources that were there vanish; the watch goes on with the new ones. */
static void rewatch(struct job *j)
{
	const struct config_context *old = j->config->context;
	for (size_t i = 0; i < j->n_runs; i++) {
		j->n_open -= j->runs[i] != NULL;
		run_free(j->runs[i]);
	}
	j->n_runs = j->n_unsettled = 0;
	for (size_t i = 0; i < old->n_sources; i++)
		forget_rows(j, &old->sources[i]);
	j->config = j->jobs->config;
	start_on_all(j);
}

/* Watches go on with the new sources; what else is under way ends with those it began with. A plan that was
 * made under other rules is not executed any more. */
static void start_reload(struct job *j)
{
	struct jobs *jobs = j->jobs;
	jobs->config = j->request->config;
	operations_free(jobs->operations);
	jobs->operations = operations_new();
	for (struct job *other = jobs->first; other; other = other->next)
		if (other->request->kind == REQUEST_WATCH)
			rewatch(other);
}

static void take_answer(struct jobs *jobs, const struct terminal_answer *answer)
{
	struct job *of = answer->request ? job_of(jobs, answer->request) : NULL;
	if (!answer->request)
		reaches_answer(jobs->world.reaches, answer);
	else if (of && of->n_runs && of->runs[of->n_runs - 1])
		run_answered(of->runs[of->n_runs - 1], answer);
}

static void start_job(struct job *j)
{
	switch (j->request->kind) {
	case REQUEST_WATCH:
		start_watch(j);
		break;
	case REQUEST_AUDIT_VERIFY:
		start_verify(j);
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
	case REQUEST_TERMINAL:
		take_answer(j->jobs, &j->request->terminal);
		break;
	case REQUEST_PLAN:
		name_account(j);
		start_on_one(j, NULL);
		break;
	default:
		start_on_one(j, NULL);
		break;
	}
}

void jobs_start(struct jobs *jobs, struct request *request)
{
	struct job *j = mem_alloc(sizeof(*j));
	*j = (struct job){
		.jobs = jobs, .next = jobs->first, .request = request, .config = jobs->config, .n_open = 1};
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

struct jobs *jobs_new(struct loop *loop, const struct config *config, struct redact *redact,
		      jobs_deliver *deliver, void *arg)
{
	struct jobs *jobs = mem_alloc(sizeof(*jobs));
	*jobs = (struct jobs){
		.loop = loop,
		.config = config,
		.deliver = deliver,
		.arg = arg,
		.operations = operations_new(),
		.redact = redact,
		.journal = journal_path(NULL),
		.world = {.loop = loop,
			  .reaches = reaches_new(loop, redact),
			  .deliver = on_deliver,
			  .arg = jobs},
	};
	world_io(&jobs->world, &jobs->io);
	reaches_lender(jobs->world.reaches, deliver, arg);
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	while (jobs->first)
		give_up(jobs->first, ERR_CANCELLED, "the program ends");
	reaches_free(jobs->world.reaches);
	operations_free(jobs->operations);
	free(jobs->journal);
	free(jobs);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deploys under way: facts are gathered, platform/rollout.h judges, this acts. A rollout is looked at in a
 * turn of its own after anything changed (a build, an instance, the relay's answer, a time), never from
 * inside a callback, so that what a callback set in motion is visible. platform/deploy_record.c writes the
 * journal.
 */
#include "platform/deploy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/daemon.h"
#include "platform/deploy_record.h"
#include "platform/fleet.h"
#include "platform/own.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/routes.h"
#include "platform/state.h"

struct rollout { /* one deploy under way; what must outlive us is in its records */
	struct rollout *next;
	struct deploys *deploys;
	char *id, *service, *environment;
	struct release_job *job;
	struct reactor_timer *timer;
	int64_t step_since, watch_until; /* monotonic */
	bool has_entered;                /* this daemon did the act of the step under way */
};

struct deploys {
	struct daemon *daemon;
	struct rollout *rollouts;
	struct reactor_timer *rest; /* goes on with those that one turn was too short for */
	bool is_due;                /* a turn is deferred */
};

enum {
	RETRY_MS = 1000,
	TURN_MS = 15, /* then others have their turn: each step is commits to the disk */
};

static void rollouts_look(void *arg);

static void look_soon(struct deploys *all)
{
	if (!all->is_due)
		reactor_defer(all->daemon->reactor, rollouts_look, all);
	all->is_due = true;
}

static void timer_fired(void *arg)
{
	struct rollout *ro = arg;
	look_soon(ro->deploys);
}

static void fleet_has_changed(const char *service, const char *environment, void *arg)
{
	(void)service;
	(void)environment;
	look_soon(arg);
}

static void routes_have_changed(void *arg)
{
	look_soon(arg);
}

static const struct deploy *record(const struct rollout *ro)
{
	return state_get(ro->deploys->daemon->state, record_class(RECORD_DEPLOY), ro->id);
}

static const struct own_rollout *journal(const struct rollout *ro)
{
	return state_get(ro->deploys->daemon->state, own_class(OWN_ROLLOUT), ro->id);
}

static struct rollout *rollout_new(struct deploys *all, const struct deploy *d)
{
	struct rollout *ro = mem_alloc(sizeof(*ro));
	ro->deploys = all;
	ro->id = mem_dup(d->id);
	ro->service = mem_dup(d->service);
	ro->environment = mem_dup(d->environment);
	ro->timer = reactor_timer_add(all->daemon->reactor, -1, 0, timer_fired, ro);
	ro->step_since = clock_mono_ms();
	ro->next = all->rollouts;
	all->rollouts = ro;
	look_soon(all);
	return ro;
}

static void rollout_free(struct rollout *ro)
{
	release_job_cancel(ro->job);
	reactor_timer_remove(ro->timer);
	free(ro->id);
	free(ro->service);
	free(ro->environment);
	free(ro);
}

static void rollout_drop(struct rollout *ro)
{
	struct rollout **at = &ro->deploys->rollouts;
	while (*at != ro)
		at = &(*at)->next;
	*at = ro->next;
	rollout_free(ro);
}

struct deploys *deploys_new(struct daemon *d, struct err *err)
{
	struct deploys *all = mem_alloc(sizeof(*all));
	all->daemon = d;
	all->rest = reactor_timer_add(d->reactor, -1, 0, rollouts_look, all);
	if (fleet_on_change(d->fleet, fleet_has_changed, all) &&
	    routes_on_change(d->routes, routes_have_changed, all))
		return all;
	reactor_timer_remove(all->rest);
	free(all);
	err_set(err, ERR_FAILED, "too many listen to the fleet");
	return NULL;
}

void deploys_free(struct deploys *all)
{
	if (!all)
		return;
	reactor_defer_cancel(all->daemon->reactor, all);
	while (all->rollouts)
		rollout_drop(all->rollouts);
	reactor_timer_remove(all->rest);
	free(all);
}

bool deploys_resume(struct deploys *all, struct err *err)
{
	const struct deploy *d;
	(void)err;
	for (size_t i = 0; (d = state_next(all->daemon->state, record_class(RECORD_DEPLOY), &i));) {
		if (d->state != DEPLOY_RUNNING)
			continue;
		struct rollout *ro = rollout_new(all, d);
		/* The time that is left is told by the wall; a clock that jumped cannot make it longer than
		 * it was. */
		const struct own_rollout *j = journal(ro);
		int64_t left = d->watch_until - clock_wall_ms(),
			most = j && j->watch_ms > 0 ? j->watch_ms : 0;
		ro->watch_until = ro->step_since + (left < 0 ? 0 : left > most ? most : left);
	}
	return true;
}

/* ---- facts ---- */

static int draining(const struct rollout *ro, int64_t release)
{
	const struct daemon *d = ro->deploys->daemon;
	uint16_t ports[ROUTE_BACKENDS_MAX];
	size_t n = fleet_ports(d->fleet, ro->service, ro->environment, release, ports, ROUTE_BACKENDS_MAX);
	return routes_draining(d->routes, ports, n);
}

/* f->reason points into counts: the new release's and the old one's. */
static void facts_gather(const struct rollout *ro, const struct deploy *d, enum rollout_step step,
			 struct rollout_facts *f, struct fleet_count counts[2])
{
	const struct daemon *daemon = ro->deploys->daemon;
	const struct own_rollout *j = journal(ro);
	const struct own_target *t = fleet_target(daemon->fleet, ro->service, ro->environment);
	int64_t now = clock_mono_ms();
	struct fleet_count *fresh = &counts[0], *old = &counts[1];
	*f = (struct rollout_facts){.has_release = d->release != RECORD_NONE};
	*fresh = *old = (struct fleet_count){0};
	if (f->has_release)
		fleet_count(daemon->fleet, ro->service, ro->environment, d->release, fresh);
	f->has_old = j && j->from_release != RECORD_NONE && j->from_release != d->release;
	if (f->has_old)
		fleet_count(daemon->fleet, ro->service, ro->environment, j->from_release, old);
	const struct release *release = release_get(daemon->releases, ro->service, d->release);
	f->count = j && j->count != RECORD_NONE ? (int)j->count : 1;
	f->ready = fresh->ready;
	f->failing = fresh->failing;
	f->reason = step == ROLLOUT_BACK ? old->reason : fresh->reason;
	f->old_alive = old->alive;
	f->old_ready = old->ready;
	f->has_route = t && t->port;
	f->is_in_force = routes_is_in_force(daemon->routes);
	f->draining = step == ROLLOUT_BACK ? draining(ro, d->release)
		      : f->has_old         ? draining(ro, j->from_release)
					   : 0;
	f->in_step_ms = now - ro->step_since;
	f->watch_left_ms = ro->watch_until - now;
	f->migrations = release ? release->migrations : 0;
}

/* ---- the acts, one a step, each as often as it pleases ---- */

static void built(const struct release *release, const struct err *err, void *arg)
{
	struct rollout *ro = arg;
	struct daemon *daemon = ro->deploys->daemon;
	const struct own_rollout *j = journal(ro);
	struct err failure = {0};
	ro->job = NULL;
	if (!release)
		failure = *err;
	else if (release->is_bad && !(j && j->despite_bad))
		err_set(&failure, ERR_REFUSED, "%s %s is marked bad (%s): deploy it with --despite-bad",
			release->service, release->version, release->bad_reason);
	else
		deploy_record_release(daemon, ro->id, release, &failure);
	if (failure.kind != ERR_NONE)
		deploy_record_fail(daemon, ro->id, ROLLOUT_BUILD, &failure);
	look_soon(ro->deploys);
}

static bool build_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	const struct own_rollout *j = journal(ro);
	char log[64];
	if (d->release != RECORD_NONE || ro->job)
		return true;
	if (!j)
		return err_set(err, ERR_FAILED, "its journal is lost");
	snprintf(log, sizeof(log), "%s.log", d->id);
	struct release_wish wish = {.service = d->service,
				    .environment = d->environment,
				    .folder = j->folder,
				    .version = j->version,
				    .by = d->by,
				    .log = log};
	ro->job = release_want(ro->deploys->daemon->releases, &wish, built, ro, err);
	return ro->job;
}

static bool start_record(struct rollout *ro, int64_t count, int64_t watch, struct err *err)
{
	struct daemon *daemon = ro->deploys->daemon;
	if (!state_begin(daemon->state, err))
		return false;
	if (deploy_record_plan(daemon, ro->id, count, watch, err) &&
	    fleet_rollout(daemon->fleet, ro->service, ro->environment, record(ro)->release, (int)count, err))
		return state_commit(daemon->state, err);
	state_abort(daemon->state);
	return false;
}

static bool start_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	struct daemon *daemon = ro->deploys->daemon;
	const struct own_rollout *j = journal(ro);
	const struct own_target *t = fleet_target(daemon->fleet, d->service, d->environment);
	struct service_file file;
	if (!j || !release_file(daemon->releases, d->service, d->release, &file, err))
		return j ? false : err_set(err, ERR_FAILED, "its journal is lost");
	int64_t count = t && t->is_scaled ? t->desired : service_file_replicas(&file, d->environment);
	int64_t watch = j->watch_ms != RECORD_NONE ? j->watch_ms : service_file_watch(&file, d->environment);
	bool is_good =
		service_file_can_run(&file, err) &&
		release_is_approved(daemon, &file, d->environment, str_empty(j->folder) ? "" : j->folder,
				    err) &&
		start_record(ro, count, watch, err) &&
		fleet_want(daemon->fleet, ro->service, ro->environment, record(ro)->release, (int)count, err);
	service_file_finish(&file);
	return is_good;
}

/* A daemon that comes back asks for the same instances again. */
static bool healthy_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	const struct own_rollout *j = journal(ro);
	return fleet_want(ro->deploys->daemon->fleet, ro->service, ro->environment, d->release,
			  j ? (int)j->count : 1, err);
}

static bool cut_over_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	struct daemon *daemon = ro->deploys->daemon;
	const struct own_rollout *j = journal(ro);
	if (!fleet_serve(daemon->fleet, ro->service, ro->environment, d->release, j ? (int)j->count : 1,
			 d->by, err))
		return false;
	release_refresh_current(daemon->releases, ro->service);
	return true;
}

static bool watch_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	const struct own_rollout *j = journal(ro);
	int64_t ms = j && j->watch_ms != RECORD_NONE ? j->watch_ms : SERVICE_WATCH_MS;
	if (d->watch_until) /* taken up again: deploys_resume() said how long */
		return true;
	ro->watch_until = clock_mono_ms() + ms;
	return deploy_record_watch(ro->deploys->daemon, ro->id, ms, err);
}

static bool back_act(struct rollout *ro, const struct deploy *d, struct err *err)
{
	struct fleet *fleet = ro->deploys->daemon->fleet;
	const struct own_rollout *j = journal(ro);
	const struct own_target *t = fleet_target(fleet, d->service, d->environment);
	struct fleet_count old;
	if (!j || !fleet_want(fleet, ro->service, ro->environment, j->from_release, (int)j->count, err))
		return false;
	fleet_count(fleet, ro->service, ro->environment, j->from_release, &old);
	if (old.ready < j->count || (t && t->release == j->from_release))
		return true;
	if (!fleet_serve(fleet, ro->service, ro->environment, j->from_release, (int)j->count, "platform",
			 err))
		return false;
	release_refresh_current(ro->deploys->daemon->releases, ro->service);
	look_soon(ro->deploys); /* the relay's table changes at the end of this turn */
	return true;
}

static const struct {
	bool (*act)(struct rollout *, const struct deploy *, struct err *);
	bool is_repeated; /* at every look, not only on entering */
	bool is_settling; /* what it changed is visible in the next turn only */
} acts[ROLLOUT_STEPS] = {
	[ROLLOUT_BUILD] = {build_act, false, false},     [ROLLOUT_START] = {start_act, false, false},
	[ROLLOUT_HEALTHY] = {healthy_act, false, false}, [ROLLOUT_CUT_OVER] = {cut_over_act, false, true},
	[ROLLOUT_WATCH] = {watch_act, false, false},     [ROLLOUT_BACK] = {back_act, true, false},
};

/* ---- the end of a step ---- */

static int64_t left_release(const struct rollout *ro, const struct deploy *d, enum rollout_step step)
{
	const struct own_rollout *j = journal(ro);
	return step == ROLLOUT_BACK ? d->release : j ? j->from_release : RECORD_NONE;
}

/* The journal could not be written (a full disk): what was decided is decided again, a little later. */
static bool try_later(struct rollout *ro)
{
	reactor_timer_set(ro->timer, RETRY_MS);
	return false;
}

static bool step_enter_next(struct rollout *ro)
{
	ro->step_since = clock_mono_ms();
	ro->has_entered = false;
	return true;
}

/* The new instances never served, or nothing can be brought back: the end. */
static bool step_gives_up(struct rollout *ro, enum rollout_step step, const struct rollout_facts *f,
			  const struct err *why, const char *stays)
{
	struct daemon *daemon = ro->deploys->daemon;
	const struct deploy *d = record(ro);
	const struct own_rollout *j = journal(ro);
	struct err failure = *why;
	bool is_unused = f->has_release && step < ROLLOUT_CUT_OVER && !(j && j->from_release == d->release);
	if (is_unused)
		fleet_end(daemon->fleet, ro->service, ro->environment, d->release, NULL);
	fleet_rollout(daemon->fleet, ro->service, ro->environment, RECORD_NONE, 0, NULL);
	if (stays)
		err_set(&failure, why->kind, "%s; %s", why->text, stays);
	else if (step < ROLLOUT_CUT_OVER && d->from)
		err_set(&failure, why->kind, "%s; %s goes on serving", why->text, d->from);
	return deploy_record_fail(daemon, ro->id, step, &failure) || try_later(ro);
}

static bool step_failed(struct rollout *ro, enum rollout_step step, const struct rollout_facts *f,
			const struct err *why)
{
	struct daemon *daemon = ro->deploys->daemon;
	const char *stays;
	bool goes_back = rollout_goes_back(step, f, &stays);
	if (f->has_release && f->failing && step != ROLLOUT_BUILD && step != ROLLOUT_BACK)
		release_mark_bad(daemon->releases, ro->service, record(ro)->release, why->text, NULL);
	if (!goes_back)
		return step_gives_up(ro, step, f, why, stays);
	return deploy_record_back(daemon, ro->id, step, why->text) ? step_enter_next(ro) : try_later(ro);
}

static bool finish(struct rollout *ro, enum rollout_step last)
{
	struct daemon *daemon = ro->deploys->daemon;
	const struct deploy *d = record(ro);
	const struct own_rollout *j = journal(ro);
	bool is_back = last == ROLLOUT_BACK;
	fleet_rollout(daemon->fleet, ro->service, ro->environment, RECORD_NONE, 0, NULL);
	if (!is_back && str_eq(d->kind, "rollback") && j && j->from_release != RECORD_NONE &&
	    j->from_release != d->release)
		release_mark_bad(daemon->releases, ro->service, j->from_release,
				 str_empty(d->reason) ? "rolled back" : d->reason, NULL);
	return deploy_record_end(daemon, ro->id, last, is_back ? DEPLOY_ROLLED_BACK : DEPLOY_SUCCEEDED,
				 NULL) ||
	       try_later(ro);
}

/* Does what the step under way does, on entering it or at every look. false: it failed, or settles until the
 * next turn; *is_failed tells which. */
static bool step_act(struct rollout *ro, enum rollout_step step, bool *is_failed, struct err *err)
{
	bool is_first = !ro->has_entered;
	*is_failed = false;
	if (!is_first && !acts[step].is_repeated)
		return true;
	ro->has_entered = true;
	*is_failed = !deploy_record_begin(ro->deploys->daemon, ro->id, step, err) ||
		     (acts[step].act && !acts[step].act(ro, record(ro), err));
	if (*is_failed)
		return false;
	if (is_first && acts[step].is_settling) {
		look_soon(ro->deploys);
		return false;
	}
	return true;
}

/* Goes one step as far as it can now. false: it is over, or must be looked at later. */
static bool rollout_look(struct rollout *ro)
{
	const struct deploy *d = record(ro);
	struct daemon *daemon = ro->deploys->daemon;
	struct rollout_facts facts;
	struct fleet_count counts[2];
	struct rollout_answer answer;
	struct err err;
	bool is_failed;
	if (!d || d->state != DEPLOY_RUNNING)
		return false;
	enum rollout_step step = deploy_record_step(d);
	bool goes_on = step_act(ro, step, &is_failed, &err);
	facts_gather(ro, record(ro), step, &facts, counts);
	if (!goes_on)
		return is_failed && step_failed(ro, step, &facts, &err);
	rollout_judge(step, &facts, &answer);
	if (answer.ends_old)
		fleet_end(daemon->fleet, ro->service, ro->environment, left_release(ro, record(ro), step),
			  NULL);
	switch (answer.verdict) {
	case ROLLOUT_FAIL:
		err_set(&err, ERR_FAILED, "%s", answer.reason);
		return step_failed(ro, step, &facts, &err);
	case ROLLOUT_WAIT:
		reactor_timer_set(ro->timer, answer.wait_ms);
		return false;
	case ROLLOUT_NEXT:
		break;
	}
	if (step >= ROLLOUT_WATCH)
		return finish(ro, step);
	return deploy_record_done(daemon, ro->id, step) ? step_enter_next(ro) : try_later(ro);
}

static void rollouts_look(void *arg)
{
	struct deploys *all = arg;
	int64_t until = clock_mono_ms() + TURN_MS;
	all->is_due = false;
	for (struct rollout *ro = all->rollouts, *next; ro; ro = next) {
		const struct deploy *d;
		bool goes_on;
		do
			goes_on = rollout_look(ro);
		while (goes_on && clock_mono_ms() < until);
		next = ro->next;
		d = record(ro);
		if (!d || d->state != DEPLOY_RUNNING)
			rollout_drop(ro);
		if (goes_on || (next && clock_mono_ms() >= until)) {
			reactor_timer_set(all->rest, 0);
			return;
		}
	}
}

/* ---- what is asked of us ---- */

static struct rollout *rollout_at(const struct deploys *all, const char *service, const char *environment)
{
	for (struct rollout *ro = all->rollouts; ro; ro = ro->next) {
		const struct deploy *d = record(ro);
		if (d && d->state == DEPLOY_RUNNING && str_eq(ro->service, service) &&
		    str_eq(ro->environment, environment))
			return ro;
	}
	return NULL;
}

const struct deploy *deploy_under_way(const struct deploys *all, const char *service, const char *environment)
{
	const struct rollout *ro = rollout_at(all, service, environment);
	return ro ? record(ro) : NULL;
}

/* A rollback while the new one is being watched takes that deploy's place. */
static bool give_way(struct rollout *ro, const struct deploy_wish *w, struct err *err)
{
	struct daemon *daemon = ro->deploys->daemon;
	const struct deploy *d = record(ro);
	char text[160];
	if (!str_eq(w->kind, "rollback") || deploy_record_step(d) != ROLLOUT_WATCH)
		return err_set(err, ERR_REFUSED,
			       "%s in %s: deploy %s is under way (%s): wait for it, or cancel it", w->service,
			       w->environment, d->id, rollout_step_names[deploy_record_step(d)]);
	snprintf(text, sizeof(text), "rolled back by %s", w->by);
	fleet_rollout(daemon->fleet, ro->service, ro->environment, RECORD_NONE, 0, NULL);
	if (!deploy_record_end(daemon, ro->id, ROLLOUT_WATCH, DEPLOY_ROLLED_BACK, text))
		return err_set(err, ERR_FAILED, "deploy %s could not be ended in the journal", ro->id);
	rollout_drop(ro);
	return true;
}

static bool release_check(const struct deploys *all, const struct deploy_wish *w,
			  const struct release **release, struct err *err)
{
	*release = NULL;
	if (w->release == RECORD_NONE)
		return true;
	*release = release_get(all->daemon->releases, w->service, w->release);
	if (!*release)
		return err_set(err, ERR_NOT_FOUND, "%s has no release %lld", w->service,
			       (long long)w->release);
	if ((*release)->is_bad && !w->despite_bad)
		return err_set(err, ERR_REFUSED, "%s %s is marked bad (%s): use --despite-bad", w->service,
			       (*release)->version, (*release)->bad_reason);
	return true;
}

const struct deploy *deploy_begin(struct deploys *all, const struct deploy_wish *w, struct err *err)
{
	struct daemon *daemon = all->daemon;
	const struct release *release;
	const struct service *service = state_get(daemon->state, record_class(RECORD_SERVICE), w->service);
	struct rollout *other = rollout_at(all, w->service, w->environment);
	if (!service) {
		err_set(err, ERR_NOT_FOUND,
			"the platform knows no service %s: `fairway up DIR` brings one in", w->service);
		return NULL;
	}
	if (!release_check(all, w, &release, err) || (other && !give_way(other, w, err)))
		return NULL;
	const struct own_target *t = fleet_target(daemon->fleet, w->service, w->environment);
	const struct deploy *d =
		deploy_record_new(daemon, w, release, t ? t->release : RECORD_NONE, service->folder, err);
	if (d)
		rollout_new(all, d);
	return d;
}

bool deploy_cancel(struct deploys *all, const char *service, const char *environment, const char *by,
		   struct err *err)
{
	struct rollout *ro = rollout_at(all, service, environment);
	struct fleet *fleet = all->daemon->fleet;
	char text[160];
	if (!ro)
		return err_set(err, ERR_NOT_FOUND, "no deploy of %s in %s is under way", service,
			       environment);
	const struct deploy *d = record(ro);
	const struct own_rollout *j = journal(ro);
	enum rollout_step step = deploy_record_step(d);
	if (step >= ROLLOUT_CUT_OVER)
		return err_set(err, ERR_REFUSED, "%s %s serves in %s already: roll it back instead", service,
			       d->to, environment);
	snprintf(text, sizeof(text), "cancelled by %s", by);
	if (d->release != RECORD_NONE && (!j || d->release != j->from_release))
		fleet_end(fleet, service, environment, d->release, NULL);
	fleet_rollout(fleet, service, environment, RECORD_NONE, 0, NULL);
	if (!deploy_record_end(all->daemon, ro->id, step, DEPLOY_CANCELLED, text))
		return err_set(err, ERR_FAILED, "the journal cannot be written");
	rollout_drop(ro);
	return true;
}

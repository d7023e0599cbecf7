/* SPDX-License-Identifier: Apache-2.0 */
/* Releases and deploys: a ReplicaSet or a ControllerRevision is a revision of its workload, and the revision before it
 * was what it came from. */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/records.h"

static bool is_revision(const struct kube_thing *t)
{
	return t->is_told && (t->what == KUBE_REPLICASET || t->what == KUBE_REVISION) && t->revision > 0;
}

static struct kube_thing *before(const struct kube_thing *w, int64_t revision)
{
	struct kube_thing *best = NULL;
	for (struct kube_thing *c = w->children; c; c = c->next)
		if (is_revision(c) && c->revision < revision && (!best || c->revision > best->revision))
			best = c;
	return best;
}

const struct kube_thing *kube_revision_before(const struct kube_thing *w, int64_t revision)
{
	return before(w, revision);
}

const struct kube_thing *kube_newest(const struct kube_thing *w)
{
	return kube_revision_before(w, INT64_MAX);
}

static void put(struct kube_fleet *f, struct run *r, const void *record, uint64_t *told)
{
	const struct record_class *class = record_class(((const struct record *)record)->kind);
	uint64_t digest = kube_fleet_tells(f, class->kind) ? kube_digest(class, record) : *told;
	if (digest == *told)
		return;
	*told = digest;
	run_put(r, record);
}

/* --- keys --- */

static const char *release_key(struct run *r, const struct kube_group *g, int64_t number)
{
	return arena_printf(run_arena(r), "%s/%lld", g->told_as, (long long)number);
}

static const char *deploy_id(struct run *r, const struct kube_thing *workload, int64_t number)
{
	return arena_printf(run_arena(r), "%s/%s/%lld", workload->namespace, workload->name,
			    (long long)number);
}

static const struct kube_thing *workload_of(const struct kube_thing *t)
{
	return t->parent ? t->parent : t;
}

static void forget_release(struct run *r, const struct kube_group *g, struct kube_thing *t)
{
	if (t->release_digest)
		run_delete(r, RECORD_RELEASE, release_key(r, g, t->told_release));
	t->release_digest = 0;
	t->told_release = RECORD_NONE;
}

static void forget_deploy(struct run *r, struct kube_thing *t)
{
	if (t->deploy_digest)
		run_delete(r, RECORD_DEPLOY, deploy_id(r, workload_of(t), t->told_deploy));
	t->deploy_digest = 0;
	t->told_deploy = RECORD_NONE;
}

void kube_revision_gone(struct run *r, const struct kube_group *g, struct kube_thing *t)
{
	forget_release(r, g, t);
	forget_deploy(r, t);
}

/* --- who and why --- */

static void read_cause(struct run *r, const char *text, const char **by, const char **reason)
{
	struct kube_cause cause;
	if (!text)
		return;
	if (kube_cause_read(text, run_arena(r), &cause)) {
		*by = cause.by;
		*reason = cause.reason;
	} else {
		*reason = text; /* in another program's words */
	}
}

/* A ControllerRevision counts no pods: its workload counts those of the newest, and all. */
static bool is_current(const struct kube_thing *w, const struct kube_thing *set, const struct kube_thing *newest)
{
	if (set->what == KUBE_REPLICASET)
		return set->ready > 0;
	return set == newest ? w->updated > 0
			     : w->updated < w->total && set == kube_revision_before(w, newest->revision);
}

/* Why the newest ControllerRevision came: one that is gone back to keeps the words of its first time. */
static const char *cause_of(const struct kube_thing *w, const struct kube_thing *set, const struct kube_thing *newest)
{
	return set == newest && set->what == KUBE_REVISION ? w->cause : set->cause;
}

static void tell_release(struct kube_fleet *f, struct run *r, const struct kube_group *g, const struct kube_thing *w,
			 struct kube_thing *set, const struct kube_thing *newest)
{
	struct release release;
	const char *reason = NULL;
	record_init(record_class(RECORD_RELEASE), &release);
	release.service = g->shown;
	release.number = set->revision;
	release.version = set->version;
	release.created_at = set->created_at;
	read_cause(r, cause_of(w, set, newest), &release.by, &reason);
	if (is_current(w, set, newest))
		release.current_in = (struct texts){&f->environment, 1};
	if (set->told_release != set->revision)
		forget_release(r, g, set);
	put(f, r, &release, &set->release_digest);
	set->told_release = set->release_digest ? set->revision : RECORD_NONE;
}

/* --- deploys --- */

static int64_t youngest_before(const struct kube_thing *w, int64_t revision)
{
	int64_t at = 0;
	for (const struct kube_thing *c = w->children; c; c = c->next)
		if (is_revision(c) && c->revision < revision && c->created_at > at)
			at = c->created_at;
	return at;
}

/* Of the newest one its workload tells, until it is well: what rolls later is no part of it. */
static void date_newest(const struct kube_thing *w, struct kube_thing *c)
{
	bool is_of_it = w->revision == RECORD_NONE || w->revision == c->revision;
	if (c->began_of == c->revision && c->is_settled)
		return;
	c->began_at = w->rolled ? w->rolls_since : w->since;
	c->is_guessed = false;
	c->is_settled = w->rollout == KUBE_STEADY && is_of_it;
}

/* When each began. One that is older than what it replaced was gone back to: when, is known of one that was the newest
 * when it was seen. The others are put between their neighbours, so that a list by time is one by number. */
static void date_revisions(const struct kube_thing *w)
{
	int64_t later = INT64_MAX;
	for (struct kube_thing *c = before(w, INT64_MAX); c; c = before(w, c->revision)) {
		int64_t youngest = youngest_before(w, c->revision);
		c->is_back = c->has_older || c->created_at < youngest;
		if (youngest < c->created_at)
			youngest = c->created_at;
		if (!c->is_back) {
			c->began_at = c->created_at;
			c->is_guessed = false;
		} else if (later == INT64_MAX) {
			date_newest(w, c);
		} else if (c->began_of != c->revision) {
			c->began_at = 0;
		}
		c->began_of = c->revision;
		if (c->is_back && c->began_at == youngest) /* times of a cluster are whole seconds */
			c->began_at++;
		if (c->is_back && (c->began_at <= youngest || c->began_at >= later)) {
			c->began_at = later < INT64_MAX ? later - 1 : youngest + 1000;
			c->is_guessed = true;
		}
		later = c->began_at;
	}
}

static int state_of(const struct kube_thing *w)
{
	switch (w->rollout) {
	case KUBE_STEADY:
		return DEPLOY_SUCCEEDED;
	case KUBE_STUCK:
		return DEPLOY_FAILED;
	default:
		return DEPLOY_RUNNING;
	}
}

static int trigger_of(const struct kube_thing *w, const char *by)
{
	const char *owner = w->about ? w->about->owner : NULL;
	if (by)
		return TRIGGER_PERSON;
	return owner && (str_starts(owner, "Argo CD") || str_starts(owner, "Flux")) ? TRIGGER_GIT
										    : TRIGGER_AUTOMATIC;
}

/* How it stands now: a step that runs or failed, with the sentence of the worst pod. */
static void tell_state(struct run *r, const struct kube_group *g, const struct kube_thing *w,
		       struct deploy *d)
{
	const struct kube_side *worst = kube_worst_side(g);
	const char *said = worst ? kube_side_reason(worst, run_arena(r)) : NULL;
	struct step *step = arena_alloc(run_arena(r), sizeof(*step));
	d->state = state_of(w);
	if (d->state == DEPLOY_SUCCEEDED) {
		d->ended_at = w->since;
		return;
	}
	if (d->state == DEPLOY_FAILED) {
		d->ended_at = w->since;
		d->detail = said && !w->is_refused ? said : w->reason;
	}
	*step = (struct step){.name = w->rollout == KUBE_PAUSED ? "paused" : "rollout",
			      .state = d->state == DEPLOY_FAILED ? STEP_FAILED : STEP_RUNNING,
			      .started_at = d->started_at,
			      .detail = d->detail ? d->detail : w->reason};
	d->steps = (struct parts){step, 1};
}

static void begin_deploy(struct kube_fleet *f, struct run *r, const struct kube_group *g,
			 const struct kube_thing *w, const char *cause, struct deploy *d)
{
	record_init(record_class(RECORD_DEPLOY), d);
	d->service = g->shown;
	d->environment = f->environment;
	read_cause(r, cause, &d->by, &d->reason);
	d->trigger = trigger_of(w, d->by);
	d->kind = "deploy";
}

static const struct kube_thing *revision_of(const struct kube_thing *w, int64_t revision)
{
	const struct kube_thing *c = w->children;
	while (c && !(is_revision(c) && c->revision == revision))
		c = c->next;
	return c;
}

/* One that was replaced: what came of it when it was seen, or that the one after it came of its being cancelled, which
 * only a rollout under way can be. */
static void tell_outcome(struct run *r, const struct kube_thing *w, const struct kube_thing *set,
			 const struct kube_thing *newest, struct deploy *d)
{
	const struct kube_thing *next = revision_of(w, set->revision + 1);
	struct kube_cause cause;
	bool is_seen = set->outcome != DEPLOY_RUNNING && set->outcome != DEPLOY_UNKNOWN;
	d->ended_at = set->ended_at;
	if (set->outcome != DEPLOY_SUCCEEDED && next && kube_cause_read(cause_of(w, next, newest), run_arena(r), &cause) &&
	    str_eq(cause.action, "cancel")) {
		d->state = DEPLOY_CANCELLED;
		d->ended_at = next->is_guessed ? 0 : next->began_at;
		d->detail = arena_printf(run_arena(r), "cancelled by %s%s%s", cause.by, cause.reason ? ": " : "",
					 cause.reason ? cause.reason : "");
	} else if (is_seen) {
		d->state = set->outcome;
	} else {
		d->state = DEPLOY_UNKNOWN;
		d->detail = arena_printf(run_arena(r), "replaced by a later one; a cluster does not tell how it ended%s",
					 set->is_guessed ? ", nor when it began: before this" : "");
	}
}

static void tell_deploy(struct kube_fleet *f, struct run *r, const struct kube_group *g,
			const struct kube_thing *w, struct kube_thing *set, const struct kube_thing *newest)
{
	const struct kube_thing *before = kube_revision_before(w, set->revision);
	bool is_newest = set == newest;
	struct deploy d;
	begin_deploy(f, r, g, w, cause_of(w, set, newest), &d);
	d.id = deploy_id(r, w, set->revision);
	d.release = set->revision;
	d.from = before ? before->version : NULL;
	d.to = set->version;
	d.started_at = set->began_at;
	if (set->is_back) {
		d.kind = "rollback";
	} else if (before && str_eq(before->version, set->version) &&
		   set->restarted_at != before->restarted_at) {
		d.kind = "restart";
	}
	if (is_newest) {
		tell_state(r, g, w, &d);
		set->outcome = (uint8_t)d.state;
		set->ended_at = d.ended_at;
		if (set->is_guessed && !d.detail)
			d.detail = "a cluster does not tell when it began: some time after this";
	} else {
		tell_outcome(r, w, set, newest, &d);
	}
	if (set->told_deploy != set->revision)
		forget_deploy(r, set);
	put(f, r, &d, &set->deploy_digest);
	set->told_deploy = set->deploy_digest ? set->revision : RECORD_NONE;
}

/* A StatefulSet or a DaemonSet whose revisions may not be read: the change that was seen is told. */
static void tell_change(struct kube_fleet *f, struct run *r, const struct kube_group *g, struct kube_thing *w)
{
	struct deploy d;
	if (!w->rolled || kube_newest(w) || (w->what != KUBE_STATEFULSET && w->what != KUBE_DAEMONSET))
		return;
	begin_deploy(f, r, g, w, w->cause, &d);
	d.id = deploy_id(r, w, w->rolled);
	d.from = w->rolled_from;
	d.to = w->version;
	d.started_at = w->rolls_since;
	tell_state(r, g, w, &d);
	if (w->told_deploy != w->rolled)
		forget_deploy(r, w);
	put(f, r, &d, &w->deploy_digest);
	w->told_deploy = w->deploy_digest ? w->rolled : RECORD_NONE;
}

void kube_records_revisions(struct kube_fleet *f, struct run *r, struct kube_group *g,
			    const struct kube_thing *main)
{
	if (!kube_fleet_tells(f, RECORD_RELEASE) && !kube_fleet_tells(f, RECORD_DEPLOY))
		return;
	for (struct kube_thing *w = g->things; w; w = w->next) {
		const struct kube_thing *newest = kube_newest(w);
		date_revisions(w);
		tell_change(f, r, g, w);
		for (struct kube_thing *c = w->children; c; c = c->next) {
			if (!is_revision(c))
				continue;
			if (w == main)
				tell_release(f, r, g, w, c, newest);
			tell_deploy(f, r, g, w, c, newest);
		}
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/alerts.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/mark.h"
#include "backend/providers/kubernetes/records.h"

#define SHOWN_MS ((int64_t)15 * 60 * 1000) /* a resolved one */
#define CRITICAL_MS ((int64_t)60000)
#define LOOP_MS ((int64_t)600000)
#define AGAIN_MS ((int64_t)30 * 60 * 1000) /* "3rd in 30m" */

static const struct {
	const char *id, *name;
	int64_t after_ms; /* its cause stands so long before it fires */
	int64_t hold_ms;  /* it goes on so long after its cause is gone */
	enum kube_bad bad;
	bool is_of_pod; /* a rollout that failed explains it */
} kinds[KUBE_ALERT_KINDS] = {
	/* A container that crashes runs for a while in between. */
	[KUBE_ALERT_CRASH] = {"crash-loop", "CrashLoop", 0, 60000, KUBE_CRASHES, true},
	[KUBE_ALERT_OOM] = {"oom-killed", "OOMKilled", 0, 60000, KUBE_OOM, true},
	[KUBE_ALERT_IMAGE] = {"image-pull", "ImagePullFailed", 5000, 30000, KUBE_NO_IMAGE, true},
	[KUBE_ALERT_CONFIG] = {"container-config", "ContainerNotCreated", 5000, 30000, KUBE_NO_CONFIG, true},
	/* A node may be on its way, and readiness takes its time in each rollout. */
	[KUBE_ALERT_NODE] = {"pending", "NoNodeFits", 60000, 10000, KUBE_NO_NODE, true},
	[KUBE_ALERT_PROBE] = {"probe", "ProbeFailing", 60000, 30000, KUBE_PROBE_FAILS, true},
	[KUBE_ALERT_REFUSED] = {"refused", "InstancesRefused", 5000, 30000, KUBE_WELL, false},
	[KUBE_ALERT_ROLLOUT] = {"rollout", "RolloutFailed", 0, 10000, KUBE_WELL, false},
	[KUBE_ALERT_JOB] = {"job", "JobFailed", 0, 0, KUBE_WELL, false},
};

struct cause { /* why one of a kind stands */
	bool is_there;
	int64_t since, until; /* until 0: as long as it is told */
	int64_t resumed_at;   /* it is not there, as a container that loops runs in between, since then; 0 */
	int64_t ran_ms;       /* so long ran the container that ran longest before it ended; and its pod */
	struct kube_uid pod;
	const char *summary, *instance;
};

/* --- causes --- */

static const struct kube_side *find_bad(const struct kube_group *g, enum kube_bad bad, int64_t now,
					struct cause *c, size_t *n)
{
	const struct kube_side *first = NULL;
	for (const struct kube_side *s = g->sides; s; s = s->next) {
		if (s->row->bad != bad || !s->record || (s->until && s->until <= now))
			continue;
		++*n;
		if (!first || strcmp(s->record->id, first->record->id) < 0)
			first = s;
		int64_t since = kube_side_since(s);
		if (since && (!c->since || since < c->since))
			c->since = since;
		if (s->ran_ms >= c->ran_ms) {
			c->ran_ms = s->ran_ms;
			c->pod = s->row->node.uid;
		}
		if (s->until && (!c->until || s->until < c->until))
			c->until = s->until;
	}
	return first;
}

static void pod_cause(struct run *r, const struct kube_group *g, enum kube_bad bad, struct cause *c)
{
	size_t n = 0;
	const struct kube_side *s = find_bad(g, bad, run_now(r), c, &n);
	if (!s)
		return;
	const char *reason = kube_side_reason(s, run_arena(r));
	if (!reason)
		reason = bad == KUBE_OOM ? "OOMKilled, and started again" : "not well";
	c->is_there = true;
	c->instance = s->record->id;
	c->summary = n == 1 ? reason : arena_printf(run_arena(r), "%zu instances: %s", n, reason);
}

/* So long it must run before its loop is over: twice as long as it ran before it crashed. */
static int64_t pause_of(int64_t ran_ms)
{
	int64_t hold = kinds[KUBE_ALERT_CRASH].hold_ms;
	return ran_ms < LOOP_MS && 2 * ran_ms > hold ? 2 * ran_ms : hold;
}

/* The one whose loop is over last. */
static void loop_cause(struct run *r, const struct kube_group *g, struct cause *c)
{
	int64_t over_at = run_now(r);
	for (const struct kube_side *s = g->sides; s && !c->is_there; s = s->next) {
		int64_t at = s->resumed_at + pause_of(s->ran_ms);
		if (!s->resumed_at || at <= over_at || !s->record)
			continue;
		over_at = at;
		*c = (struct cause){.since = kube_side_looped(s),
				    .resumed_at = s->resumed_at,
				    .ran_ms = s->ran_ms,
				    .pod = s->row->node.uid,
				    .instance = s->record->id};
		c->summary = arena_printf(run_arena(r), "crash loop: %lld restarts, %s, and runs again",
					  (long long)s->record->restarts, s->record->exit);
	}
}

static void thing_cause(struct run *r, const struct kube_group *g, bool is_refused, struct cause *c)
{
	const struct kube_side *worst = kube_worst_side(g);
	const char *said = worst ? kube_side_reason(worst, run_arena(r)) : NULL;
	for (const struct kube_thing *t = g->things; t && !c->is_there; t = t->next) {
		if (!kube_thing_serves(t) || t->rollout != KUBE_STUCK || t->is_refused != is_refused)
			continue;
		c->is_there = true;
		c->since = t->since;
		c->summary = is_refused ? t->reason
					: arena_printf(run_arena(r), "the rollout of %s is stuck: %s",
						       t->version ? t->version : "a change",
						       said ? said : t->reason);
	}
}

static void job_cause(struct run *r, const struct kube_group *g, struct cause *c)
{
	for (const struct kube_thing *t = g->things; t && !c->is_there; t = t->next) {
		const struct kube_thing *job = kube_thing_serves(t) ? NULL : kube_last_job(t);
		if (!job || job->rollout != KUBE_STUCK)
			continue;
		c->is_there = true;
		c->since = job->since;
		c->summary = arena_printf(run_arena(r), "job %s: %s", job->name,
					  kube_job_reason(job, run_arena(r)));
	}
}

static struct cause cause_of(struct run *r, const struct kube_group *g, enum kube_alert_kind kind)
{
	struct cause c = {0};
	if (kind == KUBE_ALERT_JOB)
		job_cause(r, g, &c);
	else if (kind == KUBE_ALERT_ROLLOUT || kind == KUBE_ALERT_REFUSED)
		thing_cause(r, g, kind == KUBE_ALERT_REFUSED, &c);
	else
		pod_cause(r, g, kinds[kind].bad, &c);
	if (kind == KUBE_ALERT_CRASH)
		loop_cause(r, g, &c);
	return c;
}

/* --- states --- */

static void due_at(struct kube_alerts *all, int64_t at)
{
	if (!all->due || at < all->due)
		all->due = at;
}

/* What tells how old it is may come after what tells that it is. */
static void date(struct kube_alert *a)
{
	int64_t since = a->bad_at > a->over_at ? a->bad_at : a->over_at;
	if (since < a->starts_at)
		a->starts_at = since;
}

static void fire(struct kube_alert *a, int64_t now)
{
	a->phase = ALERT_FIRING;
	a->down_at = 0;
	a->over_at = a->ends_at;
	a->starts_at = now;
	a->ends_at = 0;
	date(a);
	a->fired[2] = a->fired[1];
	a->fired[1] = a->fired[0];
	a->fired[0] = now;
	a->times = 0;
	for (int i = 0; i < 3; i++)
		a->times += a->fired[i] && now - a->fired[i] <= AGAIN_MS;
}

/* A container that ran for two minutes before it crashed is not well after one. Not so when its pod is gone, nor when it
 * ran so long that its kubelet calls the next crash a first one. */
static int64_t hold_of(const struct kube_fleet *f, const struct kube_alert *a, enum kube_alert_kind kind)
{
	bool is_loop = kind == KUBE_ALERT_CRASH && kube_fleet_find(f, a->pod, KUBE_NODE_POD);
	return is_loop ? pause_of(a->ran_ms) : kinds[kind].hold_ms;
}

/* Whoever did not see it crash is told what others know, once. */
static void recall(struct kube_alert *a, const struct cause *c, int64_t began, int64_t now)
{
	if (a->phase != ALERT_FIRING && a->resumed_at != c->resumed_at) {
		a->bad_at = began;
		fire(a, now);
		a->clear_at = c->resumed_at < now ? c->resumed_at : now;
		free(a->summary);
		a->summary = NULL;
	} else if (a->phase == ALERT_FIRING) {
		a->bad_at = began;
		date(a);
	}
	a->resumed_at = c->resumed_at;
	a->ran_ms = c->ran_ms;
	a->pod = c->pod;
}

static void step(struct kube_fleet *f, struct kube_alerts *all, struct kube_alert *a, enum kube_alert_kind kind,
		 const struct cause *c, int64_t now)
{
	int64_t began = c->since && c->since < now ? c->since : now;
	if (c->resumed_at)
		recall(a, c, began, now);
	if (c->is_there) {
		if (!a->bad_at || began < a->bad_at)
			a->bad_at = began;
		if (a->phase == ALERT_FIRING)
			date(a);
		else if (now >= a->bad_at + kinds[kind].after_ms)
			fire(a, now);
		else
			due_at(all, a->bad_at + kinds[kind].after_ms);
		a->clear_at = 0;
		a->ran_ms = c->ran_ms;
		a->pod = c->pod;
		if (c->until)
			due_at(all, c->until);
		return;
	}
	a->bad_at = 0;
	if (a->phase == ALERT_FIRING) {
		if (!a->clear_at)
			a->clear_at = now;
		int64_t over_at = a->clear_at + hold_of(f, a, kind);
		if (now >= over_at) {
			a->phase = ALERT_RESOLVED;
			a->ends_at = a->clear_at;
		} else {
			due_at(all, over_at);
		}
	}
	if (a->phase == ALERT_RESOLVED) {
		if (now >= a->ends_at + SHOWN_MS)
			a->phase = ALERT_UNKNOWN;
		else
			due_at(all, a->ends_at + SHOWN_MS);
	}
}

/* Critical while nothing serves, and for a while after: what comes and goes does not go up and down. */
static void weigh(struct kube_alerts *all, struct kube_alert *a, enum kube_alert_kind kind, bool is_serving,
		  int64_t now)
{
	if (a->phase != ALERT_FIRING || kind == KUBE_ALERT_JOB)
		return;
	if (!is_serving)
		a->down_at = now;
	a->is_critical = a->down_at && now - a->down_at < CRITICAL_MS;
	if (a->is_critical && is_serving)
		due_at(all, a->down_at + CRITICAL_MS);
}

/* --- telling --- */

static const char *id_of(struct run *r, const struct kube_group *g, enum kube_alert_kind kind)
{
	return arena_printf(run_arena(r), "%s/%s/%s", kinds[kind].id, g->namespace, g->service);
}

static void take_back(struct run *r, const struct kube_group *g, enum kube_alert_kind kind,
		      struct kube_alert *a)
{
	if (a->digest)
		run_delete(r, RECORD_ALERT, id_of(r, g, kind));
	a->digest = 0;
	free(a->summary);
	a->summary = NULL;
}

static const struct kube_about *about_of(const struct kube_group *g)
{
	const struct kube_thing *main = kube_main_thing(g);
	return main ? main->about : NULL;
}

/* Whoever noted it on any of the workloads. */
static bool find_ack(struct run *r, const struct kube_group *g, enum kube_alert_kind kind, struct ack *ack)
{
	const struct kube_alert *a = &g->alerts->items[kind];
	struct kube_mark m;
	for (const struct kube_thing *t = g->things; t && a->phase == ALERT_FIRING; t = t->next)
		if (t->about && t->about->acks &&
		    kube_ack_read(t->about->acks, kinds[kind].id, a->starts_at, run_now(r), run_arena(r), &m)) {
			*ack = (struct ack){.by = m.by, .at = m.at, .until = m.until,
					    .where = "noted on its workload, for all who look at the cluster with fairway"};
			if (m.until)
				due_at(g->alerts, m.until);
			return true;
		}
	return false;
}

static void tell(struct kube_fleet *f, struct run *r, struct kube_group *g, enum kube_alert_kind kind,
		 const struct cause *c)
{
	struct kube_alert *a = &g->alerts->items[kind];
	const struct kube_about *about = about_of(g);
	static const char *const rollout_only[] = {"RolloutFailed"};
	struct pair labels[2] = {{"namespace", g->namespace}, {"pod", c->instance}};
	struct alert alert;
	struct ack ack;
	if ((c->is_there || !a->summary) && !str_eq(a->summary, c->summary)) {
		free(a->summary);
		a->summary = mem_dup(c->summary);
	}
	record_init(record_class(RECORD_ALERT), &alert);
	alert.id = id_of(r, g, kind);
	alert.name = kinds[kind].name;
	if (kind == KUBE_ALERT_REFUSED && a->summary && strstr(a->summary, "exceeded quota"))
		alert.name = "QuotaExceeded";
	alert.severity = a->is_critical ? SEVERITY_CRITICAL : SEVERITY_WARNING;
	alert.service = g->shown;
	alert.environment = f->environment;
	alert.team = about ? about->team : NULL;
	alert.runbook = about ? about->runbook : NULL;
	alert.phase = a->phase;
	alert.starts_at = a->starts_at;
	alert.ends_at = a->ends_at;
	alert.summary = a->summary;
	alert.times = a->times;
	alert.acked = (struct parts){&ack, find_ack(r, g, kind, &ack) ? 1 : 0};
	alert.labels = (struct pairs){labels, c->instance ? 2 : 1};
	if (kinds[kind].is_of_pod && g->alerts->items[KUBE_ALERT_ROLLOUT].phase == ALERT_FIRING)
		alert.inhibited_by = (struct texts){rollout_only, 1};
	uint64_t digest = kube_digest(record_class(RECORD_ALERT), &alert);
	if (kube_fleet_tells(f, RECORD_ALERT) && digest != a->digest) {
		a->digest = digest;
		run_put(r, &alert);
	}
}

static struct kube_alerts *alerts_of(struct kube_fleet *f, struct kube_group *g)
{
	if (g->alerts)
		return g->alerts;
	struct kube_alerts *all = mem_alloc(sizeof(*all));
	all->group = g;
	all->next = f->alerts;
	if (all->next)
		all->next->at = &all->next;
	all->at = &f->alerts;
	f->alerts = all;
	for (int i = 0; i < KUBE_ALERT_KINDS; i++)
		all->items[i].phase = ALERT_UNKNOWN;
	return g->alerts = all;
}

static void count_firing(struct kube_fleet *f, const struct kube_group *g, int sign)
{
	for (int i = 0; g->alerts && i < KUBE_ALERT_KINDS; i++)
		if (g->alerts->items[i].phase == ALERT_FIRING)
			f->n_firing += (size_t)sign;
}

void kube_alerts_update(struct kube_fleet *f, struct run *r, struct kube_group *g, bool is_serving,
			struct health_facts *facts)
{
	int64_t now = run_now(r);
	struct cause causes[KUBE_ALERT_KINDS];
	bool is_needed = g->alerts != NULL;
	for (int i = 0; i < KUBE_ALERT_KINDS; i++) {
		causes[i] = cause_of(r, g, (enum kube_alert_kind)i);
		is_needed = is_needed || causes[i].is_there || causes[i].resumed_at;
	}
	if (!is_needed)
		return;
	struct kube_alerts *all = alerts_of(f, g);
	count_firing(f, g, -1);
	all->due = 0;
	for (int i = 0; i < KUBE_ALERT_KINDS; i++) {
		step(f, all, &all->items[i], (enum kube_alert_kind)i, &causes[i], now);
		weigh(all, &all->items[i], (enum kube_alert_kind)i, is_serving, now);
	}
	for (int i = 0; i < KUBE_ALERT_KINDS; i++) {
		struct kube_alert *a = &all->items[i];
		if (a->phase == ALERT_UNKNOWN) {
			take_back(r, g, (enum kube_alert_kind)i, a);
			continue;
		}
		tell(f, r, g, (enum kube_alert_kind)i, &causes[i]);
		if (a->phase != ALERT_FIRING)
			continue;
		health_add_alert(facts, &(struct alert){.name = kinds[i].name,
							.phase = ALERT_FIRING,
							.severity = a->is_critical ? SEVERITY_CRITICAL
										   : SEVERITY_WARNING});
	}
	count_firing(f, g, 1);
	if (all->due && (!f->due || all->due < f->due))
		f->due = all->due;
}

void kube_alerts_free(struct kube_alerts *all)
{
	for (int i = 0; all && i < KUBE_ALERT_KINDS; i++)
		free(all->items[i].summary);
	free(all);
}

void kube_alerts_drop(struct kube_fleet *f, struct run *r, struct kube_group *g)
{
	struct kube_alerts *all = g->alerts;
	if (!all)
		return;
	count_firing(f, g, -1);
	for (int i = 0; i < KUBE_ALERT_KINDS; i++)
		take_back(r, g, (enum kube_alert_kind)i, &all->items[i]);
	*all->at = all->next;
	if (all->next)
		all->next->at = all->at;
	kube_alerts_free(all);
	g->alerts = NULL;
}

void kube_alerts_touch(struct kube_fleet *f, int64_t now)
{
	f->due = 0;
	for (struct kube_alerts *all = f->alerts; all; all = all->next) {
		if (!all->due)
			continue;
		if (all->due <= now)
			kube_fleet_touch(f, all->group);
		else if (!f->due || all->due < f->due)
			f->due = all->due;
	}
}

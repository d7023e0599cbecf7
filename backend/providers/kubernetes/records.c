/* SPDX-License-Identifier: Apache-2.0 */
/* Services, placements, the environment. */
#include "backend/providers/kubernetes/records.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/alerts.h"
#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/mark.h"

/* --- what was told already --- */

static void mix(uint64_t *h, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	for (size_t i = 0; i < len; i++)
		*h = (*h ^ b[i]) * 0x100000001b3u; /* FNV-1a */
}

static void mix_text(uint64_t *h, const char *text)
{
	mix(h, text ? text : "\xff", text ? strlen(text) + 1 : 1);
}

static void mix_field(uint64_t *h, const struct field *f, const void *at)
{
	const struct texts *texts = at;
	const struct pairs *pairs = at;
	const struct parts *parts = at;
	switch (f->type) {
	case FIELD_TEXT:
		mix_text(h, *(const char *const *)at);
		break;
	case FIELD_INT:
	case FIELD_TIME:
		mix(h, at, sizeof(int64_t));
		break;
	case FIELD_REAL:
		mix(h, at, sizeof(double));
		break;
	case FIELD_BOOL:
		mix(h, at, sizeof(bool));
		break;
	case FIELD_ENUM:
		mix(h, at, sizeof(int));
		break;
	case FIELD_TEXTS:
		for (size_t i = 0; i < texts->n; i++)
			mix_text(h, texts->items[i]);
		break;
	case FIELD_PAIRS:
		for (size_t i = 0; i < pairs->n; i++) {
			mix_text(h, pairs->items[i].key);
			mix_text(h, pairs->items[i].value);
		}
		break;
	case FIELD_PARTS:
	case FIELD_PART:
		for (size_t i = 0; i < parts->n; i++) {
			uint64_t part = kube_digest(f->sub, (const char *)parts->items + i * f->sub->size);
			mix(h, &part, sizeof(part));
		}
		break;
	}
}

uint64_t kube_digest(const struct record_class *class, const void *record)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < class->n_fields; i++)
		mix_field(&h, &class->fields[i], record_get(record, &class->fields[i]));
	return h ? h : 1;
}

void *kube_clone(const struct record_class *class, const void *record)
{
	size_t size = class->size;
	for (size_t i = 0; i < class->n_fields; i++) {
		const char *text = class->fields[i].type == FIELD_TEXT
					   ? *(const char *const *)record_get(record, &class->fields[i])
					   : NULL;
		size += text ? strlen(text) + 1 : 0;
	}
	char *copy = mem_alloc(size), *to = copy + class->size;
	memcpy(copy, record, class->size);
	for (size_t i = 0; i < class->n_fields; i++) {
		const char **text =
			class->fields[i].type == FIELD_TEXT ? record_at(copy, &class->fields[i]) : NULL;
		if (!text || !*text)
			continue;
		size_t len = strlen(*text) + 1;
		memcpy(to, *text, len);
		*text = to;
		to += len;
	}
	return copy;
}

static void put(struct kube_fleet *f, struct run *r, const void *record, uint64_t *told)
{
	const struct record_class *class = record_class(((const struct record *)record)->kind);
	if (!kube_fleet_tells(f, class->kind))
		return;
	uint64_t digest = kube_digest(class, record);
	if (digest == *told)
		return;
	*told = digest;
	run_put(r, record);
}

/* --- which workload stands for a service --- */

bool kube_thing_serves(const struct kube_thing *t)
{
	return t->what != KUBE_JOB && t->what != KUBE_CRONJOB;
}

static int rank(const struct kube_thing *t)
{
	static const int ranks[KUBE_KINDS] = {
		[KUBE_DEPLOYMENT] = 0, [KUBE_ROLLOUT] = 0, [KUBE_STATEFULSET] = 1, [KUBE_DAEMONSET] = 2,
		[KUBE_REPLICASET] = 3, [KUBE_CRONJOB] = 4, [KUBE_JOB] = 5};
	return ranks[t->what];
}

static bool is_before(const struct kube_group *g, const struct kube_thing *a, const struct kube_thing *b)
{
	bool a_named = str_eq(a->name, g->service), b_named = str_eq(b->name, g->service);
	if (rank(a) != rank(b))
		return rank(a) < rank(b);
	if (a_named != b_named)
		return a_named;
	if (a->desired != b->desired)
		return a->desired > b->desired;
	return strcmp(a->name, b->name) < 0;
}

struct kube_thing *kube_main_thing(const struct kube_group *g)
{
	struct kube_thing *best = NULL;
	for (struct kube_thing *t = g->things; t; t = t->next)
		if (!best || is_before(g, t, best))
			best = t;
	return best;
}

const struct kube_thing *kube_last_job(const struct kube_thing *t)
{
	const struct kube_thing *last = NULL;
	if (t->what == KUBE_JOB)
		return t;
	for (const struct kube_thing *c = t->children; c; c = c->next) /* one that runs has no verdict yet */
		if (c->is_told && c->what == KUBE_JOB && !c->desired &&
		    (!last || c->created_at > last->created_at))
			last = c;
	return last;
}

const char *kube_job_reason(const struct kube_thing *job, struct arena *a)
{
	return job->exit ? arena_printf(a, "%s (its last instance: %s)", job->reason, job->exit)
			 : job->reason;
}

const struct kube_side *kube_worst_side(const struct kube_group *g)
{
	static const uint8_t weight[KUBE_BADS] = {
		[KUBE_WELL] = 9,      [KUBE_CRASHES] = 1, [KUBE_OOM] = 0,        [KUBE_NO_IMAGE] = 2,
		[KUBE_NO_CONFIG] = 3, [KUBE_NO_NODE] = 4, [KUBE_PROBE_FAILS] = 5};
	const struct kube_side *worst = NULL;
	for (const struct kube_side *s = g->sides; s; s = s->next) {
		if (!s->record || (!s->record->reason && !s->words))
			continue;
		int order = worst ? weight[s->row->bad] - weight[worst->row->bad] : -1;
		if (order < 0 || (order == 0 && strcmp(s->record->id, worst->record->id) < 0))
			worst = s;
	}
	return worst;
}

static bool is_named(const struct kube_fleet *f, enum record_kind kind)
{
	return f->named >> kind & 1;
}

/* --- services --- */

static void first_text(const char **to, const char *from)
{
	if (!*to)
		*to = from;
}

/* What the main workload says, and what it leaves out from the others. */
static void tell_service(struct kube_fleet *f, struct run *r, struct kube_group *g,
			 const struct kube_thing *main, int health)
{
	struct service s;
	struct pair general = {"", NULL};
	record_init(record_class(RECORD_SERVICE), &s);
	s.name = g->shown;
	s.health = is_named(f, RECORD_SERVICE) ? HEALTH_UNKNOWN : health;
	for (const struct kube_thing *t = main, *next = g->things; t;
	     t = next, next = next ? next->next : NULL) {
		const struct kube_about *a = t->about;
		if (!a) {
			if (!next)
				break;
			continue;
		}
		first_text(&s.team, a->team);
		first_text(&s.on_call, a->on_call);
		first_text(&s.tier, a->tier);
		first_text(&s.language, a->language);
		first_text(&s.lifecycle, a->lifecycle);
		first_text(&s.description, a->description);
		first_text(&general.value, a->runbook);
		if (!s.links.n)
			s.links = a->links;
	}
	if (general.value)
		s.runbooks = (struct pairs){&general, 1};
	put(f, r, &s, &g->service_digest);
}

/* --- placements --- */

/* Of a rollout: the version that serves meanwhile. */
static void tell_versions(const struct kube_thing *main, struct placement *p)
{
	const struct kube_thing *newest = kube_newest(main), *old = NULL;
	if (newest && newest->what == KUBE_REVISION) /* it counts nothing, and is not asked for with every placement */
		newest = NULL;
	p->version = main->version;
	p->image = main->image;
	p->release = main->revision;
	p->deployed_at = newest ? newest->created_at : 0;
	if (newest && newest->version && main->what == KUBE_ROLLOUT && !main->version)
		p->version = newest->version;
	if (main->rollout == KUBE_STEADY)
		return;
	for (const struct kube_thing *c = main->children; c; c = c->next)
		if (c->is_told && c != newest && c->total > 0 && (!old || c->revision > old->revision))
			old = c;
	const char *from = old ? old->version : main->before;
	if (!from)
		return;
	p->to_version = p->version;
	p->version = from;
	p->to_desired = main->desired;
	p->to_ready = newest ? newest->ready : main->updated < main->ready ? main->updated : main->ready;
}

static void count(const struct kube_group *g, struct placement *p)
{
	bool has_any = false;
	p->desired = p->ready = 0;
	for (const struct kube_thing *t = g->things; t; t = t->next)
		if (kube_thing_serves(t)) {
			has_any = true;
			p->desired += t->desired;
			p->ready += t->ready;
		}
	if (has_any)
		return;
	p->desired = g->n_wanted;
	p->ready = g->n_ready;
}

static const struct kube_thing *stuck_thing(const struct kube_group *g)
{
	for (const struct kube_thing *t = g->things; t; t = t->next)
		if (kube_thing_serves(t) && t->rollout == KUBE_STUCK)
			return t;
	return NULL;
}

/* The exact sentence: what an instance says, or the rollout, or what can be counted. */
static const char *say_why(const struct kube_group *g, const char *counted, struct arena *a)
{
	const struct kube_side *worst = kube_worst_side(g);
	const struct kube_thing *stuck = stuck_thing(g);
	const char *said = worst ? kube_side_reason(worst, a) : NULL;
	if (stuck && stuck->is_refused)
		return stuck->reason;
	if (stuck)
		return arena_printf(a, "the rollout of %s is stuck: %s",
				    stuck->version ? stuck->version : "a change",
				    said ? said : stuck->reason);
	return said ? said : counted;
}

/* Nothing but jobs: well as long as the last one of each ended well. */
static int health_of_jobs(const struct kube_group *g, const char **reason, struct arena *a)
{
	int health = HEALTH_STOPPED;
	for (const struct kube_thing *t = g->things; t; t = t->next) {
		const struct kube_thing *last = kube_last_job(t);
		if (last && last->rollout == KUBE_STUCK) {
			*reason = arena_printf(a, "job %s failed: %s", last->name, kube_job_reason(last, a));
			return HEALTH_DEGRADED;
		}
		if (t->desired > 0 || (last && !t->is_suspended))
			health = HEALTH_OK;
	}
	return health;
}

static const char *key_of(struct kube_fleet *f, struct run *r, const char *shown)
{
	return arena_printf(run_arena(r), "%s/%s", shown, f->environment);
}

static void take_back(struct run *r, enum record_kind kind, const char *key, uint64_t *told)
{
	if (*told)
		run_delete(r, kind, key);
	*told = 0;
}

/* The lock of any of its workloads; its sentence, or NULL. */
static const char *tell_lock(struct kube_fleet *f, struct run *r, struct kube_group *g)
{
	struct kube_mark m;
	struct lock lock;
	const struct kube_thing *t = g->things;
	while (t && !(t->about && kube_lock_read(t->about->lock, run_now(r), run_arena(r), &m)))
		t = t->next;
	g->lock_until = t ? m.until : 0;
	if (!t) {
		take_back(r, RECORD_LOCK, key_of(f, r, g->told_as), &g->lock_digest);
		return NULL;
	}
	if (m.until && (!f->due || m.until < f->due))
		f->due = m.until;
	record_init(record_class(RECORD_LOCK), &lock);
	lock.service = g->shown;
	lock.environment = f->environment;
	lock.by = m.by;
	lock.reason = m.reason;
	lock.at = m.at;
	lock.until = m.until;
	put(f, r, &lock, &g->lock_digest);
	return kube_lock_text(&m, run_arena(r));
}

static void tell_placement(struct kube_fleet *f, struct run *r, struct kube_group *g,
			   const struct kube_thing *main)
{
	struct placement p;
	struct health_facts facts;
	struct str counted = {0};
	bool has_servers = !main || kube_thing_serves(main);
	record_init(record_class(RECORD_PLACEMENT), &p);
	p.service = g->shown;
	p.environment = f->environment;
	count(g, &p);
	if (main)
		tell_versions(main, &p);
	else
		p.version = g->version;
	health_facts_init(&facts);
	facts.desired = p.desired;
	facts.ready = p.ready;
	facts.crash_loops = g->n_bad[KUBE_CRASHES];
	kube_alerts_update(f, r, g, p.desired == 0 || p.ready > 0, &facts);
	p.health =
		has_servers ? (int)health_of(&facts, &counted) : health_of_jobs(g, &p.reason, run_arena(r));
	if (has_servers && p.health != HEALTH_OK && p.health != HEALTH_STOPPED)
		p.reason = say_why(g, str_text(&counted), run_arena(r));
	p.lock = tell_lock(f, r, g);
	if (main && main->about && main->cause) {
		struct kube_cause cause;
		p.deployed_by = kube_cause_read(main->cause, run_arena(r), &cause) ? cause.by : NULL;
	}
	put(f, r, &p, &g->placement_digest);
	if (g->is_counted)
		f->health.n[g->health]--;
	g->is_counted = true;
	g->health = (uint8_t)p.health;
	health_add(&f->health, p.health);
	str_finish(&counted);
}

void kube_records_group(struct kube_fleet *f, struct run *r, struct kube_group *g)
{
	const struct kube_thing *main = kube_main_thing(g);
	if (g->told_as && !str_eq(g->told_as, g->shown))
		kube_records_gone(f, r, g);
	if (!g->told_as)
		g->told_as = mem_dup(g->shown);
	tell_placement(f, r, g, main);
	tell_service(f, r, g, main, g->health);
	kube_records_revisions(f, r, g, main);
}

void kube_records_gone(struct kube_fleet *f, struct run *r, struct kube_group *g)
{
	if (!g->told_as)
		return;
	take_back(r, RECORD_SERVICE, g->told_as, &g->service_digest);
	take_back(r, RECORD_PLACEMENT, key_of(f, r, g->told_as), &g->placement_digest);
	take_back(r, RECORD_LOCK, key_of(f, r, g->told_as), &g->lock_digest);
	for (struct kube_thing *t = g->things; t; t = t->next) {
		kube_revision_gone(r, g, t);
		for (struct kube_thing *c = t->children; c; c = c->next)
			kube_revision_gone(r, g, c);
	}
	free(g->told_as);
	g->told_as = NULL;
}

void kube_records_environment(struct kube_fleet *f, struct run *r)
{
	const struct config_source *source = run_source(r);
	struct environment e;
	record_init(record_class(RECORD_ENVIRONMENT), &e);
	e.name = f->environment;
	e.position = source->position;
	e.is_protected = source->is_protected;
	e.is_read_only = source->is_read_only;
	e.health = f->n_groups ? health_worst(&f->health) : HEALTH_STOPPED;
	if (is_named(f, RECORD_ENVIRONMENT))
		e.health = HEALTH_UNKNOWN;
	e.firing = (int64_t)f->n_firing;
	e.services = (int64_t)f->n_groups;
	e.denied = f->denied;
	put(f, r, &e, &f->environment_digest);
}

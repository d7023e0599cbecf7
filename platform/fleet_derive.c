/* SPDX-License-Identifier: Apache-2.0 */
/* From targets, units, alerts and locks: instance, placement, service and environment records, and the relay's table. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "platform/fleet_part.h"
#include "platform/release.h"
#include "platform/route.h"
#include "platform/routes.h"
#include "platform/state.h"

enum phase unit_phase(const struct unit *u)
{
	if (!u->is_wanted)
		return u->is_running ? PHASE_STOPPING : PHASE_EXITED;
	if (!u->is_running)
		return u->is_crash_loop ? PHASE_CRASH_LOOP : u->exit[0] ? PHASE_EXITED : PHASE_STARTING;
	if (u->is_ready)
		return PHASE_RUNNING;
	if (!u->is_known)
		return PHASE_STARTING;
	return u->is_crash_loop ? PHASE_CRASH_LOOP : u->is_healthy ? PHASE_STARTING : PHASE_UNHEALTHY;
}

static void show_instances(struct fleet *fleet, int64_t now)
{
	for (const struct unit *u = fleet->units; u; u = u->next) {
		struct instance i;
		record_init(record_class(RECORD_INSTANCE), &i);
		i.base.as_of = now;
		i.id = u->id;
		i.service = u->service;
		i.environment = u->environment;
		i.version = u->what ? u->what->version : NULL;
		i.phase = unit_phase(u);
		i.is_ready = u->is_ready;
		i.pid = u->pid ? u->pid : RECORD_NONE;
		i.port = u->port ? u->port : RECORD_NONE;
		i.restarts = u->restarts;
		i.started_at = u->started_at;
		i.reason = u->reason[0] ? u->reason : NULL;
		i.exit = u->exit[0] ? u->exit : NULL;
		state_show(fleet->daemon->state, record_class(RECORD_INSTANCE), &i);
	}
}

static int worse(int a, int b)
{
	static const int rank[] = {[HEALTH_STOPPED] = 0, [HEALTH_OK] = 1, [HEALTH_DEGRADED] = 2, [HEALTH_UNKNOWN] = 3,
	                           [HEALTH_FAILING] = 4};
	return rank[b] > rank[a] ? b : a;
}

/* The worst severity that fires there: SEVERITY_CRITICAL first; -1: none. */
static const struct alert *worst_firing(const struct fleet *fleet, const char *service, const char *environment)
{
	const struct alert *a, *worst = NULL;
	for (size_t i = 0; (a = state_next(fleet->daemon->state, record_class(RECORD_ALERT), &i));)
		if (a->phase == ALERT_FIRING && str_eq(a->service, service) && str_eq(a->environment, environment) &&
		    a->severity != SEVERITY_INFO && (!worst || a->severity < worst->severity))
			worst = a;
	return worst;
}

/* Health of its own, without its neighbours. */
static void judge(const struct fleet *fleet, const struct own_target *t, struct placement *p, char *reason, size_t size)
{
	struct fleet_count count;
	fleet_count(fleet, t->service, t->environment, t->release, &count);
	const struct alert *alert = worst_firing(fleet, t->service, t->environment);
	bool is_looping = false, is_waiting = false;
	for (const struct unit *u = fleet->units; u; u = u->next)
		if (u->is_wanted && unit_is_of(u, t->service, t->environment, t->release)) {
			is_looping |= u->is_crash_loop;
			is_waiting |= !u->is_known && !u->exit[0];
		}
	p->health = HEALTH_OK;
	if (t->release == RECORD_NONE) {
		p->health = HEALTH_UNKNOWN;
		str_copy(reason, size, t->to_release != RECORD_NONE ? "the first deploy is under way" : "not deployed yet");
	} else if (t->is_stopped || t->desired == 0) {
		p->health = HEALTH_STOPPED;
	} else if (is_looping || (count.ready == 0 && (count.failing || !is_waiting))) {
		p->health = HEALTH_FAILING;
		str_copy(reason, size, count.reason[0] ? count.reason : "no instance is ready");
	} else if (alert && alert->severity == SEVERITY_CRITICAL) {
		p->health = HEALTH_FAILING;
		snprintf(reason, size, "%s%s%s", alert->name, alert->summary ? ": " : "", alert->summary ? alert->summary : "");
	} else if (count.ready == 0) {
		p->health = HEALTH_UNKNOWN;
		str_copy(reason, size, "starting");
	} else if (count.ready < t->desired) {
		p->health = HEALTH_DEGRADED;
		snprintf(reason, size, "%d of %lld instances are ready%s%s", count.ready, (long long)t->desired,
		         count.reason[0] ? "; " : "", count.reason);
	} else if (alert) {
		p->health = HEALTH_DEGRADED;
		snprintf(reason, size, "%s%s%s", alert->name, alert->summary ? ": " : "", alert->summary ? alert->summary : "");
	}
	p->ready = count.ready;
}

static const char *version_of(const struct fleet *fleet, const char *service, int64_t number)
{
	const struct release *r = number == RECORD_NONE ? NULL : release_get(fleet->daemon->releases, service, number);
	return r ? r->version : NULL;
}

/* The version that serves in the environment before this one, when it is another. */
static const char *drift_of(const struct fleet *fleet, const struct own_target *t)
{
	const struct state *state = fleet->daemon->state;
	const struct environment *here = state_get(state, record_class(RECORD_ENVIRONMENT), t->environment), *e, *before = NULL;
	for (size_t i = 0; here && (e = state_next(state, record_class(RECORD_ENVIRONMENT), &i));)
		if (e->position < here->position && (!before || e->position > before->position) &&
		    fleet_target(fleet, t->service, e->name))
			before = e;
	const struct own_target *other = before ? fleet_target(fleet, t->service, before->name) : NULL;
	if (!other || other->release == RECORD_NONE || t->release == RECORD_NONE || other->release == t->release)
		return NULL;
	const char *there = version_of(fleet, t->service, other->release);
	return str_eq(there, version_of(fleet, t->service, t->release)) ? NULL : there;
}

static const char *lock_of(const struct fleet *fleet, const struct own_target *t, char *out, size_t size)
{
	const struct lock *lock =
		state_getf(fleet->daemon->state, record_class(RECORD_LOCK), "%s/%s", t->service, t->environment);
	if (!lock)
		return NULL;
	char until[CLOCK_TEXT] = "";
	if (lock->until)
		clock_rfc3339(lock->until, until);
	snprintf(out, size, "by %s: %s%s%s", lock->by ? lock->by : "somebody", lock->reason ? lock->reason : "",
	         until[0] ? ", until " : "", until);
	return out;
}

static void show_placement(struct fleet *fleet, const struct own_target *t, int64_t now)
{
	char reason[320] = "", url[64], lock[400];
	struct placement p;
	record_init(record_class(RECORD_PLACEMENT), &p);
	p.base.as_of = now;
	p.service = t->service;
	p.environment = t->environment;
	judge(fleet, t, &p, reason, sizeof(reason));
	p.desired = t->is_stopped ? 0 : t->desired;
	p.reason = reason[0] ? reason : NULL;
	p.release = t->release;
	p.version = version_of(fleet, t->service, t->release);
	if (t->to_release != RECORD_NONE) {
		struct fleet_count count;
		fleet_count(fleet, t->service, t->environment, t->to_release, &count);
		p.to_version = version_of(fleet, t->service, t->to_release);
		p.to_desired = t->to_desired;
		p.to_ready = count.ready;
	}
	fleet_url(fleet, t->service, t->environment, url, sizeof(url));
	p.url = url[0] ? url : NULL;
	p.drift = drift_of(fleet, t);
	p.lock = lock_of(fleet, t, lock, sizeof(lock));
	p.deployed_at = t->deployed_at;
	p.deployed_by = t->deployed_by;
	/* Keep what the neighbours said, so that one change is not told as two. */
	const struct placement *old =
		state_getf(fleet->daemon->state, record_class(RECORD_PLACEMENT), "%s/%s", t->service, t->environment);
	if (old && p.health == HEALTH_OK && old->health == HEALTH_DEGRADED && old->reason &&
	    str_starts(old->reason, "neighbour: ")) {
		p.health = old->health;
		p.reason = old->reason;
	}
	state_show(fleet->daemon->state, record_class(RECORD_PLACEMENT), &p);
}

/* A placement whose dependency fails is degraded; degraded neighbours are not passed on further. */
static const char *failing_neighbour(const struct fleet *fleet, const struct placement *p)
{
	const struct state *state = fleet->daemon->state;
	const struct service *s = state_get(state, record_class(RECORD_SERVICE), p->service);
	for (size_t i = 0; s && i < s->dependencies.n; i++) {
		const struct placement *d = state_getf(state, record_class(RECORD_PLACEMENT), "%s/%s",
		                                       s->dependencies.items[i], p->environment);
		if (d && d->health == HEALTH_FAILING)
			return d->service;
	}
	return NULL;
}

static void show_neighbours(struct fleet *fleet)
{
	const struct placement *old;
	for (size_t i = 0; (old = state_next(fleet->daemon->state, record_class(RECORD_PLACEMENT), &i));) {
		bool was = old->health == HEALTH_DEGRADED && old->reason && str_starts(old->reason, "neighbour: ");
		const char *name = was || old->health == HEALTH_OK ? failing_neighbour(fleet, old) : NULL;
		char reason[100];
		if (!name && !was)
			continue;
		struct placement p = *old;
		p.health = name ? HEALTH_DEGRADED : HEALTH_OK;
		snprintf(reason, sizeof(reason), "neighbour: %s", name ? name : "");
		p.reason = name ? reason : NULL;
		state_show(fleet->daemon->state, record_class(RECORD_PLACEMENT), &p);
	}
}

static void roll_up(struct fleet *fleet, int64_t now)
{
	struct state *state = fleet->daemon->state;
	const struct placement *p;
	const struct service *service;
	const struct environment *environment;
	const struct alert *a;
	for (size_t i = 0; (service = state_next(state, record_class(RECORD_SERVICE), &i));) {
		struct service s = *service;
		s.base.as_of = now;
		s.health = HEALTH_STOPPED;
		for (size_t j = 0; (p = state_next(state, record_class(RECORD_PLACEMENT), &j));)
			if (str_eq(p->service, s.name))
				s.health = worse(s.health, p->health);
		state_show(state, record_class(RECORD_SERVICE), &s);
	}
	for (size_t i = 0; (environment = state_next(state, record_class(RECORD_ENVIRONMENT), &i));) {
		struct environment e = *environment;
		e.base.as_of = now;
		e.health = HEALTH_STOPPED;
		e.firing = e.services = 0;
		for (size_t j = 0; (p = state_next(state, record_class(RECORD_PLACEMENT), &j));)
			if (str_eq(p->environment, e.name)) {
				e.health = worse(e.health, p->health);
				e.services++;
			}
		for (size_t j = 0; (a = state_next(state, record_class(RECORD_ALERT), &j));)
			e.firing += a->phase == ALERT_FIRING && str_eq(a->environment, e.name);
		state_show(state, record_class(RECORD_ENVIRONMENT), &e);
	}
}

/* An adopted instance that was not asked yet is taken for what the daemon before knew: the table still names it. */
static bool served_before(const struct fleet *fleet, const struct own_target *t, const struct unit *u)
{
	return u->was_ready ||
	       (!u->is_known && routes_has_backend(fleet->daemon->routes, (uint16_t)t->port, (uint16_t)u->port));
}

static void set_route(struct fleet *fleet, const struct own_target *t)
{
	uint16_t ports[ROUTE_BACKENDS_MAX];
	if (t->port <= 0)
		return;
	size_t n = t->release == RECORD_NONE || t->is_stopped
	                   ? 0
	                   : fleet_backends(fleet, t->service, t->environment, t->release, ports, ROUTE_BACKENDS_MAX);
	if (n > ROUTE_BACKENDS_MAX)
		n = ROUTE_BACKENDS_MAX;
	/* None ready: those that were stay, so that a passing weakness of all is not made an outage. */
	if (n == 0 && t->release != RECORD_NONE && !t->is_stopped) {
		for (const struct unit *u = fleet->units; u && n < ROUTE_BACKENDS_MAX; u = u->next)
			if (u->is_wanted && u->is_running && u->port && served_before(fleet, t, u) &&
			    unit_is_of(u, t->service, t->environment, t->release))
				ports[n++] = (uint16_t)u->port;
	}
	routes_set(fleet->daemon->routes, t->service, t->environment, (uint16_t)t->port, ports, n);
}

void fleet_derive(struct fleet *fleet)
{
	struct state *state = fleet->daemon->state;
	const struct own_target *t;
	const struct placement *p;
	int64_t now = clock_wall_ms();
	show_instances(fleet, now);
	for (size_t i = 0; (t = state_next(state, own_class(OWN_TARGET), &i));) {
		show_placement(fleet, t, now);
		set_route(fleet, t);
	}
	for (size_t i = 0; (p = state_next(state, record_class(RECORD_PLACEMENT), &i));)
		if (!fleet_target(fleet, p->service, p->environment)) {
			struct str key = {0};
			record_key(record_class(RECORD_PLACEMENT), p, &key);
			state_hide(state, record_class(RECORD_PLACEMENT), key.s);
			str_finish(&key);
		}
	show_neighbours(fleet);
	roll_up(fleet, now);
}

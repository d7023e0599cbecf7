/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "platform/fleet_part.h"
#include "platform/probe.h"
#include "platform/reactor.h"
#include "platform/routes.h"
#include "platform/rules.h"
#include "platform/slot.h"
#include "platform/state.h"
#include "platform/supervise.h"

/* ---- units ---- */

struct unit *fleet_unit(const struct fleet *fleet, const char *id)
{
	for (struct unit *u = fleet->units; u; u = u->next)
		if (strcmp(u->id, id) == 0)
			return u;
	return NULL;
}

bool unit_is_of(const struct unit *u, const char *service, const char *environment, int64_t release)
{
	return strcmp(u->service, service) == 0 && strcmp(u->environment, environment) == 0 &&
	       (release == RECORD_NONE || u->release == release);
}

static struct unit *new_unit(struct fleet *fleet, const struct own_intent *intent)
{
	struct unit *u = mem_alloc(sizeof(*u));
	u->serial = ++fleet->serials;
	u->id = mem_dup(intent->id);
	u->service = mem_dup(intent->service);
	u->environment = mem_dup(intent->environment);
	u->release = intent->release;
	u->port = intent->port > 0 ? intent->port : 0;
	u->is_wanted = intent->is_wanted;
	u->restarts = intent->restarts > 0 ? intent->restarts : 0;
	/* Sorted by length, then bytes: -2 before -10. */
	struct unit **at = &fleet->units;
	while (*at && (strlen((*at)->id) < strlen(u->id) ||
	               (strlen((*at)->id) == strlen(u->id) && strcmp((*at)->id, u->id) < 0)))
		at = &(*at)->next;
	u->next = *at;
	*at = u;
	return u;
}

static void free_unit(struct fleet *fleet, struct unit *u)
{
	for (struct unit **at = &fleet->units; *at; at = &(*at)->next)
		if (*at == u) {
			*at = u->next;
			break;
		}
	free(u->id);
	free(u->service);
	free(u->environment);
	free(u);
}

static bool write_intent(struct fleet *fleet, const struct unit *u, struct err *err)
{
	struct own_intent intent;
	record_init(own_class(OWN_INTENT), &intent);
	intent.id = u->id;
	intent.service = u->service;
	intent.environment = u->environment;
	intent.release = u->release;
	intent.port = u->port;
	intent.is_wanted = u->is_wanted;
	intent.restarts = u->restarts;
	return state_put(fleet->daemon->state, own_class(OWN_INTENT), &intent, err);
}

/* The process is gone for good: slot and port may be given to others. */
static void bury(struct fleet *fleet, struct unit *u)
{
	struct state *state = fleet->daemon->state;
	struct err err;
	bool ok = state_begin(state, &err) && state_delete(state, own_class(OWN_INTENT), u->id, &err) &&
	          (!u->port || fleet_free_port(fleet, u->port, &err)) && state_commit(state, &err);
	if (!ok) {
		state_abort(state);
		daemon_log(fleet->daemon, "slot %s cannot be given back yet: %s", u->id, err.text);
		return;
	}
	state_hide(state, record_class(RECORD_INSTANCE), u->id);
	free_unit(fleet, u);
}

bool fleet_stop_unit(struct fleet *fleet, struct unit *u, int64_t grace_ms, struct err *err)
{
	struct slot_info info;
	u->is_wanted = u->is_draining = false;
	if (!write_intent(fleet, u, err))
		return false;
	supervisor_unwant(fleet->daemon->supervisor, u->id);
	probes_forget(fleet->daemon->probes, u->id);
	u->is_ready = u->is_healthy = false;
	if (!slot_info(fleet->daemon->slots, u->id, &info) || info.phase == SLOT_EMPTY || info.phase == SLOT_EXITED) {
		bury(fleet, u);
		return true;
	}
	return slot_stop(fleet->daemon->slots, u->id, grace_ms, err);
}

static bool is_drained(const struct fleet *fleet, const struct unit *u)
{
	uint16_t port = (uint16_t)u->port;
	return !u->port || clock_mono_ms() >= u->drain_until ||
	       (routes_is_in_force(fleet->daemon->routes) && routes_draining(fleet->daemon->routes, &port, 1) == 0);
}

static void drains_go_on(void *arg)
{
	struct fleet *fleet = arg;
	bool is_one_left = false;
	for (struct unit *u = fleet->units, *next; u; u = next) {
		next = u->next;
		if (!u->is_draining)
			continue;
		if (is_drained(fleet, u))
			fleet_stop_unit(fleet, u, FLEET_STOP_MS, NULL);
		else
			is_one_left = true;
	}
	reactor_timer_set(fleet->drain_timer, is_one_left ? 1000 : -1);
}

bool fleet_drain_unit(struct fleet *fleet, struct unit *u, struct err *err)
{
	u->is_wanted = false;
	u->is_draining = true;
	u->drain_until = clock_mono_ms() + FLEET_STOP_MS;
	if (!write_intent(fleet, u, err))
		return false;
	supervisor_unwant(fleet->daemon->supervisor, u->id);
	fleet_touch(fleet, u->service, u->environment);
	/* After the table was written, at the end of this turn. */
	reactor_timer_set(fleet->drain_timer, 20);
	return true;
}

/* The lowest number that no slot of anybody has: "a-b" in "c" and "a" in "b-c" share a name. */
static void free_slot_id(const struct fleet *fleet, const char *service, const char *environment, char *out, size_t size)
{
	for (int n = 1;; n++) {
		snprintf(out, size, "%s-%s-%d", service, environment, n);
		if (!fleet_unit(fleet, out))
			return;
	}
}

bool fleet_add_unit(struct fleet *fleet, const char *service, const char *environment, int64_t release,
                    struct err *err)
{
	struct state *state = fleet->daemon->state;
	const struct fleet_release *what = fleet_release(fleet, service, release, err);
	if (!what)
		return false;
	char id[SLOT_ID_MAX + 1];
	free_slot_id(fleet, service, environment, id, sizeof(id));
	struct own_intent intent;
	record_init(own_class(OWN_INTENT), &intent);
	intent.id = id;
	intent.service = service;
	intent.environment = environment;
	intent.release = release;
	intent.is_wanted = true;
	if (!state_begin(state, err))
		return false;
	bool ok = (!what->file.has_port || fleet_take_port(fleet, id, 0, &intent.port, err)) &&
	          state_put(state, own_class(OWN_INTENT), &intent, err) && state_commit(state, err);
	if (!ok) {
		state_abort(state);
		return false;
	}
	struct unit *u = new_unit(fleet, &intent);
	u->what = what;
	fleet_touch(fleet, service, environment);
	return fleet_start_unit(fleet, u, err);
}

/* ---- what deploys ask for ---- */

const struct own_target *fleet_target(const struct fleet *fleet, const char *service, const char *environment)
{
	return state_getf(fleet->daemon->state, own_class(OWN_TARGET), "%s/%s", service, environment);
}

bool fleet_want(struct fleet *fleet, const char *service, const char *environment, int64_t release, int count,
                struct err *err)
{
	int have = 0;
	for (struct unit *u = fleet->units, *next; u; u = next) {
		next = u->next;
		if (!u->is_wanted || !unit_is_of(u, service, environment, release))
			continue;
		if (++have > count && !fleet_drain_unit(fleet, u, err))
			return false;
	}
	for (; have < count; have++)
		if (!fleet_add_unit(fleet, service, environment, release, err))
			return false;
	return true;
}

bool fleet_end(struct fleet *fleet, const char *service, const char *environment, int64_t release, struct err *err)
{
	for (struct unit *u = fleet->units, *next; u; u = next) {
		next = u->next;
		if (unit_is_of(u, service, environment, release) && !fleet_stop_unit(fleet, u, FLEET_STOP_MS, err))
			return false;
	}
	fleet_touch(fleet, service, environment);
	return true;
}

static bool change_target(struct fleet *fleet, const char *service, const char *environment,
                          void (*change)(struct own_target *, const void *what), const void *what, struct err *err)
{
	const struct own_target *old = fleet_target(fleet, service, environment);
	if (!old)
		return err_set(err, ERR_NOT_FOUND, "%s is not placed in %s", service, environment);
	struct own_target target = *old;
	change(&target, what);
	if (!state_put(fleet->daemon->state, own_class(OWN_TARGET), &target, err))
		return false;
	fleet_touch(fleet, service, environment);
	return true;
}

static void change_serving(struct own_target *t, const void *what)
{
	const struct own_target *new = what;
	t->release = new->release;
	t->desired = new->desired;
	t->deployed_at = clock_wall_ms();
	t->deployed_by = new->deployed_by;
	t->is_stopped = false;
}

bool fleet_serve(struct fleet *fleet, const char *service, const char *environment, int64_t release, int count,
                 const char *by, struct err *err)
{
	struct own_target new = {.release = release, .desired = count, .deployed_by = by};
	if (!change_target(fleet, service, environment, change_serving, &new, err))
		return false;
	rules_reload(fleet->daemon->rules, service, environment);
	fleet_derive(fleet); /* now: the table must follow within this turn */
	return true;
}

static void change_rollout(struct own_target *t, const void *what)
{
	const struct own_target *new = what;
	t->to_release = new->to_release;
	t->to_desired = new->to_desired;
}

bool fleet_rollout(struct fleet *fleet, const char *service, const char *environment, int64_t to_release,
                   int to_desired, struct err *err)
{
	struct own_target new = {.to_release = to_release, .to_desired = to_desired};
	return change_target(fleet, service, environment, change_rollout, &new, err);
}

static void change_count(struct own_target *t, const void *what)
{
	t->desired = *(const int *)what;
	t->is_scaled = true;
	t->is_stopped = false;
}

bool fleet_scale(struct fleet *fleet, const char *service, const char *environment, int count, struct err *err)
{
	const struct own_target *t = fleet_target(fleet, service, environment);
	if (!t || t->release == RECORD_NONE)
		return err_set(err, ERR_REFUSED, "%s was not deployed to %s yet", service, environment);
	int64_t release = t->release;
	return change_target(fleet, service, environment, change_count, &count, err) &&
	       fleet_want(fleet, service, environment, release, count, err);
}

void fleet_stop_all(struct fleet *fleet)
{
	struct err err;
	bool is_begun = state_begin(fleet->daemon->state, NULL); /* one commit for all; without it, one each */
	for (struct unit *u = fleet->units, *next; u; u = next) {
		next = u->next;
		if (!fleet_stop_unit(fleet, u, FLEET_STOP_MS, &err))
			daemon_log(fleet->daemon, "%s cannot be stopped: %s", u->id, err.text);
	}
	if (is_begun && !state_commit(fleet->daemon->state, &err))
		daemon_log(fleet->daemon, "%s", err.text);
}

static void change_stopped(struct own_target *t, const void *what)
{
	(void)what;
	t->is_stopped = true;
}

bool fleet_stop(struct fleet *fleet, const char *service, const char *environment, struct err *err)
{
	return change_target(fleet, service, environment, change_stopped, NULL, err) &&
	       fleet_end(fleet, service, environment, RECORD_NONE, err);
}

bool fleet_place(struct fleet *fleet, const char *service, const char *environment, bool has_port, int64_t wish,
                 int64_t desired, struct err *err)
{
	const struct own_target *old = fleet_target(fleet, service, environment);
	struct own_target target;
	if (old) {
		target = *old;
		if (!target.is_scaled)
			target.desired = desired;
	} else {
		record_init(own_class(OWN_TARGET), &target);
		target.service = service;
		target.environment = environment;
		target.desired = desired;
		target.port = 0;
	}
	if (has_port && target.port <= 0) {
		char holder[160];
		snprintf(holder, sizeof(holder), "relay:%s/%s", environment, service);
		if (!fleet_take_port(fleet, holder, wish, &target.port, err))
			return false;
	}
	fleet_touch(fleet, service, environment);
	return state_put(fleet->daemon->state, own_class(OWN_TARGET), &target, err);
}

/* ---- telling ---- */

bool fleet_on_change(struct fleet *fleet, fleet_changed *call, void *arg)
{
	if (fleet->n_listeners == FLEET_LISTENERS)
		return false;
	fleet->listeners[fleet->n_listeners].call = call;
	fleet->listeners[fleet->n_listeners++].arg = arg;
	return true;
}

void fleet_tell(struct fleet *fleet, const char *service, const char *environment)
{
	/* A listener may end the unit whose names these are. */
	char *s = mem_dup(service), *e = mem_dup(environment);
	fleet_touch(fleet, s, e);
	for (size_t i = 0; i < fleet->n_listeners; i++)
		fleet->listeners[i].call(s, e, fleet->listeners[i].arg);
	fleet_restarts_go_on(fleet);
	free(s);
	free(e);
}

static void derive_due(void *arg)
{
	struct fleet *fleet = arg;
	fleet->is_derive_due = false;
	fleet_derive(fleet);
}

void fleet_touch(struct fleet *fleet, const char *service, const char *environment)
{
	(void)service; /* all is derived at once: neighbours and environments hang together */
	(void)environment;
	if (fleet->is_derive_due)
		return;
	fleet->is_derive_due = true;
	reactor_defer(fleet->daemon->reactor, derive_due, fleet);
}

void fleet_on_started(struct fleet *fleet, const char *slot)
{
	struct unit *u = fleet_unit(fleet, slot);
	struct slot_info info;
	if (!u || !slot_info(fleet->daemon->slots, slot, &info))
		return;
	u->is_running = true;
	u->is_known = u->is_healthy = u->is_ready = false;
	u->pid = info.pid;
	u->started_at = info.started_at;
	u->reason[0] = '\0';
	if (u->is_wanted)
		fleet_watch_unit(fleet, u);
	daemon_event(fleet->daemon, u->service, u->environment, u->id, "start", "started as process %d, version %s",
	             (int)info.pid, u->what ? u->what->version : "unknown");
	fleet_tell(fleet, u->service, u->environment);
}

void fleet_on_exited(struct fleet *fleet, const char *slot, const struct slot_exit *exit)
{
	struct unit *u = fleet_unit(fleet, slot);
	if (!u)
		return;
	probes_forget(fleet->daemon->probes, slot);
	slot_exit_text(exit, u->exit, sizeof(u->exit));
	u->is_running = u->is_ready = u->is_healthy = u->was_ready = false;
	u->is_known = true;
	u->pid = 0;
	snprintf(u->reason, sizeof(u->reason), "%s", u->exit);
	daemon_event(fleet->daemon, u->service, u->environment, u->id, "exit", "%s", u->exit);
	char *service = mem_dup(u->service), *environment = mem_dup(u->environment);
	if (!u->is_wanted) {
		rules_on_gone(fleet->daemon->rules, service, environment, slot);
		bury(fleet, u);
	}
	fleet_tell(fleet, service, environment);
	free(service);
	free(environment);
}

void fleet_on_waiting(struct fleet *fleet, const char *slot, int64_t wait_ms, bool is_crash_loop)
{
	struct unit *u = fleet_unit(fleet, slot);
	if (!u)
		return;
	u->restarts++;
	write_intent(fleet, u, NULL);
	if (is_crash_loop && !u->is_crash_loop)
		daemon_event(fleet->daemon, u->service, u->environment, u->id, "crash_loop",
		             "ends again and again (%s); the next start is in %lld s", u->exit,
		             (long long)(wait_ms + 999) / 1000);
	u->is_crash_loop = is_crash_loop;
	fleet_tell(fleet, u->service, u->environment);
}

void fleet_on_probe(struct fleet *fleet, const char *slot, const struct fleet_health *h)
{
	struct unit *u = fleet_unit(fleet, slot);
	if (!u || !u->is_running || !u->is_wanted)
		return;
	bool is_same = u->is_known == h->is_known && u->is_healthy == h->is_healthy && u->is_ready == h->is_ready &&
	               str_eq(u->reason, h->reason);
	if (u->is_known && u->was_ready && u->is_ready != h->is_ready)
		daemon_event(fleet->daemon, u->service, u->environment, u->id, "probe", "%s%s%s",
		             h->is_ready ? "is ready again" : h->is_healthy ? "is not ready" : "is unhealthy",
		             h->reason[0] ? ": " : "", h->reason);
	u->is_known = h->is_known;
	u->is_healthy = h->is_healthy;
	u->is_ready = h->is_ready;
	if (h->is_ready) {
		u->was_ready = true;
		u->is_crash_loop = u->is_crash_loop &&
		                   supervisor_state(fleet->daemon->supervisor, slot).is_crash_loop;
	}
	str_copy(u->reason, sizeof(u->reason), h->reason);
	if (!is_same)
		fleet_tell(fleet, u->service, u->environment);
}

/* ---- life ---- */

struct fleet *fleet_new(struct daemon *daemon, struct err *err)
{
	(void)err;
	struct fleet *fleet = mem_alloc(sizeof(*fleet));
	fleet->daemon = daemon;
	fleet->drain_timer = reactor_timer_add(daemon->reactor, -1, 0, drains_go_on, fleet);
	return fleet;
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	reactor_defer_cancel(fleet->daemon->reactor, fleet);
	reactor_timer_remove(fleet->drain_timer);
	fleet_restarts_free(fleet);
	while (fleet->units)
		free_unit(fleet, fleet->units);
	while (fleet->releases) {
		struct fleet_release *r = fleet->releases;
		fleet->releases = r->next;
		service_file_finish(&r->file);
		free(r->service);
		free(r->folder);
		free(r->version);
		free(r);
	}
	free(fleet);
}

static void adopt(struct fleet *fleet, struct unit *u)
{
	struct slot_info info;
	struct err err;
	u->what = fleet_release(fleet, u->service, u->release, NULL);
	bool is_there = slot_info(fleet->daemon->slots, u->id, &info);
	u->is_running = is_there && (info.phase == SLOT_RUNNING || info.phase == SLOT_STOPPING);
	if (is_there && info.exit)
		slot_exit_text(info.exit, u->exit, sizeof(u->exit));
	if (u->is_running) {
		u->pid = info.pid;
		u->started_at = info.started_at;
	}
	if (!u->is_wanted) {
		fleet_stop_unit(fleet, u, FLEET_STOP_MS, NULL);
		return;
	}
	bool ok = u->is_running ? supervisor_want_again(fleet->daemon->supervisor, u->id, &err)
	                        : fleet_start_unit(fleet, u, &err);
	if (!ok)
		daemon_log(fleet->daemon, "slot %s cannot be taken up again: %s", u->id, err.text);
	if (u->is_running)
		fleet_watch_unit(fleet, u);
}

bool fleet_resume(struct fleet *fleet, struct err *err)
{
	const struct own_intent *intent;
	(void)err;
	for (size_t i = 0; (intent = state_next(fleet->daemon->state, own_class(OWN_INTENT), &i));)
		new_unit(fleet, intent);
	for (struct unit *u = fleet->units, *next; u; u = next) {
		next = u->next;
		adopt(fleet, u);
	}
	/* What should run and has no slot: the platform was ended with its services. */
	const struct own_target *t;
	for (size_t i = 0; (t = state_next(fleet->daemon->state, own_class(OWN_TARGET), &i));) {
		struct err why;
		if (t->release != RECORD_NONE && !t->is_stopped &&
		    !fleet_want(fleet, t->service, t->environment, t->release, (int)t->desired, &why))
			daemon_log(fleet->daemon, "%s in %s cannot be started: %s", t->service, t->environment, why.text);
	}
	routes_on_change(fleet->daemon->routes, drains_go_on, fleet);
	fleet_derive(fleet);
	return true;
}

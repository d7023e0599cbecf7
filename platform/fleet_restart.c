/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing instances one after the other: a fresh one is ready before an old one leaves. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "platform/fleet_part.h"
#include "platform/reactor.h"

#define RESTART_MS 60000 /* for one instance to become ready */

struct fleet_restart {
	struct fleet_restart *next;
	struct fleet *fleet;
	char *service, *environment;
	uint64_t *old; /* serials of the units to replace */
	size_t n_old, done_old;
	int64_t release, deadline; /* monotonic */
	struct reactor_timer *timer;
	void (*done)(const struct err *, void *arg);
	void *arg;
};

static void free_restart(struct fleet_restart *r)
{
	reactor_timer_remove(r->timer);
	free(r->old);
	free(r->service);
	free(r->environment);
	free(r);
}

static void end(struct fleet_restart *r, const struct err *err)
{
	for (struct fleet_restart **at = &r->fleet->restarts; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	r->done(err, r->arg);
	free_restart(r);
}

static struct unit *find_serial(const struct fleet *fleet, uint64_t serial)
{
	for (struct unit *u = fleet->units; u; u = u->next)
		if (u->serial == serial)
			return u;
	return NULL;
}

static int fresh_ready(const struct fleet_restart *r)
{
	int n = 0;
	for (const struct unit *u = r->fleet->units; u; u = u->next) {
		bool is_old = false;
		for (size_t i = 0; i < r->n_old; i++)
			is_old |= r->old[i] == u->serial;
		n += !is_old && u->is_wanted && u->is_ready && unit_is_of(u, r->service, r->environment, r->release);
	}
	return n;
}

static void step(struct fleet_restart *r)
{
	struct err err;
	while ((size_t)fresh_ready(r) > r->done_old) {
		struct unit *old = find_serial(r->fleet, r->old[r->done_old]);
		if (old && old->is_wanted && !fleet_drain_unit(r->fleet, old, &err)) {
			end(r, &err);
			return;
		}
		if (++r->done_old == r->n_old) {
			end(r, NULL);
			return;
		}
		if (!fleet_add_unit(r->fleet, r->service, r->environment, r->release, &err)) {
			end(r, &err);
			return;
		}
		reactor_timer_set(r->timer, RESTART_MS);
	}
}

void fleet_restarts_go_on(struct fleet *fleet)
{
	for (struct fleet_restart *r = fleet->restarts, *next; r; r = next) {
		next = r->next;
		step(r);
	}
}

static void on_late(void *arg)
{
	struct fleet_restart *r = arg;
	struct fleet_count count;
	struct err err;
	fleet_count(r->fleet, r->service, r->environment, r->release, &count);
	err_set(&err, ERR_FAILED, "a fresh instance was not ready within %d s%s%s; the old ones stay", RESTART_MS / 1000,
	        count.reason[0] ? ": " : "", count.reason);
	/* The one that did not come up goes; those that serve are not touched. */
	for (struct unit *u = r->fleet->units, *next; u; u = next) {
		next = u->next;
		if (unit_is_of(u, r->service, r->environment, r->release) && u->is_wanted && !u->was_ready)
			fleet_stop_unit(r->fleet, u, FLEET_STOP_MS, NULL);
	}
	end(r, &err);
}

bool fleet_restart(struct fleet *fleet, const char *service, const char *environment,
                   void (*done)(const struct err *, void *arg), void *arg, struct err *err)
{
	const struct own_target *t = fleet_target(fleet, service, environment);
	if (!t || t->release == RECORD_NONE || t->is_stopped || t->desired <= 0)
		return err_set(err, ERR_REFUSED, "nothing of %s runs in %s", service, environment);
	for (const struct fleet_restart *r = fleet->restarts; r; r = r->next)
		if (str_eq(r->service, service) && str_eq(r->environment, environment))
			return err_set(err, ERR_REFUSED, "%s in %s is being restarted already", service, environment);
	struct fleet_restart *r = mem_alloc(sizeof(*r));
	r->fleet = fleet;
	r->service = mem_dup(service);
	r->environment = mem_dup(environment);
	r->release = t->release;
	r->done = done;
	r->arg = arg;
	r->timer = reactor_timer_add(fleet->daemon->reactor, RESTART_MS, 0, on_late, r);
	for (const struct unit *u = fleet->units; u; u = u->next)
		if (u->is_wanted && unit_is_of(u, service, environment, r->release)) {
			r->old = mem_grow(r->old, r->n_old + 1, sizeof(*r->old));
			r->old[r->n_old++] = u->serial;
		}
	bool ok = r->n_old ? fleet_add_unit(fleet, service, environment, r->release, err)
	                   : err_set(err, ERR_REFUSED, "nothing of %s runs in %s", service, environment);
	if (!ok) {
		free_restart(r);
		return false;
	}
	r->next = fleet->restarts;
	fleet->restarts = r;
	return true;
}

void fleet_restarts_free(struct fleet *fleet)
{
	while (fleet->restarts) {
		struct fleet_restart *r = fleet->restarts;
		fleet->restarts = r->next;
		free_restart(r);
	}
}

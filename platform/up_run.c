/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a list of services to environments, dependencies first. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "platform/daemon.h"
#include "platform/deploy.h"
#include "platform/fleet.h"
#include "platform/own.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/state.h"
#include "platform/up.h"

#define FIRST_WATCH_MS 500 /* a first deploy has nothing to go back to: its watch only looks twice */

enum item_state { ITEM_WAITS, ITEM_RUNS, ITEM_GOOD, ITEM_BAD };
struct item {
	char *service, *environment, *version, *deploy;
	enum item_state state;
};
struct up_run {
	struct up_run *next;
	struct ups *all;
	struct item *items;
	size_t n;
	char *by, *reason;
	struct err err; /* the first that went wrong */
	void (*progress)(const struct up_progress *, void *arg);
	void (*done)(const struct err *, void *arg);
	void *arg;
	bool is_step_due;
};
struct ups {
	struct daemon *daemon;
	struct up_run *first;
};

static void free_run(struct up_run *run)
{
	for (struct up_run **at = &run->all->first; *at; at = &(*at)->next)
		if (*at == run) {
			*at = run->next;
			break;
		}
	reactor_defer_cancel(run->all->daemon->reactor, run);
	for (size_t i = 0; i < run->n; i++) {
		free(run->items[i].service);
		free(run->items[i].environment);
		free(run->items[i].version);
		free(run->items[i].deploy);
	}
	free(run->items);
	free(run->by);
	free(run->reason);
	free(run);
}

static size_t count_done(const struct up_run *run)
{
	size_t n = 0;
	for (size_t i = 0; i < run->n; i++)
		n += run->items[i].state >= ITEM_GOOD;
	return n;
}

static void tell(struct up_run *run, struct item *item, const char *detail)
{
	struct up_progress p = {
		.service = item->service,
		.environment = item->environment,
		.deploy = item->deploy,
		.is_ended = item->state >= ITEM_GOOD,
		.is_good = item->state == ITEM_GOOD,
		.detail = detail,
		.done = count_done(run),
		.total = run->n,
	};
	if (item->state == ITEM_BAD && run->err.kind == ERR_NONE)
		err_set(&run->err, ERR_FAILED, "%s in %s: %s", item->service, item->environment, detail ? detail : "failed");
	if (run->progress)
		run->progress(&p, run->arg);
}

static bool serves(const struct up_run *run, const struct item *item)
{
	const struct own_target *t = fleet_target(run->all->daemon->fleet, item->service, item->environment);
	return t && t->release != RECORD_NONE && !t->is_stopped;
}

/* The same version for another environment: it is built once, the others take that very release. */
static bool is_being_built(const struct up_run *run, const struct item *item, const struct item *other)
{
	return other < item && item->version && str_eq(other->version, item->version) &&
	       str_eq(other->service, item->service) && other->state < ITEM_GOOD &&
	       !release_find(run->all->daemon->releases, item->service, item->version);
}

/* What the item waits for: an earlier one of its placement, or one of a dependency. Gives the bad one, too. */
static bool must_wait(const struct up_run *run, const struct item *item, const struct item **bad)
{
	const struct service *s = state_get(run->all->daemon->state, record_class(RECORD_SERVICE), item->service);
	*bad = NULL;
	for (size_t i = 0; i < run->n; i++) {
		const struct item *other = &run->items[i];
		if (is_being_built(run, item, other))
			return true;
		if (!str_eq(other->environment, item->environment))
			continue;
		bool is_before = str_eq(other->service, item->service) && other < item, is_dependency = false;
		for (size_t j = 0; s && j < s->dependencies.n && !is_before; j++)
			is_dependency |= str_eq(s->dependencies.items[j], other->service);
		if (!is_before && !(is_dependency && !str_eq(other->service, item->service)))
			continue;
		/* A dependency is there once it serves: its watch need not be awaited. */
		if (!is_before && serves(run, other))
			continue;
		if (other->state == ITEM_BAD)
			*bad = other;
		else if (other->state != ITEM_GOOD)
			return true;
	}
	return false;
}

static void begin(struct up_run *run, struct item *item)
{
	struct daemon *d = run->all->daemon;
	const struct own_target *t = fleet_target(d->fleet, item->service, item->environment);
	const struct release *kept = item->version ? release_find(d->releases, item->service, item->version) : NULL;
	struct err err = {0};
	struct deploy_wish wish = {
		.kind = "deploy",
		.service = item->service,
		.environment = item->environment,
		.release = kept ? kept->number : RECORD_NONE,
		.version = kept ? NULL : item->version,
		.by = run->by,
		.reason = run->reason,
		.trigger = TRIGGER_PERSON,
		.watch_ms = t && t->release == RECORD_NONE ? FIRST_WATCH_MS : RECORD_NONE,
	};
	item->state = ITEM_RUNS;
	const struct deploy *deploy = deploy_begin(d->deploys, &wish, &err);
	if (deploy)
		item->deploy = mem_dup(deploy->id);
	else
		item->state = ITEM_BAD;
	tell(run, item, deploy ? NULL : err.text);
}

static void step_soon(struct up_run *run);

static void step(void *arg)
{
	struct up_run *run = arg;
	run->is_step_due = false;
	bool is_moving = true, is_busy = false;
	while (is_moving) {
		is_moving = is_busy = false;
		for (size_t i = 0; i < run->n; i++) {
			struct item *item = &run->items[i];
			const struct item *bad;
			is_busy |= item->state == ITEM_RUNS;
			if (item->state != ITEM_WAITS || must_wait(run, item, &bad))
				continue;
			is_moving = true;
			if (!bad) {
				begin(run, item);
				continue;
			}
			item->state = ITEM_BAD;
			struct str why = {0};
			str_addf(&why, "not begun: %s failed", bad->service);
			tell(run, item, why.s);
			str_finish(&why);
		}
	}
	if (is_busy)
		return;
	/* What is left waits in a circle of dependencies: it is begun as it stands. */
	for (size_t i = 0; i < run->n; i++)
		if (run->items[i].state == ITEM_WAITS) {
			begin(run, &run->items[i]);
			if (run->items[i].state != ITEM_RUNS)
				step_soon(run);
			return;
		}
	run->done(run->err.kind == ERR_NONE ? NULL : &run->err, run->arg);
	free_run(run);
}

static void step_soon(struct up_run *run)
{
	if (run->is_step_due)
		return;
	run->is_step_due = true;
	reactor_defer(run->all->daemon->reactor, step, run);
}

void ups_on_deploy(struct ups *all, const struct deploy *d)
{
	for (struct up_run *run = all->first; run; run = run->next)
		for (size_t i = 0; i < run->n; i++) {
			struct item *item = &run->items[i];
			if (item->state != ITEM_RUNS || !str_eq(item->deploy, d->id))
				continue;
			step_soon(run);
			if (d->state == DEPLOY_RUNNING)
				continue;
			item->state = d->state == DEPLOY_SUCCEEDED ? ITEM_GOOD : ITEM_BAD;
			tell(run, item, d->detail ? d->detail : record_value_name(deploy_state_names, d->state));
		}
}

struct up_run *ups_start(struct ups *all, const struct up_item *items, size_t n, const char *by, const char *reason,
                         void (*progress)(const struct up_progress *, void *arg),
                         void (*done)(const struct err *, void *arg), void *arg)
{
	struct up_run *run = mem_alloc(sizeof(*run));
	run->all = all;
	run->items = mem_array(n + 1, sizeof(*run->items));
	run->n = n;
	for (size_t i = 0; i < n; i++) {
		run->items[i].service = mem_dup(items[i].service);
		run->items[i].environment = mem_dup(items[i].environment);
		run->items[i].version = mem_dup(items[i].version);
	}
	run->by = mem_dup(by);
	run->reason = mem_dup(reason);
	run->progress = progress;
	run->done = done;
	run->arg = arg;
	run->next = all->first;
	all->first = run;
	step_soon(run);
	return run;
}

struct ups *ups_new(struct daemon *daemon)
{
	struct ups *all = mem_alloc(sizeof(*all));
	all->daemon = daemon;
	return all;
}

void ups_free(struct ups *all)
{
	if (!all)
		return;
	while (all->first)
		free_run(all->first);
	free(all);
}

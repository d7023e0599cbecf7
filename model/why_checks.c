/* SPDX-License-Identifier: Apache-2.0 */
#include "model/why_checks.h"

#include <string.h>

#include "base/clock.h"
#include "model/timeline.h"

enum step_state why_check_source(const struct why_facts *f, struct why_words *w)
{
	const char *name = f->source_name ? f->source_name : "the source";
	if (health_source_is_fresh(f->source)) {
		str_addf(&w->detail, "%s is live", name);
		return STEP_DONE;
	}
	char blind[CLOCK_TEXT + 16];
	health_blind(f->source, blind, sizeof(blind));
	str_addf(&w->detail, "%s: %s", name, blind);
	str_addf(&w->sentence, "nobody can say: ");
	if (f->source->as_of) {
		str_addf(&w->sentence, "%s has told nothing for ", name);
		timeline_span(f->now - f->source->as_of, &w->sentence);
	} else {
		str_addf(&w->sentence, "%s was never reached", name);
	}
	if (!str_empty(f->source_error))
		str_addf(&w->sentence, " (%s)", f->source_error);
	return STEP_FAILED;
}

enum step_state why_check_service(const struct why_facts *f, struct why_words *w)
{
	if (!f->service_record && !f->placement) {
		str_addf(&w->detail, "no service %s", f->service);
		str_addf(&w->sentence, "no service is called %s here", f->service);
		return STEP_FAILED;
	}
	if (!f->environment_record && !f->placement) {
		str_addf(&w->detail, "no environment %s", f->environment);
		str_addf(&w->sentence, "no environment is called %s here", f->environment);
		return STEP_FAILED;
	}
	if (!f->placement) {
		str_addf(&w->detail, "not deployed to %s", f->environment);
		str_addf(&w->sentence, "%s was never deployed to %s: deploy it with D", f->service,
			 f->environment);
		return STEP_FAILED;
	}
	str_addf(&w->detail, "%s runs %s", f->environment,
		 f->placement->version ? f->placement->version : "it");
	return STEP_DONE;
}

enum step_state why_check_environment(const struct why_facts *f, struct why_words *w)
{
	if (!f->environment_record) {
		str_add(&w->detail, "its rules are not known");
		return STEP_SKIPPED;
	}
	if (f->environment_record->is_read_only) {
		str_addf(&w->detail, "%s is read-only", f->environment);
		str_addf(&w->sentence, "%s is read-only: nothing can be changed there from here",
			 f->environment);
		return STEP_FAILED;
	}
	str_addf(&w->detail, "%s may be changed%s", f->environment,
		 f->environment_record->is_protected ? ", it is protected" : "");
	return STEP_DONE;
}

static const struct lock *lock_here(const struct why_facts *f)
{
	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock *l = f->locks[i];
		bool is_of_it = (str_empty(l->service) || str_eq(l->service, f->service)) &&
				(str_empty(l->environment) || str_eq(l->environment, f->environment));
		if (is_of_it && (!l->until || l->until > f->now))
			return l;
	}
	return NULL;
}

enum step_state why_check_lock(const struct why_facts *f, struct why_words *w)
{
	const struct lock *l = lock_here(f);
	if (l) {
		str_add(&w->detail, "locked");
		why_say_who(f, &w->detail, l->by);
		str_addf(&w->sentence, "%s in %s is %s", f->service, f->environment, str_text(&w->detail));
		if (l->until) {
			str_add(&w->sentence, " until ");
			why_say_time(&w->sentence, l->until);
		}
		if (!str_empty(l->reason))
			str_addf(&w->sentence, ": %s", l->reason);
		return STEP_FAILED;
	}
	if (f->placement && !str_empty(f->placement->lock)) {
		str_add(&w->detail, f->placement->lock);
		str_addf(&w->sentence, "%s in %s is locked: %s", f->service, f->environment,
			 f->placement->lock);
		return STEP_FAILED;
	}
	str_add(&w->detail, "none");
	return STEP_DONE;
}

static const struct step *step_in(const struct deploy *d, enum step_state state)
{
	const struct step *steps = d->steps.items;
	for (size_t i = 0; i < d->steps.n; i++)
		if (steps[i].state == (int)state)
			return &steps[i];
	return NULL;
}

enum step_state why_check_deploy(const struct why_facts *f, struct why_words *w)
{
	for (size_t i = 0; i < f->n_deploys; i++) {
		const struct deploy *d = f->deploys[i];
		if (d->state != DEPLOY_RUNNING || !why_is_here(f, d->service, d->environment))
			continue;
		const struct step *step = step_in(d, STEP_RUNNING);
		str_addf(&w->detail, "to %s, runs", d->to ? d->to : "another version");
		str_addf(&w->sentence, "a deploy of %s to %s", f->service, d->to ? d->to : "another version");
		why_say_who(f, &w->sentence, d->by);
		str_add(&w->sentence, " runs for ");
		timeline_span(f->now - d->started_at, &w->sentence);
		if (step)
			str_addf(&w->sentence, ", at step %s", step->name);
		str_add(&w->sentence, ": wait for its end, or roll back with B");
		return STEP_RUNNING;
	}
	str_add(&w->detail, "none runs");
	return STEP_DONE;
}

enum step_state why_check_last_deploy(const struct why_facts *f, struct why_words *w)
{
	const struct deploy *d = why_last_deploy(f, 0);
	if (!d) {
		str_add(&w->detail, "none is known");
		return STEP_SKIPPED;
	}
	str_addf(&w->detail, "%s %s", d->to ? d->to : "?", record_value_name(deploy_state_names, d->state));
	bool is_bad = d->state == DEPLOY_FAILED || d->state == DEPLOY_UNKNOWN ||
		      (d->state == DEPLOY_ROLLED_BACK && d->trigger == TRIGGER_AUTOMATIC);
	if (!is_bad)
		return STEP_DONE;
	const struct step *step = step_in(d, STEP_FAILED);
	str_addf(&w->sentence, "the last deploy of %s, to %s", f->service, d->to ? d->to : "another version");
	why_say_who(f, &w->sentence, d->by);
	str_add(&w->sentence, d->state == DEPLOY_FAILED        ? ", failed"
			      : d->state == DEPLOY_ROLLED_BACK ? ", was rolled back by itself"
							       : ", ended and nobody knows how");
	if (step)
		str_addf(&w->sentence, " at step %s", step->name);
	str_addc(&w->sentence, ' ');
	why_say_ago(f, &w->sentence, d->ended_at ? d->ended_at : d->started_at);
	const char *reason = step && !str_empty(step->detail) ? step->detail : d->detail;
	if (!str_empty(reason))
		str_addf(&w->sentence, ": %s", reason);
	return STEP_FAILED;
}

static const struct instance *instance_in(const struct why_facts *f, size_t *at, unsigned phases)
{
	for (; *at < f->n_instances; ++*at) {
		const struct instance *i = f->instances[*at];
		if (why_is_here(f, i->service, i->environment) && phases >> i->phase & 1)
			return f->instances[(*at)++];
	}
	return NULL;
}

/* What an instance said last, as the platform saw it: the text of its newest exit event. */
static const char *last_words(const struct why_facts *f, const char *instance)
{
	const struct event *last = NULL;
	for (size_t i = 0; i < f->n_events; i++) {
		const struct event *e = f->events[i];
		bool is_end = str_eq(e->kind, "exit") || str_eq(e->kind, "crash_loop");
		if (is_end && str_eq(e->instance, instance) && (!last || e->time > last->time))
			last = e;
	}
	return last ? last->text : NULL;
}

enum step_state why_check_crash(const struct why_facts *f, struct why_words *w)
{
	size_t at = 0;
	const struct instance *i = instance_in(f, &at, 1u << PHASE_CRASH_LOOP);
	if (!i) {
		str_add(&w->detail, "none");
		return STEP_DONE;
	}
	const char *words = !str_empty(i->reason) ? i->reason : last_words(f, i->id);
	str_addf(&w->detail, "%s", i->id);
	str_add(&w->sentence, f->service);
	if (!str_empty(i->version))
		str_addf(&w->sentence, " %s", i->version);
	str_add(&w->sentence, " ends again and again");
	bool is_counted = words && strstr(words, "restart"); /* they tell it all */
	if (!str_empty(i->exit) && !is_counted)
		str_addf(&w->sentence, ", last with %s", i->exit);
	if (i->restarts > 0 && !is_counted)
		str_addf(&w->sentence, ", %lld restart%s", (long long)i->restarts,
			 i->restarts == 1 ? "" : "s");
	str_addf(&w->sentence, " (%s)", i->id);
	if (!str_empty(words))
		str_addf(&w->sentence, ": %s", words);
	return STEP_FAILED;
}

#define NOT_WELL (1u << PHASE_STARTING | 1u << PHASE_RUNNING | 1u << PHASE_UNHEALTHY | 1u << PHASE_EXITED)

/* Words of the prober and of the kernel for "nobody answers at the port". */
static bool tells_listener(const char *reason)
{
	static const char *const words[] = {"listen",
					    "refused",
					    "port taken",
					    "is taken",
					    "EADDRINUSE",
					    "address already in use",
					    "Address already in use"};
	for (size_t i = 0; reason && i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(reason, words[i]))
			return true;
	return false;
}

enum step_state why_check_listener(const struct why_facts *f, struct why_words *w)
{
	size_t at = 0, n = 0;
	for (const struct instance *i; (i = instance_in(f, &at, NOT_WELL)); n++) {
		if (i->is_ready || !tells_listener(i->reason))
			continue;
		str_add(&w->detail, i->id);
		str_addf(&w->sentence, "%s runs but nothing answers at its port", i->id);
		if (i->port > 0)
			str_addf(&w->sentence, " %lld", (long long)i->port);
		str_addf(&w->sentence, ": %s", i->reason);
		return STEP_FAILED;
	}
	str_add(&w->detail, n ? "ports answer" : "no instance runs");
	return n ? STEP_DONE : STEP_SKIPPED;
}

enum step_state why_check_ready(const struct why_facts *f, struct why_words *w)
{
	const struct placement *p = f->placement;
	if (p->desired == RECORD_NONE || p->ready == RECORD_NONE) {
		str_add(&w->detail, "not known");
		return STEP_SKIPPED;
	}
	str_addf(&w->detail, "%lld of %lld", (long long)p->ready, (long long)p->desired);
	if (p->ready >= p->desired)
		return STEP_DONE;
	str_addf(&w->sentence, "%lld of %lld instances of %s in %s are ready", (long long)p->ready,
		 (long long)p->desired, f->service, f->environment);
	size_t at = 0;
	for (const struct instance *i; (i = instance_in(f, &at, NOT_WELL | 1u << PHASE_BUILDING));)
		if (!i->is_ready) {
			str_addf(&w->sentence, "; %s is %s", i->id, record_value_name(phase_names, i->phase));
			if (!str_empty(i->reason))
				str_addf(&w->sentence, ": %s", i->reason);
			else if (!str_empty(i->exit))
				str_addf(&w->sentence, " (%s)", i->exit);
			break;
		}
	return STEP_FAILED;
}

enum step_state why_check_needs(const struct why_facts *f, struct why_words *w)
{
	size_t unknown = 0;
	for (size_t i = 0; i < f->n_neighbours; i++) {
		const struct placement *p = f->neighbours[i];
		unknown += p->health == HEALTH_UNKNOWN;
		if (p->health != HEALTH_FAILING)
			continue;
		str_addf(&w->detail, "%s is failing", p->service);
		str_addf(&w->sentence, "%s, which %s needs, is failing in %s", p->service, f->service,
			 p->environment);
		if (!str_empty(p->reason))
			str_addf(&w->sentence, ": %s", p->reason);
		return STEP_FAILED;
	}
	if (unknown) {
		str_addf(&w->detail, "%zu of %zu are not known", unknown, f->n_neighbours);
		return STEP_SKIPPED;
	}
	str_addf(&w->detail, f->n_neighbours ? "%zu, none is failing" : "none", f->n_neighbours);
	return STEP_DONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_HEALTH_H
#define MODEL_HEALTH_H
/*
 * How well a placement is, and how that rolls up: the one place that decides it.
 *
 *	failing   no instance is ready, one is in a crash loop, or a critical alert fires
 *	unknown   nobody can say: no facts, or the source is stale or down
 *	degraded  fewer ready than wanted, a warning fires, a dependency fails ("neighbour: checkout")
 *	ok        none of these, and every source is live
 *	stopped   nothing is wanted; left out of roll-ups
 * in this order, the first that holds. Acks and silences change nothing here. Pure, any thread, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"

struct str;

/* A source is stale when it was not confirmed for longer than this, or its state says so. */
struct health_source {
	int state;     /* enum source_state */
	int64_t as_of; /* wall ms; 0: never */
	int64_t now;
	int64_t fresh_ms; /* how old as_of may be; 0: the state alone decides */
};
bool health_source_is_fresh(const struct health_source *);

struct health_facts {
	int64_t desired, ready; /* RECORD_NONE: not known */
	size_t crash_loops, unhealthy;
	size_t critical, warnings;                /* alerts that fire, acked or not */
	const char *critical_name, *warning_name; /* one of each, for the reason */
	const char *failing_dependency;           /* name of one, NULL when none */
	const struct health_source *source;       /* NULL: live by definition */
};
void health_facts_init(struct health_facts *); /* nothing known, nothing wrong */
/* Adds one instance or one alert of the placement. */
void health_add_instance(struct health_facts *, const struct instance *);
void health_add_alert(struct health_facts *, const struct alert *);
/* Decides. reason, when wanted, gets one short sentence ("no instance is ready"); empty when ok. */
enum health health_of(const struct health_facts *, struct str *reason);

/* Roll-up: begin with struct health_sum all zero, add each placement (or each roll-up below). */
struct health_sum {
	size_t n[HEALTH_STOPPED + 1];
};
void health_add(struct health_sum *, enum health);
enum health health_worst(const struct health_sum *); /* stopped when all are; unknown when there is nothing */
enum health health_worse(enum health a, enum health b);
/* "39/40": ok of those that count. */
void health_fraction(const struct health_sum *, char *out, size_t size);
/* "blind 43s": how long a source has told nothing; "never seen" for as_of 0. */
void health_blind(const struct health_source *, char *out, size_t size);

/* One sign a state, everywhere: ✖ ? ! ● ◌; is_ascii: X ? ! * o. */
const char *health_sign(enum health, bool is_ascii);
const char *health_drift_sign(bool is_ascii);     /* ▲ or ^ */
const char *health_protected_sign(bool is_ascii); /* ⚿ or # */
#endif

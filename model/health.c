/* SPDX-License-Identifier: Apache-2.0 */
#include "model/health.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"

/* Worst first; stopped does not count in a roll-up. */
static const enum health worst_first[] = {HEALTH_FAILING, HEALTH_UNKNOWN, HEALTH_DEGRADED, HEALTH_OK};

static const struct {
	const char *sign, *ascii;
} signs[] = {
	[HEALTH_OK] = {"●", "*"},      [HEALTH_DEGRADED] = {"!", "!"}, [HEALTH_FAILING] = {"✖", "X"},
	[HEALTH_UNKNOWN] = {"?", "?"}, [HEALTH_STOPPED] = {"◌", "o"},
};

bool health_source_is_fresh(const struct health_source *s)
{
	if (!s)
		return true;
	return s->state == SOURCE_LIVE && s->as_of && (!s->fresh_ms || s->now - s->as_of <= s->fresh_ms);
}

void health_facts_init(struct health_facts *f)
{
	*f = (struct health_facts){.desired = RECORD_NONE, .ready = RECORD_NONE};
}

void health_add_instance(struct health_facts *f, const struct instance *i)
{
	f->crash_loops += i->phase == PHASE_CRASH_LOOP;
	f->unhealthy += i->phase == PHASE_UNHEALTHY;
}

void health_add_alert(struct health_facts *f, const struct alert *a)
{
	if (a->phase != ALERT_FIRING)
		return;
	if (a->severity == SEVERITY_CRITICAL) {
		f->critical++;
		f->critical_name = a->name;
	} else if (a->severity == SEVERITY_WARNING) {
		f->warnings++;
		f->warning_name = a->name;
	}
}

static enum health failing(const struct health_facts *f, struct str *why)
{
	if (f->critical)
		str_addf(why, "%s is firing", f->critical_name ? f->critical_name : "a critical alert");
	else if (f->crash_loops)
		str_addf(why, "%zu instance%s in a crash loop", f->crash_loops,
			 f->crash_loops == 1 ? "" : "s");
	else
		str_add(why, "no instance is ready");
	return HEALTH_FAILING;
}

static enum health degraded(const struct health_facts *f, struct str *why)
{
	if (f->ready < f->desired)
		str_addf(why, "%lld of %lld ready", (long long)f->ready, (long long)f->desired);
	else if (f->warnings)
		str_addf(why, "%s is firing", f->warning_name ? f->warning_name : "a warning");
	else
		str_addf(why, "neighbour: %s", f->failing_dependency);
	return HEALTH_DEGRADED;
}

static enum health decide(const struct health_facts *f, struct str *why)
{
	bool is_known = f->desired != RECORD_NONE && f->ready != RECORD_NONE;
	bool is_fresh = health_source_is_fresh(f->source);
	/* What was failing when the source went silent is unknown now: old facts are no facts. */
	if (!is_fresh) {
		char blind[CLOCK_TEXT + 16];
		health_blind(f->source, blind, sizeof(blind));
		str_add(why, blind);
		return HEALTH_UNKNOWN;
	}
	if (f->critical || f->crash_loops || (is_known && f->desired > 0 && f->ready <= 0))
		return failing(f, why);
	if (!is_known) {
		str_add(why, "not seen yet");
		return HEALTH_UNKNOWN;
	}
	if (f->desired == 0)
		return HEALTH_STOPPED;
	if (f->ready < f->desired || f->warnings || f->failing_dependency)
		return degraded(f, why);
	return HEALTH_OK;
}

enum health health_of(const struct health_facts *f, struct str *reason)
{
	struct str why = {0};
	enum health h = decide(f, &why);
	if (reason)
		str_add(reason, str_text(&why));
	str_finish(&why);
	return h;
}

void health_add(struct health_sum *sum, enum health h)
{
	if ((unsigned)h > HEALTH_STOPPED)
		h = HEALTH_UNKNOWN;
	sum->n[h]++;
}

enum health health_worst(const struct health_sum *sum)
{
	for (size_t i = 0; i < sizeof(worst_first) / sizeof(worst_first[0]); i++)
		if (sum->n[worst_first[i]])
			return worst_first[i];
	return sum->n[HEALTH_STOPPED] ? HEALTH_STOPPED : HEALTH_UNKNOWN;
}

enum health health_worse(enum health a, enum health b)
{
	struct health_sum sum = {0};
	health_add(&sum, a);
	health_add(&sum, b);
	return health_worst(&sum);
}

void health_fraction(const struct health_sum *sum, char *out, size_t size)
{
	size_t all =
		sum->n[HEALTH_OK] + sum->n[HEALTH_DEGRADED] + sum->n[HEALTH_FAILING] + sum->n[HEALTH_UNKNOWN];
	snprintf(out, size, "%zu/%zu", sum->n[HEALTH_OK], all);
}

void health_blind(const struct health_source *s, char *out, size_t size)
{
	char age[CLOCK_TEXT];
	if (!s || !s->as_of) {
		snprintf(out, size, "never seen");
		return;
	}
	clock_age(s->now - s->as_of, age);
	snprintf(out, size, "blind %s", age);
}

const char *health_sign(enum health h, bool is_ascii)
{
	if ((unsigned)h > HEALTH_STOPPED)
		h = HEALTH_UNKNOWN;
	return is_ascii ? signs[h].ascii : signs[h].sign;
}

const char *health_drift_sign(bool is_ascii)
{
	return is_ascii ? "^" : "▲";
}

const char *health_protected_sign(bool is_ascii)
{
	return is_ascii ? "#" : "⚿";
}

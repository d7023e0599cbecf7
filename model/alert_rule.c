/* SPDX-License-Identifier: Apache-2.0 */
#include "model/alert_rule.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const char *const phases[] = {"inactive", "pending", "firing", "resolved", "unknown"};

const char *rule_phase_name(enum rule_phase phase)
{
	return phases[phase];
}

bool rule_phase_of(const char *name, enum rule_phase *out)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		if (str_eq(phases[i], name)) {
			*out = (enum rule_phase)i;
			return true;
		}
	}
	return false;
}

enum answer { NO, YES, CANNOT_SAY };

static enum answer ask_facts(const struct service_alert *a, const struct rule_facts *f, struct rule_state *s)
{
	s->has_value = f->is_known;
	if (!f->is_known)
		return CANNOT_SAY;
	switch (a->when) {
	case WHEN_DOWN:
		s->value = f->ready;
		return f->desired > 0 && f->ready == 0 ? YES : NO;
	case WHEN_CRASH_LOOP:
		s->has_value = false;
		return f->has_crash_loop ? YES : NO;
	default:
		s->value = f->unhealthy;
		return f->unhealthy > 0 ? YES : NO;
	}
}

static bool measure(const struct service_alert *a, const struct metric_history *h, int64_t now, double *value)
{
	switch (a->when) {
	case WHEN_ERROR_RATIO:
		return metric_history_error_ratio(h, a->metric, now, a->window_ms, value);
	case WHEN_LATENCY:
		return metric_history_quantile(h, a->metric, a->quantile, now, a->window_ms, value);
	default:
		return metric_history_value(h, a->metric, a->is_below, now, a->window_ms, value);
	}
}

/*
 * "No" needs more than "yes": every instance seen, and for a whole window. So neither a dead scrape nor a
 * daemon that has just started (its history is empty) can resolve what fires.
 */
static enum answer ask_history(const struct service_alert *a, const struct rule_facts *f,
                               const struct metric_history *h, int64_t now, struct rule_state *s)
{
	struct history_sight sight = {.since_ms = INT64_MIN};
	s->has_value = false;
	if (h) {
		sight = metric_history_sight(h, now);
		s->has_value = measure(a, h, now, &s->value);
	}
	if (s->has_value && sight.fresh > 0) {
		bool holds = a->is_below ? s->value < a->threshold : s->value > a->threshold;
		if (holds)
			return YES;
	}
	if (f->is_known && f->desired == 0)
		return NO;
	bool has_window = sight.since_ms != INT64_MIN && now - sight.since_ms >= a->window_ms;
	if (sight.fresh == 0 || sight.blind > 0 || !has_window)
		return CANNOT_SAY;
	/* Without a request there is no error; but a metric that is not there tells nothing. */
	return s->has_value || a->when != WHEN_METRIC ? NO : CANNOT_SAY;
}

static void holds(const struct service_alert *a, int64_t mono, int64_t wall, struct rule_state *s)
{
	bool is_held = s->phase == RULE_PENDING || s->phase == RULE_FIRING;
	if (s->phase == RULE_UNKNOWN && s->starts_at) {
		s->phase = RULE_FIRING; /* it fired before the data went: the same alert goes on */
		return;
	}
	if (!is_held) {
		s->phase = RULE_PENDING;
		s->pending_mono_ms = mono;
		s->pending_at = wall;
		s->starts_at = s->ends_at = 0;
	}
	if (s->phase == RULE_PENDING && mono < s->pending_mono_ms)
		s->pending_mono_ms = mono; /* stored before a reboot: monotonic time began anew */
	if (s->phase == RULE_PENDING && mono - s->pending_mono_ms >= a->for_ms) {
		s->phase = RULE_FIRING;
		s->starts_at = wall;
	}
}

static void does_not_hold(int64_t wall, struct rule_state *s)
{
	if (s->starts_at && s->phase != RULE_RESOLVED) {
		s->phase = RULE_RESOLVED;
		s->ends_at = wall;
	} else if (s->phase != RULE_RESOLVED) {
		s->phase = RULE_INACTIVE;
		s->pending_at = 0;
	}
}

bool alert_rule_step(const struct service_alert *a, const struct rule_facts *f,
		     const struct metric_history *h, int64_t mono_ms, int64_t wall_ms, struct rule_state *s)
{
	enum rule_phase before = s->phase;
	bool is_measured = a->when == WHEN_ERROR_RATIO || a->when == WHEN_LATENCY || a->when == WHEN_METRIC;
	enum answer answer = is_measured ? ask_history(a, f, h, mono_ms, s) : ask_facts(a, f, s);
	s->is_blind = answer == CANNOT_SAY;
	if (answer == YES)
		holds(a, mono_ms, wall_ms, s);
	else if (answer == NO)
		does_not_hold(wall_ms, s);
	else if (s->phase == RULE_FIRING || s->phase == RULE_PENDING)
		s->phase = RULE_UNKNOWN;
	return s->phase != before;
}

int64_t alert_rule_fires_in(const struct service_alert *a, const struct rule_state *s, int64_t mono_ms)
{
	int64_t left = s->phase == RULE_PENDING ? s->pending_mono_ms + a->for_ms - mono_ms : 0;
	return left > 0 ? left : 0;
}

static void tell(const struct service_alert *a, double value, char *out, size_t size)
{
	if (a->when == WHEN_ERROR_RATIO)
		snprintf(out, size, "%.3g%%", value * 100);
	else if (a->when == WHEN_LATENCY && value < 1)
		snprintf(out, size, "%.3gms", value * 1000);
	else if (a->when == WHEN_LATENCY)
		snprintf(out, size, "%.3gs", value);
	else
		snprintf(out, size, "%.6g", value);
}

void alert_rule_sentence(const struct service_alert *a, const struct rule_state *s, char out[RULE_SENTENCE])
{
	static const char *const facts[] = {"no instance is ready",
					    "an instance keeps dying soon after its start"};
	char value[32], limit[32], window[CLOCK_TEXT], subject[96];
	if (a->when == WHEN_DOWN || a->when == WHEN_CRASH_LOOP) {
		snprintf(out, RULE_SENTENCE, "%s", facts[a->when]);
		return;
	}
	if (a->when == WHEN_UNHEALTHY) {
		int n = s->has_value ? (int)s->value : 0;
		snprintf(out, RULE_SENTENCE, "%d instance%s fail%s the health check", n, n == 1 ? "" : "s",
		         n == 1 ? "s" : "");
		return;
	}
	if (a->when == WHEN_ERROR_RATIO)
		str_copy(subject, sizeof(subject), "of requests fail");
	else if (a->when == WHEN_LATENCY)
		snprintf(subject, sizeof(subject), "is what %.4g%% of requests stay below",
			 a->quantile * 100);
	else
		snprintf(subject, sizeof(subject), "is %.80s", a->metric);
	tell(a, s->value, value, sizeof(value));
	tell(a, a->threshold, limit, sizeof(limit));
	clock_duration(a->window_ms, window);
	if (s->has_value)
		snprintf(out, RULE_SENTENCE, "%s %s, %s %s over %s", value, subject,
			 a->is_below ? "below" : "above", limit, window);
	else
		snprintf(out, RULE_SENTENCE, "%s%s%s %s over %s", a->when == WHEN_METRIC ? a->metric : "",
		         a->when == WHEN_METRIC ? " " : "", a->is_below ? "below" : "above", limit, window);
}

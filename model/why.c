/* SPDX-License-Identifier: Apache-2.0 */
#include "model/why.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/timeline.h"
#include "model/why_checks.h"

#define SUSPECT_MS (60 * 60 * 1000) /* a deploy that long before an alert may be its cause */

/* Sentences. */

void why_say_time(struct str *out, int64_t ms)
{
	char text[16];
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	if (localtime_r(&s, &tm) && strftime(text, sizeof(text), "%H:%M", &tm))
		str_add(out, text);
}

void why_say_who(const struct why_facts *f, struct str *out, const char *by)
{
	if (!str_empty(by))
		str_addf(out, " by %s", str_eq(by, f->you) ? "you" : by);
}

void why_say_ago(const struct why_facts *f, struct str *out, int64_t at)
{
	timeline_span(f->now - at, out);
	str_add(out, " ago");
}

bool why_is_here(const struct why_facts *f, const char *service, const char *environment)
{
	return str_eq(service, f->service) && str_eq(environment, f->environment);
}

const struct deploy *why_last_deploy(const struct why_facts *f, int64_t until)
{
	const struct deploy *last = NULL;
	for (size_t i = 0; i < f->n_deploys; i++) {
		const struct deploy *d = f->deploys[i];
		if (why_is_here(f, d->service, d->environment) && (!until || d->started_at <= until) &&
		    (!last || d->started_at > last->started_at))
			last = d;
	}
	return last;
}

static const struct release *release_of(const struct why_facts *f, const char *version)
{
	for (size_t i = 0; version && i < f->n_releases; i++)
		if (str_eq(f->releases[i]->service, f->service) && str_eq(f->releases[i]->version, version))
			return f->releases[i];
	return NULL;
}

/* Checks of what serves: alerts, release, drift. Those of what runs are in why_checks.c. */

static const struct alert *worst_alert(const struct why_facts *f)
{
	const struct alert *worst = NULL;
	for (size_t i = 0; i < f->n_alerts; i++) {
		const struct alert *a = f->alerts[i];
		if (a->phase != ALERT_FIRING || a->severity == SEVERITY_INFO ||
		    !why_is_here(f, a->service, a->environment))
			continue;
		if (!worst || a->severity < worst->severity ||
		    (a->severity == worst->severity && a->starts_at < worst->starts_at))
			worst = a;
	}
	return worst;
}

/* "answers 34 % of requests with errors", "answers slowly: 1.20 s", or the alert's own words. */
static void say_symptom(const struct alert *a, struct str *out)
{
	const char *metric = a->metric ? a->metric : "";
	bool is_known = !isnan(a->value);
	if (is_known && strstr(metric, "error") && a->value >= 0 && a->value <= 1)
		str_addf(out, "answers %.*f %% of requests with errors", a->value < 0.01 ? 1 : 0,
			 a->value * 100);
	else if (is_known && (strstr(metric, "latency") || strstr(metric, "duration")))
		str_addf(out, "answers slowly, in %.2f s where %.2f s is the limit,", a->value,
			 isnan(a->threshold) ? 0 : a->threshold);
	else if (!str_empty(a->summary))
		str_addf(out, "has %s firing (%s)", a->name, a->summary);
	else
		str_addf(out, "has %s firing", a->name ? a->name : "an alert");
}

static void say_suspect(const struct why_facts *f, const struct alert *a, struct str *out)
{
	const struct deploy *d = why_last_deploy(f, a->starts_at);
	if (!d || a->starts_at - d->started_at > SUSPECT_MS || str_eq(d->kind, "restart") ||
	    str_eq(d->kind, "scale"))
		return;
	str_add(out, "; it was deployed ");
	int64_t served = timeline_cut_over(d);
	timeline_span(a->starts_at - (served ? served : d->started_at), out);
	str_add(out, " before");
	why_say_who(f, out, d->by);
	str_add(out, str_empty(d->from) ? "" : ": roll back with B");
}

static enum step_state alerts(const struct why_facts *f, struct why_words *w)
{
	const struct alert *a = worst_alert(f);
	if (!a) {
		str_add(&w->detail, "none fires");
		return STEP_DONE;
	}
	str_addf(&w->detail, "%s fires since ", a->name ? a->name : "an alert");
	why_say_time(&w->detail, a->starts_at);
	str_add(&w->sentence, f->service);
	if (f->placement && !str_empty(f->placement->version))
		str_addf(&w->sentence, " %s", f->placement->version);
	str_addc(&w->sentence, ' ');
	say_symptom(a, &w->sentence);
	str_add(&w->sentence, " since ");
	why_say_time(&w->sentence, a->starts_at);
	say_suspect(f, a, &w->sentence);
	return STEP_FAILED;
}

static enum step_state release(const struct why_facts *f, struct why_words *w)
{
	const char *version = f->placement ? f->placement->version : NULL;
	const char *next = f->placement_before ? f->placement_before->version : NULL;
	const struct release *now = release_of(f, version), *coming = release_of(f, next);
	if (now && now->is_bad) {
		str_addf(&w->detail, "%s is marked bad", version);
		str_addf(&w->sentence, "%s %s runs in %s and is marked bad%s%s: roll back with B", f->service,
			 version, f->environment, now->bad_reason ? ": " : "",
			 now->bad_reason ? now->bad_reason : "");
		return STEP_FAILED;
	}
	if (coming && coming->is_bad && !str_eq(version, next)) {
		str_addf(&w->detail, "%s of %s is marked bad", next, f->placement_before->environment);
		str_addf(&w->sentence,
			 "%s %s, which %s has, is marked bad%s%s: promoting it needs --despite-bad",
			 f->service, next, f->placement_before->environment, coming->bad_reason ? ": " : "",
			 coming->bad_reason ? coming->bad_reason : "");
		return STEP_FAILED;
	}
	if (!now && !f->n_releases) {
		str_add(&w->detail, "releases are not known");
		return STEP_SKIPPED;
	}
	str_addf(&w->detail, "%s is not marked bad", version ? version : "what runs");
	return STEP_DONE;
}

static bool is_marked_bad(const struct why_facts *f, const char *version)
{
	for (size_t i = 0; i < f->n_releases; i++)
		if (f->releases[i]->is_bad && str_eq(f->releases[i]->service, f->service) &&
		    str_eq(f->releases[i]->version, version))
			return true;
	return false;
}

static enum step_state drift(const struct why_facts *f, struct why_words *w)
{
	const struct placement *before = f->placement_before;
	if (!before || str_empty(before->version)) {
		str_add(&w->detail, "nothing is before it in the order of promotion");
		return STEP_SKIPPED;
	}
	if (f->placement && str_eq(before->version, f->placement->version))
		str_addf(&w->detail, "%s has %s too: nothing to promote", before->environment,
			 before->version);
	else if (is_marked_bad(f, before->version))
		str_addf(&w->detail, "%s has %s, which is marked bad", before->environment, before->version);
	else
		str_addf(&w->detail, "%s has %s: P promotes it", before->environment, before->version);
	return STEP_DONE;
}

/* What the source itself calls unwell, when none of the checks above found it. */
static enum step_state health(const struct why_facts *f, struct why_words *w)
{
	if (!f->placement)
		return STEP_SKIPPED;
	int h = f->placement->health;
	str_add(&w->detail, record_value_name(health_names, h));
	if (!str_empty(f->placement->reason))
		str_addf(&w->detail, ": %s", f->placement->reason);
	if (h == HEALTH_OK || h == HEALTH_STOPPED)
		return STEP_DONE;
	str_addf(&w->sentence, "%s in %s is %s", f->service, f->environment, str_text(&w->detail));
	return STEP_FAILED;
}

static const struct why_check checks[] = {
	{"source", why_check_source},
	{"service", why_check_service},
	{"environment", why_check_environment},
	{"lock", why_check_lock},
	{"deploy", why_check_deploy},
	{"last deploy", why_check_last_deploy},
	{"crash loop", why_check_crash},
	{"listener", why_check_listener},
	{"ready", why_check_ready},
	{"dependencies", why_check_needs},
	{"alerts", alerts},
	{"release", release},
	{"drift", drift},
	{"health", health},
};

static void say_fine(const struct why_facts *f, struct str *out)
{
	const struct placement *p = f->placement;
	struct why_words w = {0};
	if (p && p->health == HEALTH_STOPPED)
		str_addf(out, "%s in %s is stopped: no instance is wanted", f->service, f->environment);
	else
		str_addf(out, "nothing is in the way: %s in %s is ok%s%s", f->service, f->environment,
			 p && p->version ? " with " : "", p && p->version ? p->version : "");
	if (drift(f, &w) == STEP_DONE)
		str_addf(out, "; %s", str_text(&w.detail));
	str_finish(&w.detail);
	str_finish(&w.sentence);
}

void why_explain(const struct why_facts *f, struct why *out)
{
	*out = (struct why){.is_fine = true};
	enum step_state worst = STEP_DONE;
	bool is_blind = false;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct why_words w = {0};
		enum step_state state = STEP_SKIPPED;
		if (is_blind)
			str_add(&w.detail, "not known");
		else
			state = checks[i].run(f, &w);
		out->checks[out->n++] = (struct step){.name = checks[i].name,
						      .state = state,
						      .detail = arena_dup(&out->arena, str_text(&w.detail))};
		/* The first that failed answers; what merely runs answers when nothing failed. */
		bool answers = (state == STEP_FAILED && worst != STEP_FAILED) ||
			       (state == STEP_RUNNING && worst == STEP_DONE);
		if (answers) {
			out->answer = arena_dup(&out->arena, str_text(&w.sentence));
			worst = state;
		}
		is_blind = is_blind || (i < 2 && state == STEP_FAILED);
		str_finish(&w.detail);
		str_finish(&w.sentence);
	}
	out->is_fine = worst == STEP_DONE;
	if (out->is_fine) {
		struct str fine = {0};
		say_fine(f, &fine);
		out->answer = arena_dup(&out->arena, str_text(&fine));
		str_finish(&fine);
	}
}

void why_finish(struct why *w)
{
	arena_finish(&w->arena);
	*w = (struct why){0};
}

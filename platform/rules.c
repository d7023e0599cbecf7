/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/alert_rule.h"
#include "model/metric_history.h"
#include "model/promtext.h"
#include "platform/daemon.h"
#include "platform/fleet.h"
#include "platform/notify.h"
#include "platform/own.h"
#include "platform/probe.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/rules_part.h"
#include "platform/state.h"

#define RESOLVED_KEPT_MS (15 * 60 * 1000)
#define TIMES_MS (30 * 60 * 1000)

/* ---- rule sets ---- */

struct rule_set *rules_find(const struct rules *rules, const char *service, const char *environment)
{
	for (struct rule_set *set = rules->sets; set; set = set->next)
		if (str_eq(set->service, service) && str_eq(set->environment, environment))
			return set;
	return NULL;
}

/* Stable over daemons and releases: the same rule of the same placement is the same alert. */
void rules_fingerprint(const char *service, const char *environment, const char *name, char out[17])
{
	struct hash hash;
	char hex[HASH_HEX];
	hash_start(&hash);
	hash_add_field(&hash, service);
	hash_add_field(&hash, environment);
	hash_add_field(&hash, name);
	hash_finish_hex(&hash, hex);
	str_copy(out, 17, hex);
}

static void free_set(struct rule_set *set)
{
	metric_history_free(set->history);
	service_file_finish(&set->file);
	free(set->rules);
	free(set->service);
	free(set->environment);
	free(set);
}

/* What the last daemon knew of the alert: firing stays firing, pending begins anew. */
static void take_back(const struct rules *rules, struct rule *rule)
{
	const struct alert *a = state_get(rules->daemon->state, record_class(RECORD_ALERT), rule->id);
	if (!a)
		return;
	if (a->phase == ALERT_FIRING || a->phase == ALERT_UNKNOWN)
		rule->state.phase = a->phase == ALERT_FIRING ? RULE_FIRING : RULE_UNKNOWN;
	else if (a->phase == ALERT_RESOLVED)
		rule->state.phase = RULE_RESOLVED;
	else
		return;
	rule->state.starts_at = a->starts_at;
	rule->state.ends_at = a->ends_at;
	rule->fired[0] = a->starts_at;
}

static void make_rules(const struct rules *rules, struct rule_set *set)
{
	set->n_rules = set->file.n_alerts;
	set->rules = mem_array(set->n_rules + 1, sizeof(*set->rules));
	for (size_t i = 0; i < set->n_rules; i++) {
		struct rule *rule = &set->rules[i];
		rule->what = &set->file.alerts[i];
		rules_fingerprint(set->service, set->environment, rule->what->name, rule->id);
		take_back(rules, rule);
	}
}

/* Rules that are the same in the new file go on as they were; so does the history. */
static bool asks_the_same(const struct rule_set *a, const struct rule_set *b)
{
	if (a->n_rules != b->n_rules)
		return false;
	for (size_t i = 0; i < a->n_rules; i++)
		if (a->rules[i].what->when != b->rules[i].what->when ||
		    !str_eq(a->rules[i].what->metric, b->rules[i].what->metric))
			return false;
	return true;
}

static void keep_states(struct rule_set *fresh, const struct rule_set *old)
{
	for (size_t i = 0; i < fresh->n_rules; i++)
		for (size_t j = 0; j < old->n_rules; j++)
			if (strcmp(fresh->rules[i].id, old->rules[j].id) == 0) {
				const struct service_alert *what = fresh->rules[i].what;
				fresh->rules[i] = old->rules[j];
				fresh->rules[i].what = what;
			}
}

void rules_forget(struct rules *rules, const char *service, const char *environment)
{
	for (struct rule_set **at = &rules->sets; *at; at = &(*at)->next) {
		struct rule_set *set = *at;
		if (!str_eq(set->service, service) || !str_eq(set->environment, environment))
			continue;
		*at = set->next;
		for (size_t i = 0; i < set->n_rules; i++)
			state_delete(rules->daemon->state, record_class(RECORD_ALERT), set->rules[i].id, NULL);
		free_set(set);
		break;
	}
}

void rules_reload(struct rules *rules, const char *service, const char *environment)
{
	const struct own_target *t = fleet_target(rules->daemon->fleet, service, environment);
	struct err err;
	if (!t || t->release == RECORD_NONE)
		return;
	struct rule_set *old = rules_find(rules, service, environment);
	if (old && old->release == t->release)
		return;
	struct rule_set *set = mem_alloc(sizeof(*set));
	if (!release_file(rules->daemon->releases, service, t->release, &set->file, &err)) {
		daemon_log(rules->daemon, "the rules of %s cannot be read: %s", service, err.text);
		free(set);
		return;
	}
	set->service = mem_dup(service);
	set->environment = mem_dup(environment);
	set->release = t->release;
	make_rules(rules, set);
	set->history = metric_history_new(&set->file);
	if (old) {
		keep_states(set, old);
		/* The charts go on when both files ask for the same metrics; the tracks are the file's. */
		struct rule_set **at = &rules->sets;
		while (*at != old)
			at = &(*at)->next;
		*at = old->next;
		if (asks_the_same(set, old)) {
			struct metric_history *history = old->history;
			old->history = set->history;
			set->history = history;
		}
		free_set(old);
	}
	set->next = rules->sets;
	rules->sets = set;
	rules_touch(rules);
}

/* ---- alerts ---- */

static enum alert_phase phase_of(const struct rule_state *s)
{
	switch (s->phase) {
	case RULE_PENDING:
		return ALERT_PENDING;
	case RULE_FIRING:
		return ALERT_FIRING;
	case RULE_RESOLVED:
		return ALERT_RESOLVED;
	default:
		return ALERT_UNKNOWN;
	}
}

static struct texts silences_of(const struct rules *rules, const struct alert *a, struct arena *arena)
{
	const char **ids = arena_alloc(arena, (state_count(rules->daemon->state, record_class(RECORD_SILENCE)) + 1) *
	                                              sizeof(*ids));
	const struct silence *s;
	size_t n = 0;
	int64_t now = clock_wall_ms();
	for (size_t i = 0; (s = state_next(rules->daemon->state, record_class(RECORD_SILENCE), &i));)
		if (s->ends_at > now && (!s->service || str_eq(s->service, a->service)) &&
		    (!s->environment || str_eq(s->environment, a->environment)) && (!s->alert || str_eq(s->alert, a->name)))
			ids[n++] = arena_dup(arena, s->id);
	return (struct texts){ids, n};
}

/* A placement that is down has no use for being told that it is slow as well. */
static struct texts inhibitors_of(const struct rule_set *set, const struct rule *rule, struct arena *arena)
{
	const char **ids = arena_alloc(arena, (set->n_rules + 1) * sizeof(*ids));
	size_t n = 0;
	bool is_effect = rule->what->when == WHEN_ERROR_RATIO || rule->what->when == WHEN_LATENCY;
	for (size_t i = 0; is_effect && i < set->n_rules; i++)
		if (set->rules[i].what->when == WHEN_DOWN && set->rules[i].state.phase == RULE_FIRING)
			ids[n++] = set->rules[i].id;
	return (struct texts){ids, n};
}

/* When it fires is reckoned anew at each look: the same moment may not read as another one. */
static int64_t steady_fires_at(const struct rules *rules, const char *id, int64_t fires_at)
{
	const struct alert *old = state_get(rules->daemon->state, record_class(RECORD_ALERT), id);
	return old && old->fires_at && llabs(old->fires_at - fires_at) < 1000 ? old->fires_at : fires_at;
}

static void fill_alert(struct rules *rules, struct rule_set *set, struct rule *rule, struct alert *a,
                       struct arena *arena)
{
	const struct service_alert *what = rule->what;
	char sentence[RULE_SENTENCE];
	alert_rule_sentence(what, &rule->state, sentence);
	a->id = rule->id;
	a->name = what->name;
	a->severity = (int)what->severity;
	a->service = set->service;
	a->environment = set->environment;
	a->team = set->file.team;
	a->phase = (int)phase_of(&rule->state);
	a->starts_at = rule->state.phase == RULE_PENDING ? rule->state.pending_at : rule->state.starts_at;
	a->ends_at = rule->state.phase == RULE_RESOLVED ? rule->state.ends_at : 0;
	int64_t left = alert_rule_fires_in(what, &rule->state, clock_mono_ms());
	a->fires_at = rule->state.phase == RULE_PENDING ? steady_fires_at(rules, rule->id, clock_wall_ms() + left) : 0;
	struct pair *labels = arena_alloc(arena, 4 * sizeof(*labels));
	labels[0] = (struct pair){"service", set->service};
	labels[1] = (struct pair){"environment", set->environment};
	labels[2] = (struct pair){"severity", severity_names[a->severity]};
	labels[3] = (struct pair){"team", set->file.team ? set->file.team : ""};
	a->labels = (struct pairs){labels, set->file.team ? 4 : 3};
	struct pair *annotations = arena_alloc(arena, 2 * sizeof(*annotations));
	annotations[0] = (struct pair){"description", arena_dup(arena, sentence)};
	a->annotations = (struct pairs){annotations, 1};
	a->summary = what->summary ? what->summary : arena_dup(arena, sentence);
	a->runbook = service_file_runbook(&set->file, what->name);
	a->metric = rules_series_name(what);
	a->threshold = what->when >= WHEN_ERROR_RATIO ? what->threshold : NAN;
	/* Rounded: a number that trembles in its last digits is no news. */
	a->value = rule->state.has_value ? round(rule->state.value * 1000) / 1000 : NAN;
	a->times = 0;
	for (size_t i = 0; i < RULE_FIRINGS; i++)
		a->times += rule->fired[i] && clock_wall_ms() - rule->fired[i] < TIMES_MS;
	a->silenced_by = silences_of(rules, a, arena);
	a->inhibited_by = inhibitors_of(set, rule, arena);
}

static void drop_alert(struct rules *rules, struct rule *rule)
{
	const struct record_class *class = record_class(RECORD_ALERT);
	if (state_get(rules->daemon->state, class, rule->id))
		state_delete(rules->daemon->state, class, rule->id, NULL);
}

static bool is_acked(const struct alert *a, int64_t now)
{
	const struct ack *ack = a->acked.n ? a->acked.items : NULL;
	return ack && (!ack->until || ack->until > now);
}

static void tell_phase(struct rules *rules, const struct alert *a)
{
	static const char *const words[] = {"is pending", "fires", "is resolved", "is unknown: it cannot be seen"};
	daemon_event(rules->daemon, a->service, a->environment, NULL, "alert", "%s %s%s%s", a->name, words[a->phase],
	             a->phase == ALERT_FIRING ? ": " : "", a->phase == ALERT_FIRING ? a->summary : "");
	probes_hurry(rules->daemon->probes, a->service, a->environment);
	fleet_touch(rules->daemon->fleet, a->service, a->environment);
}

static void show_alert(struct rules *rules, struct rule_set *set, struct rule *rule, bool is_changed)
{
	const struct record_class *class = record_class(RECORD_ALERT);
	struct state *state = rules->daemon->state;
	const struct alert *old = state_get(state, class, rule->id);
	int64_t now = clock_wall_ms();
	struct arena arena = {0};
	struct alert a;
	if (rule->state.phase == RULE_INACTIVE ||
	    (rule->state.phase == RULE_RESOLVED && now - rule->state.ends_at > RESOLVED_KEPT_MS) ||
	    (rule->state.phase == RULE_UNKNOWN && !old)) {
		drop_alert(rules, rule);
		return;
	}
	if (is_changed && rule->state.phase == RULE_FIRING && !(old && old->phase == ALERT_UNKNOWN)) {
		memmove(&rule->fired[1], &rule->fired[0], (RULE_FIRINGS - 1) * sizeof(rule->fired[0]));
		rule->fired[0] = now;
	}
	if (old)
		record_copy(class, &a, old, &arena);
	else
		record_init(class, &a);
	bool is_new_life = is_changed && rule->state.phase == RULE_PENDING;
	if (is_new_life || (a.acked.n && !is_acked(&a, now))) {
		a.acked = (struct parts){NULL, 0};
		if (is_new_life)
			a.notified = NULL;
	}
	a.base.as_of = now;
	fill_alert(rules, set, rule, &a, &arena);
	bool must_notify = a.phase == ALERT_FIRING && !a.notified && !a.silenced_by.n && !a.inhibited_by.n &&
	                   !is_acked(&a, now) && !rule->is_being_told;
	state_put_later(state, class, &a);
	if (is_changed)
		tell_phase(rules, &a);
	if (must_notify) {
		rule->is_being_told = true;
		notify_send(rules->daemon->notify, &a);
	}
	arena_finish(&arena);
}

void rules_on_notified(struct rules *rules, const char *id, const char *outcome)
{
	const struct record_class *class = record_class(RECORD_ALERT);
	const struct alert *old = state_get(rules->daemon->state, class, id);
	for (struct rule_set *set = rules->sets; set; set = set->next)
		for (size_t i = 0; i < set->n_rules; i++)
			if (strcmp(set->rules[i].id, id) == 0)
				set->rules[i].is_being_told = false;
	if (!old)
		return;
	struct alert a = *old;
	a.notified = outcome;
	state_put_later(rules->daemon->state, class, &a);
	const struct alert *kept = state_get(rules->daemon->state, class, id);
	daemon_event(rules->daemon, kept->service, kept->environment, NULL, "notify", "%s: %s", kept->name, outcome);
}

/* ---- evaluation ---- */

static void evaluate_set(struct rules *rules, struct rule_set *set, bool *is_lively)
{
	struct fleet_count count;
	const struct own_target *t = fleet_target(rules->daemon->fleet, set->service, set->environment);
	if (!t)
		return;
	fleet_count(rules->daemon->fleet, set->service, set->environment, t->release, &count);
	struct rule_facts facts = {
		.is_known = count.ready + count.failing > 0 || t->is_stopped,
		.desired = t->is_stopped ? 0 : (int)t->desired,
		.ready = count.ready,
		.unhealthy = count.failing,
		.has_crash_loop = fleet_has_crash_loop(rules->daemon->fleet, set->service, set->environment, t->release),
	};
	int64_t mono = clock_mono_ms(), wall = clock_wall_ms();
	for (size_t i = 0; i < set->n_rules; i++) {
		struct rule *rule = &set->rules[i];
		bool is_changed = alert_rule_step(rule->what, &facts, set->history, mono, wall, &rule->state);
		*is_lively |= rule->state.phase == RULE_PENDING || rule->state.phase == RULE_FIRING;
		if (is_changed || rule->state.phase != RULE_INACTIVE)
			show_alert(rules, set, rule, is_changed);
	}
}

static void end_what_is_over(struct rules *rules, int64_t now)
{
	struct state *state = rules->daemon->state;
	const struct silence *s;
	const struct lock *l;
	for (size_t i = 0; (s = state_next(state, record_class(RECORD_SILENCE), &i));)
		if (s->ends_at && s->ends_at <= now)
			state_delete(state, record_class(RECORD_SILENCE), s->id, NULL);
	for (size_t i = 0; (l = state_next(state, record_class(RECORD_LOCK), &i));)
		if (l->until && l->until <= now) {
			struct str key = {0};
			record_key(record_class(RECORD_LOCK), l, &key);
			fleet_touch(rules->daemon->fleet, l->service, l->environment);
			state_delete(state, record_class(RECORD_LOCK), key.s, NULL);
			str_finish(&key);
		}
}

static void evaluate(void *arg)
{
	struct rules *rules = arg;
	bool is_lively = false;
	rules->is_due = false;
	rules->evaluated_at = clock_wall_ms();
	end_what_is_over(rules, rules->evaluated_at);
	for (struct rule_set *set = rules->sets; set; set = set->next)
		evaluate_set(rules, set, &is_lively);
	/* Scrapes wake it when there is news; this is for the time that passes by itself. */
	reactor_timer_set(rules->timer, is_lively ? 1000 : 5000);
}

void rules_touch(struct rules *rules)
{
	if (!rules || rules->is_due)
		return;
	rules->is_due = true;
	reactor_defer(rules->daemon->reactor, evaluate, rules);
}

static void add_sample(const struct promtext_sample *sample, void *arg)
{
	metric_history_add(arg, sample);
}

void rules_on_scrape(struct rules *rules, const char *service, const char *environment, const char *instance,
                     const char *text, size_t len)
{
	struct rule_set *set = rules_find(rules, service, environment);
	if (!set || !text)
		return;
	struct promtext parser = {.each = add_sample, .arg = set->history};
	metric_history_begin(set->history, instance, clock_mono_ms());
	promtext_feed(&parser, text, len);
	promtext_finish(&parser);
	metric_history_end(set->history);
	rules_touch(rules);
}

void rules_on_gone(struct rules *rules, const char *service, const char *environment, const char *instance)
{
	struct rule_set *set = rules_find(rules, service, environment);
	if (set)
		metric_history_forget(set->history, instance);
	rules_touch(rules);
}

bool rules_is_alert(const struct rules *rules, const char *service, const char *environment)
{
	const struct rule_set *set = rules_find(rules, service, environment);
	for (size_t i = 0; set && i < set->n_rules; i++)
		if (set->rules[i].state.phase == RULE_PENDING || set->rules[i].state.phase == RULE_FIRING)
			return true;
	return false;
}

int64_t rules_evaluated_at(const struct rules *rules)
{
	return rules->evaluated_at;
}

/* ---- life ---- */

struct rules *rules_new(struct daemon *daemon, struct err *err)
{
	(void)err;
	struct rules *rules = mem_alloc(sizeof(*rules));
	rules->daemon = daemon;
	rules->timer = reactor_timer_add(daemon->reactor, 1000, 0, evaluate, rules);
	return rules;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	reactor_defer_cancel(rules->daemon->reactor, rules);
	reactor_timer_remove(rules->timer);
	while (rules->sets) {
		struct rule_set *set = rules->sets;
		rules->sets = set->next;
		free_set(set);
	}
	free(rules);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

/* Kinds of events that change something; others are consequences (exits, probes, crash loops). */
static const char *const changing_events[] = {"scale", "config", "lock", "unlock", "approve", "migration"};

void timeline_init(struct timeline *t, int64_t from, int64_t to)
{
	*t = (struct timeline){.from = from, .to = to};
}

void timeline_finish(struct timeline *t)
{
	arena_finish(&t->arena);
	free(t->entries);
	*t = (struct timeline){0};
}

/* text and what are in the arena already. */
static void add(struct timeline *t, struct timeline_entry e)
{
	if (!e.time || e.time < t->from || e.time > t->to)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->entries = mem_grow(t->entries, t->cap, sizeof(*t->entries));
	}
	e.service = arena_dup(&t->arena, e.service);
	e.environment = arena_dup(&t->arena, e.environment);
	e.who = arena_dup(&t->arena, e.who);
	e.id = arena_dup(&t->arena, e.id);
	e.order = t->n;
	t->entries[t->n++] = e;
}

static const char *word(const char *text, const char *otherwise)
{
	return str_empty(text) ? otherwise : text;
}

/* What a deploy did, told by its result: "1.9.2", "rollback to 1.9.1", "restart". */
static const char *deploy_what(struct timeline *t, const struct deploy *d)
{
	if (str_eq(d->kind, "rollback"))
		return arena_printf(&t->arena, "rollback to %s", word(d->to, "the release before"));
	if (str_eq(d->kind, "restart") || str_eq(d->kind, "scale"))
		return arena_dup(&t->arena, d->kind);
	return arena_dup(&t->arena, word(d->to, "a deploy"));
}

int64_t timeline_cut_over(const struct deploy *d)
{
	const struct step *steps = d->steps.items;
	for (size_t i = 0; i < d->steps.n; i++)
		if (steps[i].state == STEP_DONE && str_starts(word(steps[i].name, ""), "cut"))
			return steps[i].ended_at ? steps[i].ended_at : steps[i].started_at;
	return 0;
}

static const char *deploy_end_text(struct timeline *t, const struct deploy *d, const char *what)
{
	static const char *const words[] = {
		[DEPLOY_RUNNING] = "runs",
		[DEPLOY_SUCCEEDED] = "is done",
		[DEPLOY_FAILED] = "failed",
		[DEPLOY_ROLLED_BACK] = "was rolled back",
		[DEPLOY_CANCELLED] = "was cancelled",
		[DEPLOY_UNKNOWN] = "ended, outcome unknown",
	};
	const char *how = (unsigned)d->state <= DEPLOY_UNKNOWN ? words[d->state] : words[DEPLOY_UNKNOWN];
	return str_empty(d->detail) ? arena_printf(&t->arena, "%s %s", what, how)
				    : arena_printf(&t->arena, "%s %s: %s", what, how, d->detail);
}

void timeline_add_deploy(struct timeline *t, const struct deploy *d)
{
	const char *what = deploy_what(t, d);
	int64_t cut = timeline_cut_over(d);
	struct timeline_entry e = {.service = d->service,
				   .environment = d->environment,
				   .who = d->by,
				   .id = d->id,
				   .what = what};
	e.kind = TIMELINE_DEPLOY;
	e.time = d->started_at;
	e.is_change = !cut;
	e.text = str_empty(d->from) || str_eq(d->kind, "restart") || str_eq(d->kind, "scale")
			 ? arena_printf(&t->arena, "%s begins", what)
			 : arena_printf(&t->arena, "%s begins, from %s", what, d->from);
	add(t, e);
	e.kind = TIMELINE_CUT_OVER;
	e.time = cut;
	e.is_change = true;
	e.text = arena_printf(&t->arena, "cut over to %s", word(d->to, "the new version"));
	add(t, e);
	e.kind = TIMELINE_DEPLOY_END;
	e.time = d->state == DEPLOY_RUNNING ? 0 : d->ended_at;
	e.is_change = false;
	e.text = deploy_end_text(t, d, what);
	add(t, e);
}

void timeline_add_event(struct timeline *t, const struct event *v)
{
	bool is_change = false;
	for (size_t i = 0; i < sizeof(changing_events) / sizeof(changing_events[0]); i++)
		is_change = is_change || str_eq(v->kind, changing_events[i]);
	const char *text = str_empty(v->instance)
				   ? arena_dup(&t->arena, word(v->text, word(v->kind, "event")))
				   : arena_printf(&t->arena, "%s: %s", v->instance,
						  word(v->text, word(v->kind, "event")));
	add(t, (struct timeline_entry){.time = v->time,
				       .kind = TIMELINE_EVENT,
				       .service = v->service,
				       .environment = v->environment,
				       .id = v->id,
				       .is_change = is_change,
				       .what = arena_dup(&t->arena, word(v->text, v->kind)),
				       .text = text});
}

void timeline_add_alert(struct timeline *t, const struct alert *a)
{
	struct timeline_entry e = {.service = a->service, .environment = a->environment, .id = a->id};
	const char *name = word(a->name, "alert");
	e.kind = TIMELINE_ALERT;
	e.time = a->starts_at;
	e.text = arena_printf(&t->arena, a->phase == ALERT_PENDING ? "%s is pending" : "%s fires", name);
	add(t, e);
	const struct ack *ack = a->acked.n ? a->acked.items : NULL;
	if (ack) {
		struct timeline_entry k = e;
		k.kind = TIMELINE_ACK;
		k.time = ack->at;
		k.who = ack->by;
		k.text = arena_printf(&t->arena, "%s acked", name);
		add(t, k);
	}
	e.time = a->phase == ALERT_RESOLVED ? a->ends_at : 0;
	e.text = arena_printf(&t->arena, "%s resolved", name);
	add(t, e);
}

void timeline_add_lock(struct timeline *t, const struct lock *l)
{
	add(t, (struct timeline_entry){
		       .time = l->at,
		       .kind = TIMELINE_LOCK,
		       .service = l->service,
		       .environment = l->environment,
		       .who = l->by,
		       .text = arena_printf(&t->arena, "locked: %s", word(l->reason, "no reason given"))});
}

void timeline_add_note(struct timeline *t, const struct note *n)
{
	add(t, (struct timeline_entry){.time = n->time,
				       .kind = TIMELINE_NOTE,
				       .service = n->service,
				       .environment = n->environment,
				       .who = n->by,
				       .id = n->id,
				       .text = arena_dup(&t->arena, word(n->text, ""))});
}

static int by_time(const void *a, const void *b)
{
	const struct timeline_entry *x = a, *y = b;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void timeline_sort(struct timeline *t)
{
	if (t->n > 1)
		qsort(t->entries, t->n, sizeof(*t->entries), by_time);
}

void timeline_span(int64_t ms, struct str *out)
{
	char span[CLOCK_TEXT];
	if (ms < 60000) {
		str_addf(out, "%lld s", (long long)((ms < 0 ? 0 : ms) + 500) / 1000);
		return;
	}
	clock_span(ms, span);
	str_add(out, span);
}

void timeline_alert_spans(const struct alert *a, int64_t now, struct str *out)
{
	const struct ack *ack = a->acked.n ? a->acked.items : NULL;
	bool is_over = a->phase == ALERT_RESOLVED && a->ends_at;
	if (!a->starts_at)
		return;
	if (!is_over) {
		str_addf(out, "%s for ", a->phase == ALERT_PENDING ? "pending" : "firing");
		timeline_span(now - a->starts_at, out);
		str_add(out, ", ");
	}
	if (ack) {
		str_add(out, "acked after ");
		timeline_span(ack->at - a->starts_at, out);
	} else {
		str_add(out, "not acked");
	}
	if (is_over) {
		str_add(out, ", resolved after ");
		timeline_span(a->ends_at - a->starts_at, out);
	}
}

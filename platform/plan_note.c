/* SPDX-License-Identifier: Apache-2.0 */
/* Actions on records alone: lock, unlock, ack, unack, silence, unsilence, note. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "platform/operate_row.h"
#include "platform/rules.h"
#include "platform/state.h"

#define NOTE_MAX 2000 /* bytes */
#define SILENCE_MAX_MS (30LL * 24 * 3600 * 1000)

static const char *or_all(const char *name)
{
	return name ? name : "all";
}

/* What the environment says must be there; a NULL service stands for all of them. */
static bool find_place(struct planning *p, bool is_service_needed, struct err *err)
{
	const struct wish *w = p->wish;
	if (is_service_needed && !w->service)
		return err_set(err, ERR_USAGE, "%s needs a service", w->action);
	if (w->service && !state_get(p->daemon->state, record_class(RECORD_SERVICE), w->service))
		return err_set(err, ERR_NOT_FOUND, "there is no service \"%.63s\"", w->service);
	if (w->environment && !state_get(p->daemon->state, record_class(RECORD_ENVIRONMENT), w->environment))
		return err_set(err, ERR_NOT_FOUND, "there is no environment \"%.63s\"", w->environment);
	return true;
}

static bool find_placement(struct planning *p, struct err *err)
{
	if (!p->wish->environment)
		return err_set(err, ERR_USAGE, "%s needs an environment", p->wish->action);
	return find_place(p, true, err);
}

static int64_t until_of(const struct wish *w, int64_t now)
{
	if (w->until)
		return w->until;
	return w->duration > 0 ? now + w->duration : 0;
}

/* ---- lock ---- */

static bool plan_lock_it(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	if (!find_placement(p, err))
		return false;
	const struct lock *old = state_getf(p->daemon->state, record_class(RECORD_LOCK), "%s/%s", w->service, w->environment);
	plan_basis(p, "lock %s;", old ? or_all(old->reason) : "none");
	if (old) {
		plan_lock(p, old->reason);
		plan_refuse(p, ERR_REFUSED, "%s in %s is locked already by %s: %s", w->service, w->environment,
		            or_all(old->by), or_all(old->reason));
	}
	char text[CLOCK_TEXT] = "";
	int64_t until = until_of(w, clock_wall_ms());
	if (until)
		clock_rfc3339(until, text);
	p->plan->title = arena_printf(p->arena, "lock %s in %s", w->service, w->environment);
	plan_change(p, "every change of %s in %s is refused %s%s: %s", w->service, w->environment,
	            until ? "until " : "until it is unlocked", text, w->reason);
	p->plan->equivalent = arena_printf(p->arena, "fairway lock %s --env %s --reason %s%s%s", w->service, w->environment,
	                                   plan_word(p, w->reason), until ? " --until " : "", text);
	return true;
}

static bool execute_lock(struct running *r, struct err *err)
{
	struct lock lock;
	record_init(record_class(RECORD_LOCK), &lock);
	lock.service = r->wish->service;
	lock.environment = r->wish->environment;
	lock.by = r->by;
	lock.reason = r->reason;
	lock.at = clock_wall_ms();
	lock.until = until_of(r->wish, lock.at);
	if (!state_put(r->daemon->state, record_class(RECORD_LOCK), &lock, err))
		return false;
	r->record.made = arena_printf(&r->arena, "lock/%s/%s", lock.service, lock.environment);
	operation_end(r, NULL, "%s in %s is locked", lock.service, lock.environment);
	return true;
}

static bool plan_unlock(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	if (!find_placement(p, err))
		return false;
	const struct lock *lock =
		state_getf(p->daemon->state, record_class(RECORD_LOCK), "%s/%s", w->service, w->environment);
	if (!lock)
		return err_set(err, ERR_NOT_FOUND, "%s in %s is not locked", w->service, w->environment);
	plan_basis(p, "lock %lld;", (long long)lock->at);
	plan_lock(p, or_all(lock->reason));
	p->plan->title = arena_printf(p->arena, "unlock %s in %s", w->service, w->environment);
	plan_change(p, "changes of %s in %s are allowed again; %s locked it: %s", w->service, w->environment,
	            or_all(lock->by), or_all(lock->reason));
	p->plan->equivalent = arena_printf(p->arena, "fairway unlock %s --env %s", w->service, w->environment);
	return true;
}

static bool execute_unlock(struct running *r, struct err *err)
{
	const char *key = arena_printf(&r->arena, "%s/%s", r->wish->service, r->wish->environment);
	if (!state_delete(r->daemon->state, record_class(RECORD_LOCK), key, err))
		return false;
	r->record.made = arena_printf(&r->arena, "placement/%s", key);
	operation_end(r, NULL, "%s in %s is unlocked", r->wish->service, r->wish->environment);
	return true;
}

/* ---- ack ---- */

static const struct alert *find_alert(const struct daemon *d, const struct wish *w, struct err *err)
{
	if (!w->alert) {
		err_set(err, ERR_USAGE, "%s needs an alert", w->action);
		return NULL;
	}
	const struct alert *alert = state_get(d->state, record_class(RECORD_ALERT), w->alert);
	if (!alert)
		err_set(err, ERR_NOT_FOUND, "there is no alert \"%.80s\"", w->alert);
	return alert;
}

static bool plan_ack(struct planning *p, struct err *err)
{
	const struct alert *alert = find_alert(p->daemon, p->wish, err);
	if (!alert)
		return false;
	bool is_ack = str_eq(p->wish->action, "ack");
	p->plan->service = arena_dup(p->arena, alert->service);
	p->plan->environment = arena_dup(p->arena, alert->environment);
	p->plan->title = arena_printf(p->arena, "%s %s of %s in %s", p->wish->action, alert->name, or_all(alert->service),
	                              or_all(alert->environment));
	plan_basis(p, "acked %d;", (int)alert->acked.n);
	if (is_ack)
		plan_change(p, "%s is shown as seen by %s; it goes on firing", alert->name, p->by);
	else
		plan_change(p, "%s counts as unseen again", alert->name);
	p->plan->equivalent = arena_printf(p->arena, "fairway %s %s", p->wish->action, alert->id);
	return true;
}

static bool set_ack(struct running *r, const struct ack *ack, struct err *err)
{
	const struct alert *old = find_alert(r->daemon, r->wish, err);
	if (!old)
		return false;
	struct alert alert = *old;
	alert.acked = (struct parts){ack, ack ? 1 : 0};
	r->record.made = arena_printf(&r->arena, "alert/%s", r->wish->alert);
	return state_put(r->daemon->state, record_class(RECORD_ALERT), &alert, err);
}

static bool execute_ack(struct running *r, struct err *err)
{
	int64_t now = clock_wall_ms();
	struct ack ack = {.by = r->by, .at = now, .until = until_of(r->wish, now),
	                  .where = "noted on this platform: its team is not notified of it again"};
	if (!set_ack(r, &ack, err))
		return false;
	operation_end(r, NULL, "acked by %s", r->by);
	return true;
}

static bool execute_unack(struct running *r, struct err *err)
{
	if (!set_ack(r, NULL, err))
		return false;
	operation_end(r, NULL, "not acked any more");
	return true;
}

static bool undo_ack(struct running *r, struct err *err)
{
	return set_ack(r, NULL, err);
}

/* ---- silence ---- */

static bool plan_silence(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	if (!find_place(p, false, err))
		return false;
	int64_t now = clock_wall_ms(), until = until_of(w, now);
	if (!until || until <= now || until - now > SILENCE_MAX_MS)
		return err_set(err, ERR_USAGE, "a silence ends: say for how long, at most 30 days");
	if (!w->service && !w->environment && !w->alert)
		return err_set(err, ERR_USAGE, "a silence of everything is refused: name a service, an environment or an alert");
	char span[CLOCK_TEXT];
	clock_span(until - now, span);
	p->plan->title = arena_printf(p->arena, "silence %s in %s for %s", or_all(w->service), or_all(w->environment), span);
	int n = 0;
	const struct alert *a;
	for (size_t i = 0; (a = state_next(p->daemon->state, record_class(RECORD_ALERT), &i));)
		n += a->phase == ALERT_FIRING && (!w->service || str_eq(w->service, a->service)) &&
		     (!w->environment || str_eq(w->environment, a->environment)) && (!w->alert || str_eq(w->alert, a->name));
	plan_change(p, "nobody is notified of %s of %s in %s for %s; %d firing now match", w->alert ? w->alert : "alerts",
	            or_all(w->service), or_all(w->environment), span, n);
	p->plan->equivalent =
		arena_printf(p->arena, "fairway silence%s%s%s%s --for %lldm --reason %s", w->service ? " --service " : "",
	                     w->service ? w->service : "", w->environment ? " --env " : "",
	                     w->environment ? w->environment : "", (long long)(until - now + 59999) / 60000,
		             plan_word(p, w->reason));
	return true;
}

static bool execute_silence(struct running *r, struct err *err)
{
	struct silence silence;
	record_init(record_class(RECORD_SILENCE), &silence);
	silence.id = arena_printf(&r->arena, "s%lld", (long long)state_serial(r->daemon->state, "silence"));
	silence.service = r->wish->service;
	silence.environment = r->wish->environment;
	silence.alert = r->wish->alert;
	silence.by = r->by;
	silence.reason = r->reason;
	silence.starts_at = clock_wall_ms();
	silence.ends_at = until_of(r->wish, silence.starts_at);
	if (!state_put(r->daemon->state, record_class(RECORD_SILENCE), &silence, err))
		return false;
	r->undo = silence.id;
	r->record.made = arena_printf(&r->arena, "silence/%s", silence.id);
	rules_touch(r->daemon->rules);
	operation_end(r, NULL, "silenced as %s", silence.id);
	return true;
}

static bool undo_made(struct running *r, struct err *err)
{
	bool is_note = str_eq(r->record.action, "note");
	rules_touch(r->daemon->rules);
	return state_delete(r->daemon->state, record_class(is_note ? RECORD_NOTE : RECORD_SILENCE), r->undo, err);
}

/* The silence of that id (wish.text), or those of exactly that service and environment. */
static bool is_meant(const struct silence *s, const struct wish *w)
{
	if (w->text)
		return str_eq(w->text, s->id);
	return str_eq(w->service, s->service) && str_eq(w->environment, s->environment);
}

static bool plan_unsilence(struct planning *p, struct err *err)
{
	const struct silence *s;
	for (size_t i = 0; (s = state_next(p->daemon->state, record_class(RECORD_SILENCE), &i));) {
		if (!is_meant(s, p->wish))
			continue;
		plan_basis(p, "%s;", s->id);
		plan_change(p, "silence %s by %s ends: %s", s->id, or_all(s->by), or_all(s->reason));
	}
	if (!p->n_changes)
		return err_set(err, ERR_NOT_FOUND, "there is no such silence");
	p->plan->title = arena_printf(p->arena, "end %zu silence%s", p->n_changes, p->n_changes == 1 ? "" : "s");
	p->plan->equivalent = NULL;
	return true;
}

static bool execute_unsilence(struct running *r, struct err *err)
{
	struct state *state = r->daemon->state;
	const struct silence *s;
	for (size_t i = 0; (s = state_next(state, record_class(RECORD_SILENCE), &i));)
		if (is_meant(s, r->wish) && !state_delete(state, record_class(RECORD_SILENCE), s->id, err))
			return false;
	rules_touch(r->daemon->rules);
	operation_end(r, NULL, "not silenced any more");
	return true;
}

/* ---- note ---- */

static bool plan_note(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	if (!find_place(p, false, err))
		return false;
	if (str_empty(w->text) || strlen(w->text) > NOTE_MAX)
		return err_set(err, ERR_USAGE, "a note is a text of at most %d bytes", NOTE_MAX);
	p->plan->title = arena_printf(p->arena, "note on %s", w->service ? w->service : or_all(w->environment));
	plan_change(p, "the timeline gets: %s", w->text);
	if (w->service)
		p->plan->equivalent = arena_printf(p->arena, "fairway note %s %s%s%s", w->service, plan_word(p, w->text),
		                                   w->environment ? " --env " : "", w->environment ? w->environment : "");
	return true;
}

static bool execute_note(struct running *r, struct err *err)
{
	struct note note;
	record_init(record_class(RECORD_NOTE), &note);
	note.id = arena_printf(&r->arena, "n%lld", (long long)state_serial(r->daemon->state, "note"));
	note.time = clock_wall_ms();
	note.service = r->wish->service;
	note.environment = r->wish->environment;
	note.alert = r->wish->alert;
	note.by = r->by;
	note.text = r->wish->text;
	if (!state_put(r->daemon->state, record_class(RECORD_NOTE), &note, err))
		return false;
	r->undo = note.id;
	r->record.made = arena_printf(&r->arena, "note/%s", note.id);
	operation_end(r, NULL, "noted");
	return true;
}

const struct operate_row plan_note_rows[] = {
	{"lock", plan_lock_it, execute_lock, NULL},
	{"unlock", plan_unlock, execute_unlock, NULL},
	{"ack", plan_ack, execute_ack, undo_ack},
	{"unack", plan_ack, execute_unack, NULL},
	{"silence", plan_silence, execute_silence, undo_made},
	{"unsilence", plan_unsilence, execute_unsilence, NULL},
	{"note", plan_note, execute_note, undo_made},
	{NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/deploy_record.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "platform/daemon.h"
#include "platform/deploy.h"
#include "platform/operate.h"
#include "platform/own.h"
#include "platform/release.h"
#include "platform/state.h"

/* A copy of the record to change; its steps lie beside it. */
struct draft {
	struct deploy deploy;
	struct step steps[ROLLOUT_STEPS];
};

static const struct record_class *deploy_class(void)
{
	return record_class(RECORD_DEPLOY);
}

static bool draft_open(struct draft *t, const struct daemon *d, const char *id, struct err *err)
{
	const struct deploy *now = state_get(d->state, deploy_class(), id);
	if (!now)
		return err_set(err, ERR_NOT_FOUND, "the journal of deploy %s is gone", id);
	t->deploy = *now;
	size_t n = now->steps.n < ROLLOUT_STEPS ? now->steps.n : ROLLOUT_STEPS;
	memcpy(t->steps, now->steps.items, n * sizeof(*t->steps));
	t->deploy.steps = (struct parts){t->steps, n};
	return true;
}

/* failure: of a deploy that is over without success. */
static void tell(struct daemon *d, const char *id, enum err_kind failure)
{
	const struct deploy *now = state_get(d->state, deploy_class(), id);
	if (now && d->operate)
		operate_on_deploy(d->operate, now, failure);
}

static bool draft_put(struct draft *t, struct daemon *d, const char *id, struct err *err)
{
	t->deploy.base.as_of = clock_wall_ms();
	if (!state_put(d->state, deploy_class(), &t->deploy, err))
		return false;
	tell(d, id, ERR_FAILED);
	return true;
}

static void step_set(struct draft *t, enum rollout_step step, enum step_state state, const char *detail)
{
	struct step *s = &t->steps[step];
	int64_t now = clock_wall_ms();
	if (state == STEP_RUNNING && !s->started_at)
		s->started_at = now;
	if ((state == STEP_DONE || state == STEP_FAILED) && !s->ended_at)
		s->ended_at = now;
	s->state = (int)state;
	if (detail)
		s->detail = detail;
}

/* In the commit that ends the one before: the same order on the disk, and half the commits. */
static void step_set_next(struct draft *t)
{
	for (size_t i = 0; i < t->deploy.steps.n; i++)
		if (t->steps[i].state == STEP_RUNNING || t->steps[i].state == STEP_WAITING) {
			step_set(t, (enum rollout_step)i, STEP_RUNNING, NULL);
			return;
		}
}

const struct deploy *deploy_record_new(struct daemon *d, const struct deploy_wish *w,
				       const struct release *release, int64_t from_release,
				       const char *folder, struct err *err)
{
	struct draft t = {0};
	struct own_rollout j;
	char id[32];
	const struct release *from = release_get(d->releases, w->service, from_release);
	snprintf(id, sizeof(id), "d%lld", (long long)state_serial(d->state, "deploy"));
	record_init(deploy_class(), &t.deploy);
	t.deploy.id = id;
	t.deploy.service = w->service;
	t.deploy.environment = w->environment;
	t.deploy.from = from ? from->version : NULL;
	t.deploy.to = release ? release->version : w->version;
	t.deploy.release = release ? release->number : RECORD_NONE;
	t.deploy.state = DEPLOY_RUNNING;
	t.deploy.kind = w->kind;
	t.deploy.by = w->by;
	t.deploy.reason = w->reason;
	t.deploy.trigger = w->trigger;
	t.deploy.started_at = t.deploy.base.as_of = clock_wall_ms();
	for (int i = 0; i < ROLLOUT_BACK; i++)
		t.steps[i] = (struct step){.name = rollout_step_names[i], .state = STEP_WAITING};
	if (release)
		t.steps[ROLLOUT_BUILD].state = STEP_SKIPPED;
	t.deploy.steps = (struct parts){t.steps, ROLLOUT_BACK};
	step_set_next(&t);
	record_init(own_class(OWN_ROLLOUT), &j);
	j.id = id;
	j.service = w->service;
	j.environment = w->environment;
	j.from_release = from_release;
	j.watch_ms = w->watch_ms;
	j.version = w->version;
	j.folder = folder;
	j.despite_bad = w->despite_bad;
	if (!state_begin(d->state, err))
		return NULL;
	bool is_put = state_put(d->state, deploy_class(), &t.deploy, err) &&
		      state_put(d->state, own_class(OWN_ROLLOUT), &j, err);
	if (!is_put)
		state_abort(d->state);
	if (!is_put || !state_commit(d->state, err))
		return NULL;
	tell(d, id, ERR_FAILED);
	return state_get(d->state, deploy_class(), id);
}

enum rollout_step deploy_record_step(const struct deploy *d)
{
	const struct step *steps = d->steps.items;
	for (size_t i = 0; i < d->steps.n && i < ROLLOUT_STEPS; i++)
		if (steps[i].state == STEP_WAITING || steps[i].state == STEP_RUNNING)
			return (enum rollout_step)i;
	return ROLLOUT_WATCH;
}

bool deploy_record_begin(struct daemon *d, const char *id, enum rollout_step step, struct err *err)
{
	struct draft t;
	if (!draft_open(&t, d, id, err))
		return false;
	if (t.steps[step].state == STEP_RUNNING)
		return true;
	step_set(&t, step, STEP_RUNNING, NULL);
	return draft_put(&t, d, id, err);
}

bool deploy_record_done(struct daemon *d, const char *id, enum rollout_step step)
{
	struct draft t;
	if (!draft_open(&t, d, id, NULL))
		return false;
	step_set(&t, step, STEP_DONE, NULL);
	step_set_next(&t);
	return draft_put(&t, d, id, NULL);
}

bool deploy_record_release(struct daemon *d, const char *id, const struct release *release, struct err *err)
{
	struct draft t;
	if (!draft_open(&t, d, id, err))
		return false;
	t.deploy.release = release->number;
	t.deploy.to = release->version;
	return draft_put(&t, d, id, err);
}

bool deploy_record_plan(struct daemon *d, const char *id, int64_t count, int64_t watch_ms, struct err *err)
{
	const struct own_rollout *now = state_get(d->state, own_class(OWN_ROLLOUT), id);
	if (!now)
		return err_set(err, ERR_FAILED, "the journal of deploy %s is gone", id);
	struct own_rollout j = *now;
	j.count = count;
	j.watch_ms = watch_ms;
	return state_put(d->state, own_class(OWN_ROLLOUT), &j, err);
}

bool deploy_record_watch(struct daemon *d, const char *id, int64_t ms, struct err *err)
{
	struct draft t;
	char span[CLOCK_TEXT], detail[CLOCK_TEXT + 4];
	if (!draft_open(&t, d, id, err))
		return false;
	t.deploy.watch_until = clock_wall_ms() + ms;
	clock_span(ms, span);
	snprintf(detail, sizeof(detail), "for %s", span);
	step_set(&t, ROLLOUT_WATCH, STEP_RUNNING, detail);
	return draft_put(&t, d, id, err);
}

bool deploy_record_back(struct daemon *d, const char *id, enum rollout_step failed, const char *why)
{
	struct draft t;
	if (!draft_open(&t, d, id, NULL))
		return false;
	step_set(&t, failed, STEP_FAILED, why);
	for (int i = (int)failed + 1; i < ROLLOUT_BACK; i++)
		t.steps[i].state = STEP_SKIPPED;
	t.steps[ROLLOUT_BACK] =
		(struct step){.name = rollout_step_names[ROLLOUT_BACK], .state = STEP_WAITING};
	t.deploy.steps.n = ROLLOUT_STEPS;
	step_set_next(&t);
	t.deploy.detail = why;
	return draft_put(&t, d, id, NULL);
}

static bool end(struct daemon *d, const char *id, enum rollout_step last, enum deploy_state state,
		const char *detail, enum err_kind failure)
{
	struct draft t;
	struct err err;
	bool is_good = state == DEPLOY_SUCCEEDED || (state == DEPLOY_ROLLED_BACK && last == ROLLOUT_BACK);
	if (!draft_open(&t, d, id, NULL))
		return false;
	step_set(&t, last, is_good ? STEP_DONE : state == DEPLOY_FAILED ? STEP_FAILED : STEP_SKIPPED, detail);
	for (size_t i = 0; i < t.deploy.steps.n; i++)
		if (t.steps[i].state == STEP_WAITING || t.steps[i].state == STEP_RUNNING)
			t.steps[i].state = STEP_SKIPPED;
	t.deploy.state = (int)state;
	t.deploy.ended_at = clock_wall_ms();
	if (detail)
		t.deploy.detail = detail;
	if (!state_begin(d->state, &err))
		return false;
	bool is_put = state_put(d->state, deploy_class(), &t.deploy, &err) &&
		      state_delete(d->state, own_class(OWN_ROLLOUT), id, &err);
	if (!is_put)
		state_abort(d->state);
	if (!is_put || !state_commit(d->state, &err))
		return false;
	tell(d, id, failure);
	return true;
}

bool deploy_record_end(struct daemon *d, const char *id, enum rollout_step last, enum deploy_state state,
		       const char *detail)
{
	return end(d, id, last, state, detail, ERR_FAILED);
}

bool deploy_record_fail(struct daemon *d, const char *id, enum rollout_step last, const struct err *why)
{
	return end(d, id, last, DEPLOY_FAILED, why->text, why->kind);
}

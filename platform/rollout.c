/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/rollout.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"

const char *const rollout_step_names[ROLLOUT_STEPS] = {
	"build", "start", "healthy", "cut over", "drain", "watch", "roll back",
};

static void done(struct rollout_answer *a)
{
	a->verdict = ROLLOUT_NEXT;
}

/* Looks again at the latest when the step has lasted that long. */
static void wait_until(struct rollout_answer *a, const struct rollout_facts *f, int64_t ms)
{
	a->verdict = ROLLOUT_WAIT;
	a->wait_ms = ms > f->in_step_ms ? ms - f->in_step_ms : 0;
}

static void fail(struct rollout_answer *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct rollout_answer *a, const char *fmt, ...)
{
	va_list ap;
	a->verdict = ROLLOUT_FAIL;
	va_start(ap, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, ap);
	va_end(ap);
}

static void judge_build(const struct rollout_facts *f, struct rollout_answer *a)
{
	if (f->has_release)
		done(a);
	else
		a->wait_ms = -1; /* the build tells */
}

static void judge_start(const struct rollout_facts *f, struct rollout_answer *a)
{
	(void)f;
	done(a);
}

static void judge_healthy(const struct rollout_facts *f, struct rollout_answer *a)
{
	if (f->ready >= f->count)
		done(a);
	else if (f->failing)
		fail(a, "%s", str_empty(f->reason) ? "an instance of it fails" : f->reason);
	else if (f->in_step_ms >= ROLLOUT_READY_MS)
		fail(a, "%d of %d instances were ready after %d s%s%s", f->ready, f->count,
		     ROLLOUT_READY_MS / 1000, str_empty(f->reason) ? "" : ": ",
		     str_empty(f->reason) ? "" : f->reason);
	else
		wait_until(a, f, ROLLOUT_READY_MS);
}

static void judge_cut_over(const struct rollout_facts *f, struct rollout_answer *a)
{
	if (!f->has_route || f->is_in_force)
		done(a);
	else if (f->in_step_ms >= ROLLOUT_ROUTE_MS)
		fail(a, "the relay did not take up the new routes within %d s", ROLLOUT_ROUTE_MS / 1000);
	else
		wait_until(a, f, ROLLOUT_ROUTE_MS);
}

static void judge_drain(const struct rollout_facts *f, struct rollout_answer *a)
{
	if (!f->has_old || !f->old_alive) {
		a->ends_old = f->has_old;
		done(a);
		return;
	}
	a->ends_old = f->draining == 0 || f->in_step_ms >= ROLLOUT_DRAIN_MS;
	if (f->in_step_ms >= ROLLOUT_DRAIN_MS + ROLLOUT_END_MS)
		done(a); /* the fleet goes on ending them */
	else
		wait_until(a, f, a->ends_old ? ROLLOUT_DRAIN_MS + ROLLOUT_END_MS : ROLLOUT_DRAIN_MS);
}

static void judge_watch(const struct rollout_facts *f, struct rollout_answer *a)
{
	if (f->failing) {
		fail(a, "%s", str_empty(f->reason) ? "an instance of it fails" : f->reason);
		return;
	}
	a->wait_ms = f->watch_left_ms;
	if (f->watch_left_ms > 0)
		return;
	a->wait_ms = f->watch_left_ms + ROLLOUT_SETTLE_MS;
	if (f->ready >= f->count)
		done(a);
	else if (a->wait_ms <= 0)
		fail(a, "%d of %d instances are ready at the end of the watch%s%s", f->ready, f->count,
		     str_empty(f->reason) ? "" : ": ", str_empty(f->reason) ? "" : f->reason);
}

/* The old ones come up beside the failing ones, take the requests, then the failing ones end. Its act is
 * repeated until all of that is so; ends_old: the release that failed may be stopped. */
static void judge_back(const struct rollout_facts *f, struct rollout_answer *a)
{
	bool is_up = f->old_ready > 0 && f->old_ready >= f->count;
	bool is_over = is_up && (!f->has_route || (f->is_in_force && f->draining == 0));
	a->ends_old = is_over || (is_up && f->in_step_ms >= ROLLOUT_READY_MS + ROLLOUT_DRAIN_MS);
	if (a->ends_old)
		done(a);
	else if (!is_up && f->in_step_ms >= ROLLOUT_READY_MS)
		fail(a, "the release before did not become ready again within %d s either%s%s",
		     ROLLOUT_READY_MS / 1000, str_empty(f->reason) ? "" : ": ",
		     str_empty(f->reason) ? "" : f->reason);
	else
		wait_until(a, f, is_up ? ROLLOUT_READY_MS + ROLLOUT_DRAIN_MS : ROLLOUT_READY_MS);
}

void rollout_judge(enum rollout_step step, const struct rollout_facts *f, struct rollout_answer *a)
{
	static void (*const judges[ROLLOUT_STEPS])(const struct rollout_facts *, struct rollout_answer *) = {
		[ROLLOUT_BUILD] = judge_build,     [ROLLOUT_START] = judge_start,
		[ROLLOUT_HEALTHY] = judge_healthy, [ROLLOUT_CUT_OVER] = judge_cut_over,
		[ROLLOUT_DRAIN] = judge_drain,     [ROLLOUT_WATCH] = judge_watch,
		[ROLLOUT_BACK] = judge_back,
	};
	*a = (struct rollout_answer){.verdict = ROLLOUT_WAIT};
	judges[step](f, a);
}

bool rollout_goes_back(enum rollout_step failed, const struct rollout_facts *f, const char **reason)
{
	*reason = NULL;
	if (failed < ROLLOUT_CUT_OVER || failed == ROLLOUT_BACK)
		return false;
	if (!f->has_old)
		*reason = "there is no good release before it to go back to";
	else if (f->migrations > 0)
		*reason = "it brought database migrations: roll back by hand with --past-migration";
	return !*reason;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/supervise.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"

#define WAIT_MIN_MS 250
#define WAIT_MAX_MS 30000
#define STEADY_MS 30000      /* an instance that stayed up this long starts the count anew */
#define LOOP_WINDOW_MS 60000
#define JITTER_PERCENT 20

/* ---- the decision ---- */

static int64_t with_jitter(int64_t ms, uint32_t random)
{
	int64_t span = ms * JITTER_PERCENT / 100;
	return ms - span + (int64_t)random * (2 * span) / UINT32_MAX;
}

struct supervise_verdict supervise_exited(struct supervise *s, int64_t now_ms, int64_t up_ms, uint32_t random)
{
	if (up_ms >= STEADY_MS)
		*s = (struct supervise){0};
	s->exits[s->n_exits++ % SUPERVISE_EXITS] = now_ms;
	s->streak++;
	/* the oldest of the last five lies where the next one will go */
	bool is_loop = s->n_exits >= SUPERVISE_EXITS &&
	               now_ms - s->exits[s->n_exits % SUPERVISE_EXITS] <= LOOP_WINDOW_MS;
	int64_t wait = WAIT_MIN_MS;
	for (unsigned i = 1; i < s->streak && wait < WAIT_MAX_MS; i++)
		wait *= 2;
	if (is_loop || wait > WAIT_MAX_MS)
		wait = WAIT_MAX_MS;
	return (struct supervise_verdict){.wait_ms = with_jitter(wait, random), .is_crash_loop = is_loop};
}

/* ---- the glue ---- */

/* A slot that is wanted. */
struct ward {
	struct ward *next;
	struct supervisor *owner;
	char *id;
	struct supervise policy;
	struct reactor_timer *timer;
	int64_t started_ms; /* monotonic; 0: it did not come to run since the last exit */
	int64_t due_ms;
	unsigned restarts;
	bool is_crash_loop;
};

struct supervisor {
	struct reactor *reactor;
	struct slots *slots;
	struct supervisor_events events;
	void *arg;
	struct ward *wards;
};

struct supervisor *supervisor_new(struct reactor *r, struct slots *slots,
                                  const struct supervisor_events *events, void *arg)
{
	struct supervisor *s = mem_alloc(sizeof(*s));
	*s = (struct supervisor){.reactor = r, .slots = slots, .events = *events, .arg = arg};
	return s;
}

static void ward_free(struct ward *w)
{
	reactor_timer_remove(w->timer);
	free(w->id);
	free(w);
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	for (struct ward *w = s->wards, *next; w; w = next) {
		next = w->next;
		ward_free(w);
	}
	free(s);
}

static struct ward *ward_find(const struct supervisor *s, const char *id)
{
	for (struct ward *w = s->wards; w; w = w->next)
		if (strcmp(w->id, id) == 0)
			return w;
	return NULL;
}

static uint32_t random_bits(void)
{
	uint32_t bits = 0;
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
		return UINT32_MAX / 2; /* early in the boot: no jitter is better than no restart */
	return bits;
}

/* The last thing that is done with the ward: the event may end it. */
static void wait_for_start(struct ward *w)
{
	const struct supervisor *s = w->owner;
	int64_t now = clock_mono_ms();
	struct supervise_verdict v =
		supervise_exited(&w->policy, now, w->started_ms ? now - w->started_ms : 0, random_bits());
	w->started_ms = 0;
	w->is_crash_loop = v.is_crash_loop;
	w->due_ms = now + v.wait_ms;
	reactor_timer_set(w->timer, v.wait_ms);
	if (s->events.waiting)
		s->events.waiting(w->id, v.wait_ms, v.is_crash_loop, s->arg);
}

static void on_due(void *arg)
{
	struct ward *w = arg;
	struct supervisor *s = w->owner;
	struct err err = {0};
	struct slot_info info;
	if (slot_info(s->slots, w->id, &info) && info.phase != SLOT_EMPTY && info.phase != SLOT_EXITED)
		return; /* somebody else started it; its exit comes to us */
	w->restarts++;
	if (slot_start_again(s->slots, w->id, &err))
		return;
	char *id = mem_dup(w->id); /* the event may end the ward */
	if (s->events.failed)
		s->events.failed(id, &err, s->arg);
	w = ward_find(s, id);
	if (w)
		wait_for_start(w);
	free(id);
}

static struct ward *ward_get(struct supervisor *s, const char *id)
{
	struct ward *w = ward_find(s, id);
	if (w)
		return w;
	w = mem_alloc(sizeof(*w));
	*w = (struct ward){.owner = s, .id = mem_dup(id), .next = s->wards};
	w->timer = reactor_timer_add(s->reactor, -1, 0, on_due, w);
	s->wards = w;
	return w;
}

/* True when something lives in the slot; it is then wanted as it is. */
static bool is_alive(struct supervisor *s, const char *id, struct ward *w)
{
	struct slot_info info;
	if (!slot_info(s->slots, id, &info) || info.phase == SLOT_EMPTY || info.phase == SLOT_EXITED)
		return false;
	if (!w->started_ms && info.started_at > 0) {
		int64_t up = clock_wall_ms() - info.started_at;
		w->started_ms = clock_mono_ms() - (up > 0 ? up : 0);
	}
	return true;
}

static struct ward *want(struct supervisor *s, const char *id)
{
	struct ward *w = ward_get(s, id);
	w->is_crash_loop = false;
	reactor_timer_set(w->timer, -1);
	return w;
}

bool supervisor_want(struct supervisor *s, const struct slot_spec *spec, struct err *err)
{
	struct ward *w = want(s, spec->id);
	if (is_alive(s, spec->id, w))
		return true;
	w->policy = (struct supervise){0};
	return slot_start(s->slots, spec, err);
}

bool supervisor_want_again(struct supervisor *s, const char *id, struct err *err)
{
	struct ward *w = want(s, id);
	return is_alive(s, id, w) || slot_start_again(s->slots, id, err);
}

void supervisor_unwant(struct supervisor *s, const char *id)
{
	struct ward **at = &s->wards;
	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	struct ward *w = *at;
	if (!w)
		return;
	*at = w->next;
	ward_free(w);
}

void supervisor_on_started(struct supervisor *s, const char *id)
{
	struct ward *w = ward_find(s, id);
	if (w)
		w->started_ms = clock_mono_ms();
}

void supervisor_on_exited(struct supervisor *s, const char *id, const struct slot_exit *e)
{
	struct ward *w = ward_find(s, id);
	(void)e; /* a service that should run has no good way to end */
	if (w)
		wait_for_start(w);
}

struct supervisor_state supervisor_state(const struct supervisor *s, const char *id)
{
	const struct ward *w = ward_find(s, id);
	if (!w)
		return (struct supervisor_state){.next_start_ms = -1};
	bool is_steady = w->started_ms && clock_mono_ms() - w->started_ms >= STEADY_MS;
	int64_t left = reactor_timer_is_set(w->timer) ? w->due_ms - clock_mono_ms() : -1;
	return (struct supervisor_state){.is_wanted = true,
	                                 .is_crash_loop = w->is_crash_loop && !is_steady,
	                                 .restarts = w->restarts,
	                                 .next_start_ms = left < -1 ? 0 : left};
}

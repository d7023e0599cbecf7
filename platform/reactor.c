/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/reactor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

#define BATCH 64
#define NOT_SET SIZE_MAX

struct reactor_fd {
	struct reactor *reactor;
	struct reactor_fd *next, *prev;
	int fd;
	bool is_polled; /* in the epoll set; a paused one is taken out, since epoll tells hang-ups always */
	bool is_removed;
	void (*ready)(int fd, unsigned events, void *arg);
	void *arg;
};

struct reactor_timer {
	struct reactor *reactor;
	int64_t at_ms, every_ms;
	uint64_t turn;  /* the turn that set it: a timer set by a callback waits for the next turn */
	size_t place;   /* in the heap, or NOT_SET */
	void (*fired)(void *arg);
	void *arg;
};

struct deferred {
	void (*call)(void *arg); /* NULL: cancelled */
	void *arg;
};

struct reactor {
	int epoll;
	bool is_stopped;
	uint64_t turn, wakeups;
	struct reactor_fd *fds, *removed; /* removed: freed when no event of this turn can name them */
	struct reactor_timer **heap;
	size_t n_timers, cap_timers;
	struct deferred *deferred;
	size_t n_deferred, cap_deferred;
};

struct reactor *reactor_new(struct err *err)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0) {
		err_errno(err, ERR_FAILED, errno, "cannot make an event queue");
		return NULL;
	}
	struct reactor *r = mem_alloc(sizeof(*r));
	r->epoll = epoll;
	return r;
}

static void free_removed(struct reactor *r)
{
	while (r->removed) {
		struct reactor_fd *f = r->removed;
		r->removed = f->next;
		free(f);
	}
}

void reactor_free(struct reactor *r)
{
	if (!r)
		return;
	free_removed(r);
	while (r->fds)
		reactor_fd_remove(r->fds);
	free_removed(r);
	for (size_t i = 0; i < r->n_timers; i++)
		free(r->heap[i]);
	free(r->heap);
	free(r->deferred);
	close(r->epoll);
	free(r);
}

/* ---- descriptors ---- */

static bool poll_set(struct reactor_fd *f, unsigned events, struct err *err)
{
	struct epoll_event e = {
		.events = (events & REACTOR_READ ? EPOLLIN : 0u) | (events & REACTOR_WRITE ? EPOLLOUT : 0u),
		.data.ptr = f,
	};
	int op = !events ? EPOLL_CTL_DEL : f->is_polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	if (!events && !f->is_polled)
		return true;
	if (epoll_ctl(f->reactor->epoll, op, f->fd, &e) < 0)
		return err_errno(err, ERR_FAILED, errno, "cannot watch descriptor %d", f->fd);
	f->is_polled = events != 0;
	return true;
}

struct reactor_fd *reactor_fd_add(struct reactor *r, int fd, unsigned events,
                                  void (*ready)(int fd, unsigned events, void *arg), void *arg,
                                  struct err *err)
{
	struct reactor_fd *f = mem_alloc(sizeof(*f));
	*f = (struct reactor_fd){.reactor = r, .fd = fd, .ready = ready, .arg = arg};
	if (!poll_set(f, events, err)) {
		free(f);
		return NULL;
	}
	f->next = r->fds;
	if (r->fds)
		r->fds->prev = f;
	r->fds = f;
	return f;
}

void reactor_fd_watch(struct reactor_fd *f, unsigned events)
{
	poll_set(f, events, NULL);
}

void reactor_fd_remove(struct reactor_fd *f)
{
	if (!f)
		return;
	struct reactor *r = f->reactor;
	poll_set(f, 0, NULL);
	if (f->prev)
		f->prev->next = f->next;
	else
		r->fds = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->is_removed = true;
	f->next = r->removed;
	r->removed = f;
}

/* ---- timers: a binary heap by time ---- */

static void heap_put(struct reactor *r, size_t i, struct reactor_timer *t)
{
	r->heap[i] = t;
	t->place = i;
}

static void heap_up(struct reactor *r, size_t i)
{
	struct reactor_timer *t = r->heap[i];
	for (; i > 0 && r->heap[(i - 1) / 2]->at_ms > t->at_ms; i = (i - 1) / 2)
		heap_put(r, i, r->heap[(i - 1) / 2]);
	heap_put(r, i, t);
}

static void heap_down(struct reactor *r, size_t i)
{
	struct reactor_timer *t = r->heap[i];
	for (size_t child; (child = 2 * i + 1) < r->n_timers; i = child) {
		if (child + 1 < r->n_timers && r->heap[child + 1]->at_ms < r->heap[child]->at_ms)
			child++;
		if (r->heap[child]->at_ms >= t->at_ms)
			break;
		heap_put(r, i, r->heap[child]);
	}
	heap_put(r, i, t);
}

static void heap_take(struct reactor_timer *t)
{
	struct reactor *r = t->reactor;
	size_t i = t->place;
	if (i == NOT_SET)
		return;
	t->place = NOT_SET;
	struct reactor_timer *last = r->heap[--r->n_timers];
	if (last == t)
		return;
	heap_put(r, i, last);
	heap_down(r, i);
	heap_up(r, last->place);
}

void reactor_timer_set(struct reactor_timer *t, int64_t after_ms)
{
	struct reactor *r = t->reactor;
	heap_take(t);
	if (after_ms < 0)
		return;
	int64_t now = clock_mono_ms();
	t->at_ms = after_ms > INT64_MAX - now ? INT64_MAX : now + after_ms;
	t->turn = r->turn;
	if (r->n_timers == r->cap_timers) {
		r->cap_timers = r->cap_timers ? 2 * r->cap_timers : 16;
		r->heap = mem_grow(r->heap, r->cap_timers, sizeof(struct reactor_timer *));
	}
	r->n_timers++;
	heap_put(r, r->n_timers - 1, t);
	heap_up(r, r->n_timers - 1);
}

struct reactor_timer *reactor_timer_add(struct reactor *r, int64_t after_ms, int64_t every_ms,
                                        void (*fired)(void *arg), void *arg)
{
	struct reactor_timer *t = mem_alloc(sizeof(*t));
	*t = (struct reactor_timer){
		.reactor = r, .every_ms = every_ms, .place = NOT_SET, .fired = fired, .arg = arg};
	reactor_timer_set(t, after_ms);
	return t;
}

bool reactor_timer_is_set(const struct reactor_timer *t)
{
	return t->place != NOT_SET;
}

void reactor_timer_remove(struct reactor_timer *t)
{
	if (!t)
		return;
	heap_take(t);
	free(t);
}

/* ---- deferred calls ---- */

void reactor_defer(struct reactor *r, void (*call)(void *arg), void *arg)
{
	if (r->n_deferred == r->cap_deferred) {
		r->cap_deferred = r->cap_deferred ? 2 * r->cap_deferred : 16;
		r->deferred = mem_grow(r->deferred, r->cap_deferred, sizeof(r->deferred[0]));
	}
	r->deferred[r->n_deferred++] = (struct deferred){call, arg};
}

void reactor_defer_cancel(struct reactor *r, const void *arg)
{
	for (size_t i = 0; i < r->n_deferred; i++)
		if (r->deferred[i].arg == arg)
			r->deferred[i].call = NULL;
}

static void run_deferred(struct reactor *r)
{
	/* the array may grow and move while it is walked */
	for (size_t i = 0; i < r->n_deferred; i++) {
		struct deferred d = r->deferred[i];
		r->deferred[i].call = NULL;
		if (d.call)
			d.call(d.arg);
	}
	r->n_deferred = 0;
}

/* ---- the loop ---- */

static int wait_ms(const struct reactor *r, int64_t max_wait_ms)
{
	int64_t wait = max_wait_ms;
	if (r->n_timers) {
		int64_t due = r->heap[0]->at_ms - clock_mono_ms();
		if (due < 0)
			due = 0;
		if (wait < 0 || due < wait)
			wait = due;
	}
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

static void run_timers(struct reactor *r)
{
	int64_t now = clock_mono_ms();
	while (r->n_timers && r->heap[0]->at_ms <= now) {
		struct reactor_timer *t = r->heap[0];
		if (t->turn == r->turn)
			break; /* set by a callback of this turn: the descriptors come first */
		if (t->every_ms > 0)
			reactor_timer_set(t, t->every_ms);
		else
			heap_take(t);
		t->fired(t->arg); /* may remove t */
		run_deferred(r);
	}
}

static void run_event(struct reactor *r, const struct epoll_event *e)
{
	struct reactor_fd *f = e->data.ptr;
	if (f->is_removed || !f->is_polled)
		return;
	unsigned events = (e->events & EPOLLIN ? REACTOR_READ : 0u) |
	                  (e->events & EPOLLOUT ? REACTOR_WRITE : 0u) |
	                  (e->events & (EPOLLHUP | EPOLLERR) ? REACTOR_HANGUP : 0u);
	f->ready(f->fd, events, f->arg);
	run_deferred(r);
}

bool reactor_turn(struct reactor *r, int64_t max_wait_ms)
{
	struct epoll_event events[BATCH];
	run_deferred(r);
	if (r->is_stopped)
		return false;
	int wait = wait_ms(r, max_wait_ms);
	int n = epoll_wait(r->epoll, events, BATCH, wait);
	if (wait != 0)
		r->wakeups++;
	r->turn++;
	for (int i = 0; i < n && !r->is_stopped; i++)
		run_event(r, &events[i]);
	if (!r->is_stopped)
		run_timers(r);
	free_removed(r);
	return !r->is_stopped;
}

void reactor_run(struct reactor *r)
{
	r->is_stopped = false;
	while (reactor_turn(r, -1))
		;
}

void reactor_stop(struct reactor *r)
{
	r->is_stopped = true;
}

uint64_t reactor_wakeups(const struct reactor *r)
{
	return r->wakeups;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/loop.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

struct watched_fd {
	int fd;
	void (*ready)(int fd, void *arg);
	void *arg;
};
struct loop {
	CURLM *multi;
	struct loop_timer *timers; /* sorted by time: there are a few dozen at most */
	struct curl_waitfd *waits;
	struct watched_fd *fds;
	size_t n_fds;
};

struct loop *loop_new(struct err *err)
{
	struct loop *l = mem_alloc(sizeof(*l));
	l->multi = curl_multi_init();
	if (!l->multi) {
		err_set(err, ERR_FAILED, "libcurl could not be set up");
		free(l);
		return NULL;
	}
	return l;
}

void loop_wake(struct loop *l)
{
	curl_multi_wakeup(l->multi);
}

void *loop_curl(struct loop *l)
{
	return l->multi;
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	if (!t->is_set)
		return;
	struct loop_timer **at = &l->timers;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->is_set = false;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t after_ms, void (*due)(void *arg), void *arg)
{
	loop_timer_clear(l, t);
	*t = (struct loop_timer){.at = clock_mono_ms() + after_ms, .due = due, .arg = arg, .is_set = true};
	struct loop_timer **at = &l->timers;
	while (*at && (*at)->at <= t->at)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

void loop_fd_watch(struct loop *l, int fd, short events, void (*ready)(int fd, void *arg), void *arg)
{
	l->waits = mem_grow(l->waits, l->n_fds + 1, sizeof(*l->waits));
	l->fds = mem_grow(l->fds, l->n_fds + 1, sizeof(*l->fds));
	l->waits[l->n_fds] = (struct curl_waitfd){.fd = fd, .events = events};
	l->fds[l->n_fds++] = (struct watched_fd){fd, ready, arg};
}

void loop_fd_forget(struct loop *l, int fd)
{
	for (size_t i = 0; i < l->n_fds; i++) {
		if (l->fds[i].fd != fd)
			continue;
		l->n_fds--;
		l->fds[i] = l->fds[l->n_fds];
		l->waits[i] = l->waits[l->n_fds];
		return;
	}
}

/* A callback may forget any descriptor, its own too, so the walk goes backwards and looks again each time. */
static void serve_fds(struct loop *l)
{
	for (size_t i = l->n_fds; i-- > 0;) {
		if (i >= l->n_fds || !l->waits[i].revents)
			continue;
		l->waits[i].revents = 0;
		l->fds[i].ready(l->fds[i].fd, l->fds[i].arg);
	}
}

static void serve_timers(struct loop *l)
{
	int64_t now = clock_mono_ms();
	while (l->timers && l->timers->at <= now) {
		struct loop_timer *t = l->timers;
		l->timers = t->next;
		t->is_set = false;
		t->due(t->arg);
	}
}

static void serve_transfers(struct loop *l)
{
	int left;
	CURLMsg *m;
	while ((m = curl_multi_info_read(l->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		CURL *easy = m->easy_handle;
		CURLcode code = m->data.result; /* m dies with the next call */
		struct loop_transfer *transfer = NULL;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
		curl_multi_remove_handle(l->multi, easy);
		transfer->finished(transfer, (int)code);
	}
}

void loop_step(struct loop *l, int max_ms)
{
	int running;
	curl_multi_perform(l->multi, &running);
	serve_transfers(l);
	int64_t wait = max_ms < 0 ? 60000 : max_ms;
	if (l->timers) {
		int64_t due = l->timers->at - clock_mono_ms();
		wait = due < 0 ? 0 : due < wait ? due : wait;
	}
	for (size_t i = 0; i < l->n_fds; i++)
		l->waits[i].revents = 0;
	curl_multi_poll(l->multi, l->waits, (unsigned)l->n_fds, (int)wait, NULL);
	serve_fds(l);
	serve_timers(l);
	curl_multi_perform(l->multi, &running);
	serve_transfers(l);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	serve_timers(l); /* cancelled transfers wait there for their release */
	curl_multi_cleanup(l->multi);
	free(l->waits);
	free(l->fds);
	free(l);
}

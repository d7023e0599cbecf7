/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/promtext.h"
#include "platform/daemon.h"
#include "platform/fleet.h"
#include "platform/reactor.h"
#include "platform/rules.h"

#define CALM_MS 4000   /* below HISTORY_FRESH_MS: a calm instance must not look blind */
#define HURRY_MS 1000
#define RAISE_MS 150   /* until it was ready once */
#define HURRY_FOR_MS 15000
#define TIMEOUT_MS 1000
#define BODY_MAX 4096  /* of an answer to a health probe: shown as the reason */
#define RETRY_ROUNDS 2 /* a probe that fails must fail twice before an instance is unhealthy */

enum asked { ASK_HEALTH, ASK_READY, ASK_METRICS, ASK_COUNT };

struct request {
	struct request *next;
	struct probes *probes;
	struct target *target; /* NULL: of probes_request() */
	enum asked what;
	CURL *easy;
	struct str body;
	bool is_too_big;
	char error[CURL_ERROR_SIZE];
	void (*done)(int status, void *arg);
	void *arg;
};
struct target {
	struct target *next;
	char *slot, *service, *environment, *paths[ASK_COUNT];
	uint16_t port;
	pid_t pid;
	int64_t watched_at, grace_ms, timeout_ms, due, hurry_until;
	int pending, failures;
	bool was_ready, is_owner_known;
	int status[ASK_COUNT]; /* HTTP status of this round; 0: no answer */
	char why[ASK_COUNT][120];
};
struct probes {
	struct daemon *daemon;
	CURLM *multi;
	struct reactor_timer *curl_timer, *round_timer;
	struct target *targets;
	struct request *requests;
	bool is_reaping;
};

/* ---- curl in the reactor ---- */

static void finish_request(struct request *r, CURLcode code);

static void reap(struct probes *p)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(p->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		struct request *r;
		CURLcode code = message->data.result; /* the message dies with its handle */
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		finish_request(r, code);
	}
}

static void on_socket(int fd, unsigned events, void *arg)
{
	struct probes *p = arg;
	int running, bits = 0;
	if (events & REACTOR_READ)
		bits |= CURL_CSELECT_IN;
	if (events & REACTOR_WRITE)
		bits |= CURL_CSELECT_OUT;
	if (events & REACTOR_HANGUP)
		bits |= CURL_CSELECT_ERR;
	curl_multi_socket_action(p->multi, fd, bits, &running);
	reap(p);
}

static void on_curl_timer(void *arg)
{
	struct probes *p = arg;
	int running;
	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(p);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watch)
{
	(void)easy;
	struct probes *p = arg;
	struct reactor_fd *old = watch;
	if (what == CURL_POLL_REMOVE) {
		if (old)
			reactor_fd_remove(old);
		curl_multi_assign(p->multi, fd, NULL);
		return 0;
	}
	unsigned events = (what & CURL_POLL_IN ? REACTOR_READ : 0) | (what & CURL_POLL_OUT ? REACTOR_WRITE : 0);
	if (old)
		reactor_fd_watch(old, events);
	else
		curl_multi_assign(p->multi, fd, reactor_fd_add(p->daemon->reactor, fd, events, on_socket, p, NULL));
	return 0;
}

static int set_curl_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	struct probes *p = arg;
	reactor_timer_set(p->curl_timer, ms);
	return 0;
}

/* ---- requests ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	size_t len = size * n, max = r->what == ASK_METRICS ? PROMTEXT_MAX_BYTES : BODY_MAX;
	if (r->body.len + len > max) {
		r->is_too_big = true;
		return r->what == ASK_METRICS ? 0 : len; /* the rest of a health answer does not matter */
	}
	str_addn(&r->body, bytes, len);
	return len;
}

static struct request *start(struct probes *p, const char *url, int64_t timeout_ms)
{
	struct request *r = mem_alloc(sizeof(*r));
	r->probes = p;
	r->easy = curl_easy_init();
	if (!r->easy)
		mem_exhausted();
	curl_easy_setopt(r->easy, CURLOPT_URL, url);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(r->easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(r->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "fairway-probe/1");
	curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	r->next = p->requests;
	p->requests = r;
	return r;
}

static void free_request(struct request *r)
{
	for (struct request **at = &r->probes->requests; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	curl_multi_remove_handle(r->probes->multi, r->easy);
	curl_easy_cleanup(r->easy);
	str_finish(&r->body);
	free(r);
}

static void end_round(struct probes *p, struct target *t);

static void note_answer(struct request *r, int status)
{
	struct target *t = r->target;
	char *why = t->why[r->what];
	t->status[r->what] = status;
	if (status == 0)
		snprintf(why, sizeof(t->why[0]), "%s: %.90s", t->paths[r->what], r->error[0] ? r->error : "no answer");
	else
		snprintf(why, sizeof(t->why[0]), "%s answers %d", t->paths[r->what], status);
	if (r->what != ASK_METRICS)
		return;
	bool is_good = status == 200 && !r->is_too_big;
	rules_on_scrape(r->probes->daemon->rules, t->service, t->environment, t->slot,
	                is_good ? str_text(&r->body) : NULL, r->body.len);
}

static void finish_request(struct request *r, CURLcode code)
{
	long status = 0;
	struct probes *p = r->probes;
	struct target *t = r->target;
	if (code == CURLE_OK)
		curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t)
		note_answer(r, (int)status);
	void (*done)(int, void *) = r->done;
	void *arg = r->arg;
	free_request(r);
	if (done)
		done((int)status, arg);
	if (t && --t->pending == 0)
		end_round(p, t);
}

/* ---- rounds ---- */

static bool is_good(int status)
{
	return status >= 200 && status < 400;
}

static void judge(struct target *t, struct fleet_health *h)
{
	int64_t age = clock_mono_ms() - t->watched_at;
	bool is_alive = !t->paths[ASK_HEALTH] || is_good(t->status[ASK_HEALTH]);
	*h = (struct fleet_health){.is_known = true};
	if (is_alive && t->port && !t->is_owner_known) {
		pid_t other;
		t->is_owner_known = probe_listener_is_of(t->port, t->pid, &other);
		if (!t->is_owner_known) {
			is_alive = false;
			if (other)
				snprintf(h->reason, sizeof(h->reason), "port %d is taken by process %d", t->port, (int)other);
			else
				snprintf(h->reason, sizeof(h->reason), "nothing of it listens at port %d", t->port);
		}
	}
	bool is_ready = is_alive && (!t->paths[ASK_READY] || is_good(t->status[ASK_READY]));
	t->failures = is_alive ? 0 : t->failures + 1;
	if (!is_alive && !h->reason[0])
		str_copy(h->reason, sizeof(h->reason), t->why[ASK_HEALTH]);
	if (is_alive && !is_ready)
		str_copy(h->reason, sizeof(h->reason), t->why[ASK_READY]);
	h->is_ready = is_ready;
	h->is_healthy = is_alive;
	/* Young ones are given time; one lost answer is no illness. */
	if (!is_alive && !t->was_ready && age < t->grace_ms)
		h->is_known = false;
	else if (!is_alive && t->was_ready && t->failures < RETRY_ROUNDS)
		h->is_healthy = h->is_ready = true;
	t->was_ready |= is_ready;
}

static int64_t next_due(const struct probes *p, const struct target *t, int64_t now)
{
	/* Multiples of the interval: all that are calm are asked in the same wake-up. */
	if (!t->was_ready)
		return (now / RAISE_MS + 1) * RAISE_MS;
	if (!t->port)
		return INT64_MAX; /* its exit is told by the slots */
	bool is_hurry = now < t->hurry_until || t->failures || rules_is_alert(p->daemon->rules, t->service, t->environment);
	int64_t interval = is_hurry ? HURRY_MS : CALM_MS;
	return (now / interval + 1) * interval;
}

static void set_round_timer(struct probes *p)
{
	int64_t due = INT64_MAX, now = clock_mono_ms();
	for (const struct target *t = p->targets; t; t = t->next)
		if (!t->pending && t->due < due)
			due = t->due;
	reactor_timer_set(p->round_timer, due == INT64_MAX ? -1 : due > now ? due - now : 0);
}

static void end_round(struct probes *p, struct target *t)
{
	struct fleet_health health;
	judge(t, &health);
	t->due = next_due(p, t, clock_mono_ms());
	set_round_timer(p);
	fleet_on_probe(p->daemon->fleet, t->slot, &health); /* may forget t */
}

static void ask(struct probes *p, struct target *t)
{
	char url[400];
	for (int what = 0; what < ASK_COUNT; what++) {
		t->status[what] = 0;
		/* An instance that does not answer yet has no metrics: not a gap, and nothing to scrape. */
		if (!t->paths[what] || !t->port || (what == ASK_METRICS && !t->was_ready))
			continue;
		snprintf(url, sizeof(url), "http://127.0.0.1:%d%.300s", t->port, t->paths[what]);
		struct request *r = start(p, url, t->timeout_ms);
		r->target = t;
		r->what = (enum asked)what;
		t->pending++;
		curl_multi_add_handle(p->multi, r->easy);
	}
}

static struct target *find_due(struct probes *p, int64_t now)
{
	for (struct target *t = p->targets; t; t = t->next)
		if (!t->pending && t->due <= now)
			return t;
	return NULL;
}

static void on_round(void *arg)
{
	struct probes *p = arg;
	int64_t now = clock_mono_ms();
	for (struct target *t; (t = find_due(p, now));) {
		ask(p, t);
		if (!t->pending) /* nothing to ask of it: judged by its life and its listener */
			end_round(p, t);
	}
	set_round_timer(p);
}

/* ---- public ---- */

static void free_target(struct target *t)
{
	free(t->slot);
	free(t->service);
	free(t->environment);
	for (int i = 0; i < ASK_COUNT; i++)
		free(t->paths[i]);
	free(t);
}

void probes_forget(struct probes *p, const char *slot)
{
	for (struct target **at = &p->targets; *at; at = &(*at)->next) {
		struct target *t = *at;
		if (strcmp(t->slot, slot) != 0)
			continue;
		*at = t->next;
		for (struct request *r = p->requests, *next; r; r = next) {
			next = r->next;
			if (r->target == t)
				free_request(r);
		}
		free_target(t);
		return;
	}
}

void probes_watch(struct probes *p, const struct probe_target *wanted)
{
	probes_forget(p, wanted->slot);
	struct target *t = mem_alloc(sizeof(*t));
	t->slot = mem_dup(wanted->slot);
	t->service = mem_dup(wanted->service);
	t->environment = mem_dup(wanted->environment);
	t->paths[ASK_HEALTH] = mem_dup(wanted->health);
	if (!str_eq(wanted->ready, wanted->health))
		t->paths[ASK_READY] = mem_dup(wanted->ready);
	t->paths[ASK_METRICS] = mem_dup(wanted->metrics);
	t->port = wanted->port;
	t->pid = wanted->pid;
	t->grace_ms = wanted->grace_ms;
	t->timeout_ms = wanted->timeout_ms ? wanted->timeout_ms : TIMEOUT_MS;
	t->watched_at = t->due = clock_mono_ms();
	t->hurry_until = t->watched_at + HURRY_FOR_MS;
	t->next = p->targets;
	p->targets = t;
	set_round_timer(p);
}

void probes_hurry(struct probes *p, const char *service, const char *environment)
{
	int64_t now = clock_mono_ms();
	for (struct target *t = p->targets; t; t = t->next) {
		if (!str_eq(t->service, service) || !str_eq(t->environment, environment))
			continue;
		t->hurry_until = now + HURRY_FOR_MS;
		if (t->due > next_due(p, t, now))
			t->due = next_due(p, t, now);
	}
	set_round_timer(p);
}

void probes_request(struct probes *p, const char *url, void (*done)(int status, void *arg), void *arg)
{
	struct request *r = start(p, url, TIMEOUT_MS);
	r->what = ASK_HEALTH;
	r->done = done;
	r->arg = arg;
	curl_multi_add_handle(p->multi, r->easy);
}

void probes_request_cancel(struct probes *p, const void *arg)
{
	for (struct request *r = p->requests, *next; r; r = next) {
		next = r->next;
		if (!r->target && r->arg == arg)
			free_request(r);
	}
}

struct probes *probes_new(struct daemon *daemon, struct err *err)
{
	struct probes *p = mem_alloc(sizeof(*p));
	p->daemon = daemon;
	curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_for_malloc, free, mem_for_realloc, mem_for_strdup, mem_for_calloc);
	p->multi = curl_multi_init();
	if (!p->multi) {
		free(p);
		err_set(err, ERR_FAILED, "the probes cannot be set up");
		return NULL;
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, set_curl_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, 128L);
	p->curl_timer = reactor_timer_add(daemon->reactor, -1, 0, on_curl_timer, p);
	p->round_timer = reactor_timer_add(daemon->reactor, -1, 0, on_round, p);
	return p;
}

void probes_free(struct probes *p)
{
	if (!p)
		return;
	while (p->requests)
		free_request(p->requests);
	while (p->targets)
		probes_forget(p, p->targets->slot);
	curl_multi_cleanup(p->multi);
	reactor_timer_remove(p->curl_timer);
	reactor_timer_remove(p->round_timer);
	free(p);
	curl_global_cleanup();
}

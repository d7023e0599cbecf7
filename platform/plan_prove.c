/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove: that a service's alert reaches its owner. A fault is put into one instance (its fault file says
 * errors=1), real requests go to the service's stable address until its error alert fires and its team was
 * told; then the fault goes. The fault is recorded before it is injected: a daemon that finds one without its
 * operation takes it back.
 */
#include <cJSON.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "platform/fleet.h"
#include "platform/operate_row.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/probe.h"
#include "platform/prove.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/rules.h"
#include "platform/state.h"

#define METRICS_MS 60000 /* a sample that young says that the service is scraped */
#define PROVE_MS 180000  /* beyond the alert's own window and wait */
#define REQUEST_MS 50
#define REQUESTS_AT_ONCE 8
#define REQUESTS_TRIED 10

struct proof {
	struct running *running;
	struct daemon *daemon;
	char *slot, *alert, *url;
	struct reactor_timer *timer;
	int64_t started, deadline; /* monotonic */
	int in_flight;
	bool has_fired;
	int64_t requests, errors;
};

static void write_fault(struct daemon *d, const char *slot, const char *text)
{
	char *folder = place_path(d->place, "slots/%s", slot);
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		if (text)
			file_replace(dir, "fault", text, strlen(text), false, NULL);
		else
			unlinkat(dir, "fault", 0);
		close(dir);
	}
	free(folder);
}

static void take_back(struct daemon *d, const char *slot)
{
	write_fault(d, slot, NULL);
	state_delete(d->state, own_class(OWN_FAULT), slot, NULL);
}

void prove_clean(struct daemon *d)
{
	const struct own_fault *f;
	for (size_t i = 0; (f = state_next(d->state, own_class(OWN_FAULT), &i));) {
		daemon_log(d, "the fault in %s is taken back: nobody waits for it", f->slot);
		take_back(d, f->slot);
	}
}

static void end(struct proof *p, const struct err *err, const char *text)
{
	char *sentence = mem_dup(text);
	struct running *r = p->running;
	take_back(p->daemon, p->slot);
	operation_step(r, "take the fault back", STEP_DONE, NULL);
	probes_request_cancel(p->daemon->probes, p);
	reactor_timer_remove(p->timer);
	free(p->slot);
	free(p->alert);
	free(p->url);
	free(p);
	operation_end(r, err, "%s", sentence);
	free(sentence);
}

static void fail(struct proof *p, const char *text)
{
	struct err err;
	err_set(&err, ERR_FAILED, "%s", text);
	end(p, &err, err.text);
}

static void answered(int status, void *arg)
{
	struct proof *p = arg;
	p->in_flight--;
	p->requests++;
	p->errors += status >= 500;
}

static void look(struct proof *p)
{
	const struct alert *a = state_get(p->daemon->state, record_class(RECORD_ALERT), p->alert);
	char span[CLOCK_TEXT], text[300];
	clock_span(clock_mono_ms() - p->started, span);
	bool is_firing = a && a->phase == ALERT_FIRING && a->starts_at;
	if (is_firing && !p->has_fired) {
		p->has_fired = true;
		snprintf(text, sizeof(text), "%s fires after %s", a->name, span);
		operation_step(p->running, "the alert fires", STEP_DONE, text);
		operation_step(p->running, "its team is told", STEP_RUNNING, NULL);
		operation_tell(p->running);
	}
	if (is_firing && a->notified) {
		bool is_told = strstr(a->notified, ": delivered") != NULL;
		operation_step(p->running, "its team is told", is_told ? STEP_DONE : STEP_FAILED,
			       a->notified);
		snprintf(text, sizeof(text), "%s fired and reached its owner after %s: %.150s", a->name, span,
			 a->notified);
		if (is_told)
			end(p, NULL, text);
		else
			fail(p, a->notified);
		return;
	}
	if (clock_mono_ms() >= p->deadline) {
		snprintf(text, sizeof(text), "the alert did not fire within %s: %lld requests, %lld errors",
			 span, (long long)p->requests, (long long)p->errors);
		fail(p, text);
	}
}

static void on_timer(void *arg)
{
	struct proof *p = arg;
	/* Where "/" is no page of the service, asking for it proves nothing and thins its share of errors:
	 * then the requests of others must do. */
	bool is_of_use = p->requests < REQUESTS_TRIED || p->errors > 0;
	if (is_of_use && p->in_flight < REQUESTS_AT_ONCE) {
		p->in_flight++;
		probes_request(p->daemon->probes, p->url, answered, p);
	}
	look(p);
}

/* The rule that a fault of errors must fire, and the alert's id from its record's name. */
static const struct service_alert *error_rule(const struct service_file *f)
{
	for (size_t i = 0; i < f->n_alerts; i++)
		if (f->alerts[i].when == WHEN_ERROR_RATIO)
			return &f->alerts[i];
	return NULL;
}

static const char *ready_slot(const struct daemon *d, const struct wish *w)
{
	const struct instance *i;
	for (size_t at = 0; (i = state_next(d->state, record_class(RECORD_INSTANCE), &at));)
		if (i->is_ready && str_eq(i->service, w->service) && str_eq(i->environment, w->environment))
			return i->id;
	return NULL;
}

/* ---- what must be seen before a fault is worth injecting ---- */

struct seen { /* of the placement that is proved */
	struct daemon *daemon;
	const struct wish *wish;
	const struct service_file *file;
	const char *slot, *url;
	int64_t release;
	char text[300]; /* what was seen, or why not */
};

static bool see_answer(struct seen *s)
{
	snprintf(s->text, sizeof(s->text), "%s is ready behind %s", s->slot, s->url);
	return true; /* a ready instance answered its readiness probe, and owns its listener */
}

static bool see_metrics(struct seen *s)
{
	struct err err = {0};
	cJSON *series = rules_series(s->daemon->rules, s->wish->service, s->wish->environment, "request_rate",
				     clock_wall_ms() - METRICS_MS, &err);
	int n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(series, "points"));
	cJSON_Delete(series);
	snprintf(s->text, sizeof(s->text),
		 n ? "%d samples in the last minute" : "no sample of it was scraped yet", n);
	return n > 0;
}

static bool see_logs(struct seen *s)
{
	int64_t bytes = 0;
	char *folder = place_path(s->daemon->place, "slots/%s", s->slot);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat st;
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, "raw.", 4) == 0 &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += st.st_size;
	if (dir)
		closedir(dir);
	free(folder);
	snprintf(s->text, sizeof(s->text), bytes ? "%lld bytes of %s" : "nothing came from it yet",
		 (long long)bytes, s->slot);
	return bytes > 0;
}

static bool see_runbook(struct seen *s)
{
	const char *name = service_file_runbook(s->file, error_rule(s->file)->name);
	char *folder = release_folder(s->daemon->releases, s->wish->service, s->release);
	int dir = name ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct stat st;
	bool is_there = dir >= 0 && fstatat(dir, name, &st, 0) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
	if (dir >= 0)
		close(dir);
	free(folder);
	snprintf(s->text, sizeof(s->text), "%s%s", name ? name : "its alert names none",
		 name && !is_there ? " is missing" : "");
	return is_there;
}

static const struct {
	const char *name;
	bool (*see)(struct seen *);
} checks[] = {
	{"it answers", see_answer},
	{"metrics are scraped", see_metrics},
	{"logs arrive", see_logs},
	{"its runbook is there", see_runbook},
};

static bool see_all(struct running *r, struct seen *s, struct err *err)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		bool is_seen = checks[i].see(s);
		operation_step(r, checks[i].name, is_seen ? STEP_DONE : STEP_FAILED, s->text);
		if (!is_seen)
			return err_set(err, ERR_FAILED, "%s: %.200s", checks[i].name, s->text);
	}
	return true;
}

static bool plan_prove(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	if (!w->service || !w->environment)
		return err_set(err, ERR_USAGE, "prove needs a service and an environment");
	const struct own_target *t = fleet_target(p->daemon->fleet, w->service, w->environment);
	if (!t || t->release == RECORD_NONE)
		return err_set(err, ERR_NOT_FOUND, "nothing of %s runs in %s", w->service, w->environment);
	struct service_file file = {0};
	if (!release_file(p->daemon->releases, w->service, t->release, &file, err))
		return false;
	const struct service_alert *rule = error_rule(&file);
	if (!rule)
		plan_refuse(p, ERR_REFUSED, "%s has no alert on its error ratio", w->service);
	if (!ready_slot(p->daemon, w))
		plan_refuse(p, ERR_REFUSED, "no instance of %s in %s is ready", w->service, w->environment);
	plan_basis(p, "release %lld;", (long long)t->release);
	p->plan->title = arena_printf(p->arena, "prove the alert of %s in %s", w->service, w->environment);
	plan_change(p, "one instance answers errors until %s fires and its team was told",
		    rule ? rule->name : "the alert");
	plan_warn(p, "whoever uses %s in %s meanwhile meets these errors", w->service, w->environment);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		plan_step(p, checks[i].name);
	plan_step(p, "inject a fault");
	plan_step(p, "the alert fires");
	plan_step(p, "its team is told");
	plan_step(p, "take the fault back");
	service_file_finish(&file);
	return true;
}

static bool record_fault(struct running *r, const char *slot, struct err *err)
{
	struct own_fault fault;
	record_init(own_class(OWN_FAULT), &fault);
	fault.slot = slot;
	fault.operation = r->record.id;
	fault.at = clock_wall_ms();
	return state_put(r->daemon->state, own_class(OWN_FAULT), &fault, err);
}

static bool execute_prove(struct running *r, struct err *err)
{
	struct daemon *d = r->daemon;
	const struct wish *w = r->wish;
	const struct own_target *t = fleet_target(d->fleet, w->service, w->environment);
	const char *slot = ready_slot(d, w);
	struct service_file file = {0};
	char url[64], id[17];
	if (!t || !slot)
		return err_set(err, ERR_REFUSED, "no instance of %s in %s is ready", w->service,
			       w->environment);
	if (!release_file(d->releases, w->service, t->release, &file, err) || !record_fault(r, slot, err)) {
		service_file_finish(&file);
		return false;
	}
	const struct service_alert *rule = error_rule(&file);
	fleet_url(d->fleet, w->service, w->environment, url, sizeof(url));
	struct seen seen = {
		.daemon = d, .wish = w, .file = &file, .slot = slot, .url = url, .release = t->release};
	if (!see_all(r, &seen, err)) {
		state_delete(d->state, own_class(OWN_FAULT), slot, NULL);
		service_file_finish(&file);
		return false;
	}
	rules_fingerprint(w->service, w->environment, rule->name, id);
	struct proof *p = mem_alloc(sizeof(*p));
	p->running = r;
	p->daemon = d;
	p->slot = mem_dup(slot);
	p->alert = mem_dup(id);
	p->url = mem_dup(arena_printf(&r->arena, "%s/", url));
	p->started = clock_mono_ms();
	p->deadline = p->started + PROVE_MS + rule->window_ms + rule->for_ms;
	p->timer = reactor_timer_add(d->reactor, REQUEST_MS, REQUEST_MS, on_timer, p);
	r->task = p;
	write_fault(d, slot, "errors=1\n");
	operation_step(r, "inject a fault", STEP_DONE, slot);
	operation_step(r, "the alert fires", STEP_RUNNING, NULL);
	service_file_finish(&file);
	operation_tell(r);
	return true;
}

void prove_stop(struct running *r)
{
	struct proof *p = r->task;
	if (p && !r->record.ended_at)
		fail(p, "the platform was ended");
}

const struct operate_row plan_prove_rows[] = {
	{"prove", plan_prove, execute_prove, NULL},
	{NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/api.h"
#include "platform/audit.h"
#include "platform/demo.h"
#include "platform/deploy.h"
#include "platform/fleet.h"
#include "platform/keeper.h"
#include "platform/notify.h"
#include "platform/operate.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/probe.h"
#include "platform/prove.h"
#include "platform/reactor.h"
#include "platform/release.h"
#include "platform/routes.h"
#include "platform/rules.h"
#include "platform/slot.h"
#include "platform/state.h"
#include "platform/supervise.h"
#include "platform/up.h"

#define FLUSH_MS 250
#define EVENTS_KEPT 2000
#define DEPLOYS_KEPT 500
#define END_LOOK_MS 50
#define END_MS 20000 /* services that are still there then were sent SIGKILL long ago */
#define LOCK_WAIT_MS 2000

struct life { /* of this process */
	struct daemon daemon;
	struct place place;
	struct reactor_timer *flush, *ending;
	struct reactor_fd *signals;
	int signal_fd, lock_fd, status;
	int64_t end_by; /* monotonic */
	bool is_ending;
};

/* ---- what modules tell each other through the daemon ---- */

void daemon_log(struct daemon *d, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	log_line(d->log, LOG_WARNING, "%s", str_text(&text));
	str_finish(&text);
}

void daemon_event(struct daemon *d, const char *service, const char *environment, const char *instance, const char *kind,
                  const char *fmt, ...)
{
	struct str text = {0};
	char id[24];
	struct event e;
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	record_init(record_class(RECORD_EVENT), &e);
	snprintf(id, sizeof(id), "e%lld", (long long)state_serial(d->state, "event"));
	e.id = id;
	e.time = clock_wall_ms();
	e.service = service;
	e.environment = environment;
	e.instance = instance;
	e.kind = kind;
	e.text = str_text(&text);
	state_put_later(d->state, record_class(RECORD_EVENT), &e);
	str_finish(&text);
}

static void on_started(const char *id, pid_t pid, void *arg)
{
	(void)pid;
	struct daemon *d = arg;
	supervisor_on_started(d->supervisor, id);
	fleet_on_started(d->fleet, id);
}

static void on_exited(const char *id, const struct slot_exit *how, void *arg)
{
	struct daemon *d = arg;
	/* First the fleet: it learns how it ended before it learns when the next start is. */
	fleet_on_exited(d->fleet, id, how);
	supervisor_on_exited(d->supervisor, id, how);
}

static void on_log_grew(const char *id, void *arg)
{
	api_on_log(arg, id);
}

static void on_log_stalled(const char *id, bool is_stalled, const struct err *err, void *arg)
{
	daemon_event(arg, NULL, NULL, id, "log", "%s%s%s", is_stalled ? "its log cannot be written: it may stall" : "its log goes on",
	             is_stalled && err ? ": " : "", is_stalled && err ? err->text : "");
}

static void on_waiting(const char *id, int64_t wait_ms, bool is_crash_loop, void *arg)
{
	struct daemon *d = arg;
	fleet_on_waiting(d->fleet, id, wait_ms, is_crash_loop);
}

static void on_start_failed(const char *id, const struct err *err, void *arg)
{
	daemon_event(arg, NULL, NULL, id, "start", "cannot be started: %s", err->text);
}

struct told { /* a deploy's record changed inside of a module's own call: told when that is over */
	struct daemon *daemon;
	char *deploy;
};

static void tell_deploy(void *arg)
{
	struct told *t = arg;
	const struct deploy *d = state_get(t->daemon->state, record_class(RECORD_DEPLOY), t->deploy);
	if (d) {
		operate_on_deploy(t->daemon->operate, d, ERR_FAILED);
		d = state_get(t->daemon->state, record_class(RECORD_DEPLOY), t->deploy);
		ups_on_deploy(t->daemon->ups, d);
	}
	free(t->deploy);
	free(t);
}

static void on_change(const struct record_class *class, const char *line, size_t len, void *arg)
{
	struct daemon *d = arg;
	api_on_change(class, line, len, d);
	if (class->kind == RECORD_LOCK || class->kind == RECORD_SERVICE || class->kind == RECORD_RELEASE)
		fleet_touch(d->fleet, NULL, NULL);
	if (class->kind != RECORD_DEPLOY || !d->operate)
		return;
	/* The line says which; its record is in the state already. */
	const char *id = strstr(line, "\"item\":{\"id\":\"");
	if (!id)
		return;
	id += strlen("\"item\":{\"id\":\"");
	struct told *t = mem_alloc(sizeof(*t));
	t->daemon = d;
	t->deploy = mem_dup_n(id, strcspn(id, "\""));
	reactor_defer(d->reactor, tell_deploy, t);
}

/* ---- writing what may wait, and forgetting what is old ---- */

static void forget_oldest(struct state *s, const struct record_class *class, size_t kept)
{
	const void *record;
	for (size_t i = 0; state_count(s, class) > kept && (record = state_next(s, class, &i));) {
		struct str key = {0};
		if (class->kind == RECORD_DEPLOY && ((const struct deploy *)record)->state == DEPLOY_RUNNING)
			continue;
		record_key(class, record, &key);
		bool ok = state_delete(s, class, key.s, NULL);
		str_finish(&key);
		if (!ok)
			return;
	}
}

static void on_flush(void *arg)
{
	struct life *life = arg;
	struct state *s = life->daemon.state;
	struct err err = {0};
	if (!state_flush(s, &err)) {
		log_line(life->daemon.log, LOG_ERROR, "%s", err.text);
		reactor_timer_set(life->flush, 4 * FLUSH_MS);
		return;
	}
	if (state_count(s, record_class(RECORD_EVENT)) <= EVENTS_KEPT + 100 &&
	    state_count(s, record_class(RECORD_DEPLOY)) <= DEPLOYS_KEPT + 20)
		return;
	if (state_begin(s, NULL)) {
		forget_oldest(s, record_class(RECORD_EVENT), EVENTS_KEPT);
		forget_oldest(s, record_class(RECORD_DEPLOY), DEPLOYS_KEPT);
		if (!state_commit(s, &err))
			log_line(life->daemon.log, LOG_ERROR, "%s", err.text);
	}
}

static void on_later(void *arg)
{
	struct life *life = arg;
	reactor_timer_set(life->flush, FLUSH_MS);
}

/* ---- the end ---- */

static void end_look(void *arg)
{
	struct life *life = arg;
	struct slot_info relay;
	bool is_relay_gone = !slot_info(life->daemon.slots, ROUTES_SLOT, &relay) || relay.phase == SLOT_EMPTY ||
	                     relay.phase == SLOT_EXITED;
	if ((fleet_is_idle(life->daemon.fleet) && is_relay_gone) || clock_mono_ms() >= life->end_by)
		reactor_stop(life->daemon.reactor);
	else
		reactor_timer_set(life->ending, END_LOOK_MS);
}

void daemon_shutdown(struct daemon *d, bool with_services, bool is_again)
{
	struct life *life = (struct life *)d; /* the first member */
	struct err err = {0};
	if (life->is_ending)
		return;
	life->is_ending = true;
	life->status = is_again ? DAEMON_AGAIN : 0;
	life->end_by = clock_mono_ms() + (with_services ? END_MS : 0);
	if (with_services) {
		fleet_stop_all(d->fleet);
		supervisor_unwant(d->supervisor, ROUTES_SLOT);
		if (!slot_stop(d->slots, ROUTES_SLOT, 2000, &err))
			log_line(d->log, LOG_WARNING, "the relay: %s", err.text);
	}
	/* The answer to whoever asked goes out first. */
	reactor_timer_set(life->ending, END_LOOK_MS);
}

static void on_signal(int fd, unsigned events, void *arg)
{
	(void)events;
	struct life *life = arg;
	struct signalfd_siginfo info;
	if (read(fd, &info, sizeof(info)) == sizeof(info)) {
		log_line(life->daemon.log, LOG_INFO, "ended by signal %u; services stay", info.ssi_signo);
		reactor_stop(life->daemon.reactor);
	}
}

/* ---- the beginning ---- */

static bool watch_signals(struct life *life, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	life->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (life->signal_fd < 0)
		return err_errno(err, ERR_FAILED, errno, "signalfd");
	life->signals = reactor_fd_add(life->daemon.reactor, life->signal_fd, REACTOR_READ, on_signal, life, err);
	return life->signals != NULL;
}

static bool make_modules(struct daemon *d, struct err *err)
{
	static const struct slots_events slot_events = {on_started, on_exited, on_log_grew, on_log_stalled};
	static const struct supervisor_events supervisor_events = {on_waiting, on_start_failed};
	struct slots_config config = {.log = d->log};
	return (d->state = state_open(d->place->root, own_classes, err)) && (d->audit = audit_new(d->state, err)) &&
	       (d->slots = slots_new(d->reactor, d->place, &config, &slot_events, d, err)) &&
	       (d->supervisor = supervisor_new(d->reactor, d->slots, &supervisor_events, d)) &&
	       (d->releases = releases_new(d, err)) && (d->routes = routes_new(d, err)) &&
	       (d->probes = probes_new(d, err)) && (d->notify = notify_new(d)) && (d->rules = rules_new(d, err)) &&
	       (d->fleet = fleet_new(d, err)) && (d->deploys = deploys_new(d, err)) && (d->ups = ups_new(d)) &&
	       (d->demo = demo_new(d)) && (d->operate = operate_new(d, err));
}

/* Takes up what an earlier daemon left: processes first, then what was being done with them, then who asks. */
static bool resume(struct life *life, struct err *err)
{
	struct daemon *d = &life->daemon;
	state_watch(d->state, on_change, d);
	state_on_later(d->state, on_later, life);
	operate_watch(d->operate, api_on_operation, d);
	prove_clean(d);
	if (!slots_adopt(d->slots, err) || !releases_resume(d->releases, err) || !fleet_resume(d->fleet, err) ||
	    !supervisor_want(d->supervisor, routes_spec(d->routes), err) || !deploys_resume(d->deploys, err) ||
	    !operate_resume(d->operate, err))
		return false;
	const struct own_target *t;
	for (size_t i = 0; (t = state_next(d->state, own_class(OWN_TARGET), &i));)
		rules_reload(d->rules, t->service, t->environment);
	up_show_runbooks(d);
	return (d->api = api_new(d, err)) != NULL;
}

static void finish(struct life *life)
{
	struct daemon *d = &life->daemon;
	api_free(d->api);
	d->api = NULL;
	operate_free(d->operate);
	demo_free(d->demo);
	ups_free(d->ups);
	deploys_free(d->deploys);
	releases_free(d->releases);
	notify_free(d->notify);
	probes_free(d->probes);
	rules_free(d->rules);
	fleet_free(d->fleet);
	routes_free(d->routes);
	supervisor_free(d->supervisor);
	slots_free(d->slots);
	audit_free(d->audit);
	if (d->state)
		state_on_later(d->state, NULL, NULL);
	state_close(d->state);
	reactor_timer_remove(life->flush);
	reactor_timer_remove(life->ending);
	reactor_fd_remove(life->signals);
	reactor_free(d->reactor);
	if (life->signal_fd >= 0)
		close(life->signal_fd);
	log_free(d->log);
	place_close(&life->place);
	if (life->lock_fd >= 0)
		close(life->lock_fd);
}

static bool begin(struct life *life, const char *dir, struct err *err)
{
	struct daemon *d = &life->daemon;
	if (!place_open(&life->place, dir, err))
		return false;
	d->place = &life->place;
	life->lock_fd = place_lock(&life->place, "daemon.lock", LOCK_WAIT_MS, err);
	if (life->lock_fd < 0)
		return false;
	char *path = place_path(&life->place, "daemon.log");
	d->log = log_new(path, "daemon", err);
	free(path);
	d->reactor = d->log ? reactor_new(err) : NULL;
	if (!d->reactor || !watch_signals(life, err))
		return false;
	life->flush = reactor_timer_add(d->reactor, -1, 0, on_flush, life);
	life->ending = reactor_timer_add(d->reactor, -1, 0, end_look, life);
	d->started_at = clock_wall_ms();
	d->keeper_pid = getenv("FAIRWAY_KEEPER_FD") ? getppid() : 0;
	return make_modules(d, err) && resume(life, err);
}

int daemon_main(int argc, char **argv)
{
	struct life life = {.signal_fd = -1, .lock_fd = -1};
	struct err err = {0};
	if (argc < 1) {
		fprintf(stderr, "fairway --daemon: which folder?\n");
		return 2;
	}
	if (begin(&life, argv[0], &err)) {
		log_line(life.daemon.log, LOG_INFO, "serves at %s", life.place.socket);
		reactor_run(life.daemon.reactor);
	} else {
		fprintf(stderr, "fairway: %s\n", err.text);
		log_line(life.daemon.log, LOG_ERROR, "%s", err.text);
		/* What will not mend itself ends the keeper too; the rest it tries again. */
		life.status = err.kind == ERR_REFUSED || err.kind == ERR_USAGE ? 0 : err_exit_status(err.kind);
	}
	finish(&life);
	return life.status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_FLEET_H
#define PLATFORM_FLEET_H
/*
 * Which instances each placement wants, and how they are. The fleet turns targets (platform/own.h) into slots, keeps
 * their number, restarts them through the supervisor, and derives the instance, placement and environment records.
 *
 * Rollouts are the deploys' business (platform/deploy.h); they speak in releases: start so many of the new one, look how
 * they are, let it serve, stop the old one. Every call below is idempotent and journalled before it acts, so that a
 * deploy that is taken up again by another daemon simply calls it again. Names that are handed in must not lie in the
 * target's own record, which calls replace. The daemon's thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;
struct err;
struct fleet;
struct own_target;
struct service_file;
struct slot_exit;

struct fleet *fleet_new(struct daemon *, struct err *);
void fleet_free(struct fleet *);
/* After slots_adopt(): wants again what was wanted, ends what nobody wants any more. */
bool fleet_resume(struct fleet *, struct err *);

const struct own_target *fleet_target(const struct fleet *, const char *service, const char *environment);

/* So many instances of that release are wanted: slots are given, ports taken, processes started. More than are there
 * already are added; fewer stop the newest ones. */
bool fleet_want(struct fleet *, const char *service, const char *environment, int64_t release, int count,
                struct err *);
/* Stops every instance of that release (SIGTERM, SIGKILL after 10 s) and gives slots and ports back. */
bool fleet_end(struct fleet *, const char *service, const char *environment, int64_t release, struct err *);
/* From now on the release is what serves: recorded in the target, the relay's table follows. count: instances of it.
 * by: who brought it there. */
bool fleet_serve(struct fleet *, const char *service, const char *environment, int64_t release, int count,
                 const char *by, struct err *);
/* A rollout is under way (to_release, to_desired) or over (RECORD_NONE): only shown and counted. */
bool fleet_rollout(struct fleet *, const char *service, const char *environment, int64_t to_release, int to_desired,
                   struct err *);

struct fleet_count {
	int wanted;   /* slots given */
	int alive;    /* processes, also those that are being stopped */
	int ready;    /* healthy, ready, the listener is theirs */
	int failing;  /* exited, in crash loop, or unhealthy beyond their grace */
	char reason[200]; /* of the first failing one: "checkout-prod-3: exited with status 1" */
};
void fleet_count(const struct fleet *, const char *service, const char *environment, int64_t release,
                 struct fleet_count *);
bool fleet_has_crash_loop(const struct fleet *, const char *service, const char *environment, int64_t release);
/* Ports of the instances of that release that are ready. Returns how many there are. */
size_t fleet_backends(const struct fleet *, const char *service, const char *environment, int64_t release,
                      uint16_t *ports, size_t room);
/* Ports of all its instances, ready or not: for knowing whether they are drained. */
size_t fleet_ports(const struct fleet *, const char *service, const char *environment, int64_t release,
                   uint16_t *ports, size_t room);

/* Called when an instance of the placement came, went, or changed its health or readiness; always from the loop. */
typedef void fleet_changed(const char *service, const char *environment, void *arg);
bool fleet_on_change(struct fleet *, fleet_changed *, void *arg); /* up to 8 listeners */

/* Replaces every instance by a fresh one of the same release, one after the other, without losing a request: the new one
 * is ready before the old one leaves the relay's table. done(err NULL: all were replaced), from the loop. */
bool fleet_restart(struct fleet *, const char *service, const char *environment,
                   void (*done)(const struct err *, void *arg), void *arg, struct err *);
/* So many instances of what serves; kept over deploys. */
bool fleet_scale(struct fleet *, const char *service, const char *environment, int count, struct err *);
/* Stops every instance of the placement; the target stays and says so. */
bool fleet_stop(struct fleet *, const char *service, const char *environment, struct err *);
/* The platform ends: every process is stopped, nothing else changes; fleet_resume() starts them again. */
void fleet_stop_all(struct fleet *);
bool fleet_is_idle(const struct fleet *); /* no process of a service is left */
/* A target, made when missing, with a stable address when the service listens: `wish` is the port it would like (0: any).
 * Within the transaction that was begun. */
bool fleet_place(struct fleet *, const char *service, const char *environment, bool has_port, int64_t wish,
                 int64_t desired, struct err *);

/* The stable address of a placement: "http://127.0.0.1:PORT", or "" for a worker. */
void fleet_url(const struct fleet *, const char *service, const char *environment, char *out, size_t size);

/* What the probes and slots tell. */
void fleet_on_started(struct fleet *, const char *slot);
void fleet_on_exited(struct fleet *, const char *slot, const struct slot_exit *);
void fleet_on_waiting(struct fleet *, const char *slot, int64_t wait_ms, bool is_crash_loop);
struct fleet_health {
	bool is_healthy, is_ready;
	bool is_known;     /* false: not asked yet */
	char reason[160];  /* why not */
};
void fleet_on_probe(struct fleet *, const char *slot, const struct fleet_health *);
/* Derives placement, service and environment records anew, once, after the callbacks of this turn. */
void fleet_touch(struct fleet *, const char *service, const char *environment);
#endif

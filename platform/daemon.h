/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_DAEMON_H
#define PLATFORM_DAEMON_H
/*
 * The embedded platform's daemon: one process, one thread, one reactor. Each module below owns one idea and
 * reaches the others only through this struct. Nothing in it blocks for longer than a commit to disk.
 *
 *   place     where the state folder lies           slots     processes that outlive the daemon, their logs
 *   state     records, journalled and watched       supervise restarts with back-off, crash loops
 *   api       HTTP/JSON over the Unix socket        operate   plans, operations, audit
 *   fleet     which instances a placement wants     probe     health, listener, metrics scraping
 *   releases  builds, kept versions                 rules     alerts: evaluation, notify
 *   deploys   journalled rollouts                   routes    the relay's table
 */
#include <stdbool.h>
#include <stdint.h>

struct err;
struct reactor;
struct place;
struct state;
struct slots;
struct api;
struct operate;
struct fleet;
struct probes;
struct releases;
struct deploys;
struct rules;
struct routes;
struct audit;
struct log;
struct supervisor;
struct demo;
struct ups;
struct notify;

struct daemon {
	struct reactor *reactor;
	struct place *place;
	struct state *state;
	struct slots *slots;
	struct fleet *fleet;
	struct probes *probes;
	struct releases *releases;
	struct deploys *deploys;
	struct rules *rules;
	struct routes *routes;
	struct operate *operate;
	struct api *api;
	struct audit *audit;
	struct supervisor *supervisor;
	struct log *log;
	struct demo *demo;
	struct ups *ups;
	struct notify *notify;
	int64_t started_at;
	int keeper_pid; /* 0: none */
};

/* `fairway --daemon DIR`: runs until asked to end. Returns the exit status; 0 tells the keeper to end as well. */
int daemon_main(int argc, char **argv);
/* Writes an event record (kind: start, exit, restart, crash_loop, scale, probe, cut_over, config, …). */
void daemon_event(struct daemon *, const char *service, const char *environment, const char *instance,
                  const char *kind, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Ends the loop: with_services also stops every service first; is_again: the keeper starts a newer binary. */
void daemon_shutdown(struct daemon *, bool with_services, bool is_again);
/* Into daemon.log: for whoever mends the platform itself. */
void daemon_log(struct daemon *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif

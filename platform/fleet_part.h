/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_FLEET_PART_H
#define PLATFORM_FLEET_PART_H
/* What platform/fleet*.c share. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "model/record.h"
#include "model/service_file.h"
#include "platform/daemon.h"
#include "platform/fleet.h"
#include "platform/own.h"
#include "platform/place.h"

#define FLEET_LISTENERS 8
#define FLEET_STOP_MS 10000

struct fleet_release { /* a kept release's service.yaml, read once */
	struct fleet_release *next;
	char *service, *folder, *version;
	int64_t number;
	struct service_file file;
};
struct unit { /* an intent and what is known of its process */
	struct unit *next;
	char *id, *service, *environment;
	int64_t release, port, restarts, started_at;
	uint64_t serial; /* of this life of the daemon: slots are given again, this is not */
	const struct fleet_release *what;
	bool is_wanted, is_draining, is_running, is_crash_loop, is_known, is_healthy, is_ready, was_ready;
	pid_t pid;
	int64_t drain_until; /* monotonic */
	char reason[200], exit[100];
};
struct fleet {
	struct daemon *daemon;
	struct unit *units; /* in the order of their slots' ids */
	struct fleet_release *releases;
	struct {
		fleet_changed *call;
		void *arg;
	} listeners[FLEET_LISTENERS];
	size_t n_listeners;
	struct reactor_timer *drain_timer;
	struct fleet_restart *restarts;
	uint64_t serials;
	bool is_derive_due;
};

struct unit *fleet_unit(const struct fleet *, const char *id);
const struct fleet_release *fleet_release(struct fleet *, const char *service, int64_t number, struct err *);
bool fleet_start_unit(struct fleet *, struct unit *, struct err *);
void fleet_watch_unit(struct fleet *, struct unit *);
/* Takes it out of the relay's table; it is stopped once its requests are answered, after 10 s at the latest. */
bool fleet_drain_unit(struct fleet *, struct unit *, struct err *);
bool fleet_stop_unit(struct fleet *, struct unit *, int64_t grace_ms, struct err *);
bool fleet_add_unit(struct fleet *, const char *service, const char *environment, int64_t release, struct err *);
void fleet_tell(struct fleet *, const char *service, const char *environment);
void fleet_derive(struct fleet *);
/* fleet_restart.c */
void fleet_restarts_go_on(struct fleet *);
void fleet_restarts_free(struct fleet *);
bool unit_is_of(const struct unit *, const char *service, const char *environment, int64_t release);
enum phase unit_phase(const struct unit *);

/* A free port of the stored range, taken for the holder within the transaction that was begun. wish 0: any. */
bool fleet_take_port(struct fleet *, const char *holder, int64_t wish, int64_t *port, struct err *);
bool fleet_free_port(struct fleet *, int64_t port, struct err *);
#endif

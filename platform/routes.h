/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_ROUTES_H
#define PLATFORM_ROUTES_H
/*
 * The daemon's end of the relay: the routing table it wants, and what the relay said about it. The table
 * is written once a turn of the loop however often it was changed (platform/route.h), the answer is
 * awaited by inotify(7): nothing is polled. The relay itself is an instance like any other, in the slot
 * "relay", and goes on serving while no daemon lives. The daemon's thread.
 *
 * Generations go on from those in the files, so a new daemon is never taken for an older one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/route.h"

struct daemon;
struct routes;
struct slot_spec;

#define ROUTES_SLOT "relay"

/* Takes up the table that lies in STATE/relay; wants daemon->place and daemon->reactor. */
struct routes *routes_new(struct daemon *, struct err *);
void routes_free(struct routes *); /* the relay goes on */
/* How to start the relay: for supervisor_want(). Borrowed as long as the routes. */
const struct slot_spec *routes_spec(const struct routes *);

/* From the end of this turn on requests to that stable port go to these backends (none: 503). The service
 * and the environment are the placement's. */
void routes_set(struct routes *, const char *service, const char *environment, uint16_t port,
		const uint16_t *backends, size_t count);
void routes_remove(struct routes *, uint16_t port); /* the stable address is given up */
/* Whether the newest table sends requests from that stable port to that backend. After routes_new(): as the daemon
 * before left it, so that what it knew to be ready goes on serving until it was asked again. */
bool routes_has_backend(const struct routes *, uint16_t port, uint16_t backend);

/* Whether the relay serves by the newest table. */
bool routes_is_in_force(const struct routes *);
/* Requests in flight at backends that the newest table no longer names; -1 while that table is not in
 * force. */
int routes_draining(const struct routes *, const uint16_t *backends, size_t count);
/* errno with which the relay could not take that stable port; 0: it has it, or has not been asked yet. */
int routes_failure(const struct routes *, uint16_t port);
/* What is wrong with relay and files, one sentence; "" when nothing is. */
const char *routes_error(const struct routes *);
/* Called whenever the relay's answer changed. Up to 4 listeners. */
bool routes_on_change(struct routes *, void (*changed)(void *arg), void *arg);
#endif

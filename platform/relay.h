/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELAY_H
#define PLATFORM_RELAY_H
/*
 * The relay, `fairway --relay DIR`: owns the stable address (127.0.0.1:PORT) of every placement and hands
 * each HTTP/1.1 request to one of its instances. A process of its own, one thread, epoll(7); it reads
 * DIR/routes and answers in DIR/routes.ack (platform/route.h) and knows nothing else of the platform, so
 * it outlives the daemon.
 *
 * A request goes to a backend of the table that is in force when its head is complete, over a fresh
 * connection. A connection that cannot be made (nothing was sent) lets the next backend be tried, then
 * 503. Once a byte was sent the request is never repeated: what fails then is 502. A client's connection
 * stays open over any number of cut overs. Bodies stream through bounded buffers (about 64 KiB each way
 * for a client); a slow peer holds up only itself.
 *
 * SIGTERM and SIGINT: stops listening at once, so that a successor can bind, ends what is in flight within
 * drain_ms and leaves with 0. Also leaves when DIR itself is removed. A port that cannot be bound is told
 * in the ack and tried again every second.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct relay_limits {     /* milliseconds */
	int idle_ms;      /* kept-alive connection without a request */
	int head_ms;      /* from the first byte of a head to its last: 408 */
	int connect_ms;   /* for one backend to accept */
	int answer_ms;    /* request sent, nothing heard: 504 */
	int stall_ms;     /* no byte moves in either direction of an exchange */
	int tunnel_ms;    /* no byte moves after an upgrade */
	int linger_ms;    /* after the last byte of a connection, for the client to close */
	int drain_ms;     /* after SIGTERM */
	size_t links_max; /* client connections at once; more wait in the listen queue */
};
extern const struct relay_limits relay_limits_default;

/* Serves until told to end. false: DIR cannot be watched. SIGTERM and SIGINT must not be handled
 * elsewhere. */
bool relay_run(const char *dir, const struct relay_limits *, struct err *err);
int relay_main(int argc, char **argv); /* argv: DIR. Gives the exit status. */
#endif

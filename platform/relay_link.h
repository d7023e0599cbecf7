/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELAY_LINK_H
#define PLATFORM_RELAY_LINK_H
/*
 * Inside the relay: one client connection ("link") and its upstream, and what the loop of relay.c offers it.
 * Nothing outside platform/relay*.c includes this.
 *
 * A link is made by relay_link_open(), woken by relay_link_wake() and relay_link_expire(), and buried by
 * relay_link_kill(), which closes its descriptors and puts it on relay.dead; the loop frees the dead after
 * the batch of events that may still name them.
 */
#include <stdbool.h>
#include <stdint.h>

#include "platform/relay.h"
#include "platform/relay_buffer.h"
#include "platform/relay_http.h"
#include "platform/route.h"

struct relay;
struct relay_link;
struct relay_listener;

enum relay_watch_kind {
	RELAY_WATCH_SIGNALS,
	RELAY_WATCH_DIR,
	RELAY_WATCH_LISTENER,
	RELAY_WATCH_CLIENT,
	RELAY_WATCH_UPSTREAM,
};
struct relay_watch { /* what epoll's data points at */
	enum relay_watch_kind kind;
	void *of; /* the listener or the link */
};

enum relay_phase {
	RELAY_IDLE,     /* waits for, or reads, a request head */
	RELAY_CONNECT,  /* the backend has not accepted yet */
	RELAY_EXCHANGE, /* request body up, answer down */
	RELAY_TUNNEL,   /* upgraded: bytes both ways */
	RELAY_CLOSING,  /* sends the rest, then waits for the client to close */
};

struct relay_link {
	struct relay *relay;
	struct relay_link *prev, *next; /* in relay.links, or next in relay.dead */
	struct relay_watch client_watch, upstream_watch;
	int client, upstream; /* upstream -1: none */
	uint32_t client_interest, upstream_interest;
	uint16_t port; /* the listening port it came by */
	char peer[16];
	enum relay_phase phase;
	int64_t deadline; /* monotonic */

	struct relay_buffer client_in, client_out, upstream_in, upstream_out;
	size_t client_scanned, upstream_scanned; /* of the head being looked for */
	struct relay_body request, answer;
	enum relay_framing request_framing, answer_framing; /* as written on */
	uint16_t backend;                                   /* counted in relay.in_flight while not 0 */
	uint16_t tried[8];
	unsigned tried_count;
	bool is_dead, is_ready; /* is_ready: more can be done without an event */
	bool is_client_eof, is_upstream_eof;
	bool is_upstream_deaf;   /* takes no more of the request */
	bool is_upstream_broken; /* ended by an error, not by its own close */
	size_t linger_left;
	bool is_client_shut, is_upstream_shut; /* our sending half is closed */
	bool is_upgrade, is_to_head, is_old;   /* of the request; is_old: HTTP/1.0 */
	bool is_request_whole, has_answer_head, is_last, has_sent;
};

struct relay {
	const char *dir;
	struct relay_limits limits;
	int epoll, signals, notify;
	struct relay_watch signals_watch, notify_watch;
	struct route_table table;
	char table_error[200];
	struct relay_listener *listeners;
	struct relay_link *links, *dead;
	size_t link_count;
	unsigned *in_flight; /* [65536], by backend port */
	uint16_t *draining;  /* ports that left the table with requests in flight */
	size_t draining_count;
	unsigned turn;              /* of the round between equally busy backends */
	int64_t now;                /* monotonic, of this batch */
	int64_t next_sweep;         /* no deadline is before it */
	int64_t next_bind, stop_at; /* 0: none */
	bool is_paused;             /* listeners are not watched: too many links or descriptors */
	bool is_stopping, is_over, is_ack_due, has_ready;
};

void relay_link_open(struct relay *, int client, uint16_t port, const char *peer);
void relay_link_wake(struct relay_link *, const struct relay_watch *, uint32_t events);
void relay_link_expire(struct relay_link *); /* its deadline has come */
void relay_link_work(struct relay_link *);   /* does what can be done now */
void relay_link_kill(struct relay_link *);
void relay_link_free(struct relay_link *);

/* A backend of the route in force at the link's port that was not tried yet, the least busy; 0 when there
 * is none. It is counted as busy until relay_release(). */
uint16_t relay_take_backend(struct relay *, struct relay_link *);
void relay_release(struct relay *, uint16_t backend);
void relay_set_deadline(struct relay *, struct relay_link *, int ms);
/* "checkout in prod" of the placement at that port, or the port in words. */
void relay_name_placement(const struct relay *, uint16_t port, char *out, size_t size);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_ROUTE_H
#define PLATFORM_ROUTE_H
/*
 * The two files between the daemon and the relay, both text, both replaced by rename so that a reader
 * never sees half of one.
 *
 * DIR/routes, written by the daemon: which backends answer at which stable address (all on 127.0.0.1).
 *	generation 42
 *	prod/checkout 20001 20105,20106
 *	prod/search 20002 -
 * DIR/routes.ack, written by the relay once a table is in force, and again whenever one of its lines changes:
 *	generation 42
 *	failed 20002 98
 *	drain 20104 3
 *	error routes:3: …
 * "failed PORT ERRNO": that listening port could not be bound; it is tried again. "drain PORT COUNT": a
 * backend that the table no longer names still has COUNT requests of its own. So a backend is done when
 * the ack's generation is at least that of the first table without it, and no drain line names it.
 * "error": the newest table could not be read; the generation before stays in force.
 *
 * The table is not durable by itself: the daemon writes it anew from its state when it starts. Generations
 * only grow. Tables and acks are values with owned arrays; finish them. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define ROUTE_FILE "routes"
#define ROUTE_ACK_FILE "routes.ack"
#define ROUTE_NAME 136 /* "environment/service" and its NUL */
#define ROUTE_BACKENDS_MAX 64
#define ROUTE_FILE_MAX (1 << 20)

struct route {
	char placement[ROUTE_NAME]; /* "prod/checkout" */
	uint16_t port;
	uint16_t backends[ROUTE_BACKENDS_MAX];
	size_t backend_count; /* 0: every request is answered 503 */
};

struct route_table {
	uint64_t generation;
	struct route *routes;
	size_t count;
};

/* Adds an empty route and gives it, valid until the next one is added. */
struct route *route_table_add(struct route_table *, const char *placement, uint16_t port);
void route_add_backend(struct route *, uint16_t port); /* beyond ROUTE_BACKENDS_MAX: left out */
bool route_has_backend(const struct route *, uint16_t port);
const struct route *route_table_find(const struct route_table *, uint16_t port);
void route_table_finish(struct route_table *);

void route_table_render(const struct route_table *, struct str *out);
/* ERR_USAGE, with the line, for text that is not a table, or that names a listening port twice. *table is
 * then empty. */
bool route_table_parse(const char *text, struct route_table *table, struct err *err);
/* ERR_NOT_FOUND when there is no such file. */
bool route_table_read(const char *dir, struct route_table *table, struct err *err);
bool route_table_write(const char *dir, const struct route_table *, struct err *err);

struct route_ack_entry {
	uint16_t port;
	unsigned number; /* errno, or requests in flight */
};
struct route_ack {
	uint64_t generation;
	struct route_ack_entry *failed, *draining;
	size_t failed_count, draining_count;
	char error[200]; /* "" when the newest table was good */
};
void route_ack_add_failed(struct route_ack *, uint16_t port, unsigned number);
void route_ack_add_draining(struct route_ack *, uint16_t port, unsigned in_flight);
/* Requests in flight at a backend that the table no longer names; 0 when none. */
unsigned route_ack_in_flight(const struct route_ack *, uint16_t port);
unsigned route_ack_failure(const struct route_ack *, uint16_t port); /* errno, 0 when it listens */
void route_ack_finish(struct route_ack *);
void route_ack_render(const struct route_ack *, struct str *out);
bool route_ack_parse(const char *text, struct route_ack *, struct err *err);
bool route_ack_read(const char *dir, struct route_ack *, struct err *err);
bool route_ack_write(const char *dir, const struct route_ack *, struct err *err);
#endif

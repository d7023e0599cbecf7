/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_STATE_RING_H
#define PLATFORM_STATE_RING_H
/*
 * The last changes as JSON lines, in order, for watchers that come back: platform/state.c alone uses it. A cursor is
 * "EPOCH.SERIAL"; the epoch is drawn anew in each life of the daemon.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_class;
struct ring_change {
	const struct record_class *class;
	char *line;
	size_t len;
};
struct ring {
	char epoch[17];
	int64_t serial; /* of the newest change */
	struct ring_change *changes;
	size_t first, n, bytes;
};
void ring_init(struct ring *);
void ring_finish(struct ring *);
void ring_cursor(const struct ring *, int64_t serial, char out[64]);
/* Takes the line (malloc'ed); its serial was ring.serial + 1 when it was made. */
void ring_add(struct ring *, const struct record_class *, char *line, size_t len);
/* The serial that a cursor names; false when it is of another life, of the future, or older than what is kept. */
bool ring_find(const struct ring *, const char *cursor, int64_t *serial);
const struct ring_change *ring_at(const struct ring *, int64_t serial); /* NULL when not kept */
#endif

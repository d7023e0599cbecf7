/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/state_ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/str.h"
#include "platform/state.h"

#define RING_BYTES (8u << 20)

void ring_init(struct ring *ring)
{
	*ring = (struct ring){.changes = mem_array(STATE_RING, sizeof(*ring->changes))};
	uint64_t random = 0;
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		abort();
	snprintf(ring->epoch, sizeof(ring->epoch), "%016llx", (unsigned long long)random);
}

static void drop_oldest(struct ring *ring)
{
	struct ring_change *oldest = &ring->changes[ring->first];
	ring->bytes -= oldest->len;
	free(oldest->line);
	*oldest = (struct ring_change){0};
	ring->first = (ring->first + 1) % STATE_RING;
	ring->n--;
}

void ring_finish(struct ring *ring)
{
	while (ring->n)
		drop_oldest(ring);
	free(ring->changes);
	*ring = (struct ring){0};
}

void ring_cursor(const struct ring *ring, int64_t serial, char out[64])
{
	snprintf(out, 64, "%s.%lld", ring->epoch, (long long)serial);
}

void ring_add(struct ring *ring, const struct record_class *class, char *line, size_t len)
{
	while (ring->n && (ring->n == STATE_RING || ring->bytes + len > RING_BYTES))
		drop_oldest(ring);
	ring->changes[(ring->first + ring->n) % STATE_RING] = (struct ring_change){class, line, len};
	ring->n++;
	ring->bytes += len;
	ring->serial++;
}

bool ring_find(const struct ring *ring, const char *cursor, int64_t *serial)
{
	size_t epoch_len = strlen(ring->epoch);
	long long number;
	if (strncmp(cursor, ring->epoch, epoch_len) != 0 || cursor[epoch_len] != '.')
		return false;
	if (!str_to_int(cursor + epoch_len + 1, 0, ring->serial, &number))
		return false;
	*serial = number;
	return number >= ring->serial - (int64_t)ring->n;
}

const struct ring_change *ring_at(const struct ring *ring, int64_t serial)
{
	int64_t oldest = ring->serial - (int64_t)ring->n + 1;
	if (serial < oldest || serial > ring->serial)
		return NULL;
	return &ring->changes[(ring->first + (size_t)(serial - oldest)) % STATE_RING];
}

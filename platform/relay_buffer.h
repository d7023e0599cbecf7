/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELAY_BUFFER_H
#define PLATFORM_RELAY_BUFFER_H
/*
 * Bytes on their way between two sockets of the relay: added behind (str_add… on bytes, or received),
 * taken from the front. All zero is empty. Pointers from relay_buffer_at() hold until the next call.
 */
#include <stddef.h>

#include "base/str.h"

struct relay_buffer {
	struct str bytes;
	size_t from; /* bytes.s[from..bytes.len) is what waits */
};

enum relay_io {
	RELAY_IO_NONE, /* would block */
	RELAY_IO_MOVED,
	RELAY_IO_EOF,
	RELAY_IO_BROKEN,
};

size_t relay_buffer_len(const struct relay_buffer *);
const char *relay_buffer_at(const struct relay_buffer *);
void relay_buffer_drop(struct relay_buffer *, size_t n);
void relay_buffer_finish(struct relay_buffer *); /* empty, and holds no memory */
/* One recv(2) of at most 16 KiB, one send(2) of all; the sockets do not block. */
enum relay_io relay_buffer_receive(struct relay_buffer *, int fd);
enum relay_io relay_buffer_send(struct relay_buffer *, int fd);
#endif

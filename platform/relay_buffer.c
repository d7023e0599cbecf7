/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/relay_buffer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_SIZE = 16384, COMPACT_FROM = 49152 };

size_t relay_buffer_len(const struct relay_buffer *b)
{
	return b->bytes.len - b->from;
}

const char *relay_buffer_at(const struct relay_buffer *b)
{
	return str_text(&b->bytes) + b->from;
}

void relay_buffer_drop(struct relay_buffer *b, size_t n)
{
	b->from += n;
	if (b->from == b->bytes.len) {
		str_reset(&b->bytes);
		b->from = 0;
	} else if (b->from > COMPACT_FROM) {
		memmove(b->bytes.s, b->bytes.s + b->from, relay_buffer_len(b) + 1);
		b->bytes.len -= b->from;
		b->from = 0;
	}
}

void relay_buffer_finish(struct relay_buffer *b)
{
	str_finish(&b->bytes);
	b->from = 0;
}

enum relay_io relay_buffer_receive(struct relay_buffer *b, int fd)
{
	str_reserve(&b->bytes, READ_SIZE);
	ssize_t n = recv(fd, b->bytes.s + b->bytes.len, READ_SIZE, 0);
	if (n == 0)
		return RELAY_IO_EOF;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RELAY_IO_NONE : RELAY_IO_BROKEN;
	b->bytes.len += (size_t)n;
	b->bytes.s[b->bytes.len] = '\0';
	return RELAY_IO_MOVED;
}

enum relay_io relay_buffer_send(struct relay_buffer *b, int fd)
{
	ssize_t n = send(fd, relay_buffer_at(b), relay_buffer_len(b), MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? RELAY_IO_NONE : RELAY_IO_BROKEN;
	relay_buffer_drop(b, (size_t)n);
	return RELAY_IO_MOVED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/relay_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	BUFFER_HIGH = 49152, /* beyond it a side takes no more until the other has taken some */
	ROUNDS_MAX = 16,     /* of one link before others have their turn */
	LINGER_BYTES = 1 << 20,
};

static void watch_set(struct relay *r, int fd, struct relay_watch *watch, uint32_t *was, uint32_t want)
{
	struct epoll_event e = {.events = want, .data.ptr = watch};
	if (*was != want)
		epoll_ctl(r->epoll, EPOLL_CTL_MOD, fd, &e);
	*was = want;
}

/* The upstream leaves epoll while nothing is wanted of it: its hang-up would be reported without end. */
static void upstream_watch_set(struct relay_link *l, uint32_t want)
{
	struct epoll_event e = {.events = want, .data.ptr = &l->upstream_watch};
	if (l->upstream < 0 || l->upstream_interest == want)
		return;
	int op = !want ? EPOLL_CTL_DEL : l->upstream_interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	epoll_ctl(l->relay->epoll, op, l->upstream, &e);
	l->upstream_interest = want;
}

static void upstream_close(struct relay_link *l)
{
	if (l->upstream >= 0)
		close(l->upstream);
	l->upstream = -1;
	l->upstream_interest = 0;
	if (l->backend)
		relay_release(l->relay, l->backend);
	l->backend = 0;
}

void relay_link_kill(struct relay_link *l)
{
	struct relay *r = l->relay;
	if (l->is_dead)
		return;
	l->is_dead = true;
	upstream_close(l);
	close(l->client);
	if (l->prev)
		l->prev->next = l->next;
	else
		r->links = l->next;
	if (l->next)
		l->next->prev = l->prev;
	r->link_count--;
	l->next = r->dead;
	r->dead = l;
}

void relay_link_free(struct relay_link *l)
{
	if (!l)
		return;
	relay_buffer_finish(&l->client_in);
	relay_buffer_finish(&l->client_out);
	relay_buffer_finish(&l->upstream_in);
	relay_buffer_finish(&l->upstream_out);
	free(l);
}

void relay_link_open(struct relay *r, int client, uint16_t port, const char *peer)
{
	int one = 1;
	struct relay_link *l = mem_alloc(sizeof(*l));
	l->relay = r;
	l->client = client;
	l->upstream = -1;
	l->port = port;
	str_copy(l->peer, sizeof(l->peer), peer);
	l->client_watch = (struct relay_watch){RELAY_WATCH_CLIENT, l};
	l->upstream_watch = (struct relay_watch){RELAY_WATCH_UPSTREAM, l};
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->next = r->links;
	if (l->next)
		l->next->prev = l;
	r->links = l;
	r->link_count++;
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = &l->client_watch};
	l->client_interest = EPOLLIN;
	relay_set_deadline(r, l, r->limits.idle_ms);
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, client, &e))
		relay_link_kill(l);
}

static void closing_enter(struct relay_link *l)
{
	upstream_close(l);
	relay_buffer_finish(&l->upstream_in);
	relay_buffer_finish(&l->upstream_out);
	l->phase = RELAY_CLOSING;
	relay_set_deadline(l->relay, l, l->relay->limits.stall_ms);
}

static void head_enter(struct relay_link *l)
{
	upstream_close(l);
	relay_buffer_finish(&l->upstream_in);
	relay_buffer_finish(&l->upstream_out);
	l->phase = RELAY_IDLE;
	l->client_scanned = l->upstream_scanned = 0;
	l->tried_count = 0;
	l->is_upstream_eof = l->is_upstream_deaf = l->is_upstream_broken = l->is_upstream_shut = false;
	l->is_upgrade = l->is_to_head = l->is_old = false;
	l->is_request_whole = l->has_answer_head = l->is_last = l->has_sent = false;
	relay_set_deadline(l->relay, l, l->relay->limits.idle_ms);
}

/* After an answer is whole: the next request, or the end of the connection. */
static void exchange_finish(struct relay_link *l)
{
	if (l->is_last || !l->is_request_whole || l->relay->is_stopping)
		closing_enter(l);
	else
		head_enter(l);
}

/* Answers in the relay's own words: "checkout in prod: …". A connection whose request was not read to its
 * end is done with, for nobody knows where the next one starts. */
static void refuse(struct relay_link *l, int status, const char *why)
{
	char name[ROUTE_NAME + 16], text[512];
	if (l->has_answer_head) { /* too late for words: a cut answer must look cut */
		relay_link_kill(l);
		return;
	}
	relay_name_placement(l->relay, l->port, name, sizeof(name));
	snprintf(text, sizeof(text), "%s: %s", name, why);
	l->is_last |= !l->is_request_whole;
	relay_refusal_write(status, text, l->is_to_head, l->is_last, &l->client_out.bytes);
	exchange_finish(l);
}

static int connect_start(uint16_t port, bool *is_done)
{
	int one = 1;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*is_done = !connect(fd, (struct sockaddr *)&to, sizeof(to));
	if (*is_done || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

/* Tries backends until one accepts or may accept; without one the request is refused. */
static void connect_next(struct relay_link *l)
{
	bool is_done = false;
	for (;;) {
		upstream_close(l);
		relay_buffer_finish(&l->upstream_in);
		l->is_upstream_eof = false;
		l->backend = relay_take_backend(l->relay, l);
		if (!l->backend) {
			refuse(l, 503,
			       l->tried_count ? "no instance accepts a connection" : "no instance is ready");
			return;
		}
		l->tried[l->tried_count++] = l->backend;
		l->upstream = connect_start(l->backend, &is_done);
		if (l->upstream >= 0)
			break;
	}
	l->phase = is_done ? RELAY_EXCHANGE : RELAY_CONNECT;
	relay_set_deadline(l->relay, l, is_done ? l->relay->limits.stall_ms : l->relay->limits.connect_ms);
}

static void request_start(struct relay_link *l, const struct relay_head *h)
{
	l->is_upgrade = h->is_upgrade;
	l->is_to_head = relay_method_is(h, "HEAD");
	l->is_old = h->minor == 0;
	l->is_last = !h->is_persistent || l->is_old;
	l->request_framing = h->framing;
	l->is_request_whole = h->framing == RELAY_NO_BODY;
	relay_body_init(&l->request, h->framing, h->length);
	relay_request_write(h, l->peer, &l->upstream_out.bytes);
	connect_next(l);
}

/* RFC 9112 §2.2: empty lines before a request line are passed over. */
static void blank_lines_drop(struct relay_link *l)
{
	struct relay_buffer *in = &l->client_in;
	while (!l->client_scanned && relay_buffer_len(in) >= 2 && !memcmp(relay_buffer_at(in), "\r\n", 2))
		relay_buffer_drop(in, 2);
}

static bool head_step(struct relay_link *l)
{
	struct relay_head head;
	const char *why = "its head is not CRLF lines";
	size_t head_len = 0;
	int status = 400;
	if (relay_buffer_len(&l->client_out))
		return false; /* answers leave before the next request is taken: back-pressure on pipelines */
	blank_lines_drop(l);
	size_t len = relay_buffer_len(&l->client_in);
	if (len == 1 && *relay_buffer_at(&l->client_in) == '\r')
		return false; /* may become an empty line */
	if (!len) {
		relay_buffer_finish(&l->client_in); /* a thousand idle connections keep no buffers */
		if (l->is_client_eof)
			relay_link_kill(l);
		return false;
	}
	if (!l->client_scanned)
		relay_set_deadline(l->relay, l, l->relay->limits.head_ms);
	const char *in = relay_buffer_at(&l->client_in);
	enum relay_more more = relay_head_end(in, len, &l->client_scanned, &head_len);
	if (more == RELAY_MORE && len <= RELAY_HEAD_MAX) {
		if (l->is_client_eof)
			relay_link_kill(l);
		return false;
	}
	if (more == RELAY_MORE || (more == RELAY_DONE && head_len > RELAY_HEAD_MAX))
		status = 431, why = "the head of this request is too large";
	else if (more == RELAY_DONE)
		status = relay_request_read(in, head_len, &head, &why);
	if (status) {
		refuse(l, status, why);
		return true;
	}
	request_start(l, &head);
	if (l->is_dead)
		return false;
	relay_buffer_drop(&l->client_in, head_len);
	l->client_scanned = 0;
	return true;
}

static bool connect_step(struct relay_link *l)
{
	int number = 0;
	socklen_t size = sizeof(number);
	struct sockaddr_in peer;
	socklen_t peer_size = sizeof(peer);
	getsockopt(l->upstream, SOL_SOCKET, SO_ERROR, &number, &size);
	if (number) {
		connect_next(l);
		return true;
	}
	if (getpeername(l->upstream, (struct sockaddr *)&peer, &peer_size))
		return false; /* still on its way */
	l->phase = RELAY_EXCHANGE;
	return true;
}

static bool request_body_step(struct relay_link *l)
{
	struct relay_buffer *in = &l->client_in, *out = &l->upstream_out;
	bool is_moved = false;
	while (!l->is_request_whole && relay_buffer_len(in) && relay_buffer_len(out) < BUFFER_HIGH) {
		struct relay_piece data;
		size_t used;
		enum relay_more more =
			relay_body_take(&l->request, relay_buffer_at(in), relay_buffer_len(in), &used, &data);
		if (more == RELAY_BAD) {
			refuse(l, 400, "the chunks of the request's body cannot be read");
			return true;
		}
		if (!l->is_upstream_deaf)
			relay_frame_data(l->request_framing, data, &out->bytes);
		relay_buffer_drop(in, used);
		is_moved = true;
		if (more == RELAY_DONE) {
			l->is_request_whole = true;
			if (!l->is_upstream_deaf)
				relay_frame_end(l->request_framing, &out->bytes);
		}
	}
	if (!l->is_request_whole && l->is_client_eof && !relay_buffer_len(in))
		relay_link_kill(l); /* the rest will never come */
	return is_moved;
}

static void answer_start(struct relay_link *l, const struct relay_head *h)
{
	l->has_answer_head = true;
	relay_body_init(&l->answer, h->framing, h->length);
	l->answer_framing = h->framing;
	if (h->framing == RELAY_UNTIL_CLOSE || h->framing == RELAY_CHUNKED)
		l->answer_framing = l->is_old ? RELAY_UNTIL_CLOSE : RELAY_CHUNKED;
	l->is_last |= l->relay->is_stopping;
	relay_answer_write(h, l->answer_framing, l->is_last, &l->client_out.bytes);
}

/* Reads one answer head, an interim one included. Gives whether it moved. */
static bool answer_head_step(struct relay_link *l)
{
	struct relay_head head;
	const char *why = "its head is not CRLF lines";
	size_t head_len = 0, len = relay_buffer_len(&l->upstream_in);
	char text[256];
	const char *in = relay_buffer_at(&l->upstream_in);
	enum relay_more more = relay_head_end(in, len, &l->upstream_scanned, &head_len);
	if (more == RELAY_MORE && len <= RELAY_HEAD_MAX) {
		if (l->is_upstream_eof)
			refuse(l, 502,
			       "the instance closed the connection before it answered; "
			       "the request was sent once and is not repeated");
		return l->is_upstream_eof;
	}
	int status = 502;
	if (more != RELAY_BAD && (more == RELAY_MORE || head_len > RELAY_HEAD_MAX))
		why = "its head is too large";
	else if (more == RELAY_DONE)
		status = relay_answer_read(in, head_len, l->is_to_head, &head, &why);
	if (!status && head.status == 101 && !(l->is_upgrade && l->is_request_whole))
		status = 502, why = "it upgrades what nobody asked to upgrade";
	if (status) {
		snprintf(text, sizeof(text), "the instance's answer cannot be read: %s", why);
		refuse(l, 502, text);
		return true;
	}
	if (head.status == 101) {
		l->phase = RELAY_TUNNEL;
		relay_answer_write(&head, RELAY_NO_BODY, false, &l->client_out.bytes);
	} else if (head.status < 200) {
		if (!l->is_old)
			relay_answer_write(&head, RELAY_NO_BODY, false, &l->client_out.bytes);
	} else {
		answer_start(l, &head);
	}
	relay_buffer_drop(&l->upstream_in, head_len);
	l->upstream_scanned = 0;
	return true;
}

static bool answer_body_step(struct relay_link *l)
{
	struct relay_buffer *in = &l->upstream_in;
	struct relay_piece data;
	size_t used;
	enum relay_more more =
		relay_body_take(&l->answer, relay_buffer_at(in), relay_buffer_len(in), &used, &data);
	if (more == RELAY_BAD) {
		relay_link_kill(l);
		return false;
	}
	relay_frame_data(l->answer_framing, data, &l->client_out.bytes);
	relay_buffer_drop(in, used);
	bool is_end = l->is_upstream_eof && !relay_buffer_len(in);
	bool is_closed = is_end && l->answer.framing == RELAY_UNTIL_CLOSE && !l->is_upstream_broken;
	if (more == RELAY_DONE || is_closed) {
		relay_frame_end(l->answer_framing, &l->client_out.bytes);
		exchange_finish(l);
		return true;
	}
	if (is_end) {
		relay_link_kill(l); /* the answer is cut, a reset is never its end: the client's is cut too */
		return false;
	}
	return used > 0;
}

static bool answer_step(struct relay_link *l)
{
	bool is_moved = false;
	while (l->phase == RELAY_EXCHANGE && !l->is_dead && relay_buffer_len(&l->client_out) < BUFFER_HIGH) {
		bool is_step = l->has_answer_head ? answer_body_step(l) : answer_head_step(l);
		if (!is_step)
			break;
		is_moved = true;
	}
	return is_moved;
}

static bool exchange_step(struct relay_link *l)
{
	bool is_moved = request_body_step(l);
	if (!l->is_dead && l->phase == RELAY_EXCHANGE)
		is_moved |= answer_step(l);
	return is_moved;
}

static bool tunnel_move(struct relay_buffer *from, struct relay_buffer *to)
{
	size_t n = relay_buffer_len(from);
	if (!n || relay_buffer_len(to) >= BUFFER_HIGH)
		return false;
	str_addn(&to->bytes, relay_buffer_at(from), n);
	relay_buffer_drop(from, n);
	return true;
}

/* Hands one side's end of sending on to the other side. */
static void tunnel_half_close(bool is_eof, const struct relay_buffer *in, const struct relay_buffer *out,
			      int fd, bool *is_shut)
{
	if (!is_eof || *is_shut || relay_buffer_len(in) || relay_buffer_len(out))
		return;
	shutdown(fd, SHUT_WR);
	*is_shut = true;
}

static bool tunnel_step(struct relay_link *l)
{
	bool is_moved = tunnel_move(&l->client_in, &l->upstream_out);
	is_moved |= tunnel_move(&l->upstream_in, &l->client_out);
	tunnel_half_close(l->is_client_eof, &l->client_in, &l->upstream_out, l->upstream,
			  &l->is_upstream_shut);
	tunnel_half_close(l->is_upstream_eof, &l->upstream_in, &l->client_out, l->client, &l->is_client_shut);
	if (l->is_client_shut && (l->is_upstream_shut || l->is_upstream_deaf))
		relay_link_kill(l);
	return is_moved;
}

/* A client that still sends when we close would be answered with a reset, and lose our last words: so the
 * sending half is closed first, and what comes is read away for a moment. */
static bool closing_step(struct relay_link *l)
{
	if (relay_buffer_len(&l->client_out))
		return false;
	if (!l->is_client_shut) {
		shutdown(l->client, SHUT_WR);
		l->is_client_shut = true;
		l->linger_left = LINGER_BYTES;
		relay_set_deadline(l->relay, l, l->relay->limits.linger_ms);
	}
	size_t n = relay_buffer_len(&l->client_in);
	relay_buffer_drop(&l->client_in, n);
	l->linger_left -= n < l->linger_left ? n : l->linger_left;
	if (l->is_client_eof || !l->linger_left)
		relay_link_kill(l);
	return false;
}

static bool (*const steps[])(struct relay_link *) = {
	[RELAY_IDLE] = head_step,     [RELAY_CONNECT] = connect_step, [RELAY_EXCHANGE] = exchange_step,
	[RELAY_TUNNEL] = tunnel_step, [RELAY_CLOSING] = closing_step,
};

static bool wants_client(const struct relay_link *l)
{
	if (l->is_client_eof)
		return false;
	switch (l->phase) {
	case RELAY_IDLE:
		return !relay_buffer_len(&l->client_out) && relay_buffer_len(&l->client_in) <= RELAY_HEAD_MAX;
	case RELAY_CONNECT:
		return false;
	case RELAY_EXCHANGE:
		return !l->is_request_whole && relay_buffer_len(&l->client_in) < BUFFER_HIGH;
	case RELAY_TUNNEL:
		return relay_buffer_len(&l->client_in) < BUFFER_HIGH;
	case RELAY_CLOSING:
		return l->is_client_shut;
	}
	return false;
}

static bool wants_upstream(const struct relay_link *l)
{
	if (l->upstream < 0 || l->is_upstream_eof || l->phase == RELAY_CONNECT)
		return false;
	return relay_buffer_len(&l->upstream_in) <= (l->has_answer_head ? BUFFER_HIGH : RELAY_HEAD_MAX);
}

static bool client_io(struct relay_link *l)
{
	enum relay_io in = RELAY_IO_NONE, out = RELAY_IO_NONE;
	if (wants_client(l))
		in = relay_buffer_receive(&l->client_in, l->client);
	if (relay_buffer_len(&l->client_out))
		out = relay_buffer_send(&l->client_out, l->client);
	l->is_client_eof |= in == RELAY_IO_EOF;
	if (in == RELAY_IO_BROKEN || out == RELAY_IO_BROKEN)
		relay_link_kill(l);
	return in == RELAY_IO_MOVED || in == RELAY_IO_EOF || out == RELAY_IO_MOVED;
}

static bool upstream_io(struct relay_link *l)
{
	enum relay_io in = RELAY_IO_NONE, out = RELAY_IO_NONE;
	if (l->upstream < 0 || l->phase == RELAY_CONNECT)
		return false;
	if (relay_buffer_len(&l->upstream_out))
		out = relay_buffer_send(&l->upstream_out, l->upstream);
	if (out == RELAY_IO_BROKEN && !l->has_sent) {
		connect_next(l);
		return true;
	}
	l->has_sent |= out == RELAY_IO_MOVED;
	if (out == RELAY_IO_BROKEN) { /* it may have answered without reading all: the answer is wanted */
		l->is_upstream_deaf = true;
		relay_buffer_finish(&l->upstream_out);
	}
	if (wants_upstream(l))
		in = relay_buffer_receive(&l->upstream_in, l->upstream);
	l->is_upstream_broken |= in == RELAY_IO_BROKEN || out == RELAY_IO_BROKEN;
	l->is_upstream_eof |= in == RELAY_IO_EOF || in == RELAY_IO_BROKEN;
	return in != RELAY_IO_NONE || out == RELAY_IO_MOVED;
}

static void interest_update(struct relay_link *l)
{
	uint32_t client = (wants_client(l) ? EPOLLIN : 0) | (relay_buffer_len(&l->client_out) ? EPOLLOUT : 0);
	watch_set(l->relay, l->client, &l->client_watch, &l->client_interest, client);
	uint32_t upstream = l->phase == RELAY_CONNECT ? EPOLLOUT : 0;
	if (wants_upstream(l))
		upstream |= EPOLLIN;
	if (l->phase != RELAY_CONNECT && relay_buffer_len(&l->upstream_out))
		upstream |= EPOLLOUT;
	upstream_watch_set(l, upstream);
}

/* Time without a byte moved, by what is waited for. */
static void deadline_renew(struct relay_link *l)
{
	const struct relay_limits *limits = &l->relay->limits;
	if (l->phase == RELAY_TUNNEL)
		relay_set_deadline(l->relay, l, limits->tunnel_ms);
	else if (l->phase == RELAY_EXCHANGE && l->is_request_whole && !relay_buffer_len(&l->client_out))
		relay_set_deadline(l->relay, l, limits->answer_ms);
	else if (l->phase == RELAY_EXCHANGE || (l->phase == RELAY_CLOSING && !l->is_client_shut))
		relay_set_deadline(l->relay, l, limits->stall_ms);
}

void relay_link_work(struct relay_link *l)
{
	bool is_moved = true;
	for (int round = 0; is_moved && !l->is_dead && round < ROUNDS_MAX; round++) {
		is_moved = client_io(l);
		if (!l->is_dead)
			is_moved |= upstream_io(l);
		if (!l->is_dead)
			is_moved |= steps[l->phase](l);
		if (!l->is_dead && is_moved)
			deadline_renew(l);
	}
	if (l->is_dead)
		return;
	l->is_ready = is_moved;
	l->relay->has_ready |= is_moved;
	interest_update(l);
}

void relay_link_wake(struct relay_link *l, const struct relay_watch *watch, uint32_t events)
{
	if (l->is_dead)
		return;
	if (watch->kind == RELAY_WATCH_CLIENT && (events & (EPOLLERR | EPOLLHUP))) {
		relay_link_kill(l);
		return;
	}
	relay_link_work(l);
}

void relay_link_expire(struct relay_link *l)
{
	if (l->phase == RELAY_CONNECT)
		connect_next(l);
	else if (l->phase == RELAY_IDLE && relay_buffer_len(&l->client_in))
		refuse(l, 408, "the head of the request did not come in time");
	else if (l->phase == RELAY_EXCHANGE && !l->is_request_whole)
		refuse(l, 408, "the body of the request did not come in time");
	else if (l->phase == RELAY_EXCHANGE)
		refuse(l, 504,
		       "the instance did not answer in time; "
		       "the request was sent once and is not repeated");
	else
		relay_link_kill(l);
	if (!l->is_dead)
		relay_link_work(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of the relay: routing table, listening sockets, backends' counts, the ack, the end.
 * relay_link.c has the rest. */
#include "platform/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "platform/relay_link.h"

enum {
	BATCH = 64,
	BACKLOG = 1024,
	REBIND_MS = 1000,
	PAUSE_FDS = 16,
	FDS_WANTED = 16384,
	GRACE_MS = 500, /* after SIGTERM, for a request that is on its way on an idle connection */
};

const struct relay_limits relay_limits_default = {
	.idle_ms = 75000,
	.head_ms = 15000,
	.connect_ms = 3000,
	.answer_ms = 300000,
	.stall_ms = 60000,
	.tunnel_ms = 3600000,
	.linger_ms = 2000,
	.drain_ms = 10000,
	.links_max = 4096,
};

struct relay_listener {
	struct relay_watch watch;
	struct relay_listener *next;
	uint16_t port;
	int fd;     /* -1: not bound */
	int number; /* errno of the failure to bind, or 0 */
	bool is_wanted;
};

void relay_set_deadline(struct relay *r, struct relay_link *l, int ms)
{
	l->deadline = r->now + ms;
	if (l->deadline < r->next_sweep)
		r->next_sweep = l->deadline;
}

void relay_name_placement(const struct relay *r, uint16_t port, char *out, size_t size)
{
	const struct route *route = route_table_find(&r->table, port);
	const char *slash = route ? strchr(route->placement, '/') : NULL;
	if (slash)
		snprintf(out, size, "%s in %.*s", slash + 1, (int)(slash - route->placement),
			 route->placement);
	else
		snprintf(out, size, "127.0.0.1:%u", port);
}

static bool was_tried(const struct relay_link *l, uint16_t port)
{
	for (unsigned i = 0; i < l->tried_count; i++)
		if (l->tried[i] == port)
			return true;
	return false;
}

uint16_t relay_take_backend(struct relay *r, struct relay_link *l)
{
	const struct route *route = route_table_find(&r->table, l->port);
	uint16_t best = 0;
	size_t count = route ? route->backend_count : 0;
	if (l->tried_count == sizeof(l->tried) / sizeof(*l->tried))
		return 0;
	r->turn++;
	for (size_t i = 0; i < count; i++) {
		uint16_t port = route->backends[(i + r->turn) % count];
		if (!was_tried(l, port) && (!best || r->in_flight[port] < r->in_flight[best]))
			best = port;
	}
	if (best)
		r->in_flight[best]++;
	return best;
}

void relay_release(struct relay *r, uint16_t backend)
{
	r->in_flight[backend]--;
	for (size_t i = 0; i < r->draining_count; i++)
		r->is_ack_due |= r->draining[i] == backend;
}

static bool table_has_backend(const struct route_table *table, uint16_t port)
{
	for (size_t i = 0; i < table->count; i++)
		if (route_has_backend(&table->routes[i], port))
			return true;
	return false;
}

/* Notes what of the old table still answers requests but is named no more. */
static void draining_update(struct relay *r, const struct route_table *old)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->draining_count; i++)
		if (r->in_flight[r->draining[i]] && !table_has_backend(&r->table, r->draining[i]))
			r->draining[kept++] = r->draining[i];
	for (size_t i = 0; i < old->count; i++)
		for (size_t k = 0; k < old->routes[i].backend_count; k++) {
			uint16_t port = old->routes[i].backends[k];
			if (!r->in_flight[port] || table_has_backend(&r->table, port))
				continue;
			r->draining = mem_grow(r->draining, kept + 1, sizeof(*r->draining));
			r->draining[kept++] = port;
		}
	r->draining_count = kept;
}

static void ack_write(struct relay *r)
{
	struct route_ack ack = {.generation = r->table.generation};
	struct err err;
	size_t kept = 0;
	for (const struct relay_listener *l = r->listeners; l; l = l->next)
		if (l->number)
			route_ack_add_failed(&ack, l->port, (unsigned)l->number);
	for (size_t i = 0; i < r->draining_count; i++) {
		uint16_t port = r->draining[i];
		if (!r->in_flight[port])
			continue;
		route_ack_add_draining(&ack, port, r->in_flight[port]);
		r->draining[kept++] = port;
	}
	r->draining_count = kept;
	str_copy(ack.error, sizeof(ack.error), r->table_error);
	if (!route_ack_write(r->dir, &ack, &err))
		fprintf(stderr, "relay: %s\n", err.text);
	route_ack_finish(&ack);
	r->is_ack_due = false;
}

static int listener_bind(uint16_t port)
{
	int one = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && !listen(fd, BACKLOG))
		return fd;
	int number = errno;
	close(fd);
	errno = number;
	return -1;
}

static void listener_watch(struct relay *r, struct relay_listener *l, bool is_on)
{
	struct epoll_event e = {.events = is_on ? EPOLLIN : 0, .data.ptr = &l->watch};
	if (l->fd >= 0)
		epoll_ctl(r->epoll, EPOLL_CTL_MOD, l->fd, &e);
}

static void listener_open(struct relay *r, struct relay_listener *l)
{
	int was = l->number;
	l->fd = listener_bind(l->port);
	l->number = l->fd < 0 ? errno : 0;
	struct epoll_event e = {.events = r->is_paused ? 0 : EPOLLIN, .data.ptr = &l->watch};
	if (l->fd >= 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, l->fd, &e)) {
		l->number = errno;
		close(l->fd);
		l->fd = -1;
	}
	if (l->number && l->number != was)
		fprintf(stderr, "relay: 127.0.0.1:%u cannot be bound: %s\n", l->port, strerror(l->number));
	r->is_ack_due |= l->number != was;
}

static void listeners_bind(struct relay *r)
{
	r->next_bind = 0;
	for (struct relay_listener *l = r->listeners; l; l = l->next) {
		if (l->fd < 0)
			listener_open(r, l);
		if (l->fd < 0)
			r->next_bind = r->now + REBIND_MS;
	}
}

static void listeners_close(struct relay *r, bool is_every)
{
	struct relay_listener **at = &r->listeners;
	while (*at) {
		struct relay_listener *l = *at;
		if (l->is_wanted && !is_every) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		if (l->fd >= 0)
			close(l->fd);
		free(l);
	}
}

/* Listening sockets as the table names them; those that stay are not touched, their queues hold clients. */
static void listeners_match(struct relay *r)
{
	for (struct relay_listener *l = r->listeners; l; l = l->next)
		l->is_wanted = route_table_find(&r->table, l->port);
	listeners_close(r, false);
	for (size_t i = 0; i < r->table.count; i++) {
		struct relay_listener *l = r->listeners;
		while (l && l->port != r->table.routes[i].port)
			l = l->next;
		if (l)
			continue;
		l = mem_alloc(sizeof(*l));
		*l = (struct relay_listener){.watch = {RELAY_WATCH_LISTENER, l},
					     .next = r->listeners,
					     .port = r->table.routes[i].port,
					     .fd = -1,
					     .is_wanted = true};
		r->listeners = l;
	}
	listeners_bind(r);
}

static void table_load(struct relay *r)
{
	struct route_table fresh, old = r->table;
	struct err err;
	r->is_ack_due = true;
	if (!route_table_read(r->dir, &fresh, &err)) {
		if (err.kind == ERR_NOT_FOUND)
			return;
		str_copy(r->table_error, sizeof(r->table_error), err.text);
		fprintf(stderr, "relay: %s; generation %llu stays in force\n", err.text,
			(unsigned long long)r->table.generation);
		return;
	}
	r->table_error[0] = '\0';
	r->table = fresh;
	draining_update(r, &old);
	listeners_match(r);
	route_table_finish(&old);
}

static void pause_set(struct relay *r, bool is_paused)
{
	r->is_paused = is_paused;
	for (struct relay_listener *l = r->listeners; l; l = l->next)
		listener_watch(r, l, !is_paused);
}

static void listener_accept(struct relay *r, struct relay_listener *l)
{
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		char peer[INET_ADDRSTRLEN] = "127.0.0.1";
		if (r->link_count >= r->limits.links_max) {
			pause_set(r, true);
			return;
		}
		int fd = accept4(l->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
				pause_set(r, true);
			return;
		}
		inet_ntop(AF_INET, &from.sin_addr, peer, sizeof(peer));
		relay_link_open(r, fd, l->port, peer);
	}
}

static void stop_start(struct relay *r)
{
	if (r->is_stopping)
		return;
	r->is_stopping = true;
	r->stop_at = r->now + r->limits.drain_ms;
	r->next_bind = 0;
	listeners_close(r, true);
	for (struct relay_link *l = r->links; l; l = l->next)
		if (l->phase == RELAY_IDLE && l->deadline > r->now + GRACE_MS)
			relay_set_deadline(r, l, GRACE_MS);
}

static void signals_take(struct relay *r)
{
	struct signalfd_siginfo info;
	while (read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		stop_start(r);
}

static void notify_take(struct relay *r)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_changed = false;
	for (ssize_t n; (n = read(r->notify, bytes, sizeof(bytes))) > 0;)
		for (char *at = bytes; at < bytes + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)at;
			is_changed |= (e->mask & IN_Q_OVERFLOW) || (e->len && str_eq(e->name, ROUTE_FILE));
			if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
				stop_start(r);
			at += sizeof(*e) + e->len;
		}
	if (is_changed && !r->is_stopping)
		table_load(r);
}

static void event_take(struct relay *r, const struct epoll_event *e)
{
	const struct relay_watch *watch = e->data.ptr;
	switch (watch->kind) {
	case RELAY_WATCH_SIGNALS:
		signals_take(r);
		break;
	case RELAY_WATCH_DIR:
		notify_take(r);
		break;
	case RELAY_WATCH_LISTENER:
		listener_accept(r, watch->of);
		break;
	case RELAY_WATCH_CLIENT:
	case RELAY_WATCH_UPSTREAM:
		relay_link_wake(watch->of, watch, e->events);
		break;
	}
}

static void sweep(struct relay *r)
{
	if (r->now < r->next_sweep)
		return;
	r->next_sweep = INT64_MAX;
	for (struct relay_link *l = r->links, *next; l; l = next) {
		next = l->next;
		if (l->deadline <= r->now)
			relay_link_expire(l);
		else if (l->deadline < r->next_sweep)
			r->next_sweep = l->deadline;
	}
}

/* Links that had more to do when their turn was over. */
static void ready_work(struct relay *r)
{
	if (!r->has_ready)
		return;
	r->has_ready = false;
	for (struct relay_link *l = r->links, *next; l; l = next) {
		next = l->next;
		if (l->is_ready)
			relay_link_work(l);
	}
}

static void dead_free(struct relay *r)
{
	bool has_room = r->dead;
	while (r->dead) {
		struct relay_link *l = r->dead;
		r->dead = l->next;
		relay_link_free(l);
	}
	if (r->is_paused && has_room && r->link_count + PAUSE_FDS <= r->limits.links_max)
		pause_set(r, false);
}

static int wait_ms(const struct relay *r)
{
	int64_t until = r->links ? r->next_sweep : INT64_MAX;
	if (r->has_ready)
		return 0;
	if (r->next_bind && r->next_bind < until)
		until = r->next_bind;
	if (r->is_stopping && r->stop_at < until)
		until = r->stop_at;
	if (until == INT64_MAX)
		return -1;
	return until <= r->now ? 0 : until - r->now > 60000 ? 60000 : (int)(until - r->now);
}

/* Listeners are closed while their events may still be in the batch: so those events are taken first. */
static void batch_sort(struct epoll_event *events, int n)
{
	for (int i = 0, front = 0; i < n; i++) {
		const struct relay_watch *watch = events[i].data.ptr;
		if (watch->kind == RELAY_WATCH_SIGNALS || watch->kind == RELAY_WATCH_DIR)
			continue;
		struct epoll_event held = events[front];
		events[front++] = events[i];
		events[i] = held;
	}
}

static void loop(struct relay *r)
{
	while (!r->is_stopping || (r->links && r->now < r->stop_at)) {
		struct epoll_event events[BATCH];
		int n = epoll_wait(r->epoll, events, BATCH, wait_ms(r));
		r->now = clock_mono_ms();
		if (n > 0)
			batch_sort(events, n);
		for (int i = 0; i < n; i++)
			event_take(r, &events[i]);
		sweep(r);
		ready_work(r);
		dead_free(r);
		if (r->next_bind && r->now >= r->next_bind)
			listeners_bind(r);
		if (r->is_ack_due)
			ack_write(r);
	}
}

static bool watch_add(struct relay *r, int fd, struct relay_watch *watch)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = watch};
	return fd >= 0 && !epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e);
}

static bool relay_open(struct relay *r, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	r->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->epoll < 0 || r->notify < 0 || !watch_add(r, r->signals, &r->signals_watch) ||
	    !watch_add(r, r->notify, &r->notify_watch))
		return err_errno(err, ERR_FAILED, errno, "the relay cannot open what it watches with");
	uint32_t mask = IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	if (inotify_add_watch(r->notify, r->dir, mask) < 0)
		return err_errno(err, ERR_FAILED, errno, "%s cannot be watched for routes", r->dir);
	return true;
}

static void relay_close(struct relay *r)
{
	while (r->links)
		relay_link_kill(r->links);
	dead_free(r);
	listeners_close(r, true);
	route_table_finish(&r->table);
	for (int i = 0; i < 3; i++) {
		int fd = (int[]){r->epoll, r->signals, r->notify}[i];
		if (fd >= 0)
			close(fd);
	}
	free(r->in_flight);
	free(r->draining);
}

bool relay_run(const char *dir, const struct relay_limits *limits, struct err *err)
{
	struct relay r = {
		.dir = dir,
		.limits = *limits,
		.epoll = -1,
		.signals = -1,
		.notify = -1,
		.signals_watch = {RELAY_WATCH_SIGNALS, NULL},
		.notify_watch = {RELAY_WATCH_DIR, NULL},
		.in_flight = mem_array(65536, sizeof(unsigned)),
		.now = clock_mono_ms(),
		.next_sweep = INT64_MAX,
	};
	bool is_open = relay_open(&r, err);
	if (is_open) {
		table_load(&r);
		ack_write(&r);
		loop(&r);
	}
	relay_close(&r);
	return is_open;
}

/* Two descriptors a link: the usual soft limit of 1,024 would end at 500 clients. */
static void descriptors_raise(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur < FDS_WANTED)
		limit.rlim_cur = limit.rlim_max < FDS_WANTED ? limit.rlim_max : FDS_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int relay_main(int argc, char **argv)
{
	struct err err;
	if (argc != 1) {
		fprintf(stderr, "fairway --relay: wants one folder, where routes lies\n");
		return err_exit_status(ERR_USAGE);
	}
	descriptors_raise();
	if (relay_run(argv[0], &relay_limits_default, &err))
		return 0;
	fprintf(stderr, "fairway --relay: %s\n", err.text);
	return err_exit_status(err.kind);
}

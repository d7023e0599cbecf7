/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/child.h"
#include "base/mem.h"
#include "platform/daemon.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/slot_file.h"

enum { LISTENERS = 4, RETRY_MS = 1000 };

struct routes {
	struct reactor *reactor;
	char *dir;
	struct route_table table; /* wanted */
	struct route_ack ack;     /* newest answer */
	struct err err;           /* kind ERR_NONE: all is well */
	bool is_dirty;            /* changed since it was written */
	int notify;
	struct reactor_fd *watch;
	struct reactor_timer *retry; /* of a write that failed */
	struct {
		void (*changed)(void *arg);
		void *arg;
	} listeners[LISTENERS];
	size_t listener_count;
	const char *argv[4];
	char **env;
	struct slot_spec spec;
};

static void table_write(void *arg)
{
	struct routes *r = arg;
	if (!r->is_dirty)
		return;
	r->table.generation++;
	r->err = (struct err){0};
	r->is_dirty = !route_table_write(r->dir, &r->table, &r->err);
	if (r->is_dirty)
		reactor_timer_set(r->retry, RETRY_MS);
}

static void table_change(struct routes *r)
{
	if (!r->is_dirty)
		reactor_defer(r->reactor, table_write, r);
	r->is_dirty = true;
}

static void ack_load(struct routes *r)
{
	struct route_ack fresh;
	struct err err;
	if (!route_ack_read(r->dir, &fresh, &err)) {
		if (err.kind != ERR_NOT_FOUND)
			r->err = err;
		return;
	}
	route_ack_finish(&r->ack);
	r->ack = fresh;
	for (size_t i = 0; i < r->listener_count; i++)
		r->listeners[i].changed(r->listeners[i].arg);
}

static void notify_take(int fd, unsigned events, void *arg)
{
	char bytes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_answer = false;
	(void)events;
	for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
		for (char *at = bytes; at < bytes + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)at;
			is_answer |= (e->mask & IN_Q_OVERFLOW) || (e->len && str_eq(e->name, ROUTE_ACK_FILE));
			at += sizeof(*e) + e->len;
		}
	if (is_answer)
		ack_load(arg);
}

static bool program_path(char *out, size_t size, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	if (n < 0)
		return err_errno(err, ERR_FAILED, errno, "/proc/self/exe");
	out[n] = '\0';
	if (n > 10 && str_eq(out + n - 10, " (deleted)")) /* replaced by a newer one at the same place */
		out[n - 10] = '\0';
	return true;
}

static bool spec_make(struct routes *r, struct err *err)
{
	char program[4096];
	if (!program_path(program, sizeof(program), err))
		return false;
	r->env = child_env_new(NULL);
	r->argv[0] = mem_dup(program);
	r->argv[1] = "--relay";
	r->argv[2] = r->dir;
	r->spec = (struct slot_spec){
		.id = ROUTES_SLOT, .dir = r->dir, .argv = r->argv, .env = (const char *const *)r->env};
	return true;
}

struct routes *routes_new(struct daemon *d, struct err *err)
{
	struct routes *r = mem_alloc(sizeof(*r));
	r->reactor = d->reactor;
	r->dir = place_path(d->place, "relay");
	r->retry = reactor_timer_add(d->reactor, -1, 0, table_write, r);
	r->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->notify < 0 || inotify_add_watch(r->notify, r->dir, IN_MOVED_TO) < 0) {
		err_errno(err, ERR_FAILED, errno, "%s cannot be watched", r->dir);
		routes_free(r);
		return NULL;
	}
	r->watch = reactor_fd_add(d->reactor, r->notify, REACTOR_READ, notify_take, r, err);
	if (!r->watch || !spec_make(r, err)) {
		routes_free(r);
		return NULL;
	}
	/* A table that cannot be read is written anew; its generation still counts, as the ack names it. */
	route_table_read(r->dir, &r->table, NULL);
	route_ack_read(r->dir, &r->ack, NULL);
	if (r->ack.generation > r->table.generation)
		r->table.generation = r->ack.generation;
	return r;
}

void routes_free(struct routes *r)
{
	if (!r)
		return;
	reactor_defer_cancel(r->reactor, r);
	if (r->watch)
		reactor_fd_remove(r->watch);
	if (r->notify >= 0)
		close(r->notify);
	reactor_timer_remove(r->retry);
	route_table_finish(&r->table);
	route_ack_finish(&r->ack);
	free((char *)r->argv[0]);
	if (r->env)
		child_env_free(r->env);
	free(r->dir);
	free(r);
}

const struct slot_spec *routes_spec(const struct routes *r)
{
	return &r->spec;
}

static bool backends_are(const struct route *route, const uint16_t *backends, size_t count)
{
	return route->backend_count == count &&
	       (!count || !memcmp(route->backends, backends, count * sizeof(*backends)));
}

void routes_set(struct routes *r, const char *service, const char *environment, uint16_t port,
		const uint16_t *backends, size_t count)
{
	char placement[ROUTE_NAME];
	struct route *route = (struct route *)route_table_find(&r->table, port);
	if (count > ROUTE_BACKENDS_MAX)
		count = ROUTE_BACKENDS_MAX;
	snprintf(placement, sizeof(placement), "%s/%s", environment, service);
	if (route && str_eq(route->placement, placement) && backends_are(route, backends, count))
		return;
	if (!route)
		route = route_table_add(&r->table, placement, port);
	str_copy(route->placement, sizeof(route->placement), placement);
	route->backend_count = 0;
	for (size_t i = 0; i < count; i++)
		route_add_backend(route, backends[i]);
	table_change(r);
}

void routes_remove(struct routes *r, uint16_t port)
{
	const struct route *route = route_table_find(&r->table, port);
	if (!route)
		return;
	r->table.routes[route - r->table.routes] = r->table.routes[--r->table.count];
	table_change(r);
}

bool routes_has_backend(const struct routes *r, uint16_t port, uint16_t backend)
{
	const struct route *route = route_table_find(&r->table, port);
	return route && route_has_backend(route, backend);
}

bool routes_is_in_force(const struct routes *r)
{
	return !r->is_dirty && r->ack.generation >= r->table.generation;
}

static bool is_routed(const struct routes *r, uint16_t backend)
{
	for (size_t i = 0; i < r->table.count; i++)
		if (route_has_backend(&r->table.routes[i], backend))
			return true;
	return false;
}

int routes_draining(const struct routes *r, const uint16_t *backends, size_t count)
{
	int total = 0;
	if (!routes_is_in_force(r))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!is_routed(r, backends[i]))
			total += (int)route_ack_in_flight(&r->ack, backends[i]);
	return total;
}

int routes_failure(const struct routes *r, uint16_t port)
{
	return (int)route_ack_failure(&r->ack, port);
}

const char *routes_error(const struct routes *r)
{
	return r->err.kind != ERR_NONE ? r->err.text : r->ack.error;
}

bool routes_on_change(struct routes *r, void (*changed)(void *arg), void *arg)
{
	if (r->listener_count == LISTENERS)
		return false;
	r->listeners[r->listener_count].changed = changed;
	r->listeners[r->listener_count++].arg = arg;
	return true;
}

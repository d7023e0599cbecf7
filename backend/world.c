/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/world.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

static int64_t io_mono(void *arg)
{
	(void)arg;
	return clock_mono_ms();
}

static int64_t io_wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static uint32_t io_chance(void *arg, uint32_t below)
{
	uint32_t bits = 0;
	(void)arg;
	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits) || below == 0)
		return 0;
	return bits % below;
}

static void io_timer_set(void *arg, struct loop_timer *t, int64_t after_ms, void (*due)(void *),
			 void *due_arg)
{
	loop_timer_set(((struct world *)arg)->loop, t, after_ms, due, due_arg);
}

static void io_timer_clear(void *arg, struct loop_timer *t)
{
	loop_timer_clear(((struct world *)arg)->loop, t);
}

static struct http *io_start(void *arg, const struct http_wish *wish, const struct http_handler *handler,
                             void *handler_arg, struct err *err)
{
	return http_start(((struct world *)arg)->loop, wish, handler, handler_arg, err);
}

static void io_hold(void *arg, struct http *h, bool is_held)
{
	(void)arg;
	http_hold(h, is_held);
}

static void io_cancel(void *arg, struct http *h)
{
	(void)arg;
	http_cancel(h);
}

static struct reach_wait *io_reach(void *arg, const struct config_source *source, reach_told *told,
				   void *told_arg)
{
	return reach_ask(((struct world *)arg)->reaches, source, told, told_arg);
}

static void io_reach_cancel(void *arg, struct reach_wait *w)
{
	(void)arg;
	reach_cancel(w);
}

static bool io_reach_refused(void *arg, const struct config_source *source, uint64_t serial)
{
	return reach_refused(((struct world *)arg)->reaches, source, serial);
}

static struct exec *io_exec(void *arg, const struct exec_wish *wish, exec_ended *ended, void *ended_arg,
			    struct err *err)
{
	return exec_start(((struct world *)arg)->loop, wish, ended, ended_arg, err);
}

static void io_exec_cancel(void *arg, struct exec *x)
{
	(void)arg;
	exec_cancel(x);
}

static void io_exec_hold(void *arg, struct exec *x, bool is_held)
{
	(void)arg;
	exec_hold(x, is_held);
}

static bool io_walk(void *arg, const char *folder, const char *suffix, walk_each *each, void *each_arg,
		    struct err *err)
{
	(void)arg;
	return walk(folder, suffix, each, each_arg, err);
}

static void io_deliver(void *arg, struct message *m)
{
	struct world *w = arg;
	w->deliver(m, w->arg);
}

void world_io(struct world *w, struct io *io)
{
	*io = (struct io){
		.mono = io_mono, .wall = io_wall, .chance = io_chance, .timer_set = io_timer_set,
		.timer_clear = io_timer_clear, .start = io_start, .hold = io_hold, .cancel = io_cancel,
		.reach = io_reach, .reach_cancel = io_reach_cancel, .reach_refused = io_reach_refused,
		.exec = io_exec, .exec_cancel = io_exec_cancel, .exec_hold = io_exec_hold,
		.walk = io_walk, .deliver = io_deliver,
		.via = getenv("SSH_CONNECTION"), .arg = w,
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "platform/reactor.h"

struct seen {
	struct reactor *r;
	struct reactor_fd *watch, *other;
	struct reactor_timer *timer;
	char order[16];
	int count;
};

static int setup(void **state)
{
	static struct seen s;
	s = (struct seen){.r = reactor_new(NULL)};
	*state = &s;
	return s.r ? 0 : -1;
}

static int teardown(void **state)
{
	reactor_free(((struct seen *)*state)->r);
	return 0;
}

static void on_read_remove_both(int fd, unsigned events, void *arg)
{
	struct seen *s = arg;
	(void)fd;
	assert_true(events & REACTOR_READ);
	s->count++;
	reactor_fd_remove(s->watch);
	reactor_fd_remove(s->other);
}

/* Two descriptors are ready in one turn; whichever comes first removes both. */
static void removed_in_dispatch_is_not_called(void **state)
{
	struct seen *s = *state;
	int a[2], b[2];
	assert_int_equal(pipe(a) + pipe(b), 0);
	assert_int_equal(write(a[1], "x", 1) + write(b[1], "x", 1), 2);
	s->watch = reactor_fd_add(s->r, a[0], REACTOR_READ, on_read_remove_both, s, NULL);
	s->other = reactor_fd_add(s->r, b[0], REACTOR_READ, on_read_remove_both, s, NULL);
	reactor_turn(s->r, 0);
	reactor_turn(s->r, 0);
	assert_int_equal(s->count, 1);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void on_hangup(int fd, unsigned events, void *arg)
{
	struct seen *s = arg;
	(void)fd;
	s->count += (events & REACTOR_HANGUP) != 0;
}

static void a_paused_one_is_silent(void **state)
{
	struct seen *s = *state;
	int p[2];
	assert_int_equal(pipe(p), 0);
	struct reactor_fd *f = reactor_fd_add(s->r, p[0], REACTOR_READ, on_hangup, s, NULL);
	close(p[1]);
	reactor_fd_watch(f, 0);
	reactor_turn(s->r, 5);
	assert_int_equal(s->count, 0);
	reactor_fd_watch(f, REACTOR_READ);
	reactor_turn(s->r, 1000);
	assert_int_equal(s->count, 1);
	reactor_fd_remove(f);
	close(p[0]);
}

static void add_letter(struct seen *s, char c)
{
	s->order[s->count++] = c;
	if (s->count == 3)
		reactor_stop(s->r);
}

static void letter_a(void *arg)
{
	add_letter(arg, 'a');
}

static void letter_b(void *arg)
{
	add_letter(arg, 'b');
}

static void letter_c(void *arg)
{
	add_letter(arg, 'c');
}

static void timers_fire_in_order(void **state)
{
	struct seen *s = *state;
	struct reactor_timer *b = reactor_timer_add(s->r, 20, 0, letter_b, s);
	struct reactor_timer *a = reactor_timer_add(s->r, 10, 0, letter_a, s);
	struct reactor_timer *never = reactor_timer_add(s->r, 5, 0, letter_c, s);
	struct reactor_timer *c = reactor_timer_add(s->r, 30, 0, letter_c, s);
	reactor_timer_set(never, -1);
	assert_false(reactor_timer_is_set(never));
	int64_t start = clock_mono_ms();
	reactor_run(s->r);
	assert_string_equal(s->order, "abc");
	assert_true(clock_mono_ms() - start >= 29);
	assert_false(reactor_timer_is_set(a));
	reactor_timer_remove(a);
	reactor_timer_remove(b);
	reactor_timer_remove(c);
	reactor_timer_remove(never);
}

static void remove_myself(void *arg)
{
	struct seen *s = arg;
	if (++s->count == 3) {
		reactor_timer_remove(s->timer);
		reactor_stop(s->r);
	}
}

static void a_periodic_one_may_remove_itself(void **state)
{
	struct seen *s = *state;
	s->timer = reactor_timer_add(s->r, 0, 2, remove_myself, s);
	reactor_run(s->r);
	assert_int_equal(s->count, 3);
}

static void defer_more(void *arg)
{
	struct seen *s = arg;
	add_letter(s, 'a');
	reactor_defer(s->r, letter_b, s);
	reactor_defer(s->r, letter_c, s);
}

static void deferred_calls_run_before_sleep(void **state)
{
	struct seen *s = *state;
	int other;
	reactor_defer(s->r, defer_more, s);
	reactor_defer(s->r, letter_c, &other);
	reactor_defer_cancel(s->r, &other);
	reactor_run(s->r);
	assert_string_equal(s->order, "abc");
	assert_int_equal(reactor_wakeups(s->r), 0);
}

static void idle_is_one_sleep(void **state)
{
	struct seen *s = *state;
	struct reactor_timer *t = reactor_timer_add(s->r, 60000, 0, letter_a, s);
	assert_true(reactor_turn(s->r, 50));
	assert_int_equal(reactor_wakeups(s->r), 1);
	assert_int_equal(s->count, 0);
	reactor_timer_remove(t);
}

/* The heap against a plain search for the smallest, with removals in between. */
static void many_timers(void **state)
{
	struct seen *s = *state;
	struct reactor_timer *t[200];
	unsigned seed = 7;
	for (int i = 0; i < 200; i++) {
		seed = seed * 1103515245u + 12345u;
		t[i] = reactor_timer_add(s->r, (seed >> 16) % 20, 0, remove_myself, s);
	}
	for (int i = 0; i < 200; i++)
		if (i % 3)
			reactor_timer_set(t[i], -1);
	s->count = 1000; /* remove_myself only counts */
	int64_t until = clock_mono_ms() + 2000;
	while (s->count < 1067 && clock_mono_ms() < until)
		reactor_turn(s->r, 20);
	assert_int_equal(s->count, 1067);
	for (int i = 0; i < 200; i++)
		reactor_timer_remove(t[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(removed_in_dispatch_is_not_called, setup, teardown),
		cmocka_unit_test_setup_teardown(a_paused_one_is_silent, setup, teardown),
		cmocka_unit_test_setup_teardown(timers_fire_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_periodic_one_may_remove_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(deferred_calls_run_before_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(idle_is_one_sleep, setup, teardown),
		cmocka_unit_test_setup_teardown(many_timers, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tests/support/noise.h"
#include "tests/support/screen.h"
#include "tui/canvas.h"

static struct screen *start(int rows, int columns, bool is_job, const char *const *env)
{
	static char path[4096];
	static const char *argv[2];
	argv[0] = screen_program("tests/tools/sheet", path, sizeof(path));
	return screen_start(&(struct screen_options){
		.rows = rows, .columns = columns, .argv = argv, .is_job = is_job, .env = env});
}

static void assert_restored(struct screen *s)
{
	assert_false(screen_is_alternate(s));
	assert_true(screen_is_cursor_shown(s));
	size_t len;
	const char *raw = screen_raw(s, &len);
	/* The last word on each mode is that it is off. */
	static const char *const modes[] = {"\033[?1000", "\033[?1006", "\033[?2004", "\033[?2026"};
	for (size_t i = 0; i < 4; i++) {
		const char *last = NULL;
		for (const char *at = raw; (at = strstr(at, modes[i])); at++)
			last = at;
		assert_non_null(last);
		assert_int_equal(last[7], 'l');
	}
}

static void shows_and_leaves(void **state)
{
	(void)state;
	struct screen *s = start(40, 120, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	assert_true(screen_is_alternate(s));
	assert_false(screen_is_cursor_shown(s));
	assert_true(screen_raw_has(s, "\033[?1000h\033[?1006h", 0));
	assert_true(screen_raw_has(s, "\033[?2004h", 0));
	assert_true(screen_raw_has(s, "\033[1;40r", 0)); /* all rows scroll, not terminfo's 24 */
	assert_false(screen_raw_has(s, "\033[1;24r", 0));
	assert_true(screen_has_text(s, "?]0;title?")); /* outside text is masked */
	assert_true(screen_has_text(s, "1/50000"));
	assert_true(screen_is_reverse(s, 2, 4));
	screen_keys(s, "q");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
	assert_restored(s);
	assert_true(screen_has_text(s, "frames "));
	screen_end(s);
}

/* The bytes of the cells whose look changed: both rows of a cursor that moves are all of it. */
static size_t changed_bytes(struct screen *s, int y)
{
	return strlen(screen_row(s, y)) + strlen(screen_row(s, y + 1)) - 4 * strlen("│");
}

static void a_cursor_move_is_cheap_and_quick(void **state)
{
	(void)state;
	struct screen *s = start(40, 120, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	int64_t worst = 0;
	for (int i = 0; i < 30; i++) {
		size_t before, after;
		unsigned frames = screen_frames(s);
		screen_raw(s, &before);
		int64_t t = clock_mono_ms();
		screen_keys(s, "j");
		screen_wait_frame(s, frames, SCREEN_MS);
		t = clock_mono_ms() - t;
		screen_raw(s, &after);
		worst = t > worst ? t : worst;
		size_t bar = changed_bytes(s, i + 2) * 12 / 10 + 60;
		if (after - before > bar)
			fail_msg("move %d took %zu bytes, more than %zu", i, after - before, bar);
	}
	/* The bench holds the 5 ms; this machine may be busy. */
	assert_in_range(worst, 0, 200);
	unsigned frames = screen_frames(s);
	screen_keys(s, "G");
	screen_wait_frame(s, frames, SCREEN_MS);
	screen_expect_text(s, "50000/50000", SCREEN_MS);
	screen_expect_text(s, "service-50000", SCREEN_MS);
	screen_keys(s, "ggk");
	screen_expect_text(s, " 1/50000", SCREEN_MS);
	screen_end(s);
}

static void the_selection_stays_on_its_row(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_keys(s, "jjj+");
	screen_expect_text(s, "5/50001", SCREEN_MS);
	assert_non_null(strstr(screen_row(s, 5), "service-00004")); /* at its place on the screen, too */
	assert_true(screen_is_reverse(s, 5, 10));
	screen_end(s);
}

static void clicks_and_the_wheel_select(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_bytes(s, "\033[<0;10;8M\033[<0;10;8m", 20);
	screen_expect_text(s, "6/50000", SCREEN_MS);
	screen_bytes(s, "\033[<65;10;8M", 11);
	screen_expect_text(s, "9/50000", SCREEN_MS);
	screen_end(s);
}

static void a_resize_draws_all_anew(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	static const int sizes[][2] = {{40, 120}, {10, 30}, {1, 1}, {2, 3}, {50, 200}, {24, 80}};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned frames = screen_frames(s);
		screen_resize(s, sizes[i][0], sizes[i][1]);
		screen_wait_frame(s, frames, SCREEN_MS);
	}
	screen_expect_text(s, "service-00021", SCREEN_MS);
	assert_non_null(strstr(screen_row(s, 23), "1/50000 ─┘"));
	screen_end(s);
}

static bool is_noise(struct screen *s, void *arg)
{
	return strcmp(screen_text(s), arg) == 0;
}

/* What ncurses makes of a change of frames is what libvterm shows, wide characters and marks included. */
static void the_terminal_shows_what_was_drawn(void **state)
{
	(void)state;
	utf8_start_locale();
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	for (unsigned seed = 1; seed <= 24; seed++) {
		struct grid grid;
		struct str want = {0};
		grid_init(&grid, 24, 80);
		struct canvas all = canvas_of(&grid);
		noise_draw(&all, seed);
		for (int y = 0; y < 24; y++) {
			grid_row(&grid, y, &want);
			str_addc(&want, '\n');
		}
		screen_keys(s, "x");
		screen_expect_that(s, is_noise, want.s, want.s, SCREEN_MS);
		grid_finish(&grid);
		str_finish(&want);
	}
	screen_end(s);
}

static void suspends_and_comes_back(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, true, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_keys(s, "j<ctrl-z>");
	screen_expect_text(s, "[stopped]", SCREEN_MS);
	assert_restored(s);
	screen_keys(s, "<enter>");
	screen_expect_text(s, "2/50000", SCREEN_MS);
	assert_true(screen_is_alternate(s));
	screen_keys(s, "jq");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
	assert_restored(s);
	screen_end(s);
}

static void an_orphan_is_not_stopped(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_keys(s, "<ctrl-z>j");
	screen_expect_text(s, "2/50000", SCREEN_MS);
	screen_end(s);
}

static void lends_the_terminal(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_keys(s, "!");
	screen_expect_text(s, "lent", SCREEN_MS);
	assert_restored(s);
	screen_bytes(s, "word\n", 5);
	screen_expect_text(s, "1/50000", SCREEN_MS);
	assert_true(screen_raw_has(s, "got word", 0));
	screen_keys(s, "j");
	screen_expect_text(s, "2/50000", SCREEN_MS);
	screen_end(s);
}

static void copies_and_rings(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	unsigned frames = screen_frames(s);
	screen_keys(s, "y");
	screen_wait_frame(s, frames, SCREEN_MS);
	assert_true(screen_raw_has(s, "\033]52;c;aGVsbG8=\007", 0));
	frames = screen_frames(s);
	screen_keys(s, "b");
	screen_wait_frame(s, frames, SCREEN_MS);
	assert_int_equal(screen_bells(s), 1);
	screen_end(s);
}

/* A terminal that nobody reads: noise until nothing more fits, then SIGTERM. */
static void a_stuck_terminal_ends_in_time(void **state)
{
	(void)state;
	struct screen *s = start(100, 300, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	for (int i = 0; i < 60; i++)
		screen_bytes(s, "xxxxxxxxxxxx", 12);
	screen_signal(s, SIGTERM);
	int64_t t = clock_mono_ms();
	assert_int_equal(screen_wait_exit(s, 2000, true), 128 + SIGTERM);
	assert_in_range(clock_mono_ms() - t, 0, 2000);
	screen_end(s);
}

static void running_out_of_memory_restores_the_terminal(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_keys(s, "m");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 70);
	assert_restored(s);
	screen_end(s);
}

static bool is_stopped(struct screen *s, void *arg)
{
	int status;
	(void)arg;
	return waitpid(screen_pid(s), &status, WUNTRACED | WNOHANG) > 0 && WIFSTOPPED(status);
}

/* Stopped and continued from outside: nobody told us before. */
static void a_stop_from_outside_is_survived(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_signal(s, SIGSTOP);
	for (int64_t end = clock_mono_ms() + SCREEN_MS; !is_stopped(s, NULL) && clock_mono_ms() < end;)
		screen_pump(s, 10);
	unsigned frames = screen_frames(s);
	screen_signal(s, SIGCONT);
	screen_wait_frame(s, frames, SCREEN_MS);
	screen_keys(s, "j");
	screen_expect_text(s, "2/50000", SCREEN_MS);
	screen_end(s);
}

static void a_hangup_ends_it(void **state)
{
	(void)state;
	struct screen *s = start(24, 80, false, NULL);
	screen_expect_text(s, "service-00001", SCREEN_MS);
	screen_signal(s, SIGHUP);
	assert_int_equal(screen_wait_exit(s, 2000, false), 128 + SIGHUP);
	assert_restored(s);
	screen_end(s);
}

static void speaks_ascii_without_colours(void **state)
{
	(void)state;
	static const char *const env[] = {"FAIRWAY_ASCII=1", "NO_COLOR=1", NULL};
	struct screen *s = start(24, 80, false, env);
	screen_expect_text(s, "* service-00001", SCREEN_MS);
	size_t len;
	const char *raw = screen_raw(s, &len);
	for (size_t i = 0; i < len; i++)
		assert_true((unsigned char)raw[i] < 0x80);
	assert_false(screen_raw_has(s, "\033[38;5", 0));
	assert_false(screen_raw_has(s, "\033[39;49m", 0));
	screen_end(s);
	static const char *const locale[] = {"LC_ALL=C", NULL};
	s = start(24, 80, false, locale);
	screen_expect_text(s, "* service-00001", SCREEN_MS);
	screen_end(s);
}

static void other_terminals_work(void **state)
{
	(void)state;
	static const char *const names[] = {"TERM=xterm", "TERM=linux", "TERM=vt100", "TERM=screen-256color",
					    "TERM=tmux"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct screen *s = start(24, 80, false, (const char *const[]){names[i], NULL});
		screen_expect_text(s, "service-00001", SCREEN_MS);
		screen_keys(s, "jq");
		assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
		screen_end(s);
	}
}

static void refuses_without_a_terminal(void **state)
{
	(void)state;
	static const char *const names[] = {"TERM=dumb", "TERM=", "TERM=no-such-terminal"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* newterm() loses 1.6 kB of its own when it fails. */
		struct screen *s = start(
			24, 160, false, (const char *const[]){names[i], "ASAN_OPTIONS=detect_leaks=0", NULL});
		screen_expect_text(s, "`fairway status` answers without one", SCREEN_MS);
		assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 2);
		assert_false(screen_raw_has(s, "\033", 0));
		screen_end(s);
	}
	char path[4096], said[512] = "";
	const char *argv[] = {screen_program("tests/tools/sheet", path, sizeof(path)), NULL};
	char **env = child_env_new(NULL);
	int pipe_of[2];
	assert_int_equal(pipe2(pipe_of, O_CLOEXEC), 0);
	struct child_start how = {.argv = argv,
				  .env = (const char *const *)env,
				  .out = pipe_of[1],
				  .err = pipe_of[1]};
	struct child child;
	struct child_end end;
	assert_true(child_start(&how, &child, NULL));
	assert_int_equal(child_wait_for(&child, SCREEN_MS, &end), CHILD_ENDED);
	assert_int_equal(end.status, 2);
	assert_in_range(read(pipe_of[0], said, sizeof(said) - 1), 1, sizeof(said));
	assert_non_null(strstr(said, "needs a terminal"));
	child_env_free(env);
	close(pipe_of[0]);
	close(pipe_of[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_and_leaves),
		cmocka_unit_test(a_cursor_move_is_cheap_and_quick),
		cmocka_unit_test(the_selection_stays_on_its_row),
		cmocka_unit_test(clicks_and_the_wheel_select),
		cmocka_unit_test(a_resize_draws_all_anew),
		cmocka_unit_test(the_terminal_shows_what_was_drawn),
		cmocka_unit_test(suspends_and_comes_back),
		cmocka_unit_test(an_orphan_is_not_stopped),
		cmocka_unit_test(lends_the_terminal),
		cmocka_unit_test(copies_and_rings),
		cmocka_unit_test(a_stuck_terminal_ends_in_time),
		cmocka_unit_test(running_out_of_memory_restores_the_terminal),
		cmocka_unit_test(a_stop_from_outside_is_survived),
		cmocka_unit_test(a_hangup_ends_it),
		cmocka_unit_test(speaks_ascii_without_colours),
		cmocka_unit_test(other_terminals_work),
		cmocka_unit_test(refuses_without_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Captured children whose output is told as it comes: whole, held back, given up in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/exec.h"
#include "backend/http.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct world {
	struct loop *loop;
	struct exec *exec;
	struct str output;
	int pieces, ends, status;
	bool gives_up;
};

static void on_told(const char *bytes, size_t len, void *arg)
{
	struct world *w = arg;
	str_addn(&w->output, bytes, len);
	w->pieces++;
	if (w->gives_up)
		exec_cancel(w->exec);
}

static void on_ended(int status, const char *rest, size_t len, const struct err *err, void *arg)
{
	struct world *w = arg;
	assert_null(err);
	str_addn(&w->output, rest, len);
	w->status = status;
	w->ends++;
}

static void begin(struct world *w, const char *script)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	struct err err;
	assert_true(http_set_up(&err));
	w->loop = loop_new(&err);
	w->exec = exec_start(w->loop, &(struct exec_wish){.argv = argv, .told = on_told}, on_ended, w, &err);
	assert_non_null(w->exec);
}

static void step_until(struct world *w, const int *count, int want)
{
	int64_t deadline = clock_mono_ms() + 20000;
	while (*count < want && clock_mono_ms() < deadline)
		loop_step(w->loop, 100);
	assert_true(*count >= want);
}

static void end(struct world *w)
{
	loop_free(w->loop);
	str_finish(&w->output);
}

static void pieces_come_before_the_end(void **state)
{
	struct world w = {0};
	(void)state;
	begin(&w, "echo one; echo two >&2; read x <&- || :; sleep 0.2; echo three; exit 3");
	step_until(&w, &w.pieces, 1);
	assert_int_equal(w.ends, 0);
	step_until(&w, &w.ends, 1);
	assert_true(str_ends(w.output.s, "three\n"));
	assert_non_null(strstr(w.output.s, "one\ntwo\n"));
	assert_int_equal(w.status, 3);
	end(&w);
}

/* Nothing is lost or kept when it is much; held back, the child waits. */
static void much_output_is_told_whole(void **state)
{
	struct world w = {0};
	(void)state;
	begin(&w, "i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done");
	step_until(&w, &w.pieces, 2);
	exec_hold(w.exec, true);
	int pieces = w.pieces;
	for (int i = 0; i < 5; i++)
		loop_step(w.loop, 20);
	assert_int_equal(w.pieces, pieces);
	assert_int_equal(w.ends, 0);
	exec_hold(w.exec, false);
	step_until(&w, &w.ends, 1);
	const char *at = w.output.s;
	for (int i = 0; i < 40000; i++) {
		char line[32];
		int n = snprintf(line, sizeof(line), "line %d\n", i);
		assert_memory_equal(at, line, (size_t)n);
		at += n;
	}
	assert_int_equal(*at, '\0');
	end(&w);
}

static void who_is_told_may_give_it_up(void **state)
{
	struct world w = {.gives_up = true};
	(void)state;
	begin(&w, "echo one; sleep 60");
	step_until(&w, &w.pieces, 1);
	loop_step(w.loop, 10);
	assert_string_equal(w.output.s, "one\n");
	assert_int_equal(w.ends, 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_before_the_end),
		cmocka_unit_test(much_output_is_told_whole),
		cmocka_unit_test(who_is_told_may_give_it_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

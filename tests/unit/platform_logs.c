/* SPDX-License-Identifier: Apache-2.0 */
/* slot_log writes, log_read reads: together, since each is the other's proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "platform/log_files.h"
#include "platform/log_read.h"
#include "platform/reactor.h"
#include "platform/slot_file.h"
#include "platform/slot_log.h"
#include "tests/support/scratch.h"

struct bed {
	char *root;
	struct place place;
	struct reactor *reactor;
	int dir, fifo;
	struct slot_log *log;
	int stalls, resumes;
};

static void on_stalled(bool is_stalled, const struct err *err, void *arg)
{
	struct bed *b = arg;
	if (is_stalled)
		assert_string_not_equal(err->text, "");
	b->stalls += is_stalled;
	b->resumes += !is_stalled;
}

static void open_log(struct bed *b, int64_t bytes, int files)
{
	const struct slot_log_events events = {.stalled = on_stalled};
	b->log = slot_log_new(b->reactor, b->dir, b->fifo, bytes, files, &events, b, NULL);
	assert_non_null(b->log);
}

static int setup(void **state)
{
	static struct bed bed;
	struct bed *b = &bed;
	*b = (struct bed){.root = scratch_new(), .reactor = reactor_new(NULL)};
	assert_true(place_open(&b->place, b->root, NULL));
	b->dir = slot_folder_make(&b->place, "one", NULL);
	b->fifo = slot_fifo_open(b->dir, NULL);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;
	unsetenv("FAIRWAY_NOW");
	slot_log_free(b->log);
	close(b->fifo);
	close(b->dir);
	reactor_free(b->reactor);
	place_close(&b->place);
	scratch_remove(b->root);
	return 0;
}

static void say(struct bed *b, const char *text)
{
	assert_int_equal(write(b->fifo, text, strlen(text)), (ssize_t)strlen(text));
	assert_true(slot_log_drain(b->log));
}

static struct log_read *reader(struct bed *b)
{
	struct log_read *r = log_read_new(&b->place);
	assert_true(log_read_add(r, "one", NULL));
	return r;
}

static void expect(struct log_read *r, enum log_line_kind kind, const char *text)
{
	struct slot_line line;
	assert_true(log_read_next(r, &line));
	assert_int_equal(line.kind, kind);
	assert_string_equal(line.text, text);
}

static void expect_none(struct log_read *r)
{
	struct slot_line line;
	assert_false(log_read_next(r, &line));
}

static void a_line_is_told_when_it_is_whole(void **state)
{
	struct bed *b = *state;
	open_log(b, 0, 0);
	struct log_read *r = reader(b);
	expect_none(r);
	say(b, "one\n\ntw");
	expect(r, LOG_TEXT, "one");
	expect(r, LOG_TEXT, "");
	expect_none(r);
	say(b, "o\nrest");
	expect(r, LOG_TEXT, "two");
	expect_none(r);
	assert_true(slot_log_mark(b->log, SLOT_LOG_EXIT, 3));
	assert_false(slot_log_is_mid_run(b->log));
	expect(r, LOG_TEXT, "rest"); /* who wrote it is gone: no newline will come */
	expect(r, LOG_EXIT, "");
	assert_true(slot_log_mark(b->log, SLOT_LOG_START, 0));
	assert_true(slot_log_is_mid_run(b->log));
	say(b, "new\n");
	expect(r, LOG_START, "");
	expect(r, LOG_TEXT, "new");
	expect_none(r);
	log_read_free(r);
}

/* Reads on from every cursor there is: each time exactly what is left. */
static void cursors_resume_anywhere(void **state)
{
	struct bed *b = *state;
	enum { N = 120 };
	char text[64];
	struct str cursors[N + 3] = {0};
	open_log(b, 200, 1000);
	slot_log_mark(b->log, SLOT_LOG_START, 0);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "line %d of many\n", i);
		say(b, text);
	}
	uint64_t first, last;
	assert_true(log_files_range(b->dir, &first, &last));
	assert_true(last > 8); /* it did rotate, in the middle of lines */
	struct log_read *r = reader(b);
	struct slot_line line;
	int n = 0;
	do
		log_read_cursor(r, &cursors[n++]);
	while (log_read_next(r, &line));
	assert_int_equal(n, N + 2); /* before the start, behind it, behind each line */
	for (int from = 1; from < n; from += 7) {
		struct log_read *again = reader(b);
		assert_true(log_read_seek(again, cursors[from].s, NULL));
		for (int i = from - 1; i < N; i++) {
			snprintf(text, sizeof(text), "line %d of many", i);
			expect(again, LOG_TEXT, text);
		}
		expect_none(again);
		log_read_free(again);
	}
	for (int i = 0; i < n; i++)
		str_finish(&cursors[i]);
	log_read_free(r);
}

static void what_was_rotated_away_is_a_gap(void **state)
{
	struct bed *b = *state;
	struct slot_line line;
	struct str cursor = {0};
	char last[32] = "";
	open_log(b, 100, 3);
	struct log_read *r = reader(b);
	say(b, "0 here\n");
	expect(r, LOG_TEXT, "0 here");
	log_read_cursor(r, &cursor);
	for (int i = 1; i < 200; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%d here\n", i);
		say(b, text);
	}
	struct log_read *again = reader(b);
	assert_true(log_read_seek(again, cursor.s, NULL));
	assert_true(log_read_next(again, &line));
	assert_int_equal(line.kind, LOG_GAP);
	while (log_read_next(again, &line)) {
		assert_int_equal(line.kind, LOG_TEXT);
		str_copy(last, sizeof(last), line.text);
	}
	assert_string_equal(last, "199 here");
	/* the reader that was at it has its old file still, then the gap */
	int gaps = 0;
	while (log_read_next(r, &line))
		gaps += line.kind == LOG_GAP;
	assert_int_equal(gaps, 1);
	log_read_free(again);
	log_read_free(r);
	str_finish(&cursor);
}

static void tail_and_since(void **state)
{
	struct bed *b = *state;
	setenv("FAIRWAY_NOW", "2026-08-01T10:00:00Z", 1);
	open_log(b, 64, 1000);
	for (int i = 0; i < 40; i++) {
		char text[32], now[40];
		snprintf(now, sizeof(now), "2026-08-01T10:00:%02dZ", i);
		setenv("FAIRWAY_NOW", now, 1);
		snprintf(text, sizeof(text), "line %d\n", i);
		say(b, text);
	}
	struct log_read *r = reader(b);
	char text[32];
	for (size_t want = 0; want <= 40; want += 5) {
		log_read_tail(r, want);
		for (size_t i = 40 - want; i < 40; i++) {
			snprintf(text, sizeof(text), "line %d", (int)i);
			expect(r, LOG_TEXT, text);
		}
		expect_none(r);
	}
	log_read_tail(r, 1000);
	expect(r, LOG_TEXT, "line 0");
	for (int second = 0; second < 40; second++) {
		int64_t at;
		snprintf(text, sizeof(text), "2026-08-01T10:00:%02dZ", second);
		assert_true(clock_parse_rfc3339(text, &at));
		struct slot_line line;
		log_read_since(r, at);
		assert_true(log_read_next(r, &line));
		/* a line of that second, or the one that a file began in the middle of */
		int got = atoi(line.text + strlen("line "));
		assert_int_equal(got, second);
		assert_int_equal(line.time, at);
	}
	log_read_free(r);
}

static void long_lines_are_cut(void **state)
{
	struct bed *b = *state;
	struct slot_line line;
	size_t total = 0, pieces = 0;
	open_log(b, 50000, 100);
	char block[1000];
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 150; i++) {
		assert_int_equal(write(b->fifo, block, sizeof(block)), (ssize_t)sizeof(block));
		assert_true(slot_log_drain(b->log));
	}
	say(b, "\nshort\n");
	struct log_read *r = reader(b);
	do {
		assert_true(log_read_next(r, &line));
		assert_true(line.len <= LOG_LINE_MAX);
		total += line.len;
		pieces++;
	} while (line.is_cut);
	assert_int_equal(total, 150000);
	assert_int_equal(pieces, 3);
	expect(r, LOG_TEXT, "short");
	log_read_free(r);
}

/* A daemon that was killed after a splice: bytes without a stamp, half an entry behind the index. */
static void the_unstamped_tail_is_recovered(void **state)
{
	struct bed *b = *state;
	open_log(b, 0, 0);
	say(b, "stamped\n");
	slot_log_free(b->log);
	int raw = log_file_open(b->dir, "raw", 1, O_WRONLY | O_APPEND);
	int index = log_file_open(b->dir, "index", 1, O_WRONLY | O_APPEND);
	assert_int_equal(write(raw, "unstamped\n", 10), 10);
	assert_int_equal(write(index, "half", 4), 4);
	close(raw);
	close(index);
	struct log_read *r = reader(b);
	expect(r, LOG_TEXT, "stamped");
	expect_none(r);
	open_log(b, 0, 0);
	say(b, "after\n");
	expect(r, LOG_TEXT, "unstamped");
	expect(r, LOG_TEXT, "after");
	expect_none(r);
	/* and an index that names more than the file holds, as a power cut leaves it */
	slot_log_free(b->log);
	raw = log_file_open(b->dir, "raw", 1, O_WRONLY);
	assert_int_equal(ftruncate(raw, 8), 0);
	close(raw);
	open_log(b, 0, 0);
	say(b, "again\n");
	struct log_read *fresh = reader(b);
	expect(fresh, LOG_TEXT, "stamped");
	expect(fresh, LOG_TEXT, "again");
	expect_none(fresh);
	log_read_free(fresh);
	log_read_free(r);
}

static void killed_between_two_files(void **state)
{
	struct bed *b = *state;
	open_log(b, 0, 0);
	say(b, "begin-");
	slot_log_free(b->log);
	close(log_file_open(b->dir, "raw", 2, O_WRONLY | O_CREAT));
	open_log(b, 0, 0);
	say(b, "end\n");
	struct log_read *r = reader(b);
	expect(r, LOG_TEXT, "begin-end");
	log_read_free(r);
}

static void a_full_disk_stalls_and_loses_nothing(void **state)
{
	struct bed *b = *state;
	struct rlimit old, small;
	open_log(b, 0, 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(write(b->fifo, "0123456789abcdef\n", 17), 17);
	assert_false(slot_log_drain(b->log));
	assert_true(slot_log_is_stalled(b->log));
	assert_int_equal(b->stalls, 1);
	assert_false(slot_log_drain(b->log));
	assert_int_equal(b->stalls, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	int64_t until = clock_mono_ms() + 3000;
	while (b->resumes == 0 && clock_mono_ms() < until)
		reactor_turn(b->reactor, 50);
	assert_int_equal(b->resumes, 1);
	struct log_read *r = reader(b);
	expect(r, LOG_TEXT, "0123456789abcdef");
	expect_none(r);
	log_read_free(r);
}

static void slots_are_merged_by_time(void **state)
{
	struct bed *b = *state;
	struct str cursor = {0};
	open_log(b, 0, 0);
	int dir = slot_folder_make(&b->place, "two", NULL), fifo = slot_fifo_open(dir, NULL);
	struct slot_log *two = slot_log_new(b->reactor, dir, fifo, 0, 0, NULL, NULL, NULL);
	for (int i = 0; i < 6; i++) {
		char now[40], text[8];
		snprintf(now, sizeof(now), "2026-08-01T10:00:%02dZ", i);
		setenv("FAIRWAY_NOW", now, 1);
		snprintf(text, sizeof(text), "%d\n", i);
		assert_int_equal(write(i % 2 ? fifo : b->fifo, text, 2), 2);
		assert_true(slot_log_drain(i % 2 ? two : b->log));
	}
	struct log_read *r = reader(b);
	assert_true(log_read_add(r, "two", NULL));
	for (int i = 0; i < 3; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d", i);
		expect(r, LOG_TEXT, text);
	}
	log_read_cursor(r, &cursor);
	struct log_read *again = reader(b);
	assert_true(log_read_add(again, "two", NULL));
	assert_true(log_read_seek(again, cursor.s, NULL));
	expect(again, LOG_TEXT, "3");
	expect(again, LOG_TEXT, "4");
	expect(again, LOG_TEXT, "5");
	expect_none(again);
	log_read_tail(again, 3);
	expect(again, LOG_TEXT, "3");
	log_read_free(again);
	log_read_free(r);
	str_finish(&cursor);
	slot_log_free(two);
	close(fifo);
	close(dir);
}

static void hostile_cursors(void **state)
{
	struct bed *b = *state;
	static const char *const bad[] = {"x", "one:", "one:1.2", "one:1.2.3,", "one:-1.2.3", "one: 1.2.3", "../x:1.2.3",
	                                  "one:1.2.3;", ":1.2.3", "one:1.2.3.4", "one:99999999999999999999999.1.1"};
	static const char *const odd[] = {"one:1.999999.0", "one:999.1.1", "one:1.0.99999999999", "one:0.5.5",
	                                  "one:9999999999999999999.9999999999999999999.9999999999999999999",
	                                  "other:1.2.3", ""};
	struct slot_line line;
	struct err err;
	open_log(b, 0, 0);
	say(b, "line\n");
	struct log_read *r = reader(b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(log_read_seek(r, bad[i], &err));
		assert_int_equal(err.kind, ERR_USAGE);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_true(log_read_seek(r, odd[i], NULL));
		int n = 0;
		while (log_read_next(r, &line))
			assert_true(++n < 5);
	}
	say(b, "next\n");
	assert_true(log_read_next(r, &line));
	log_read_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_is_told_when_it_is_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(cursors_resume_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_rotated_away_is_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(tail_and_since, setup, teardown),
		cmocka_unit_test_setup_teardown(long_lines_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(the_unstamped_tail_is_recovered, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_between_two_files, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_stalls_and_loses_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(slots_are_merged_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_cursors, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

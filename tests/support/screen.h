/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SCREEN_H
#define TESTS_SUPPORT_SCREEN_H
/*
 * Runs a program in a pseudo-terminal under libvterm. Nothing here sleeps: what is expected is looked for
 * after every frame until a deadline, and only between frames (DEC 2026 marks), so half a frame is never
 * judged. A wrong expectation fails the running cmocka test and prints the screen. libvterm 0.1.4 misreads
 * VS16, OSC 8 and combined mouse modes: check these on screen_raw().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct screen;

struct screen_options {
	int rows, columns;       /* 24x80 when 0 */
	const char *const *argv; /* argv[0] is a path; NULL ends it */
	const char *const *env;  /* "NAME=value" on top of a clean environment; NULL ends it; may be NULL */
	bool is_job;             /* under a small shell: "[stopped]" when it stops, any key wakes it */
};
struct screen *screen_start(const struct screen_options *);
/* A program of ours by its place beside the running test: "tests/tools/sheet". Static buffer of the
 * caller. */
const char *screen_program(const char *name, char *path, size_t size);
void screen_end(struct screen *); /* SIGKILL if it still runs, reaps, frees; NULL is fine */

/* As tui/key.h reads scripts: "gg<enter>". */
void screen_keys(struct screen *, const char *script);
void screen_bytes(struct screen *, const char *bytes, size_t n);
void screen_resize(struct screen *, int rows, int columns);
void screen_signal(struct screen *, int signal);
pid_t screen_pid(const struct screen *);

#define SCREEN_MS 5000 /* the usual deadline */
bool screen_has_text(struct screen *, const char *text); /* now */
void screen_expect_text(struct screen *, const char *text, int deadline_ms);
void screen_expect_no_text(struct screen *, const char *text, int deadline_ms); /* it goes away */
/* The whole grid equals the text of tests/goldens/NAME.txt. UPDATE=1 writes it. */
void screen_expect(struct screen *, const char *name, int deadline_ms);
/* Waits until condition holds. */
void screen_expect_that(struct screen *, bool (*condition)(struct screen *, void *arg), void *arg,
			const char *what, int deadline_ms);
/* Reads and shows what came, waiting at most that long for something. False: end of output. */
bool screen_pump(struct screen *, int wait_ms);
/* Waits until n frames more than `since` ended. Returns the count of frames. */
unsigned screen_frames(const struct screen *);
unsigned screen_wait_frame(struct screen *, unsigned since, int deadline_ms);
/* The exit status, or 128 + signal. Fails the test at the deadline. The output is read meanwhile unless
 * is_deaf. */
int screen_wait_exit(struct screen *, int deadline_ms, bool is_deaf);

/* One row as UTF-8, trailing blanks cut. */
const char *screen_row(struct screen *, int y); /* valid until the next call */
const char *screen_text(struct screen *);       /* all rows, each with '\n'; valid until the next call */
bool screen_is_reverse(struct screen *, int y, int x);
bool screen_is_alternate(const struct screen *);
bool screen_is_cursor_shown(const struct screen *);
int screen_bells(const struct screen *);
/* All bytes the program ever wrote. */
const char *screen_raw(const struct screen *, size_t *len);
bool screen_raw_has(const struct screen *, const char *bytes, size_t from);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_LOOP_H
#define BACKEND_LOOP_H
/*
 * Where the backend thread sleeps: libcurl's transfers, extra descriptors (pipes, pidfds) and timers in
 * one wait. Backend thread only, but loop_wake(). Callbacks may do anything but run the loop again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct loop;

struct loop *loop_new(struct err *);
void loop_free(struct loop *); /* timers and descriptors left are forgotten */
void loop_wake(struct loop *); /* any thread: ends the wait that is under way, or the next one */
/* Waits for the first thing to do, at most max_ms (-1: as long as it takes), and does all that is due. */
void loop_step(struct loop *, int max_ms);

/* One-shot. All zero is unset; the holder keeps it in place while it is set. */
struct loop_timer {
	int64_t at; /* clock_mono_ms() */
	void (*due)(void *arg);
	void *arg;
	struct loop_timer *next;
	bool is_set;
};
void loop_timer_set(struct loop *, struct loop_timer *, int64_t after_ms, void (*due)(void *arg), void *arg);
void loop_timer_clear(struct loop *, struct loop_timer *);

/* Calls ready while fd is readable or hung up (events: poll(2)), until loop_fd_forget(). One watch a
 * descriptor. */
void loop_fd_watch(struct loop *, int fd, short events, void (*ready)(int fd, void *arg), void *arg);
void loop_fd_forget(struct loop *, int fd);

/* For http.c: the CURLM, as void * so that this header needs no curl. A finished easy handle is reported to
 * the struct loop_transfer that is its CURLOPT_PRIVATE, after it was taken out of the multi handle. */
void *loop_curl(struct loop *);
struct loop_transfer {
	void (*finished)(struct loop_transfer *, int curl_code);
};
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LEND_H
#define BASE_LEND_H
/*
 * A child that is lent the controlling terminal (tty(4)): a login that asks, a shell in a container, an editor. It gets
 * the person's own environment, a process group of its own that is the terminal's foreground one, and the terminal as
 * standard input, error and, unless that is taken, output. Nothing here waits: the holder polls lend_poll()'s
 * descriptors, at least each LEND_POLL_MS, and calls lend_step() until that says it is over. The holder sees to what
 * stands on the screen, before and after. One at a time; the main thread.
 */
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LEND_POLL_MS 250 /* so soon a child that stopped itself (ctrl-z) is woken again */
#define LEND_FDS 3
#define LEND_OUTPUT_MAX (64 * 1024)

struct lend;
struct lend_wish { /* copied */
	const char *const *argv;
	const char *const *env; /* "NAME=value" beside ours, NULL-ended; may be NULL */
	const char *dir;        /* NULL: ours */
	const char *title;      /* a line of text that is shown first, masked; NULL: none */
	bool takes_output;      /* standard output is kept, at most LEND_OUTPUT_MAX bytes, instead of shown */
	bool waits_when_failed; /* enter has to be pressed after it failed, so that its words can be read */
};
/* NULL with err: there is no terminal, we are not in its foreground, or the child cannot be started. */
struct lend *lend_start(const struct lend_wish *, struct err *);
size_t lend_poll(const struct lend *, struct pollfd fds[LEND_FDS]);
/* True: it is over; *status is its exit status, or 128 + signal. */
bool lend_step(struct lend *, int *status);
const char *lend_output(const struct lend *, size_t *len); /* borrowed; NUL-terminated */
/* Ends the child if it runs still, gives the terminal back as it was, wipes the output. NULL is fine. */
void lend_free(struct lend *);
#endif

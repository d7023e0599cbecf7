/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LEND_H
#define CLI_LEND_H
/* A child that is lent the terminal while a verb waits for it. Main thread. */
#include "base/lend.h"

struct backend;
struct terminal_wish;

/* Runs it to its end; *status is its exit status or 128 + signal, and output, when it is wanted (may be NULL), its
 * standard output: free with lend_free(*output). A signal that makes signal_fd readable ends it (ERR_CANCELLED) and is
 * left there to be read. */
bool terminal_lend(const struct lend_wish *, int signal_fd, int *status, struct lend **output, struct err *);
/* Answers a MESSAGE_TERMINAL: runs what it names where there is a terminal; else, where it can do without one, with our
 * standard input and error, and out as its output; else says that there is none. */
struct message;
void terminal_answer(struct backend *, const struct message *, bool is_terminal, int out, int signal_fd);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_LOAD_H
#define TESTS_SUPPORT_LOAD_H
/*
 * Numbered requests, counted at both ends. The client posts bodies that hold a number each, over kept-
 * alive connections, and counts the answers; the counting backend bumps one shared counter a number. A
 * number that was answered 200 must stand at 1 at the backend; a 0 is a lost request, a 2 a doubled one. A
 * number whose answer was not 200 is a failed one, which a cut over must not make either.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_NUMBERS (1 << 20) /* requests of one run at most */

struct load_options {
	uint16_t port; /* on 127.0.0.1 */
	int connections;
	int64_t run_ms;
	int pace_ms;              /* pause of every connection between two requests */
	const volatile int *stop; /* NULL, or ends the run when it becomes 1 */
	const char *stop_file;    /* NULL, or ends the run when it is there */
};
struct load_result {
	unsigned sent, answered;
	unsigned failed;      /* not 200 */
	unsigned wrong;       /* 200 with another number than was sent */
	unsigned broken;      /* connection closed or reset with a request out */
	unsigned reconnected; /* connections that had to be made again */
	int64_t slowest_ms;
	uint8_t *answered_ok; /* [LOAD_NUMBERS], the caller's; may be NULL */
};
/* Runs to its end, then waits up to 15 s for the answers that are out. false: no connection could be made
 * at all. */
bool load_run(const struct load_options *, struct load_result *);

/* Serves for ever, one connection after the other; seen[number] is bumped atomically. delay_ms: how long each
 * answer takes. */
void load_serve(int listener, uint8_t *seen, int delay_ms);
/* A listening socket on 127.0.0.1, port 0 for any; the port it got in *port. -1 on failure. */
int load_listen(uint16_t port, uint16_t *got);
#endif

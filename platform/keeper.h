/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_KEEPER_H
#define PLATFORM_KEEPER_H
/*
 * The keeper: fairway --keeper STATE. A few lines that are hoped never to fail, around everything that may:
 *  - it starts `fairway --daemon STATE` and starts it again when it dies (after 100 ms, doubling to 5 s;
 *    reset once a daemon lived 10 s). A daemon that exits 0 ends the keeper; DAEMON_AGAIN is restarted at
 *    once (a newer binary).
 *  - it is the subreaper of all instances: those that outlived their daemon are reaped here, and how they
 *    ended is written into slots/ID/exit for the next daemon.
 *  - it holds every slot's log FIFO open, so that an instance that dies while no daemon reads takes no byte
 *    along.
 * When the keeper dies the daemon sees it on the link, and becomes the keeper by exec (keeper_take_over): its
 * children stay its own, the FIFOs stay open across the exec, and the new keeper starts a new daemon. SIGTERM
 * and SIGINT are passed on to the daemon, whose end then ends the keeper; instances stay.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "platform/place.h"
#include "platform/reactor.h"

#define DAEMON_AGAIN 75 /* exit status of a daemon that wants to be started anew at once */

/* argv: STATE. Exits 0 when another keeper serves this place already; 2 when the place is refused (told on
 * stderr). */
int keeper_main(int argc, char **argv);

/* The daemon's end of the socket between both. Messages are a packet each, SOCK_SEQPACKET: "hold ID" is
 * answered "held ID" once the keeper has the FIFO open; "drop ID" lets go of it. The descriptor's number
 * is in FAIRWAY_KEEPER_FD. */
struct keeper_link;
struct keeper_link_events {
	void (*held)(const char *id, void *arg);
	void (*lost)(void *arg); /* the keeper is dead */
};
/* NULL without err when no keeper started us (a daemon in the foreground, a test). */
struct keeper_link *keeper_link_new(struct reactor *, const struct keeper_link_events *, void *arg);
void keeper_link_free(struct keeper_link *);
bool keeper_link_hold(struct keeper_link *, const char *id); /* false: the keeper does not take it now */
/* The slot is removed: the keeper lets go of its FIFO. */
void keeper_link_drop(struct keeper_link *, const char *id);

/* Becomes the keeper. keep[n] are descriptors that must stay open until it has its own (the FIFOs).
 * Returns only when exec fails. */
bool keeper_take_over(const struct place *, const int keep[], size_t n, struct err *err);
/* Path of this program, also when its file was replaced since (proc(5): "… (deleted)"). free() it; NULL on
 * failure. */
char *keeper_program(void);
/* Another file took the place of ours since we started: whoever executes keeper_program() runs that one. */
bool keeper_program_is_replaced(void);
#endif

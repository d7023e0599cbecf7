/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_SHIM_H
#define PLATFORM_SHIM_H
/*
 * The shim: fairway --shim STATE ID. What must happen between the daemon's spawn and the service's first
 * instruction. It takes the slot's lock (at most one holder, ever), records in it who runs (slot_file.h:
 * identity), reads the spec (under the lock: what it reads is what runs), becomes a session of its own,
 * restores limits, opens the log FIFO both ways as stdout and stderr (a dead reader is no SIGPIPE), and
 * execs. Only the lock's descriptor stays open across the exec, at a high number where shells do not step on
 * it: so the lock lives as long as the instance or any child of it that kept it. Descriptor 3, when given, is
 * a pipe that exec closes: the daemon then knows that the service runs.
 */
#define SHIM_HELD 125 /* exit status: the slot's lock is held, another instance lives there */
#define SHIM_FAILED 127 /* exit status: could not exec; the text is in slots/ID/exit */

int shim_main(int argc, char **argv); /* argv: STATE ID */
#endif

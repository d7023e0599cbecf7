/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_NOTIFY_H
#define PLATFORM_NOTIFY_H
/*
 * Telling a team of an alert: its command (a captured child that gets the alert as JSON on stdin, 10 s) or its file (a
 * line of JSON appended). What came of it is recorded in the alert and as an event. The daemon's thread.
 */
struct alert;
struct daemon;
struct notify;

struct notify *notify_new(struct daemon *);
void notify_free(struct notify *); /* children that run are ended */
/* The outcome comes by rules_on_notified(), from the loop. A team without a way to be told: said so, at once. */
void notify_send(struct notify *, const struct alert *);
#endif

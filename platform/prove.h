/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_PROVE_H
#define PLATFORM_PROVE_H
/* What platform/plan_prove.c leaves to others. */
struct daemon;
struct running;
/* At the daemon's start: takes back every fault that a daemon left behind when it died. */
void prove_clean(struct daemon *);
/* At the daemon's end: ends a proof that is under way, and its fault. */
void prove_stop(struct running *);
#endif

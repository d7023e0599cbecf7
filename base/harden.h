/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HARDEN_H
#define BASE_HARDEN_H
/*
 * A process that holds secrets leaves none behind: no core dump, and nobody of the same user reads its memory
 * (PR_SET_DUMPABLE, prctl(2); RLIMIT_CORE, setrlimit(2)). Call before the first secret is read. Any thread;
 * once is enough, again does nothing.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

bool harden(struct err *);
/* Gives a child back the limit that harden() took, so that its own dumps are its own business; exec(2) itself
 * has made it dumpable again. Does nothing in a process that was never hardened. */
void harden_spare(pid_t child);
#endif

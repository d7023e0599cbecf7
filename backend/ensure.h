/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_ENSURE_H
#define BACKEND_ENSURE_H
/*
 * Starts the embedded platform when it is absent: this very program as `fairway --keeper ROOT`, in a
 * session of its own, and waits until its socket answers, without blocking the thread. Who becomes the
 * keeper when several try is decided there (flock). Backend thread only.
 */
#include <stdint.h>

#include "backend/loop.h"

struct ensure;
struct err;

#define ENSURE_MS 15000 /* a platform that does not answer so long after its start is given up */

/* err->kind is ERR_NONE when it answers; else its text ends with the platform's last words, where it said
 * any. The struct ensure is gone after it. */
typedef void ensure_ended(const struct err *err, void *arg);
/* Never calls ended before it returns. */
struct ensure *ensure_start(struct loop *, const char *root, ensure_ended *, void *arg);
void ensure_cancel(struct ensure *); /* a keeper that was started goes on; NULL is fine */
#endif

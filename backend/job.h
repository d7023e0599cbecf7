/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_JOB_H
#define BACKEND_JOB_H
/*
 * Requests under way: which sources serve one, the runs that do it, and its one MESSAGE_DONE. Backend
 * thread only.
 */
#include <stdint.h>

#include "backend/loop.h"
#include "backend/message.h"
#include "backend/request.h"

struct config;
struct jobs;
struct redact;

typedef void jobs_deliver(struct message *, void *arg); /* takes the message */

/* All are borrowed until jobs_free(). */
struct jobs *jobs_new(struct loop *, const struct config *, struct redact *, jobs_deliver *, void *arg);
void jobs_free(struct jobs *); /* every request that is under way gets its last reply */
void jobs_start(struct jobs *, struct request *); /* takes it */
void jobs_cancel(struct jobs *, uint64_t id);
void jobs_acknowledge(struct jobs *, uint64_t id, int messages);
#endif

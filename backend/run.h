/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_RUN_H
#define BACKEND_RUN_H
/*
 * The host of queries (backend/provider.h): runs one query of one source for one request. It owns its
 * exchanges and timers, its back-off, the freshness of its source, and the message being filled; what it
 * delivers belongs to the receiver. The world comes in as struct io, so that fixtures can stand in for
 * network and clock. Backend thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/exec.h"
#include "backend/http.h"
#include "backend/loop.h"
#include "backend/provider.h"
#include "backend/reach.h"
#include "backend/walk.h"

struct run;

struct io {
	int64_t (*mono)(void *arg); /* ms */
	int64_t (*wall)(void *arg);
	uint32_t (*chance)(void *arg, uint32_t below); /* for jitter */
	void (*timer_set)(void *arg, struct loop_timer *, int64_t after_ms, void (*due)(void *),
			  void *due_arg);
	void (*timer_clear)(void *arg, struct loop_timer *);
	struct http *(*start)(void *arg, const struct http_wish *, const struct http_handler *,
			      void *handler_arg, struct err *);
	void (*hold)(void *arg, struct http *, bool is_held);
	void (*cancel)(void *arg, struct http *);
	struct reach_wait *(*reach)(void *arg, const struct config_source *, reach_told *, void *told_arg);
	void (*reach_cancel)(void *arg, struct reach_wait *);
	bool (*reach_refused)(void *arg, const struct config_source *, uint64_t serial);
	struct exec *(*exec)(void *arg, const struct exec_wish *, exec_ended *, void *ended_arg,
			     struct err *);
	void (*exec_cancel)(void *arg, struct exec *);
	void (*exec_hold)(void *arg, struct exec *, bool is_held);
	bool (*walk)(void *arg, const char *folder, const char *suffix, walk_each *, void *each_arg,
		     struct err *);
	void (*deliver)(void *arg, struct message *); /* takes it */
	const char *via; /* SSH_CONNECTION, or NULL */
	void *arg;
};

/* The run's end, once; err->kind is ERR_NONE when all went well. The run may be freed in it. */
typedef void run_ended(struct run *, const struct err *err, void *arg);
/* Once, for a standing query: it has synced, or its first attempt failed. */
typedef void run_settled(struct run *, void *arg);

struct run_wish {
	const struct io *io;
	const struct config_source *source; /* borrowed, like the request, until run_free() */
	const struct query *query;
	const char *root;     /* STATE of the context's embedded platform, or NULL */
	const struct request *request;
	run_ended *ended;
	run_settled *settled; /* may be NULL */
	void *arg;
};
struct run *run_new(const struct run_wish *);
void run_start(struct run *);
void run_free(struct run *); /* silent: nothing is delivered, ended is not called. NULL is fine */
/* Stops reading from the source, or goes on. */
void run_hold(struct run *, bool is_held);
/* A write may have left: its outcome is then unknown when the run is given up. */
bool run_has_written(const struct run *);
struct terminal_answer;
void run_answered(struct run *, const struct terminal_answer *); /* to its MESSAGE_TERMINAL */
bool run_goes_on(const struct run *); /* run_accepted() was called */

#define RUN_BACKOFF_MS 100
#define RUN_BACKOFF_MAX_MS 5000
#define RUN_LATE_MS 1000 /* a heartbeat may be so late before the source is stale */
#endif

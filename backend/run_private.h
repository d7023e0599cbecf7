/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_RUN_PRIVATE_H
#define BACKEND_RUN_PRIVATE_H
/* Shared by run.c (attempts, freshness, life), run_ask.c (exchanges) and run_emit.c (what is delivered). */
#include "backend/run.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct asked { /* one ask under way */
	struct run *run;
	struct asked *next;
	uint32_t tag;
	bool is_write, is_dead, is_error_body, is_stream;
	bool is_renewed;         /* sent again after a 401, with fresh credentials */
	bool has_told;           /* a unit of the reply */
	bool is_patient;
	int n_waits;             /* it was sent again so often after an answer that the server has no time */
	int status;
	int64_t retry_ms;        /* of a failed reply */
	struct http *http;       /* NULL when its end was told */
	struct exec *exec;       /* likewise */
	struct reach_wait *reach; /* the exchange waits for how its server is reached */
	struct http_wish wish;   /* its texts lie in kept; url is the path below the server's */
	uint64_t serial;         /* of the credentials that were sent */
	struct arena kept;
	char *folder, *suffix;   /* FILES */
	struct loop_timer timer;
	struct frame frame;
	enum framing framing;    /* of a good reply, with … */
	size_t ceiling;          /* … these */
	const char *items;
	const struct frame_proto *proto;
	bool cuts_long_lines;
	struct err broken;       /* the frame refused the bytes */
};

struct known_instance { /* of a log stream */
	char *id, *service, *environment;
	size_t id_len;
	uint32_t batch;          /* the batch in which it has the index below */
	uint16_t index;
};

struct run {
	struct run_wish wish;
	void *state;
	struct asked *asks;
	struct arena scratch;
	int depth;               /* callbacks on the stack */
	bool is_over, is_ended_told, is_settled, is_again, is_written, is_accepted, has_delivered, is_held;
	struct err outcome, again;
	char *cursor;
	char *scope, *who, *context;       /* of the last reach */
	bool is_insecure;        /* likewise */
	struct loop_timer retry, freshness;
	int attempts;            /* failed in a row; asks of a query that is not standing count, too */
	int64_t began;           /* monotonic start of this attempt */

	/* freshness of a standing query's source */
	bool is_known;           /* a state was told */
	bool has_synced;
	enum source_state told;
	struct err told_error;
	int64_t alive_mono, alive_wall, told_wall;

	/* the batch being filled */
	struct message *records;
	struct change *changes;
	size_t n_changes, cap_changes;

	struct message *logs;
	struct str block;
	struct log_row *spans;
	size_t n_spans, cap_spans;
	struct log_origin *named;
	size_t n_named, cap_named;
	struct known_instance *known;
	size_t n_known, cap_known, last_known;
	uint32_t *buckets;       /* index into known + 1; a power of two of them */
	size_t n_buckets;
	uint32_t batch;
};

#define READ_ATTEMPTS 3

void run_timer_set(struct run *, struct loop_timer *, int64_t after_ms, void (*due)(void *), void *arg);
void run_timer_clear(struct run *, struct loop_timer *);
int64_t run_backoff(const struct run *, int attempts); /* ms, with jitter; after so many that failed in a row */
/* Around everything that comes from outside. Leaving the outermost one does what the query asked for
 * meanwhile, and may end the run: it is not to be touched afterwards. */
void run_enter(struct run *);
void run_leave(struct run *);
void run_tell(struct run *, const struct input *);
void run_stop_asks(struct run *);
void run_sweep_asks(
	struct run *); /* frees those that are over; not while a callback of one may be on the stack */
void run_flush(struct run *);                    /* delivers what was gathered */
void run_tell_source(struct run *, enum source_state, const struct err *);
void run_forget_batches(struct run *);           /* frees them undelivered */
#endif

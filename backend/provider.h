/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDER_H
#define BACKEND_PROVIDER_H
/*
 * What a provider is: rows. A provider never opens, waits or reads a clock. Each of its queries is a small
 * state machine that asks (run_ask) and is told (struct input); the host, backend/run.c, does the I/O,
 * retries of reads with back-off, ceilings, freshness, cancellation and batching. So a text fixture can
 * drive it whole, then cut at every byte. Adding a provider: one file in backend/providers/ and one row in
 * PROVIDERS. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/config.h"
#include "backend/frame.h"
#include "backend/http.h"
#include "backend/message.h"
#include "backend/reach.h"
#include "backend/request.h"

struct run;

/* The list of providers: X(name) stands for `const struct provider provider_name` in providers/name.c. */
#define PROVIDERS(X) X(platform) X(files) X(kubernetes)

enum ask_kind { ASK_HTTP, ASK_EXEC, ASK_FILES, ASK_TIMER };
struct ask { /* copied by run_ask() */
	enum ask_kind kind;
	uint32_t tag;                /* comes back in its inputs */
	const char *method,
		*path; /* HTTP; the path, "/v1/…", goes below the source's URL. NULL method: GET */
	const struct header *headers;
	size_t n_headers;
	const void *body;
	size_t body_len;
	enum framing framing;
	const char *items;           /* FRAME_ITEMS */
	const struct frame_proto *proto; /* … when the reply is one of these instead; NULL: it is JSON */
	size_t ceiling;              /* bytes of one unit; 0: 1 MiB */
	bool cuts_long_lines;
	bool is_stream;              /* goes on until one side ends it; EXEC: its output comes as units */
	bool is_write;               /* sent once, never again */
	bool is_patient; /* HTTP, of a query that is not standing: sent again, 4 times at most, when the answer is 429 or 5xx,
			    as late as that asks for, unless it asks for more than 10 s */
	int64_t head_ms, idle_ms;    /* as struct http_wish */
	const char *const *argv;     /* EXEC: a captured child, never a shell; NULL at the end */
	const char *folder;          /* EXEC: where it runs; FILES: where to look, 4 levels deep */
	int64_t limit_ms;            /* EXEC: it is killed after that; 0: 60 s */
	bool drops_stderr;           /* EXEC */
	const char *suffix;          /* FILES: how wanted names end; each file is a unit */
	int64_t after_ms;            /* TIMER */
};

enum input_kind {
	INPUT_START, /* first, and again at each new attempt with a fresh state; cursor: where to resume, or
			NULL */
	INPUT_HEAD,  /* HTTP: status below 400 and headers */
	INPUT_UNIT,
	INPUT_END,  /* the reply ended well; EXEC: status is the exit status, data the output */
	INPUT_FAIL, /* err: why. With a status of 400 or more, data is the reply's body (<= 64 KiB) */
	INPUT_TIMER,
};
struct input {
	enum input_kind kind;
	uint32_t tag;
	int status;
	const struct header *headers; /* names in lower case */
	size_t n_headers;
	const char *data;             /* borrowed for the call; not NUL-terminated */
	size_t len;
	bool is_last;                 /* of a unit: body, envelope, a last line without LF */
	bool is_proto;                /* of an array's element and envelope: a message, as ask.proto told */
	const char *before; /* of an array's element: what of the object came before the array; as data */
	size_t before_len;
	int64_t retry_ms;   /* of a failed reply: how long it asks to be left alone; 0: it says nothing */
	const char *cursor;
	const char *name; /* FILES: of the unit's file, below the folder; with err it could not be read */
	const struct err *err;
};
const char *input_header(const struct input *, const char *name); /* or NULL */

struct query {
	const char *name;
	enum request_kind serves;
	bool (*suits)(const struct request *); /* NULL: every request of that kind */
	bool is_standing;     /* keeps going: a failed attempt is followed by another one */
	int64_t heartbeat_ms; /* standing: run_alive() comes at least so often while the source is well; 0:
				 unknown */
	size_t size;          /* of its state, handed over zeroed at each INPUT_START … */
	bool keeps_state;     /* … or only at the first one */
	void (*on)(void *state, struct run *, const struct input *);
	void (*finish)(void *state); /* frees what the state owns; may be NULL */
};
struct provider {
	const char *name, *help;
	const struct option_row *options;
	size_t n_options;
	enum reach_by reach;
	const char *const *roles;     /* of a configuration it can fill; NULL at the end */
	const struct query *const *queries; /* NULL at the end */
	/* Why no query of it serves a request, as a sentence; NULL: nothing better than that. */
	const char *(*cannot)(const struct request *);
	bool audits_itself; /* its writes are recorded where they are done: the console's journal leaves them
			       out */
};
const struct provider *provider_find(const char *name); /* NULL when there is none */
const struct provider *provider_at(size_t index);       /* NULL past the last */
const struct query *provider_query(const struct provider *,
				   const struct request *); /* NULL: it does not serve that */

/* The query's side of a run. */
const struct request *run_request(const struct run *);
const struct config_source *run_source(const struct run *);
const char *run_root(const struct run *); /* STATE of the context's embedded platform, or NULL */
const struct setting *run_setting(const struct run *, const char *name); /* an option of the provider */
int64_t run_now(const struct run *);                         /* wall ms */
uint32_t run_chance(const struct run *, uint32_t below);     /* for jitter */
const char *run_via(const struct run *);                     /* SSH_CONNECTION of the person, or NULL */
/* Of the server that was asked last; NULL: nothing was asked yet, or it does not say. */
const char *run_scope(const struct run *);                   /* namespace of the kubeconfig's context */
const char *run_who(const struct run *);                     /* name of the kubeconfig's user entry */
const char *run_context(const struct run *);                 /* name of the kubeconfig's context */
struct arena *run_arena(struct run *);                       /* scratch, empty again at the next input */

void run_ask(struct run *, const struct ask *);
void run_stop(struct run *, uint32_t tag);                   /* nothing comes for that tag any more */

void run_put(struct run *, const void *record);              /* copied; source and as_of are filled in */
void run_delete(struct run *, enum record_kind, const char *key);
void run_begin(struct run *, unsigned kinds);                /* a full list of these kinds follows … */
void run_sync(struct run *, unsigned kinds); /* … and is complete: what was not put vanishes */
void run_cursor(struct run *, const char *cursor,
		size_t len); /* valid after all that was put before; NULL forgets it */
void run_alive(struct run *);                                /* the source just showed that it is well */

struct log_item {
	enum log_what what;
	int64_t time;
	const char *instance, *text; /* not NUL-terminated */
	size_t instance_len, len;
};
void run_log(struct run *, const struct log_item *);
/* Tells which service and environment an instance is of; before its lines. */
void run_log_instance(struct run *, const char *id, const char *service, const char *environment);

/* A message to be filled by the query and then handed over with run_send(), which takes it. */
struct message *run_message(struct run *, enum message_kind);
void run_send(struct run *, struct message *);

/* How an operation stands. Whose it is, is the request's matter; it has ended once its state is not AUDIT_RECORDED. */
struct operation_told {
	enum audit_state state;
	const char *detail;
	enum err_kind kind;  /* why it failed; ERR_NONE: it did not */
	struct parts steps;
	int64_t started_at;  /* 0: not told */
	const char *service; /* NULL: the wish's */
	const char *made;    /* identity of the record it made, or NULL */
	const int *exit_status; /* of what ran in the person's terminal; NULL: nothing did */
};
void run_operation(struct run *, const struct operation_told *); /* delivers MESSAGE_OPERATION; copied */

void run_step(struct run *, struct step *, enum step_state); /* it is so from now on: with the times that go with it */

/* After a query sent MESSAGE_TERMINAL: an INPUT_END with this tag and its exit status, or an INPUT_FAIL: not run. */
#define RUN_TERMINAL_TAG UINT32_MAX
/* What was written is accepted, and goes on by itself: a run that is given up from here on is only not watched any
 * more. */
void run_accepted(struct run *);
/* A standing query that tries again by itself met a failure: its source is marked with it until run_alive(). */
void run_troubled(struct run *, const struct err *);
/* This attempt is over. A standing query starts again with its last cursor: at once when err is NULL, else
 * after a back-off and with its source marked. A read that failed on the wire before anything came is tried
 * twice more. A write never. (One whose connection broke before anything was told of it goes out again, twice in a run,
 * without the query: INPUT_HEAD may come twice.) */
void run_again(struct run *, const struct err *);
/* The query is over; exactly once, nothing may follow it. NULL: all went well. */
void run_done(struct run *, const struct err *);
#endif

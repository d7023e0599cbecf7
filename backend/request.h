/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_REQUEST_H
#define BACKEND_REQUEST_H
/*
 * What a face asks of the backend. A request is made here, owns all its text, and is handed over whole with
 * backend_send(); after that it is not looked at again. Every request gets any number of messages and then
 * exactly one MESSAGE_DONE, also when it was cancelled, when the source is down, and at quit.
 * Any thread, one owner at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/record.h"

struct config;

enum request_kind {
	REQUEST_WATCH,    /* keep records of some kinds fresh until cancelled: MESSAGE_RECORDS, _SETTLED */
	REQUEST_LOGS,     /* MESSAGE_LOGS until all was sent, or for ever when following */
	REQUEST_DOCUMENT, /* MESSAGE_DOCUMENT, in pieces to be joined */
	REQUEST_SERIES,   /* MESSAGE_SERIES */
	REQUEST_USE,      /* MESSAGE_USE of each source that knows, again and again when following */
	REQUEST_AUDIT_VERIFY, /* MESSAGE_AUDIT for each chain: the platform's, the console's own */
	REQUEST_INFO,         /* MESSAGE_INFO */
	REQUEST_PLAN,         /* MESSAGE_PLAN; a plan that will be refused comes too, and says so */
	REQUEST_EXECUTE,      /* MESSAGE_OPERATION at each change; its last one is the outcome */
	REQUEST_UNDO,         /* MESSAGE_OPERATION */
	REQUEST_RENDER,       /* MESSAGE_FILES: what a golden path would make; writes nothing */
	REQUEST_RAISE,        /* start the embedded platform when it is absent, and wait until it answers */
	REQUEST_SHUTDOWN,     /* end the embedded platform */
	REQUEST_RELOAD, /* take another configuration: watches change over, what else is under way ends as it
			   began */
	REQUEST_TERMINAL, /* the answer to a MESSAGE_TERMINAL */
	REQUEST_COUNT
};

enum document_kind {
	DOCUMENT_RUNBOOK,   /* service, name (NULL: the general one): Markdown */
	DOCUMENT_SPEC,      /* service: its service.yaml */
	DOCUMENT_BUILD_LOG, /* name: id of the deploy */
	DOCUMENT_PATH,      /* name: a golden path: its path.yaml */
};

struct log_wish {
	const char *service;     /* needed */
	const char *environment; /* NULL: all */
	const char *instance;    /* NULL: all */
	int64_t since;           /* wall ms, 0: unsaid */
	int64_t tail;            /* last lines of each instance, RECORD_NONE: all */
	bool is_following;
	bool is_previous;        /* of the process before the last restart */
};

struct series_wish {
	const char *service, *environment;
	const char *name;  /* error_ratio, request_rate, latency_p95, or a metric */
	int64_t since;     /* wall ms */
};

struct terminal_answer {
	uint64_t request;      /* of the message; 0: a login */
	uint64_t ticket;       /* of the message; 0: what was refused or failed may be asked again */
	int status;            /* exit status, or 128 + signal */
	const char *output;    /* what it printed; wiped with the request */
	size_t len;
	const char *refusal;   /* it was not run: a sentence why; NULL: it was */
};

struct request {
	enum request_kind kind;
	uint64_t id;             /* given by backend_send() */
	struct arena arena;      /* all text of the request */
	unsigned kinds;          /* WATCH: REQUEST_KIND(RECORD_…) | … */
	/* WATCH: those of them of which only names are wanted: a source may leave out what it would have to count. */
	unsigned named;
	bool is_once;            /* WATCH: what there is; nothing need be kept fresh after MESSAGE_SETTLED */
	struct log_wish logs;
	enum document_kind document;
	const char *service, *name; /* DOCUMENT, USE */
	const char *environment; /* USE; NULL: all */
	bool is_following;       /* DOCUMENT: a build log that still grows; USE: until cancelled */
	struct series_wish series;
	struct wish wish;        /* PLAN, RENDER */
	const char *plan;        /* EXECUTE: id of the plan */
	const char
		*confirm; /* EXECUTE: what was typed; "yes" for a changing one; NULL for a reversible one */
	const char *reason;      /* EXECUTE: NULL when none was given */
	/* Filled in by the backend: EXECUTE, like wish: basis of the plan; PLAN too: name of the account that acts. */
	const char *basis, *by;
	const char *operation;   /* UNDO */
	bool with_services;      /* SHUTDOWN: stop the instances too */
	struct terminal_answer terminal;
	const struct config *config; /* RELOAD: borrowed, like those before, until backend_stop() */
};

#define REQUEST_KIND(record_kind) (1u << (record_kind))
#define REQUEST_ALL_KINDS (REQUEST_KIND(RECORD_SOURCE) - 1u)

/* Everything given is copied. */
struct request *request_new(enum request_kind);
struct request *request_watch(unsigned kinds);
struct request *request_read(unsigned kinds, unsigned named); /* a watch that is_once */
struct request *request_logs(const struct log_wish *);
struct request *request_document(enum document_kind, const char *service, const char *name,
				 bool is_following);
struct request *request_series(const struct series_wish *);
struct request *request_use(const char *service, const char *environment, bool is_following);
struct request *request_plan(const struct wish *);
struct request *request_render(const struct wish *);
struct request *request_execute(const char *plan, const char *confirm, const char *reason);
struct request *request_undo(const char *operation);
struct request *request_shutdown(bool with_services);
struct request *request_reload(const struct config *);
struct request *request_terminal(const struct terminal_answer *);
void request_free(struct request *);
const char *request_kind_name(enum request_kind);
#endif

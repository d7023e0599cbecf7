/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_MESSAGE_H
#define BACKEND_MESSAGE_H
/*
 * What the backend tells a face. A message owns one arena (and a few larger pieces) that hold all it points
 * at: whoever took it out of backend_next() copies what it needs and calls message_free() in the same pass.
 * Text in messages came from outside: mask it (base/utf8.h) where it leaves the program.
 * Any thread, one owner at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/queue.h"
#include "model/record.h"

enum message_kind {
	MESSAGE_RECORDS,   /* changes of records, in order */
	MESSAGE_SETTLED,   /* once per WATCH: each of its sources has synced or is known to be down */
	MESSAGE_LOGS,
	MESSAGE_DOCUMENT,
	MESSAGE_SERIES,
	MESSAGE_USE,
	MESSAGE_AUDIT,
	MESSAGE_INFO,
	MESSAGE_PLAN,
	MESSAGE_OPERATION, /* an operation after a change of its state or steps */
	MESSAGE_FILES,
	MESSAGE_TERMINAL,  /* a child needs the terminal; answer with request_terminal(). Of no request: a login; of one that
			    * executes: what it is to do, which was confirmed */
	MESSAGE_DONE,      /* the final reply, one for each request; nothing comes for it afterwards */
	MESSAGE_KIND_COUNT
};

/*
 * Changes. BEGIN and SYNC stand around a full list of one kind from one source: rows of that source and
 * kind that were not put between them vanish at SYNC. A RECORD_SOURCE row tells how a source is (live,
 * stale, down; base.as_of: when it last confirmed what it told; error: one sentence): it comes to every
 * WATCH, whatever kinds it asked for.
 */
enum change_what { CHANGE_BEGIN, CHANGE_PUT, CHANGE_DELETE, CHANGE_SYNC };
struct change {
	enum change_what what;
	enum record_kind kind;
	const void *record; /* PUT: struct of that kind; base.source and base.as_of are set */
	const char *key;    /* DELETE: record_key() */
};
struct changes {
	const char *source;
	const struct change *items;
	size_t n;
};

/*
 * Log lines as they lie in one block of bytes. Lines of one instance are in order; lines of several come
 * in the order of arrival. Text is raw: any byte but LF. At most 65,535 instances and 1 MiB a message.
 */
enum log_what {
	LINE_TEXT,
	LINE_GAP, LINE_EXIT, LINE_START, /* text is a sentence of the source */
	LINE_CUT, /* the connection broke and was resumed; text is a sentence */
};
struct log_row {
	int64_t time;       /* wall ms; 0 unknown */
	uint32_t at, len;   /* text = block + at */
	uint16_t instance;  /* index into instances; LOG_NO_INSTANCE when it is of none */
	uint16_t what;      /* enum log_what */
};
#define LOG_NO_INSTANCE UINT16_MAX
struct log_origin {
	const char *id, *service, *environment; /* the last two NULL when not known */
};
struct log_batch {
	const char *source;
	const char *block;
	const struct log_row *lines;
	size_t n;
	const struct log_origin *instances;
	size_t n_instances;
};

struct document { /* a piece; join them in order until MESSAGE_DONE */
	const char *text;
	size_t len;
};

struct series_point {
	int64_t time;
	double value;
};
struct series_mark {
	int64_t time;
	const char *text;
};
struct series {
	const char *name, *unit;
	const struct series_point *points;
	size_t n;
	double threshold; /* NaN: none */
	const struct series_mark *marks;
	size_t n_marks;
};

struct use {
	const char *instance;
	int64_t cpu, memory; /* thousandths of a core, bytes; RECORD_NONE: not known */
};
struct uses { /* what the instances of a service use now: all that the source knows */
	const char *source;
	const struct use *items;
	size_t n;
};

struct audit_check {
	const char *chain; /* "platform", "console" */
	int64_t entries;
	const char *head;  /* SHA-256, hex; NULL while the chain is empty */
	bool is_ok;
	const char *first_bad; /* id of the first entry that does not fit; NULL when ok */
};

struct platform_info {
	const char *name, *version, *folder, *socket, *boot;
	int64_t pid, keeper_pid, started_at, rules_evaluated_at;
	int64_t raising_done, raising_total; /* RECORD_NONE when it is not being raised */
};

struct made_file { /* of a golden path */
	const char *path; /* below the folder that is made */
	const char *text;
	size_t len;
	bool is_executable;
};
struct made_files {
	const char *folder;
	const struct made_file *items;
	size_t n;
};

/* A credential plugin that has to ask its person: run it in the terminal (base/lend.h), take its output. Or the work of an
 * operation, kubectl exec: run it there, its output is the person's. */
struct terminal_wish {
	uint64_t ticket;                      /* 0: of an operation */
	const char *const *argv, *const *env; /* env: "NAME=value" beside ours, NULL-ended */
	const char *const *plain;             /* argv where there is no terminal; NULL: one is needed */
	const char *why;                      /* a sentence */
	/* Not NULL: nothing is run. The person is asked whether that may run, now and later; status 0 says yes. This is the
	 * hash that approves it (backend/consent.h), env what its entry sets. */
	const char *approve;
};

struct message {
	struct queue_node node;  /* the queue's */
	enum message_kind kind;
	uint64_t request;        /* the request it belongs to */
	struct arena arena;
	void *owned[2];          /* larger pieces beside the arena, freed with it; NULL: none */
	union {
		struct changes changes;
		struct log_batch logs;
		struct document document;
		struct series series;
		struct uses uses;
		struct audit_check audit;
		struct platform_info info;
		struct plan plan;
		struct operation operation;
		struct made_files files;
		struct terminal_wish terminal;
		struct err err;      /* DONE: kind is ERR_NONE when all went well, else its sentence */
	};
};

struct message *message_new(enum message_kind, uint64_t request);
void message_free(struct message *);
const char *message_kind_name(enum message_kind);
#endif

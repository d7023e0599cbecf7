/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H
/*
 * The facts that providers deliver and faces show: one struct a kind, and beside it one table of rows
 * (struct field) that names each member. JSON on the wire, `-o json`, storage in state.db, copying, interning
 * and comparing all walk those rows, so a new member is one line here and one row in record.c.
 *
 * Every struct starts with `struct record base`. Text members are borrowed: a record owns nothing; whoever made
 * it says in which arena or table its text lies. Absent: NULL text, 0 time, RECORD_NONE for a number that is
 * not known, NaN for a real, the row's `absent` for an enum. All times are wall milliseconds, UTC
 * (base/clock.h). Names of members and values are a promise of fairway(1), OUTPUT. Pure data, any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/severity.h"

enum record_kind {
	RECORD_SERVICE,
	RECORD_ENVIRONMENT,
	RECORD_PLACEMENT, /* service x environment */
	RECORD_INSTANCE,
	RECORD_RELEASE,
	RECORD_DEPLOY,
	RECORD_ALERT,
	RECORD_SILENCE,
	RECORD_LOCK,
	RECORD_EVENT,
	RECORD_NOTE,
	RECORD_AUDIT,
	RECORD_RUNBOOK,
	RECORD_PATH,
	RECORD_SOURCE, /* made by the host of the providers, never by a provider */
	RECORD_LOG,    /* a log line: streamed, never stored in tables */
	RECORD_PLAN,
	RECORD_OPERATION, /* a plan under way, and its outcome */
	RECORD_WISH,      /* what an operation is asked for: the body of POST /v1/plans */
	RECORD_COUNT
};

#define RECORD_NONE (-1)

struct texts {
	const char *const *items;
	size_t n;
};
struct pair {
	const char *key, *value;
};
struct pairs {
	const struct pair *items;
	size_t n;
};
struct parts { /* an array of sub-records; the row's `sub` tells their class */
	const void *items;
	size_t n;
};

/* Values; their names are in record.c, in the same order. */
enum health { HEALTH_OK, HEALTH_DEGRADED, HEALTH_FAILING, HEALTH_UNKNOWN, HEALTH_STOPPED };
enum phase { /* of an instance */
	PHASE_BUILDING, PHASE_STARTING, PHASE_RUNNING, PHASE_UNHEALTHY,
	PHASE_CRASH_LOOP, PHASE_STOPPING, PHASE_EXITED, PHASE_UNKNOWN
};
enum deploy_state {
	DEPLOY_RUNNING, DEPLOY_SUCCEEDED, DEPLOY_FAILED, DEPLOY_ROLLED_BACK, DEPLOY_CANCELLED, DEPLOY_UNKNOWN
};
enum step_state { STEP_WAITING, STEP_RUNNING, STEP_DONE, STEP_FAILED, STEP_SKIPPED }; /* steps and checks */
enum trigger { TRIGGER_PERSON, TRIGGER_GIT, TRIGGER_AUTOMATIC };
enum alert_phase { ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED, ALERT_UNKNOWN };
enum audit_state { AUDIT_RECORDED, AUDIT_DONE, AUDIT_FAILED, AUDIT_REFUSED, AUDIT_UNKNOWN };
enum source_state { SOURCE_LIVE, SOURCE_STALE, SOURCE_DOWN };
enum op_class { OP_REVERSIBLE, OP_CHANGING, OP_PROTECTED };

struct record {
	enum record_kind kind;
	const char *source; /* name of the provider in the configuration; part of the identity */
	int64_t as_of;      /* when the source last confirmed it */
};

struct service {
	struct record base;
	const char *name, *team, *on_call, *tier, *language, *lifecycle, *description;
	const char *folder; /* where its service.yaml lies, when known */
	int health;         /* enum health: rolled up over its placements */
	struct texts dependencies, databases;
	struct pairs links, runbooks; /* runbooks: alert name ("" is the general one) to file */
};
struct environment {
	struct record base;
	const char *name;
	int64_t position; /* order of promotion, from 0 */
	bool is_protected, is_read_only;
	int health;
	int64_t firing, services;
	struct pairs denied; /* action to sentence: what we have no right to do there */
};
struct placement {
	struct record base;
	const char *service, *environment;
	const char *version, *to_version; /* to_version: a rollout is under way */
	int64_t desired, ready;           /* of the version that serves */
	int64_t to_desired, to_ready;     /* of the version that comes; RECORD_NONE without a rollout */
	int health;
	const char *reason; /* why it is not ok, one sentence; "neighbour: checkout" */
	const char *image; /* the whole reference, where what runs is one */
	const char *url;
	const char *drift; /* version of the environment before it, when that is another */
	const char *lock;  /* sentence: who, why, until */
	int64_t release;   /* number */
	int64_t deployed_at;
	const char *deployed_by;
};
struct instance {
	struct record base;
	const char *id, *service, *environment, *version;
	int phase;
	bool is_ready;
	int64_t pid, port, restarts, started_at;
	const char *reason; /* why it is not running well */
	const char *exit;   /* of the process before: "exit 3", "SIGKILL", "not seen" */
	const char *node;
	int64_t cpu, cpu_request, cpu_limit;          /* thousandths of a core: used, asked for, at most */
	int64_t memory, memory_request, memory_limit; /* bytes */
};
struct release {
	struct record base;
	const char *service, *version;
	int64_t number, created_at; /* numbers count from 1 per service */
	bool is_bad;
	const char *bad_reason, *commit, *by;
	struct texts current_in; /* environments that run it */
	int64_t migrations;      /* database migrations it brings; RECORD_NONE unknown */
};
struct step {
	const char *name;
	int state; /* enum step_state */
	int64_t started_at, ended_at;
	const char *detail;
};
struct deploy {
	struct record base;
	const char *id, *service, *environment, *from, *to;
	int state;
	const char *by, *reason;
	int trigger;
	int64_t started_at, ended_at, watch_until;
	struct parts steps; /* struct step */
	const char *detail; /* why it failed or was rolled back */
	struct texts commits;
	int64_t release; /* number */
	const char *kind; /* deploy, promote, rollback, restart, scale */
};
struct ack {
	const char *by;
	int64_t at, until;
	const char *where; /* whom it stops: "noted here only: paging continues" */
};
struct alert {
	struct record base;
	const char *id, *name;
	int severity;
	const char *service, *environment, *team;
	int phase;
	int64_t starts_at, ends_at; /* of firing; while pending, starts_at is when the condition began */
	int64_t fires_at;           /* pending: when it fires if nothing changes */
	struct parts acked;         /* struct ack, none or one */
	struct texts silenced_by, inhibited_by;
	struct pairs labels, annotations;
	const char *runbook, *summary;
	const char *metric; /* name of the series that the rule watches */
	double value, threshold;
	int64_t times; /* how often it fired within 30 min */
	const char *notified; /* "payments: delivered", or why not */
};
struct silence {
	struct record base;
	const char *id, *service, *environment, *alert; /* NULL matches all */
	const char *by, *reason;
	int64_t starts_at, ends_at;
};
struct lock {
	struct record base;
	const char *service, *environment, *by, *reason;
	int64_t at, until; /* until 0: until it is unlocked */
};
struct event { /* what happened: restarts, exits, scale, configuration, probes, cut overs */
	struct record base;
	const char *id;
	int64_t time;
	const char *service, *environment, *instance, *kind, *text;
};
struct note {
	struct record base;
	const char *id;
	int64_t time;
	const char *service, *environment, *alert, *by, *text;
};
struct audit_entry {
	struct record base;
	const char *id;
	int64_t at;
	const char *by, *action, *service, *environment, *reason, *plan;
	int state;
	int64_t outcome_at;
	const char *detail;
	const char *previous, *hash; /* SHA-256 chain, hex */
};
struct runbook {
	struct record base;
	const char *service, *name, *title, *alert; /* name: path below the service's folder; the text is fetched */
};
struct path {
	struct record base;
	const char *name, *title, *description, *language;
};
struct source {
	struct record base;
	const char *name, *provider;
	int state;
	const char *error;
	const char *warning; /* it works, but not as it should: "its certificate is not verified" */
};
struct log_line {
	struct record base;
	int64_t time;
	const char *service, *environment, *instance, *level, *text;
	struct pairs fields;
	const char *gap; /* a line that tells of a gap, an exit, an eviction; text is then absent */
};

/* What an operation is asked for. model/action.h tells which members an action uses; the others stay absent. */
struct wish {
	struct record base;
	const char *action;
	const char *service, *environment, *version, *from; /* from: the environment to promote from */
	const char *release; /* rollback: a version or a number */
	const char *workload, *container; /* of a cluster: which ones of several */
	const char *alert, *instance, *reason, *text, *folder, *approve, *path;
	int64_t count;    /* scale */
	int64_t duration; /* ms: silence, ack, lock, watch */
	int64_t until;
	bool past_migration, despite_bad, without_databases, take_over;
	struct texts command; /* exec: none: a shell */
	struct pairs set; /* parameters of a golden path */
};
struct plan {
	struct record base;
	const char *id, *action, *service, *environment;
	int class; /* enum op_class */
	const char *title;
	struct texts changes;   /* what will change, one sentence each */
	const char *diff;       /* unified; may be absent */
	const char *equivalent; /* the command that does the same */
	struct texts locks, commands; /* commands: what would run and is not approved yet */
	const char *approve;      /* SHA-256 that approves these commands */
	const char *refusal;      /* set: it will be refused, and why */
	const char *refusal_kind; /* err_kind_name() */
	const char *confirm;      /* class protected: "prod/checkout" must be typed */
	int64_t expires_at;
	struct texts steps;
	struct texts warnings; /* what a rollback can't undo, whom an ack stops, … */
	const char *basis;     /* what it rests on, in its provider's words: comes back to it at the execution */
};
struct operation {
	struct record base;
	const char *id, *plan, *action, *service, *environment;
	int state; /* enum audit_state: recorded while under way */
	struct parts steps;
	const char *detail;     /* the outcome in one sentence */
	const char *error_kind; /* err_kind_name(); absent when done */
	const char *made;       /* identity of the record it made, "deploy/ID", if any */
	int64_t started_at, ended_at;
	int64_t undo_until; /* reversible: may be undone until */
	int64_t exit_status; /* of the command that it ran in the person's terminal, 128 + signal included; RECORD_NONE: none ran */
};

enum field_type {
	FIELD_TEXT,  /* const char * */
	FIELD_INT,   /* int64_t, RECORD_NONE absent */
	FIELD_REAL,  /* double, NaN absent */
	FIELD_BOOL,  /* bool; false is written too */
	FIELD_TIME,  /* int64_t, 0 absent; RFC 3339 in JSON */
	FIELD_ENUM,  /* int; `values` names them */
	FIELD_TEXTS, /* struct texts; left out when empty */
	FIELD_PAIRS, /* struct pairs; an object in JSON */
	FIELD_PARTS, /* struct parts of class `sub`; an array in JSON */
	FIELD_PART,  /* struct parts with at most one; an object in JSON */
};
#define FIELD_KEY 1u    /* part of the identity */
#define FIELD_SEARCH 2u /* part of the row's search text */
#define FIELD_INTERN 4u /* repeats over many rows: tables intern it */

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	unsigned flags;
	const char *const *values; /* FIELD_ENUM: names, NULL at the end */
	/* FIELD_ENUM: taken while nothing is said. Never one that calms: unknown, else what asks for most care. */
	int absent;
	const struct record_class *sub;
};
#define CLASS_VOLATILE 1u /* derived: never written to state.db */
#define CLASS_PUBLIC 2u   /* listed and watched over the platform's API */
#define CLASS_SHARED 4u   /* several sources may tell the same one: faces show one row (model/overlay.h) */
struct record_class {
	enum record_kind kind;
	const char *name, *plural; /* "deploy", "deploys": words of the API and of the command line */
	size_t size;
	const struct field *fields;
	size_t n_fields;
	unsigned flags;
	const char *help;
};

const struct record_class *record_class(enum record_kind kind);
const struct record_class *record_class_named(const char *name_or_plural); /* NULL when unknown */
extern const struct record_class record_step_class, record_ack_class;
/* Names of values, in the order of the enums; each list ends with NULL. */
extern const char *const health_names[], *const phase_names[], *const deploy_state_names[],
	*const step_state_names[], *const trigger_names[], *const severity_names[], *const alert_phase_names[],
	*const audit_state_names[], *const source_state_names[], *const op_class_names[];
int record_value_of(const char *const *names, const char *name); /* index, or -1 */
const char *record_value_name(const char *const *names, int value); /* "unknown" when out of range */

/* Fills a struct of the class with "absent" in every member and sets base.kind. */
void record_init(const struct record_class *, void *record);
static inline void *record_at(void *record, const struct field *f)
{
	return (char *)record + f->offset;
}
static inline const void *record_get(const void *record, const struct field *f)
{
	return (const char *)record + f->offset;
}
const struct field *record_field(const struct record_class *, const char *name); /* NULL when unknown */

/* Identity within one source: the key members joined by '/', in the order of the rows; appended to *out. */
void record_key(const struct record_class *, const void *record, struct str *out);
/* Whether every member is equal; as_of and source are not looked at. */
bool record_equal(const struct record_class *, const void *a, const void *b);

struct arena;
/* Deep copy: texts, lists and parts move into the arena (source too). */
void record_copy(const struct record_class *, void *to, const void *from, struct arena *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/record.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

const char *const health_names[] = {"ok", "degraded", "failing", "unknown", "stopped", NULL};
const char *const phase_names[] = {"building", "starting", "running", "unhealthy", "crash_loop",
				   "stopping", "exited",   "unknown", NULL};
const char *const deploy_state_names[] = {"running",   "succeeded", "failed", "rolled_back",
					  "cancelled", "unknown",   NULL};
const char *const step_state_names[] = {"waiting", "running", "done", "failed", "skipped", NULL};
const char *const trigger_names[] = {"person", "git", "automatic", NULL};
const char *const severity_names[] = {"critical", "warning", "info", NULL};
const char *const alert_phase_names[] = {"pending", "firing", "resolved", "unknown", NULL};
const char *const audit_state_names[] = {"recorded", "done", "failed", "refused", "unknown", NULL};
const char *const source_state_names[] = {"live", "stale", "down", NULL};
const char *const op_class_names[] = {"reversible", "changing", "protected", NULL};

#define ROW(tag, member, json, kind, bits, names, class)                                                     \
	{                                                                                                    \
		.name = json, .type = kind, .offset = offsetof(struct tag, member), .flags = bits,           \
		.values = names, .sub = class                                                                \
	}
#define TEXT(tag, member, bits) ROW(tag, member, #member, FIELD_TEXT, bits, NULL, NULL)
#define INT(tag, member, bits) ROW(tag, member, #member, FIELD_INT, bits, NULL, NULL)
#define REAL(tag, member) ROW(tag, member, #member, FIELD_REAL, 0, NULL, NULL)
#define BOOL(tag, member, json) ROW(tag, member, json, FIELD_BOOL, 0, NULL, NULL)
#define TIME(tag, member) ROW(tag, member, #member, FIELD_TIME, 0, NULL, NULL)
#define ENUM(tag, member, names, unsaid)                                                                     \
	{                                                                                                    \
		.name = #member, .type = FIELD_ENUM, .offset = offsetof(struct tag, member), .values = names,\
		.absent = unsaid                                                                             \
	}
#define TEXTS(tag, member) ROW(tag, member, #member, FIELD_TEXTS, 0, NULL, NULL)
#define PAIRS(tag, member) ROW(tag, member, #member, FIELD_PAIRS, 0, NULL, NULL)
#define PARTS(tag, member, class) ROW(tag, member, #member, FIELD_PARTS, 0, NULL, &class)
#define PART(tag, member, class) ROW(tag, member, #member, FIELD_PART, 0, NULL, &class)

#define KEY (FIELD_KEY | FIELD_SEARCH | FIELD_INTERN)
#define WORD (FIELD_SEARCH | FIELD_INTERN)

static const struct field step_rows[] = {
	TEXT(step, name, FIELD_INTERN), ENUM(step, state, step_state_names, STEP_WAITING),
	TIME(step, started_at),         TIME(step, ended_at),
	TEXT(step, detail, 0),
};
static const struct field ack_rows[] = {
	TEXT(ack, by, 0),
	TIME(ack, at),
	TIME(ack, until),
	TEXT(ack, where, 0),
};
static const struct field service_rows[] = {
	TEXT(service, name, KEY),
	TEXT(service, team, WORD),
	TEXT(service, on_call, WORD),
	TEXT(service, tier, WORD),
	TEXT(service, language, WORD),
	TEXT(service, lifecycle, WORD),
	TEXT(service, description, FIELD_SEARCH),
	TEXT(service, folder, 0),
	ENUM(service, health, health_names, HEALTH_UNKNOWN),
	TEXTS(service, dependencies),
	TEXTS(service, databases),
	PAIRS(service, links),
	PAIRS(service, runbooks),
};
static const struct field environment_rows[] = {
	TEXT(environment, name, KEY),
	INT(environment, position, 0),
	BOOL(environment, is_protected, "protected"),
	BOOL(environment, is_read_only, "read_only"),
	ENUM(environment, health, health_names, HEALTH_UNKNOWN),
	INT(environment, firing, 0),
	INT(environment, services, 0),
	PAIRS(environment, denied),
};
static const struct field placement_rows[] = {
	TEXT(placement, service, KEY),
	TEXT(placement, environment, KEY),
	TEXT(placement, version, WORD),
	TEXT(placement, to_version, WORD),
	INT(placement, desired, 0),
	INT(placement, ready, 0),
	INT(placement, to_desired, 0),
	INT(placement, to_ready, 0),
	ENUM(placement, health, health_names, HEALTH_UNKNOWN),
	TEXT(placement, reason, FIELD_SEARCH),
	TEXT(placement, image, 0),
	TEXT(placement, url, 0),
	TEXT(placement, drift, FIELD_INTERN),
	TEXT(placement, lock, 0),
	INT(placement, release, 0),
	TIME(placement, deployed_at),
	TEXT(placement, deployed_by, FIELD_INTERN),
};
static const struct field instance_rows[] = {
	TEXT(instance, id, FIELD_KEY | FIELD_SEARCH),
	TEXT(instance, service, WORD),
	TEXT(instance, environment, WORD),
	TEXT(instance, version, WORD),
	ENUM(instance, phase, phase_names, PHASE_UNKNOWN),
	BOOL(instance, is_ready, "ready"),
	INT(instance, pid, 0),
	INT(instance, port, 0),
	INT(instance, restarts, 0),
	TIME(instance, started_at),
	TEXT(instance, reason, WORD),
	TEXT(instance, exit, FIELD_INTERN),
	TEXT(instance, node, WORD),
	INT(instance, cpu, 0),
	INT(instance, cpu_request, 0),
	INT(instance, cpu_limit, 0),
	INT(instance, memory, 0),
	INT(instance, memory_request, 0),
	INT(instance, memory_limit, 0),
};
static const struct field release_rows[] = {
	TEXT(release, service, KEY),         INT(release, number, FIELD_KEY), TEXT(release, version, WORD),
	TIME(release, created_at),           BOOL(release, is_bad, "bad"),    TEXT(release, bad_reason, 0),
	TEXT(release, commit, FIELD_SEARCH), TEXT(release, by, WORD),         TEXTS(release, current_in),
	INT(release, migrations, 0),
};
static const struct field deploy_rows[] = {
	TEXT(deploy, id, FIELD_KEY),
	TEXT(deploy, service, WORD),
	TEXT(deploy, environment, WORD),
	TEXT(deploy, from, WORD),
	TEXT(deploy, to, WORD),
	ENUM(deploy, state, deploy_state_names, DEPLOY_UNKNOWN),
	TEXT(deploy, by, WORD),
	TEXT(deploy, reason, FIELD_SEARCH),
	ENUM(deploy, trigger, trigger_names, TRIGGER_AUTOMATIC),
	TIME(deploy, started_at),
	TIME(deploy, ended_at),
	TIME(deploy, watch_until),
	PARTS(deploy, steps, record_step_class),
	TEXT(deploy, detail, 0),
	TEXTS(deploy, commits),
	INT(deploy, release, 0),
	TEXT(deploy, kind, FIELD_INTERN),
};
static const struct field alert_rows[] = {
	TEXT(alert, id, FIELD_KEY),
	TEXT(alert, name, WORD),
	ENUM(alert, severity, severity_names, SEVERITY_CRITICAL),
	TEXT(alert, service, WORD),
	TEXT(alert, environment, WORD),
	TEXT(alert, team, WORD),
	ENUM(alert, phase, alert_phase_names, ALERT_UNKNOWN),
	TIME(alert, starts_at),
	TIME(alert, ends_at),
	TIME(alert, fires_at),
	PART(alert, acked, record_ack_class),
	TEXTS(alert, silenced_by),
	TEXTS(alert, inhibited_by),
	PAIRS(alert, labels),
	PAIRS(alert, annotations),
	TEXT(alert, runbook, 0),
	TEXT(alert, summary, FIELD_SEARCH),
	TEXT(alert, metric, FIELD_INTERN),
	REAL(alert, value),
	REAL(alert, threshold),
	INT(alert, times, 0),
	TEXT(alert, notified, 0),
};
static const struct field silence_rows[] = {
	TEXT(silence, id, FIELD_KEY), TEXT(silence, service, WORD), TEXT(silence, environment, WORD),
	TEXT(silence, alert, WORD),   TEXT(silence, by, WORD),      TEXT(silence, reason, FIELD_SEARCH),
	TIME(silence, starts_at),     TIME(silence, ends_at),
};
static const struct field lock_rows[] = {
	TEXT(lock, service, KEY), TEXT(lock, environment, KEY),
	TEXT(lock, by, WORD),     TEXT(lock, reason, FIELD_SEARCH),
	TIME(lock, at),           TIME(lock, until),
};
static const struct field event_rows[] = {
	TEXT(event, id, FIELD_KEY),      TIME(event, time),           TEXT(event, service, WORD),
	TEXT(event, environment, WORD),  TEXT(event, instance, WORD), TEXT(event, kind, WORD),
	TEXT(event, text, FIELD_SEARCH),
};
static const struct field note_rows[] = {
	TEXT(note, id, FIELD_KEY),      TIME(note, time),        TEXT(note, service, WORD),
	TEXT(note, environment, WORD),  TEXT(note, alert, WORD), TEXT(note, by, WORD),
	TEXT(note, text, FIELD_SEARCH),
};
static const struct field audit_rows[] = {
	TEXT(audit_entry, id, FIELD_KEY),
	TIME(audit_entry, at),
	TEXT(audit_entry, by, WORD),
	TEXT(audit_entry, action, WORD),
	TEXT(audit_entry, service, WORD),
	TEXT(audit_entry, environment, WORD),
	TEXT(audit_entry, reason, FIELD_SEARCH),
	TEXT(audit_entry, plan, 0),
	ENUM(audit_entry, state, audit_state_names, AUDIT_UNKNOWN),
	TIME(audit_entry, outcome_at),
	TEXT(audit_entry, detail, FIELD_SEARCH),
	TEXT(audit_entry, previous, 0),
	TEXT(audit_entry, hash, 0),
};
static const struct field runbook_rows[] = {
	TEXT(runbook, service, KEY),
	TEXT(runbook, name, KEY),
	TEXT(runbook, title, FIELD_SEARCH),
	TEXT(runbook, alert, WORD),
};
static const struct field path_rows[] = {
	TEXT(path, name, KEY),
	TEXT(path, title, FIELD_SEARCH),
	TEXT(path, description, FIELD_SEARCH),
	TEXT(path, language, WORD),
};
static const struct field source_rows[] = {
	TEXT(source, name, KEY),
	TEXT(source, provider, WORD),
	ENUM(source, state, source_state_names, SOURCE_DOWN),
	TEXT(source, error, 0),
	TEXT(source, warning, 0),
};
static const struct field log_rows[] = {
	TIME(log_line, time),          TEXT(log_line, service, KEY), TEXT(log_line, environment, KEY),
	TEXT(log_line, instance, KEY), TEXT(log_line, level, WORD),  TEXT(log_line, text, FIELD_SEARCH),
	PAIRS(log_line, fields),       TEXT(log_line, gap, 0),
};
static const struct field wish_rows[] = {
	TEXT(wish, action, FIELD_KEY),
	TEXT(wish, service, 0),
	TEXT(wish, environment, 0),
	TEXT(wish, version, 0),
	TEXT(wish, from, 0),
	TEXT(wish, release, 0),
	TEXT(wish, workload, 0),
	TEXT(wish, container, 0),
	TEXT(wish, alert, 0),
	TEXT(wish, instance, 0),
	TEXT(wish, reason, 0),
	TEXT(wish, text, 0),
	TEXT(wish, folder, 0),
	TEXT(wish, approve, 0),
	TEXT(wish, path, 0),
	INT(wish, count, 0),
	INT(wish, duration, 0),
	TIME(wish, until),
	BOOL(wish, past_migration, "past_migration"),
	BOOL(wish, despite_bad, "despite_bad"),
	BOOL(wish, without_databases, "without_databases"),
	BOOL(wish, take_over, "take_over"),
	TEXTS(wish, command),
	PAIRS(wish, set),
};
static const struct field plan_rows[] = {
	TEXT(plan, id, FIELD_KEY),
	TEXT(plan, action, 0),
	TEXT(plan, service, 0),
	TEXT(plan, environment, 0),
	ENUM(plan, class, op_class_names, OP_PROTECTED),
	TEXT(plan, title, 0),
	TEXTS(plan, changes),
	TEXT(plan, diff, 0),
	TEXT(plan, equivalent, 0),
	TEXTS(plan, locks),
	TEXTS(plan, commands),
	TEXT(plan, approve, 0),
	TEXT(plan, refusal, 0),
	TEXT(plan, refusal_kind, 0),
	TEXT(plan, confirm, 0),
	TIME(plan, expires_at),
	TEXTS(plan, steps),
	TEXTS(plan, warnings),
	TEXT(plan, basis, 0),
};
static const struct field operation_rows[] = {
	TEXT(operation, id, FIELD_KEY),
	TEXT(operation, plan, 0),
	TEXT(operation, action, 0),
	TEXT(operation, service, 0),
	TEXT(operation, environment, 0),
	ENUM(operation, state, audit_state_names, AUDIT_UNKNOWN),
	PARTS(operation, steps, record_step_class),
	TEXT(operation, detail, 0),
	TEXT(operation, error_kind, 0),
	TEXT(operation, made, 0),
	TIME(operation, started_at),
	TIME(operation, ended_at),
	TIME(operation, undo_until),
	INT(operation, exit_status, 0),
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CLASS(id, one, many, tag, rows, what, bits)                                                          \
	[id] = {.kind = id,                                                                                  \
		.name = one,                                                                                 \
		.plural = many,                                                                              \
		.size = sizeof(struct tag),                                                                  \
		.fields = rows,                                                                              \
		.n_fields = COUNT(rows),                                                                     \
		.help = what,                                                                                \
		.flags = bits}

static const struct record_class classes[RECORD_COUNT] = {
	CLASS(RECORD_SERVICE, "service", "services", service, service_rows, "what is run, and who owns it",
	      CLASS_PUBLIC | CLASS_SHARED),
	CLASS(RECORD_ENVIRONMENT, "environment", "environments", environment, environment_rows,
	      "where services are placed, in the order of promotion", CLASS_PUBLIC | CLASS_SHARED),
	CLASS(RECORD_PLACEMENT, "placement", "placements", placement, placement_rows,
	      "a service in an environment", CLASS_PUBLIC | CLASS_VOLATILE | CLASS_SHARED),
	CLASS(RECORD_INSTANCE, "instance", "instances", instance, instance_rows, "a process of a placement",
	      CLASS_PUBLIC | CLASS_VOLATILE),
	CLASS(RECORD_RELEASE, "release", "releases", release, release_rows, "a version, built and kept",
	      CLASS_PUBLIC),
	CLASS(RECORD_DEPLOY, "deploy", "deploys", deploy, deploy_rows, "a release brought to an environment",
	      CLASS_PUBLIC),
	CLASS(RECORD_ALERT, "alert", "alerts", alert, alert_rows,
	      "a rule that is pending, firing or just resolved", CLASS_PUBLIC),
	CLASS(RECORD_SILENCE, "silence", "silences", silence, silence_rows,
	      "alerts that notify nobody for a time", CLASS_PUBLIC),
	CLASS(RECORD_LOCK, "lock", "locks", lock, lock_rows, "a placement that may not be changed",
	      CLASS_PUBLIC),
	CLASS(RECORD_EVENT, "event", "events", event, event_rows, "what happened", CLASS_PUBLIC),
	CLASS(RECORD_NOTE, "note", "notes", note, note_rows, "what a person wrote into the timeline",
	      CLASS_PUBLIC),
	CLASS(RECORD_AUDIT, "audit", "audit", audit_entry, audit_rows, "who changed what, where and why",
	      CLASS_PUBLIC),
	CLASS(RECORD_RUNBOOK, "runbook", "runbooks", runbook, runbook_rows, "what to do about an alert",
	      CLASS_PUBLIC | CLASS_VOLATILE | CLASS_SHARED),
	CLASS(RECORD_PATH, "path", "paths", path, path_rows, "a golden path",
	      CLASS_VOLATILE | CLASS_SHARED),
	CLASS(RECORD_SOURCE, "source", "sources", source, source_rows, "a provider and how fresh it is",
	      CLASS_VOLATILE),
	CLASS(RECORD_LOG, "log", "logs", log_line, log_rows, "a log line", CLASS_VOLATILE),
	CLASS(RECORD_PLAN, "plan", "plans", plan, plan_rows, "what an operation would change",
	      CLASS_VOLATILE),
	CLASS(RECORD_OPERATION, "operation", "operations", operation, operation_rows,
	      "a confirmed plan and its outcome", CLASS_VOLATILE),
	CLASS(RECORD_WISH, "wish", "wishes", wish, wish_rows, "what is asked for", CLASS_VOLATILE),
};
const struct record_class record_step_class = {
	.kind = RECORD_COUNT,
	.name = "step",
	.plural = "steps",
	.size = sizeof(struct step),
	.fields = step_rows,
	.n_fields = COUNT(step_rows),
	.help = "a step of a deploy or of an operation",
};
const struct record_class record_ack_class = {
	.kind = RECORD_COUNT,
	.name = "ack",
	.plural = "acks",
	.size = sizeof(struct ack),
	.fields = ack_rows,
	.n_fields = COUNT(ack_rows),
	.help = "somebody has seen the alert",
};

const struct record_class *record_class(enum record_kind kind)
{
	return &classes[kind];
}

const struct record_class *record_class_named(const char *name)
{
	for (size_t i = 0; name && i < RECORD_COUNT; i++)
		if (str_eq(classes[i].name, name) || str_eq(classes[i].plural, name))
			return &classes[i];
	return NULL;
}

int record_value_of(const char *const *names, const char *name)
{
	for (int i = 0; name && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *record_value_name(const char *const *names, int value)
{
	int n = 0;
	while (names[n])
		n++;
	return value >= 0 && value < n ? names[value] : "unknown";
}

void record_init(const struct record_class *class, void *record)
{
	memset(record, 0, class->size);
	if (class->kind != RECORD_COUNT)
		((struct record *)record)->kind = class->kind;
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (f->type == FIELD_INT)
			*(int64_t *)record_at(record, f) = RECORD_NONE;
		else if (f->type == FIELD_REAL)
			*(double *)record_at(record, f) = NAN;
		else if (f->type == FIELD_ENUM)
			*(int *)record_at(record, f) = f->absent;
	}
}

const struct field *record_field(const struct record_class *class, const char *name)
{
	for (size_t i = 0; i < class->n_fields; i++)
		if (strcmp(class->fields[i].name, name) == 0)
			return &class->fields[i];
	return NULL;
}

void record_key(const struct record_class *class, const void *record, struct str *out)
{
	bool first = true;
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		if (!(f->flags & FIELD_KEY))
			continue;
		if (!first)
			str_addc(out, '/');
		first = false;
		if (f->type == FIELD_INT)
			str_addf(out, "%lld", (long long)*(const int64_t *)record_get(record, f));
		else
			str_add(out, *(const char *const *)record_get(record, f));
	}
}

static bool texts_equal(const struct texts *a, const struct texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->items[i], b->items[i]))
			return false;
	return true;
}

static bool pairs_equal(const struct pairs *a, const struct pairs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->items[i].key, b->items[i].key) ||
		    !str_eq(a->items[i].value, b->items[i].value))
			return false;
	return true;
}

static bool parts_equal(const struct record_class *sub, const struct parts *a, const struct parts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!record_equal(sub, (const char *)a->items + i * sub->size,
				  (const char *)b->items + i * sub->size))
			return false;
	return true;
}

static bool field_equal(const struct field *f, const void *a, const void *b)
{
	switch (f->type) {
	case FIELD_TEXT:
		return str_eq(*(const char *const *)a, *(const char *const *)b);
	case FIELD_INT:
	case FIELD_TIME:
		return *(const int64_t *)a == *(const int64_t *)b;
	case FIELD_REAL: {
		double x = *(const double *)a, y = *(const double *)b;
		return x == y || (isnan(x) && isnan(y));
	}
	case FIELD_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case FIELD_ENUM:
		return *(const int *)a == *(const int *)b;
	case FIELD_TEXTS:
		return texts_equal(a, b);
	case FIELD_PAIRS:
		return pairs_equal(a, b);
	case FIELD_PARTS:
	case FIELD_PART:
		return parts_equal(f->sub, a, b);
	}
	return false;
}

bool record_equal(const struct record_class *class, const void *a, const void *b)
{
	for (size_t i = 0; i < class->n_fields; i++)
		if (!field_equal(&class->fields[i], record_get(a, &class->fields[i]),
				 record_get(b, &class->fields[i])))
			return false;
	return true;
}

static void copy_texts(struct texts *to, struct arena *arena)
{
	const char **items = arena_alloc(arena, to->n * sizeof(*items));
	for (size_t i = 0; i < to->n; i++)
		items[i] = arena_dup(arena, to->items[i]);
	to->items = items;
}

static void copy_pairs(struct pairs *to, struct arena *arena)
{
	struct pair *items = arena_alloc(arena, to->n * sizeof(*items));
	for (size_t i = 0; i < to->n; i++)
		items[i] = (struct pair){arena_dup(arena, to->items[i].key),
					 arena_dup(arena, to->items[i].value)};
	to->items = items;
}

static void copy_parts(const struct record_class *sub, struct parts *to, struct arena *arena)
{
	char *items = arena_alloc(arena, to->n * sub->size);
	for (size_t i = 0; i < to->n; i++)
		record_copy(sub, items + i * sub->size, (const char *)to->items + i * sub->size, arena);
	to->items = items;
}

void record_copy(const struct record_class *class, void *to, const void *from, struct arena *arena)
{
	memmove(to, from, class->size);
	if (class->kind != RECORD_COUNT) {
		struct record *base = to;
		base->source = arena_dup(arena, base->source);
	}
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		void *at = record_at(to, f);
		if (f->type == FIELD_TEXT)
			*(const char **)at = arena_dup(arena, *(const char *const *)at);
		else if (f->type == FIELD_TEXTS)
			copy_texts(at, arena);
		else if (f->type == FIELD_PAIRS)
			copy_pairs(at, arena);
		else if (f->type == FIELD_PARTS || f->type == FIELD_PART)
			copy_parts(f->sub, at, arena);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a run delivers: changes and log lines gathered into messages. */
#include <stdlib.h>
#include <string.h>

#include "backend/run_private.h"

#define CHANGES_MAX 1000
#define BLOCK_MAX (256 * 1024)
#define BLOCK_FULL (1024 * 1024)
#define INSTANCES_MAX 65000

static void deliver(struct run *r, struct message *m)
{
	const struct io *io = r->wish.io;
	r->has_delivered = true;
	io->deliver(io->arg, m);
}

static void flush_records(struct run *r)
{
	struct message *m = r->records;
	if (!m)
		return;
	m->changes = (struct changes){
		.source = arena_dup(&m->arena, r->wish.source->name), .items = r->changes, .n = r->n_changes};
	m->owned[0] = r->changes;
	r->records = NULL;
	r->changes = NULL;
	r->n_changes = r->cap_changes = 0;
	deliver(r, m);
}

static void flush_logs(struct run *r)
{
	struct message *m = r->logs;
	if (!m)
		return;
	struct log_origin *named = arena_alloc(&m->arena, (r->n_named + 1) * sizeof(*named));
	memcpy(named, r->named, r->n_named * sizeof(*named));
	m->owned[0] = str_detach(&r->block);
	m->owned[1] = r->spans;
	m->logs = (struct log_batch){
		.source = arena_dup(&m->arena, r->wish.source->name), .block = m->owned[0], .lines = r->spans,
		.n = r->n_spans, .instances = named, .n_instances = r->n_named,
	};
	r->logs = NULL;
	r->spans = NULL;
	r->n_spans = r->cap_spans = r->n_named = 0;
	deliver(r, m);
}

void run_flush(struct run *r)
{
	flush_records(r);
	flush_logs(r);
}

void run_forget_batches(struct run *r)
{
	message_free(r->records);
	message_free(r->logs);
	free(r->changes);
	free(r->spans);
	free(r->named);
	str_finish(&r->block);
	for (size_t i = 0; i < r->n_known; i++) {
		free(r->known[i].id);
		free(r->known[i].service);
		free(r->known[i].environment);
	}
	free(r->known);
	free(r->buckets);
}

static struct change *add_change(struct run *r, enum change_what what, enum record_kind kind)
{
	if (r->n_changes >= CHANGES_MAX)
		flush_records(r);
	if (!r->records)
		r->records = message_new(MESSAGE_RECORDS, r->wish.request->id);
	if (r->n_changes == r->cap_changes) {
		r->cap_changes = r->cap_changes ? 2 * r->cap_changes : 16;
		r->changes = mem_grow(r->changes, r->cap_changes, sizeof(*r->changes));
	}
	r->changes[r->n_changes] = (struct change){.what = what, .kind = kind};
	return &r->changes[r->n_changes++];
}

static void put_as(struct run *r, const void *record, int64_t as_of)
{
	const struct record_class *class = record_class(((const struct record *)record)->kind);
	struct change *c = add_change(r, CHANGE_PUT, class->kind);
	void *copy = arena_alloc(&r->records->arena, class->size);
	record_copy(class, copy, record, &r->records->arena);
	struct record *base = copy;
	base->source = arena_dup(&r->records->arena, r->wish.source->name);
	base->as_of = as_of;
	c->record = copy;
}

void run_put(struct run *r, const void *record)
{
	put_as(r, record, run_now(r));
}

void run_delete(struct run *r, enum record_kind kind, const char *key)
{
	struct change *c = add_change(r, CHANGE_DELETE, kind);
	c->key = arena_dup(&r->records->arena, key);
}

static void bracket(struct run *r, enum change_what what, unsigned kinds)
{
	for (int kind = 0; kind < RECORD_COUNT; kind++)
		if (kinds & REQUEST_KIND(kind))
			add_change(r, what, (enum record_kind)kind);
}

void run_begin(struct run *r, unsigned kinds)
{
	bracket(r, CHANGE_BEGIN, kinds);
}

void run_sync(struct run *r, unsigned kinds)
{
	bracket(r, CHANGE_SYNC, kinds);
	r->has_synced = true;
	run_alive(r);
	if (!r->is_settled && r->wish.settled) {
		r->is_settled = true;
		run_flush(r);
		r->wish.settled(r, r->wish.arg);
	}
}

void run_tell_source(struct run *r, enum source_state state, const struct err *err)
{
	struct source row;
	record_init(record_class(RECORD_SOURCE), &row);
	row.name = r->wish.source->name;
	row.provider = r->wish.source->provider->name;
	row.state = (int)state;
	row.error = err && err->kind ? err->text : NULL;
	row.warning = r->is_insecure ? "its certificate is not verified (insecure-skip-tls-verify)" : NULL;
	r->is_known = true;
	r->told = state;
	r->told_error = err ? *err : (struct err){0};
	r->told_wall = r->alive_wall;
	put_as(r, &row, r->alive_wall);
}

struct message *run_message(struct run *r, enum message_kind kind)
{
	return message_new(kind, r->wish.request->id);
}

void run_send(struct run *r, struct message *m)
{
	run_flush(r);
	deliver(r, m);
}

void run_step(struct run *r, struct step *s, enum step_state state)
{
	bool is_over = state == STEP_DONE || state == STEP_FAILED || (state == STEP_SKIPPED && s->started_at);
	if (!s->started_at && state != STEP_WAITING && state != STEP_SKIPPED)
		s->started_at = run_now(r);
	if (!is_over)
		s->ended_at = 0;
	else if (!s->ended_at)
		s->ended_at = run_now(r);
	s->state = (int)state;
}

void run_operation(struct run *r, const struct operation_told *t)
{
	const struct request *q = r->wish.request;
	struct message *m = run_message(r, MESSAGE_OPERATION);
	struct operation o;
	record_init(record_class(RECORD_OPERATION), &o);
	o.id = o.plan = q->plan;
	o.action = q->wish.action;
	o.service = t->service ? t->service : q->wish.service;
	o.environment = r->wish.source->environment;
	o.state = (int)t->state;
	o.steps = t->steps;
	o.detail = t->detail;
	o.error_kind = t->kind ? err_kind_name(t->kind) : NULL;
	o.made = t->made;
	o.exit_status = t->exit_status ? *t->exit_status : RECORD_NONE;
	o.started_at = t->started_at;
	o.ended_at = t->state == AUDIT_RECORDED ? 0 : run_now(r);
	record_copy(record_class(RECORD_OPERATION), &m->operation, &o, &m->arena);
	run_send(r, m);
}

static uint32_t id_hash(const char *id, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)id[i]) * 16777619u;
	return h;
}

static bool is_that(const struct known_instance *k, const char *id, size_t len)
{
	return k->id_len == len && memcmp(k->id, id, len) == 0;
}

static void rehash(struct run *r)
{
	r->n_buckets = r->n_buckets ? 2 * r->n_buckets : 64;
	free(r->buckets);
	r->buckets = mem_array(r->n_buckets, sizeof(*r->buckets));
	for (size_t i = 0; i < r->n_known; i++) {
		size_t at = id_hash(r->known[i].id, r->known[i].id_len) & (r->n_buckets - 1);
		while (r->buckets[at])
			at = (at + 1) & (r->n_buckets - 1);
		r->buckets[at] = (uint32_t)i + 1;
	}
}

/* NULL when there are too many. */
static struct known_instance *instance_of(struct run *r, const char *id, size_t len)
{
	if (r->last_known < r->n_known && is_that(&r->known[r->last_known], id, len))
		return &r->known[r->last_known];
	if (2 * (r->n_known + 1) > r->n_buckets)
		rehash(r);
	size_t at = id_hash(id, len) & (r->n_buckets - 1);
	for (; r->buckets[at]; at = (at + 1) & (r->n_buckets - 1)) {
		if (is_that(&r->known[r->buckets[at] - 1], id, len)) {
			r->last_known = r->buckets[at] - 1;
			return &r->known[r->last_known];
		}
	}
	if (r->n_known >= INSTANCES_MAX)
		return NULL;
	if (r->n_known == r->cap_known) {
		r->cap_known = r->cap_known ? 2 * r->cap_known : 16;
		r->known = mem_grow(r->known, r->cap_known, sizeof(*r->known));
	}
	r->known[r->n_known] = (struct known_instance){.id = mem_dup_n(id, len), .id_len = len};
	r->buckets[at] = (uint32_t)r->n_known + 1;
	r->last_known = r->n_known;
	return &r->known[r->n_known++];
}

void run_log_instance(struct run *r, const char *id, const char *service, const char *environment)
{
	struct known_instance *k = instance_of(r, id, strlen(id));
	if (!k || k->service)
		return;
	k->service = mem_dup(service);
	k->environment = mem_dup(environment);
}

/* The index that an instance has in the batch being filled. */
static uint16_t index_in_batch(struct run *r, const char *id, size_t len)
{
	struct known_instance *k = len ? instance_of(r, id, len) : NULL;
	if (!k)
		return LOG_NO_INSTANCE;
	if (k->batch == r->batch)
		return k->index;
	if (r->n_named == r->cap_named) {
		r->cap_named = r->cap_named ? 2 * r->cap_named : 16;
		r->named = mem_grow(r->named, r->cap_named, sizeof(*r->named));
	}
	struct arena *a = &r->logs->arena;
	k->batch = r->batch;
	k->index = (uint16_t)r->n_named;
	r->named[r->n_named++] = (struct log_origin){arena_dup(a, k->id), arena_dup(a, k->service),
	                                               arena_dup(a, k->environment)};
	return k->index;
}

void run_log(struct run *r, const struct log_item *item)
{
	if (r->logs && (r->block.len >= BLOCK_MAX || r->block.len + item->len > BLOCK_FULL))
		flush_logs(r);
	if (!r->logs) {
		r->logs = message_new(MESSAGE_LOGS, r->wish.request->id);
		r->batch++;
	}
	if (r->n_spans == r->cap_spans) {
		r->cap_spans = r->cap_spans ? 2 * r->cap_spans : 64;
		r->spans = mem_grow(r->spans, r->cap_spans, sizeof(*r->spans));
	}
	r->spans[r->n_spans++] = (struct log_row){
		.time = item->time,
		.at = (uint32_t)r->block.len,
		.len = (uint32_t)item->len,
		.instance = index_in_batch(r, item->instance, item->instance_len),
		.what = (uint16_t)item->what,
	};
	str_addn(&r->block, item->text, item->len);
}

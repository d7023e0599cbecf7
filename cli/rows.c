/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rows.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"

static int by_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_service(const void *pa, const void *pb)
{
	const struct service *a = *(const struct service *const *)pa, *b = *(const struct service *const *)pb;
	return by_text(a->name, b->name);
}

static int by_environment(const void *pa, const void *pb)
{
	const struct environment *a = *(const struct environment *const *)pa, *b = *(const struct environment *const *)pb;
	int order = by_number(a->position, b->position);
	return order ? order : by_text(a->name, b->name);
}

static int by_placement(const void *pa, const void *pb)
{
	const struct placement *a = *(const struct placement *const *)pa, *b = *(const struct placement *const *)pb;
	int order = by_text(a->service, b->service);
	return order ? order : by_text(a->environment, b->environment);
}

/* search-dev-2 before search-dev-10: the shorter of two equal stems has the smaller number. */
static int by_instance(const void *pa, const void *pb)
{
	const struct instance *a = *(const struct instance *const *)pa, *b = *(const struct instance *const *)pb;
	int order = by_text(a->service, b->service);
	if (!order)
		order = by_text(a->environment, b->environment);
	if (!order && a->id && b->id)
		order = by_number((int64_t)strlen(a->id), (int64_t)strlen(b->id));
	return order ? order : by_text(a->id, b->id);
}

static int by_release(const void *pa, const void *pb)
{
	const struct release *a = *(const struct release *const *)pa, *b = *(const struct release *const *)pb;
	int order = by_text(a->service, b->service);
	return order ? order : by_number(b->number, a->number);
}

static int by_deploy(const void *pa, const void *pb)
{
	const struct deploy *a = *(const struct deploy *const *)pa, *b = *(const struct deploy *const *)pb;
	int order = by_number(b->started_at, a->started_at);
	if (!order)
		order = by_number(b->release, a->release);
	return order ? order : by_text(b->id, a->id);
}

static int by_alert(const void *pa, const void *pb)
{
	static const int phase_rank[] = {
		[ALERT_FIRING] = 0, [ALERT_PENDING] = 1, [ALERT_UNKNOWN] = 2, [ALERT_RESOLVED] = 3,
	};
	const struct alert *a = *(const struct alert *const *)pa, *b = *(const struct alert *const *)pb;
	int order = by_number(phase_rank[a->phase & 3], phase_rank[b->phase & 3]);
	if (!order)
		order = by_number(a->severity, b->severity);
	if (!order)
		order = by_number(b->starts_at, a->starts_at);
	return order ? order : by_text(a->id, b->id);
}

static int by_event(const void *pa, const void *pb)
{
	const struct event *a = *(const struct event *const *)pa, *b = *(const struct event *const *)pb;
	int order = by_number(a->time, b->time);
	return order ? order : by_text(a->id, b->id);
}

static int by_audit(const void *pa, const void *pb)
{
	const struct audit_entry *a = *(const struct audit_entry *const *)pa, *b = *(const struct audit_entry *const *)pb;
	int order = by_number(a->at, b->at);
	return order ? order : by_text(a->id, b->id);
}

static int by_source(const void *pa, const void *pb)
{
	const struct source *a = *(const struct source *const *)pa, *b = *(const struct source *const *)pb;
	return by_text(a->name, b->name);
}

static int by_runbook(const void *pa, const void *pb)
{
	const struct runbook *a = *(const struct runbook *const *)pa, *b = *(const struct runbook *const *)pb;
	int order = by_text(a->service, b->service);
	return order ? order : by_text(a->name, b->name);
}

static int (*const orders[RECORD_COUNT])(const void *, const void *) = {
	[RECORD_SERVICE] = by_service,   [RECORD_ENVIRONMENT] = by_environment, [RECORD_PLACEMENT] = by_placement,
	[RECORD_INSTANCE] = by_instance, [RECORD_RELEASE] = by_release,         [RECORD_DEPLOY] = by_deploy,
	[RECORD_ALERT] = by_alert,       [RECORD_EVENT] = by_event,             [RECORD_AUDIT] = by_audit,
	[RECORD_SOURCE] = by_source,     [RECORD_RUNBOOK] = by_runbook,
};

static bool is_text(const struct record_class *class, const void *row, const char *name, const char *value)
{
	const struct field *f = record_field(class, name);
	return f && f->type == FIELD_TEXT && str_eq(*(const char *const *)record_get(row, f), value);
}

static bool is_wished(const struct record_class *class, const void *row, const struct rows_wish *w)
{
	const struct field *time = record_field(class, "time");
	if (w->service && !is_text(class, row, class->kind == RECORD_SERVICE ? "name" : "service", w->service))
		return false;
	if (w->environment && class->kind != RECORD_SERVICE &&
	    !is_text(class, row, class->kind == RECORD_ENVIRONMENT ? "name" : "environment", w->environment))
		return false;
	return !w->since || !time || *(const int64_t *)record_get(row, time) >= w->since;
}

void rows_find(const struct session *s, enum record_kind kind, const struct rows_wish *wish, struct rows *out)
{
	static const struct rows_wish everything;
	const struct records *table = session_records(s, kind);
	*out = (struct rows){.class = record_class(kind)};
	if (!table)
		return;
	out->items = mem_array(records_count(table) + 1, sizeof(*out->items));
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const void *row = records_row(table, h);
		if (is_wished(out->class, row, wish ? wish : &everything))
			out->items[out->n++] = row;
	}
	if (orders[kind])
		qsort(out->items, out->n, sizeof(*out->items), orders[kind]);
}

void rows_finish(struct rows *rows)
{
	free(rows->items);
	*rows = (struct rows){0};
}

const void *rows_one(const struct session *s, enum record_kind kind, const char *name, const char *value)
{
	const struct records *table = session_records(s, kind);
	if (!table)
		return NULL;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const void *row = records_row(table, h);
		if (is_text(record_class(kind), row, name, value))
			return row;
	}
	return NULL;
}

static bool not_found(const struct session *s, enum record_kind kind, const char *value, struct err *err)
{
	struct rows all;
	rows_find(s, kind, NULL, &all);
	const char **names = mem_array(all.n + 1, sizeof(*names));
	for (size_t i = 0; i < all.n; i++)
		names[i] = *(const char *const *)record_get(all.items[i], record_field(all.class, "name"));
	const char *near = str_nearest(value, names, all.n);
	err_set(err, ERR_NOT_FOUND, near ? "there is no %s \"%s\"; did you mean %s?" : "there is no %s \"%s\"; see fairway %s",
	        all.class->name, value, near ? near : kind == RECORD_SERVICE ? "services" : "envs");
	free(names);
	rows_finish(&all);
	return false;
}

bool rows_check_wish(const struct session *s, const struct rows_wish *w, struct err *err)
{
	if (!session_check(s, NULL))
		return true;
	if (w->service && !rows_one(s, RECORD_SERVICE, "name", w->service))
		return not_found(s, RECORD_SERVICE, w->service, err);
	if (w->environment && !rows_one(s, RECORD_ENVIRONMENT, "name", w->environment))
		return not_found(s, RECORD_ENVIRONMENT, w->environment, err);
	return true;
}

bool rows_read(struct session *s, unsigned kinds, const struct rows_wish *w, struct err *err)
{
	const unsigned names = REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_ENVIRONMENT);
	if (!session_read(s, kinds | names, names & ~kinds, err))
		return false;
	if (rows_check_wish(s, w, err))
		return true;
	return err->kind == ERR_NOT_FOUND && (names & ~kinds) && session_read(s, kinds | names, 0, err) &&
	       rows_check_wish(s, w, err);
}

static bool is_stale(const struct session *s, const void *record)
{
	const struct source *source = session_source(s, ((const struct record *)record)->source);
	return !source || source->state != SOURCE_LIVE;
}

int rows_health(const struct session *s, const void *record, int health)
{
	return is_stale(s, record) ? HEALTH_UNKNOWN : health;
}

cJSON *rows_json(const struct session *s, const struct record_class *class, const void *record)
{
	cJSON *json = record_to_json(class, record);
	const struct field *health = record_field(class, "health");
	if (health && is_stale(s, record))
		cJSON_ReplaceItemInObjectCaseSensitive(json, "health",
		                                       cJSON_CreateString(health_names[HEALTH_UNKNOWN]));
	if (class->kind == RECORD_PLACEMENT || class->kind == RECORD_ENVIRONMENT)
		json_add_bool(json, "stale", is_stale(s, record));
	if (class->kind == RECORD_ALERT)
		json_add_text(json, "source", ((const struct record *)record)->source);
	if (class->kind == RECORD_SERVICE) {
		struct rows placements;
		struct rows_wish wish = {.service = ((const struct service *)record)->name};
		cJSON *array = cJSON_AddArrayToObject(json, "placements");
		rows_find(s, RECORD_PLACEMENT, &wish, &placements);
		for (size_t i = 0; i < placements.n; i++)
			cJSON_AddItemToArray(array, rows_json(s, placements.class, placements.items[i]));
		rows_finish(&placements);
	}
	return json;
}

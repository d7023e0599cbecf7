/* SPDX-License-Identifier: Apache-2.0 */
#include "model/gather.h"

#include <string.h>

#include "base/str.h"

/* Every row of a table, as an array of pointers in the arena. */
static const void **all_rows(const struct records *table, struct arena *arena, size_t *n)
{
	const void **rows = arena_alloc(arena, (records_count(table) + 1) * sizeof(*rows));
	*n = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h))
		rows[(*n)++] = records_row(table, h);
	return rows;
}

static const struct environment *environment_of(gather_tables tables, const char *name)
{
	const struct records *table = tables[RECORD_ENVIRONMENT];
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct environment *e = records_row(table, h);
		if (str_eq(e->name, name))
			return e;
	}
	return NULL;
}

const struct environment *gather_environment_before(gather_tables tables, const struct environment *of)
{
	const struct records *table = tables[RECORD_ENVIRONMENT];
	const struct environment *before = NULL;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); of && h; h = records_next(table, h)) {
		const struct environment *e = records_row(table, h);
		if (e->position < of->position && (!before || e->position > before->position))
			before = e;
	}
	return before;
}

const struct placement *gather_placement(gather_tables tables, const char *service, const char *environment)
{
	const struct records *table = tables[RECORD_PLACEMENT];
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct placement *p = records_row(table, h);
		if (str_eq(p->service, service) && str_eq(p->environment, environment))
			return p;
	}
	return NULL;
}

static const struct service *service_of(gather_tables tables, const char *name)
{
	const struct records *table = tables[RECORD_SERVICE];
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct service *s = records_row(table, h);
		if (str_eq(s->name, name))
			return s;
	}
	return NULL;
}

/* How fresh the source of these facts is; the worst one counts when the placement is not known. */
static void add_source(gather_tables tables, struct arena *arena, struct why_facts *out)
{
	const struct records *table = tables[RECORD_SOURCE];
	const struct source *of = NULL;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct source *s = records_row(table, h);
		if (out->placement ? str_eq(s->name, out->placement->base.source)
				   : !of || s->state > of->state)
			of = s;
	}
	if (!of)
		return;
	struct health_source *fresh = arena_alloc(arena, sizeof(*fresh));
	*fresh = (struct health_source){.state = of->state, .as_of = of->base.as_of};
	out->source = fresh;
	out->source_name = of->name;
	out->source_error = of->error;
}

void gather_why(gather_tables tables, const char *service, const char *environment, int64_t now,
		const char *you, struct arena *arena, struct why_facts *out)
{
	*out = (struct why_facts){.service = service, .environment = environment, .now = now, .you = you};
	out->service_record = service_of(tables, service);
	out->environment_record = environment_of(tables, environment);
	out->environment_before = gather_environment_before(tables, out->environment_record);
	out->placement = gather_placement(tables, service, environment);
	if (out->environment_before)
		out->placement_before = gather_placement(tables, service, out->environment_before->name);
	if (out->service_record) {
		const struct texts *needs = &out->service_record->dependencies;
		const struct placement **near = arena_alloc(arena, (needs->n + 1) * sizeof(*near));
		for (size_t i = 0; i < needs->n; i++) {
			const struct placement *p = gather_placement(tables, needs->items[i], environment);
			if (p)
				near[out->n_neighbours++] = p;
		}
		out->neighbours = near;
	}
	add_source(tables, arena, out);
	out->instances =
		(const struct instance *const *)all_rows(tables[RECORD_INSTANCE], arena, &out->n_instances);
	out->deploys = (const struct deploy *const *)all_rows(tables[RECORD_DEPLOY], arena, &out->n_deploys);
	out->releases =
		(const struct release *const *)all_rows(tables[RECORD_RELEASE], arena, &out->n_releases);
	out->alerts = (const struct alert *const *)all_rows(tables[RECORD_ALERT], arena, &out->n_alerts);
	out->locks = (const struct lock *const *)all_rows(tables[RECORD_LOCK], arena, &out->n_locks);
	out->events = (const struct event *const *)all_rows(tables[RECORD_EVENT], arena, &out->n_events);
}

struct scope { /* whose story it is */
	const char *service, *environment;
	const struct texts *dependencies;
};

static bool is_in(const struct scope *s, const char *service, const char *environment)
{
	if (environment && !str_eq(environment, s->environment))
		return false;
	if (!service || str_eq(service, s->service))
		return true;
	for (size_t i = 0; s->dependencies && i < s->dependencies->n; i++)
		if (str_eq(s->dependencies->items[i], service))
			return true;
	return false;
}

/* What an alert went through is told by its own record, as long as that is kept: not twice. */
static void add_event(struct timeline *out, const struct event *e)
{
	if (!str_eq(e->kind, "alert"))
		timeline_add_event(out, e);
}

void gather_timeline(gather_tables tables, const char *service, const char *environment, int64_t from,
		     int64_t to, struct timeline *out)
{
	const struct service *record = service_of(tables, service);
	struct scope scope = {service, environment, record ? &record->dependencies : NULL};
	timeline_init(out, from, to);
#define ADD(kind, tag, add)                                                                                  \
	for (record_handle h = records_next(tables[kind], RECORDS_NO_ROW); h;                                \
	     h = records_next(tables[kind], h)) {                                                            \
		const struct tag *row = records_row(tables[kind], h);                                        \
		if (is_in(&scope, row->service, row->environment))                                           \
			add(out, row);                                                                       \
	}
	ADD(RECORD_DEPLOY, deploy, timeline_add_deploy)
	ADD(RECORD_EVENT, event, add_event)
	ADD(RECORD_ALERT, alert, timeline_add_alert)
	ADD(RECORD_LOCK, lock, timeline_add_lock)
	ADD(RECORD_NOTE, note, timeline_add_note)
#undef ADD
	timeline_sort(out);
}

/* The digest or the tag of an image; for what has none, the version itself. */
static const char *version_of(const struct placement *p)
{
	const char *digest = p->image ? strchr(p->image, '@') : NULL;
	return digest ? digest + 1 : p->version;
}

void gather_promotion(gather_tables tables, struct wish *w)
{
	if (!str_eq(w->action, "promote") || !w->service || !w->environment)
		return;
	const struct environment *before = gather_environment_before(tables, environment_of(tables, w->environment));
	if (!w->from && before)
		w->from = before->name;
	const struct placement *p = w->from ? gather_placement(tables, w->service, w->from) : NULL;
	if (!w->version && p)
		w->version = version_of(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Events: joined to a service by the uid of what they are about; warnings give pods that are not well their
 * words. */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/records.h"

#define EVENTS_MAX 5000 /* the newest that are told; a busy cluster has a hundred times more */
#define LATE_MS 1500    /* an event may be told before its pod: another stream brings that */
#define LATE_MAX 200

struct seen { /* an event that was told */
	struct kube_node node;
	uint64_t digest;
	char uid[];
};

/* --- the newest --- */

void kube_event_gone(struct kube_fleet *f, struct run *r, struct kube_node *n)
{
	struct seen *s = (struct seen *)n;
	run_delete(r, RECORD_EVENT, s->uid);
	kube_fleet_remove(f, n);
	free(n); /* its place in the ring is found empty later */
}

static void remember(struct kube_fleet *f, struct run *r, struct kube_uid uid)
{
	if (!f->events)
		f->events = mem_array(EVENTS_MAX, sizeof(*f->events));
	if (f->n_events == EVENTS_MAX) {
		struct kube_node *oldest = kube_fleet_find(f, f->events[f->first_event], KUBE_NODE_EVENT);
		if (oldest)
			kube_event_gone(f, r, oldest);
		f->first_event = (f->first_event + 1) % EVENTS_MAX;
		f->n_events--;
	}
	f->events[(f->first_event + f->n_events++) % EVENTS_MAX] = uid;
}

static void tell(struct kube_fleet *f, struct run *r, uint16_t stream, const struct event *e)
{
	struct kube_uid uid = kube_uid_of(e->id);
	struct seen *s = (struct seen *)kube_fleet_find(f, uid, KUBE_NODE_EVENT);
	uint64_t digest = kube_digest(record_class(RECORD_EVENT), e);
	if (!s) {
		s = mem_alloc(sizeof(*s) + strlen(e->id) + 1);
		s->node = (struct kube_node){.uid = uid, .type = KUBE_NODE_EVENT};
		memcpy(s->uid, e->id, strlen(e->id) + 1);
		remember(f, r, uid);
		kube_fleet_add(f, &s->node);
	}
	s->node.stream = stream;
	s->node.is_seen = true;
	if (digest == s->digest)
		return;
	s->digest = digest;
	run_put(r, e);
}

/* --- whose it is --- */

static struct kube_group *group_of(struct kube_fleet *f, struct kube_uid about, struct kube_row **row)
{
	*row = (struct kube_row *)kube_fleet_find(f, about, KUBE_NODE_POD);
	if (*row)
		return (*row)->group;
	struct kube_thing *t = (struct kube_thing *)kube_fleet_find(f, about, KUBE_NODE_THING);
	return t ? kube_thing_top(t)->group : NULL;
}

static void join(struct kube_fleet *f, struct run *r, struct kube_uid about, struct event *e)
{
	struct kube_row *row;
	struct kube_group *g = group_of(f, about, &row);
	e->environment = f->environment;
	e->service = g ? g->shown : NULL;
	if (row)
		e->instance = kube_row_id(row, run_arena(r));
}

static void keep_late(struct kube_fleet *f, struct run *r, uint16_t stream, struct kube_uid about,
		      bool is_warning, int64_t since, const struct event *e)
{
	struct kube_late *late = mem_alloc(sizeof(*late));
	*late = (struct kube_late){.next = f->late,
				   .about = about,
				   .stream = stream,
				   .is_warning = is_warning,
				   .since = since,
				   .until = run_now(r) + LATE_MS,
				   .record = kube_clone(record_class(RECORD_EVENT), e)};
	f->late = late;
	f->n_late++;
}

static void free_late(struct kube_fleet *f, struct kube_late *late)
{
	f->n_late--;
	free(late->record);
	free(late);
}

void kube_events_settle(struct kube_fleet *f, struct run *r, int64_t now)
{
	struct kube_late **at = &f->late;
	while (*at) {
		struct kube_late *late = *at;
		struct kube_row *row = (struct kube_row *)kube_fleet_find(f, late->about, KUBE_NODE_POD);
		if (!(row && row->group) && now < late->until) {
			at = &late->next;
			continue;
		}
		*at = late->next;
		struct event e = *late->record;
		join(f, r, late->about, &e);
		if (kube_fleet_tells(f, RECORD_EVENT))
			tell(f, r, late->stream, &e);
		if (row && late->is_warning)
			kube_row_warn(f, r, row, e.kind, e.text, late->since);
		free_late(f, late);
	}
}

void kube_events_finish(struct kube_fleet *f)
{
	while (f->late) {
		struct kube_late *late = f->late;
		f->late = late->next;
		free_late(f, late);
	}
	free(f->events);
	f->events = NULL;
}

/* --- reading --- */

static int64_t time_of(const cJSON *object)
{
	int64_t at = kube_time(json_get(object, "series"), "lastObservedTime");
	if (!at)
		at = kube_time(object, "lastTimestamp");
	if (!at)
		at = kube_time(object, "eventTime");
	return at ? at : kube_time(json_get(object, "metadata"), "creationTimestamp");
}

void kube_fleet_event(struct kube_fleet *f, struct run *r, uint16_t stream, const cJSON *object)
{
	const cJSON *about = json_get(object, "involvedObject");
	const char *message = json_text(object, "message"), *about_uid = json_text(about, "uid"),
		   *text = message;
	int64_t count = json_int(json_get(object, "series"), "count", json_int(object, "count", 1));
	struct event e;
	record_init(record_class(RECORD_EVENT), &e);
	e.id = json_text(json_get(object, "metadata"), "uid");
	if (!e.id)
		return;
	if (message && count > 1)
		text = arena_printf(run_arena(r), "%s (x%lld)", message, (long long)count);
	e.time = time_of(object);
	e.kind = json_text(object, "reason");
	e.text = text;
	struct kube_uid uid = kube_uid_of(about_uid);
	struct kube_row *row = (struct kube_row *)kube_fleet_find(f, uid, KUBE_NODE_POD);
	bool is_warning = str_eq(json_text(object, "type"), "Warning"),
	     is_of_pod = str_eq(json_text(about, "kind"), "Pod");
	if (is_of_pod)
		e.instance = json_text(about, "name");
	bool is_fresh = run_now(r) - e.time < 4 * LATE_MS;
	int64_t since = kube_time(object, "firstTimestamp");
	if (is_of_pod && about_uid && f->knows_pods && !(row && row->group) && is_fresh &&
	    f->n_late < LATE_MAX) {
		keep_late(f, r, stream, uid, is_warning, since, &e);
		return;
	}
	join(f, r, uid, &e);
	if (kube_fleet_tells(f, RECORD_EVENT))
		tell(f, r, stream, &e);
	if (row && is_warning)
		kube_row_warn(f, r, row, e.kind, message, since);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster, kept fresh: one stream a kind and namespace, of only those kinds that the request needs.
 * Workloads come first, then pods, then events, so that each finds whose it is. What changed is told when a
 * burst is over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/fleet.h"
#include "backend/providers/kubernetes/records.h"
#include "backend/providers/kubernetes/rights.h"
#include "backend/providers/kubernetes/stream.h"

#define HEARTBEAT_MS 15000
#define TICK_MS 5000 /* a server that said nothing for so long is asked whether it is there */
#define PROBE_MS 5000
#define BURST_MS 80
#define SETTLE_MS 500  /* what waits for its owner is looked at again */
#define RETRY_MS 60000 /* what was denied may be allowed by now */
#define NAMESPACES_MAX 50

enum { TAG_FLUSH = 1, TAG_TICK, TAG_PROBE, TAG_ALERT, TAG_RETRY, TAG_STREAMS = 100, TAG_RIGHTS = 1 << 20 };

enum stage { STAGE_THINGS, STAGE_PODS, STAGE_EVENTS };
struct line {
	struct kube_stream stream;
	enum stage stage;
	bool is_started, is_done; /* done: it told all it has once, or will not */
	char *namespace;
};
struct watch {
	struct kube_fleet fleet;
	struct line *lines;
	size_t n_lines;
	unsigned kinds, needs; /* needs: those of which more than a name is wanted */
	bool is_once;
	int64_t heard; /* wall ms */
	int64_t alarm; /* the alert timer is set for; 0: it is not */
	bool is_synced, is_flush_set, is_probing, is_away, is_retry_set;
	struct err denied;
	struct kube_rights rights;
};

#define CAN_TELL                                                                                             \
	(REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_ENVIRONMENT) | REQUEST_KIND(RECORD_PLACEMENT) |  \
	 REQUEST_KIND(RECORD_INSTANCE) | REQUEST_KIND(RECORD_RELEASE) | REQUEST_KIND(RECORD_DEPLOY) |        \
	 REQUEST_KIND(RECORD_ALERT) | REQUEST_KIND(RECORD_EVENT) | REQUEST_KIND(RECORD_LOCK))
#define NEEDS_REVISIONS (REQUEST_KIND(RECORD_RELEASE) | REQUEST_KIND(RECORD_DEPLOY))
#define NEEDS_PODS                                                                                           \
	(CAN_TELL & ~(REQUEST_KIND(RECORD_RELEASE) | REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_LOCK)))
#define NEEDS_STATUS (CAN_TELL & ~(REQUEST_KIND(RECORD_INSTANCE) | REQUEST_KIND(RECORD_EVENT))) /* of workloads */
#define NEEDS_REPLICASETS (CAN_TELL & ~(REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_LOCK)))
#define NEEDS_WARNINGS                                                                                       \
	(REQUEST_KIND(RECORD_EVENT) | REQUEST_KIND(RECORD_INSTANCE) | REQUEST_KIND(RECORD_ALERT))

/* --- what is told when --- */

static void set_timer(struct run *r, uint32_t tag, int64_t ms)
{
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = tag, .after_ms = ms});
}

static bool is_well(const struct watch *w)
{
	for (size_t i = 0; i < w->n_lines; i++)
		if (w->lines[i].stream.is_troubled)
			return false;
	return !w->is_away;
}

static void heard(struct watch *w, struct run *r)
{
	w->heard = run_now(r);
	if (is_well(w))
		run_alive(r);
}

static void set_alarm(struct watch *w, struct run *r)
{
	int64_t due = w->fleet.due, now = run_now(r);
	if (!due || (w->alarm && w->alarm <= due))
		return;
	run_stop(r, TAG_ALERT);
	w->alarm = due;
	set_timer(r, TAG_ALERT, due > now ? due - now : 0);
}

static void flush(struct watch *w, struct run *r)
{
	run_stop(r, TAG_FLUSH);
	w->is_flush_set = kube_fleet_flush(&w->fleet, r);
	if (w->is_flush_set)
		set_timer(r, TAG_FLUSH, SETTLE_MS);
	set_alarm(w, r);
	if (!w->fleet.wants_list)
		return;
	w->fleet.wants_list = false;
	for (size_t i = 0; i < w->n_lines; i++)
		if (w->lines[i].stage != STAGE_THINGS && w->lines[i].is_started &&
		    !w->lines[i].stream.is_resting)
			kube_stream_list(&w->lines[i].stream, r);
}

static void flush_soon(struct watch *w, struct run *r)
{
	if (w->is_flush_set)
		return;
	w->is_flush_set = true;
	set_timer(r, TAG_FLUSH, BURST_MS);
}

/* --- stages --- */

static bool stage_is_done(const struct watch *w, enum stage stage, bool despite_trouble)
{
	for (size_t i = 0; i < w->n_lines; i++) {
		const struct line *l = &w->lines[i];
		if (l->stage == stage && !l->is_done && !(despite_trouble && l->stream.is_troubled))
			return false;
	}
	return true;
}

static void start_stage(struct watch *w, struct run *r, enum stage stage)
{
	for (size_t i = 0; i < w->n_lines; i++) {
		if (w->lines[i].stage != stage || w->lines[i].is_started)
			continue;
		w->lines[i].is_started = true;
		kube_stream_start(&w->lines[i].stream, r);
	}
}

/* Nothing may be looked at: that is no empty cluster. */
static bool all_denied(const struct watch *w)
{
	for (size_t i = 0; i < w->n_lines; i++)
		if (!w->lines[i].stream.is_resting && w->lines[i].is_started)
			return false;
	return true;
}

static void add_place(const char **items, size_t *n, const char *namespace)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(items[i], namespace))
			return;
	if (*n <= KUBE_RIGHTS_NAMESPACES)
		items[(*n)++] = namespace;
}

/* The namespaces that we look at; of a whole cluster, those that have a service. None when they are too many: in one
 * that was not asked about we might have the right. */
static struct texts places(const struct watch *w, struct arena *arena)
{
	const char **items = arena_alloc(arena, (KUBE_RIGHTS_NAMESPACES + 1) * sizeof(*items));
	size_t n = 0;
	for (size_t i = 0; i < w->n_lines; i++)
		if (w->lines[i].namespace && !w->lines[i].stream.is_resting)
			add_place(items, &n, w->lines[i].namespace);
	for (size_t i = 0; i < w->fleet.n_buckets && w->lines[0].namespace == NULL; i++)
		for (const struct kube_node *node = w->fleet.buckets[i]; node; node = node->next)
			if (node->type == KUBE_NODE_GROUP)
				add_place(items, &n, ((const struct kube_group *)(const void *)node)->namespace);
	return (struct texts){items, n <= KUBE_RIGHTS_NAMESPACES ? n : 0};
}

/* A console greys what may not be done; whoever asks for some records alone does nothing. */
static void ask_rights(struct watch *w, struct run *r)
{
	struct texts namespaces = places(w, run_arena(r));
	w->rights.tag = TAG_RIGHTS;
	if (w->needs == CAN_TELL && !w->is_once && namespaces.n)
		kube_rights_start(&w->rights, r, &namespaces);
}

static void take_rights(struct watch *w, struct run *r, const struct input *in)
{
	if (!kube_rights_on(&w->rights, r, in))
		return;
	w->fleet.denied = w->rights.denied;
	kube_records_environment(&w->fleet, r);
}

static void advance(struct watch *w, struct run *r)
{
	if (stage_is_done(w, STAGE_THINGS, true)) {
		w->fleet.is_listed = true;
		start_stage(w, r, STAGE_PODS);
	}
	if (w->fleet.is_listed && stage_is_done(w, STAGE_PODS, true))
		start_stage(w, r, STAGE_EVENTS);
	w->fleet.knows_pods = w->fleet.is_listed && stage_is_done(w, STAGE_PODS, false);
	if (w->is_synced || !stage_is_done(w, STAGE_THINGS, false) || !stage_is_done(w, STAGE_PODS, false) ||
	    !stage_is_done(w, STAGE_EVENTS, false))
		return;
	flush(w, r);
	if (all_denied(w)) {
		run_troubled(r, &w->denied);
		return;
	}
	w->is_synced = true;
	run_sync(r, w->kinds);
	ask_rights(w, r);
}

/* --- news of streams --- */

static struct line *line_of(struct kube_stream *s)
{
	return (struct line *)(void *)((char *)s - offsetof(struct line, stream));
}

static void put(struct watch *w, struct run *r, struct kube_stream *s, uint16_t number, const cJSON *object)
{
	if (s->what == KUBE_POD)
		kube_fleet_pod(&w->fleet, r, number, object);
	else if (s->what == KUBE_EVENT)
		kube_fleet_event(&w->fleet, r, number, object);
	else
		kube_fleet_thing(&w->fleet, r, number, s->what, object);
}

/* The list of the whole cluster may be forbidden to those who may look at a namespace. */
static void denied(struct watch *w, struct run *r, struct line *l, const struct err *err)
{
	if (!l->stream.namespace && err->code == 403) {
		const char *scope = run_scope(r);
		l->namespace = mem_dup(scope ? scope : "default");
		l->stream.namespace = l->namespace;
		kube_stream_list(&l->stream, r);
		return;
	}
	bool is_telling = !kube_kinds[l->stream.what].is_optional && l->stream.what != KUBE_REVISION;
	if (!w->denied.kind || is_telling)
		w->denied = *err;
	if (l->stage == STAGE_THINGS)
		w->fleet.blind |= 1u << l->stream.what;
	l->is_done = true;
	if (!w->is_retry_set)
		set_timer(r, TAG_RETRY, RETRY_MS);
	w->is_retry_set = true;
	advance(w, r);
}

static void troubled(struct watch *w, struct run *r, const struct kube_stream *s, const struct err *err)
{
	bool is_plain = err->kind != ERR_UNREACHABLE || err->code == ECONNREFUSED;
	if (w->is_synced ? s->attempts > 1 || is_plain : !s->is_passing) /* the next attempt mostly mends it */
		run_troubled(r, err);
	advance(w, r);
}

/* One is well again: the others, which wait up to half a minute each, need not. */
static void rouse(struct watch *w, struct run *r)
{
	for (size_t i = 0; i < w->n_lines; i++)
		if (w->lines[i].is_started)
			kube_stream_rouse(&w->lines[i].stream, r);
}

static void each(struct run *r, struct kube_stream *s, enum kube_news news, const cJSON *object,
		 const struct err *err)
{
	struct watch *w = s->arg;
	struct line *l = line_of(s);
	uint16_t number = (uint16_t)(l - w->lines);
	switch (news) {
	case KUBE_BEGIN:
		kube_fleet_begin(&w->fleet, number);
		break;
	case KUBE_PUT:
		put(w, r, s, number, object);
		flush_soon(w, r);
		break;
	case KUBE_DELETE:
		kube_fleet_delete(&w->fleet, r, object);
		flush_soon(w, r);
		break;
	case KUBE_SYNC:
		kube_fleet_sweep(&w->fleet, r, number);
		if (l->stage == STAGE_THINGS)
			w->fleet.blind &= ~(1u << s->what);
		l->is_done = true;
		flush_soon(w, r);
		advance(w, r);
		break;
	case KUBE_DENIED:
		denied(w, r, l, err);
		break;
	case KUBE_TROUBLE:
		troubled(w, r, s, err);
		break;
	case KUBE_LIVE:
		rouse(w, r);
		heard(w, r);
		break;
	case KUBE_ALIVE:
		heard(w, r);
		break;
	}
}

/* --- which streams --- */

static void add_line(struct watch *w, enum stage stage, enum kube_what what, const char *fields,
		     const char *namespace)
{
	struct line *l = &w->lines[w->n_lines];
	*l = (struct line){.stage = stage, .namespace = mem_dup(namespace)};
	l->stream = (struct kube_stream){
		.what = what,
		.namespace = l->namespace,
		.fields = fields,
		.each = each,
		.arg = w,
		.is_lean = true,
		.is_meta = stage == STAGE_THINGS && w->is_once && !(w->needs & NEEDS_STATUS),
		.is_once = w->is_once,
		.tag = TAG_STREAMS + (uint32_t)w->n_lines * KUBE_STREAM_TAGS,
	};
	w->n_lines++;
}

static void add_kinds(struct watch *w, const char *namespace)
{
	for (int what = 0; what < KUBE_WORKLOADS; what++)
		add_line(w, STAGE_THINGS, (enum kube_what)what, NULL, namespace);
	if (w->needs & NEEDS_REPLICASETS)
		add_line(w, STAGE_THINGS, KUBE_REPLICASET, NULL, namespace);
	if (w->needs & NEEDS_REVISIONS)
		add_line(w, STAGE_THINGS, KUBE_REVISION, NULL, namespace);
	if (w->needs & NEEDS_PODS)
		add_line(w, STAGE_PODS, KUBE_POD, NULL, namespace);
	if (w->needs & NEEDS_WARNINGS)
		add_line(w, STAGE_EVENTS, KUBE_EVENT, "type=Warning", namespace);
	/* Of what goes well, what workloads and jobs do; that pods start is seen in them. */
	if (w->needs & REQUEST_KIND(RECORD_EVENT))
		add_line(w, STAGE_EVENTS, KUBE_EVENT,
			 "type=Normal,involvedObject.kind!=Pod,involvedObject.kind!=ReplicaSet,"
			 "involvedObject.kind!=Job",
			 namespace);
}

static void start(struct watch *w, struct run *r)
{
	struct texts namespaces = kube_namespaces(r);
	size_t n = namespaces.n;
	struct err err;
	if (n > NAMESPACES_MAX) { /* a part of them would look like all */
		err_set(&err, ERR_USAGE,
			"the configuration names %zu namespaces, %d can be watched: leave them out to watch all, or make "
			"two environments of them", n, NAMESPACES_MAX);
		run_again(r, &err);
		return;
	}
	w->kinds = run_request(r)->kinds & CAN_TELL;
	w->needs = w->kinds & ~run_request(r)->named;
	w->is_once = run_request(r)->is_once;
	w->fleet.kinds = w->kinds;
	w->fleet.named = w->kinds & ~w->needs;
	w->fleet.environment = kube_environment(r);
	w->lines = mem_array((n ? n : 1) * (KUBE_REPLICASET + 5), sizeof(*w->lines));
	for (size_t i = 0; i < n; i++)
		add_kinds(w, namespaces.items[i]);
	if (!n)
		add_kinds(w, NULL);
	run_begin(r, w->kinds);
	start_stage(w, r, STAGE_THINGS);
	set_timer(r, TAG_TICK, TICK_MS);
}

/* --- whether the server is there at all --- */

static void tick(struct watch *w, struct run *r)
{
	set_timer(r, TAG_TICK, TICK_MS);
	if (w->is_probing || run_now(r) - w->heard < TICK_MS)
		return;
	w->is_probing = true;
	run_ask(r, &(struct ask){
			   .tag = TAG_PROBE, .path = "/version", .framing = FRAME_BODY, .head_ms = PROBE_MS});
}

static void probed(struct watch *w, struct run *r, const struct input *in)
{
	struct err err;
	bool is_there = in->kind == INPUT_END || (in->status >= 400 && in->status < 500 && in->status != 401);
	w->is_probing = false;
	if (!is_there) {
		kube_failure(r, in, &err);
		w->is_away = true;
		run_troubled(r, &err);
		return;
	}
	bool was_away = w->is_away;
	w->is_away = false;
	for (size_t i = 0; i < w->n_lines && was_away; i++) /* their connections may lead nowhere */
		kube_stream_distrust(&w->lines[i].stream, r);
	rouse(w, r);
	heard(w, r);
}

static void retry(struct watch *w, struct run *r)
{
	w->is_retry_set = false;
	for (size_t i = 0; i < w->n_lines; i++)
		if (w->lines[i].is_started && w->lines[i].stream.is_resting)
			kube_stream_start(&w->lines[i].stream, r);
}

static void on_own(struct watch *w, struct run *r, const struct input *in)
{
	switch (in->tag) {
	case TAG_FLUSH:
		flush(w, r);
		break;
	case TAG_TICK:
		tick(w, r);
		break;
	case TAG_PROBE:
		if (in->kind == INPUT_END || in->kind == INPUT_FAIL)
			probed(w, r, in);
		break;
	case TAG_ALERT:
		w->alarm = 0;
		flush(w, r);
		break;
	case TAG_RETRY:
		retry(w, r);
		break;
	default:
		break;
	}
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct watch *w = state;
	if (in->kind == INPUT_START) {
		start(w, r);
		return;
	}
	size_t at = (in->tag - TAG_STREAMS) / KUBE_STREAM_TAGS;
	if (in->tag >= TAG_RIGHTS)
		take_rights(w, r, in);
	else if (in->tag >= TAG_STREAMS && at < w->n_lines)
		kube_stream_on(&w->lines[at].stream, r, in);
	else
		on_own(w, r, in);
}

static void finish(void *state)
{
	struct watch *w = state;
	kube_rights_finish(&w->rights);
	kube_fleet_finish(&w->fleet);
	for (size_t i = 0; i < w->n_lines; i++) {
		kube_stream_finish(&w->lines[i].stream);
		free(w->lines[i].namespace);
	}
	free(w->lines);
}

const struct query kubernetes_watch = {
	.name = "watch",
	.serves = REQUEST_WATCH,
	.is_standing = true,
	.heartbeat_ms = HEARTBEAT_MS,
	.size = sizeof(struct watch),
	.on = on,
	.finish = finish,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/object.h"
#include "base/clock.h"

#define TICK_MS 1000
#define LATE_S 10        /* without progress: what is only slow is told too */
#define SETTLED_S 3      /* a state that holds so long is not one that is just being left */
#define DEADLINE_S 600   /* the API's default of progressDeadlineSeconds; for kinds that have none */
#define WATCH_MS 5000    /* all must be well for so long, when nobody says how long */
#define WATCH_MAX_MS (24 * 60 * 60 * 1000)
#define PASSING_MS 60000 /* a step that waits so long is waited for */
#define RESTART_MS 60000 /* Argo's controller looks twice a minute whether a restart is over */
#define SLACK_MS 10000   /* after that the server should have said so itself */
#define WORDS_AT_S 6     /* events are asked for after so long without progress, and each … */
#define WORDS_EACH_S 20

enum { OWN, PODS = OWN + KUBE_STREAM_TAGS, HASH = PODS + KUBE_STREAM_TAGS, EVENTS, MANAGER };

static uint32_t tag_of(const struct kube_roller *t, uint32_t which)
{
	return t->all->tag + (uint32_t)(t - t->all->items) * KUBE_ROLLER_TAGS + which;
}

/* --- what was written --- */

/* Of an Argo Rollout, whose template stays the same. */
static bool is_restart(const struct kube_change *c)
{
	return c->what == KUBE_ROLLOUT && json_get(json_get(c->patch, "spec"), "restartAt");
}

static int64_t deadline_of(const struct kube_change *c, const cJSON *spec)
{
	bool has_one = c->what == KUBE_DEPLOYMENT || c->what == KUBE_ROLLOUT;
	return (has_one ? json_int(spec, "progressDeadlineSeconds", DEADLINE_S) : DEADLINE_S) * 1000 +
	       (is_restart(c) ? RESTART_MS : 0);
}

/* A number of instances is no new version: there is nothing to be found out about it. */
static int64_t watch_of(const struct kube_change *c, const struct kube_meta *m)
{
	const char *said = json_text(m->annotations, KUBE_PREFIX "watch");
	int64_t ms = WATCH_MS;
	if (c->sub && str_eq(c->sub, "scale"))
		return 0;
	return said && clock_parse_duration(said, &ms) && ms < WATCH_MAX_MS ? ms : WATCH_MS;
}

/* When the server wrote it, by its own clock. */
static int64_t written_at(const cJSON *object)
{
	const cJSON *entry;
	int64_t newest = 0;
	cJSON_ArrayForEach(entry, json_get(json_get(object, "metadata"), "managedFields"))
	{
		int64_t at = kube_time(entry, "time");
		newest = at > newest ? at : newest;
	}
	return newest;
}

void kube_rollers_add(struct kube_rollers *rs, const struct kube_change *c, const cJSON *object)
{
	struct kube_roller *t = &rs->items[rs->n++];
	struct kube_workload w;
	*t = (struct kube_roller){.all = rs, .change = c, .generation = c->generation};
	t->written_at = written_at(object);
	/* The answer to a write of a subresource may be another kind of object, which tells less. */
	if (!c->sub && kube_workload_read(c->what, object, &t->kept, &w)) {
		t->generation = w.meta.generation;
		t->selector = kube_selector(w.selector, &t->kept);
		t->image = arena_dup(&t->kept, w.image);
		t->restart_ms = is_restart(c) ? kube_time(json_get(object, "spec"), "restartAt") : 0;
	}
}

/* --- the workload --- */

/* The pods of the new template, where the object itself tells them. */
static void take_hash(struct kube_roller *t, const cJSON *object)
{
	const cJSON *status = json_get(object, "status");
	const char *hash = t->change->what == KUBE_STATEFULSET ? json_text(status, "updateRevision")
			   : t->change->what == KUBE_ROLLOUT   ? json_text(status, "currentPodHash")
							       : NULL;
	if (!hash)
		return;
	str_reset(&t->hash);
	str_add(&t->hash, hash);
}

/* Elsewhere by the newest of its ReplicaSets or ControllerRevisions. */
static void ask_hash(struct kube_roller *t, struct run *r, int64_t revision)
{
	bool is_deployment = t->change->what == KUBE_DEPLOYMENT;
	struct str path = {0};
	if ((!is_deployment && t->change->what != KUBE_DAEMONSET) || t->hash_of == revision)
		return;
	t->hash_of = revision;
	t->is_hash_due = true;
	kube_path(&path, is_deployment ? KUBE_REPLICASET : KUBE_REVISION, t->change->namespace, NULL, NULL);
	address_parameter(&path, "labelSelector", t->selector);
	run_stop(r, tag_of(t, HASH));
	kube_get(r, tag_of(t, HASH), path.s);
	str_finish(&path);
}

static int64_t revision_of(const struct kube_roller *t, const cJSON *object)
{
	long long n;
	if (t->change->what == KUBE_DAEMONSET)
		return json_int(object, "revision", 0);
	const char *text = json_text(json_get(json_get(object, "metadata"), "annotations"), "deployment.kubernetes.io/revision");
	return text && str_to_int(text, 0, INT64_MAX, &n) ? n : 0;
}

static void take_revisions(struct kube_roller *t, const struct input *in)
{
	cJSON *list = json_parse(in->data, in->len, NULL);
	const cJSON *object;
	int64_t newest = 0;
	cJSON_ArrayForEach(object, json_get(list, "items"))
	{
		struct kube_meta m;
		kube_meta_read(object, &m);
		const char *hash = json_text(m.labels, t->change->what == KUBE_DAEMONSET ? "controller-revision-hash"
											  : "pod-template-hash");
		if (!str_eq(m.owner_uid, t->change->uid) || revision_of(t, object) <= newest || !hash)
			continue;
		newest = revision_of(t, object);
		str_reset(&t->hash);
		str_add(&t->hash, hash);
	}
	cJSON_Delete(list);
}

static bool is_over_deadline(const cJSON *object)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json_get(json_get(object, "status"), "conditions"))
	{
		if (str_eq(json_text(item, "reason"), "ProgressDeadlineExceeded"))
			return true;
	}
	return false;
}

/* The controller writes the same time in another form. */
static bool is_restarted(const struct kube_roller *t, const cJSON *object)
{
	return !t->restart_ms || kube_time(json_get(object, "status"), "restartedAt") >= t->restart_ms;
}

static bool is_set_back(const struct kube_roller *t)
{
	return t->is_seen && t->image && t->image_now && !str_eq(t->image, t->image_now);
}

/* Watches leave out who wrote what; of an object that somebody else set back it is worth asking. */
static void ask_manager(struct kube_roller *t, struct run *r)
{
	struct str path = {0};
	if (!is_set_back(t) || t->is_manager_asked)
		return;
	t->is_manager_asked = t->is_manager_due = true;
	kube_path(&path, t->change->what, t->change->namespace, t->change->name, NULL);
	kube_get(r, tag_of(t, MANAGER), path.s);
	str_finish(&path);
}

static void take_manager(struct kube_roller *t, const struct input *in)
{
	cJSON *object = in->kind == INPUT_UNIT ? json_parse(in->data, in->len, NULL) : NULL;
	t->manager = arena_dup(&t->kept, kube_last_manager(object));
	t->is_manager_due = false;
	cJSON_Delete(object);
}

static void take_workload(struct kube_roller *t, struct run *r, const cJSON *object)
{
	struct kube_workload w;
	arena_reset(&t->arena);
	if (!kube_workload_read(t->change->what, object, &t->arena, &w) || !str_eq(w.meta.uid, t->change->uid) ||
	    w.meta.generation < t->generation)
		return;
	bool counts = t->change->what == KUBE_DAEMONSET || w.total == w.desired;
	bool is_final = t->change->what == KUBE_DEPLOYMENT ? is_over_deadline(object) : true;
	t->is_seen = true;
	t->deadline_ms = deadline_of(t->change, json_get(object, "spec"));
	t->watch_ms = watch_of(t->change, &w.meta);
	t->is_complete = w.rollout == KUBE_STEADY && w.available >= w.desired && counts && is_restarted(t, object);
	t->is_failed = w.rollout == KUBE_STUCK && is_final;
	t->is_passing = w.rollout == KUBE_PAUSED && w.pause_ms && w.pause_ms <= PASSING_MS;
	t->is_paused = (w.rollout == KUBE_PAUSED && !t->is_passing) || (w.is_paused && w.rollout == KUBE_ROLLING);
	t->is_taken_up = !w.reason || !str_starts(w.reason, "the change is not taken up");
	t->reason = arena_dup(&t->arena, w.reason);
	t->image_now = arena_dup(&t->arena, w.image);
	t->desired = w.desired;
	t->total = w.total;
	if (!t->selector) {
		t->selector = kube_selector(w.selector, &t->kept);
		t->pods.selector = t->selector;
	}
	if (!t->pods.is_synced && !t->pods.is_resting && !t->pods.tag) {
		t->pods.tag = tag_of(t, PODS);
		kube_stream_start(&t->pods, r);
	}
	ask_manager(t, r);
	if (!t->is_taken_up)
		return;
	take_hash(t, object);
	ask_hash(t, r, w.revision == RECORD_NONE ? w.meta.generation : w.revision);
}

static void on_own(struct run *r, struct kube_stream *s, enum kube_news news, const cJSON *object, const struct err *err)
{
	struct kube_roller *t = s->arg;
	(void)err;
	if (news == KUBE_PUT)
		take_workload(t, r, object);
	else if (news == KUBE_DELETE)
		t->is_gone = true;
}

static void on_pod(struct run *r, struct kube_stream *s, enum kube_news news, const cJSON *object, const struct err *err)
{
	struct kube_roller *t = s->arg;
	(void)err;
	if (news == KUBE_BEGIN)
		kube_seen_clear(t);
	else if (news == KUBE_PUT)
		kube_seen_put(t, object, run_arena(r));
	else if (news == KUBE_DELETE)
		kube_seen_delete(t, object);
}

/* --- words of the server --- */

static void ask_words(struct kube_roller *t, struct run *r)
{
	const char *uid = kube_seen_culprit(t);
	struct str path = {0}, fields = {0};
	str_addf(&fields, "type=Warning,involvedObject.uid=%s", uid ? uid : t->change->uid);
	kube_path(&path, KUBE_EVENT, t->change->namespace, NULL, NULL);
	address_parameter(&path, "fieldSelector", fields.s);
	run_stop(r, tag_of(t, EVENTS));
	kube_get(r, tag_of(t, EVENTS), path.s);
	str_finish(&path);
	str_finish(&fields);
}

static int64_t time_of(const cJSON *event)
{
	int64_t at = kube_time(json_get(event, "series"), "lastObservedTime");
	at = at ? at : kube_time(event, "lastTimestamp");
	at = at ? at : kube_time(event, "eventTime");
	return at ? at : kube_time(json_get(event, "metadata"), "creationTimestamp");
}

static void take_words(struct kube_roller *t, const struct input *in)
{
	cJSON *list = json_parse(in->data, in->len, NULL);
	const cJSON *event, *last = NULL;
	cJSON_ArrayForEach(event, json_get(list, "items"))
	{
		/* "Back-off restarting failed container" is told by the pod itself, and better */
		if (json_text(event, "message") && !str_eq(json_text(event, "reason"), "BackOff") &&
		    (!last || time_of(event) >= time_of(last)))
			last = event;
	}
	const char *words = json_text(last, "message"), *uid = json_text(json_get(last, "involvedObject"), "uid");
	if (words && str_eq(uid, t->change->uid))
		t->events = arena_dup_n(&t->kept, words, strnlen(words, 400));
	else if (words)
		kube_seen_words(t, uid, words);
	cJSON_Delete(list);
}

/* --- second by second --- */

static void tick_later(struct kube_rollers *rs, struct run *r)
{
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = rs->tag + KUBE_ROLLERS_TAGS - 1, .after_ms = TICK_MS});
}

/* Grows with every step that is made. */
static int64_t measure(const struct kube_rollers *rs, int64_t *restarts)
{
	struct kube_look look = {0};
	struct arena arena = {0};
	int64_t left = 0;
	for (size_t i = 0; i < rs->n; i++) {
		kube_seen_look(&rs->items[i], false, &arena, &look);
		left += rs->items[i].is_taken_up + rs->items[i].is_complete;
	}
	arena_finish(&arena);
	*restarts = look.restarts;
	return look.ready * 4 - look.old + left;
}

static void tick(struct kube_rollers *rs, struct run *r)
{
	bool is_well = true, is_held = false, is_failed = false;
	int64_t restarts, now = measure(rs, &restarts);
	bool has_restarted = restarts != rs->restarts; /* ready again is not well */
	rs->restarts = restarts;
	rs->quiet = now > rs->best ? 0 : rs->quiet + 1; /* what comes and goes is no progress */
	rs->best = now > rs->best ? now : rs->best;
	for (size_t i = 0; i < rs->n; i++) {
		struct kube_roller *t = &rs->items[i];
		bool is_due = rs->quiet == WORDS_AT_S || (rs->quiet > 0 && rs->quiet % WORDS_EACH_S == 0);
		is_well = is_well && t->is_seen && t->is_complete && !t->is_gone;
		is_held = is_held || (t->is_seen && t->is_paused);
		is_failed = is_failed || (t->is_seen && t->is_failed);
		rs->quiet = t->is_passing ? 0 : rs->quiet;
		if (is_due && t->is_seen && !t->is_complete)
			ask_words(t, r);
	}
	rs->well = is_well && !has_restarted ? rs->well + 1 : 0;
	rs->paused = is_held && !is_failed ? rs->paused + 1 : 0;
	rs->failed = is_failed ? rs->failed + 1 : 0;
	tick_later(rs, r);
}

void kube_rollers_start(struct kube_rollers *rs, struct run *r, uint32_t tag)
{
	rs->tag = tag;
	rs->best = INT64_MIN;
	for (size_t i = 0; i < rs->n; i++) {
		struct kube_roller *t = &rs->items[i];
		t->own = (struct kube_stream){.what = t->change->what, .namespace = t->change->namespace,
					      .fields = arena_printf(&t->kept, "metadata.name=%s", t->change->name),
					      .tag = tag_of(t, OWN), .each = on_own, .arg = t};
		t->pods = (struct kube_stream){.what = KUBE_POD, .namespace = t->change->namespace, .selector = t->selector,
					       .each = on_pod, .arg = t};
		kube_stream_start(&t->own, r);
	}
	tick_later(rs, r);
}

bool kube_rollers_on(struct kube_rollers *rs, struct run *r, const struct input *in)
{
	if (in->tag < rs->tag || in->tag >= rs->tag + KUBE_ROLLERS_TAGS || !rs->n)
		return false;
	uint32_t at = in->tag - rs->tag;
	if (at == KUBE_ROLLERS_TAGS - 1) {
		tick(rs, r);
		return true;
	}
	struct kube_roller *t = &rs->items[at / KUBE_ROLLER_TAGS];
	if (at % KUBE_ROLLER_TAGS == HASH && in->kind != INPUT_HEAD)
		t->is_hash_due = false;
	if (kube_stream_owns(&t->own, in))
		kube_stream_on(&t->own, r, in);
	else if (t->pods.tag && kube_stream_owns(&t->pods, in))
		kube_stream_on(&t->pods, r, in);
	else if (at % KUBE_ROLLER_TAGS == MANAGER && (in->kind == INPUT_UNIT || in->kind == INPUT_FAIL))
		take_manager(t, in);
	else if (in->kind == INPUT_UNIT && at % KUBE_ROLLER_TAGS == HASH)
		take_revisions(t, in);
	else if (in->kind == INPUT_UNIT && at % KUBE_ROLLER_TAGS == EVENTS)
		take_words(t, in);
	return true;
}

/* --- the look --- */

/* True when one roller alone decides. */
static bool decides(const struct kube_roller *t, struct arena *arena, struct kube_look *look)
{
	const char *name = kube_change_name(t->change, false, arena);
	look->outcome = KUBE_FAILED;
	bool is_back = is_set_back(t) && !t->is_manager_due;
	look->is_foreign = t->is_gone || is_back;
	if (t->is_gone) {
		look->why = arena_printf(arena, "%s was deleted meanwhile", name);
	} else if (is_back) {
		look->why = arena_printf(arena, "%s was set to %s meanwhile, by %s", name, t->image_now,
					 t->manager ? t->manager : "somebody else");
	} else if (t->own.is_resting) {
		look->outcome = KUBE_UNSEEN;
		look->why = arena_printf(arena, "you may not watch %s in namespace %s: what comes of it is not seen",
					 kube_kinds[t->change->what].plural, t->change->namespace);
	} else {
		look->outcome = KUBE_UNDER_WAY;
	}
	return look->outcome != KUBE_UNDER_WAY;
}

static void add_culprit(const struct kube_roller *t, bool is_late, struct arena *arena, struct kube_look *look)
{
	kube_seen_look(t, is_late, arena, look);
	if (look->culprit || t->is_complete)
		return;
	if (t->events) {
		look->culprit = arena_printf(arena, "%s: %s", t->change->name, t->events);
		look->about = "events";
	} else if (t->is_seen && t->reason && str_starts(t->reason, "instances cannot be made")) {
		look->culprit = arena_printf(arena, "%s: %s", t->change->name, t->reason);
		look->about = "instances";
	}
}

static const struct kube_roller *first_that(const struct kube_rollers *rs, bool wants_failed)
{
	for (size_t i = 0; i < rs->n; i++)
		if (wants_failed ? rs->items[i].is_failed : rs->items[i].is_paused)
			return &rs->items[i];
	return &rs->items[0];
}

static int64_t limit_ms(const struct kube_rollers *rs)
{
	int64_t limit = 0;
	for (size_t i = 0; i < rs->n; i++)
		limit = rs->items[i].deadline_ms > limit ? rs->items[i].deadline_ms : limit;
	return limit + SLACK_MS;
}

static int64_t longest_watch(const struct kube_rollers *rs)
{
	int64_t longest = 0;
	for (size_t i = 0; i < rs->n; i++)
		longest = rs->items[i].watch_ms > longest ? rs->items[i].watch_ms : longest;
	return longest;
}

static void fail(const struct kube_rollers *rs, struct arena *arena, struct kube_look *look)
{
	const struct kube_roller *t = first_that(rs, true);
	const char *reason = t->is_seen && t->reason ? t->reason : "nothing moves any more";
	look->outcome = KUBE_FAILED;
	look->why = look->culprit ? look->culprit : arena_printf(arena, "%s: %s", t->change->name, reason);
	for (size_t i = 0; i < rs->n; i++)
		if (rs->items[i].own.is_troubled) { /* it was the silence that took so long */
			look->outcome = KUBE_UNSEEN;
			look->why = "the cluster does not answer any more: what came of it is not known";
		}
}

/* Numbers of a half-known state would only be noise. */
static bool is_known(const struct kube_roller *t)
{
	return t->is_seen && !t->is_hash_due && (t->pods.is_synced || t->pods.is_resting);
}

void kube_rollers_look(const struct kube_rollers *rs, struct arena *arena, struct kube_look *look)
{
	bool is_late = rs->quiet >= LATE_S || rs->failed >= SETTLED_S;
	*look = (struct kube_look){.is_seen = true};
	for (size_t i = 0; i < rs->n; i++) {
		look->is_seen = look->is_seen && is_known(&rs->items[i]);
		look->desired += rs->items[i].desired;
		add_culprit(&rs->items[i], is_late, arena, look);
	}
	for (size_t i = 0; i < rs->n; i++)
		if (decides(&rs->items[i], arena, look))
			return;
	if (rs->failed >= SETTLED_S || (int64_t)rs->quiet * TICK_MS > limit_ms(rs)) {
		fail(rs, arena, look);
	} else if (rs->paused >= SETTLED_S) {
		const struct kube_roller *t = first_that(rs, false);
		look->outcome = KUBE_HELD;
		look->why = arena_printf(arena, "%s is paused%s%s", kube_change_name(t->change, false, arena),
					 t->reason ? ": " : "", t->reason ? t->reason : "");
	} else if (rs->well > 0 && (int64_t)(rs->well - 1) * TICK_MS >= longest_watch(rs)) {
		look->outcome = KUBE_WELL;
	} else if (rs->well > 0) {
		look->outcome = KUBE_WATCHING;
	}
}

void kube_rollers_finish(struct kube_rollers *rs)
{
	for (size_t i = 0; i < rs->n; i++) {
		struct kube_roller *t = &rs->items[i];
		kube_stream_finish(&t->own);
		kube_stream_finish(&t->pods);
		kube_seen_clear(t);
		str_finish(&t->hash);
		arena_finish(&t->arena);
		arena_finish(&t->kept);
	}
}

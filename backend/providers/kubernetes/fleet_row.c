/* SPDX-License-Identifier: Apache-2.0 */
/* Pods, one row each. */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/records.h"

#define OWNER_MS 1500            /* a pod may be told before its owner: another stream brings that */
#define OOM_MS ((int64_t)600000) /* so long an instance that was killed for its memory is pointed out */
#define RESUMED_MS ((int64_t)1200000) /* no alert stays longer after a loop: twice its longest run */

const char *kube_row_id(const struct kube_row *row, struct arena *a)
{
	return row->id ? row->id : arena_printf(a, "%s-%s", row->owner->name, row->tail);
}

/* --- sides --- */

static void unlink_side(struct kube_side *s)
{
	if (!s->at)
		return;
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	s->at = NULL;
}

static void link_side(struct kube_side *s, struct kube_side **list)
{
	if (s->at == list)
		return;
	unlink_side(s);
	s->next = *list;
	if (s->next)
		s->next->at = &s->next;
	s->at = list;
	*list = s;
}

void kube_side_free(struct kube_fleet *f, struct kube_side *s)
{
	unlink_side(s);
	s->row->side = NULL;
	kube_word_drop(&f->words, s->service);
	kube_word_drop(&f->words, s->namespace);
	free(s->record);
	free(s->words);
	free(s);
}

static const char *after(const char *text, const char *start)
{
	return text && str_starts(text, start) ? text + strlen(start) : NULL;
}

const char *kube_side_reason(const struct kube_side *s, struct arena *a)
{
	const char *reason = s->record ? s->record->reason : NULL, *told;
	if (!s->words)
		return reason;
	if (s->row->bad == KUBE_PROBE_FAILS && (told = after(s->words, "Readiness probe failed: ")))
		return arena_printf(a, "%s: %s", reason ? reason : "readiness probe fails", told);
	if ((told = after(s->words, "Startup probe failed: ")) && !*told)
		return reason;
	if (told)
		return s->row->phase == PHASE_STARTING ? arena_printf(a, "its startup probe fails: %s", told)
						       : reason;
	if ((told = after(s->words, "Liveness probe failed: ")) && s->row->bad == KUBE_CRASHES)
		return arena_printf(a, "%s; its liveness probe failed: %s", reason, told);
	bool says_little = !reason || str_eq(reason, "not ready yet");
	return says_little && s->row->phase == PHASE_STARTING && !str_starts(s->words, "Liveness") ? s->words
												   : reason;
}

/* An event goes on being counted over a time in which all was well: what the pod tells bounds it. */
static int64_t loops_since(const struct kube_side *s, int64_t at_last)
{
	int64_t told = s->backs_off && s->backs_off < s->loops_after ? s->loops_after : s->backs_off;
	return told && told < at_last ? told : at_last;
}

int64_t kube_side_since(const struct kube_side *s)
{
	bool is_loop = s->row->bad == KUBE_CRASHES || s->row->bad == KUBE_OOM;
	return is_loop ? loops_since(s, s->since) : s->since;
}

int64_t kube_side_looped(const struct kube_side *s)
{
	return loops_since(s, s->looped_at);
}

/* --- telling --- */

static void tell(struct kube_fleet *f, struct run *r, struct kube_row *row, struct instance *i)
{
	if (!kube_fleet_tells(f, RECORD_INSTANCE) || !row->group)
		return;
	i->service = row->group->shown;
	i->environment = f->environment;
	if (row->side)
		i->reason = kube_side_reason(row->side, run_arena(r));
	uint64_t digest = kube_digest(record_class(RECORD_INSTANCE), i);
	if (digest == row->digest)
		return;
	row->digest = digest;
	run_put(r, i);
}

static void tell_kept(struct kube_fleet *f, struct run *r, struct kube_row *row)
{
	if (!row->side || !row->side->record)
		return;
	struct instance i = *row->side->record;
	tell(f, r, row, &i);
}

/* --- groups --- */

static void leave(struct kube_fleet *f, struct kube_row *row)
{
	struct kube_group *g = row->group;
	if (!g)
		return;
	g->n_pods--;
	g->n_ready -= row->is_ready;
	g->n_wanted -= row->phase != PHASE_EXITED && row->phase != PHASE_STOPPING;
	g->n_bad[row->bad]--;
	kube_fleet_touch(f, g);
}

static void join(struct kube_fleet *f, struct kube_row *row)
{
	struct kube_group *g = row->group;
	if (!g)
		return;
	g->n_pods++;
	g->n_ready += row->is_ready;
	g->n_wanted += row->phase != PHASE_EXITED && row->phase != PHASE_STOPPING;
	g->n_bad[row->bad]++;
	kube_fleet_touch(f, g);
	if (row->side)
		link_side(row->side, &g->sides);
}

/* --- names: those that are not random may stand in two namespaces --- */

static bool is_random(const struct kube_meta *m)
{
	enum kube_what owner = m->owner_kind ? kube_what_of(m->owner_kind) : KUBE_KINDS;
	return owner == KUBE_REPLICASET || owner == KUBE_JOB || owner == KUBE_DAEMONSET;
}

static char *whole_id(struct kube_fleet *f, struct kube_row *row, const struct kube_meta *m)
{
	struct kube_uid uid = kube_uid_of(m->name);
	struct kube_pod_name *n = (struct kube_pod_name *)kube_fleet_find(f, uid, KUBE_NODE_POD_NAME);
	struct str whole = {0};
	if (!n) {
		n = mem_alloc(sizeof(*n));
		n->node = (struct kube_node){.uid = uid, .type = KUBE_NODE_POD_NAME};
		n->holder = row;
		kube_fleet_add(f, &n->node);
	}
	if (n->holder != row)
		str_addf(&whole, "%s/", m->namespace ? m->namespace : "");
	str_add(&whole, m->name);
	return str_detach(&whole);
}

static void give_name_back(struct kube_fleet *f, const struct kube_row *row)
{
	struct kube_node *n = row->id ? kube_fleet_find(f, kube_uid_of(row->id), KUBE_NODE_POD_NAME) : NULL;
	if (!n || ((struct kube_pod_name *)n)->holder != row)
		return;
	kube_fleet_remove(f, n);
	free(n);
}

/* "web-77c4cd479c" and "l6bpz": most names are their owner's and a few letters. */
static void set_id(struct kube_fleet *f, struct kube_row *row, const struct kube_meta *m)
{
	if (row->id || row->tail[0])
		return;
	const char *owner = row->owner ? row->owner->name : NULL,
		   *tail = owner ? after(m->name, owner) : NULL;
	if (!is_random(m))
		row->id = whole_id(f, row, m);
	else if (tail && tail[0] == '-' && tail[1] && strlen(tail + 1) < sizeof(row->tail))
		memcpy(row->tail, tail + 1, strlen(tail + 1));
	else
		row->id = mem_dup(m->name);
}

/* --- reading --- */

static enum kube_bad bad_of(const struct kube_pod *p, int64_t now)
{
	static const char *const images[] = {
		"ErrImagePull",      "ImagePullBackOff",    "InvalidImageName",         "ErrImageNeverPull",
		"ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"};
	bool is_oom = str_eq(p->exit, "OOMKilled");
	if (p->phase == PHASE_CRASH_LOOP)
		return is_oom ? KUBE_OOM : KUBE_CRASHES;
	if (is_oom && p->restarts > 0 && p->phase != PHASE_EXITED && p->phase != PHASE_STOPPING &&
	    now - p->ended_at < OOM_MS)
		return KUBE_OOM;
	if (p->phase == PHASE_STARTING && p->is_waiting_node)
		return KUBE_NO_NODE;
	if (p->phase != PHASE_UNHEALTHY)
		return KUBE_WELL;
	const char *word = str_starts(p->status, "Init:") ? p->status + 5 : p->status;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (str_eq(word, images[i]))
			return KUBE_NO_IMAGE;
	return str_eq(p->status, "Running") ? KUBE_PROBE_FAILS : KUBE_NO_CONFIG;
}

static void fill(struct kube_row *row, const struct kube_pod *p, struct arena *a, struct instance *i)
{
	record_init(record_class(RECORD_INSTANCE), i);
	i->id = kube_row_id(row, a);
	i->version = p->version;
	i->phase = p->phase;
	i->is_ready = p->is_ready;
	i->port = p->port;
	i->restarts = p->restarts;
	i->started_at = p->started_at;
	i->reason = p->reason;
	i->exit = p->exit;
	i->node = p->node;
	i->cpu_request = p->cpu_request;
	i->cpu_limit = p->cpu_limit;
	i->memory_request = p->memory_request;
	i->memory_limit = p->memory_limit;
}

/* Whose it is when its owner does not tell. */
static const char *own_service(struct run *r, const struct kube_pod *p)
{
	struct kube_identity who;
	kube_identify(r, &p->meta, &who);
	bool is_named = !str_eq(who.service, p->meta.name);
	return is_named || !p->meta.owner_name ? who.service : p->meta.owner_name;
}

static bool waits(const struct kube_fleet *f, const struct kube_row *row, const struct kube_meta *m)
{
	if (!row->owner || (f->blind >> kube_what_of(m->owner_kind) & 1))
		return false;
	return !kube_thing_top(row->owner)->group;
}

static void join_own(struct kube_fleet *f, struct kube_row *row, const char *namespace, const char *service,
		     const char *version)
{
	row->group = kube_group_of(f, namespace, service);
	kube_word_set(&f->words, &row->group->version, version);
}

static void find_group(struct kube_fleet *f, struct run *r, struct kube_row *row, const struct kube_pod *p)
{
	struct kube_thing *top = kube_thing_top(row->owner);
	if (top && top->group) {
		row->group = top->group;
	} else if (!row->group && waits(f, row, &p->meta)) {
		return;
	} else if (!row->group || !row->owner) {
		join_own(f, row, p->meta.namespace, own_service(r, p), p->version);
	}
}

static void keep_side(struct kube_fleet *f, struct run *r, struct kube_row *row, const struct kube_pod *p,
		      const struct instance *i)
{
	bool is_over = row->phase == PHASE_EXITED || row->phase == PHASE_STOPPING;
	bool has_looped = p->resumed_at && run_now(r) < p->resumed_at + RESUMED_MS;
	if (row->group && row->bad == KUBE_WELL && (row->is_ready || is_over) && !has_looped) {
		if (row->side)
			kube_side_free(f, row->side);
		return;
	}
	if (!row->side) {
		row->side = mem_alloc(sizeof(*row->side));
		row->side->row = row;
	}
	struct kube_side *s = row->side;
	free(s->record);
	s->record = kube_clone(record_class(RECORD_INSTANCE), i);
	s->since = p->since;
	if (p->loops_after > s->loops_after) /* what was told of it before is as true */
		s->loops_after = p->loops_after;
	s->ran_ms = p->ran_ms;
	s->resumed_at = p->resumed_at;
	s->looped_at = p->looped_at;
	s->until = row->bad == KUBE_OOM && p->phase != PHASE_CRASH_LOOP ? p->ended_at + OOM_MS : 0;
	if (row->group) {
		s->waits_until = 0;
	} else if (!s->waits_until) {
		s->waits_until = run_now(r) + OWNER_MS;
		kube_word_set(&f->words, &s->namespace, p->meta.namespace);
		kube_word_set(&f->words, &s->service, own_service(r, p));
		link_side(s, &f->waiting);
	}
}

static void set_owner(struct kube_fleet *f, struct kube_row *row, const struct kube_meta *m)
{
	struct kube_thing *owner =
		kube_owner_is_known(m) ? kube_thing_at(f, kube_uid_of(m->owner_uid)) : NULL;
	if (owner == row->owner)
		return;
	if (!row->id && row->tail[0]) { /* it was a part of the old one's name */
		row->id = mem_dup(m->name);
		row->tail[0] = '\0';
	}
	if (owner)
		owner->refs++;
	kube_thing_release(f, row->owner);
	row->owner = owner;
}

void kube_fleet_pod(struct kube_fleet *f, struct run *r, uint16_t stream, const cJSON *object)
{
	struct kube_pod p;
	struct instance i;
	if (!kube_pod_read(object, run_arena(r), &p))
		return;
	struct kube_uid uid = kube_uid_of(p.meta.uid);
	struct kube_row *row = (struct kube_row *)kube_fleet_find(f, uid, KUBE_NODE_POD);
	if (!row) {
		row = mem_alloc(sizeof(*row));
		row->node = (struct kube_node){.uid = uid, .type = KUBE_NODE_POD};
		kube_fleet_add(f, &row->node);
	}
	row->node.stream = stream;
	row->node.is_seen = true;
	leave(f, row);
	set_owner(f, row, &p.meta);
	set_id(f, row, &p.meta);
	find_group(f, r, row, &p);
	row->phase = (uint8_t)p.phase;
	row->is_ready = p.is_ready && p.phase == PHASE_RUNNING;
	row->bad = (uint8_t)bad_of(&p, run_now(r));
	fill(row, &p, run_arena(r), &i);
	keep_side(f, r, row, &p, &i);
	if (row->owner && p.phase == PHASE_EXITED && p.exit && !str_eq(p.exit, "exit 0"))
		kube_word_set(&f->words, &row->owner->exit, p.exit);
	join(f, row);
	tell(f, r, row, &i);
}

void kube_row_gone(struct kube_fleet *f, struct run *r, struct kube_row *row)
{
	if (row->digest)
		run_delete(r, RECORD_INSTANCE, kube_row_id(row, run_arena(r)));
	leave(f, row);
	if (row->side)
		kube_side_free(f, row->side);
	give_name_back(f, row);
	kube_fleet_remove(f, &row->node);
	kube_thing_release(f, row->owner);
	free(row->id);
	free(row);
}

void kube_rows_settle(struct kube_fleet *f, struct run *r, int64_t now)
{
	for (struct kube_side *s = f->waiting, *next; s; s = next) {
		struct kube_row *row = s->row;
		struct kube_thing *top = kube_thing_top(row->owner);
		next = s->next;
		if (top && top->group)
			row->group = top->group;
		else if (now >= s->waits_until)
			join_own(f, row, s->namespace, s->service, s->record->version);
		else
			continue;
		s->waits_until = 0;
		join(f, row);
		tell_kept(f, r, row);
		if (row->bad == KUBE_WELL && row->is_ready)
			kube_side_free(f, s);
	}
}

void kube_row_warn(struct kube_fleet *f, struct run *r, struct kube_row *row, const char *reason,
		   const char *message, int64_t since)
{
	struct kube_side *s = row->side;
	if (!s || !message)
		return;
	if (since && str_starts(message, "Back-off restarting") && (!s->backs_off || since < s->backs_off))
		s->backs_off = since;
	struct str words = {0};
	if (!str_eq(reason, "Unhealthy"))
		str_addf(&words, "%s: ", reason ? reason : "warning");
	str_addn(&words, message, strcspn(message, "\n"));
	free(s->words);
	s->words = str_detach(&words);
	tell_kept(f, r, row);
	kube_fleet_touch(f, row->group);
}

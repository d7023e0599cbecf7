/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads and what stands between them and pods. */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/mark.h"
#include "backend/providers/kubernetes/records.h"

bool kube_owner_is_known(const struct kube_meta *m)
{
	return m->owner_uid && kube_what_of(m->owner_kind) <= KUBE_REPLICASET;
}

struct kube_thing *kube_thing_at(struct kube_fleet *f, struct kube_uid uid)
{
	struct kube_thing *t = (struct kube_thing *)kube_fleet_find(f, uid, KUBE_NODE_THING);
	if (t)
		return t;
	t = mem_alloc(sizeof(*t));
	t->node = (struct kube_node){.uid = uid, .type = KUBE_NODE_THING};
	t->told_release = t->told_deploy = t->revision = RECORD_NONE;
	t->outcome = DEPLOY_UNKNOWN;
	kube_fleet_add(f, &t->node);
	return t;
}

struct kube_thing *kube_thing_top(struct kube_thing *t)
{
	for (int i = 0; t && t->parent && i < 4; i++) /* owners may be made to go round */
		t = t->parent;
	return t;
}

static void leave_list(struct kube_thing **at, struct kube_thing *t)
{
	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	t->next = NULL;
}

static void free_about(struct kube_fleet *f, struct kube_about *about)
{
	if (!about)
		return;
	const char **word = &about->component;
	for (; word <= &about->owner; word++)
		kube_word_drop(&f->words, *word);
	for (size_t i = 0; i < about->links.n; i++) {
		kube_word_drop(&f->words, about->links.items[i].key);
		kube_word_drop(&f->words, about->links.items[i].value);
	}
	free((void *)(uintptr_t)about->links.items);
	free(about);
}

void kube_thing_free(struct kube_fleet *f, struct kube_thing *t)
{
	kube_word_drop(&f->words, t->namespace);
	kube_word_drop(&f->words, t->version);
	kube_word_drop(&f->words, t->before);
	kube_word_drop(&f->words, t->image);
	kube_word_drop(&f->words, t->rolled_from);
	kube_word_drop(&f->words, t->exit);
	free_about(f, t->about);
	free(t->name);
	free(t->reason);
	free(t->cause);
}

static void free_when_unused(struct kube_fleet *f, struct kube_thing *t)
{
	if (t->is_told || t->refs)
		return;
	kube_fleet_remove(f, &t->node);
	kube_thing_free(f, t);
	free(t);
}

void kube_thing_release(struct kube_fleet *f, struct kube_thing *t)
{
	if (!t)
		return;
	t->refs--;
	free_when_unused(f, t);
}

static void set_text(char **text, const char *to)
{
	if (str_eq(*text, to))
		return;
	free(*text);
	*text = mem_dup(to);
}

static void set_parent(struct kube_fleet *f, struct kube_thing *t, struct kube_thing *parent)
{
	struct kube_thing *old = t->parent;
	if (old == parent)
		return;
	if (old)
		leave_list(&old->children, t);
	t->parent = parent;
	if (parent) {
		parent->refs++;
		t->next = parent->children;
		parent->children = t;
	}
	kube_thing_release(f, old);
}

static void set_group(struct kube_fleet *f, struct kube_thing *t, struct kube_group *g)
{
	if (t->group == g)
		return;
	if (t->group) {
		leave_list(&t->group->things, t);
		kube_fleet_touch(f, t->group);
		f->wants_list = f->wants_list ||
				(f->knows_pods && t->group->n_pods > 0); /* its pods are another's now */
	}
	t->group = g;
	if (g) {
		t->next = g->things;
		g->things = t;
	}
}

/* --- whose it is --- */

static void read_about(struct kube_fleet *f, struct run *r, struct kube_thing *t, const struct kube_meta *m,
		       const struct kube_identity *who)
{
	struct kube_about *a = mem_alloc(sizeof(*a));
	struct kube_words *w = &f->words;
	struct pairs links = kube_links(m, run_arena(r));
	*a = (struct kube_about){
		.component = kube_word_keep(w, who->component),
		.team = kube_word_keep(w, who->team),
		.on_call = kube_word_keep(w, who->on_call),
		.tier = kube_word_keep(w, who->tier),
		.language = kube_word_keep(w, who->language),
		.lifecycle = kube_word_keep(w, who->lifecycle),
		.description = kube_word_keep(w, who->description),
		.runbook = kube_word_keep(w, who->runbook),
		.lock = kube_word_keep(w, json_text(m->annotations, KUBE_LOCK)),
		.acks = kube_word_keep(w, json_text(m->annotations, KUBE_ACKS)),
		.owner = kube_word_keep(w, who->owner),
		.links.n = links.n,
	};
	struct pair *items = links.n ? mem_array(links.n, sizeof(*items)) : NULL;
	for (size_t i = 0; i < links.n; i++)
		items[i] = (struct pair){kube_word_keep(w, links.items[i].key),
					 kube_word_keep(w, links.items[i].value)};
	a->links.items = items;
	free_about(f, t->about);
	t->about = a;
}

static void place(struct kube_fleet *f, struct run *r, struct kube_thing *t, const struct kube_meta *m)
{
	struct kube_thing *parent = NULL;
	if (kube_owner_is_known(m) && !str_eq(m->owner_uid, m->uid))
		parent = kube_thing_at(f, kube_uid_of(m->owner_uid));
	if (parent) {
		set_group(f, t, NULL);
		set_parent(f, t, parent);
		return;
	}
	struct kube_identity who;
	kube_identify(r, m, &who);
	set_parent(f, t, NULL);
	set_group(f, t, kube_group_of(f, m->namespace, who.service));
	read_about(f, r, t, m, &who);
}

/* --- what it is --- */

static int32_t small(int64_t n)
{
	return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static int64_t restarted_at(const struct kube_workload *w)
{
	return kube_time(json_get(json_get(w->template, "metadata"), "annotations"),
			 "kubectl.kubernetes.io/restartedAt");
}

/* StatefulSets and DaemonSets say that they roll, not since when, nor from where. */
static void see_change(struct kube_fleet *f, struct kube_thing *t, const struct kube_workload *w, int64_t now)
{
	bool is_steady = w->rollout == KUBE_STEADY, was_rolling = t->is_told && t->rollout != KUBE_STEADY;
	if (w->since)
		t->since = w->since;
	else if (is_steady && was_rolling)
		t->since = now;
	if (is_steady || w->is_unseen || t->rolled == w->meta.generation)
		return;
	t->rolled = w->meta.generation;
	t->rolls_since = now;
	kube_word_set(&f->words, &t->rolled_from, t->before);
}

static void read_thing(struct kube_fleet *f, struct run *r, struct kube_thing *t,
		       const struct kube_workload *w)
{
	bool is_steady = w->rollout == KUBE_STEADY;
	if (is_steady)
		kube_word_set(&f->words, &t->before, NULL);
	else if (t->is_told && !str_eq(t->version, w->version) && !t->before)
		kube_word_set(&f->words, &t->before, t->version);
	see_change(f, t, w, run_now(r));
	t->what = (uint8_t)w->what;
	t->rollout = (uint8_t)w->rollout;
	t->is_suspended = w->is_suspended;
	t->is_refused = w->is_refused;
	t->restarted_at = restarted_at(w);
	t->desired = small(w->desired);
	t->ready = small(w->ready);
	t->updated = small(w->updated);
	t->available = small(w->available);
	t->total = small(w->total);
	t->revision = w->revision;
	t->has_older = w->has_older;
	t->created_at = w->meta.created_at;
	kube_word_set(&f->words, &t->namespace, w->meta.namespace);
	kube_word_set(&f->words, &t->version, w->version);
	kube_word_set(&f->words, &t->image, w->image);
	set_text(&t->name, w->meta.name);
	set_text(&t->reason, w->reason);
	set_text(&t->cause, w->change_cause);
}

void kube_fleet_thing(struct kube_fleet *f, struct run *r, uint16_t stream, enum kube_what what,
		      const cJSON *object)
{
	struct kube_workload w;
	if (!kube_workload_read(what, object, run_arena(r), &w))
		return;
	if (what == KUBE_REVISION && !kube_owner_is_known(&w.meta)) /* others keep theirs in this kind too */
		return;
	struct kube_thing *t = kube_thing_at(f, kube_uid_of(w.meta.uid));
	read_thing(f, r, t, &w);
	t->is_told = true;
	t->node.stream = stream;
	t->node.is_seen = true;
	place(f, r, t, &w.meta);
	struct kube_thing *top = kube_thing_top(t);
	kube_fleet_touch(f, top->group);
}

/* Its pods may outlive it: it stays as long as they name it, and keeps its name, which is the better part of
 * theirs. */
void kube_thing_gone(struct kube_fleet *f, struct run *r, struct kube_thing *t)
{
	struct kube_group *g = kube_thing_top(t)->group;
	if (g)
		kube_revision_gone(r, g, t);
	for (struct kube_thing *c = t->children; c && g; c = c->next)
		kube_revision_gone(r, g, c);
	kube_fleet_touch(f, g);
	if (t->group) {
		leave_list(&t->group->things, t);
		t->group = NULL;
	}
	free_about(f, t->about);
	t->about = NULL;
	t->is_told = false;
	set_parent(f, t, NULL);
	free_when_unused(f, t);
}

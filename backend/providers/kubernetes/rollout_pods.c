/* SPDX-License-Identifier: Apache-2.0 */
/* The pods of a workload while it rolls. */
#include "backend/providers/kubernetes/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/object.h"

struct kube_seen_pod {
	char *name, *uid, *hash, *reason, *words; /* words: of an event, NULL */
	const char *ails; /* a word for how, NULL: it does not */
	int64_t created_at, restarts;
	bool is_ready, is_ending;
	bool is_slow;     /* it may only need some more time */
};

static const char *hash_of(const struct kube_meta *m)
{
	static const char *const names[] = {"rollouts-pod-template-hash", "pod-template-hash", "controller-revision-hash", NULL};
	const char *hash = NULL;
	for (size_t i = 0; names[i] && !hash; i++)
		hash = json_text(m->labels, names[i]);
	return hash;
}

static void clear(struct kube_seen_pod *s)
{
	free(s->name);
	free(s->uid);
	free(s->hash);
	free(s->reason);
	free(s->words);
	*s = (struct kube_seen_pod){0};
}

/* How it ails, in a word that stays while the server's own words come and go. */
static void judge(struct kube_seen_pod *s, const struct kube_pod *p)
{
	bool is_waiting = p->phase == PHASE_STARTING || p->phase == PHASE_UNHEALTHY;
	s->ails = NULL;
	s->is_slow = false;
	if (p->phase == PHASE_CRASH_LOOP || (p->phase == PHASE_EXITED && p->reason))
		s->ails = "crashes";
	else if (p->is_waiting_node)
		s->ails = "has no node";
	else if (p->phase == PHASE_UNHEALTHY && !str_eq(p->status, "Running"))
		s->ails = "cannot start";
	else if (is_waiting && p->reason)
		s->ails = "is not ready";
	s->is_slow = is_waiting && (p->is_waiting_node || str_eq(s->ails, "is not ready"));
}

static size_t find(const struct kube_roller *t, const char *uid)
{
	size_t i = 0;
	while (i < t->n_seen && !str_eq(t->seen[i].uid, uid))
		i++;
	return i;
}

void kube_seen_put(struct kube_roller *t, const cJSON *object, struct arena *scratch)
{
	struct kube_pod p;
	if (!kube_pod_read(object, scratch, &p))
		return;
	size_t i = find(t, p.meta.uid);
	if (i == t->n_seen) {
		t->seen = mem_grow(t->seen, t->n_seen + 1, sizeof(*t->seen));
		t->seen[t->n_seen++] = (struct kube_seen_pod){0};
	}
	struct kube_seen_pod *s = &t->seen[i];
	char *words = s->words;
	s->words = NULL;
	clear(s);
	*s = (struct kube_seen_pod){
		.name = mem_dup(p.meta.name), .uid = mem_dup(p.meta.uid), .hash = mem_dup(hash_of(&p.meta)),
		.reason = mem_dup(p.reason), .words = words, .created_at = p.meta.created_at,
		.restarts = p.restarts, .is_ready = p.is_ready,
		.is_ending = p.meta.deleted_at > 0,
	};
	judge(s, &p);
}

void kube_seen_delete(struct kube_roller *t, const cJSON *object)
{
	size_t i = find(t, json_text(json_get(object, "metadata"), "uid"));
	if (i == t->n_seen)
		return;
	clear(&t->seen[i]);
	t->seen[i] = t->seen[--t->n_seen];
}

void kube_seen_clear(struct kube_roller *t)
{
	for (size_t i = 0; i < t->n_seen; i++)
		clear(&t->seen[i]);
	free(t->seen);
	t->seen = NULL;
	t->n_seen = 0;
}

static bool is_new(const struct kube_roller *t, const struct kube_seen_pod *s)
{
	if (t->restart_ms)
		return s->created_at >= t->restart_ms;
	if (t->hash.len && s->hash)
		return str_eq(t->hash.s, s->hash);
	return s->created_at >= t->written_at;
}

/* The first by name of those that are worst: it stays the same while others come and go. */
static const struct kube_seen_pod *worst(const struct kube_roller *t, bool is_late)
{
	const struct kube_seen_pod *found = NULL;
	for (size_t i = 0; i < t->n_seen; i++) {
		const struct kube_seen_pod *s = &t->seen[i];
		if (!s->ails || s->is_ending || (s->is_slow && !is_late) || !is_new(t, s))
			continue;
		if (!found || (found->is_slow && !s->is_slow) ||
		    (found->is_slow == s->is_slow && strcmp(s->name, found->name) < 0))
			found = s;
	}
	return found;
}

const char *kube_seen_culprit(const struct kube_roller *t)
{
	const struct kube_seen_pod *s = worst(t, true);
	return s ? s->uid : NULL;
}

void kube_seen_words(struct kube_roller *t, const char *uid, const char *words)
{
	size_t i = find(t, uid);
	if (i == t->n_seen)
		return;
	size_t len = strcspn(words, "\n");
	free(t->seen[i].words);
	t->seen[i].words = mem_dup_n(words, len < 400 ? len : 400);
}

void kube_seen_look(const struct kube_roller *t, bool is_late, struct arena *arena, struct kube_look *look)
{
	for (size_t i = 0; i < t->n_seen; i++) {
		const struct kube_seen_pod *s = &t->seen[i];
		look->ready += is_new(t, s) && s->is_ready && !s->is_ending;
		look->restarts += is_new(t, s) ? s->restarts : 0;
		look->old += !is_new(t, s) || s->is_ending;
	}
	const struct kube_seen_pod *s = worst(t, is_late);
	if (!s || look->culprit)
		return;
	const char *reason = s->reason ? s->reason : s->ails;
	bool is_told = !s->words || !s->is_slow; /* else the pod itself says it better */
	look->culprit = arena_printf(arena, "%s: %s%s%s", s->name, reason, is_told ? "" : ": ", is_told ? "" : s->words);
	look->about = arena_printf(arena, "%s %s%s", s->name, s->ails, is_told ? "" : ".");
}

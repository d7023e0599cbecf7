/* SPDX-License-Identifier: Apache-2.0 */
/* Locks and acks: what is noted on a workload, and what a lock forbids. */
#include <string.h>

#include "backend/providers/kubernetes/mark.h"
#include "backend/providers/kubernetes/plan.h"
#include "base/clock.h"

bool kube_is_mark(const char *action)
{
	return str_eq(action, "lock") || str_eq(action, "unlock") || str_eq(action, "ack") || str_eq(action, "unack");
}

bool kube_alert_read(const char *id, struct arena *arena, const char **kind, const char **service)
{
	const char *first = strchr(id, '/'), *second = first ? strchr(first + 1, '/') : NULL;
	if (!second || first == id || second == first + 1 || !second[1] || strchr(second + 1, '/'))
		return false;
	*kind = arena_dup_n(arena, id, (size_t)(first - id));
	*service = arena_printf(arena, "%s.%.*s", second + 1, (int)(second - first - 1), first + 1);
	return true;
}

/* The one of it that has a lock, whichever that is. */
static struct kube_target *locked(struct kube_plan *p, int64_t now, struct kube_mark *m)
{
	for (size_t i = 0; i < p->n_found; i++)
		if (kube_lock_read(json_text(p->found[i].w.meta.annotations, KUBE_LOCK), now, &p->arena, m))
			return &p->found[i];
	return NULL;
}

void kube_mind_lock(struct kube_plan *p, const struct wish *w, int64_t now)
{
	struct kube_mark m;
	struct kube_target *t = locked(p, now, &m);
	bool is_ack = p->alert != NULL, is_unlock = str_eq(w->action, "unlock");
	if (!t && is_unlock)
		kube_refuse(p, ERR_NOT_FOUND, "%s in %s is not locked", w->service, p->environment);
	if (!t)
		return;
	p->lock = arena_printf(&p->arena, "%s in %s is locked %s", p->service, p->environment, kube_lock_text(&m, &p->arena));
	if (!is_ack && !is_unlock)
		kube_refuse(p, ERR_REFUSED, "%s", p->lock);
	for (size_t i = 0; is_unlock && i < p->n_found; i++)
		p->found[i].is_chosen = &p->found[i] == t;
}

static const char *make_lock(struct kube_plan *p, const struct wish *w, const struct kube_mark *m)
{
	char until[CLOCK_TEXT] = "it is unlocked";
	if (m->until)
		clock_rfc3339(m->until, until);
	kube_say_change(p, "fairway refuses every change of %s in %s until %s: %s", w->service, p->environment, until, w->reason);
	kube_say_warning(p, "kubectl, and whatever else changes the cluster, do not mind it");
	return kube_lock_write(m, &p->arena);
}

static const char *make_ack(struct kube_plan *p, const struct wish *w, const char *was, const struct kube_mark *m)
{
	if (m)
		kube_say_change(p, "%s is shown as seen by %s, to all who look by fairway; it goes on firing", w->alert, m->by);
	else
		kube_say_change(p, "%s counts as unseen again", w->alert);
	return kube_ack_write(was, p->alert, m, &p->arena);
}

static const char *same_by_hand(struct kube_plan *p, const struct kube_target *t, const char *value)
{
	struct str text = {0};
	str_addf(&text, "annotate --overwrite %s/%s %s%s", kube_kinds[t->w.what].plural, t->w.meta.name, t->change.mark,
		 value ? "=" : "-");
	if (value)
		str_add_word(&text, value);
	const char *same = arena_dup(&p->arena, text.s);
	str_finish(&text);
	return same;
}

/* What the annotation becomes; NULL: it goes. */
static const char *make_value(struct kube_plan *p, const struct wish *w, const char *was, const struct kube_mark *m)
{
	if (p->alert)
		return make_ack(p, w, was, m);
	if (m)
		return make_lock(p, w, m);
	kube_say_change(p, "changes of %s in %s are allowed again", w->service, p->environment);
	return NULL;
}

void kube_make_mark(struct kube_plan *p, struct kube_target *t, const struct wish *w, const char *by, int64_t now)
{
	struct kube_mark m = {.by = by, .reason = w->reason, .at = now};
	bool is_taken_back = str_eq(w->action, "unlock") || str_eq(w->action, "unack");
	cJSON *patch = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(patch, "metadata");
	cJSON *annotations = cJSON_AddObjectToObject(meta, "annotations");
	m.until = w->until ? w->until : w->duration > 0 ? now + w->duration : 0;
	t->change.mark = p->alert ? KUBE_ACKS : KUBE_LOCK;
	t->change.was = json_text(t->w.meta.annotations, t->change.mark);
	const char *value = make_value(p, w, t->change.was, is_taken_back ? NULL : &m);
	cJSON_AddItemToObject(annotations, t->change.mark, value ? cJSON_CreateString(value) : cJSON_CreateNull());
	t->change.type = KUBE_MERGE;
	t->change.patch = patch;
	t->change.has_cause = t->change.is_rollout = false;
	t->same = same_by_hand(p, t, value);
}

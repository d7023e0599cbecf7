/* SPDX-License-Identifier: Apache-2.0 */
/* Which workloads of a service an action means. */
#include <string.h>
#include <strings.h>

#include "backend/providers/kubernetes/plan.h"

#define BIT(what) (1u << (what))
#define ROLLING (BIT(KUBE_DEPLOYMENT) | BIT(KUBE_STATEFULSET) | BIT(KUBE_DAEMONSET) | BIT(KUBE_ROLLOUT))

#define NOTED (BIT(KUBE_WORKLOADS) - 1) /* any */

static const struct {
	const char *action;
	unsigned kinds;
	const char *why_not; /* of another kind */
} rows[] = {
	{"deploy", ROLLING | BIT(KUBE_CRONJOB), "a Job's pods never change: make a new Job"},
	{"promote", ROLLING | BIT(KUBE_CRONJOB), "a Job's pods never change: make a new Job"},
	{"restart", ROLLING, "its pods come and go by themselves"},
	{"rollback", ROLLING, "it keeps no revisions to go back to"},
	{"cancel", ROLLING, "it keeps no revisions to go back to"},
	{"scale", BIT(KUBE_DEPLOYMENT) | BIT(KUBE_STATEFULSET) | BIT(KUBE_ROLLOUT),
	 "it has no number of instances to set"},
	{"pause", BIT(KUBE_DEPLOYMENT) | BIT(KUBE_ROLLOUT) | BIT(KUBE_CRONJOB), "it cannot be paused"},
	{"resume", BIT(KUBE_DEPLOYMENT) | BIT(KUBE_ROLLOUT) | BIT(KUBE_CRONJOB), "it cannot be paused"},
	{"lock", NOTED, ""},
	{"unlock", NOTED, ""},
	{"ack", NOTED, ""},
	{"unack", NOTED, ""},
};

static size_t row_of(const char *action)
{
	size_t i = 0;
	while (i + 1 < sizeof(rows) / sizeof(rows[0]) && !str_eq(rows[i].action, action))
		i++;
	return i;
}

struct kube_target *kube_next_chosen(struct kube_plan *p, struct kube_target *after)
{
	struct kube_target *t = after ? after + 1 : p->found;
	while (t < p->found + p->n_found && !t->is_chosen)
		t++;
	return t < p->found + p->n_found ? t : NULL;
}

/* "Deployment web, StatefulSet db" */
static const char *list_of(struct kube_plan *p)
{
	struct str all = {0};
	for (size_t i = 0; i < p->n_found; i++)
		str_addf(&all, "%s%s %s", i ? ", " : "", kube_kinds[p->found[i].w.what].name, p->found[i].w.meta.name);
	const char *text = arena_dup(&p->arena, str_text(&all));
	str_finish(&all);
	return text;
}

/* Name without tag and digest: two workloads that share it run the same program. */
static const char *repository(struct kube_plan *p, const char *image)
{
	const char *slash = image ? strrchr(image, '/') : NULL, *from = slash ? slash : image;
	return from ? arena_dup_n(&p->arena, image, (size_t)(from - image) + strcspn(from, ":@")) : "";
}

/* "checkout", "payments/checkout" or "Deployment/checkout" */
static bool is_named(const struct kube_target *t, const char *name)
{
	const char *slash = strchr(name, '/');
	if (!slash)
		return str_eq(t->w.meta.name, name);
	size_t len = (size_t)(slash - name);
	const char *kind = kube_kinds[t->w.what].name, *namespace = t->w.meta.namespace;
	return str_eq(t->w.meta.name, slash + 1) && ((strlen(kind) == len && strncasecmp(kind, name, len) == 0) ||
						     (strlen(namespace) == len && memcmp(namespace, name, len) == 0));
}

/* NULL when there is none, or after refusing. */
static struct kube_target *named(struct kube_plan *p, const char *name, bool is_one)
{
	struct kube_target *found = NULL;
	for (size_t i = 0; i < p->n_found; i++) {
		struct kube_target *t = &p->found[i];
		if (!is_named(t, name))
			continue;
		if (found && is_one) {
			kube_refuse(p, ERR_USAGE, "%s is %s in %s and %s in %s: say which by --workload KIND/NAME or NAMESPACE/NAME",
				    name, kube_kinds[found->w.what].name, found->w.meta.namespace,
				    kube_kinds[t->w.what].name, t->w.meta.namespace);
			return NULL;
		}
		found = found ? found : t;
	}
	return found;
}

/* The one that is the service: of its name, or the only one, or the first of several that run the same program. */
static struct kube_target *main_of(struct kube_plan *p, const struct wish *w)
{
	if (w->workload) {
		struct kube_target *t = named(p, w->workload, true);
		if (!t)
			kube_refuse(p, ERR_NOT_FOUND, "%s has no workload %s; it has: %s", w->service, w->workload, list_of(p));
		return t;
	}
	struct kube_target *t = named(p, p->service, str_eq(w->action, "scale"));
	if (t || p->refusal.kind)
		return t;
	unsigned kinds = rows[row_of(w->action)].kinds;
	for (size_t i = 0; i < p->n_found; i++) {
		struct kube_target *at = &p->found[i];
		if (!(kinds & BIT(at->w.what)))
			continue;
		if (t && !str_eq(repository(p, t->w.image), repository(p, at->w.image))) {
			kube_refuse(p, ERR_USAGE, "%s has several workloads: name one with --workload: %s", w->service,
				    list_of(p));
			return NULL;
		}
		t = t ? t : at;
	}
	return t ? t : &p->found[0];
}

static void choose_alike(struct kube_plan *p, const struct wish *w, struct kube_target *main)
{
	size_t row = row_of(w->action), n = 1;
	const char *image = repository(p, main->w.image);
	for (size_t i = 0; i < p->n_found; i++) {
		struct kube_target *t = &p->found[i];
		if (t == main || !str_eq(repository(p, t->w.image), image) || t->w.what == KUBE_JOB)
			continue;
		if (!(rows[row].kinds & BIT(t->w.what))) {
			kube_say_change(p, "%s %s stays as it is: %s", kube_kinds[t->w.what].name, t->w.meta.name,
					rows[row].why_not);
			continue;
		}
		if (n++ == KUBE_CHANGES_MAX) {
			kube_refuse(p, ERR_USAGE, "%s has more than %d workloads of one image: name one with --workload",
				    w->service, KUBE_CHANGES_MAX);
			return;
		}
		t->is_chosen = true;
	}
	if (n > 1)
		kube_say_change(p, "%zu workloads run %s: they are changed together", n, image);
}

void kube_choose(struct kube_plan *p, const struct wish *w)
{
	size_t row = row_of(w->action);
	struct kube_target *main = main_of(p, w);
	if (!main)
		return;
	if (!(rows[row].kinds & BIT(main->w.what))) {
		kube_refuse(p, ERR_REFUSED, "%s %s: %s", kube_kinds[main->w.what].name, main->w.meta.name, rows[row].why_not);
		return;
	}
	main->is_chosen = true;
	if (!w->workload && !str_eq(w->action, "scale"))
		choose_alike(p, w, main);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_PLAN_H
#define BACKEND_PROVIDERS_KUBERNETES_PLAN_H
/*
 * A plan while it is made: the workloads of the service are found (plan.c), those that the action means are chosen
 * (plan_choose.c), for each a patch is made (plan_make.c, plan_undo.c), rights are asked, the patches are tried on
 * the server, and what came of it is told (plan_tell.c). Backend thread only.
 */
#include "backend/providers/kubernetes/change.h"
#include "backend/providers/kubernetes/find.h"

#define KUBE_FOUND_MAX 64
#define KUBE_SAID_MAX 64

struct kube_target { /* a workload of the service */
	cJSON *object;             /* as it is; owned */
	struct kube_workload w;    /* borrowed from it, and from the plan's arena */
	struct kube_identity who;
	bool is_chosen;
	struct kube_change change; /* of a chosen one */
	cJSON *history;            /* array of its revisions' objects; owned; NULL: not asked for, or refused */
	cJSON *after;              /* as the server would make it; owned; NULL while it is not known */
	const char *to;            /* the version that it comes to run; NULL: unsaid */
	const char *same;          /* the kubectl command that does the same */
};
struct kube_plan {
	struct arena arena;
	struct kube_target found[KUBE_FOUND_MAX];
	size_t n_found;
	const char *environment;
	const char *service;     /* as its workloads name it, without the namespace that tells two apart */
	struct kube_find find;
	struct err trouble;      /* of the last list of revisions */
	int stage, waiting;      /* waiting: answers that are out */
	struct { const char *items[KUBE_SAID_MAX]; size_t n; } changes, warnings;
	const char *lock;        /* sentence; NULL: the service is not locked */
	const char *alert;       /* ack, unack: kind of the alert, as its id begins; else NULL */
	struct err refusal;      /* kind ERR_NONE: it is fine */
	const char *title;
};

void kube_say_change(struct kube_plan *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kube_say_warning(struct kube_plan *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The first refusal counts. */
void kube_refuse(struct kube_plan *, enum err_kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Of the chosen ones, in order; start with NULL. */
struct kube_target *kube_next_chosen(struct kube_plan *, struct kube_target *after);

/* Refuses when there is nothing, or too much, that could be meant. */
void kube_choose(struct kube_plan *, const struct wish *);
/* Fills in change of each chosen one. Refuses what makes no sense. now: wall ms. */
void kube_make_changes(struct kube_plan *, const struct wish *, const char *by, int64_t now);
/* What is noted on workloads (mark.h), plan_mark.c: the lock that there is is found, and refuses what would change the
 * service; an ack or a lock is made, which changes nothing that runs. */
void kube_mind_lock(struct kube_plan *, const struct wish *, int64_t now);
bool kube_is_mark(const char *action);
void kube_make_mark(struct kube_plan *, struct kube_target *, const struct wish *, const char *by, int64_t now);
/* "crash-loop/payments/fraud" as "crash-loop" and "fraud.payments"; false: it is not an id of ours. In the arena. */
bool kube_alert_read(const char *id, struct arena *, const char **kind, const char **service);
/* Of one target, whose history is known. release: a number or a version; NULL: the revision before. */
void kube_make_undo(struct kube_plan *, struct kube_target *, const char *release);
bool kube_is_revision(const struct kube_target *, const cJSON *object); /* whether it is one of its own */

/* The container that is meant, by name or as the main one; NULL after refusing. index: in its list. */
const cJSON *kube_container_of(struct kube_plan *, struct kube_target *, const struct wish *, int *index);
const char *kube_template_path(const struct kube_target *); /* "/spec/template", "/spec/jobTemplate/spec/template" */
/* Refuses an Argo Rollout whose pods are another workload's (workloadRef), with the command that means that one. */
bool kube_has_template(struct kube_plan *, const struct kube_target *, const char *verb);
/* Starts a JSON patch for it; with annotations, should it have none. */
cJSON *kube_patch_new(struct kube_target *);

/* Appends a Kubernetes object's labels, annotations and specification as YAML. */
void kube_show(struct str *, const cJSON *object);
/* The plan as it goes to the person. */
void kube_tell_plan(struct kube_plan *, struct run *, const struct wish *);
/* "kubectl scale … --namespace N --context C", for copying. In the arena. */
const char *kube_kubectl(struct run *, const char *words, const char *namespace, struct arena *);
#endif

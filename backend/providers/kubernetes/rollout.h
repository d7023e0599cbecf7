/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_ROLLOUT_H
#define BACKEND_PROVIDERS_KUBERNETES_ROLLOUT_H
/*
 * What comes of a change that replaces pods: the workloads that were written and their pods are watched until all
 * is well and stayed so, or until it is plain that it will not be, and why. One second at a time, so that a look is
 * never judged by the moment. Backend thread only.
 *
 *	kube_rollers_add(&rs, change, object)      for each change, with the server's answer to it
 *	kube_rollers_start(&rs, r, tag)
 *	if (kube_rollers_on(&rs, r, in)) …          at every input: look again
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/providers/kubernetes/change.h"
#include "backend/providers/kubernetes/stream.h"

#define KUBE_ROLLER_TAGS 9
#define KUBE_ROLLERS_TAGS (KUBE_CHANGES_MAX * KUBE_ROLLER_TAGS + 1)

struct kube_seen_pod;

struct kube_roller { /* one workload */
	struct kube_rollers *all;
	const struct kube_change *change; /* borrowed */
	struct arena kept;       /* what was written; what events tell */
	const char *selector, *image, *events;
	int64_t restart_ms;      /* spec.restartAt: pods that are older are old, though they have the same hash; 0 */
	int64_t generation;      /* its specification is at least this one */
	int64_t written_at;      /* wall ms of the server */
	int64_t deadline_ms, watch_ms; /* all must be well for watch_ms: the annotation KUBE_PREFIX "watch" */
	struct kube_stream own, pods;
	struct str hash;         /* that pods of the new template carry; empty: not known */
	int64_t hash_of;         /* the revision it was asked for */
	bool is_hash_due;        /* the answer is out */
	bool is_manager_asked, is_manager_due;

	struct arena arena;      /* the newest look */
	bool is_seen, is_gone, is_complete, is_failed, is_paused, is_taken_up;
	bool is_passing;         /* it is paused at a step that ends soon by itself */
	const char *reason, *image_now, *manager;
	int64_t desired, total;

	struct kube_seen_pod *seen;
	size_t n_seen;
};
struct kube_rollers {
	struct kube_roller items[KUBE_CHANGES_MAX];
	size_t n;
	uint32_t tag;
	int quiet, well, paused, failed; /* seconds: without progress; in that state */
	int64_t best;            /* how far it came */
	int64_t restarts;        /* of new pods, a second ago */
};

enum kube_outcome { KUBE_UNDER_WAY, KUBE_WATCHING, KUBE_WELL, KUBE_HELD, KUBE_FAILED, KUBE_UNSEEN };
struct kube_look {
	enum kube_outcome outcome;
	bool is_foreign;     /* why: somebody else's doing */
	bool is_seen;        /* each workload has been seen as it was written */
	int64_t ready, desired, old; /* pods: new and ready; wanted; of before, still there */
	int64_t restarts;    /* of the new ones */
	const char *culprit; /* what ails, with its pod: a sentence; NULL */
	const char *about;   /* whom the culprit is about, and how, in a word that changes when another one is: NULL */
	const char *why;     /* of KUBE_HELD, KUBE_FAILED, KUBE_UNSEEN: a sentence */
};

void kube_rollers_add(struct kube_rollers *, const struct kube_change *, const cJSON *object);
void kube_rollers_start(struct kube_rollers *, struct run *, uint32_t tag);
bool kube_rollers_on(struct kube_rollers *, struct run *, const struct input *);
/* Texts in the arena. */
void kube_rollers_look(const struct kube_rollers *, struct arena *, struct kube_look *);
void kube_rollers_finish(struct kube_rollers *);

/* rollout_pods.c */
void kube_seen_put(struct kube_roller *, const cJSON *pod, struct arena *scratch);
void kube_seen_delete(struct kube_roller *, const cJSON *pod);
void kube_seen_clear(struct kube_roller *);
/* Adds the roller's pods to the look; its culprit too, when there is one and the look has none yet. is_late: what is
 * only slow counts as well. */
void kube_seen_look(const struct kube_roller *, bool is_late, struct arena *, struct kube_look *);
/* uid of the pod that ails, or NULL. */
const char *kube_seen_culprit(const struct kube_roller *);
void kube_seen_words(struct kube_roller *, const char *uid, const char *words); /* what an event says of it */
#endif

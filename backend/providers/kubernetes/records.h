/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_RECORDS_H
#define BACKEND_PROVIDERS_KUBERNETES_RECORDS_H
/* What is told of a fleet, only where it changed. Backend thread only. */
#include "backend/providers/kubernetes/fleet.h"

/* Service, placement, alerts, releases and deploys of a group. */
void kube_records_group(struct kube_fleet *, struct run *, struct kube_group *);
/* Takes back service, placement, releases and deploys: the group is gone, or will have another name. */
void kube_records_gone(struct kube_fleet *, struct run *, struct kube_group *);
void kube_records_environment(struct kube_fleet *, struct run *);
/* Takes back the release and the deploy of a revision. g: whose it was. */
void kube_revision_gone(struct run *, const struct kube_group *, struct kube_thing *);
void kube_records_revisions(struct kube_fleet *, struct run *, struct kube_group *,
			    const struct kube_thing *main);

/* The workload that stands for its service: the one that serves, not its jobs. NULL: there is none. */
struct kube_thing *kube_main_thing(const struct kube_group *);
bool kube_thing_serves(const struct kube_thing *); /* no Job or CronJob */
/* The newest ReplicaSet or ControllerRevision of a workload, and the one before it; NULL. */
const struct kube_thing *kube_newest(const struct kube_thing *);
const struct kube_thing *kube_revision_before(const struct kube_thing *workload, int64_t revision);
/* The Job that counts: of a CronJob its newest; a Job itself. NULL. */
const struct kube_thing *kube_last_job(const struct kube_thing *);
/* Why it failed, with how its last pod ended. */
const char *kube_job_reason(const struct kube_thing *job, struct arena *);
/* The side of the group's worst pod; NULL: all are well. */
const struct kube_side *kube_worst_side(const struct kube_group *);

uint64_t kube_digest(const struct record_class *,
		     const void *record);                          /* never 0; source and as_of left out */
void *kube_clone(const struct record_class *, const void *record); /* one block with its texts, free() it */
#endif

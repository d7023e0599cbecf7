/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_APPLY_PLAN_H
#define BACKEND_PROVIDERS_KUBERNETES_APPLY_PLAN_H
/*
 * The plan of bringing a service.yaml to a cluster while it is made: where it goes and what the server makes
 * of each object (apply_plan.c), which image (apply_image.c), how it is told (apply_tell.c). Backend thread
 * only.
 */
#include "backend/providers/kubernetes/apply.h"

#define KUBE_APPLY_SAID 64

struct kube_apply_said {
	const char *items[KUBE_APPLY_SAID];
	size_t n;
};
struct kube_apply_plan {
	struct arena arena;
	struct kube_folder folder;
	struct manifest manifest;
	struct kube_basis basis;
	struct texts places; /* where the service may be */
	size_t at_place;
	cJSON *live[MANIFEST_KINDS], *after[MANIFEST_KINDS];
	int waiting; /* answers that are out */
	struct kube_apply_said changes, warnings;
	const char *lock;   /* sentence; NULL: it is not locked */
	struct err refusal; /* the first one */
	unsigned denied;    /* bits of enum manifest_what: we may not change those */
	bool is_over;
};

void kube_apply_say(struct kube_apply_said *, const char *text); /* borrowed */
/* The first refusal counts. */
void kube_apply_refuse(struct kube_apply_plan *, enum err_kind, const char *text);
/* The image that is wanted, given or to be built; NULL after refusing. */
const char *kube_apply_image(struct kube_apply_plan *, struct run *);
void kube_apply_tell(struct kube_apply_plan *, struct run *);
#endif

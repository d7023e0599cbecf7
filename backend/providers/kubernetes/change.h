/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_CHANGE_H
#define BACKEND_PROVIDERS_KUBERNETES_CHANGE_H
/*
 * One write to one object: a patch that holds only while the object is the one that the plan has seen. A plan's
 * basis is a list of these, so that what is sent is what was tried on the server and shown. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/providers/kubernetes/kubernetes.h"

#define KUBE_CHANGES_MAX 16 /* workloads of one service that are changed together */

#define KUBE_MERGE "application/merge-patch+json"                 /* RFC 7386 */
#define KUBE_STRATEGIC "application/strategic-merge-patch+json"   /* built-in kinds only */
#define KUBE_JSON_PATCH "application/json-patch+json"             /* RFC 6902 */

struct kube_change {
	enum kube_what what;
	const char *namespace, *name, *uid;
	const char *version;     /* resourceVersion that was seen */
	int64_t generation;      /* of the specification that was seen */
	const char *sub;         /* "scale", "status", or NULL */
	const char *mark, *was;  /* KUBE_LOCK or KUBE_ACKS, which it writes, and what that was (NULL: not there); else NULL */
	const char *type;        /* KUBE_MERGE, … */
	cJSON *patch;            /* owned by whoever made or loaded it; an array when type is KUBE_JSON_PATCH */
	bool has_cause;          /* it makes a revision: who and why are written along */
	bool is_rollout;         /* pods are replaced, added or ended by it: worth watching */
};

void kube_change_path(struct str *, const struct kube_change *, bool is_trial);
/* The patch; with_version: it is refused (409) when the object is another one or has changed at all; cause may be
 * NULL. Free it. */
char *kube_change_body(const struct kube_change *, bool with_version, const char *cause);
/* As JSON, and back: texts in the arena, the patch is the caller's to delete. */
cJSON *kube_change_save(const struct kube_change *);
bool kube_change_load(const cJSON *, struct arena *, struct kube_change *);
/* "Deployment checkout" or, when shown_namespace, "Deployment checkout in payments". In the arena. */
const char *kube_change_name(const struct kube_change *, bool shown_namespace, struct arena *);

/* Who wrote the object's specification last, by its managedFields: "kubectl-edit"; NULL when it does not say. */
const char *kube_last_manager(const cJSON *object);

/* A JSON patch grows by {op, path and one more key unless NULL, value}; takes value. One with has_cause must see to it
 * that the object has annotations. */
void kube_patch_add(cJSON *patch, const char *op, const char *path, const char *key, cJSON *value);
#endif

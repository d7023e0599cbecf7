/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_KUBERNETES_H
#define BACKEND_PROVIDERS_KUBERNETES_KUBERNETES_H
/*
 * A cluster, through its API server: Kubernetes API 1.36, https://kubernetes.io/docs/reference/. What the
 * queries of this folder share: kinds, paths, errors. How the server is reached is the host's matter
 * (backend/reach.h). The environment of a source is the one that its configuration stands in; it is never
 * NULL. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/address.h"
#include "backend/provider.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define KUBE_HEAD_MS 10000 /* a server that does not begin to answer within is said not to answer */
#define KUBE_MANAGER "fairway" /* fieldManager of our writes */

/* Annotations and labels that fairway reads of a workload; people may set them. */
#define KUBE_PREFIX "fairway.dev/"

extern const struct query kubernetes_watch, kubernetes_logs, kubernetes_log_follow, kubernetes_use, kubernetes_plan,
	kubernetes_execute, kubernetes_lend_plan, kubernetes_lend_execute;

/* One row a kind. */
enum kube_what {
	KUBE_DEPLOYMENT, KUBE_STATEFULSET, KUBE_DAEMONSET, KUBE_CRONJOB, KUBE_JOB, KUBE_ROLLOUT, /* workloads … */
	KUBE_WORKLOADS, /* … so many */
	KUBE_REPLICASET = KUBE_WORKLOADS, KUBE_POD, KUBE_EVENT, KUBE_AUTOSCALER, KUBE_REVISION, KUBE_QUOTA,
	KUBE_SERVICE, KUBE_BUDGET, KUBE_POLICY, KUBE_MONITOR, KUBE_NAMESPACE,
	KUBE_KINDS
};
struct kube_kind {
	const char *group, *version; /* group "": the core */
	const char *plural, *name;   /* "deployments", "Deployment" */
	bool is_optional;            /* a custom one: a cluster may not have it */
};
extern const struct kube_kind kube_kinds[KUBE_KINDS];
enum kube_what kube_what_of(const char *kind_name); /* "Deployment"; KUBE_KINDS when unknown */

/* Appends "/apis/apps/v1/namespaces/NS/deployments/NAME/SUB"; NULL parts are left out. */
void kube_path(struct str *, enum kube_what, const char *namespace, const char *name, const char *sub);

/* Whose an object is, as kube_identity_read() tells, but by the labels that the configuration names
 * (service-label, team-label). */
struct kube_meta;
struct kube_identity;
void kube_identify(struct run *, const struct kube_meta *, struct kube_identity *);

/* The namespaces of the configuration, in its order; n 0: it says none. In run_arena(). */
struct texts kube_namespaces(struct run *);
const char *kube_environment(const struct run *);

/* What an INPUT_FAIL means, as a sentence for a person: who we are is not accepted (401, ERR_REFUSED), what
 * right is missing (403, ERR_REFUSED), a Status's own message, or the wire's. */
void kube_failure(struct run *, const struct input *, struct err *);
/* Reason of the Status in a failed reply ("Expired", "Conflict", "Invalid"), in run_arena(); NULL: none. */
const char *kube_status_reason(struct run *, const struct input *);
/* An INPUT_HEAD that promises something else than JSON comes from a login page or a proxy. */
bool kube_speaks(const struct input *, struct err *);

/* A GET whose whole reply comes as one unit. */
void kube_get(struct run *, uint32_t tag, const char *path);
/* A write, once. type: "application/merge-patch+json", … */
void kube_send(struct run *, uint32_t tag, const char *method, const char *path, const char *type, const char *body);
/* What the server stores nothing of: a dry run, a question with a body. Goes out again, like a read of a plan. */
void kube_try(struct run *, uint32_t tag, const char *method, const char *path, const char *type, const char *body);
#endif

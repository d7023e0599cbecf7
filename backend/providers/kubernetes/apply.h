/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_APPLY_H
#define BACKEND_PROVIDERS_KUBERNETES_APPLY_H
/*
 * A service.yaml brought to a cluster: an image of the folder, by the builder of the configuration or given;
 * the objects of model/manifest.h by server-side apply,
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/. What a plan (apply_plan.c) and its
 * execution (apply_run.c) share. Backend thread only.
 */
#include "backend/providers/kubernetes/folder.h"
#include "backend/providers/kubernetes/kubernetes.h"
#include "model/manifest.h"

#define KUBE_APPLY "application/apply-patch+yaml"
#define KUBE_SCALER                                                                                          \
	"fairway-scale" /* fieldManager of the first number of instances: no later apply takes it back */

extern const struct query kubernetes_apply_plan, kubernetes_apply_execute;
extern const struct query kubernetes_prove_plan, kubernetes_prove_execute; /* prove.c */

/* What a plan rests on: the objects are made anew of the same file and image when it is executed. */
struct kube_basis {
	const char *image, *namespace;
	const char *hash;   /* of service.yaml */
	const char *uid;    /* of the Deployment that is there; NULL: none */
	int64_t generation; /* of its specification */
	bool is_built, is_namespace_made, has_monitor;
	unsigned forced;  /* bits of enum manifest_what: their fields are taken over */
	unsigned changed; /* likewise: the others are as they should be */
};
char *kube_basis_text(const struct kube_basis *); /* free it */
bool kube_basis_read(const char *text, struct arena *, struct kube_basis *);

/* The objects of that file for this environment, as the basis says. */
void kube_make_manifest(struct manifest *, struct run *, const struct service_file *,
			const struct kube_basis *);
/* Where a service may be: the namespaces of the configuration, or the context's; at least one. Only after the
 * server answered something. In the arena. */
struct texts kube_places(struct run *, struct arena *);
/* Whether a wish is for service.yaml rather than for an image alone. */
bool kube_is_apply(const struct wish *);
enum kube_what kube_manifest_what(enum manifest_what);
/* "/apis/apps/v1/namespaces/NS/deployments/NAME?fieldManager=fairway…" */
void kube_apply_path(struct str *, enum manifest_what, const char *namespace, const char *name, bool is_trial,
		     bool is_forced);
/* What is sent: never the number of instances, which is a person's or an autoscaler's once it is there.
 * cause: of a Deployment, or NULL. Free it. */
char *kube_apply_body(const struct manifest *, enum manifest_what, const char *cause);
#endif

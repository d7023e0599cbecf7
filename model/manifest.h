/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_MANIFEST_H
#define MODEL_MANIFEST_H
/*
 * What becomes of a service.yaml on a Kubernetes cluster (API 1.36, https://kubernetes.io/docs/reference/):
 * the objects, in the order in which they are applied, and what service.yaml says that they do not hold, in
 * sentences. The same input gives the same bytes. Pure; any thread. fairway-service(5), Clusters, tells the
 * rules.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/mem.h"
#include "model/record.h"
#include "model/service_file.h"

#define MANIFEST_MANAGER "fairway" /* app.kubernetes.io/managed-by, and fieldManager of what is applied */
#define MANIFEST_PREFIX "fairway.dev/" /* of annotations that tell owner, tier, links */
#define MANIFEST_PORT 8080         /* of a container whose service.yaml says none, or one below 1024 */
#define MANIFEST_SERVICE_PORT 80   /* where a Service answers, so that those who depend on it know */
#define MANIFEST_VERSION_MAX 63    /* of a label's value */

enum manifest_what { /* in the order of application: nothing is reachable before its policy is there */
	MANIFEST_POLICY, MANIFEST_SERVICE, MANIFEST_DEPLOYMENT, MANIFEST_AUTOSCALER, MANIFEST_BUDGET,
	MANIFEST_MONITOR, /* of a custom kind: a cluster may not have it */
	MANIFEST_KINDS
};

struct manifest_wish { /* borrowed for the call */
	const struct service_file *file;
	const char *environment; /* NULL: what holds everywhere */
	const char *namespace;   /* NULL: the objects name none */
	const char *image;       /* whole; never NULL */
	const char *version;     /* NULL: what the image's tag or digest says */
	bool lacks_monitors;     /* the cluster is known not to have that kind */
};
struct manifest { /* owns everything in it */
	struct arena arena;
	cJSON *objects[MANIFEST_KINDS]; /* NULL: not wanted */
	struct texts notes;
	int replicas;            /* wanted at first; the autoscaler's, or a person's, afterwards */
};
void manifest_make(struct manifest *, const struct manifest_wish *);
void manifest_finish(struct manifest *); /* all zero is fine */

/* Appends the objects as YAML documents, "---" between them. */
void manifest_print(struct str *, const struct manifest *);
/* What the label app.kubernetes.io/version says of a version: no character and no length that a label may not have.
 * NULL is none. Appended. */
void manifest_version(struct str *, const char *version);
#endif

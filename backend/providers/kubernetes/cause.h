/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_CAUSE_H
#define BACKEND_PROVIDERS_KUBERNETES_CAUSE_H
/*
 * Who changed a workload and why, as the annotation kubernetes.io/change-cause tells it; the controllers copy it to
 * the revision that comes of the change, and `kubectl rollout history` prints it. Ours reads
 *
 *	fairway ACTION [VERSION] by NAME[: REASON]
 *
 * One line, at most KUBE_CAUSE_MAX bytes. Pure.
 */
#include <stdbool.h>

#include "base/mem.h"

#define KUBE_CAUSE "kubernetes.io/change-cause"
#define KUBE_CAUSE_MAX 512

struct kube_cause {
	const char *action, *version, *by, *reason; /* version and reason may be NULL */
};
const char *kube_cause_text(const struct kube_cause *, struct arena *);
/* False when another program, or a person, wrote it; *c is all NULL then. Texts in the arena. */
bool kube_cause_read(const char *text, struct arena *, struct kube_cause *c);
#endif

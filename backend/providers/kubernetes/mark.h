/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_MARK_H
#define BACKEND_PROVIDERS_KUBERNETES_MARK_H
/*
 * What people note on a workload by fairway, for everybody who looks at the cluster: annotations whose values are JSON.
 *
 *	fairway.dev/lock   {"by", "reason", "at", "until"}: no change of it is planned; until may be missing
 *	fairway.dev/acks   {KIND: {"by", "at", "until"}, …}: who is on an alert; KIND is the first part of its id
 *
 * Times are RFC 3339. Anybody with the right to patch the workload may write them; what does not read as such counts
 * for nothing. Only fairway minds a lock: kubectl does not. Pure.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/provider.h"

#define KUBE_LOCK "fairway.dev/lock"
#define KUBE_ACKS "fairway.dev/acks"

struct kube_mark {
	const char *by, *reason;
	int64_t at, until; /* wall ms; until 0: until it is taken back */
};
/* False: there is none, or it is over. Texts in the arena. */
bool kube_lock_read(const char *annotation, int64_t now, struct arena *, struct kube_mark *);
/* kind: "crash-loop". One of an alert that fired before `since` and again now does not count. */
bool kube_ack_read(const char *annotation, const char *kind, int64_t since, int64_t now, struct arena *,
		   struct kube_mark *);
/* "by ada: freeze, until 2026-11-23T10:00:00Z". In the arena. */
const char *kube_lock_text(const struct kube_mark *, struct arena *);
/* The annotation with this one in it; mark NULL: without it, NULL when nothing is left. In the arena. */
const char *kube_lock_write(const struct kube_mark *, struct arena *);
const char *kube_ack_write(const char *annotation, const char *kind, const struct kube_mark *, struct arena *);
#endif

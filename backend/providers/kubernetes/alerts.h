/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_ALERTS_H
#define BACKEND_PROVIDERS_KUBERNETES_ALERTS_H
/*
 * Alerts out of what the cluster says: one a service and kind, with an id that lasts
 * ("crash-loop/NS/SERVICE"). What comes and goes does not blink: an alert fires when its cause stood for a
 * while, stays for a while after it went, and is shown as resolved for 15 minutes. Backend thread only.
 */
#include "backend/providers/kubernetes/fleet.h"

enum kube_alert_kind { /* in order of how much they explain */
		       KUBE_ALERT_CRASH,
		       KUBE_ALERT_OOM,
		       KUBE_ALERT_IMAGE,
		       KUBE_ALERT_CONFIG,
		       KUBE_ALERT_NODE,
		       KUBE_ALERT_PROBE,
		       KUBE_ALERT_REFUSED,
		       KUBE_ALERT_ROLLOUT,
		       KUBE_ALERT_JOB,
		       KUBE_ALERT_KINDS
};
struct kube_alert {
	uint8_t phase; /* enum alert_phase; ALERT_UNKNOWN: there is none */
	uint8_t times;
	bool is_critical;
	int64_t starts_at, ends_at;
	int64_t fired[3]; /* the last times, newest first */
	int64_t down_at;  /* when nothing served last, while it fires */
	int64_t bad_at;   /* since when its cause stands; 0: it does not */
	int64_t clear_at; /* since when it does not any more, while it still fires; 0 */
	int64_t over_at;  /* when it was over the time before; 0 */
	int64_t resumed_at; /* when the container of a loop was seen to run again; 0: it was not */
	int64_t ran_ms;   /* how long its container ran before it ended, and its pod */
	struct kube_uid pod;
	uint64_t digest;
	char *summary; /* of the last time it stood */
};
struct kube_alerts {
	struct kube_alerts *next, **at; /* of all groups */
	struct kube_group *group;
	int64_t due; /* when one changes by itself; 0: never */
	struct kube_alert items[KUBE_ALERT_KINDS];
};

/* Tells what changed of the group's alerts and adds those that fire to the facts of its health. serving:
 * whether an instance is ready, or none is wanted. */
void kube_alerts_update(struct kube_fleet *, struct run *, struct kube_group *, bool is_serving,
			struct health_facts *);
void kube_alerts_drop(struct kube_fleet *, struct run *, struct kube_group *); /* takes them back */
void kube_alerts_free(struct kube_alerts *);                                   /* NULL is fine */
/* Marks the groups dirty of which one is due, and finds out when the next is. */
void kube_alerts_touch(struct kube_fleet *, int64_t now);
#endif

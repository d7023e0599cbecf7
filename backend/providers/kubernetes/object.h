/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_OBJECT_H
#define BACKEND_PROVIDERS_KUBERNETES_OBJECT_H
/*
 * Objects of the API as a person would tell them. Texts are borrowed from the JSON or lie in the arena; what
 * is absent or of a wrong type reads as nothing said. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/providers/kubernetes/kubernetes.h"
#include "model/record.h"

struct kube_meta {
	const char *namespace, *name, *uid, *version;    /* version: resourceVersion, text */
	int64_t generation, created_at, deleted_at;      /* wall ms; 0: not */
	const cJSON *labels, *annotations;               /* objects or NULL */
	const char *owner_kind, *owner_name, *owner_uid; /* its controller */
};
void kube_meta_read(const cJSON *object, struct kube_meta *);
int64_t kube_time(const cJSON *object, const char *name); /* RFC 3339 member as wall ms; 0 */
/* "500m", "1", "128Mi", "1e3": in thousandths of the unit (millicores, or bytes x 1000); RECORD_NONE when it
 * is none. Saturates. */
int64_t kube_quantity(const char *text);

/* Who an object belongs to, by its labels and annotations. Team, tier and such have no one standard name: the
 * first that is there wins; the annotations KUBE_PREFIX… win over all. */
struct kube_identity {
	const char *service; /* app.kubernetes.io/name, else app, else the object's own name; never NULL */
	const char *component;
	const char *team, *tier, *on_call, *language, *lifecycle, *description, *runbook;
	const char *owner; /* GitOps or Helm: "Argo CD app payments", "Flux kustomization x", "Helm release
			      y"; NULL */
};
void kube_identity_read(const struct kube_meta *, struct arena *, struct kube_identity *);
/* Links of KUBE_PREFIX "link.NAME" annotations, in the arena. */
struct pairs kube_links(const struct kube_meta *, struct arena *);

/* Steady: the last rollout is complete; available may be less than desired all the same (instances fail).
 * Stuck: of a Job: it failed. */
enum kube_rollout { KUBE_STEADY, KUBE_ROLLING, KUBE_STUCK, KUBE_PAUSED };
struct kube_workload {
	struct kube_meta meta;
	enum kube_what what;
	const char *container,
		*image;      /* of the main container (annotation kubectl.kubernetes.io/default-container) */
	const char *version; /* image_version() of it, or the label app.kubernetes.io/version */
	int64_t desired, ready, updated, available, total; /* zero when the API leaves them out */
	int64_t revision; /* deployment.kubernetes.io/revision; RECORD_NONE */
	bool has_older;   /* it is a revision that had another number before: it was gone back to */
	enum kube_rollout rollout;
	const char *reason;       /* stuck or rolling: a sentence; NULL */
	int64_t since;            /* of the rollout's last change */
	const char *change_cause; /* kubernetes.io/change-cause */
	bool is_paused, is_suspended;
	int64_t pause_ms;      /* a paused rollout goes on by itself after so long; 0: it waits for somebody */
	bool is_unseen;        /* its controller has not taken up the last change yet */
	bool is_refused;       /* its pods cannot be made: quota, admission; reason has the words */
	const cJSON *selector; /* spec.selector */
	const cJSON *template; /* the pods' template */
};
bool kube_workload_read(enum kube_what, const cJSON *object, struct arena *, struct kube_workload *);
/* "app=web,tier in (a,b)" of a LabelSelector, as a labelSelector parameter; NULL when it is empty. */
const char *kube_selector(const cJSON *selector, struct arena *);

struct kube_pod {
	struct kube_meta meta;
	enum phase phase;
	const char *status; /* what kubectl's STATUS column says: "CrashLoopBackOff" */
	const char *reason; /* a sentence for a person when it is not well, with the server's words; NULL */
	const char *exit;   /* of the last ended container: "exit 3", "OOMKilled", "SIGKILL" */
	bool is_ready;
	bool is_waiting_node; /* no node takes it */
	int64_t restarts, started_at, port;
	const char *node, *image, *container, *version;
	int64_t cpu_request, cpu_limit;       /* millicores, RECORD_NONE */
	int64_t memory_request, memory_limit; /* bytes, RECORD_NONE */
	int64_t since;                        /* since when it is as it is; 0 */
	int64_t ended_at;                     /* when the container of `exit` ended; 0 */
	/* Of a crash loop, which is as old as the waits between its tries tell: it began after `loops_after` (0: not
	 * known), and before `since`. */
	int64_t loops_after;
	int64_t ran_ms; /* how long it ran the last time before it ended; 0 */
	/* Of a container that runs again after it crashed in a loop, told whether or not that was long ago: since when it
	 * runs, and before which moment its loop began. 0: none did, or its present state tells it already. */
	int64_t resumed_at, looped_at;
};
bool kube_pod_read(const cJSON *object, struct arena *, struct kube_pod *);

struct kube_container { /* of a pod, for logs and exec */
	const char *name;
	bool is_init, is_sidecar, is_running,
		was_running; /* was_running: a run before this one can be asked for */
	bool has_run;        /* there is a log to ask for */
	int64_t restarts, started_at;
	const char *ended;  /* how its present run ended, as kube_pod.exit; NULL: it runs, or never did */
	const char *before; /* how the run before that ended */
	const char *waits;  /* why it does not run: "ImagePullBackOff: …"; NULL */
};
size_t kube_pod_containers(const cJSON *object, struct arena *, const struct kube_container **);
#endif

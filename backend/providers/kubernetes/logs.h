/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_LOGS_H
#define BACKEND_PROVIDERS_KUBERNETES_LOGS_H
/*
 * The log of one container, told once and in order, whatever ends the replies that carry it. Kubernetes API
 * 1.36, GET …/pods/POD/log; what the kubelet does behind it: k8s.io/cri-client/pkg/logs 0.36.
 *
 * A reply is raw text: it may end well though more is to come (the container ended, a proxy is tired, the
 * kubelet lost its way), and says neither which run of the container it is of nor whether a rotation took
 * lines away. So every line is asked for with its stamp, and a reply that goes on where another one ended
 * is asked for from a little before the last line that was told. If that line comes again, nothing is
 * missing. If not, the run before (previous=true) is looked for it: then the container was restarted, and
 * the rest of that run is told first. If it is nowhere, it is said between which times lines may be missing.
 *
 * While it follows, the kubelet goes on in the new file as soon as that is made, though the runtime may yet
 * write to the old one: of a thousand lines a second one or two were lost in every ninth rotation, of a
 * hundred one in every 120th, of ten none in 1,100 (kubelet 1.36, containerd 1.6). It may also miss a rotation
 * altogether and fall silent, or begin a file anew. A file that was rotated away is had by nodes/proxy alone,
 * which none of the roles view, edit and admin has. So now and then a look is taken at the first stamp of the
 * node's file, which tells of a rotation: what may be missing lies between the line that was told before that
 * one and it, and this is said. When nothing comes, the look is at the last stamp. Backend thread only.
 */
#include "backend/providers/kubernetes/kubernetes.h"
#include "backend/providers/kubernetes/object.h"

/* "2026-11-22T21:17:45.908452910Z TEXT": nanoseconds since 1970; the text begins after *used bytes. */
struct kube_stamps { /* the last second that was read; all zero at first */
	char second[20];
	int64_t ns;
};
bool kube_stamp_read(struct kube_stamps *, const char *line, size_t len, int64_t *ns, size_t *used);

struct kube_run {                     /* what the pod tells of its container */
	bool is_running, has_run;     /* has_run: there is a log to ask for */
	int64_t restarts, started_at; /* number of the present or last run, from 0 */
	char ended[64];               /* how that run ended: "exit 3"; "" when it runs, or nobody knows */
	char before[64];              /* how the one before ended */
	char waits[320];              /* why it does not run: "ImagePullBackOff: …"; "" */
};
void kube_run_of(const struct kube_container *, struct kube_run *);

enum kube_tail_phase {
	KUBE_TAIL_IDLE,  /* nothing is asked: not begun, or the container must change first */
	KUBE_TAIL_OPEN,  /* lines come */
	KUBE_TAIL_PAUSE, /* asks again when the timer is due, the last look is back, or the container changes
			  */
	KUBE_TAIL_OVER,
};
enum kube_look { KUBE_LOOK_NONE, KUBE_LOOK_FILE, KUBE_LOOK_NEWEST, KUBE_LOOK_RUN };
#define KUBE_TAIL_TAGS 3
struct kube_tail {
	char *namespace, *pod, *container, *id; /* id: how its lines name their instance */
	size_t id_len;
	uint32_t tag; /* lines, look, timer */
	enum kube_tail_phase phase;
	struct kube_run now;
	bool is_gone;       /* the pod was deleted */
	struct err failure; /* why it is over; or why it is broken */
	bool is_broken;     /* the way to the server is */
	/* Of the run that is read. */
	int64_t run;      /* its number */
	bool is_first;    /* no run was left yet: since and tail hold */
	bool has_line;    /* the anchor is of it */
	bool is_complete; /* it ended, and all of its log was told */
	bool is_whole;    /* it was read from its start */
	bool was_previous_tried, was_file_seen, is_ended_told, is_node_told;
	size_t bytes, lines, looked_bytes, looked_lines;
	int64_t file; /* ns: the node's file begins then or before; 0: unknown */
	int64_t *past; /* ns: the first line told in each ms, since a little before the last look at the file */
	size_t n_past, looked_past;
	/* What was told, in ns. */
	int64_t anchor, newest; /* stamp of the last line, and the highest one; 0: none */
	uint32_t same;          /* lines told that have the anchor's stamp */
	int64_t since;          /* older ones are not wanted */
	int64_t left;           /* the anchor when the last run was left; 0: none */
	int64_t torn;           /* of a line that had no end yet when its reply ended; 0 */
	size_t torn_len;
	/* The reply that is open. */
	bool is_previous, is_catching, needs_proof, is_fresh, was_ended, is_stamped;
	uint32_t skip; /* lines of the anchor's stamp still to be left out */
	int attempts, quiet;
	enum kube_look look;
	bool is_last_look, is_behind, is_hurried;
	size_t behind_lines;
	char note[200]; /* what the node says instead of lines */
	struct kube_stamps stamps;
};

/* Copies the texts. id: "pod", or "pod/container" where the pod has several. */
struct kube_tail *kube_tail_new(const char *namespace, const char *pod, const char *container, const char *id,
				uint32_t tag);
void kube_tail_free(struct kube_tail *);
void kube_tail_begin(struct kube_tail *, struct run *);
/* The pod changed; also before kube_tail_begin(). */
void kube_tail_tell(struct kube_tail *, struct run *, const struct kube_run *);
void kube_tail_gone(struct kube_tail *, struct run *);
static inline bool kube_tail_owns(const struct kube_tail *t, const struct input *in)
{
	return in->tag >= t->tag && in->tag < t->tag + KUBE_TAIL_TAGS;
}
void kube_tail_on(struct kube_tail *, struct run *, const struct input *);
/* Holds a connection, or will in a moment: counts against the bound. */
static inline bool kube_tail_is_busy(const struct kube_tail *t)
{
	return t->phase == KUBE_TAIL_OPEN || t->phase == KUBE_TAIL_PAUSE;
}
#endif

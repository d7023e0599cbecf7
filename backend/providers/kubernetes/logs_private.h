/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_LOGS_PRIVATE_H
#define BACKEND_PROVIDERS_KUBERNETES_LOGS_PRIVATE_H
/* Between logs_line.c (lines as they come) and logs_tail.c (what is asked for, and how replies end). */
#include "backend/providers/kubernetes/logs.h"

#define KUBE_SLACK_NS 100000000      /* stdout and stderr are stamped before they queue up for the file */
#define KUBE_BUSY_BYTES (256 * 1024) /* so many at least lie between two rotations */
#define KUBE_LATE_MS 10000           /* a log that begins so much later may have begun earlier */

void kube_tail_line(struct kube_tail *, struct run *, const struct input *);
void kube_tail_say(const struct kube_tail *, struct run *, enum log_what, int64_t ms, const char *text);
bool kube_tail_follows(const struct kube_tail *, const struct run *);
int64_t kube_tail_from(const struct kube_tail *,
		       const struct run *);                /* ms: when what was asked for began; 0: unsaid */
size_t kube_tail_limit(const struct kube_tail *);          /* bytes that a reply may still bring */
/* Says so, and goes on from here. next: stamp of the line that comes now; 0: none does. */
void kube_tail_unproven(struct kube_tail *, struct run *, int64_t next);
/* "lines written between A and B may be missing", from stamps, in the run's arena. to 0: after A. */
const char *kube_tail_missing(struct run *, int64_t from, int64_t to);
/* Of the file that begins with that stamp: where what was told of the one before ends, to the ms. */
int64_t kube_tail_before(const struct kube_tail *, int64_t ns);
void kube_tail_looked(struct kube_tail *); /* what was told before that look is all of the present file */
/* needs_proof: goes on after the last line, or since `from` when that is earlier. Else from the start, or
 * what is newer than all that was told when a line of this run was. */
void kube_tail_ask(struct kube_tail *, struct run *, bool is_previous, bool needs_proof, int64_t from);
void kube_tail_look(struct kube_tail *, struct run *, enum kube_look);
void kube_tail_hurry(struct kube_tail *, struct run *);
#endif

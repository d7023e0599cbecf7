/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_FIND_H
#define BACKEND_PROVIDERS_KUBERNETES_FIND_H
/*
 * The workloads of one service, for queries that do not hold the whole fleet: each kind is listed once, page
 * by page, in the namespaces of the configuration, else everywhere, else (403) in the context's namespace.
 * Whose a workload is may be told by an annotation, so the server cannot choose. Backend thread only.
 */
#include "backend/providers/kubernetes/kubernetes.h"
#include "backend/providers/kubernetes/object.h"

#define KUBE_FIND_TAGS 0x1000 /* tags from `tag` on belong to it */

struct kube_found {
	enum kube_what what;
	char *namespace, *name;
	char *selector; /* labelSelector that its pods match; NULL: none, a CronJob's */
};
/* Whether a service is shown by that name: "web", or "web.shop" where two namespaces have one. */
bool kube_is_called(const char *name, const char *service, const char *namespace);
struct kube_find;
/* Once. err: the service is not there, or nobody could look. found and what it holds die with the kube_find.
 */
typedef void kube_find_done(struct run *, const struct kube_find *, const struct err *, void *arg);

struct kube_find {
	/* To be filled in. */
	const char *service; /* NULL: every one */
	uint32_t tag;
	kube_find_done *done;
	/* Takes the object of each one that is found, for who needs more than its name; found stays empty then. */
	void (*each)(struct run *, const struct kube_find *, enum kube_what, cJSON *object);
	void *arg;
	/* What was found. */
	struct kube_found *found;
	size_t n;
	/* Its own. */
	char **namespaces; /* NULL at its one place: all */
	size_t n_namespaces, n_open, n_answered;
	bool is_done;
	struct err failure;
};
void kube_find_start(struct kube_find *, struct run *);
static inline bool kube_find_owns(const struct kube_find *f, const struct input *in)
{
	return in->tag >= f->tag && in->tag < f->tag + KUBE_FIND_TAGS;
}
void kube_find_on(struct kube_find *, struct run *, const struct input *);
void kube_find_finish(struct kube_find *);
#endif

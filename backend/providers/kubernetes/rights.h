/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_RIGHTS_H
#define BACKEND_PROVIDERS_KUBERNETES_RIGHTS_H
/*
 * What we may do, asked of the server before it is tried: SelfSubjectAccessReview of authorization.k8s.io/v1.
 * Anybody who is logged in may ask. No opinion counts as no. Backend thread only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/providers/kubernetes/kubernetes.h"
#include "model/record.h"

struct kube_right {
	const char *verb;
	enum kube_what what;
	const char *sub; /* "scale", or NULL */
};
/* Its answer comes as one unit. */
void kube_right_ask(struct run *, uint32_t tag, const char *namespace, const struct kube_right *);
/* True, false, or *err: the answer cannot be read. */
bool kube_right_read(const struct input *, struct err *);
/* "you may not patch deployments/scale in namespace payments" */
const char *kube_right_denied(const struct kube_right *, const char *namespace, struct arena *);

/*
 * The same for all that the keys of an environment want, kept fresh for its watch:
 *
 *	kube_rights_start(&rights, r, namespaces);           at INPUT_START; tags from `tag` on are its own
 *	if (kube_rights_owns(&rights, in)) …                  at every input:
 *		if (kube_rights_on(&rights, r, in)) put the environment anew, with rights.denied
 *
 * An action is denied when it is in each of these namespaces; no namespace at all asks for none.
 */
#define KUBE_RIGHTS_NAMESPACES 8  /* so many are asked about */
#define KUBE_RIGHTS_TAGS (KUBE_RIGHTS_NAMESPACES * 16 + 1)
#define KUBE_RIGHTS_AGAIN_MS (5 * 60 * 1000)

struct kube_rights {
	uint32_t tag;         /* to be filled in */
	struct arena arena, said; /* its own, from here on */
	struct pairs denied;  /* action to sentence */
	struct texts namespaces;
	uint8_t answers[KUBE_RIGHTS_NAMESPACES * 16];
	int waiting;
};
void kube_rights_start(struct kube_rights *, struct run *, const struct texts *namespaces);
static inline bool kube_rights_owns(const struct kube_rights *s, const struct input *in)
{
	return in->tag >= s->tag && in->tag < s->tag + KUBE_RIGHTS_TAGS;
}
bool kube_rights_on(struct kube_rights *, struct run *, const struct input *); /* true: denied is complete anew */
void kube_rights_finish(struct kube_rights *);
#endif

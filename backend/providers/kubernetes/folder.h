/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_FOLDER_H
#define BACKEND_PROVIDERS_KUBERNETES_FOLDER_H
/*
 * A service's folder on this machine: its service.yaml, and how the version that lies there is called, as the
 * embedded platform calls it (fairway-service(5)): the nearest tag of the service, else the nearest tag
 *without a slash, else the commit. What is not committed has no name of its own: it is called by the time.
 *
 *	kube_folder_start(&f, r, folder, true);          tags from KUBE_FOLDER_TAG on are its own
 *	if (kube_folder_owns(in)) switch (kube_folder_on(&f, r, in, &err)) …
 *
 * Backend thread only.
 */
#include "backend/provider.h"
#include "base/hash.h"
#include "model/service_file.h"

#define KUBE_FOLDER_TAG 1
#define KUBE_FOLDER_TAGS 2
#define KUBE_VERSION_MAX 128 /* of a tag: https://github.com/opencontainers/distribution-spec */

enum kube_looked { KUBE_LOOKS_ON, KUBE_LOOKED, KUBE_LOOKED_IN_VAIN };
struct kube_folder {                        /* all zero to start with */
	struct service_file file;           /* name is NULL until it was read */
	char hash[HASH_HEX];                /* of the bytes of service.yaml */
	char version[KUBE_VERSION_MAX + 1]; /* "" when not asked for */
	bool is_by_time;                    /* the version says when, not what */
	const char *path;                   /* borrowed */
	bool wants_version;
	size_t question;
};
void kube_folder_start(struct kube_folder *, struct run *, const char *path, bool wants_version);
static inline bool kube_folder_owns(const struct input *in)
{
	return in->tag >= KUBE_FOLDER_TAG && in->tag < KUBE_FOLDER_TAG + KUBE_FOLDER_TAGS;
}
enum kube_looked kube_folder_on(struct kube_folder *, struct run *, const struct input *, struct err *);
void kube_folder_finish(struct kube_folder *);
#endif

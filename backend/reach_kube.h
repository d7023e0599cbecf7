/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_REACH_KUBE_H
#define BACKEND_REACH_KUBE_H
/*
 * The part of backend/reach.h that kubeconfigs are: what a context says becomes a struct reach, with the
 * credentials of its user as kubectl would send them. A file that changed is read again before the next request;
 * but a source that names no context stays with the one that was current when it was first asked, whatever another
 * program makes current meanwhile. Files of tokens are read again after REACH_TOKEN_MS and after a 401. Credentials go
 * over https only. Without any kubeconfig, inside of a pod, the pod's service account is taken (Kubernetes: "Accessing
 * the API from within a Pod"). Backend thread only.
 */
#include "backend/reach.h"

struct credentials;
struct reach_kubes;
struct reach_kube_wait;

#define REACH_TOKEN_MS 60000

struct reach_kubes *reach_kubes_new(struct loop *, struct redact *);
void reach_kubes_free(struct reach_kubes *);
struct credentials *reach_kubes_credentials(struct reach_kubes *);
struct reach_kube_wait *reach_kube_ask(struct reach_kubes *, const struct config_source *, reach_told *, void *arg);
void reach_kube_cancel(struct reach_kube_wait *); /* NULL is fine */
bool reach_kube_refused(struct reach_kubes *, uint64_t serial);
#endif

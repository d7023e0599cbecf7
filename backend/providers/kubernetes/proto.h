/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_KUBERNETES_PROTO_H
#define BACKEND_PROVIDERS_KUBERNETES_PROTO_H
/*
 * What an API server says in Protocol Buffers, as the JSON that it would have said instead: of each kind what object.h
 * and the fleet read, and no more. A list costs two thirds of the bytes of its JSON so, half the time of the server, and
 * most of what is never read is not even parsed. https://kubernetes.io/docs/reference/using-api/api-concepts/
 * #protobuf-encoding; numbers from generated.proto of kubernetes/api and kubernetes/apimachinery 1.36. Whoever reads a
 * new member of an object adds its row: tests/kubernetes/lists.sh finds it missing. Pure.
 */
#include "backend/frame.h"
#include "backend/providers/kubernetes/kubernetes.h"

#define KUBE_PROTO_TYPE "application/vnd.kubernetes.protobuf"

/* How a list comes: runtime.Unknown, whose field 2 is the list, whose fields 2 are its objects. */
extern const struct frame_proto kube_proto_list;
/* Whether a list of that kind can come so; custom resources cannot. */
bool kube_proto_has(enum kube_what);
/* An object of such a list, appended as JSON; and the list without them: {"metadata":{…}}. */
bool kube_proto_object(enum kube_what, const char *bytes, size_t len, struct str *json, struct err *);
bool kube_proto_envelope(const char *bytes, size_t len, struct str *json, struct err *);
/* A failed reply, as {"type":{"kind":"Status"},"object":{…}}. False: it is not in Protocol Buffers. */
bool kube_proto_status(const char *bytes, size_t len, struct str *json);
#endif

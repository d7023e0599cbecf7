/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/proto.h"

#include <string.h>

#include "base/proto.h"

#define MAGIC "k8s"
#define MAGIC_LEN sizeof(MAGIC) /* a NUL belongs to it */

#define TEXT(number, name) {number, name, PROTO_TEXT, NULL, false, false, false, NULL}
#define INT(number, name) {number, name, PROTO_INT, NULL, false, false, false, NULL}
#define INT_OR_NONE(number, name) {number, name, PROTO_INT, NULL, false, false, true, NULL} /* 0 is no default */
#define FLAG(number, name) {number, name, PROTO_FLAG, NULL, false, false, false, NULL}
#define FLAG_OR_NONE(number, name) {number, name, PROTO_FLAG, NULL, false, false, true, NULL}
#define TIME(number, name) {number, name, PROTO_TIME, NULL, false, false, false, NULL}
#define RAW(number, name) {number, name, PROTO_JSON, NULL, false, false, false, NULL}
#define ONE(number, name, of) {number, name, PROTO_OBJECT, &of, false, false, false, NULL}
#define MANY(number, name, of) {number, name, PROTO_OBJECT, &of, true, false, false, NULL}
#define TEXTS(number, name) {number, name, PROTO_TEXT, NULL, true, false, false, NULL}
#define MAP(number, name, without) {number, name, PROTO_TEXT, NULL, false, true, false, without}
#define QUANTITIES(number, name) {number, name, PROTO_INNER, NULL, false, true, false, NULL}
#define MESSAGE(name, ...)                                                                                   \
	static const struct proto_row name##_rows[] = {__VA_ARGS__};                                         \
	static const struct proto_message name = {name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0])}

/* --- apimachinery, meta/v1 --- */

MESSAGE(owner, TEXT(1, "kind"), TEXT(3, "name"), TEXT(4, "uid"), FLAG(6, "controller"));
MESSAGE(meta, TEXT(1, "name"), TEXT(3, "namespace"), TEXT(5, "uid"), TEXT(6, "resourceVersion"), INT(7, "generation"),
	TIME(8, "creationTimestamp"), TIME(9, "deletionTimestamp"), MAP(11, "labels", NULL),
	MAP(12, "annotations", "kubectl.kubernetes.io/last-applied-configuration"), MANY(13, "ownerReferences", owner));
MESSAGE(list_meta, TEXT(2, "resourceVersion"), TEXT(3, "continue"));
MESSAGE(list, ONE(1, "metadata", list_meta));
MESSAGE(requirement, TEXT(1, "key"), TEXT(2, "operator"), TEXTS(3, "values"));
MESSAGE(selector, MAP(1, "matchLabels", NULL), MANY(2, "matchExpressions", requirement));
MESSAGE(details, INT(5, "retryAfterSeconds"));
MESSAGE(status, TEXT(2, "status"), TEXT(3, "message"), TEXT(4, "reason"), ONE(5, "details", details), INT(6, "code"));
MESSAGE(type, TEXT(2, "kind"));
MESSAGE(reply, ONE(1, "type", type), ONE(2, "object", status));

/* --- core/v1 --- */

MESSAGE(presence, TEXT(0, "")); /* no field has that number: that it is there is what counts */
MESSAGE(port, INT(3, "containerPort"));
MESSAGE(resources, QUANTITIES(1, "limits"), QUANTITIES(2, "requests"));
MESSAGE(container, TEXT(1, "name"), TEXT(2, "image"), MANY(6, "ports", port), ONE(8, "resources", resources),
	TEXT(24, "restartPolicy"), ONE(11, "readinessProbe", presence), ONE(22, "startupProbe", presence));
MESSAGE(gate, TEXT(1, "conditionType"));
MESSAGE(pod_spec, MANY(20, "initContainers", container), MANY(2, "containers", container), TEXT(3, "restartPolicy"),
	TEXT(10, "nodeName"), MANY(28, "readinessGates", gate), ONE(40, "resources", resources));
MESSAGE(waiting, TEXT(1, "reason"), TEXT(2, "message"));
MESSAGE(running, TIME(1, "startedAt"));
MESSAGE(terminated, INT_OR_NONE(1, "exitCode"), INT(2, "signal"), TEXT(3, "reason"), TEXT(4, "message"),
	TIME(5, "startedAt"), TIME(6, "finishedAt"));
MESSAGE(state, ONE(1, "waiting", waiting), ONE(2, "running", running), ONE(3, "terminated", terminated));
MESSAGE(container_status, TEXT(1, "name"), ONE(2, "state", state), ONE(3, "lastState", state), FLAG(4, "ready"),
	INT(5, "restartCount"), FLAG_OR_NONE(9, "started"));
MESSAGE(pod_condition, TEXT(1, "type"), TEXT(2, "status"), TIME(4, "lastTransitionTime"), TEXT(5, "reason"),
	TEXT(6, "message"));
MESSAGE(pod_status, TEXT(1, "phase"), MANY(2, "conditions", pod_condition), TEXT(3, "message"), TEXT(4, "reason"),
	TIME(7, "startTime"), MANY(10, "initContainerStatuses", container_status),
	MANY(8, "containerStatuses", container_status));
MESSAGE(pod, ONE(1, "metadata", meta), ONE(2, "spec", pod_spec), ONE(3, "status", pod_status));
MESSAGE(template, ONE(1, "metadata", meta), ONE(2, "spec", pod_spec));
MESSAGE(reference, TEXT(1, "kind"), TEXT(2, "namespace"), TEXT(3, "name"), TEXT(4, "uid"));
MESSAGE(series, INT(1, "count"), TIME(2, "lastObservedTime"));
MESSAGE(event, ONE(1, "metadata", meta), ONE(2, "involvedObject", reference), TEXT(3, "reason"), TEXT(4, "message"),
	TIME(6, "firstTimestamp"), TIME(7, "lastTimestamp"), INT(8, "count"), TEXT(9, "type"), TIME(10, "eventTime"),
	ONE(11, "series", series));

/* --- apps/v1 --- */

MESSAGE(deployment_condition, TEXT(1, "type"), TEXT(2, "status"), TIME(6, "lastUpdateTime"),
	TIME(7, "lastTransitionTime"), TEXT(4, "reason"), TEXT(5, "message"));
MESSAGE(deployment_spec, INT_OR_NONE(1, "replicas"), ONE(2, "selector", selector), ONE(3, "template", template),
	FLAG(7, "paused"), INT_OR_NONE(9, "progressDeadlineSeconds"));
MESSAGE(deployment_status, INT(1, "observedGeneration"), INT(2, "replicas"), INT(3, "updatedReplicas"),
	INT(7, "readyReplicas"), INT(4, "availableReplicas"), MANY(6, "conditions", deployment_condition));
MESSAGE(deployment, ONE(1, "metadata", meta), ONE(2, "spec", deployment_spec), ONE(3, "status", deployment_status));
MESSAGE(partition, INT(1, "partition"));
MESSAGE(strategy, TEXT(1, "type"), ONE(2, "rollingUpdate", partition));
MESSAGE(statefulset_spec, INT_OR_NONE(1, "replicas"), ONE(2, "selector", selector), ONE(3, "template", template),
	ONE(7, "updateStrategy", strategy));
MESSAGE(statefulset_status, INT(1, "observedGeneration"), INT(2, "replicas"), INT(3, "readyReplicas"),
	INT(5, "updatedReplicas"), TEXT(6, "currentRevision"), TEXT(7, "updateRevision"), INT(11, "availableReplicas"));
MESSAGE(statefulset, ONE(1, "metadata", meta), ONE(2, "spec", statefulset_spec), ONE(3, "status", statefulset_status));
MESSAGE(daemonset_strategy, TEXT(1, "type"));
MESSAGE(daemonset_spec, ONE(1, "selector", selector), ONE(2, "template", template),
	ONE(3, "updateStrategy", daemonset_strategy));
MESSAGE(daemonset_status, INT(1, "currentNumberScheduled"), INT(3, "desiredNumberScheduled"), INT(4, "numberReady"),
	INT(5, "observedGeneration"), INT(6, "updatedNumberScheduled"), INT(7, "numberAvailable"));
MESSAGE(daemonset, ONE(1, "metadata", meta), ONE(2, "spec", daemonset_spec), ONE(3, "status", daemonset_status));
MESSAGE(replicaset_condition, TEXT(1, "type"), TEXT(2, "status"), TIME(3, "lastTransitionTime"), TEXT(4, "reason"),
	TEXT(5, "message"));
MESSAGE(replicaset_spec, INT_OR_NONE(1, "replicas"), ONE(2, "selector", selector), ONE(3, "template", template));
MESSAGE(replicaset_status, INT(1, "replicas"), INT(3, "observedGeneration"), INT(4, "readyReplicas"),
	INT(5, "availableReplicas"), MANY(6, "conditions", replicaset_condition));
MESSAGE(replicaset, ONE(1, "metadata", meta), ONE(2, "spec", replicaset_spec), ONE(3, "status", replicaset_status));
MESSAGE(revision, ONE(1, "metadata", meta), RAW(2, "data"), INT(3, "revision"));

/* --- batch/v1 --- */

MESSAGE(job_spec, INT_OR_NONE(1, "parallelism"), ONE(4, "selector", selector), ONE(6, "template", template),
	FLAG(10, "suspend"));
MESSAGE(job_status, MANY(1, "conditions", pod_condition), TIME(2, "startTime"), TIME(3, "completionTime"),
	INT(4, "active"), INT(9, "ready"));
MESSAGE(job, ONE(1, "metadata", meta), ONE(2, "spec", job_spec), ONE(3, "status", job_status));
MESSAGE(job_template, ONE(2, "spec", job_spec));
MESSAGE(cronjob_spec, FLAG(4, "suspend"), ONE(5, "jobTemplate", job_template));
MESSAGE(cronjob_status, MANY(1, "active", reference), TIME(4, "lastScheduleTime"));
MESSAGE(cronjob, ONE(1, "metadata", meta), ONE(2, "spec", cronjob_spec), ONE(3, "status", cronjob_status));

static const struct proto_message *const messages[KUBE_KINDS] = {
	[KUBE_DEPLOYMENT] = &deployment, [KUBE_STATEFULSET] = &statefulset, [KUBE_DAEMONSET] = &daemonset,
	[KUBE_CRONJOB] = &cronjob,       [KUBE_JOB] = &job,                 [KUBE_REPLICASET] = &replicaset,
	[KUBE_POD] = &pod,               [KUBE_EVENT] = &event,             [KUBE_REVISION] = &revision,
};

const struct frame_proto kube_proto_list = {.magic = MAGIC, .magic_len = MAGIC_LEN, .path = {{2, 2}, 2}};

bool kube_proto_has(enum kube_what what)
{
	return messages[what] != NULL;
}

bool kube_proto_object(enum kube_what what, const char *bytes, size_t len, struct str *json, struct err *err)
{
	return proto_json(messages[what], bytes, len, json, err);
}

bool kube_proto_envelope(const char *bytes, size_t len, struct str *json, struct err *err)
{
	return proto_json(&list, bytes, len, json, err);
}

bool kube_proto_status(const char *bytes, size_t len, struct str *json)
{
	return len > MAGIC_LEN && memcmp(bytes, MAGIC, MAGIC_LEN) == 0 &&
	       proto_json(&reply, bytes + MAGIC_LEN, len - MAGIC_LEN, json, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/kubernetes.h"

#include <string.h>

#include "backend/providers/kubernetes/apply.h"
#include "backend/providers/kubernetes/proto.h"

static const struct option_row options[] = {
	{"context", "Context of the kubeconfig; its current one when unsaid", OPTION_TEXT},
	{"kubeconfig", "A kubeconfig file instead of those that KUBECONFIG or ~/.kube/config name", OPTION_PATH},
	{"namespaces", "Namespaces to look at; all of them, or the context's when those may not be listed", OPTION_LIST},
	{"insecure-writes", "Allow changes through a server whose certificate is not verified", OPTION_BOOL,
	 .absent = "false"},
	{"images", "Registry and folder of the images that are built, such as registry.example/team; the service's name follows",
	 OPTION_TEXT},
	{"builder", "Program that builds an image and pushes it, called as BUILDER FOLDER IMAGE", OPTION_PATH},
	{"service-label", "Label or annotation that holds a workload's service, before app.kubernetes.io/name, app and its own "
			  "name", OPTION_TEXT},
	{"team-label", "Label or annotation that holds a workload's team, before team, owner and squad", OPTION_TEXT},
};
static const char *const roles[] = {"deploys", NULL};
static const struct query *const queries[] = {
	&kubernetes_watch, &kubernetes_logs, &kubernetes_log_follow, &kubernetes_use,
	&kubernetes_apply_plan, &kubernetes_apply_execute, &kubernetes_prove_plan, &kubernetes_prove_execute,
	&kubernetes_lend_plan, &kubernetes_lend_execute, &kubernetes_plan, &kubernetes_execute, NULL,
};

static const char *cannot(const struct request *q)
{
	static const struct {
		const char *action, *why;
	} rows[] = {
		{"silence", "a cluster notifies nobody, so there is nothing to silence"},
		{"unsilence", "a cluster notifies nobody, so there is nothing to silence"},
		{"note", "a cluster keeps no notes; --reason leaves one with a deploy"},
		{"up", "folders run on the embedded platform; deploy brings an image to a cluster"},
		{"down", "a service of a cluster is stopped by scaling it to 0"},
	};
	for (size_t i = 0; q->kind == REQUEST_PLAN && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(q->wish.action, rows[i].action))
			return rows[i].why;
	return NULL;
}

const struct provider provider_kubernetes = {
	.name = "kubernetes", .help = "A Kubernetes cluster, as kubectl would reach it", .reach = REACH_KUBECONFIG,
	.options = options, .n_options = sizeof(options) / sizeof(options[0]),
	.roles = roles, .queries = queries, .cannot = cannot,
};

const struct kube_kind kube_kinds[KUBE_KINDS] = {
	[KUBE_DEPLOYMENT] = {"apps", "v1", "deployments", "Deployment"},
	[KUBE_STATEFULSET] = {"apps", "v1", "statefulsets", "StatefulSet"},
	[KUBE_DAEMONSET] = {"apps", "v1", "daemonsets", "DaemonSet"},
	[KUBE_CRONJOB] = {"batch", "v1", "cronjobs", "CronJob"},
	[KUBE_JOB] = {"batch", "v1", "jobs", "Job"},
	[KUBE_ROLLOUT] = {"argoproj.io", "v1alpha1", "rollouts", "Rollout", .is_optional = true},
	[KUBE_REPLICASET] = {"apps", "v1", "replicasets", "ReplicaSet"},
	[KUBE_POD] = {"", "v1", "pods", "Pod"},
	[KUBE_EVENT] = {"", "v1", "events", "Event"},
	[KUBE_AUTOSCALER] = {"autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"},
	[KUBE_REVISION] = {"apps", "v1", "controllerrevisions", "ControllerRevision"},
	[KUBE_QUOTA] = {"", "v1", "resourcequotas", "ResourceQuota"},
	[KUBE_SERVICE] = {"", "v1", "services", "Service"},
	[KUBE_BUDGET] = {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"},
	[KUBE_POLICY] = {"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"},
	[KUBE_MONITOR] = {"monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor", .is_optional = true},
	[KUBE_NAMESPACE] = {"", "v1", "namespaces", "Namespace"},
};

enum kube_what kube_what_of(const char *kind_name)
{
	int what = 0;
	while (what < KUBE_KINDS && !str_eq(kube_kinds[what].name, kind_name))
		what++;
	return (enum kube_what)what;
}

void kube_path(struct str *path, enum kube_what what, const char *namespace, const char *name, const char *sub)
{
	const struct kube_kind *kind = &kube_kinds[what];
	if (kind->group[0])
		str_addf(path, "/apis/%s/%s", kind->group, kind->version);
	else
		str_addf(path, "/api/%s", kind->version);
	if (namespace) {
		str_add(path, "/namespaces/");
		address_escape(path, namespace, false);
	}
	str_addf(path, "/%s", kind->plural);
	if (name) {
		str_addc(path, '/');
		address_escape(path, name, false);
	}
	if (sub)
		str_addf(path, "/%s", sub);
}

struct texts kube_namespaces(struct run *r)
{
	const struct setting *s = run_setting(r, "namespaces");
	const char *text = s ? s->text : NULL;
	struct texts list = {0};
	if (str_empty(text))
		return list;
	const char **items = arena_alloc(run_arena(r), (strlen(text) / 2 + 1) * sizeof(*items));
	while (*text) {
		size_t len = strcspn(text, ",");
		if (len)
			items[list.n++] = arena_dup_n(run_arena(r), text, len);
		text += len + (text[len] == ',');
	}
	list.items = items;
	return list;
}

const char *kube_environment(const struct run *r)
{
	return run_source(r)->environment;
}

/* --- errors --- */

static cJSON *status_of(const struct input *in)
{
	struct str text = {0};
	bool is_failure = in->status >= 400 && in->data,
	     is_proto = is_failure && kube_proto_status(in->data, in->len, &text);
	cJSON *body = is_proto ? json_parse(text.s, text.len, NULL)
		    : is_failure ? json_parse(in->data, in->len, NULL) : NULL;
	cJSON *status = is_proto ? cJSON_DetachItemFromObjectCaseSensitive(body, "object") : body;
	bool is_status = str_eq(json_text(is_proto ? json_get(body, "type") : body, "kind"), "Status");
	if (status != body)
		cJSON_Delete(body);
	str_finish(&text);
	if (is_status)
		return status;
	cJSON_Delete(status);
	return NULL;
}

const char *kube_status_reason(struct run *r, const struct input *in)
{
	cJSON *status = status_of(in);
	const char *reason = arena_dup(run_arena(r), json_text(status, "reason"));
	cJSON_Delete(status);
	return reason;
}

static enum err_kind kind_of(int status)
{
	switch (status) {
	case 401:
	case 403:
	case 409:
		return ERR_REFUSED;
	case 404:
		return ERR_NOT_FOUND;
	case 400:
	case 422:
		return ERR_FAILED;
	default:
		return status == 429 || status >= 500 ? ERR_UNREACHABLE : ERR_FAILED;
	}
}

void kube_failure(struct run *r, const struct input *in, struct err *err)
{
	*err = *in->err;
	if (in->status < 400 || err->kind == ERR_UNKNOWN)
		return;
	cJSON *status = status_of(in);
	const char *sentence = json_text(status, "message");
	enum err_kind kind = kind_of(in->status);
	if (in->status == 401)
		err_set(err, kind, "%s does not accept who you are (401): log in again, or look at the kubeconfig",
			run_source(r)->name);
	else if (in->status == 403 && sentence)
		err_set(err, kind, "not allowed: %s", sentence);
	else if (sentence)
		err_set(err, kind, "%s", sentence);
	else
		err_set(err, kind, "%s answers with status %d, and not as a Kubernetes API server",
			run_source(r)->name, in->status);
	err->code = in->status;
	cJSON_Delete(status);
}

bool kube_speaks(const struct input *in, struct err *err)
{
	const char *type = input_header(in, "content-type");
	if (!type || str_starts(type, "application/json") || str_starts(type, KUBE_PROTO_TYPE))
		return true;
	return err_set(err, ERR_UNREACHABLE,
		       "the answer is %.60s, not JSON: a login page or a proxy stands before the cluster", type);
}

/* --- asks --- */

void kube_get(struct run *r, uint32_t tag, const char *path)
{
	run_ask(r, &(struct ask){.tag = tag, .path = path, .framing = FRAME_BODY, .ceiling = 16 * 1024 * 1024,
	                         .head_ms = KUBE_HEAD_MS});
}

static void send_body(struct run *r, struct ask *ask, const char *type)
{
	struct header header = {"Content-Type", type};
	ask->headers = &header;
	ask->n_headers = ask->body ? 1 : 0;
	ask->body_len = ask->body ? strlen(ask->body) : 0;
	ask->framing = FRAME_BODY;
	ask->ceiling = 16 * 1024 * 1024;
	run_ask(r, ask);
}

void kube_send(struct run *r, uint32_t tag, const char *method, const char *path, const char *type, const char *body)
{
	send_body(r, &(struct ask){.tag = tag, .method = method, .path = path, .body = body, .head_ms = 30000,
	                           .is_write = true}, type);
}

void kube_try(struct run *r, uint32_t tag, const char *method, const char *path, const char *type, const char *body)
{
	send_body(r, &(struct ask){.tag = tag, .method = method, .path = path, .body = body, .head_ms = KUBE_HEAD_MS,
	                           .is_patient = true}, type);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads: what they want, what is there, and where their rollout stands. */
#include <string.h>

#include "backend/providers/kubernetes/object.h"
#include "base/clock.h"
#include "model/version.h"

#define NO_DEADLINE 600 /* seconds, the API's default of progressDeadlineSeconds */

static const cJSON *condition(const cJSON *object, const char *type)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, json_get(json_get(object, "status"), "conditions"))
	{
		if (str_eq(json_text(item, "type"), type))
			return item;
	}
	return NULL;
}

static bool is_true(const cJSON *condition)
{
	return str_eq(json_text(condition, "status"), "True");
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void set(struct kube_workload *w, enum kube_rollout state, const char *reason)
{
	w->rollout = state;
	w->reason = reason;
}

static void set_unseen(struct kube_workload *w)
{
	w->is_unseen = true;
	set(w, KUBE_ROLLING, "the change is not taken up yet");
}

/* The main container is the one that an annotation of the pods names, else the first. */
static void read_container(struct kube_workload *w, struct arena *a)
{
	const cJSON *pod = json_get(w->template, "spec"), *item, *main = NULL;
	const char *wanted = json_text(json_get(json_get(w->template, "metadata"), "annotations"),
				       "kubectl.kubernetes.io/default-container");
	cJSON_ArrayForEach(item, json_get(pod, "containers"))
	{
		if (!main || str_eq(json_text(item, "name"), wanted))
			main = item;
	}
	w->container = json_text(main, "name");
	w->image = json_text(main, "image");
	w->version = image_version(w->image, a);
	const char *label =
		json_text(json_get(json_get(w->template, "metadata"), "labels"), "app.kubernetes.io/version");
	if (!label)
		label = json_text(w->meta.labels, "app.kubernetes.io/version");
	if ((!w->version || str_eq(w->version, "latest")) && !str_empty(label))
		w->version = label;
}

static int64_t number(const cJSON *object, const char *name)
{
	int64_t n = json_int(object, name, 0);
	return n < 0 ? 0 : n;
}

static void read_counts(const cJSON *object, struct kube_workload *w)
{
	const cJSON *spec = json_get(object, "spec"), *status = json_get(object, "status");
	int64_t wanted = json_int(spec, "replicas", 1);
	w->desired = wanted < 0 ? 0 : wanted;
	w->ready = number(status, "readyReplicas");
	w->updated = number(status, "updatedReplicas");
	w->available = number(status, "availableReplicas");
	w->total = number(status, "replicas");
}

/* --- Deployments: in the order in which kubectl rollout status looks --- */

/* What keeps the controller from making pods: quota, admission. */
static const char *refused_pods(const cJSON *object)
{
	const cJSON *failure = condition(object, "ReplicaFailure");
	return is_true(failure) ? json_text(failure, "message") : NULL;
}

static const char *progress(const struct kube_workload *w, struct arena *a)
{
	if (w->updated < w->desired)
		return arena_printf(a, "%lld of %lld instances are new", (long long)w->updated,
				    (long long)w->desired);
	if (w->total > w->updated)
		return arena_printf(a, "%lld old instance%s to end", (long long)(w->total - w->updated),
				    plural(w->total - w->updated));
	return arena_printf(a, "%lld of %lld new instances are available", (long long)w->available,
			    (long long)w->updated);
}

static void read_deployment(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *progressing = condition(object, "Progressing");
	const char *why = json_text(progressing, "reason"), *refused = refused_pods(object);
	w->is_refused = refused != NULL;
	bool is_complete = w->updated >= w->desired && w->total <= w->updated;
	w->since = kube_time(progressing, "lastUpdateTime");
	w->is_paused = json_bool(json_get(object, "spec"), "paused", false);
	if (w->meta.generation > json_int(json_get(object, "status"), "observedGeneration", 0))
		set_unseen(w);
	else if (str_eq(why, "ProgressDeadlineExceeded"))
		set(w, KUBE_STUCK,
		    arena_printf(a, "no progress within %llds: %s",
				 (long long)json_int(json_get(object, "spec"), "progressDeadlineSeconds",
						     NO_DEADLINE),
				 refused ? refused : progress(w, a)));
	else if (refused)
		set(w, KUBE_STUCK, arena_printf(a, "instances cannot be made: %s", refused));
	else if (is_complete && (w->available >= w->updated || str_eq(why, "NewReplicaSetAvailable")))
		set(w, KUBE_STEADY, NULL);
	else
		set(w, w->is_paused ? KUBE_PAUSED : KUBE_ROLLING, progress(w, a));
}

/* --- StatefulSets and DaemonSets --- */

static const cJSON *strategy_of(const cJSON *object)
{
	return json_get(json_get(object, "spec"), "updateStrategy");
}

static void read_statefulset(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *status = json_get(object, "status");
	int64_t partition = number(json_get(strategy_of(object), "rollingUpdate"), "partition");
	int64_t wanted = partition < w->desired ? w->desired - partition : 0;
	const char *now = json_text(status, "currentRevision"), *next = json_text(status, "updateRevision");
	if (w->meta.generation > json_int(status, "observedGeneration", 0))
		set_unseen(w);
	else if (str_eq(json_text(strategy_of(object), "type"), "OnDelete") || str_eq(now, next) ||
		 w->updated >= wanted)
		set(w, KUBE_STEADY, NULL);
	else
		set(w, KUBE_ROLLING,
		    arena_printf(a, "%lld of %lld instances are new", (long long)w->updated,
				 (long long)wanted));
}

static void read_daemonset(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *status = json_get(object, "status");
	w->desired = number(status, "desiredNumberScheduled");
	w->ready = number(status, "numberReady");
	w->updated = number(status, "updatedNumberScheduled");
	w->available = number(status, "numberAvailable");
	w->total = number(status, "currentNumberScheduled");
	if (w->meta.generation > json_int(status, "observedGeneration", 0))
		set_unseen(w);
	else if (str_eq(json_text(strategy_of(object), "type"), "OnDelete") || w->updated >= w->desired)
		set(w, KUBE_STEADY, NULL);
	else
		set(w, KUBE_ROLLING,
		    arena_printf(a, "%lld of %lld instances are new", (long long)w->updated,
				 (long long)w->desired));
}

/* --- Jobs and CronJobs --- */

static void read_job(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *spec = json_get(object, "spec"), *status = json_get(object, "status");
	const cJSON *failed = condition(object, "Failed"), *complete = condition(object, "Complete");
	w->is_suspended = json_bool(spec, "suspend", false);
	w->ready = number(status, "ready");
	w->total = w->updated = w->available = number(status, "active");
	w->desired = 0;
	if (is_true(failed)) {
		w->since = kube_time(failed, "lastTransitionTime");
		set(w, KUBE_STUCK,
		    arena_printf(a, "%s: %s",
				 json_text(failed, "reason") ? json_text(failed, "reason") : "failed",
				 json_text(failed, "message") ? json_text(failed, "message") : "no message"));
	} else if (is_true(complete)) {
		w->since = kube_time(status, "completionTime");
	} else if (!w->is_suspended) {
		w->since = kube_time(status, "startTime");
		w->desired = json_int(spec, "parallelism", 1);
	}
}

static void read_cronjob(const cJSON *object, struct kube_workload *w)
{
	const cJSON *spec = json_get(object, "spec"), *status = json_get(object, "status");
	w->is_suspended = json_bool(spec, "suspend", false);
	w->since = kube_time(status, "lastScheduleTime");
	w->desired = w->total = cJSON_GetArraySize(json_get(status, "active"));
}

/* --- Argo Rollouts: https://argo-rollouts.readthedocs.io, 1.9 --- */

/* "10s", or a number of seconds */
static int64_t duration(const cJSON *of, const char *name)
{
	int64_t ms = 0, seconds = json_int(of, name, 0);
	const char *text = json_text(of, name);
	long long n;
	if (text && str_to_int(text, 0, INT32_MAX, &n))
		seconds = n;
	else if (text && clock_parse_duration(text, &ms))
		return ms;
	return seconds > 0 && seconds < INT32_MAX ? seconds * 1000 : 0;
}

static const char *canary_step(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *strategy = json_get(json_get(object, "spec"), "strategy"),
		    *steps = json_get(json_get(strategy, "canary"), "steps");
	int n = cJSON_GetArraySize(steps),
	    at = (int)json_int(json_get(object, "status"), "currentStepIndex", -1);
	int64_t weight = -1;
	char lasts[CLOCK_TEXT] = "";
	w->pause_ms = duration(json_get(strategy, "blueGreen"), "autoPromotionSeconds");
	if (n < 1 || at < 0 || at >= n)
		return NULL;
	for (int i = 0; i <= at; i++)
		weight = json_int(cJSON_GetArrayItem(steps, i), "setWeight", weight);
	w->pause_ms = duration(json_get(cJSON_GetArrayItem(steps, at), "pause"), "duration");
	if (w->pause_ms)
		clock_duration(w->pause_ms, lasts);
	const char *until = w->pause_ms ? arena_printf(a, ", for %s", lasts) : "";
	return weight < 0 ? arena_printf(a, "at step %d of %d%s", at + 1, n, until)
			  : arena_printf(a, "at step %d of %d, %lld %%%s", at + 1, n, (long long)weight, until);
}

static void read_rollout(const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *status = json_get(object, "status"), *progressing = condition(object, "Progressing");
	const char *phase = json_text(status, "phase"), *message = json_text(status, "message"),
		   *seen = json_text(status, "observedGeneration"), *step = canary_step(object, a, w);
	long long observed;
	w->since = kube_time(progressing, "lastUpdateTime");
	w->is_paused = json_bool(json_get(object, "spec"), "paused", false);
	if (seen && str_to_int(seen, 0, INT64_MAX, &observed) && w->meta.generation > observed)
		set_unseen(w);
	else if (str_eq(phase, "Degraded"))
		set(w, KUBE_STUCK, message ? message : "degraded");
	else if (str_eq(phase, "Paused"))
		set(w, KUBE_PAUSED,
		    step      ? arena_printf(a, "%s %s", message ? message : "paused", step)
		    : message ? message
			      : "paused");
	else if (str_eq(phase, "Healthy"))
		set(w, KUBE_STEADY, NULL);
	else
		set(w, KUBE_ROLLING, step ? step : message ? message : progress(w, a));
}

bool kube_workload_read(enum kube_what what, const cJSON *object, struct arena *a, struct kube_workload *w)
{
	const cJSON *spec = json_get(what == KUBE_REVISION ? json_get(object, "data") : object, "spec");
	long long revision;
	*w = (struct kube_workload){.what = what, .revision = RECORD_NONE};
	kube_meta_read(object, &w->meta);
	if (!w->meta.name || !w->meta.uid)
		return false;
	w->selector = json_get(spec, "selector");
	w->template = json_get(what == KUBE_CRONJOB ? json_get(json_get(spec, "jobTemplate"), "spec") : spec,
			       "template");
	w->change_cause = json_text(w->meta.annotations, "kubernetes.io/change-cause");
	const char *number_text = json_text(w->meta.annotations, "deployment.kubernetes.io/revision");
	if (!number_text)
		number_text = json_text(w->meta.annotations, "rollout.argoproj.io/revision");
	if (number_text && str_to_int(number_text, 0, INT64_MAX, &revision))
		w->revision = revision;
	w->has_older = !str_empty(json_text(w->meta.annotations, "deployment.kubernetes.io/revision-history"));
	if (what == KUBE_REVISION)
		w->revision = json_int(object, "revision", RECORD_NONE);
	read_container(w, a);
	read_counts(object, w);
	switch (what) {
	case KUBE_REVISION: /* it has none */
		w->desired = 0;
		break;
	case KUBE_DEPLOYMENT:
	case KUBE_REPLICASET: /* only its counts mean something */
		if (what == KUBE_DEPLOYMENT)
			read_deployment(object, a, w);
		break;
	case KUBE_STATEFULSET:
		read_statefulset(object, a, w);
		break;
	case KUBE_DAEMONSET:
		read_daemonset(object, a, w);
		break;
	case KUBE_JOB:
		read_job(object, a, w);
		break;
	case KUBE_CRONJOB:
		read_cronjob(object, w);
		break;
	case KUBE_ROLLOUT:
		read_rollout(object, a, w);
		break;
	default:
		return false;
	}
	return true;
}

static void add_values(struct str *out, const cJSON *values)
{
	const cJSON *value;
	const char *between = "";
	str_addc(out, '(');
	cJSON_ArrayForEach(value, values)
	{
		if (!cJSON_IsString(value))
			continue;
		str_addf(out, "%s%s", between, value->valuestring);
		between = ",";
	}
	str_addc(out, ')');
}

const char *kube_selector(const cJSON *selector, struct arena *a)
{
	struct str out = {0};
	const cJSON *item;
	cJSON_ArrayForEach(item, json_get(selector, "matchLabels"))
	{
		if (cJSON_IsString(item))
			str_addf(&out, "%s%s=%s", out.len ? "," : "", item->string, item->valuestring);
	}
	cJSON_ArrayForEach(item, json_get(selector, "matchExpressions"))
	{
		const char *key = json_text(item, "key"), *is = json_text(item, "operator");
		if (!key || !is)
			continue;
		str_add(&out, out.len ? "," : "");
		if (str_eq(is, "Exists") || str_eq(is, "DoesNotExist")) {
			str_addf(&out, "%s%s", is[0] == 'D' ? "!" : "", key);
			continue;
		}
		str_addf(&out, "%s %s ", key, str_eq(is, "NotIn") ? "notin" : "in");
		add_values(&out, json_get(item, "values"));
	}
	const char *text = out.len ? arena_dup(a, out.s) : NULL;
	str_finish(&out);
	return text;
}

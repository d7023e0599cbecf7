/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that a real API server gave (tests/fixtures/kubernetes/objects), as a person would tell them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "backend/providers/kubernetes/object.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/version.h"

static cJSON *object(const char *name)
{
	char path[256];
	struct str text = {0};
	struct err err;
	snprintf(path, sizeof(path), "tests/fixtures/kubernetes/objects/%s.json", name);
	if (!file_read(AT_FDCWD, path, 1 << 20, &text, &err))
		fail_msg("%s", err.text);
	cJSON *json = json_parse(text.s, text.len, &err);
	if (!json)
		fail_msg("%s: %s", path, err.text);
	str_finish(&text);
	return json;
}

#define DIGEST "sha256:1f7ef0eb11ef82be603f8ef205140b7d9748360ef3a77b6a351a2805542d1978"
#define REFUSED "read: connection refused"

static const struct {
	const char *name, *status;
	enum phase phase;
	const char *reason, *exit;
	bool is_ready;
	int64_t restarts;
} pods[] = {
	{"bad-image-name", "InvalidImageName", PHASE_UNHEALTHY,
	 "InvalidImageName: Bad:::Image: invalid reference format: repository name (library/Bad) must be "
	 "lowercase",
	 NULL, false, 0},
	{"cart", "ImagePullBackOff", PHASE_UNHEALTHY,
	 "ImagePullBackOff: registry.invalid/storefront/cart:2026.11.0: failed to do request: Head "
	 "\"https://registry.invalid/v2/storefront/cart/manifests/2026.11.0\": dial tcp: lookup "
	 "registry.invalid on "
	 "127.0.0.1:53: read udp 127.0.0.1:46396->127.0.0.1:53: " REFUSED,
	 NULL, false, 0},
	{"checkout", "Running", PHASE_RUNNING, NULL, NULL, true, 0},
	{"evicted", "Error", PHASE_EXITED,
	 "Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Mi.", "SIGKILL",
	 false, 0},
	{"fraud", "CrashLoopBackOff", PHASE_CRASH_LOOP, "crash loop: 4 restarts, exit 3, 1m20s between tries",
	 "exit 3", false, 4},
	{"gated", "SchedulingGated", PHASE_STARTING, "waits for its scheduling gates to be taken away", NULL,
	 false, 0},
	{"gpu-trainer", "Pending", PHASE_STARTING,
	 "no node takes it: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, "
	 "preemption: 0/1 "
	 "nodes are available: 1 Preemption is not helpful for scheduling.",
	 NULL, false, 0},
	{"half-done", "NotReady", PHASE_RUNNING, "a has ended, others go on", "exit 0", false, 0},
	{"init-crash", "Init:CrashLoopBackOff", PHASE_CRASH_LOOP,
	 "init container migrate: crash loop: 3 restarts, exit 7: no table, 40s between tries", "exit 7",
	 false, 3},
	{"init-runs", "Init:0/1", PHASE_STARTING, "init container migrate is at work", NULL, false, 0},
	{"migrate", "Error", PHASE_EXITED, "exit 1", "exit 1", false, 0},
	{"no-config", "CreateContainerConfigError", PHASE_UNHEALTHY,
	 "CreateContainerConfigError: configmap \"missing\" not found", NULL, false, 0},
	{"reports", "CrashLoopBackOff", PHASE_CRASH_LOOP,
	 "crash loop: 4 restarts, OOMKilled: over its limit of 16Mi, 1m20s between tries", "OOMKilled", false,
	 4},
	{"search", "Running", PHASE_UNHEALTHY, "readiness probe fails", NULL, false, 0},
	{"settlement", "Completed", PHASE_EXITED, NULL, "exit 0", false, 0},
	{"sidecar-crash", "Init:CrashLoopBackOff", PHASE_CRASH_LOOP,
	 "init container proxy: crash loop: 3 restarts, exit 4, 40s between tries", "exit 4", false, 3},
	{"signal", "Error", PHASE_EXITED, "exit 1", "exit 1", false, 0},
	{"slow-stop", "Terminating", PHASE_STOPPING, NULL, NULL, true, 0},
	{"startup", "Running", PHASE_STARTING, "its startup probe has not passed yet", NULL, false, 0},
	{"web", "Running", PHASE_RUNNING, NULL, NULL, true, 0},
	{"with-sidecar", "ImagePullBackOff", PHASE_UNHEALTHY,
	 "ImagePullBackOff: rig.local/busybox@" DIGEST ": failed to do request: Head "
	 "\"https://rig.local/v2/busybox/manifests/" DIGEST "\": dial tcp: lookup rig.local: Temporary failure in "
	 "name resolution",
	 NULL, false, 0},
};

static void tells_pods(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pods) / sizeof(pods[0]); i++) {
		struct arena a = {0};
		struct kube_pod p;
		char name[64];
		snprintf(name, sizeof(name), "pod-%s", pods[i].name);
		cJSON *json = object(name);
		assert_true(kube_pod_read(json, &a, &p));
		if (!str_eq(p.status, pods[i].status) || p.phase != pods[i].phase ||
		    !str_eq(p.reason, pods[i].reason) || !str_eq(p.exit, pods[i].exit) ||
		    p.is_ready != pods[i].is_ready || p.restarts != pods[i].restarts)
			fail_msg("%s: %s, %s, %s, %s, %d, %lld", name, p.status, phase_names[p.phase],
				 p.reason ? p.reason : "NULL", p.exit ? p.exit : "NULL", p.is_ready,
				 (long long)p.restarts);
		assert_true(p.meta.created_at > 0 && (p.since > 0 || p.phase == PHASE_RUNNING));
		arena_finish(&a);
		cJSON_Delete(json);
	}
}

/* It crashed first at 21:23:52. Waits of 10, 20 and 40 s are behind it, and its last run began at 21:25:13. */
static void dates_a_crash_loop(void **state)
{
	struct arena a = {0};
	struct kube_pod p;
	int64_t at;
	cJSON *json = object("pod-fraud");
	(void)state;
	assert_true(kube_pod_read(json, &a, &p) && clock_parse_rfc3339("2026-11-22T21:24:03Z", &at));
	assert_int_equal(p.since, at);
	assert_int_equal(p.loops_after, at - (int64_t)4 * 11 * 60000);
	assert_int_equal(p.ran_ms, 1000);
	cJSON_Delete(json);
	arena_finish(&a);
}

static void knows_what_a_pod_may_use(void **state)
{
	struct arena a = {0};
	struct kube_pod p;
	const struct kube_container *c;
	cJSON *json = object("pod-with-sidecar");
	(void)state;
	assert_true(kube_pod_read(json, &a, &p));
	assert_int_equal(p.cpu_request, 15);
	assert_int_equal(p.cpu_limit, 110);
	assert_int_equal(p.memory_limit, 24 << 20);
	assert_string_equal(p.version, "1");
	assert_int_equal(kube_pod_containers(json, &a, &c), 2);
	assert_string_equal(c[0].name, "proxy");
	assert_true(c[0].is_init && c[0].is_sidecar && c[0].is_running && !c[1].is_init && !c[1].is_running);
	cJSON_Delete(json);
	json = object("pod-checkout"); /* one of the two has no limit */
	assert_true(kube_pod_read(json, &a, &p));
	assert_int_equal(p.cpu_request, 10);
	assert_int_equal(p.cpu_limit, RECORD_NONE);
	assert_string_equal(p.meta.owner_kind, "ReplicaSet");
	cJSON_Delete(json);
	arena_finish(&a);
}

static const struct {
	const char *name;
	enum kube_rollout rollout;
	const char *reason;
	int64_t desired, ready, updated;
} workloads[] = {
	{"cronjob-settlement", KUBE_STEADY, NULL, 0, 0, 0},
	{"daemonset-log-agent", KUBE_STEADY, NULL, 1, 1, 1},
	{"deployment-checkout", KUBE_STEADY, NULL, 3, 3, 3},
	{"deployment-fraud", KUBE_STEADY, NULL, 1, 0, 1}, /* it was available for a second */
	{"deployment-gpu-trainer", KUBE_STUCK, "no progress within 30s: 0 of 1 new instances are available",
	 1, 0, 1},
	{"deployment-greedy", KUBE_STUCK,
	 "instances cannot be made: pods \"greedy-697bfcc685-2bjr7\" is forbidden: exceeded quota: few, "
	 "requested: pods=1, "
	 "used: pods=14, limited: pods=14",
	 9, 5, 5},
	{"deployment-ledger", KUBE_STUCK, "no progress within 30s: 1 of 2 instances are new", 2, 2, 1},
	{"job-migrate", KUBE_STUCK, "BackoffLimitExceeded: Job has reached the specified backoff limit", 0, 0,
	 0},
	{"statefulset-db", KUBE_STEADY, NULL, 2, 2, 2},
};

static void tells_workloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		struct arena a = {0};
		struct kube_workload w;
		cJSON *json = object(workloads[i].name);
		assert_true(kube_workload_read(kube_what_of(json_text(json, "kind")), json, &a, &w));
		if (w.rollout != workloads[i].rollout || !str_eq(w.reason, workloads[i].reason) ||
		    w.desired != workloads[i].desired || w.ready != workloads[i].ready ||
		    w.updated != workloads[i].updated)
			fail_msg("%s: %d, %s, %lld, %lld, %lld", workloads[i].name, w.rollout,
				 w.reason ? w.reason : "NULL", (long long)w.desired, (long long)w.ready,
				 (long long)w.updated);
		assert_string_equal(w.version, w.revision == 4 ? "4" : "1");
		arena_finish(&a);
		cJSON_Delete(json);
	}
}

/* A rollout goes through these, in the order in which kubectl looks. */
static void tells_rollouts_apart(void **state)
{
	static const struct {
		const char *kind, *json;
		enum kube_rollout rollout;
		const char *reason;
	} all[] = {
		{"Deployment",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"generation\":3},\"spec\":{\"replicas\":2},"
		 "\"status\":{"
		 "\"observedGeneration\":2,\"replicas\":2,\"updatedReplicas\":2,\"availableReplicas\":2}",
		 KUBE_ROLLING, "the change is not taken up yet"},
		{"Deployment", "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{},\"status\":{}",
		 KUBE_ROLLING, "0 of 1 instances are new"},
		{"Deployment",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"paused\":true},\"status\":{}",
		 KUBE_PAUSED, "0 of 1 instances are new"},
		{"Deployment",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{},\"status\":{\"replicas\":2,"
		 "\"updatedReplicas\":1,\"availableReplicas\":2}",
		 KUBE_ROLLING, "1 old instance to end"},
		{"Deployment",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"replicas\":0},\"status\":{}",
		 KUBE_STEADY, NULL},
		{"StatefulSet",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"replicas\":3},\"status\":{"
		 "\"currentRevision\":\"a\",\"updateRevision\":\"b\",\"updatedReplicas\":1}",
		 KUBE_ROLLING, "1 of 3 instances are new"},
		{"StatefulSet",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"replicas\":3,\"updateStrategy\":{"
		 "\"rollingUpdate\":{\"partition\":2}}},\"status\":{\"currentRevision\":\"a\","
		 "\"updateRevision\":\"b\","
		 "\"updatedReplicas\":1}",
		 KUBE_STEADY, NULL},
		{"DaemonSet",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{},\"status\":{"
		 "\"desiredNumberScheduled\":3,"
		 "\"updatedNumberScheduled\":2}",
		 KUBE_ROLLING, "2 of 3 instances are new"},
		{"Rollout",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"generation\":12},\"spec\":{\"strategy\":{"
		 "\"canary\":{"
		 "\"steps\":[{\"setWeight\":20},{\"pause\":{}},{\"setWeight\":50}]}}},\"status\":{"
		 "\"observedGeneration\":\"12\","
		 "\"phase\":\"Paused\",\"message\":\"CanaryPauseStep\",\"currentStepIndex\":1}",
		 KUBE_PAUSED, "CanaryPauseStep at step 2 of 3, 20 %"},
		{"Rollout",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"generation\":12},\"spec\":{},\"status\":{"
		 "\"observedGeneration\":\"11\",\"phase\":\"Healthy\"}",
		 KUBE_ROLLING, "the change is not taken up yet"},
		{"Rollout",
		 "\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{},\"status\":{\"phase\":\"Degraded\","
		 "\"message\":\"RolloutAborted: metric failed\"}",
		 KUBE_STUCK, "RolloutAborted: metric failed"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct arena a = {0};
		struct kube_workload w;
		struct err err;
		const char *text = arena_printf(&a, "{%s}", all[i].json);
		cJSON *json = json_parse(text, strlen(text), &err);
		assert_non_null(json);
		assert_true(kube_workload_read(kube_what_of(all[i].kind), json, &a, &w));
		if (w.rollout != all[i].rollout || !str_eq(w.reason, all[i].reason))
			fail_msg("%zu: %d, %s", i, w.rollout, w.reason ? w.reason : "NULL");
		arena_finish(&a);
		cJSON_Delete(json);
	}
}

static void knows_whose_it_is(void **state)
{
	static const char text[] = "{\"metadata\":{\"name\":\"web-7\",\"uid\":\"u\",\"labels\":{\"app\":"
				   "\"old\",\"app.kubernetes.io/name\":\"web\","
				   "\"team\":\"storefront\",\"tier\":\"\"},\"annotations\":{\"fairway.dev/"
				   "team\":\"shop\",\"fairway.dev/link.board\":"
				   "\"https://x\",\"argocd.argoproj.io/tracking-id\":\"shop-web:apps/"
				   "Deployment:s/web\",\"kubernetes.io/description\":"
				   "\"Sells\"}}}";
	struct arena a = {0};
	struct kube_meta m;
	struct kube_identity who;
	cJSON *json = json_parse(text, sizeof(text) - 1, NULL);
	(void)state;
	kube_meta_read(json, &m);
	kube_identity_read(&m, &a, &who);
	assert_string_equal(who.service, "web");
	assert_string_equal(who.team, "shop");
	assert_string_equal(who.description, "Sells");
	assert_string_equal(who.owner, "Argo CD app shop-web");
	assert_null(who.tier);
	struct pairs links = kube_links(&m, &a);
	assert_int_equal(links.n, 1);
	assert_string_equal(links.items[0].key, "board");
	kube_identity_read(&(struct kube_meta){.name = "alone"}, &a, &who);
	assert_string_equal(who.service, "alone");
	assert_int_equal(kube_links(&(struct kube_meta){0}, &a).n, 0);
	cJSON_Delete(json);
	arena_finish(&a);
}

static void reads_quantities(void **state)
{
	static const struct {
		const char *text;
		int64_t thousandths;
	} all[] = {
		{"500m", 500},
		{"1", 1000},
		{"128Mi", 134217728000},
		{"1e3", 1000000},
		{"1E", INT64_MAX},
		{"0.1", 100},
		{"1.5Gi", 1610612736000},
		{"100u", 1},
		{"1n", 1},
		{"0", 0},
		{"12E-1", 1200},
		{"2k", 2000000},
		{".5", 500},
		{"+1", 1000},
		{"999999999999999999999", INT64_MAX},
		{"0.00000000000000000001", 1},
		{"", RECORD_NONE},
		{NULL, RECORD_NONE},
		{"-1", RECORD_NONE},
		{"1x", RECORD_NONE},
		{"1.2.3", RECORD_NONE},
		{"1e", RECORD_NONE},
		{"Mi", RECORD_NONE},
		{"1e99", RECORD_NONE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (kube_quantity(all[i].text) != all[i].thousandths)
			fail_msg("%s: %lld", all[i].text, (long long)kube_quantity(all[i].text));
}


static void changes_images(void **state)
{
	static const struct {
		const char *image, *version, *result;
	} all[] = {
		{"host:5000/team/web:1", "2026.11.4", "host:5000/team/web:2026.11.4"},
		{"host:5000/team/web", "2", "host:5000/team/web:2"},
		{"web:1@" DIGEST, "2", "web:2"},
		{"web:1", DIGEST, "web@" DIGEST},
		{"web:1", "other/web:3", "other/web:3"},
		{"web:1", "other/web@" DIGEST, "other/web@" DIGEST},
		{"web:1", "host:5000/web:v1@" DIGEST, "host:5000/web:v1@" DIGEST},
		{"web:1", "", NULL},
		{"web:1", "a b", NULL},
		{"web:1", "web:", NULL},
		{"web:1", "/", NULL},
		{"web:1", "web@sha256:12", NULL},
		{"web:1", ":1", NULL},
		{NULL, "2", NULL},
	};
	struct arena a = {0};
	struct err err;
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *got = image_with(all[i].image, all[i].version, &a, &err);
		if (!str_eq(got, all[i].result))
			fail_msg("%s with %s: %s", all[i].image, all[i].version, got ? got : "NULL");
	}
	assert_string_equal(image_version("host:5000/team/web:2026.11.4", &a), "2026.11.4");
	assert_string_equal(image_version("host:5000/team/web", &a), "latest");
	assert_string_equal(image_version("web@" DIGEST, &a), "1f7ef0eb11ef");
	assert_string_equal(image_version("web:7@" DIGEST, &a), "7");
	assert_null(image_version("", &a));
	arena_finish(&a);
}

static void writes_selectors(void **state)
{
	static const char text[] = "{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":[{\"key\":"
				   "\"tier\",\"operator\":\"In\",\"values\":[\"a\","
				   "\"b\"]},{\"key\":\"x\",\"operator\":\"DoesNotExist\"},{\"key\":\"y\","
				   "\"operator\":\"NotIn\",\"values\":[\"c\"]}]}";
	struct arena a = {0};
	cJSON *json = json_parse(text, sizeof(text) - 1, NULL);
	(void)state;
	assert_string_equal(kube_selector(json, &a), "app=web,tier in (a,b),!x,y notin (c)");
	assert_null(kube_selector(NULL, &a));
	cJSON_Delete(json);
	arena_finish(&a);
}

/* Wrong types everywhere read as nothing said. */
static void bears_nonsense(void **state)
{
	static const char *const all[] = {
		"{}",
		"[]",
		"7",
		"{\"metadata\":[]}",
		"{\"metadata\":{\"name\":1,\"uid\":{}}}",
		"{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"labels\":[1],\"annotations\":\"x\","
		"\"ownerReferences\":{\"a\":1}},"
		"\"spec\":\"x\",\"status\":[]}",
		"{\"metadata\":{\"name\":\"a\",\"uid\":\"u\"},\"spec\":{\"containers\":{\"a\":[]},"
		"\"initContainers\":[1,null],"
		"\"template\":[]},\"status\":{\"phase\":3,\"containerStatuses\":[7,{\"state\":[],"
		"\"lastState\":{\"terminated\":9}}],"
		"\"conditions\":[{\"type\":{}}],\"initContainerStatuses\":[null]}}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct arena a = {0};
		struct kube_pod p;
		struct kube_workload w;
		const struct kube_container *c;
		cJSON *json = json_parse(all[i], strlen(all[i]), NULL);
		assert_non_null(json);
		assert_int_equal(kube_pod_read(json, &a, &p), i > 4);
		kube_pod_containers(json, &a, &c);
		for (int what = 0; what < KUBE_KINDS; what++)
			kube_workload_read((enum kube_what)what, json, &a, &w);
		arena_finish(&a);
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_pods),        cmocka_unit_test(knows_what_a_pod_may_use),
		cmocka_unit_test(dates_a_crash_loop),
		cmocka_unit_test(tells_workloads),   cmocka_unit_test(tells_rollouts_apart),
		cmocka_unit_test(knows_whose_it_is), cmocka_unit_test(reads_quantities),
		cmocka_unit_test(changes_images),    cmocka_unit_test(writes_selectors),
		cmocka_unit_test(bears_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a Kubernetes API server, or what claims to be: read as every kind, whatever their members hold.
 */
#include <stdlib.h>

#include "backend/providers/kubernetes/object.h"
#include "model/version.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static void read_pod(const cJSON *json, struct arena *a)
{
	struct kube_pod p;
	const struct kube_container *c;
	size_t n = kube_pod_containers(json, a, &c);
	for (size_t i = 0; i < n; i++)
		assert(c[i].name);
	if (!kube_pod_read(json, a, &p))
		return;
	assert(p.status && p.phase <= PHASE_UNKNOWN && p.meta.name && p.meta.uid);
	assert(p.cpu_request >= RECORD_NONE && p.memory_limit >= RECORD_NONE);
	assert(p.phase != PHASE_CRASH_LOOP || p.reason); /* nobody is left without a word */
	image_version(p.image, a);
}

static void read_workload(enum kube_what what, const cJSON *json, struct arena *a)
{
	struct kube_workload w;
	struct kube_identity who;
	struct err err;
	if (!kube_workload_read(what, json, a, &w))
		return;
	assert(w.rollout <= KUBE_PAUSED && (w.rollout == KUBE_STEADY || w.reason));
	assert(w.desired >= 0 && w.ready >= 0 && w.updated >= 0);
	kube_identity_read(&w.meta, a, &who);
	assert(who.service);
	kube_links(&w.meta, a);
	kube_selector(w.selector, a);
	if (w.image && w.version)
		image_with(w.image, w.version, a, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena a = {0};
	char *text = mem_dup_n(data, len);
	json_start();
	kube_quantity(text);
	const cJSON *json = json_parse_in(&a, text, len, NULL);
	if (json) {
		const cJSON *object = json_get(json, "object");
		json = object ? object : json; /* an event of a watch */
		read_pod(json, &a);
		for (int what = 0; what < KUBE_KINDS; what++)
			read_workload((enum kube_what)what, json, &a);
	}
	arena_finish(&a);
	free(text);
	return 0;
}

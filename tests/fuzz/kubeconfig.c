/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig: what passes can be picked, checked and told for each of its contexts; what does not says why. */
#include <cJSON.h>
#include <string.h>

#include "backend/kubeconfig.h"
#include "base/err.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = {0};
	size_t n;
	struct kubeconfig *k = kubeconfig_parse("/f/config", data, len, &err);
	assert((k == NULL) == (err.kind != ERR_NONE));
	const struct kube_context *contexts = k ? kubeconfig_contexts(k, &n) : NULL;
	for (size_t i = 0; contexts && i < n && i < 20; i++) {
		struct kube_pick pick;
		cJSON *view = kubeconfig_pick(k, contexts[i].name, &pick, &err) ? kubeconfig_view(&pick, true, &err) : NULL;
		if (pick.context)
			kubeconfig_check(&pick, &err);
		char *text = view ? json_print(view) : NULL;
		cJSON *again = text ? json_parse(text, strlen(text), &err) : NULL;
		assert(!view || again || err.kind);
		cJSON_Delete(view);
		cJSON_Delete(again);
		cJSON_free(text);
	}
	kubeconfig_free(k);
	return 0;
}

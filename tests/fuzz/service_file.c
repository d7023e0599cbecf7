/* SPDX-License-Identifier: Apache-2.0 */
/* service.yaml and platform.yaml: what passes is whole, and what does not says why. */
#include <string.h>

#include "model/platform_file.h"
#include "model/service_file.h"
#include "tests/fuzz/fuzz.h"

static void look_at(const struct service_file *f)
{
	struct service_step steps[SERVICE_STEPS];
	char hex[HASH_HEX];
	assert(str_is_name(f->name));
	assert(f->min_replicas >= 0 && f->max_replicas <= SERVICE_MAX_REPLICAS);
	size_t n = service_file_steps(f, steps);
	for (size_t i = 0; i < n; i++)
		assert(steps[i].command->argv && steps[i].command->argv[0] && steps[i].command->text);
	for (size_t i = 0; i < f->n_runbooks; i++)
		assert(service_path_is_inside(f->runbooks[i].path));
	service_file_approval(f, "prod", "/srv", hex);
	assert(strlen(hex) == HASH_HEX - 1);
	assert(service_file_replicas(f, "prod") >= 0);
	service_file_runbook(f, "ServiceDown");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct complaints complaints = {0};
	struct service_file service;
	struct platform_file platform;
	if (service_file_parse(&service, "service.yaml", data, len, &complaints))
		look_at(&service);
	else
		assert(complaints.count > 0);
	service_file_finish(&service);
	complaints_finish(&complaints);
	if (platform_file_parse(&platform, "platform.yaml", data, len, &complaints))
		assert(platform.n_environments > 0);
	else
		assert(complaints.count > 0);
	platform_file_finish(&platform);
	complaints_finish(&complaints);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of path.yaml: no pattern hangs, and a default that was taken in passes its own check. */
#include "base/mem.h"
#include "base/schema.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const values[] = {"", "a", "orders", "-1", "8080", "true", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"};
	struct arena arena = {0};
	struct complaints complaints = {0};
	struct yaml y = {.file = "path.yaml", .arena = &arena, .complaints = &complaints};
	const struct yaml_node *root = yaml_load(&y, data, len);
	int n = 0;
	for (const struct yaml_node *node = root && root->kind == YAML_MAP ? root->first : NULL; node && n < 20;
	     node = node->next, n++) {
		struct schema schema = {0};
		struct err err = {0};
		if (!schema_parse(&y, node, &schema)) {
			assert(complaints.count > 0);
			continue;
		}
		if (schema.default_value)
			assert(schema_check(&schema, schema.default_value, &err));
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			schema_check(&schema, values[i], &err);
	}
	arena_finish(&arena);
	complaints_finish(&complaints);
	return 0;
}

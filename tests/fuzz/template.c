/* SPDX-License-Identifier: Apache-2.0 */
/* Templates end with any text; a failed one leaves no half. The first byte chooses the format. */
#include <string.h>

#include "base/template.h"
#include "tests/fuzz/fuzz.h"

#define BEFORE "kept"
#define OUTPUT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena = {0};
	struct str out = {0};
	struct err err = {0};
	if (len < 1)
		return 0;
	struct template_value *map = template_map(&arena), *list;
	template_set_text(&arena, map, "name", "a \"b\" 'c' $d `e` \\ \n<%name%>");
	template_set_number(&arena, map, "port", "8080");
	template_set_bool(&arena, map, "x", true);
	list = template_set_list(&arena, map, "list");
	template_add_text(&arena, list, "one");
	template_set_text(&arena, template_add_map(&arena, list), "a", "two");
	str_add(&out, BEFORE);
	bool is_made = template_render(&out, "t", (const char *)data + 1, len - 1,
				       (enum template_format)(data[0] % (TEMPLATE_MARKDOWN + 1)), map, &err);
	assert(memcmp(out.s, BEFORE, strlen(BEFORE)) == 0);
	assert(is_made ? out.len <= OUTPUT_MAX + strlen(BEFORE) : out.len == strlen(BEFORE) && err.text[0]);
	str_finish(&out);
	arena_finish(&arena);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Records from a source: what is taken in writes as JSON that reads back the same. The first byte chooses the class. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena arena = {0};
	struct err err = {0};
	if (len < 2)
		return 0;
	const struct record_class *class = record_class((enum record_kind)(data[0] % RECORD_COUNT));
	void *record = arena_alloc(&arena, class->size), *again = arena_alloc(&arena, class->size);
	record_init(class, record);
	record_init(class, again);
	if (record_from_text(class, (const char *)data + 1, len - 1, record, &arena, &err)) {
		char *text = record_to_text(class, record), *twice;
		assert(record_from_text(class, text, strlen(text), again, &arena, &err));
		twice = record_to_text(class, again);
		assert(str_eq(text, twice));
		free(text);
		free(twice);
	} else {
		assert(err.text[0]);
	}
	arena_finish(&arena);
	return 0;
}

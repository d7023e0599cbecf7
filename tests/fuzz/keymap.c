/* SPDX-License-Identifier: Apache-2.0 */
/* A file of keys, and names of keys: what is printed reads back as the same key. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tui/keymap.h"

static void look_at(const struct keymap *keymap)
{
	struct keymap_binding b;
	for (size_t at = 0; (at = keymap_walk(keymap, at, &b)) != 0;) {
		char text[KEY_CHORD_MAX * KEY_TEXT];
		struct key again[KEY_CHORD_MAX];
		key_print_chord(b.keys, b.n, text, sizeof(text));
		assert(key_parse_chord(text, again, NULL) == b.n);
		for (size_t i = 0; i < b.n; i++)
			assert(key_same(&again[i], &b.keys[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct complaints complaints = {0};
	struct keymap *keymap = keymap_new();
	bool is_good = keymap_load(keymap, "keys.yaml", (const char *)data, len, &complaints);
	assert(is_good == (complaints.count == 0));
	look_at(keymap);
	keymap_check(keymap, NULL, 0, &complaints);
	char *text = mem_dup_n(data, len);
	keymap_bind(keymap, "home", text, "open", NULL);
	look_at(keymap);
	free(text);
	keymap_free(keymap);
	complaints_finish(&complaints);
	return 0;
}

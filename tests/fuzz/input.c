/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a terminal: the same keys however they are cut, and no control character among them. */
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tui/input.h"

static void feed(struct input *in, const uint8_t *data, size_t len, size_t piece)
{
	for (size_t at = 0; at < len; at += piece)
		input_bytes(in, (const char *)data + at, len - at < piece ? len - at : piece, 0);
	input_tick(in, INPUT_ESC_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input *whole = input_new(), *pieces = input_new();
	struct key a, b;
	if (len > input_room(whole))
		len = input_room(whole);
	size_t piece = len ? data[0] % 7 + 1u : 1;
	feed(whole, data, len, len ? len : 1);
	feed(pieces, data, len, piece);
	while (input_next(whole, &a)) {
		char name[KEY_TEXT];
		assert(input_next(pieces, &b));
		assert(key_same(&a, &b) && a.is_pasted == b.is_pasted && a.y == b.y && a.x == b.x);
		assert(a.sym != KEYSYM_CHAR || (a.cp >= 0x20 && a.cp <= 0x10FFFF));
		key_print(&a, name);
	}
	assert(!input_next(pieces, &b));
	input_free(whole);
	input_free(pieces);
	return 0;
}

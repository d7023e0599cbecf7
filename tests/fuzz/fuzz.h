/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
/*
 * A fuzz target reads bytes of any kind and asserts what must hold for all of them. `make fuzz` builds each target with
 * libFuzzer (https://llvm.org/docs/LibFuzzer.html) and lets it look for bytes that break it; `make test` feeds it
 * the corpus kept in corpus/TARGET/ by replay.c. A new target is one file NAME.c and a folder corpus/NAME/ with a seed or
 * more; what a run finds is mended and its input kept there.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"

/* Nothing in it would be masked. Less than utf8_is_safe(): an emoji sequence passes. */
static inline bool fuzz_is_shown(const char *s, size_t len)
{
	struct utf8_cell cell;
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_next(s + at, len - at, &cell);
		if (cell.is_masked && s[at] != '\n')
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len); /* 0, by libFuzzer's contract */
#endif

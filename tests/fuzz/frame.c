/* SPDX-License-Identifier: Apache-2.0 */
/* Replies cut into units: any cut of the bytes gives the same units. The first byte chooses the framing. */
#include <string.h>

#include "backend/frame.h"
#include "tests/fuzz/fuzz.h"

#define CEILING 64

static bool keep(const char *unit, size_t len, bool is_last, void *arg)
{
	str_addc(arg, is_last ? 'L' : 'U');
	str_addn(arg, unit, len);
	return true;
}

static void read(const uint8_t *data, size_t len, size_t piece, struct str *out)
{
	struct frame frame;
	bool is_good = true;
	frame_init(&frame, (enum framing)(data[0] % FRAME_RAW), CEILING, "items", keep, out);
	frame.cuts_long_lines = data[0] & 64;
	for (size_t at = 1; is_good && at < len; at += piece)
		is_good = frame_feed(&frame, (const char *)data + at, len - at < piece ? len - at : piece, NULL);
	is_good = is_good && frame_end(&frame, NULL);
	str_addc(out, is_good ? '+' : '-');
	frame_finish(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str whole = {0}, pieces = {0};
	if (len < 2)
		return 0;
	read(data, len, len, &whole);
	read(data, len, data[1] % 7 + 1u, &pieces);
	assert(whole.len == pieces.len && memcmp(whole.s, pieces.s, whole.len) == 0);
	str_finish(&whole);
	str_finish(&pieces);
	return 0;
}

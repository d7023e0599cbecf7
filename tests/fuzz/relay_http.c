/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers through the relay: what it sends on reads back with the same framing (no smuggling), and a body's
 * payload is the same however its bytes are cut. The first byte chooses. */
#include <string.h>

#include "platform/relay_http.h"
#include "tests/fuzz/fuzz.h"

static void request(const char *bytes, size_t len)
{
	struct relay_head head, again;
	const char *why;
	struct str out = {0};
	if (relay_request_read(bytes, len, &head, &why) == 0) {
		relay_request_write(&head, "192.0.2.1", &out);
		assert(relay_request_read(out.s, out.len, &again, &why) == 0 || out.len > RELAY_HEAD_MAX ||
		       head.field_count + 8 > RELAY_FIELDS_MAX);
		assert(again.framing == head.framing && again.length == head.length);
	} else {
		assert(why);
	}
	str_finish(&out);
}

static void answer(const char *bytes, size_t len, bool to_head)
{
	struct relay_head head, again;
	const char *why;
	struct str out = {0};
	if (relay_answer_read(bytes, len, to_head, &head, &why) == 0 && head.status >= 200) {
		relay_answer_write(&head, head.framing, true, &out);
		if (head.field_count + 8 <= RELAY_FIELDS_MAX) {
			assert(relay_answer_read(out.s, out.len, to_head, &again, &why) == 0);
			assert(again.framing == head.framing && again.status == head.status);
		}
	}
	str_finish(&out);
}

static bool body(const char *bytes, size_t len, size_t piece, struct str *out)
{
	struct relay_body b;
	struct relay_piece data;
	enum relay_more more = RELAY_MORE;
	size_t used, at = 0, end = 0;
	relay_body_init(&b, RELAY_CHUNKED, 0);
	while (more == RELAY_MORE && (at < end || end < len)) {
		if (at == end)
			end = len - end < piece ? len : end + piece;
		more = relay_body_take(&b, bytes + at, end - at, &used, &data);
		assert(used <= end - at && data.len <= used);
		str_addn(out, data.at, data.len);
		at += used;
		if (more == RELAY_MORE && used == 0) {
			if (end == len)
				break;
			end = len - end < piece ? len : end + piece;
		}
	}
	return more == RELAY_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	const char *bytes = (const char *)data + 1;
	size_t n = len - 1, scanned = 0, head_len = 0;
	if (data[0] % 3 == 2) {
		struct str whole = {0}, pieces = {0};
		bool a = body(bytes, n, n, &whole), b = body(bytes, n, data[0] % 5 + 1u, &pieces);
		assert(a == b && (!a || str_eq(str_text(&whole), str_text(&pieces))));
		str_finish(&whole);
		str_finish(&pieces);
	} else if (relay_head_end(bytes, n, &scanned, &head_len) == RELAY_DONE && head_len <= RELAY_HEAD_MAX) {
		assert(head_len <= n);
		if (data[0] % 3 == 0)
			request(bytes, head_len);
		else
			answer(bytes, head_len, data[0] & 64);
	}
	return 0;
}

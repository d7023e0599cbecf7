/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers as JSON: what is told, what is left out, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/proto.h"

static const struct proto_row inner_rows[] = {
	{1, "a", PROTO_TEXT, NULL, false, false, false, NULL},
	{2, "n", PROTO_INT, NULL, false, false, false, NULL},
};
static const struct proto_message inner = {inner_rows, 2};
static const struct proto_row rows[] = {
	{1, "text", PROTO_TEXT, NULL, false, false, false, NULL},
	{2, "number", PROTO_INT, NULL, false, false, false, NULL},
	{3, "kept", PROTO_INT, NULL, false, false, true, NULL},
	{4, "flag", PROTO_FLAG, NULL, false, false, false, NULL},
	{5, "time", PROTO_TIME, NULL, false, false, false, NULL},
	{6, "inner", PROTO_OBJECT, &inner, false, false, false, NULL},
	{7, "list", PROTO_OBJECT, &inner, true, false, false, NULL},
	{8, "map", PROTO_TEXT, NULL, false, true, false, "secret"},
	{9, "amounts", PROTO_INNER, NULL, false, true, false, NULL},
	{10, "raw", PROTO_JSON, NULL, false, false, false, NULL},
	{11, "words", PROTO_TEXT, NULL, true, false, false, NULL},
};
static const struct proto_message message = {rows, sizeof(rows) / sizeof(rows[0])};

#define ROW(bytes, json) {bytes, sizeof(bytes) - 1, json}
static const struct {
	const char *bytes;
	size_t len;
	const char *json; /* NULL: refused */
} told[] = {
	ROW("", "{}"),
	ROW("\x0a\x02hi", "{\"text\":\"hi\"}"),
	ROW("\x0a\x01" "a" "\x0a\x01" "b", "{\"text\":\"b\"}"),
	ROW("\x0a\x00\x10\x00\x18\x00\x20\x00", "{\"kept\":0}"),
	ROW("\x10\xac\x02", "{\"number\":300}"),
	ROW("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "{\"number\":-1}"),
	ROW("\x20\x01", "{\"flag\":true}"),
	ROW("\x2a\x06\x08\x80\xf6\xdd\xca\x06", "{\"time\":\"2026-01-02T08:00:00.000Z\"}"),
	ROW("\x2a\x00", "{}"),
	ROW("\x2a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x10", "{}"),
	ROW("\x2a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "{}"),
	ROW("\x32\x00", "{\"inner\":{}}"),
	ROW("\x32\x05\x0a\x01x\x10\x07", "{\"inner\":{\"a\":\"x\",\"n\":7}}"),
	ROW("\x3a\x02\x10\x01\x0a\x01t\x3a\x00", "{\"text\":\"t\",\"list\":[{\"n\":1},{}]}"),
	ROW("\x42\x06\x0a\x01k\x12\x01v\x42\x03\x0a\x01" "e", "{\"map\":{\"k\":\"v\",\"e\":\"\"}}"),
	ROW("\x42\x0b\x0a\x06secret\x12\x01v", "{}"),
	ROW("\x4a\x0c\x0a\x03" "cpu\x12\x05\x0a\x03" "50m", "{\"amounts\":{\"cpu\":\"50m\"}}"),
	ROW("\x52\x09\x0a\x07{\"b\":1}", "{\"raw\":{\"b\":1}}"),
	ROW("\x5a\x00\x5a\x01w", "{\"words\":[\"\",\"w\"]}"),
	ROW("\x0a\x06\"\\\n\xff\xc3\xa9", "{\"text\":\"\\u0022\\u005c\\u000a\\ufffd\xc3\xa9\"}"),
	ROW("\x65\x01\x02\x03\x04\x61\x01\x02\x03\x04\x05\x06\x07\x08\x10\x05", "{\"number\":5}"), /* none of ours */
	ROW("\x0a\x03hi", NULL),         /* shorter than it says */
	ROW("\x12\x01x", NULL),          /* bytes where a number belongs */
	ROW("\x08\x01", NULL),           /* and the other way round */
	ROW("\x00\x01", NULL),           /* number 0 */
	ROW("\x0b", NULL),               /* a group */
	ROW("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", NULL),
	ROW("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", NULL),
	ROW("\x32\x02\x0a\x05", NULL),   /* in a message of it */
};

static void is_told_as_its_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct str out = {0};
		struct err err;
		bool is_good = proto_json(&message, told[i].bytes, told[i].len, &out, &err);
		if (is_good != (told[i].json != NULL))
			fail_msg("row %zu: %s", i, is_good ? str_text(&out) : err.text);
		if (is_good)
			assert_string_equal(str_text(&out), told[i].json);
		str_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_told_as_its_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

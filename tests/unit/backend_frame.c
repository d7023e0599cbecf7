/* SPDX-License-Identifier: Apache-2.0 */
/* Any cut of the bytes gives the same units, and every ceiling holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/frame.h"
#include "base/err.h"

static bool collect(const char *unit, size_t len, bool is_last, void *arg)
{
	struct str *out = arg;
	str_addn(out, unit, len);
	str_add(out, is_last ? "$" : "|");
	return true;
}

/* Returns whether it was taken; out gets the units. */
static bool run(enum framing framing, size_t ceiling, const char *bytes, size_t cut, struct str *out)
{
	struct frame f;
	struct err err;
	size_t len = strlen(bytes);
	str_reset(out);
	frame_init(&f, framing, ceiling, "data.items", collect, out);
	bool is_good = frame_feed(&f, bytes, cut, &err) && frame_feed(&f, bytes + cut, len - cut, &err) &&
		       frame_end(&f, &err);
	frame_finish(&f);
	return is_good;
}

static void any_cut_is_the_same(void **state)
{
	static const struct {
		enum framing framing;
		const char *bytes, *units;
	} rows[] = {
		{FRAME_LINES, "one\n\ntwo\r\nlast", "one||two\r|last$"},
		{FRAME_BODY, "a\nb", "a\nb$"},
		{FRAME_BODY, "", "$"},
		{FRAME_SSE, ": hello\ndata: a\ndata:b\r\nid: 7\n\nevent: x\n\ndata\n\ndata: lost", "a\nb||"},
		{FRAME_ITEMS,
		 "{\"items\":[0],\"data\":{\"x\":[[1],{\"items\":[9]}],\"items\":[{\"a\":\"],}\\\"\"}, 2 "
		 ",[3,{}],\"s,\"],"
		 "\"y\":1},\"z\":\"[\"}",
		 "{\"a\":\"],}\\\"\"}|2|[3,{}]|\"s,\"|"
		 "{\"items\":[0],\"data\":{\"x\":[[1],{\"items\":[9]}],\"items\":[],\"y\":1},\"z\":\"[\"}$"},
	};
	struct str out = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].bytes); cut++) {
			assert_true(run(rows[i].framing, 1000, rows[i].bytes, cut, &out));
			assert_string_equal(str_text(&out), rows[i].units);
		}
	str_finish(&out);
}

static void ceilings_hold_at_every_cut(void **state)
{
	static const struct {
		enum framing framing;
		const char *bytes;
	} rows[] = {
		{FRAME_LINES, "12345678901\n"},
		{FRAME_BODY, "12345678901"},
		{FRAME_SSE, "data: 12345678901\n\n"},
		{FRAME_ITEMS, "{\"data\":{\"items\":[12345678901]}}"},
		{FRAME_ITEMS, "{\"data\":{\"items\":[1]}"},
		{FRAME_ITEMS, "{}}"},
	};
	struct str out = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].bytes); cut++)
			assert_false(run(rows[i].framing, 10, rows[i].bytes, cut, &out));
	str_finish(&out);
}

static void long_lines_can_be_cut(void **state)
{
	struct frame f;
	struct str out = {0};
	(void)state;
	for (size_t cut = 0; cut <= 16; cut++) {
		str_reset(&out);
		frame_init(&f, FRAME_LINES, 4, NULL, collect, &out);
		f.cuts_long_lines = true;
		assert_true(frame_feed(&f, "ab\nabcdefghi\ncd\n", cut, NULL));
		assert_true(frame_feed(&f, "ab\nabcdefghi\ncd\n" + cut, 16 - cut, NULL));
		frame_finish(&f);
		assert_string_equal(str_text(&out), "ab|abcd|cd|");
	}
	str_finish(&out);
}

#define CEILING 24
#define BYTES(text) {text, sizeof(text) - 1}
static const struct frame_proto proto = {"pb!", 3, {{2, 2}, 2}};

static bool run_proto(const char *bytes, size_t len, size_t cut, struct str *out)
{
	struct frame f;
	struct err err;
	str_reset(out);
	frame_init(&f, FRAME_ITEMS, CEILING, "data.items", collect, out);
	f.proto = &proto;
	bool is_good = frame_feed(&f, bytes, cut, &err) && frame_feed(&f, bytes + cut, len - cut, &err) &&
		       frame_end(&f, &err);
	frame_finish(&f);
	return is_good;
}

/* {kind 1, list 2 {metadata 1, items 2, count 3}} */
static void a_list_may_come_as_messages(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} good[] = {
		BYTES("pb!\x0a\x03one\x12\x0e\x0a\x02me\x12\x03" "abc\x12\x00\x18\xac\x02\x2a\x01z"),
		BYTES("{\"data\":{\"items\":[1,22]}}"),
		BYTES("pb!\x12\x00"),
	};
	static const char *const units[] = {"abc||\x0a\x02me\x18\xac\x02$", "1|22|{\"data\":{\"items\":[]}}$", "$"};
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		BYTES("pb!\x12\x05\x12\x03" "ab"),                /* ends in an element */
		BYTES("pb!\x12\x05\x12\x04" "abcd"),              /* an element longer than its list */
		BYTES("pb!\x12\x01\x12"),                        /* a list that ends in a tag */
		BYTES("pb!\x0a\x01x"),                            /* no list */
		BYTES("pb!\x12\x1b\x12\x19" "abcdefghijklmnopqrstuvwxy"), /* above the ceiling */
		BYTES("pb!\x12\x1b\x0a\x19" "abcdefghijklmnopqrstuvwxy"),
		BYTES("pb!\x03"), BYTES("pb!\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		BYTES("pb!"), BYTES("pb"), BYTES(""),
	};
	struct str out = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		for (size_t cut = 0; cut <= good[i].len; cut++) {
			assert_true(run_proto(good[i].bytes, good[i].len, cut, &out));
			assert_string_equal(str_text(&out), units[i]);
		}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (size_t cut = 0; cut <= bad[i].len; cut++)
			assert_false(run_proto(bad[i].bytes, bad[i].len, cut, &out));
	str_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut_is_the_same),
		cmocka_unit_test(ceilings_hold_at_every_cut),
		cmocka_unit_test(long_lines_can_be_cut),
		cmocka_unit_test(a_list_may_come_as_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

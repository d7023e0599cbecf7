/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "platform/relay_http.h"

/* 0, or the status that a request is refused with, the head's end included. */
static int judge(const char *text, size_t len, struct relay_head *head)
{
	size_t scanned = 0, head_len = 0;
	const char *why = NULL;
	switch (relay_head_end(text, len, &scanned, &head_len)) {
	case RELAY_MORE:
		return -1;
	case RELAY_BAD:
		return 400;
	case RELAY_DONE:
		break;
	}
	int status = relay_request_read(text, head_len, head, &why);
	assert_true(!status || why);
	return status;
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
		{"GET / HTTP/1.0\r\n\r\n", 0},
		{"GET http://a.b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n", 0},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n",
		 501},
		{"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: a\x01z\r\n\r\n", 400},
		{"GET / HTTP/1.1\nHost: a\n\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET http://u@h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		{"PRI * HTTP/2.0\r\n\r\n", 505},
		{"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct relay_head head;
		int status = judge(rows[i].text, strlen(rows[i].text), &head);
		if (status != rows[i].status)
			fail_msg("%s: %d, not %d", rows[i].text, status, rows[i].status);
	}
	struct relay_head head;
	assert_int_equal(judge("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30, &head), 400);
}

static void too_many_fields(void **state)
{
	(void)state;
	struct relay_head head;
	struct str text = {0};
	str_add(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < RELAY_FIELDS_MAX; i++)
		str_add(&text, "X: y\r\n");
	str_add(&text, "\r\n");
	assert_int_equal(judge(text.s, text.len, &head), 431);
	str_finish(&text);
}

static void request_forwarded(void **state)
{
	(void)state;
	const char *in =
		"POST http://shop:80/a?b=c HTTP/1.1\r\nHost: other\r\nConnection: close, X-Secret, Host\r\n"
		"X-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: T\r\nAccept:  x \r\n"
		"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nExpect: 100-continue\r\n"
		"Transfer-Encoding: chunked\r\n\r\n";
	struct relay_head head;
	struct str out = {0};
	assert_int_equal(judge(in, strlen(in), &head), 0);
	assert_false(head.is_persistent);
	relay_request_write(&head, "127.0.0.1", &out);
	assert_string_equal(out.s,
			    "POST /a?b=c HTTP/1.1\r\nAccept: x\r\nExpect: 100-continue\r\nHost: shop:80\r\n"
			    "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 127.0.0.1\r\nVia: 1.1 fairway\r\n"
			    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
	str_finish(&out);
}

static void upgrade_forwarded(void **state)
{
	(void)state;
	const char *in = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
			 "websocket\r\n\r\n";
	struct relay_head head;
	struct str out = {0};
	assert_int_equal(judge(in, strlen(in), &head), 0);
	assert_true(head.is_upgrade);
	relay_request_write(&head, "127.0.0.1", &out);
	assert_non_null(strstr(out.s, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
	str_finish(&out);
}

static void answers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool to_head;
		int refused;
		enum relay_framing framing;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 0, RELAY_LENGTH},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 0, RELAY_NO_BODY},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 0, RELAY_NO_BODY},
		{"HTTP/1.1 304 \r\nContent-Length: 3\r\n\r\n", false, 0, RELAY_NO_BODY},
		{"HTTP/1.1 204\r\n\r\n", false, 0, RELAY_NO_BODY},
		{"HTTP/1.1 100 Continue\r\n\r\n", false, 0, RELAY_NO_BODY},
		{"HTTP/1.0 200 OK\r\n\r\n", false, 0, RELAY_UNTIL_CLOSE},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0, RELAY_CHUNKED},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false, 502, 0},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", false, 502, 0},
		{"HTTP/1.1 20 OK\r\n\r\n", false, 502, 0},
		{"HTTP/1.1 999 OK\r\n\r\n", false, 502, 0},
		{"ICY 200 OK\r\n\r\n", false, 502, 0},
		{"\r\n\r\n", false, 502, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct relay_head head;
		const char *why = "";
		int status =
			relay_answer_read(rows[i].text, strlen(rows[i].text), rows[i].to_head, &head, &why);
		if (status != rows[i].refused || (!status && head.framing != rows[i].framing))
			fail_msg("%s: %d, framing %d (%s)", rows[i].text, status, head.framing, why);
	}
}

static void answer_forwarded(void **state)
{
	(void)state;
	const char *in = "HTTP/1.0 200 Fine thing\r\nServer: x\r\nConnection: close\r\nSet-Cookie: "
			 "a\r\nSet-Cookie: b\r\n\r\n";
	struct relay_head head;
	const char *why;
	struct str out = {0};
	assert_int_equal(relay_answer_read(in, strlen(in), false, &head, &why), 0);
	relay_answer_write(&head, RELAY_CHUNKED, false, &out);
	assert_string_equal(out.s,
			    "HTTP/1.1 200 Fine thing\r\nServer: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n");
	str_finish(&out);
}

/* Feeds a body in two pieces cut at `cut`; gives the last verdict, payload in *out, bytes used in *taken. */
static enum relay_more feed(const char *text, size_t len, size_t cut, struct str *out, size_t *taken)
{
	struct relay_body body;
	enum relay_more more = RELAY_MORE;
	size_t ends[] = {cut, len};
	*taken = 0;
	relay_body_init(&body, RELAY_CHUNKED, 0);
	for (int i = 0; i < 2; i++) {
		while (more == RELAY_MORE && *taken < ends[i]) {
			struct relay_piece data;
			size_t used;
			char *copy = mem_dup_n(text + *taken,
					       ends[i] - *taken); /* exact size: overreads are seen */
			more = relay_body_take(&body, copy, ends[i] - *taken, &used, &data);
			relay_frame_data(RELAY_LENGTH, data, out);
			*taken += used;
			free(copy);
			assert_true(more != RELAY_MORE || used);
		}
	}
	return more;
}

static void chunks_cut_everywhere(void **state)
{
	(void)state;
	static const char text[] =
		"5;a=\"b\"\r\nhello\r\n0A\r\n, world!!!\r\n0\r\nTrailer: x\r\nT2: y\r\n\r\nGET /next";
	size_t whole = strlen(text) - strlen("GET /next");
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct str out = {0};
		size_t taken;
		assert_int_equal(feed(text, strlen(text), cut < strlen(text) ? cut : 0, &out, &taken),
				 RELAY_DONE);
		assert_int_equal(taken, whole);
		assert_string_equal(str_text(&out), "hello, world!!!");
		str_finish(&out);
	}
}

static void chunks_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"\r\n",
		" 5\r\nhello\r\n0\r\n\r\n",
		"5 \r\nhello\r\n0\r\n\r\n",
		"0x5\r\nhello\r\n0\r\n\r\n",
		"-1\r\n",
		"+5\r\n",
		"5\nhello\r\n0\r\n\r\n",
		"5\r\nhelloX\r\n",
		"5\r\nhello\n0\r\n\r\n",
		"g\r\n",
		"11111111111111111\r\n",
		"5;a\nb\r\nhello\r\n",
		"0\r\nT: x\n\r\n",
		"0\r\n\rX",
		"5\rhello",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t cut = 0; cut < strlen(rows[i]); cut++) {
			struct str out = {0};
			size_t taken;
			if (feed(rows[i], strlen(rows[i]), cut, &out, &taken) != RELAY_BAD)
				fail_msg("%s is taken", rows[i]);
			str_finish(&out);
		}
}

static void trailers_bounded(void **state)
{
	(void)state;
	struct str text = {0}, out = {0};
	size_t taken;
	str_add(&text, "0\r\n");
	for (int i = 0; i < 2000; i++)
		str_add(&text, "T: xxxxx\r\n");
	assert_int_equal(feed(text.s, text.len, 1, &out, &taken), RELAY_BAD);
	str_finish(&text);
	str_finish(&out);
}

static void head_cut_everywhere(void **state)
{
	(void)state;
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
	size_t whole = strlen(text) - 4;
	for (size_t cut = 0; cut < whole; cut++) {
		size_t scanned = 0, head_len = 0;
		assert_int_equal(relay_head_end(text, cut, &scanned, &head_len), RELAY_MORE);
		assert_int_equal(scanned, cut);
		assert_int_equal(relay_head_end(text, strlen(text), &scanned, &head_len), RELAY_DONE);
		assert_int_equal(head_len, whole);
	}
}

/* Any bytes: no crash, no overread, progress or an end. The seed is fixed, so a failure comes again. */
static void noise(void **state)
{
	(void)state;
	static const char alphabet[] =
		"0123456789abcdefGETPOST /.:;,\r\n\r\nHTTP/1.1 chunked content-length \0\x80";
	unsigned seed = 1;
	for (int round = 0; round < 20000; round++) {
		char text[64];
		size_t len = (size_t)(rand_r(&seed) % 64), taken;
		for (size_t i = 0; i < len; i++)
			text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		struct str out = {0};
		struct relay_head head;
		const char *why;
		feed(text, len, len / 2, &out, &taken);
		char *copy = mem_dup_n(text, len);
		judge(copy, len, &head);
		relay_answer_read(copy, len, false, &head, &why);
		free(copy);
		str_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(too_many_fields),
		cmocka_unit_test(request_forwarded),
		cmocka_unit_test(upgrade_forwarded),
		cmocka_unit_test(answers),
		cmocka_unit_test(answer_forwarded),
		cmocka_unit_test(chunks_cut_everywhere),
		cmocka_unit_test(chunks_refused),
		cmocka_unit_test(trailers_bounded),
		cmocka_unit_test(head_cut_everywhere),
		cmocka_unit_test(noise),
	};
	return cmocka_run_group_tests_name("relay_http", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELAY_HTTP_H
#define PLATFORM_RELAY_HTTP_H
/*
 * HTTP/1.1 framing for the relay: pure code, no descriptor, no clock. RFC 9112 (syntax, framing), RFC 9110
 * §7.6 (what a gateway forwards). Strict on purpose: two readers that frame one message differently is how
 * requests are smuggled, so whatever can be read in two ways is refused: both Content-Length and Transfer-
 * Encoding, several Content-Lengths, a bare CR or LF, folded lines, white space before a colon, a chunk
 * size that is not plain hex.
 *
 * A head (start line and header block) is first found whole with relay_head_end(), then read with
 * relay_request_read() or relay_answer_read(); a struct relay_head points into those bytes and owns nothing.
 * A body is taken apart with relay_body_take() and framed anew with relay_frame_data(). Trailers and chunk
 * extensions are dropped (RFC 9110 §6.5.1, RFC 9112 §7.1.1). Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define RELAY_HEAD_MAX 65536 /* bytes of one head; more is 431 */
#define RELAY_FIELDS_MAX 128 /* header lines of one head; more is 431 */

enum relay_more {
	RELAY_MORE, /* not whole yet: come again with more bytes */
	RELAY_DONE,
	RELAY_BAD,
};

enum relay_framing {
	RELAY_NO_BODY,
	RELAY_LENGTH, /* Content-Length */
	RELAY_CHUNKED,
	RELAY_UNTIL_CLOSE, /* an answer that ends with its connection */
};

struct relay_piece { /* bytes inside the head, not NUL-terminated */
	const char *at;
	size_t len;
};

struct relay_field {
	struct relay_piece name, value; /* value without white space around it */
};

struct relay_head {
	struct relay_piece method, target; /* request; target in origin form ("/a?b") or "*" */
	struct relay_piece authority;      /* request in absolute form: replaces Host; else empty */
	int status;                        /* answer */
	struct relay_piece reason;         /* answer */
	int minor;                         /* 0: HTTP/1.0, 1: HTTP/1.1 */
	struct relay_field fields[RELAY_FIELDS_MAX];
	size_t field_count;
	enum relay_framing framing;
	uint64_t length;    /* RELAY_LENGTH */
	bool has_length;    /* a Content-Length stands there, even where no body follows (HEAD, 304) */
	bool is_persistent; /* what the sender asks of this connection */
	bool is_upgrade;    /* Connection: upgrade, and an Upgrade field */
};

/* Looks for the end of a head in bytes[0..len). *scanned (start with 0) is how far earlier calls looked.
 * Gives in *head_len the size with its empty line. RELAY_BAD at the first bare CR, bare LF or NUL. A whole
 * head is refused by the caller when it is longer than RELAY_HEAD_MAX. */
enum relay_more relay_head_end(const char *bytes, size_t len, size_t *scanned, size_t *head_len);

/* Reads a whole request head. Gives 0, or the status to refuse it with (400, 431, 501, 505) and in *why a
 * constant sentence. */
int relay_request_read(const char *bytes, size_t len, struct relay_head *, const char **why);
/* Reads a whole answer head. to_head: the request was HEAD. Gives 0, or 502 and *why. */
int relay_answer_read(const char *bytes, size_t len, bool to_head, struct relay_head *, const char **why);
bool relay_method_is(const struct relay_head *, const char *method);

/* The request as it goes to the instance: HTTP/1.1, hop-by-hop fields (RFC 9110 §7.6.1) removed, peer
 * appended to X-Forwarded-For, Via added, Connection: close unless it asks for an upgrade. */
void relay_request_write(const struct relay_head *, const char *peer, struct str *out);
/* The answer as it goes to the client. framing: how its body will be framed there (RELAY_UNTIL_CLOSE or
 * RELAY_CHUNKED may differ from the instance's); is_last: the connection ends after it. */
void relay_answer_write(const struct relay_head *, enum relay_framing framing, bool is_last, struct str *out);
/* An answer of the relay's own: plain text, one line. */
void relay_refusal_write(int status, const char *text, bool to_head, bool is_last, struct str *out);

struct relay_body {
	enum relay_framing framing;
	int state;     /* of the chunked reader */
	uint64_t left; /* bytes of the length or of this chunk */
	size_t extra;  /* bytes of size line or trailers seen, for the ceiling */
};
void relay_body_init(struct relay_body *, enum relay_framing framing, uint64_t length);
/* Takes a step over bytes[0..len): *used were read, of which *data is payload (empty when only framing was
 * read). RELAY_DONE: the body is whole, what follows *used belongs to the next message. Call again on
 * RELAY_MORE while *used > 0 and bytes remain. RELAY_UNTIL_CLOSE is never done: the connection's end is
 * the body's. */
enum relay_more relay_body_take(struct relay_body *, const char *bytes, size_t len, size_t *used,
				struct relay_piece *data);
/* Room that framing may add around one piece of data. */
#define RELAY_FRAME_EXTRA 24
/* Writes one piece of body as framing wants it; nothing for an empty piece. */
void relay_frame_data(enum relay_framing framing, struct relay_piece data, struct str *out);
void relay_frame_end(enum relay_framing framing, struct str *out);
#endif

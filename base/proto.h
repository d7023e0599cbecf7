/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROTO_H
#define BASE_PROTO_H
/*
 * Protocol Buffers off the wire, https://protobuf.dev/programming-guides/encoding/, and as JSON by rows that name
 * the fields somebody reads. A schema compiler's code would hold a whole list and every message of it; here a field
 * without a row is passed over. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

#define PROTO_VARINT 10 /* bytes of the longest one */
enum proto_wire { PROTO_WIRE_VARINT = 0, PROTO_WIRE_64 = 1, PROTO_WIRE_BYTES = 2, PROTO_WIRE_32 = 5 };

/* One field of a message. */
struct proto_field {
	uint32_t number;
	enum proto_wire wire;
	uint64_t value;    /* of a varint */
	const char *bytes; /* of all others; borrowed */
	size_t len;
};
struct proto_reader {
	const unsigned char *at, *end; /* at is NULL once something did not fit */
};
/* False at the end, and when what is there is no field: r->at is NULL then. */
bool proto_next(struct proto_reader *r, struct proto_field *);

/* How a field is told in JSON. What is absent, and zero unless `is_kept`, is left out, as encoding/json's omitempty does. */
enum proto_as {
	PROTO_TEXT,  /* what is not UTF-8 in it becomes U+FFFD */
	PROTO_INT,   /* as int64 */
	PROTO_FLAG,
	PROTO_TIME,  /* {seconds 1, nanos 2} as RFC 3339 */
	PROTO_INNER, /* a message of one text, field 1, as that text */
	PROTO_JSON,  /* a message of one JSON value, field 1, as that value: whoever parses the outcome judges it */
	PROTO_OBJECT,
};
struct proto_row {
	uint32_t number;
	const char *name;
	enum proto_as as;
	const struct proto_message *message; /* OBJECT */
	bool is_list, is_map;                /* map: texts to `as`, TEXT or INNER */
	bool is_kept;
	const char *without;                 /* map: this key is left out */
};
struct proto_message {
	const struct proto_row *rows;
	size_t n;
};
/* Appends the message as a JSON object. False, with *out longer than it was, when it is malformed. */
bool proto_json(const struct proto_message *, const char *bytes, size_t len, struct str *out, struct err *);
#endif

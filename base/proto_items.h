/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROTO_ITEMS_H
#define BASE_PROTO_ITEMS_H
/*
 * Finds the elements of one repeated field inside a protobuf message while its bytes arrive, as base/json_items.h does
 * in JSON: memory is bounded by the largest element. A path of field numbers leads to it, {2, 2}: the message in field
 * 2, and its fields 2. The other fields of the message that holds them make the envelope, itself a message. What is
 * handed out is not looked into. Any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct err;

#define PROTO_ITEMS_PATH 4 /* numbers in a path, at most */

struct proto_path {
	uint32_t numbers[PROTO_ITEMS_PATH];
	int n;
};
struct proto_items {
	const struct proto_path *path; /* borrowed */
	size_t ceiling;                /* of an element, and of the envelope */
	struct str element, envelope;
	int depth;                        /* messages of the path that we are in, less one */
	uint64_t left[PROTO_ITEMS_PATH];  /* bytes that each of them has left */
	enum { PROTO_AT_TAG, PROTO_AT_VALUE, PROTO_AT_LENGTH, PROTO_IN_BYTES } state;
	uint64_t tag, varint, bytes;      /* of the field at hand; bytes: left of it */
	unsigned shift;                   /* of the varint under way */
	bool is_found;
};

/* Returns false to stop; proto_items_feed() then returns true at once. */
typedef bool proto_items_each(const char *element, size_t len, void *arg);

void proto_items_init(struct proto_items *, const struct proto_path *, size_t ceiling);
void proto_items_finish(struct proto_items *);
/* Any cut of the bytes gives the same elements. */
bool proto_items_feed(struct proto_items *, const char *bytes, size_t len, proto_items_each *, void *arg, struct err *);
/* After the last byte: false when the message is not complete. p->envelope is whole then. */
bool proto_items_end(struct proto_items *, struct err *);
#endif

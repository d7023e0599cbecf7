/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_FRAME_H
#define BACKEND_FRAME_H
/*
 * Cuts the bytes of a reply into units, whatever pieces they come in: any cut gives the same units. Each
 * unit is bounded by the ceiling. Backend thread only.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/json_items.h"
#include "base/proto_items.h"
#include "base/str.h"

struct err;

enum framing {
	FRAME_BODY,  /* the whole reply, one unit at its end */
	FRAME_LINES, /* each line without its LF; an unfinished last line counts when the reply ends well */
	FRAME_ITEMS, /* each element of a named array, then the envelope (base/json_items.h) */
	FRAME_SSE,   /* the data of each event, https://html.spec.whatwg.org/multipage/server-sent-events.html
		      */
	FRAME_RAW,   /* as it comes */
};

/* How a server tells a list in Protocol Buffers. */
struct frame_proto {
	const char *magic; /* such a reply begins with it, and no JSON does */
	size_t magic_len;
	struct proto_path path; /* to the elements, behind the magic */
};

/* Returns false to stop: nothing is fed any more. is_last: the unit that comes at the end (BODY, the
 * envelope, a last line without LF). */
typedef bool frame_unit(const char *unit, size_t len, bool is_last, void *arg);

struct frame {
	enum framing framing;
	size_t ceiling;
	bool cuts_long_lines; /* LINES: the rest of a line above the ceiling is dropped instead of failing */
	bool is_dropping, is_started, is_stopped;
	struct str held;      /* an unfinished line, event or body */
	struct str data;      /* SSE: data fields of the event so far */
	bool has_data;
	const struct frame_proto *proto; /* ITEMS: the reply may come so instead; NULL: it is JSON */
	bool is_proto;                   /* it does: units are messages */
	size_t n_magic;                  /* bytes of the magic that came */
	struct json_items items;
	struct proto_items messages;
	frame_unit *unit;
	void *arg;
};

void frame_init(struct frame *, enum framing, size_t ceiling, const char *items, frame_unit *, void *arg);
void frame_finish(struct frame *);
const struct str *frame_envelope(const struct frame *); /* ITEMS: what came beside the elements so far */
bool frame_feed(struct frame *, const char *bytes, size_t len, struct err *);
bool frame_end(struct frame *, struct err *); /* the reply ended well */
#endif

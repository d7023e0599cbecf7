/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proto_items.h"

#include "base/err.h"
#include "base/proto.h"

void proto_items_init(struct proto_items *p, const struct proto_path *path, size_t ceiling)
{
	*p = (struct proto_items){.path = path, .ceiling = ceiling, .left = {UINT64_MAX}};
}

void proto_items_finish(struct proto_items *p)
{
	str_finish(&p->element);
	str_finish(&p->envelope);
}

static bool malformed(struct err *err)
{
	return err_set(err, ERR_FAILED, "protobuf: malformed");
}

static bool is_inmost(const struct proto_items *p)
{
	return p->depth == p->path->n - 1;
}

/* The field at hand is on the path. */
static bool is_on_path(const struct proto_items *p)
{
	return p->tag >> 3 == p->path->numbers[p->depth] && (p->tag & 7) == PROTO_WIRE_BYTES;
}

static bool keep(const struct proto_items *p, struct str *to, const char *bytes, size_t len, struct err *err)
{
	if (len > p->ceiling - to->len)
		return err_set(err, ERR_FAILED, "protobuf: a part of the list is larger than %zu bytes", p->ceiling);
	str_addn(to, bytes, len);
	return true;
}

static bool keep_varint(struct proto_items *p, uint64_t value, struct err *err)
{
	char bytes[PROTO_VARINT];
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (char)(value | 0x80);
	bytes[n++] = (char)value;
	return !is_inmost(p) || keep(p, &p->envelope, bytes, n, err);
}

static bool begin_bytes(struct proto_items *p, uint64_t len, struct err *err)
{
	if (len > p->left[p->depth])
		return malformed(err);
	p->left[p->depth] -= len;
	if (is_on_path(p) && !is_inmost(p)) {
		p->left[++p->depth] = len;
		p->is_found = p->is_found || is_inmost(p);
		p->state = PROTO_AT_TAG;
		return true;
	}
	p->bytes = len;
	p->state = PROTO_IN_BYTES;
	return true;
}

static bool take_tag(struct proto_items *p, struct err *err)
{
	if (p->tag >> 3 == 0 || p->tag >> 32)
		return malformed(err);
	if (!is_on_path(p) && !keep_varint(p, p->tag, err))
		return false;
	switch (p->tag & 7) {
	case PROTO_WIRE_VARINT:
		p->state = PROTO_AT_VALUE;
		return true;
	case PROTO_WIRE_BYTES:
		p->state = PROTO_AT_LENGTH;
		return true;
	case PROTO_WIRE_64:
		return begin_bytes(p, 8, err);
	case PROTO_WIRE_32:
		return begin_bytes(p, 4, err);
	default:
		return malformed(err);
	}
}

static bool take_varint(struct proto_items *p, uint64_t value, struct err *err)
{
	if (p->state == PROTO_AT_TAG) {
		p->tag = value;
		return take_tag(p, err);
	}
	if (!is_on_path(p) && !keep_varint(p, value, err))
		return false;
	if (p->state == PROTO_AT_LENGTH)
		return begin_bytes(p, value, err);
	p->state = PROTO_AT_TAG;
	return true;
}

/* One byte of a tag, a length or a number. */
static bool varint_byte(struct proto_items *p, unsigned char c, struct err *err)
{
	if (p->left[p->depth] == 0 || p->shift >= 7 * PROTO_VARINT)
		return malformed(err);
	p->left[p->depth]--;
	p->varint |= (uint64_t)(c & 0x7f) << p->shift;
	p->shift += 7;
	if (c >= 0x80)
		return true;
	uint64_t value = p->varint;
	p->varint = 0;
	p->shift = 0;
	return take_varint(p, value, err);
}

/* What is read whole: bytes that end, and messages that nothing is left of. */
static bool close_ended(struct proto_items *p, proto_items_each *each, void *arg)
{
	bool goes_on = true;
	if (p->state == PROTO_IN_BYTES && p->bytes == 0) {
		p->state = PROTO_AT_TAG;
		if (is_on_path(p))
			goes_on = each(str_text(&p->element), p->element.len, arg);
		str_reset(&p->element);
	}
	while (p->state == PROTO_AT_TAG && p->shift == 0 && p->depth > 0 && p->left[p->depth] == 0)
		p->depth--;
	return goes_on;
}

bool proto_items_feed(struct proto_items *p, const char *bytes, size_t len, proto_items_each *each, void *arg,
		      struct err *err)
{
	for (size_t i = 0; i < len;) {
		if (p->state != PROTO_IN_BYTES) {
			if (!varint_byte(p, (unsigned char)bytes[i++], err))
				return false;
		} else {
			size_t n = len - i < p->bytes ? len - i : (size_t)p->bytes;
			struct str *to = is_on_path(p) ? &p->element : &p->envelope;
			if (is_inmost(p) && !keep(p, to, bytes + i, n, err))
				return false;
			p->bytes -= n;
			i += n;
		}
		if (!close_ended(p, each, arg))
			return true;
	}
	return true;
}

bool proto_items_end(struct proto_items *p, struct err *err)
{
	if (p->is_found && p->depth == 0 && p->state == PROTO_AT_TAG && p->shift == 0)
		return true;
	return err_set(err, ERR_FAILED, "protobuf: it ends too early");
}

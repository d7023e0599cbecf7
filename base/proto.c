/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proto.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"

/* --- off the wire --- */

static bool broken(struct proto_reader *r)
{
	r->at = NULL;
	return false;
}

static bool next_varint(struct proto_reader *r, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 7 * PROTO_VARINT && r->at < r->end; shift += 7) {
		unsigned char c = *r->at++;
		*value |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return true;
	}
	return broken(r);
}

bool proto_next(struct proto_reader *r, struct proto_field *f)
{
	uint64_t tag, len = 0;
	if (!r->at || r->at == r->end || !next_varint(r, &tag))
		return false;
	if (tag >> 3 == 0 || tag >> 32)
		return broken(r);
	*f = (struct proto_field){.number = (uint32_t)(tag >> 3), .wire = (enum proto_wire)(tag & 7)};
	switch (f->wire) {
	case PROTO_WIRE_VARINT:
		return next_varint(r, &f->value);
	case PROTO_WIRE_BYTES:
		if (!next_varint(r, &len))
			return false;
		break;
	case PROTO_WIRE_64:
		len = 8;
		break;
	case PROTO_WIRE_32:
		len = 4;
		break;
	default:
		return broken(r);
	}
	if (len > (size_t)(r->end - r->at))
		return broken(r);
	f->bytes = (const char *)r->at;
	f->len = (size_t)len;
	r->at += len;
	return true;
}

static struct proto_reader reader_of(const char *bytes, size_t len)
{
	static const unsigned char nothing;
	const unsigned char *at = bytes ? (const unsigned char *)bytes : &nothing;
	return (struct proto_reader){at, at + len};
}

/* The last of that number counts. False: it is not there, or the message is malformed. */
static bool find(const struct proto_field *message, uint32_t number, struct proto_field *found)
{
	struct proto_reader r = reader_of(message->bytes, message->len);
	struct proto_field f;
	bool is_found = false;
	while (proto_next(&r, &f))
		if (f.number == number) {
			*found = f;
			is_found = true;
		}
	return is_found && r.at;
}

/* --- as JSON --- */

static bool add_message(const struct proto_message *, const struct proto_field *, struct str *);

/* Whether there is something to tell. */
static bool add_time(const struct proto_field *f, struct str *out)
{
	struct proto_field seconds = {0}, nanos = {0};
	char text[CLOCK_TEXT];
	find(f, 1, &seconds);
	find(f, 2, &nanos);
	if (!seconds.value && !nanos.value)
		return false;
	if ((int64_t)seconds.value >= INT64_MAX / 1000 || (int64_t)seconds.value <= INT64_MIN / 1000)
		return false;
	clock_rfc3339((int64_t)seconds.value * 1000 + (int64_t)(nanos.value % 1000000000 / 1000000), text);
	json_quote(out, text, strlen(text));
	return true;
}

/* False with the field malformed: *is_good; else it is not worth telling. */
static bool add_value(const struct proto_row *row, const struct proto_field *f, bool is_kept, struct str *out,
		      bool *is_good)
{
	struct proto_field inner = {0};
	bool is_number = row->as == PROTO_INT || row->as == PROTO_FLAG;
	*is_good = is_number == (f->wire == PROTO_WIRE_VARINT) && (is_number || f->wire == PROTO_WIRE_BYTES);
	if (!*is_good || (is_number && !f->value && !is_kept))
		return false;
	switch (row->as) {
	case PROTO_TEXT:
		if (f->len || is_kept)
			json_quote(out, f->bytes, f->len);
		return f->len || is_kept;
	case PROTO_INT:
		str_addf(out, "%lld", (long long)f->value);
		return true;
	case PROTO_FLAG:
		str_add(out, f->value ? "true" : "false");
		return true;
	case PROTO_TIME:
		return add_time(f, out);
	case PROTO_INNER:
	case PROTO_JSON:
		if (!find(f, 1, &inner) || inner.wire != PROTO_WIRE_BYTES || !inner.len)
			return false;
		if (row->as == PROTO_INNER)
			json_quote(out, inner.bytes, inner.len);
		else
			str_addn(out, inner.bytes, inner.len);
		return true;
	case PROTO_OBJECT:
		*is_good = add_message(row->message, f, out);
		return true;
	}
	return false;
}

/* An entry {key 1, value 2} as a member. */
static bool add_entry(const struct proto_row *row, const struct proto_field *f, struct str *out, bool *is_good)
{
	struct proto_field key = {0}, value = {.wire = PROTO_WIRE_BYTES};
	*is_good = f->wire == PROTO_WIRE_BYTES && find(f, 1, &key) && key.wire == PROTO_WIRE_BYTES;
	if (!*is_good || (row->without && strlen(row->without) == key.len &&
			  memcmp(row->without, key.bytes, key.len) == 0))
		return false;
	find(f, 2, &value);
	json_quote(out, key.bytes, key.len);
	str_addc(out, ':');
	if (!add_value(row, &value, true, out, is_good))
		str_add(out, "null");
	return true;
}

/* All of that number, between brackets; nothing when there are none. */
static bool add_many(const struct proto_row *row, const struct proto_field *message, struct str *out)
{
	struct proto_reader r = reader_of(message->bytes, message->len);
	struct proto_field f;
	bool is_good = true, has_any = false;
	while (is_good && proto_next(&r, &f)) {
		if (f.number != row->number)
			continue;
		size_t before = out->len;
		str_addc(out, has_any ? ',' : row->is_map ? '{' : '[');
		if (row->is_map ? add_entry(row, &f, out, &is_good) : add_value(row, &f, true, out, &is_good)) {
			has_any = true;
		} else {
			out->len = before;
			out->s[before] = '\0';
		}
	}
	if (has_any)
		str_addc(out, row->is_map ? '}' : ']');
	return is_good;
}

static bool add_row(const struct proto_row *row, const struct proto_field *message, struct str *out)
{
	struct proto_field f;
	bool is_good = true;
	size_t before = out->len;
	str_add(out, out->s[before - 1] == '{' ? "\"" : ",\"");
	str_add(out, row->name);
	str_add(out, "\":");
	size_t named = out->len;
	if (row->is_list || row->is_map)
		is_good = add_many(row, message, out);
	else if (find(message, row->number, &f))
		add_value(row, &f, row->is_kept, out, &is_good);
	if (out->len == named) {
		out->len = before;
		out->s[before] = '\0';
	}
	return is_good;
}

static bool add_message(const struct proto_message *m, const struct proto_field *message, struct str *out)
{
	struct proto_reader r = reader_of(message->bytes, message->len);
	struct proto_field f;
	bool is_good = true;
	while (proto_next(&r, &f))
		;
	str_addc(out, '{');
	for (size_t i = 0; is_good && r.at && i < m->n; i++)
		is_good = add_row(&m->rows[i], message, out);
	str_addc(out, '}');
	return is_good && r.at;
}

bool proto_json(const struct proto_message *m, const char *bytes, size_t len, struct str *out, struct err *err)
{
	return add_message(m, &(struct proto_field){.bytes = bytes, .len = len}, out) ||
	       err_set(err, ERR_FAILED, "protobuf: malformed");
}

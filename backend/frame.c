/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/frame.h"

#include <string.h>

#include "base/err.h"

void frame_init(struct frame *f, enum framing framing, size_t ceiling, const char *items, frame_unit *unit,
		void *arg)
{
	*f = (struct frame){.framing = framing, .ceiling = ceiling, .unit = unit, .arg = arg};
	json_items_init(&f->items, items, ceiling);
}

void frame_finish(struct frame *f)
{
	str_finish(&f->held);
	str_finish(&f->data);
	json_items_finish(&f->items);
	proto_items_finish(&f->messages);
}

static bool too_large(const struct frame *f, const char *what, struct err *err)
{
	return err_set(err, ERR_FAILED, "%s of the reply is larger than %zu bytes", what, f->ceiling);
}

static bool hand_over(struct frame *f, const char *unit, size_t len, bool is_last)
{
	if (!f->is_stopped && !f->unit(unit, len, is_last, f->arg))
		f->is_stopped = true;
	return !f->is_stopped;
}

/* One field of an event stream; an empty line ends the event. Comments, event names, ids and retry times have
 * no reader. */
static bool sse_line(struct frame *f, const char *line, size_t len, struct err *err)
{
	if (!f->is_started && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
		line += 3;
		len -= 3;
	}
	f->is_started = true;
	if (len == 0) {
		if (f->has_data)
			hand_over(f, str_text(&f->data), f->data.len, false);
		str_reset(&f->data);
		f->has_data = false;
		return true;
	}
	if (len < 4 || memcmp(line, "data", 4) != 0 || (len > 4 && line[4] != ':'))
		return true;
	size_t at = len > 4 ? 5 : 4;
	if (at < len && line[at] == ' ')
		at++;
	if (f->data.len + (len - at) + 1 > f->ceiling)
		return too_large(f, "an event", err);
	if (f->has_data)
		str_addc(&f->data, '\n');
	str_addn(&f->data, line + at, len - at);
	f->has_data = true;
	return true;
}

static bool whole_line(struct frame *f, const char *line, size_t len, struct err *err)
{
	if (len && line[len - 1] == '\r' && f->framing == FRAME_SSE)
		len--;
	if (f->framing == FRAME_SSE)
		return sse_line(f, line, len, err);
	hand_over(f, line, len, false);
	return true;
}

/* A part of a line that has no end yet. */
static bool hold(struct frame *f, const char *bytes, size_t len, struct err *err)
{
	if (f->is_dropping)
		return true;
	if (f->held.len + len > f->ceiling) {
		if (!f->cuts_long_lines)
			return too_large(f, "a line", err);
		len = f->ceiling - f->held.len;
		f->is_dropping = true;
	}
	str_addn(&f->held, bytes, len);
	return true;
}

static bool feed_lines(struct frame *f, const char *bytes, size_t len, struct err *err)
{
	const char *end = bytes + len;
	while (bytes < end && !f->is_stopped) {
		const char *lf = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t n = (size_t)((lf ? lf : end) - bytes);
		bool is_simple = lf && f->held.len == 0 && !f->is_dropping && n <= f->ceiling;
		if (is_simple) {
			if (!whole_line(f, bytes, n, err))
				return false;
		} else if (!hold(f, bytes, n, err)) {
			return false;
		} else if (lf) {
			size_t held = f->held.len;
			f->held.len = 0;
			f->is_dropping = false;
			if (!whole_line(f, str_text(&f->held), held, err))
				return false;
		}
		bytes += n + 1;
	}
	return true;
}

static bool on_item(const char *element, size_t len, void *arg)
{
	return hand_over(arg, element, len, false);
}

/* What the first bytes tell, whatever pieces they come in; *bytes is behind the magic then. False: more are needed. */
static bool tell_form(struct frame *f, const char **bytes, size_t *len, struct err *err, bool *is_good)
{
	const struct frame_proto *p = f->proto;
	while (*len && f->n_magic < p->magic_len && **bytes == p->magic[f->n_magic]) {
		f->n_magic++;
		++*bytes;
		--*len;
	}
	if (f->n_magic < p->magic_len && !*len)
		return false;
	f->proto = NULL;
	f->is_proto = f->n_magic == p->magic_len;
	if (f->is_proto)
		proto_items_init(&f->messages, &p->path, f->ceiling);
	else
		*is_good = json_items_feed(&f->items, p->magic, f->n_magic, on_item, f, err);
	return true;
}

static bool feed_items(struct frame *f, const char *bytes, size_t len, struct err *err)
{
	bool is_good = true;
	if (f->proto && !tell_form(f, &bytes, &len, err, &is_good))
		return true;
	if (!is_good || !len)
		return is_good;
	return f->is_proto ? proto_items_feed(&f->messages, bytes, len, on_item, f, err)
			   : json_items_feed(&f->items, bytes, len, on_item, f, err);
}

static bool end_items(struct frame *f, struct err *err)
{
	const char *envelope;
	size_t len;
	if (f->is_proto ? !proto_items_end(&f->messages, err) : !json_items_end(&f->items, &envelope, &len, err))
		return false;
	hand_over(f, str_text(frame_envelope(f)), frame_envelope(f)->len, true);
	return true;
}

const struct str *frame_envelope(const struct frame *f)
{
	return f->is_proto ? &f->messages.envelope : &f->items.envelope;
}

bool frame_feed(struct frame *f, const char *bytes, size_t len, struct err *err)
{
	if (f->is_stopped || len == 0)
		return true;
	switch (f->framing) {
	case FRAME_BODY:
		if (f->held.len + len > f->ceiling)
			return err_set(err, ERR_FAILED, "the reply is larger than %zu bytes", f->ceiling);
		str_addn(&f->held, bytes, len);
		return true;
	case FRAME_LINES:
	case FRAME_SSE:
		return feed_lines(f, bytes, len, err);
	case FRAME_ITEMS:
		return feed_items(f, bytes, len, err);
	case FRAME_RAW:
		hand_over(f, bytes, len, false);
		return true;
	}
	return true;
}

bool frame_end(struct frame *f, struct err *err)
{
	if (f->is_stopped)
		return true;
	switch (f->framing) {
	case FRAME_BODY:
		hand_over(f, str_text(&f->held), f->held.len, true);
		return true;
	case FRAME_LINES:
		if (f->held.len)
			hand_over(f, f->held.s, f->held.len, true);
		return true;
	case FRAME_ITEMS:
		return end_items(f, err);
	case FRAME_SSE: /* an event that no empty line ended is dropped, as the standard says */
	case FRAME_RAW:
		return true;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One stream for all kinds: BEGIN, PUT…, SYNC, then changes; resumed by cursor, begun again when that is
 * gone. */
#include <string.h>

#include "backend/providers/platform/platform.h"
#include "base/json.h"
#include "model/record_json.h"

struct watch {
	bool is_listing; /* between BEGIN and SYNC no cursor holds */
};

static unsigned kinds_of(const struct run *r)
{
	unsigned kinds = 0;
	for (int kind = 0; kind < RECORD_COUNT; kind++)
		if ((run_request(r)->kinds & REQUEST_KIND(kind)) &&
		    (record_class((enum record_kind)kind)->flags & CLASS_PUBLIC))
			kinds |= REQUEST_KIND(kind);
	return kinds;
}

static void start(struct run *r, const char *cursor)
{
	struct str path = {0}, kinds = {0};
	for (int kind = 0; kind < RECORD_COUNT; kind++)
		if (kinds_of(r) & REQUEST_KIND(kind))
			str_addf(&kinds, "%s%s", kinds.len ? "," : "",
				 record_class((enum record_kind)kind)->plural);
	str_add(&path, "/v1/watch?kinds=");
	str_add(&path, str_text(&kinds));
	address_parameter(&path, "cursor", cursor);
	run_ask(r, &(struct ask){.path = path.s, .framing = FRAME_LINES, .is_stream = true,
	                         .head_ms = PLATFORM_HEAD_MS, .idle_ms = 3 * PLATFORM_HEARTBEAT_MS});
	str_finish(&path);
	str_finish(&kinds);
}

/* A kind that we did not ask for is a newer server's: NULL. */
static const struct record_class *class_of(struct run *r, const cJSON *line)
{
	const char *name = json_text(line, "kind");
	const struct record_class *class = name ? record_class_named(name) : NULL;
	return class && (kinds_of(r) & REQUEST_KIND(class->kind)) ? class : NULL;
}

static bool take_put(struct run *r, const cJSON *line, struct err *err)
{
	const struct record_class *class = class_of(r, line);
	if (!class)
		return true;
	void *record = arena_alloc(run_arena(r), class->size);
	if (!record_from_json(class, json_get(line, "item"), record, run_arena(r), err))
		return false;
	run_put(r, record);
	return true;
}

static bool take_delete(struct run *r, const cJSON *line, struct err *err)
{
	const struct record_class *class = class_of(r, line);
	const char *key = json_text(line, "key");
	if (!key)
		return err_set(err, ERR_FAILED, "a DELETE without a key");
	if (class)
		run_delete(r, class->kind, key);
	return true;
}

static bool take_line(struct watch *w, struct run *r, const cJSON *line, struct err *err)
{
	const char *type = json_text(line, "type");
	if (str_eq(type, "ERROR")) {
		if (json_int(line, "status", 0) == 410) {
			run_cursor(r, NULL, 0);
			run_again(r, NULL);
			return true;
		}
		const char *sentence = json_text(line, "error");
		return err_set(err, ERR_UNREACHABLE, "the watch ended: %s",
			       sentence ? sentence : "no reason given");
	}
	if (str_eq(type, "BEGIN")) {
		w->is_listing = true;
		run_cursor(r, NULL, 0);
		run_begin(r, kinds_of(r));
	} else if (str_eq(type, "SYNC")) {
		w->is_listing = false;
		run_sync(r, kinds_of(r));
	} else if (str_eq(type, "PUT")) {
		if (!take_put(r, line, err))
			return false;
	} else if (str_eq(type, "DELETE")) {
		if (!take_delete(r, line, err))
			return false;
	} else if (!type) {
		return err_set(err, ERR_FAILED, "a line without a type");
	}
	const char *cursor = json_text(line, "cursor");
	if (cursor && !w->is_listing)
		run_cursor(r, cursor, strlen(cursor));
	run_alive(r);
	return true;
}

static void unit(struct watch *w, struct run *r, const struct input *in)
{
	struct err err;
	cJSON *line = json_parse(in->data, in->len, &err);
	bool is_good = line && take_line(w, r, line, &err);
	cJSON_Delete(line);
	if (is_good)
		return;
	/* What came before is good, but where to go on is not certain any more. */
	run_cursor(r, NULL, 0);
	if (err.kind != ERR_UNREACHABLE)
		err_prefix(&err, "the platform's answer cannot be read");
	run_again(r, &err);
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct err err;
	switch (in->kind) {
	case INPUT_START:
		start(r, in->cursor);
		break;
	case INPUT_HEAD:
		if (!platform_speaks(in, &err))
			run_again(r, &err);
		break;
	case INPUT_UNIT:
		if (in->len)
			unit(state, r, in);
		break;
	case INPUT_END:
		err_set(&err, ERR_UNREACHABLE, "the platform ended the stream");
		run_again(r, &err);
		break;
	case INPUT_FAIL:
		if (in->status == 410) {
			run_cursor(r, NULL, 0);
			run_again(r, NULL);
			break;
		}
		platform_failure(r, in, &err);
		run_again(r, &err);
		break;
	case INPUT_TIMER:
		break;
	}
}

const struct query platform_watch = {
	.name = "watch", .serves = REQUEST_WATCH, .is_standing = true, .heartbeat_ms = PLATFORM_HEARTBEAT_MS,
	.size = sizeof(struct watch), .on = on,
};

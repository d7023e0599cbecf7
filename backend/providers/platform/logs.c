/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines. The server says "#cursor C" after each burst; lines that came after the last cursor come
 * again when the stream is resumed there. They are counted for each instance (whose lines are always in
 * order) and left out, so that a break shows neither a gap nor a repeat.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/providers/platform/platform.h"
#include "base/mem.h"

#define LINE_MAX_BYTES (64 * 1024)
#define CONTROLS_MAX 256

struct counted { /* lines of an instance since the last cursor */
	char *id;
	size_t id_len;
	uint64_t since, skip; /* shown; still to leave out */
};
struct logs {
	struct counted *counted;
	size_t n_counted, last;
	uint64_t controls[CONTROLS_MAX]; /* hashes of control lines since the cursor; the first n_old of
					    earlier attempts */
	size_t n_controls, n_old;
	int64_t newest;
	bool is_broken;            /* said so */
	bool is_lost;              /* the cursor was refused */
};

static void finish(void *state)
{
	struct logs *l = state;
	for (size_t i = 0; i < l->n_counted; i++)
		free(l->counted[i].id);
	free(l->counted);
}

static struct counted *counted_of(struct logs *l, const char *id, size_t len)
{
	if (l->last < l->n_counted && l->counted[l->last].id_len == len &&
	    memcmp(l->counted[l->last].id, id, len) == 0)
		return &l->counted[l->last];
	for (size_t i = 0; i < l->n_counted; i++) {
		if (l->counted[i].id_len == len && memcmp(l->counted[i].id, id, len) == 0) {
			l->last = i;
			return &l->counted[i];
		}
	}
	if ((l->n_counted & (l->n_counted - 1)) == 0)
		l->counted = mem_grow(l->counted, l->n_counted ? 2 * l->n_counted : 1, sizeof(*l->counted));
	l->counted[l->n_counted] = (struct counted){.id = mem_dup_n(id, len), .id_len = len};
	l->last = l->n_counted;
	return &l->counted[l->n_counted++];
}

static void say(struct run *r, enum log_what what, const char *text)
{
	run_log(r, &(struct log_item){.what = what, .time = run_now(r), .text = text, .len = strlen(text)});
}

static void start(struct logs *l, struct run *r, const char *cursor)
{
	const struct log_wish *wish = &run_request(r)->logs;
	struct str path = {0};
	char tail[24];
	if (!cursor && l->newest)
		l->is_lost = true;
	str_add(&path, "/v1/logs");
	address_parameter(&path, "service", wish->service);
	address_parameter(&path, "environment", wish->environment);
	address_parameter(&path, "instance", wish->instance);
	if (cursor) {
		address_parameter(&path, "cursor", cursor);
	} else {
		address_time(&path, "since", l->is_lost ? l->newest : wish->since);
		if (wish->tail != RECORD_NONE && !l->is_lost) {
			snprintf(tail, sizeof(tail), "%lld", (long long)wish->tail);
			address_parameter(&path, "tail", tail);
		}
	}
	address_parameter(&path, "follow", wish->is_following ? "1" : NULL);
	address_parameter(&path, "previous", wish->is_previous ? "1" : NULL);
	for (size_t i = 0; i < l->n_counted; i++) {
		l->counted[i].skip = cursor ? l->counted[i].skip + l->counted[i].since : 0;
		l->counted[i].since = 0;
	}
	l->n_old = l->n_controls;
	run_ask(r, &(struct ask){.path = path.s,
				 .framing = FRAME_LINES,
				 .ceiling = LINE_MAX_BYTES,
				 .cuts_long_lines = true,
				 .is_stream = true,
				 .head_ms = PLATFORM_HEAD_MS,
				 .idle_ms = wish->is_following ? 3 * PLATFORM_HEARTBEAT_MS : 10000});
	str_finish(&path);
}

/* "id=service/env,…" */
static void take_instances(struct run *r, const char *header)
{
	char *copy = arena_dup(run_arena(r), header);
	for (char *item = copy; item && *item;) {
		char *next = strchr(item, ','), *equals, *slash;
		if (next)
			*next++ = '\0';
		while (*item == ' ')
			item++;
		equals = strchr(item, '=');
		slash = equals ? strchr(equals, '/') : NULL;
		if (slash) {
			*equals = *slash = '\0';
			run_log_instance(r, item, equals + 1, slash + 1);
		}
		item = next;
	}
}

static bool take_number(const char **at, const char *end, int64_t *out)
{
	const char *c = *at;
	int64_t value = 0;
	while (c < end && *c >= '0' && *c <= '9' && c - *at < 15)
		value = value * 10 + (*c++ - '0');
	if (c == *at || c == end || *c != ' ')
		return false;
	*at = c + 1;
	*out = value;
	return true;
}

/* "TIME_MS SP INSTANCE SP TEXT" */
static bool take_text(struct logs *l, struct run *r, const char *line, size_t len)
{
	const char *at = line, *end = line + len;
	struct log_item item = {.what = LINE_TEXT};
	if (!take_number(&at, end, &item.time))
		return false;
	const char *space = memchr(at, ' ', (size_t)(end - at));
	if (!space || space == at || space - at > 200)
		return false;
	item.instance = at;
	item.instance_len = (size_t)(space - at);
	item.text = space + 1;
	item.len = (size_t)(end - item.text);
	struct counted *c = counted_of(l, at, item.instance_len);
	c->since++;
	if (c->skip) {
		c->skip--;
		return true;
	}
	if (item.time > l->newest)
		l->newest = item.time;
	run_log(r, &item);
	return true;
}

static bool is_repeated(struct logs *l, const char *line, size_t len)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)line[i]) * 1099511628211u;
	for (size_t i = 0; i < l->n_old; i++)
		if (l->controls[i] == h)
			return true;
	if (l->n_controls < CONTROLS_MAX)
		l->controls[l->n_controls++] = h;
	return false;
}

static void take_cursor(struct logs *l, struct run *r, const char *cursor, size_t len)
{
	run_cursor(r, cursor, len);
	for (size_t i = 0; i < l->n_counted; i++)
		l->counted[i].since = l->counted[i].skip = 0;
	l->n_controls = l->n_old = 0;
}

static const struct {
	const char *word;
	enum log_what what;
	bool has_time;
} controls[] = {
	{"#gap ", LINE_GAP, false},
	{"#exit ", LINE_EXIT, true},
	{"#start ", LINE_START, true},
};

/* Controls that we do not know are a newer server's: left out. */
static bool take_control(struct logs *l, struct run *r, const char *line, size_t len)
{
	const char *end = line + len;
	if (len > 8 && memcmp(line, "#cursor ", 8) == 0) {
		take_cursor(l, r, line + 8, len - 8);
		return true;
	}
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		size_t n = strlen(controls[i].word);
		if (len <= n || memcmp(line, controls[i].word, n) != 0)
			continue;
		struct log_item item = {.what = controls[i].what, .time = run_now(r)};
		const char *at = line + n;
		if (controls[i].has_time && !take_number(&at, end, &item.time))
			return false;
		const char *space = memchr(at, ' ', (size_t)(end - at));
		if (!space)
			return false;
		item.instance = at;
		item.instance_len = (size_t)(space - at);
		item.text = space + 1;
		item.len = (size_t)(end - item.text);
		if (!is_repeated(l, line, len))
			run_log(r, &item);
	}
	return true;
}

static void unit(struct logs *l, struct run *r, const struct input *in)
{
	struct err err;
	run_alive(r);
	if (in->len == 0)
		return;
	if (in->data[0] == '#' ? take_control(l, r, in->data, in->len) : take_text(l, r, in->data, in->len))
		return;
	err_set(&err, ERR_FAILED, "the platform sent a log line that cannot be read");
	run_again(r, &err);
}

static void head(struct logs *l, struct run *r, const struct input *in)
{
	struct err err;
	if (!platform_speaks(in, &err)) {
		run_done(r, &err);
		return;
	}
	const char *instances = input_header(in, "fairway-instances");
	if (instances)
		take_instances(r, instances);
	if (l->is_lost)
		say(r, LINE_GAP, "the place to go on was lost: lines may be missing or come twice");
	else if (l->is_broken)
		say(r, LINE_CUT, "the stream goes on");
	l->is_broken = l->is_lost = false;
}

/* A stream that is followed outlives its server; a list that broke in the middle is not complete and says
 * so. */
static void fail(struct logs *l, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_FAIL)
		platform_failure(r, in, &err);
	else
		err_set(&err, ERR_UNREACHABLE, "the platform ended the stream");
	if (in->status == 410) {
		l->is_lost = true;
		run_cursor(r, NULL, 0);
		run_again(r, NULL);
		return;
	}
	bool is_refused = in->kind == INPUT_FAIL && in->status >= 400 && in->status < 500;
	if (is_refused || (!run_request(r)->logs.is_following)) {
		run_done(r, &err);
		return;
	}
	if (!l->is_broken)
		say(r, LINE_CUT, arena_printf(run_arena(r), "the stream broke: %s", err.text));
	l->is_broken = true;
	run_again(r, &err);
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct logs *l = state;
	switch (in->kind) {
	case INPUT_START:
		start(l, r, in->cursor);
		break;
	case INPUT_HEAD:
		head(l, r, in);
		break;
	case INPUT_UNIT:
		if (in->len == 4 && memcmp(in->data, "#end", 4) == 0)
			run_done(r, NULL);
		else
			unit(l, r, in);
		break;
	case INPUT_END:
	case INPUT_FAIL:
		fail(l, r, in);
		break;
	case INPUT_TIMER:
		break;
	}
}

static bool is_following(const struct request *q)
{
	return q->logs.is_following;
}

static bool is_once(const struct request *q)
{
	return !q->logs.is_following;
}

const struct query platform_log_follow = {
	.name = "logs, following",
	.serves = REQUEST_LOGS,
	.suits = is_following,
	.is_standing = true,
	.keeps_state = true,
	.heartbeat_ms = PLATFORM_HEARTBEAT_MS,
	.size = sizeof(struct logs),
	.on = on,
	.finish = finish,
};
const struct query platform_logs = {
	.name = "logs",
	.serves = REQUEST_LOGS,
	.suits = is_once,
	.size = sizeof(struct logs),
	.on = on,
	.finish = finish,
};

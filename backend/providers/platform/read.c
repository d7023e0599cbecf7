/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that are one GET: documents, series, the audit's check, info. */
#include <math.h>

#include "backend/providers/platform/platform.h"
#include "base/clock.h"
#include "base/json.h"

/* The reply's object, or NULL after ending the run. */
static cJSON *object(struct run *r, const struct input *in)
{
	struct err err;
	cJSON *json = json_parse(in->data, in->len, &err);
	if (json && cJSON_IsObject(json))
		return json;
	if (json)
		err_set(&err, ERR_FAILED, "no object");
	cJSON_Delete(json);
	err_prefix(&err, "the platform's answer cannot be read");
	run_done(r, &err);
	return NULL;
}

/* What all of them do the same: false when the input was a head, a failure, … and was dealt with. */
static bool is_unit(struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_HEAD && !platform_speaks(in, &err))
		run_done(r, &err);
	if (in->kind == INPUT_FAIL) {
		platform_failure(r, in, &err);
		run_again(r, &err);
	}
	return in->kind == INPUT_UNIT;
}

static void send_piece(struct run *r, const struct input *in)
{
	struct message *m = run_message(r, MESSAGE_DOCUMENT);
	m->document = (struct document){.text = arena_dup_n(&m->arena, in->data, in->len), .len = in->len};
	run_send(r, m);
}

static void document_path(struct str *path, const struct request *q)
{
	switch (q->document) {
	case DOCUMENT_RUNBOOK:
		str_add(path, "/v1/runbooks/");
		address_escape(path, q->service ? q->service : "", false);
		if (q->name) {
			str_addc(path, '/');
			address_escape(path, q->name, true);
		}
		break;
	case DOCUMENT_SPEC:
		str_add(path, "/v1/services/");
		address_escape(path, q->service ? q->service : "", false);
		str_add(path, "/spec");
		break;
	case DOCUMENT_BUILD_LOG:
		str_add(path, "/v1/deploys/");
		address_escape(path, q->name ? q->name : "", false);
		str_add(path, "/log");
		address_parameter(path, "follow", q->is_following ? "1" : NULL);
		break;
	case DOCUMENT_PATH: /* not ours */
		break;
	}
}

static void on_document(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START) {
		struct str path = {0};
		document_path(&path, run_request(r));
		platform_get(r, path.s);
		str_finish(&path);
	} else if (is_unit(r, in)) {
		send_piece(r, in);
	} else if (in->kind == INPUT_END) {
		run_done(r, NULL);
	}
}

/* It may be long, and it may still grow: pieces as they come. */
static void on_build_log(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START) {
		struct str path = {0};
		document_path(&path, run_request(r));
		run_ask(r, &(struct ask){.path = path.s, .framing = FRAME_RAW, .is_stream = true,
		                         .head_ms = PLATFORM_HEAD_MS});
		str_finish(&path);
	} else if (is_unit(r, in)) {
		send_piece(r, in);
	} else if (in->kind == INPUT_END) {
		run_done(r, NULL);
	}
}

/* [[ms, value], …]; what is no pair of numbers is left out. */
static void take_points(struct message *m, const cJSON *list)
{
	struct series_point *points =
		arena_alloc(&m->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*points));
	const cJSON *item;
	m->series.points = points;
	cJSON_ArrayForEach(item, list)
	{
		const cJSON *time = cJSON_IsArray(item) ? item->child : NULL;
		const cJSON *value = time ? time->next : NULL;
		if (cJSON_IsNumber(time) && cJSON_IsNumber(value) && fabs(time->valuedouble) < 1e15)
			points[m->series.n++] =
				(struct series_point){(int64_t)time->valuedouble, value->valuedouble};
	}
}

static void take_marks(struct message *m, const cJSON *list)
{
	struct series_mark *marks =
		arena_alloc(&m->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*marks));
	const cJSON *item;
	m->series.marks = marks;
	cJSON_ArrayForEach(item, list)
	{
		int64_t time = json_int(item, "time", 0);
		const char *text = json_text(item, "text"), *stamp = json_text(item, "time");
		if (stamp && !clock_parse_rfc3339(stamp, &time))
			time = 0;
		if (time && text)
			marks[m->series.n_marks++] = (struct series_mark){time, arena_dup(&m->arena, text)};
	}
}

static void on_series(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START) {
		const struct series_wish *wish = &run_request(r)->series;
		struct str path = {0};
		str_add(&path, "/v1/series");
		address_parameter(&path, "service", wish->service);
		address_parameter(&path, "environment", wish->environment);
		address_parameter(&path, "name", wish->name);
		address_time(&path, "since", wish->since);
		platform_get(r, path.s);
		str_finish(&path);
	}
	cJSON *json = is_unit(r, in) ? object(r, in) : NULL;
	if (!json)
		return;
	struct message *m = run_message(r, MESSAGE_SERIES);
	const cJSON *threshold = json_get(json, "threshold");
	m->series.name = arena_dup(&m->arena, json_text(json, "name"));
	m->series.unit = arena_dup(&m->arena, json_text(json, "unit"));
	m->series.threshold = cJSON_IsNumber(threshold) ? threshold->valuedouble : (double)NAN;
	take_points(m, json_get(json, "points"));
	take_marks(m, json_get(json, "marks"));
	cJSON_Delete(json);
	run_send(r, m);
	run_done(r, NULL);
}

static void on_audit(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START)
		platform_get(r, "/v1/audit/verify");
	cJSON *json = is_unit(r, in) ? object(r, in) : NULL;
	if (!json)
		return;
	struct message *m = run_message(r, MESSAGE_AUDIT);
	m->audit = (struct audit_check){
		.chain = "platform", .entries = json_int(json, "entries", 0),
		.head = arena_dup(&m->arena, json_text(json, "head")), .is_ok = json_bool(json, "ok", false),
		.first_bad = arena_dup(&m->arena, json_text(json, "first_bad")),
	};
	cJSON_Delete(json);
	run_send(r, m);
	run_done(r, NULL);
}

/* Times come as RFC 3339, like in records. */
static int64_t time_of(const cJSON *json, const char *name)
{
	int64_t time = json_int(json, name, 0);
	const char *text = json_text(json, name);
	return text && clock_parse_rfc3339(text, &time) ? time : time;
}

static void on_info(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START)
		platform_get(r, "/v1/info");
	cJSON *json = is_unit(r, in) ? object(r, in) : NULL;
	if (!json)
		return;
	struct message *m = run_message(r, MESSAGE_INFO);
	const cJSON *raising = json_get(json, "raising");
	m->info = (struct platform_info){
		.name = arena_dup(&m->arena, json_text(json, "name")),
		.version = arena_dup(&m->arena, json_text(json, "version")),
		.folder = arena_dup(&m->arena, json_text(json, "folder")),
		.socket = arena_dup(&m->arena, json_text(json, "socket")),
		.boot = arena_dup(&m->arena, json_text(json, "boot")),
		.pid = json_int(json, "pid", 0),
		.keeper_pid = json_int(json, "keeper_pid", 0),
		.started_at = time_of(json, "started_at"),
		.rules_evaluated_at = time_of(json, "rules_evaluated_at"),
		.raising_done = json_int(raising, "done", RECORD_NONE),
		.raising_total = json_int(raising, "total", RECORD_NONE),
	};
	cJSON_Delete(json);
	run_send(r, m);
	run_done(r, NULL);
}

static bool is_build_log(const struct request *q)
{
	return q->document == DOCUMENT_BUILD_LOG;
}

static bool is_text(const struct request *q)
{
	return q->document == DOCUMENT_RUNBOOK || q->document == DOCUMENT_SPEC;
}

const struct query platform_document = {
	.name = "document", .serves = REQUEST_DOCUMENT, .suits = is_text, .on = on_document,
};
const struct query platform_build_log = {
	.name = "build log", .serves = REQUEST_DOCUMENT, .suits = is_build_log, .on = on_build_log,
};
const struct query platform_series = {.name = "series", .serves = REQUEST_SERIES, .on = on_series};
const struct query platform_audit = {.name = "audit", .serves = REQUEST_AUDIT_VERIFY, .on = on_audit};
const struct query platform_info = {.name = "info", .serves = REQUEST_INFO, .on = on_info};

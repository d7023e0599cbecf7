/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, operations, undo, shutdown, demo: everything that changes something. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "platform/api.h"
#include "platform/daemon.h"
#include "platform/demo.h"
#include "platform/operate.h"

struct operation_watch {
	struct operation_watch *next, **first;
	struct api_stream *stream;
	char id[OPERATE_ID];
};

static void reply_record(struct api_request *r, int status, enum record_kind kind, const void *record)
{
	char *text = record_to_text(record_class(kind), record);
	api_reply_text(r, status, "application/json", text, strlen(text));
	free(text);
}

static cJSON *read_body(struct api_request *r)
{
	size_t len;
	struct err err;
	const char *body = api_body(r, &len);
	cJSON *json = json_parse(body, len, &err);
	if (json && !cJSON_IsObject(json)) {
		cJSON_Delete(json);
		json = NULL;
		err_set(&err, ERR_USAGE, "the body is no JSON object");
	}
	if (!json) {
		err.kind = ERR_USAGE;
		api_reply_err(r, &err);
	}
	return json;
}

static void post_plan(struct api_request *r)
{
	size_t len;
	struct err err = {0};
	struct arena arena = {0};
	struct wish wish;
	const char *body = api_body(r, &len);
	const struct plan *plan = NULL;
	if (!record_from_text(record_class(RECORD_WISH), body, len, &wish, &arena, &err))
		err.kind = ERR_USAGE;
	else
		plan = operate_plan(api_daemon(r)->operate, &wish, api_who(r), &err);
	if (plan)
		reply_record(r, 201, RECORD_PLAN, plan);
	else
		api_reply_err(r, &err);
	arena_finish(&arena);
}

static void post_operation(struct api_request *r)
{
	cJSON *json = read_body(r);
	if (!json)
		return;
	struct err err = {0};
	const char *plan = json_text(json, "plan");
	const struct operation *op = NULL;
	if (!plan)
		err_set(&err, ERR_USAGE, "plan: say which");
	else
		op = operate_execute(api_daemon(r)->operate, plan, json_text(json, "confirm"), json_text(json, "reason"),
		                     api_who(r), &err);
	if (op)
		reply_record(r, 202, RECORD_OPERATION, op);
	else
		api_reply_err(r, &err);
	cJSON_Delete(json);
}

static void post_undo(struct api_request *r)
{
	cJSON *json = read_body(r);
	if (!json)
		return;
	struct err err = {0};
	const char *id = json_text(json, "operation");
	const struct operation *op = NULL;
	if (!id)
		err_set(&err, ERR_USAGE, "operation: say which");
	else
		op = operate_undo(api_daemon(r)->operate, id, api_who(r), &err);
	if (op)
		reply_record(r, 200, RECORD_OPERATION, op);
	else
		api_reply_err(r, &err);
	cJSON_Delete(json);
}

/* ---- watching one operation ---- */

static void write_operation(struct api_stream *stream, const struct operation *op)
{
	struct str line = {0};
	char *text = record_to_text(record_class(RECORD_OPERATION), op);
	str_add(&line, text);
	str_addc(&line, '\n');
	free(text);
	api_stream_add(stream, line.s, line.len);
	str_finish(&line);
	if (op->ended_at)
		api_stream_end(stream);
}

static void closed(struct api_stream *stream, void *state)
{
	(void)stream;
	struct operation_watch *w = state;
	for (struct operation_watch **at = w->first; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	free(w);
}

void api_on_operation(const struct operation *op, void *daemon)
{
	struct operation_watch **first = api_operation_watches(daemon);
	for (struct operation_watch *w = first ? *first : NULL; w; w = w->next)
		if (str_eq(w->id, op->id))
			write_operation(w->stream, op);
}

static void get_operation(struct api_request *r)
{
	static const struct api_stream_events events = {.closed = closed};
	const struct operation *op = operate_find(api_daemon(r)->operate, api_arg(r, 0));
	if (!op) {
		struct err err;
		err_set(&err, ERR_NOT_FOUND, "there is no operation \"%.40s\", or it ended long ago", api_arg(r, 0));
		api_reply_err(r, &err);
		return;
	}
	if (!str_eq(api_query(r, "watch"), "1")) {
		reply_record(r, 200, RECORD_OPERATION, op);
		return;
	}
	struct operation_watch *w = mem_alloc(sizeof(*w));
	str_copy(w->id, sizeof(w->id), op->id);
	w->first = api_operation_watches(api_daemon(r));
	w->next = *w->first;
	*w->first = w;
	w->stream = api_stream_open(r, "application/x-ndjson", NULL, &events, w);
	write_operation(w->stream, op);
}

/* ---- the platform itself ---- */

static void post_shutdown(struct api_request *r)
{
	cJSON *json = read_body(r);
	if (!json)
		return;
	daemon_shutdown(api_daemon(r), json_bool(json, "services", false), json_bool(json, "again", false));
	cJSON_Delete(json);
	api_reply_ok(r, 202);
}

static void post_demo(struct api_request *r)
{
	struct err err;
	if (demo_raise(api_daemon(r)->demo, api_who(r), &err))
		api_reply_ok(r, 202);
	else
		api_reply_err(r, &err);
}

const struct api_row api_write_rows[] = {
	{"POST", "/v1/plans", post_plan, "What an operation would change, and whether it is refused"},
	{"POST", "/v1/operations", post_operation, "Executes a plan that was confirmed"},
	{"GET", "/v1/operations/*", get_operation, "How far an operation is; watch=1 streams its changes"},
	{"POST", "/v1/undo", post_undo, "Takes a reversible operation back, within 10 s"},
	{"POST", "/v1/shutdown", post_shutdown, "Ends the daemon; services too, when asked for"},
	{"POST", "/v1/demo", post_demo, "Raises the sample platform"},
	{NULL, NULL, NULL, NULL},
};

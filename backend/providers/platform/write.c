/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and operations. Each POST goes out once; what comes of it is read, and read again when the stream
 * breaks. */
#include <errno.h>
#include <stdlib.h>

#include "backend/providers/platform/platform.h"
#include "base/json.h"
#include "model/record_json.h"

#define FOLLOW_AGAIN_MS 250
#define FOLLOW_ATTEMPTS 120 /* a daemon that restarts goes on with the deploy: 30 s to come back */
#define GONE_ATTEMPTS 80    /* 20 s to shut down */

enum { TAG_POST, TAG_FOLLOW, TAG_TIMER };

static void unreadable(struct run *r, struct err *err)
{
	err_prefix(err, "the platform's answer cannot be read");
	run_done(r, err);
}

static void on_plan(void *state, struct run *r, const struct input *in)
{
	struct err err;
	(void)state;
	if (in->kind == INPUT_START) {
		char *body = record_to_text(record_class(RECORD_WISH), &run_request(r)->wish);
		platform_post(r, "/v1/plans", body);
		free(body);
	} else if (in->kind == INPUT_HEAD && !platform_speaks(in, &err)) {
		run_done(r, &err);
	} else if (in->kind == INPUT_UNIT) {
		struct message *m = run_message(r, MESSAGE_PLAN);
		if (!record_from_text(record_class(RECORD_PLAN), in->data, in->len, &m->plan, &m->arena,
				      &err)) {
			message_free(m);
			unreadable(r, &err);
			return;
		}
		run_send(r, m);
		run_done(r, NULL);
	} else if (in->kind == INPUT_FAIL) {
		platform_failure(r, in, &err);
		if (err.kind == ERR_UNKNOWN) /* a plan changes nothing: there is no outcome to wonder about */
			err.kind = ERR_UNREACHABLE;
		run_done(r, &err);
	}
}

struct execution {
	char *operation; /* its id, once known */
	int attempts;
};

static void finish(void *state)
{
	free(((struct execution *)state)->operation);
}

static void post_operation(struct run *r)
{
	const struct request *q = run_request(r);
	cJSON *body = cJSON_CreateObject();
	json_add_text(body, "plan", q->plan);
	json_add_text(body, "confirm", q->confirm);
	json_add_text(body, "reason", q->reason);
	char *text = json_print(body);
	platform_post(r, "/v1/operations", text);
	free(text);
	cJSON_Delete(body);
}

static void post_undo(struct run *r)
{
	cJSON *body = cJSON_CreateObject();
	json_add_text(body, "operation", run_request(r)->operation);
	char *text = json_print(body);
	platform_post(r, "/v1/undo", text);
	free(text);
	cJSON_Delete(body);
}

static void follow(struct execution *x, struct run *r)
{
	struct str path = {0};
	str_add(&path, "/v1/operations/");
	address_escape(&path, x->operation, false);
	str_add(&path, "?watch=1");
	run_ask(r, &(struct ask){.tag = TAG_FOLLOW, .path = path.s, .framing = FRAME_LINES, .is_stream = true,
	                         .head_ms = PLATFORM_HEAD_MS});
	str_finish(&path);
}

static void follow_later(struct execution *x, struct run *r)
{
	struct err err;
	if (++x->attempts > FOLLOW_ATTEMPTS) {
		err_set(&err, ERR_UNKNOWN,
			"operation %.40s was accepted, its outcome is not known: the platform does not "
			"answer",
			x->operation);
		run_done(r, &err);
		return;
	}
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TAG_TIMER, .after_ms = FOLLOW_AGAIN_MS});
}

static enum err_kind kind_of_end(const struct operation *o)
{
	if (o->state == AUDIT_UNKNOWN)
		return ERR_UNKNOWN;
	if (o->state == AUDIT_REFUSED)
		return ERR_REFUSED;
	return o->error_kind ? err_kind_of(o->error_kind) : ERR_FAILED;
}

/* Delivers the operation; ends the run when it has ended. */
static void take_operation(struct execution *x, struct run *r, const struct input *in)
{
	struct err err;
	struct message *m = run_message(r, MESSAGE_OPERATION);
	if (!record_from_text(record_class(RECORD_OPERATION), in->data, in->len, &m->operation, &m->arena,
			      &err)) {
		message_free(m);
		err.kind = ERR_UNKNOWN; /* it was accepted, whatever this says */
		unreadable(r, &err);
		return;
	}
	const struct operation *o = &m->operation;
	int state = o->state;
	if (state != AUDIT_DONE && state != AUDIT_RECORDED)
		err_set(&err, kind_of_end(o), "%s",
			o->detail ? o->detail : record_value_name(audit_state_names, state));
	if (!x->operation)
		x->operation = mem_dup(o->id);
	x->attempts = 0;
	run_send(r, m);
	if (state != AUDIT_RECORDED)
		run_done(r, state == AUDIT_DONE ? NULL : &err);
}

static void on_operation(struct execution *x, struct run *r, const struct input *in)
{
	struct err err;
	switch (in->kind) {
	case INPUT_HEAD:
		if (!platform_speaks(in, &err))
			run_done(r, &err);
		break;
	case INPUT_UNIT:
		if (in->len)
			take_operation(x, r, in);
		break;
	case INPUT_END:
		if (in->tag == TAG_POST)
			follow(x, r);
		else
			follow_later(x, r);
		break;
	case INPUT_FAIL:
		platform_failure(r, in, &err);
		/* It was accepted; a daemon that died at its very end has its audit entry, but not its steps. */
		if (in->tag != TAG_POST && in->status == 404)
			err_set(&err, ERR_UNKNOWN, "the platform began anew and cannot tell how it ended: fairway audit does");
		if (in->tag == TAG_POST || in->status >= 400)
			run_done(r, &err);
		else
			follow_later(x, r);
		break;
	case INPUT_TIMER:
		follow(x, r);
		break;
	case INPUT_START:
		break;
	}
}

static void on_execute(void *state, struct run *r, const struct input *in)
{
	if (in->kind == INPUT_START)
		post_operation(r);
	else
		on_operation(state, r, in);
}

static void on_undo(void *state, struct run *r, const struct input *in)
{
	if (in->kind == INPUT_START)
		post_undo(r);
	else
		on_operation(state, r, in);
}

static void look_again(struct execution *x, struct run *r)
{
	struct err err;
	if (x->attempts++ < GONE_ATTEMPTS) {
		run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TAG_TIMER, .after_ms = FOLLOW_AGAIN_MS});
		return;
	}
	err_set(&err, ERR_FAILED, "the platform still runs, 20 s after it was asked to end");
	run_done(r, &err);
}

/* Accepted is not done: it is over when the socket refuses. */
static void on_shutdown(void *state, struct run *r, const struct input *in)
{
	struct execution *x = state;
	struct err err;
	switch (in->kind) {
	case INPUT_START:
		platform_post(r, "/v1/shutdown",
			      run_request(r)->with_services ? "{\"services\":true}" : "{\"services\":false}");
		break;
	case INPUT_END:
		look_again(x, r);
		break;
	case INPUT_TIMER:
		run_ask(r, &(struct ask){.tag = TAG_FOLLOW, .path = "/v1/info", .framing = FRAME_BODY,
		                         .head_ms = PLATFORM_HEAD_MS});
		break;
	case INPUT_FAIL:
		platform_failure(r, in, &err);
		if (in->tag == TAG_FOLLOW && err.kind == ERR_UNREACHABLE && err.code != ENOENT &&
		    err.code != ECONNREFUSED)
			look_again(x, r);
		else
			run_done(r, in->tag == TAG_FOLLOW ? NULL : &err);
		break;
	case INPUT_HEAD:
	case INPUT_UNIT:
		break;
	}
}

/* A service is made from files, before the platform hears of it. */
static bool is_ours(const struct request *q)
{
	return !str_eq(q->wish.action, "new");
}

const struct query platform_plan = {.name = "plan", .serves = REQUEST_PLAN, .suits = is_ours, .on = on_plan};
const struct query platform_execute = {
	.name = "execute",
	.serves = REQUEST_EXECUTE,
	.size = sizeof(struct execution),
	.on = on_execute,
	.finish = finish,
};
const struct query platform_undo = {
	.name = "undo",
	.serves = REQUEST_UNDO,
	.size = sizeof(struct execution),
	.on = on_undo,
	.finish = finish,
};
const struct query platform_shutdown = {
	.name = "shutdown", .serves = REQUEST_SHUTDOWN, .size = sizeof(struct execution), .on = on_shutdown,
	.finish = finish,
};

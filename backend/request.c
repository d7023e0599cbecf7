/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/request.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[REQUEST_COUNT] = {
	"watch", "logs", "document", "series", "use", "audit verify", "info", "plan",
	"execute", "undo", "render", "raise", "shutdown", "reload",
	"terminal",
};

const char *request_kind_name(enum request_kind kind)
{
	return kind < REQUEST_COUNT ? kind_names[kind] : "unknown";
}

struct request *request_new(enum request_kind kind)
{
	struct request *r = mem_alloc(sizeof(*r));
	r->kind = kind;
	r->logs.tail = RECORD_NONE;
	record_init(record_class(RECORD_WISH), &r->wish);
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	if (r->terminal.output)
		explicit_bzero((char *)r->terminal.output, r->terminal.len);
	arena_finish(&r->arena);
	free(r);
}

struct request *request_watch(unsigned kinds)
{
	struct request *r = request_new(REQUEST_WATCH);
	r->kinds = kinds;
	return r;
}

struct request *request_read(unsigned kinds, unsigned named)
{
	struct request *r = request_watch(kinds);
	r->named = named;
	r->is_once = true;
	return r;
}

struct request *request_logs(const struct log_wish *wish)
{
	struct request *r = request_new(REQUEST_LOGS);
	r->logs = *wish;
	r->logs.service = arena_dup(&r->arena, wish->service);
	r->logs.environment = arena_dup(&r->arena, wish->environment);
	r->logs.instance = arena_dup(&r->arena, wish->instance);
	return r;
}

struct request *request_document(enum document_kind kind, const char *service, const char *name,
				 bool is_following)
{
	struct request *r = request_new(REQUEST_DOCUMENT);
	r->document = kind;
	r->service = arena_dup(&r->arena, service);
	r->name = arena_dup(&r->arena, name);
	r->is_following = is_following;
	return r;
}

struct request *request_series(const struct series_wish *wish)
{
	struct request *r = request_new(REQUEST_SERIES);
	r->series = *wish;
	r->series.service = arena_dup(&r->arena, wish->service);
	r->series.environment = arena_dup(&r->arena, wish->environment);
	r->series.name = arena_dup(&r->arena, wish->name);
	return r;
}

struct request *request_use(const char *service, const char *environment, bool is_following)
{
	struct request *r = request_new(REQUEST_USE);
	r->service = arena_dup(&r->arena, service);
	r->environment = arena_dup(&r->arena, environment);
	r->is_following = is_following;
	return r;
}

static struct request *with_wish(enum request_kind kind, const struct wish *wish)
{
	struct request *r = request_new(kind);
	record_copy(record_class(RECORD_WISH), &r->wish, wish, &r->arena);
	return r;
}

struct request *request_plan(const struct wish *wish)
{
	return with_wish(REQUEST_PLAN, wish);
}

struct request *request_render(const struct wish *wish)
{
	return with_wish(REQUEST_RENDER, wish);
}

struct request *request_execute(const char *plan, const char *confirm, const char *reason)
{
	struct request *r = request_new(REQUEST_EXECUTE);
	r->plan = arena_dup(&r->arena, plan);
	r->confirm = arena_dup(&r->arena, confirm);
	r->reason = arena_dup(&r->arena, reason);
	return r;
}

struct request *request_undo(const char *operation)
{
	struct request *r = request_new(REQUEST_UNDO);
	r->operation = arena_dup(&r->arena, operation);
	return r;
}

struct request *request_shutdown(bool with_services)
{
	struct request *r = request_new(REQUEST_SHUTDOWN);
	r->with_services = with_services;
	return r;
}

struct request *request_terminal(const struct terminal_answer *answer)
{
	struct request *r = request_new(REQUEST_TERMINAL);
	r->terminal = *answer;
	r->terminal.output = answer->output ? arena_dup_n(&r->arena, answer->output, answer->len) : NULL;
	r->terminal.refusal = arena_dup(&r->arena, answer->refusal);
	return r;
}

struct request *request_reload(const struct config *config)
{
	struct request *r = request_new(REQUEST_RELOAD);
	r->config = config;
	return r;
}

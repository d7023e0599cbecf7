/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/info and GET /v1/KIND. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/version.h"
#include "model/record_json.h"
#include "platform/api.h"
#include "platform/daemon.h"
#include "platform/keeper.h"
#include "platform/demo.h"
#include "platform/place.h"
#include "platform/rules.h"
#include "platform/state.h"

static void get_info(struct api_request *r)
{
	struct daemon *d = api_daemon(r);
	cJSON *json = cJSON_CreateObject();
	const char *slash = strrchr(d->place->root, '/');
	json_add_text(json, "name", slash ? slash + 1 : d->place->root);
	json_add_text(json, "version", fairway_version);
	json_add_int(json, "pid", getpid());
	json_add_time(json, "started_at", d->started_at);
	json_add_text(json, "boot", d->place->boot_id);
	json_add_text(json, "folder", d->place->root);
	json_add_int(json, "keeper_pid", d->keeper_pid);
	json_add_bool(json, "outdated", keeper_program_is_replaced());
	json_add_text(json, "socket", d->place->socket);
	json_add_time(json, "rules_evaluated_at", rules_evaluated_at(d->rules));
	json_add_time(json, "now", clock_wall_ms());
	int done, total;
	if (demo_progress(d->demo, &done, &total)) {
		cJSON *raising = cJSON_AddObjectToObject(json, "raising");
		json_add_int(raising, "done", done);
		json_add_int(raising, "total", total);
	}
	const char *error = demo_error(d->demo);
	json_add_text(json, "error", error);
	api_reply_json(r, 200, json);
}

static const char *member(const struct record_class *class, const void *record, const char *name)
{
	const struct field *f = record_field(class, name);
	return f && f->type == FIELD_TEXT ? *(const char *const *)record_get(record, f) : NULL;
}

/* A record without the member is not held back: an environment has no service. */
static bool is_wanted(const struct record_class *class, const void *record, const char *name, const char *value)
{
	return !value || !record_field(class, name) || str_eq(member(class, record, name), value);
}

static void get_list(struct api_request *r)
{
	struct daemon *d = api_daemon(r);
	const struct record_class *class = record_class_named(api_arg(r, 0));
	if (!class || !(class->flags & CLASS_PUBLIC) || !str_eq(class->plural, api_arg(r, 0))) {
		struct err err;
		err_set(&err, ERR_NOT_FOUND, "there is no list \"%.40s\"", api_arg(r, 0));
		api_reply_err(r, &err);
		return;
	}
	const char *service = api_query(r, "service"), *environment = api_query(r, "environment");
	const char *own = class->kind == RECORD_SERVICE ? service : class->kind == RECORD_ENVIRONMENT ? environment : NULL;
	char cursor[64];
	state_cursor(d->state, cursor);
	struct str out = {0};
	str_addf(&out, "{\"cursor\":\"%s\",\"items\":[", cursor);
	const void *record;
	bool is_first = true;
	for (size_t i = 0; (record = state_next(d->state, class, &i));) {
		if (!is_wanted(class, record, "service", service) || !is_wanted(class, record, "environment", environment) ||
		    (own && !str_eq(member(class, record, "name"), own)))
			continue;
		char *text = record_to_text(class, record);
		if (!is_first)
			str_addc(&out, ',');
		is_first = false;
		str_add(&out, text);
		free(text);
	}
	str_add(&out, "]}");
	api_reply_text(r, 200, "application/json", out.s, out.len);
	str_finish(&out);
}

const struct api_row api_list_rows[] = {
	{"GET", "/v1/info", get_info, "What this daemon is, and how far the demo was raised"},
	{"GET", "/v1/*", get_list, "All records of a kind, and the cursor to watch from"},
	{NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/platform/platform.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const struct option_row options[] = {
	{"socket", "Unix socket of its daemon; made from the name when that and url are unsaid", OPTION_PATH},
	{"name", "Which platform of this machine: its state lies in a folder of this name", OPTION_TEXT,
	 .absent = "local"},
};
static const char *const roles[] = {"platform", NULL};
static const struct query *const queries[] = {
	&platform_watch, &platform_logs, &platform_log_follow, &platform_document, &platform_build_log,
	&platform_series, &platform_audit, &platform_info, &platform_plan, &platform_execute, &platform_undo,
	&platform_shutdown, &platform_raise_demo, NULL,
};
const struct provider provider_platform = {
	.name = "platform", .help = "The embedded platform of this machine",
	.options = options, .n_options = sizeof(options) / sizeof(options[0]),
	.roles = roles, .queries = queries, .audits_itself = true,
};

static void not_running(struct run *r, struct err *err)
{
	const struct setting *name = run_setting(r, "name");
	bool is_demo = name && str_eq(name->text, "demo");
	int code = err->code;
	err_set(err, ERR_UNREACHABLE,
		is_demo ? "the platform is not running: fairway demo starts it"
			: "the platform is not running: fairway up DIR or fairway demo starts it");
	err->code = code;
}

void platform_failure(struct run *r, const struct input *in, struct err *err)
{
	*err = *in->err;
	if (err->kind == ERR_UNREACHABLE && (err->code == ENOENT || err->code == ECONNREFUSED)) {
		not_running(r, err);
		return;
	}
	cJSON *body = in->status >= 400 && in->data ? json_parse(in->data, in->len, NULL) : NULL;
	const char *sentence = json_text(body, "error"), *kind = json_text(body, "kind");
	if (sentence) {
		err_set(err, kind ? err_kind_of(kind) : err->kind, "%s", sentence);
		err->code = in->status;
	}
	if (err->kind == ERR_NONE)
		err->kind = ERR_FAILED;
	cJSON_Delete(body);
}

bool platform_speaks(const struct input *in, struct err *err)
{
	const char *version = input_header(in, "fairway-api");
	if (str_eq(version, "1"))
		return true;
	return err_set(err, ERR_FAILED,
		       "the platform speaks version %.20s of its API, this program version 1",
		       version ? version : "(unsaid)");
}

void platform_get(struct run *r, const char *path)
{
	run_ask(r, &(struct ask){.path = path, .framing = FRAME_BODY, .ceiling = 4 * 1024 * 1024,
	                         .head_ms = PLATFORM_HEAD_MS});
}

void platform_post(struct run *r, const char *path, const char *json)
{
	struct header headers[2] = {{"Content-Type", "application/json"}, {"Fairway-Via", run_via(r)}};
	run_ask(r, &(struct ask){.method = "POST",
				 .path = path,
				 .headers = headers,
				 .n_headers = run_via(r) ? 2 : 1,
				 .body = json,
				 .body_len = json ? strlen(json) : 0,
				 .framing = FRAME_BODY,
				 .head_ms = 30000,
				 .is_write = true});
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of a platform once it answers. A daemon whose program was replaced on disk since it started
 * is asked to start again as the newer one: instances go on, it adopts them. The demo's is told to raise its
 * sample, which changes nothing when that stands already.
 */
#include "backend/providers/platform/platform.h"
#include "base/json.h"

#define AGAIN_MS 250
#define AGAIN_ATTEMPTS 60 /* 15 s to come back as the newer program */

enum { TAG_POST = 0, TAG_AGAIN, TAG_INFO, TAG_TIMER };

struct raise {
	int attempts;
	bool is_asked; /* to start again */
};

static void ask_info(struct run *r)
{
	run_ask(r, &(struct ask){.tag = TAG_INFO,
				 .path = "/v1/info",
				 .framing = FRAME_BODY,
				 .head_ms = PLATFORM_HEAD_MS});
}

static void ask_later(struct run *r)
{
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TAG_TIMER, .after_ms = AGAIN_MS});
}

static bool is_outdated(const struct input *in)
{
	cJSON *info = json_parse(in->data, in->len, NULL);
	bool is_old = json_bool(info, "outdated", false);
	cJSON_Delete(info);
	return is_old;
}

static void ready(struct run *r)
{
	if (str_eq(run_setting(r, "name")->text, "demo"))
		platform_post(r, "/v1/demo", NULL);
	else
		run_done(r, NULL);
}

static void on_info(struct raise *x, struct run *r, const struct input *in)
{
	static const char body[] = "{\"services\":false,\"again\":true}";
	static const struct header headers[] = {{"Content-Type", "application/json"}};
	if (!is_outdated(in)) {
		ready(r);
	} else if (!x->is_asked) {
		x->is_asked = true;
		run_ask(r, &(struct ask){.tag = TAG_AGAIN,
					 .method = "POST",
					 .path = "/v1/shutdown",
					 .framing = FRAME_BODY,
					 .headers = headers,
					 .n_headers = 1,
					 .body = body,
					 .body_len = sizeof(body) - 1,
					 .is_write = true,
					 .head_ms = PLATFORM_HEAD_MS});
	} else if (x->attempts++ < AGAIN_ATTEMPTS) {
		ask_later(r);
	} else {
		ready(r); /* the older program still serves: better than nothing */
	}
}

static void on_raise(void *state, struct run *r, const struct input *in)
{
	struct raise *x = state;
	struct err err;
	switch (in->kind) {
	case INPUT_START:
	case INPUT_TIMER:
		ask_info(r);
		break;
	case INPUT_UNIT:
		if (in->tag == TAG_INFO)
			on_info(x, r, in);
		break;
	case INPUT_END:
		if (in->tag == TAG_POST)
			run_done(r, NULL);
		else if (in->tag == TAG_AGAIN)
			ask_later(r);
		break;
	case INPUT_FAIL:
		if (x->is_asked && in->tag != TAG_POST && x->attempts++ < AGAIN_ATTEMPTS) {
			ask_later(r); /* it is between two lives */
			break;
		}
		platform_failure(r, in, &err);
		run_done(r, &err);
		break;
	case INPUT_HEAD:
		break;
	}
}

const struct query platform_raise_demo = {
	.name = "raise", .serves = REQUEST_RAISE, .size = sizeof(struct raise), .on = on_raise,
};

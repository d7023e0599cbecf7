/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_PROVIDERS_PLATFORM_PLATFORM_H
#define BACKEND_PROVIDERS_PLATFORM_PLATFORM_H
/*
 * The embedded platform, over HTTP on its Unix socket: fairway-api(7). Its bytes are as hostile as any
 * other's. Shared by the queries of this folder.
 */
#include "backend/address.h"
#include "backend/provider.h"
#include "base/err.h"

#define PLATFORM_HEAD_MS 2000      /* a daemon that does not begin to answer within is said not to answer */
#define PLATFORM_HEARTBEAT_MS 5000 /* bookmarks of a watch, cursors of a log stream */

extern const struct query platform_watch, platform_logs, platform_log_follow, platform_document,
	platform_build_log, platform_series, platform_audit, platform_info, platform_plan, platform_execute,
	platform_undo, platform_shutdown, platform_raise_demo;

/* What an INPUT_FAIL means, as a sentence: not running, its own {"error","kind"}, or the wire's. */
void platform_failure(struct run *, const struct input *, struct err *);
/* Whether an INPUT_HEAD comes from an API that we speak. */
bool platform_speaks(const struct input *, struct err *);
/* A GET whose whole reply comes as one unit with tag 0. */
void platform_get(struct run *, const char *path);
/* A POST of JSON (may be NULL), once. Takes nothing. */
void platform_post(struct run *, const char *path, const char *json);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is no list: specs, runbooks, build logs, series, the check of the audit chain. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/service_file.h"
#include "platform/api.h"
#include "platform/audit.h"
#include "platform/daemon.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/rules.h"
#include "platform/state.h"

#define TEXT_MAX (1 << 20)
#define FOLLOW_MS 200

static void reply_file(struct api_request *r, const char *folder, const char *name, const char *type)
{
	struct err err = {0};
	struct str text = {0};
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0 ? file_read(dir, name, TEXT_MAX, &text, &err)
	                   : err_errno(&err, ERR_NOT_FOUND, errno, "%s", folder);
	if (ok)
		api_reply_text(r, 200, type, str_text(&text), text.len);
	else
		api_reply_err(r, &err);
	str_finish(&text);
	if (dir >= 0)
		close(dir);
}

static const struct service *find_service(struct api_request *r)
{
	const struct service *s = state_get(api_daemon(r)->state, record_class(RECORD_SERVICE), api_arg(r, 0));
	struct err err;
	if (s && s->folder)
		return s;
	err_set(&err, ERR_NOT_FOUND, "there is no service \"%.63s\"", api_arg(r, 0));
	api_reply_err(r, &err);
	return NULL;
}

static void get_spec(struct api_request *r)
{
	const struct service *s = find_service(r);
	if (s)
		reply_file(r, s->folder, SERVICE_FILE_NAME, "application/yaml");
}

/* Without a name: that of the service as a whole, else the first. */
static const struct pair *find_runbook(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->runbooks.n; i++) {
		const struct pair *p = &s->runbooks.items[i];
		if (str_empty(name) ? str_empty(p->key) : str_eq(p->value, name))
			return p;
	}
	return str_empty(name) && s->runbooks.n ? s->runbooks.items : NULL;
}

/* Only what the service names as its runbook is read, nothing else of its folder. */
static void get_runbook(struct api_request *r)
{
	const struct service *s = find_service(r);
	if (!s)
		return;
	const struct pair *p = find_runbook(s, api_arg(r, 1));
	if (p && service_path_is_inside(p->value)) {
		reply_file(r, s->folder, p->value, "text/markdown; charset=utf-8");
		return;
	}
	struct err err;
	err_set(&err, ERR_NOT_FOUND, s->runbooks.n ? "%s has no such runbook" : "%s has no runbook", s->name);
	api_reply_err(r, &err);
}

/* ---- build logs ---- */

struct build_log {
	struct daemon *daemon;
	struct api_stream *stream;
	struct reactor_timer *timer;
	char *deploy;
	int fd;
	bool is_following;
};

static void build_log_closed(struct api_stream *stream, void *state)
{
	(void)stream;
	struct build_log *b = state;
	reactor_timer_remove(b->timer);
	if (b->fd >= 0)
		close(b->fd);
	free(b->deploy);
	free(b);
}

static void build_log_more(void *arg)
{
	struct build_log *b = arg;
	char bytes[16384];
	const struct deploy *d = state_get(b->daemon->state, record_class(RECORD_DEPLOY), b->deploy);
	bool is_over = !b->is_following || !d || d->state != DEPLOY_RUNNING;
	ssize_t n = 0;
	while (api_stream_has_room(b->stream) && (n = read(b->fd, bytes, sizeof(bytes))) > 0)
		api_stream_add(b->stream, bytes, (size_t)n);
	if (is_over && n <= 0 && api_stream_has_room(b->stream))
		api_stream_end(b->stream);
	else
		reactor_timer_set(b->timer, FOLLOW_MS);
}

static void get_build_log(struct api_request *r)
{
	static const struct api_stream_events events = {.closed = build_log_closed};
	struct daemon *daemon = api_daemon(r);
	const struct deploy *d = state_get(daemon->state, record_class(RECORD_DEPLOY), api_arg(r, 0));
	struct err err;
	if (!d) {
		err_set(&err, ERR_NOT_FOUND, "there is no deploy \"%.40s\"", api_arg(r, 0));
		api_reply_err(r, &err);
		return;
	}
	char *path = place_path(daemon->place, "builds/%s.log", d->id);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (fd < 0) { /* it took a kept release: nothing was built */
		api_reply_text(r, 200, "text/plain; charset=utf-8", "", 0);
		return;
	}
	struct build_log *b = mem_alloc(sizeof(*b));
	b->daemon = daemon;
	b->deploy = mem_dup(d->id);
	b->fd = fd;
	b->is_following = str_eq(api_query(r, "follow"), "1");
	b->timer = reactor_timer_add(daemon->reactor, 0, 0, build_log_more, b);
	b->stream = api_stream_open(r, "text/plain; charset=utf-8", NULL, &events, b);
}

/* ---- numbers ---- */

static void get_series(struct api_request *r)
{
	struct err err = {0};
	int64_t now = clock_wall_ms(), from = now - 15 * 60 * 1000;
	const char *since = api_query(r, "since"), *name = api_query(r, "name");
	const char *service = api_query(r, "service"), *environment = api_query(r, "environment");
	cJSON *json = NULL;
	if (since && !clock_parse_since(since, now, &from))
		err_set(&err, ERR_USAGE, "since: \"%.40s\" is neither a time nor an age such as -15m", since);
	else if (!service || !environment || !name)
		err_set(&err, ERR_USAGE, "a series has service, environment and name");
	else
		json = rules_series(api_daemon(r)->rules, service, environment, name, from, &err);
	if (json)
		api_reply_json(r, 200, json);
	else
		api_reply_err(r, &err);
}

static void get_verify(struct api_request *r)
{
	struct audit_check check;
	struct err err = {0};
	if (!audit_verify(api_daemon(r)->audit, &check, &err)) {
		api_reply_err(r, &err);
		return;
	}
	cJSON *json = cJSON_CreateObject();
	json_add_int(json, "entries", check.entries);
	json_add_text(json, "head", check.head);
	json_add_bool(json, "ok", check.is_ok);
	if (!check.is_ok)
		json_add_int(json, "first_bad", check.first_bad);
	api_reply_json(r, 200, json);
}

const struct api_row api_text_rows[] = {
	{"GET", "/v1/services/*/spec", get_spec, "The service's service.yaml"},
	{"GET", "/v1/runbooks/*", get_runbook, "The general runbook of a service, as Markdown"},
	{"GET", "/v1/runbooks/*/**", get_runbook, "A runbook of a service, as Markdown"},
	{"GET", "/v1/deploys/*/log", get_build_log, "What the build printed; follow=1 goes on until it ended"},
	{"GET", "/v1/series", get_series, "Points of a metric of a placement, its threshold, and what happened meanwhile"},
	{"GET", "/v1/audit/verify", get_verify, "Whether the audit chain holds"},
	{NULL, NULL, NULL, NULL},
};

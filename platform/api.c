/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/api.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/audit.h"
#include "platform/daemon.h"
#include "platform/place.h"
#include "platform/reactor.h"

#define STREAM_LOW (256 * 1024)
#define HEADER_BLOCK 65536
#define IDLE_S 60

struct api {
	struct daemon *daemon;
	struct MHD_Daemon *http;
	struct reactor_fd *fd;
	struct reactor_timer *timer;
	struct api_stream *streams;
	struct watches *watches;
	struct log_streams *logs;
	struct operation_watch *operations;
	bool is_run_due, is_ending;
};
struct api_request {
	struct api *api;
	struct MHD_Connection *connection;
	char *args[API_ARGS];
	struct str body;
	bool is_too_big, is_answered;
	char who[AUDIT_WHO];
	enum MHD_Result queued;
};
struct api_stream {
	struct api_stream *next;
	struct api *api;
	struct MHD_Connection *connection;
	const struct api_stream_events *events;
	void *state;
	struct str buffer;
	size_t from; /* sent so far */
	bool is_suspended, is_ended, is_cut, is_more_due;
};

static const struct api_row *const row_lists[] = {
	/* The first that matches answers: the lists, whose path is any word, come last. */
	api_watch_rows, api_log_rows, api_text_rows, api_write_rows, api_list_rows,
};

static const struct {
	enum err_kind kind;
	int status;
} statuses[] = {
	{ERR_USAGE, 400}, {ERR_REFUSED, 403}, {ERR_NOT_FOUND, 404}, {ERR_UNREACHABLE, 503}, {ERR_FAILED, 500},
};

/* ---- the loop ---- */

static void run(void *arg)
{
	struct api *api = arg;
	api->is_run_due = false;
	MHD_run(api->http);
	MHD_UNSIGNED_LONG_LONG ms;
	if (MHD_get_timeout(api->http, &ms) == MHD_YES)
		reactor_timer_set(api->timer, ms < 1000000 ? (int64_t)ms : 1000000);
	else
		reactor_timer_set(api->timer, -1);
}

static void on_fd(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	run(arg);
}

static void run_soon(struct api *api)
{
	if (api->is_run_due || api->is_ending)
		return;
	api->is_run_due = true;
	reactor_defer(api->daemon->reactor, run, api);
}

/* ---- requests ---- */

struct daemon *api_daemon(struct api_request *r)
{
	return r->api->daemon;
}

const char *api_arg(struct api_request *r, size_t index)
{
	return index < API_ARGS && r->args[index] ? r->args[index] : "";
}

const char *api_query(struct api_request *r, const char *name)
{
	const char *value = MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
	return str_empty(value) ? NULL : value;
}

const char *api_body(struct api_request *r, size_t *len)
{
	*len = r->body.len;
	return str_text(&r->body);
}

const char *api_who(struct api_request *r)
{
	return r->who;
}

static void queue(struct api_request *r, int status, struct MHD_Response *response, const char *type)
{
	if (!response)
		mem_exhausted();
	MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Fairway-Api", "1");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	r->is_answered = true;
	r->queued = MHD_queue_response(r->connection, (unsigned)status, response);
	MHD_destroy_response(response);
}

void api_reply_text(struct api_request *r, int status, const char *type, const char *text, size_t len)
{
	queue(r, status, MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY), type);
}

void api_reply_json(struct api_request *r, int status, struct cJSON *json)
{
	char *text = json_print(json);
	cJSON_Delete(json);
	api_reply_text(r, status, "application/json", text, strlen(text));
	free(text);
}

void api_reply_ok(struct api_request *r, int status)
{
	api_reply_json(r, status, cJSON_CreateObject());
}

void api_reply_err(struct api_request *r, const struct err *err)
{
	int status = 500;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].kind == err->kind)
			status = statuses[i].status;
	if (err->code >= 400 && err->code < 600)
		status = err->code;
	cJSON *json = cJSON_CreateObject();
	json_add_text(json, "error", err->text);
	json_add_text(json, "kind", err_kind_name(err->kind));
	api_reply_json(r, status, json);
}

static void refuse(struct api_request *r, int status, enum err_kind kind, const char *text)
{
	struct err err;
	err_set(&err, kind, "%s", text);
	err.code = status;
	api_reply_err(r, &err);
}

/* Matches part by part; '*' takes one that is not empty, a last "**" all that is left. */
static bool match(const char *pattern, const char *path, char *args[API_ARGS])
{
	size_t n = 0;
	memset(args, 0, API_ARGS * sizeof(*args));
	for (;;) {
		size_t a = strcspn(pattern, "/"), b = strcspn(path, "/");
		if (strcmp(pattern, "**") == 0 && b > 0 && n < API_ARGS) {
			args[n] = mem_dup(path);
			return true;
		}
		if (a == 1 && *pattern == '*' && b > 0 && n < API_ARGS)
			args[n++] = mem_dup_n(path, b);
		else if (a != b || memcmp(pattern, path, a) != 0)
			break;
		pattern += a;
		path += b;
		if (!*pattern && !*path)
			return true;
		if (*pattern != *path)
			break;
		pattern++;
		path++;
	}
	for (size_t i = 0; i < n; i++)
		free(args[i]);
	memset(args, 0, API_ARGS * sizeof(*args));
	return false;
}

static void dispatch(struct api_request *r, const char *method, const char *path)
{
	bool is_known = false;
	for (size_t i = 0; i < sizeof(row_lists) / sizeof(row_lists[0]); i++)
		for (const struct api_row *row = row_lists[i]; row->method; row++) {
			if (!match(row->path, path, r->args))
				continue;
			is_known = true;
			if (str_eq(row->method, method)) {
				row->handle(r);
				return;
			}
			for (size_t j = 0; j < API_ARGS; j++) {
				free(r->args[j]);
				r->args[j] = NULL;
			}
		}
	if (is_known)
		refuse(r, 405, ERR_USAGE, "this path has no such method");
	else
		refuse(r, 404, ERR_NOT_FOUND, "there is no such path: see fairway-api(7)");
}

/* Who is at the other end, asked of the kernel. */
static bool is_allowed(struct api_request *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred peer;
	socklen_t len = sizeof(peer);
	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || peer.uid != geteuid())
		return false;
	const char *via = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Fairway-Via");
	audit_who(peer.uid, peer.pid, via, r->who);
	return true;
}

static enum MHD_Result begin(struct api *api, struct MHD_Connection *connection, void **slot)
{
	struct api_request *r = mem_alloc(sizeof(*r));
	r->api = api;
	r->connection = connection;
	*slot = r;
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
	long long bytes;
	if (!is_allowed(r))
		refuse(r, 403, ERR_REFUSED, "this platform is another user's");
	else if (length && str_to_int(length, 0, INT64_MAX, &bytes) && bytes > API_BODY_MAX)
		refuse(r, 413, ERR_USAGE, "a body has at most 1 MiB");
	return r->is_answered ? r->queued : MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **slot)
{
	(void)version;
	struct api *api = arg;
	struct api_request *r = *slot;
	if (!r)
		return begin(api, connection, slot);
	if (*size) {
		if (r->body.len + *size > API_BODY_MAX)
			r->is_too_big = true;
		else
			str_addn(&r->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (r->is_answered)
		return r->queued;
	if (r->is_too_big)
		refuse(r, 413, ERR_USAGE, "a body has at most 1 MiB");
	else
		dispatch(r, method, url);
	if (!r->is_answered)
		refuse(r, 500, ERR_FAILED, "no answer was made");
	return r->queued;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)connection;
	(void)why;
	struct api_request *r = *slot;
	if (!r)
		return;
	for (size_t i = 0; i < API_ARGS; i++)
		free(r->args[i]);
	str_finish(&r->body);
	free(r);
	*slot = NULL;
}

/* ---- streams ---- */

static void ask_for_more(void *arg)
{
	struct api_stream *s = arg;
	s->is_more_due = false;
	if (!s->is_ended && !s->is_cut)
		s->events->more(s, s->state);
}

static ssize_t read_stream(void *arg, uint64_t position, char *out, size_t room)
{
	(void)position;
	struct api_stream *s = arg;
	if (s->is_cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t left = s->buffer.len - s->from;
	size_t n = left < room ? left : room;
	if (n) {
		memcpy(out, s->buffer.s + s->from, n);
		s->from += n;
	}
	if (s->from == s->buffer.len) {
		s->from = 0;
		if (s->buffer.cap > 2 * STREAM_LOW)
			str_finish(&s->buffer);
		else
			str_reset(&s->buffer);
	}
	if (s->events->more && !s->is_ended && !s->is_more_due && api_stream_has_room(s)) {
		s->is_more_due = true;
		reactor_defer(s->api->daemon->reactor, ask_for_more, s);
	}
	if (n)
		return (ssize_t)n;
	if (s->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->is_suspended = true;
	MHD_suspend_connection(s->connection);
	return 0;
}

static void free_stream(void *arg)
{
	struct api_stream *s = arg;
	reactor_defer_cancel(s->api->daemon->reactor, s);
	for (struct api_stream **at = &s->api->streams; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	s->events->closed(s, s->state);
	str_finish(&s->buffer);
	free(s);
}

static void wake(struct api_stream *s)
{
	if (!s->is_suspended)
		return;
	s->is_suspended = false;
	MHD_resume_connection(s->connection);
	run_soon(s->api);
}

struct api_stream *api_stream_open(struct api_request *r, const char *type, const char *const *headers,
                                   const struct api_stream_events *events, void *state)
{
	struct api_stream *s = mem_alloc(sizeof(*s));
	s->api = r->api;
	s->connection = r->connection;
	s->events = events;
	s->state = state;
	s->next = r->api->streams;
	r->api->streams = s;
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, read_stream, s, free_stream);
	for (size_t i = 0; response && headers && headers[i]; i++) {
		const char *colon = strchr(headers[i], ':');
		char *name = mem_dup_n(headers[i], (size_t)(colon - headers[i]));
		MHD_add_response_header(response, name, colon + 2);
		free(name);
	}
	/* It may be silent for long without being dead. */
	MHD_set_connection_option(r->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	queue(r, 200, response, type);
	return s;
}

bool api_stream_add(struct api_stream *s, const char *bytes, size_t len)
{
	if (s->is_cut || s->is_ended)
		return false;
	if (s->buffer.len - s->from + len > API_BUFFER_MAX) {
		s->is_cut = true;
		wake(s);
		return false;
	}
	str_addn(&s->buffer, bytes, len);
	wake(s);
	return true;
}

bool api_stream_has_room(const struct api_stream *s)
{
	return s->buffer.len - s->from < STREAM_LOW;
}

void api_stream_end(struct api_stream *s)
{
	s->is_ended = true;
	wake(s);
}

/* ---- life ---- */

static int listen_at(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (!str_copy(address.sun_path, sizeof(address.sun_path), path)) {
		err_set(err, ERR_FAILED, "%s: the path of the socket is too long", path);
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_errno(err, ERR_FAILED, errno, "socket");
		return -1;
	}
	/* daemon.lock is ours: what lies there is a dead daemon's. Its mode is right from the first moment. */
	unlink(path);
	mode_t old = umask(0177);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(old);
	if (bound != 0 || listen(fd, API_CONNECTIONS) != 0) {
		err_errno(err, ERR_FAILED, errno, "%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

struct api *api_new(struct daemon *daemon, struct err *err)
{
	int fd = listen_at(daemon->place->socket, err);
	if (fd < 0)
		return NULL;
	struct api *api = mem_alloc(sizeof(*api));
	api->daemon = daemon;
	api->timer = reactor_timer_add(daemon->reactor, -1, 0, run, api);
	api->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, api,
	                             MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, api,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)API_CONNECTIONS,
	                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BLOCK,
	                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_END);
	const union MHD_DaemonInfo *info =
		api->http ? MHD_get_daemon_info(api->http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info)
		api->fd = reactor_fd_add(daemon->reactor, info->epoll_fd, REACTOR_READ, on_fd, api, err);
	else
		err_set(err, ERR_FAILED, "%s: the API cannot be served", daemon->place->socket);
	if (!api->fd) {
		if (!api->http)
			close(fd);
		api_free(api);
		return NULL;
	}
	api->watches = watches_new(daemon);
	api->logs = log_streams_new(daemon);
	return api;
}

void api_free(struct api *api)
{
	if (!api)
		return;
	api->is_ending = true;
	/* MHD_stop_daemon() wants no suspended connection. */
	for (struct api_stream *s = api->streams, *next; s; s = next) {
		next = s->next;
		s->is_cut = true;
		if (s->is_suspended)
			MHD_resume_connection(s->connection);
		s->is_suspended = false;
	}
	reactor_defer_cancel(api->daemon->reactor, api);
	reactor_timer_remove(api->timer);
	reactor_fd_remove(api->fd);
	if (api->http) {
		MHD_run(api->http);
		MHD_stop_daemon(api->http);
		unlink(api->daemon->place->socket);
	}
	watches_free(api->watches);
	log_streams_free(api->logs);
	free(api);
}

struct watches *api_watches(struct daemon *daemon)
{
	return daemon->api ? daemon->api->watches : NULL;
}

struct operation_watch **api_operation_watches(struct daemon *daemon)
{
	return daemon->api ? &daemon->api->operations : NULL;
}

struct log_streams *api_log_streams(struct daemon *daemon)
{
	return daemon->api ? daemon->api->logs : NULL;
}

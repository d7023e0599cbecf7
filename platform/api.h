/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_API_H
#define PLATFORM_API_H
/*
 * The platform's HTTP/JSON API over its Unix socket, documented in fairway-api(7). platform/api.c is the only user of
 * <microhttpd.h> (0.9.75): it speaks HTTP, checks the caller, bounds what comes in and what waits to go out. What is
 * answered is in api_*.c, a row a path. The daemon's thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct cJSON;
struct daemon;
struct err;

#define API_BODY_MAX (1 << 20)
#define API_CONNECTIONS 512
#define API_BUFFER_MAX (16 << 20) /* of one stream: who reads slower is dropped, and lists again */
#define API_ARGS 3

struct api *api_new(struct daemon *, struct err *); /* listens at place->socket, mode 0600 */
void api_free(struct api *);                        /* ends every stream; the socket's file is removed */

/* ---- for handlers ---- */
struct api_request;
struct daemon *api_daemon(struct api_request *);
const char *api_arg(struct api_request *, size_t index);         /* what stood for the index-th '*' */
const char *api_query(struct api_request *, const char *name);   /* NULL: absent */
const char *api_body(struct api_request *, size_t *len);
const char *api_who(struct api_request *);                       /* audit_who() of the caller */

/* Each request is answered exactly once. */
void api_reply_json(struct api_request *, int status, struct cJSON *json); /* deletes json */
void api_reply_text(struct api_request *, int status, const char *type, const char *text, size_t len);
void api_reply_err(struct api_request *, const struct err *);
void api_reply_ok(struct api_request *, int status); /* {} */

/* ---- streams: answers that go on ---- */
struct api_stream;
struct api_stream_events {
	/* The buffer is nearly empty: more may be added. May be NULL. */
	void (*more)(struct api_stream *, void *state);
	/* The client is gone, or the stream ended: free the state. Always the last call. */
	void (*closed)(struct api_stream *, void *state);
};
/* headers: "Name: value" texts, NULL-ended, may be NULL. */
struct api_stream *api_stream_open(struct api_request *, const char *type, const char *const *headers,
                                   const struct api_stream_events *, void *state);
/* false: the client did not read what was there before; the stream is cut off and will be closed. */
bool api_stream_add(struct api_stream *, const char *bytes, size_t len);
bool api_stream_has_room(const struct api_stream *); /* fewer than 256 KiB wait */
void api_stream_end(struct api_stream *);            /* after what waits was sent */

/* ---- rows ---- */
struct api_row {
	const char *method, *path; /* "/v1/deploys/" with '*' for one part */
	void (*handle)(struct api_request *);
	const char *help;
};
extern const struct api_row api_list_rows[], api_watch_rows[], api_log_rows[], api_text_rows[], api_write_rows[];

/* ---- what the daemon tells ---- */
struct record_class;
struct watches;
struct log_streams;
struct operation;
struct operation_watch;
struct operation_watch **api_operation_watches(struct daemon *); /* head of a list; NULL: no API yet */
struct watches *api_watches(struct daemon *);
struct log_streams *api_log_streams(struct daemon *);
/* As a state_watcher: api_watch.c. */
void api_on_change(const struct record_class *, const char *line, size_t len, void *daemon);
void api_on_operation(const struct operation *, void *daemon);
void api_on_log(struct daemon *, const char *slot); /* its log grew */
void api_on_build_log(struct daemon *, const char *deploy);

struct watches *watches_new(struct daemon *);
void watches_free(struct watches *);
struct log_streams *log_streams_new(struct daemon *);
void log_streams_free(struct log_streams *);
#endif

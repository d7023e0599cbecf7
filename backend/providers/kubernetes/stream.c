/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List, watch, and again: "Efficient detection of changes" of the Kubernetes API's concepts. Back-off as
 * client-go's reflector has it. Tags: two for pages that overlap (the watch takes the first), one for the
 * timer.
 */
#include "backend/providers/kubernetes/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/proto.h"
#include "base/json_prune.h"

#define UNIT_MAX ((size_t)16 * 1024 * 1024) /* of one object: etcd takes 1.5 MiB, its JSON may be larger */
#define BACKOFF_MS 800
#define BACKOFF_MAX_MS 30000
#define HASTY 2        /* so often, and … */
#define HASTY_MS 100   /* … soon, for the first list somebody waits */
#define POLL_MS 30000  /* between lists, where watching is not allowed */
#define SHORT_MS 5000  /* a watch that ends sooner, without a word, was no good */
#define STEADY_MS 1000 /* a watch that holds so long after trouble is well */
#define WATCH_MIN_S 300
#define WATCH_SPREAD_S 300
#define BOOKMARK_IDLE_MS 180000 /* a bookmark comes each minute from servers that send them at all */

#define TIMER_TAG(s) ((s)->tag + 2)

/* What object.h reads nothing of, and most of the bytes. */
#define OF_CONTAINERS(...)                                                                                   \
	{{__VA_ARGS__, "env"}}, {{__VA_ARGS__, "volumeMounts"}}, {{__VA_ARGS__, "command"}},                 \
	{                                                                                                    \
		{                                                                                            \
			__VA_ARGS__, "args"                                                                  \
		}                                                                                            \
	}
#define UNREAD(...)                                                                                          \
	{{__VA_ARGS__ "metadata", "managedFields"}},                                                         \
		{{__VA_ARGS__ "metadata", "annotations",                                                     \
		  "kubectl.kubernetes.io/last-applied-configuration"}},                                      \
		{{__VA_ARGS__ "spec", "volumes"}}, {{__VA_ARGS__ "spec", "tolerations"}},                    \
		{{__VA_ARGS__ "spec", "affinity"}}, OF_CONTAINERS(__VA_ARGS__ "spec", "containers"),         \
		OF_CONTAINERS(__VA_ARGS__ "spec", "initContainers"),                                         \
		OF_CONTAINERS(__VA_ARGS__ "spec", "template", "spec", "containers"),                         \
		{{__VA_ARGS__ "spec", "template", "spec", "volumes"}}, {{__VA_ARGS__ "status", "hostIPs"}},  \
		{{__VA_ARGS__ "status", "podIPs"}}, {{__VA_ARGS__ "status", "resources"}},                   \
		{{__VA_ARGS__ "status", "allocatedResources"}},                                              \
		{{__VA_ARGS__ "status", "containerStatuses", "volumeMounts"}},                               \
		{{__VA_ARGS__ "status", "containerStatuses", "resources"}},                                  \
	{                                                                                                    \
		{                                                                                            \
			__VA_ARGS__ "status", "containerStatuses", "allocatedResources"                      \
		}                                                                                            \
	}
#define OF_LIST
#define OF_EVENT "object",
static const struct json_path unread[] = {UNREAD(OF_LIST)}, unread_of_event[] = {UNREAD(OF_EVENT)};
static const size_t n_unread = sizeof(unread) / sizeof(unread[0]);

static void tell(struct kube_stream *s, struct run *r, enum kube_news news, const cJSON *object,
		 const struct err *err)
{
	s->each(r, s, news, object, err);
}

static void stop_asks(struct kube_stream *s, struct run *r)
{
	for (uint32_t i = 0; i < KUBE_STREAM_TAGS; i++)
		run_stop(r, s->tag + i);
	s->pages = 0;
	s->is_watching = s->is_begun = false;
	str_reset(&s->page);
}

static void set(struct str *text, const char *to)
{
	if (str_empty(to))
		return;
	str_reset(text);
	str_add(text, to);
}

static void add_path(struct kube_stream *s, struct str *path)
{
	kube_path(path, s->what, s->namespace, NULL, NULL);
	address_parameter(path, "labelSelector", s->selector);
	address_parameter(path, "fieldSelector", s->fields);
}

/* PartialObjectMetadata, https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 * and below; a server that knows no such thing, or no Protocol Buffers, sends what comes after it. */
#define META ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
static bool may_be_proto(const struct kube_stream *s)
{
	return s->is_lean && kube_proto_has(s->what);
}

static const struct header *accept(const struct kube_stream *s)
{
	static const struct header rows[2][2] = {
		{{"Accept", "application/json"}, {"Accept", "application/json" META "application/json"}},
		{{"Accept", KUBE_PROTO_TYPE ",application/json"},
		 {"Accept", KUBE_PROTO_TYPE META KUBE_PROTO_TYPE ",application/json"}},
	};
	return &rows[may_be_proto(s)][s->is_meta];
}

/* A list without pages is one snapshot that cannot expire half-way: it is asked for when a paged one did. */
static void ask_page(struct kube_stream *s, struct run *r)
{
	struct str path = {0};
	uint32_t at = s->next_page;
	add_path(s, &path);
	if (!s->is_whole)
		address_number(&path, "limit", s->page.len ? KUBE_PAGE_MORE : KUBE_PAGE);
	address_parameter(&path, "continue", s->page.len ? s->page.s : NULL);
	str_reset(&s->page);
	s->is_page_known[at] = false;
	s->next_page = 1 - at;
	s->pages++;
	run_ask(r, &(struct ask){.tag = s->tag + at,
				 .path = path.s,
				 .headers = accept(s),
				 .n_headers = 1,
				 .framing = FRAME_ITEMS,
				 .items = "items",
				 .proto = may_be_proto(s) ? &kube_proto_list : NULL,
				 .ceiling = UNIT_MAX,
				 .is_stream = s->is_whole,
				 .head_ms = 3 * KUBE_HEAD_MS,
				 .idle_ms = KUBE_HEAD_MS});
	str_finish(&path);
}

static void ask_watch(struct kube_stream *s, struct run *r)
{
	struct str path = {0};
	int64_t seconds = WATCH_MIN_S + run_chance(r, WATCH_SPREAD_S + 1); /* not all clients at once */
	add_path(s, &path);
	address_parameter(&path, "watch", "true");
	address_parameter(&path, "allowWatchBookmarks", "true");
	address_number(&path, "timeoutSeconds", seconds);
	address_parameter(&path, "resourceVersion", s->version.s);
	s->is_watching = true;
	s->has_news = false;
	s->began = run_now(r);
	run_ask(r, &(struct ask){.tag = s->tag,
				 .path = path.s,
				 .framing = FRAME_LINES,
				 .ceiling = UNIT_MAX,
				 .is_stream = true,
				 .head_ms = KUBE_HEAD_MS,
				 .idle_ms = s->has_bookmarks ? BOOKMARK_IDLE_MS : (seconds + 15) * 1000});
	str_finish(&path);
}

static void go_on(struct kube_stream *s, struct run *r)
{
	stop_asks(s, r);
	s->next_page = 0;
	if (s->version.len)
		ask_watch(s, r);
	else
		ask_page(s, r);
}

static void tell_well(struct kube_stream *s, struct run *r)
{
	if (s->is_troubled) {
		s->is_troubled = false;
		tell(s, r, KUBE_LIVE, NULL, NULL);
	}
	tell(s, r, KUBE_ALIVE, NULL, NULL);
}

/* Only a watch that works shows that: a list may be followed by the same failure each time. */
static void well(struct kube_stream *s, struct run *r)
{
	s->attempts = s->gone = 0;
	tell_well(s, r);
}

static void wait_for(struct kube_stream *s, struct run *r, int64_t ms)
{
	run_stop(r, TIMER_TAG(s));
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TIMER_TAG(s), .after_ms = ms});
}

static void back_off(struct kube_stream *s, struct run *r, int64_t at_least)
{
	int64_t ms = s->is_passing ? HASTY_MS : BACKOFF_MS;
	for (int i = 1; i < s->attempts && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	ms = ms * 3 / 4 + run_chance(r, (uint32_t)(ms / 2 + 1));
	wait_for(s, r, ms > at_least ? ms : at_least);
}

static void fail(struct kube_stream *s, struct run *r, const struct err *err, int64_t retry_ms)
{
	stop_asks(s, r);
	s->attempts++;
	s->is_troubled = true;
	s->is_passing = !s->is_synced && s->attempts <= HASTY && retry_ms <= SHORT_MS &&
	                (err->code == ECONNRESET || err->code == 429 || err->code >= 500);
	tell(s, r, KUBE_TROUBLE, NULL, err);
	if (!s->is_resting) /* its teller may have stopped it */
		back_off(s, r, retry_ms);
}

/* What the version named is gone: list anew, at once the first time. */
static void list_again(struct kube_stream *s, struct run *r)
{
	bool was_listing = !s->is_watching;
	stop_asks(s, r);
	str_reset(&s->version);
	s->is_whole = s->is_whole || was_listing;
	s->attempts++;
	if (s->gone++ == 0) /* not what failed before: a server that was started anew knows no old version */
		go_on(s, r);
	else
		back_off(s, r, 0);
}

/* --- the list --- */

static void next_page(struct kube_stream *s, struct run *r)
{
	if (s->page.len && s->pages < 2)
		ask_page(s, r);
}

/* Of a page: the version of the whole list, and where it goes on. Tokens are ours to pass on, not to read. */
static bool read_metadata(struct kube_stream *s, struct run *r, uint32_t at, const cJSON *list)
{
	const cJSON *metadata = json_get(list, "metadata");
	if (!json_text(metadata, "resourceVersion"))
		return false;
	if (s->is_page_known[at])
		return true;
	s->is_page_known[at] = true;
	set(&s->listed, json_text(metadata, "resourceVersion"));
	str_reset(&s->page);
	str_add(&s->page, json_text(metadata, "continue"));
	next_page(s, r); /* the server works on it while this one is read */
	return true;
}

static const cJSON *parse_start(struct kube_stream *s, const struct input *in)
{
	str_reset(&s->text);
	if (in->is_proto) {
		kube_proto_envelope(in->before, in->before_len, &s->text, NULL);
	} else {
		str_addn(&s->text, in->before, in->before_len);
		str_add(&s->text, "]}");
	}
	return json_parse_in(&s->parsed, s->text.s, s->text.len, NULL);
}

/* base/json refuses "\u0000", which a program may leave as its last words: such text is worth a sign, not the
 * object. */
static void take_nul_out(char *text, size_t len)
{
	static const char nul[] = "\\u0000";
	for (char *at = text; (at = memmem(at, len - (size_t)(at - text), nul, sizeof(nul) - 1));)
		memcpy(at, "\\ufffd", sizeof(nul) - 1);
}

/* What is read of it, as JSON. */
static bool take_text(struct kube_stream *s, const struct input *in, struct err *err)
{
	struct str *text = &s->text;
	str_reset(text);
	if (in->is_proto)
		return in->is_last ? kube_proto_envelope(in->data, in->len, text, err)
				   : kube_proto_object(s->what, in->data, in->len, text, err);
	if (!s->is_lean ||
	    !json_prune(in->data, in->len, s->is_watching ? unread_of_event : unread, n_unread, text))
		str_addn(text, in->data, in->len);
	return true;
}

/* An object of a list, or an event around one; until the next. */
static const cJSON *parse(struct kube_stream *s, const struct input *in, struct err *err)
{
	struct str *text = &s->text;
	arena_reset(&s->parsed);
	if (!take_text(s, in, err))
		return NULL;
	const cJSON *json = json_parse_in(&s->parsed, text->s, text->len, err);
	if (json)
		return json;
	take_nul_out(text->s, text->len);
	return json_parse_in(&s->parsed, text->s, text->len, err);
}

static void garbled(struct kube_stream *s, struct run *r, struct err *err)
{
	err_prefix(err, "%s cannot be read", kube_kinds[s->what].plural);
	err->kind = ERR_UNREACHABLE;
	if (s->attempts > 0) /* what we know may be wrong too */
		str_reset(&s->version);
	fail(s, r, err, 0);
}

static void on_item(struct kube_stream *s, struct run *r, const struct input *in)
{
	struct err err;
	uint32_t at = in->tag - s->tag;
	if (!in->is_last && !s->is_page_known[at])
		read_metadata(s, r, at, parse_start(s, in));
	const cJSON *json = parse(s, in, &err);
	bool is_good = json != NULL;
	if (is_good && in->is_last)
		is_good = read_metadata(s, r, at, json) ||
			  err_set(&err, ERR_UNREACHABLE, "this is no list of objects");
	else if (is_good)
		tell(s, r, KUBE_PUT, json, NULL);
	if (!is_good)
		garbled(s, r, &err);
}

static void on_page_end(struct kube_stream *s, struct run *r)
{
	s->pages--;
	next_page(s, r);
	if (s->pages > 0)
		return;
	s->is_begun = s->is_whole = false;
	s->is_synced = true;
	set(&s->version, str_text(&s->listed));
	tell(s, r, KUBE_SYNC, NULL, NULL);
	tell_well(s, r);
	if (s->is_once && s->version.len)
		stop_asks(s, r);
	else
		go_on(s, r);
}

/* --- the watch --- */

static bool is_too_large(struct run *r, const struct input *in)
{
	static const char words[] = "ResourceVersionTooLarge";
	return in->status == 504 && str_eq(kube_status_reason(r, in), "Timeout") &&
	       memmem(in->data, in->len, words, sizeof(words) - 1);
}

static void on_error_event(struct kube_stream *s, struct run *r, const cJSON *status)
{
	const char *message = json_text(status, "message"), *reason = json_text(status, "reason");
	struct err err;
	if (json_int(status, "code", 0) == 410 || str_eq(reason, "Expired") || str_eq(reason, "Gone")) {
		list_again(s, r);
		return;
	}
	err_set(&err, ERR_UNREACHABLE, "the watch of %s ended: %s", kube_kinds[s->what].plural,
		message ? message : "no reason given");
	fail(s, r, &err, json_int(json_get(status, "details"), "retryAfterSeconds", 0) * 1000);
}

static bool take_event(struct kube_stream *s, struct run *r, const cJSON *line, struct err *err)
{
	const char *type = json_text(line, "type");
	const cJSON *object = json_get(line, "object");
	if (!type || !object)
		return err_set(err, ERR_UNREACHABLE, "a line that is no event");
	if (str_eq(type, "ERROR")) {
		on_error_event(s, r, object);
		return true;
	}
	bool is_bookmark = str_eq(type, "BOOKMARK");
	s->has_bookmarks = s->has_bookmarks || is_bookmark;
	s->has_news = true;
	if (str_eq(type, "ADDED") || str_eq(type, "MODIFIED"))
		tell(s, r, KUBE_PUT, object, NULL);
	else if (str_eq(type, "DELETED"))
		tell(s, r, KUBE_DELETE, object, NULL);
	set(&s->version, json_text(json_get(object, "metadata"), "resourceVersion"));
	well(s, r);
	return true;
}

static void on_line(struct kube_stream *s, struct run *r, const struct input *in)
{
	struct err err;
	if (in->len == 0)
		return;
	const cJSON *line = parse(s, in, &err);
	bool is_good = line && take_event(s, r, line, &err);
	if (!is_good)
		garbled(s, r, &err);
}

/* The server ends a watch when its time is over; at once, and without a word, only when something is wrong.
 */
static void on_watch_end(struct kube_stream *s, struct run *r)
{
	struct err err;
	int64_t lasted = run_now(r) - s->began;
	if (s->has_news || lasted >= SHORT_MS || lasted < 0) {
		go_on(s, r);
	} else if (s->attempts == 0) {
		stop_asks(s, r);
		s->attempts++;
		back_off(s, r, 0);
	} else {
		err_set(&err, ERR_UNREACHABLE, "the server ends the watch of %s at once",
			kube_kinds[s->what].plural);
		fail(s, r, &err, 0);
	}
}

/* --- both --- */

static void on_head(struct kube_stream *s, struct run *r, const struct input *in)
{
	struct err err;
	if (!kube_speaks(in, &err)) {
		fail(s, r, &err, 0);
	} else if (s->is_watching) {
		if (s->is_troubled || s->attempts)
			wait_for(s, r, STEADY_MS);
		else
			tell(s, r, KUBE_ALIVE, NULL, NULL);
	} else if (!s->is_begun) {
		s->is_begun = true;
		tell(s, r, KUBE_BEGIN, NULL, NULL);
	}
}

static void on_fail(struct kube_stream *s, struct run *r, const struct input *in)
{
	struct err err;
	bool was_watching = s->is_watching;
	if (in->status == 410 || is_too_large(r, in)) {
		list_again(s, r);
		return;
	}
	kube_failure(r, in, &err);
	if (in->status != 403 && in->status != 404 && in->status != 405) {
		fail(s, r, &err, in->retry_ms);
		return;
	}
	stop_asks(s, r);
	str_reset(&s->version);
	if (was_watching) { /* listing it may be allowed all the same */
		wait_for(s, r, s->attempts++ == 0 ? 0 : POLL_MS);
		return;
	}
	s->is_resting = true;
	s->is_synced = false;
	tell(s, r, KUBE_DENIED, NULL, &err);
}

void kube_stream_on(struct kube_stream *s, struct run *r, const struct input *in)
{
	switch (in->kind) {
	case INPUT_START:
		break;
	case INPUT_HEAD:
		on_head(s, r, in);
		break;
	case INPUT_UNIT:
		if (s->is_watching)
			on_line(s, r, in);
		else
			on_item(s, r, in);
		break;
	case INPUT_END:
		if (s->is_watching)
			on_watch_end(s, r);
		else
			on_page_end(s, r);
		break;
	case INPUT_FAIL:
		on_fail(s, r, in);
		break;
	case INPUT_TIMER:
		if (s->is_watching)
			well(s, r);
		else
			go_on(s, r);
		break;
	}
}

void kube_stream_start(struct kube_stream *s, struct run *r)
{
	s->is_resting = false;
	s->attempts = 0;
	go_on(s, r);
}

void kube_stream_distrust(struct kube_stream *s, struct run *r)
{
	if (s->is_watching)
		go_on(s, r);
}

void kube_stream_rouse(struct kube_stream *s, struct run *r)
{
	if (s->is_troubled && !s->is_resting && !s->is_watching && !s->pages)
		go_on(s, r);
}

void kube_stream_list(struct kube_stream *s, struct run *r)
{
	str_reset(&s->version);
	kube_stream_start(s, r);
}

void kube_stream_stop(struct kube_stream *s, struct run *r)
{
	stop_asks(s, r);
	s->is_resting = true;
}

void kube_stream_finish(struct kube_stream *s)
{
	str_finish(&s->version);
	str_finish(&s->page);
	str_finish(&s->listed);
	str_finish(&s->text);
	arena_finish(&s->parsed);
}

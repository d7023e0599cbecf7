/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/watch: every change of the kinds that a client names, as a line each. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "platform/api.h"
#include "platform/daemon.h"
#include "platform/reactor.h"
#include "platform/state.h"

#define BOOKMARK_MS 5000

struct watch {
	struct watch *next;
	struct watches *all;
	struct api_stream *stream;
	uint64_t kinds; /* bits of enum record_kind */
	bool is_bookmark_due;
};
struct watches {
	struct daemon *daemon;
	struct watch *first;
	struct reactor_timer *timer; /* runs while somebody watches */
	bool is_burst;
};

static void bookmark(struct watch *w)
{
	char cursor[64];
	struct str line = {0};
	state_cursor(w->all->daemon->state, cursor);
	str_addf(&line, "{\"type\":\"BOOKMARK\",\"cursor\":\"%s\"}\n", cursor);
	api_stream_add(w->stream, line.s, line.len);
	str_finish(&line);
	w->is_bookmark_due = false;
}

static void on_timer(void *arg)
{
	struct watches *all = arg;
	for (struct watch *w = all->first; w; w = w->next)
		bookmark(w);
	reactor_timer_set(all->timer, all->first ? BOOKMARK_MS : -1);
}

static void after_burst(void *arg)
{
	struct watches *all = arg;
	all->is_burst = false;
	for (struct watch *w = all->first; w; w = w->next)
		if (w->is_bookmark_due)
			bookmark(w);
}

static void put_line(struct watch *w, const struct record_class *class, const char *line, size_t len)
{
	if (!(w->kinds >> class->kind & 1))
		return;
	api_stream_add(w->stream, line, len);
	w->is_bookmark_due = true;
}

void api_on_change(const struct record_class *class, const char *line, size_t len, void *arg)
{
	struct watches *all = api_watches(arg);
	if (!all || !all->first)
		return;
	for (struct watch *w = all->first; w; w = w->next)
		put_line(w, class, line, len);
	if (!all->is_burst) {
		all->is_burst = true;
		reactor_defer(all->daemon->reactor, after_burst, all);
	}
}

static void closed(struct api_stream *stream, void *state)
{
	(void)stream;
	struct watch *w = state;
	for (struct watch **at = &w->all->first; *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	free(w);
}

static void put_all(struct watch *w, enum record_kind kind)
{
	const struct record_class *class = record_class(kind);
	const void *record;
	struct str line = {0};
	for (size_t i = 0; (record = state_next(w->all->daemon->state, class, &i));) {
		char *item = record_to_text(class, record);
		str_reset(&line);
		str_addf(&line, "{\"type\":\"PUT\",\"kind\":\"%s\",\"item\":%s}\n", class->name, item);
		free(item);
		api_stream_add(w->stream, line.s, line.len);
	}
	str_finish(&line);
}

static void start_anew(struct watch *w)
{
	static const char begin[] = "{\"type\":\"BEGIN\"}\n";
	api_stream_add(w->stream, begin, sizeof(begin) - 1);
	for (int kind = 0; kind < RECORD_COUNT; kind++)
		if (w->kinds >> kind & 1)
			put_all(w, (enum record_kind)kind);
	char cursor[64];
	struct str line = {0};
	state_cursor(w->all->daemon->state, cursor);
	str_addf(&line, "{\"type\":\"SYNC\",\"cursor\":\"%s\"}\n", cursor);
	api_stream_add(w->stream, line.s, line.len);
	str_finish(&line);
}

static void replay_one(const struct record_class *class, const char *line, size_t len, void *arg)
{
	put_line(arg, class, line, len);
}

/* false: a name is no public kind. */
static bool read_kinds(const char *list, uint64_t *kinds, struct err *err)
{
	*kinds = 0;
	while (*list) {
		size_t n = strcspn(list, ",");
		char *name = mem_dup_n(list, n);
		const struct record_class *class = record_class_named(name);
		bool ok = class && (class->flags & CLASS_PUBLIC);
		if (ok)
			*kinds |= (uint64_t)1 << class->kind;
		else
			err_set(err, ERR_USAGE, "kinds: \"%.40s\" cannot be watched", name);
		free(name);
		if (!ok)
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static void get_watch(struct api_request *r)
{
	static const struct api_stream_events events = {.closed = closed};
	static const char gone[] = "{\"type\":\"ERROR\",\"status\":410}\n";
	struct daemon *d = api_daemon(r);
	struct watches *all = api_watches(d);
	const char *names = api_query(r, "kinds"), *cursor = api_query(r, "cursor");
	uint64_t kinds = 0;
	struct err err;
	if (names && !read_kinds(names, &kinds, &err)) {
		api_reply_err(r, &err);
		return;
	}
	for (int kind = 0; !names && kind < RECORD_COUNT; kind++)
		if (record_class((enum record_kind)kind)->flags & CLASS_PUBLIC)
			kinds |= (uint64_t)1 << kind;
	struct watch *w = mem_alloc(sizeof(*w));
	w->all = all;
	w->kinds = kinds;
	w->next = all->first;
	all->first = w;
	w->stream = api_stream_open(r, "application/x-ndjson", NULL, &events, w);
	if (!cursor) {
		start_anew(w);
	} else if (!state_replay(d->state, cursor, replay_one, w)) {
		api_stream_add(w->stream, gone, sizeof(gone) - 1);
		api_stream_end(w->stream);
		return;
	} else {
		bookmark(w);
	}
	if (!reactor_timer_is_set(all->timer))
		reactor_timer_set(all->timer, BOOKMARK_MS);
}

struct watches *watches_new(struct daemon *daemon)
{
	struct watches *all = mem_alloc(sizeof(*all));
	all->daemon = daemon;
	all->timer = reactor_timer_add(daemon->reactor, -1, 0, on_timer, all);
	return all;
}

void watches_free(struct watches *all)
{
	if (!all)
		return;
	reactor_defer_cancel(all->daemon->reactor, all);
	reactor_timer_remove(all->timer);
	free(all);
}

const struct api_row api_watch_rows[] = {
	{"GET", "/v1/watch", get_watch, "What is there, then every change as it happens"},
	{NULL, NULL, NULL, NULL},
};

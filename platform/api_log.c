/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/logs: the lines of the instances that a client asks for, merged by time, then what comes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "platform/api.h"
#include "platform/daemon.h"
#include "platform/log_read.h"
#include "platform/reactor.h"
#include "platform/slot.h"

#define BEAT_MS 5000
#define LINES_A_TURN 5000 /* so that one reader of a long log holds up nobody */

struct seen_slot {
	char *id;
	int starts, started; /* for previous=1: how many starts there are, how many were passed */
};
struct log_stream {
	struct log_stream *next;
	struct log_streams *all;
	struct api_stream *stream;
	struct log_read *reader;
	char *service, *environment, *instance;
	bool is_following, is_previous, has_new, is_pump_due;
	struct seen_slot *slots;
	size_t n_slots;
};
struct log_streams {
	struct daemon *daemon;
	struct log_stream *first;
	struct reactor_timer *timer;
};

static bool is_meant(const struct log_stream *s, const struct slot_info *info, const char **service,
                     const char **environment)
{
	*service = info->spec ? slot_spec_tag(info->spec, "service") : NULL;
	*environment = info->spec ? slot_spec_tag(info->spec, "environment") : NULL;
	return *service && *environment && (!s->service || str_eq(s->service, *service)) &&
	       (!s->environment || str_eq(s->environment, *environment)) &&
	       (!s->instance || str_eq(s->instance, info->id));
}

static struct seen_slot *find_slot(struct log_stream *s, const char *id)
{
	for (size_t i = 0; i < s->n_slots; i++)
		if (strcmp(s->slots[i].id, id) == 0)
			return &s->slots[i];
	return NULL;
}

static void add_slot(struct log_stream *s, const char *id)
{
	if (find_slot(s, id) || !log_read_add(s->reader, id, NULL))
		return;
	s->slots = mem_grow(s->slots, s->n_slots + 1, sizeof(*s->slots));
	s->slots[s->n_slots++] = (struct seen_slot){.id = mem_dup(id)};
}

static void write_line(struct log_stream *s, const struct slot_line *line)
{
	static const char *const words[] = {[LOG_START] = "#start", [LOG_EXIT] = "#exit", [LOG_GAP] = "#gap"};
	struct str out = {0};
	if (line->kind == LOG_TEXT) {
		str_addf(&out, "%lld %s ", (long long)line->time, line->slot);
		str_addn(&out, line->text, line->len);
	} else if (line->kind == LOG_GAP) {
		str_addf(&out, "#gap %s lines were rotated away before they were read", line->slot);
	} else {
		str_addf(&out, "%s %lld %s ", words[line->kind], (long long)line->time, line->slot);
		if (line->kind == LOG_START)
			str_add(&out, "started");
		else if (line->value < 0)
			str_add(&out, "ended, nobody saw how");
		else if (line->value > 128)
			str_addf(&out, "ended by signal %d (%s)", line->value - 128, strsignal(line->value - 128));
		else
			str_addf(&out, "exited with status %d", line->value);
	}
	str_addc(&out, '\n');
	api_stream_add(s->stream, out.s, out.len);
	str_finish(&out);
}

static void write_cursor(struct log_stream *s)
{
	struct str out = {0};
	str_add(&out, "#cursor ");
	log_read_cursor(s->reader, &out);
	str_addc(&out, '\n');
	api_stream_add(s->stream, out.s, out.len);
	str_finish(&out);
}

/* previous=1: only what lies between the last start but one and the last. */
static bool is_told(struct log_stream *s, const struct slot_line *line)
{
	if (!s->is_previous)
		return true;
	struct seen_slot *slot = find_slot(s, line->slot);
	if (!slot)
		return false;
	if (line->kind == LOG_START)
		slot->started++;
	return slot->starts >= 2 && slot->started == slot->starts - 1;
}

static void pump(void *arg)
{
	struct log_stream *s = arg;
	struct slot_line line;
	s->is_pump_due = false;
	s->has_new = false;
	int n = 0;
	while (api_stream_has_room(s->stream)) {
		if (!log_read_next(s->reader, &line)) {
			if (n)
				write_cursor(s);
			if (!s->is_following) {
				api_stream_add(s->stream, "#end\n", 5);
				api_stream_end(s->stream);
			}
			return;
		}
		if (is_told(s, &line))
			write_line(s, &line);
		if (++n == LINES_A_TURN) {
			s->is_pump_due = true;
			write_cursor(s);
			reactor_defer(s->all->daemon->reactor, pump, s);
			return;
		}
	}
	/* The client reads slowly: a cursor here lets it go on from what it has. */
	write_cursor(s);
	s->has_new = true;
}

static void pump_soon(struct log_stream *s)
{
	if (s->is_pump_due)
		return;
	s->is_pump_due = true;
	reactor_defer(s->all->daemon->reactor, pump, s);
}

static void more(struct api_stream *stream, void *state)
{
	(void)stream;
	struct log_stream *s = state;
	if (s->has_new)
		pump_soon(s);
}

static void closed(struct api_stream *stream, void *state)
{
	(void)stream;
	struct log_stream *s = state;
	for (struct log_stream **at = &s->all->first; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	reactor_defer_cancel(s->all->daemon->reactor, s);
	log_read_free(s->reader);
	for (size_t i = 0; i < s->n_slots; i++)
		free(s->slots[i].id);
	free(s->slots);
	free(s->service);
	free(s->environment);
	free(s->instance);
	free(s);
}

void api_on_log(struct daemon *daemon, const char *id)
{
	struct log_streams *all = api_log_streams(daemon);
	for (struct log_stream *s = all ? all->first : NULL; s; s = s->next) {
		struct slot_info info;
		const char *service, *environment;
		if (!s->is_following)
			continue;
		if (!find_slot(s, id)) {
			if (!slot_info(daemon->slots, id, &info) || !is_meant(s, &info, &service, &environment))
				continue;
			add_slot(s, id);
		}
		s->has_new = true;
		pump_soon(s);
	}
}

static void on_beat(void *arg)
{
	struct log_streams *all = arg;
	bool is_needed = false;
	for (struct log_stream *s = all->first; s; s = s->next)
		if (s->is_following) {
			is_needed = true;
			if (!s->is_pump_due && !s->has_new)
				write_cursor(s);
		}
	reactor_timer_set(all->timer, is_needed ? BEAT_MS : -1);
}

/* ---- a request ---- */

static void count_starts(struct log_stream *s)
{
	struct slot_line line;
	struct log_read *again = log_read_new(s->all->daemon->place);
	for (size_t i = 0; i < s->n_slots; i++)
		log_read_add(again, s->slots[i].id, NULL);
	while (log_read_next(again, &line)) {
		struct seen_slot *slot = line.kind == LOG_START ? find_slot(s, line.slot) : NULL;
		if (slot)
			slot->starts++;
	}
	log_read_free(again);
}

static bool set_start(struct log_stream *s, struct api_request *r, struct err *err)
{
	const char *since = api_query(r, "since"), *tail = api_query(r, "tail"), *cursor = api_query(r, "cursor");
	int64_t at;
	long long lines;
	if (s->is_previous) {
		count_starts(s);
		return true;
	}
	if (cursor)
		return log_read_seek(s->reader, cursor, err);
	if (since) {
		if (!clock_parse_since(since, clock_wall_ms(), &at) &&
		    !err_set(err, ERR_USAGE, "since: \"%.40s\" is neither a time nor an age such as -10m", since))
			return false;
		log_read_since(s->reader, at);
	}
	if (tail) {
		if (!str_to_int(tail, 0, 1000000, &lines))
			return err_set(err, ERR_USAGE, "tail: \"%.40s\" is no number of lines", tail);
		log_read_tail(s->reader, (size_t)lines);
	}
	return true;
}

struct choice {
	struct log_stream *stream;
	struct str header;
};
static void choose(const struct slot_info *info, void *arg)
{
	struct choice *c = arg;
	const char *service, *environment;
	if (!is_meant(c->stream, info, &service, &environment))
		return;
	add_slot(c->stream, info->id);
	/* A header has its bounds; a client asks /v1/instances for the rest. */
	if (c->header.len < 8000)
		str_addf(&c->header, "%s%s=%s/%s", c->stream->n_slots > 1 ? "," : "Fairway-Instances: ", info->id, service,
		         environment);
}

static void get_logs(struct api_request *r)
{
	static const struct api_stream_events events = {.more = more, .closed = closed};
	struct daemon *d = api_daemon(r);
	struct log_stream *s = mem_alloc(sizeof(*s));
	struct err err = {0};
	s->all = api_log_streams(d);
	s->service = mem_dup(api_query(r, "service"));
	s->environment = mem_dup(api_query(r, "environment"));
	s->instance = mem_dup(api_query(r, "instance"));
	s->is_following = str_eq(api_query(r, "follow"), "1");
	s->is_previous = str_eq(api_query(r, "previous"), "1");
	s->reader = log_read_new(d->place);
	struct choice choice = {.stream = s};
	slots_each(d->slots, choose, &choice);
	bool ok = s->service || s->environment || s->instance || err_set(&err, ERR_USAGE, "logs of what? Name a service");
	if (ok && !s->n_slots && !s->is_following)
		ok = err_set(&err, ERR_NOT_FOUND, "there is no log of %.63s%s%.63s",
		             s->service ? s->service : s->instance ? s->instance : "a service",
		             s->environment ? " in " : "", s->environment ? s->environment : "");
	if (!ok || !set_start(s, r, &err)) {
		api_reply_err(r, &err);
		s->next = s->all->first;
		closed(NULL, s);
	} else {
		const char *headers[] = {choice.header.len ? choice.header.s : NULL, NULL};
		s->next = s->all->first;
		s->all->first = s;
		s->stream = api_stream_open(r, "text/plain; charset=utf-8", headers, &events, s);
		pump_soon(s);
		if (s->is_following && !reactor_timer_is_set(s->all->timer))
			reactor_timer_set(s->all->timer, BEAT_MS);
	}
	str_finish(&choice.header);
}

struct log_streams *log_streams_new(struct daemon *daemon)
{
	struct log_streams *all = mem_alloc(sizeof(*all));
	all->daemon = daemon;
	all->timer = reactor_timer_add(daemon->reactor, -1, 0, on_beat, all);
	return all;
}

void log_streams_free(struct log_streams *all)
{
	if (!all)
		return;
	reactor_timer_remove(all->timer);
	free(all);
}

const struct api_row api_log_rows[] = {
	{"GET", "/v1/logs", get_logs, "Lines of instances, merged; then those that come"},
	{NULL, NULL, NULL, NULL},
};

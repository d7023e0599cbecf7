/* SPDX-License-Identifier: Apache-2.0 */
/* fairway logs: lines of all instances merged by time, stack traces kept together, as they come. */
#include <cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/filter.h"
#include "model/log_view.h"

#define PATIENCE_MS 10000 /* a cluster lists workloads and pods before it sends the first line */
#define MERGED_LINES 50000 /* of a list that ends: so many are put in order at once */
#define PAST_MS 1500
#define SETTLE_MS 300 /* streams of several instances arrive this far apart; a line waits so long for its place */

struct tail {
	struct cli *cli;
	struct log_buffer *buffer;
	struct log_view *view;
	struct filter *filter;
	uint64_t next;          /* number of the first line not yet printed */
	int64_t asked;          /* wall: lines older than that are the past, which comes instance by instance */
	int64_t past_began, past_came; /* monotonic: its first and its last line so far; 0: none yet */
	enum log_level least;
};

static void put_masked(const char *bytes, size_t len)
{
	struct str masked = {0};
	utf8_mask(&masked, bytes, len, UTF8_ONE_LINE);
	fwrite(str_text(&masked), 1, masked.len, stdout);
	str_finish(&masked);
}

static const char *level_colour(enum log_level level)
{
	return level >= LOG_LEVEL_ERROR ? "31" : level == LOG_LEVEL_WARN ? "33" : NULL;
}

static void print_text(const struct tail *t, const struct log_entry *e)
{
	const struct log_instance *from = log_buffer_instance_at(t->buffer, e->instance);
	enum log_level level = log_buffer_level(t->buffer, e->number);
	const char *colour = t->cli->is_coloured && !e->is_gap ? level_colour(level) : NULL;
	char time[CLOCK_TEXT] = "-";
	if (e->time)
		clock_rfc3339(e->time, time);
	printf("%s ", time);
	const char *id = from && from->instance ? from->instance : "-";
	put_masked(id, strlen(id));
	printf(" %s ", e->is_gap ? "--" : level == LOG_LEVEL_NONE ? "-" : log_level_name(level));
	if (colour)
		printf("\033[%sm", colour);
	put_masked(e->text, e->len);
	puts(colour ? "\033[0m" : "");
}

/* cJSON ends texts at a NUL, and a log line may hold one: it is written as the masked character it would become. */
static void add_bytes(cJSON *object, const char *name, const char *bytes, size_t len)
{
	char *text = mem_dup_n(bytes, len);
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = '?';
	json_add_text(object, name, text);
	free(text);
}

static void add_fields(cJSON *object, const struct log_text *parsed)
{
	if (!parsed->n_fields || parsed->form == LOG_FORM_PLAIN)
		return;
	cJSON *fields = cJSON_AddObjectToObject(object, "fields");
	for (size_t i = 0; i < parsed->n_fields; i++) {
		const struct log_field *f = &parsed->fields[i];
		char *name = mem_dup_n(f->name.s, f->name.len);
		if (!json_get(fields, name))
			add_bytes(fields, name, f->value.s, f->value.len);
		free(name);
	}
}

static void print_json(const struct tail *t, const struct log_entry *e)
{
	const struct log_instance *from = log_buffer_instance_at(t->buffer, e->instance);
	enum log_level level = log_buffer_level(t->buffer, e->number);
	cJSON *object = cJSON_CreateObject();
	char time[CLOCK_TEXT];
	clock_rfc3339(e->time, time);
	json_add_text(object, "time", e->time ? time : NULL);
	json_add_text(object, "service", from ? from->service : NULL);
	json_add_text(object, "environment", from ? from->environment : NULL);
	json_add_text(object, "instance", from ? from->instance : NULL);
	if (e->is_gap) {
		add_bytes(object, "gap", e->text, e->len);
	} else {
		struct log_text parsed;
		json_add_text(object, "level", level == LOG_LEVEL_NONE ? NULL : log_level_name(level));
		add_bytes(object, "text", e->text, e->len);
		log_text_parse(&parsed, e->text, e->len);
		add_fields(object, &parsed);
	}
	char *printed = json_print(object), *masked = json_mask(printed);
	puts(masked);
	free(masked);
	free(printed);
	cJSON_Delete(object);
}

/* Prints what has found its place. False when nobody reads any more. */
static bool print_settled(struct tail *t, int64_t until)
{
	struct log_entry entry;
	uint64_t number;
	log_buffer_settle(t->buffer, until);
	while (log_view_step(t->view, 0, NULL))
		;
	for (size_t at = log_view_place(t->view, t->next); log_view_at(t->view, at, &number); at++) {
		t->next = number + 1;
		if (!log_buffer_entry(t->buffer, number, &entry))
			continue;
		if (t->cli->args->output == OUTPUT_JSON)
			print_json(t, &entry);
		else
			print_text(t, &entry);
	}
	return fflush(stdout) == 0 && !ferror(stdout);
}

static void take_batch(struct tail *t, const struct log_batch *batch)
{
	const char *fallback = t->cli->args->words[0];
	bool has_past = false;
	for (size_t i = 0; i < batch->n; i++) {
		const struct log_row *row = &batch->lines[i];
		const struct log_origin *from = row->instance < batch->n_instances ? &batch->instances[row->instance] : NULL;
		uint32_t instance = log_buffer_instance(t->buffer, from && from->service ? from->service : fallback,
		                                        from ? from->environment : NULL, from ? from->id : NULL);
		const char *text = batch->block + row->at;
		if (row->what == LINE_TEXT) {
			has_past = has_past || row->time < t->asked;
			log_buffer_add(t->buffer, instance, row->time, text, row->len);
			continue;
		}
		if (row->what == LINE_START && (t->filter || t->least != LOG_LEVEL_NONE))
			continue; /* what was lost or ended is told beside what was asked for; a start is not */
		char *sentence = mem_dup_n(text, row->len);
		log_buffer_add_gap(t->buffer, instance, row->time ? row->time : clock_wall_ms(), sentence);
		free(sentence);
	}
	t->past_came = has_past ? clock_mono_ms() : t->past_came;
}

/* Put in order once it seems to be there. */
static bool is_past_coming(struct tail *t)
{
	int64_t now = clock_mono_ms();
	t->past_began = t->past_began ? t->past_began : t->past_came;
	return now - t->past_came < SETTLE_MS && now - t->past_began < PAST_MS;
}

/* One line at most lies between two looks at the clock: a tail that follows prints lines SETTLE_MS after they came. */
static int follow(struct tail *t, uint64_t id)
{
	struct session *s = t->cli->session;
	bool follows = t->cli->args->follow, is_waiting = false;
	int64_t heard = clock_mono_ms();
	struct err err = {0};
	for (;;) {
		int64_t patience = is_waiting ? SETTLE_MS : follows ? -1 : PATIENCE_MS;
		struct message *m = session_next(s, id, patience, &err);
		if (!m && err.kind != ERR_UNREACHABLE)
			break;
		bool is_done = m && m->kind == MESSAGE_DONE;
		if (m)
			heard = clock_mono_ms();
		if (m && m->kind == MESSAGE_LOGS)
			take_batch(t, &m->logs);
		if (is_done)
			err = m->err;
		message_free(m);
		if (is_done)
			break;
		bool is_due = log_buffer_waiting(t->buffer) >= MERGED_LINES || (follows && !is_past_coming(t));
		if (is_due && !print_settled(t, follows ? clock_wall_ms() - SETTLE_MS : INT64_MAX))
			return 0; /* the reader went away: that is how a pipe into head ends */
		is_waiting = follows && log_buffer_waiting(t->buffer) > 0;
		if (!follows && clock_mono_ms() - heard >= PATIENCE_MS) {
			err_set(&err, ERR_UNREACHABLE, "no more lines came for %d s", PATIENCE_MS / 1000);
			break;
		}
	}
	print_settled(t, INT64_MAX);
	session_cancel(s, id);
	return err.kind == ERR_NONE ? 0 : cli_fail(t->cli, &err);
}

/* --grep is a whole expression, never words: the filter is told so by its slashes. */
static struct filter *make_filter(const char *grep, struct err *err)
{
	struct str text = {0};
	str_addc(&text, '/');
	for (const char *c = grep; *c; c++) {
		if (*c == '\\' && c[1]) {
			str_addc(&text, *c++);
			str_addc(&text, *c);
			continue;
		}
		if (*c == '/')
			str_addc(&text, '\\');
		str_addc(&text, *c);
	}
	str_addc(&text, '/');
	struct filter *filter = filter_new(str_text(&text), err);
	str_finish(&text);
	if (!filter)
		err_prefix(err, "--grep");
	return filter;
}

static bool read_wants(struct tail *t, struct log_wish *wish, struct err *err)
{
	const struct args *a = t->cli->args;
	*wish = (struct log_wish){.service = a->words[0], .environment = a->env, .instance = a->instance,
	                          .tail = RECORD_NONE, .is_following = a->follow, .is_previous = a->previous};
	if (a->since && !args_time("--since", a->since, false, clock_wall_ms(), &wish->since, err))
		return false;
	long long tail;
	if (a->tail && !str_to_int(a->tail, 0, INT64_MAX, &tail))
		return err_set(err, ERR_USAGE, "--tail: \"%s\" is no number of lines", a->tail);
	if (a->tail)
		wish->tail = tail;
	if (a->level && (t->least = log_level_of(a->level, strlen(a->level))) == LOG_LEVEL_NONE)
		return err_set(err, ERR_USAGE, "--level: \"%s\" is not one of trace, debug, info, warn, error, fatal",
		               a->level);
	return !a->grep || (t->filter = make_filter(a->grep, err));
}

int read_logs(struct cli *cli)
{
	struct tail t = {.cli = cli};
	struct err err = {0};
	struct log_wish wish;
	struct rows_wish names = {.service = cli->args->words[0], .environment = cli->args->env};
	int status;
	if (!read_wants(&t, &wish, &err) || !session_open(cli, NULL, &err) ||
	    !rows_read(cli->session, 0, &names, &err) ||
	    !session_check(cli->session, &err)) {
		status = cli_fail(cli, &err);
	} else {
		t.buffer = log_buffer_new(NULL);
		t.asked = clock_wall_ms();
		t.view = log_view_new(t.buffer);
		log_view_want(t.view, &(struct log_wants){.filter = t.filter, .least = t.least});
		status = follow(&t, session_send(cli->session, request_logs(&wish)));
	}
	log_view_free(t.view);
	log_buffer_free(t.buffer);
	filter_free(t.filter);
	return status;
}

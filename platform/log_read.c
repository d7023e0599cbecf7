/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/log_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "platform/log_tail.h"
#include "platform/slot_file.h"

struct source {
	char *id;
	struct log_tail *tail;
	struct log_position told; /* behind the last line told; the tail may be one line ahead */
	struct slot_line head;
	bool has_head;
	bool is_dry; /* had nothing when last asked; asked again in the next round */
};

struct log_read {
	const struct place *place;
	struct source *sources; /* by id */
	size_t n;
};

struct log_read *log_read_new(const struct place *place)
{
	struct log_read *r = mem_alloc(sizeof(*r));
	r->place = place;
	return r;
}

void log_read_free(struct log_read *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		log_tail_free(r->sources[i].tail);
		free(r->sources[i].id);
	}
	free(r->sources);
	free(r);
}

static struct source *find(const struct log_read *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->sources[i].id, id) == 0)
			return &r->sources[i];
	return NULL;
}

bool log_read_add(struct log_read *r, const char *id, struct err *err)
{
	if (find(r, id))
		return true;
	struct log_tail *tail = log_tail_new(r->place, id, err);
	if (!tail)
		return false;
	size_t at = 0;
	while (at < r->n && strcmp(r->sources[at].id, id) < 0)
		at++;
	r->sources = mem_grow(r->sources, r->n + 1, sizeof(r->sources[0]));
	memmove(&r->sources[at + 1], &r->sources[at], (r->n - at) * sizeof(r->sources[0]));
	r->sources[at] = (struct source){.id = mem_dup(id), .tail = tail};
	r->n++;
	return true;
}

/* ---- positions ---- */

/* After a seek of its tail. */
static void restart(struct source *s)
{
	s->has_head = s->is_dry = false;
	s->told = log_tail_position(s->tail);
}

void log_read_since(struct log_read *r, int64_t wall_ms)
{
	for (size_t i = 0; i < r->n; i++) {
		log_tail_seek_since(r->sources[i].tail, wall_ms);
		restart(&r->sources[i]);
	}
}

void log_read_tail(struct log_read *r, size_t lines)
{
	struct slot_line line;
	struct log_position *begin = mem_array(r->n, sizeof(*begin));
	size_t total = 0;
	for (size_t i = 0; i < r->n; i++) {
		log_tail_seek_last(r->sources[i].tail, lines);
		restart(&r->sources[i]);
		begin[i] = r->sources[i].told;
	}
	/* Each slot has `lines` of its own now. How many that is together is known only by reading: once
	 * to count, once to pass over those that are too many. */
	while (log_read_next(r, &line))
		total += line.kind == LOG_TEXT;
	for (size_t i = 0; i < r->n; i++) {
		log_tail_seek(r->sources[i].tail, begin[i]);
		restart(&r->sources[i]);
	}
	free(begin);
	while (total > lines && log_read_next(r, &line))
		total -= line.kind == LOG_TEXT;
}

/* One "ID:N.AT.ENTRY" of a cursor; *p goes behind it and its comma. */
static bool parse_position(const char **p, char id[SLOT_ID_MAX + 1], struct log_position *pos)
{
	size_t n = strcspn(*p, ":");
	int used = 0;
	if (n > SLOT_ID_MAX || (*p)[n] != ':')
		return false;
	memcpy(id, *p, n);
	id[n] = '\0';
	/* a sign or a blank would pass sscanf */
	if (strspn(*p + n + 1, "0123456789.") != strcspn(*p + n + 1, ",") || !slot_id_is_valid(id) ||
	    sscanf(*p + n + 1, "%19" SCNu64 ".%19" SCNu64 ".%19" SCNu64 "%n", &pos->n, &pos->at, &pos->entry,
	           &used) != 3)
		return false;
	*p += n + 1 + (size_t)used;
	if (**p == ',')
		return *++*p != '\0';
	return **p == '\0';
}

bool log_read_seek(struct log_read *r, const char *cursor, struct err *err)
{
	char id[SLOT_ID_MAX + 1];
	struct log_position pos;
	for (const char *p = cursor; *p;)
		if (!parse_position(&p, id, &pos))
			return err_set(err, ERR_USAGE, "\"%.60s\" is not a cursor of logs", cursor);
	for (const char *p = cursor; *p && parse_position(&p, id, &pos);) {
		struct source *s = find(r, id);
		if (!s)
			continue;
		log_tail_seek(s->tail, pos);
		restart(s);
	}
	return true;
}

void log_read_cursor(const struct log_read *r, struct str *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct source *s = &r->sources[i];
		str_addf(out, "%s%s:%" PRIu64 ".%" PRIu64 ".%" PRIu64, i ? "," : "", s->id, s->told.n,
		         s->told.at, s->told.entry);
	}
}

/* ---- lines ---- */

bool log_read_next(struct log_read *r, struct slot_line *line)
{
	struct source *first = NULL;
	for (size_t i = 0; i < r->n; i++) {
		struct source *s = &r->sources[i];
		if (!s->has_head && !s->is_dry) {
			s->has_head = log_tail_next(s->tail, &s->head);
			s->is_dry = !s->has_head;
		}
		if (s->has_head && (!first || s->head.time < first->head.time))
			first = s;
	}
	if (!first) {
		/* The round is over. Only now are the dry ones asked again: else a slot that writes on and
		 * on would make a line of another wait, and each line would cost a look at every idle
		 * slot. */
		for (size_t i = 0; i < r->n; i++)
			r->sources[i].is_dry = false;
		return false;
	}
	*line = first->head;
	first->has_head = false;
	first->told = log_tail_position(first->tail);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/log_tail.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "platform/log_files.h"
#include "platform/slot_file.h"
#include "platform/slot_log.h"

#define CHUNK 65536
#define ENTRIES 128

struct log_tail {
	char *id;
	int dir, raw, index;
	struct log_position next; /* of what is read next; at: behind the bytes in `chunk` that were used */
	struct log_position told; /* behind the last line told */
	uint64_t end;             /* bytes before it are stamped with `time` */
	int64_t time;
	char *chunk;              /* bytes of one stamp: used .. have are not yet looked at */
	size_t used, have;
	struct str line;          /* the beginning of a line whose end is not there yet */
	int64_t line_time;        /* of its first byte */
	bool is_line_told;        /* `line` was told: empty it before going on */
	bool is_skipping;         /* a beginning that nobody asked for is dropped up to its newline */
	struct slot_log_entry cache[ENTRIES];
	uint64_t cached_n, cached_first;
	size_t n_cached;
};

struct log_tail *log_tail_new(const struct place *place, const char *id, struct err *err)
{
	int dir = slot_folder(place, id, err);
	if (dir < 0)
		return NULL;
	struct log_tail *t = mem_alloc(sizeof(*t));
	t->id = mem_dup(id);
	t->dir = dir;
	t->raw = t->index = -1;
	t->chunk = mem_alloc(CHUNK);
	return t;
}

static void close_files(struct log_tail *t)
{
	if (t->raw >= 0)
		close(t->raw);
	if (t->index >= 0)
		close(t->index);
	t->raw = t->index = -1;
	t->n_cached = 0;
}

void log_tail_free(struct log_tail *t)
{
	if (!t)
		return;
	close_files(t);
	close(t->dir);
	str_finish(&t->line);
	free(t->chunk);
	free(t->id);
	free(t);
}

/* ---- files and entries ---- */

static bool open_files(struct log_tail *t, uint64_t n)
{
	int raw = log_file_open(t->dir, "raw", n, O_RDONLY);
	int index = raw < 0 ? -1 : log_file_open(t->dir, "index", n, O_RDONLY);
	if (index < 0) { /* not there, or its writer is just making it */
		if (raw >= 0)
			close(raw);
		return false;
	}
	close_files(t);
	t->raw = raw;
	t->index = index;
	return true;
}

static bool get_entry(struct log_tail *t, uint64_t i, struct slot_log_entry *e)
{
	if (t->n_cached == 0 || i < t->cached_first || i >= t->cached_first + t->n_cached) {
		ssize_t n = pread(t->index, t->cache, sizeof(t->cache), (off_t)(i * sizeof(*e)));
		t->cached_first = i;
		t->n_cached = n > 0 ? (size_t)n / sizeof(*e) : 0;
		if (t->n_cached == 0)
			return false;
	}
	*e = t->cache[i - t->cached_first];
	return true;
}

static uint64_t entry_count(const struct log_tail *t)
{
	struct stat st;
	return fstat(t->index, &st) == 0 ? (uint64_t)st.st_size / sizeof(struct slot_log_entry) : 0;
}

/* Stands at the beginning of file n, which is open. */
static void begin_file(struct log_tail *t, uint64_t n)
{
	t->next = (struct log_position){.n = n};
	t->end = 0;
	t->used = t->have = 0;
}

/* ---- reading forward ---- */

static bool tell(struct log_tail *t, struct slot_line *out, enum log_line_kind kind, int64_t time,
                 const char *text, size_t len, int32_t value)
{
	t->told = t->next;
	*out = (struct slot_line){
		.kind = kind, .time = time, .slot = t->id, .text = text, .len = len, .value = value};
	return true;
}

/* Takes from the chunk up to a newline or the longest line. True: `line` is whole. */
static bool take_line(struct log_tail *t, bool *is_cut)
{
	const char *from = t->chunk + t->used;
	size_t left = t->have - t->used, room = LOG_LINE_MAX - t->line.len;
	const char *newline = memchr(from, '\n', left < room ? left : room);
	size_t n = newline ? (size_t)(newline - from) : left < room ? left : room;
	if (t->line.len == 0)
		t->line_time = t->time;
	str_addn(&t->line, from, n);
	n += newline != NULL;
	t->used += n;
	t->next.at += n;
	*is_cut = !newline && t->line.len == LOG_LINE_MAX;
	return newline || *is_cut;
}

/* More bytes of the stamp that is being read. */
static bool fill_chunk(struct log_tail *t)
{
	uint64_t left = t->end - t->next.at;
	ssize_t n = pread(t->raw, t->chunk, left < CHUNK ? (size_t)left : CHUNK, (off_t)t->next.at);
	t->used = 0;
	t->have = n > 0 ? (size_t)n : 0;
	return n > 0;
}

enum step { STEP_ON, STEP_LINE, STEP_DRY };

/* A mark ends a line that has no newline: what wrote it is gone. It is told first, the mark on the next
 * call. */
static enum step pass_entry(struct log_tail *t, const struct slot_log_entry *e, struct slot_line *out)
{
	bool is_mark = e->kind == SLOT_LOG_START || e->kind == SLOT_LOG_EXIT;
	if (is_mark && t->line.len > 0 && !t->is_skipping) {
		tell(t, out, LOG_TEXT, t->line_time, t->line.s, t->line.len, 0);
		return STEP_LINE;
	}
	t->next.entry++;
	if (e->kind == SLOT_LOG_STAMP) {
		t->end = e->end;
		t->time = e->time;
	}
	if (!is_mark)
		return STEP_ON;
	t->is_skipping = false;
	str_reset(&t->line);
	tell(t, out, e->kind == SLOT_LOG_START ? LOG_START : LOG_EXIT, e->time, "", 0, e->value);
	return STEP_LINE;
}

/* Files between were rotated away, or the position is of another time: on at the oldest there is. */
static enum step jump(struct log_tail *t, struct slot_line *out)
{
	uint64_t first, last, n = t->next.n;
	if (!log_files_range(t->dir, &first, &last) || (first <= n + (t->raw >= 0) && last >= n) ||
	    !open_files(t, first))
		return STEP_DRY;
	begin_file(t, first);
	str_reset(&t->line);
	t->is_skipping = false;
	if (n == 0)
		return STEP_ON; /* nothing was read yet: the oldest is where it begins */
	struct slot_log_entry e = {0};
	get_entry(t, 0, &e);
	tell(t, out, LOG_GAP, e.time, "", 0, 0);
	return STEP_LINE;
}

/* After a seek: which stamp the position lies in. What a cursor says is not trusted. */
static enum step resume(struct log_tail *t)
{
	struct slot_log_entry e = {0};
	uint64_t count = entry_count(t);
	if (t->next.entry > count)
		t->next.entry = count;
	t->end = 0;
	if (t->next.entry > 0 && get_entry(t, t->next.entry - 1, &e)) {
		t->end = e.end;
		t->time = e.time;
	}
	if (t->next.at > t->end && !(get_entry(t, t->next.entry, &e) && t->next.at <= e.end))
		t->next.at = t->end;
	return STEP_ON;
}

/* The index has no more for now: on to the next file when there is one. */
static enum step next_file(struct log_tail *t, struct slot_line *out)
{
	struct slot_log_entry e;
	if (t->raw < 0)
		return t->next.n > 0 && open_files(t, t->next.n) ? resume(t) : jump(t, out);
	int there = log_file_open(t->dir, "raw", t->next.n + 1, O_RDONLY);
	if (there >= 0)
		close(there);
	/* Asked again after the next file was seen: from then on nothing is added to this index. */
	t->n_cached = 0;
	if (get_entry(t, t->next.entry, &e))
		return STEP_ON;
	if (there < 0)
		return jump(t, out);
	if (!open_files(t, t->next.n + 1))
		return STEP_DRY;
	begin_file(t, t->next.n + 1);
	return STEP_ON;
}

bool log_tail_next(struct log_tail *t, struct slot_line *out)
{
	struct slot_log_entry e;
	enum step step = STEP_ON;
	if (t->is_line_told)
		str_reset(&t->line);
	t->is_line_told = false;
	while (step == STEP_ON) {
		bool is_cut;
		if (t->used < t->have) {
			if (!take_line(t, &is_cut))
				continue;
			if (t->is_skipping) {
				t->is_skipping = is_cut;
				str_reset(&t->line);
				t->told = t->next;
				continue;
			}
			tell(t, out, LOG_TEXT, t->line_time, str_text(&t->line), t->line.len, 0);
			out->is_cut = is_cut;
			step = STEP_LINE;
		} else if (t->next.at < t->end) {
			if (!fill_chunk(t))
				t->next.at = t->end; /* a power cut took bytes that the index names */
		} else if (t->raw >= 0 && get_entry(t, t->next.entry, &e)) {
			step = pass_entry(t, &e, out);
		} else {
			step = next_file(t, out);
		}
	}
	t->is_line_told = step == STEP_LINE && out->kind == LOG_TEXT;
	return step == STEP_LINE;
}

/* ---- positions ---- */

struct log_position log_tail_position(const struct log_tail *t)
{
	return t->told;
}

void log_tail_seek(struct log_tail *t, struct log_position p)
{
	close_files(t);
	t->next = t->told = p;
	t->end = 0;
	t->used = t->have = 0;
	t->is_skipping = t->is_line_told = false;
	str_reset(&t->line);
}

/* The first entry that is not before the time (by_time) or whose end is behind the offset. Ends never
 * fall; times do when the clock was set back, and then the search is only near. */
static uint64_t find_entry(struct log_tail *t, bool by_time, int64_t time, uint64_t at)
{
	uint64_t low = 0, high = entry_count(t);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct slot_log_entry e;
		if (get_entry(t, middle, &e) && (by_time ? e.time < time : e.end <= at))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool byte_before_is_newline(const struct log_tail *t, uint64_t at)
{
	char c;
	return at == 0 || pread(t->raw, &c, 1, (off_t)at - 1) != 1 || c == '\n';
}

void log_tail_seek_since(struct log_tail *t, int64_t wall_ms)
{
	uint64_t first, last;
	struct slot_log_entry e;
	log_tail_seek(t, (struct log_position){0});
	if (!log_files_range(t->dir, &first, &last))
		return;
	for (uint64_t n = last; n >= first; n--) {
		if (!open_files(t, n) || (n > first && get_entry(t, 0, &e) && e.time >= wall_ms))
			continue;
		struct log_position p = {.n = n, .entry = find_entry(t, true, wall_ms, 0)};
		bool is_after_mark = p.entry == 0;
		if (p.entry > 0 && get_entry(t, p.entry - 1, &e)) {
			p.at = e.end;
			is_after_mark = e.kind != SLOT_LOG_STAMP;
		}
		bool is_mid_line = !is_after_mark && !byte_before_is_newline(t, p.at);
		log_tail_seek(t, p);
		t->is_skipping = is_mid_line;
		return;
	}
}

/* Offset behind the newline before which `*lines` newlines follow in raw.n; 0 and *lines lowered when
 * there are fewer. */
static uint64_t lines_back(struct log_tail *t, size_t *lines)
{
	struct stat st;
	uint64_t at = fstat(t->raw, &st) == 0 ? (uint64_t)st.st_size : 0;
	while (at > 0) {
		size_t n = at < CHUNK ? (size_t)at : CHUNK;
		at -= n;
		if (pread(t->raw, t->chunk, n, (off_t)at) != (ssize_t)n)
			return 0;
		for (size_t i = n; i > 0; i--) {
			if (t->chunk[i - 1] != '\n')
				continue;
			if (*lines == 0)
				return at + i;
			--*lines;
		}
	}
	return 0;
}

void log_tail_seek_last(struct log_tail *t, size_t lines)
{
	uint64_t first, last;
	log_tail_seek(t, (struct log_position){0});
	if (!log_files_range(t->dir, &first, &last))
		return;
	for (uint64_t n = last; n >= first; n--) {
		if (!open_files(t, n))
			continue;
		struct log_position p = {.n = n, .at = lines_back(t, &lines)};
		if (p.at == 0 && n > first)
			continue;
		struct slot_log_entry e;
		p.entry = p.at ? find_entry(t, false, 0, p.at) : 0;
		/* marks that stand just before the first line belong to it */
		while (p.entry > 0 && get_entry(t, p.entry - 1, &e) && e.end == p.at &&
		       e.kind != SLOT_LOG_STAMP)
			p.entry--;
		log_tail_seek(t, p);
		return;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "views/logs_draw.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "views/words.h"

#define INSTANCE_COLUMNS 19
#define SHOWN_BYTES 8192 /* of one line; more is for `copy` */

static enum style level_style(enum log_level level)
{
	if (level >= LOG_LEVEL_ERROR)
		return STYLE_ERROR;
	if (level == LOG_LEVEL_WARN)
		return STYLE_WARNING;
	return level == LOG_LEVEL_DEBUG || level == LOG_LEVEL_TRACE ? STYLE_DIM : STYLE_TEXT;
}

/* The line as it is read: message first, then its fields. */
static void line_text(const struct log_entry *e, struct log_text *parsed, struct str *out)
{
	size_t len = e->len < SHOWN_BYTES ? e->len : SHOWN_BYTES;
	str_reset(out);
	if (e->is_gap || e->head != e->number) {
		str_addn(out, e->text, len);
		return;
	}
	log_text_parse(parsed, e->text, len);
	if (parsed->form != LOG_FORM_JSON) {
		str_addn(out, e->text, len);
		return;
	}
	str_addn(out, parsed->message.s ? parsed->message.s : "",
		 parsed->message.s ? parsed->message.len : 0);
	for (size_t i = 0; i < parsed->n_fields; i++) {
		str_addc(out, ' ');
		str_addn(out, parsed->fields[i].name.s, parsed->fields[i].name.len);
		str_addc(out, '=');
		str_addn(out, parsed->fields[i].value.s, parsed->fields[i].value.len);
	}
	if (parsed->error.s && parsed->error.len) {
		str_addc(out, ' ');
		str_addn(out, parsed->error.s, parsed->error.len);
	}
}

/* What tells instances apart stands at the end of their names. */
static void draw_instance(const struct canvas *line, const char *id)
{
	char text[64];
	size_t len = strlen(id), from = len > INSTANCE_COLUMNS ? len - (INSTANCE_COLUMNS - 1) : 0;
	while (from && ((unsigned char)id[from] & 0xc0) == 0x80)
		from++;
	snprintf(text, sizeof(text), "%s%.*s", from ? "…" : "", INSTANCE_COLUMNS, id + from);
	canvas_field(line, 0, 9, INSTANCE_COLUMNS, STYLE_INFO, UTF8_LEFT, text);
}

struct line_look { /* scratch of one drawing */
	struct log_text parsed;
	struct str text;
};

/* Rows that the line takes; draws it when c is not NULL. */
static int draw_line(struct logs *l, struct line_look *look, const struct canvas *c, int y, uint64_t number,
		     bool is_chosen)
{
	struct log_entry e;
	char time[16];
	if (!log_buffer_entry(l->buffer, number, &e))
		return 1;
	line_text(&e, &look->parsed, &look->text);
	const struct log_instance *who = log_buffer_instance_at(l->buffer, e.instance);
	enum log_level level = e.is_gap ? LOG_LEVEL_NONE : log_buffer_level(l->buffer, number);
	enum style style = e.is_gap ? STYLE_INFO : e.is_marked ? STYLE_MARKED : level_style(level);
	bool is_head = e.head == e.number;
	int columns = c->columns, left = 9 + 20 + 6, room = columns - left > 20 ? columns - left : columns;
	const char *text = str_text(&look->text);
	size_t len = look->text.len;
	int rows = 1;
	if (l->is_wrapped) {
		size_t width = utf8_width(text, len);
		rows = width ? (int)((width + (size_t)room - 1) / (size_t)room) : 1;
	}
	if (y >= c->rows)
		return rows;
	struct canvas line = canvas_sub(c, y, 0, rows, columns);
	if (is_chosen) {
		line.over = STYLE_SELECTED;
		canvas_clear(&line);
	}
	if (is_head) {
		words_time(e.time, time, sizeof(time));
		canvas_text(&line, 0, 0, STYLE_DIM, time);
		if (who && who->instance)
			draw_instance(&line, who->instance);
		canvas_field(&line, 0, 29, 5, level_style(level), UTF8_LEFT,
			     e.is_gap ? "──" : log_level_name(level));
	}
	struct canvas area = canvas_sub(&line, 0, left, rows, room);
	if (!l->is_wrapped) {
		canvas_text_n(&area, 0, -l->pan, style, text, len);
		return 1;
	}
	for (int r = 0; r < rows && len; r++) {
		size_t used = 0, n = utf8_clip(text, len, (size_t)room, &used);
		if (!n)
			break;
		canvas_text_n(&area, r, 0, style, text, n);
		text += n;
		len -= n;
	}
	return rows;
}

/* The first place so that the last line is at the bottom. */
static size_t top_when_following(struct logs *l, struct line_look *look, const struct canvas *c)
{
	struct canvas nowhere = *c;
	size_t at = log_view_count(l->lines);
	uint64_t number;
	int rows = 0;
	nowhere.rows = 0; /* measures only */
	while (at > 0 && log_view_at(l->lines, at - 1, &number)) {
		rows += l->is_wrapped ? draw_line(l, look, &nowhere, 0, number, false) : 1;
		if (rows > c->rows)
			break;
		at--;
	}
	size_t count = log_view_count(l->lines);
	return at == count && count ? count - 1 : at; /* a line higher than the screen shows its head */
}

static void status(struct logs *l, char *out, size_t size)
{
	struct str s = {0};
	str_add(&s, l->is_paused ? "paused" : l->is_ended ? "ended" : l->is_following ? "following" : "");
	if (l->least > LOG_LEVEL_NONE)
		str_addf(&s, "  %s and above", log_level_name(l->least));
	if (l->filter_text[0])
		str_addf(&s, "  & %s", l->filter_text);
	if (l->search_text[0])
		str_addf(&s, "  / %s", l->search_text);
	if (log_buffer_evicted(l->buffer))
		str_addf(&s, "  %llu lines evicted", (unsigned long long)log_buffer_evicted(l->buffer));
	if (l->filter && filter_gave_up(l->filter))
		str_addf(&s, "  %llu lines gave up", (unsigned long long)filter_gave_up(l->filter));
	if (l->is_paused)
		str_addf(&s, "  %zu wait", log_buffer_waiting(l->buffer));
	str_copy(out, size, str_text(&s));
	str_finish(&s);
}

void logs_draw(struct logs *l, const struct canvas *body)
{
	char title[512], right[256], bottom[64];
	size_t count = log_view_count(l->lines);
	snprintf(title, sizeof(title), "Logs %s%s%s%s%s", l->service, l->environment[0] ? " in " : "",
		 l->environment, l->instance[0] ? ": " : "", l->instance);
	status(l, right, sizeof(right));
	snprintf(bottom, sizeof(bottom), "%zu/%llu", count,
		 (unsigned long long)(log_buffer_end(l->buffer) - log_buffer_first(l->buffer)));
	struct canvas_box box = {.title = title,
				 .right = right,
				 .bottom = bottom,
				 .right_style = STYLE_DIM,
				 .is_focused = true};
	struct canvas c = canvas_box(body, &box);
	struct line_look look = {.text = {0}};
	l->visible = c.rows;
	if (l->is_following) {
		l->top = top_when_following(l, &look, &c);
		l->cursor = count ? count - 1 : 0;
	} else {
		if (l->cursor < l->top)
			l->top = l->cursor;
		if (l->cursor >= l->top + (size_t)c.rows)
			l->top = l->cursor - (size_t)c.rows + 1;
	}
	uint64_t number;
	size_t at = l->top;
	for (int y = 0; y < c.rows && log_view_at(l->lines, at, &number); at++)
		y += draw_line(l, &look, &c, y, number, !l->is_following && at == l->cursor);
	if (!count)
		canvas_text(&c, 0, 1, STYLE_DIM,
			    log_buffer_end(l->buffer) ? "no line matches"
			    : l->is_ended             ? "no line"
						      : "waiting for lines…");
	str_finish(&look.text);
}

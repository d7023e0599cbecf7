/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define LIST_ROWS 8
#define SECRET_DOT 0x2022

struct prompt_choices {
	struct {
		char *word, *help;
	} rows[PROMPT_CHOICES_MAX];
	size_t n, start;
};

void prompt_choice(struct prompt_choices *to, const char *word, const char *help)
{
	if (to->n == PROMPT_CHOICES_MAX)
		return;
	to->rows[to->n].word = mem_dup(word);
	to->rows[to->n++].help = mem_dup(help ? help : "");
}

void prompt_choices_start(struct prompt_choices *to, size_t start)
{
	to->start = start;
}

static void drop_choices(struct prompt *p)
{
	for (size_t i = 0; p->choices && i < p->choices->n; i++) {
		free(p->choices->rows[i].word);
		free(p->choices->rows[i].help);
	}
	if (p->choices)
		p->choices->n = p->choices->start = 0;
	p->is_listing = false;
	p->chosen = 0;
}

void prompt_history_add(struct prompt_history *h, const char *line)
{
	if (str_empty(line) || (h->n > 0 && strcmp(h->lines[h->n - 1], line) == 0))
		return;
	if (h->n == PROMPT_HISTORY_MAX) {
		free(h->lines[0]);
		memmove(h->lines, h->lines + 1, (PROMPT_HISTORY_MAX - 1) * sizeof(*h->lines));
		h->n--;
	}
	h->lines[h->n++] = mem_dup(line);
}

void prompt_history_finish(struct prompt_history *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->lines[i]);
	h->n = 0;
}

void prompt_init(struct prompt *p, const char *label, const char *text)
{
	*p = (struct prompt){.label = label ? label : ""};
	/* All the room at once: growing would leave copies of a secret behind. */
	str_reserve(&p->text, PROMPT_BYTES_MAX + 1);
	prompt_set(p, text);
}

void prompt_finish(struct prompt *p)
{
	drop_choices(p);
	free(p->choices);
	if (p->is_secret && p->text.s)
		explicit_bzero(p->text.s, p->text.cap);
	str_finish(&p->text);
	str_finish(&p->draft);
	str_finish(&p->cut);
	*p = (struct prompt){0};
}

void prompt_set(struct prompt *p, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	str_reset(&p->text);
	if (len > PROMPT_BYTES_MAX)
		for (len = PROMPT_BYTES_MAX; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
			len--;
	str_addn(&p->text, text ? text : "", len);
	p->cursor = p->text.len;
	p->history_at = p->history ? p->history->n : 0;
	drop_choices(p);
}

static size_t next_cell(const struct prompt *p, size_t at)
{
	struct utf8_cell cell;
	return at < p->text.len ? at + utf8_next(p->text.s + at, p->text.len - at, &cell) : at;
}

static size_t previous_cell(const struct prompt *p, size_t at)
{
	size_t from = 0;
	for (size_t next = 0; next < at; next = next_cell(p, next))
		from = next;
	return from;
}

static bool is_word(const struct prompt *p, size_t at)
{
	unsigned char c = (unsigned char)p->text.s[at];
	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

static size_t word_right(const struct prompt *p)
{
	size_t at = p->cursor;
	while (at < p->text.len && !is_word(p, at))
		at = next_cell(p, at);
	while (at < p->text.len && is_word(p, at))
		at = next_cell(p, at);
	return at;
}

static size_t word_left(const struct prompt *p)
{
	size_t at = p->cursor;
	while (at > 0 && !is_word(p, at - 1))
		at--;
	while (at > 0 && is_word(p, at - 1))
		at--;
	return at;
}

/* As a shell's ctrl-w: back to a blank. */
static size_t blank_left(const struct prompt *p)
{
	size_t at = p->cursor;
	while (at > 0 && p->text.s[at - 1] == ' ')
		at--;
	while (at > 0 && p->text.s[at - 1] != ' ')
		at--;
	return at;
}

static enum prompt_result move_to(struct prompt *p, size_t at)
{
	p->cursor = at;
	return PROMPT_MOVED;
}

static void replace(struct prompt *p, size_t from, size_t to, const char *bytes, size_t n)
{
	if (p->text.len - (to - from) + n > PROMPT_BYTES_MAX)
		return;
	str_reserve(&p->text, n);
	memmove(p->text.s + from + n, p->text.s + to, p->text.len - to + 1);
	if (n > 0)
		memcpy(p->text.s + from, bytes, n);
	p->text.len += n - (to - from);
	p->cursor = from + n;
}

static enum prompt_result erase(struct prompt *p, size_t from, size_t to, bool is_cut)
{
	if (from >= to)
		return PROMPT_MOVED;
	if (is_cut && !p->is_secret) {
		str_reset(&p->cut);
		str_addn(&p->cut, p->text.s + from, to - from);
	}
	replace(p, from, to, NULL, 0);
	return PROMPT_CHANGED;
}

static enum prompt_result insert(struct prompt *p, const char *bytes, size_t n)
{
	size_t before = p->text.len;
	replace(p, p->cursor, p->cursor, bytes, n);
	return p->text.len == before ? PROMPT_MOVED : PROMPT_CHANGED;
}

static enum prompt_result from_history(struct prompt *p, int by)
{
	const struct prompt_history *h = p->history;
	if (!h || p->is_secret || h->n == 0)
		return PROMPT_MOVED;
	if (by < 0 ? p->history_at == 0 : p->history_at >= h->n)
		return PROMPT_MOVED;
	if (p->history_at == h->n) {
		str_reset(&p->draft);
		str_addn(&p->draft, str_text(&p->text), p->text.len);
	}
	size_t to = by < 0 ? p->history_at - 1 : p->history_at + 1;
	prompt_set(p, to == h->n ? str_text(&p->draft) : h->lines[to]);
	p->history_at = to;
	return PROMPT_CHANGED;
}

void prompt_list(struct prompt *p)
{
	drop_choices(p);
	if (!p->complete || p->is_secret)
		return;
	if (!p->choices)
		p->choices = mem_alloc(sizeof(*p->choices));
	p->complete(str_text(&p->text), p->cursor, p->choices, p->arg);
	if (p->choices->start > p->cursor)
		p->choices->start = p->cursor;
	p->is_listing = p->choices->n > 0;
}

size_t prompt_n_choices(const struct prompt *p)
{
	return p->is_listing ? p->choices->n : 0;
}

const char *prompt_chosen(const struct prompt *p)
{
	return p->is_listing ? p->choices->rows[p->chosen].word : NULL;
}

/* How many first bytes all the choices share. */
static size_t shared_bytes(const struct prompt_choices *c)
{
	size_t n = strlen(c->rows[0].word);
	for (size_t i = 1; i < c->n; i++) {
		size_t same = 0;
		while (same < n && c->rows[i].word[same] == c->rows[0].word[same])
			same++;
		n = same;
	}
	return n;
}

static enum prompt_result accept_choice(struct prompt *p)
{
	char *word = mem_dup(p->choices->rows[p->chosen].word);
	replace(p, p->choices->start, p->cursor, word, strlen(word));
	free(word);
	drop_choices(p);
	return PROMPT_CHANGED;
}

static enum prompt_result complete(struct prompt *p)
{
	if (p->is_listing && p->choices->n > 1) {
		/* What all share is written first, then tab goes through the list. */
		size_t shared = shared_bytes(p->choices), typed = p->cursor - p->choices->start;
		if (shared > typed) {
			char *word = mem_dup_n(p->choices->rows[0].word, shared);
			replace(p, p->choices->start, p->cursor, word, shared);
			free(word);
			prompt_list(p);
			return PROMPT_CHANGED;
		}
		p->chosen = (p->chosen + 1) % p->choices->n;
		return PROMPT_MOVED;
	}
	if (!p->is_listing)
		prompt_list(p);
	if (!p->is_listing)
		return PROMPT_IGNORED;
	return p->choices->n == 1 ? accept_choice(p) : PROMPT_MOVED;
}

static enum prompt_result choose(struct prompt *p, int by)
{
	if (!p->is_listing)
		return from_history(p, by);
	p->chosen = (p->chosen + p->choices->n + (size_t)by) % p->choices->n;
	return PROMPT_MOVED;
}

static enum prompt_result transpose(struct prompt *p)
{
	size_t right = p->cursor == p->text.len ? previous_cell(p, p->cursor) : p->cursor;
	size_t left = previous_cell(p, right), end = next_cell(p, right);
	if (left == right || p->is_secret)
		return PROMPT_MOVED;
	struct str swapped = {0};
	str_addn(&swapped, p->text.s + right, end - right);
	str_addn(&swapped, p->text.s + left, right - left);
	replace(p, left, end, swapped.s, swapped.len);
	str_finish(&swapped);
	return PROMPT_CHANGED;
}

static enum prompt_result finish(struct prompt *p)
{
	if (p->history && !p->is_secret)
		prompt_history_add(p->history, str_text(&p->text));
	drop_choices(p);
	return PROMPT_DONE;
}

static enum prompt_result cancel(struct prompt *p)
{
	drop_choices(p);
	return PROMPT_CANCELLED;
}

static enum prompt_result control_key(struct prompt *p, uint32_t cp)
{
	switch (cp) {
	case 'a': return move_to(p, 0);
	case 'e': return move_to(p, p->text.len);
	case 'b': return move_to(p, previous_cell(p, p->cursor));
	case 'f': return move_to(p, next_cell(p, p->cursor));
	case 'd': return erase(p, p->cursor, next_cell(p, p->cursor), false);
	case 'h': return erase(p, previous_cell(p, p->cursor), p->cursor, false);
	case 'k': return erase(p, p->cursor, p->text.len, true);
	case 'u': return erase(p, 0, p->cursor, true);
	case 'w': return erase(p, blank_left(p), p->cursor, true);
	case 'y': return insert(p, str_text(&p->cut), p->cut.len);
	case 't': return transpose(p);
	case 'p': return choose(p, -1);
	case 'n': return choose(p, 1);
	case 'c': case 'g': return cancel(p);
	default: return PROMPT_IGNORED;
	}
}

static enum prompt_result alt_key(struct prompt *p, uint32_t cp)
{
	switch (cp) {
	case 'b': return move_to(p, word_left(p));
	case 'f': return move_to(p, word_right(p));
	case 'd': return erase(p, p->cursor, word_right(p), true);
	default: return PROMPT_IGNORED;
	}
}

static enum prompt_result named_key(struct prompt *p, const struct key *key)
{
	bool is_word = key->mods & (KEYMOD_CTRL | KEYMOD_ALT);
	switch (key->sym) {
	case KEYSYM_LEFT: return move_to(p, is_word ? word_left(p) : previous_cell(p, p->cursor));
	case KEYSYM_RIGHT: return move_to(p, is_word ? word_right(p) : next_cell(p, p->cursor));
	case KEYSYM_HOME: return move_to(p, 0);
	case KEYSYM_END: return move_to(p, p->text.len);
	case KEYSYM_BACKSPACE:
		return erase(p, is_word ? word_left(p) : previous_cell(p, p->cursor), p->cursor, is_word);
	case KEYSYM_DELETE: return erase(p, p->cursor, next_cell(p, p->cursor), false);
	case KEYSYM_UP: return choose(p, -1);
	case KEYSYM_DOWN: return choose(p, 1);
	case KEYSYM_TAB: return key->mods & KEYMOD_SHIFT ? choose(p, -1) : complete(p);
	case KEYSYM_ENTER: return finish(p);
	case KEYSYM_ESC: return cancel(p);
	default: return PROMPT_IGNORED;
	}
}

static enum prompt_result paste_key(struct prompt *p, const struct key *key)
{
	char bytes[4];
	if (key->sym == KEYSYM_CHAR && !key->mods)
		return insert(p, bytes, utf8_encode(key->cp, bytes));
	/* Lines and tabs become blanks: a paste never presses enter. */
	if (key->sym == KEYSYM_ENTER || key->sym == KEYSYM_TAB)
		return insert(p, " ", 1);
	return PROMPT_MOVED;
}

enum prompt_result prompt_key(struct prompt *p, const struct key *key)
{
	char bytes[4];
	enum prompt_result result;
	if (key->is_pasted || key->sym == KEYSYM_PASTE_BEGIN || key->sym == KEYSYM_PASTE_END)
		result = paste_key(p, key);
	else if (key_is_text(key))
		result = insert(p, bytes, utf8_encode(key->cp, bytes));
	else if (key->sym == KEYSYM_CHAR)
		result = key->mods & KEYMOD_CTRL ? control_key(p, key->cp) : alt_key(p, key->cp);
	else
		result = named_key(p, key);
	bool is_tab = key->sym == KEYSYM_TAB;
	if (result == PROMPT_CHANGED && p->is_listing && !is_tab)
		prompt_list(p);
	return result;
}

static void draw_choices(const struct prompt *p, const struct canvas *above)
{
	int n = (int)p->choices->n;
	int rows = n < LIST_ROWS ? n : LIST_ROWS;
	rows = rows < above->rows ? rows : above->rows;
	int first = (int)p->chosen >= rows ? (int)p->chosen - rows + 1 : 0, words = 12;
	for (int i = 0; i < n; i++) {
		int width = (int)utf8_width(p->choices->rows[i].word, strlen(p->choices->rows[i].word));
		words = width > words ? width : words;
	}
	for (int i = 0; i < rows; i++) {
		struct canvas row = canvas_sub(above, above->rows - rows + i, 0, 1, above->columns);
		if (first + i == (int)p->chosen)
			row.over = STYLE_SELECTED;
		canvas_clear(&row);
		canvas_text(&row, 0, 1, STYLE_TEXT, p->choices->rows[first + i].word);
		canvas_text(&row, 0, words + 3, STYLE_DIM, p->choices->rows[first + i].help);
	}
}

static size_t columns_between(const struct prompt *p, size_t from, size_t to)
{
	size_t width = 0;
	for (size_t at = from; at < to; at = next_cell(p, at)) {
		struct utf8_cell cell;
		utf8_next(p->text.s + at, p->text.len - at, &cell);
		width += p->is_secret ? 1 : cell.width;
	}
	return width;
}

void prompt_draw(struct prompt *p, const struct canvas *line, const struct canvas *above)
{
	int x = canvas_text(line, 0, 0, STYLE_KEY, p->label);
	struct canvas field = canvas_sub(line, 0, x, 1, line->columns - x);
	/* The cursor stays in sight. */
	if (p->scroll > p->cursor)
		p->scroll = p->cursor;
	while (p->scroll < p->cursor && (int)columns_between(p, p->scroll, p->cursor) >= field.columns)
		p->scroll = next_cell(p, p->scroll);
	if (p->is_secret)
		canvas_fill(&field, 0, 0, 1, (int)columns_between(p, p->scroll, p->text.len), STYLE_TEXT,
			    SECRET_DOT);
	else
		canvas_text_n(&field, 0, 0, STYLE_TEXT, str_text(&p->text) + p->scroll,
			      p->text.len - p->scroll);
	canvas_cursor(&field, 0, (int)columns_between(p, p->scroll, p->cursor));
	if (above && p->is_listing)
		draw_choices(p, above);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/dialog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tui/layout.h"

#define MARGIN 4      /* blanks kept around the box on a large screen */
#define WIDTH_MIN 40
#define WIDTH_MAX 100
#define CANCEL 0

void dialog_init(struct dialog *d, const struct dialog_options *options)
{
	*d = (struct dialog){.opened_ms = options->now_ms, .needs_end = options->needs_end,
	                     .is_danger = options->is_danger};
	d->title = mem_dup(options->title);
	d->typed_name = mem_dup(options->typed_name);
	d->buttons[d->n_buttons++] = mem_dup("Cancel");
	for (size_t i = 0; i < DIALOG_BUTTONS_MAX && options->buttons[i]; i++)
		d->buttons[d->n_buttons++] = mem_dup(options->buttons[i]);
	d->chosen = CANCEL;
	prompt_init(&d->prompt, "", "");
}

void dialog_finish(struct dialog *d)
{
	pager_finish(&d->pager);
	doc_finish(&d->body);
	prompt_finish(&d->prompt);
	free(d->title);
	free(d->typed_name);
	for (size_t i = 0; i < d->n_buttons; i++)
		free(d->buttons[i]);
	*d = (struct dialog){0};
}

static bool is_name_typed(const struct dialog *d)
{
	return !d->typed_name || strcmp(str_text(&d->prompt.text), d->typed_name) == 0;
}

static enum dialog_result refuse(struct dialog *d, const char *why)
{
	str_copy(d->hint, sizeof(d->hint), why);
	return DIALOG_TAKEN;
}

static enum dialog_result confirm(struct dialog *d, const struct key *key, int64_t now_ms, size_t *button)
{
	if (d->chosen == CANCEL)
		return DIALOG_CANCELLED;
	if (key->at_ms < d->opened_ms + DIALOG_GUARD_MS || now_ms < d->opened_ms + DIALOG_GUARD_MS)
		return DIALOG_TAKEN;
	if (d->needs_end && !d->pager.was_end_seen)
		return refuse(d, "read it to its end first: page-down");
	if (!is_name_typed(d)) {
		snprintf(d->hint, sizeof(d->hint), "type %s to confirm", d->typed_name);
		return DIALOG_TAKEN;
	}
	*button = d->chosen - 1;
	return DIALOG_CONFIRMED;
}

static enum dialog_result choose(struct dialog *d, int by)
{
	d->chosen = (d->chosen + d->n_buttons + (size_t)by) % d->n_buttons;
	return DIALOG_TAKEN;
}

static const struct {
	enum keysym sym;
	const char *command;
} scrolls[] = {
	{KEYSYM_UP, "up"},
	{KEYSYM_DOWN, "down"},
	{KEYSYM_PAGE_UP, "page-up"},
	{KEYSYM_PAGE_DOWN, "page-down"},
};

/* Keys that mean the same with and without a name to type. */
static bool common_key(struct dialog *d, const struct key *key, enum dialog_result *result)
{
	*result = DIALOG_TAKEN;
	for (size_t i = 0; i < sizeof(scrolls) / sizeof(scrolls[0]); i++)
		if (key->sym == scrolls[i].sym)
			return pager_command(&d->pager, scrolls[i].command);
	if (pager_key(&d->pager, key))
		return true;
	if (key->sym == KEYSYM_ESC ||
	    (key->sym == KEYSYM_CHAR && key->mods == KEYMOD_CTRL && key->cp == 'c')) {
		*result = DIALOG_CANCELLED;
		return true;
	}
	if (key->sym == KEYSYM_TAB) {
		*result = choose(d, key->mods & KEYMOD_SHIFT ? -1 : 1);
		return true;
	}
	return false;
}

static enum dialog_result name_key(struct dialog *d, const struct key *key, int64_t now_ms, size_t *button)
{
	if (key_is(key, KEYSYM_ENTER)) {
		/* The name, typed whole, is the choice: nobody types it by accident. */
		if (is_name_typed(d) && d->chosen == CANCEL && d->n_buttons == 2)
			d->chosen = 1;
		else if (!is_name_typed(d) && d->prompt.text.len > 0)
			return refuse(d, "that is not the name");
		return confirm(d, key, now_ms, button);
	}
	d->hint[0] = '\0';
	return prompt_key(&d->prompt, key) == PROMPT_CANCELLED ? DIALOG_CANCELLED : DIALOG_TAKEN;
}

enum dialog_result dialog_key(struct dialog *d, const struct key *key, int64_t now_ms, size_t *button)
{
	enum dialog_result result;
	if (key->at_ms < d->opened_ms || key->is_pasted)
		return DIALOG_TAKEN;
	if (key->sym == KEYSYM_PASTE_BEGIN)
		return refuse(d, "nothing can be pasted here");
	if (key->sym == KEYSYM_PASTE_END || common_key(d, key, &result))
		return key->sym == KEYSYM_PASTE_END ? DIALOG_TAKEN : result;
	if (d->typed_name)
		return name_key(d, key, now_ms, button);
	if (key_is(key, KEYSYM_ENTER))
		return confirm(d, key, now_ms, button);
	if (key->sym == KEYSYM_LEFT || key->sym == KEYSYM_RIGHT)
		return choose(d, key->sym == KEYSYM_LEFT ? -1 : 1);
	if (key_is_char(key, 'q') || key_is_char(key, 'n'))
		return DIALOG_CANCELLED;
	if (key_is_char(key, 'j') || key_is_char(key, 'k'))
		pager_command(&d->pager, key->cp == 'j' ? "down" : "up");
	else if (key_is_char(key, ' '))
		pager_command(&d->pager, "page-down");
	else
		return DIALOG_IGNORED;
	return DIALOG_TAKEN;
}

static int longest_line(const struct doc *doc)
{
	size_t longest = 0;
	for (size_t i = 0; i < doc->n_lines; i++) {
		size_t len, width;
		const char *text = doc_text(doc, i, &len);
		utf8_clip(text, len, WIDTH_MAX, &width);
		longest = width > longest ? width : longest;
	}
	return (int)longest;
}

static int draw_buttons(const struct dialog *d, const struct canvas *c, int y)
{
	int x = c->columns;
	/* Cancel is the rightmost, next to the reader's eye at the end of the line. */
	for (size_t i = 0; i < d->n_buttons; i++) {
		struct str label = {0};
		str_addf(&label, "%s %s %s", i == d->chosen ? "[" : " ", d->buttons[i],
			 i == d->chosen ? "]" : " ");
		x = canvas_text_right(c, y, x, i == d->chosen ? STYLE_BUTTON_FOCUS : STYLE_BUTTON, label.s) -
		    1;
		str_finish(&label);
	}
	return x;
}

static void draw_name(struct dialog *d, const struct canvas *c, int y)
{
	int x = canvas_text(c, y, 0, STYLE_TEXT, "type ");
	x = canvas_text(c, y, x, STYLE_STRONG, d->typed_name);
	x = canvas_text(c, y, x, STYLE_TEXT, " to confirm: ");
	struct canvas field = canvas_sub(c, y, x, 1, c->columns - x);
	canvas_fill(&field, 0, 0, 1, field.columns, STYLE_FIELD, ' ');
	prompt_draw(&d->prompt, &field, NULL);
}

void dialog_draw(struct dialog *d, const struct canvas *screen)
{
	if (!d->is_pager_ready) {
		pager_init(&d->pager, &d->body);
		d->is_pager_ready = true;
	}
	int title = d->title ? (int)utf8_width(d->title, strlen(d->title)) + 4 : 0;
	int width = longest_line(&d->body);
	width = width > title ? width : title;
	width = width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : width;
	width = width < screen->columns - MARGIN ? width : screen->columns - MARGIN;
	/* The height after wrapping is known once the pager has drawn at that width. */
	struct canvas nothing = canvas_sub(screen, 0, 0, 0, width);
	pager_draw(&d->pager, &nothing);
	int below = d->typed_name ? 4 : 2;
	struct canvas place = layout_centre(screen, (int)d->pager.n_rows + below + 2, width + 4);
	canvas_clear(&place);
	char position[16];
	pager_position(&d->pager, position, sizeof(position));
	bool is_long = (int)d->pager.n_rows + below + 2 > place.rows;
	struct canvas inside = canvas_box(&place, &(struct canvas_box){.title = d->title, .is_focused = true,
	                                           .right = is_long ? position : NULL});
	if (d->is_danger)
		canvas_restyle(&place, 0, 0, 1, place.columns, STYLE_DANGER);
	struct canvas text = canvas_sub(&inside, 0, 1, inside.rows - below, inside.columns - 2);
	struct canvas end = canvas_sub(&inside, text.rows, 1, below, inside.columns - 2);
	pager_draw(&d->pager, &text);
	if (d->typed_name)
		draw_name(d, &end, 1);
	int room = draw_buttons(d, &end, below - 1);
	canvas_field(&end, below - 1, 0, room, STYLE_WARNING, UTF8_LEFT, d->hint);
}

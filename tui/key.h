/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_KEY_H
#define TUI_KEY_H
/*
 * One event of the keyboard, the mouse or the terminal, and the names of keys: "a", "D", "/", "ctrl-d",
 * "alt-x", "shift-tab", "enter", "esc", "space", "F5", "page-down". A sequence is names with spaces
 * between: "g g". A script writes plain characters as they are and names in angle brackets:
 * "gg<enter>/check<esc>", "<lt>" for '<'. Names are read without regard to case except single letters: "D"
 * is shift and d. Values; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum keysym { /* "KEYSYM" keeps clear of the KEY_ macros of curses.h */
	KEYSYM_NONE,
	KEYSYM_CHAR, /* cp is the character; letters with ctrl are lower-case with KEYMOD_CTRL */
	KEYSYM_ENTER, KEYSYM_TAB, KEYSYM_ESC, KEYSYM_BACKSPACE, KEYSYM_DELETE, KEYSYM_INSERT,
	KEYSYM_UP, KEYSYM_DOWN, KEYSYM_LEFT, KEYSYM_RIGHT,
	KEYSYM_HOME, KEYSYM_END, KEYSYM_PAGE_UP, KEYSYM_PAGE_DOWN,
	KEYSYM_F, /* cp is the number, 1 to 24 */
	/* mouse: y, x are the screen's */
	KEYSYM_CLICK, KEYSYM_CLICK_MIDDLE, KEYSYM_CLICK_RIGHT, KEYSYM_WHEEL_UP, KEYSYM_WHEEL_DOWN,
	/* the terminal */
	KEYSYM_PASTE_BEGIN, KEYSYM_PASTE_END, /* what comes between has is_pasted */
	KEYSYM_RESIZE,
};
enum keymod { KEYMOD_SHIFT = 1, KEYMOD_ALT = 2, KEYMOD_CTRL = 4 }; /* bits */

struct key {
	enum keysym sym;
	uint32_t cp;
	uint8_t mods;
	bool is_pasted;
	int16_t y, x;
	int64_t at_ms; /* clock_mono_ms() when it came in; dialogs ignore what is older than they are */
};
#define KEY_TEXT 32   /* room for any one name */
#define KEY_CHORD_MAX 4 /* keys of a sequence */

bool key_parse(const char *name, struct key *, struct err *);
/* "g g" into keys[0..KEY_CHORD_MAX). Returns how many, 0 on failure. */
size_t key_parse_chord(const char *names, struct key keys[KEY_CHORD_MAX], struct err *);
/* The one name of it: key_parse(key_print(k)) is k. */
void key_print(const struct key *, char out[KEY_TEXT]);
/* Names joined by spaces, cut at size. */
void key_print_chord(const struct key *, size_t n, char *out, size_t size);
/* Same key? Looks at sym, cp and mods only. */
bool key_same(const struct key *, const struct key *);
bool key_is(const struct key *, enum keysym); /* that sym without modifiers */
bool key_is_char(const struct key *, uint32_t cp); /* that character, neither ctrl nor alt */
/* A character to insert in an editor: KEYSYM_CHAR without ctrl and alt. */
static inline bool key_is_text(const struct key *k)
{
	return k->sym == KEYSYM_CHAR && !(k->mods & (KEYMOD_CTRL | KEYMOD_ALT));
}
#endif

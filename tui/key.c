/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "base/utf8.h"

static const struct {
	const char *name;
	enum keysym sym;
	uint32_t cp;
} names[] = {
	/* the first name of a key is the one printed */
	{"enter", KEYSYM_ENTER, 0},
	{"return", KEYSYM_ENTER, 0},
	{"tab", KEYSYM_TAB, 0},
	{"esc", KEYSYM_ESC, 0},
	{"escape", KEYSYM_ESC, 0},
	{"backspace", KEYSYM_BACKSPACE, 0},
	{"delete", KEYSYM_DELETE, 0},
	{"del", KEYSYM_DELETE, 0},
	{"insert", KEYSYM_INSERT, 0},
	{"up", KEYSYM_UP, 0},
	{"down", KEYSYM_DOWN, 0},
	{"left", KEYSYM_LEFT, 0},
	{"right", KEYSYM_RIGHT, 0},
	{"home", KEYSYM_HOME, 0},
	{"end", KEYSYM_END, 0},
	{"page-up", KEYSYM_PAGE_UP, 0},
	{"pgup", KEYSYM_PAGE_UP, 0},
	{"page-down", KEYSYM_PAGE_DOWN, 0},
	{"pgdn", KEYSYM_PAGE_DOWN, 0},
	{"space", KEYSYM_CHAR, ' '},
	{"lt", KEYSYM_CHAR, '<'},
	{"click", KEYSYM_CLICK, 0},
	{"click-middle", KEYSYM_CLICK_MIDDLE, 0},
	{"click-right", KEYSYM_CLICK_RIGHT, 0},
	{"wheel-up", KEYSYM_WHEEL_UP, 0},
	{"wheel-down", KEYSYM_WHEEL_DOWN, 0},
	{"paste-begin", KEYSYM_PASTE_BEGIN, 0},
	{"paste-end", KEYSYM_PASTE_END, 0},
	{"resize", KEYSYM_RESIZE, 0},
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static const struct {
	const char *name;
	enum keymod mod;
} mods[] = {
	{"ctrl-", KEYMOD_CTRL}, {"alt-", KEYMOD_ALT}, {"shift-", KEYMOD_SHIFT},
	{"c-", KEYMOD_CTRL},    {"m-", KEYMOD_ALT},
};
#define N_MODS (sizeof(mods) / sizeof(mods[0]))

static const char *strip_mods(const char *name, struct key *key)
{
	for (size_t i = 0; i < N_MODS; i++) {
		size_t len = strlen(mods[i].name);
		/* "ctrl--" is ctrl and a minus, so something must be left. */
		if (strncasecmp(name, mods[i].name, len) == 0 && name[len]) {
			key->mods |= (uint8_t)mods[i].mod;
			return strip_mods(name + len, key);
		}
	}
	return name;
}

static bool parse_named(const char *name, struct key *key)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		if (strcasecmp(names[i].name, name) == 0) {
			key->sym = names[i].sym;
			key->cp = names[i].cp;
			return true;
		}
	}
	long long number;
	if ((name[0] == 'F' || name[0] == 'f') && str_to_int(name + 1, 1, 24, &number)) {
		key->sym = KEYSYM_F;
		key->cp = (uint32_t)number;
		return true;
	}
	return false;
}

static bool parse_char(const char *name, struct key *key)
{
	size_t len = strlen(name);
	struct utf8_cell cell;
	if (len == 0 || utf8_next(name, len, &cell) != len || cell.is_masked || cell.cp[1])
		return false;
	key->sym = KEYSYM_CHAR;
	key->cp = cell.cp[0];
	if (key->mods & KEYMOD_CTRL && key->cp >= 'A' && key->cp <= 'Z')
		key->cp += 'a' - 'A';
	if (key->mods & KEYMOD_SHIFT && key->cp >= 'a' && key->cp <= 'z' && !(key->mods & KEYMOD_CTRL))
		key->cp -= 'a' - 'A';
	key->mods &= (uint8_t)~KEYMOD_SHIFT; /* the character says it */
	return true;
}

bool key_parse(const char *name, struct key *key, struct err *err)
{
	*key = (struct key){0};
	const char *rest = strip_mods(name, key);
	if (parse_named(rest, key) || parse_char(rest, key))
		return true;
	return err_set(err, ERR_USAGE, "\"%s\" is not the name of a key; keys are named as in "
	               "\"a\", \"D\", \"ctrl-d\", \"shift-tab\", \"enter\", \"F5\", \"g g\"", name);
}

size_t key_parse_chord(const char *text, struct key keys[KEY_CHORD_MAX], struct err *err)
{
	size_t n = 0;
	while (*text) {
		char name[KEY_TEXT * 2];
		size_t len = strcspn(text, " ");
		if (len == 0) {
			text++;
			continue;
		}
		if (n == KEY_CHORD_MAX) {
			err_set(err, ERR_USAGE, "a sequence has at most %d keys", KEY_CHORD_MAX);
			return 0;
		}
		if (len >= sizeof(name))
			len = sizeof(name) - 1;
		memcpy(name, text, len);
		name[len] = '\0';
		if (!key_parse(name, &keys[n], err))
			return 0;
		n++;
		text += strcspn(text, " ");
	}
	if (n == 0)
		err_set(err, ERR_USAGE, "no key is named");
	return n;
}

static void print_sym(const struct key *key, char *out, size_t size)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		if (names[i].sym == key->sym && names[i].cp == key->cp && strcmp(names[i].name, "lt") != 0) {
			str_copy(out, size, names[i].name);
			return;
		}
	}
	if (key->sym == KEYSYM_F) {
		snprintf(out, size, "F%u", (unsigned)key->cp);
	} else if (key->sym == KEYSYM_CHAR && size > 4) {
		out[utf8_encode(key->cp, out)] = '\0';
	} else {
		str_copy(out, size, "none");
	}
}

void key_print(const struct key *key, char out[KEY_TEXT])
{
	char sym[KEY_TEXT];
	print_sym(key, sym, sizeof(sym));
	snprintf(out, KEY_TEXT, "%s%s%s%.12s", key->mods & KEYMOD_CTRL ? "ctrl-" : "",
	         key->mods & KEYMOD_ALT ? "alt-" : "", key->mods & KEYMOD_SHIFT ? "shift-" : "", sym);
}

void key_print_chord(const struct key *keys, size_t n, char *out, size_t size)
{
	struct str text = {0};
	for (size_t i = 0; i < n; i++) {
		char name[KEY_TEXT];
		key_print(&keys[i], name);
		str_addf(&text, "%s%s", i ? " " : "", name);
	}
	str_copy(out, size, str_text(&text));
	str_finish(&text);
}

bool key_same(const struct key *a, const struct key *b)
{
	return a->sym == b->sym && a->cp == b->cp && a->mods == b->mods;
}

bool key_is(const struct key *key, enum keysym sym)
{
	return key->sym == sym && key->mods == 0;
}

bool key_is_char(const struct key *key, uint32_t cp)
{
	return key_is_text(key) && key->cp == cp;
}

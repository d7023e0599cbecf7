/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/input.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define SEQUENCE_MAX 64 /* longer ones are swallowed to their end */

enum state { GROUND, ESC, SS3, CSI, CONSOLE_F, X10_MOUSE, STRING, STRING_ESC };

struct input {
	struct key queue[INPUT_MAX];
	size_t head, n;
	enum state state;
	char sequence[SEQUENCE_MAX]; /* parameters of a CSI, bytes of a UTF-8 character, of an X10 mouse
					report */
	size_t len, want;            /* want: bytes of the character begun; 0 none */
	bool is_too_long, is_alt, is_pasting;
	int64_t esc_ms; /* when the ESC came */
};

struct input *input_new(void)
{
	return mem_alloc(sizeof(struct input));
}

void input_free(struct input *in)
{
	free(in);
}

size_t input_room(const struct input *in)
{
	/* A byte can end a sequence begun and start another key: two keys a byte at worst. */
	return (INPUT_MAX - in->n) / 2;
}

bool input_push(struct input *in, const struct key *key)
{
	if (in->n == INPUT_MAX)
		return false;
	in->queue[(in->head + in->n++) % INPUT_MAX] = *key;
	return true;
}

bool input_next(struct input *in, struct key *key)
{
	if (in->n == 0)
		return false;
	*key = in->queue[in->head];
	in->head = (in->head + 1) % INPUT_MAX;
	in->n--;
	return true;
}

void input_drop(struct input *in)
{
	in->n = 0;
	in->state = GROUND;
	in->want = 0;
	in->is_alt = in->is_pasting = false;
}

static void emit(struct input *in, struct key key, int64_t now_ms)
{
	if (in->is_alt)
		key.mods |= KEYMOD_ALT;
	in->is_alt = false;
	if (key.sym == KEYSYM_PASTE_BEGIN)
		in->is_pasting = true;
	if (key.sym == KEYSYM_PASTE_END)
		in->is_pasting = false;
	key.is_pasted = in->is_pasting && key.sym != KEYSYM_PASTE_BEGIN;
	key.at_ms = now_ms;
	input_push(in, &key);
}

static void emit_sym(struct input *in, enum keysym sym, unsigned mods, int64_t now_ms)
{
	emit(in, (struct key){.sym = sym, .mods = (uint8_t)mods}, now_ms);
}

static void emit_char(struct input *in, uint32_t cp, int64_t now_ms)
{
	emit(in, (struct key){.sym = KEYSYM_CHAR, .cp = cp}, now_ms);
}

/* C0, DEL. ctrl-h is what many terminals send for backspace. */
static void control(struct input *in, unsigned char c, int64_t now_ms)
{
	switch (c) {
	case '\r':
		emit_sym(in, KEYSYM_ENTER, 0, now_ms);
		return;
	case '\n': /* ctrl-j; a line end inside of a paste */
		if (in->is_pasting)
			emit_sym(in, KEYSYM_ENTER, 0, now_ms);
		else
			emit(in, (struct key){.sym = KEYSYM_CHAR, .cp = 'j', .mods = KEYMOD_CTRL}, now_ms);
		return;
	case '\t':
		emit_sym(in, KEYSYM_TAB, 0, now_ms);
		return;
	case 0x7F:
	case '\b':
		emit_sym(in, KEYSYM_BACKSPACE, 0, now_ms);
		return;
	case 0:
		emit(in, (struct key){.sym = KEYSYM_CHAR, .cp = ' ', .mods = KEYMOD_CTRL}, now_ms);
		return;
	default:
		emit(in, (struct key){.sym = KEYSYM_CHAR, .cp = (uint32_t)(c < 27 ? c + 'a' - 1 : c + '@'),
		                      .mods = KEYMOD_CTRL}, now_ms);
	}
}

static const struct {
	char final; /* of CSI 1;m X and SS3 X */
	enum keysym sym;
	uint32_t cp;
	uint8_t mods;
} finals[] = {
	{'A', KEYSYM_UP, 0, 0}, {'B', KEYSYM_DOWN, 0, 0}, {'C', KEYSYM_RIGHT, 0, 0}, {'D', KEYSYM_LEFT, 0, 0},
	{'H', KEYSYM_HOME, 0, 0}, {'F', KEYSYM_END, 0, 0}, {'Z', KEYSYM_TAB, 0, KEYMOD_SHIFT},
	{'P', KEYSYM_F, 1, 0}, {'Q', KEYSYM_F, 2, 0}, {'R', KEYSYM_F, 3, 0}, {'S', KEYSYM_F, 4, 0},
	{'M', KEYSYM_ENTER, 0, 0}, /* the keypad's, in application mode */
	{'a', KEYSYM_UP, 0, KEYMOD_SHIFT}, {'b', KEYSYM_DOWN, 0, KEYMOD_SHIFT}, /* rxvt */
	{'c', KEYSYM_RIGHT, 0, KEYMOD_SHIFT}, {'d', KEYSYM_LEFT, 0, KEYMOD_SHIFT},
};
static const struct {
	int number; /* of CSI number;m ~ */
	enum keysym sym;
	uint32_t cp;
} numbers[] = {
	{1, KEYSYM_HOME, 0},        {2, KEYSYM_INSERT, 0},  {3, KEYSYM_DELETE, 0},
	{4, KEYSYM_END, 0},         {5, KEYSYM_PAGE_UP, 0}, {6, KEYSYM_PAGE_DOWN, 0},
	{7, KEYSYM_HOME, 0},        {8, KEYSYM_END, 0},     {11, KEYSYM_F, 1},
	{12, KEYSYM_F, 2},          {13, KEYSYM_F, 3},      {14, KEYSYM_F, 4},
	{15, KEYSYM_F, 5},          {17, KEYSYM_F, 6},      {18, KEYSYM_F, 7},
	{19, KEYSYM_F, 8},          {20, KEYSYM_F, 9},      {21, KEYSYM_F, 10},
	{23, KEYSYM_F, 11},         {24, KEYSYM_F, 12},     {200, KEYSYM_PASTE_BEGIN, 0},
	{201, KEYSYM_PASTE_END, 0},
};

/* xterm: the parameter is 1 + the bits shift 1, alt 2, ctrl 4. */
static unsigned mods_of(int parameter)
{
	return parameter > 1 ? (unsigned)(parameter - 1) & (KEYMOD_SHIFT | KEYMOD_ALT | KEYMOD_CTRL) : 0;
}

static void mouse(struct input *in, int button, int x, int y, bool is_press, int64_t now_ms)
{
	static const enum keysym buttons[] = {KEYSYM_CLICK, KEYSYM_CLICK_MIDDLE, KEYSYM_CLICK_RIGHT};
	bool is_wheel = button & 64, is_motion = button & 32;
	int which = button & 3;
	if (!is_press || is_motion || x < 1 || y < 1 || x > INT16_MAX || y > INT16_MAX)
		return;
	struct key key = {.x = (int16_t)(x - 1), .y = (int16_t)(y - 1)};
	if (is_wheel && which < 2)
		key.sym = which == 0 ? KEYSYM_WHEEL_UP : KEYSYM_WHEEL_DOWN;
	else if (!is_wheel && which < 3)
		key.sym = buttons[which];
	if (key.sym != KEYSYM_NONE)
		emit(in, key, now_ms);
}

/* "5;3" into numbers, absent ones 0. Returns how many. */
static int parameters(const char *text, int *out, int max)
{
	int n = 0;
	while (n < max) {
		int value = 0;
		for (; *text >= '0' && *text <= '9'; text++)
			value = value < 100000 ? value * 10 + (*text - '0') : value;
		out[n++] = value;
		while (*text && *text != ';')
			text++;
		if (!*text)
			break;
		text++;
	}
	return n;
}

static void csi_number(struct input *in, const int *p, int n, int64_t now_ms)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].number == p[0])
			emit(in, (struct key){.sym = numbers[i].sym, .cp = numbers[i].cp,
			                      .mods = (uint8_t)(n > 1 ? mods_of(p[1]) : 0)}, now_ms);
}

static void csi_letter(struct input *in, char final, int mod, int64_t now_ms)
{
	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
		if (finals[i].final == final)
			emit(in, (struct key){.sym = finals[i].sym, .cp = finals[i].cp,
			                      .mods = (uint8_t)(finals[i].mods | mods_of(mod))}, now_ms);
}

static void csi_end(struct input *in, char final, int64_t now_ms)
{
	int p[3] = {0};
	in->sequence[in->len] = '\0';
	in->state = GROUND;
	if (in->is_too_long) {
		in->is_alt = false;
		return;
	}
	if (in->sequence[0] == '<' && (final == 'M' || final == 'm')) {
		if (parameters(in->sequence + 1, p, 3) == 3)
			mouse(in, p[0], p[1], p[2], final == 'M', now_ms);
	} else if (in->len == 0 && final == 'M') {
		in->state = X10_MOUSE;
	} else if (in->len == 0 && final == '[') {
		in->state = CONSOLE_F;
	} else if (in->len == 0 || (in->sequence[0] >= '0' && in->sequence[0] <= '9')) {
		int n = parameters(in->sequence, p, 3);
		if (final == '~')
			csi_number(in, p, n, now_ms);
		else if (p[0] <= 1) /* others are answers: a cursor position ends with R, too */
			csi_letter(in, final, n > 1 ? p[1] : 0, now_ms);
	}
	in->is_alt = false;
}

static void begin(struct input *in, enum state state)
{
	in->state = state;
	in->len = 0;
	in->is_too_long = false;
}

static void ground(struct input *in, unsigned char c, int64_t now_ms)
{
	if (c == 0x1B) {
		in->esc_ms = now_ms;
		begin(in, ESC);
	} else if (c < 0x20 || c == 0x7F) {
		control(in, c, now_ms);
	} else if (c < 0x80) {
		emit_char(in, c, now_ms);
	} else if (c >= 0xC2 && c <= 0xF4) {
		in->want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
		in->sequence[0] = (char)c;
		in->len = 1;
	}
}

static void after_esc(struct input *in, unsigned char c, int64_t now_ms)
{
	in->state = GROUND;
	switch (c) {
	case '[':
		begin(in, CSI);
		return;
	case 'O':
		begin(in, SS3);
		return;
	case ']': case 'P': case 'X': case '^': case '_':
		/* OSC, DCS and so on: answers to questions that we did not ask. */
		begin(in, STRING);
		in->sequence[0] = (char)c;
		return;
	case 0x1B:
		emit_sym(in, KEYSYM_ESC, 0, now_ms);
		in->esc_ms = now_ms;
		begin(in, ESC);
		return;
	default:
		in->is_alt = true;
		ground(in, c, now_ms);
	}
}

/* One byte more of a character begun. A byte that does not belong to it starts afresh. */
static bool character(struct input *in, unsigned char c, int64_t now_ms)
{
	if ((c & 0xC0) != 0x80) {
		in->want = 0;
		in->is_alt = false;
		return false;
	}
	in->sequence[in->len++] = (char)c;
	if (in->len == in->want) {
		uint32_t cp;
		in->want = 0;
		utf8_decode(in->sequence, in->len, &cp);
		if (cp != UTF8_BAD)
			emit_char(in, cp, now_ms);
		in->is_alt = false;
	}
	return true;
}

static void in_csi(struct input *in, unsigned char c, int64_t now_ms)
{
	if (c >= 0x40 && c <= 0x7E) {
		csi_end(in, (char)c, now_ms);
	} else if (c == 0x1B) {
		in->esc_ms = now_ms;
		begin(in, ESC);
	} else if (in->len + 1 < SEQUENCE_MAX) {
		in->sequence[in->len++] = (char)c;
	} else {
		in->is_too_long = true;
	}
}

static void in_x10_mouse(struct input *in, unsigned char c, int64_t now_ms)
{
	in->sequence[in->len++] = (char)c;
	if (in->len < 3)
		return;
	const unsigned char *s = (const unsigned char *)in->sequence;
	in->state = GROUND;
	mouse(in, s[0] - 32, s[1] - 32, s[2] - 32, ((s[0] - 32) & 67) != 3, now_ms);
}

static void take(struct input *in, unsigned char c, int64_t now_ms)
{
	if (in->want > 0 && character(in, c, now_ms))
		return;
	switch (in->state) {
	case GROUND:
		ground(in, c, now_ms);
		return;
	case ESC:
		after_esc(in, c, now_ms);
		return;
	case SS3:
		in->state = GROUND;
		csi_letter(in, (char)c, 0, now_ms);
		in->is_alt = false;
		return;
	case CSI:
		in_csi(in, c, now_ms);
		return;
	case CONSOLE_F:
		in->state = GROUND;
		if (c >= 'A' && c <= 'E')
			emit(in, (struct key){.sym = KEYSYM_F, .cp = (uint32_t)(c - 'A' + 1)}, now_ms);
		return;
	case X10_MOUSE:
		in_x10_mouse(in, c, now_ms);
		return;
	case STRING:
		in->state = c == 0x07 ? GROUND : c == 0x1B ? STRING_ESC : STRING;
		in->len = 1;
		return;
	case STRING_ESC:
		in->state = GROUND;
		if (c != '\\')
			after_esc(in, c, now_ms);
		return;
	}
}

void input_bytes(struct input *in, const char *bytes, size_t n, int64_t now_ms)
{
	input_tick(in, now_ms);
	for (size_t i = 0; i < n; i++)
		take(in, (unsigned char)bytes[i], now_ms);
}

/* What may wait: a lone ESC; "ESC [", "ESC O", "ESC ]", which alt-[, alt-O and alt-] send; and a string
 * without an end, which would swallow all keys to come. */
static bool is_waiting(const struct input *in)
{
	switch (in->state) {
	case ESC: case STRING: case STRING_ESC:
		return true;
	case CSI: case SS3:
		return in->len == 0;
	default:
		return false;
	}
}

int input_wait_ms(const struct input *in, int64_t now_ms)
{
	if (!is_waiting(in))
		return -1;
	int64_t left = in->esc_ms + INPUT_ESC_MS - now_ms;
	return left > 0 ? (int)left : 0;
}

void input_tick(struct input *in, int64_t now_ms)
{
	if (!is_waiting(in) || now_ms < in->esc_ms + INPUT_ESC_MS)
		return;
	enum state state = in->state;
	in->state = GROUND;
	if (state == ESC) {
		emit_sym(in, KEYSYM_ESC, 0, in->esc_ms);
	} else if (in->len == 0) {
		char c = state == CSI ? '[' : state == SS3 ? 'O' : in->sequence[0];
		in->is_alt = true;
		emit_char(in, (unsigned char)c, in->esc_ms);
	}
}

/* One key of a script: a name in angle brackets or a character. Returns its bytes, 0 when wrong. */
static size_t script_key(const char *s, struct key *key, struct err *err)
{
	const char *end = *s == '<' ? strchr(s, '>') : NULL;
	if (end && end - s > 1 && end - s < KEY_TEXT) {
		char name[KEY_TEXT];
		memcpy(name, s + 1, (size_t)(end - s - 1));
		name[end - s - 1] = '\0';
		return key_parse(name, key, err) ? (size_t)(end - s + 1) : 0;
	}
	uint32_t cp;
	size_t n = utf8_decode(s, strlen(s), &cp);
	*key = (struct key){.sym = KEYSYM_CHAR, .cp = cp};
	if (cp == '\n')
		*key = (struct key){.sym = KEYSYM_ENTER};
	if (cp == UTF8_BAD) {
		err_set(err, ERR_USAGE, "a script of keys must be UTF-8");
		return 0;
	}
	return n;
}

bool input_script(struct input *in, const char *script, int64_t now_ms, struct err *err)
{
	size_t before = in->n;
	while (*script) {
		struct key key;
		size_t n = script_key(script, &key, err);
		key.at_ms = now_ms;
		bool is_room = n > 0 && input_push(in, &key);
		if (!is_room) {
			in->n = before;
			return n > 0 ? err_set(err, ERR_USAGE, "a script has at most %d keys", INPUT_MAX)
				     : false;
		}
		script += n;
	}
	return true;
}

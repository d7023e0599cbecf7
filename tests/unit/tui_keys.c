/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/input.h"
#include "tui/keymap.h"

static const struct {
	const char *bytes, *keys;
} reads[] = {
	{"aZ/é日", "a Z / é 日"},
	{"\r\t\177\b", "enter tab backspace backspace"},
	{"\001\032\0337", "ctrl-a ctrl-z alt-7"},
	{"\033[A\033OB\033[1;5C\033[D", "up down ctrl-right left"},
	{"\033[H\033[F\033[1~\033[4~\033[5~\033[6~\033[3~", "home end home end page-up page-down delete"},
	{"\033OP\033[15~\033[24~\033[[A", "F1 F5 F12 F1"},
	{"\033[Z", "shift-tab"},
	{"\033[<0;3;2M\033[<0;3;2m\033[<64;1;1M\033[<65;1;1M", "click wheel-up wheel-down"},
	{"\033[M !!", "click"},
	{"\033[200~q\n\033[201~x", "paste-begin q enter paste-end x"},
	{"\033]0;title\007a\033P+q\033\\b", "a b"}, /* answers that nobody asked for */
	{"\033[?1;2c\033[12;34Rz", "z"},
	{"\033[99999999999999999999Az", "z"},
	{"\xff\xc3(\xe2\x82x", "( x"},
	{"\033\033[A", "esc up"},
};

static void take_all(struct input *in, struct str *out)
{
	struct key key;
	while (input_next(in, &key)) {
		char name[KEY_TEXT];
		key_print(&key, name);
		str_addf(out, "%s%s", out->len ? " " : "", name);
	}
}

static void bytes_become_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		/* Whole, and byte by byte as a slow line brings them. */
		for (size_t step = 1; step <= 64; step *= 64) {
			struct input *in = input_new();
			struct str got = {0};
			size_t len = strlen(reads[i].bytes);
			for (size_t at = 0; at < len; at += step)
				input_bytes(in, reads[i].bytes + at, len - at < step ? len - at : step, 5);
			take_all(in, &got);
			assert_string_equal(str_text(&got), reads[i].keys);
			str_finish(&got);
			input_free(in);
		}
	}
}

static void esc_waits_for_its_rest_only_so_long(void **state)
{
	(void)state;
	struct input *in = input_new();
	struct key key;
	assert_int_equal(input_wait_ms(in, 100), -1);
	input_bytes(in, "\033", 1, 100);
	assert_int_equal(input_wait_ms(in, 110), 15);
	input_tick(in, 110);
	assert_false(input_next(in, &key));
	input_tick(in, 125);
	assert_true(input_next(in, &key) && key_is(&key, KEYSYM_ESC));
	assert_int_equal(input_wait_ms(in, 125), -1);
	input_bytes(in, "\033[", 2, 200);
	input_tick(in, 225);
	assert_true(input_next(in, &key) && key.cp == '[' && key.mods == KEYMOD_ALT);
	input_bytes(in, "\033]never ended", 13, 300);
	input_bytes(in, "q", 1, 400); /* not swallowed */
	assert_true(input_next(in, &key) && key_is_char(&key, 'q'));
	input_free(in);
}

static void any_bytes_are_bounded(void **state)
{
	(void)state;
	struct input *in = input_new();
	struct key key;
	unsigned seed = 11;
	for (int i = 0; i < 20000; i++) {
		char bytes[32];
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = "\033[<0;1M~O]\177\x80\xc3q"[rand_r(&seed) % 15];
		input_bytes(in, bytes, sizeof(bytes), i);
		if (i % 100 == 99)
			while (input_next(in, &key))
				assert_true(key.sym != KEYSYM_NONE);
	}
	input_drop(in);
	assert_false(input_next(in, &key));
	input_free(in);
}

static void a_paste_is_marked(void **state)
{
	(void)state;
	struct input *in = input_new();
	struct key key;
	input_bytes(in, "\033[200~yes\r\033[201~k", 17, 1);
	assert_true(input_next(in, &key) && key.sym == KEYSYM_PASTE_BEGIN);
	for (int i = 0; i < 4; i++)
		assert_true(input_next(in, &key) && key.is_pasted);
	assert_true(input_next(in, &key) && key.sym == KEYSYM_PASTE_END);
	assert_true(input_next(in, &key) && !key.is_pasted);
	input_free(in);
}

static void names_go_both_ways(void **state)
{
	(void)state;
	static const char *const names[] = {"a",     "D",   "/",      "ctrl-d", "alt-x",     "shift-tab",
					    "enter", "esc", "space",  "F5",     "page-down", "ctrl-alt-up",
					    "é",     "-",   "ctrl--", "?",      "<"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct key key;
		struct err err;
		char name[KEY_TEXT];
		assert_true(key_parse(names[i], &key, &err));
		key_print(&key, name);
		assert_string_equal(name, names[i]);
	}
	static const char *const wrong[] = {"",   "ctrl-", "bogus",        "F25",
					    "ab", "\033",  "\xe2\x80\xae", "e\xcc\x81"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct key key;
		struct err err;
		assert_false(key_parse(wrong[i], &key, &err));
	}
	struct key keys[KEY_CHORD_MAX];
	struct err err;
	assert_int_equal(key_parse_chord("g g", keys, &err), 2);
	assert_int_equal(key_parse_chord("a b c d e", keys, &err), 0);
	assert_int_equal(key_parse_chord(" ", keys, &err), 0);
	struct key upper, shifted;
	assert_true(key_parse("D", &upper, NULL) && key_parse("shift-d", &shifted, NULL) &&
		    key_same(&upper, &shifted));
}

static void scripts_are_typed(void **state)
{
	(void)state;
	struct input *in = input_new();
	struct str got = {0};
	struct err err;
	assert_true(input_script(in, "gg<enter>/a<lt>b<esc><ctrl-d>", 3, &err));
	take_all(in, &got);
	assert_string_equal(got.s, "g g enter / a < b esc ctrl-d");
	assert_false(input_script(in, "ab<bogus>", 3, &err));
	struct key key;
	assert_false(input_next(in, &key));
	str_finish(&got);
	input_free(in);
}

static enum keymap_match press(const struct keymap *map, struct keymap_state *chord, const char *name,
                               const char **command)
{
	static const char *const layers[] = {"home", "list", "global", NULL};
	struct key key;
	assert_true(key_parse(name, &key, NULL));
	return keymap_feed(map, chord, layers, &key, command);
}

static void inner_layers_win(void **state)
{
	(void)state;
	struct keymap *map = keymap_new();
	struct keymap_state chord = {0};
	struct err err;
	const char *command = NULL;
	assert_true(keymap_bind(map, "global", "l", "log-out", &err));
	assert_true(keymap_bind(map, "home", "l", "logs", &err));
	assert_true(keymap_bind(map, "list", "g g", "top", &err));
	assert_true(keymap_bind(map, "global", "g", "go", &err));
	assert_true(keymap_bind(map, "global", "q", "quit", &err));
	assert_true(keymap_bind(map, "home", "q", "none", &err));
	assert_int_equal(press(map, &chord, "l", &command), KEYMAP_EXACT);
	assert_string_equal(command, "logs");
	assert_int_equal(press(map, &chord, "g", &command), KEYMAP_PREFIX);
	assert_int_equal(press(map, &chord, "g", &command), KEYMAP_EXACT);
	assert_string_equal(command, "top");
	assert_int_equal(press(map, &chord, "g", &command), KEYMAP_PREFIX);
	assert_int_equal(press(map, &chord, "x", &command),
			 KEYMAP_NONE); /* a wrong end is not a key of its own */
	assert_int_equal(chord.n, 0);
	assert_int_equal(press(map, &chord, "g", &command), KEYMAP_PREFIX);
	assert_int_equal(press(map, &chord, "esc", &command), KEYMAP_NONE);
	assert_int_equal(press(map, &chord, "q", &command), KEYMAP_NONE); /* unbound in home */
	assert_true(keymap_bind(map, "home", "l", "why", &err));
	assert_int_equal(press(map, &chord, "l", &command), KEYMAP_EXACT);
	assert_string_equal(command, "why");
	keymap_free(map);
}

static void a_file_goes_over_the_default(void **state)
{
	(void)state;
	static const char *const layers[] = {"home", "list", "global", NULL};
	static const char text[] = "home:\n  X: deploy\n  ctrl-x ctrl-d: deploy\n  D: none\n";
	struct keymap *map = keymap_new();
	struct complaints complaints = {0};
	struct err err;
	char keys[64];
	assert_true(keymap_load_carried(map, "default", &complaints, &err));
	assert_true(keymap_keys(map, layers, "deploy", keys, sizeof(keys)));
	assert_string_equal(keys, "D");
	assert_true(keymap_load(map, "keys.yaml", text, sizeof(text) - 1, &complaints));
	assert_true(keymap_keys(map, layers, "deploy", keys, sizeof(keys)));
	assert_string_equal(keys, "X");
	keymap_keys_all(map, layers, "deploy", keys, sizeof(keys));
	assert_string_equal(keys, "X, ctrl-x ctrl-d");
	keymap_keys_all(map, layers, "top", keys, sizeof(keys));
	assert_string_equal(keys, "g g, home");
	assert_false(keymap_keys(map, layers, "follow", keys, sizeof(keys)));
	assert_string_equal(keys, "");
	assert_false(keymap_load_carried(map, "no-such", &complaints, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	complaints_finish(&complaints);
	keymap_free(map);
}

static void all_complaints_come_at_once(void **state)
{
	(void)state;
	static const char text[] = "home:\n"
	                           "  bogus-key: deploy\n"
	                           "  x: [deploy]\n"
	                           "  g: depoly\n"
	                           "  g g: top\n"
	                           "  shift-a: top\n"
	                           "  A: top\n"
	                           "list: down\n";
	struct keymap *map = keymap_new();
	struct complaints c = {0};
	assert_false(keymap_load(map, "keys.yaml", text, sizeof(text) - 1, &c));
	assert_int_equal(c.count, 4);
	assert_non_null(strstr(c.text, "keys.yaml:2: home.bogus-key"));
	assert_non_null(strstr(c.text, "keys.yaml:3:"));
	assert_non_null(
		strstr(c.text, "keys.yaml:7: home.A: \"top\": is bound twice in \"home\", first on line 6"));
	assert_non_null(strstr(c.text, "keys.yaml:8:"));
	complaints_finish(&c);
	static const struct keymap_known known[] = {{"deploy", true}, {"top", false}, {"quit", false}};
	assert_false(keymap_check(map, known, 3, &c));
	assert_int_equal(c.count, 3);
	assert_non_null(strstr(c.text, "keys.yaml:4: g: \"depoly\": no such command; did you mean deploy?"));
	assert_non_null(
		strstr(c.text, "keys.yaml:5: g g: \"top\": cannot be reached: \"g\" is depoly already"));
	assert_non_null(strstr(c.text, "quit: no key reaches this command"));
	complaints_finish(&c);
	keymap_free(map);
}

/* Keys that write are capitals, but acks, notes and undo; screens of text have none that write. */
static void the_default_keys_keep_the_habits(void **state)
{
	(void)state;
	static const char *const writes[] = {"deploy", "rollback", "promote", "restart",
					     "scale",  "lock",     "silence"};
	static const char *const texts[] = {"logs", "runbook", "pager", "help"};
	struct keymap *map = keymap_new();
	struct complaints complaints = {0};
	struct err err;
	struct keymap_binding b;
	assert_true(keymap_load_carried(map, "default", &complaints, &err));
	assert_true(keymap_check(map, NULL, 0, &complaints) || !strstr(complaints.text, "cannot be reached"));
	complaints_finish(&complaints);
	for (size_t at = 0; (at = keymap_walk(map, at, &b));) {
		for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
			if (strcmp(b.command, writes[i]) != 0)
				continue;
			assert_true(b.n == 1 && b.keys[0].cp >= 'A' && b.keys[0].cp <= 'Z');
			for (size_t j = 0; j < 4; j++)
				assert_string_not_equal(b.layer, texts[j]);
		}
	}
	keymap_free(map);
}

int main(void)
{
	utf8_start_locale();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_keys),
		cmocka_unit_test(esc_waits_for_its_rest_only_so_long),
		cmocka_unit_test(any_bytes_are_bounded),
		cmocka_unit_test(a_paste_is_marked),
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(scripts_are_typed),
		cmocka_unit_test(inner_layers_win),
		cmocka_unit_test(a_file_goes_over_the_default),
		cmocka_unit_test(all_complaints_come_at_once),
		cmocka_unit_test(the_default_keys_keep_the_habits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

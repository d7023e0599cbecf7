/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console as its user meets it: every screen, every size of terminal, lost daemons, signals, wrong
 * files. It runs over a demo that tests/e2e/console.sh has raised in $FAIRWAY_STATE_DIR; $EMPTY_STATE names
 * a folder that is not there. Each test opens a console of its own.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "tests/support/console.h"

#define EXIT_MS 2000 /* a signal ends the console within this, whatever it does */
#define HINT "checkout 1.9.2 is in staging: P promotes it to prod"

static struct screen *open_demo(int rows, int columns)
{
	struct screen *s = console_open(
		&(struct console_setup){.rows = rows, .columns = columns, .words = {"demo"}});
	screen_expect_text(s, "prod ok", CONSOLE_SLOW_MS);
	return s;
}

static void leave(struct screen *s)
{
	screen_keys(s, "Q");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
	assert_false(screen_is_alternate(s));
	assert_true(screen_is_cursor_shown(s));
	screen_end(s);
}

static void first_run_names_the_ways(void **state)
{
	char empty[4200];
	(void)state;
	snprintf(empty, sizeof(empty), "FAIRWAY_STATE_DIR=%s", getenv("EMPTY_STATE"));
	struct screen *s = console_open(&(struct console_setup){.env = {empty}});
	screen_expect_text(s, "Run this folder", SCREEN_MS);
	assert_true(screen_has_text(s, "Use your clusters"));
	assert_true(screen_has_text(s, "Open the demo"));
	screen_keys(s, "j<enter>");
	screen_expect_text(s, "no context in", SCREEN_MS);
	leave(s);
	assert_int_equal(access(getenv("EMPTY_STATE"), F_OK), -1); /* looking makes nothing */
}

static void a_dumb_terminal_is_refused(void **state)
{
	(void)state;
	struct screen *s = console_open(&(struct console_setup){.words = {"demo"}, .env = {"TERM=dumb"}});
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 2);
	assert_true(screen_has_text(s, "dumb"));
	assert_true(screen_has_text(s, "fairway status"));
	assert_false(screen_raw_has(s, "\033", 0));
	screen_end(s);
}

static void a_low_screen_has_one_whole_pane(void **state)
{
	(void)state;
	struct screen *s = open_demo(24, 80);
	static const char *const titles[] = {"1 Services", "2 Environments", "3 Deploys", "4 Alerts"};
	for (size_t i = 0; i < 4; i++)
		assert_true(screen_has_text(s, titles[i]));
	console_expect_row(s, SCREEN_MS, "checkout", "payments", "1.9.2", "[1.9.1", NULL);
	assert_false(screen_has_text(s, "LAST DEPLOY"));
	screen_keys(s, "<tab>");
	screen_expect_text(s, "LAST DEPLOY", SCREEN_MS);
	assert_false(screen_has_text(s, "payments"));
	screen_keys(s, "3");
	console_expect_row(s, SCREEN_MS, "✔ checkout", "done in", NULL);
	screen_keys(s, "<enter>");
	screen_expect_text(s, "cut over", SCREEN_MS);
	screen_keys(s, "q1");
	screen_expect_text(s, "payments", SCREEN_MS);
	leave(s);
}

static void large_screens_and_storms_of_resizes(void **state)
{
	static const int sizes[][2] = {{50, 200}, {100, 300}, {24, 80}, {10, 40}, {3, 20}, {1, 1}, {60, 81}};
	(void)state;
	struct screen *s = open_demo(50, 200);
	console_expect_row(s, SCREEN_MS, "checkout", "payments", "[1.9.1", "prod", "8/8", NULL);
	for (int i = 0; i < 140; i++) {
		const int *size = sizes[i % 7];
		screen_resize(s, size[0], size[1]);
		screen_keys(s, i % 3 ? "j" : "<tab>");
		screen_pump(s, 5);
	}
	screen_resize(s, 100, 300);
	screen_keys(s, "1");
	screen_expect_text(s, "LAST DEPLOY", SCREEN_MS);
	console_expect_row(s, SCREEN_MS, "checkout", "payments", "prod", "8/8", NULL);
	screen_resize(s, 40, 120);
	console_expect_row(s, SCREEN_MS, "enter open", NULL);
	leave(s);
}

/* From home with checkout in prod as its target, and back by esc. */
static void every_screen_opens_and_closes(void **state)
{
	static const struct {
		const char *keys, *seen;
	} screens[] = {
		{"<enter>", "depends on"},
		{"i", "2 Instances"},
		{"l", "Logs checkout in prod"},
		{"r", "Runbook checkout"},
		{"D", "Deploy checkout to prod"},
		{"n", "HTTP service in Python"},
		{"A", "chain whole"},
		{"w", "Why"},
		{":", "Go to, or do"},
		{"?", "Help"},
		{":spec<enter>", "lifecycle: production"},
		{"3<enter>", "cut over"},
	};
	(void)state;
	struct screen *s = open_demo(40, 120);
	for (size_t i = 0; i < sizeof(screens) / sizeof(screens[0]); i++) {
		screen_expect_text(s, "2 Environments 3", SCREEN_MS);
		assert_false(i < 6 && screen_has_text(s, screens[i].seen));
		screen_keys(s, screens[i].keys);
		screen_expect_text(s, screens[i].seen, CONSOLE_SLOW_MS);
		screen_keys(s, "<esc>");
		console_expect_row(s, SCREEN_MS, "checkout", "payments", "1.9.1", NULL);
		screen_keys(s, "1");
		screen_expect_text(s, " checkout in prod:", SCREEN_MS);
	}
	leave(s);
}

static void the_palette_jumps_and_takes_words(void **state)
{
	(void)state;
	struct screen *s = open_demo(40, 120);
	screen_keys(s, ":ldgr");
	console_expect_row(s, SCREEN_MS, "ledger", "service", NULL);
	screen_keys(s, "<enter>");
	screen_expect_text(s, " ledger in prod:", SCREEN_MS);
	screen_keys(s, "q:narrow-environment dev<enter>");
	screen_expect_text(s, "demo / dev", SCREEN_MS);
	console_expect_row(s, SCREEN_MS, "checkout", "payments", "[1.9.2", NULL);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "demo / all environments", SCREEN_MS);
	screen_keys(s, ":logs swell staging<enter>");
	screen_expect_text(s, "Logs swell in staging", SCREEN_MS);
	screen_keys(s, "?:stgng<enter>"); /* from any screen */
	screen_expect_text(s, "demo / staging", SCREEN_MS);
	screen_expect_text(s, "1 Services", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "demo / all environments", SCREEN_MS);
	screen_keys(s, ":nonsense");
	screen_expect_text(s, "nothing by that name", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_no_text(s, "nothing by that name", SCREEN_MS);
	leave(s);
}

static void letters_go_into_the_filter(void **state)
{
	(void)state;
	struct screen *s = open_demo(40, 120);
	screen_keys(s, "/jk");
	screen_expect_text(s, "0 of 6", SCREEN_MS);
	screen_keys(s, "<ctrl-u>swell");
	screen_expect_text(s, "1 Services 1 of 6", SCREEN_MS);
	screen_keys(s, "<enter>");
	screen_expect_text(s, "filter: swell", SCREEN_MS);
	screen_expect_text(s, " swell in prod:", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "1 Services 6", SCREEN_MS);
	screen_keys(s, "e");
	screen_expect_text(s, "demo / dev", SCREEN_MS);
	screen_expect_text(s, "2 Environments 1", SCREEN_MS);
	screen_keys(s, "<esc>"); /* with a key right behind it, it would read as alt */
	screen_expect_text(s, "demo / all environments", SCREEN_MS);
	screen_keys(s, "t");
	screen_expect_text(s, "team identity", SCREEN_MS);
	screen_expect_text(s, "1 Services 1", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "1 Services 6", SCREEN_MS);
	leave(s);
}

static bool is_other_text(struct screen *s, void *arg)
{
	return strcmp(screen_text(s), arg) != 0;
}

static void logs_follow_pause_and_find(void **state)
{
	char before[65536];
	(void)state;
	struct screen *s = open_demo(40, 120);
	screen_keys(s, ":logs checkout prod<enter>");
	screen_expect_text(s, "Logs checkout in prod", SCREEN_MS);
	console_expect_row(s, CONSOLE_SLOW_MS, "checkout-prod-", NULL);
	str_copy(before, sizeof(before), screen_text(s));
	screen_expect_that(s, is_other_text, before, "a line more", CONSOLE_SLOW_MS); /* it follows */
	screen_keys(s, "p");
	screen_expect_text(s, "paused", SCREEN_MS);
	screen_keys(s, "p&nothing-like-this<enter>");
	screen_expect_no_text(s, "order", SCREEN_MS);
	screen_keys(s, "&<ctrl-u>order<enter>");
	console_expect_row(s, CONSOLE_SLOW_MS, "checkout-prod-", "order", NULL);
	screen_keys(s, "&<ctrl-u><enter>/order<enter>");
	console_expect_row(s, SCREEN_MS, "checkout-prod-", "order", NULL);
	screen_keys(s, "nNN");
	screen_keys(s, "/nowhere-to-be-found<enter>");
	screen_expect_text(s, "not found", SCREEN_MS);
	screen_keys(s, "vvv");
	screen_expect_text(s, "error", SCREEN_MS);
	screen_keys(s, "vt1h<enter>");
	screen_expect_text(s, "since", SCREEN_MS);
	console_expect_row(s, CONSOLE_SLOW_MS, "checkout-prod-", NULL);
	screen_keys(s, "w");
	screen_keys(s, "t<ctrl-u>yesterdayish<enter>");
	screen_expect_text(s, "neither a span", SCREEN_MS);
	screen_keys(s, "q");
	screen_expect_text(s, "1 Services", SCREEN_MS);
	leave(s);
}

static void it_suspends_and_comes_back(void **state)
{
	(void)state;
	struct screen *s = console_open(&(struct console_setup){.words = {"demo"}, .is_job = true});
	screen_expect_text(s, "prod ok", CONSOLE_SLOW_MS);
	screen_keys(s, "<ctrl-z>");
	screen_expect_text(s, "[stopped]", SCREEN_MS);
	assert_false(screen_is_alternate(s));
	assert_true(screen_is_cursor_shown(s));
	screen_keys(s, "<enter>");
	screen_expect_text(s, "1 Services", SCREEN_MS);
	assert_true(screen_is_alternate(s));
	screen_keys(s, "Q");
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 0);
	screen_end(s);
}

static void signals_end_it_at_once(void **state)
{
	static const int signals[] = {SIGTERM, SIGHUP};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct screen *s = open_demo(40, 120);
		screen_keys(s, "?");
		screen_signal(s, signals[i]);
		assert_int_equal(screen_wait_exit(s, EXIT_MS, false), 128 + signals[i]);
		assert_false(screen_is_alternate(s));
		assert_true(screen_is_cursor_shown(s));
		screen_end(s);
	}
}

/* The daemon of this state: a process of ours whose words are --daemon and the folder. 0: none. */
static pid_t find_daemon(void)
{
	DIR *all = opendir("/proc");
	pid_t found = 0;
	for (struct dirent *e; all && (e = readdir(all));) {
		char path[300], words[4200] = "";
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		FILE *f = e->d_name[0] > '0' && e->d_name[0] <= '9' ? fopen(path, "r") : NULL;
		size_t n = f ? fread(words, 1, sizeof(words) - 1, f) : 0;
		if (f)
			fclose(f);
		const char *state = getenv("FAIRWAY_STATE_DIR");
		if (memmem(words, n, "--daemon", 8) && memmem(words, n, state, strlen(state)))
			found = (pid_t)atoi(e->d_name);
	}
	if (all)
		closedir(all);
	return found;
}

static void a_killed_daemon_comes_back(void **state)
{
	(void)state;
	struct screen *s = open_demo(40, 120);
	pid_t daemon = find_daemon();
	assert_true(daemon > 1);
	kill(daemon, SIGKILL);
	int64_t end = clock_mono_ms() + CONSOLE_SLOW_MS;
	while ((find_daemon() == daemon || !find_daemon()) && clock_mono_ms() < end)
		screen_pump(s, 50);
	assert_true(find_daemon() > 1);
	console_expect_row(s, CONSOLE_SLOW_MS, "● prod ok", NULL);
	screen_expect_no_text(s, "blind", CONSOLE_SLOW_MS);
	screen_keys(s, ":logs swell prod<enter>");
	console_expect_row(s, CONSOLE_SLOW_MS, "swell-prod-1", NULL);
	leave(s);
}

static pid_t stopped; /* by a test that may fail before it wakes it */

static int wake_daemon(void **state)
{
	(void)state;
	if (stopped)
		kill(stopped, SIGCONT);
	stopped = 0;
	return 0;
}

static void a_stopped_daemon_makes_it_blind(void **state)
{
	(void)state;
	struct screen *s = open_demo(40, 120);
	pid_t daemon = find_daemon();
	assert_true(daemon > 1);
	kill(daemon, SIGSTOP);
	stopped = daemon;
	screen_keys(s, "jk?"); /* no key waits for it */
	screen_expect_text(s, "Help", SCREEN_MS);
	screen_keys(s, "q");
	console_expect_row(s, CONSOLE_SLOW_MS, "1 Services", "? blind ", NULL);
	console_expect_row(s, SCREEN_MS, "? prod blind ", NULL);
	console_expect_row(s, SCREEN_MS, "? checkout", "payments", NULL); /* what was known, but not as ok */
	wake_daemon(state);
	console_expect_row(s, CONSOLE_SLOW_MS, "● prod ok", NULL);
	console_expect_row(s, CONSOLE_SLOW_MS, "● checkout", "payments", NULL);
	assert_false(screen_has_text(s, "blind"));
	leave(s);
}

static void two_consoles_tell_the_same(void **state)
{
	char out[8192];
	(void)state;
	struct screen *a = open_demo(40, 120), *b = open_demo(30, 100);
	screen_keys(a, ":logs search dev<enter>q");
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "lock", "search", "--env", "dev",
				      "--reason", "two consoles", "--until", "1h", "--yes", NULL),
			 0);
	screen_keys(b, "z");
	console_expect_row(a, CONSOLE_SLOW_MS, "search", "storefront", "⚿", NULL);
	console_expect_row(b, CONSOLE_SLOW_MS, "search", "storefront", "⚿", NULL);
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "unlock", "search", "--env", "dev",
				      "--yes", NULL),
			 0);
	for (int i = 0; i < 2; i++) {
		screen_expect_no_text(i ? b : a, "3.1.1 ⚿", CONSOLE_SLOW_MS);
		leave(i ? b : a);
	}
}

/* Colours are SGR 30-49 and 38;…; bold, dim, underlined and reversed are none. */
static bool has_colour(struct screen *s)
{
	size_t len;
	const char *raw = screen_raw(s, &len), *end = raw + len;
	for (const char *at = raw; (at = memmem(at, (size_t)(end - at), "\033[", 2));) {
		const char *from = at += 2;
		while (at < end && ((*at >= '0' && *at <= '9') || *at == ';'))
			at++;
		bool is_short = at - from == 2 && (*from == '3' || *from == '4');
		if (at < end && *at == 'm' && (is_short || memmem(from, (size_t)(at - from), "38;", 3)))
			return true;
	}
	return false;
}

static void poor_terminals_tell_as_much(void **state)
{
	static const struct {
		const char *env;
		bool is_ascii, is_plain;
	} terminals[] = {
		{"TERM=xterm-256color", false, false}, {"NO_COLOR=1", false, true},
		{"FAIRWAY_ASCII=1", true, false},      {"TERM=xterm", false, false},
		{"TERM=vt100", false, true},           {"LC_ALL=C", true, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(terminals) / sizeof(terminals[0]); i++) {
		size_t len;
		struct screen *s = console_open(
			&(struct console_setup){.words = {"demo"}, .env = {terminals[i].env}});
		screen_expect_text(s, "prod ok", CONSOLE_SLOW_MS);
		console_expect_row(s, SCREEN_MS, "checkout", "payments", "[1.9.1", NULL);
		screen_keys(s, "?");
		screen_expect_text(s, "Help", SCREEN_MS);
		screen_keys(s, "q");
		const char *raw = screen_raw(s, &len);
		bool has_high = false;
		for (size_t at = 0; at < len; at++)
			has_high |= (raw[at] & 0x80) != 0;
		if (has_high == terminals[i].is_ascii)
			fail_msg("%s: %s byte above 127", terminals[i].env,
				 has_high ? "there is a" : "there is no");
		if (has_colour(s) == terminals[i].is_plain)
			fail_msg("%s: %s", terminals[i].env, terminals[i].is_plain ? "colours" : "no colour");
		leave(s);
	}
}

static void write_text(const char *name, const char *text)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s/fairway/%s", getenv("XDG_CONFIG_HOME"), name);
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void remove_text(const char *name)
{
	char path[4200];
	snprintf(path, sizeof(path), "%s/fairway/%s", getenv("XDG_CONFIG_HOME"), name);
	unlink(path);
}

static void a_wrong_keymap_takes_no_key_away(void **state)
{
	(void)state;
	write_text("keymap.yaml", "home:\n  x: no-such-command\n  j: [\n");
	struct screen *s = console_open(&(struct console_setup){.words = {"demo"}});
	screen_expect_text(s, "keymap.yaml:", SCREEN_MS);
	screen_expect_text(s, "the default keys are in force", SCREEN_MS);
	screen_keys(s, "?");
	screen_expect_text(s, "Help", SCREEN_MS);
	screen_keys(s, "q");
	leave(s);
	write_text("keymap.yaml", "home:\n  x: audit\n");
	s = open_demo(40, 120);
	screen_keys(s, "x");
	screen_expect_text(s, "chain whole", CONSOLE_SLOW_MS);
	leave(s);
	remove_text("keymap.yaml");
}

static void what_is_changed_under_it_is_taken_when_it_is_right(void **state)
{
	(void)state;
	write_text("keymap.yaml", "home:\n  x: audit\n");
	struct screen *s = open_demo(40, 120);
	write_text("keymap.yaml", "home:\n  x: [\n");
	screen_expect_text(s, "the keys stay as they were: ", SCREEN_MS);
	screen_keys(s, "x");
	screen_expect_text(s, "chain whole", CONSOLE_SLOW_MS);
	screen_keys(s, "q");
	screen_expect_text(s, "1 Services", SCREEN_MS); /* a key takes what is said away */
	write_text("keymap.yaml", "home:\n  x: why\n");
	screen_expect_text(s, "was read again", SCREEN_MS);
	screen_keys(s, "x");
	screen_expect_text(s, "Why checkout in prod", SCREEN_MS);
	screen_keys(s, "q");
	screen_expect_text(s, "1 Services", SCREEN_MS);
	size_t from;
	screen_raw(s, &from);
	write_text("config.yaml", "ascii: true\nmouse: false\n");
	screen_expect_no_text(s, "│", SCREEN_MS);
	assert_true(screen_raw_has(s, "\033[?1006l\033[?1000l", from));
	screen_raw(s, &from);
	write_text("config.yaml", "mouse: true\n");
	screen_expect_text(s, "│", SCREEN_MS);
	assert_true(screen_raw_has(s, "\033[?1000h\033[?1006h", from));
	write_text("config.yaml", "contxt: acme\n");
	screen_expect_text(s, "not taken: ", SCREEN_MS);
	screen_expect_text(s, "config.yaml:1:", SCREEN_MS);
	remove_text("keymap.yaml");
	remove_text("config.yaml");
	console_expect_row(s, CONSOLE_SLOW_MS, "● prod ok", NULL);
	leave(s);
}

static void the_form_offers_paths_of_a_folder(void **state)
{
	char text[4400];
	(void)state;
	snprintf(text, sizeof(text),
		 "contexts:\n  shop:\n    paths: { kind: files, path: \"%s/fairway/paths\" }\n",
		 getenv("XDG_CONFIG_HOME"));
	write_text("config.yaml", text);
	write_text("paths/worker/path.yaml", "name: worker\ntitle: A worker\nparameters:\n"
					     "  name: { pattern: '^[a-z]+$' }\n  queue: { title: Which queue }\n");
	write_text("paths/worker/template/<%name%>.sh", "echo <%queue%>\n");
	struct screen *s = console_open(&(struct console_setup){.words = {"--context", "shop"}});
	screen_expect_text(s, "1 Services", SCREEN_MS);
	screen_keys(s, ":new<enter>");
	screen_expect_text(s, "Golden path", SCREEN_MS);
	console_press_until(s, "<right>", "A worker", true, SCREEN_MS);
	screen_expect_text(s, "Which queue", SCREEN_MS);
	screen_keys(s, "<tab>mail<tab>letters<ctrl-s>");
	screen_expect_text(s, "mail.sh", SCREEN_MS);
	screen_expect_text(s, "echo 'letters'", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "As far as", SCREEN_MS);
	screen_keys(s, "<esc>");
	screen_expect_text(s, "1 Services", SCREEN_MS);
	leave(s);
	remove_text("config.yaml");
}

static void a_wrong_configuration_is_said(void **state)
{
	(void)state;
	write_text("config.yaml", "contxt: acme\ncontexts: 7\n");
	struct screen *s = console_open(&(struct console_setup){.words = {"demo"}});
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 2);
	assert_true(screen_has_text(s, "config.yaml:1:"));
	assert_true(screen_has_text(s, "config.yaml:2:"));
	screen_end(s);
	remove_text("config.yaml");
}

static void a_killed_console_ends_no_service(void **state)
{
	char out[8192];
	(void)state;
	struct screen *s = open_demo(40, 120);
	screen_signal(s, SIGKILL);
	assert_int_equal(screen_wait_exit(s, SCREEN_MS, false), 128 + SIGKILL);
	screen_end(s);
	assert_int_equal(console_verb(out, sizeof(out), "--context", "demo", "status", NULL), 0);
	s = open_demo(40, 120);
	screen_expect_text(s, HINT, SCREEN_MS);
	leave(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_run_names_the_ways),
		cmocka_unit_test(a_dumb_terminal_is_refused),
		cmocka_unit_test(a_low_screen_has_one_whole_pane),
		cmocka_unit_test(large_screens_and_storms_of_resizes),
		cmocka_unit_test(every_screen_opens_and_closes),
		cmocka_unit_test(the_palette_jumps_and_takes_words),
		cmocka_unit_test(letters_go_into_the_filter),
		cmocka_unit_test(logs_follow_pause_and_find),
		cmocka_unit_test(it_suspends_and_comes_back),
		cmocka_unit_test(signals_end_it_at_once),
		cmocka_unit_test(a_killed_daemon_comes_back),
		cmocka_unit_test_teardown(a_stopped_daemon_makes_it_blind, wake_daemon),
		cmocka_unit_test(two_consoles_tell_the_same),
		cmocka_unit_test(poor_terminals_tell_as_much),
		cmocka_unit_test(a_wrong_keymap_takes_no_key_away),
		cmocka_unit_test(what_is_changed_under_it_is_taken_when_it_is_right),
		cmocka_unit_test(the_form_offers_paths_of_a_folder),
		cmocka_unit_test(a_wrong_configuration_is_said),
		cmocka_unit_test(a_killed_console_ends_no_service),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

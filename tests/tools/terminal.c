/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal ROWSxCOLUMNS PROGRAM [ARGUMENT…]: runs a program in a pseudo-terminal and does what its standard input says, a line
 * each; prints what was measured, "name<TAB>value<TAB>unit". Ends with 1 at the first line that does not come true.
 *	wait MS TEXT         the screen comes to hold TEXT
 *	timed MS TEXT        the same, and prints how long it took from here
 *	gone MS TEXT         it comes to hold it no more; prints how long that took
 *	frame MS             one more frame comes
 *	keys SCRIPT          as tui/key.h reads scripts
 *	resize ROWS COLUMNS
 *	storm SEED N         N random keys, now and then another size; alive after each
 *	move N KEYS          N times each key of two ("jk"), each waiting for its frame: time to the frame, bytes of a frame
 *	first                time from the start to the end of the first frame
 *	memory               the peak of resident memory so far
 *	idle SECONDS         processor time and wake-ups while nothing is read nor typed
 *	clean                no byte so far could make a terminal do what fairway does not mean
 *	screen               prints the screen
 *	deaf MS SIGNAL       stops reading, waits until the terminal is full, sends the signal, wants the end within MS
 *	end MS SIGNAL        sends the signal and wants the end within MS
 *	exit MS              wants the end within MS
 */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tests/support/screen.h"

#define FRAME_MS 5000

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool fails(const char *what, const char *line)
{
	printf("terminal: %s: %s\n", what, line);
	return false;
}

static bool wait_text(struct screen *s, const char *words, bool is_wanted)
{
	char *text;
	int64_t end = clock_mono_ms() + strtol(words, &text, 10);
	for (text += strspn(text, " "); screen_has_text(s, text) != is_wanted;)
		if (clock_mono_ms() >= end || !screen_pump(s, 20))
			return fails(is_wanted ? "not on the screen" : "still on the screen", text);
	return true;
}

/* Waits for a frame without judging its text: that would cost more than the frame. */
static bool wait_frame(struct screen *s, unsigned since, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (screen_frames(s) <= since)
		if (clock_mono_ms() >= end || !screen_pump(s, 20))
			return false;
	return true;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static bool move(struct screen *s, const char *words)
{
	char *keys;
	long n = strtol(words, &keys, 10);
	keys += strspn(keys, " ");
	if (n < 2 || n > 100000 || strlen(keys) != 2)
		return fails("move N KEYS", words);
	double *ms = mem_array((size_t)n, sizeof(*ms));
	size_t before, after;
	screen_raw(s, &before);
	for (long i = 0; i < n; i++) {
		unsigned frames = screen_frames(s);
		int64_t from = now_us();
		screen_bytes(s, keys + i % 2, 1);
		if (!wait_frame(s, frames, FRAME_MS)) {
			free(ms);
			return fails("no frame for a key", words);
		}
		ms[i] = (double)(now_us() - from) / 1000;
	}
	screen_raw(s, &after);
	qsort(ms, (size_t)n, sizeof(*ms), by_value);
	printf("key p50\t%.2f\tms\nkey p99\t%.2f\tms\nkey worst\t%.2f\tms\n", ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
	printf("bytes a move\t%.0f\tbytes\n", (double)(after - before) / (double)n);
	free(ms);
	return true;
}

/* A number behind NAME in a file of /proc. */
static long of_process(pid_t pid, const char *file, const char *name)
{
	char path[340], line[256];
	long value = -1;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return value;
}

static bool memory(struct screen *s)
{
	printf("peak memory\t%.1f\tMiB\n", (double)of_process(screen_pid(s), "status", "VmHWM:") / 1024);
	return true;
}

/* Voluntary switches of all threads: each is a wait that was woken from. */
static long wakeups(pid_t pid)
{
	long sum = 0;
	char path[64], file[300];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	for (struct dirent *e; tasks && (e = readdir(tasks)) != NULL;) {
		snprintf(file, sizeof(file), "task/%s/status", e->d_name);
		long n = isdigit((unsigned char)*e->d_name) ? of_process(pid, file, "voluntary_ctxt_switches:") : 0;
		sum += n > 0 ? n : 0;
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

static int64_t processor_us(pid_t pid)
{
	clockid_t clock;
	struct timespec t = {0};
	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool idle(struct screen *s, const char *words)
{
	int64_t ms = strtol(words, NULL, 10) * 1000, end = clock_mono_ms() + ms;
	pid_t pid = screen_pid(s);
	long before = wakeups(pid);
	int64_t from = processor_us(pid);
	while (clock_mono_ms() < end)
		if (!screen_pump(s, (int)(end - clock_mono_ms()) + 1))
			return fails("ended", words);
	printf("idle processor\t%.3f\t%%\n", (double)(processor_us(pid) - from) / (double)ms / 10);
	printf("idle wake-ups\t%.1f\t/s\n", (double)(wakeups(pid) - before) * 1000 / (double)ms);
	return true;
}

/* One escape sequence that fairway may send: its length, or 0. */
static size_t sequence(const char *s, size_t len)
{
	static const char *const titles[] = {"\033[22;0;0t", "\033[23;0;0t"}; /* xterm's title, kept and put back */
	size_t i = 2;
	for (size_t k = 0; k < 2; k++)
		if (len >= strlen(titles[k]) && memcmp(s, titles[k], strlen(titles[k])) == 0)
			return strlen(titles[k]);
	if (len < 2)
		return 0;
	if (strchr("=>78M", s[1]))
		return 2;
	if (len > 2 && strchr("()", s[1]) && strchr("B0", s[2]))
		return 3;
	if (s[1] != '[')
		return 0;
	while (i < len && strchr("0123456789;:?$>", s[i]))
		i++;
	if (i == len) /* the rest has not come through the pty yet */
		return len;
	/* Never what makes a terminal answer, print or change its title: "n", "t", "i" are not among them. */
	return strchr("ABCDGHJKLMPSTXZ@bdfhlmrqupc", s[i]) ? i + 1 : 0;
}

/* OSC and DCS only as fairway itself would send them: a link to http(s), the copy, questions about the terminal. */
static size_t command(const char *s, size_t len)
{
	static const char *const known[] = {"\033]8;;\033\\", "\033]8;;http://", "\033]8;;https://", "\033]11;?", "\033P+q"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (len >= strlen(known[i]) && memcmp(s, known[i], strlen(known[i])) == 0)
			for (size_t at = 2; at < len; at++)
				if (s[at] == '\a' || (at + 1 < len && s[at] == '\033' && s[at + 1] == '\\'))
					return at + (s[at] == '\a' ? 1 : 2);
	return 0;
}

static bool clean(struct screen *s)
{
	size_t len;
	const char *raw = screen_raw(s, &len);
	for (size_t at = 0, n; at < len; at += n) {
		struct utf8_cell cell;
		char where[64];
		if (raw[at] == '\033') {
			n = sequence(raw + at, len - at);
			n = n ? n : command(raw + at, len - at);
			cell.is_masked = n == 0;
		} else if (strchr("\r\n\b\t\a\016\017", raw[at]) && raw[at]) {
			n = 1;
			cell.is_masked = false;
		} else {
			n = utf8_next(raw + at, len - at, &cell);
			if (cell.is_masked && len - at < 4 && (unsigned char)raw[at] >= 0xC2)
				break; /* the rest of a character has not come through the pty yet */
		}
		if (!cell.is_masked)
			continue;
		int used = 0;
		for (size_t i = at; i < len && i < at + 16; i++)
			used += snprintf(where + used, sizeof(where) - (size_t)used, "%02x ", (unsigned char)raw[i]);
		return fails("went to the terminal", where);
	}
	return true;
}

static unsigned draw(unsigned *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static bool storm(struct screen *s, const char *words)
{
	static const char *const keys[] = {"j", "k", "<enter>", "<esc>", "<tab>", "/", "l", "r", "w", "i", "e", "t", "?", ":",
		"gg", "G", "<ctrl-d>", "<ctrl-u>", "<space>", "y", "n", "N", "D", "P", "B", "S", "L", "C", "A", "a", "m", "z",
		"1", "2", "3", "4", "<left>", "<right>", "<backspace>", "x", "é", "<page-up>", "<page-down>", "<F1>", "<ctrl-l>"};
	static const char report[] = "\033[<0;5;5M\033[200~ls\n\033[201~\033]0;x\a"; /* a click, a paste, an answer */
	char *rest;
	unsigned seed = (unsigned)strtoul(words, &rest, 10);
	long n = strtol(rest, NULL, 10);
	for (long i = 0; i < n; i++) {
		if (draw(&seed) % 40 == 0)
			screen_resize(s, (int)(draw(&seed) % 70) + 1, (int)(draw(&seed) % 250) + 1);
		else if (draw(&seed) % 200 == 0)
			screen_bytes(s, report, sizeof(report) - 1);
		else
			screen_keys(s, keys[draw(&seed) % (sizeof(keys) / sizeof(keys[0]))]);
		if (!screen_pump(s, i % 8 ? 0 : 5))
			return fails("ended in the storm after keys", words);
	}
	screen_resize(s, 24, 80);
	unsigned frames = screen_frames(s);
	screen_keys(s, "<ctrl-l>");
	return wait_frame(s, frames, FRAME_MS) || fails("no frame after the storm", words);
}

/* screen_wait_exit() fails through cmocka, which ends a program that is no test. */
static bool leave(struct screen *s, const char *words, bool is_signalled, bool is_deaf)
{
	char *name;
	int ms = (int)strtol(words, &name, 10);
	static const struct { const char *name; int number; } signals[] = {{"TERM", SIGTERM}, {"HUP", SIGHUP}, {"INT", SIGINT}};
	name += strspn(name, " ");
	if (is_deaf) /* more than a pseudo-terminal holds */
		for (int i = 0; i < 200; i++)
			screen_keys(s, i % 2 ? "<ctrl-l>" : "?");
	for (size_t i = 0; is_signalled && i < 3; i++)
		if (strcmp(signals[i].name, name) == 0)
			screen_signal(s, signals[i].number);
	int64_t from = clock_mono_ms();
	int status = screen_wait_exit(s, ms, is_deaf);
	printf("end\t%lld\tms\nstatus\t%d\t\n", (long long)(clock_mono_ms() - from), status);
	return true;
}

static bool obey(struct screen *s, int64_t started_us, const char *verb, const char *words)
{
	int rows, columns;
	if (strcmp(verb, "wait") == 0)
		return wait_text(s, words, true);
	if (strcmp(verb, "timed") == 0 || strcmp(verb, "gone") == 0) {
		int64_t from = now_us();
		bool is_so = wait_text(s, words, *verb == 't');
		if (is_so)
			printf("%s after\t%.1f\tms\n", *verb == 't' ? "seen" : "gone", (double)(now_us() - from) / 1000);
		return is_so;
	}
	if (strcmp(verb, "frame") == 0)
		return wait_frame(s, screen_frames(s), atoi(words)) || fails("no frame", words);
	if (strcmp(verb, "keys") == 0)
		return screen_keys(s, words), true;
	if (strcmp(verb, "resize") == 0 && sscanf(words, "%d %d", &rows, &columns) == 2)
		return screen_resize(s, rows, columns), true;
	if (strcmp(verb, "first") == 0) {
		bool is_shown = wait_frame(s, 0, FRAME_MS);
		printf("first frame\t%.1f\tms\n", (double)(now_us() - started_us) / 1000);
		return is_shown || fails("no frame", "");
	}
	if (strcmp(verb, "storm") == 0)
		return storm(s, words);
	if (strcmp(verb, "move") == 0)
		return move(s, words);
	if (strcmp(verb, "memory") == 0)
		return memory(s);
	if (strcmp(verb, "idle") == 0)
		return idle(s, words);
	if (strcmp(verb, "clean") == 0)
		return clean(s);
	if (strcmp(verb, "screen") == 0)
		return fputs(screen_text(s), stdout) >= 0;
	if (strcmp(verb, "exit") == 0)
		return leave(s, words, false, false);
	if (strcmp(verb, "end") == 0 || strcmp(verb, "deaf") == 0)
		return leave(s, words, true, *verb == 'd');
	return fails("what is", verb);
}

/* The program sees what the tests' environment sets for it. */
static const char **environment(void)
{
	static const char *names[] = {"HOME", "FAIRWAY_STATE_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"};
	static char text[4][1024];
	static const char *env[5];
	size_t n = 0;
	for (size_t i = 0; i < 4; i++)
		if (getenv(names[i]) && snprintf(text[n], sizeof(text[n]), "%s=%s", names[i], getenv(names[i])) > 0)
			env[n] = text[n], n++;
	return env;
}

int main(int argc, char **argv)
{
	struct screen_options options = {.argv = (const char *const *)argv + 2, .env = environment()};
	char line[1024];
	bool is_well = true;
	if (argc < 3 || sscanf(argv[1], "%dx%d", &options.rows, &options.columns) != 2)
		return 2;
	utf8_start_locale();
	setvbuf(stdout, NULL, _IOLBF, 0);
	int64_t started = now_us();
	struct screen *s = screen_start(&options);
	while (is_well && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		char *words = line + strcspn(line, " ");
		if (*words)
			*words++ = '\0';
		if (*line && *line != '#')
			is_well = obey(s, started, line, words);
	}
	if (!is_well)
		fprintf(stderr, "--- the screen:\n%s---\n", screen_text(s));
	screen_end(s);
	return !is_well;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/console.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

#define WORDS_MAX 16
#define PRESS_MS 150
#define OSC_52 "\033]52;c;"

extern char **environ;

static const char *const kept[] = {"FAIRWAY_STATE_DIR", "XDG_CONFIG_HOME", "HOME", "PATH"};
#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

struct screen *console_open(const struct console_setup *setup)
{
	char program[4096], texts[N_KEPT][4200];
	const char *argv[WORDS_MAX] = {screen_program("fairway", program, sizeof(program))};
	const char *env[WORDS_MAX] = {0};
	size_t n = 0;
	for (size_t i = 0; i < N_KEPT; i++) {
		const char *value = getenv(kept[i]);
		if (!value)
			continue;
		snprintf(texts[i], sizeof(texts[i]), "%s=%s", kept[i], value);
		env[n++] = texts[i];
	}
	for (size_t i = 0; i < 8 && setup->env[i]; i++)
		env[n++] = setup->env[i];
	for (size_t i = 0; i < 8 && setup->words[i]; i++)
		argv[i + 1] = setup->words[i];
	return screen_start(&(struct screen_options){.rows = setup->rows ? setup->rows : 40,
						     .columns = setup->columns ? setup->columns : 120,
						     .argv = argv,
						     .env = env,
						     .is_job = setup->is_job});
}

static size_t collect(const char *words[WORDS_MAX], const char *first, va_list ap)
{
	size_t n = 0;
	for (const char *word = first; word && n + 1 < WORDS_MAX; word = va_arg(ap, const char *))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

int console_verb(char *out, size_t size, const char *word, ...)
{
	char program[4096];
	const char *argv[WORDS_MAX + 1] = {screen_program("fairway", program, sizeof(program))};
	va_list ap;
	va_start(ap, word);
	collect(argv + 1, word, ap);
	va_end(ap);
	int fds[2], status;
	pid_t pid;
	posix_spawn_file_actions_t actions;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	char *const *words = (char *const *)(uintptr_t)argv;
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	size_t n = 0;
	ssize_t got;
	while ((got = read(fds[0], out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool row_holds(struct screen *s, void *arg)
{
	const char *const *words = arg;
	const char *text = screen_text(s);
	while (*text) {
		const char *end = strchr(text, '\n');
		size_t len = end ? (size_t)(end - text) : strlen(text), i = 0;
		while (words[i] && memmem(text, len, words[i], strlen(words[i])))
			i++;
		if (!words[i])
			return true;
		text += len + (end != NULL);
	}
	return false;
}

bool console_has_row(struct screen *s, const char *word, ...)
{
	const char *words[WORDS_MAX];
	va_list ap;
	va_start(ap, word);
	collect(words, word, ap);
	va_end(ap);
	return row_holds(s, words);
}

void console_expect_row(struct screen *s, int deadline_ms, const char *word, ...)
{
	const char *words[WORDS_MAX];
	char what[512];
	size_t at = 0;
	va_list ap;
	va_start(ap, word);
	size_t n = collect(words, word, ap);
	va_end(ap);
	for (size_t i = 0; i < n && at < sizeof(what); i++)
		at += (size_t)snprintf(what + at, sizeof(what) - at, "%s\"%s\"",
				       i ? " and " : "a row with ", words[i]);
	screen_expect_that(s, row_holds, words, what, deadline_ms);
}

void console_press_until(struct screen *s, const char *script, const char *text, bool is_there,
			 int deadline_ms)
{
	int64_t end = clock_mono_ms() + deadline_ms;
	while (screen_has_text(s, text) != is_there) {
		if (clock_mono_ms() >= end) {
			is_there ? screen_expect_text(s, text, 0) : screen_expect_no_text(s, text, 0);
			return;
		}
		screen_keys(s, script);
		int64_t until = clock_mono_ms() + PRESS_MS;
		while (clock_mono_ms() < until && screen_has_text(s, text) != is_there)
			screen_pump(s, PRESS_MS / 3);
	}
}

void console_confirm(struct screen *s, const char *name)
{
	char asked[200];
	snprintf(asked, sizeof(asked), "type %s to confirm", name);
	screen_expect_text(s, asked, CONSOLE_SLOW_MS);
	screen_bytes(s, name, strlen(name));
	console_press_until(s, "<enter>", asked, false, SCREEN_MS);
}

static int base64_of(char c)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

char *console_copied(struct screen *s, size_t from)
{
	size_t len, n = 0;
	const char *raw = screen_raw(s, &len), *last = NULL;
	const char *at = raw + (from < len ? from : len);
	while ((at = memmem(at, (size_t)(raw + len - at), OSC_52, strlen(OSC_52))))
		last = at += strlen(OSC_52);
	if (!last)
		return NULL;
	char *text = mem_array((size_t)(raw + len - last) + 1, 1);
	uint32_t bits = 0;
	int held = 0;
	for (; last < raw + len && base64_of(*last) >= 0; last++) {
		bits = bits << 6 | (uint32_t)base64_of(*last);
		held += 6;
		if (held >= 8) {
			held -= 8;
			text[n++] = (char)(bits >> held & 0xFF);
		}
	}
	text[n] = '\0';
	return text;
}

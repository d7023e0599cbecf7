/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sheet of 50,000 rows on the terminal toolkit alone, for tests/unit/tui_term.c.
 * q quits, ctrl-z suspends, ! lends the terminal to a shell, y copies, b rings, + adds a row above, x draws
 * noise, m runs out of memory.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/support/noise.h"
#include "tui/canvas.h"
#include "tui/input.h"
#include "tui/keymap.h"
#include "tui/sheet.h"
#include "tui/term.h"

#define ROWS 50000

struct program {
	struct term *term;
	struct input *input;
	struct keymap *keys;
	struct keymap_state chord;
	struct sheet sheet;
	size_t added; /* rows put above the others */
	unsigned noise;
	bool is_stale, is_over;
	int status;
};

static size_t count(void *arg)
{
	return ROWS + ((struct program *)arg)->added;
}

/* Row 0 is the newest one added; identities never change. */
static uint64_t id(size_t index, void *arg)
{
	size_t added = ((struct program *)arg)->added;
	return index < added ? ROWS + added - index : index - added + 1;
}

static void cell(const struct canvas *c, size_t index, size_t column, bool is_selected, void *arg)
{
	char text[64];
	uint64_t row = id(index, arg);
	(void)is_selected;
	switch (column) {
	case 0:
		sheet_text(c, row % 7 ? STYLE_OK : STYLE_FAILING, UTF8_LEFT,
			   style_sign(row % 7 ? STYLE_OK : STYLE_FAILING));
		return;
	case 1:
		snprintf(text, sizeof(text), "service-%05llu", (unsigned long long)row);
		break;
	default:
		snprintf(text, sizeof(text), "%zu.%llu", column, (unsigned long long)(row * 7919 % 1000));
	}
	sheet_text(c, STYLE_TEXT, column == 1 ? UTF8_LEFT : UTF8_RIGHT, text);
}

static void draw(struct program *p)
{
	if (!p->is_stale || term_is_sending(p->term))
		return;
	struct grid *grid = term_grid(p->term);
	grid_clear(grid);
	struct canvas all = canvas_of(grid);
	if (p->noise) {
		noise_draw(&all, p->noise);
	} else {
		char position[48];
		list_position(&p->sheet.list, position, sizeof(position));
		struct canvas inside = canvas_box(&all, &(struct canvas_box){.title = "1 Services",
									     .is_focused = true,
									     .right = "\033]0;title\007",
									     .bottom = position});
		p->sheet.list.is_focused = true;
		sheet_draw(&p->sheet, &inside);
	}
	p->is_stale = !term_draw(p->term);
}

static void lend(struct program *p)
{
	term_lend(p->term);
	pid_t child = fork();
	if (child == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execl("/bin/sh", "sh", "-c", "echo lent; read line; echo got $line", (char *)NULL);
		_exit(127);
	}
	int status;
	waitpid(child, &status, 0);
	term_take_back(p->term);
}

static void key(struct program *p, const struct key *k)
{
	static const char *const layers[] = {"list", "global", NULL};
	const char *command;
	p->is_stale = true;
	bool is_hit;
	if (sheet_key(&p->sheet, k, &is_hit, NULL))
		return;
	if (key_is_char(k, '!'))
		lend(p);
	else if (key_is_char(k, 'm'))
		mem_exhausted();
	else if (key_is_char(k, 'b'))
		term_bell(p->term);
	else if (key_is_char(k, '+'))
		p->added++;
	else if (key_is_char(k, 'x'))
		p->noise++;
	else if (keymap_feed(p->keys, &p->chord, layers, k, &command) == KEYMAP_EXACT) {
		if (strcmp(command, "back") == 0)
			p->is_over = true;
		else if (strcmp(command, "suspend") == 0)
			term_suspend(p->term);
		else if (strcmp(command, "copy") == 0)
			term_copy(p->term, "hello", 5);
		else if (strcmp(command, "redraw") == 0)
			term_redraw(p->term);
		else
			sheet_command(&p->sheet, command);
	}
}

static void signals(struct program *p, int fd)
{
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			term_resized(p->term), p->is_stale = true;
		else if (info.ssi_signo == SIGCONT)
			term_continued(p->term), p->is_stale = true;
		else
			p->is_over = true, p->status = 128 + (int)info.ssi_signo;
	}
}

static void turn(struct program *p, int signal_fd)
{
	draw(p);
	struct pollfd fds[] = {
		{.fd = term_fd(p->term),
		 .events = (short)(POLLIN | (term_is_sending(p->term) ? POLLOUT : 0))},
		{.fd = signal_fd, .events = POLLIN},
	};
	poll(fds, 2, input_wait_ms(p->input, clock_mono_ms()));
	if (fds[0].revents & POLLOUT)
		term_send(p->term);
	char bytes[1024];
	ssize_t n = fds[0].revents & (POLLIN | POLLHUP) ? term_read(p->term, bytes, sizeof(bytes)) : 0;
	if (n < 0)
		p->is_over = true;
	if (n > 0)
		input_bytes(p->input, bytes, (size_t)n, clock_mono_ms());
	input_tick(p->input, clock_mono_ms());
	signals(p, signal_fd);
	struct key k;
	while (!p->is_over && input_next(p->input, &k))
		key(p, &k);
}

int main(void)
{
	struct program p = {.is_stale = true};
	struct err err;
	struct complaints complaints = {0};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < 5; i++)
		sigaddset(&set, (const int[]){SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGCONT}[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	const struct term_options options = {.is_utf8 = utf8_start_locale()};
	p.keys = keymap_new();
	if (!keymap_load_carried(p.keys, "default", &complaints, &err) ||
	    !(p.term = term_open(&options, &err))) {
		fprintf(stderr, "%s\n%s", err.text, complaints.text ? complaints.text : "");
		complaints_finish(&complaints);
		keymap_free(p.keys);
		return 2;
	}
	mem_on_exhausted(term_restore);
	p.input = input_new();
	const struct sheet_column columns[] = {{"", 1, 1, 0, UTF8_LEFT},
					       {"NAME", 14, 20, 1, UTF8_LEFT},
					       {"DEV", 8, 10, 0, UTF8_RIGHT},
					       {"STAGING", 8, 10, 0, UTF8_RIGHT},
					       {"PROD", 8, 10, 0, UTF8_RIGHT}};
	const struct sheet_source source = {.rows = {.count = count, .id = id, .arg = &p}, .cell = cell};
	sheet_init(&p.sheet, &source, columns, 5);
	while (!p.is_over)
		turn(&p, signal_fd);
	struct term_counts counts;
	term_counts(p.term, &counts);
	term_close(p.term);
	input_free(p.input);
	keymap_free(p.keys);
	if (p.status == 0)
		printf("frames %llu\n", (unsigned long long)counts.frames);
	return p.status;
}

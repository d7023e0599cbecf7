/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term.h"

#include <assert.h>
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "tui/canvas.h"
#include "tui/shorten.h"
#include "tui/tty.h"

#define FRAME_BEGIN "\033[?2026h"
#define FRAME_END "\033[?2026l"
#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define LEAVE_MS 250
#define RESTORE_WAIT_MS 50

struct term {
	int fd;     /* of our own, non-blocking: other users of the terminal keep a blocking one */
	int memory; /* where ncurses writes */
	FILE *sink, *nothing;
	SCREEN *screen;
	struct termios cooked, raw;
	struct grid grid, shown; /* what the view drew; what ncurses was told */
	cchar_t *line;           /* room for one row */
	attr_t attrs[STYLE_COUNT];
	enum style_depth depth;
	struct str enter, leave; /* modes of ours, put on and off; leave restores all */
	const char *mouse;       /* put on after enter */
	int rows_told;           /* rows of the scroll region that newterm() asked for; 0: it was put right */
	struct str out;          /* the frame under way */
	size_t sent;
	struct str copy; /* OSC 52 waiting for the next frame */
	bool has_mouse, is_entering, is_whole, is_bell, is_lent, is_frame, is_gone;
	atomic_bool is_writing, is_restored; /* between term_send() and a term_restore() of another thread */
	struct term_counts counts;
};

/* The hooks of the C library take no argument; a process has one terminal. */
static struct term *open_terminal;

static const int curses_signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
#define N_CURSES_SIGNALS (sizeof(curses_signals) / sizeof(curses_signals[0]))

static bool refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE,
		       "the console needs a terminal: %s; `fairway status` answers without one", why);
}

static bool check_terminal(struct err *err)
{
	const char *name = getenv("TERM");
	if (!isatty(STDIN_FILENO))
		return refuse(err, "standard input is not one");
	if (!isatty(STDOUT_FILENO))
		return refuse(err, "standard output is not one");
	if (str_empty(name))
		return refuse(err, "TERM is not set");
	if (strcmp(name, "dumb") == 0)
		return refuse(err, "TERM is \"dumb\"");
	return true;
}

/* A capability without its padding ("$<5>"). */
static void add_capability(struct str *out, const char *name)
{
	const char *s = tigetstr(name);
	if (!s || s == (const char *)-1)
		return;
	while (*s) {
		const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
		if (end)
			s = end + 1;
		else
			str_addc(out, *s++);
	}
}

static bool has_capability(const char *name)
{
	const char *s = tigetstr(name);
	return s && s != (const char *)-1;
}

static void learn_modes(struct term *t)
{
	/* Unknown private modes are ignored by everything that speaks ECMA-48, and by nothing else. */
	const char *move = tigetstr("cup");
	bool is_ansi = move && move != (const char *)-1 && move[0] == '\033' && move[1] == '[';
	t->has_mouse = is_ansi && has_capability("kmous");
	add_capability(&t->enter, "smkx");
	if (is_ansi) {
		str_add(&t->enter, PASTE_ON);
		str_add(&t->leave, FRAME_END PASTE_OFF);
	}
	if (t->has_mouse)
		str_add(&t->leave, MOUSE_OFF);
	add_capability(&t->leave, "rmkx");
	add_capability(&t->leave, "sgr0");
	if (t->depth != STYLE_MONO)
		add_capability(&t->leave, "op");
	add_capability(&t->leave, "rmcup");
	add_capability(&t->leave, "cnorm");
}

static attr_t attrs_of(unsigned attrs)
{
	return (attrs & STYLE_BOLD ? A_BOLD : 0) | (attrs & STYLE_UNDERLINE ? A_UNDERLINE : 0) |
	       (attrs & STYLE_REVERSE ? A_REVERSE : 0);
}

static void learn_colours(struct term *t)
{
	t->depth = STYLE_MONO;
	if (str_empty(getenv("NO_COLOR")) && has_colors() && start_color() == OK &&
	    use_default_colors() == OK && COLOR_PAIRS > STYLE_COUNT)
		t->depth = COLORS >= 256 ? STYLE_256 : COLORS >= 8 ? STYLE_16 : STYLE_MONO;
	for (int i = 0; i < STYLE_COUNT; i++) {
		struct style_look look = style_look((enum style)i, t->depth);
		t->attrs[i] = attrs_of(look.attrs);
		if (t->depth != STYLE_MONO && (look.fg >= 0 || look.bg >= 0))
			init_pair((short)i, look.fg, look.bg);
	}
}

static bool has_pair(const struct term *t, unsigned style)
{
	struct style_look look = style_look((enum style)style, t->depth);
	return look.fg >= 0 || look.bg >= 0;
}

/* Both grids and ncurses' own windows; nothing of what the terminal shows is believed any more. */
static void fit(struct term *t, int rows, int columns)
{
	resize_term(rows, columns);
	grid_resize(&t->grid, rows, columns);
	grid_resize(&t->shown, rows, columns);
	t->line = mem_grow(t->line, (size_t)t->grid.columns + 1, sizeof(*t->line));
	t->is_whole = true;
}

/* newterm() takes signals for itself where they are at their default. They are the caller's. */
static SCREEN *start_curses(struct term *t)
{
	struct sigaction old[N_CURSES_SIGNALS];
	for (size_t i = 0; i < N_CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], NULL, &old[i]);
	errno = 0;
	SCREEN *screen = newterm(getenv("TERM"), t->sink, t->nothing);
	t->rows_told = LINES;
	for (size_t i = 0; i < N_CURSES_SIGNALS; i++)
		sigaction(curses_signals[i], &old[i], NULL);
	return screen;
}

static bool start(struct term *t, const struct term_options *options, struct err *err)
{
	t->fd = tty_open();
	if (t->fd < 0)
		return err_errno(err, ERR_FAILED, errno, "the terminal cannot be opened");
	if (tcgetattr(t->fd, &t->cooked) != 0)
		return err_errno(err, ERR_FAILED, errno, "the terminal's modes cannot be read");
	t->raw = tty_raw(&t->cooked);
	t->memory = memfd_create("frame", MFD_CLOEXEC);
	t->nothing = fopen("/dev/null", "re");
	t->sink = t->memory >= 0 ? fdopen(t->memory, "w") : NULL;
	if (!t->sink || !t->nothing)
		return err_errno(err, ERR_FAILED, errno, "a frame cannot be kept in memory");
	t->screen = start_curses(t);
	if (!t->screen && errno == ENOMEM)
		mem_exhausted();
	if (!t->screen || !has_capability("cup"))
		return refuse(err, "TERM names one that is unknown here or cannot move its cursor");
	typeahead(-1); /* or an update would look at the keyboard, and stop half-way */
	nonl();
	learn_colours(t);
	learn_modes(t);
	term_set(t, options);
	int rows, columns;
	tty_size(t->fd, &rows, &columns);
	fit(t, rows, columns);
	open_terminal = t; /* whoever runs out of memory from here on restores it */
	if (tcsetattr(t->fd, TCSANOW, &t->raw) != 0)
		return err_errno(err, ERR_FAILED, errno, "the terminal's modes cannot be set");
	return true;
}

static void release(struct term *t)
{
	if (t->screen) {
		endwin();
		delscreen(t->screen);
	}
	if (t->sink)
		fclose(t->sink);
	else if (t->memory >= 0)
		close(t->memory);
	if (t->nothing)
		fclose(t->nothing);
	if (t->fd >= 0)
		close(t->fd);
	grid_finish(&t->grid);
	grid_finish(&t->shown);
	str_finish(&t->enter);
	str_finish(&t->leave);
	str_finish(&t->out);
	str_finish(&t->copy);
	free(t->line);
	free(t);
}

struct term *term_open(const struct term_options *options, struct err *err)
{
	assert(!open_terminal);
	if (!check_terminal(err))
		return NULL;
	struct term *t = mem_alloc(sizeof(*t));
	t->fd = t->memory = -1;
	grid_init(&t->grid, 0, 0);
	grid_init(&t->shown, 0, 0);
	if (!start(t, options, err)) {
		open_terminal = NULL;
		release(t);
		return NULL;
	}
	return t;
}

/* What ncurses has written since, as a new frame. */
static void take_memory(struct term *t, struct str *out)
{
	off_t size = lseek(t->memory, 0, SEEK_CUR);
	if (size > 0) {
		str_reserve(out, (size_t)size);
		ssize_t n = pread(t->memory, out->s + out->len, (size_t)size, 0);
		out->len += n > 0 ? (size_t)n : 0;
		out->s[out->len] = '\0';
	}
	lseek(t->memory, 0, SEEK_SET);
	if (ftruncate(t->memory, 0) != 0)
		t->is_whole = true; /* cannot be; whatever is left over is written over */
}

/* Nothing more once another thread, out of memory, has given the terminal back. */
static ssize_t write_some(struct term *t)
{
	ssize_t n = 0;
	atomic_store(&t->is_writing, true);
	if (!atomic_load(&t->is_restored))
		n = write(t->fd, t->out.s + t->sent, t->out.len - t->sent);
	atomic_store(&t->is_writing, false);
	return n;
}

bool term_send(struct term *t)
{
	while (t->sent < t->out.len && !t->is_gone) {
		ssize_t n = write_some(t);
		if (n > 0) {
			t->sent += (size_t)n;
			t->counts.bytes += (uint64_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			return true;
		} else if (n == 0 || errno != EINTR) {
			t->is_gone = true;
		}
	}
	if (t->is_frame && t->sent == t->out.len) {
		t->counts.frames++;
		t->is_frame = false;
	}
	return !t->is_gone;
}

/* Sends what is left, for so long. For the moments after which we no longer look at the terminal. */
static void send_within(struct term *t, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (term_send(t) && t->sent < t->out.len) {
		int64_t left = end - clock_mono_ms();
		struct pollfd p = {.fd = t->fd, .events = POLLOUT};
		if (left <= 0 || poll(&p, 1, (int)left) < 0)
			return;
	}
}

/* The terminal as it was. What ncurses writes for it is dropped: our own bytes undo all of it. */
static void leave(struct term *t)
{
	struct str dropped = {0};
	endwin();
	take_memory(t, &dropped);
	str_finish(&dropped);
	str_addn(&t->out, str_text(&t->leave), t->leave.len);
	send_within(t, LEAVE_MS);
	t->sent = t->out.len;
	t->is_frame = false;
	tcsetattr(t->fd, TCSANOW, &t->cooked);
}

static void enter(struct term *t)
{
	tcsetattr(t->fd, TCSANOW, &t->raw);
	t->is_entering = t->is_whole = true;
	term_resized(t);
}

void term_close(struct term *t)
{
	if (!t)
		return;
	if (!t->is_lent)
		leave(t);
	open_terminal = NULL;
	release(t);
}

void term_restore(void)
{
	struct term *t = open_terminal;
	if (!t || t->is_lent)
		return;
	open_terminal = NULL;
	/* A frame that another thread is writing must not come behind. Not for ever: in a signal's handler that is us. */
	atomic_store(&t->is_restored, true);
	for (int i = 0; i < RESTORE_WAIT_MS && atomic_load(&t->is_writing); i++)
		poll(NULL, 0, 1);
	ssize_t n = write(t->fd, t->leave.s, t->leave.len);
	(void)n;
	tcsetattr(t->fd, TCSANOW, &t->cooked);
}

int term_fd(const struct term *t)
{
	return t->fd;
}

ssize_t term_read(struct term *t, char *bytes, size_t size)
{
	ssize_t n = t->is_gone ? 0 : read(t->fd, bytes, size);
	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

struct grid *term_grid(struct term *t)
{
	return &t->grid;
}

enum style_depth term_depth(const struct term *t)
{
	return t->depth;
}

/* Whether a blank of that style shows it. */
static bool is_seen(const struct term *t, unsigned style)
{
	return style_look((enum style)style, t->depth).bg >= 0 || (t->attrs[style] & (A_REVERSE | A_UNDERLINE));
}

static void tell_row(struct term *t, int y)
{
	const struct cell *row = &t->grid.cells[y * t->grid.columns];
	int n = 0;
	unsigned style = STYLE_TEXT; /* blanks go on with the one before: each change of it is bytes */
	for (int x = 0; x < t->grid.columns; x++) {
		const struct cell *cell = &row[x];
		if (cell->width == 0)
			continue;
		wchar_t text[UTF8_MARKS + 2] = {0};
		for (size_t i = 0; i <= UTF8_MARKS; i++)
			text[i] = (wchar_t)cell->cp[i];
		bool is_blank = text[0] == L' ' && !text[1] && !is_seen(t, cell->style) && !is_seen(t, style);
		style = is_blank ? style : cell->style;
		short pair = has_pair(t, style) ? (short)style : 0;
		setcchar(&t->line[n++], text, t->attrs[style], pair, NULL);
	}
	mvadd_wchnstr(y, 0, t->line, n);
}

/* Tells ncurses the rows that differ from what it was told before. */
static void tell_curses(struct term *t)
{
	size_t row = (size_t)t->grid.columns * sizeof(struct cell);
	for (int y = 0; y < t->grid.rows; y++) {
		const struct cell *now = &t->grid.cells[y * t->grid.columns];
		struct cell *before = &t->shown.cells[y * t->grid.columns];
		if (!t->is_whole && memcmp(now, before, row) == 0)
			continue;
		tell_row(t, y);
		memcpy(before, now, row);
	}
	bool is_cursor = t->grid.cursor_y >= 0;
	leaveok(stdscr, !is_cursor); /* a hidden cursor may stay where it is */
	if (is_cursor)
		move(t->grid.cursor_y, t->grid.cursor_x);
	curs_set(is_cursor);
	if (t->is_whole)
		clearok(curscr, TRUE);
	t->is_whole = false;
	wnoutrefresh(stdscr);
	doupdate();
}

/* newterm() cannot ask a file in memory how large it is: its scroll region is that of terminfo's 24 rows, and what is
 * scrolled below them would stay where it was. */
static void put_margins_right(struct term *t)
{
	const char *region = tigetstr("csr");
	char told[32];
	if (region && region != (const char *)-1 && str_copy(told, sizeof(told), tparm(region, 0, t->rows_told - 1)))
		replace_once(&t->out, told, tparm(region, 0, t->grid.rows - 1));
	t->rows_told = 0;
}

bool term_draw(struct term *t)
{
	if (t->is_lent || t->is_gone)
		return false;
	if (term_is_sending(t)) {
		t->counts.skipped++;
		return false;
	}
	str_reset(&t->out);
	t->sent = 0;
	str_add(&t->out, FRAME_BEGIN);
	size_t empty = t->out.len;
	bool is_whole = t->is_whole; /* leaves nothing to what the terminal was in before */
	tell_curses(t);
	take_memory(t, &t->out);
	if (t->rows_told)
		put_margins_right(t);
	if (!is_whole && t->out.len > empty)
		t->out.len = empty + shorten(t->out.s + empty, t->out.len - empty);
	if (t->is_entering) {
		str_addn(&t->out, str_text(&t->enter), t->enter.len);
		str_add(&t->out, t->mouse);
	}
	t->is_entering = false;
	if (t->is_bell)
		str_addc(&t->out, '\a');
	t->is_bell = false;
	str_addn(&t->out, str_text(&t->copy), t->copy.len);
	str_finish(&t->copy);
	if (t->out.len == empty) {
		str_reset(&t->out);
		return true;
	}
	str_add(&t->out, FRAME_END);
	t->counts.last_frame = t->out.len;
	t->is_frame = true;
	term_send(t);
	return true;
}

bool term_is_sending(const struct term *t)
{
	return t->sent < t->out.len && !t->is_gone;
}

void term_resized(struct term *t)
{
	int rows, columns;
	tty_size(t->fd, &rows, &columns);
	/* There and back between two looks: the size is the same, what the terminal shows is not. */
	t->is_whole = true;
	if (rows != t->grid.rows || columns != t->grid.columns)
		fit(t, rows, columns);
}

void term_set(struct term *t, const struct term_options *options)
{
	const char *ascii = getenv("FAIRWAY_ASCII");
	t->grid.is_ascii = !options->is_utf8 || (!str_empty(ascii) && strcmp(ascii, "0") != 0);
	t->mouse = !t->has_mouse ? "" : options->is_mouse_off ? MOUSE_OFF : MOUSE_ON;
	term_redraw(t);
}

void term_redraw(struct term *t)
{
	t->is_whole = t->is_entering = true;
}

static void stop_group(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL}, old;
	sigset_t set, mask;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaction(SIGTSTP, &dfl, &old);
	pthread_sigmask(SIG_UNBLOCK, &set, &mask);
	kill(0, SIGTSTP); /* all of the job: make that waits for us would not tell the shell */
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTSTP, &old, NULL);
}

void term_suspend(struct term *t)
{
	leave(t);
	stop_group();
	enter(t);
}

void term_lend(struct term *t)
{
	leave(t);
	t->is_lent = true;
}

void term_take_back(struct term *t)
{
	sigset_t set, mask;
	sigemptyset(&set);
	sigaddset(&set, SIGTTOU); /* which the background group that we still are would get */
	pthread_sigmask(SIG_BLOCK, &set, &mask);
	tcsetpgrp(t->fd, getpgrp());
	tcflush(t->fd, TCIFLUSH);
	t->is_lent = false;
	enter(t);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

bool term_is_lent(const struct term *t)
{
	return t->is_lent;
}

void term_continued(struct term *t)
{
	if (t->is_lent)
		return;
	/* Whoever had the terminal meanwhile may have left anything: take it anew, alternate screen included.
	 */
	struct str dropped = {0};
	endwin();
	take_memory(t, &dropped);
	str_finish(&dropped);
	enter(t);
}

void term_bell(struct term *t)
{
	t->is_bell = true;
}

bool term_copy(struct term *t, const char *text, size_t len)
{
	if (t->copy.len > 0 || (len + 2) / 3 * 4 > TERM_COPY_MAX)
		return false;
	str_add(&t->copy, "\033]52;c;");
	base64_add(&t->copy, text, len);
	str_addc(&t->copy, '\a');
	return true;
}

void term_counts(const struct term *t, struct term_counts *counts)
{
	*counts = t->counts;
}

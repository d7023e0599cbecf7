/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tests/support/job.h"
#include "tui/input.h"

#define FRAME_BEGIN "\033[?2026h"
#define FRAME_END "\033[?2026l"
#define MARK_LEN (sizeof(FRAME_END) - 1)

struct screen {
	int master;
	pid_t pid;
	bool is_over, is_reaped;
	int status;
	VTerm *vterm;
	VTermScreen *cells;
	struct str raw, text;
	size_t scanned; /* raw bytes looked at for marks */
	unsigned frames;
	bool is_in_frame, is_alternate, is_cursor_shown;
	int bells;
};

static int on_property(VTermProp property, VTermValue *value, void *arg)
{
	struct screen *s = arg;
	if (property == VTERM_PROP_ALTSCREEN)
		s->is_alternate = value->boolean;
	if (property == VTERM_PROP_CURSORVISIBLE)
		s->is_cursor_shown = value->boolean;
	return 1;
}

static int on_bell(void *arg)
{
	struct screen *s = arg;
	s->bells++;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property, .bell = on_bell};

static const char *const kept_names[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS",
					 NULL};

static void clean_environment(const char *const *more)
{
	char *kept[8] = {0};
	for (size_t i = 0; kept_names[i]; i++)
		kept[i] = mem_dup(getenv(kept_names[i]));
	clearenv();
	for (size_t i = 0; kept_names[i]; i++)
		if (kept[i])
			setenv(kept_names[i], kept[i], 1);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1);
	setenv("HOME", "/nonexistent", 1);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	for (; more && *more; more++) {
		const char *is = strchr(*more, '=');
		char *name = mem_dup_n(*more, (size_t)(is - *more));
		setenv(name, is + 1, 1);
		free(name);
	}
}

struct screen *screen_start(const struct screen_options *options)
{
	struct screen *s = mem_alloc(sizeof(*s));
	struct winsize size = {.ws_row = (unsigned short)(options->rows ? options->rows : 24),
	                       .ws_col = (unsigned short)(options->columns ? options->columns : 80)};
	s->pid = forkpty(&s->master, NULL, NULL, &size);
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		clean_environment(options->env);
		if (options->is_job)
			_exit(job_run(options->argv));
		execv(options->argv[0], (char *const *)(uintptr_t)options->argv);
		_exit(127);
	}
	fcntl(s->master, F_SETFL, fcntl(s->master, F_GETFL) | O_NONBLOCK);
	fcntl(s->master, F_SETFD, FD_CLOEXEC);
	s->vterm = vterm_new(size.ws_row, size.ws_col);
	vterm_set_utf8(s->vterm, 1);
	s->cells = vterm_obtain_screen(s->vterm);
	vterm_screen_set_callbacks(s->cells, &callbacks, s);
	vterm_screen_enable_altscreen(s->cells, 1);
	vterm_screen_reset(s->cells, 1);
	s->is_cursor_shown = true;
	return s;
}

const char *screen_program(const char *name, char *path, size_t size)
{
	char self[4000];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	self[n] = '\0';
	/* build/tests/unit/NAME: three levels up. */
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	assert_true(snprintf(path, size, "%s/%s", self, name) < (int)size);
	return path;
}

void screen_end(struct screen *s)
{
	if (!s)
		return;
	close(s->master);
	if (!s->is_reaped) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	vterm_free(s->vterm);
	str_finish(&s->raw);
	str_finish(&s->text);
	free(s);
}

void screen_bytes(struct screen *s, const char *bytes, size_t n)
{
	int64_t end = clock_mono_ms() + SCREEN_MS;
	while (n > 0 && clock_mono_ms() < end) {
		ssize_t done = write(s->master, bytes, n);
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		} else {
			screen_pump(s, 10);
		}
	}
	assert_int_equal(n, 0);
}

static const struct {
	enum keysym sym;
	const char *bytes; /* as xterm sends them with smkx */
} sent[] = {
	{KEYSYM_ENTER, "\r"},        {KEYSYM_TAB, "\t"},
	{KEYSYM_ESC, "\033"},        {KEYSYM_BACKSPACE, "\177"},
	{KEYSYM_DELETE, "\033[3~"},  {KEYSYM_INSERT, "\033[2~"},
	{KEYSYM_UP, "\033OA"},       {KEYSYM_DOWN, "\033OB"},
	{KEYSYM_RIGHT, "\033OC"},    {KEYSYM_LEFT, "\033OD"},
	{KEYSYM_HOME, "\033OH"},     {KEYSYM_END, "\033OF"},
	{KEYSYM_PAGE_UP, "\033[5~"}, {KEYSYM_PAGE_DOWN, "\033[6~"},
};

static void send_key(struct screen *s, const struct key *key)
{
	char bytes[8];
	if (key->mods & KEYMOD_ALT)
		screen_bytes(s, "\033", 1);
	if (key->sym == KEYSYM_CHAR && key->mods & KEYMOD_CTRL) {
		bytes[0] = (char)(key->cp & 0x1F);
		screen_bytes(s, bytes, 1);
	} else if (key->sym == KEYSYM_CHAR) {
		screen_bytes(s, bytes, utf8_encode(key->cp, bytes));
	} else if (key->sym == KEYSYM_TAB && key->mods & KEYMOD_SHIFT) {
		screen_bytes(s, "\033[Z", 3);
	} else if (key->sym == KEYSYM_F) {
		static const int numbers[] = {0, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24};
		assert_in_range(key->cp, 1, 12);
		snprintf(bytes, sizeof(bytes), "\033[%d~", numbers[key->cp]);
		screen_bytes(s, bytes, strlen(bytes));
	}
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
		if (sent[i].sym == key->sym && !(key->mods & KEYMOD_SHIFT))
			screen_bytes(s, sent[i].bytes, strlen(sent[i].bytes));
}

void screen_keys(struct screen *s, const char *script)
{
	struct input *in = input_new();
	struct key key;
	assert_true(input_script(in, script, 0, NULL));
	while (input_next(in, &key))
		send_key(s, &key);
	input_free(in);
}

void screen_resize(struct screen *s, int rows, int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	vterm_set_size(s->vterm, rows, columns);
	assert_int_equal(ioctl(s->master, TIOCSWINSZ, &size), 0);
}

void screen_signal(struct screen *s, int signal)
{
	kill(s->pid, signal);
}

pid_t screen_pid(const struct screen *s)
{
	return s->pid;
}

static void look_for_marks(struct screen *s)
{
	while (s->scanned + MARK_LEN <= s->raw.len) {
		const char *at = s->raw.s + s->scanned;
		if (memcmp(at, FRAME_BEGIN, MARK_LEN) == 0) {
			s->is_in_frame = true;
		} else if (memcmp(at, FRAME_END, MARK_LEN) == 0) {
			s->frames += s->is_in_frame;
			s->is_in_frame = false;
		}
		s->scanned++;
	}
}

bool screen_pump(struct screen *s, int wait_ms)
{
	char bytes[16384];
	struct pollfd p = {.fd = s->master, .events = POLLIN};
	if (s->is_over)
		return false;
	if (poll(&p, 1, wait_ms) <= 0)
		return true;
	ssize_t n = read(s->master, bytes, sizeof(bytes));
	if (n > 0) {
		vterm_input_write(s->vterm, bytes, (size_t)n);
		vterm_screen_flush_damage(s->cells);
		str_addn(&s->raw, bytes, (size_t)n);
		look_for_marks(s);
		return true;
	}
	s->is_over = n == 0 || errno == EIO;
	return !s->is_over;
}

unsigned screen_frames(const struct screen *s)
{
	return s->frames;
}

static void add_row(struct screen *s, int y, struct str *out)
{
	int rows, columns;
	vterm_get_size(s->vterm, &rows, &columns);
	size_t end = out->len;
	for (int x = 0; x < columns; x++) {
		VTermScreenCell cell;
		VTermPos place = {.row = y, .col = x};
		vterm_screen_get_cell(s->cells, place, &cell);
		if (cell.chars[0] == (uint32_t)-1)
			continue; /* the right half of a wide one */
		if (cell.chars[0] == 0)
			str_addc(out, ' ');
		for (size_t i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++) {
			char bytes[4];
			str_addn(out, bytes, utf8_encode(cell.chars[i], bytes));
		}
		if (cell.chars[0] && cell.chars[0] != ' ')
			end = out->len;
	}
	str_reserve(out, 1);
	out->len = end;
	out->s[end] = '\0';
}

const char *screen_row(struct screen *s, int y)
{
	str_reset(&s->text);
	add_row(s, y, &s->text);
	return str_text(&s->text);
}

const char *screen_text(struct screen *s)
{
	int rows, columns;
	vterm_get_size(s->vterm, &rows, &columns);
	str_reset(&s->text);
	for (int y = 0; y < rows; y++) {
		add_row(s, y, &s->text);
		str_addc(&s->text, '\n');
	}
	return str_text(&s->text);
}

bool screen_is_reverse(struct screen *s, int y, int x)
{
	VTermScreenCell cell;
	VTermPos place = {.row = y, .col = x};
	vterm_screen_get_cell(s->cells, place, &cell);
	return cell.attrs.reverse || !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg);
}

bool screen_is_alternate(const struct screen *s)
{
	return s->is_alternate;
}

bool screen_is_cursor_shown(const struct screen *s)
{
	return s->is_cursor_shown;
}

int screen_bells(const struct screen *s)
{
	return s->bells;
}

const char *screen_raw(const struct screen *s, size_t *len)
{
	*len = s->raw.len;
	return str_text(&s->raw);
}

bool screen_raw_has(const struct screen *s, const char *bytes, size_t from)
{
	return s->raw.len > from && memmem(s->raw.s + from, s->raw.len - from, bytes, strlen(bytes));
}

bool screen_has_text(struct screen *s, const char *text)
{
	return strstr(screen_text(s), text) != NULL;
}

/* fail_msg() cuts at 1 kB. */
static void show(struct screen *s)
{
	fprintf(stderr, "--- the screen:\n%s---\n", screen_text(s));
}

/* True as soon as it holds between two frames. */
static bool wait_for(struct screen *s, bool (*condition)(struct screen *, void *arg), void *arg,
		     int deadline_ms)
{
	int64_t end = clock_mono_ms() + deadline_ms;
	for (;;) {
		if (!s->is_in_frame && condition(s, arg))
			return true;
		int64_t left = end - clock_mono_ms();
		if (left <= 0)
			return false;
		if (!screen_pump(s, (int)left) && !condition(s, arg))
			return false;
	}
}

void screen_expect_that(struct screen *s, bool (*condition)(struct screen *, void *arg), void *arg,
			const char *what, int deadline_ms)
{
	if (wait_for(s, condition, arg, deadline_ms))
		return;
	show(s);
	fail_msg("not seen in %d ms: %s", deadline_ms, what);
}

static bool has_text(struct screen *s, void *arg)
{
	return screen_has_text(s, arg);
}

static bool has_no_text(struct screen *s, void *arg)
{
	return !screen_has_text(s, arg);
}

void screen_expect_text(struct screen *s, const char *text, int deadline_ms)
{
	screen_expect_that(s, has_text, (void *)(uintptr_t)text, text, deadline_ms);
}

void screen_expect_no_text(struct screen *s, const char *text, int deadline_ms)
{
	screen_expect_that(s, has_no_text, (void *)(uintptr_t)text, text, deadline_ms);
}

static bool has_frame(struct screen *s, void *arg)
{
	return s->frames > *(unsigned *)arg;
}

unsigned screen_wait_frame(struct screen *s, unsigned since, int deadline_ms)
{
	screen_expect_that(s, has_frame, &since, "a frame", deadline_ms);
	return s->frames;
}

static bool is_same(struct screen *s, void *arg)
{
	return strcmp(screen_text(s), arg) == 0;
}

static void write_golden(const char *path, const char *text)
{
	mkdir("tests/goldens", 0777);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

void screen_expect(struct screen *s, const char *name, int deadline_ms)
{
	char path[400], golden[65536];
	snprintf(path, sizeof(path), "tests/goldens/%s.txt", name);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(golden, 1, sizeof(golden) - 1, f) : 0;
	golden[n] = '\0';
	if (f)
		fclose(f);
	if (wait_for(s, is_same, golden, deadline_ms))
		return;
	if (getenv("UPDATE")) {
		write_golden(path, screen_text(s));
		return;
	}
	fprintf(stderr, "%s expects:\n%s", path, golden);
	show(s);
	fail_msg("the screen is not as in %s", path);
}

int screen_wait_exit(struct screen *s, int deadline_ms, bool is_deaf)
{
	int64_t end = clock_mono_ms() + deadline_ms;
	while (!s->is_reaped && clock_mono_ms() < end) {
		if (waitpid(s->pid, &s->status, WNOHANG) == s->pid)
			s->is_reaped = true;
		else if (is_deaf || !screen_pump(s, 10))
			poll(NULL, 0, 10);
	}
	if (!s->is_reaped) {
		show(s);
		fail_msg("the program still runs after %d ms", deadline_ms);
	}
	while (!is_deaf && screen_pump(s, 0) && !s->is_over)
		if (poll(&(struct pollfd){.fd = s->master, .events = POLLIN}, 1, 0) <= 0)
			break;
	return WIFEXITED(s->status) ? WEXITSTATUS(s->status) : 128 + WTERMSIG(s->status);
}

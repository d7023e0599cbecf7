/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_TERM_H
#define TUI_TERM_H
/*
 * The terminal; the only user of curses.h. ncurses works out the bytes of a frame into memory, and we send
 * them through a non-blocking descriptor of the terminal, wrapped in synchronized output (DEC private mode
 * 2026). While a frame is under way the next is skipped. So a terminal that stops reading (ctrl-s, a dead
 * SSH connection) blocks nothing.
 *
 * The loop: poll term_fd() for POLLIN, and for POLLOUT while term_is_sending(); on POLLOUT call
 * term_send(); on POLLIN call term_read() and hand the bytes to tui/input; on SIGWINCH call
 * term_resized(); when something is stale and !term_is_sending(): clear the grid, draw, term_draw().
 * Nothing here waits, but term_close, term_lend and term_suspend: up to 250 ms each for the last bytes to
 * go out. Idle it does nothing at all.
 *
 * One terminal a process: a second term_open() before term_close() is a mistake of ours. UI thread, but
 * term_restore(), which is for fatal signals and for mem_on_exhausted() and is async-signal-safe. The
 * caller owns all signals; ncurses' handlers are taken out again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tui/style.h"

struct err;
struct grid;
struct term;

struct term_options {
	bool is_mouse_off; /* the mouse selects text as elsewhere */
	bool is_utf8;      /* what utf8_start_locale() returned; false: ASCII. FAIRWAY_ASCII=1 too */
};
/* Takes the terminal on stdin and stdout: raw mode, alternate screen, mouse clicks and wheel, bracketed
 * paste. Colours by TERM and NO_COLOR. NULL with a sentence when there is no terminal, TERM is
 * unset, dumb or unknown: it names `fairway status`. */
struct term *term_open(const struct term_options *, struct err *);
void term_set(struct term *, const struct term_options *); /* other ones, from the next frame on */
/* Restores the screen and the modes, frees. NULL is fine. A terminal that does not read: after 250 ms
 * without it. */
void term_close(struct term *);
/* The terminal as it was, as far as that goes without waiting. Does nothing when none is open. The term is
 * not usable after. */
void term_restore(void);

int term_fd(const struct term *);
/* Up to size bytes, without waiting. 0: none there. -1: the terminal is gone (hangup): end. */
ssize_t term_read(struct term *, char *bytes, size_t size);

struct grid *term_grid(struct term *); /* draw here; it has the terminal's size */
enum style_depth term_depth(const struct term *);
/* Sends what changed since the last frame. While one is under way nothing is done and false returned: draw
 * again when it is through. */
bool term_draw(struct term *);
bool term_is_sending(const struct term *);
/* Sends what it can. Returns false when the terminal is gone. */
bool term_send(struct term *);
/* Reads the size and fits the grid. The next frame is due, and drawn whole. */
void term_resized(struct term *);
void term_redraw(struct term *); /* the next frame is sent whole: ctrl-l, after a stray write */

/* ctrl-z: restores the terminal, stops this process group (SIGTSTP), and comes back after SIGCONT with the
 * terminal taken again. Draw anew. Where nobody could wake us (an orphaned group) it comes back at once. */
void term_suspend(struct term *);
/* For a child that is given the terminal: as it was before term_open(). No frame is sent until
 * term_take_back(), which makes our process group the foreground one again, drops what was typed for the
 * child, and wants a whole frame. */
void term_lend(struct term *);
void term_take_back(struct term *);
bool term_is_lent(const struct term *);
/* After SIGCONT that did not come through term_suspend(): somebody stopped us from outside. */
void term_continued(struct term *);

void term_bell(struct term *); /* with the next term_draw() */
/* OSC 52, write-only. False when the text makes more than TERM_COPY_MAX base64 bytes or one copy waits
 * already. The caller redacts secrets first. */
#define TERM_COPY_MAX 74994
bool term_copy(struct term *, const char *text, size_t len);

struct term_counts {
	uint64_t frames, skipped; /* sent to the end or under way; term_draw() that found one under way */
	uint64_t bytes;           /* all of them */
	size_t last_frame;        /* bytes of the newest frame, with its synchronized-output marks */
};
void term_counts(const struct term *, struct term_counts *);
#endif

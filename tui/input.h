/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H
/*
 * Bytes of a terminal to keys, and the one queue that typed keys, `--keys` scripts and macros go through.
 * Reads ECMA-48 and xterm sequences (ctlseqs: PC-style function keys, SGR mouse 1006, bracketed paste
 * 2004), the ones of rxvt and the Linux console, and UTF-8. Unknown sequences are swallowed whole: they
 * never become letters that would run commands. Never waits and never reads: the caller hands it bytes and
 * the time. UI thread. Bounded: INPUT_MAX keys; when room is short the caller reads no more (input_room).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/key.h"

struct input;
struct err;

#define INPUT_MAX 4096
#define INPUT_ESC_MS 25 /* an ESC alone for that long is the Esc key (ncurses' ESCDELAY) */

struct input *input_new(void);
void input_free(struct input *);
size_t input_room(const struct input *); /* bytes that input_bytes() surely takes now */
/* Terminal's bytes, at most input_room() of them; more is dropped. */
void input_bytes(struct input *, const char *bytes, size_t n, int64_t now_ms);
/* Milliseconds until input_tick() must be called because an ESC waits for its rest; -1: no need. */
int input_wait_ms(const struct input *, int64_t now_ms);
void input_tick(struct input *, int64_t now_ms);
/* Adds a key of our own (resize, a macro's). Dropped when the queue is full: returns false. */
bool input_push(struct input *, const struct key *);
/* Adds a script ("gg<enter>") as if typed now. On failure nothing is added. */
bool input_script(struct input *, const char *script, int64_t now_ms, struct err *);
bool input_next(struct input *, struct key *); /* false: empty */
void input_drop(struct input *);               /* forgets what is queued and half read */
#endif

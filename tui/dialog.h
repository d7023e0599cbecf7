/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H
/*
 * The question before something changes: title, a body that scrolls, buttons, Cancel chosen; for protected
 * targets a name to be typed. It protects from hands that were faster than eyes: keys that came before it
 * opened are ignored, and any confirmation in its first 300 ms, and while a step's last line was never
 * seen (needs_end); a paste is never taken. UI thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "tui/doc.h"
#include "tui/pager.h"
#include "tui/prompt.h"

#define DIALOG_GUARD_MS 300
#define DIALOG_BUTTONS_MAX 4

struct dialog_options {
	const char *title;
	/* {"Deploy"}: without Cancel, which is always there, first and chosen. */
	const char *buttons[DIALOG_BUTTONS_MAX];
	const char *typed_name; /* "prod/checkout" must be typed; NULL: none */
	bool needs_end;         /* the last line must have been on the screen */
	bool is_danger;         /* red border */
	int64_t now_ms;         /* clock_mono_ms() */
};
struct dialog {
	struct doc body; /* fill it after dialog_init(), before the first draw; owned */
	struct pager pager;
	struct prompt prompt;
	char *title, *typed_name, *buttons[DIALOG_BUTTONS_MAX + 1]; /* owned; buttons[0] is Cancel */
	size_t n_buttons, chosen;
	int64_t opened_ms;
	bool needs_end, is_danger, is_pager_ready;
	char hint[96]; /* why a confirmation was not taken */
};
void dialog_init(struct dialog *, const struct dialog_options *);
void dialog_finish(struct dialog *);
enum dialog_result {
	DIALOG_IGNORED, /* not a key of dialogs: nothing happens all the same */
	DIALOG_TAKEN,
	DIALOG_CANCELLED,
	DIALOG_CONFIRMED, /* *button: 0 for the first of options.buttons */
};
/* key->at_ms is when it was typed, now_ms when it is handled. */
enum dialog_result dialog_key(struct dialog *, const struct key *, int64_t now_ms, size_t *button);
/* In the middle, as large as the body needs. */
void dialog_draw(struct dialog *, const struct canvas *screen);
#endif

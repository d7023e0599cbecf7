/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_COMMAND_H
#define VIEWS_COMMAND_H
/*
 * A command of the console: one row with its name, its sentence and what it does. Keymaps bind keys to names;
 * help, palette, footer, `fairway keymap check` and fairway(1) are made from the rows. UI thread; reading the
 * rows is safe anywhere.
 */
#include <stdbool.h>
#include <stddef.h>

struct app;
struct view;

enum command_flags {
	COMMAND_CHANGES = 1,   /* an operation: its key is a capital; never bound where text is read */
	COMMAND_NO_KEY = 2,    /* fine without a key: the palette reaches it */
	COMMAND_HIDDEN = 4,    /* moves and edits: not in the palette */
	COMMAND_TARGET = 8,    /* acts on the target (a placement): the footer names it */
	COMMAND_WIDGET = 16,   /* one of the app's rows whose work is the view's: handed to its widget() by name */
};
struct command {
	const char *name, *help; /* help: one sentence, <= 72 columns, no full stop */
	unsigned flags;
	/* arg: rest of the palette's line, "" if none. NULL for COMMAND_WIDGET. */
	void (*run)(struct app *, struct view *, const char *arg);
};

/* The commands of a view class by name ("home"), or of the app itself (NULL): the rows and their number. */
const struct command *command_rows(const char *view_class, size_t *n);
/* Names of view classes, for dumps: index 0, 1, … until NULL. */
const char *command_view_at(size_t index);
/* What the view is for, one sentence. */
const char *command_view_help(const char *view_class);
#endif

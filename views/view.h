/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_VIEW_H
#define VIEWS_VIEW_H
/*
 * A screen of the console. Each is one file: a const struct view_class at its top, its commands, its draw.
 * Views stand on a stack (views/app.h); overlays (dialogs, prompts, the palette) are views too, so there is one
 * loop. Adding one: the file, and its row in VIEWS below. UI thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"
#include "views/command.h"

struct app;
struct err;
struct key;
struct message;

#define VIEW_OVERLAY 1u /* drawn over the view below, which stays visible */
#define VIEW_TYPING 2u  /* raw keys first: letters are text here */

struct view_class {
	const char *name, *title, *help;
	size_t size;                /* of the view's own struct, which starts with struct view; zeroed */
	unsigned flags;
	const char *const *layers;  /* keymap layers, innermost first, without "global"; NULL-ended */
	const char *const *footer;  /* commands named in the footer, in order; NULL-ended */
	const struct command *commands;
	size_t n_commands;
	uint32_t shows;             /* bit (1 << enum record_kind): the view is stale when one of these changes */
	bool (*open)(struct view *, const char *arg, struct err *); /* false: nothing is opened, the error is shown */
	void (*message)(struct view *, const struct message *);     /* replies to the view's own requests, by id */
	/* The model is already updated. kinds 0: the view is the top one again. Optional. */
	void (*changed)(struct view *, uint32_t kinds);
	void (*draw)(struct view *, const struct canvas *);         /* reads only */
	bool (*key)(struct view *, const struct key *);             /* raw keys; true: taken; optional */
	bool (*widget)(struct view *, const char *command);           /* moves and the like, see COMMAND_WIDGET; optional */
	int64_t (*wake)(struct view *, int64_t now_mono);           /* ms until it wants a frame; -1 none; optional */
	void (*close)(struct view *);                               /* optional */
};
#define VIEW_COMMANDS(a) .commands = a, .n_commands = sizeof(a) / sizeof((a)[0])
struct view {
	const struct view_class *class;
	struct app *app;
	char title[128]; /* what stands in the header after the class's title */
};

/* One row a screen: the extern and the array both come from here. */
#define VIEWS(X)   \
	X(home)    \
	X(service) \
	X(triage)  \
	X(logs)    \
	X(runbook) \
	X(deploy)  \
	X(operate) \
	X(scaffold) \
	X(audit)   \
	X(why)     \
	X(document) \
	X(login)   \
	X(ask)     \
	X(first)   \
	X(clusters) \
	X(palette) \
	X(help)
#define VIEW_DECLARE(name) extern const struct view_class view_##name;
VIEWS(VIEW_DECLARE)
#undef VIEW_DECLARE
const struct view_class *view_class_find(const char *name); /* NULL when there is none */
#endif

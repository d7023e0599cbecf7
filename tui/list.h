/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_LIST_H
#define TUI_LIST_H
/*
 * A virtual list: rows come from callbacks, only visible ones are drawn, so 50,000 rows cost what 40 do.
 * The selection is pinned to an identity (a handle), not to an index: when rows come, go or change places
 * it stays on its row, and that row stays at its place on the screen. When its row is gone it moves to the
 * row that took the place. The list holds no rows; callbacks are called only inside the calls below. UI
 * thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/canvas.h"

struct key;

#define LIST_NO_ID 0 /* no row has it: "nothing selected" */
#define LIST_NO_INDEX SIZE_MAX

struct list_source {
	size_t (*count)(void *arg);
	uint64_t (*id)(size_t index, void *arg); /* never LIST_NO_ID, unique */
	/* Where id is now, LIST_NO_INDEX when it is gone. hint is where it was. NULL: rows near the hint are
	 * looked at first, then all of them. */
	size_t (*index_of)(uint64_t id, size_t hint, void *arg);
	/* row has one line and, when selected, its `over` set. Not used by sheets. May be NULL there. */
	void (*draw)(const struct canvas *row, size_t index, bool is_selected, void *arg);
	void *arg;
};
struct list { /* all zero is a list at its top */
	struct list_source source;
	uint64_t selected; /* LIST_NO_ID while the list is empty */
	size_t index;      /* of the selected row at the last sync */
	size_t top;        /* first row shown */
	int visible;       /* rows shown at the last draw; movement by page uses it */
	bool is_focused;   /* set by the view before drawing */
	int drawn_y, drawn_x, drawn_columns; /* where on the screen: for the mouse */
};
void list_init(struct list *, const struct list_source *);
/* Finds the selection again after rows changed. All calls below do it themselves. Returns the count. */
size_t list_sync(struct list *);
void list_draw(struct list *, const struct canvas *);

enum list_move {
	LIST_DOWN, LIST_UP, LIST_TOP, LIST_BOTTOM, LIST_PAGE_DOWN, LIST_PAGE_UP, LIST_HALF_DOWN, LIST_HALF_UP,
};
bool list_move(struct list *, enum list_move); /* whether the selection changed */
/* The commands "down", "up", "top", "bottom", "page-down", "page-up", "half-down", "half-up" by name;
 * false: none of them. */
bool list_command(struct list *, const char *command);
/* Mouse: the wheel moves, a click selects (*is_hit when wanted: a click on a row; on the one selected
 * already it means open). Returns whether the key was the list's: a mouse event on its rectangle. */
bool list_key(struct list *, const struct key *, bool *is_hit);
bool list_select(struct list *, uint64_t id); /* false: no such row; the selection stays */
bool list_select_index(struct list *, size_t index); /* clamped; false: empty */
/* The index of the selected row now, LIST_NO_INDEX when the list is empty. */
size_t list_index(struct list *);
/* "12/340" for a border, "" when empty. */
void list_position(struct list *, char *out, size_t size);
#endif

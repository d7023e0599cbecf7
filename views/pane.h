/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_PANE_H
#define VIEWS_PANE_H
/*
 * A pane: the rows of one table that are wanted here, sorted, filtered and shown as a sheet in a box. Home's four
 * panes and the lists of other screens are this. The selection stays on its row whatever happens around it.
 * UI thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/filter.h"
#include "model/index.h"
#include "tui/sheet.h"
#include "views/app.h"

struct pane;
struct pane_class {
	enum record_kind kind;
	const char *title;
	const struct sheet_column *columns;
	size_t n_columns;
	size_t frozen;
	const char *empty; /* what an empty pane says, when the lists are in */
	int (*compare)(const void *a, const void *b, void *arg);
	bool (*wants)(const void *row, void *arg);
	void (*cell)(struct pane *, const struct canvas *, const void *row, size_t column, bool is_selected);
};
#define PANE_COLUMNS(a) .columns = a, .n_columns = sizeof(a) / sizeof((a)[0]), .frozen = 1
#define PANE_AGE {"AGE", 4, 4, 0, UTF8_RIGHT} /* a column of app_age() */
struct pane {
	const struct pane_class *class;
	struct app *app;
	void *arg; /* handed to compare and wants */
	struct index *index;
	struct sheet sheet;
	bool is_busy;
	char note[64]; /* behind the title: "2 (1 acked)"; "" shows the count */
};

void pane_init(struct pane *, struct app *, const struct pane_class *, void *arg);
void pane_finish(struct pane *);
/* After rows, filter or narrowing changed. Returns whether more is to do (is_busy): wake() goes on with it. */
bool pane_update(struct pane *);
void pane_filter(struct pane *, struct filter *); /* borrowed; NULL: all */
void pane_rules_changed(struct pane *);           /* compare or wants see something else now */
/* number: "1" in the border, 0 for none. Returns the inside. */
void pane_draw(struct pane *, const struct canvas *, int number, bool is_focused);
/* One line that stands for the pane where it does not fit. */
void pane_draw_line(struct pane *, const struct canvas *, int number);
const void *pane_row(const struct pane *);          /* selected, NULL when empty; borrowed for this pass */
size_t pane_count(const struct pane *);
bool pane_command(struct pane *, const char *command);
/* Mouse. *is_hit: the selected row was clicked again: open it. */
bool pane_key(struct pane *, const struct key *, bool *is_hit, int *column);

/* Panes side by side, one with the focus. Where the screen is low, or the focused one is zoomed, it stands whole and
 * the others keep a line each, or nothing. */
#define PANE_GROUP_MAX 4
struct pane_group {
	struct app *app;
	struct pane panes[PANE_GROUP_MAX];
	int n, focus;
	bool is_zoomed;
	int low_rows; /* of the body: below it only one pane stands whole */
};
void pane_group_init(struct pane_group *, struct app *, const struct pane_class *classes, int n, int low_rows, void *arg);
void pane_group_finish(struct pane_group *);
void pane_group_update(struct pane_group *);
bool pane_group_is_busy(const struct pane_group *);
const void *pane_group_row(const struct pane_group *); /* selected in the focused pane */
/* "pane-1" …, "pane-next", "pane-previous", "zoom" of n that stand side by side. false: another command. */
bool pane_focus(const char *command, int n, int *focus, bool *is_zoomed);
/* These, and the moves of the focused pane. */
bool pane_group_widget(struct pane_group *, const char *command);
/* Mouse. Returns whether a pane took it, which has the focus then. */
bool pane_group_key(struct pane_group *, const struct key *, bool *is_hit, int *column);
/* Where each pane stands whole: places[i] is its canvas. */
void pane_group_draw(struct pane_group *, const struct canvas *places);
/* One whole, the others a line. Returns false when the body is high enough for all. */
bool pane_group_draw_low(struct pane_group *, const struct canvas *body);

/* A screen that is one pane: starts with this, and takes these for its class. */
struct pane_view {
	struct view view;
	struct pane pane;
};
void pane_view_changed(struct view *, uint32_t kinds);
bool pane_view_key(struct view *, const struct key *); /* a second click runs the command "open" */
bool pane_view_widget(struct view *, const char *command);
int64_t pane_view_wake(struct view *, int64_t now_mono);
void pane_view_close(struct view *);
#define PANE_VIEW                                                                              \
	.changed = pane_view_changed, .wake = pane_view_wake, .key = pane_view_key,             \
	.widget = pane_view_widget, .close = pane_view_close
#endif

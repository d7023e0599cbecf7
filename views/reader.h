/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_READER_H
#define VIEWS_READER_H
/*
 * What all screens of text share: a doc in a pager in a box, search, copy. A view that starts with struct reader gets
 * its commands from the rows below. UI thread.
 */
#include "tui/doc.h"
#include "tui/pager.h"
#include "views/app.h"

struct reader {
	struct view view;
	struct doc doc;
	struct pager pager;
	struct str source; /* what `copy` copies: the text as it came */
};
void reader_init(struct reader *);
void reader_finish(struct reader *);
void reader_refilled(struct reader *); /* after the doc was made anew */
/* After the doc grew. */
void reader_changed(struct reader *);
void reader_draw(struct reader *, const struct canvas *, const char *title, const char *right);
bool reader_widget(struct view *, const char *command);
bool reader_key(struct view *, const struct key *); /* the wheel */
void reader_close(struct view *); /* of a view that begins with its reader */
#define READER_VIEW .key = reader_key, .widget = reader_widget, .close = reader_close
void reader_search(struct app *, struct view *, const char *arg); /* rows: {"search", …}, {"copy", …} */
void reader_copy(struct app *, struct view *, const char *arg);
#define READER_COMMANDS                                                                    \
	{"search", "Search in the text", 0, reader_search},                                \
	{"copy", "Copy the text to the clipboard of your terminal", 0, reader_copy}
#endif

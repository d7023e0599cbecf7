/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_LOGS_DRAW_H
#define VIEWS_LOGS_DRAW_H
/* The inside of the logs screen, shared by logs.c (what it does) and logs_draw.c (how it looks). */
#include "model/filter.h"
#include "model/log_buffer.h"
#include "model/log_view.h"
#include "views/app.h"

struct logs {
	struct view view;
	struct log_buffer *buffer;
	struct log_view *lines;
	struct filter *filter, *search;
	char service[80], environment[80], instance[300], filter_text[256], search_text[256];
	enum log_level least;
	int64_t since;          /* wall ms, 0: the newest */
	uint64_t request;
	size_t top, cursor;     /* places in lines */
	int visible, pan;
	bool is_following, is_paused, is_wrapped, is_ended;
	int64_t oldest_wait;    /* monotonic */
	int64_t asked;          /* wall: lines older than that are the past, which comes instance by instance */
	int64_t past_began, past_came; /* monotonic: its first and its last line so far; 0: none yet */
	int search_wanted;      /* -1 up, 1 down, 0 none */
	size_t search_at;
};
void logs_draw(struct logs *, const struct canvas *);
#endif

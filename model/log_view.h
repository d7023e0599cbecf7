/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_VIEW_H
#define MODEL_LOG_VIEW_H
/*
 * Which lines of a log buffer are shown: a list of line numbers that grows as lines come and is made anew
 * when what is asked for changes. The buffer itself is never touched, so every narrowing can be undone.
 *
 * A stack trace passes or fails as one: it is shown when any of its lines matches and none is excluded.
 * UI thread. The buffer and the filter must outlive the view.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/log_buffer.h"

struct filter;
struct log_view;

struct log_wants {
	struct filter *filter; /* NULL: all */
	enum log_level least;  /* LOG_LEVEL_NONE: all; lines that do not say are shown as info */
	int64_t since;         /* 0: all */
	const char *instance;  /* NULL: all; compared with log_instance.instance */
	const char *service, *environment;
	bool marked_only;
};
struct log_view *log_view_new(struct log_buffer *);
void log_view_free(struct log_view *);
/* Texts are copied, the filter is borrowed. Begins anew. */
void log_view_want(struct log_view *, const struct log_wants *);

/* Takes in new lines and goes on with a scan, for about budget_us by now_us (NULL: to the end). Returns
 * whether more is to do. The newest lines are looked at first when a scan begins anew, so that a full screen
 * is there at once: log_view_count() grows at its front while the scan goes on. */
bool log_view_step(struct log_view *, unsigned budget_us, uint64_t (*now_us)(void));

size_t log_view_count(const struct log_view *);
/* Number of the line at a place of the view; false past the end. */
bool log_view_at(const struct log_view *, size_t place, uint64_t *number);
/* Place of the first shown line with this number or a later one; the count when there is none. */
size_t log_view_place(const struct log_view *, uint64_t number);
bool log_view_is_busy(const struct log_view *);

/* The next place after (or before) `from` whose line matches, among about `most` lines looked at from *from
 * on. Moves *from to where it stopped. */
enum log_search { LOG_SEARCH_FOUND, LOG_SEARCH_MORE, LOG_SEARCH_END };
enum log_search log_view_search(const struct log_view *, struct filter *, size_t *from, bool is_backward,
				size_t most);
#endif

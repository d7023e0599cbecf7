/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_PAGER_H
#define TUI_PAGER_H
/*
 * Scrolls a doc: wraps at words for the width it is drawn in, searches (without regard to case unless the
 * pattern has a capital), knows whether its last line was ever seen. UI thread. Holds the doc by pointer:
 * pager_changed() after lines were added, pager_init() for another one.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/doc.h"

struct key;

struct pager_row { /* one line of the screen */
	uint32_t line;     /* of the doc */
	uint32_t at, len;  /* bytes of the doc's text */
	uint16_t indent;
};
struct pager { /* all zero, then pager_init() */
	const struct doc *doc;
	struct pager_row *rows;
	size_t n_rows, cap_rows, wrapped_lines;
	int width;        /* the rows are for this width; 0: none yet */
	size_t top;
	int visible;
	int pan;          /* columns scrolled to the right, when not wrapping */
	bool is_unwrapped;
	bool was_end_seen; /* its last line was drawn once: a long step may be confirmed */
	char search[256]; /* "" none */
	size_t match;     /* doc line of the current match, SIZE_MAX none */
	size_t match_at;  /* byte in the doc's text */
};
void pager_init(struct pager *, const struct doc *); /* at the top */
void pager_finish(struct pager *);
void pager_refilled(struct pager *); /* the doc was made anew: wrapped again, the place is kept as far as it goes */
void pager_changed(struct pager *); /* the doc got more lines; the place is kept */
void pager_draw(struct pager *, const struct canvas *);
/* "down", "up", "top", "bottom", "page-…", "half-…", "search-next", "search-previous", "wrap",
 * "cell-left", "cell-right"; false: none of them. */
bool pager_command(struct pager *, const char *command);
bool pager_key(struct pager *, const struct key *); /* the wheel */
/* Starts a search at the top row; "" ends it. Returns whether anything was found. */
bool pager_search(struct pager *, const char *pattern);
bool pager_search_step(struct pager *, int direction); /* 1 next, -1 previous; goes round */
void pager_show_line(struct pager *, size_t line);     /* scrolls so that it is seen */
size_t pager_top_line(const struct pager *);           /* doc line at the top */
/* "42%", "top", "end", "all" for a border. */
void pager_position(const struct pager *, char *out, size_t size);
#endif

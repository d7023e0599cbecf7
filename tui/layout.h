/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H
/*
 * Room shared out: sizes along one line by minimum, wish and weight. Pure arithmetic.
 */
#include "tui/canvas.h"

struct layout_part {
	int min;    /* never less, as long as the room lasts */
	int ideal;  /* wished; 0 means min */
	int weight; /* share of what is left once all have their wish; 0 takes none */
	int size;   /* out */
};
/* Sets size of each part. Room short of all minimums: the last parts get 0 first, the one that is cut
 * keeps what remains. The sizes never add up to more than room. Gaps between parts are the caller's. */
void layout_share(struct layout_part *, size_t n, int room);

/* Two rectangles side by side or one over the other; percent is the first one's share (0-100), min_* its
 * and the other's least size: where both do not fit, the first gets everything and the second no size.
 * overlap 1 makes them share a border line (canvas_box_joined). */
void layout_columns(const struct canvas *, int percent, int min_left, int min_right, int overlap,
                    struct canvas *left, struct canvas *right);
void layout_rows(const struct canvas *, int percent, int min_top, int min_bottom, int overlap,
                 struct canvas *top, struct canvas *bottom);
/* A rectangle of at most that size in the middle. */
struct canvas layout_centre(const struct canvas *, int rows, int columns);
#endif

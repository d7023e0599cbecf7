/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/layout.h"

static int wish(const struct layout_part *p)
{
	return p->ideal > p->min ? p->ideal : p->min;
}

/* Everybody's minimum, as long as the room lasts. Returns the room left. */
static int give_minimums(struct layout_part *parts, size_t n, int room)
{
	for (size_t i = 0; i < n; i++) {
		int min = parts[i].min > 0 ? parts[i].min : 0;
		parts[i].size = min < room ? min : room;
		room -= parts[i].size;
	}
	return room;
}

/* Those below their wish get an equal share, again until nobody wants more. */
static int give_wishes(struct layout_part *parts, size_t n, int room)
{
	for (;;) {
		int wanting = 0;
		for (size_t i = 0; i < n; i++)
			wanting += parts[i].size < wish(&parts[i]);
		if (wanting == 0 || room <= 0)
			return room;
		int share = room / wanting > 0 ? room / wanting : 1;
		for (size_t i = 0; i < n && room > 0; i++) {
			int more = wish(&parts[i]) - parts[i].size;
			if (more <= 0)
				continue;
			more = more < share ? more : share;
			more = more < room ? more : room;
			parts[i].size += more;
			room -= more;
		}
	}
}

static void give_weights(struct layout_part *parts, size_t n, int room)
{
	int weights = 0;
	for (size_t i = 0; i < n; i++)
		weights += parts[i].weight > 0 ? parts[i].weight : 0;
	for (size_t i = 0; i < n && weights > 0; i++) {
		if (parts[i].weight <= 0)
			continue;
		int more = room * parts[i].weight / weights;
		parts[i].size += more;
		room -= more;
		weights -= parts[i].weight;
	}
}

void layout_share(struct layout_part *parts, size_t n, int room)
{
	room = give_minimums(parts, n, room > 0 ? room : 0);
	room = give_wishes(parts, n, room);
	give_weights(parts, n, room);
}

/* The first part's size; 0 for the second means that it has no room. */
static int split(int room, int percent, int min_first, int min_second, int overlap)
{
	if (room + overlap < min_first + min_second)
		return room;
	int first = (room + overlap) * percent / 100;
	first = first < min_first ? min_first : first;
	int most = room + overlap - min_second;
	return first > most ? most : first;
}

void layout_columns(const struct canvas *c, int percent, int min_left, int min_right, int overlap,
                    struct canvas *left, struct canvas *right)
{
	int first = split(c->columns, percent, min_left, min_right, overlap);
	*left = canvas_sub(c, 0, 0, c->rows, first);
	*right = first == c->columns
			 ? canvas_sub(c, 0, first, 0, 0)
			 : canvas_sub(c, 0, first - overlap, c->rows, c->columns - first + overlap);
}

void layout_rows(const struct canvas *c, int percent, int min_top, int min_bottom, int overlap,
                 struct canvas *top, struct canvas *bottom)
{
	int first = split(c->rows, percent, min_top, min_bottom, overlap);
	*top = canvas_sub(c, 0, 0, first, c->columns);
	*bottom = first == c->rows ? canvas_sub(c, first, 0, 0, 0)
	                           : canvas_sub(c, first - overlap, 0, c->rows - first + overlap, c->columns);
}

struct canvas layout_centre(const struct canvas *c, int rows, int columns)
{
	rows = rows < c->rows ? rows : c->rows;
	columns = columns < c->columns ? columns : c->columns;
	return canvas_sub(c, (c->rows - rows) / 2, (c->columns - columns) / 2, rows, columns);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/list.h"

#include <stdio.h>
#include <string.h>

#include "tui/key.h"

#define NEAR 256     /* rows looked at around the hint before all of them */
#define WHEEL_ROWS 3

static const struct {
	const char *command;
	enum list_move move;
} moves[] = {
	{"down", LIST_DOWN}, {"up", LIST_UP}, {"top", LIST_TOP}, {"bottom", LIST_BOTTOM},
	{"page-down", LIST_PAGE_DOWN}, {"page-up", LIST_PAGE_UP},
	{"half-down", LIST_HALF_DOWN}, {"half-up", LIST_HALF_UP},
};

void list_init(struct list *list, const struct list_source *source)
{
	*list = (struct list){.source = *source};
}

static uint64_t id_at(const struct list *list, size_t index)
{
	return list->source.id(index, list->source.arg);
}

static size_t scan(const struct list *list, uint64_t id, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (id_at(list, i) == id)
			return i;
	return LIST_NO_INDEX;
}

static size_t find(const struct list *list, uint64_t id, size_t count)
{
	if (list->index < count && id_at(list, list->index) == id)
		return list->index;
	if (list->source.index_of)
		return list->source.index_of(id, list->index, list->source.arg);
	size_t from = list->index > NEAR ? list->index - NEAR : 0;
	size_t to = list->index + NEAR < count ? list->index + NEAR : count;
	size_t found = scan(list, id, from, to);
	return found != LIST_NO_INDEX ? found : scan(list, id, 0, count);
}

static void select_index(struct list *list, size_t index)
{
	list->index = index;
	list->selected = id_at(list, index);
}

size_t list_sync(struct list *list)
{
	size_t count = list->source.count(list->source.arg);
	if (count == 0) {
		list->selected = LIST_NO_ID;
		list->index = list->top = 0;
		return 0;
	}
	size_t old = list->index;
	size_t now = list->selected == LIST_NO_ID ? LIST_NO_INDEX : find(list, list->selected, count);
	if (now == LIST_NO_INDEX || now >= count) {
		select_index(list, old < count ? old : count - 1);
		return count;
	}
	list->index = now;
	/* The row keeps its place on the screen when others come or go above it. */
	if (now > old)
		list->top += now - old;
	else
		list->top -= list->top < old - now ? list->top : old - now;
	return count;
}

static void scroll_to_selection(struct list *list, size_t count)
{
	size_t rows = list->visible > 0 ? (size_t)list->visible : 1;
	if (list->index < list->top)
		list->top = list->index;
	if (list->index >= list->top + rows)
		list->top = list->index - rows + 1;
	if (count <= rows)
		list->top = 0;
	else if (list->top > count - rows)
		list->top = count - rows;
}

void list_draw(struct list *list, const struct canvas *c)
{
	list->visible = c->rows;
	list->drawn_y = c->y;
	list->drawn_x = c->x;
	list->drawn_columns = c->columns;
	size_t count = list_sync(list);
	scroll_to_selection(list, count);
	for (int y = 0; y < c->rows && list->top + (size_t)y < count; y++) {
		size_t index = list->top + (size_t)y;
		bool is_selected = index == list->index;
		struct canvas row = canvas_sub(c, y, 0, 1, c->columns);
		if (is_selected)
			row.over = list->is_focused ? STYLE_SELECTED : STYLE_SELECTED_IDLE;
		canvas_clear(&row);
		list->source.draw(&row, index, is_selected, list->source.arg);
	}
}

static size_t moved(const struct list *list, size_t count, enum list_move move)
{
	size_t page = list->visible > 1 ? (size_t)list->visible - 1 : 1;
	size_t half = list->visible > 1 ? (size_t)list->visible / 2 : 1;
	size_t step = move == LIST_DOWN || move == LIST_UP ? 1
	            : move == LIST_PAGE_DOWN || move == LIST_PAGE_UP ? page : half;
	switch (move) {
	case LIST_TOP:
		return 0;
	case LIST_BOTTOM:
		return count - 1;
	case LIST_DOWN: case LIST_PAGE_DOWN: case LIST_HALF_DOWN:
		return list->index + step < count ? list->index + step : count - 1;
	default:
		return list->index > step ? list->index - step : 0;
	}
}

bool list_move(struct list *list, enum list_move move)
{
	size_t count = list_sync(list);
	if (count == 0)
		return false;
	size_t to = moved(list, count, move), from = list->index;
	/* A page moves the window with the selection, so that the eye finds it where it was. */
	if (move != LIST_DOWN && move != LIST_UP) {
		if (to > from)
			list->top += to - from;
		else
			list->top -= list->top < from - to ? list->top : from - to;
	}
	select_index(list, to);
	scroll_to_selection(list, count);
	return to != from;
}

bool list_command(struct list *list, const char *command)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		if (strcmp(moves[i].command, command) == 0) {
			list_move(list, moves[i].move);
			return true;
		}
	}
	return false;
}

bool list_key(struct list *list, const struct key *key, bool *is_hit)
{
	int y = key->y - list->drawn_y, x = key->x - list->drawn_x;
	if (is_hit)
		*is_hit = false;
	if (y < 0 || y >= list->visible || x < 0 || x >= list->drawn_columns)
		return false;
	switch (key->sym) {
	case KEYSYM_WHEEL_UP:
	case KEYSYM_WHEEL_DOWN:
		for (int i = 0; i < WHEEL_ROWS; i++)
			list_move(list, key->sym == KEYSYM_WHEEL_UP ? LIST_UP : LIST_DOWN);
		return true;
	case KEYSYM_CLICK: {
		size_t count = list_sync(list), index = list->top + (size_t)y;
		if (index < count) {
			select_index(list, index);
			if (is_hit)
				*is_hit = true;
		}
		return true;
	}
	default:
		return false;
	}
}

bool list_select(struct list *list, uint64_t id)
{
	size_t count = list_sync(list);
	size_t index = id == LIST_NO_ID || count == 0 ? LIST_NO_INDEX : find(list, id, count);
	if (index == LIST_NO_INDEX || index >= count)
		return false;
	select_index(list, index);
	return true;
}

bool list_select_index(struct list *list, size_t index)
{
	size_t count = list_sync(list);
	if (count == 0)
		return false;
	select_index(list, index < count ? index : count - 1);
	return true;
}

size_t list_index(struct list *list)
{
	return list_sync(list) ? list->index : LIST_NO_INDEX;
}

void list_position(struct list *list, char *out, size_t size)
{
	size_t count = list_sync(list);
	if (size > 0)
		out[0] = '\0';
	if (count > 0)
		snprintf(out, size, "%zu/%zu", list->index + 1, count);
}

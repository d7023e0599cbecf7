/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINES 50000
#define MAX_EDITS 2000 /* what the search for a middle may cost before a part is told whole */

struct line {
	const char *text;
	size_t len;           /* without the newline */
	bool has_newline;
	uint32_t hash;
};

struct side {
	struct line *lines;
	size_t n;
	bool *is_changed;     /* removed from the old, added to the new */
};

struct search {
	struct side a, b;
	long *forward, *backward; /* furthest points, by diagonal; 2 * MAX_EDITS + 3 each */
};

static void split(struct side *s, const char *text, size_t len)
{
	size_t n = 0, cap = 1;
	for (const char *p = text; p < text + len; cap++) {
		const char *nl = memchr(p, '\n', (size_t)(text + len - p));
		p = nl ? nl + 1 : text + len;
	}
	s->lines = mem_array(cap, sizeof(*s->lines));
	s->is_changed = mem_array(cap, sizeof(*s->is_changed));
	for (const char *p = text; p < text + len; n++) {
		const char *nl = memchr(p, '\n', (size_t)(text + len - p));
		const char *end = nl ? nl : text + len;
		uint32_t h = 2166136261u;
		for (const char *c = p; c < end; c++)
			h = (h ^ (unsigned char)*c) * 16777619u;
		s->lines[n] = (struct line){p, (size_t)(end - p), nl != NULL, h};
		p = nl ? nl + 1 : end;
	}
	s->n = n;
}

static bool same(const struct search *s, long x, long y)
{
	const struct line *a = &s->a.lines[x], *b = &s->b.lines[y];
	return a->hash == b->hash && a->len == b->len && a->has_newline == b->has_newline &&
	       memcmp(a->text, b->text, a->len) == 0;
}

struct box { /* a part of both texts: old lines x0..x1, new lines y0..y1 */
	long x0, x1, y0, y1;
};

static void mark(struct search *s, const struct box *b)
{
	for (long x = b->x0; x < b->x1; x++)
		s->a.is_changed[x] = true;
	for (long y = b->y0; y < b->y1; y++)
		s->b.is_changed[y] = true;
}

#define AT(array, k) (array)[(k) + MAX_EDITS + 1]

/* One more edit from the start. True when the two searches met: *x, *y is the point. */
static bool step_forward(struct search *s, const struct box *b, long d, long *x_out, long *y_out)
{
	long delta = (b->x1 - b->x0) - (b->y1 - b->y0);
	for (long k = -d; k <= d; k += 2) {
		bool is_down = k == -d || (k != d && AT(s->forward, k - 1) < AT(s->forward, k + 1));
		long x = is_down ? AT(s->forward, k + 1) : AT(s->forward, k - 1) + 1;
		long y = x - k;
		while (x < b->x1 - b->x0 && y >= 0 && y < b->y1 - b->y0 && same(s, b->x0 + x, b->y0 + y)) {
			x++;
			y++;
		}
		AT(s->forward, k) = x;
		long back = k - delta;
		bool is_inside = x <= b->x1 - b->x0 && y >= 0 && y <= b->y1 - b->y0;
		if (is_inside && (delta & 1) && back >= -(d - 1) && back <= d - 1 &&
		    x + AT(s->backward, -back) >= b->x1 - b->x0) {
			*x_out = b->x0 + x;
			*y_out = b->y0 + y;
			return true;
		}
	}
	return false;
}

/* The same from the end; distances are counted from there. */
static bool step_backward(struct search *s, const struct box *b, long d, long *x_out, long *y_out)
{
	long w = b->x1 - b->x0, h = b->y1 - b->y0, delta = w - h;
	for (long k = -d; k <= d; k += 2) {
		bool is_down = k == -d || (k != d && AT(s->backward, k - 1) < AT(s->backward, k + 1));
		long x = is_down ? AT(s->backward, k + 1) : AT(s->backward, k - 1) + 1;
		long y = x - k;
		while (x < w && y >= 0 && y < h && same(s, b->x1 - 1 - x, b->y1 - 1 - y)) {
			x++;
			y++;
		}
		AT(s->backward, k) = x;
		long fore = delta - k;
		bool is_inside = x <= w && y >= 0 && y <= h;
		if (is_inside && !(delta & 1) && fore >= -d && fore <= d && x + AT(s->forward, fore) >= w) {
			*x_out = b->x1 - x;
			*y_out = b->y1 - y;
			return true;
		}
	}
	return false;
}

/* A point that a shortest way passes, so that both halves are searched by themselves. */
static bool find_middle(struct search *s, const struct box *b, long *x, long *y)
{
	AT(s->forward, 1) = AT(s->backward, 1) = 0;
	for (long d = 0; d <= MAX_EDITS; d++)
		if (step_forward(s, b, d, x, y) || step_backward(s, b, d, x, y))
			return *x >= b->x0 && *x <= b->x1 && *y >= b->y0 && *y <= b->y1;
	return false;
}

static void compare(struct search *s, struct box b, int depth)
{
	while (b.x0 < b.x1 && b.y0 < b.y1 && same(s, b.x0, b.y0)) {
		b.x0++;
		b.y0++;
	}
	while (b.x0 < b.x1 && b.y0 < b.y1 && same(s, b.x1 - 1, b.y1 - 1)) {
		b.x1--;
		b.y1--;
	}
	long x, y;
	bool is_plain = b.x0 == b.x1 || b.y0 == b.y1;
	if (is_plain || depth > 200 || !find_middle(s, &b, &x, &y)) {
		mark(s, &b);
		return;
	}
	if ((x == b.x0 && y == b.y0) || (x == b.x1 && y == b.y1)) {
		mark(s, &b);
		return;
	}
	compare(s, (struct box){b.x0, x, b.y0, y}, depth + 1);
	compare(s, (struct box){x, b.x1, y, b.y1}, depth + 1);
}

static void add_line(struct diff *d, enum diff_kind kind, const struct line *l, size_t old_line,
		     size_t new_line)
{
	d->lines[d->n++] = (struct diff_line){kind, l->has_newline, l->text, l->len, old_line, new_line};
	d->added += kind == DIFF_ADDED;
	d->removed += kind == DIFF_REMOVED;
}

struct at {
	size_t x, y;
};

static bool is_change(const struct search *s, struct at p)
{
	return (p.x < s->a.n && s->a.is_changed[p.x]) || (p.y < s->b.n && s->b.is_changed[p.y]);
}

/* The unchanged lines that start at p. */
static size_t run_of_same(const struct search *s, struct at p)
{
	size_t n = 0;
	while (p.x + n < s->a.n && p.y + n < s->b.n && !is_change(s, (struct at){p.x + n, p.y + n}))
		n++;
	return n;
}

static void add_change(struct diff *d, const struct search *s, struct at *p)
{
	for (; p->x < s->a.n && s->a.is_changed[p->x]; p->x++)
		add_line(d, DIFF_REMOVED, &s->a.lines[p->x], p->x + 1, 0);
	for (; p->y < s->b.n && s->b.is_changed[p->y]; p->y++)
		add_line(d, DIFF_ADDED, &s->b.lines[p->y], 0, p->y + 1);
}

static void add_same(struct diff *d, const struct search *s, struct at *p, size_t n)
{
	for (size_t i = 0; i < n; i++, p->x++, p->y++)
		add_line(d, DIFF_CONTEXT, &s->a.lines[p->x], p->x + 1, p->y + 1);
}

/* One hunk: from its leading context to where more than two contexts of unchanged lines follow. */
static void add_hunk(struct diff *d, const struct search *s, struct at *p, size_t lead, size_t context)
{
	size_t head = d->n++;
	p->x -= lead;
	p->y -= lead;
	struct at start = *p;
	add_same(d, s, p, lead);
	for (;;) {
		add_change(d, s, p);
		size_t gap = run_of_same(s, *p);
		bool is_last = p->x + gap == s->a.n && p->y + gap == s->b.n;
		if (is_last || gap > 2 * context) {
			add_same(d, s, p, gap < context ? gap : context);
			break;
		}
		add_same(d, s, p, gap);
	}
	size_t old_n = p->x - start.x, new_n = p->y - start.y;
	const char *text = arena_printf(&d->arena, "@@ -%zu,%zu +%zu,%zu @@", start.x + (old_n > 0), old_n,
	                                start.y + (new_n > 0), new_n);
	d->lines[head] = (struct diff_line){DIFF_HUNK, true, text, strlen(text), start.x + 1, start.y + 1};
}

static void make_hunks(struct diff *d, const struct search *s, size_t context)
{
	/* Every line once, and at most one header for each of them. */
	d->lines = arena_alloc(&d->arena, 2 * (s->a.n + s->b.n + 1) * sizeof(*d->lines));
	struct at p = {0};
	for (;;) {
		size_t gap = run_of_same(s, p);
		p.x += gap;
		p.y += gap;
		if (!is_change(s, p))
			return;
		add_hunk(d, s, &p, gap < context ? gap : context, context);
	}
}

void diff_texts(struct diff *d, const char *old_text, size_t old_len, const char *new_text, size_t new_len,
                size_t context)
{
	*d = (struct diff){0};
	if (old_len == new_len && (old_len == 0 || memcmp(old_text, new_text, old_len) == 0))
		return;
	struct search s = {0};
	split(&s.a, old_text, old_len);
	split(&s.b, new_text, new_len);
	struct box whole = {0, (long)s.a.n, 0, (long)s.b.n};
	s.forward = mem_array(2 * MAX_EDITS + 3, sizeof(*s.forward));
	s.backward = mem_array(2 * MAX_EDITS + 3, sizeof(*s.backward));
	if (s.a.n > MAX_LINES || s.b.n > MAX_LINES)
		mark(&s, &whole);
	else
		compare(&s, whole, 0);
	make_hunks(d, &s, context);
	free(s.a.lines);
	free(s.a.is_changed);
	free(s.b.lines);
	free(s.b.is_changed);
	free(s.forward);
	free(s.backward);
}

void diff_finish(struct diff *d)
{
	arena_finish(&d->arena);
	*d = (struct diff){0};
}

void diff_print(struct str *out, const struct diff *d, const char *old_name, const char *new_name)
{
	static const char signs[] = {[DIFF_CONTEXT] = ' ', [DIFF_ADDED] = '+', [DIFF_REMOVED] = '-'};
	if (d->n)
		str_addf(out, "--- %s\n+++ %s\n", old_name, new_name);
	for (size_t i = 0; i < d->n; i++) {
		const struct diff_line *l = &d->lines[i];
		if (l->kind != DIFF_HUNK)
			str_addc(out, signs[l->kind]);
		str_addn(out, l->text, l->len);
		str_add(out, l->has_newline ? "\n" : "\n\\ No newline at end of file\n");
	}
}

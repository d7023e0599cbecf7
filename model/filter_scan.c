/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many lines at once: one search runs over the whole block and the place of a hit tells its line, which costs
 * a third of searching line by line. A hit that spans a line feed is asked again on its first line alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/filter_term.h"

static size_t line_length(const struct filter_lines *in, size_t i)
{
	size_t end = i + 1 < in->n ? in->starts[i + 1] : in->len;
	return end - in->starts[i] - 1;
}

/* The line that holds offset at, not before line i. Steps double first: hits are mostly near. */
static size_t line_at(const struct filter_lines *in, size_t i, size_t at)
{
	size_t step = 1, low = i, high = i + 1;
	while (high < in->n && in->starts[high] <= at) {
		low = high;
		step *= 2;
		high = low + step < in->n ? low + step : in->n;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (in->starts[middle] <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void set_bit(uint64_t *bits, size_t i)
{
	bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static void scan_word(const struct term *t, const struct filter_lines *in, uint64_t *bits)
{
	const char *end = in->bytes + in->len;
	size_t line = 0;
	for (const char *p = in->bytes; p < end;) {
		const char *hit = memmem(p, (size_t)(end - p), t->text, t->len);
		if (!hit)
			return;
		line = line_at(in, line, (size_t)(hit - in->bytes));
		if ((size_t)(hit - in->bytes) + t->len <= in->starts[line] + line_length(in, line))
			set_bit(bits, line);
		if (++line >= in->n)
			return;
		p = in->bytes + in->starts[line];
	}
}

static bool match_line(struct filter *f, const struct term *t, const struct filter_lines *in, size_t i)
{
	const struct filter_source *from =
		t->kind == TERM_MEMBER && in->source ? in->source(i, in->arg) : NULL;
	return filter_text_term(f, t, from, in->bytes + in->starts[i], line_length(in, i), in->is_ascii);
}

static void scan_lines(struct filter *f, const struct term *t, const struct filter_lines *in, size_t from,
		       uint64_t *bits)
{
	for (size_t i = from; i < in->n; i++)
		if (match_line(f, t, in, i))
			set_bit(bits, i);
}

static void scan_regex(struct filter *f, const struct term *t, const struct filter_lines *in, uint64_t *bits)
{
	size_t line = 0, at, end;
	bool gave_up;
	while (line < in->n) {
		if (!filter_run(f, t, in->bytes, in->len, in->starts[line], in->is_ascii, &gave_up, &at,
				&end)) {
			if (gave_up) /* some line is too hard: find out which, and count it */
				scan_lines(f, t, in, line, bits);
			return;
		}
		if (at >= in->len)
			return;
		line = line_at(in, line, at);
		if (end <= in->starts[line] + line_length(in, line) || match_line(f, t, in, line))
			set_bit(bits, line);
		line++;
	}
}

static void scan_term(struct filter *f, const struct term *t, const struct filter_lines *in, uint64_t *bits)
{
	if (t->kind == TERM_MEMBER || t->is_by_line)
		scan_lines(f, t, in, 0, bits);
	else if (t->kind == TERM_WORD && !t->is_caseless)
		scan_word(t, in, bits);
	else
		scan_regex(f, t, in, bits);
}

static size_t count_bits(const uint64_t *bits, size_t words)
{
	size_t n = 0;
	for (size_t i = 0; i < words; i++)
		n += (size_t)__builtin_popcountll(bits[i]);
	return n;
}

/* Clears the bits of lines that do not match. */
static void keep_matching(struct filter *f, const struct term *t, const struct filter_lines *in,
			  uint64_t *bits)
{
	size_t words = (in->n + 63) / 64, left = count_bits(bits, words);
	if (!left)
		return;
	if (left < in->n / 8) {
		for (size_t i = 0; i < in->n; i++)
			if (bits[i / 64] >> (i % 64) & 1 && !match_line(f, t, in, i))
				bits[i / 64] &= ~((uint64_t)1 << (i % 64));
		return;
	}
	if (f->scratch_words < words) {
		f->scratch = mem_grow(f->scratch, words, sizeof(*f->scratch));
		f->scratch_words = words;
	}
	memset(f->scratch, 0, words * sizeof(*f->scratch));
	scan_term(f, t, in, f->scratch);
	for (size_t i = 0; i < words; i++)
		bits[i] &= f->scratch[i];
}

static void set_all(uint64_t *bits, size_t n)
{
	memset(bits, 0xff, n / 64 * sizeof(*bits));
	if (n % 64)
		bits[n / 64] = ((uint64_t)1 << (n % 64)) - 1;
}

void filter_scan(struct filter *f, const struct filter_lines *in, uint64_t *has, uint64_t * not )
{
	size_t words = (in->n + 63) / 64;
	bool is_first = true;
	memset(not, 0, words * sizeof(*not ));
	memset(has, 0, words * sizeof(*has));
	for (size_t i = 0; f && i < f->n_terms; i++) {
		if (f->terms[i].is_not) {
			scan_term(f, &f->terms[i], in, not );
		} else if (is_first) {
			scan_term(f, &f->terms[i], in, has);
			is_first = false;
		} else {
			keep_matching(f, &f->terms[i], in, has);
		}
	}
	if (is_first)
		set_all(has, in->n);
}

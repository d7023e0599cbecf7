/* SPDX-License-Identifier: Apache-2.0 */
#include "model/patterns.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/text.h"

#define GROWTH 3.0     /* times the rate before */
#define GROWN_LEAST 5u /* times after the onset, for a pattern that was there before */

struct kept {
	char text[PATTERNS_BYTES];
	char example[PATTERNS_BYTES];
	uint32_t hash;
	uint64_t before, after;
	int64_t first_seen;
};
struct patterns {
	struct patterns_window window;
	struct kept *kept;
	size_t n, cap;
	uint64_t forgotten;
	struct log_text parsed; /* too large for a stack frame of a busy loop */
};

struct patterns *patterns_new(const struct patterns_window *window)
{
	struct patterns *p = mem_alloc(sizeof(*p));
	p->window = *window;
	return p;
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	free(p->kept);
	free(p);
}

/* Masking, word by word. */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

struct out {
	char *s;
	size_t len, size;
};

static void put(struct out *o, const char *s, size_t len)
{
	if (o->len + len >= o->size)
		len = o->size - 1 - o->len;
	memcpy(o->s + o->len, s, len);
	o->len += len;
}

/* An id: hex of 8 and more with a digit, or letters and digits that change places three times and more. */
static bool is_id(const char *s, size_t len)
{
	size_t hex = 0, digits = 0, changes = 0;
	for (size_t i = 0; i < len; i++) {
		hex += is_hex(s[i]);
		digits += is_digit(s[i]);
		changes += i && is_digit(s[i]) != is_digit(s[i - 1]);
	}
	return digits && ((hex == len && len >= 8 && digits < len) || (changes >= 3 && len >= 5));
}

/* One run of letters and digits: an id, or with its numbers masked. "x-4f2a…" of a UUID goes part by part,
 * and mask_dashes() joins the parts. */
static void mask_word(struct out *o, const char *s, size_t len)
{
	if ((len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') || is_id(s, len)) {
		put(o, "<id>", 4);
		return;
	}
	for (size_t i = 0; i < len;) {
		size_t from = i;
		bool is_number = is_digit(s[i]);
		while (i < len && is_digit(s[i]) == is_number)
			i++;
		put(o, is_number ? "<n>" : s + from, is_number ? 3 : i - from);
	}
}

/* "8-4-4-4-12" hex digits (RFC 9562). */
static bool is_uuid(const char *s, size_t len)
{
	if (len < 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (is_dash ? s[i] != '-' : !is_hex(s[i]))
			return false;
	}
	return len == 36 || !is_alnum(s[36]);
}

/* Digits with dots and colons in between: versions, addresses, times of the day, 0.25. Returns its length. */
static size_t number_length(const char *s, size_t len)
{
	size_t n = 0;
	while (n < len && is_digit(s[n]))
		n++;
	while (n && n + 1 < len && (s[n] == '.' || s[n] == ':') && is_digit(s[n + 1]))
		for (n++; n < len && is_digit(s[n]);)
			n++;
	return n;
}

/* A quoted text, quotes included; 0 when the quote is an apostrophe or never closed. */
static size_t quoted_length(const char *s, size_t len, bool after_word)
{
	if (after_word)
		return 0;
	for (size_t i = 1; i < len && i < 200; i++)
		if (s[i] == s[0] && s[i - 1] != '\\')
			return i + 1;
	return 0;
}

void patterns_mask(const char *s, size_t len, char *text, size_t size)
{
	struct out o = {.s = text, .size = size};
	for (size_t i = 0; i < len && o.len + 1 < size;) {
		size_t n = 0;
		if (s[i] == '"' || s[i] == '\'' || s[i] == '`')
			n = quoted_length(s + i, len - i, i && is_alnum(s[i - 1]));
		if (n) {
			put(&o, "<s>", 3);
		} else if (is_uuid(s + i, len - i)) {
			put(&o, "<id>", 4);
			n = 36;
		} else if (is_alnum(s[i])) {
			while (i + n < len && is_alnum(s[i + n]))
				n++;
			size_t number = number_length(s + i, len - i);
			if (number > n || (number == n && number)) {
				put(&o, "<n>", 3);
				n = number;
			} else {
				mask_word(&o, s + i, n);
			}
		} else {
			n = 1;
			put(&o, (unsigned char)s[i] < ' ' ? " " : s + i, 1);
		}
		i += n;
	}
	text[o.len] = '\0';
}

/* Counting. */

static struct kept *find(struct patterns *p, const char *text, uint32_t hash)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->kept[i].hash == hash && strcmp(p->kept[i].text, text) == 0)
			return &p->kept[i];
	return NULL;
}

static struct kept *make(struct patterns *p)
{
	if (p->n < PATTERNS_MAX) {
		if (p->n == p->cap) {
			p->cap = p->cap ? p->cap * 2 : 16;
			p->kept = mem_grow(p->kept, p->cap, sizeof(*p->kept));
		}
		return &p->kept[p->n++];
	}
	struct kept *rarest = p->kept;
	for (size_t i = 1; i < p->n; i++)
		if (p->kept[i].before + p->kept[i].after < rarest->before + rarest->after)
			rarest = &p->kept[i];
	p->forgotten += rarest->before + rarest->after;
	return rarest;
}

/* A line's own words: message and error of a structured one; a plain one without its time stamp and level. */
static void message_of(struct patterns *p, const char *line, size_t len, struct str *out)
{
	struct log_text *t = &p->parsed;
	log_text_parse(t, line, len);
	str_addn(out, t->message.s, t->message.len);
	if (t->error.s && t->form != LOG_FORM_PLAIN) {
		const char *end = memchr(t->error.s, '\n', t->error.len);
		str_add(out, ": ");
		str_addn(out, t->error.s, end ? (size_t)(end - t->error.s) : t->error.len);
	}
}

void patterns_add_level(struct patterns *p, int64_t time, enum log_level level, const char *line, size_t len)
{
	char text[PATTERNS_BYTES];
	if (level < LOG_LEVEL_ERROR || time < p->window.from || time > p->window.to)
		return;
	struct str message = {0};
	message_of(p, line, len < LOG_TEXT_BYTES ? len : LOG_TEXT_BYTES, &message);
	patterns_mask(str_text(&message), message.len, text, sizeof(text));
	uint32_t hash = text_hash(TEXT_SEED, text, strlen(text));
	struct kept *kept = find(p, text, hash);
	if (!kept) {
		kept = make(p);
		*kept = (struct kept){.hash = hash};
		memcpy(kept->text, text, sizeof(text));
		str_copy(kept->example, sizeof(kept->example), str_text(&message));
	}
	if (time < p->window.onset) {
		kept->before++;
	} else {
		kept->after++;
		if (!kept->first_seen || time < kept->first_seen)
			kept->first_seen = time;
	}
	str_finish(&message);
}

void patterns_add(struct patterns *p, int64_t time, const char *line, size_t len)
{
	patterns_add_level(p, time, log_text_level(line, len), line, len);
}

/* How many times its rate before; a pattern that is new counts against half a line before. */
static double growth(const struct patterns *p, uint64_t before, uint64_t after)
{
	double span_before = (double)(p->window.onset - p->window.from),
	       span_after = (double)(p->window.to - p->window.onset);
	if (span_before < 1000)
		span_before = 1000;
	if (span_after < 1000)
		span_after = 1000;
	return ((double)after / span_after) / ((before ? (double)before : 0.5) / span_before);
}

/* New ones first, then those that come most often, then those that grew most. */
static int stronger(const void *a, const void *b)
{
	const struct pattern *x = a, *y = b;
	if (x->is_new != y->is_new)
		return y->is_new - x->is_new;
	if (x->after != y->after)
		return x->after > y->after ? -1 : 1;
	if (x->before != y->before)
		return x->before < y->before ? -1 : 1;
	return x->first_seen < y->first_seen ? -1 : x->first_seen > y->first_seen;
}

size_t patterns_rank(const struct patterns *p, struct pattern *out, size_t most)
{
	struct pattern *all = mem_array(p->n, sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct kept *k = &p->kept[i];
		if (!k->after ||
		    (k->before && (k->after < GROWN_LEAST || growth(p, k->before, k->after) < GROWTH)))
			continue;
		all[n++] = (struct pattern){.text = k->text,
					    .example = k->example,
					    .before = k->before,
					    .after = k->after,
					    .first_seen = k->first_seen,
					    .is_new = !k->before};
	}
	qsort(all, n, sizeof(*all), stronger);
	if (n > most)
		n = most;
	for (size_t i = 0; i < n; i++)
		out[i] = all[i];
	free(all);
	return n;
}

void patterns_sentence(const struct patterns *p, const struct pattern *e, struct str *out)
{
	if (e->is_new)
		str_addf(out, "new since onset, %s", e->after == 1 ? "once" : "");
	else
		str_addf(out, "%.0f times as often as before (%llu, was %llu)",
			 growth(p, e->before, e->after), (unsigned long long)e->after,
			 (unsigned long long)e->before);
	if (e->is_new && e->after != 1)
		str_addf(out, "%llu times", (unsigned long long)e->after);
	str_add(out, ": ");
	utf8_cut(out, e->text, PATTERNS_BYTES);
}

uint64_t patterns_forgotten(const struct patterns *p)
{
	return p->forgotten;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of one container as they come: which are new, and whether those before them were all told. */
#include <string.h>

#include "backend/providers/kubernetes/logs_private.h"
#include "base/clock.h"

#define SECOND 1000000000
#define STAMP_MAX 40
#define PAST_MAX 32768
#define MS 1000000

static bool take_digits(const char *s, size_t n, int64_t *out)
{
	int64_t value = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (s[i] - '0');
	}
	*out = value;
	return true;
}

/* A second that was not read just before, another number of digits, or another zone. */
static bool read_slowly(struct kube_stamps *c, const char *line, size_t len, int64_t *ns, size_t *used)
{
	char text[STAMP_MAX + 1];
	size_t n = 0, digits = 0;
	while (n < len && n < STAMP_MAX && line[n] != ' ')
		n++;
	if (n < 20 || n == STAMP_MAX || line[10] != 'T')
		return false;
	memcpy(text, line, n);
	text[n] = '\0';
	int64_t ms, fraction = 0;
	if (!clock_parse_rfc3339(text, &ms))
		return false;
	if (text[19] == '.')
		while (text[20 + digits] >= '0' && text[20 + digits] <= '9')
			digits++;
	if (!take_digits(text + 20, digits < 9 ? digits : 9, &fraction))
		return false;
	for (size_t i = digits; i < 9; i++)
		fraction *= 10;
	int64_t second = (ms >= 0 ? ms : ms - 999) / 1000;
	if (second <= 0 || second > INT64_MAX / SECOND - 1)
		return false;
	*ns = second * SECOND + fraction;
	*used = n + (n < len);
	if (text[n - 1] == 'Z') {
		memcpy(c->second, text, 19);
		c->ns = second * SECOND;
	}
	return true;
}

bool kube_stamp_read(struct kube_stamps *c, const char *line, size_t len, int64_t *ns, size_t *used)
{
	int64_t fraction;
	if (len < 31 || line[19] != '.' || line[29] != 'Z' || line[30] != ' ' ||
	    memcmp(line, c->second, 19) != 0 || !take_digits(line + 20, 9, &fraction))
		return read_slowly(c, line, len, ns, used);
	*ns = c->ns + fraction;
	*used = 31;
	return true;
}

void kube_tail_say(const struct kube_tail *t, struct run *r, enum log_what what, int64_t ms, const char *text)
{
	run_log(r, &(struct log_item){.what = what,
				      .time = ms,
				      .instance = t->id,
				      .instance_len = t->id_len,
				      .text = text,
				      .len = strlen(text)});
}

/* A line that was not told comes, and the last one that was did not come before it. The run before may have
 * it; if not, what lies between is not known. */
static bool is_lost(struct kube_tail *t, struct run *r, int64_t ns)
{
	if (!t->is_previous && !t->was_previous_tried) {
		kube_tail_ask(t, r, true, true, 0);
		return true;
	}
	kube_tail_unproven(t, r, ns);
	return false;
}

/* While lines come again: true for the first that was not told, and all after it. */
static bool is_new(struct kube_tail *t, struct run *r, int64_t ns)
{
	if (ns == t->anchor && t->skip > 0) {
		if (--t->skip == 0) {
			t->is_catching = t->was_previous_tried = false;
			t->is_fresh = true;
		}
		return false;
	}
	if (ns <= t->newest || (t->needs_proof && is_lost(t, r, ns)))
		return false;
	t->is_catching = false;
	return true;
}

/* The reply ended well, but its last line has no end: it was broken off, or nothing more was printed. It is
 * told when it comes again and is no longer. */
static bool is_torn(struct kube_tail *t, const struct input *in, int64_t ns)
{
	bool is_same = t->torn == ns && t->torn_len == in->len;
	t->torn = is_same || kube_tail_limit(t) == 0 ? 0 : ns;
	t->torn_len = in->len;
	return t->torn != 0;
}

/* No stamp: the rest of a long line whose head is older than what was asked for, or the node's own words. */
static void take_odd(struct kube_tail *t, struct run *r, const struct input *in)
{
	if (!in->len)
		return;
	int len = in->len < sizeof(t->note) ? (int)in->len : (int)sizeof(t->note) - 1;
	if (t->is_stamped)
		kube_tail_say(t, r, LINE_GAP, run_now(r),
			      arena_printf(run_arena(r), "the node says: %.*s", len, in->data));
	else
		str_copy(t->note, sizeof(t->note), arena_dup_n(run_arena(r), in->data, (size_t)len));
}

/* The first line of all. What was asked for may begin earlier than what is kept. */
static void tell_first(struct kube_tail *t, struct run *r, int64_t ns)
{
	int64_t from = kube_tail_from(t, r);
	if (from && ns / 1000000 - from > KUBE_LATE_MS)
		kube_tail_look(t, r, KUBE_LOOK_FILE);
}

/* --- where files may end --- */

/* A look that is late leaves much behind it: then every other place is forgotten. */
static void remember(struct kube_tail *t, int64_t ns)
{
	if (t->n_past && t->past[t->n_past - 1] / MS == ns / MS)
		return;
	if (t->n_past == PAST_MAX) {
		for (size_t i = 0; i < PAST_MAX / 2; i++)
			t->past[i] = t->past[2 * i];
		t->n_past /= 2;
		t->looked_past /= 2;
	}
	if ((t->n_past & (t->n_past - 1)) == 0)
		t->past = mem_grow(t->past, t->n_past ? 2 * t->n_past : 1, sizeof(*t->past));
	t->past[t->n_past++] = ns;
}

int64_t kube_tail_before(const struct kube_tail *t, int64_t ns)
{
	int64_t before = t->file;
	for (size_t i = 0; i < t->n_past; i++)
		if (t->past[i] < ns && t->past[i] > before)
			before = t->past[i];
	return before;
}

void kube_tail_looked(struct kube_tail *t)
{
	size_t gone = t->looked_past ? t->looked_past - 1 : 0;
	if (gone)
		memmove(t->past, t->past + gone, (t->n_past - gone) * sizeof(*t->past));
	t->n_past -= gone;
	t->looked_past -= gone;
}

const char *kube_tail_missing(struct run *r, int64_t from, int64_t to)
{
	char first[CLOCK_TEXT], last[CLOCK_TEXT];
	clock_rfc3339(from / MS, first);
	clock_rfc3339(to / MS, last);
	const char *when = !to                  ? arena_printf(run_arena(r), "after %s", first)
			   : str_eq(first, last) ? arena_printf(run_arena(r), "at %s", first)
						 : arena_printf(run_arena(r), "between %s and %s", first, last);
	return arena_printf(run_arena(r), "lines written %s may be missing", when);
}

void kube_tail_line(struct kube_tail *t, struct run *r, const struct input *in)
{
	int64_t ns;
	size_t used;
	t->lines++;
	t->bytes += in->len + 1;
	if (!kube_stamp_read(&t->stamps, in->data, in->len, &ns, &used)) {
		take_odd(t, r, in);
		return;
	}
	t->is_stamped = true;
	if (t->is_catching && !is_new(t, r, ns))
		return;
	if (ns < t->anchor - KUBE_SLACK_NS && !t->is_fresh && t->has_line && kube_tail_follows(t, r)) {
		kube_tail_ask(t, r, false, true, ns);
		return;
	}
	t->is_fresh = false;
	if ((in->is_last && is_torn(t, in, ns)) || ns < t->since)
		return;
	if (!t->file) {
		t->file = ns;
		if (!t->newest)
			tell_first(t, r, ns);
	}
	t->same = ns == t->anchor && t->has_line ? t->same + 1 : 1;
	t->anchor = ns;
	t->has_line = true;
	t->attempts = 0;
	if (ns > t->newest)
		t->newest = ns;
	if (run_request(r)->logs.is_following)
		remember(t, ns);
	run_log(r, &(struct log_item){.what = LINE_TEXT,
				      .time = ns / 1000000,
				      .instance = t->id,
				      .instance_len = t->id_len,
				      .text = in->data + used,
				      .len = in->len - used});
	if (t->bytes - t->looked_bytes > KUBE_BUSY_BYTES && !t->is_hurried)
		kube_tail_hurry(t, r);
}

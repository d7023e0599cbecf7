/* SPDX-License-Identifier: Apache-2.0 */
#include "model/rank.h"

#include <stdlib.h>

#include "base/str.h"

#define NEAR_MS (60 * 60 * 1000)

static bool is_dependency(const struct rank_subject *s, const char *service)
{
	for (size_t i = 0; i < s->dependencies.n; i++)
		if (str_eq(s->dependencies.items[i], service))
			return true;
	return false;
}

/* False: another environment, or a service of it that is unsaid and so no candidate of a nearer tier. */
static bool tier_of(const struct timeline_entry *e, const struct rank_subject *s, enum rank_tier *tier)
{
	if (e->environment && s->environment && !str_eq(e->environment, s->environment))
		return false;
	if (e->service && str_eq(e->service, s->service))
		*tier = RANK_SAME_SERVICE;
	else if (e->service && is_dependency(s, e->service))
		*tier = RANK_DEPENDENCY;
	else
		*tier = RANK_SAME_ENVIRONMENT;
	return true;
}

static int better(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	bool x_old = x->before_ms > NEAR_MS, y_old = y->before_ms > NEAR_MS;
	if (x_old != y_old)
		return x_old - y_old;
	if (x->is_after != y->is_after)
		return x->is_after - y->is_after;
	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	if (x->before_ms != y->before_ms)
		return x->before_ms < y->before_ms ? -1 : 1;
	return x->entry->order < y->entry->order ? 1 : -1; /* the later told one is the nearer one */
}

size_t rank_changes(const struct timeline *t, const struct rank_subject *s, struct ranked *out, size_t most)
{
	struct ranked *all = mem_array(t->n, sizeof(*all));
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct timeline_entry *e = &t->entries[i];
		enum rank_tier tier;
		if (!e->is_change || e->time > s->onset + RANK_SLACK_MS || !tier_of(e, s, &tier))
			continue;
		int64_t before = s->onset - e->time;
		all[n++] = (struct ranked){.entry = e, .tier = tier, .before_ms = before < 0 ? 0 : before,
					.is_after = before < 0 && str_starts(e->what ? e->what : "", "rollback")};
	}
	qsort(all, n, sizeof(*all), better);
	if (n > most)
		n = most;
	for (size_t i = 0; i < n; i++)
		out[i] = all[i];
	free(all);
	return n;
}

void rank_sentence(const struct ranked *r, const struct rank_subject *s, struct str *out)
{
	const struct timeline_entry *e = r->entry;
	if (r->tier != RANK_SAME_SERVICE && e->service)
		str_addf(out, "%s ", e->service);
	str_add(out, str_empty(e->what) ? e->text : e->what);
	if (!str_empty(e->who))
		str_addf(out, ", by %s", str_eq(e->who, s->you) ? "you" : e->who);
	str_add(out, ", ");
	timeline_span(r->before_ms, out);
	str_add(out, " before onset");
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_RANK_H
#define MODEL_RANK_H
/*
 * Which change may have caused it: those before the onset, of the last hour before older ones; among them the
 * service's own first, then those of its dependencies, then those of its environment; the nearest first.
 * A ranking, no proof: the sentence says what and when, not why. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline.h"

enum rank_tier { RANK_SAME_SERVICE, RANK_DEPENDENCY, RANK_SAME_ENVIRONMENT };
struct rank_subject {
	const char *service, *environment;
	struct texts dependencies;
	int64_t onset;   /* when it began: starts_at of the alert */
	const char *you; /* name of who sits there; its changes read "by you" */
};
struct ranked {
	const struct timeline_entry *entry; /* of the timeline, borrowed */
	enum rank_tier tier;
	int64_t before_ms; /* the onset */
	bool is_after;     /* a rollback within the slack: an answer to it, ranked behind what may have caused it */
};
#define RANK_SLACK_MS                                                                                        \
	2000 /* clocks and scrapes differ: a change that little after the onset still counts, as 0 s */
/* Fills out[0..most), best first. Returns how many. */
size_t rank_changes(const struct timeline *, const struct rank_subject *, struct ranked *out, size_t most);
/* "1.9.2, by you, 20 s before onset"; of another service "ledger 2.0.0, by ada, 2m 05s before onset". */
void rank_sentence(const struct ranked *, const struct rank_subject *, struct str *out);
#endif

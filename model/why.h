/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_WHY_H
#define MODEL_WHY_H
/*
 * "Why can't I deploy, why is it red?" for a placement: the checks made, in the order in which a person would
 * make them, and one sentence for the first that fails. Everything is computed from records; nothing is
 * fetched, no clock is read. Pure; the result owns its texts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/health.h"
#include "model/record.h"

struct why_facts { /* NULL and 0: there is none. Arrays in any order; rows of other placements are passed
		      over. */
	const char *service, *environment; /* what was asked for; never NULL */
	int64_t now;
	const char *you;                    /* reads "by you" in sentences; may be NULL */
	const struct health_source *source; /* of the placement's facts; NULL: live */
	const char *source_name, *source_error;
	const struct service *service_record;
	const struct environment *environment_record,
		*environment_before; /* before: in the order of promotion */
	const struct placement *placement, *placement_before;
	const struct placement *const *neighbours; /* placements of its dependencies in this environment */
	size_t n_neighbours;
	const struct instance *const *instances;
	size_t n_instances;
	const struct deploy *const *deploys;
	size_t n_deploys;
	const struct release *const *releases;
	size_t n_releases;
	const struct alert *const *alerts;
	size_t n_alerts;
	const struct lock *const *locks;
	size_t n_locks;
	const struct event *const *events;
	size_t n_events;
};
#define WHY_CHECKS_MAX 16
struct why {
	struct arena arena;
	struct step checks[WHY_CHECKS_MAX]; /* name, state (done: fine; running; failed; skipped: cannot be
					       told), detail */
	size_t n;
	const char *answer; /* one sentence, never NULL */
	bool is_fine;       /* no check failed and none is running */
};
void why_explain(const struct why_facts *, struct why *out); /* out is overwritten */
void why_finish(struct why *);
#endif

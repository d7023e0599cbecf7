/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H
/*
 * Records as verbs print them: chosen from a session's tables, in the order a person expects, and as JSON with the
 * names that fairway(1) promises. Main thread; rows are borrowed from the session until its next wait.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/session.h"

struct cJSON;

struct rows {
	const struct record_class *class;
	const void **items;
	size_t n;
};
/* What a record must be to be chosen; NULL and 0 choose all. */
struct rows_wish {
	const char *service, *environment;
	int64_t since; /* wall ms: not older */
};
void rows_find(const struct session *, enum record_kind, const struct rows_wish *, struct rows *);
void rows_finish(struct rows *);
/* The first record of kind whose member `name` is value; NULL when there is none. */
const void *rows_one(const struct session *, enum record_kind, const char *name, const char *value);
/* ERR_NOT_FOUND when the wish names a service or an environment that no live source knows. What cannot be known
 * because a source is away passes: session_check() tells that. Needs services and environments to be watched. */
bool rows_check_wish(const struct session *, const struct rows_wish *, struct err *err);
/* Reads these kinds once and checks the wish, for which names of services and environments are enough. A name that is
 * unknown then may be one that only a whole look knows (of instances without a workload): it is looked for once more. */
bool rows_read(struct session *, unsigned kinds, const struct rows_wish *, struct err *err);

/* One record; the caller owns it. Adds what is promised beside its members: placements[] of a service, stale of
 * placements and environments, source of an alert. */
struct cJSON *rows_json(const struct session *, const struct record_class *, const void *record);
/* What a placement or environment is worth now: its health, or unknown when its source is not live. */
int rows_health(const struct session *, const void *record, int health);
#endif

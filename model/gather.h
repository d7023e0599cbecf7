/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_GATHER_H
#define MODEL_GATHER_H
/*
 * Collects, out of the tables of all kinds, what the computed sentences ask for: why (model/why.h) and the timeline
 * (model/timeline.h). The one place where a face's tables meet them. Results point into the tables and into the arena:
 * good until the tables change. One thread, the tables' own.
 */
#include <stdint.h>

#include "base/mem.h"
#include "model/records.h"
#include "model/timeline.h"
#include "model/why.h"

typedef struct records *const gather_tables[RECORD_COUNT];

/* you: the name that audits and deploys have for who sits here; NULL: nobody. */
void gather_why(gather_tables, const char *service, const char *environment, int64_t now, const char *you, struct arena *,
                struct why_facts *out);
/* What happened in that environment between from and to, to the service and to what it depends on. */
void gather_timeline(gather_tables, const char *service, const char *environment, int64_t from, int64_t to,
                     struct timeline *out);
/* The row whose key members are these; NULL when there is none. */
const struct placement *gather_placement(gather_tables, const char *service, const char *environment);
/* What a promotion brings on, where the wish leaves it out: from (the environment before its own) and version (what
 * runs there). Sources do not see each other, so only a face can know that. Other wishes are left as they are. */
void gather_promotion(gather_tables, struct wish *);
/* The environment before this one in the order of promotion, or NULL. */
const struct environment *gather_environment_before(gather_tables, const struct environment *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_ALERT_GROUPS_H
#define VIEWS_ALERT_GROUPS_H
/*
 * A storm of alerts told by placement: above ALERT_GROUPS_FROM rows each placement keeps its worst alert, with the count
 * of the others. UI thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/record.h"
#include "model/records.h"

#define ALERT_GROUPS_FROM 20

struct alert_group {
	const char *id; /* of the alert that stands for it */
	const char *service, *environment;
	int rank;       /* of that alert: the least is the worst */
	size_t n;       /* alerts in it */
};
struct alert_groups { /* all zero: no grouping; texts are borrowed from the table until it changes */
	struct alert_group *items;
	size_t n;
};
typedef bool alert_wanted(const struct alert *, void *arg);
typedef int alert_rank(const struct alert *);
void alert_groups_make(struct alert_groups *, const struct records *, alert_wanted *, alert_rank *, void *arg);
void alert_groups_clear(struct alert_groups *);
/* The group that this alert stands for; NULL when another one does, or when nothing is grouped. */
const struct alert_group *alert_groups_head(const struct alert_groups *, const struct alert *);
#endif

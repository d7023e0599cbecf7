/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RULES_PART_H
#define PLATFORM_RULES_PART_H
/* What platform/rules*.c share. */
#include "model/alert_rule.h"
#include "model/service_file.h"
#include "platform/rules.h"

#define RULE_FIRINGS 8

struct rule {
	const struct service_alert *what; /* in the set's file */
	char id[17];
	struct rule_state state;
	int64_t fired[RULE_FIRINGS]; /* wall times, newest first */
	bool is_being_told;
};
struct rule_set { /* of a placement */
	struct rule_set *next;
	char *service, *environment;
	int64_t release; /* whose service.yaml it is */
	struct service_file file;
	struct metric_history *history;
	struct rule *rules;
	size_t n_rules;
};
struct rules {
	struct daemon *daemon;
	struct rule_set *sets;
	struct reactor_timer *timer;
	int64_t evaluated_at;
	bool is_due;
};
struct rule_set *rules_find(const struct rules *, const char *service, const char *environment);
/* Name of the series that a rule watches: "error_ratio", "latency_p95", a metric; NULL: none. */
const char *rules_series_name(const struct service_alert *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RULES_H
#define PLATFORM_RULES_H
/*
 * Alerts: each service's rules, evaluated for each of its placements over what was scraped and probed, nothing else.
 * Alert records carry phases, how they are handled (acks, silences, inhibition), and whether their team was told.
 * The daemon's thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct daemon;
struct err;
struct rules;

struct rules *rules_new(struct daemon *, struct err *);
void rules_free(struct rules *);
/* What the rules of a service say has changed, or which release serves. */
void rules_reload(struct rules *, const char *service, const char *environment);
void rules_forget(struct rules *, const char *service, const char *environment);
/* Prometheus text as an instance served it; text NULL: it could not be had. */
void rules_on_scrape(struct rules *, const char *service, const char *environment, const char *instance,
                     const char *text, size_t len);
/* The instance is gone for good: it is not missed in the history any more. */
void rules_on_gone(struct rules *, const char *service, const char *environment, const char *instance);
/* Evaluates now, once, after the callbacks of this turn. */
void rules_touch(struct rules *);
/* Whether a rule of the placement is pending or firing: it is then looked at more often. */
bool rules_is_alert(const struct rules *, const char *service, const char *environment);
int64_t rules_evaluated_at(const struct rules *);
/* The points of a series as GET /v1/series tells them; NULL with ERR_NOT_FOUND. The caller deletes it. */
struct cJSON *rules_series(const struct rules *, const char *service, const char *environment, const char *name,
                           int64_t since, struct err *);
/* Id of the alert that a rule of a placement makes. */
void rules_fingerprint(const char *service, const char *environment, const char *rule, char id[17]);
/* From notify.h: what came of telling the team. */
void rules_on_notified(struct rules *, const char *alert, const char *outcome);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H
/*
 * What happened around a time, in one ordered list: deploys (begin, cut over, end), locks, events (scale,
 * restarts, exits, configuration, probes), alerts (pending, firing, resolved), acks and notes. model/rank
 * tells which of its changes may be the cause; timeline_markdown() writes it down for an incident.
 *
 * A timeline owns copies of all texts. Pure, one owner, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "model/record.h"

struct str;

enum timeline_kind {
	TIMELINE_DEPLOY,
	TIMELINE_CUT_OVER,
	TIMELINE_DEPLOY_END,
	TIMELINE_LOCK,
	TIMELINE_EVENT,
	TIMELINE_ALERT,
	TIMELINE_ACK,
	TIMELINE_NOTE
};
struct timeline_entry {
	int64_t time;
	enum timeline_kind kind;
	const char *service, *environment, *who; /* NULL when unsaid */
	const char *text;                        /* what happened, a few words: "cut over to 1.9.2" */
	const char *what; /* of a change, as rank_sentence() begins: "1.9.2", "rollback to 1.9.1", "scale" */
	const char *id;   /* of the deploy, alert, event or note */
	bool is_change;   /* may be a cause; one entry a deploy has it */
	size_t order;     /* of adding: equal times keep it */
};
struct timeline {
	struct arena arena;
	struct timeline_entry *entries; /* sorted after timeline_sort() */
	size_t n, cap;
	int64_t from, to; /* what is outside is not added */
};
void timeline_init(struct timeline *, int64_t from, int64_t to);
void timeline_finish(struct timeline *);
void timeline_add_deploy(struct timeline *, const struct deploy *);
/* When the new version began to serve: the end of the step whose name begins with "cut"; 0: it did not. */
int64_t timeline_cut_over(const struct deploy *);
void timeline_add_event(struct timeline *, const struct event *);
void timeline_add_alert(struct timeline *, const struct alert *); /* its phases and its ack */
void timeline_add_lock(struct timeline *, const struct lock *);
void timeline_add_note(struct timeline *, const struct note *);
void timeline_sort(struct timeline *); /* by time; call once after the last add */

struct timeline_facts { /* the head of an incident's copy; what is NULL is left out */
	const struct alert *alert;
	const char *service, *environment, *team, *on_call;
	const char *cause;    /* rank_sentence() of the first change */
	const char *evidence; /* log lines, a pattern: put in a fence */
	int64_t now;
};
/* GitHub-flavoured Markdown. Everything from outside is masked and escaped; times are UTC. */
void timeline_markdown(const struct timeline *, const struct timeline_facts *, struct str *out);
/* "acked after 6 s, resolved after 55 s"; "firing for 2m 05s, not acked". */
void timeline_alert_spans(const struct alert *, int64_t now, struct str *out);
/* Text in a fence longer than any run of backticks in it. */
void timeline_fence(struct str *out, const char *text);
/* "20 s", "2m 05s", "1h 02m": spans in sentences. */
void timeline_span(int64_t ms, struct str *out);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_ALERT_RULE_H
#define MODEL_ALERT_RULE_H
/*
 * One alert rule of one placement, step by step. Pure: facts, history and time come in. All waiting is
 * measured in monotonic time; the wall clock only stamps, so a clock that jumps fires and resolves nothing.
 *
 *	inactive → pending (holds for `for:`) → firing → resolved → pending …
 *
 * What cannot be seen is unknown, never resolved: a firing rule that loses its data becomes unknown, and
 * firing or resolved again when there is data for a whole window.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/metric_history.h"
#include "model/service_file.h"

enum rule_phase { RULE_INACTIVE, RULE_PENDING, RULE_FIRING, RULE_RESOLVED, RULE_UNKNOWN };
const char *rule_phase_name(enum rule_phase); /* "inactive", "pending", "firing", "resolved", "unknown" */
bool rule_phase_of(const char *name, enum rule_phase *out);

struct rule_facts { /* about the placement, from the process table and the probes */
	bool is_known;       /* false: the rest is not known now (just started, probes not run yet) */
	int desired, ready, unhealthy;
	bool has_crash_loop;
};

struct rule_state { /* all zero is inactive; a value that may be stored and read back */
	enum rule_phase phase;
	bool is_blind;              /* the last step could not see enough to say "no" */
	bool has_value;
	double value;               /* what was compared: share, seconds, the metric */
	int64_t pending_mono_ms;    /* since when it has held without a gap; meaningless after a reboot */
	int64_t pending_at;         /* wall time of that */
	int64_t starts_at, ends_at; /* wall time of firing and of its end; 0: not (yet) */
};

/* Returns whether the phase changed. A stored state read back after a restart keeps firing and resolved. */
bool alert_rule_step(const struct service_alert *, const struct rule_facts *, const struct metric_history *,
                     int64_t mono_ms, int64_t wall_ms, struct rule_state *);
/* Milliseconds until a pending rule fires if it keeps holding; 0 when it is not pending. */
int64_t alert_rule_fires_in(const struct service_alert *, const struct rule_state *, int64_t mono_ms);

#define RULE_SENTENCE 256
/* "12.5% of requests fail, above 5% over 10s"; without a value: "fires above 5% …". */
void alert_rule_sentence(const struct service_alert *, const struct rule_state *, char out[RULE_SENTENCE]);
#endif

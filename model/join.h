/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_JOIN_H
#define MODEL_JOIN_H
/*
 * To which service and environment a fact of another system belongs. The rules are data, in order of
 * preference; the first whose label or annotation is there and names something known wins, then the first
 * that is there at all. What no rule fits is unowned, and is shown so. Pure, any thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "model/record.h"

enum join_part { JOIN_SERVICE, JOIN_ENVIRONMENT, JOIN_TEAM, JOIN_PARTS };

struct join_rule {
	enum join_part part;
	const char *label; /* of labels or annotations; "a/b" is a Kubernetes label with its prefix */
	enum {
		JOIN_WHOLE,     /* the value is the name */
		JOIN_LAST_PART, /* what follows the last '/' or ':' ("component:default/checkout") */
		JOIN_OWNER,     /* a pod's name without its suffixes ("checkout-7d9f8b6c5-x2x9z") */
		JOIN_REPOSITORY /* the last part of a repository's address, without ".git" */
	} take;
};
extern const struct join_rule join_default_rules[];
extern const size_t join_n_default_rules;

struct join_context {
	const struct join_rule *rules; /* NULL: the default ones */
	size_t n_rules;
	bool (*is_known)(enum join_part, const char *name, void *arg); /* NULL: everything is */
	const char *environment; /* the one that the source itself serves, by configuration; may be NULL */
	void *arg;
};
struct join_name {
	char name[64]; /* "" when nothing fits */
	char rule[96]; /* how: "joined by label `service`"; "told by the source"; "" */
};
struct joined {
	struct join_name part[JOIN_PARTS];
};
/* labels and annotations may be empty. What the source itself said (may be NULL) wins over every rule. */
void join(const struct join_context *, const char *service, const char *environment, const char *team,
	  const struct pairs *labels, const struct pairs *annotations, struct joined *out);
/* "joined by label `service`", or "unowned: no rule fits its labels"; cut at size. */
void join_sentence(const struct joined *, char *out, size_t size);
#endif

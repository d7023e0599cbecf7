/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_WHY_CHECKS_H
#define MODEL_WHY_CHECKS_H
/* The checks that why_explain() makes, one function each. Of model/why only. */
#include "base/str.h"
#include "model/why.h"

struct why_words {
	struct str detail;   /* what the check saw, a few words */
	struct str sentence; /* the answer, when it fails or runs */
};
struct why_check {
	const char *name;
	enum step_state (*run)(const struct why_facts *, struct why_words *);
};
enum step_state why_check_source(const struct why_facts *, struct why_words *);
enum step_state why_check_service(const struct why_facts *, struct why_words *);
enum step_state why_check_environment(const struct why_facts *, struct why_words *);
enum step_state why_check_lock(const struct why_facts *, struct why_words *);
enum step_state why_check_deploy(const struct why_facts *, struct why_words *);
enum step_state why_check_last_deploy(const struct why_facts *, struct why_words *);
enum step_state why_check_crash(const struct why_facts *, struct why_words *);
enum step_state why_check_listener(const struct why_facts *, struct why_words *);
enum step_state why_check_ready(const struct why_facts *, struct why_words *);
enum step_state why_check_needs(const struct why_facts *, struct why_words *);

void why_say_time(struct str *, int64_t ms); /* "14:02", local */
void why_say_who(const struct why_facts *, struct str *,
		 const char *by); /* " by ada", " by you", or nothing */
void why_say_ago(const struct why_facts *, struct str *, int64_t at);
bool why_is_here(const struct why_facts *, const char *service, const char *environment);
const struct deploy *why_last_deploy(const struct why_facts *, int64_t until); /* until 0: of all */
#endif

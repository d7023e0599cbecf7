/* SPDX-License-Identifier: Apache-2.0 */
/* What changes which release runs, or how many instances: deploy, promote, rollback, restart, scale, cancel. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "platform/deploy.h"
#include "platform/fleet.h"
#include "platform/operate_row.h"
#include "platform/own.h"
#include "platform/plan_diff.h"
#include "platform/release.h"
#include "platform/state.h"
#include "platform/up.h"

struct place_of { /* what a plan about a placement looks at */
	const struct service *service;
	const struct environment *environment;
	const struct own_target *target;
	const struct release *now;    /* what serves; NULL: nothing */
	const struct deploy *deploy;  /* under way */
};

static bool find(struct planning *p, struct place_of *at, struct err *err)
{
	const struct wish *w = p->wish;
	const struct daemon *d = p->daemon;
	if (!w->service || !w->environment)
		return err_set(err, ERR_USAGE, "%s needs a service and an environment", w->action);
	at->service = state_get(d->state, record_class(RECORD_SERVICE), w->service);
	if (!at->service)
		return err_set(err, ERR_NOT_FOUND, "there is no service \"%.63s\"", w->service);
	at->environment = state_get(d->state, record_class(RECORD_ENVIRONMENT), w->environment);
	if (!at->environment)
		return err_set(err, ERR_NOT_FOUND, "there is no environment \"%.63s\"", w->environment);
	at->target = fleet_target(d->fleet, w->service, w->environment);
	at->now = at->target && at->target->release != RECORD_NONE
	                  ? release_get(d->releases, w->service, at->target->release)
	                  : NULL;
	at->deploy = deploy_under_way(d->deploys, w->service, w->environment);
	plan_basis(p, "release %lld;", at->target ? (long long)at->target->release : -2);
	return true;
}

/* Guards that hold for every change of a placement. */
static void guard(struct planning *p, const struct place_of *at)
{
	const struct wish *w = p->wish;
	const struct lock *lock =
		state_getf(p->daemon->state, record_class(RECORD_LOCK), "%s/%s", w->service, w->environment);
	plan_basis(p, "lock %lld;", lock ? (long long)lock->at : 0);
	if (!lock)
		return;
	char until[CLOCK_TEXT] = "it is unlocked";
	if (lock->until)
		clock_rfc3339(lock->until, until);
	const char *text = arena_printf(p->arena, "%s in %s is locked by %s until %s: %s", w->service, w->environment,
	                                lock->by, until, lock->reason);
	plan_lock(p, text);
	plan_refuse(p, ERR_REFUSED, "%s", text);
	(void)at;
}

static void refuse_when_busy(struct planning *p, const struct place_of *at)
{
	plan_basis(p, "deploy %s;", at->deploy ? at->deploy->id : "none");
	if (at->deploy)
		plan_refuse(p, ERR_REFUSED, "%s %s to %s is under way: wait for its end, or cancel it", at->deploy->kind,
		            at->deploy->service, at->deploy->environment);
}

static void warn_of_databases(struct planning *p, const struct place_of *at)
{
	if (!at->service->databases.n)
		return;
	if (p->wish->without_databases)
		plan_warn(p, "%s runs without its databases (%s)", at->service->name, at->service->databases.items[0]);
	else
		plan_refuse(p, ERR_REFUSED,
		            "%s wants a database (%s), which this platform cannot provide yet: --without-databases deploys"
		            " it all the same",
		            at->service->name, at->service->databases.items[0]);
}

static void refuse_bad(struct planning *p, const struct release *r)
{
	plan_basis(p, "bad %d;", r->is_bad);
	if (!r->is_bad)
		return;
	const char *why = r->bad_reason ? r->bad_reason : "it was rolled back";
	if (p->wish->despite_bad)
		plan_warn(p, "%s %s is marked bad: %s", r->service, r->version, why);
	else
		plan_refuse(p, ERR_REFUSED, "%s %s is marked bad (%s): --despite-bad takes it all the same", r->service,
		            r->version, why);
}

static void add_steps(struct planning *p)
{
	static const char *const steps[] = {"build", "start", "healthy", "cut over", "drain", "watch"};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		plan_step(p, steps[i]);
}

static void add_diff(struct planning *p, const struct place_of *at, const struct release *to)
{
	if (at->now && to && at->now->number != to->number)
		p->plan->diff = plan_diff(p->daemon, at->now, to, p->arena);
}

static void add_change(struct planning *p, const struct place_of *at, const char *version)
{
	const struct wish *w = p->wish;
	if (at->now)
		plan_change(p, "%s in %s goes from %s to %s", w->service, w->environment, at->now->version, version);
	else
		plan_change(p, "%s in %s starts with %s", w->service, w->environment, version);
	if (at->target && at->target->desired > 0)
		plan_change(p, "%lld fresh instance%s start, then the old ones end", (long long)at->target->desired,
		            at->target->desired == 1 ? "" : "s");
}

static const char *flags_of(struct planning *p)
{
	const struct wish *w = p->wish;
	return arena_printf(p->arena, "%s%s%s", w->despite_bad ? " --despite-bad" : "",
	                    w->past_migration ? " --past-migration" : "", w->without_databases ? " --without-databases" : "");
}

/* ---- deploy ---- */

/* The service.yaml that would run: of a kept release as it was built, else the one that lies in the folder. */
static bool load_file(const struct daemon *d, const struct service *s, int64_t release, struct service_file *file,
                      struct err *err)
{
	struct complaints complaints = {0};
	struct str path = {0};
	if (release != RECORD_NONE)
		return release_file(d->releases, s->name, release, file, err);
	str_addf(&path, "%s/%s", s->folder ? s->folder : "", SERVICE_FILE_NAME);
	bool is_read = service_file_load(file, str_text(&path), NULL, &complaints);
	if (!is_read)
		err_set(err, ERR_USAGE, "%s", complaints.text ? complaints.text : str_text(&path));
	complaints_finish(&complaints);
	str_finish(&path);
	return is_read;
}

/* Refuses commands that nobody approved there, unless the wish brings their approval. */
static void check_approval(struct planning *p, const struct place_of *at, int64_t release)
{
	struct service_file file = {0};
	const char *folder = at->service->folder;
	struct err err = {0};
	char hash[HASH_HEX] = "";
	if (!load_file(p->daemon, at->service, release, &file, &err)) {
		plan_refuse(p, err.kind, "%s", err.text);
	} else {
		service_file_approval(&file, p->wish->environment, folder, hash);
		if (!release_is_approved(p->daemon, &file, p->wish->environment, folder, &err)) {
			struct service_step steps[SERVICE_STEPS];
			size_t n = service_file_steps(&file, steps);
			for (size_t i = 0; i < n; i++)
				plan_command(p, arena_printf(p->arena, "%s %s: %s", at->service->name, steps[i].purpose,
				                             steps[i].command->text));
			p->plan->approve = arena_dup(p->arena, hash);
			if (!str_eq(p->wish->approve, hash))
				plan_refuse(p, err.kind, "%s", err.text);
		}
	}
	plan_basis(p, "commands %s;", hash);
	service_file_finish(&file);
}

/* Keeps the approval that the wish brought; the plan has checked that it is of these commands. */
static bool keep_approval(struct running *r, const struct service *s, int64_t release, struct err *err)
{
	struct daemon *d = r->daemon;
	struct service_file file = {0};
	char hash[HASH_HEX];
	if (!r->wish->approve)
		return true;
	if (!load_file(d, s, release, &file, err))
		return false;
	service_file_approval(&file, r->wish->environment, s->folder, hash);
	service_file_finish(&file);
	if (!str_eq(r->wish->approve, hash))
		return true; /* it is of other commands: the deploy finds out whether these are approved */
	bool is_kept = state_begin(d->state, err) &&
	               up_approve(d, hash, s->name, r->wish->environment, s->folder, r->by, err) &&
	               state_commit(d->state, err);
	state_abort(d->state);
	return is_kept;
}

static bool plan_deploy(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	struct place_of at;
	if (!find(p, &at, err))
		return false;
	const struct release *r = w->version ? release_find(p->daemon->releases, w->service, w->version) : NULL;
	guard(p, &at);
	refuse_when_busy(p, &at);
	if (r)
		refuse_bad(p, r);
	check_approval(p, &at, r ? r->number : RECORD_NONE);
	warn_of_databases(p, &at);
	plan_basis(p, "kept %lld;", r ? (long long)r->number : -1);
	const char *what = w->version ? w->version : "what lies in its folder now";
	p->plan->title = arena_printf(p->arena, "deploy %s %s to %s", w->service, what, w->environment);
	if (!r)
		plan_change(p, "%s is built from %s", w->version ? w->version : "a new release",
		            at.service->folder ? at.service->folder : "its folder");
	add_change(p, &at, r ? r->version : w->version ? w->version : "the new release");
	add_diff(p, &at, r);
	add_steps(p);
	p->plan->equivalent = arena_printf(p->arena, "fairway deploy %s%s%s --env %s%s", w->service, w->version ? " " : "",
	                                   w->version ? plan_word(p, w->version) : "", w->environment, flags_of(p));
	return true;
}

static bool begin(struct running *r, const char *kind, int64_t release, const char *version, struct err *err)
{
	struct deploy_wish wish = {
		.kind = kind,
		.service = r->wish->service,
		.environment = r->wish->environment,
		.release = release,
		.version = version,
		.by = r->by,
		.reason = r->reason,
		.trigger = TRIGGER_PERSON,
		.watch_ms = r->wish->duration > 0 ? r->wish->duration : RECORD_NONE,
		.despite_bad = r->wish->despite_bad,
	};
	struct daemon *d = r->daemon;
	const struct service *s = state_get(d->state, record_class(RECORD_SERVICE), wish.service);
	if (!keep_approval(r, s, release, err))
		return false;
	/* A service that was never in this environment gets its address there first. */
	if (!fleet_target(d->fleet, wish.service, wish.environment)) {
		struct service_file file = {0};
		bool ok = load_file(d, s, release, &file, err);
		ok = ok && state_begin(d->state, err) &&
		     fleet_place(d->fleet, wish.service, wish.environment, file.has_port, 0,
		                 service_file_replicas(&file, wish.environment), err) &&
		     state_commit(d->state, err);
		state_abort(d->state);
		service_file_finish(&file);
		if (!ok)
			return false;
	}
	const struct deploy *deploy = deploy_begin(d->deploys, &wish, err);
	if (!deploy)
		return false;
	operation_follow(r, deploy->id);
	return true;
}

static bool execute_deploy(struct running *r, struct err *err)
{
	const struct release *kept =
		r->wish->version ? release_find(r->daemon->releases, r->wish->service, r->wish->version) : NULL;
	return begin(r, "deploy", kept ? kept->number : RECORD_NONE, kept ? NULL : r->wish->version, err);
}

/* ---- promote ---- */

static const struct environment *environment_before(const struct daemon *d, const struct environment *here)
{
	const struct environment *e, *before = NULL;
	for (size_t i = 0; (e = state_next(d->state, record_class(RECORD_ENVIRONMENT), &i));)
		if (e->position < here->position && (!before || e->position > before->position))
			before = e;
	return before;
}

static const struct own_target *promoted_from(const struct daemon *d, const struct wish *w, const char **from,
                                              struct err *err)
{
	const struct environment *here = state_get(d->state, record_class(RECORD_ENVIRONMENT), w->environment);
	const struct environment *before = here ? environment_before(d, here) : NULL;
	*from = w->from ? w->from : before ? before->name : NULL;
	if (!*from) {
		err_set(err, ERR_USAGE, "there is no environment before %s: say --from", w->environment);
		return NULL;
	}
	const struct own_target *t = fleet_target(d->fleet, w->service, *from);
	if (!t || t->release == RECORD_NONE) {
		err_set(err, ERR_NOT_FOUND, "nothing of %s runs in %s", w->service, *from);
		return NULL;
	}
	return t;
}

static bool plan_promote(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	struct place_of at;
	const char *from;
	if (!find(p, &at, err))
		return false;
	const struct own_target *source = promoted_from(p->daemon, w, &from, err);
	if (!source)
		return false;
	const struct release *r = release_get(p->daemon->releases, w->service, source->release);
	if (!r)
		return err_set(err, ERR_FAILED, "release %lld of %s is not kept any more", (long long)source->release, w->service);
	plan_basis(p, "source %lld;", (long long)r->number);
	guard(p, &at);
	refuse_when_busy(p, &at);
	refuse_bad(p, r);
	check_approval(p, &at, r->number);
	warn_of_databases(p, &at);
	if (at.now && at.now->number == r->number)
		plan_refuse(p, ERR_REFUSED, "%s runs %s already", w->environment, r->version);
	p->plan->title =
		arena_printf(p->arena, "promote %s %s from %s to %s", w->service, r->version, from, w->environment);
	add_change(p, &at, r->version);
	add_diff(p, &at, r);
	plan_change(p, "the very release that runs in %s is taken: nothing is rebuilt", from);
	if (r->migrations > 0)
		plan_warn(p, "it brings %lld database migrations", (long long)r->migrations);
	else
		plan_change(p, "no migrations");
	add_steps(p);
	p->plan->equivalent = arena_printf(p->arena, "fairway promote %s --from %s --to %s%s", w->service, from,
	                                   w->environment, flags_of(p));
	return true;
}

static bool execute_promote(struct running *r, struct err *err)
{
	const char *from;
	const struct own_target *source = promoted_from(r->daemon, r->wish, &from, err);
	return source && begin(r, "promote", source->release, NULL, err);
}

/* ---- rollback ---- */

static const struct release *rollback_to(const struct daemon *d, const struct wish *w, const struct own_target *t,
                                         struct err *err)
{
	const struct release *to = w->release ? release_find(d->releases, w->service, w->release)
	                                      : release_last_good(d->releases, w->service, w->environment, t->release);
	if (!to)
		err_set(err, ERR_NOT_FOUND, w->release ? "there is no release \"%.40s\" of %s"
		                                       : "%.0sthere is no good release of %s before this one",
		        w->release ? w->release : "", w->service);
	return to;
}

static void warn_of_migrations(struct planning *p, const struct release *from, const struct release *to)
{
	bool is_past = false;
	for (int64_t n = to->number + 1; n <= from->number; n++) {
		const struct release *r = release_get(p->daemon->releases, from->service, n);
		if (!r || r->migrations == 0 || (r->migrations == RECORD_NONE))
			continue;
		is_past = true;
		plan_warn(p, "the %lld database migrations of %s are not undone", (long long)r->migrations, r->version);
	}
	if (is_past && !(p->wish->past_migration && !str_empty(p->wish->reason)))
		plan_refuse(p, ERR_REFUSED, "migrations stand between %s and %s: --past-migration and a reason go past them",
		            from->version, to->version);
}

static bool plan_rollback(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	struct place_of at;
	if (!find(p, &at, err))
		return false;
	if (!at.target || !at.now)
		return err_set(err, ERR_REFUSED, "nothing of %s runs in %s", w->service, w->environment);
	const struct release *to = rollback_to(p->daemon, w, at.target, err);
	if (!to)
		return false;
	plan_basis(p, "to %lld;", (long long)to->number);
	guard(p, &at);
	if (at.deploy && at.deploy->watch_until)
		plan_change(p, "the %s under way ends as rolled back", at.deploy->kind);
	else
		refuse_when_busy(p, &at);
	if (to->number == at.now->number)
		plan_refuse(p, ERR_REFUSED, "%s runs %s already", w->environment, to->version);
	refuse_bad(p, to);
	warn_of_migrations(p, at.now, to);
	p->plan->title = arena_printf(p->arena, "roll %s in %s back to %s", w->service, w->environment, to->version);
	add_change(p, &at, to->version);
	add_diff(p, &at, to);
	plan_change(p, "%s is marked bad: it is not deployed again unless somebody says so", at.now->version);
	plan_warn(p, "what %s wrote to files and other services stays", at.now->version);
	add_steps(p);
	p->plan->equivalent = arena_printf(p->arena, "fairway rollback %s --env %s --to %s%s", w->service, w->environment,
	                                   to->version, flags_of(p));
	return true;
}

static bool execute_rollback(struct running *r, struct err *err)
{
	const struct own_target *t = fleet_target(r->daemon->fleet, r->wish->service, r->wish->environment);
	const struct release *to = t ? rollback_to(r->daemon, r->wish, t, err) : NULL;
	if (!to)
		return false;
	int64_t number = to->number, abandoned = t->release;
	if (!begin(r, "rollback", number, NULL, err))
		return false;
	const char *why = str_empty(r->reason) ? "it was rolled back" : r->reason;
	return release_mark_bad(r->daemon->releases, r->wish->service, abandoned,
	                        arena_printf(&r->arena, "rolled back in %s by %s: %s", r->wish->environment, r->by, why), err);
}

/* ---- restart, scale, cancel ---- */

static bool plan_restart(struct planning *p, struct err *err)
{
	struct place_of at;
	if (!find(p, &at, err))
		return false;
	guard(p, &at);
	refuse_when_busy(p, &at);
	if (!at.now || at.target->is_stopped || at.target->desired <= 0)
		plan_refuse(p, ERR_REFUSED, "nothing of %s runs in %s", p->wish->service, p->wish->environment);
	p->plan->title = arena_printf(p->arena, "restart %s in %s", p->wish->service, p->wish->environment);
	plan_change(p, "each instance is replaced by a fresh one, one after the other; no request is lost");
	plan_step(p, "replace");
	p->plan->equivalent = arena_printf(p->arena, "fairway restart %s --env %s", p->wish->service, p->wish->environment);
	return true;
}

static void made_placement(struct running *r)
{
	r->record.made = arena_printf(&r->arena, "placement/%s/%s", r->wish->service, r->wish->environment);
}

static void restarted(const struct err *err, void *arg)
{
	struct running *r = arg;
	operation_step(r, "replace", err ? STEP_FAILED : STEP_DONE, err ? err->text : NULL);
	if (err)
		operation_end(r, err, "%s", err->text);
	else
		operation_end(r, NULL, "every instance of %s in %s is fresh", r->wish->service, r->wish->environment);
}

static bool execute_restart(struct running *r, struct err *err)
{
	if (!fleet_restart(r->daemon->fleet, r->wish->service, r->wish->environment, restarted, r, err))
		return false;
	made_placement(r);
	operation_step(r, "replace", STEP_RUNNING, NULL);
	operation_tell(r);
	return true;
}

static bool plan_scale(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	struct place_of at;
	struct service_file file = {0};
	if (!find(p, &at, err))
		return false;
	if (w->count < 0)
		return err_set(err, ERR_USAGE, "scale needs the number of instances");
	guard(p, &at);
	refuse_when_busy(p, &at);
	if (!at.now) {
		plan_refuse(p, ERR_REFUSED, "%s was not deployed to %s yet", w->service, w->environment);
	} else if (release_file(p->daemon->releases, w->service, at.now->number, &file, NULL)) {
		if (w->count > file.max_replicas)
			plan_refuse(p, ERR_REFUSED, "%s has at most %d instances (scaling.max_replicas)", w->service,
			            file.max_replicas);
		service_file_finish(&file);
	}
	plan_basis(p, "desired %lld;", at.target ? (long long)at.target->desired : 0);
	p->plan->title = arena_printf(p->arena, "scale %s in %s to %lld", w->service, w->environment, (long long)w->count);
	plan_change(p, "from %lld to %lld instances; deploys keep that number", at.target ? (long long)at.target->desired : 0,
	            (long long)w->count);
	p->plan->equivalent =
		arena_printf(p->arena, "fairway scale %s %lld --env %s", w->service, (long long)w->count, w->environment);
	return true;
}

static bool execute_scale(struct running *r, struct err *err)
{
	const struct wish *w = r->wish;
	if (!fleet_scale(r->daemon->fleet, w->service, w->environment, (int)w->count, err))
		return false;
	daemon_event(r->daemon, w->service, w->environment, NULL, "scale", "scaled to %lld by %s", (long long)w->count, r->by);
	made_placement(r);
	operation_end(r, NULL, "%s in %s has %lld instance%s wanted", w->service, w->environment, (long long)w->count,
	              w->count == 1 ? "" : "s");
	return true;
}

static bool plan_cancel(struct planning *p, struct err *err)
{
	struct place_of at;
	if (!find(p, &at, err))
		return false;
	if (!at.deploy)
		return err_set(err, ERR_NOT_FOUND, "no deploy of %s to %s is under way", p->wish->service, p->wish->environment);
	plan_basis(p, "deploy %s;", at.deploy->id);
	p->plan->title = arena_printf(p->arena, "cancel %s", at.deploy->id);
	plan_change(p, "its fresh instances end; what serves now goes on serving");
	p->plan->equivalent = arena_printf(p->arena, "fairway deploy %s --env %s --cancel", p->wish->service, p->wish->environment);
	return true;
}

static bool execute_cancel(struct running *r, struct err *err)
{
	const struct deploy *d = deploy_under_way(r->daemon->deploys, r->wish->service, r->wish->environment);
	r->record.made = d ? arena_printf(&r->arena, "deploy/%s", d->id) : NULL;
	if (!deploy_cancel(r->daemon->deploys, r->wish->service, r->wish->environment, r->by, err))
		return false;
	operation_end(r, NULL, "the deploy of %s to %s is cancelled", r->wish->service, r->wish->environment);
	return true;
}

const struct operate_row plan_rollout_rows[] = {
	{"deploy", plan_deploy, execute_deploy, NULL},
	{"promote", plan_promote, execute_promote, NULL},
	{"rollback", plan_rollback, execute_rollback, NULL},
	{"restart", plan_restart, execute_restart, NULL},
	{"scale", plan_scale, execute_scale, NULL},
	{"cancel", plan_cancel, execute_cancel, NULL},
	{NULL, NULL, NULL, NULL},
};

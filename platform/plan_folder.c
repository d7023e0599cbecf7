/* SPDX-License-Identifier: Apache-2.0 */
/* Folders: up and down. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "platform/fleet.h"
#include "platform/operate_row.h"
#include "platform/own.h"
#include "platform/state.h"
#include "platform/up.h"

/* ---- up ---- */

static const char *environment_of(const struct wish *w, const struct up_folder *f)
{
	if (w->environment)
		return w->environment;
	return f->platform.n_environments ? f->platform.environments[0].name : "dev";
}

/* Whom platform.yaml would have called when an alert fires: a command like any other. */
static void show_notify_commands(struct planning *p, const struct up_folder *f)
{
	for (size_t i = 0; i < f->platform.n_teams; i++) {
		const struct platform_team *team = &f->platform.teams[i];
		struct str line = {0};
		if (!team->notify_command)
			continue;
		str_addf(&line, "team %s notify:", team->name);
		for (const char *const *word = team->notify_command; *word; word++)
			str_addf(&line, " %s", plan_word(p, *word));
		plan_command(p, arena_dup(p->arena, str_text(&line)));
		str_finish(&line);
	}
}

static void show_commands(struct planning *p, const struct up_folder *f)
{
	for (size_t i = 0; i < f->n_services; i++) {
		struct service_step steps[SERVICE_STEPS];
		size_t n = service_file_steps(&f->services[i].file, steps);
		for (size_t j = 0; j < n; j++)
			plan_command(p, arena_printf(p->arena, "%s %s: %s", f->services[i].file.name, steps[j].purpose,
			                             steps[j].command->text));
	}
	show_notify_commands(p, f);
}

static void plan_services(struct planning *p, const struct up_folder *f, const char *environment)
{
	for (size_t i = 0; i < f->n_services; i++) {
		const struct service_file *file = &f->services[i].file;
		struct err err;
		plan_change(p, "%s runs in %s from %s", file->name, environment, f->services[i].folder);
		plan_step(p, file->name);
		if (!service_file_can_run(file, &err))
			plan_refuse(p, ERR_USAGE, "%s: %s", f->services[i].folder, err.text);
		if (file->n_databases && p->wish->without_databases)
			plan_warn(p, "%s runs without its databases", file->name);
		else if (file->n_databases)
			plan_refuse(p, ERR_REFUSED,
			            "%s wants a database (%s: %s), which this platform cannot provide yet: --without-databases"
			            " runs it all the same",
			            file->name, file->databases[0].engine, file->databases[0].name);
		const struct lock *lock =
			state_getf(p->daemon->state, record_class(RECORD_LOCK), "%s/%s", file->name, environment);
		if (lock)
			plan_refuse(p, ERR_REFUSED, "%s in %s is locked by %s: %s", file->name, environment, lock->by, lock->reason);
	}
}

static bool plan_up(struct planning *p, struct err *err)
{
	struct up_folder f;
	struct err why;
	if (!p->wish->folder)
		return err_set(err, ERR_USAGE, "up needs a folder");
	if (!up_folder_read(&f, p->wish->folder, &why)) {
		bool has_complaints = f.complaints.count > 0;
		if (has_complaints) {
			p->plan->title = arena_printf(p->arena, "run the services of %s", p->wish->folder);
			plan_refuse(p, ERR_USAGE, "%s", f.complaints.text);
		} else if (err) {
			*err = why;
		}
		up_folder_finish(&f);
		return has_complaints;
	}
	char hash[HASH_HEX];
	const char *environment = arena_dup(p->arena, environment_of(p->wish, &f));
	up_folder_approval(&f, environment, hash);
	plan_basis(p, "commands %s;", hash);
	p->plan->environment = environment;
	p->plan->service = f.n_services == 1 ? arena_dup(p->arena, f.services[0].file.name) : NULL;
	p->plan->title = arena_printf(p->arena, "run the services of %s in %s", f.path, environment);
	plan_services(p, &f, environment);
	p->plan->equivalent = arena_printf(p->arena, "fairway up %s --env %s", plan_word(p, f.path), environment);
	if (!up_folder_is_approved(p->daemon, &f, environment)) {
		show_commands(p, &f);
		p->plan->approve = arena_dup(p->arena, hash);
		if (!p->wish->approve)
			plan_refuse(p, ERR_REFUSED, "these commands were not approved yet: approve with: --approve %s", hash);
		else if (!str_eq(p->wish->approve, hash))
			plan_refuse(p, ERR_REFUSED, "the commands are others than those that were approved: look again, then"
			                            " approve with: --approve %s",
			            hash);
	}
	up_folder_finish(&f);
	return true;
}

static void up_progress(const struct up_progress *progress, void *arg)
{
	struct running *r = arg;
	operation_step(r, progress->service,
	               !progress->is_ended ? STEP_RUNNING : progress->is_good ? STEP_DONE : STEP_FAILED, progress->detail);
	operation_tell(r);
}

static void up_done(const struct err *err, void *arg)
{
	struct running *r = arg;
	if (err)
		operation_end(r, err, "%s", err->text);
	else
		operation_end(r, NULL, "up: %zu service%s", r->record.steps.n, r->record.steps.n == 1 ? "" : "s");
}

static bool execute_up(struct running *r, struct err *err)
{
	struct daemon *d = r->daemon;
	struct up_folder f;
	bool ok = up_folder_read(&f, r->wish->folder, err);
	const char *environment = ok ? arena_dup(&r->arena, environment_of(r->wish, &f)) : NULL;
	if (ok) {
		ok = state_begin(d->state, err) && up_folder_approve(d, &f, environment, r->by, err) &&
		     up_folder_register(d, &f, environment, err) && state_commit(d->state, err);
		state_abort(d->state);
	}
	struct up_item *items = arena_alloc(&r->arena, (f.n_services + 1) * sizeof(*items));
	for (size_t i = 0; ok && i < f.n_services; i++)
		items[i] = (struct up_item){f.services[i].file.name, environment, NULL};
	if (ok)
		ups_start(d->ups, items, f.n_services, r->by, r->reason, up_progress, up_done, r);
	up_folder_finish(&f);
	return ok;
}

/* ---- down ---- */

static bool is_meant(const struct wish *w, const struct own_target *t)
{
	return (!w->service || str_eq(w->service, t->service)) && (!w->environment || str_eq(w->environment, t->environment));
}

static bool plan_down(struct planning *p, struct err *err)
{
	const struct wish *w = p->wish;
	const struct own_target *t;
	size_t n = 0;
	for (size_t i = 0; (t = state_next(p->daemon->state, own_class(OWN_TARGET), &i));) {
		if (!is_meant(w, t))
			continue;
		n++;
		const struct environment *e = state_get(p->daemon->state, record_class(RECORD_ENVIRONMENT), t->environment);
		if (e && e->is_protected && !p->plan->confirm)
			p->plan->confirm = arena_printf(p->arena, "%s/%s", e->name, t->service);
		if (e && e->is_read_only)
			plan_refuse(p, ERR_REFUSED, "%s is read-only", e->name);
		if (!t->is_stopped)
			plan_change(p, "%s in %s is stopped", t->service, t->environment);
		const struct lock *lock =
			state_getf(p->daemon->state, record_class(RECORD_LOCK), "%s/%s", t->service, t->environment);
		if (lock)
			plan_refuse(p, ERR_REFUSED, "%s in %s is locked by %s: %s", t->service, t->environment, lock->by,
			            lock->reason);
		plan_basis(p, "%s/%s %d;", t->environment, t->service, t->is_stopped);
	}
	if (!n)
		return err_set(err, ERR_NOT_FOUND, "nothing of %s is placed%s%s", w->service ? w->service : "any service",
		               w->environment ? " in " : "", w->environment ? w->environment : "");
	p->plan->title = arena_printf(p->arena, "stop %s in %s", w->service ? w->service : "every service",
	                              w->environment ? w->environment : "every environment");
	p->plan->equivalent = arena_printf(p->arena, "fairway down%s%s%s%s", w->service ? " " : "", w->service ? w->service : "",
	                                   w->environment ? " --env " : "", w->environment ? w->environment : "");
	return true;
}

static bool execute_down(struct running *r, struct err *err)
{
	const struct own_target *t;
	for (size_t i = 0; (t = state_next(r->daemon->state, own_class(OWN_TARGET), &i));)
		/* Stopping replaces the record that these names lie in. */
		if (is_meant(r->wish, t) && !fleet_stop(r->daemon->fleet, arena_dup(&r->arena, t->service),
		                                        arena_dup(&r->arena, t->environment), err))
			return false;
	operation_end(r, NULL, "stopped");
	return true;
}

const struct operate_row plan_folder_rows[] = {
	{"up", plan_up, execute_up, NULL},
	{"down", plan_down, execute_down, NULL},
	{NULL, NULL, NULL, NULL},
};

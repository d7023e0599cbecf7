/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/up.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "platform/daemon.h"
#include "platform/fleet.h"
#include "platform/own.h"
#include "platform/state.h"

/* ---- reading ---- */

static bool has_file(const char *folder, const char *name)
{
	struct str path = {0};
	struct stat st;
	str_addf(&path, "%s/%s", folder, name);
	bool is_there = stat(path.s, &st) == 0 && S_ISREG(st.st_mode);
	str_finish(&path);
	return is_there;
}

static void read_service(struct up_folder *f, const char *folder)
{
	struct str path = {0};
	char *real = realpath(folder, NULL);
	if (!real || f->n_services == UP_SERVICES) {
		complain(&f->complaints, folder, 0, NULL, NULL, real ? "more than 200 services" : "cannot be read");
		free(real);
		return;
	}
	str_addf(&path, "%s/%s", folder, SERVICE_FILE_NAME);
	f->services = mem_grow(f->services, f->n_services + 1, sizeof(*f->services));
	struct up_service *s = &f->services[f->n_services];
	*s = (struct up_service){.folder = real};
	if (service_file_load(&s->file, path.s, NULL, &f->complaints)) {
		for (size_t i = 0; i < f->n_services; i++)
			if (str_eq(f->services[i].file.name, s->file.name))
				complain(&f->complaints, path.s, 0, "name", s->file.name, "%s has that name already",
				         f->services[i].folder);
		f->n_services++;
	} else {
		free(real);
	}
	str_finish(&path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folders(struct up_folder *f)
{
	struct dirent **names;
	int n = scandir(f->path, &names, NULL, by_name);
	for (int i = 0; i < n; i++) {
		struct str path = {0};
		str_addf(&path, "%s/%s", f->path, names[i]->d_name);
		if (names[i]->d_name[0] != '.' && has_file(path.s, SERVICE_FILE_NAME))
			read_service(f, path.s);
		str_finish(&path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

bool up_folder_read(struct up_folder *f, const char *path, struct err *err)
{
	*f = (struct up_folder){0};
	struct str platform = {0};
	if (path[0] != '/')
		return err_set(err, ERR_USAGE, "folder: \"%.200s\" is no absolute path", path);
	f->path = realpath(path, NULL);
	if (!f->path)
		return err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, errno, "%.200s", path);
	if (has_file(f->path, SERVICE_FILE_NAME))
		read_service(f, f->path);
	else
		read_folders(f);
	f->has_platform_file = has_file(f->path, PLATFORM_FILE_NAME);
	str_addf(&platform, "%s/%s", f->path, PLATFORM_FILE_NAME);
	platform_file_load(&f->platform, platform.s, &f->complaints);
	str_finish(&platform);
	if (f->complaints.count)
		return err_set(err, ERR_USAGE, "%.300s", f->complaints.text);
	if (!f->n_services)
		return err_set(err, ERR_NOT_FOUND, "%.200s: there is no %s in it, nor in its folders", path, SERVICE_FILE_NAME);
	return true;
}

void up_folder_finish(struct up_folder *f)
{
	for (size_t i = 0; i < f->n_services; i++) {
		service_file_finish(&f->services[i].file);
		free(f->services[i].folder);
	}
	platform_file_finish(&f->platform);
	complaints_finish(&f->complaints);
	free(f->services);
	free(f->path);
	*f = (struct up_folder){0};
}

/* ---- trust ---- */

void up_folder_approval(const struct up_folder *f, const char *environment, char hex[HASH_HEX])
{
	struct hash all;
	char part[HASH_HEX];
	hash_start(&all);
	for (size_t i = 0; i < f->n_services; i++) {
		service_file_approval(&f->services[i].file, environment, f->services[i].folder, part);
		hash_add_field(&all, part);
	}
	if (f->has_platform_file && platform_file_approval(&f->platform, f->path, part))
		hash_add_field(&all, part);
	hash_finish_hex(&all, hex);
}

bool up_folder_is_approved(const struct daemon *d, const struct up_folder *f, const char *environment)
{
	char part[HASH_HEX];
	for (size_t i = 0; i < f->n_services; i++) {
		service_file_approval(&f->services[i].file, environment, f->services[i].folder, part);
		if (!state_get(d->state, own_class(OWN_APPROVAL), part))
			return false;
	}
	return !f->has_platform_file || !platform_file_approval(&f->platform, f->path, part) ||
	       state_get(d->state, own_class(OWN_APPROVAL), part);
}

bool up_approve(struct daemon *d, const char *hash, const char *service, const char *environment, const char *folder,
                const char *by, struct err *err)
{
	struct own_approval a;
	if (state_get(d->state, own_class(OWN_APPROVAL), hash))
		return true;
	record_init(own_class(OWN_APPROVAL), &a);
	a.hash = hash;
	a.service = service;
	a.environment = environment;
	a.folder = folder;
	a.by = by;
	a.at = clock_wall_ms();
	return state_put(d->state, own_class(OWN_APPROVAL), &a, err);
}

bool up_folder_approve(struct daemon *d, const struct up_folder *f, const char *environment, const char *by,
                       struct err *err)
{
	char part[HASH_HEX];
	for (size_t i = 0; i < f->n_services; i++) {
		const struct up_service *s = &f->services[i];
		service_file_approval(&s->file, environment, s->folder, part);
		if (!up_approve(d, part, s->file.name, environment, s->folder, by, err))
			return false;
	}
	return !f->has_platform_file || !platform_file_approval(&f->platform, f->path, part) ||
	       up_approve(d, part, NULL, NULL, f->path, by, err);
}

/* ---- records ---- */

static bool put_environment(struct daemon *d, const char *name, int64_t position, bool is_protected, bool is_read_only,
                            struct err *err)
{
	struct environment e;
	const struct environment *old = state_get(d->state, record_class(RECORD_ENVIRONMENT), name);
	if (old)
		e = *old;
	else
		record_init(record_class(RECORD_ENVIRONMENT), &e);
	e.name = name;
	e.position = position;
	e.is_protected = is_protected;
	e.is_read_only = is_read_only;
	if (!old)
		e.health = HEALTH_UNKNOWN;
	return state_put(d->state, record_class(RECORD_ENVIRONMENT), &e, err);
}

static bool put_environments(struct daemon *d, const struct up_folder *f, const char *environment, struct err *err)
{
	for (size_t i = 0; f->has_platform_file && i < f->platform.n_environments; i++) {
		const struct platform_environment *e = &f->platform.environments[i];
		if (!put_environment(d, e->name, (int64_t)i, e->is_protected, e->is_read_only, err))
			return false;
	}
	return state_get(d->state, record_class(RECORD_ENVIRONMENT), environment) ||
	       put_environment(d, environment, (int64_t)state_count(d->state, record_class(RECORD_ENVIRONMENT)), false,
	                       false, err);
}

static bool put_teams(struct daemon *d, const struct up_folder *f, struct err *err)
{
	struct arena arena = {0};
	bool ok = true;
	for (size_t i = 0; ok && f->has_platform_file && i < f->platform.n_teams; i++) {
		const struct platform_team *t = &f->platform.teams[i];
		struct own_team team;
		record_init(own_class(OWN_TEAM), &team);
		team.name = t->name;
		team.on_call = t->on_call;
		team.folder = f->path;
		if (t->notify_file)
			team.notify_file = t->notify_file[0] == '/' ? t->notify_file
			                                            : arena_printf(&arena, "%s/%s", f->path, t->notify_file);
		team.notify_command.items = t->notify_command;
		while (t->notify_command && t->notify_command[team.notify_command.n])
			team.notify_command.n++;
		ok = state_put(d->state, own_class(OWN_TEAM), &team, err);
	}
	arena_finish(&arena);
	return ok;
}

static void add_runbooks(struct service *s, const struct service_file *file, struct arena *arena)
{
	struct pair *pairs = arena_alloc(arena, (file->n_runbooks + file->n_alerts) * sizeof(*pairs) + 1);
	size_t n = 0;
	for (size_t i = 0; i < file->n_runbooks; i++)
		pairs[n++] = (struct pair){file->runbooks[i].alert ? file->runbooks[i].alert : "", file->runbooks[i].path};
	for (size_t i = 0; i < file->n_alerts; i++) {
		const char *path = service_file_runbook(file, file->alerts[i].name);
		bool is_known = !path;
		for (size_t j = 0; j < n && !is_known; j++)
			is_known = str_eq(pairs[j].key, file->alerts[i].name);
		if (!is_known)
			pairs[n++] = (struct pair){file->alerts[i].name, path};
	}
	s->runbooks = (struct pairs){pairs, n};
}

static bool put_service(struct daemon *d, const struct up_service *up, struct err *err)
{
	const struct service_file *f = &up->file;
	const struct service *old = state_get(d->state, record_class(RECORD_SERVICE), f->name);
	const struct own_team *team = f->team ? state_get(d->state, own_class(OWN_TEAM), f->team) : NULL;
	struct arena arena = {0};
	struct service s;
	record_init(record_class(RECORD_SERVICE), &s);
	s.name = f->name;
	s.team = f->team;
	s.on_call = team ? team->on_call : NULL;
	s.tier = f->tier;
	s.language = f->language;
	s.lifecycle = f->lifecycle;
	s.description = f->description;
	s.folder = up->folder;
	s.health = old ? old->health : HEALTH_UNKNOWN;
	s.dependencies = (struct texts){f->dependencies.items, f->dependencies.count};
	const char **databases = arena_alloc(&arena, (f->n_databases + 1) * sizeof(*databases));
	for (size_t i = 0; i < f->n_databases; i++)
		databases[i] = arena_printf(&arena, "%s: %s", f->databases[i].engine, f->databases[i].name);
	s.databases = (struct texts){databases, f->n_databases};
	struct pair *links = arena_alloc(&arena, (f->links.count + 1) * sizeof(*links));
	for (size_t i = 0; i < f->links.count; i++)
		links[i] = (struct pair){f->links.items[i].name, f->links.items[i].value};
	s.links = (struct pairs){links, f->links.count};
	add_runbooks(&s, f, &arena);
	bool ok = state_put(d->state, record_class(RECORD_SERVICE), &s, err);
	arena_finish(&arena);
	return ok;
}

/* The first heading of the Markdown, or the file's name. */
static const char *title_of(const char *folder, const char *name, struct arena *arena)
{
	char line[200];
	const char *title = NULL;
	FILE *file = fopen(arena_printf(arena, "%s/%s", folder, name), "re");
	for (int i = 0; file && !title && i < 20 && fgets(line, sizeof(line), file); i++)
		if (str_starts(line, "# ")) {
			line[strcspn(line, "\r\n")] = '\0';
			title = arena_dup(arena, line + 2);
		}
	if (file)
		fclose(file);
	return title ? title : name;
}

static void show_runbooks_of(struct daemon *d, const struct service *s)
{
	struct arena arena = {0};
	for (size_t i = 0; i < s->runbooks.n; i++) {
		struct runbook r;
		if (!service_path_is_inside(s->runbooks.items[i].value))
			continue;
		record_init(record_class(RECORD_RUNBOOK), &r);
		r.service = s->name;
		r.name = s->runbooks.items[i].value;
		r.alert = str_empty(s->runbooks.items[i].key) ? NULL : s->runbooks.items[i].key;
		r.title = s->folder ? title_of(s->folder, r.name, &arena) : r.name;
		state_show(d->state, record_class(RECORD_RUNBOOK), &r);
	}
	arena_finish(&arena);
}

void up_show_runbooks(struct daemon *d)
{
	const struct service *s;
	for (size_t i = 0; (s = state_next(d->state, record_class(RECORD_SERVICE), &i));)
		show_runbooks_of(d, s);
}

bool up_folder_register(struct daemon *d, const struct up_folder *f, const char *environment, struct err *err)
{
	const struct environment *e;
	if (!state_begin(d->state, err))
		return false;
	bool ok = put_environments(d, f, environment, err) && put_teams(d, f, err);
	/* A service's port is a wish for the first environment. */
	e = ok ? state_get(d->state, record_class(RECORD_ENVIRONMENT), environment) : NULL;
	for (size_t i = 0; ok && i < f->n_services; i++) {
		const struct service_file *file = &f->services[i].file;
		ok = put_service(d, &f->services[i], err) &&
		     fleet_place(d->fleet, file->name, environment, file->has_port, e->position == 0 ? file->port : 0,
		                 service_file_replicas(file, environment), err);
	}
	if (!ok || !state_commit(d->state, err)) {
		state_abort(d->state);
		return false;
	}
	up_show_runbooks(d);
	return true;
}

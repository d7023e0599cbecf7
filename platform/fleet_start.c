/* SPDX-License-Identifier: Apache-2.0 */
/* A unit's way into its slot: the release's service.yaml, the environment it is given, and the start. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "platform/fleet_part.h"
#include "platform/probe.h"
#include "platform/release.h"
#include "platform/slot.h"
#include "platform/state.h"
#include "platform/supervise.h"

#define DOTENV_MAX 65536

const struct fleet_release *fleet_release(struct fleet *fleet, const char *service, int64_t number, struct err *err)
{
	for (const struct fleet_release *r = fleet->releases; r; r = r->next)
		if (r->number == number && str_eq(r->service, service))
			return r;
	struct fleet_release *r = mem_alloc(sizeof(*r));
	if (!release_file(fleet->daemon->releases, service, number, &r->file, err)) {
		free(r);
		return NULL;
	}
	r->folder = release_folder(fleet->daemon->releases, service, number);
	const struct release *record =
		state_getf(fleet->daemon->state, record_class(RECORD_RELEASE), "%s/%lld", service, (long long)number);
	r->service = mem_dup(service);
	r->version = mem_dup(record && record->version ? record->version : "unknown");
	r->number = number;
	r->next = fleet->releases;
	fleet->releases = r;
	return r;
}

/* ---- the environment of an instance ---- */

struct variables {
	struct arena arena;
	const char **items; /* "NAME=value", NULL-ended */
	size_t n;
};

/* The later one wins. */
static void set(struct variables *v, const char *name, const char *value)
{
	size_t len = strlen(name), i = 0;
	while (i < v->n && !(strncmp(v->items[i], name, len) == 0 && v->items[i][len] == '='))
		i++;
	if (i == v->n) {
		v->items = mem_grow(v->items, v->n + 2, sizeof(*v->items));
		v->items[++v->n] = NULL;
	}
	v->items[i] = arena_printf(&v->arena, "%s=%s", name, value);
}

static void set_each(const char *name, const char *value, void *arg)
{
	set(arg, name, value);
}

static bool is_variable(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789", name[i]))
			return false;
	return len > 0 && (name[0] < '0' || name[0] > '9');
}

/* .env: lines NAME=value, comments, values in quotes; nothing is expanded. */
static void set_dotenv(struct variables *v, const char *folder)
{
	struct str text = {0};
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && file_read(dir, ".env", DOTENV_MAX, &text, NULL)) {
		char *rest = text.s, *line;
		while (rest && (line = strsep(&rest, "\n"))) {
			line += strspn(line, " \t");
			if (str_starts(line, "export "))
				line += 7;
			char *equals = strchr(line, '=');
			if (!equals || !is_variable(line, (size_t)(equals - line)))
				continue;
			*equals = '\0';
			char *value = equals + 1;
			size_t len = strcspn(value, "\r");
			value[len] = '\0';
			if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
				value[len - 1] = '\0';
				value++;
			}
			set(v, line, value);
		}
	}
	str_finish(&text);
	if (dir >= 0)
		close(dir);
}

static void set_dependencies(struct variables *v, struct fleet *fleet, const struct unit *u)
{
	const struct yaml_texts *names = &u->what->file.dependencies;
	for (size_t i = 0; i < names->count; i++) {
		char url[64];
		struct str name = {0};
		fleet_url(fleet, names->items[i], u->environment, url, sizeof(url));
		if (!url[0])
			continue;
		for (const char *c = names->items[i]; *c; c++)
			str_addc(&name, *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
		str_add(&name, "_URL");
		set(v, name.s, url);
		str_finish(&name);
	}
}

static char **make_environment(struct fleet *fleet, const struct unit *u)
{
	struct variables v = {0};
	char *fault = place_path(fleet->daemon->place, "slots/%s/fault", u->id);
	set_dotenv(&v, u->what->folder);
	service_file_each_env(&u->what->file, u->environment, set_each, &v);
	set_dependencies(&v, fleet, u);
	if (u->port)
		set(&v, "PORT", arena_printf(&v.arena, "%lld", (long long)u->port));
	set(&v, "FAIRWAY_SERVICE", u->service);
	set(&v, "FAIRWAY_ENVIRONMENT", u->environment);
	set(&v, "FAIRWAY_VERSION", u->what->version);
	set(&v, "FAIRWAY_INSTANCE", u->id);
	set(&v, "FAIRWAY_FAULT_FILE", fault);
	char **env = child_env_new(v.items);
	free(fault);
	free(v.items);
	arena_finish(&v.arena);
	return env;
}

bool fleet_start_unit(struct fleet *fleet, struct unit *u, struct err *err)
{
	if (!u->what && !(u->what = fleet_release(fleet, u->service, u->release, err)))
		return false;
	if (!service_file_can_run(&u->what->file, err))
		return false;
	struct arena arena = {0};
	char **env = make_environment(fleet, u);
	const char *tags[] = {
		arena_printf(&arena, "service=%s", u->service),
		arena_printf(&arena, "environment=%s", u->environment),
		arena_printf(&arena, "version=%s", u->what->version),
		arena_printf(&arena, "release=%lld", (long long)u->release),
		NULL,
	};
	struct slot_spec spec = {
		.id = u->id,
		.dir = u->what->folder,
		.argv = u->what->file.run.argv,
		.env = (const char *const *)env,
		.tags = tags,
	};
	bool ok = supervisor_want(fleet->daemon->supervisor, &spec, err);
	child_env_free(env);
	arena_finish(&arena);
	return ok;
}

void fleet_watch_unit(struct fleet *fleet, struct unit *u)
{
	if (!u->what)
		return;
	const struct service_file *f = &u->what->file;
	struct probe_target target = {
		.slot = u->id,
		.service = u->service,
		.environment = u->environment,
		.health = f->health.path,
		.ready = f->health.ready,
		.metrics = f->metrics,
		.port = (uint16_t)u->port,
		.pid = u->pid,
		.grace_ms = f->health.grace_ms,
		.timeout_ms = f->health.timeout_ms,
	};
	probes_watch(fleet->daemon->probes, &target);
}

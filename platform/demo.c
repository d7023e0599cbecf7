/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/carried.h"
#include "base/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"
#include "platform/daemon.h"
#include "platform/fleet.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/state.h"
#include "platform/up.h"

#define SAMPLES "platform/samples/"
#define GIT_MS 30000
#define DEMO_RELEASES 64
#define DEMO_ITEMS 512
#define GIT_STEPS 3

struct sample { /* a row of releases.yaml */
	const char *service, *version, *overlay, *message;
	struct yaml_texts environments;
};
struct demo {
	struct daemon *daemon;
	struct arena arena;
	struct sample samples[DEMO_RELEASES];
	size_t n_samples;
	size_t at, step;   /* which sample is being committed, and how far */
	char *source, *by; /* STATE/src */
	struct child git;
	struct reactor_fd *fd;
	struct reactor_timer *timer;
	bool is_raising;
	int done, total;
	char error[320];
};

static void next_git(struct demo *demo);

static void end(struct demo *demo, const struct err *err)
{
	demo->is_raising = false;
	if (!err)
		return;
	str_copy(demo->error, sizeof(demo->error), err->text);
	daemon_log(demo->daemon, "the sample platform: %s", err->text);
}

/* ---- files ---- */

static bool write_file(const char *path, const struct carried *c, struct err *err)
{
	char *folder = mem_dup(path);
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0700);
		*slash = '/';
	}
	free(folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, c->executable ? 0700 : 0600);
	bool ok = fd >= 0 && file_write_all(fd, c->data, c->size);
	if (!ok)
		err_errno(err, ERR_FAILED, errno, "%s", path);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Carried files below SAMPLES/from go to STATE/src/to; to "" is the top, where folders are left out. */
static bool lay(struct demo *demo, const char *from, const char *to, struct err *err)
{
	struct str prefix = {0};
	bool ok = true;
	str_addf(&prefix, SAMPLES "%s", from);
	for (uint64_t i = 0; ok && i < carried_count; i++) {
		const struct carried *c = &carried_table[i];
		if (!str_starts(c->path, prefix.s))
			continue;
		const char *rest = c->path + prefix.len;
		if (!*to && (strchr(rest, '/') || str_eq(rest, "releases.yaml")))
			continue;
		struct str path = {0};
		str_addf(&path, "%s/%s%s%s", demo->source, to, *to ? "/" : "", rest);
		ok = write_file(path.s, c, err);
		str_finish(&path);
	}
	str_finish(&prefix);
	return ok;
}

static bool lay_sample(struct demo *demo, const struct sample *s, struct err *err)
{
	char *folder = arena_printf(&demo->arena, "%s/", s->service);
	return lay(demo, "shared/", s->service, err) && lay(demo, folder, s->service, err) &&
	       (!s->overlay || lay(demo, arena_printf(&demo->arena, "%s/", s->overlay), s->service, err));
}

static bool read_samples(struct demo *demo, struct err *err)
{
	struct complaints complaints = {0};
	struct yaml y = {.file = SAMPLES "releases.yaml", .arena = &demo->arena, .complaints = &complaints};
	const struct carried *c = carried_find(y.file);
	const struct yaml_node *root = c ? yaml_load(&y, c->data, c->size) : NULL;
	const struct yaml_node *list = yaml_find(root, "releases");
	demo->n_samples = 0;
	for (const struct yaml_node *n = list ? list->first : NULL; n && demo->n_samples < DEMO_RELEASES; n = n->next) {
		struct sample *s = &demo->samples[demo->n_samples++];
		*s = (struct sample){0};
		yaml_as_name(&y, yaml_need(&y, n, "service"), &s->service);
		yaml_as_text(&y, yaml_need(&y, n, "version"), &s->version);
		yaml_as_text(&y, yaml_find(n, "overlay"), &s->overlay);
		yaml_as_text(&y, yaml_need(&y, n, "message"), &s->message);
		yaml_as_texts(&y, yaml_need(&y, n, "environments"), &s->environments);
	}
	bool ok = !complaints.count && demo->n_samples;
	if (!ok)
		err_set(err, ERR_FAILED, "this program carries no samples: %.200s", complaints.text ? complaints.text : "");
	complaints_finish(&complaints);
	return ok;
}

/* ---- deploys ---- */

static void on_progress(const struct up_progress *p, void *arg)
{
	struct demo *demo = arg;
	demo->done = (int)p->done;
	demo->total = (int)p->total;
}

static void on_done(const struct err *err, void *arg)
{
	end(arg, err);
}

static bool prepare(struct demo *demo, const struct up_folder *f, struct err *err)
{
	struct daemon *d = demo->daemon;
	if (!state_begin(d->state, err))
		return false;
	bool ok = true;
	for (size_t i = 0; ok && i < f->platform.n_environments; i++)
		ok = up_folder_approve(d, f, f->platform.environments[i].name, "fairway", err) &&
		     up_folder_register(d, f, f->platform.environments[i].name, err);
	if (ok && state_commit(d->state, err))
		return true;
	state_abort(d->state);
	return false;
}

/* Rows in their order, environment by environment: what runs already is left out. */
static size_t list_items(struct demo *demo, struct up_item *items)
{
	size_t n = 0;
	for (size_t i = 0; i < demo->n_samples; i++)
		for (size_t j = 0; j < demo->samples[i].environments.count && n < DEMO_ITEMS; j++) {
			const struct sample *s = &demo->samples[i];
			const char *environment = s->environments.items[j];
			const struct own_target *t = fleet_target(demo->daemon->fleet, s->service, environment);
			if (t && t->release != RECORD_NONE)
				continue;
			items[n++] = (struct up_item){s->service, environment, s->version};
		}
	return n;
}

static void bring_up(struct demo *demo)
{
	struct up_folder folder;
	struct err err = {0};
	bool ok = up_folder_read(&folder, demo->source, &err) && prepare(demo, &folder, &err);
	up_folder_finish(&folder);
	struct up_item *items = mem_array(DEMO_ITEMS, sizeof(*items));
	size_t n = ok ? list_items(demo, items) : 0;
	demo->done = 0;
	demo->total = (int)n;
	if (n)
		ups_start(demo->daemon->ups, items, n, demo->by, "the sample platform", on_progress, on_done, demo);
	else
		end(demo, ok ? NULL : &err);
	free(items);
}

/* ---- git ---- */

static void on_git_end(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	struct demo *demo = arg;
	struct child_end how;
	if (child_wait(&demo->git, false, &how) == CHILD_RUNS)
		return;
	reactor_fd_remove(demo->fd);
	demo->fd = NULL;
	child_wait(&demo->git, true, &how);
	reactor_timer_set(demo->timer, -1);
	if (how.status != 0) {
		struct err err;
		err_set(&err, ERR_FAILED, "git ended with status %d in %s", how.status, demo->source);
		end(demo, &err);
		return;
	}
	next_git(demo);
}

static void on_git_late(void *arg)
{
	struct demo *demo = arg;
	child_signal_session(&demo->git, SIGKILL);
}

static bool start_git(struct demo *demo, const char *const *args, struct err *err)
{
	const char *argv[24] = {"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c",
	                        "commit.gpgSign=false", "-c", "tag.gpgSign=false", "-c", "gc.auto=0"};
	size_t n = 11;
	for (size_t i = 0; args[i] && n < 23; i++)
		argv[n++] = args[i];
	const char *more[] = {
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		arena_printf(&demo->arena, "GIT_AUTHOR_NAME=%s", demo->by),
		arena_printf(&demo->arena, "GIT_COMMITTER_NAME=%s", demo->by),
		"GIT_AUTHOR_EMAIL=demo@localhost",
		"GIT_COMMITTER_EMAIL=demo@localhost",
		NULL,
	};
	char **env = child_env_new(more);
	struct child_start start = {.argv = argv, .env = (const char *const *)env, .dir = demo->source, .err = log_fd(demo->daemon->log)};
	bool ok = child_start(&start, &demo->git, err);
	child_env_free(env);
	if (!ok)
		return false;
	demo->fd = reactor_fd_add(demo->daemon->reactor, demo->git.pidfd, REACTOR_READ, on_git_end, demo, err);
	reactor_timer_set(demo->timer, GIT_MS);
	return demo->fd != NULL;
}

/* One command of the history: add, commit, tag for each sample. The files are laid before the first of them. */
static bool git_of(struct demo *demo, struct err *err)
{
	const struct sample *s = &demo->samples[demo->at];
	const char *add[] = {"add", "--all", NULL};
	const char *commit[] = {"commit", "--quiet", "--allow-empty", "--message", s->message, NULL};
	const char *tag[] = {"tag", "--force", arena_printf(&demo->arena, "%s/%s", s->service, s->version), NULL};
	const char *const *const commands[GIT_STEPS] = {add, commit, tag};
	if (demo->step == 0 && !lay_sample(demo, s, err))
		return false;
	return start_git(demo, commands[demo->step], err);
}

static void next_git(struct demo *demo)
{
	struct err err = {0};
	if (demo->at == demo->n_samples) {
		bring_up(demo);
		return;
	}
	if (!git_of(demo, &err)) {
		end(demo, &err);
		return;
	}
	if (++demo->step == GIT_STEPS) {
		demo->step = 0;
		demo->at++;
	}
}

/* ---- public ---- */

bool demo_raise(struct demo *demo, const char *by, struct err *err)
{
	if (demo->is_raising)
		return true;
	demo->error[0] = '\0';
	arena_reset(&demo->arena);
	free(demo->source);
	free(demo->by);
	demo->source = place_path(demo->daemon->place, "src");
	demo->by = mem_dup(by);
	if (!read_samples(demo, err))
		return false;
	demo->is_raising = true;
	demo->at = demo->step = 0;
	demo->done = demo->total = 0;
	for (size_t i = 0; i < demo->n_samples; i++)
		demo->total += (int)demo->samples[i].environments.count;
	/* The history is made whole or not at all: its end is marked by the last tag's file. */
	const struct sample *last = &demo->samples[demo->n_samples - 1];
	const char *tag = arena_printf(&demo->arena, "%s/.git/refs/tags/%s/%s", demo->source, last->service, last->version);
	const char *packed = arena_printf(&demo->arena, "%s/.git/packed-refs", demo->source);
	if (access(tag, F_OK) == 0 || access(packed, F_OK) == 0) {
		bring_up(demo);
		return true;
	}
	const char *init[] = {"init", "--quiet", "--initial-branch=main", NULL};
	if (mkdir(demo->source, 0700) != 0 && errno != EEXIST) {
		err_errno(err, ERR_FAILED, errno, "%s", demo->source);
		demo->is_raising = false;
		return false;
	}
	if (lay(demo, "", "", err) && start_git(demo, init, err))
		return true;
	demo->is_raising = false;
	return false;
}

bool demo_progress(const struct demo *demo, int *done, int *total)
{
	*done = demo->done;
	*total = demo->total;
	return demo->is_raising;
}

const char *demo_error(const struct demo *demo)
{
	return demo->error[0] ? demo->error : NULL;
}

struct demo *demo_new(struct daemon *daemon)
{
	struct demo *demo = mem_alloc(sizeof(*demo));
	demo->daemon = daemon;
	demo->git.pidfd = -1;
	demo->timer = reactor_timer_add(daemon->reactor, -1, 0, on_git_late, demo);
	return demo;
}

void demo_free(struct demo *demo)
{
	if (!demo)
		return;
	if (demo->fd) {
		child_signal_session(&demo->git, SIGKILL);
		reactor_fd_remove(demo->fd);
		child_forget(&demo->git);
	}
	reactor_timer_remove(demo->timer);
	arena_finish(&demo->arena);
	free(demo->source);
	free(demo->by);
	free(demo);
}

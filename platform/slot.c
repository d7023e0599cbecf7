/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "platform/log_files.h"
#include "platform/slot_table.h"

/* ---- the table ---- */

/* Where the id is, or belongs. */
static size_t place_of(const struct slots *all, const char *id, bool *is_there)
{
	size_t low = 0, high = all->n;
	*is_there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(all->all[middle]->id, id);
		if (order == 0) {
			*is_there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct slot *slot_find(const struct slots *all, const char *id)
{
	bool is_there;
	size_t i = place_of(all, id, &is_there);
	return is_there ? all->all[i] : NULL;
}

static void on_log_grew(void *arg)
{
	struct slot *s = arg;
	if (s->owner->events.log_grew)
		s->owner->events.log_grew(s->id, s->owner->arg);
}

static void on_log_stalled(bool is_stalled, const struct err *err, void *arg)
{
	struct slot *s = arg;
	s->is_stalled = is_stalled;
	log_line(s->owner->config.log, LOG_WARNING, "%s: %s", s->id,
	         is_stalled ? err->text : "the log is written again");
	if (s->owner->events.log_stalled)
		s->owner->events.log_stalled(s->id, is_stalled, err, s->owner->arg);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void slot_free(struct slot *s)
{
	slot_life_finish(s);
	slot_log_free(s->log);
	close_if_open(s->fifo);
	close_if_open(s->lock);
	close_if_open(s->dir);
	free(s->spec);
	free(s->id);
	free(s);
}

static bool slot_open(struct slot *s, struct err *err)
{
	static const struct slot_log_events log_events = {on_log_grew, on_log_stalled};
	const struct slots_config *c = &s->owner->config;
	s->dir = slot_folder_make(s->owner->place, s->id, err);
	s->fifo = s->dir < 0 ? -1 : slot_fifo_open(s->dir, err);
	s->lock = s->fifo < 0 ? -1 : slot_lock_open(s->dir, err);
	if (s->lock < 0)
		return false;
	s->log = slot_log_new(s->owner->reactor, s->dir, s->fifo, c->log_file_bytes, c->log_files,
	                      &log_events, s, err);
	return s->log != NULL;
}

/* The slot of that id, made when missing. */
static struct slot *slot_get(struct slots *all, const char *id, struct err *err)
{
	bool is_there;
	size_t i = place_of(all, id, &is_there);
	if (is_there)
		return all->all[i];
	struct slot *s = mem_alloc(sizeof(*s));
	*s = (struct slot){.owner = all, .id = mem_dup(id), .dir = -1, .fifo = -1, .lock = -1, .report = -1,
	                   .child = {.pidfd = -1}};
	if (!slot_open(s, err)) {
		err_prefix(err, "slot %.60s", id);
		slot_free(s);
		return NULL;
	}
	all->all = mem_grow(all->all, all->n + 1, sizeof(all->all[0]));
	memmove(&all->all[i + 1], &all->all[i], (all->n - i) * sizeof(all->all[0]));
	all->all[i] = s;
	all->n++;
	return s;
}

/* ---- the keeper ---- */

static void on_held(const char *id, void *arg)
{
	struct slot *s = slot_find(arg, id);
	if (s)
		slot_life_held(s);
}

/* The FIFOs go through the exec open, so that what a dead instance left in one is never without a holder. */
static void on_keeper_lost(void *arg)
{
	struct slots *all = arg;
	struct err err = {0};
	int *fifos = mem_array(all->n, sizeof(*fifos));
	for (size_t i = 0; i < all->n; i++)
		fifos[i] = all->all[i]->fifo;
	log_line(all->config.log, LOG_WARNING, "the keeper is dead; the daemon takes its place");
	keeper_take_over(all->place, fifos, all->n, &err);
	free(fifos);
	log_line(all->config.log, LOG_ERROR, "%s; going on without a keeper", err.text);
	keeper_link_free(all->link);
	all->link = NULL;
}

/* ---- life ---- */

struct slots *slots_new(struct reactor *r, const struct place *place, const struct slots_config *config,
                        const struct slots_events *events, void *arg, struct err *err)
{
	static const struct keeper_link_events link_events = {on_held, on_keeper_lost};
	char *program = keeper_program();
	if (!program) {
		err_errno(err, ERR_FAILED, errno, "cannot find this program's file");
		return NULL;
	}
	struct slots *all = mem_alloc(sizeof(*all));
	*all = (struct slots){.reactor = r, .place = place, .config = *config, .events = *events, .arg = arg,
	                      .program = program};
	all->link = keeper_link_new(r, &link_events, all);
	return all;
}

void slots_free(struct slots *all)
{
	if (!all)
		return;
	keeper_link_free(all->link);
	for (size_t i = 0; i < all->n; i++)
		slot_free(all->all[i]);
	free(all->all);
	free(all->program);
	free(all);
}

struct adoption {
	struct slots *all;
	struct err *err;
	bool is_ok;
	size_t n_running;
};

static void adopt(const char *id, void *arg)
{
	struct adoption *a = arg;
	struct slot *s = a->is_ok ? slot_get(a->all, id, a->err) : NULL;
	if (!s) {
		a->is_ok = false;
		return;
	}
	s->spec = slot_spec_read(s->dir, id, NULL);
	/* the keeper holds what is on disk when it starts, and what it was told since */
	s->is_held = a->all->link != NULL;
	slot_life_adopt(s);
	if (s->phase != SLOT_RUNNING)
		return;
	a->n_running++;
	log_line(a->all->config.log, LOG_INFO, "%s (%d) adopted", id, (int)s->who.pid);
}

bool slots_adopt(struct slots *all, struct err *err)
{
	struct adoption a = {.all = all, .err = err, .is_ok = true};
	slot_ids_each(all->place, adopt, &a);
	log_line(all->config.log, LOG_INFO, "%zu slots, %zu run", all->n, a.n_running);
	return a.is_ok;
}

/* ---- calls ---- */

static bool is_alive(const struct slot *s)
{
	return s->phase == SLOT_STARTING || s->phase == SLOT_RUNNING || s->phase == SLOT_STOPPING;
}

static bool check_free(const struct slot *s, struct err *err)
{
	if (is_alive(s))
		return err_set(err, ERR_REFUSED, "slot %s is taken: stop what runs there first", s->id);
	return true;
}

static bool begin(struct slot *s, struct err *err)
{
	free(s->spec);
	s->spec = slot_spec_read(s->dir, s->id, err); /* what is on disk is what runs */
	if (!s->spec)
		return false;
	slot_life_begin(s);
	return true;
}

bool slot_start(struct slots *all, const struct slot_spec *spec, struct err *err)
{
	if (!spec->argv || !spec->argv[0] || !spec->dir || spec->dir[0] != '/')
		return err_set(err, ERR_USAGE, "slot %.60s: a command and an absolute folder are needed",
		               spec->id);
	struct slot *s = slot_get(all, spec->id, err);
	return s && check_free(s, err) && slot_spec_write(s->dir, spec, err) && begin(s, err);
}

bool slot_start_again(struct slots *all, const char *id, struct err *err)
{
	struct slot *s = slot_find(all, id);
	if (!s)
		return err_set(err, ERR_NOT_FOUND, "there is no slot %.60s", id);
	return check_free(s, err) && begin(s, err);
}

bool slot_stop(struct slots *all, const char *id, int64_t grace_ms, struct err *err)
{
	struct slot *s = slot_find(all, id);
	if (!s)
		return err_set(err, ERR_NOT_FOUND, "there is no slot %.60s", id);
	slot_life_stop(s, grace_ms);
	return true;
}

bool slot_signal(struct slots *all, const char *id, int signal, struct err *err)
{
	struct slot *s = slot_find(all, id);
	if (!s || s->child.pidfd < 0)
		return err_set(err, ERR_NOT_FOUND, "nothing runs in slot %.60s", id);
	return child_signal(&s->child, signal) || err_errno(err, ERR_FAILED, errno, "cannot signal %s", id);
}

static void remove_files(struct slot *s)
{
	static const char *const names[] = {"log", "spec", "exit", "fault", "spec.new", "exit.new"};
	uint64_t first, last;
	if (log_files_range(s->dir, &first, &last))
		for (; first <= last; first++)
			log_files_unlink(s->dir, first);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(s->dir, names[i], 0);
	unlinkat(s->dir, "lock", 0); /* last: while it is there the name stands for the slot */
	unlinkat(s->owner->place->slots_fd, s->id, AT_REMOVEDIR);
}

bool slot_remove(struct slots *all, const char *id, struct err *err)
{
	bool is_there;
	size_t i = place_of(all, id, &is_there);
	struct slot *s = is_there ? all->all[i] : NULL;
	if (!s)
		return true;
	if (!check_free(s, err))
		return false;
	/* Held while it is removed: a shim that opened it before finds either the lock taken or its file
	 * gone. */
	if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_REFUSED, "slot %s is taken", id);
	remove_files(s);
	if (all->link)
		keeper_link_drop(all->link, id);
	memmove(&all->all[i], &all->all[i + 1], (all->n - i - 1) * sizeof(all->all[0]));
	all->n--;
	slot_free(s);
	return true;
}

/* ---- facts ---- */

static void fill_info(const struct slot *s, struct slot_info *info)
{
	bool is_alive_now = s->phase == SLOT_RUNNING || s->phase == SLOT_STOPPING;
	*info = (struct slot_info){
		.id = s->id,
		.phase = s->phase,
		.pid = is_alive_now ? s->who.pid : 0,
		.started_at = s->who.started_at,
		.is_adopted = is_alive_now && s->is_adopted,
		.is_stalled = s->is_stalled,
		.exit = s->phase == SLOT_EXITED ? &s->exit : NULL,
		.spec = s->spec,
	};
}

bool slot_info(const struct slots *all, const char *id, struct slot_info *info)
{
	const struct slot *s = slot_find(all, id);
	if (s)
		fill_info(s, info);
	return s != NULL;
}

void slots_each(struct slots *all, void (*each)(const struct slot_info *, void *arg), void *arg)
{
	size_t n = all->n;
	struct slot **now = mem_array(n, sizeof(*now)); /* the callback may start slots that are new */
	if (n)
		memcpy(now, all->all, n * sizeof(*now));
	for (size_t i = 0; i < n; i++) {
		struct slot_info info;
		fill_info(now[i], &info);
		each(&info, arg);
	}
	free(now);
}

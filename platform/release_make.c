/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a release: wait for a turn, pack, check the approval, build, land. A making has waiters; when the
 * last one leaves, it ends. Its children write to files, never to pipes: nothing has to be read while they
 * run.
 */
#include "platform/release_make.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "platform/build.h"
#include "platform/place.h"
#include "platform/reactor.h"
#include "platform/state.h"

enum making_phase { MAKING_WAITS, MAKING_PACKS, MAKING_BUILDS };
enum { PACK_MS = 120000, TAIL = 2048 };

struct release_job {
	struct release_job *next;
	struct releases *releases;
	struct making *making; /* NULL: its outcome is known */
	char *environment;
	release_done *done;
	void *arg;
	char *service; /* outcome: the release, or err */
	int64_t number;
	struct err err;
};

struct making {
	struct making *next;
	struct releases *releases;
	struct release_job *jobs;
	enum making_phase phase;
	char *service, *folder, *version, *by, *log_name, *staging;
	struct build_packed packed;
	struct child child;
	struct reactor_fd *watch;
	struct reactor_timer *limit;
	int answer, errors; /* memory files of the packing child */
	int log;
	bool is_late;
};

static void job_free(struct release_job *j)
{
	free(j->environment);
	free(j->service);
	free(j);
}

static void jobs_tell(void *arg)
{
	struct releases *r = arg;
	while (r->told) {
		struct release_job *j = r->told;
		r->told = j->next;
		const struct release *release = j->number ? release_get(r, j->service, j->number) : NULL;
		if (!release && j->err.kind == ERR_NONE)
			err_set(&j->err, ERR_NOT_FOUND, "the release was removed meanwhile");
		j->done(release, release ? NULL : &j->err, j->arg);
		job_free(j);
	}
}

static void job_settle(struct release_job *j, int64_t number, const struct err *err)
{
	struct releases *r = j->releases;
	struct release_job **end = &r->told;
	j->making = NULL;
	j->number = number;
	if (err)
		j->err = *err;
	if (!r->told)
		reactor_defer(r->daemon->reactor, jobs_tell, r);
	while (*end)
		end = &(*end)->next;
	j->next = NULL;
	*end = j;
}

static void fd_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void child_drop(struct making *m)
{
	struct child_end end;
	if (m->watch)
		reactor_fd_remove(m->watch);
	m->watch = NULL;
	if (m->child.pidfd < 0)
		return;
	child_signal_session(&m->child, SIGKILL);
	if (child_wait_for(&m->child, 200, &end) ==
	    CHILD_RUNS) /* killed: only the kernel can still hold it */
		child_forget(&m->child);
	m->child.pidfd = -1;
}

static void making_free(struct making *m)
{
	child_drop(m);
	fd_drop(&m->answer);
	fd_drop(&m->errors);
	fd_drop(&m->log);
	reactor_timer_remove(m->limit);
	free(m->service);
	free(m->folder);
	free(m->version);
	free(m->by);
	free(m->log_name);
	free(m->staging);
	free(m);
}

static void makings_start(void *arg);

/* Takes the making out, tells its waiters, lets the next one begin. err NULL: the release has that number. */
static void making_end(struct making *m, int64_t number, const struct err *err)
{
	struct releases *r = m->releases;
	struct making **at = &r->makings;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	r->running -= m->phase != MAKING_WAITS;
	while (m->jobs) {
		struct release_job *j = m->jobs;
		m->jobs = j->next;
		j->service = mem_dup(m->service);
		job_settle(j, number, err);
	}
	child_drop(m);
	if (!number && m->staging)
		release_forget_folder(r, m->staging);
	making_free(m);
	reactor_defer(r->daemon->reactor, makings_start, r);
}

static void making_fail(struct making *m, const struct err *err)
{
	if (m->log >= 0) {
		file_write_all(m->log, err->text, strlen(err->text));
		file_write_all(m->log, "\n", 1);
	}
	making_end(m, 0, err);
}

static void limit_reached(void *arg)
{
	struct making *m = arg;
	m->is_late = true;
	child_signal_session(&m->child, SIGKILL);
}

static bool watch_child(struct making *m, void (*ended)(int, unsigned, void *), int64_t limit_ms,
			struct err *err)
{
	struct reactor *reactor = m->releases->daemon->reactor;
	m->watch = reactor_fd_add(reactor, m->child.pidfd, REACTOR_READ, ended, m, err);
	if (!m->limit)
		m->limit = reactor_timer_add(reactor, limit_ms, 0, limit_reached, m);
	else
		reactor_timer_set(m->limit, limit_ms);
	return m->watch;
}

/* After the leader ended: what it left running in its session ends too, then it is reaped. */
static bool child_take(struct making *m, struct child_end *end)
{
	if (child_wait(&m->child, false, end) == CHILD_RUNS)
		return false;
	reactor_fd_remove(m->watch);
	m->watch = NULL;
	reactor_timer_set(m->limit, -1);
	child_signal_session(&m->child, SIGKILL);
	child_wait(&m->child, true, end);
	m->child.pidfd = -1;
	return true;
}

static void making_land(struct making *m)
{
	struct daemon *d = m->releases->daemon;
	struct release record;
	struct err err;
	char serial[96];
	snprintf(serial, sizeof(serial), "release/%s", m->service);
	record_init(record_class(RECORD_RELEASE), &record);
	record.service = m->service;
	record.version = m->packed.version;
	record.number = state_serial(d->state, serial);
	record.created_at = record.base.as_of = clock_wall_ms();
	record.commit = *m->packed.commit ? m->packed.commit : NULL;
	record.by = m->by;
	char *folder = release_folder(m->releases, m->service, record.number);
	if (rename(m->staging, folder)) {
		err_errno(&err, ERR_FAILED, errno, "cannot keep the release at %s", folder);
		free(folder);
		making_fail(m, &err);
		return;
	}
	bool is_kept = state_put(d->state, record_class(RECORD_RELEASE), &record, &err);
	if (!is_kept)
		release_forget_folder(m->releases, folder);
	free(folder);
	if (!is_kept) {
		making_fail(m, &err);
		return;
	}
	int64_t old = release_to_forget(m->releases, m->service);
	if (old) {
		char key[128];
		folder = release_folder(m->releases, m->service, old);
		snprintf(key, sizeof(key), "%s/%lld", m->service, (long long)old);
		if (state_delete(d->state, record_class(RECORD_RELEASE), key, NULL))
			release_forget_folder(m->releases, folder);
		free(folder);
	}
	making_end(m, record.number, NULL);
}

/* The build log's last words, for the sentence that says why. */
static void log_tail(int log, char *out, size_t size)
{
	char bytes[TAIL + 1];
	off_t end = lseek(log, 0, SEEK_END);
	ssize_t n = pread(log, bytes, TAIL, end > TAIL ? end - TAIL : 0);
	*out = '\0';
	if (n <= 0)
		return;
	while (n && (bytes[n - 1] == '\n' || bytes[n - 1] == ' '))
		n--;
	bytes[n] = '\0';
	const char *from = bytes;
	int lines = 0;
	for (ssize_t i = n; i > 0 && lines < 2; i--)
		if (bytes[i - 1] == '\n' && ++lines == 2)
			from = bytes + i;
	size_t skip = strlen(from) >= size ? strlen(from) - size + 1 : 0;
	snprintf(out, size, "%s", from + skip);
	for (char *c = out; *c; c++)
		if ((unsigned char)*c < 0x20)
			*c = ' ';
}

static void build_ended(int fd, unsigned events, void *arg)
{
	struct making *m = arg;
	struct child_end end;
	struct err err;
	char tail[200];
	(void)fd;
	(void)events;
	if (!child_take(m, &end))
		return;
	if (end.status == 0) {
		making_land(m);
		return;
	}
	log_tail(m->log, tail, sizeof(tail));
	if (m->is_late)
		err_set(&err, ERR_FAILED, "the build of %s was ended after %d minutes: %s", m->service,
			RELEASE_BUILD_MS / 60000, tail);
	else
		err_set(&err, ERR_FAILED, "the build of %s %s failed with status %d: %s", m->service,
			m->packed.version, end.status, tail);
	making_end(m, 0, &err);
}

static bool build_start(struct making *m, const struct service_command *build, struct err *err)
{
	char service[96], version[BUILD_VERSION + 24];
	snprintf(service, sizeof(service), "FAIRWAY_SERVICE=%s", m->service);
	snprintf(version, sizeof(version), "FAIRWAY_VERSION=%s", m->packed.version);
	const char *more[] = {service, version, NULL};
	char **env = child_env_new(more);
	struct child_start start = {.argv = build->argv,
				    .env = (const char *const *)env,
				    .dir = m->staging,
				    .out = m->log,
				    .err = m->log};
	file_write_all(m->log, "$ ", 2);
	file_write_all(m->log, build->text, strlen(build->text));
	file_write_all(m->log, "\n", 1);
	bool is_started = child_start(&start, &m->child, err);
	child_env_free(env);
	m->phase = MAKING_BUILDS;
	return is_started && watch_child(m, build_ended, RELEASE_BUILD_MS, err);
}

/* Waiters whose environment nobody approved these commands for are told so. False: none is left. */
static bool approvals_check(struct making *m, const struct service_file *file)
{
	struct release_job **at = &m->jobs;
	while (*at) {
		struct release_job *j = *at;
		struct err err;
		if (release_is_approved(m->releases->daemon, file, j->environment, m->folder, &err)) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		j->service = mem_dup(m->service);
		job_settle(j, 0, &err);
	}
	return m->jobs;
}

/* A clean checkout that was built before is that release: nothing is built twice. */
static const struct release *made_before(const struct making *m)
{
	const struct release *kept = release_find(m->releases, m->service, m->packed.version);
	bool is_tree = str_starts(m->packed.version, "tree-"); /* names its contents */
	if (!kept || (!is_tree && (!*m->packed.commit || !str_eq(kept->commit, m->packed.commit))))
		return NULL;
	return kept;
}

static void making_packed(struct making *m)
{
	struct service_file file;
	struct err err;
	const struct release *kept = made_before(m);
	if (!release_load_file(m->staging, &file, &err)) {
		making_fail(m, &err);
		return;
	}
	if (!str_eq(file.name, m->service))
		err_set(&err, ERR_REFUSED, "%s/%s is about %s, not about %s", m->folder, SERVICE_FILE_NAME,
			file.name, m->service);
	else if (!approvals_check(m, &file))
		err_set(&err, ERR_REFUSED, "its commands are not approved");
	else if (kept) {
		service_file_finish(&file);
		int64_t number = kept->number;
		release_forget_folder(m->releases, m->staging);
		making_end(m, number, NULL);
		return;
	} else if (!file.build.argv) {
		service_file_finish(&file);
		making_land(m);
		return;
	} else if (build_start(m, &file.build, &err)) {
		service_file_finish(&file);
		return;
	}
	service_file_finish(&file);
	making_fail(m, &err);
}

static void memory_text(int fd, struct str *out)
{
	char bytes[4096];
	ssize_t n = pread(fd, bytes, sizeof(bytes) - 1, 0);
	str_addn(out, bytes, n > 0 ? (size_t)n : 0);
}

static void pack_ended(int fd, unsigned events, void *arg)
{
	struct making *m = arg;
	struct child_end end;
	struct err err;
	struct str text = {0};
	(void)fd;
	(void)events;
	if (!child_take(m, &end))
		return;
	memory_text(end.status == 0 ? m->answer : m->errors, &text);
	if (end.status == 0 && build_packed_parse(str_text(&text), &m->packed, &err)) {
		str_finish(&text);
		making_packed(m);
		return;
	}
	if (end.status != 0) {
		enum err_kind kind = ERR_FAILED;
		for (enum err_kind k = ERR_FAILED; k <= ERR_NOT_FOUND; k++)
			if (err_exit_status(k) == end.status)
				kind = k;
		err_set(&err, kind, "%.*s", (int)strcspn(str_text(&text), "\n"),
			text.len ? text.s : "packing the files was ended");
	}
	str_finish(&text);
	making_fail(m, &err);
}

static bool pack_start(struct making *m, struct err *err)
{
	struct daemon *d = m->releases->daemon;
	char *parent = place_path(d->place, "releases/%s", m->service);
	char *log = place_path(d->place, "builds/%s", m->log_name);
	m->staging = place_path(d->place, "releases/%s/.making-%llu", m->service,
				(unsigned long long)++m->releases->serial);
	if (mkdir(parent, 0700) && errno != EEXIST)
		err_errno(err, ERR_FAILED, errno, "cannot make %s", parent);
	m->log = file_open_private(AT_FDCWD, log, O_APPEND, err);
	free(parent);
	free(log);
	m->answer = memfd_create("answer", MFD_CLOEXEC);
	m->errors = memfd_create("errors", MFD_CLOEXEC);
	if (m->log < 0 || m->answer < 0 || m->errors < 0)
		return m->log < 0 ? false
				  : err_errno(err, ERR_FAILED, errno, "no memory file for the packing");
	const char *argv[] = {"fairway",  "--pack", m->service, m->folder, m->version ? m->version : "-",
			      m->staging, NULL};
	char **env = child_env_new(NULL);
	struct child_start start = {.argv = argv,
				    .path = "/proc/self/exe",
				    .env = (const char *const *)env,
				    .out = m->answer,
				    .err = m->errors};
	bool is_started = child_start(&start, &m->child, err);
	child_env_free(env);
	return is_started && watch_child(m, pack_ended, PACK_MS, err);
}

static void makings_start(void *arg)
{
	struct releases *r = arg;
	for (struct making *m = r->makings, *next; m && r->running < RELEASE_BUILDS; m = next) {
		struct err err;
		next = m->next;
		if (m->phase != MAKING_WAITS)
			continue;
		m->phase = MAKING_PACKS;
		r->running++;
		if (!pack_start(m, &err)) {
			making_fail(m, &err);
			return; /* comes again by itself, deferred */
		}
	}
}

static struct making *making_new(struct releases *r, const struct release_wish *w)
{
	struct making *m = mem_alloc(sizeof(*m)), **end = &r->makings;
	*m = (struct making){.releases = r, .child = {.pidfd = -1}, .answer = -1, .errors = -1, .log = -1};
	m->service = mem_dup(w->service);
	m->folder = mem_dup(w->folder);
	m->version = mem_dup(w->version);
	m->by = mem_dup(w->by);
	m->log_name = mem_dup(w->log);
	while (*end)
		end = &(*end)->next;
	*end = m;
	reactor_defer(r->daemon->reactor, makings_start, r);
	return m;
}

/* What lies in a folder may change at any time: such a build is shared only while its files were not read. */
static struct making *making_find(struct releases *r, const struct release_wish *w)
{
	for (struct making *m = r->makings; m; m = m->next) {
		bool is_open = w->version ? m->phase != MAKING_BUILDS : m->phase == MAKING_WAITS;
		if (is_open && str_eq(m->service, w->service) && str_eq(m->folder, w->folder) &&
		    str_eq(m->version, w->version))
			return m;
	}
	return NULL;
}

struct release_job *release_want(struct releases *r, const struct release_wish *w, release_done *done,
				 void *arg, struct err *err)
{
	const struct release *kept = w->version ? release_find(r, w->service, w->version) : NULL;
	if (w->version && !kept && !build_version_is_valid(w->version)) {
		err_set(err, ERR_USAGE, "\"%s\" cannot be a version: letters, digits and . _ + - / only",
			w->version);
		return NULL;
	}
	if (!kept && str_empty(w->folder)) {
		err_set(err, ERR_NOT_FOUND, "%s has no folder that it could be built from", w->service);
		return NULL;
	}
	if (!kept && !release_folder_is_known(r, w->service, w->folder)) {
		err_set(err, ERR_REFUSED,
			"nobody approved commands of %s in %s yet: `fairway up %s` shows and asks",
			w->service, w->folder, w->folder);
		return NULL;
	}
	struct release_job *j = mem_alloc(sizeof(*j));
	*j = (struct release_job){.releases = r, .done = done, .arg = arg};
	j->environment = mem_dup(w->environment);
	if (kept) {
		j->service = mem_dup(w->service);
		job_settle(j, kept->number, NULL);
		return j;
	}
	struct making *m = making_find(r, w);
	if (!m)
		m = making_new(r, w);
	j->making = m;
	j->next = m->jobs;
	m->jobs = j;
	return j;
}

static bool job_unlink(struct release_job **at, struct release_job *j)
{
	while (*at && *at != j)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = j->next;
	return true;
}

void release_job_cancel(struct release_job *j)
{
	if (!j)
		return;
	struct making *m = j->making;
	job_unlink(m ? &m->jobs : &j->releases->told, j);
	job_free(j);
	if (m && !m->jobs) {
		struct err err;
		err_set(&err, ERR_CANCELLED, "the build was cancelled");
		making_fail(m, &err);
	}
}

void release_make_end_all(struct releases *r)
{
	reactor_defer_cancel(r->daemon->reactor, r);
	while (r->makings) {
		struct making *m = r->makings;
		r->makings = m->next;
		while (m->jobs) {
			struct release_job *j = m->jobs;
			m->jobs = j->next;
			job_free(j);
		}
		making_free(m);
	}
	while (r->told) {
		struct release_job *j = r->told;
		r->told = j->next;
		job_free(j);
	}
	release_forget_end(r);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The kept releases: finding, marking, forgetting. How one is made is in release_make.c. */
#include "platform/release.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "platform/build.h"
#include "platform/own.h"
#include "platform/place.h"
#include "platform/release_make.h"
#include "platform/state.h"

static const struct record_class *class(void)
{
	return record_class(RECORD_RELEASE);
}

struct releases *releases_new(struct daemon *d, struct err *err)
{
	struct releases *r = mem_alloc(sizeof(*r));
	(void)err;
	r->daemon = d;
	return r;
}

void releases_free(struct releases *r)
{
	if (!r)
		return;
	release_make_end_all(r);
	free(r);
}

const struct release *release_get(const struct releases *r, const char *service, int64_t number)
{
	const struct release *found;
	for (size_t i = 0; (found = state_next(r->daemon->state, class(), &i));)
		if (found->number == number && str_eq(found->service, service))
			return found;
	return NULL;
}

const struct release *release_find(const struct releases *r, const char *service, const char *version)
{
	const struct release *found, *best = NULL;
	long long number;
	if (version[0] == '#' && str_to_int(version + 1, 1, INT64_MAX, &number))
		return release_get(r, service, number);
	for (size_t i = 0; (found = state_next(r->daemon->state, class(), &i));)
		if (str_eq(found->service, service) && str_eq(found->version, version) &&
		    (!best || found->number > best->number))
			best = found;
	return best;
}

const struct release *release_last_good(const struct releases *r, const char *service,
					const char *environment, int64_t number)
{
	const struct deploy *d;
	const struct release *best = NULL;
	int64_t when = 0;
	for (size_t i = 0; (d = state_next(r->daemon->state, record_class(RECORD_DEPLOY), &i));) {
		if (d->state != DEPLOY_SUCCEEDED || d->release == number || d->ended_at < when ||
		    !str_eq(d->service, service) || !str_eq(d->environment, environment))
			continue;
		const struct release *candidate = release_get(r, service, d->release);
		if (!candidate || candidate->is_bad)
			continue;
		best = candidate;
		when = d->ended_at;
	}
	return best;
}

char *release_folder(const struct releases *r, const char *service, int64_t number)
{
	return place_path(r->daemon->place, "releases/%s/%lld", service, (long long)number);
}

static bool complaints_to_err(struct complaints *c, struct err *err)
{
	/* All of them are in the plan and in `fairway config check`; an error has room for the first. */
	size_t n = c->text ? strcspn(c->text, "\n") : 0;
	err_set(err, ERR_USAGE, "%.*s", (int)n, c->text ? c->text : "");
	complaints_finish(c);
	return false;
}

bool release_load_file(const char *folder, struct service_file *file, struct err *err)
{
	char path[PATH_MAX];
	struct complaints complaints = {0};
	bool is_absent = false;
	snprintf(path, sizeof(path), "%s/%s", folder, SERVICE_FILE_NAME);
	if (service_file_load(file, path, &is_absent, &complaints)) {
		complaints_finish(&complaints);
		return true;
	}
	if (!is_absent)
		return complaints_to_err(&complaints, err);
	complaints_finish(&complaints);
	return err_set(err, ERR_NOT_FOUND, "%s is not there", path);
}

bool release_file(const struct releases *r, const char *service, int64_t number, struct service_file *file,
		  struct err *err)
{
	char *folder = release_folder(r, service, number);
	bool is_read = release_load_file(folder, file, err);
	free(folder);
	return is_read;
}

bool release_mark_bad(struct releases *r, const char *service, int64_t number, const char *reason,
		      struct err *err)
{
	const struct release *found = release_get(r, service, number);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "%s has no release %lld", service, (long long)number);
	struct release copy = *found;
	copy.is_bad = reason != NULL;
	copy.bad_reason = reason;
	return state_put(r->daemon->state, class(), &copy, err);
}

static bool texts_equal(const struct texts *a, const char *const *items, size_t n)
{
	if (a->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(a->items[i], items[i]))
			return false;
	return true;
}

void release_refresh_current(struct releases *r, const char *service)
{
	enum { ENVIRONMENTS = 64 };
	const struct release *found;
	for (size_t i = 0; (found = state_next(r->daemon->state, class(), &i));) {
		const struct own_target *t;
		const char *items[ENVIRONMENTS];
		size_t n = 0;
		if (!str_eq(found->service, service))
			continue;
		for (size_t k = 0; (t = state_next(r->daemon->state, own_class(OWN_TARGET), &k));)
			if (n < ENVIRONMENTS && t->release == found->number && !t->is_stopped &&
			    str_eq(t->service, service))
				items[n++] = t->environment;
		if (texts_equal(&found->current_in, items, n))
			continue;
		struct release copy = *found;
		copy.current_in = (struct texts){items, n};
		state_put(r->daemon->state, class(), &copy,
			  NULL); /* derived: written with the next change too */
	}
}

bool release_is_approved(const struct daemon *d, const struct service_file *file, const char *environment,
			 const char *folder, struct err *err)
{
	char hash[HASH_HEX];
	struct service_step steps[SERVICE_STEPS];
	service_file_approval(file, environment, folder, hash);
	if (!service_file_steps(file, steps) || state_get(d->state, own_class(OWN_APPROVAL), hash))
		return true;
	return err_set(err, ERR_REFUSED,
		       "nobody approved what %s runs in %s from %s: see and approve it with `fairway up %s "
		       "--env %s` "
		       "(--approve %.12s…)",
		       file->name, environment, folder, folder, environment, hash);
}

/* A folder of that service in which a person approved something: only there is git asked anything. */
bool release_folder_is_known(const struct releases *r, const char *service, const char *folder)
{
	const struct own_approval *a;
	for (size_t i = 0; (a = state_next(r->daemon->state, own_class(OWN_APPROVAL), &i));)
		if (str_eq(a->service, service) && str_eq(a->folder, folder))
			return true;
	return false;
}

static bool is_number(const char *name, long long *number)
{
	return str_to_int(name, 1, INT64_MAX, number);
}

/* Removes what a daemon that died left: half-made folders, and numbered ones whose record was never written.
 */
static void service_tidy(struct releases *r, const char *service)
{
	char *path = place_path(r->daemon->place, "releases/%s", service);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		long long number;
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (is_number(e->d_name, &number) && release_get(r, service, number))
			continue;
		char *left = place_path(r->daemon->place, "releases/%s/%s", service, e->d_name);
		build_remove(left, NULL);
		free(left);
	}
	if (d)
		closedir(d);
	free(path);
}

bool releases_resume(struct releases *r, struct err *err)
{
	char *path = place_path(r->daemon->place, "releases");
	DIR *d = opendir(path);
	int number = errno;
	free(path);
	if (!d)
		return err_errno(err, ERR_FAILED, number, "the releases cannot be read");
	for (struct dirent *e; (e = readdir(d));)
		if (str_is_name(e->d_name))
			service_tidy(r, e->d_name);
	closedir(d);
	return true;
}

static bool is_in_use(const struct releases *r, const struct release *release)
{
	const struct own_target *t;
	const struct own_intent *intent;
	for (size_t i = 0; (t = state_next(r->daemon->state, own_class(OWN_TARGET), &i));)
		if (str_eq(t->service, release->service) &&
		    (t->release == release->number || t->to_release == release->number))
			return true;
	for (size_t i = 0; (intent = state_next(r->daemon->state, own_class(OWN_INTENT), &i));)
		if (str_eq(intent->service, release->service) && intent->release == release->number)
			return true;
	return false;
}

/* The oldest kept release beyond RELEASE_KEPT that nothing runs; 0: none. */
int64_t release_to_forget(const struct releases *r, const char *service)
{
	const struct release *found, *oldest = NULL;
	size_t kept = 0;
	for (size_t i = 0; (found = state_next(r->daemon->state, class(), &i));) {
		if (!str_eq(found->service, service))
			continue;
		kept++;
		if ((!oldest || found->number < oldest->number) && !is_in_use(r, found))
			oldest = found;
	}
	return oldest && kept > RELEASE_KEPT ? oldest->number : 0;
}

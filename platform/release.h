/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELEASE_H
#define PLATFORM_RELEASE_H
/*
 * Releases: what was built once from a service's folder, numbered per service, kept in
 * STATE/releases/SERVICE/NUMBER and never changed after that. Every instance runs in its release's folder.
 * The daemon's thread; nothing blocks.
 *
 * Making one: a child of ours (`fairway --pack`, platform/build.h) copies the files and finds out the
 * version; the commands found there are checked against what a person approved; the build command runs as
 * a child with a session, a time limit and its output in STATE/builds/DEPLOY.log; then the folder lands
 * under its number and the record is written. At most RELEASE_BUILDS run at once, the others wait in
 * order. Whoever wants what is being made already waits for the same build; it ends when nobody waits any
 * more. What a dead daemon left half done is removed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/record.h"
#include "model/service_file.h"

struct daemon;
struct err;
struct release_job;
struct releases;

#define RELEASE_BUILDS 2
#define RELEASE_BUILD_MS 600000 /* a build that takes longer is ended */
#define RELEASE_KEPT 20         /* of a service; older ones that nobody runs are removed, records too */

struct releases *releases_new(struct daemon *, struct err *);
void releases_free(struct releases *);                 /* builds are ended */
bool releases_resume(struct releases *, struct err *); /* once, before any deploy */

struct release_wish {                      /* copied */
	const char *service, *environment; /* environment: whose approval the build needs */
	const char *folder;                /* where the service.yaml lies */
	const char *version; /* NULL: what lies there now; else a kept release's, a tag, or a commit */
	const char *by;
	const char *log; /* name of the build log in STATE/builds, "deploy-12.log" */
};
/* release NULL: failed, err says why (ERR_NOT_FOUND: no such version; ERR_REFUSED: commands not approved;
 * ERR_FAILED: the build's last lines; ERR_CANCELLED). Borrowed for the call, which comes from the loop,
 * never from inside release_want(). */
typedef void release_done(const struct release *, const struct err *, void *arg);
/* NULL: the wish cannot be begun. The job is over after done() was called. */
struct release_job *release_want(struct releases *, const struct release_wish *, release_done *, void *arg,
				 struct err *err);
void release_job_cancel(struct release_job *); /* done() is not called any more */

/* By number, or by version or "#NUMBER": the newest of that version. NULL when none is kept. Borrowed as
 * records of state are. */
const struct release *release_get(const struct releases *, const char *service, int64_t number);
const struct release *release_find(const struct releases *, const char *service, const char *version);
/* Where a rollback of a placement that runs `number` goes: the release of its last deploy that succeeded with
 * another release which is kept and not bad. */
const struct release *release_last_good(const struct releases *, const char *service, const char *environment,
					int64_t number);
char *release_folder(const struct releases *, const char *service, int64_t number); /* absolute; free() it */
/* Its service.yaml, as it was built. */
bool release_file(const struct releases *, const char *service, int64_t number, struct service_file *,
		  struct err *);
/* Bad holds in every environment. reason NULL takes the mark away. */
bool release_mark_bad(struct releases *, const char *service, int64_t number, const char *reason,
		      struct err *);
/* Writes current_in of all releases of the service anew, after a target changed. */
void release_refresh_current(struct releases *, const char *service);

/* Whether a person approved what this file runs, there and in that folder. ERR_REFUSED with the way to
 * approve. */
bool release_is_approved(const struct daemon *, const struct service_file *, const char *environment,
			 const char *folder, struct err *err);
#endif

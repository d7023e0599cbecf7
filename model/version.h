/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H
/*
 * How a version is called: of a commit, by what git says of it (fairway-service(5): the nearest tag of the service, else
 * the nearest tag without a slash, else the commit); of an image, by its reference "[HOST[:PORT]/]PATH[:TAG][@ALGORITHM:DIGEST]"
 * (OCI distribution specification). No child is started here. Any thread.
 */
#include <stddef.h>

#include "base/err.h"
#include "base/mem.h"

/* git and what always follows it: nothing of the folder, of the person's hooks or of a file monitor runs, nothing is
 * locked, and no bare repository is taken up on the way (git-config(1)). */
#define VERSION_GIT \
	"git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", \
	"-c", "safe.bareRepository=explicit"
#define VERSION_GIT_WORDS 8

/* What git is asked about a commit, one question after the other, until one is answered: VERSION_QUESTIONS of them.
 * words is NULL-ended; texts in the arena. */
#define VERSION_QUESTIONS 3
#define VERSION_WORDS 6
void version_question(size_t at, const char *service, const char *commit, struct arena *,
		      const char *words[VERSION_WORDS]);
/* The answer without its line's end, and without a prefix that only says whose the tag is, or that it is a version:
 * "1.9.2" of "checkout/1.9.2" and of "v1.9.2". In the arena. */
const char *version_answer(const char *service, const char *text, size_t len, struct arena *);

/* "2026.11.4" of "host:5000/team/web:2026.11.4", first 12 digits of a digest, "latest" for neither; NULL for no image. */
const char *image_version(const char *image, struct arena *);
size_t image_name_length(const char *image); /* without tag and digest */
/* The image with another VERSION: a tag, a digest ("sha256:…") or a whole image. NULL with err when it is none. */
const char *image_with(const char *image, const char *version, struct arena *, struct err *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_DEMO_H
#define PLATFORM_DEMO_H
/*
 * Raises the sample platform: unpacks the carried samples (platform/samples/, releases.yaml) into STATE/src as a git
 * repository with a commit and a tag for each release, then brings every release to its environments with the same
 * calls that `fairway up` and `fairway deploy` end in. What was raised already stays as it is. The daemon's thread; git
 * runs as captured children.
 */
#include <stdbool.h>

struct daemon;
struct demo;
struct err;

struct demo *demo_new(struct daemon *);
void demo_free(struct demo *);
/* true: under way, or done already. */
bool demo_raise(struct demo *, const char *by, struct err *);
/* false: nothing is being raised. */
bool demo_progress(const struct demo *, int *done, int *total);
const char *demo_error(const struct demo *); /* why the last raising ended early; NULL: it did not */
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_PLAN_DIFF_H
#define PLATFORM_PLAN_DIFF_H
/*
 * What the files of one release have that those of another have not, for a plan: a unified diff of texts, the names
 * of files that are no text. Bounded; what is left out is said in the last line. The daemon's thread.
 */
struct arena;
struct daemon;
struct release;

#define PLAN_DIFF_BYTES (24 * 1024)

/* In the arena; NULL when both are the same, or their files cannot be compared here. */
const char *plan_diff(const struct daemon *, const struct release *from, const struct release *to, struct arena *);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLATFORM_RELEASE_MAKE_H
#define PLATFORM_RELEASE_MAKE_H
/* Inside platform/release*.c: what the keeping of releases and the making of them share. */
#include "platform/daemon.h"
#include "platform/release.h"

struct making; /* one build, for whoever waits for it */
struct forgetting;  /* one folder that is being removed */

struct releases {
	struct daemon *daemon;
	struct making *makings;   /* in the order they were asked for */
	struct forgetting *forgettings;
	struct release_job *told; /* jobs whose outcome is told in the next turn */
	uint64_t serial;          /* of names of half-made folders */
	int running;
};

void release_make_end_all(struct releases *);
/* Removes a folder without waiting for it: it may hold very many files. The next start tidies what stays. */
void release_forget_folder(struct releases *, const char *path);
void release_forget_end(struct releases *); /* the removing goes on, without us */
bool release_load_file(const char *folder, struct service_file *, struct err *);
bool release_folder_is_known(const struct releases *, const char *service, const char *folder);
int64_t release_to_forget(const struct releases *, const char *service);
#endif

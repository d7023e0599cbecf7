/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_RELOAD_H
#define VIEWS_RELOAD_H
/*
 * The configuration of a console that runs. When its file changes it is read again: a good one is taken at
 * once, a wrong one is told and the old one stays. Noticed through inotify(7) on the file's folder, and on
 * that of the file it is a link to; a folder that is made later is not seen. UI thread only.
 */
#include <stdbool.h>

#include "backend/config.h"

#define RELOAD_KEYMAP "keymap.yaml" /* beside the configuration: seen too */

struct reload;

/* Takes the configuration, and keeps every later one, until reload_free(): after backend_stop(). file: as
 * --config named it, or NULL. */
struct reload *reload_new(struct config *, const char *file);
void reload_free(struct reload *);
const struct config *reload_config(const struct reload *); /* the newest good one */
int reload_fd(const struct reload *); /* readable when something happened; -1: nothing can be watched */
enum reload_news {
	RELOAD_NOTHING, /* *wrong: what is wrong with the one in the file, else empty */
	RELOAD_KEYS,    /* the keymap alone: sources are as they were */
	RELOAD_ALL,
};
/* Whether there is a newer configuration now. */
enum reload_news reload_look(struct reload *, struct complaints *wrong);
#endif

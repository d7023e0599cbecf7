/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H
/*
 * Where a platform lives: names only, nothing is made. Both the daemon and its clients compute them. Any
 * thread.
 *   STATE = $FAIRWAY_STATE_DIR/NAME, else $XDG_STATE_HOME/fairway/NAME, else ~/.local/state/fairway/NAME
 *   socket = STATE/api.sock; too long for sun_path (unix(7): 108 bytes): /tmp/fairway-UID/HASH, HASH of STATE
 */
#include <stdbool.h>

#include "base/err.h"

/* STATE of the platform called name ("demo", "local"); free() it. NULL: a variable is not an absolute
 * path, or no home. */
char *place_root(const char *name, struct err *err);
/* A file of the person's beside the platforms' folders; "": the folder itself; free() it. NULL as before. */
char *place_beside(const char *name, struct err *err);
/* Path of the socket of the platform at root; free() it. */
char *place_socket(const char *root);
/* For a client before connecting: whether the folder of the socket is ours and closed to others. A missing
 * one passes: connecting will fail by itself. */
bool place_socket_is_safe(const char *socket, struct err *err);
#endif

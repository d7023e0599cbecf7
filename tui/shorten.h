/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_SHORTEN_H
#define TUI_SHORTEN_H
/*
 * Fewer bytes for the same picture. ncurses cannot know that SGR 0 also takes colours back (ECMA-48, 8.3.117),
 * nor that nothing of ours is ever drawn in the alternate character set: each change of style carries both. Any
 * thread.
 */
#include <stddef.h>

#include "base/str.h"

/* In place: takes out what selects the ASCII set (ESC ( B, SI), and default colours (SGR 39, 49) right before an
 * SGR that begins with 0 or is empty. Only for bytes of ncurses whose alternate set was never used. Returns the
 * new length. */
size_t shorten(char *bytes, size_t len);
/* The first of these words becomes others; nothing when it is not there. */
void replace_once(struct str *bytes, const char *words, const char *with);
#endif

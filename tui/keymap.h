/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H
/*
 * Key sequences to command names, in layers. A lookup names its layers, innermost first, ended by NULL:
 * {"home", "list", "global", NULL}. The first layer that knows the keys, whole or as the start of a
 * sequence, decides. A keymap owns all it stores; names returned are borrowed until the next change of the
 * keymap. Unknown commands are the caller's business (keymap_check). UI thread.
 *
 * A file is a YAML mapping of layers to mappings of keys to commands; "none" unbinds. Keys meet commands
 * only there:
 *	home:
 *	  enter: open
 *	  g g: top
 *	  x: none
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/key.h"

struct err;
struct complaints;
struct keymap;

struct keymap *keymap_new(void);
void keymap_free(struct keymap *); /* NULL is fine */
/* Binds, in place of what these keys were. command "none" or NULL unbinds, also what the default has. */
bool keymap_bind(struct keymap *, const char *layer, const char *keys, const char *command, struct err *);
/* The keys compiled in: keymaps/NAME.yaml ("default"). A wrong name is ERR_NOT_FOUND. */
bool keymap_load_carried(struct keymap *, const char *name, struct complaints *, struct err *);
/* A file's keys over what is there. text[0..len) is its content, file its name in complaints. Returns
 * false and complains of everything that is wrong; the bindings that are right are made all the same: a
 * caller that wants all or nothing loads into a new keymap. */
bool keymap_load(struct keymap *, const char *file, const char *text, size_t len, struct complaints *);

enum keymap_match { KEYMAP_NONE, KEYMAP_PREFIX, KEYMAP_EXACT };
/* Sets *command on KEYMAP_EXACT. */
enum keymap_match keymap_find(const struct keymap *, const char *const *layers, const struct key *keys,
                              size_t n, const char **command);

struct keymap_state { /* all zero to start with */
	struct key keys[KEY_CHORD_MAX];
	size_t n; /* keys of a sequence begun: show them, "g-" */
};
/* One key more. KEYMAP_PREFIX: wait for the next. Otherwise the state is empty again; a key that ends a wrong
 * sequence is not tried by itself, esc breaks a sequence off. */
enum keymap_match keymap_feed(const struct keymap *, struct keymap_state *, const char *const *layers,
                              const struct key *, const char **command);

/* The keys of a command as seen from these layers, for footer and help: the first one bound, or "" when none
 * reaches it. Returns whether there is one. keymap_keys_all joins all with ", ". */
bool keymap_keys(const struct keymap *, const char *const *layers, const char *command, char *out,
                 size_t size);
void keymap_keys_all(const struct keymap *, const char *const *layers, const char *command, char *out,
                     size_t size);

/* Walks the bindings by layer, in the order they were made: pass 0 first, then what came back; 0 is the
 * end. */
struct keymap_binding {
	const char *layer, *command; /* borrowed */
	const struct key *keys;
	size_t n;
	const char *file; /* where it was said; NULL: keymap_bind() */
	int line;
};
size_t keymap_walk(const struct keymap *, size_t at, struct keymap_binding *);

/* Complains of commands that are not among known[0..n) (with the nearest name), of sequences that can't be
 * reached because their start is bound by itself in the same layer, and of known commands that no key
 * reaches unless they are optional. Returns whether all is well. */
struct keymap_known {
	const char *name;
	bool is_optional; /* may go without a key: the palette reaches it */
};
bool keymap_check(const struct keymap *, const struct keymap_known *known, size_t n, struct complaints *);
#endif

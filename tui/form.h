/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_FORM_H
#define TUI_FORM_H
/*
 * Fields with labels, help and a line that says what is wrong, checked as they are typed. UI thread. tab,
 * down, enter: next field; shift-tab, up: previous; space and left/right change a bool or an enum; enter
 * on the last field or ctrl-s: done, when all is right.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/prompt.h"

enum form_kind { FORM_TEXT, FORM_INT, FORM_BOOL, FORM_ENUM, FORM_SECRET };

struct form_field { /* the caller's rows; strings borrowed for the form's life */
	const char *name, *label, *help;
	enum form_kind kind;
	const char *initial;        /* "true"/"false" for a bool; NULL: "", false, the first option */
	const char *const *options; /* FORM_ENUM */
	size_t n_options;
	bool is_required;
	/* Checks a value as typed: true, or false with the sentence in error[size]. NULL: all of the kind. */
	bool (*check)(const struct form_field *, const char *value, char *error, size_t size, void *arg);
	void *arg;
};
struct form; /* owns the values */

struct form *form_new(const struct form_field *, size_t n); /* the rows are copied, their strings are not */
void form_free(struct form *); /* secrets are wiped */
enum form_result { FORM_IGNORED, FORM_TAKEN, FORM_CHANGED, FORM_DONE, FORM_CANCELLED };
enum form_result form_key(struct form *, const struct key *);
void form_draw(struct form *, const struct canvas *);
const char *form_value(const struct form *, const char *name); /* borrowed; NULL: no such field */
bool form_set(struct form *, const char *name, const char *value);
/* Shows a complaint of somebody else (the server) at a field until it is changed. */
void form_set_error(struct form *, const char *name, const char *error);
bool form_is_valid(const struct form *);
size_t form_focus(const struct form *);
#endif

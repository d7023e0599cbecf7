/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H
/*
 * A one-line editor: the filter, the `:` line, a form's field. Emacs keys (ctrl-a e b f d h k u w y t,
 * alt-b f d), history, completion. Pasted text is taken on one line. UI thread.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "tui/canvas.h"
#include "tui/key.h"

#define PROMPT_BYTES_MAX 4096
#define PROMPT_HISTORY_MAX 100
#define PROMPT_CHOICES_MAX 200

/* Calls choice(word, help, to) for each completion of text[0..cursor); the word takes the place of
 * everything from *start on (0 unless set). */
struct prompt_choices;
typedef void prompt_complete(const char *text, size_t cursor, struct prompt_choices *to, void *arg);
void prompt_choice(struct prompt_choices *, const char *word, const char *help);
void prompt_choices_start(struct prompt_choices *, size_t start);

struct prompt_history { /* owned by the view, shared by its prompts; all zero is empty */
	char *lines[PROMPT_HISTORY_MAX];
	size_t n;
};
/* As the newest; not twice in a row, not "". */
void prompt_history_add(struct prompt_history *, const char *line);
void prompt_history_finish(struct prompt_history *);

struct prompt { /* all zero, then prompt_init() */
	struct str text;
	size_t cursor;       /* byte */
	const char *label;   /* borrowed: "/", ":", "reason: " */
	bool is_secret;      /* drawn as dots; neither history nor completion nor cut buffer */
	struct prompt_history *history; /* NULL: none */
	size_t history_at;
	struct str draft, cut;
	prompt_complete *complete; /* NULL: none */
	void *arg;
	struct prompt_choices *choices; /* owned */
	size_t chosen;       /* of the choices shown */
	bool is_listing;     /* the completion list is open */
	size_t scroll;       /* byte of the first one drawn */
};
enum prompt_result {
	PROMPT_IGNORED,   /* not the prompt's key */
	PROMPT_MOVED,     /* taken, text as it was */
	PROMPT_CHANGED,   /* the text is another one: filter at once */
	PROMPT_DONE,      /* enter; added to the history */
	PROMPT_CANCELLED, /* esc, ctrl-c, ctrl-g */
};
void prompt_init(struct prompt *, const char *label, const char *text);
void prompt_finish(struct prompt *); /* a secret is wiped */
void prompt_set(struct prompt *, const char *text); /* cursor at the end */
enum prompt_result prompt_key(struct prompt *, const struct key *);
/* Draws into the first line of line and shows the cursor; the list of choices goes over the last lines of
 * above, when given. */
void prompt_draw(struct prompt *, const struct canvas *line, const struct canvas *above);
/* Opens or renews the list of completions (tab does, too). */
void prompt_list(struct prompt *);
size_t prompt_n_choices(const struct prompt *);
/* The word marked in the open list, or NULL. Borrowed until the next key. */
const char *prompt_chosen(const struct prompt *);
#endif

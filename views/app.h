/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_APP_H
#define VIEWS_APP_H
/*
 * The console: the terminal, the keymap, the tables of records and the stack of views, in one loop (app_loop.c).
 * Keys, replies and timers change state and mark the screen stale; then one frame is drawn. Nothing here waits
 * for a network, a disk or the terminal. UI thread only.
 *
 * The target is the placement that commands act on. It is chosen in home's matrix and named in the footer, always.
 */
#include <stdbool.h>
#include <stdint.h>

#include "backend/backend.h"
#include "backend/config.h"
#include "model/record.h"
#include "tui/style.h"
#include "views/view.h"

struct app;
struct keymap;
struct records;
struct reload;
struct term;

struct app_options {
	const struct config *config;
	struct reload *reload; /* newer ones; NULL: it stays as it is */
	struct backend *backend;
	const char *keys;    /* --keys: typed first; NULL */
	const char *hint;    /* said in the message line at the start; NULL */
	bool is_first_run;   /* open the first-run screen */
	bool is_raising;     /* the platform may be absent: raise it */
};
#define APP_CONTEXT 64
/* Runs the console until it is quit. Returns the exit status; *err tells why it did not start. switch_to: "" or
 * the context that was chosen: start again with that one. */
int app_run(const struct app_options *, char switch_to[APP_CONTEXT], struct err *);

/* Views. arg is copied by open. Errors are shown in the message line. */
struct view *app_push(struct app *, const struct view_class *, const char *arg);
void app_close(struct app *, struct view *); /* and every view above it; freed after the current key or message */
struct view *app_top(struct app *);
/* The view below v on the stack, NULL at the bottom. */
struct view *app_below(struct app *, struct view *v);
void app_quit(struct app *);
void app_switch(struct app *, const char *context); /* leaves, for another context */
void app_restart(struct app *, const char *context); /* the same, for one of a file that was just written */
void app_stale(struct app *); /* draw a frame */
/* Runs a command by name as if its key was pressed in v. false: nobody knows it. */
bool app_command(struct app *, struct view *v, const char *name, const char *arg);

/* Facts. */
struct records *app_records(struct app *, enum record_kind);
struct records *const *app_tables(struct app *); /* RECORD_COUNT of them, for model/gather.h */
const void *app_find(struct app *, enum record_kind, const char *key); /* key: record_key(); of any source */
const void *app_findf(struct app *, enum record_kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Environments in the order of promotion: names into out[0..max). */
size_t app_environments(struct app *, const struct environment **out, size_t max);
const struct environment *app_environment(struct app *, const char *name);
/* Why we may not run that command on the target, as its environment's source tells; NULL: nothing is known against it.
 * The plan asks again, so a command that is shown so still runs. */
const char *app_denied(struct app *, const char *command);
/* The environment before (-1) or after (+1) in the order of promotion; NULL at the ends. */
const struct environment *app_next_environment(struct app *, const char *name, int step);
const struct config *app_config(struct app *);
/* Name of a source that is not verified; NULL: there is none. */
const char *app_warned_source(struct app *);
/* The worst state of the sources a screen depends on, for panes' ages: text "" when live, else "? blind 43s". */
void app_freshness(struct app *, char *out, size_t size, enum style *);
bool app_is_live(struct app *);
bool app_is_settled(struct app *); /* the first lists are in, or are known not to come */
int64_t app_now(struct app *);     /* wall ms, one value a frame */
int64_t app_mono(struct app *);
/* "41s", "3m": how long ago that was, "-" when it is absent; how long it is until then. out holds CLOCK_TEXT bytes. A screen
 * drawn with such a text is drawn again when it is another one: to the second, from a minute on 10 s late at most. */
void app_age(struct app *, int64_t since, char *out);
void app_left(struct app *, int64_t until, char *out);

/* Target and narrowing; NULL or "" is "all". */
const char *app_service(struct app *);
const char *app_env(struct app *);
void app_target(struct app *, const char *service, const char *environment);
const char *app_narrow_env(struct app *);
const char *app_narrow_team(struct app *);
void app_narrow(struct app *, const char *environment, const char *team);

/* Talk. The message line holds one sentence for some seconds. */
void app_say(struct app *, enum style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void app_fail(struct app *, const struct err *);
void app_bell(struct app *);
bool app_copy(struct app *, const char *text, size_t len); /* secrets are redacted; says so */

/* Requests of a view: replies go to the view's message() while it lives, and nowhere afterwards. NULL: the app's own. */
uint64_t app_send(struct app *, struct view *, struct request *);
void app_drop(struct app *, uint64_t request); /* cancel and forget */
void app_keep(struct app *, uint64_t request); /* goes on when its view closes; the outcome is said */
void app_offer_undo(struct app *, const char *operation, int64_t until_wall);

/* Runs a child in the terminal, which is lent to it; keys and frames rest until it ends. what->waits_when_failed lets its
 * last words be read. done: once, with its exit status, or 128 + signal, and what it printed, where that was taken.
 * False with err: it was not started. (views/login.c) */
struct lend_wish;
struct app_lend {
	const struct lend_wish *what; /* base/lend.h; copied */
	void (*done)(struct app *, int status, const char *output, size_t len, void *arg);
	void *arg;
};
bool app_lend(struct app *, const struct app_lend *, struct err *);

/* Operations: asks for the plan, shows it, runs it, tells how it went (views/operate.c). */
void app_operate(struct app *, const struct wish *);
/* Acks the alert of that id, or takes the ack back; "": the worst one, of the target first. */
void app_ack(struct app *, const char *alert);
/* Several, one after the other, each once the one before is done: a new service on its way to production. What the
 * first confirmation showed needs no second one, but a protected environment. All is copied. */
void app_operate_way(struct app *, const struct wish *wishes, size_t n, const char *goal);
/* A one-line question at the bottom of the screen. Strings are copied; arg must live until it is answered. */
struct prompt_choices;
struct ask {
	const char *label, *text;                                    /* "/", what stands there first */
	void (*changed)(struct app *, const char *text, void *arg);  /* at each letter; optional */
	void (*done)(struct app *, const char *text, void *arg);     /* enter */
	void (*cancelled)(struct app *, void *arg);                  /* esc; optional */
	void (*complete)(const char *text, size_t cursor, struct prompt_choices *, void *arg); /* tab; optional */
	void (*forget)(void *arg);                                   /* arg is not needed any more; optional */
	void *arg;
	bool is_listing;                                             /* show completions at once */
};
void app_ask(struct app *, const struct ask *);
struct keymap *app_keymap(struct app *);
struct term *app_term(struct app *);
/* The layers of the top view, "global" last: for footers and help. */
const char *const *app_layers(struct app *, const struct view *);
/* First key of a command in v, or "". */
void app_key_of(struct app *, const struct view *, const char *command, char *out, size_t size);
#endif

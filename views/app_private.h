/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIEWS_APP_PRIVATE_H
#define VIEWS_APP_PRIVATE_H
/*
 * The inside of struct app, shared by app*.c only. Views use views/app.h.
 */
#include "base/err.h"
#include "base/lend.h"
#include "model/overlay.h"
#include "model/records.h"
#include "tui/input.h"
#include "tui/keymap.h"
#include "tui/term.h"
#include "views/app.h"

#define APP_DEPTH 16     /* views on the stack */
#define APP_REQUESTS 64  /* requests of views under way */
#define APP_NAME 80
#define APP_SAY_MS 8000
#define APP_FRAME_MS 16  /* bursts of replies are drawn at most this often; keys are drawn at once */

struct app_request {
	uint64_t id; /* 0: free */
	struct view *view; /* NULL: of the app itself, outlives its view */
};
struct app {
	struct term *term;
	struct input *input;
	struct keymap *keymap;
	struct keymap_state chord;
	const struct config *config;
	struct backend *backend;
	struct app_options options;

	struct view *stack[APP_DEPTH];
	size_t depth;
	struct view *closing[APP_DEPTH * 4]; /* closed in this pass, freed at its end */
	size_t n_closing;

	struct overlay *overlays[RECORD_COUNT];
	struct records *tables[RECORD_COUNT]; /* their rows */
	uint64_t watch;        /* the standing request for all records */
	bool is_settled, has_rung;
	int64_t now, mono;     /* of this pass */
	int64_t drawn_at;      /* monotonic time of the newest frame */
	int64_t ages_due;      /* wall time when it tells another age; 0: it tells none */

	char service[APP_NAME], env[APP_NAME];
	char narrow_env[APP_NAME], narrow_team[APP_NAME];

	char said[320];
	enum style said_style;
	int64_t said_until; /* monotonic; 0: nothing is said */
	char undo[80];      /* operation that may be taken back */
	int64_t undo_until; /* monotonic */

	struct app_request requests[APP_REQUESTS];
	bool is_stale, is_key_stale, is_quitting;
	int status, signals; /* exit status; signalfd */
	const char *layers[8];
	struct lend *lent; /* the child that has the terminal; NULL: none */
	void (*lent_done)(struct app *, int status, const char *output, size_t len, void *arg);
	void *lent_arg;
	char *switch_to; /* APP_CONTEXT bytes, the caller's */
};

/* app_model.c */
void app_model_init(struct app *);
void app_model_finish(struct app *);
uint32_t app_model_apply(struct app *, const struct changes *); /* bits of the kinds that changed */
/* app_draw.c */
void app_draw(struct app *);
/* app_keymap.c */
bool app_load_keys(struct app *, struct err *);
/* app_commands.c: the commands that work everywhere */
extern const struct command app_commands[];
extern const size_t app_n_commands;
/* login.c */
void app_ask_login(struct app *, const struct terminal_wish *);
void app_lend_operation(struct app *, const struct message *); /* a MESSAGE_TERMINAL of a request */
void app_lend_step(struct app *); /* after a wait */
void app_lend_end(struct app *);  /* ends the child */
/* app.c */
void app_free_closed(struct app *);
const struct command *app_find_command(struct app *, struct view *, const char *name, struct view **owner);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what, where and why; both chains in one list, and whether they verify. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "views/pane.h"
#include "views/words.h"

struct audit_view {
	struct pane_view list;
	char verdict[256];
	bool is_bad;
};

static int compare(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct audit_entry *x = a, *y = b;
	return x->at == y->at ? strcmp(y->id, x->id) : x->at > y->at ? -1 : 1;
}

static enum style state_style(int state)
{
	static const enum style styles[] = {STYLE_INFO, STYLE_OK, STYLE_FAILING, STYLE_DEGRADED,
					    STYLE_UNKNOWN};
	return state >= 0 && state <= AUDIT_UNKNOWN ? styles[state] : STYLE_UNKNOWN;
}

static void cell(struct pane *p, const struct canvas *c, const void *row, size_t column, bool is_selected)
{
	const struct audit_entry *e = row;
	char text[200], room[WORDS_OWN];
	(void)is_selected, (void)p;
	switch (column) {
	case 0:
		words_time(e->at, text, sizeof(text));
		sheet_text(c, STYLE_DIM, UTF8_LEFT, text);
		break;
	case 1:
		sheet_text(c, state_style(e->state), UTF8_LEFT,
			   record_value_name(audit_state_names, e->state));
		break;
	case 2:
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, words_who(e->by));
		break;
	case 3:
		sheet_text(c, STYLE_STRONG, UTF8_LEFT, e->action ? e->action : "");
		break;
	case 4:
		snprintf(text, sizeof(text), "%s%s%s", e->service ? e->service : "",
			 e->environment ? " in " : "", e->environment ? e->environment : "");
		sheet_text(c, STYLE_TEXT, UTF8_LEFT, text);
		break;
	default:
		snprintf(text, sizeof(text), "%s%s%s", e->reason ? e->reason : "",
			 e->reason && e->detail ? "; " : "", e->detail ? e->detail : "");
		sheet_text(c, STYLE_DIM, UTF8_LEFT, words_own(text, words_me(), room));
	}
}

static const struct sheet_column columns[] = {
	{"TIME", 8, 8, 0, UTF8_LEFT},   {"STATE", 8, 8, 0, UTF8_LEFT},
	{"BY", 8, 14, 1, UTF8_LEFT},    {"ACTION", 8, 9, 0, UTF8_LEFT},
	{"WHAT", 12, 22, 1, UTF8_LEFT}, {"WHY AND HOW IT WENT", 12, 30, 3, UTF8_LEFT}};
static const struct pane_class entries = {.kind = RECORD_AUDIT,
					  .title = "Audit",
					  .columns = columns,
					  .n_columns = 6,
					  .frozen = 1,
					  .empty = "nothing was changed yet",
					  .compare = compare,
					  .cell = cell};

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct audit_view *a = (struct audit_view *)v;
	(void)arg, (void)err;
	pane_init(&a->list.pane, v->app, &entries, a);
	app_send(v->app, v, request_new(REQUEST_AUDIT_VERIFY));
	return true;
}

static void message(struct view *v, const struct message *m)
{
	struct audit_view *a = (struct audit_view *)v;
	size_t n = strlen(a->verdict);
	if (m->kind == MESSAGE_AUDIT && m->audit.is_ok) {
		snprintf(a->verdict + n, sizeof(a->verdict) - n, "%s%s: %lld entries, chain whole",
			 n ? "   " : "", m->audit.chain ? m->audit.chain : "", (long long)m->audit.entries);
	} else if (m->kind == MESSAGE_AUDIT) {
		a->is_bad = true;
		snprintf(a->verdict + n, sizeof(a->verdict) - n, "%s%s: broken at %s", n ? "   " : "",
			 m->audit.chain ? m->audit.chain : "", m->audit.first_bad ? m->audit.first_bad : "?");
	}
}

static void draw(struct view *v, const struct canvas *body)
{
	struct audit_view *a = (struct audit_view *)v;
	struct canvas c = canvas_sub(body, 0, 0, body->rows - 1, body->columns);
	pane_draw(&a->list.pane, &c, 0, true);
	canvas_text(body, body->rows - 1, 1, a->is_bad ? STYLE_ERROR : STYLE_DIM,
		    a->verdict[0] ? a->verdict : "verifying the chain…");
}

static const char *const layers[] = {"audit", "list", NULL};
static const char *const footer[] = {"back", "help", NULL};
const struct view_class view_audit = {
	.name = "audit",
	.title = "Audit",
	.help = "Who changed what, where and why, and whether the chain verifies",
	.size = sizeof(struct audit_view),
	.layers = layers,
	.footer = footer,
	.shows = 1u << RECORD_AUDIT,
	.open = open_view,
	.message = message,
	.draw = draw,
	PANE_VIEW,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attempt.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/ask.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "model/action.h"
#include "model/record_json.h"

#define TICK_MS 250        /* how often a wait looks whether its source is still there */
#define PLAN_DARK_MS 1000  /* a source away for so long while it plans: given up, nothing was changed */
#define ACT_DARK_MS 10000  /* while it acts: the outcome is unknown */
#define ANSWER_MAX 256

void attempt_finish(struct attempt *c)
{
	arena_finish(&c->arena);
	*c = (struct attempt){0};
}

/* The next message, however long it takes while the sources are live. */
static struct message *next_while_live(struct session *s, uint64_t id, int64_t dark_ms, struct err *err)
{
	for (;;) {
		struct message *m = session_next(s, id, TICK_MS, err);
		if (m || err->kind != ERR_UNREACHABLE)
			return m;
		if (session_is_dark(s, dark_ms) && !session_check(s, err))
			return NULL;
	}
}

bool attempt_plan(struct cli *cli, const struct wish *wish, struct attempt *c, struct err *err)
{
	struct session *s = cli->session;
	uint64_t id = session_send(s, request_plan(wish));
	bool has_plan = false;
	struct message *m;
	while ((m = next_while_live(s, id, PLAN_DARK_MS, err))) {
		struct err done = m->kind == MESSAGE_DONE ? m->err : (struct err){0};
		bool is_done = m->kind == MESSAGE_DONE;
		if (m->kind == MESSAGE_PLAN) {
			record_copy(record_class(RECORD_PLAN), &c->plan, &m->plan, &c->arena);
			has_plan = true;
		}
		message_free(m);
		if (!is_done)
			continue;
		if (done.kind == ERR_NONE && !has_plan)
			return err_set(err, ERR_FAILED, "there is no plan, and no reason why; fairway info tells versions");
		if (done.kind != ERR_NONE)
			*err = done;
		return done.kind == ERR_NONE;
	}
	session_cancel(s, id);
	return false;
}

static void put_list(FILE *out, const char *title, const struct texts *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct str masked = {0};
		utf8_mask(&masked, list->items[i], strlen(list->items[i]), UTF8_ONE_LINE);
		fprintf(out, "  %s %s\n", title, str_text(&masked));
		str_finish(&masked);
	}
}

static void put_text(FILE *out, const char *before, const char *text)
{
	struct str masked = {0};
	if (str_empty(text))
		return;
	utf8_mask(&masked, text, strlen(text), UTF8_KEEP_LINES);
	fprintf(out, "%s%s%s", before, str_text(&masked), str_ends(text, "\n") ? "" : "\n");
	str_finish(&masked);
}

void attempt_show_plan(const struct plan *p, bool is_error)
{
	FILE *out = is_error ? stderr : stdout;
	fflush(stdout);
	put_text(out, "", p->title ? p->title : p->action);
	put_list(out, "-", &p->changes);
	put_list(out, "locked:", &p->locks);
	put_list(out, "note:", &p->warnings);
	put_list(out, "would run:", &p->commands);
	put_text(out, "", p->diff);
	put_text(out, "  the same: ", p->equivalent);
	put_text(out, "  refused: ", p->refusal);
	if (!str_empty(p->refusal))
		put_text(out, "approve with: --approve ", p->approve);
}

static bool ask_yes(struct cli *cli, const struct plan *p, struct err *err)
{
	char answer[ANSWER_MAX];
	struct str question = {0};
	if (p->class == OP_PROTECTED)
		str_addf(&question, "%s is protected. Type %s to go on: ", p->environment ? p->environment : "this",
		         p->confirm ? p->confirm : "yes");
	else
		str_add(&question, "Go on? [y/N] ");
	bool is_read = ask_line(cli, str_text(&question), answer, sizeof(answer), err);
	str_finish(&question);
	if (!is_read)
		return false;
	if (p->class == OP_PROTECTED ? str_eq(answer, p->confirm) : str_eq(answer, "y") || str_eq(answer, "yes"))
		return true;
	return err_set(err, ERR_REFUSED, "not confirmed; nothing was changed");
}

bool attempt_confirm(struct cli *cli, const struct attempt *c, bool is_meant, struct err *err)
{
	const struct plan *p = &c->plan;
	const struct args *a = cli->args;
	bool is_yes = a->yes || is_meant || p->class == OP_REVERSIBLE;
	bool is_named = p->class != OP_PROTECTED || (p->confirm && str_eq(a->confirm, p->confirm));
	bool is_quiet = a->output == OUTPUT_JSON;
	if (!str_empty(p->refusal)) {
		if (!is_quiet)
			attempt_show_plan(p, true);
		return err_set(err, str_empty(p->refusal_kind) ? ERR_REFUSED : err_kind_of(p->refusal_kind), "%s",
		               p->refusal);
	}
	if (is_yes && is_named)
		return true;
	if (!is_quiet)
		attempt_show_plan(p, true);
	if (p->class == OP_PROTECTED && a->confirm && !is_named)
		return err_set(err, ERR_REFUSED, "--confirm %s does not name what would be changed: %s; nothing was done",
		               a->confirm, p->confirm ? p->confirm : "");
	if (cli->is_terminal && !is_quiet)
		return ask_yes(cli, p, err);
	if (p->class == OP_PROTECTED)
		return err_set(err, ERR_REFUSED, "not confirmed, nothing was done; confirm with: --yes --confirm %s",
		               p->confirm ? p->confirm : "");
	return err_set(err, ERR_REFUSED, "not confirmed, nothing was done; confirm with: --yes");
}

static const struct step *steps_of(const struct operation *o)
{
	return o->steps.items;
}

/* Tells each step whose state changed since the last time. */
static void tell_steps(struct cli *cli, const struct operation *before, const struct operation *now)
{
	for (size_t i = 0; i < now->steps.n; i++) {
		const struct step *step = &steps_of(now)[i];
		const struct step *old = i < before->steps.n ? &steps_of(before)[i] : NULL;
		char span[CLOCK_TEXT] = "";
		if (step->state == STEP_WAITING || (old && old->state == step->state && str_eq(old->detail, step->detail)))
			continue;
		if (step->ended_at && step->started_at)
			clock_span(step->ended_at - step->started_at, span);
		cli_tell(cli, "  %s: %s%s%s%s%s", step->name ? step->name : "step",
		         record_value_name(step_state_names, step->state), span[0] ? " in " : "", span,
		         str_empty(step->detail) ? "" : ": ", step->detail ? step->detail : "");
	}
}

static bool outcome(const struct operation *o, struct err *err)
{
	const char *detail = str_empty(o->detail) ? "no reason was given; fairway audit tells more" : o->detail;
	if (o->state == AUDIT_DONE)
		return true;
	if (o->state == AUDIT_UNKNOWN)
		return err_set(err, ERR_UNKNOWN, "%s", str_empty(o->detail) ? "the outcome is not known; check it" : detail);
	if (o->state == AUDIT_RECORDED)
		return err_set(err, ERR_UNKNOWN, "the outcome is not known: no word of operation %s; fairway audit tells later",
		               o->id ? o->id : "");
	return err_set(err, str_empty(o->error_kind) ? ERR_FAILED : err_kind_of(o->error_kind), "%s", detail);
}

/* What a build prints, as it comes. */
static void tell_output(struct cli *cli, const struct document *d)
{
	for (const char *at = d->text, *end = at + d->len; at < end;) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		if (at != eol)
			cli_tell(cli, "  | %.*s", (int)((eol ? eol : end) - at), at);
		at = eol ? eol + 1 : end;
	}
}

static bool is_lent(const char *name)
{
	const struct action *action = name ? action_find(name) : NULL;
	return action && action->wants & ACTION_LENT;
}

bool attempt_execute(struct cli *cli, struct attempt *c, struct err *err)
{
	struct session *s = cli->session;
	const char *confirm = c->plan.class == OP_PROTECTED ? c->plan.confirm : "yes";
	uint64_t id = session_send(s, request_execute(c->plan.id, confirm, cli->args->reason));
	bool is_under_way = false;
	struct message *m;
	record_init(record_class(RECORD_OPERATION), &c->operation);
	while ((m = next_while_live(s, id, ACT_DARK_MS, err))) {
		if (m->kind == MESSAGE_OPERATION) {
			tell_steps(cli, &c->operation, &m->operation);
			record_copy(record_class(RECORD_OPERATION), &c->operation, &m->operation, &c->arena);
			is_under_way = true;
		}
		if (m->kind == MESSAGE_DOCUMENT)
			tell_output(cli, &m->document);
		bool is_done = m->kind == MESSAGE_DONE;
		struct err done = is_done ? m->err : (struct err){0};
		message_free(m);
		if (!is_done)
			continue;
		if (is_under_way && (done.kind == ERR_NONE || c->operation.state > AUDIT_RECORDED))
			return outcome(&c->operation, err);
		if (done.kind == ERR_NONE)
			return err_set(err, ERR_UNKNOWN, "the plan was taken, and no outcome told; see fairway audit");
		*err = done;
		return false;
	}
	if (err->kind == ERR_CANCELLED && is_under_way && !is_lent(c->plan.action))
		err_prefix(err, "no longer watched, it goes on (see fairway deploys)");
	if (err->kind == ERR_UNREACHABLE) {
		err->kind = ERR_UNKNOWN;
		err_prefix(err, "the outcome is not known");
	}
	return false;
}

static void add_json(cJSON *json, cJSON *array)
{
	if (array)
		cJSON_AddItemToArray(array, json);
	else
		output_json(json);
}

/* The record that "deploy/ID" names, once it is there. */
static const void *find_made(struct session *s, const char *made, const struct record_class **class)
{
	const char *slash = made ? strchr(made, '/') : NULL;
	char kind[32];
	if (!slash || (size_t)(slash - made) >= sizeof(kind))
		return NULL;
	memcpy(kind, made, (size_t)(slash - made));
	kind[slash - made] = '\0';
	*class = record_class_named(kind);
	if (!*class || !((*class)->flags & CLASS_PUBLIC) || !session_watch(s, REQUEST_KIND((*class)->kind), NULL))
		return NULL;
	const struct records *table = session_records(s, (*class)->kind);
	return records_row(table, records_find_key(table, NULL, slash + 1));
}

void attempt_print(struct cli *cli, const struct attempt *c, cJSON *array)
{
	const struct operation *o = &c->operation;
	const struct record_class *class = record_class(RECORD_OPERATION);
	if (cli->args->output == OUTPUT_JSON) {
		const void *made = find_made(cli->session, o->made, &class);
		add_json(made ? rows_json(cli->session, class, made)
		              : record_to_json(record_class(RECORD_OPERATION), o), array);
	} else if (o->exit_status != RECORD_NONE && !isatty(STDOUT_FILENO)) {
		cli_tell(cli, "%s", o->detail ? o->detail : "done"); /* the output is the command's alone */
	} else if (o->state == AUDIT_DONE) {
		struct str line = {0};
		str_addf(&line, "%s", str_empty(o->detail) ? "done" : o->detail);
		output_line(str_text(&line));
		str_finish(&line);
	}
}

static int dry_run(struct cli *cli, const struct attempt *c, cJSON *array)
{
	const struct plan *p = &c->plan;
	if (cli->args->output == OUTPUT_JSON)
		add_json(record_to_json(record_class(RECORD_PLAN), p), array);
	else
		attempt_show_plan(p, false);
	if (str_empty(p->refusal))
		return 0;
	return cli_refuse(cli, str_empty(p->refusal_kind) ? ERR_REFUSED : err_kind_of(p->refusal_kind),
	                  "it would be refused: %s", p->refusal);
}

int attempt_run(struct cli *cli, const struct wish *wish, bool is_meant, cJSON *array)
{
	struct attempt c = {0};
	struct err err = {0};
	int status = 0;
	if (!attempt_plan(cli, wish, &c, &err)) {
		status = cli_fail(cli, &err);
	} else if (cli->args->dry_run) {
		status = dry_run(cli, &c, array);
	} else if (!attempt_confirm(cli, &c, is_meant, &err)) {
		status = cli_fail(cli, &err);
	} else {
		cli_tell(cli, "%s", c.plan.title ? c.plan.title : c.plan.action);
		bool is_done = attempt_execute(cli, &c, &err);
		if (c.operation.id)
			attempt_print(cli, &c, array);
		if (!is_done)
			status = cli_fail(cli, &err);
		/* What ran in an instance says how it ended, as through ssh(1). */
		if (c.operation.id && c.operation.exit_status != RECORD_NONE)
			status = (int)c.operation.exit_status;
	}
	attempt_finish(&c);
	return status;
}

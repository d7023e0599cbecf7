/* SPDX-License-Identifier: Apache-2.0 */
/* fairway new: a service from a golden path, and with --to its whole way, until it is proved to be watched. */
#include <cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/attempt.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/gather.h"

#define WATCHED (REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_ENVIRONMENT) | REQUEST_KIND(RECORD_PLACEMENT))
#define RENDER_MS 5000

static void show_files(const struct message *m, void *arg)
{
	struct cli *cli = arg;
	if (m->kind != MESSAGE_FILES)
		return;
	if (cli->args->output == OUTPUT_JSON) {
		cJSON *object = cJSON_CreateObject();
		json_add_text(object, "folder", m->files.folder);
		cJSON *files = cJSON_AddArrayToObject(object, "files");
		for (size_t i = 0; i < m->files.n; i++)
			cJSON_AddItemToArray(files, cJSON_CreateString(m->files.items[i].path));
		output_json(object);
		return;
	}
	struct str line = {0};
	str_addf(&line, "%s would hold:", m->files.folder);
	output_line(str_text(&line));
	for (size_t i = 0; i < m->files.n; i++) {
		str_reset(&line);
		str_addf(&line, "  %s  %zu bytes", m->files.items[i].path, m->files.items[i].len);
		output_line(str_text(&line));
	}
	str_finish(&line);
}

/* The wish of the action: --set k=v, and the folder as an absolute path. */
static bool read_wish(const struct cli *cli, struct wish *w, struct arena *arena, struct err *err)
{
	const struct args *a = cli->args;
	struct pair *pairs = arena_alloc(arena, (a->n_set + 1) * sizeof(*pairs));
	record_init(record_class(RECORD_WISH), w);
	for (size_t i = 0; i < a->n_set; i++) {
		const char *equals = strchr(a->set[i], '=');
		if (!equals || equals == a->set[i])
			return err_set(err, ERR_USAGE, "--set \"%s\": K=V is needed", a->set[i]);
		pairs[i] = (struct pair){arena_dup_n(arena, a->set[i], (size_t)(equals - a->set[i])), equals + 1};
	}
	const char *dir = a->dir ? a->dir : a->words[1];
	if (dir[0] != '/') {
		char *here = getcwd(NULL, 0);
		if (!here)
			return err_errno(err, ERR_FAILED, errno, "cannot tell which folder this is");
		dir = arena_printf(arena, "%s/%s", here, dir);
		free(here);
	}
	w->action = "new";
	w->path = a->words[0];
	w->service = a->words[1];
	w->folder = dir;
	w->reason = a->reason;
	w->set = (struct pairs){pairs, a->n_set};
	return true;
}

static int refuse(struct cli *cli, struct attempt *attempt, const struct err *err)
{
	attempt_finish(attempt);
	return cli_fail(cli, err);
}

/* Steps that were left out, joined by ", ": what a proof could not see. */
static void add_skipped(const struct operation *o, struct str *out)
{
	const struct step *steps = o->steps.items;
	for (size_t i = 0; i < o->steps.n; i++)
		if (steps[i].state == STEP_SKIPPED)
			str_addf(out, "%s%s", out->len ? ", " : "", steps[i].name);
}

/* One step of the way: planned, confirmed, done. What this very run generated and showed counts as approved. skipped may
 * be NULL. */
static int step(struct cli *cli, struct wish *wish, struct str *skipped)
{
	struct attempt attempt = {0};
	struct err err = {0};
	if (!attempt_plan(cli, wish, &attempt, &err))
		return refuse(cli, &attempt, &err);
	if (!str_empty(attempt.plan.refusal) && !str_empty(attempt.plan.approve)) {
		struct attempt approved = {0};
		wish->approve = attempt.plan.approve;
		bool is_planned = attempt_plan(cli, wish, &approved, &err);
		wish->approve = NULL;
		attempt_finish(&attempt);
		attempt = approved;
		if (!is_planned)
			return refuse(cli, &attempt, &err);
	}
	if (!attempt_confirm(cli, &attempt, false, &err))
		return refuse(cli, &attempt, &err);
	cli_tell(cli, "%s", attempt.plan.title ? attempt.plan.title : attempt.plan.action);
	if (!attempt_execute(cli, &attempt, &err))
		return refuse(cli, &attempt, &err);
	if (skipped)
		add_skipped(&attempt.operation, skipped);
	attempt_finish(&attempt);
	return 0;
}

/* The environments up to --to, in the order of promotion; NULL when it is none of them. */
static const char **way_to(struct cli *cli, struct arena *arena, size_t *n, struct err *err)
{
	struct rows rows;
	rows_find(cli->session, RECORD_ENVIRONMENT, NULL, &rows);
	const char **names = arena_alloc(arena, (rows.n + 1) * sizeof(*names));
	bool is_found = false;
	for (*n = 0; *n < rows.n && !is_found; (*n)++) {
		names[*n] = arena_dup(arena, ((const struct environment *)rows.items[*n])->name);
		is_found = str_eq(names[*n], cli->args->to);
	}
	rows_finish(&rows);
	if (!is_found)
		err_set(err, ERR_NOT_FOUND, "there is no environment \"%s\"; see fairway envs", cli->args->to);
	return is_found ? names : NULL;
}

/* Up in the first environment, then from one to the next. What is promoted, the tables tell: they are read anew. */
static int bring(struct cli *cli, struct wish *wish, const char **names, size_t n)
{
	struct err err = {0};
	const char *image = wish->version;
	int status = 0;
	for (size_t i = 0; i < n && !status; i++) {
		wish->action = i ? "promote" : "up";
		wish->environment = names[i];
		wish->from = i ? names[i - 1] : NULL;
		wish->version = image;
		if (i && !session_watch(cli->session, WATCHED, &err))
			return cli_fail(cli, &err);
		gather_promotion(session_tables(cli->session), wish);
		status = step(cli, wish, NULL);
	}
	return status;
}

static int prove(struct cli *cli, struct wish *wish, int64_t began)
{
	struct str skipped = {0};
	char span[CLOCK_TEXT];
	wish->action = "prove";
	wish->from = wish->version = NULL;
	int status = step(cli, wish, &skipped);
	clock_span(clock_mono_ms() - began, span);
	if (!status && skipped.len)
		cli_tell(cli, "time to %s: %s; not proved: %s", cli->args->to, span, skipped.s);
	else if (!status)
		cli_tell(cli, "time to %s with full observability: %s", cli->args->to, span);
	str_finish(&skipped);
	return status;
}

static int go_way(struct cli *cli, const struct wish *made, int64_t began)
{
	struct arena arena = {0};
	struct err err = {0};
	struct wish wish;
	size_t n = 0;
	const char **names = way_to(cli, &arena, &n, &err);
	int status = names ? 0 : cli_fail(cli, &err);
	record_init(record_class(RECORD_WISH), &wish);
	wish.service = made->service;
	wish.folder = made->folder;
	wish.version = cli->args->image;
	wish.reason = cli->args->reason;
	if (!status)
		status = bring(cli, &wish, names, n);
	if (!status)
		status = prove(cli, &wish, began);
	arena_finish(&arena);
	return status;
}

static int print_service(struct cli *cli, const char *name)
{
	struct err err = {0};
	if (!session_watch(cli->session, WATCHED, &err))
		return cli_fail(cli, &err);
	const void *row = rows_one(cli->session, RECORD_SERVICE, "name", name);
	if (row && cli->args->output == OUTPUT_JSON)
		output_json(rows_json(cli->session, record_class(RECORD_SERVICE), row));
	return 0;
}

int write_new(struct cli *cli)
{
	struct arena arena = {0};
	struct err err = {0};
	struct wish wish;
	int64_t began = clock_mono_ms();
	int status = 0;
	if (!read_wish(cli, &wish, &arena, &err) || !session_open(cli, NULL, &err))
		status = cli_fail(cli, &err);
	else if (cli->args->to && !cli->args->dry_run &&
	         (!platform_need(cli, &err) || !session_watch(cli->session, WATCHED, &err) ||
	          !session_check(cli->session, &err)))
		status = cli_fail(cli, &err);
	else if (cli->args->dry_run)
		status = session_ask(cli->session, request_render(&wish), RENDER_MS, show_files, cli, &err)
		                 ? 0 : cli_fail(cli, &err);
	else if (!cli->args->to)
		status = attempt_run(cli, &wish, false, NULL);
	else if (!(status = step(cli, &wish, NULL)) && !(status = go_way(cli, &wish, began)))
		status = print_service(cli, wish.service);
	arena_finish(&arena);
	return status;
}

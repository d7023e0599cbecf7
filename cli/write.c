/* SPDX-License-Identifier: Apache-2.0 */
/* Write verbs that are one operation: the row of the action tells which words and options make its wish. */
#include <cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "backend/config.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/attempt.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/action.h"
#include "model/gather.h"

#define WATCHED (REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_ENVIRONMENT) | REQUEST_KIND(RECORD_PLACEMENT))
#define COUNT_MAX 1000

static bool read_count(const char *text, struct wish *w, struct err *err)
{
	long long n;
	if (!str_to_int(text, 0, COUNT_MAX, &n))
		return err_set(err, ERR_USAGE, "\"%s\" is not a number of instances from 0 to %d", text, COUNT_MAX);
	w->count = n;
	return true;
}

static bool read_span(const struct args *a, struct wish *w, struct err *err)
{
	int64_t now = clock_wall_ms();
	if (a->for_) {
		if (!args_span("--for", a->for_, &w->duration, err))
			return false;
		w->until = now + w->duration;
	} else if (a->until) {
		if (!args_time("--until", a->until, true, now, &w->until, err))
			return false;
		if (w->until <= now)
			return err_set(err, ERR_USAGE, "--until %s is over already", a->until);
		w->duration = w->until - now;
	}
	return true;
}

static void read_common(const struct cli *cli, const struct action *action, struct wish *w)
{
	const struct args *a = cli->args;
	record_init(record_class(RECORD_WISH), w);
	w->action = action->name;
	w->environment = action->wants & WISH_FROM ? a->to : a->env;
	w->reason = a->reason;
	w->approve = a->approve;
	w->workload = a->workload;
	w->past_migration = a->past_migration;
	w->despite_bad = a->despite_bad;
	w->without_databases = a->without_databases;
	w->take_over = a->take_over;
}

static bool read_wish(const struct cli *cli, struct wish *w, struct err *err)
{
	const struct args *a = cli->args;
	const struct action *action = action_find(cli->verb->action);
	read_common(cli, action, w);
	if (action->target == TARGET_ALERT)
		w->alert = a->words[0];
	else
		w->service = a->service ? a->service : a->words[0];
	if (action->wants & WISH_VERSION)
		w->version = a->words[1];
	if (action->wants & WISH_FROM)
		w->from = a->from;
	if (action->wants & WISH_CONTAINER)
		w->container = a->container;
	if (action->wants & WISH_RELEASE)
		w->release = a->to;
	if (action->wants & WISH_TEXT)
		w->text = a->words[1];
	if (action->wants & WISH_COUNT && !read_count(a->words[1], w, err))
		return false;
	return !(action->wants & WISH_DURATION) || read_span(a, w, err);
}

/* Opens the session of a write: its sources must be live, and the names known. */
static bool open_for(struct cli *cli, const struct wish *w, struct err *err)
{
	/* A folder may hold a service that no source knows yet. */
	struct rows_wish names = {.service = cli->args->dir ? NULL : w->service, .environment = w->environment};
	return session_open(cli, NULL, err) && session_watch(cli->session, WATCHED, err) &&
	       session_check(cli->session, err) && rows_check_wish(cli->session, &names, err);
}

/* The folder whose service.yaml is applied: where --apply asks for it, or nothing of the service runs there yet. */
static bool read_folder(struct cli *cli, struct wish *w, char **folder, struct err *err)
{
	const struct args *a = cli->args;
	const struct service *s = rows_one(cli->session, RECORD_SERVICE, "name", w->service);
	bool is_first = !cli->config->context->platform_root && w->environment &&
	                !gather_placement(session_tables(cli->session), w->service, w->environment);
	if (!(cli->verb->takes & OPT_APPLY) || (!a->apply && !a->dir && !is_first))
		return true;
	const char *path = a->dir ? a->dir : s ? s->folder : NULL;
	if (!path)
		return is_first && !a->apply ? true
		                             : err_set(err, ERR_NOT_FOUND, "no source tells the folder of %s: name it with --dir",
		                                       w->service);
	*folder = realpath(path, NULL);
	w->folder = *folder;
	return *folder || err_errno(err, ERR_NOT_FOUND, errno, "%s", path);
}

int write_operation(struct cli *cli)
{
	struct err err = {0};
	struct wish wish;
	char *folder = NULL;
	if (!read_wish(cli, &wish, &err) || !open_for(cli, &wish, &err) || !read_folder(cli, &wish, &folder, &err))
		return cli_fail(cli, &err);
	gather_promotion(session_tables(cli->session), &wish);
	int status = attempt_run(cli, &wish, false, NULL);
	free(folder);
	return status;
}

/* "checkout/prod", or a service and --env. */
static bool read_place(const struct args *a, struct wish *w, char *room, size_t size, struct err *err)
{
	const char *slash = strchr(a->words[0], '/');
	if (!str_copy(room, size, a->words[0]))
		return err_set(err, ERR_USAGE, "\"%.60s\" is no service", a->words[0]);
	if (slash)
		room[slash - a->words[0]] = '\0';
	w->service = room;
	w->environment = slash ? slash + 1 : a->env;
	return w->environment || err_set(err, ERR_USAGE, "in which environment? SERVICE/ENV");
}

int write_lend(struct cli *cli)
{
	const struct args *a = cli->args;
	const struct action *action = action_find(cli->verb->action);
	char service[256];
	struct err err = {0};
	struct wish wish;
	read_common(cli, action, &wish);
	if (!read_place(a, &wish, service, sizeof(service), &err) || !open_for(cli, &wish, &err))
		return cli_fail(cli, &err);
	wish.instance = a->instance;
	wish.container = a->container;
	if (action->wants & WISH_COMMAND)
		wish.command = (struct texts){a->words + 1, a->n_words - 1};
	else
		wish.text = a->words[1];
	return attempt_run(cli, &wish, true, NULL);
}

/* One operation a service, all of them even when one fails; the first failure is the status. */
static int down_all(struct cli *cli, const struct wish *wish, const char *const *names, size_t n)
{
	cJSON *array = n == 1 || cli->args->output != OUTPUT_JSON ? NULL : cJSON_CreateArray();
	int status = 0;
	for (size_t i = 0; i < n; i++) {
		struct wish one = *wish;
		one.service = names[i];
		int ended = attempt_run(cli, &one, false, array);
		status = status ? status : ended;
	}
	if (array)
		output_json(array);
	return status;
}

int write_down(struct cli *cli)
{
	struct err err = {0};
	struct wish wish;
	struct rows_wish names = {.environment = cli->args->env};
	struct rows rows;
	read_common(cli, action_find(cli->verb->action), &wish);
	if (!open_for(cli, &wish, &err))
		return cli_fail(cli, &err);
	for (size_t i = 0; i < cli->args->n_words; i++) {
		names.service = cli->args->words[i];
		if (!rows_check_wish(cli->session, &names, &err))
			return cli_fail(cli, &err);
	}
	if (cli->args->n_words)
		return down_all(cli, &wish, cli->args->words, cli->args->n_words);
	/* The rows live in the session's tables, and change while operations run: the names are taken first. */
	struct arena arena = {0};
	rows_find(cli->session, RECORD_SERVICE, NULL, &rows);
	const char **all = arena_alloc(&arena, (rows.n + 1) * sizeof(*all));
	size_t n = rows.n;
	for (size_t i = 0; i < n; i++)
		all[i] = arena_dup(&arena, ((const struct service *)rows.items[i])->name);
	rows_finish(&rows);
	int status = down_all(cli, &wish, all, n);
	if (!n)
		cli_tell(cli, "no service runs here");
	arena_finish(&arena);
	return status;
}

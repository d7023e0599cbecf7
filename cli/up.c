/* SPDX-License-Identifier: Apache-2.0 */
/* fairway up: run folders. No command of a folder runs before a person has approved it. */
#include <cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/ask.h"
#include "cli/attempt.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/record_json.h"

#define WATCHED (REQUEST_KIND(RECORD_SERVICE) | REQUEST_KIND(RECORD_ENVIRONMENT) | REQUEST_KIND(RECORD_PLACEMENT))

static bool is_unapproved(const struct plan *p)
{
	return !str_empty(p->refusal) && !str_empty(p->approve) && p->commands.n;
}

static void add_json(cJSON *json, cJSON *array)
{
	if (array)
		cJSON_AddItemToArray(array, json);
	else
		output_json(json);
}

static void show_commands(struct cli *cli, const struct plan *p, cJSON *array)
{
	struct str line = {0};
	if (cli->args->output == OUTPUT_JSON) {
		add_json(record_to_json(record_class(RECORD_PLAN), p), array);
		return;
	}
	for (size_t i = 0; i < p->commands.n; i++)
		output_line(p->commands.items[i]);
	str_addf(&line, "approve with: --approve %s", p->approve);
	output_line(str_text(&line));
	str_finish(&line);
}

/* Whether the person at the terminal approves what was shown. */
static bool ask_approval(struct cli *cli, struct err *err)
{
	char answer[16];
	if (!cli->is_terminal || cli->args->output == OUTPUT_JSON)
		return err_set(err, ERR_REFUSED, "these commands were not approved yet; nothing was run");
	if (!ask_line(cli, "Approve these commands, and run them? [y/N] ", answer, sizeof(answer), err))
		return false;
	if (str_eq(answer, "y") || str_eq(answer, "yes"))
		return true;
	return err_set(err, ERR_REFUSED, "not approved; nothing was run");
}

static int up_folder(struct cli *cli, const char *folder, cJSON *array)
{
	struct attempt plan = {0};
	struct err err = {0};
	struct wish wish;
	bool is_meant = cli->args->approve;
	record_init(record_class(RECORD_WISH), &wish);
	wish.action = "up";
	wish.folder = folder;
	wish.environment = cli->args->env;
	wish.approve = cli->args->approve;
	wish.reason = cli->args->reason;
	wish.despite_bad = cli->args->despite_bad;
	wish.past_migration = cli->args->past_migration;
	wish.without_databases = cli->args->without_databases;
	wish.take_over = cli->args->take_over;
	wish.version = cli->args->image;
	if (!attempt_plan(cli, &wish, &plan, &err)) {
		attempt_finish(&plan);
		return cli_fail(cli, &err);
	}
	if (is_unapproved(&plan.plan)) {
		show_commands(cli, &plan.plan, array);
		if (!ask_approval(cli, &err)) {
			attempt_finish(&plan);
			return cli_fail(cli, &err);
		}
		wish.approve = plan.plan.approve;
		is_meant = true;
	}
	int status = attempt_run(cli, &wish, is_meant, array);
	attempt_finish(&plan);
	return status;
}

int write_up(struct cli *cli)
{
	struct err err = {0};
	const struct args *a = cli->args;
	char *folders[ARGS_WORDS_MAX] = {0};
	int status = 0;
	for (size_t i = 0; i < a->n_words && !status; i++) {
		folders[i] = realpath(a->words[i], NULL);
		if (!folders[i])
			status = cli_refuse(cli, errno == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, "%s: %s", a->words[i],
			                    strerror(errno));
	}
	if (!status && (!session_open(cli, NULL, &err) || !platform_need(cli, &err) ||
	                !session_watch(cli->session, WATCHED, &err) || !session_check(cli->session, &err)))
		status = cli_fail(cli, &err);
	cJSON *array = a->n_words > 1 && a->output == OUTPUT_JSON && !status ? cJSON_CreateArray() : NULL;
	bool is_open = !status;
	for (size_t i = 0; i < a->n_words && is_open; i++) {
		int ended = up_folder(cli, folders[i], array);
		status = status ? status : ended;
	}
	if (array)
		output_json(array);
	for (size_t i = 0; i < a->n_words; i++)
		free(folders[i]);
	return status;
}

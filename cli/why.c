/* SPDX-License-Identifier: Apache-2.0 */
/* fairway why: the checks of model/why over what the sources told. */
#include <cJSON.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/gather.h"
#include "model/why.h"

#define KIND(kind) REQUEST_KIND(RECORD_##kind)
#define WATCHED                                                                                                     \
	(KIND(SERVICE) | KIND(ENVIRONMENT) | KIND(PLACEMENT) | KIND(INSTANCE) | KIND(RELEASE) | KIND(DEPLOY) |      \
	 KIND(ALERT) | KIND(LOCK) | KIND(EVENT))

static void print_json(const struct why_facts *f, const struct why *why)
{
	cJSON *object = cJSON_CreateObject();
	json_add_text(object, "service", f->service);
	json_add_text(object, "environment", f->environment);
	json_add_text(object, "answer", why->answer);
	cJSON *checks = cJSON_AddArrayToObject(object, "checks");
	for (size_t i = 0; i < why->n; i++) {
		cJSON *check = cJSON_CreateObject();
		json_add_text(check, "name", why->checks[i].name);
		json_add_text(check, "state", record_value_name(step_state_names, why->checks[i].state));
		json_add_text(check, "detail", why->checks[i].detail);
		cJSON_AddItemToArray(checks, check);
	}
	output_json(object);
}

static void print_text(const struct why *why)
{
	static const char *const signs[] = {
		[STEP_WAITING] = "…", [STEP_RUNNING] = "▶", [STEP_DONE] = "✔", [STEP_FAILED] = "✖", [STEP_SKIPPED] = "?",
	};
	struct str line = {0};
	output_line(why->answer);
	puts("");
	for (size_t i = 0; i < why->n; i++) {
		const struct step *check = &why->checks[i];
		str_reset(&line);
		str_addf(&line, "  %s %-8s %s%s%s", signs[check->state], record_value_name(step_state_names, check->state),
		         check->name, str_empty(check->detail) ? "" : ": ", check->detail ? check->detail : "");
		output_line(str_text(&line));
	}
	str_finish(&line);
}

int read_why(struct cli *cli)
{
	struct err err = {0};
	struct why why;
	struct why_facts facts;
	struct arena arena = {0};
	struct rows_wish names = {.service = cli->args->words[0], .environment = cli->args->env};
	if (!session_open(cli, NULL, &err) || !session_read(cli->session, WATCHED, 0, &err) ||
	    !rows_check_wish(cli->session, &names, &err))
		return cli_fail(cli, &err);
	if (!session_check(cli->session, &err) && !rows_one(cli->session, RECORD_SERVICE, "name", names.service))
		return cli_fail(cli, &err); /* nothing at all is known */
	gather_why(session_tables(cli->session), names.service, names.environment, clock_wall_ms(), NULL, &arena, &facts);
	why_explain(&facts, &why);
	if (cli->args->output == OUTPUT_JSON)
		print_json(&facts, &why);
	else
		print_text(&why);
	why_finish(&why);
	arena_finish(&arena);
	return session_check(cli->session, &err) ? 0 : cli_fail(cli, &err);
}

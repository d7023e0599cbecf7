/* SPDX-License-Identifier: Apache-2.0 */
/* fairway why: the checks of model/why over what the sources told. */
#include "model/why.h"

#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"

#define KIND(kind) REQUEST_KIND(RECORD_##kind)
#define WATCHED                                                                                                     \
	(KIND(SERVICE) | KIND(ENVIRONMENT) | KIND(PLACEMENT) | KIND(INSTANCE) | KIND(RELEASE) | KIND(DEPLOY) |      \
	 KIND(ALERT) | KIND(LOCK) | KIND(EVENT))

/* What the facts borrow; rows_finish() each. */
struct gathered {
	struct rows instances, deploys, releases, alerts, locks, events;
	const struct placement **neighbours;
};

static const struct placement *find_placement(const struct session *s, const char *service, const char *environment)
{
	struct rows rows;
	struct rows_wish wish = {.service = service, .environment = environment};
	if (!service || !environment)
		return NULL;
	rows_find(s, RECORD_PLACEMENT, &wish, &rows);
	const struct placement *found = rows.n ? rows.items[0] : NULL;
	rows_finish(&rows);
	return found;
}

static const struct environment *environment_before(const struct session *s, const char *name)
{
	struct rows rows;
	const struct environment *before = NULL;
	rows_find(s, RECORD_ENVIRONMENT, NULL, &rows);
	for (size_t i = 1; i < rows.n; i++)
		if (str_eq(((const struct environment *)rows.items[i])->name, name))
			before = rows.items[i - 1];
	rows_finish(&rows);
	return before;
}

static void find_neighbours(const struct session *s, struct why_facts *f, struct gathered *g)
{
	const struct texts *names = f->service_record ? &f->service_record->dependencies : NULL;
	g->neighbours = mem_array(names ? names->n + 1 : 1, sizeof(*g->neighbours));
	for (size_t i = 0; names && i < names->n; i++) {
		const struct placement *p = find_placement(s, names->items[i], f->environment);
		if (p)
			g->neighbours[f->n_neighbours++] = p;
	}
	f->neighbours = g->neighbours;
}

static void gather(const struct session *s, struct why_facts *f, struct gathered *g, struct health_source *health)
{
	struct rows_wish here = {.service = f->service, .environment = f->environment};
	struct rows_wish everywhere = {.service = f->service};
	f->service_record = rows_one(s, RECORD_SERVICE, "name", f->service);
	f->environment_record = rows_one(s, RECORD_ENVIRONMENT, "name", f->environment);
	f->environment_before = environment_before(s, f->environment);
	f->placement = find_placement(s, f->service, f->environment);
	if (f->environment_before)
		f->placement_before = find_placement(s, f->service, f->environment_before->name);
	find_neighbours(s, f, g);
#define TAKE(kind, wish, list)                                            \
	rows_find(s, RECORD_##kind, wish, &g->list);                      \
	f->list = (const void *)g->list.items;                            \
	f->n_##list = g->list.n
	TAKE(INSTANCE, &here, instances);
	TAKE(DEPLOY, &here, deploys);
	TAKE(RELEASE, &everywhere, releases);
	TAKE(ALERT, &here, alerts);
	TAKE(LOCK, &here, locks);
	TAKE(EVENT, &here, events);
#undef TAKE
	const struct record *fact = f->placement ? &f->placement->base : NULL;
	const struct source *source = fact ? session_source(s, fact->source) : NULL;
	if (source) {
		*health = (struct health_source){.state = source->state, .as_of = source->base.as_of, .now = f->now};
		f->source = health;
		f->source_name = source->name;
		f->source_error = source->error;
	}
}

static void let_go(struct gathered *g)
{
	rows_finish(&g->instances);
	rows_finish(&g->deploys);
	rows_finish(&g->releases);
	rows_finish(&g->alerts);
	rows_finish(&g->locks);
	rows_finish(&g->events);
	free(g->neighbours);
}

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
	struct gathered gathered = {0};
	struct health_source health;
	struct why_facts facts = {.service = cli->args->words[0], .environment = cli->args->env, .now = clock_wall_ms()};
	struct rows_wish names = {.service = facts.service, .environment = facts.environment};
	if (!session_open(cli, NULL, &err) || !session_watch(cli->session, WATCHED, &err) ||
	    !rows_check_wish(cli->session, &names, &err))
		return cli_fail(cli, &err);
	if (!session_check(cli->session, &err) && !rows_one(cli->session, RECORD_SERVICE, "name", facts.service))
		return cli_fail(cli, &err); /* nothing at all is known */
	gather(cli->session, &facts, &gathered, &health);
	why_explain(&facts, &why);
	if (cli->args->output == OUTPUT_JSON)
		print_json(&facts, &why);
	else
		print_text(&why);
	why_finish(&why);
	let_go(&gathered);
	return session_check(cli->session, &err) ? 0 : cli_fail(cli, &err);
}

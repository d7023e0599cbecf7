/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that list: one row a verb says which records it needs. */
#include <cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/config.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"
#include "model/health.h"

#define KIND(kind) REQUEST_KIND(RECORD_##kind)
static const struct {
	const char *verb;
	enum record_kind kind;
	unsigned shows; /* also of other kinds */
} lists[] = {
	{"services", RECORD_SERVICE, KIND(SERVICE) | KIND(PLACEMENT)}, {"instances", RECORD_INSTANCE, KIND(INSTANCE)},
	{"envs", RECORD_ENVIRONMENT, KIND(ENVIRONMENT)},               {"deploys", RECORD_DEPLOY, KIND(DEPLOY)},
	{"releases", RECORD_RELEASE, KIND(RELEASE)},                   {"alerts", RECORD_ALERT, KIND(ALERT)},
	{"events", RECORD_EVENT, KIND(EVENT)},                         {"audit", RECORD_AUDIT, KIND(AUDIT)},
	{"service", RECORD_PLACEMENT, KIND(PLACEMENT)},
};

struct used { /* what a source tells of use, kept while rows are printed */
	struct arena arena;
	struct uses all[8];
	size_t n;
};

static void take_uses(const struct message *m, void *arg)
{
	struct used *u = arg;
	if (m->kind != MESSAGE_USE || u->n == sizeof(u->all) / sizeof(u->all[0]))
		return;
	struct use *items = arena_alloc(&u->arena, (m->uses.n + 1) * sizeof(*items));
	for (size_t i = 0; i < m->uses.n; i++) {
		items[i] = m->uses.items[i];
		items[i].instance = arena_dup(&u->arena, m->uses.items[i].instance);
	}
	u->all[u->n++] = (struct uses){arena_dup(&u->arena, m->uses.source), items, m->uses.n};
}

/* Instances as their sources tell them, with what they use beside. Where nobody knows, nothing is missed. */
static void add_uses(const struct used *u, struct rows *rows, struct arena *arena)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct instance *copy = arena_alloc(arena, sizeof(*copy));
		*copy = *(const struct instance *)rows->items[i];
		rows->items[i] = copy;
		for (size_t s = 0; s < u->n; s++)
			for (size_t k = 0; k < u->all[s].n && str_eq(u->all[s].source, copy->base.source); k++)
				if (str_eq(u->all[s].items[k].instance, copy->id)) {
					copy->cpu = u->all[s].items[k].cpu;
					copy->memory = u->all[s].items[k].memory;
				}
	}
}

/* A copy of the rows in which nothing from a source that is away looks well. */
static void print_table(struct cli *cli, const struct rows *rows)
{
	struct arena arena = {0};
	const struct field *health = record_field(rows->class, "health");
	const void **items = mem_array(rows->n + 1, sizeof(*items));
	for (size_t i = 0; i < rows->n; i++) {
		items[i] = rows->items[i];
		if (!health)
			continue;
		void *copy = arena_alloc(&arena, rows->class->size);
		record_copy(rows->class, copy, rows->items[i], &arena);
		int *at = record_at(copy, health);
		*at = rows_health(cli->session, rows->items[i], *at);
		items[i] = copy;
	}
	output_table(rows->class, items, rows->n, cli->is_coloured, clock_wall_ms());
	free(items);
	arena_finish(&arena);
}

static void print_rows(struct cli *cli, const struct rows *rows)
{
	if (cli->args->output == OUTPUT_TABLE) {
		if (rows->n)
			print_table(cli, rows);
		return;
	}
	cJSON *array = cJSON_CreateArray();
	for (size_t i = 0; i < rows->n; i++)
		cJSON_AddItemToArray(array, rows_json(cli->session, rows->class, rows->items[i]));
	output_json(array);
}

/* With --env a service is listed when it is placed there. */
static void drop_unplaced(const struct session *s, const char *environment, struct rows *rows)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->n; i++) {
		struct rows placements;
		struct rows_wish wish = {.service = ((const struct service *)rows->items[i])->name,
		                         .environment = environment};
		rows_find(s, RECORD_PLACEMENT, &wish, &placements);
		if (placements.n)
			rows->items[kept++] = rows->items[i];
		rows_finish(&placements);
	}
	rows->n = kept;
}

int read_list(struct cli *cli)
{
	struct err err;
	const struct args *a = cli->args;
	struct rows_wish wish = {.service = cli->verb->run == read_audit ? NULL : a->words[0], .environment = a->env};
	size_t i = 0;
	while (i + 1 < sizeof(lists) / sizeof(lists[0]) && !str_eq(lists[i].verb, cli->verb->name))
		i++;
	if (a->since && !args_time("--since", a->since, false, clock_wall_ms(), &wish.since, &err))
		return cli_fail(cli, &err);
	if (!session_open(cli, NULL, &err) || !rows_read(cli->session, lists[i].shows, &wish, &err))
		return cli_fail(cli, &err);
	struct rows rows;
	struct used used = {.n = 0};
	if (lists[i].kind == RECORD_INSTANCE && wish.service)
		session_ask(cli->session, request_use(wish.service, wish.environment, false), SESSION_PATIENCE_MS, take_uses,
		            &used, NULL);
	rows_find(cli->session, lists[i].kind, &wish, &rows);
	if (used.n)
		add_uses(&used, &rows, &used.arena);
	if (lists[i].kind == RECORD_SERVICE && wish.environment)
		drop_unplaced(cli->session, wish.environment, &rows);
	print_rows(cli, &rows);
	bool is_empty = !rows.n;
	rows_finish(&rows);
	arena_finish(&used.arena);
	if (!session_check(cli->session, &err))
		return cli_fail(cli, &err);
	if (is_empty)
		cli_tell(cli, "none");
	return 0;
}

int read_service(struct cli *cli)
{
	return read_list(cli);
}

struct tally {
	size_t services, environments, firing, acked;
	int health; /* rolled up over all placements */
};

static void count(const struct session *s, struct tally *t)
{
	struct rows rows;
	struct health_sum sum = {0};
	*t = (struct tally){0};
	rows_find(s, RECORD_SERVICE, NULL, &rows);
	t->services = rows.n;
	rows_finish(&rows);
	rows_find(s, RECORD_ENVIRONMENT, NULL, &rows);
	t->environments = rows.n;
	rows_finish(&rows);
	rows_find(s, RECORD_PLACEMENT, NULL, &rows);
	for (size_t i = 0; i < rows.n; i++)
		health_add(&sum, rows_health(s, rows.items[i], ((const struct placement *)rows.items[i])->health));
	rows_finish(&rows);
	rows_find(s, RECORD_ALERT, NULL, &rows);
	for (size_t i = 0; i < rows.n; i++) {
		const struct alert *alert = rows.items[i];
		t->firing += alert->phase == ALERT_FIRING;
		t->acked += alert->phase == ALERT_FIRING && alert->acked.n;
	}
	rows_finish(&rows);
	if (!session_check(s, NULL))
		health_add(&sum, HEALTH_UNKNOWN);
	t->health = health_worst(&sum);
}

static void status_json(struct cli *cli, const struct tally *t)
{
	struct rows sources;
	cJSON *object = cJSON_CreateObject();
	json_add_text(object, "context", cli->config->context->name);
	json_add_text(object, "health", health_names[t->health]);
	json_add_int(object, "services", (int64_t)t->services);
	json_add_int(object, "environments", (int64_t)t->environments);
	json_add_int(object, "firing", (int64_t)t->firing);
	json_add_int(object, "acked", (int64_t)t->acked);
	cJSON *array = cJSON_AddArrayToObject(object, "sources");
	rows_find(cli->session, RECORD_SOURCE, NULL, &sources);
	for (size_t i = 0; i < sources.n; i++)
		cJSON_AddItemToArray(array, rows_json(cli->session, sources.class, sources.items[i]));
	rows_finish(&sources);
	output_json(object);
}

static void print_kind(struct cli *cli, enum record_kind kind)
{
	struct rows rows;
	rows_find(cli->session, kind, NULL, &rows);
	if (rows.n) {
		puts("");
		print_table(cli, &rows);
	}
	rows_finish(&rows);
}

int read_status(struct cli *cli)
{
	struct err err;
	struct tally t;
	if (!session_open(cli, NULL, &err) ||
	    !session_read(cli->session, KIND(SERVICE) | KIND(ENVIRONMENT) | KIND(PLACEMENT) | KIND(ALERT), 0, &err))
		return cli_fail(cli, &err);
	count(cli->session, &t);
	if (cli->args->output == OUTPUT_JSON) {
		status_json(cli, &t);
	} else {
		struct str line = {0};
		str_addf(&line, "%s: %s, %zu service%s in %zu environment%s, %zu firing", cli->config->context->name,
			 health_names[t.health], t.services, t.services == 1 ? "" : "s", t.environments,
			 t.environments == 1 ? "" : "s", t.firing);
		if (t.acked)
			str_addf(&line, " (%zu acked)", t.acked);
		output_line(str_text(&line));
		str_finish(&line);
		print_kind(cli, RECORD_ENVIRONMENT);
		print_kind(cli, RECORD_PLACEMENT);
		print_kind(cli, RECORD_ALERT);
		print_kind(cli, RECORD_SOURCE);
	}
	return session_check(cli->session, &err) ? 0 : cli_fail(cli, &err);
}

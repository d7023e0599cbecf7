/* SPDX-License-Identifier: Apache-2.0 */
/* The tables: what the backend told, copied in the pass that got it, and questions that many views ask. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/across.h"
#include "views/app_private.h"

void app_model_init(struct app *app)
{
	for (int k = 0; k < RECORD_COUNT; k++) {
		app->overlays[k] = overlay_new(record_class(k));
		app->tables[k] = overlay_rows(app->overlays[k]);
	}
}

void app_model_finish(struct app *app)
{
	for (int k = 0; k < RECORD_COUNT; k++)
		overlay_free(app->overlays[k]);
}

/* A list that came again, a source that says once more that it is well: nothing to look at anew. */
static uint32_t kinds_since(struct app *app, const uint64_t latest[RECORD_COUNT])
{
	uint32_t kinds = 0;
	for (int k = 0; k < RECORD_COUNT; k++)
		if (records_latest(app->tables[k]) != latest[k])
			kinds |= REQUEST_KIND(k);
	return kinds;
}

uint32_t app_model_apply(struct app *app, const struct changes *changes)
{
	uint64_t latest[RECORD_COUNT];
	for (int k = 0; k < RECORD_COUNT; k++)
		latest[k] = records_latest(app->tables[k]);
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *c = &changes->items[i];
		struct overlay *table = app->overlays[c->kind];
		switch (c->what) {
		case CHANGE_BEGIN:
			overlay_begin(table, changes->source);
			break;
		case CHANGE_SYNC:
			overlay_end(table, changes->source);
			break;
		case CHANGE_PUT:
			overlay_put(table, c->record);
			break;
		case CHANGE_DELETE:
			overlay_delete_key(table, changes->source, c->key);
			break;
		}
	}
	if (kinds_since(app, latest) & (REQUEST_KIND(RECORD_PLACEMENT) | REQUEST_KIND(RECORD_ENVIRONMENT)))
		across_drift(app->overlays[RECORD_ENVIRONMENT], app->overlays[RECORD_PLACEMENT]);
	return kinds_since(app, latest);
}

struct records *app_records(struct app *app, enum record_kind kind)
{
	return app->tables[kind];
}

struct records *const *app_tables(struct app *app)
{
	return app->tables;
}

const void *app_find(struct app *app, enum record_kind kind, const char *key)
{
	struct records *table = app->tables[kind];
	return records_row(table, records_find_key(table, NULL, key));
}

const void *app_findf(struct app *app, enum record_kind kind, const char *fmt, ...)
{
	char key[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	return app_find(app, kind, key);
}

static int by_position(const void *a, const void *b)
{
	const struct environment *x = *(const struct environment *const *)a;
	const struct environment *y = *(const struct environment *const *)b;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return strcmp(x->name, y->name);
}

size_t app_environments(struct app *app, const struct environment **out, size_t max)
{
	struct records *table = app->tables[RECORD_ENVIRONMENT];
	size_t n = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h && n < max; h = records_next(table, h))
		out[n++] = records_row(table, h);
	if (n)
		qsort(out, n, sizeof(*out), by_position);
	return n;
}

const struct environment *app_environment(struct app *app, const char *name)
{
	return str_empty(name) ? NULL : app_find(app, RECORD_ENVIRONMENT, name);
}

const char *app_denied(struct app *app, const char *command)
{
	const struct environment *e = app->service[0] && app->env[0] ? app_environment(app, app->env) : NULL;
	for (size_t i = 0; e && i < e->denied.n; i++) {
		const struct pair *p = &e->denied.items[i];
		size_t len = strlen(p->key);
		const char *rest = command + len; /* pause-rollout, cancel-deploy */
		bool is_it = str_starts(command, p->key) &&
		             (!*rest || str_eq(rest, "-rollout") || str_eq(rest, "-deploy"));
		if (is_it)
			return p->value;
	}
	return NULL;
}

const struct environment *app_next_environment(struct app *app, const char *name, int step)
{
	const struct environment *all[64];
	size_t n = app_environments(app, all, 64);
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i]->name, name))
			return (step < 0 && i == 0) || (step > 0 && i + 1 == n) ? NULL
										: all[i + (size_t)step];
	return NULL;
}

const char *app_warned_source(struct app *app)
{
	struct records *table = app->tables[RECORD_SOURCE];
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct source *s = records_row(table, h);
		if (s->warning)
			return s->name;
	}
	return NULL;
}

/* From a minute on nobody counts along: the ages of a long list change together, not each at its own second. */
#define LATE_MS 10000

static void draw_again(struct app *app, int64_t in_ms, int64_t unit)
{
	int64_t grain = unit == 1000 ? unit : LATE_MS, due = (app->now + in_ms + grain - 1) / grain * grain;
	if (!app->ages_due || due < app->ages_due)
		app->ages_due = due;
}

void app_age(struct app *app, int64_t since, char *out)
{
	if (!since) {
		str_copy(out, CLOCK_TEXT, "-");
		return;
	}
	int64_t age = app->now - since, unit = clock_age_unit(age);
	clock_age(age, out);
	draw_again(app, age < 0 ? unit - age : unit - age % unit, unit);
}

void app_left(struct app *app, int64_t until, char *out)
{
	int64_t left = until - app->now, unit = clock_age_unit(left);
	clock_age(left, out);
	if (left > 0)
		draw_again(app, left % unit + 1, unit);
}

void app_freshness(struct app *app, char *out, size_t size, enum style *style)
{
	struct records *table = app->tables[RECORD_SOURCE];
	const struct source *worst = NULL;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct source *s = records_row(table, h);
		if (!worst || s->state > worst->state)
			worst = s;
	}
	char age[CLOCK_TEXT] = "";
	out[0] = '\0';
	*style = STYLE_UNKNOWN;
	if (!worst) {
		snprintf(out, size, "? unknown");
	} else if (worst->state != SOURCE_LIVE) {
		if (worst->base.as_of)
			app_age(app, worst->base.as_of, age);
		snprintf(out, size, "? blind%s%s", age[0] ? " " : "", age);
	}
}

bool app_is_live(struct app *app)
{
	char text[64];
	enum style style;
	app_freshness(app, text, sizeof(text), &style);
	return text[0] == '\0';
}

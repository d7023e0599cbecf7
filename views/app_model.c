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

uint32_t app_model_apply(struct app *app, const struct changes *changes)
{
	uint32_t kinds = 0;
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
		kinds |= REQUEST_KIND(c->kind);
	}
	if (kinds & (REQUEST_KIND(RECORD_PLACEMENT) | REQUEST_KIND(RECORD_ENVIRONMENT)))
		across_drift(app->overlays[RECORD_ENVIRONMENT], app->overlays[RECORD_PLACEMENT]);
	return kinds;
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

void app_freshness(struct app *app, char *out, size_t size, enum style *style)
{
	struct records *table = app->tables[RECORD_SOURCE];
	const struct source *worst = NULL;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h)) {
		const struct source *s = records_row(table, h);
		if (!worst || s->state > worst->state)
			worst = s;
	}
	char age[CLOCK_TEXT];
	out[0] = '\0';
	*style = STYLE_UNKNOWN;
	if (!worst) {
		snprintf(out, size, "? unknown");
	} else if (worst->state != SOURCE_LIVE) {
		clock_age(app->now - worst->base.as_of, age);
		snprintf(out, size, "? blind%s%s", worst->base.as_of ? " " : "",
			 worst->base.as_of ? age : "");
	}
}

bool app_is_live(struct app *app)
{
	char text[64];
	enum style style;
	app_freshness(app, text, sizeof(text), &style);
	return text[0] == '\0';
}

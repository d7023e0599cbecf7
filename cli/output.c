/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/amount.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct output_column service_columns[] = {
	{"health", "HEALTH"}, {"name", "NAME"}, {"team", "TEAM"}, {"tier", "TIER"}, {"language", "LANGUAGE"},
	{"description", "DESCRIPTION"},
};
static const struct output_column environment_columns[] = {
	{"health", "HEALTH"}, {"name", "ENVIRONMENT"}, {"protected", "PROTECTED"}, {"services", "SERVICES"},
	{"firing", "FIRING"},
};
static const struct output_column placement_columns[] = {
	{"health", "HEALTH"}, {"service", "SERVICE"}, {"environment", "ENVIRONMENT"}, {"version", "VERSION"},
	{"to_version", "TO"}, {"ready", "READY"}, {"desired", "DESIRED"}, {"drift", "DRIFT"}, {"url", "URL"},
	{"deployed_at", "DEPLOYED"}, {"lock", "LOCK"}, {"reason", "REASON"},
};
static void write_cpu(const void *record, char *out)
{
	amount_cpu(record, out);
}

static void write_memory(const void *record, char *out)
{
	amount_memory(record, out);
}

static const struct output_column instance_columns[] = {
	{"phase", "PHASE"}, {"id", "INSTANCE"}, {"version", "VERSION"}, {"ready", "READY"}, {"pid", "PID", NULL, true},
	{"port", "PORT", NULL, true}, {"cpu", "CPU", write_cpu, true}, {"memory", "MEM", write_memory, true},
	{"restarts", "RESTARTS"}, {"started_at", "STARTED"}, {"node", "NODE", NULL, true}, {"exit", "LAST EXIT"},
	{"reason", "REASON"},
};
static const struct output_column release_columns[] = {
	{"service", "SERVICE"}, {"number", "RELEASE"}, {"version", "VERSION"}, {"created_at", "CREATED"},
	{"bad", "BAD"}, {"current_in", "CURRENT IN"}, {"by", "BY"},
};
static const struct output_column deploy_columns[] = {
	{"id", "ID"}, {"state", "STATE"}, {"kind", "KIND"}, {"service", "SERVICE"}, {"environment", "ENVIRONMENT"},
	{"from", "FROM"}, {"to", "TO"}, {"by", "BY"}, {"started_at", "STARTED"}, {"detail", "DETAIL"},
};
static const struct output_column alert_columns[] = {
	{"phase", "PHASE"}, {"severity", "SEVERITY"}, {"service", "SERVICE"}, {"environment", "ENVIRONMENT"},
	{"name", "ALERT"}, {"team", "TEAM"}, {"starts_at", "SINCE"}, {"acked", "ACKED BY"}, {"id", "ID"},
	{"summary", "SUMMARY"},
};
static const struct output_column event_columns[] = {
	{"time", "TIME"}, {"kind", "KIND"}, {"service", "SERVICE"}, {"environment", "ENVIRONMENT"},
	{"instance", "INSTANCE"}, {"text", "TEXT"},
};
static const struct output_column audit_columns[] = {
	{"id", "ID"}, {"at", "AT"}, {"state", "STATE"}, {"by", "BY"}, {"action", "ACTION"}, {"service", "SERVICE"},
	{"environment", "ENVIRONMENT"}, {"reason", "REASON"}, {"detail", "DETAIL"},
};
static const struct output_column source_columns[] = {
	{"state", "STATE"}, {"name", "SOURCE"}, {"provider", "PROVIDER"}, {"error", "ERROR"}, {"warning", "WARNING"},
};

static const struct {
	enum record_kind kind;
	const struct output_column *columns;
	size_t n;
} tables[] = {
	{RECORD_SERVICE, service_columns, COUNT(service_columns)},
	{RECORD_ENVIRONMENT, environment_columns, COUNT(environment_columns)},
	{RECORD_PLACEMENT, placement_columns, COUNT(placement_columns)},
	{RECORD_INSTANCE, instance_columns, COUNT(instance_columns)},
	{RECORD_RELEASE, release_columns, COUNT(release_columns)},
	{RECORD_DEPLOY, deploy_columns, COUNT(deploy_columns)},
	{RECORD_ALERT, alert_columns, COUNT(alert_columns)},
	{RECORD_EVENT, event_columns, COUNT(event_columns)},
	{RECORD_AUDIT, audit_columns, COUNT(audit_columns)},
	{RECORD_SOURCE, source_columns, COUNT(source_columns)},
};

const struct output_column *output_columns(const struct record_class *class, size_t *n)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		if (tables[i].kind == class->kind) {
			*n = tables[i].n;
			return tables[i].columns;
		}
	*n = 0;
	return NULL;
}

static void texts_cell(const struct texts *t, struct str *out)
{
	for (size_t i = 0; i < t->n; i++) {
		str_add(out, i ? ", " : "");
		str_add(out, t->items[i]);
	}
}

/* The text of one member, as a person reads it; nothing when it is absent. */
static void cell_text(const struct field *f, const void *at, long long now_ms, struct str *out)
{
	char text[CLOCK_TEXT];
	switch (f->type) {
	case FIELD_TEXT:
		str_add(out, *(const char *const *)at);
		break;
	case FIELD_INT:
		if (*(const int64_t *)at != RECORD_NONE)
			str_addf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case FIELD_REAL:
		str_addf(out, "%.3g", *(const double *)at);
		break;
	case FIELD_BOOL:
		str_add(out, *(const bool *)at ? "yes" : "");
		break;
	case FIELD_TIME:
		if (*(const int64_t *)at) {
			clock_age(now_ms - *(const int64_t *)at, text);
			str_addf(out, "%s ago", text);
		}
		break;
	case FIELD_ENUM:
		str_add(out, record_value_name(f->values, *(const int *)at));
		break;
	case FIELD_TEXTS:
		texts_cell(at, out);
		break;
	case FIELD_PART:
		if (((const struct parts *)at)->n && f->sub == &record_ack_class)
			str_add(out, ((const struct ack *)((const struct parts *)at)->items)->by);
		break;
	case FIELD_PAIRS:
	case FIELD_PARTS:
		break;
	}
}

static const char *colour_of(const struct field *f, const char *text)
{
	static const struct {
		const char *word, *code;
	} colours[] = {
		{"failing", "31"}, {"failed", "31"},   {"firing", "31"},  {"critical", "31"}, {"crash_loop", "31"},
		{"down", "31"},    {"degraded", "33"}, {"warning", "33"}, {"pending", "33"},  {"unhealthy", "33"},
		{"unknown", "35"}, {"stale", "35"},    {"ok", "32"},      {"running", "32"},  {"live", "32"},
	};
	if (f->type != FIELD_ENUM)
		return NULL;
	for (size_t i = 0; i < COUNT(colours); i++)
		if (str_eq(colours[i].word, text))
			return colours[i].code;
	return NULL;
}

static char *cell_of(const struct record_class *class, const struct output_column *column, const void *record,
                     long long now_ms)
{
	struct str raw = {0}, masked = {0};
	const struct field *f = record_field(class, column->field);
	char own[OUTPUT_CELL] = "";
	if (!record)
		str_add(&raw, column->title);
	else if (!column->write)
		cell_text(f, record_get(record, f), now_ms, &raw);
	else
		column->write(record, own);
	str_add(&raw, own);
	utf8_mask(&masked, str_text(&raw), raw.len, UTF8_ONE_LINE);
	str_finish(&raw);
	return str_detach(&masked);
}

static size_t cell_width(const char *text)
{
	return utf8_width(text, strlen(text));
}

/* 0: the column is left out. */
static size_t column_width(const struct output_column *column, char *const *cells, size_t columns, size_t n)
{
	size_t width = 0;
	for (size_t r = 1; r <= n; r++)
		width = cell_width(cells[r * columns]) > width ? cell_width(cells[r * columns]) : width;
	if (column->is_rare && !width)
		return 0;
	return cell_width(cells[0]) > width ? cell_width(cells[0]) : width;
}

static void print_row(const struct record_class *class, char *const *cells, const size_t *widths, bool is_coloured)
{
	struct str line = {0};
	size_t columns;
	const struct output_column *column = output_columns(class, &columns);
	for (size_t c = 0; c < columns; c++) {
		const char *code = is_coloured ? colour_of(record_field(class, column[c].field), cells[c]) : NULL;
		if (column[c].is_rare && !widths[c])
			continue;
		if (code)
			str_addf(&line, "\033[%sm", code);
		str_add(&line, cells[c]);
		if (code)
			str_add(&line, "\033[0m");
		for (size_t pad = cell_width(cells[c]); c + 1 < columns && pad < widths[c] + 2; pad++)
			str_addc(&line, ' ');
	}
	while (line.len && line.s[line.len - 1] == ' ')
		line.s[--line.len] = '\0';
	puts(str_text(&line));
	str_finish(&line);
}

void output_table(const struct record_class *class, const void *const *records, size_t n, bool is_coloured,
                  long long now_ms)
{
	size_t columns;
	const struct output_column *column = output_columns(class, &columns);
	char **cells = mem_array((n + 1) * columns, sizeof(*cells));
	size_t *widths = mem_array(columns, sizeof(*widths));
	for (size_t i = 0; i < (n + 1) * columns; i++)
		cells[i] = cell_of(class, &column[i % columns], i < columns ? NULL : records[i / columns - 1], now_ms);
	for (size_t c = 0; c < columns; c++)
		widths[c] = column_width(&column[c], cells + c, columns, n);
	for (size_t r = 0; r <= n; r++)
		print_row(class, cells + r * columns, widths, is_coloured && r);
	for (size_t i = 0; i < (n + 1) * columns; i++)
		free(cells[i]);
	free(cells);
	free(widths);
}

void output_line(const char *text)
{
	struct str masked = {0};
	utf8_mask(&masked, text, strlen(text), UTF8_ONE_LINE);
	puts(str_text(&masked));
	str_finish(&masked);
}

void output_json(cJSON *json)
{
	char *printed = json_print(json), *masked = json_mask(printed);
	puts(masked);
	free(masked);
	free(printed);
	cJSON_Delete(json);
}

void output_text(const char *text, size_t len)
{
	struct str masked = {0};
	utf8_mask(&masked, text, len, UTF8_KEEP_LINES);
	fwrite(str_text(&masked), 1, masked.len, stdout);
	if (masked.len && masked.s[masked.len - 1] != '\n')
		putchar('\n');
	str_finish(&masked);
}

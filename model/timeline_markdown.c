/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/timeline.h"

/* Text from outside as Markdown text: masked, one line, every sign with a meaning escaped (CommonMark 0.30
 * allows a backslash before any ASCII punctuation; in table cells GFM needs it before '|'). */
static void add_text(struct str *out, const char *text)
{
	struct str masked = {0};
	utf8_mask(&masked, text ? text : "", text ? strlen(text) : 0, UTF8_ONE_LINE);
	for (size_t i = 0; i < masked.len; i++) {
		if (strchr("\\`*_{}[]<>#|~!$&", masked.s[i]) && masked.s[i])
			str_addc(out, '\\');
		str_addc(out, masked.s[i]);
	}
	str_finish(&masked);
}

void timeline_fence(struct str *out, const char *text)
{
	struct str masked = {0};
	size_t longest = 2, run = 0;
	utf8_mask(&masked, text, strlen(text), UTF8_KEEP_LINES);
	for (size_t i = 0; i < masked.len; i++) {
		run = masked.s[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i <= longest; i++)
			str_addc(out, '`');
		str_addc(out, '\n');
		if (k)
			break;
		str_addn(out, str_text(&masked), masked.len);
		if (!masked.len || masked.s[masked.len - 1] != '\n')
			str_addc(out, '\n');
	}
	str_finish(&masked);
}

static void add_time(struct str *out, int64_t ms, const char *format)
{
	char text[32];
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	if (gmtime_r(&s, &tm) && strftime(text, sizeof(text), format, &tm))
		str_add(out, text);
}

static void add_row(struct str *out, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	str_addf(out, "- **%s**: ", name);
	add_text(out, value);
	str_addc(out, '\n');
}

static void add_head(const struct timeline_facts *f, struct str *out)
{
	const struct alert *a = f->alert;
	str_add(out, "## ");
	add_text(out, a && a->name ? a->name : "Timeline");
	if (!str_empty(f->service)) {
		str_add(out, ": ");
		add_text(out, f->service);
	}
	if (!str_empty(f->environment)) {
		str_add(out, " in ");
		add_text(out, f->environment);
	}
	str_add(out, "\n\n");
	if (!a)
		return;
	struct str text = {0};
	str_addf(&text, "%s, %s", record_value_name(severity_names, a->severity),
		 record_value_name(alert_phase_names, a->phase));
	add_row(out, "Alert", str_text(&text));
	add_row(out, "Summary", a->summary);
	str_reset(&text);
	if (a->starts_at) {
		add_time(&text, a->starts_at, "%Y-%m-%d %H:%M:%S UTC");
		str_add(&text, ", ");
		timeline_alert_spans(a, f->now, &text);
	}
	add_row(out, "Began", str_text(&text));
	str_finish(&text);
}

static void add_table(const struct timeline *t, struct str *out)
{
	char day[CLOCK_TEXT], last[CLOCK_TEXT] = "";
	str_add(out, "\n| UTC | what | where | who |\n|---|---|---|---|\n");
	for (size_t i = 0; i < t->n; i++) {
		const struct timeline_entry *e = &t->entries[i];
		clock_rfc3339(e->time, day);
		day[10] = '\0';
		str_add(out, "| ");
		add_time(out, e->time, strcmp(day, last) ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S");
		memcpy(last, day, sizeof(last));
		str_add(out, " | ");
		add_text(out, e->text);
		str_add(out, " | ");
		add_text(out, e->service);
		if (e->service && e->environment)
			str_add(out, " in ");
		add_text(out, e->environment);
		str_add(out, " | ");
		add_text(out, e->who);
		str_add(out, " |\n");
	}
}

void timeline_markdown(const struct timeline *t, const struct timeline_facts *f, struct str *out)
{
	add_head(f, out);
	add_row(out, "Owner", f->team);
	add_row(out, "On call", f->on_call);
	add_row(out, "Last change before it", f->cause);
	if (t->n)
		add_table(t, out);
	if (!str_empty(f->evidence)) {
		str_addc(out, '\n');
		timeline_fence(out, f->evidence);
	}
}

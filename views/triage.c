/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One alert on one screen: facts and owner, what changed (ranked by how near it is), the timeline, the error
 * patterns that are new, the metric that fired as a chart with the deploys' marks, the runbook. Each part
 * loads by itself and says when it has nothing. arg: the alert's id.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "model/gather.h"
#include "model/log_group.h"
#include "model/patterns.h"
#include "model/rank.h"
#include "tui/chart.h"
#include "tui/doc.h"
#include "tui/layout.h"
#include "tui/markdown.h"
#include "tui/pager.h"
#include "views/pane.h"
#include "views/words.h"

#define BEFORE_MS (10 * 60 * 1000)      /* of the onset that is looked at */
#define CHART_BEFORE_MS (2 * 60 * 1000) /* of the onset that the chart shows */
#define SERIES_MS 2000                  /* the chart is asked for anew */
#define CHANGES_SHOWN 4
#define PATTERNS_SHOWN 6
#define EVIDENCE_SHOWN 3 /* of them in the copy */
#define TRACES_MAX 32
#define LOW_ROWS 34
#define WIDE_COLUMNS 110

enum part { PART_FACTS, PART_TIMELINE, PART_CHART, PART_ERRORS, PART_RUNBOOK, PART_COUNT };
static const char *const part_titles[PART_COUNT] = {"Alert", "Timeline", "Metric", "Errors", "Runbook"};

struct triage {
	struct view view;
	char id[160], service[80], environment[80], runbook[256], metric[128];
	int64_t onset;
	struct doc docs[PART_COUNT];
	struct pager pagers[PART_COUNT];
	int focus;
	bool is_zoomed, is_timeline_placed;

	uint64_t logs, series, document;
	int64_t series_at; /* monotonic: when it was asked for */
	struct patterns *patterns;
	struct trace {
		char instance[96];
		struct log_trace state;
	} traces[TRACES_MAX]; /* stack traces by instance: their heads alone make a pattern */
	size_t n_traces;
	struct str markdown, error; /* the runbook; why it did not come */
	char series_error[200];
	struct chart_point *points;
	size_t n_points;
	struct chart_mark *marks;
	size_t n_marks;
	char unit[16];
	double threshold, scale; /* a ratio is told in percent: 100 */
	struct arena of_series;
};

static const struct alert *alert_of(struct triage *t)
{
	return app_find(t->view.app, RECORD_ALERT, t->id);
}

static void label(struct doc *d, const char *name)
{
	doc_hang(d, 11);
	doc_addf(d, STYLE_DIM, "%-11s", name);
}

static void add_owner(struct triage *t, struct doc *d, const struct alert *a)
{
	const struct service *s = app_find(t->view.app, RECORD_SERVICE, t->service);
	label(d, "owner");
	doc_add(d, STYLE_STRONG, s && s->team ? s->team : a->team ? a->team : "unowned");
	if (s && s->on_call)
		doc_addf(d, STYLE_TEXT, ", on call %s", s->on_call);
	doc_newline(d);
}

static void add_handling(struct triage *t, struct doc *d, const struct alert *a)
{
	struct str spans = {0};
	timeline_alert_spans(a, app_now(t->view.app), &spans);
	label(d, "handled");
	doc_add(d, a->acked.n ? STYLE_OK : STYLE_WARNING, str_text(&spans));
	doc_newline(d);
	str_finish(&spans);
	if (a->acked.n) {
		const struct ack *ack = a->acked.items;
		label(d, "acked by");
		doc_addf(d, STYLE_TEXT, "%s%s%s", words_who(ack->by), ack->where ? ": " : "",
			 ack->where ? ack->where : "");
		doc_newline(d);
	}
	if (a->notified) {
		label(d, "notified");
		doc_add(d, STYLE_TEXT, a->notified);
		doc_newline(d);
	}
}

/* "1.9.2, by you, 20 s before onset", the nearest first. Returns the first one's sentence into cause. */
static void add_changes(struct triage *t, struct doc *d, struct str *cause)
{
	struct app *app = t->view.app;
	struct timeline timeline;
	struct ranked ranked[CHANGES_SHOWN];
	const struct service *s = app_find(app, RECORD_SERVICE, t->service);
	struct rank_subject subject = {
		.service = t->service, .environment = t->environment, .onset = t->onset, .you = words_me()};
	if (s)
		subject.dependencies = s->dependencies;
	gather_timeline(app_tables(app), t->service, t->environment, t->onset - 24 * 3600 * 1000LL,
			app_now(app), &timeline);
	size_t n = rank_changes(&timeline, &subject, ranked, CHANGES_SHOWN);
	for (size_t i = 0; d && i < n; i++) {
		struct str sentence = {0};
		rank_sentence(&ranked[i], &subject, &sentence);
		label(d, i ? "" : "changed");
		doc_add(d, i ? STYLE_TEXT : STYLE_STRONG, str_text(&sentence));
		doc_newline(d);
		str_finish(&sentence);
	}
	if (d && !n) {
		label(d, "changed");
		doc_line(d, STYLE_DIM, "nothing in the day before");
	}
	if (n && cause)
		rank_sentence(&ranked[0], &subject, cause);
	timeline_finish(&timeline);
}

static void fill_facts(struct triage *t)
{
	struct doc *d = &t->docs[PART_FACTS];
	const struct alert *a = alert_of(t);
	char text[CLOCK_TEXT], at[32];
	doc_reset(d);
	if (!a) {
		doc_line(d, STYLE_UNKNOWN, "? this alert is not known any more");
		return;
	}
	int64_t since = a->phase == ALERT_RESOLVED && a->ends_at ? a->ends_at : a->starts_at;
	words_time(since, at, sizeof(at));
	app_age(t->view.app, since, text);
	doc_addf(d, words_alert_style(a), "%s %s %s", words_severity_sign(a->severity),
		 record_value_name(severity_names, a->severity), a->name);
	doc_newline(d);
	if (a->summary)
		doc_line(d, STYLE_TEXT, a->summary);
	label(d, "where");
	doc_addf(d, STYLE_STRONG, "%s in %s", t->service[0] ? t->service : "unowned", t->environment);
	doc_newline(d);
	label(d, "phase");
	doc_addf(d, words_alert_style(a), "%s since %s, %s", record_value_name(alert_phase_names, a->phase),
		 at, text);
	doc_newline(d);
	if (isfinite(a->value)) {
		char value[32], limit[32];
		chart_number(a->value * t->scale, t->unit, value, sizeof(value));
		chart_number(a->threshold * t->scale, t->unit, limit, sizeof(limit));
		label(d, "value");
		doc_addf(d, STYLE_TEXT, "%s, fires above %s", value, limit);
		doc_newline(d);
	}
	add_owner(t, d, a);
	add_handling(t, d, a);
	add_changes(t, d, NULL);
}

static void fill_timeline(struct triage *t)
{
	struct doc *d = &t->docs[PART_TIMELINE];
	struct app *app = t->view.app;
	struct timeline timeline;
	char at[32], room[WORDS_OWN];
	gather_timeline(app_tables(app), t->service, t->environment, t->onset - BEFORE_MS, app_now(app),
			&timeline);
	doc_reset(d);
	for (size_t i = 0; i < timeline.n; i++) {
		const struct timeline_entry *e = &timeline.entries[i];
		words_time(e->time, at, sizeof(at));
		doc_hang(d, 10);
		doc_addf(d, STYLE_DIM, "%s  ", at);
		if (e->service && !str_eq(e->service, t->service))
			doc_addf(d, STYLE_DIM, "%s: ", e->service);
		doc_add(d,
			e->kind == TIMELINE_ALERT ? STYLE_WARNING
			: e->is_change            ? STYLE_STRONG
						  : STYLE_TEXT,
			words_own(e->text, words_me(), room));
		if (e->who)
			doc_addf(d, STYLE_DIM, " (%s)", words_who(e->who));
		doc_newline(d);
	}
	if (!timeline.n)
		doc_line(d, STYLE_DIM, "nothing happened in the ten minutes before");
	timeline_finish(&timeline);
}

static void fill_errors(struct triage *t)
{
	struct doc *d = &t->docs[PART_ERRORS];
	struct pattern found[PATTERNS_SHOWN];
	size_t n = t->patterns ? patterns_rank(t->patterns, found, PATTERNS_SHOWN) : 0;
	doc_reset(d);
	for (size_t i = 0; i < n; i++) {
		struct str sentence = {0};
		patterns_sentence(t->patterns, &found[i], &sentence);
		doc_hang(d, 2);
		doc_add(d, found[i].is_new ? STYLE_ERROR : STYLE_WARNING, str_text(&sentence));
		doc_newline(d);
		doc_hang(d, 4);
		doc_addf(d, STYLE_DIM, "  %s", found[i].example);
		doc_newline(d);
		str_finish(&sentence);
	}
	if (!n)
		doc_line(d, STYLE_DIM, t->logs ? "no error that is new since it began" : "no logs");
}

static void fill_runbook(struct triage *t)
{
	struct doc *d = &t->docs[PART_RUNBOOK];
	struct err err;
	doc_reset(d);
	if (t->error.len)
		doc_line(d, STYLE_WARNING, t->error.s);
	else if (!t->markdown.len)
		doc_line(d, STYLE_DIM, t->document ? "asking…" : "no runbook");
	else if (!markdown_render(d, t->markdown.s, t->markdown.len, NULL, NULL, &err))
		doc_line(d, STYLE_WARNING, err.text);
}

static void fill(struct triage *t)
{
	fill_facts(t);
	fill_timeline(t);
	fill_errors(t);
	for (int i = 0; i < PART_RUNBOOK; i++)
		pager_refilled(&t->pagers[i]);
	app_stale(t->view.app);
}

static void ask_series(struct triage *t)
{
	struct series_wish wish = {.service = t->service,
				   .environment = t->environment,
				   .name = t->metric,
				   .since = t->onset - BEFORE_MS};
	t->series_at = app_mono(t->view.app);
	if (t->metric[0] && !t->series)
		t->series = app_send(t->view.app, &t->view, request_series(&wish));
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct triage *t = (struct triage *)v;
	str_copy(t->id, sizeof(t->id), arg);
	const struct alert *a = alert_of(t);
	if (!a)
		return err_set(err, ERR_NOT_FOUND, "alert %s is not known any more", arg);
	str_copy(t->service, sizeof(t->service), a->service ? a->service : "");
	str_copy(t->environment, sizeof(t->environment), a->environment ? a->environment : "");
	str_copy(t->runbook, sizeof(t->runbook), a->runbook ? a->runbook : "");
	str_copy(t->metric, sizeof(t->metric), a->metric ? a->metric : "");
	t->onset = a->starts_at;
	t->scale = str_eq(t->metric, "error_ratio") ? 100 : 1;
	str_copy(t->unit, sizeof(t->unit), t->scale > 1 ? "%" : "");
	t->threshold = a->threshold * t->scale;
	app_target(v->app, t->service, t->environment);
	for (int i = 0; i < PART_COUNT; i++)
		pager_init(&t->pagers[i], &t->docs[i]);
	t->patterns = patterns_new(&(struct patterns_window){
		.from = t->onset - BEFORE_MS, .onset = t->onset - RANK_SLACK_MS * 10, .to = INT64_MAX});
	struct log_wish logs = {.service = t->service,
				.environment = t->environment[0] ? t->environment : NULL,
				.since = t->onset - BEFORE_MS,
				.tail = RECORD_NONE,
				.is_following = true};
	if (t->service[0]) {
		t->logs = app_send(v->app, v, request_logs(&logs));
		t->document = app_send(v->app, v,
				       request_document(DOCUMENT_RUNBOOK, t->service,
							t->runbook[0] ? t->runbook : NULL, false));
		ask_series(t);
	}
	fill_runbook(t);
	fill(t);
	return true;
}

static void take_series(struct triage *t, const struct series *s)
{
	bool is_ratio = str_eq(s->unit, "ratio");
	char room[WORDS_OWN];
	arena_reset(&t->of_series);
	t->scale = is_ratio ? 100 : 1;
	str_copy(t->unit, sizeof(t->unit), is_ratio ? "%" : s->unit ? s->unit : "");
	t->points = arena_alloc(&t->of_series, (s->n + 1) * sizeof(*t->points));
	t->marks = arena_alloc(&t->of_series, (s->n_marks + 1) * sizeof(*t->marks));
	t->n_points = s->n;
	t->n_marks = s->n_marks;
	for (size_t i = 0; i < s->n; i++)
		t->points[i] = (struct chart_point){s->points[i].time, s->points[i].value * t->scale};
	for (size_t i = 0; i < s->n_marks; i++)
		t->marks[i] = (struct chart_mark){
			s->marks[i].time,
			arena_dup(&t->of_series, words_own(s->marks[i].text, words_me(), room)), STYLE_VERTICAL};
	t->threshold = s->threshold * t->scale;
}

static struct log_trace *trace_of(struct triage *t, const char *instance)
{
	size_t at = 0;
	while (at < t->n_traces && !str_eq(t->traces[at].instance, instance))
		at++;
	if (at == TRACES_MAX)
		at = 0; /* more instances than that: one stack trace may be told twice */
	else if (at == t->n_traces)
		str_copy(t->traces[t->n_traces++].instance, sizeof(t->traces[at].instance), instance);
	return &t->traces[at].state;
}

static bool is_head(struct triage *t, const struct log_batch *b, const struct log_row *row)
{
	const char *instance = row->instance < b->n_instances ? b->instances[row->instance].id : "";
	return row->what == LINE_TEXT &&
	       log_trace_next(trace_of(t, instance), b->block + row->at, row->len) == LOG_HEAD;
}

static void take_lines(struct triage *t, const struct log_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (is_head(t, b, &b->lines[i]))
			patterns_add(t->patterns, b->lines[i].time, b->block + b->lines[i].at,
				     b->lines[i].len);
	fill_errors(t);
	pager_refilled(&t->pagers[PART_ERRORS]);
}

static void message(struct view *v, const struct message *m)
{
	struct triage *t = (struct triage *)v;
	switch (m->kind) {
	case MESSAGE_SERIES:
		take_series(t, &m->series);
		break;
	case MESSAGE_LOGS:
		take_lines(t, &m->logs);
		break;
	case MESSAGE_DOCUMENT:
		str_addn(&t->markdown, m->document.text, m->document.len);
		break;
	case MESSAGE_DONE:
		if (m->request == t->series) {
			t->series = 0;
			str_copy(t->series_error, sizeof(t->series_error),
				 m->err.kind != ERR_NONE ? m->err.text : "");
		} else if (m->request == t->document) {
			if (m->err.kind != ERR_NONE)
				str_add(&t->error, m->err.text);
			fill_runbook(t);
			pager_refilled(&t->pagers[PART_RUNBOOK]);
		}
		break;
	default:
		break;
	}
}

static void changed(struct view *v, uint32_t kinds)
{
	(void)kinds;
	fill((struct triage *)v);
}

static int64_t wake(struct view *v, int64_t now)
{
	struct triage *t = (struct triage *)v;
	if (now - t->series_at >= SERIES_MS) {
		ask_series(t);
		fill_facts(t); /* ages */
		pager_refilled(&t->pagers[PART_FACTS]);
		app_stale(t->view.app);
	}
	return SERIES_MS;
}

static void draw_chart(struct triage *t, const struct canvas *c)
{
	struct chart_series series = {
		.points = t->points, .n = t->n_points, .style = STYLE_SERIES, .name = t->metric};
	struct chart chart = {.series = &series,
			      .n_series = 1,
			      .marks = t->marks,
			      .n_marks = t->n_marks,
			      .from_ms = t->onset - CHART_BEFORE_MS,
			      .to_ms = app_now(t->view.app),
			      .gap_ms = 30000,
			      .threshold = t->threshold,
			      .unit = t->unit,
			      .is_area = true,
			      .is_from_zero = true};
	if (t->n_points) {
		chart_draw(c, &chart);
	} else {
		canvas_text(c, 0, 1, STYLE_DIM,
			    t->series_error[0] ? t->series_error
			    : t->metric[0]     ? "no sample yet"
					       : "this alert watches no metric");
	}
}

static void draw_part(struct triage *t, const struct canvas *c, int part)
{
	char title[300], place[32];
	snprintf(title, sizeof(title), "%d %s%s%s", part + 1, part_titles[part],
		 part == PART_CHART && t->metric[0] ? " " : "", part == PART_CHART ? t->metric : "");
	pager_position(&t->pagers[part], place, sizeof(place));
	bool is_focused = part == t->focus;
	struct canvas_box box = {
		.title = title,
		.right = is_focused && part != PART_CHART ? place : NULL,
		.right_style = STYLE_DIM,
		.is_focused = is_focused,
	};
	struct canvas in = canvas_box_joined(c, &box);
	struct canvas text = canvas_sub(&in, 0, 1, in.rows, in.columns - 2);
	if (part == PART_CHART)
		draw_chart(t, &text);
	else
		pager_draw(&t->pagers[part], &text);
	if (part == PART_TIMELINE &&
	    !t->is_timeline_placed) { /* what happened last, once it is known how high it is */
		t->is_timeline_placed = true;
		pager_command(&t->pagers[part], "bottom");
		pager_draw(&t->pagers[part], &text);
	}
}

static void draw(struct view *v, const struct canvas *body)
{
	struct triage *t = (struct triage *)v;
	if (t->is_zoomed || (body->rows < LOW_ROWS && body->columns < WIDE_COLUMNS)) {
		int lines = t->is_zoomed ? 0 : PART_COUNT - 1, y = 0;
		for (int i = 0; i < PART_COUNT; i++) {
			int rows = i == t->focus ? body->rows - lines : t->is_zoomed ? 0 : 1;
			struct canvas part = canvas_sub(body, y, 0, rows, body->columns);
			if (i == t->focus)
				draw_part(t, &part, i);
			else if (rows)
				canvas_textf(&part, 0, 1, STYLE_TITLE, "%d %s", i + 1, part_titles[i]);
			y += rows;
		}
		return;
	}
	struct canvas left, right, parts[PART_COUNT], rest;
	layout_columns(body, 50, 40, 40, 1, &left, &right);
	layout_rows(&left, 52, 8, 5, 1, &parts[PART_FACTS], &parts[PART_TIMELINE]);
	layout_rows(&right, 38, 6, 10, 1, &parts[PART_CHART], &rest);
	layout_rows(&rest, 42, 4, 5, 1, &parts[PART_ERRORS], &parts[PART_RUNBOOK]);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < PART_COUNT; i++)
			if ((i == t->focus) == (pass == 1))
				draw_part(t, &parts[i], i);
}

static bool widget(struct view *v, const char *command)
{
	struct triage *t = (struct triage *)v;
	return pane_focus(command, PART_COUNT, &t->focus, &t->is_zoomed) ||
	       pager_command(&t->pagers[t->focus], command);
}

static bool key(struct view *v, const struct key *k)
{
	struct triage *t = (struct triage *)v;
	return pager_key(&t->pagers[t->focus], k);
}

static void run_ack(struct app *app, struct view *v, const char *arg)
{
	(void)arg;
	app_ack(app, ((struct triage *)v)->id);
}

/* The incident as Markdown, for the channel or the ticket. */
static void run_copy(struct app *app, struct view *v, const char *arg)
{
	struct triage *t = (struct triage *)v;
	const struct service *s = app_find(app, RECORD_SERVICE, t->service);
	struct timeline timeline;
	struct str out = {0}, cause = {0}, evidence = {0};
	struct pattern found[EVIDENCE_SHOWN];
	(void)arg;
	add_changes(t, NULL, &cause);
	size_t n = patterns_rank(t->patterns, found, EVIDENCE_SHOWN);
	for (size_t i = 0; i < n; i++) {
		str_add(&evidence, i ? "\n" : "");
		patterns_sentence(t->patterns, &found[i], &evidence);
	}
	gather_timeline(app_tables(app), t->service, t->environment, t->onset - BEFORE_MS, app_now(app),
			&timeline);
	struct timeline_facts facts = {.alert = alert_of(t),
				       .service = t->service,
				       .environment = t->environment,
				       .team = s ? s->team : NULL,
				       .on_call = s ? s->on_call : NULL,
				       .cause = cause.len ? cause.s : NULL,
				       .evidence = evidence.len ? evidence.s : NULL,
				       .now = app_now(app)};
	timeline_markdown(&timeline, &facts, &out);
	app_copy(app, str_text(&out), out.len);
	timeline_finish(&timeline);
	str_finish(&out);
	str_finish(&cause);
	str_finish(&evidence);
}

static void close_view(struct view *v)
{
	struct triage *t = (struct triage *)v;
	for (int i = 0; i < PART_COUNT; i++) {
		pager_finish(&t->pagers[i]);
		doc_finish(&t->docs[i]);
	}
	patterns_free(t->patterns);
	str_finish(&t->markdown);
	str_finish(&t->error);
	arena_finish(&t->of_series);
}

static const struct command commands[] = {
	{"ack", "Say that you are on it, or take that back", COMMAND_TARGET, run_ack},
	{"copy", "Copy the incident as Markdown", 0, run_copy},
};
static const char *const layers[] = {"triage", "pager", NULL};
static const char *const footer[] = {"ack",  "runbook", "logs", "rollback", "silence",
				     "note", "why",     "copy", "back",     NULL};
const struct view_class view_triage = {
	.name = "triage",
	.title = "Triage",
	.help = "One alert: owner, what changed, timeline, new errors, metric, runbook",
	.size = sizeof(struct triage),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_ALERT | 1u << RECORD_DEPLOY | 1u << RECORD_EVENT | 1u << RECORD_NOTE |
		 1u << RECORD_LOCK | 1u << RECORD_SERVICE,
	.open = open_view,
	.message = message,
	.changed = changed,
	.draw = draw,
	.key = key,
	.widget = widget,
	.wake = wake,
	.close = close_view,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/metric_history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/service_file.h"

#define MAX_TRACKS 16
#define MAX_SERIES 4096
#define MAX_INSTANCES 64
#define MAX_BUCKETS 40
#define MAX_OWN_PATHS 3
#define INSTANCE_NAME 128

/*
 * A track is one metric of interest with a row of numbers for each second. Columns: of requests, all and
 * failed; of a histogram, one for each `le`; of a value, its growth (when it is a counter).
 */
enum track_kind { TRACK_REQUESTS, TRACK_HISTOGRAM, TRACK_VALUE };
enum { COLUMN_ALL, COLUMN_FAILED, N_REQUEST_COLUMNS };
enum { COLUMN_GROWTH, COLUMN_LEAST, COLUMN_MOST, COLUMN_SEEN, N_VALUE_COLUMNS };

struct track {
	enum track_kind kind;
	char *metric;                /* of a histogram: without "_bucket" */
	size_t n_buckets;
	bool is_counter;             /* TRACK_VALUE: said by # TYPE, or named _total */
	double le[MAX_BUCKETS];      /* sorted upper bounds; the column of le[i] is column_of[i] */
	uint8_t column_of[MAX_BUCKETS];
	double *columns[MAX_BUCKETS]; /* HISTORY_SECONDS cells each; NULL until there is something in one */
	int64_t *seconds;            /* which second a row is about; rows are re-used */
};

struct series { /* last value of a counter, by a hash of its name and labels */
	uint64_t key;                /* 0: free slot */
	double value;
};

struct instance {
	char name[INSTANCE_NAME];
	int64_t good_ms;             /* last whole scrape; INT64_MIN: none yet */
	struct series *series;       /* open addressing, MAX_SERIES * 2 slots, made on first use */
	size_t n_series;
	struct {
		bool is_seen;
		double least, most;
	} latest[MAX_TRACKS];        /* TRACK_VALUE: over the series of the last scrape */
};

struct metric_history {
	struct track tracks[MAX_TRACKS];
	size_t n_tracks;
	char *own_paths[MAX_OWN_PATHS];
	size_t n_own_paths;
	struct instance *instances[MAX_INSTANCES];
	size_t n_instances;
	int64_t since_ms;            /* first good scrape of all */
	int64_t sighted_ms;          /* since when at least one instance was always fresh */
	struct instance *current;    /* of the scrape under way */
	int64_t current_ms;
};

static struct track *find_track(const struct metric_history *h, enum track_kind kind, const char *metric)
{
	for (size_t i = 0; i < h->n_tracks; i++)
		if (h->tracks[i].kind == kind && strcmp(h->tracks[i].metric, metric) == 0)
			return (struct track *)&h->tracks[i];
	return NULL;
}

static void add_track(struct metric_history *h, enum track_kind kind, const char *metric)
{
	if (h->n_tracks == MAX_TRACKS || find_track(h, kind, metric))
		return;
	struct track *t = &h->tracks[h->n_tracks++];
	t->kind = kind;
	t->metric = mem_dup(metric);
	t->is_counter = str_ends(metric, "_total");
	t->seconds = mem_array(HISTORY_SECONDS, sizeof(*t->seconds));
	for (size_t i = 0; i < HISTORY_SECONDS; i++)
		t->seconds[i] = INT64_MIN;
}

struct metric_history *metric_history_new(const struct service_file *f)
{
	struct metric_history *h = mem_alloc(sizeof(*h));
	h->since_ms = h->sighted_ms = INT64_MIN;
	add_track(h, TRACK_REQUESTS, HISTORY_REQUESTS);
	add_track(h, TRACK_HISTOGRAM, HISTORY_DURATION);
	for (size_t i = 0; i < f->n_alerts; i++) {
		const struct service_alert *a = &f->alerts[i];
		if (a->when == WHEN_ERROR_RATIO)
			add_track(h, TRACK_REQUESTS, a->metric);
		else if (a->when == WHEN_LATENCY)
			add_track(h, TRACK_HISTOGRAM, a->metric);
		else if (a->when == WHEN_METRIC)
			add_track(h, TRACK_VALUE, a->metric);
	}
	const char *const own[MAX_OWN_PATHS] = {f->health.path, f->health.ready, f->metrics};
	for (size_t i = 0; i < MAX_OWN_PATHS; i++)
		if (own[i])
			h->own_paths[h->n_own_paths++] = mem_dup(own[i]);
	return h;
}

static void instance_free(struct instance *in)
{
	free(in->series);
	free(in);
}

void metric_history_free(struct metric_history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_tracks; i++) {
		free(h->tracks[i].metric);
		for (size_t c = 0; c < MAX_BUCKETS; c++)
			free(h->tracks[i].columns[c]);
		free(h->tracks[i].seconds);
	}
	for (size_t i = 0; i < h->n_own_paths; i++)
		free(h->own_paths[i]);
	for (size_t i = 0; i < h->n_instances; i++)
		instance_free(h->instances[i]);
	free(h);
}

static int64_t second_of(int64_t mono_ms)
{
	return mono_ms >= 0 ? mono_ms / 1000 : 0;
}

/* The cell of a second; its row is cleared when it was about an older one. */
static double *cell_at(struct track *t, size_t column, int64_t second)
{
	size_t row = (size_t)(second % HISTORY_SECONDS);
	if (t->seconds[row] != second)
		for (size_t c = 0; c < MAX_BUCKETS; c++)
			if (t->columns[c])
				t->columns[c][row] = 0;
	t->seconds[row] = second;
	if (!t->columns[column])
		t->columns[column] = mem_array(HISTORY_SECONDS, sizeof(*t->columns[column]));
	return &t->columns[column][row];
}

/* 0 where nothing was noted: growth is a sum. */
static double cell_of(const struct track *t, size_t column, int64_t second)
{
	size_t row = (size_t)(second % HISTORY_SECONDS);
	bool is_there = second >= 0 && t->seconds[row] == second && t->columns[column];
	return is_there ? t->columns[column][row] : 0;
}

static struct instance *find_instance(const struct metric_history *h, const char *name)
{
	for (size_t i = 0; i < h->n_instances; i++)
		if (strncmp(h->instances[i]->name, name, INSTANCE_NAME - 1) == 0)
			return h->instances[i];
	return NULL;
}

void metric_history_begin(struct metric_history *h, const char *name, int64_t mono_ms)
{
	struct instance *in = find_instance(h, name);
	if (!in && h->n_instances < MAX_INSTANCES) {
		in = mem_alloc(sizeof(*in));
		str_copy(in->name, sizeof(in->name), name);
		in->good_ms = INT64_MIN;
		h->instances[h->n_instances++] = in;
	}
	h->current = in;
	h->current_ms = mono_ms;
	for (size_t i = 0; in && i < MAX_TRACKS; i++)
		in->latest[i].is_seen = false;
}

void metric_history_forget(struct metric_history *h, const char *name)
{
	for (size_t i = 0; i < h->n_instances; i++) {
		if (strncmp(h->instances[i]->name, name, INSTANCE_NAME - 1) != 0)
			continue;
		if (h->current == h->instances[i])
			h->current = NULL;
		instance_free(h->instances[i]);
		h->instances[i] = h->instances[--h->n_instances];
		return;
	}
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001B3u; /* FNV-1a */
	return (h ^ 0xFF) * 0x100000001B3u;                   /* so that ("ab","c") is not ("a","bc") */
}

static uint64_t key_of(const struct promtext_sample *s)
{
	uint64_t h = hash_text(0xCBF29CE484222325u, s->name);
	for (size_t i = 0; i < s->n_labels; i++) {
		h = hash_text(h, s->labels[i].name);
		h = hash_text(h, s->labels[i].value);
	}
	return h ? h : 1;
}

/* The slot of a series, or NULL when the instance has too many. *is_new tells a slot without a value. */
static struct series *series_of(struct instance *in, uint64_t key, bool *is_new)
{
	if (!in->series)
		in->series = mem_array(2 * MAX_SERIES, sizeof(*in->series));
	size_t i = (size_t)(key % (2 * MAX_SERIES));
	while (in->series[i].key && in->series[i].key != key)
		i = (i + 1) % (2 * MAX_SERIES);
	*is_new = in->series[i].key == 0;
	if (*is_new) {
		if (in->n_series == MAX_SERIES)
			return NULL;
		in->n_series++;
		in->series[i].key = key;
	}
	return &in->series[i];
}

/* What a counter grew by since it was last seen; a counter that fell began again at 0. */
static double growth_of(const struct metric_history *h, const struct promtext_sample *s)
{
	bool is_new;
	if (!isfinite(s->value) || s->value < 0)
		return 0;
	struct series *last = series_of(h->current, key_of(s), &is_new);
	if (!last)
		return 0;
	double before = is_new ? 0 : last->value;
	last->value = s->value;
	if (is_new && h->current->good_ms == INT64_MIN)
		return 0;
	return s->value >= before ? s->value - before : s->value;
}

/* Growth over a gap (a scrape that failed) is spread over it: a chart must not show it as a spike. */
static void spread(struct metric_history *h, struct track *t, size_t column, double growth)
{
	int64_t last = second_of(h->current_ms), first = last;
	if (growth <= 0)
		return;
	if (h->current->good_ms != INT64_MIN && second_of(h->current->good_ms) + 1 < last)
		first = second_of(h->current->good_ms) + 1;
	if (last - first >= HISTORY_SECONDS)
		first = last - HISTORY_SECONDS + 1;
	double share = growth / (double)(last - first + 1);
	for (int64_t s = first; s <= last; s++)
		*cell_at(t, column, s) += share;
}

static bool is_own_request(const struct metric_history *h, const struct promtext_sample *s)
{
	static const char *const labels[] = {"path", "handler", "route"};
	for (size_t l = 0; l < sizeof(labels) / sizeof(labels[0]); l++) {
		const char *path = promtext_label(s, labels[l]);
		for (size_t i = 0; path && i < h->n_own_paths; i++)
			if (strcmp(path, h->own_paths[i]) == 0)
				return true;
	}
	return false;
}

static void add_requests(struct metric_history *h, struct track *t, const struct promtext_sample *s,
			 double growth)
{
	const char *code = promtext_label(s, "code");
	if (!code)
		code = promtext_label(s, "status");
	spread(h, t, COLUMN_ALL, growth);
	if (code && code[0] == '5' && strlen(code) == 3)
		spread(h, t, COLUMN_FAILED, growth);
}

/* The place of an upper bound in le[], made when there is room; -1 when there is none. */
static int bucket_of(struct track *t, double le)
{
	size_t i = 0;
	while (i < t->n_buckets && t->le[i] < le)
		i++;
	if (i < t->n_buckets && !(t->le[i] > le))
		return (int)i;
	if (t->n_buckets == MAX_BUCKETS)
		return -1;
	memmove(&t->le[i + 1], &t->le[i], (t->n_buckets - i) * sizeof(t->le[0]));
	memmove(&t->column_of[i + 1], &t->column_of[i], (t->n_buckets - i) * sizeof(t->column_of[0]));
	t->le[i] = le;
	t->column_of[i] = (uint8_t)t->n_buckets++;
	return (int)i;
}

static void add_bucket(struct metric_history *h, struct track *t, const struct promtext_sample *s,
		       double growth)
{
	const char *text = promtext_label(s, "le");
	char *end;
	double le = text ? strtod(text, &end) : NAN;
	if (!text || *end || isnan(le))
		return;
	int bucket = bucket_of(t, le);
	if (bucket >= 0)
		spread(h, t, t->column_of[bucket], growth);
}

static void add_value(struct metric_history *h, struct track *t, const struct promtext_sample *s,
		      double growth)
{
	struct instance *in = h->current;
	size_t i = (size_t)(t - h->tracks);
	t->is_counter = s->type == PROM_COUNTER || (s->type == PROM_UNTYPED && str_ends(t->metric, "_total"));
	if (t->is_counter)
		spread(h, t, COLUMN_GROWTH, growth);
	if (isnan(s->value))
		return;
	if (!in->latest[i].is_seen || s->value < in->latest[i].least)
		in->latest[i].least = s->value;
	if (!in->latest[i].is_seen || s->value > in->latest[i].most)
		in->latest[i].most = s->value;
	in->latest[i].is_seen = true;
}

static bool is_about(const struct track *t, const struct promtext_sample *s)
{
	size_t len = strlen(t->metric);
	if (t->kind != TRACK_HISTOGRAM)
		return strcmp(t->metric, s->name) == 0;
	return strncmp(t->metric, s->name, len) == 0 && strcmp(s->name + len, "_bucket") == 0;
}

void metric_history_add(struct metric_history *h, const struct promtext_sample *s)
{
	bool has_growth = false;
	double growth = 0;
	for (size_t i = 0; h->current && i < h->n_tracks; i++) {
		struct track *t = &h->tracks[i];
		if (!is_about(t, s) || (t->kind != TRACK_VALUE && is_own_request(h, s)))
			continue;
		if (!has_growth) /* once a sample: asking moves the series' last value on */
			growth = growth_of(h, s);
		has_growth = true;
		if (t->kind == TRACK_REQUESTS)
			add_requests(h, t, s, growth);
		else if (t->kind == TRACK_HISTOGRAM)
			add_bucket(h, t, s, growth);
		else
			add_value(h, t, s, growth);
	}
}

static bool is_fresh(const struct instance *in, int64_t now_ms)
{
	return in->good_ms != INT64_MIN && now_ms - in->good_ms <= HISTORY_FRESH_MS;
}

struct history_sight metric_history_sight(const struct metric_history *h, int64_t now_ms)
{
	struct history_sight sight = {.since_ms = h->sighted_ms};
	for (size_t i = 0; i < h->n_instances; i++) {
		if (is_fresh(h->instances[i], now_ms))
			sight.fresh++;
		else
			sight.blind++;
	}
	return sight;
}

/* A gauge's least and most over the instances of this second. */
static void note_latest(struct track *t, const struct instance *in, size_t track, int64_t second)
{
	if (t->kind != TRACK_VALUE || !in->latest[track].is_seen)
		return;
	double *seen = cell_at(t, COLUMN_SEEN, second);
	double *least = cell_at(t, COLUMN_LEAST, second), *most = cell_at(t, COLUMN_MOST, second);
	if (*seen < 1 || in->latest[track].least < *least)
		*least = in->latest[track].least;
	if (*seen < 1 || in->latest[track].most > *most)
		*most = in->latest[track].most;
	*seen = 1;
}

void metric_history_end(struct metric_history *h)
{
	struct instance *in = h->current;
	h->current = NULL;
	if (!in)
		return;
	if (metric_history_sight(h, h->current_ms).fresh == 0)
		h->sighted_ms = h->current_ms;
	in->good_ms = h->current_ms;
	if (h->since_ms == INT64_MIN)
		h->since_ms = h->current_ms;
	for (size_t i = 0; i < h->n_tracks; i++)
		note_latest(&h->tracks[i], in, i, second_of(h->current_ms));
}

void metric_history_fail(struct metric_history *h)
{
	h->current = NULL;
}

/* Adds up one column over the window's seconds. */
static double sum_of(const struct track *t, size_t column, int64_t now_ms, int64_t window_ms)
{
	int64_t last = second_of(now_ms), n = (window_ms + 999) / 1000;
	double sum = 0;
	if (n > HISTORY_SECONDS)
		n = HISTORY_SECONDS;
	for (int64_t s = last - n + 1; s <= last; s++)
		sum += cell_of(t, column, s);
	return sum;
}

bool metric_history_error_ratio(const struct metric_history *h, const char *metric, int64_t now_ms,
				int64_t window_ms, double *ratio)
{
	const struct track *t = find_track(h, TRACK_REQUESTS, metric);
	double all = t ? sum_of(t, COLUMN_ALL, now_ms, window_ms) : 0;
	if (all <= 0)
		return false;
	*ratio = sum_of(t, COLUMN_FAILED, now_ms, window_ms) / all;
	return true;
}

bool metric_history_rate(const struct metric_history *h, const char *metric, int64_t now_ms,
			 int64_t window_ms, double *per_second)
{
	const struct track *t = find_track(h, TRACK_REQUESTS, metric);
	size_t column = COLUMN_ALL;
	if (!t) {
		t = find_track(h, TRACK_VALUE, metric);
		column = COLUMN_GROWTH;
	}
	int64_t seen = h->since_ms == INT64_MIN ? 0 : now_ms - h->since_ms;
	if (!t || seen <= 0 || window_ms <= 0)
		return false;
	int64_t span = seen < window_ms ? seen : window_ms;
	*per_second = sum_of(t, column, now_ms, window_ms) * 1000 / (double)(span < 1000 ? 1000 : span);
	return true;
}

bool metric_history_quantile(const struct metric_history *h, const char *metric, double quantile,
			     int64_t now_ms, int64_t window_ms, double *seconds)
{
	const struct track *t = find_track(h, TRACK_HISTOGRAM, metric);
	if (!t || t->n_buckets == 0)
		return false;
	double all = sum_of(t, t->column_of[t->n_buckets - 1], now_ms, window_ms);
	double rank = quantile * all, below = 0, bound = 0;
	if (all <= 0)
		return false;
	for (size_t i = 0; i < t->n_buckets; i++) {
		double upto = sum_of(t, t->column_of[i], now_ms, window_ms);
		if (upto >= rank) {
			bool has_end = isfinite(t->le[i]) && upto > below;
			*seconds = has_end ? bound + (t->le[i] - bound) * (rank - below) / (upto - below)
					   : bound;
			return true;
		}
		below = upto > below ? upto : below;
		bound = t->le[i];
	}
	*seconds = bound;
	return true;
}

bool metric_history_value(const struct metric_history *h, const char *metric, bool want_least, int64_t now_ms,
                          int64_t window_ms, double *value)
{
	const struct track *t = find_track(h, TRACK_VALUE, metric);
	bool has_any = false;
	if (!t)
		return false;
	size_t track = (size_t)(t - h->tracks);
	for (size_t i = 0; i < h->n_instances; i++) {
		const struct instance *in = h->instances[i];
		if (!is_fresh(in, now_ms) || !in->latest[track].is_seen)
			continue;
		double v = want_least ? in->latest[track].least : in->latest[track].most;
		if (!has_any || (want_least ? v < *value : v > *value))
			*value = v;
		has_any = true;
	}
	if (has_any && t->is_counter)
		return metric_history_rate(h, metric, now_ms, window_ms, value);
	return has_any;
}

/* A gauge at a time: its most in the step's last row that has one. */
static bool value_then(const struct metric_history *h, const char *metric, int64_t at_ms, int64_t step_ms,
		       double *v)
{
	const struct track *t = find_track(h, TRACK_VALUE, metric);
	if (!t)
		return false;
	if (t->is_counter)
		return metric_history_rate(h, metric, at_ms, step_ms, v);
	for (int64_t s = second_of(at_ms); s > second_of(at_ms - step_ms); s--) {
		if (cell_of(t, COLUMN_SEEN, s) > 0) {
			*v = cell_of(t, COLUMN_MOST, s);
			return true;
		}
	}
	return false;
}

static bool point_then(const struct metric_history *h, enum history_chart chart, const char *metric,
		       double quantile, int64_t at_ms, int64_t step_ms, double *v)
{
	switch (chart) {
	case CHART_ERROR_RATIO:
		return metric_history_error_ratio(h, metric, at_ms, step_ms, v);
	case CHART_REQUEST_RATE:
		return metric_history_rate(h, metric, at_ms, step_ms, v);
	case CHART_LATENCY:
		return metric_history_quantile(h, metric, quantile, at_ms, step_ms, v);
	case CHART_VALUE:
		return value_then(h, metric, at_ms, step_ms, v);
	}
	return false;
}

size_t metric_history_chart(const struct metric_history *h, enum history_chart chart, const char *metric,
                            double quantile, int64_t from_ms, int64_t now_ms, int64_t step_ms,
                            struct history_point *out, size_t max)
{
	size_t n = 0;
	const char *usual = chart == CHART_LATENCY ? HISTORY_DURATION : HISTORY_REQUESTS;
	const char *name = metric ? metric : usual;
	if (step_ms < 1000)
		step_ms = 1000;
	if (from_ms < now_ms - HISTORY_SECONDS * 1000)
		from_ms = now_ms - HISTORY_SECONDS * 1000;
	if (h->since_ms == INT64_MIN)
		return 0;
	if (from_ms < h->since_ms)
		from_ms = h->since_ms;
	int64_t steps = (now_ms - from_ms) / step_ms;
	if (steps >= (int64_t)max)
		steps = (int64_t)max - 1;
	for (int64_t i = steps; i >= 0 && n < max; i--) {
		int64_t at = now_ms - i * step_ms;
		double v;
		if (point_then(h, chart, name, quantile, at, step_ms, &v))
			out[n++] = (struct history_point){.mono_ms = at, .value = v};
	}
	return n;
}

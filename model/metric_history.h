/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_METRIC_HISTORY_H
#define MODEL_METRIC_HISTORY_H
/*
 * What was scraped from one placement, for 15 minutes: enough for alert rules and charts, not a time series
 * database. Counters are kept as what they grew by, each second, summed over instances and labels, so that a
 * restarted instance (a counter that falls) costs nothing. Gauges are kept as least and most over the
 * instances.
 *
 * Pure: time comes in, monotonic milliseconds (base/clock.h), never going back. One owner, no locks. Bounded:
 * 4,096 series an instance, 64 instances, 16 tracks, 40 buckets a histogram, whatever is scraped.
 *
 * The first scrape of an instance is the base line. A counter that shows up later counts from 0. Requests to
 * the paths that fairway itself asks (health, ready, metrics) are left out, by the label path, handler or
 * route.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/promtext.h"

#define HISTORY_SECONDS 900
#define HISTORY_FRESH_MS 5000      /* an instance not scraped for so long is blind */
#define HISTORY_REQUESTS "http_requests_total"
#define HISTORY_DURATION "http_request_duration_seconds"

struct service_file;
struct metric_history;

/* Tracks what the rules of the service and the charts need; the file is read here and not kept. */
struct metric_history *metric_history_new(const struct service_file *);
void metric_history_free(struct metric_history *);

/* One scrape: begin, each sample as it is parsed, end. A scrape that broke off in the middle: fail instead of
 * end. */
void metric_history_begin(struct metric_history *, const char *instance, int64_t mono_ms);
void metric_history_add(struct metric_history *, const struct promtext_sample *);
void metric_history_end(struct metric_history *);
void metric_history_fail(struct metric_history *);
/* The instance is gone for good (stopped, replaced): it is not missed any more. */
void metric_history_forget(struct metric_history *, const char *instance);

struct history_sight { /* how much can be seen now */
	size_t fresh, blind; /* instances scraped within HISTORY_FRESH_MS, and those that were not */
	int64_t since_ms;              /* since when at least one was always fresh; INT64_MIN: never */
};
struct history_sight metric_history_sight(const struct metric_history *, int64_t now_ms);

/* Each is false when there is nothing to tell: no request, no such metric. The window ends at now_ms. */
bool metric_history_error_ratio(const struct metric_history *, const char *metric, int64_t now_ms,
				int64_t window_ms, double *ratio);
/* A counter's growth a second. */
bool metric_history_rate(const struct metric_history *, const char *metric, int64_t now_ms, int64_t window_ms,
                         double *per_second);
/* Seconds, interpolated in its bucket as Prometheus does; metric without "_bucket". */
bool metric_history_quantile(const struct metric_history *, const char *metric, double quantile,
			     int64_t now_ms, int64_t window_ms, double *seconds);
/* A metric as a rule compares it: a counter by its rate, anything else by its latest least (or most) value
 * over all instances that are not blind. */
bool metric_history_value(const struct metric_history *, const char *metric, bool want_least, int64_t now_ms,
                          int64_t window_ms, double *value);

/* For charts. Points step_ms apart, the last at now_ms; where nothing is known there is none. */
enum history_chart { CHART_ERROR_RATIO, CHART_REQUEST_RATE, CHART_LATENCY, CHART_VALUE };
struct history_point {
	int64_t mono_ms;
	double value;                  /* share 0..1, requests a second, seconds, the metric's own unit */
};
/* metric NULL: the usual one of that chart. quantile is for CHART_LATENCY. Returns how many were written, at
 * most max, oldest first. */
size_t metric_history_chart(const struct metric_history *, enum history_chart, const char *metric,
			    double quantile, int64_t from_ms, int64_t now_ms, int64_t step_ms,
			    struct history_point *, size_t max);
#endif

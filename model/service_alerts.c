/* SPDX-License-Identifier: Apache-2.0 */
/* alerts: and objectives: of service.yaml. */
#include <string.h>

#include "base/clock.h"
#include "model/service_parse.h"

#define WINDOW_MIN_MS 1000
#define WINDOW_MAX_MS 900000 /* what model/alert_rule remembers */
#define WINDOW_DEFAULT_MS 60000
#define FOR_MAX_MS 3600000
#define FOR_DEFAULT_MS 10000
#define DOWN_FOR_MS 5000
#define QUANTILE_DEFAULT 0.95

static const char *const severities[] = {"critical", "warning", "info"};
static const char *const indicators[] = {"availability", "latency", "error_ratio"};

enum threshold { NO_THRESHOLD, A_SHARE, A_TIME, A_NUMBER };

/* In the order of enum service_alert_when. */
static const struct kind {
	const char *name, *metric;
	enum threshold threshold;
} kinds[] = {
	{"down", NULL, NO_THRESHOLD},
	{"crash_loop", NULL, NO_THRESHOLD},
	{"unhealthy", NULL, NO_THRESHOLD},
	{"error_ratio", "http_requests_total", A_SHARE},
	{"latency", "http_request_duration_seconds", A_TIME},
	{"metric", NULL, A_NUMBER},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *service_severity_name(enum severity s)
{
	return severities[s];
}

const char *service_alert_when_name(enum service_alert_when w)
{
	return kinds[w].name;
}

static bool is_metric_name(const char *s)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";
	return *s && strchr(first, *s) && strspn(s, rest) == strlen(s) && strlen(s) <= 200;
}

static bool is_alert_name(const char *s)
{
	return is_metric_name(s) && !strchr(s, ':') && strlen(s) <= 63;
}

static bool read_share(const struct yaml *y, const struct yaml_node *n, double *out)
{
	const char *text;
	double v;
	if (!yaml_as_text(y, n, &text))
		return false;
	if (strchr(text, '%')) {
		if (!yaml_as_percent(y, n, &v))
			return false;
		*out = v / 100;
		return true;
	}
	return yaml_as_number(y, n, 0, 1, out);
}

static bool read_time(const struct yaml *y, const struct yaml_node *n, double *out)
{
	int64_t ms;
	if (!yaml_as_duration(y, n, 1, FOR_MAX_MS, &ms))
		return false;
	*out = (double)ms / 1000;
	return true;
}

static bool read_threshold(const struct yaml *y, const struct yaml_node *n, enum threshold as, double *out)
{
	switch (as) {
	case A_SHARE:
		return read_share(y, n, out);
	case A_TIME:
		return read_time(y, n, out);
	default:
		return yaml_as_number(y, n, -1e300, 1e300, out);
	}
}

static void parse_threshold(struct service_parser *p, const struct yaml_node *n, struct service_alert *a)
{
	const struct yaml_node *above = yaml_find(n, "above"), *below = yaml_find(n, "below");
	const struct kind *k = &kinds[a->when];
	if (k->threshold == NO_THRESHOLD) {
		if (above || below)
			yaml_complain(&p->y, above ? above : below, "has no meaning with when: %s", k->name);
		return;
	}
	if (!above == !below) {
		yaml_complain(&p->y, n, "needs above: or below:, one of them, with when: %s", k->name);
		return;
	}
	a->is_below = below != NULL;
	read_threshold(&p->y, above ? above : below, k->threshold, &a->threshold);
}

static void parse_metric(struct service_parser *p, const struct yaml_node *n, struct service_alert *a)
{
	const struct kind *k = &kinds[a->when];
	const struct yaml_node *metric = yaml_find(n, "metric");
	a->metric = k->metric;
	if (metric && k->threshold == NO_THRESHOLD)
		yaml_complain(&p->y, metric, "has no meaning with when: %s", k->name);
	else if (yaml_as_text(&p->y, metric, &a->metric) && !is_metric_name(a->metric))
		yaml_complain(&p->y, metric, "must be the name of a metric: letters, digits, '_' and ':'");
	else if (!metric && a->when == WHEN_METRIC)
		yaml_need(&p->y, n, "metric");
	const struct yaml_node *quantile = yaml_find(n, "quantile");
	a->quantile = QUANTILE_DEFAULT;
	if (quantile && a->when != WHEN_LATENCY)
		yaml_complain(&p->y, quantile, "has a meaning only with when: latency");
	else
		yaml_as_number(&p->y, quantile, 0.01, 0.9999, &a->quantile);
}

static void parse_runbook(struct service_parser *p, const struct yaml_node *n, struct service_alert *a)
{
	const char *path;
	if (!yaml_as_text(&p->y, n, &path))
		return;
	if (service_path_is_inside(path))
		a->runbook = path;
	else
		yaml_complain(&p->y, n,
			      "must be a file inside of the service's folder, such as runbooks/%s.md",
			      a->name);
}

static void check_name(struct service_parser *p, const struct yaml_node *n, const struct service_alert *a)
{
	if (!is_alert_name(a->name))
		yaml_complain(&p->y, n,
			      "must be letters, digits and '_', such as HighErrorRatio; at most 63");
	for (size_t i = 0; i < p->file->n_alerts; i++)
		if (str_eq(p->file->alerts[i].name, a->name))
			yaml_complain(&p->y, n, "an alert of this name is on line %d already",
				      p->file->alerts[i].line);
}

static void parse_alert(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"name",     "severity", "when", "metric",  "above",  "below",
					    "quantile", "window",   "for",  "runbook", "summary"};
	const struct yaml *y = &p->y;
	const char *whens[N_KINDS];
	int severity = SEVERITY_WARNING, when = WHEN_DOWN;
	struct service_alert a = {.name = "", .window_ms = WINDOW_DEFAULT_MS, .line = n->line};
	if (!yaml_is_map(y, n))
		return;
	yaml_known_keys(y, n, known, sizeof(known) / sizeof(known[0]));
	for (size_t i = 0; i < N_KINDS; i++)
		whens[i] = kinds[i].name;
	const struct yaml_node *name = yaml_need(y, n, "name");
	if (yaml_as_text(y, name, &a.name))
		check_name(p, name, &a);
	yaml_as_choice(y, yaml_find(n, "severity"), severities, 3, &severity);
	a.severity = (enum severity)severity;
	yaml_as_text(y, yaml_find(n, "summary"), &a.summary);
	parse_runbook(p, yaml_find(n, "runbook"), &a);
	yaml_as_duration(y, yaml_find(n, "window"), WINDOW_MIN_MS, WINDOW_MAX_MS, &a.window_ms);
	if (yaml_as_choice(y, yaml_need(y, n, "when"), whens, N_KINDS, &when)) {
		a.when = (enum service_alert_when)when;
		a.for_ms = kinds[when].threshold == NO_THRESHOLD ? 0 : FOR_DEFAULT_MS;
		parse_metric(p, n, &a);
		parse_threshold(p, n, &a);
	}
	yaml_as_duration(y, yaml_find(n, "for"), 0, FOR_MAX_MS, &a.for_ms);
	p->file->alerts[p->file->n_alerts++] = a;
}

void service_parse_alerts(struct service_parser *p, const struct yaml_node *n)
{
	if (!yaml_is_list(&p->y, n))
		return;
	p->file->alerts = arena_alloc(p->y.arena, (n->count + 2) * sizeof(*p->file->alerts));
	for (const struct yaml_node *c = n->first; c; c = c->next)
		parse_alert(p, c);
}

void service_add_default_alerts(struct service_parser *p)
{
	static const struct service_alert defaults[] = {
		{.name = "ServiceDown",
		 .severity = SEVERITY_CRITICAL,
		 .when = WHEN_DOWN,
		 .for_ms = DOWN_FOR_MS,
		 .summary = "no instance is ready",
		 .is_default = true},
		{.name = "CrashLoop",
		 .severity = SEVERITY_CRITICAL,
		 .when = WHEN_CRASH_LOOP,
		 .summary = "an instance keeps dying soon after its start",
		 .is_default = true},
	};
	struct service_file *f = p->file;
	if (!f->alerts)
		f->alerts = arena_alloc(p->y.arena, 2 * sizeof(*f->alerts));
	size_t said = f->n_alerts;
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		bool has_own = false;
		for (size_t j = 0; j < said && !has_own; j++)
			has_own = f->alerts[j].when == defaults[i].when ||
				  str_eq(f->alerts[j].name, defaults[i].name);
		if (!has_own)
			f->alerts[f->n_alerts++] = defaults[i];
	}
}

static void parse_objective(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"name", "target", "indicator"};
	struct service_objective o = {.name = "", .indicator = indicators[0]};
	int indicator = 0;
	if (!yaml_is_map(&p->y, n))
		return;
	yaml_known_keys(&p->y, n, known, sizeof(known) / sizeof(known[0]));
	yaml_as_text(&p->y, yaml_need(&p->y, n, "name"), &o.name);
	yaml_as_percent(&p->y, yaml_need(&p->y, n, "target"), &o.target);
	if (yaml_as_choice(&p->y, yaml_find(n, "indicator"), indicators, 3, &indicator))
		o.indicator = indicators[indicator];
	p->file->objectives[p->file->n_objectives++] = o;
}

void service_parse_objectives(struct service_parser *p, const struct yaml_node *n)
{
	if (!yaml_is_list(&p->y, n))
		return;
	p->file->objectives = arena_alloc(p->y.arena, (n->count + 1) * sizeof(*p->file->objectives));
	for (const struct yaml_node *c = n->first; c; c = c->next)
		parse_objective(p, c);
}

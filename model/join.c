/* SPDX-License-Identifier: Apache-2.0 */
#include "model/join.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/*
 * Sources: Kubernetes' recommended labels
 * (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels), Argo CD's tracking label,
 * Backstage's annotations (backstage.io/docs/features/software-catalog/well-known-annotations), Datadog's
 * unified service tags, OpenTelemetry's resource attributes, and what Prometheus rules mostly carry.
 */
const struct join_rule join_default_rules[] = {
	{JOIN_SERVICE, "fairway.dev/service", JOIN_WHOLE},
	{JOIN_SERVICE, "service", JOIN_WHOLE},
	{JOIN_SERVICE, "backstage.io/kubernetes-id", JOIN_WHOLE},
	{JOIN_SERVICE, "app.kubernetes.io/part-of", JOIN_WHOLE},
	{JOIN_SERVICE, "app.kubernetes.io/name", JOIN_WHOLE},
	{JOIN_SERVICE, "tags.datadoghq.com/service", JOIN_WHOLE},
	{JOIN_SERVICE, "service.name", JOIN_WHOLE},
	{JOIN_SERVICE, "service_name", JOIN_WHOLE},
	{JOIN_SERVICE, "argocd.argoproj.io/instance", JOIN_WHOLE},
	{JOIN_SERVICE, "app.kubernetes.io/instance", JOIN_WHOLE},
	{JOIN_SERVICE, "backstage.io/entity-ref", JOIN_LAST_PART},
	{JOIN_SERVICE, "app", JOIN_WHOLE},
	{JOIN_SERVICE, "k8s-app", JOIN_WHOLE},
	{JOIN_SERVICE, "component", JOIN_LAST_PART},
	{JOIN_SERVICE, "deployment", JOIN_WHOLE},
	{JOIN_SERVICE, "container", JOIN_WHOLE},
	{JOIN_SERVICE, "job", JOIN_LAST_PART},
	{JOIN_SERVICE, "pod", JOIN_OWNER},
	{JOIN_SERVICE, "repository", JOIN_REPOSITORY},
	{JOIN_ENVIRONMENT, "fairway.dev/environment", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "environment", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "env", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "deployment.environment", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "deployment_environment", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "tags.datadoghq.com/env", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "stage", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "cluster", JOIN_WHOLE},
	{JOIN_ENVIRONMENT, "namespace", JOIN_WHOLE},
	{JOIN_TEAM, "fairway.dev/team", JOIN_WHOLE},
	{JOIN_TEAM, "team", JOIN_WHOLE},
	{JOIN_TEAM, "owner", JOIN_LAST_PART},
	{JOIN_TEAM, "backstage.io/owner", JOIN_LAST_PART},
	{JOIN_TEAM, "squad", JOIN_WHOLE},
};
const size_t join_n_default_rules = sizeof(join_default_rules) / sizeof(join_default_rules[0]);

static const char *value_of(const struct pairs *pairs, const char *key)
{
	for (size_t i = 0; pairs && i < pairs->n; i++)
		if (str_eq(pairs->items[i].key, key))
			return str_empty(pairs->items[i].value) ? NULL : pairs->items[i].value;
	return NULL;
}

/* The hash and random suffixes that Kubernetes gives: made of these letters only (apimachinery, util/rand).
 */
static bool is_suffix(const char *s, size_t len, size_t least, size_t most)
{
	return len >= least && len <= most && strspn(s, "bcdfghjklmnpqrstvwxz2456789") >= len;
}

static bool is_ordinal(const char *s, size_t len)
{
	return len >= 1 && len <= 3 && strspn(s, "0123456789") >= len;
}

/* "checkout-7d9f8b6c5-x2x9z" and "ledger-0" to their owner's name. Returns the length of it. */
static size_t owner_length(const char *pod)
{
	const char *dash = strrchr(pod, '-');
	if (!dash)
		return strlen(pod);
	size_t len = (size_t)(dash - pod);
	if (is_ordinal(dash + 1, strlen(dash + 1)))
		return len;
	if (!is_suffix(dash + 1, strlen(dash + 1), 5, 5))
		return strlen(pod);
	const char *hash = memrchr(pod, '-', len);
	return hash && is_suffix(hash + 1, len - (size_t)(hash + 1 - pod), 8, 10) ? (size_t)(hash - pod)
										  : len;
}

static void take_name(const struct join_rule *rule, const char *value, char out[64])
{
	char text[256];
	str_copy(text, sizeof(text), value);
	size_t len = strlen(text);
	if (rule->take == JOIN_REPOSITORY && str_ends(text, ".git"))
		text[len - 4] = '\0';
	if (rule->take == JOIN_OWNER)
		text[owner_length(text)] = '\0';
	const char *from = text;
	if (rule->take == JOIN_LAST_PART || rule->take == JOIN_REPOSITORY)
		for (const char *p = text; *p; p++)
			if ((*p == '/' || *p == ':') && p[1])
				from = p + 1;
	str_copy(out, 64, from);
}

static bool apply(const struct join_context *c, const struct join_rule *rule, const struct pairs *labels,
		  const struct pairs *annotations, struct join_name *out)
{
	const char *value = value_of(labels, rule->label);
	const char *where = value ? "label" : "annotation";
	struct join_name found;
	if (!value)
		value = value_of(annotations, rule->label);
	if (!value)
		return false;
	take_name(rule, value, found.name);
	if (!found.name[0])
		return false;
	snprintf(found.rule, sizeof(found.rule), "joined by %s `%s`", where, rule->label);
	bool is_known = !c->is_known || c->is_known(rule->part, found.name, c->arg);
	/* A namespace or a cluster is an environment only where one has that name. */
	bool is_guess = strcmp(rule->label, "namespace") == 0 || strcmp(rule->label, "cluster") == 0 ||
			strcmp(rule->label, "container") == 0 || strcmp(rule->label, "job") == 0;
	if (!is_known && is_guess)
		return false;
	if (is_known || !out->name[0])
		*out = found;
	return is_known;
}

void join(const struct join_context *c, const char *service, const char *environment, const char *team,
	  const struct pairs *labels, const struct pairs *annotations, struct joined *out)
{
	const struct join_rule *rules = c->rules ? c->rules : join_default_rules;
	size_t n = c->rules ? c->n_rules : join_n_default_rules;
	const char *const told[JOIN_PARTS] = {service, environment, team};
	*out = (struct joined){0};
	for (int part = 0; part < JOIN_PARTS; part++) {
		struct join_name *name = &out->part[part];
		if (!str_empty(told[part])) {
			str_copy(name->name, sizeof(name->name), told[part]);
			str_copy(name->rule, sizeof(name->rule), "told by the source");
			continue;
		}
		bool is_done = false;
		for (size_t i = 0; i < n && !is_done; i++)
			if ((int)rules[i].part == part)
				is_done = apply(c, &rules[i], labels, annotations, name);
		if (part == JOIN_ENVIRONMENT && !is_done && !str_empty(c->environment)) {
			str_copy(name->name, sizeof(name->name), c->environment);
			str_copy(name->rule, sizeof(name->rule), "the environment that its source serves");
		}
	}
}

void join_sentence(const struct joined *j, char *out, size_t size)
{
	const struct join_name *service = &j->part[JOIN_SERVICE];
	if (!service->name[0])
		snprintf(out, size, "unowned: no rule fits its labels");
	else
		snprintf(out, size, "%s", service->rule);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/manifest.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/yaml.h"
#include "model/version.h"

#define CPU_ASSUMED "100m" /* an autoscaler's target is a share of what was requested */
#define LIVENESS_MS 10000  /* a kill is no answer to one slow moment */
#define STRIKES 3

struct maker {
	struct manifest *m;
	const struct manifest_wish *wish;
	const struct service_file *file;
	struct texts notes;
	char version[MANIFEST_VERSION_MAX + 1];
	bool is_scaled; /* an autoscaler sets how many run */
};

/* --- small builders --- */

static cJSON *map(cJSON *parent, const char *name)
{
	cJSON *child = cJSON_AddObjectToObject(parent, name);
	if (!child)
		mem_exhausted();
	return child;
}

static cJSON *list(cJSON *parent, const char *name)
{
	cJSON *child = cJSON_AddArrayToObject(parent, name);
	if (!child)
		mem_exhausted();
	return child;
}

/* A new object at the end of a list. */
static cJSON *item(cJSON *parent)
{
	cJSON *child = cJSON_CreateObject();
	if (!child || !cJSON_AddItemToArray(parent, child))
		mem_exhausted();
	return child;
}

static void text_item(cJSON *parent, const char *text)
{
	cJSON *child = cJSON_CreateString(text);
	if (!child || !cJSON_AddItemToArray(parent, child))
		mem_exhausted();
}

/* A piece that is the same for every service. */
static void fixed(cJSON *parent, const char *name, const char *json)
{
	cJSON *child = cJSON_Parse(json);
	if (!child || !cJSON_AddItemToObject(parent, name, child))
		mem_exhausted();
}

static void note(struct maker *k, const char *text)
{
	const char **items = arena_alloc(&k->m->arena, (k->notes.n + 1) * sizeof(*items));
	if (k->notes.n)
		memcpy(items, k->notes.items, k->notes.n * sizeof(*items));
	items[k->notes.n++] = text;
	k->notes.items = items;
}

/* --- what all objects have --- */

void manifest_version(struct str *out, const char *version)
{
	size_t start = out->len;
	str_add(out, version ? version : "");
	for (size_t i = start; i < out->len; i++)
		if (!isalnum((unsigned char)out->s[i]) && !strchr("-_.", out->s[i]))
			out->s[i] = '-';
	if (out->len - start > MANIFEST_VERSION_MAX)
		out->len = start + MANIFEST_VERSION_MAX;
	while (out->len > start && !isalnum((unsigned char)out->s[out->len - 1]))
		out->len--;
	out->s[out->len] = '\0';
}

static void selector(const struct maker *k, cJSON *parent, const char *name)
{
	json_add_text(map(parent, name), "app.kubernetes.io/name", k->file->name);
}

/* Only what changes with the version tells it: a deploy leaves the rest alone. */
static void labels(const struct maker *k, cJSON *meta, bool is_of_version)
{
	cJSON *l = map(meta, "labels");
	json_add_text(l, "app.kubernetes.io/name", k->file->name);
	json_add_text(l, "app.kubernetes.io/version", is_of_version && k->version[0] ? k->version : NULL);
	json_add_text(l, "app.kubernetes.io/managed-by", MANIFEST_MANAGER);
}

static cJSON *object(struct maker *k, enum manifest_what what, const char *version, const char *kind)
{
	cJSON *o = cJSON_CreateObject();
	if (!o)
		mem_exhausted();
	k->m->objects[what] = o;
	json_add_text(o, "apiVersion", version);
	json_add_text(o, "kind", kind);
	cJSON *meta = map(o, "metadata");
	json_add_text(meta, "name", k->file->name);
	json_add_text(meta, "namespace", k->wish->namespace);
	labels(k, meta, what == MANIFEST_DEPLOYMENT);
	return o;
}

static void annotate(cJSON *annotations, const char *name, const char *value)
{
	char key[96];
	if (str_copy(key, sizeof(key), MANIFEST_PREFIX) && value) {
		str_copy(key + strlen(key), sizeof(key) - strlen(key), name);
		json_add_text(annotations, key, value);
	}
}

/* The name part of an annotation's key: at most 63 letters, digits and "-_." inside. */
static bool is_key(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (!strchr("-_. ", name[i]) || i == 0 || i + 1 == len))
			return false;
	return len > 0 && len <= 50 && !strchr(name, ' ');
}

static void annotations(struct maker *k, cJSON *meta)
{
	const struct service_file *f = k->file;
	cJSON *a = map(meta, "annotations");
	annotate(a, "team", f->team);
	annotate(a, "tier", f->tier);
	annotate(a, "language", f->language);
	annotate(a, "lifecycle", f->lifecycle);
	annotate(a, "description", f->description);
	annotate(a, "metrics", f->metrics);
	annotate(a, "runbook", service_file_runbook(f, NULL));
	int64_t watch_ms = service_file_watch(f, k->wish->environment);
	if (watch_ms != SERVICE_WATCH_MS) {
		char watch[CLOCK_TEXT];
		clock_duration(watch_ms, watch);
		annotate(a, "watch", watch);
	}
	for (size_t i = 0; i < f->links.count; i++) {
		const struct yaml_pair *link = &f->links.items[i];
		if (is_key(link->name))
			annotate(a, arena_printf(&k->m->arena, "link.%s", link->name), link->value);
		else
			note(k,
			     arena_printf(&k->m->arena,
					  "the link \"%s\" is left out: its name is no name of an annotation",
					  link->name));
	}
	if (!a->child)
		cJSON_DeleteItemFromObjectCaseSensitive(meta, "annotations");
}

/* --- the container --- */

static int container_port(const struct service_file *f)
{
	return f->port >= 1024 ? f->port : MANIFEST_PORT; /* no right is needed to listen there */
}

/* "$(NAME)" in a value would be replaced by the cluster: a second dollar keeps it. */
static void variable(cJSON *env, const char *name, const char *value)
{
	struct str s = {0};
	for (; *value; value++) {
		if (value[0] == '$' && (value[1] == '(' || value[1] == '$'))
			str_addc(&s, '$');
		str_addc(&s, *value);
	}
	cJSON *v = item(env);
	json_add_text(v, "name", name);
	json_add_text(v, "value", str_text(&s));
	str_finish(&s);
}

static void own_variable(const struct maker *k, cJSON *env, const char *name, const char *value)
{
	if (value && !service_file_env(k->file, k->wish->environment, name))
		variable(env, name, value);
}

static void each_variable(const char *name, const char *value, void *env)
{
	variable(env, name, value);
}

static void dependencies(struct maker *k, cJSON *env)
{
	for (size_t i = 0; i < k->file->dependencies.count; i++) {
		const char *name = k->file->dependencies.items[i];
		char *key = arena_printf(&k->m->arena, "%s_URL", name);
		for (char *c = key; *c; c++)
			*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
		own_variable(k, env, key, arena_printf(&k->m->arena, "http://%s", name));
	}
}

static void environment(struct maker *k, cJSON *container)
{
	const struct service_file *f = k->file;
	cJSON *env = list(container, "env");
	if (f->has_port) {
		own_variable(k, env, "HOST", "0.0.0.0");
		variable(env, "PORT", arena_printf(&k->m->arena, "%d", container_port(f)));
	}
	variable(env, "FAIRWAY_SERVICE", f->name);
	own_variable(k, env, "FAIRWAY_ENVIRONMENT", k->wish->environment);
	variable(env, "FAIRWAY_VERSION", k->version);
	cJSON *instance = item(env);
	json_add_text(instance, "name", "FAIRWAY_INSTANCE");
	fixed(instance, "valueFrom",
	      "{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.name\"}}");
	dependencies(k, env);
	service_file_each_env(f, k->wish->environment, each_variable, env);
}

static int64_t seconds(int64_t ms, int64_t least)
{
	int64_t s = (ms + 999) / 1000;
	return s < least ? least : s;
}

static void probe(const struct service_file *f, cJSON *container, const char *name, const char *path,
		  int64_t period_ms, int64_t strikes)
{
	cJSON *p = map(container, name), *how = map(p, path ? "httpGet" : "tcpSocket");
	json_add_text(how, "path", path);
	json_add_text(how, "port", "http");
	json_add_int(p, "periodSeconds", seconds(period_ms, 1));
	json_add_int(p, "timeoutSeconds", seconds(f->health.timeout_ms, 1));
	json_add_int(p, "failureThreshold", strikes);
}

static void probes(const struct service_file *f, cJSON *container)
{
	const struct service_health *h = &f->health;
	int64_t period = seconds(h->interval_ms, 1);
	int64_t tries = (seconds(h->grace_ms, 1) + period - 1) / period;
	probe(f, container, "startupProbe", h->path, h->interval_ms, tries);
	probe(f, container, "readinessProbe", h->ready, h->interval_ms, STRIKES);
	if (h->path)
		probe(f, container, "livenessProbe", h->path,
		      h->interval_ms > LIVENESS_MS ? h->interval_ms : LIVENESS_MS, STRIKES);
}

static void resources(struct maker *k, cJSON *container)
{
	const struct service_resources *r = &k->file->resources;
	const char *cpu = r->cpu_request;
	if (!cpu && k->is_scaled) {
		cpu = CPU_ASSUMED;
		note(k, "no resources.requests.cpu is said: " CPU_ASSUMED
			" is assumed, for cpu_target is a share of it");
	}
	if (!cpu && !r->memory_request && !r->cpu_limit && !r->memory_limit)
		return;
	cJSON *all = map(container, "resources");
	if (cpu || r->memory_request) {
		cJSON *requests = map(all, "requests");
		json_add_text(requests, "cpu", cpu);
		json_add_text(requests, "memory", r->memory_request);
	}
	if (r->cpu_limit || r->memory_limit) {
		cJSON *limits = map(all, "limits");
		json_add_text(limits, "cpu", r->cpu_limit);
		json_add_text(limits, "memory", r->memory_limit);
	}
}

static void container(struct maker *k, cJSON *pod)
{
	const struct service_file *f = k->file;
	cJSON *c = item(list(pod, "containers"));
	json_add_text(c, "name", f->name);
	json_add_text(c, "image", k->wish->image);
	if (f->has_port) {
		cJSON *port = item(list(c, "ports"));
		json_add_text(port, "name", "http");
		json_add_int(port, "containerPort", container_port(f));
		json_add_text(port, "protocol", "TCP");
	}
	environment(k, c);
	resources(k, c);
	if (f->has_port) {
		probes(f, c);
		/* Those that still send requests here learn of the end a moment after it began. */
		fixed(c, "lifecycle", "{\"preStop\":{\"sleep\":{\"seconds\":5}}}");
	}
	fixed(c, "securityContext",
	      "{\"allowPrivilegeEscalation\":false,\"readOnlyRootFilesystem\":true,"
	      "\"capabilities\":{\"drop\":[\"ALL\"]}}");
	fixed(c, "volumeMounts", "[{\"name\":\"tmp\",\"mountPath\":\"/tmp\"}]");
}

/* --- one function a kind --- */

static void deployment(struct maker *k)
{
	cJSON *o = object(k, MANIFEST_DEPLOYMENT, "apps/v1", "Deployment");
	annotations(k, cJSON_GetObjectItemCaseSensitive(o, "metadata"));
	cJSON *spec = map(o, "spec");
	if (!k->is_scaled)
		json_add_int(spec, "replicas", k->m->replicas);
	json_add_int(spec, "revisionHistoryLimit", 10);
	json_add_int(spec, "progressDeadlineSeconds", 120 + seconds(k->file->health.grace_ms, 0));
	selector(k, map(spec, "selector"), "matchLabels");
	fixed(spec, "strategy",
	      "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxSurge\":\"25%\",\"maxUnavailable\":0}}");
	cJSON *template = map(spec, "template");
	labels(k, map(template, "metadata"), true);
	cJSON *pod = map(template, "spec");
	container(k, pod);
	fixed(pod, "securityContext",
	      "{\"runAsNonRoot\":true,\"runAsUser\":65532,\"runAsGroup\":65532,\"fsGroup\":65532,"
	      "\"seccompProfile\":{\"type\":\"RuntimeDefault\"}}");
	json_add_int(pod, "terminationGracePeriodSeconds", 30);
	json_add_bool(pod, "automountServiceAccountToken", false);
	json_add_bool(pod, "enableServiceLinks", false);
	fixed(pod, "volumes", "[{\"name\":\"tmp\",\"emptyDir\":{}}]");
	if (k->is_scaled || k->m->replicas > 1) {
		cJSON *spread = item(list(pod, "topologySpreadConstraints"));
		json_add_int(spread, "maxSkew", 1);
		json_add_text(spread, "topologyKey", "kubernetes.io/hostname");
		json_add_text(spread, "whenUnsatisfiable", "ScheduleAnyway");
		selector(k, map(spread, "labelSelector"), "matchLabels");
	}
}

static void service(struct maker *k)
{
	if (!k->file->has_port)
		return;
	cJSON *spec = map(object(k, MANIFEST_SERVICE, "v1", "Service"), "spec");
	selector(k, spec, "selector");
	cJSON *port = item(list(spec, "ports"));
	json_add_text(port, "name", "http");
	json_add_int(port, "port", MANIFEST_SERVICE_PORT);
	json_add_text(port, "targetPort", "http");
	json_add_text(port, "protocol", "TCP");
	json_add_text(port, "appProtocol", "http");
}

static void autoscaler(struct maker *k)
{
	const struct service_file *f = k->file;
	if (!k->is_scaled)
		return;
	cJSON *spec =
		map(object(k, MANIFEST_AUTOSCALER, "autoscaling/v2", "HorizontalPodAutoscaler"), "spec");
	cJSON *target = map(spec, "scaleTargetRef");
	json_add_text(target, "apiVersion", "apps/v1");
	json_add_text(target, "kind", "Deployment");
	json_add_text(target, "name", f->name);
	json_add_int(spec, "minReplicas", k->m->replicas);
	json_add_int(spec, "maxReplicas", f->max_replicas);
	cJSON *metric = item(list(spec, "metrics"));
	json_add_text(metric, "type", "Resource");
	cJSON *resource = map(metric, "resource");
	json_add_text(resource, "name", "cpu");
	cJSON *goal = map(resource, "target");
	json_add_text(goal, "type", "Utilization");
	json_add_int(goal, "averageUtilization", (int64_t)fmax(1, round(f->cpu_target)));
}

static void budget(struct maker *k)
{
	if (k->m->replicas < 2)
		return;
	cJSON *spec = map(object(k, MANIFEST_BUDGET, "policy/v1", "PodDisruptionBudget"), "spec");
	json_add_int(spec, "maxUnavailable", 1);
	selector(k, map(spec, "selector"), "matchLabels");
}

/* Names are asked for, then what service.yaml names as a dependency. */
static void outgoing(struct maker *k, cJSON *spec)
{
	const struct service_file *f = k->file;
	cJSON *egress = list(spec, "egress");
	fixed(item(egress), "ports",
	      "[{\"protocol\":\"UDP\",\"port\":53},{\"protocol\":\"TCP\",\"port\":53}]");
	if (!f->dependencies.count)
		return;
	cJSON *to = list(item(egress), "to");
	for (size_t i = 0; i < f->dependencies.count; i++)
		json_add_text(map(map(item(to), "podSelector"), "matchLabels"), "app.kubernetes.io/name",
			      f->dependencies.items[i]);
}

/* Probes come from the node, which a policy does not stop. Whoever names databases reaches them at places
 * that service.yaml does not tell: what goes out then stays open. */
static void policy(struct maker *k)
{
	const struct service_file *f = k->file;
	bool is_closed = !f->n_databases;
	cJSON *spec = map(object(k, MANIFEST_POLICY, "networking.k8s.io/v1", "NetworkPolicy"), "spec");
	selector(k, map(spec, "podSelector"), "matchLabels");
	cJSON *types = list(spec, "policyTypes");
	text_item(types, "Ingress");
	if (is_closed)
		text_item(types, "Egress");
	cJSON *ingress = list(spec, "ingress");
	if (f->has_port) {
		cJSON *port = item(list(item(ingress), "ports"));
		json_add_text(port, "protocol", "TCP");
		json_add_text(port, "port", "http");
	}
	if (is_closed)
		outgoing(k, spec);
	note(k,
	     is_closed
		     ? "the network policy lets out requests to DNS and to its dependencies, nothing else"
		     : "the network policy leaves open what goes out: nothing says where its databases are");
}

static void monitor(struct maker *k)
{
	if (!k->file->has_port || !k->file->metrics)
		return;
	if (k->wish->lacks_monitors) {
		note(k, "no ServiceMonitor is made: this cluster does not have the kind");
		return;
	}
	cJSON *spec = map(object(k, MANIFEST_MONITOR, "monitoring.coreos.com/v1", "ServiceMonitor"), "spec");
	selector(k, map(spec, "selector"), "matchLabels");
	cJSON *endpoint = item(list(spec, "endpoints"));
	json_add_text(endpoint, "port", "http");
	json_add_text(endpoint, "path", k->file->metrics);
	note(k, "the ServiceMonitor is for clusters that have the Prometheus Operator's kinds");
}

/* --- what the objects do not hold --- */

static void tell_rest(struct maker *k)
{
	const struct service_file *f = k->file;
	struct arena *a = &k->m->arena;
	if (f->build.argv || f->run.argv)
		note(k, arena_printf(a, "build and run are the image's matter: it starts by itself%s",
				     f->has_port ? " and listens on $HOST:$PORT" : ""));
	if (f->has_port && f->port && f->port < 1024)
		note(k,
		     arena_printf(a, "port %d needs rights that a container does not get: it listens on %d",
				  f->port, MANIFEST_PORT));
	for (size_t i = 0; i < f->n_databases; i++)
		note(k, arena_printf(a, "the database %s (%s) is not provided", f->databases[i].name,
				     f->databases[i].engine));
	if (f->cpu_target > 0 && !k->is_scaled)
		note(k, "nothing scales it by itself while none is wanted, or as many as max_replicas");
	note(k, "alerts and objectives are not rendered: they are for what watches the cluster");
}

void manifest_make(struct manifest *m, const struct manifest_wish *wish)
{
	struct maker k = {.m = m, .wish = wish, .file = wish->file};
	struct str version = {0};
	*m = (struct manifest){.replicas = service_file_replicas(wish->file, wish->environment)};
	manifest_version(&version, wish->version ? wish->version : image_version(wish->image, &m->arena));
	str_copy(k.version, sizeof(k.version), str_text(&version));
	str_finish(&version);
	k.is_scaled = wish->file->cpu_target > 0 && m->replicas > 0 && wish->file->max_replicas > m->replicas;
	policy(&k);
	service(&k);
	deployment(&k);
	autoscaler(&k);
	budget(&k);
	monitor(&k);
	tell_rest(&k);
	m->notes = k.notes;
}

void manifest_finish(struct manifest *m)
{
	for (size_t i = 0; i < MANIFEST_KINDS; i++)
		cJSON_Delete(m->objects[i]);
	arena_finish(&m->arena);
	*m = (struct manifest){0};
}

void manifest_print(struct str *out, const struct manifest *m)
{
	bool is_first = true;
	for (size_t i = 0; i < MANIFEST_KINDS; i++) {
		if (!m->objects[i])
			continue;
		str_add(out, is_first ? "" : "---\n");
		yaml_put_json(out, m->objects[i]);
		is_first = false;
	}
}

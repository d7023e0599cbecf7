/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service_file.h"

#include <string.h>

#include "base/option.h"
#include "model/service_parse.h"

#define HEALTH_PATH "/healthz"
#define METRICS_PATH "/metrics"
#define HEALTH_INTERVAL_MS 1000
#define HEALTH_TIMEOUT_MS 1000
#define HEALTH_GRACE_MS 30000
#define WATCH_MAX_MS 3600000

bool service_path_is_inside(const char *path)
{
	size_t len = strlen(path);
	if (len == 0 || len > 255 || path[0] == '/' || path[len - 1] == '/' || strchr(path, '\\'))
		return false;
	for (const char *part = path;;) {
		size_t n = strcspn(part, "/");
		if (n == 0 || (n == 2 && memcmp(part, "..", 2) == 0) || (n == 1 && *part == '.'))
			return false;
		if (!part[n])
			return true;
		part += n + 1;
	}
}

/* Printable ASCII without what would end a path on a terminal or in a request line. */
static bool is_path_text(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7F || strchr("\"<>\\^`{|}", *s))
			return false;
	return true;
}

static bool read_path(struct service_parser *p, const struct yaml_node *n, const char **out)
{
	const char *path;
	if (!yaml_as_text(&p->y, n, &path))
		return false;
	if (path[0] != '/' || path[1] == '/' || !is_path_text(path) || strlen(path) > 255) {
		yaml_complain(&p->y, n, "must be a path of the service that starts with one '/', such as %s",
		              HEALTH_PATH);
		return false;
	}
	*out = path;
	return true;
}

static bool is_false(const struct yaml_node *n)
{
	return n->kind == YAML_TEXT && !n->is_quoted && (!strcmp(n->text, "false") || !strcmp(n->text, "no"));
}

static void parse_name(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_name(&p->y, n, &p->file->name);
}

static void parse_team(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_name(&p->y, n, &p->file->team);
}

static void parse_description(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_prose(&p->y, n, &p->file->description);
}

static void parse_language(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_text(&p->y, n, &p->file->language);
}

static void parse_tier(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_text(&p->y, n, &p->file->tier);
}

static void parse_lifecycle(struct service_parser *p, const struct yaml_node *n)
{
	yaml_as_text(&p->y, n, &p->file->lifecycle);
}

static void parse_build(struct service_parser *p, const struct yaml_node *n)
{
	service_parse_command(p, n, &p->file->build);
}

static void parse_run(struct service_parser *p, const struct yaml_node *n)
{
	service_parse_command(p, n, &p->file->run);
}

static void parse_port(struct service_parser *p, const struct yaml_node *n)
{
	long long port = 0;
	if (yaml_as_int(&p->y, n, 1, 65535, &port)) {
		p->file->has_port = true;
		p->file->port = (int)port;
	}
}

static void parse_health(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"path", "ready", "interval", "timeout", "grace"};
	struct service_health *h = &p->file->health;
	p->says_health = true;
	if (is_false(n))
		return;
	h->path = HEALTH_PATH;
	if (n->kind == YAML_TEXT) {
		p->has_health = read_path(p, n, &h->path);
		return;
	}
	if (!yaml_is_map(&p->y, n))
		return;
	yaml_known_keys(&p->y, n, known, sizeof(known) / sizeof(known[0]));
	p->has_health = read_path(p, yaml_find(n, "path"), &h->path);
	p->has_health |= read_path(p, yaml_find(n, "ready"), &h->ready);
	yaml_as_duration(&p->y, yaml_find(n, "interval"), 100, 300000, &h->interval_ms);
	yaml_as_duration(&p->y, yaml_find(n, "timeout"), 50, 60000, &h->timeout_ms);
	yaml_as_duration(&p->y, yaml_find(n, "grace"), 0, 600000, &h->grace_ms);
}

static void parse_metrics(struct service_parser *p, const struct yaml_node *n)
{
	p->says_metrics = true;
	if (is_false(n))
		return;
	p->has_metrics = read_path(p, n, &p->file->metrics);
}

static bool is_variable(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	return *name && strchr(first, *name) && strspn(name, rest) == strlen(name);
}

static void parse_variables(struct service_parser *p, const struct yaml_node *n, struct yaml_pairs *out)
{
	if (!yaml_as_pairs(&p->y, n, out))
		return;
	for (size_t i = 0; i < out->count; i++) {
		const struct yaml_pair *v = &out->items[i];
		if (!is_variable(v->name))
			yaml_complain(&p->y, v->node,
				      "a variable's name is letters, digits and '_', no digit first");
		else if (strcmp(v->name, "PORT") == 0 || str_starts(v->name, "FAIRWAY_"))
			yaml_complain(&p->y, v->node, "is set by fairway: choose another name");
	}
}

static void parse_env(struct service_parser *p, const struct yaml_node *n)
{
	parse_variables(p, n, &p->file->env);
}

/* The entry of an environment, made on its first mention by environments: or watch:. */
static struct service_environment *environment_of(struct service_parser *p, const struct yaml_node *n)
{
	struct service_file *f = p->file;
	if (!str_is_name(n->key)) {
		yaml_complain(&p->y, n,
			      "the name of an environment is small letters, digits and '-', a letter first");
		return NULL;
	}
	for (size_t i = 0; i < f->n_environments; i++)
		if (strcmp(f->environments[i].name, n->key) == 0)
			return &f->environments[i];
	struct service_environment *grown = arena_alloc(p->y.arena, (f->n_environments + 1) * sizeof(*grown));
	if (f->n_environments)
		memcpy(grown, f->environments, f->n_environments * sizeof(*grown));
	f->environments = grown;
	grown[f->n_environments] =
		(struct service_environment){.name = n->key, .replicas = -1, .watch_ms = -1};
	return &grown[f->n_environments++];
}

static bool few_environments(struct service_parser *p, const struct yaml_node *n)
{
	if (n->count <= 100)
		return true;
	yaml_complain(&p->y, n, "too many environments: at most 100");
	return false;
}

static void parse_environments(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"env", "replicas"};
	if (!yaml_is_map(&p->y, n) || !few_environments(p, n))
		return;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		long long replicas = -1;
		struct service_environment *e = environment_of(p, c);
		if (!e || !yaml_is_map(&p->y, c))
			continue;
		yaml_known_keys(&p->y, c, known, sizeof(known) / sizeof(known[0]));
		if (yaml_find(c, "env"))
			parse_variables(p, yaml_find(c, "env"), &e->env);
		yaml_as_int(&p->y, yaml_find(c, "replicas"), 0, SERVICE_MAX_REPLICAS, &replicas);
		e->replicas = (int)replicas;
	}
}

static void parse_watch(struct service_parser *p, const struct yaml_node *n)
{
	if (n->kind != YAML_MAP) {
		yaml_as_duration(&p->y, n, 0, WATCH_MAX_MS, &p->file->watch_ms);
		return;
	}
	if (!few_environments(p, n))
		return;
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		struct service_environment *e = environment_of(p, c);
		if (e)
			yaml_as_duration(&p->y, c, 0, WATCH_MAX_MS, &e->watch_ms);
	}
}

static void parse_scaling(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"min_replicas", "max_replicas", "cpu_target"};
	if (!yaml_is_map(&p->y, n))
		return;
	yaml_known_keys(&p->y, n, known, sizeof(known) / sizeof(known[0]));
	long long least = 1, most = -1;
	yaml_as_int(&p->y, yaml_find(n, "min_replicas"), 0, SERVICE_MAX_REPLICAS, &least);
	yaml_as_int(&p->y, yaml_find(n, "max_replicas"), 1, SERVICE_MAX_REPLICAS, &most);
	yaml_as_percent(&p->y, yaml_find(n, "cpu_target"), &p->file->cpu_target);
	if (most >= 0 && most < least)
		yaml_complain(&p->y, yaml_find(n, "max_replicas"), "is less than min_replicas, %lld", least);
	p->file->min_replicas = (int)least;
	p->file->max_replicas = (int)(most >= 0 ? most : least > SERVICE_DEFAULT_MAX_REPLICAS ? least
	                              : SERVICE_DEFAULT_MAX_REPLICAS);
}

/* A number and a suffix of Kubernetes' quantities; whole thousandths are as fine as they get. */
static void read_quantity(struct service_parser *p, const struct yaml_node *n, const char *const *suffixes,
                          const char *like, const char **out)
{
	const char *text;
	if (!yaml_as_text(&p->y, n, &text))
		return;
	size_t digits = strspn(text, "0123456789"), all = digits;
	if (text[all] == '.')
		all += 1 + strspn(text + all + 1, "0123456789");
	bool is_good = digits > 0 && all <= 15 && (all == digits || all > digits + 1) && strspn(text, "0.") < all;
	bool is_known = false;
	for (; *suffixes; suffixes++)
		is_known = is_known || strcmp(*suffixes, text + all) == 0;
	if (is_good && is_known)
		*out = text;
	else
		yaml_complain(&p->y, n, "must be a quantity above 0, such as %s", like);
}

static void read_amounts(struct service_parser *p, const struct yaml_node *n, const char **cpu,
                         const char **memory)
{
	static const char *const known[] = {"cpu", "memory"};
	static const char *const of_cpu[] = {"", "m", NULL};
	static const char *const of_memory[] = {"", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", NULL};
	if (!n || !yaml_is_map(&p->y, n))
		return;
	yaml_known_keys(&p->y, n, known, sizeof(known) / sizeof(known[0]));
	read_quantity(p, yaml_find(n, "cpu"), of_cpu, "250m or 1.5", cpu);
	read_quantity(p, yaml_find(n, "memory"), of_memory, "128Mi", memory);
}

static void parse_resources(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"requests", "limits"};
	struct service_resources *r = &p->file->resources;
	if (!yaml_is_map(&p->y, n))
		return;
	yaml_known_keys(&p->y, n, known, sizeof(known) / sizeof(known[0]));
	read_amounts(p, yaml_find(n, "requests"), &r->cpu_request, &r->memory_request);
	read_amounts(p, yaml_find(n, "limits"), &r->cpu_limit, &r->memory_limit);
}

static void parse_databases(struct service_parser *p, const struct yaml_node *n)
{
	if (!yaml_is_list(&p->y, n))
		return;
	struct service_file *f = p->file;
	f->databases = arena_alloc(p->y.arena, (n->count + 1) * sizeof(*f->databases));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		struct service_database d = {0};
		if (!yaml_is_map(&p->y, c))
			continue;
		if (c->count != 1 || !str_is_name(c->first->key)) {
			yaml_complain(&p->y, c, "must be one engine and a name, such as postgres: user-db");
			continue;
		}
		d.engine = c->first->key;
		if (yaml_as_name(&p->y, c->first, &d.name))
			f->databases[f->n_databases++] = d;
	}
}

static void parse_dependencies(struct service_parser *p, const struct yaml_node *n)
{
	struct yaml_texts names;
	if (!yaml_as_texts(&p->y, n, &names))
		return;
	size_t i = 0;
	for (const struct yaml_node *c = n->first; c; c = c->next, i++) {
		const char *name;
		if (!yaml_as_name(&p->y, c, &name))
			continue;
		for (size_t j = 0; j < i && j < 100; j++)
			if (strcmp(names.items[j], name) == 0)
				yaml_complain(&p->y, c, "is named twice");
	}
	p->file->dependencies = names;
}

static void parse_links(struct service_parser *p, const struct yaml_node *n)
{
	if (!yaml_as_pairs(&p->y, n, &p->file->links))
		return;
	for (size_t i = 0; i < p->file->links.count; i++)
		if (!option_is_web_address(p->file->links.items[i].value))
			yaml_complain(&p->y, p->file->links.items[i].node,
				      "must be an http:// or https:// address");
}

static void parse_runbooks(struct service_parser *p, const struct yaml_node *n)
{
	struct service_file *f = p->file;
	if (n->kind == YAML_TEXT) {
		yaml_complain(&p->y, n, "must be a list of files, or a map from an alert's name to a file");
		return;
	}
	f->runbooks = arena_alloc(p->y.arena, (n->count + 1) * sizeof(*f->runbooks));
	for (const struct yaml_node *c = n->first; c; c = c->next) {
		struct service_runbook r = {.alert = str_eq(c->key, "general") ? NULL : c->key};
		if (!yaml_as_text(&p->y, c, &r.path))
			continue;
		if (!service_path_is_inside(r.path))
			yaml_complain(&p->y, c,
				      "must be a file inside of the service's folder: relative, without ..");
		f->runbooks[f->n_runbooks++] = r;
	}
}

static void parse_observability(struct service_parser *p, const struct yaml_node *n)
{
	static const char *const known[] = {"logging", "metrics", "tracing", "alerts", "dashboards"};
	yaml_known_keys(&p->y, n->kind == YAML_MAP ? n : NULL, known, sizeof(known) / sizeof(known[0]));
	yaml_as_pairs(&p->y, n, &p->file->observability);
}

/* A key of service.yaml is one row here (and its sentence in fairway-service(5)). */
static const struct {
	const char *name;
	void (*parse)(struct service_parser *, const struct yaml_node *);
} keys[] = {
	{"name", parse_name},
	{"team", parse_team},
	{"description", parse_description},
	{"language", parse_language},
	{"tier", parse_tier},
	{"lifecycle", parse_lifecycle},
	{"build", parse_build},
	{"run", parse_run},
	{"port", parse_port},
	{"health", parse_health},
	{"metrics", parse_metrics},
	{"env", parse_env},
	{"environments", parse_environments},
	{"scaling", parse_scaling},
	{"resources", parse_resources},
	{"databases", parse_databases},
	{"dependencies", parse_dependencies},
	{"links", parse_links},
	{"runbooks", parse_runbooks},
	{"alerts", service_parse_alerts},
	{"objectives", service_parse_objectives},
	{"observability", parse_observability},
	{"watch", parse_watch},
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

/* Whoever says a health path, a metrics path or "prometheus" serves HTTP, with or without port:. */
static void settle_port(struct service_parser *p)
{
	struct service_file *f = p->file;
	const char *metrics = NULL;
	for (size_t i = 0; i < f->observability.count; i++)
		if (strcmp(f->observability.items[i].name, "metrics") == 0)
			metrics = f->observability.items[i].value;
	bool wants_prometheus = str_eq(metrics, "prometheus");
	f->has_port =
		f->has_port || p->has_health || p->has_metrics || (wants_prometheus && !p->says_metrics);
	if (!f->has_port) {
		f->health.path = f->health.ready = NULL;
		return;
	}
	if (!p->says_health)
		f->health.path = HEALTH_PATH;
	if (!f->health.ready)
		f->health.ready = f->health.path;
	if (!p->says_metrics && (!metrics || wants_prometheus))
		f->metrics = METRICS_PATH;
}

static void settle(struct service_parser *p, const struct yaml_node *root)
{
	struct service_file *f = p->file;
	if (f->name)
		service_add_language(p, yaml_find(root, "language"));
	settle_port(p);
	service_add_default_alerts(p);
	for (size_t i = 0; i < f->n_environments; i++)
		if (f->environments[i].replicas > f->max_replicas)
			complain(p->y.complaints, p->y.file, root->line, "environments",
				 f->environments[i].name, "replicas are more than scaling.max_replicas, %d",
				 f->max_replicas);
	for (size_t i = 0; f->name && i < f->dependencies.count; i++)
		if (strcmp(f->dependencies.items[i], f->name) == 0)
			yaml_complain(&p->y, yaml_find(root, "dependencies"),
				      "a service cannot depend on itself");
}

static bool parse_root(struct service_parser *p, const struct yaml_node *root)
{
	const char *known[N_KEYS];
	size_t before = p->y.complaints->count;
	struct service_file *f = p->file;
	f->min_replicas = 1;
	f->max_replicas = SERVICE_DEFAULT_MAX_REPLICAS;
	f->watch_ms = SERVICE_WATCH_MS;
	f->health = (struct service_health){.interval_ms = HEALTH_INTERVAL_MS,
					    .timeout_ms = HEALTH_TIMEOUT_MS,
					    .grace_ms = HEALTH_GRACE_MS};
	if (!yaml_is_map(&p->y, root))
		return false;
	for (size_t i = 0; i < N_KEYS; i++)
		known[i] = keys[i].name;
	yaml_known_keys(&p->y, root, known, N_KEYS);
	yaml_need(&p->y, root, "name");
	for (size_t i = 0; i < N_KEYS; i++) {
		const struct yaml_node *n = yaml_find(root, keys[i].name);
		if (n)
			keys[i].parse(p, n);
	}
	settle(p, root);
	return p->y.complaints->count == before;
}

static struct service_parser parser_for(struct service_file *out, const char *file,
					struct complaints *complaints)
{
	*out = (struct service_file){0};
	return (struct service_parser){
		.y = {.file = file, .arena = &out->arena, .complaints = complaints},
		.file = out,
	};
}

bool service_file_parse(struct service_file *out, const char *file, const void *bytes, size_t len,
                        struct complaints *complaints)
{
	struct service_parser p = parser_for(out, file, complaints);
	size_t before = complaints->count;
	const struct yaml_node *root = yaml_load(&p.y, bytes, len);
	if (root && parse_root(&p, root) && complaints->count == before)
		return true;
	service_file_finish(out);
	return false;
}

bool service_file_load(struct service_file *out, const char *path, bool *is_absent,
		       struct complaints *complaints)
{
	struct service_parser p = parser_for(out, path, complaints);
	size_t before = complaints->count;
	const struct yaml_node *root = yaml_load_file(&p.y, is_absent);
	if (root && parse_root(&p, root) && complaints->count == before)
		return true;
	service_file_finish(out);
	return false;
}

void service_file_finish(struct service_file *f)
{
	arena_finish(&f->arena);
	*f = (struct service_file){0};
}

static const struct service_environment *find_environment(const struct service_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_environments; i++)
		if (str_eq(f->environments[i].name, name))
			return &f->environments[i];
	return NULL;
}

int service_file_replicas(const struct service_file *f, const char *environment)
{
	const struct service_environment *e = find_environment(f, environment);
	return e && e->replicas >= 0 ? e->replicas : f->min_replicas;
}

int64_t service_file_watch(const struct service_file *f, const char *environment)
{
	const struct service_environment *e = find_environment(f, environment);
	return e && e->watch_ms >= 0 ? e->watch_ms : f->watch_ms;
}

static const char *variable(const struct yaml_pairs *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++)
		if (strcmp(env->items[i].name, name) == 0)
			return env->items[i].value;
	return NULL;
}

const char *service_file_env(const struct service_file *f, const char *environment, const char *name)
{
	const struct service_environment *e = find_environment(f, environment);
	const char *own = e ? variable(&e->env, name) : NULL;
	return own ? own : variable(&f->env, name);
}

void service_file_each_env(const struct service_file *f, const char *environment,
                           void (*each)(const char *name, const char *value, void *arg), void *arg)
{
	const struct service_environment *e = find_environment(f, environment);
	for (size_t i = 0; i < f->env.count; i++)
		if (!e || !variable(&e->env, f->env.items[i].name))
			each(f->env.items[i].name, f->env.items[i].value, arg);
	for (size_t i = 0; e && i < e->env.count; i++)
		each(e->env.items[i].name, e->env.items[i].value, arg);
}

const char *service_file_runbook(const struct service_file *f, const char *alert)
{
	const char *general = NULL;
	for (size_t i = 0; i < f->n_alerts; i++)
		if (f->alerts[i].runbook && str_eq(f->alerts[i].name, alert))
			return f->alerts[i].runbook;
	for (size_t i = 0; i < f->n_runbooks; i++) {
		if (f->runbooks[i].alert && str_eq(f->runbooks[i].alert, alert))
			return f->runbooks[i].path;
		if (!f->runbooks[i].alert && !general)
			general = f->runbooks[i].path;
	}
	return general;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What all objects have: metadata, times, quantities, and whom they belong to. */
#include "backend/providers/kubernetes/object.h"

#include <string.h>

#include "base/clock.h"

#define DIGITS_MAX 17 /* of a quantity; what follows is below what anybody can see */

int64_t kube_time(const cJSON *object, const char *name)
{
	const char *text = json_text(object, name);
	int64_t ms;
	return text && clock_parse_rfc3339(text, &ms) ? ms : 0;
}

void kube_meta_read(const cJSON *object, struct kube_meta *meta)
{
	const cJSON *m = json_get(object, "metadata"), *owner;
	const cJSON *labels = json_get(m, "labels"), *annotations = json_get(m, "annotations");
	*meta = (struct kube_meta){
		.namespace = json_text(m, "namespace"),
		.name = json_text(m, "name"),
		.uid = json_text(m, "uid"),
		.version = json_text(m, "resourceVersion"),
		.generation = json_int(m, "generation", 0),
		.created_at = kube_time(m, "creationTimestamp"),
		.deleted_at = kube_time(m, "deletionTimestamp"),
		.labels = cJSON_IsObject(labels) ? labels : NULL,
		.annotations = cJSON_IsObject(annotations) ? annotations : NULL,
	};
	cJSON_ArrayForEach(owner, json_get(m, "ownerReferences"))
	{
		if (!json_bool(owner, "controller", false))
			continue;
		meta->owner_kind = json_text(owner, "kind");
		meta->owner_name = json_text(owner, "name");
		meta->owner_uid = json_text(owner, "uid");
	}
}

/* --- quantities: k8s.io/apimachinery, pkg/api/resource --- */

static int64_t times(int64_t value, int64_t factor)
{
	int64_t product;
	return __builtin_mul_overflow(value, factor, &product) ? INT64_MAX : product;
}

/* The power of ten and of two that a suffix stands for. */
static bool read_suffix(const char *suffix, int *ten, int *two)
{
	static const struct {
		const char *suffix;
		int ten, two;
	} all[] = {
		{"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
		{"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
		{"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
	};
	long long exponent;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_eq(suffix, all[i].suffix)) {
			*ten += all[i].ten;
			*two = all[i].two;
			return true;
		}
	if ((*suffix != 'e' && *suffix != 'E') ||
	    !str_to_int(suffix + 1 + (suffix[1] == '+'), -40, 40, &exponent))
		return false;
	*ten += (int)exponent;
	return true;
}

int64_t kube_quantity(const char *text)
{
	int64_t value = 0;
	int ten = 3, two = 0, digits = 0;
	bool is_fraction = false, has_digit = false;
	if (!text)
		return RECORD_NONE;
	text += *text == '+';
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !is_fraction); text++) {
		if (*text == '.') {
			is_fraction = true;
			continue;
		}
		has_digit = true;
		if (digits < DIGITS_MAX) {
			value = value * 10 + (*text - '0');
			digits += value > 0;
			ten -= is_fraction;
		} else {
			ten += !is_fraction;
		}
	}
	if (!has_digit || !read_suffix(text, &ten, &two))
		return RECORD_NONE;
	if (value == 0)
		return 0;
	for (; two > 0; two -= 10)
		value = times(value, 1024);
	for (; ten > 0 && value < INT64_MAX; ten--)
		value = times(value, 10);
	for (; ten < 0 && value < INT64_MAX; ten++)
		value = value / 10 + (value % 10 != 0); /* rounds up, as the API server does */
	return value;
}

/* --- whom it belongs to --- */

static const char *label(const struct kube_meta *m, const char *name)
{
	const char *value = json_text(m->labels, name);
	return str_empty(value) ? NULL : value;
}

static const char *annotation(const struct kube_meta *m, const char *name)
{
	const char *value = json_text(m->annotations, name);
	return str_empty(value) ? NULL : value;
}

/* Names of what has no one standard name, in order of preference; looked for among labels, then annotations.
 */
static const char *const team_names[] = {KUBE_PREFIX "team",   "team", "owner", "squad",
					 "backstage.io/owner", NULL},
			 *const tier_names[] = {KUBE_PREFIX "tier", "tier", "criticality", NULL},
			 *const on_call_names[] = {KUBE_PREFIX "on-call", "on-call", "oncall", NULL},
			 *const language_names[] = {KUBE_PREFIX "language", "language", NULL},
			 *const lifecycle_names[] = {KUBE_PREFIX "lifecycle", "lifecycle", NULL},
			 *const description_names[] = {KUBE_PREFIX "description", "kubernetes.io/description",
						       "description", NULL},
			 *const runbook_names[] = {KUBE_PREFIX "runbook", "runbook_url", "runbook", NULL};

static const char *named(const struct kube_meta *m, const char *const *names)
{
	const char *value = annotation(m, names[0]);
	for (; *names && !value; names++) {
		value = label(m, *names);
		if (!value)
			value = annotation(m, *names);
	}
	return value;
}

/* What writes it: a change of ours is undone by that sooner or later. Argo CD's tracking annotation is
 * "APP:GROUP/KIND:NAMESPACE/NAME", https://argo-cd.readthedocs.io, Resource Tracking. */
static const char *writer_of(const struct kube_meta *m, struct arena *a)
{
	const char *name = annotation(m, "argocd.argoproj.io/tracking-id");
	if (name)
		return arena_printf(a, "Argo CD app %.*s", (int)strcspn(name, ":"), name);
	if ((name = label(m, "argocd.argoproj.io/instance")))
		return arena_printf(a, "Argo CD app %s", name);
	if ((name = label(m, "kustomize.toolkit.fluxcd.io/name")))
		return arena_printf(a, "Flux kustomization %s", name);
	if ((name = label(m, "helm.toolkit.fluxcd.io/name")))
		return arena_printf(a, "Flux Helm release %s", name);
	if ((name = annotation(m, "meta.helm.sh/release-name")))
		return arena_printf(a, "Helm release %s", name);
	return NULL;
}

void kube_identity_read(const struct kube_meta *m, struct arena *a, struct kube_identity *who)
{
	static const char *const service_names[] = {KUBE_PREFIX "service", "app.kubernetes.io/name", "app",
						    "k8s-app", NULL};
	*who = (struct kube_identity){
		.service = named(m, service_names),
		.component = label(m, "app.kubernetes.io/component"),
		.team = named(m, team_names),
		.tier = named(m, tier_names),
		.on_call = named(m, on_call_names),
		.language = named(m, language_names),
		.lifecycle = named(m, lifecycle_names),
		.description = named(m, description_names),
		.runbook = named(m, runbook_names),
		.owner = writer_of(m, a),
	};
	if (!who->service)
		who->service = m->name ? m->name : "";
}

static const char *configured(struct run *r, const struct kube_meta *m, const char *option)
{
	const struct setting *s = run_setting(r, option);
	if (!s || str_empty(s->text))
		return NULL;
	return label(m, s->text) ? label(m, s->text) : annotation(m, s->text);
}

void kube_identify(struct run *r, const struct kube_meta *m, struct kube_identity *who)
{
	const char *service = configured(r, m, "service-label"), *team = configured(r, m, "team-label");
	kube_identity_read(m, run_arena(r), who);
	who->service = service ? service : who->service;
	who->team = team ? team : who->team;
}

struct pairs kube_links(const struct kube_meta *m, struct arena *a)
{
	static const char prefix[] = KUBE_PREFIX "link.";
	struct pairs links = {0};
	const cJSON *item;
	struct pair *items =
		arena_alloc(a, ((size_t)cJSON_GetArraySize(m->annotations) + 1) * sizeof(*items));
	cJSON_ArrayForEach(item, m->annotations)
	{
		if (str_starts(item->string, prefix) && item->string[sizeof(prefix) - 1] &&
		    cJSON_IsString(item))
			items[links.n++] =
				(struct pair){item->string + sizeof(prefix) - 1, item->valuestring};
	}
	links.items = items;
	return links;
}

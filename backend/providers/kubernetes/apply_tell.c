/* SPDX-License-Identifier: Apache-2.0 */
/* A plan of bringing a service.yaml to a cluster, as it goes to the person: what changes and how, whose it
 * is. */
#include <stdlib.h>

#include "backend/providers/kubernetes/apply_plan.h"
#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/object.h"
#include "base/diff.h"
#include "base/yaml.h"

void kube_apply_say(struct kube_apply_said *s, const char *text)
{
	if (s->n < KUBE_APPLY_SAID)
		s->items[s->n++] = text;
}

void kube_apply_refuse(struct kube_apply_plan *p, enum err_kind kind, const char *text)
{
	if (!p->refusal.kind)
		err_set(&p->refusal, kind, "%s", text);
}

/* Without what the server keeps for itself. */
static void show(struct str *out, const cJSON *object)
{
	static const char *const own[] = {"managedFields", "resourceVersion", "uid", "generation",
					  "creationTimestamp"};
	cJSON *copy = cJSON_Duplicate(object, true);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(copy, "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(copy, "status");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		cJSON_DeleteItemFromObjectCaseSensitive(meta, own[i]);
	cJSON *annotations = cJSON_GetObjectItemCaseSensitive(meta, "annotations");
	cJSON_DeleteItemFromObjectCaseSensitive(annotations, KUBE_CAUSE);
	if (annotations && !annotations->child)
		cJSON_DeleteItemFromObjectCaseSensitive(meta, "annotations");
	yaml_put_json(out, copy);
	cJSON_Delete(copy);
}

static void compare(struct kube_apply_plan *p, enum manifest_what what, struct str *diff)
{
	struct str before = {0}, after = {0};
	struct diff d;
	const char *name = arena_printf(&p->arena, "%s/%s", kube_kinds[kube_manifest_what(what)].name,
					p->folder.file.name);
	if (p->live[what])
		show(&before, p->live[what]);
	show(&after, p->live[what] ? p->after[what] : p->manifest.objects[what]);
	diff_texts(&d, str_text(&before), before.len, str_text(&after), after.len, 3);
	if (d.n)
		p->basis.changed |= 1u << what;
	diff_print(diff, &d, p->live[what] ? name : "/dev/null", name);
	diff_finish(&d);
	str_finish(&before);
	str_finish(&after);
}

static void compare_all(struct kube_apply_plan *p, struct str *diff)
{
	struct str same = {0};
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		const char *kind = kube_kinds[kube_manifest_what((enum manifest_what)i)].name;
		if (!p->manifest.objects[i] || (p->live[i] && !p->after[i]))
			continue;
		compare(p, (enum manifest_what)i, diff);
		if (!(p->basis.changed & 1u << i))
			str_addf(&same, "%s%s", same.len ? ", " : "", kind);
		else
			kube_apply_say(&p->changes,
				       arena_printf(&p->arena, "%s %s %s", kind, p->folder.file.name,
						    p->live[i] ? "changes" : "is made"));
	}
	if (same.len)
		kube_apply_say(&p->changes, arena_printf(&p->arena, "unchanged: %s", same.s));
	str_finish(&same);
}

static struct texts keep(struct message *m, const struct kube_apply_said *s)
{
	const char **items = arena_alloc(&m->arena, (s->n + 1) * sizeof(*items));
	for (size_t i = 0; i < s->n; i++)
		items[i] = arena_dup(&m->arena, s->items[i]);
	return (struct texts){items, s->n};
}

static void add_steps(struct kube_apply_plan *p, struct kube_apply_said *steps)
{
	if (p->basis.is_built)
		kube_apply_say(steps, "build the image");
	if (p->basis.is_namespace_made)
		kube_apply_say(steps, "make the namespace");
	for (int i = 0; i < MANIFEST_KINDS; i++)
		if (p->basis.changed & 1u << i)
			kube_apply_say(steps, kube_kinds[kube_manifest_what((enum manifest_what)i)].name);
	kube_apply_say(steps, "healthy");
}

static void add_words(struct str *s, const char *option, const char *value)
{
	str_add(s, option);
	str_add_word(s, value);
}

static const char *equivalent(struct kube_apply_plan *p, struct run *r)
{
	struct str s = {0};
	add_words(&s, "fairway manifests ", p->folder.path);
	add_words(&s, " --env ", kube_environment(r));
	add_words(&s, " --image ", p->basis.image);
	add_words(&s, " --namespace ", p->basis.namespace);
	str_addf(&s, " | kubectl apply --server-side --field-manager=%s -f -", KUBE_MANAGER);
	const char *text = arena_dup(&p->arena, s.s);
	str_finish(&s);
	return text;
}

static void warn(struct kube_apply_plan *p, struct run *r)
{
	const cJSON *live = p->live[MANIFEST_DEPLOYMENT];
	struct kube_meta meta;
	struct kube_identity who;
	for (size_t i = 0; i < p->manifest.notes.n; i++)
		kube_apply_say(&p->warnings, p->manifest.notes.items[i]);
	if (!live)
		return;
	kube_meta_read(live, &meta);
	kube_identify(r, &meta, &who);
	if (who.owner)
		kube_apply_say(&p->warnings,
			       arena_printf(&p->arena,
					    "%s owns Deployment %s: it will set this back; change it there",
					    who.owner, meta.name));
	int64_t replicas = json_int(json_get(live, "spec"), "replicas", 1);
	if (replicas != p->manifest.replicas && !p->manifest.objects[MANIFEST_AUTOSCALER])
		kube_apply_say(
			&p->warnings,
			arena_printf(&p->arena,
				     "%lld instances stay wanted, as somebody set them; service.yaml says %d",
				     (long long)replicas, p->manifest.replicas));
}

/* All rights that are missing, in one sentence. */
static void refuse_denied(struct kube_apply_plan *p)
{
	struct str kinds = {0};
	for (int i = 0; i < MANIFEST_KINDS; i++)
		if (p->denied & 1u << i)
			str_addf(&kinds, "%s%s", kinds.len ? ", " : "",
				 kube_kinds[kube_manifest_what((enum manifest_what)i)].plural);
	if (kinds.len)
		kube_apply_refuse(p, ERR_REFUSED,
				  arena_printf(&p->arena, "you may not patch %s in namespace %s", kinds.s,
					       p->basis.namespace));
	str_finish(&kinds);
}

void kube_apply_tell(struct kube_apply_plan *p, struct run *r)
{
	refuse_denied(p);
	struct message *m = run_message(r, MESSAGE_PLAN);
	struct plan *plan = &m->plan;
	struct arena *a = &m->arena;
	struct kube_apply_said steps = {0};
	struct str diff = {0};
	const struct wish *w = &run_request(r)->wish;
	record_init(record_class(RECORD_PLAN), plan);
	if (p->manifest.objects[MANIFEST_DEPLOYMENT]) {
		compare_all(p, &diff);
		warn(p, r);
	}
	add_steps(p, &steps);
	char *basis = kube_basis_text(&p->basis);
	plan->action = arena_dup(a, w->action);
	plan->service = arena_dup(a, p->folder.file.name);
	plan->environment = arena_dup(a, kube_environment(r));
	plan->class = OP_CHANGING;
	plan->title = arena_printf(a, "Bring %s to %s", p->folder.file.name, kube_environment(r));
	plan->changes = keep(m, &p->changes);
	plan->warnings = keep(m, &p->warnings);
	plan->steps = keep(m, &steps);
	if (p->lock)
		plan->locks = keep(m, &(struct kube_apply_said){.items = {p->lock}, .n = 1});
	plan->diff = diff.len ? arena_dup(a, diff.s) : NULL;
	plan->equivalent = p->basis.image && p->basis.namespace ? arena_dup(a, equivalent(p, r)) : NULL;
	plan->basis = arena_dup(a, basis);
	if (p->refusal.kind) {
		plan->refusal = arena_dup(a, p->refusal.text);
		plan->refusal_kind = err_kind_name(p->refusal.kind);
	}
	free(basis);
	str_finish(&diff);
	run_send(r, m);
	p->is_over = true;
	run_done(r, NULL);
}

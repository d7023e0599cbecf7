/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a person reads it: sentences, the difference, the command that does the same. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/plan.h"
#include "base/diff.h"
#include "base/yaml.h"
#include "model/action.h"

/* --- sentences --- */

static void say(struct kube_plan *p, const char **items, size_t *n, const char *fmt, va_list ap)
{
	struct str text = {0};
	str_vaddf(&text, fmt, ap);
	bool is_said = false;
	for (size_t i = 0; i < *n; i++)
		is_said = is_said || str_eq(items[i], text.s);
	if (!is_said && *n < KUBE_SAID_MAX)
		items[(*n)++] = arena_dup(&p->arena, text.s);
	str_finish(&text);
}

void kube_say_change(struct kube_plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(p, p->changes.items, &p->changes.n, fmt, ap);
	va_end(ap);
}

void kube_say_warning(struct kube_plan *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(p, p->warnings.items, &p->warnings.n, fmt, ap);
	va_end(ap);
}

void kube_refuse(struct kube_plan *p, enum err_kind kind, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	if (p->refusal.kind)
		return;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	err_set(&p->refusal, kind, "%s", text.s);
	str_finish(&text);
}

/* --- the object as text --- */

static void show(struct str *out, const cJSON *value, int indent);

static void pad(struct str *out, int indent)
{
	for (int i = 0; i < indent; i++)
		str_add(out, "  ");
}

static void show_scalar(struct str *out, const cJSON *value)
{
	if (cJSON_IsString(value)) {
		yaml_quote_scalar(out, value->valuestring);
		return;
	}
	char *text = json_print(value); /* number, bool, null, or an empty list or object */
	str_add(out, text);
	free(text);
}

/* After "key:" or "-". */
static void show_value(struct str *out, const cJSON *value, int indent, bool is_item)
{
	if (!value->child) {
		str_addc(out, ' ');
		show_scalar(out, value);
		str_addc(out, '\n');
	} else if (is_item && cJSON_IsObject(value)) { /* its first member stands on the line of the dash */
		struct str inner = {0};
		show(&inner, value, indent);
		str_addc(out, ' ');
		str_add(out, inner.s + 2 * indent);
		str_finish(&inner);
	} else {
		str_addc(out, '\n');
		show(out, value, indent);
	}
}

static void show(struct str *out, const cJSON *value, int indent)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, value)
	{
		pad(out, indent);
		if (cJSON_IsArray(value)) {
			str_addc(out, '-');
		} else {
			yaml_quote_scalar(out, item->string);
			str_addc(out, ':');
		}
		show_value(out, item, indent + 1, cJSON_IsArray(value));
	}
}

void kube_show(struct str *out, const cJSON *object)
{
	static const char *const noise[] = {"kubectl.kubernetes.io/last-applied-configuration",
					    "deployment.kubernetes.io/revision",
					    "deprecated.daemonset.template.generation", NULL};
	cJSON *shown = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(shown, "metadata");
	static const char *const members[] = {"labels", "annotations"};
	for (size_t i = 0; i < 2; i++) {
		const cJSON *of = json_get(json_get(object, "metadata"), members[i]);
		if (of)
			cJSON_AddItemToObject(meta, members[i], cJSON_Duplicate(of, true));
	}
	for (size_t i = 0; noise[i]; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(meta, "annotations"), noise[i]);
	cJSON_AddItemToObject(shown, "spec", cJSON_Duplicate(json_get(object, "spec"), true));
	show(out, shown, 0);
	cJSON_Delete(shown);
}

static void add_diff(struct kube_plan *p, struct kube_target *t, struct str *out)
{
	struct str was = {0}, would = {0};
	struct diff diff;
	const char *name = kube_change_name(&t->change, true, &p->arena);
	if (!t->after)
		return;
	kube_show(&was, t->object);
	kube_show(&would, t->after);
	diff_texts(&diff, was.s, was.len, would.s, would.len, 3);
	diff_print(out, &diff, arena_printf(&p->arena, "%s as it is", name), arena_printf(&p->arena, "%s as it would be", name));
	diff_finish(&diff);
	str_finish(&was);
	str_finish(&would);
}

/* --- the command --- */

static void add_option(struct run *r, const char *option, struct str *out)
{
	const struct setting *s = run_setting(r, option);
	if (!s || str_empty(s->text))
		return;
	str_addf(out, " --%s ", option);
	str_add_word(out, s->text);
}

const char *kube_kubectl(struct run *r, const char *words, const char *namespace, struct arena *arena)
{
	struct str out = {0};
	str_addf(&out, "kubectl %s --namespace %s", words, namespace);
	add_option(r, "context", &out);
	add_option(r, "kubeconfig", &out);
	const char *text = arena_dup(arena, out.s);
	str_finish(&out);
	return text;
}

static const char *equivalent(struct kube_plan *p, struct run *r)
{
	struct str all = {0};
	for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));)
		if (t->same)
			str_addf(&all, "%s%s", all.len ? " && " : "", kube_kubectl(r, t->same, t->w.meta.namespace, &p->arena));
	const char *text = all.len ? arena_dup(&p->arena, all.s) : NULL;
	str_finish(&all);
	return text;
}

/* --- the plan --- */

static const char *title_of(struct kube_plan *p, const struct wish *w)
{
	const struct kube_target *first = kube_next_chosen(p, NULL);
	const char *to = first ? first->to : NULL;
	if (str_eq(w->action, "deploy"))
		return arena_printf(&p->arena, "deploy %s %s to %s", w->service, to ? to : w->version, p->environment);
	if (str_eq(w->action, "promote"))
		return arena_printf(&p->arena, "promote %s %s from %s to %s", w->service, to ? to : w->version,
				    w->from ? w->from : "the environment before", p->environment);
	if (str_eq(w->action, "rollback"))
		return arena_printf(&p->arena, "roll %s in %s back%s%s", w->service, p->environment, to ? " to " : "", to ? to : "");
	if (str_eq(w->action, "scale"))
		return arena_printf(&p->arena, "scale %s in %s to %lld", w->service, p->environment, (long long)w->count);
	return arena_printf(&p->arena, "%s %s in %s", w->action, w->alert ? w->alert : w->service, p->environment);
}

static struct texts steps_of(struct kube_plan *p, const struct wish *w)
{
	static const char *const rolls[] = {"patch", "new pods", "old pods", "watch"};
	bool is_watched = false;
	for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));)
		is_watched = is_watched || t->change.is_rollout;
	(void)w;
	return (struct texts){rolls, is_watched ? 4 : 1};
}

static const char *basis_of(struct kube_plan *p)
{
	cJSON *basis = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(basis, "changes");
	const struct kube_target *first = kube_next_chosen(p, NULL);
	json_add_text(basis, "to", first ? first->to : NULL);
	for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));)
		cJSON_AddItemToArray(list, kube_change_save(&t->change));
	char *text = json_print(basis);
	const char *kept = arena_dup(&p->arena, text);
	free(text);
	cJSON_Delete(basis);
	return kept;
}

void kube_tell_plan(struct kube_plan *p, struct run *r, const struct wish *w)
{
	struct message *m = run_message(r, MESSAGE_PLAN);
	struct plan plan;
	struct str diff = {0};
	const struct action *action = action_find(w->action);
	record_init(record_class(RECORD_PLAN), &plan);
	plan.action = w->action;
	plan.service = w->service ? w->service : p->service;
	plan.environment = p->environment;
	plan.class = action ? (int)action->class : OP_PROTECTED;
	plan.title = title_of(p, w);
	plan.changes = (struct texts){p->changes.items, p->changes.n};
	plan.warnings = (struct texts){p->warnings.items, p->warnings.n};
	plan.locks = (struct texts){&p->lock, p->lock ? 1 : 0};
	if (p->refusal.kind) {
		plan.refusal = p->refusal.text;
		plan.refusal_kind = err_kind_name(p->refusal.kind);
	} else {
		for (struct kube_target *t = NULL; (t = kube_next_chosen(p, t));)
			add_diff(p, t, &diff);
		plan.diff = diff.len ? diff.s : NULL;
		plan.basis = basis_of(p);
		plan.equivalent = equivalent(p, r);
	}
	plan.steps = steps_of(p, w);
	record_copy(record_class(RECORD_PLAN), &m->plan, &plan, &m->arena);
	str_finish(&diff);
	run_send(r, m);
}

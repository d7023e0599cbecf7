/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/rights.h"

#include <stdlib.h>
#include <string.h>

#define REVIEWS "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

void kube_right_ask(struct run *r, uint32_t tag, const char *namespace, const struct kube_right *right)
{
	const struct kube_kind *kind = &kube_kinds[right->what];
	cJSON *body = cJSON_CreateObject();
	json_add_text(body, "apiVersion", "authorization.k8s.io/v1");
	json_add_text(body, "kind", "SelfSubjectAccessReview");
	cJSON *of = cJSON_AddObjectToObject(cJSON_AddObjectToObject(body, "spec"), "resourceAttributes");
	json_add_text(of, "namespace", namespace);
	json_add_text(of, "verb", right->verb);
	json_add_text(of, "group", kind->group);
	json_add_text(of, "resource", kind->plural);
	json_add_text(of, "subresource", right->sub);
	char *text = json_print(body);
	kube_try(r, tag, "POST", REVIEWS, "application/json", text);
	free(text);
	cJSON_Delete(body);
}

bool kube_right_read(const struct input *in, struct err *err)
{
	cJSON *review = json_parse(in->data, in->len, err);
	const cJSON *status = json_get(review, "status");
	bool is_allowed = json_bool(status, "allowed", false) && !json_bool(status, "denied", false);
	if (review && !status)
		err_set(err, ERR_FAILED, "the answer about our rights says nothing");
	cJSON_Delete(review);
	return is_allowed;
}

const char *kube_right_denied(const struct kube_right *right, const char *namespace, struct arena *arena)
{
	return arena_printf(arena, "you may not %s %s%s%s in namespace %s", right->verb, kube_kinds[right->what].plural,
			    right->sub ? "/" : "", right->sub ? right->sub : "", namespace);
}

/* --- what keys want --- */

static const struct {
	const char *action;
	struct kube_right right;
} wanted[] = { /* an action that several kinds could take is denied when none of them may be changed */
	{"deploy", {"patch", KUBE_DEPLOYMENT, NULL}},    {"deploy", {"patch", KUBE_STATEFULSET, NULL}},
	{"deploy", {"patch", KUBE_DAEMONSET, NULL}},     {"scale", {"patch", KUBE_DEPLOYMENT, "scale"}},
	{"scale", {"patch", KUBE_STATEFULSET, "scale"}}, {"exec", {"create", KUBE_POD, "exec"}},
	{"port-forward", {"create", KUBE_POD, "portforward"}},
};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))
/* They change the same objects as a deploy does. */
static const char *const like_deploy[] = {"promote", "rollback", "restart", "pause", "resume", "cancel", NULL};

static void ask_all(struct kube_rights *s, struct run *r)
{
	memset(s->answers, 0, sizeof(s->answers));
	for (size_t n = 0; n < s->namespaces.n; n++)
		for (size_t i = 0; i < WANTED; i++, s->waiting++)
			kube_right_ask(r, s->tag + (uint32_t)(n * WANTED + i), s->namespaces.items[n], &wanted[i].right);
}

void kube_rights_start(struct kube_rights *s, struct run *r, const struct texts *namespaces)
{
	arena_finish(&s->arena);
	size_t n = namespaces->n < KUBE_RIGHTS_NAMESPACES ? namespaces->n : KUBE_RIGHTS_NAMESPACES;
	const char **items = arena_alloc(&s->arena, (n + 1) * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		items[i] = arena_dup(&s->arena, namespaces->items[i]);
	s->namespaces = (struct texts){items, n};
	s->denied = (struct pairs){0};
	s->waiting = 0;
	ask_all(s, r);
}

/* The first right that an action lacks everywhere, by its rows; NULL when it may be done somewhere. */
static const struct kube_right *lacks(const struct kube_rights *s, const char *action)
{
	const struct kube_right *first = NULL;
	for (size_t n = 0; n < s->namespaces.n; n++)
		for (size_t i = 0; i < WANTED; i++) {
			if (!str_eq(wanted[i].action, action))
				continue;
			if (s->answers[n * WANTED + i])
				return NULL;
			first = first ? first : &wanted[i].right;
		}
	return first;
}

static void tell(struct kube_rights *s)
{
	arena_reset(&s->said);
	struct pair *items = arena_alloc(&s->said, (WANTED + 8) * sizeof(*items));
	s->denied = (struct pairs){items, 0};
	for (size_t i = 0; i < WANTED; i++) {
		const struct kube_right *right = lacks(s, wanted[i].action);
		if (!right || (i && str_eq(wanted[i].action, wanted[i - 1].action)))
			continue;
		const char *why = kube_right_denied(right, s->namespaces.items[0], &s->said);
		items[s->denied.n++] = (struct pair){wanted[i].action, why};
		for (size_t k = 0; i == 0 && like_deploy[k]; k++)
			items[s->denied.n++] = (struct pair){like_deploy[k], why};
	}
}

bool kube_rights_on(struct kube_rights *s, struct run *r, const struct input *in)
{
	size_t at = in->tag - s->tag;
	bool is_answer = in->kind == INPUT_UNIT || in->kind == INPUT_FAIL;
	if (in->kind == INPUT_TIMER) {
		ask_all(s, r);
		return false;
	}
	if (!is_answer || at >= s->namespaces.n * WANTED || s->waiting == 0)
		return false;
	struct err err = {0};
	bool is_allowed = in->kind == INPUT_UNIT && kube_right_read(in, &err);
	/* What could not be asked is not greyed: the plan asks again, and says why. */
	s->answers[at] = is_allowed || err.kind || in->kind == INPUT_FAIL;
	if (--s->waiting > 0)
		return false;
	run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = s->tag + KUBE_RIGHTS_TAGS - 1, .after_ms = KUBE_RIGHTS_AGAIN_MS});
	tell(s);
	return true;
}

void kube_rights_finish(struct kube_rights *s)
{
	arena_finish(&s->arena);
	arena_finish(&s->said);
}

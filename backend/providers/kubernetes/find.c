/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/find.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 500
#define OBJECT_MAX (2 * 1024 * 1024)

bool kube_is_called(const char *name, const char *service, const char *namespace)
{
	size_t len = strlen(service);
	return str_eq(name, service) ||
	       (strncmp(name, service, len) == 0 && name[len] == '.' && str_eq(name + len + 1, namespace));
}

static void forget(struct kube_find *f)
{
	for (size_t i = 0; i < f->n_namespaces; i++)
		free(f->namespaces[i]);
	free(f->namespaces);
	f->namespaces = NULL;
	f->n_namespaces = 0;
}

void kube_find_finish(struct kube_find *f)
{
	for (size_t i = 0; f->found && i < f->n; i++) {
		free(f->found[i].namespace);
		free(f->found[i].name);
		free(f->found[i].selector);
	}
	free(f->found);
	forget(f);
}

static void ask(struct kube_find *f, struct run *r, uint32_t at, const char *page)
{
	struct str path = {0};
	kube_path(&path, (enum kube_what)(at % KUBE_WORKLOADS), f->namespaces[at / KUBE_WORKLOADS], NULL,
		  NULL);
	address_number(&path, "limit", PAGE);
	address_parameter(&path, "continue", page);
	run_ask(r, &(struct ask){.tag = f->tag + at,
				 .path = path.s,
				 .framing = FRAME_ITEMS,
				 .items = "items",
				 .ceiling = OBJECT_MAX,
				 .is_patient = true,
				 .head_ms = KUBE_HEAD_MS});
	str_finish(&path);
}

static void ask_all(struct kube_find *f, struct run *r, const char *const *names, size_t n)
{
	size_t most = KUBE_FIND_TAGS / KUBE_WORKLOADS;
	f->n_namespaces = n < most ? n : most;
	f->namespaces = mem_array(f->n_namespaces, sizeof(*f->namespaces));
	for (size_t i = 0; i < f->n_namespaces; i++)
		f->namespaces[i] = mem_dup(names[i]);
	f->n_open = f->n_namespaces * KUBE_WORKLOADS;
	for (uint32_t i = 0; i < f->n_namespaces * KUBE_WORKLOADS; i++)
		ask(f, r, i, NULL);
}

void kube_find_start(struct kube_find *f, struct run *r)
{
	struct texts names = kube_namespaces(r);
	const char *const all[] = {NULL};
	ask_all(f, r, names.n ? names.items : all, names.n ? names.n : 1);
}

/* Nothing may be listed everywhere: the namespace of the context is what such people have. */
static bool narrow(struct kube_find *f, struct run *r)
{
	const char *const scope[] = {arena_dup(run_arena(r), run_scope(r))};
	if (f->n_answered || f->failure.kind != ERR_REFUSED || f->namespaces[0] || !scope[0])
		return false;
	forget(f);
	f->failure = (struct err){0};
	ask_all(f, r, scope, 1);
	return true;
}

static void over(struct kube_find *f, struct run *r)
{
	struct err err = f->failure;
	if (narrow(f, r))
		return;
	f->is_done = true;
	if (f->n && err.kind != ERR_UNREACHABLE)
		err = (struct err){0};
	else if (!err.kind)
		err_set(&err, ERR_NOT_FOUND, "there is no service %s in %s",
			f->service ? f->service : "at all", run_source(r)->name);
	f->done(r, f, err.kind ? &err : NULL, f->arg);
}

static void keep(struct kube_find *f, struct run *r, const struct kube_workload *w)
{
	f->found = mem_grow(f->found, f->n + 1, sizeof(*f->found));
	f->found[f->n] = (struct kube_found){
		.what = w->what,
		.namespace = mem_dup(w->meta.namespace),
		.name = mem_dup(w->meta.name),
		.selector = mem_dup(w->selector ? kube_selector(w->selector, run_arena(r)) : NULL)};
}

/* Most workloads are of other services: what does not even hold the name is not worth parsing. */
static bool may_be_ours(const struct kube_find *f, const struct input *in)
{
	return !f->service || memmem(in->data, in->len, f->service, strcspn(f->service, "."));
}

static void add(struct kube_find *f, struct run *r, uint32_t at, const struct input *in)
{
	cJSON *object = may_be_ours(f, in) ? json_parse(in->data, in->len, NULL) : NULL;
	struct kube_identity who;
	struct kube_workload w;
	if (object && kube_workload_read((enum kube_what)(at % KUBE_WORKLOADS), object, run_arena(r), &w) &&
	    w.meta.namespace) {
		kube_identify(r, &w.meta, &who);
		bool is_ours = !f->service || kube_is_called(f->service, who.service, w.meta.namespace);
		if (is_ours && !str_eq(w.meta.owner_kind, "CronJob")) {
			if (f->each) {
				f->each(r, f, w.what, object);
				object = NULL;
			} else {
				keep(f, r, &w);
			}
			f->n++;
		}
	}
	cJSON_Delete(object);
}

/* The envelope: what is left of the list. */
static void page_over(struct kube_find *f, struct run *r, uint32_t at, const struct input *in)
{
	cJSON *list = json_parse(in->data, in->len, NULL);
	const char *more = json_text(json_get(list, "metadata"), "continue");
	f->n_answered++;
	if (!str_empty(more))
		ask(f, r, at, more);
	else
		f->n_open--;
	cJSON_Delete(list);
}

/* A kind that the cluster does not have, or that we may not see, has none of the service. */
static void failed(struct kube_find *f, struct run *r, uint32_t at, const struct input *in)
{
	struct err err;
	f->n_open--;
	if (in->status == 404 && kube_kinds[at % KUBE_WORKLOADS].is_optional)
		return;
	kube_failure(r, in, &err);
	if (!f->failure.kind || f->failure.kind == ERR_REFUSED)
		f->failure = err;
}

void kube_find_on(struct kube_find *f, struct run *r, const struct input *in)
{
	uint32_t at = in->tag - f->tag;
	struct err err;
	if (f->is_done)
		return;
	if (in->kind == INPUT_HEAD && !kube_speaks(in, &err)) {
		run_stop(r, in->tag);
		f->failure = err;
		f->n_open--;
	} else if (in->kind == INPUT_UNIT && in->is_last) {
		page_over(f, r, at, in);
	} else if (in->kind == INPUT_UNIT) {
		add(f, r, at, in);
	} else if (in->kind == INPUT_FAIL) {
		failed(f, r, at, in);
	}
	if (f->n_open == 0)
		over(f, r);
}

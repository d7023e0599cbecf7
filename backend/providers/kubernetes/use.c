/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pods of a service use now, where the cluster has metrics.k8s.io (v1beta1, metrics-server or its like):
 * one list for each workload, every USE_MS when it is followed. A cluster without it, or one that does not let
 * us, has nothing to tell, and no failure.
 */
#include <stdlib.h>

#include "backend/providers/kubernetes/find.h"
#include "backend/providers/kubernetes/object.h"

#define USE_MS 15000 /* metrics-server looks as often */
#define PODS_MAX 5000

enum { FIND_TAG = 0x1000, LIST_TAG = 0x2000, TIMER_TAG = 0x3000 };

struct meter {
	struct kube_find find;
	struct arena names;
	struct use *items;
	size_t n, n_open;
	bool is_known; /* a list was answered */
};

static void finish(void *state)
{
	struct meter *m = state;
	kube_find_finish(&m->find);
	arena_finish(&m->names);
	free(m->items);
}

static void ask_all(struct meter *m, struct run *r)
{
	m->n = 0;
	arena_reset(&m->names);
	for (size_t i = 0; i < m->find.n; i++) {
		const struct kube_found *w = &m->find.found[i];
		struct str path = {0};
		if (!w->selector)
			continue;
		str_add(&path, "/apis/metrics.k8s.io/v1beta1/namespaces/");
		address_escape(&path, w->namespace, false);
		str_add(&path, "/pods");
		address_parameter(&path, "labelSelector", w->selector);
		m->n_open++;
		run_ask(r, &(struct ask){.tag = LIST_TAG + (uint32_t)i,
					 .path = path.s,
					 .framing = FRAME_ITEMS,
					 .items = "items",
					 .head_ms = KUBE_HEAD_MS});
		str_finish(&path);
	}
}

static void add(struct meter *m, const struct input *in)
{
	cJSON *pod = json_parse(in->data, in->len, NULL);
	const cJSON *c;
	const char *name = json_text(json_get(pod, "metadata"), "name");
	int64_t cpu = 0, memory = 0;
	cJSON_ArrayForEach(c, json_get(pod, "containers"))
	{
		const cJSON *usage = json_get(c, "usage");
		int64_t more_cpu = kube_quantity(json_text(usage, "cpu"));
		int64_t more_memory = kube_quantity(json_text(usage, "memory"));
		cpu += more_cpu > 0 && more_cpu < INT64_MAX / 1024 ? more_cpu : 0;
		memory += more_memory > 0 && more_memory < INT64_MAX / 1024 ? more_memory / 1000 : 0;
	}
	if (name && m->n < PODS_MAX) {
		if ((m->n & (m->n - 1)) == 0)
			m->items = mem_grow(m->items, m->n ? 2 * m->n : 1, sizeof(*m->items));
		m->items[m->n++] = (struct use){arena_dup(&m->names, name), cpu, memory};
	}
	cJSON_Delete(pod);
}

static void tell(struct meter *m, struct run *r)
{
	struct message *message = run_message(r, MESSAGE_USE);
	struct use *items = arena_alloc(&message->arena, (m->n + 1) * sizeof(*items));
	for (size_t i = 0; i < m->n; i++) {
		items[i] = m->items[i];
		items[i].instance = arena_dup(&message->arena, m->items[i].instance);
	}
	message->uses = (struct uses){arena_dup(&message->arena, run_source(r)->name), items, m->n};
	run_send(r, message);
}

static void listed(struct meter *m, struct run *r)
{
	if (--m->n_open > 0)
		return;
	if (m->is_known)
		tell(m, r);
	if (m->is_known && run_request(r)->is_following)
		run_ask(r, &(struct ask){.kind = ASK_TIMER, .tag = TIMER_TAG, .after_ms = USE_MS});
	else
		run_done(r, NULL);
}

static void found(struct run *r, const struct kube_find *f, const struct err *err, void *arg)
{
	struct meter *m = arg;
	(void)f;
	if (err && err->kind == ERR_UNREACHABLE) {
		run_again(r, err);
		return;
	}
	if (!err)
		ask_all(m, r);
	if (m->n_open == 0)
		run_done(r, NULL);
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct meter *m = state;
	if (in->kind == INPUT_START) {
		finish(m);
		*m = (struct meter){.n = 0};
		m->find = (struct kube_find){
			.service = run_request(r)->service, .tag = FIND_TAG, .done = found, .arg = m};
		kube_find_start(&m->find, r);
	} else if (in->tag == TIMER_TAG) {
		ask_all(m, r);
	} else if (in->tag < LIST_TAG) {
		kube_find_on(&m->find, r, in);
	} else if (in->kind == INPUT_UNIT && !in->is_last) {
		add(m, in);
	} else if (in->kind == INPUT_END || in->kind == INPUT_FAIL) {
		m->is_known = m->is_known || in->kind == INPUT_END;
		listed(m, r);
	}
}

const struct query kubernetes_use = {
	.name = "use",
	.serves = REQUEST_USE,
	.keeps_state = true,
	.size = sizeof(struct meter),
	.on = on,
	.finish = finish,
};

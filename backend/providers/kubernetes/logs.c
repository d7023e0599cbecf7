/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines of a service: its workloads are listed once, then the pods that their selectors match are listed,
 * and watched when the log is followed; every container of them is read by logs_tail.c. A pod's lines name it
 * "POD", or "POD/CONTAINER" where it has several.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/find.h"
#include "backend/providers/kubernetes/logs.h"
#include "backend/providers/kubernetes/stream.h"

#define FOLLOWED_MAX 50 /* connections through the API server; stern has as many */
#define READ_AT_ONCE 16
#define GROUPS_MAX 64

enum { FIND_TAG = 0x1000, GROUP_TAG = 0x2000, TAIL_TAG = 0x4000, TAIL_STEP = 4 };

struct logs;
struct group { /* pods of one workload */
	struct kube_stream stream;
	struct logs *logs;
	char *namespace, *selector, *fields, *cronjob;
	bool is_synced, is_bare; /* is_bare: pods that no workload made */
};
struct member { /* a container of a pod; tail NULL: a free place */
	struct kube_tail *tail;
	char *uid;
	const struct group *group;
	bool is_begun, is_seen;
	enum broken { WELL, WAY_BROKEN, NODE_BROKEN } broken;
};
struct logs {
	struct kube_find find;
	struct group *groups;
	size_t n_groups;
	struct member *members;
	size_t n_members;
	struct run *run;
	bool is_synced, is_broken_told;
	struct err not_found; /* no workload is of that name */
	size_t n_broken, left_out;
	struct err failure;
};

static void finish(void *state)
{
	struct logs *l = state;
	kube_find_finish(&l->find);
	for (size_t i = 0; i < l->n_groups; i++) {
		kube_stream_finish(&l->groups[i].stream);
		free(l->groups[i].namespace);
		free(l->groups[i].selector);
		free(l->groups[i].fields);
		free(l->groups[i].cronjob);
	}
	free(l->groups);
	for (size_t i = 0; i < l->n_members; i++) {
		kube_tail_free(l->members[i].tail);
		free(l->members[i].uid);
	}
	free(l->members);
}

static bool is_list(const struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	return !wish->is_following || wish->is_previous;
}

static void say(struct run *r, enum log_what what, const char *pod, const char *text)
{
	run_log(r, &(struct log_item){.what = what,
				      .time = run_now(r),
				      .instance = pod,
				      .instance_len = pod ? strlen(pod) : 0,
				      .text = text,
				      .len = strlen(text)});
}

/* Nothing was told yet: the host tries all of it again, or ends it. */
static void fail(struct logs *l, struct run *r, const struct err *err)
{
	if (err->kind != ERR_UNREACHABLE) {
		run_done(r, err);
		return;
	}
	if (!is_list(r) && !l->is_broken_told)
		say(r, LINE_CUT, NULL, arena_printf(run_arena(r), "no log yet: %s", err->text));
	l->is_broken_told = true;
	run_again(r, err);
}

/* --- which are read --- */

static bool is_open(const struct member *m)
{
	return m->is_begun && m->tail->phase != KUBE_TAIL_OVER &&
	       !(m->tail->phase == KUBE_TAIL_IDLE && m->tail->is_complete);
}

static void say_left_out(struct logs *l, struct run *r, size_t left_out)
{
	if (left_out > l->left_out)
		say(r, LINE_GAP, NULL,
		    arena_printf(run_arena(r),
				 "%zu container%s left out: %d logs are followed at once; choose with "
				 "--instance POD or POD/CONTAINER",
				 left_out, left_out == 1 ? " is" : "s are", FOLLOWED_MAX));
	l->left_out = left_out;
}

static void end_list(struct logs *l, struct run *r)
{
	const struct log_wish *wish = &run_request(r)->logs;
	struct err err;
	if (!l->failure.kind && !l->n_members)
		l->failure = l->not_found;
	if (l->failure.kind) {
		run_done(r, &l->failure);
	} else if (!l->n_members && wish->instance) {
		err_set(&err, ERR_NOT_FOUND, "there is no instance %s of %s in %s", wish->instance,
			wish->service, run_source(r)->name);
		run_done(r, &err);
	} else {
		if (!l->n_members)
			say(r, LINE_GAP, NULL, "there is no pod of it now");
		run_done(r, NULL);
	}
}

/* Those that run come first. */
static void begin_more(struct logs *l, struct run *r)
{
	size_t n_open = 0, n_waiting = 0, most = is_list(r) ? READ_AT_ONCE : FOLLOWED_MAX;
	if (!l->is_synced)
		return;
	for (size_t i = 0; i < l->n_members; i++)
		n_open += l->members[i].tail && is_open(&l->members[i]);
	for (int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < l->n_members; i++) {
			struct member *m = &l->members[i];
			if (!m->tail || m->is_begun || (turn == 0 && !m->tail->now.is_running))
				continue;
			if (n_open < most) {
				m->is_begun = true;
				kube_tail_begin(m->tail, r);
				n_open += is_open(m);
			} else {
				n_waiting += turn;
			}
		}
	}
	if (is_list(r) && !n_open)
		end_list(l, r);
	else if (!is_list(r))
		say_left_out(l, r, n_waiting);
}

/* Many logs break at once when the way to the server does: told once. A node's trouble is told of its pods.
 */
static void mind_break(struct logs *l, struct run *r, struct member *m)
{
	struct kube_tail *t = m->tail;
	if (t->is_broken == (m->broken != WELL))
		return;
	enum broken was = m->broken;
	m->broken = !t->is_broken ? WELL : t->failure.code >= 400 ? NODE_BROKEN : WAY_BROKEN;
	const char *text = t->is_broken ? arena_printf(run_arena(r), "the stream broke: %s", t->failure.text)
					: "the stream goes on";
	bool is_node = was == NODE_BROKEN || m->broken == NODE_BROKEN;
	bool is_told = is_node || (t->is_broken ? l->n_broken++ == 0 : --l->n_broken == 0);
	if (is_told && t->phase != KUBE_TAIL_OVER)
		say(r, LINE_CUT, is_node ? t->id : NULL, text);
}

static bool is_all_refused(const struct logs *l)
{
	for (size_t i = 0; i < l->n_members; i++)
		if (l->members[i].tail &&
		    (l->members[i].tail->phase != KUBE_TAIL_OVER || !l->members[i].tail->failure.kind))
			return false;
	return true;
}

/* What came of an input, or of the pod's change. */
static void mind(struct logs *l, struct run *r, struct member *m)
{
	struct kube_tail *t = m->tail;
	if (m->is_begun)
		mind_break(l, r, m);
	bool is_over = t->phase == KUBE_TAIL_OVER;
	if (is_over && t->failure.kind && m->is_begun) {
		l->failure = l->failure.kind ? l->failure : t->failure;
		if (!is_list(r) && is_all_refused(l)) {
			run_done(r, &l->failure);
			return;
		}
		if (!is_list(r) && !t->is_ended_told)
			say(r, LINE_GAP, t->id, t->failure.text);
		t->is_ended_told = true;
	}
	if (t->is_gone && (is_over || !m->is_begun)) {
		kube_tail_free(t);
		free(m->uid);
		*m = (struct member){0};
	}
	if (is_over || !is_open(m))
		begin_more(l, r);
}

/* --- pods --- */

static bool is_wanted(const struct run *r, const char *pod, const char *id)
{
	const char *instance = run_request(r)->logs.instance;
	return !instance || str_eq(instance, pod) || str_eq(instance, id);
}

static struct member *member_of(struct logs *l, const char *uid, const char *container)
{
	for (size_t i = 0; i < l->n_members; i++) {
		struct member *m = &l->members[i];
		if (m->tail && str_eq(m->uid, uid) && (!container || str_eq(m->tail->container, container)))
			return m;
	}
	return NULL;
}

static struct member *add_member(struct logs *l, const struct group *g, const struct kube_meta *meta,
				 const char *container, const char *id)
{
	size_t at = 0;
	while (at < l->n_members && l->members[at].tail)
		at++;
	if (at == l->n_members) {
		if ((at & (at - 1)) == 0)
			l->members = mem_grow(l->members, at ? 2 * at : 1, sizeof(*l->members));
		l->n_members++;
	}
	l->members[at] = (struct member){.tail = kube_tail_new(meta->namespace, meta->name, container, id,
							       TAIL_TAG + (uint32_t)at * TAIL_STEP),
					 .uid = mem_dup(meta->uid),
					 .group = g};
	run_log_instance(l->run, id, run_request(l->run)->logs.service, kube_environment(l->run));
	return &l->members[at];
}

/* The pods of a CronJob have no label of it; their Jobs are named after it and the minute. */
static bool is_of_cronjob(const struct kube_meta *meta, const char *cronjob)
{
	size_t len = strlen(cronjob);
	if (!str_eq(meta->owner_kind, "Job") || strncmp(meta->owner_name, cronjob, len) != 0 ||
	    meta->owner_name[len] != '-')
		return false;
	const char *rest = meta->owner_name + len + 1;
	return rest[0] && strspn(rest, "0123456789") == strlen(rest);
}

static bool is_of_group(const struct group *g, struct run *r, const struct kube_meta *meta)
{
	struct kube_identity who;
	if (g->cronjob)
		return is_of_cronjob(meta, g->cronjob);
	if (!g->is_bare)
		return true;
	kube_identify(r, meta, &who);
	return !meta->owner_kind &&
	       kube_is_called(run_request(r)->logs.service, who.service, meta->namespace);
}

static void say_new(struct run *r, const char *pod, const char *node)
{
	run_log_instance(r, pod, run_request(r)->logs.service, kube_environment(r));
	say(r, LINE_START, pod, node ? arena_printf(run_arena(r), "new pod on %s", node) : "new pod");
}

static const char *reason_of(struct run *r, const cJSON *object)
{
	struct kube_pod pod;
	return kube_pod_read(object, run_arena(r), &pod) && pod.reason ? pod.reason : "";
}

static void put_pod(struct group *g, struct run *r, const cJSON *object)
{
	struct logs *l = g->logs;
	struct kube_meta meta;
	const struct kube_container *all;
	kube_meta_read(object, &meta);
	size_t n = kube_pod_containers(object, run_arena(r), &all);
	if (!meta.uid || !meta.name || !meta.namespace || !is_of_group(g, r, &meta))
		return;
	bool is_known = member_of(l, meta.uid, NULL) != NULL, has_new = false;
	for (size_t i = 0; i < n; i++) {
		const char *id =
			n > 1 ? arena_printf(run_arena(r), "%s/%s", meta.name, all[i].name) : meta.name;
		struct member *m = member_of(l, meta.uid, all[i].name);
		struct kube_run now;
		if (!is_wanted(r, meta.name, id) || (m && m->group != g))
			continue;
		if (!m && l->is_synced && !is_known && !has_new)
			say_new(r, meta.name, json_text(json_get(object, "spec"), "nodeName"));
		has_new = has_new || !m;
		m = m ? m : add_member(l, g, &meta, all[i].name, id);
		m->is_seen = true;
		kube_run_of(&all[i], &now);
		if (!now.has_run && !now.waits[0]) /* its pod has no node yet */
			str_copy(now.waits, sizeof(now.waits), reason_of(r, object));
		kube_tail_tell(m->tail, r, &now);
		mind(l, r, m);
	}
}

static void drop_member(struct logs *l, struct run *r, struct member *m)
{
	if (m->is_begun)
		kube_tail_gone(m->tail, r);
	m->tail->is_gone = true;
	mind(l, r, m);
}

static void drop_pod(struct logs *l, struct run *r, const char *uid)
{
	for (size_t i = 0; i < l->n_members; i++)
		if (l->members[i].tail && str_eq(l->members[i].uid, uid))
			drop_member(l, r, &l->members[i]);
}

static void mark(struct group *g, bool is_begin)
{
	struct logs *l = g->logs;
	for (size_t i = 0; i < l->n_members; i++) {
		struct member *m = &l->members[i];
		if (!m->tail || m->group != g)
			continue;
		if (is_begin)
			m->is_seen = false;
		else if (!m->is_seen)
			drop_member(l, l->run, m);
	}
}

static void synced(struct group *g, struct run *r)
{
	struct logs *l = g->logs;
	mark(g, false);
	g->is_synced = true;
	if (is_list(r))
		kube_stream_stop(&g->stream, r);
	for (size_t i = 0; i < l->n_groups; i++)
		if (!l->groups[i].is_synced)
			return;
	if (l->is_synced)
		return;
	if (l->is_broken_told && !is_list(r))
		say(r, LINE_CUT, NULL, "the stream goes on");
	l->is_broken_told = false;
	l->is_synced = true;
	if (!l->n_members && (l->not_found.kind || run_request(r)->logs.instance))
		end_list(l, r);
	else
		begin_more(l, r);
}

static void each(struct run *r, struct kube_stream *s, enum kube_news news, const cJSON *object,
		 const struct err *err)
{
	struct group *g = s->arg;
	struct kube_meta meta;
	switch (news) {
	case KUBE_BEGIN:
		mark(g, true);
		break;
	case KUBE_PUT:
		put_pod(g, r, object);
		break;
	case KUBE_DELETE:
		kube_meta_read(object, &meta);
		drop_pod(g->logs, r, meta.uid);
		break;
	case KUBE_SYNC:
		synced(g, r);
		break;
	case KUBE_DENIED:
		fail(g->logs, r, err);
		break;
	case KUBE_TROUBLE:
		if (!g->logs->is_synced)
			fail(g->logs, r, err);
		break;
	case KUBE_LIVE:
	case KUBE_ALIVE:
		break;
	}
}

/* --- the whole --- */

static struct group *add_group(struct logs *l, const char *namespace)
{
	struct group *g = &l->groups[l->n_groups];
	*g = (struct group){.logs = l, .namespace = mem_dup(namespace)};
	g->stream = (struct kube_stream){.what = KUBE_POD,
					 .namespace = g->namespace,
					 .each = each,
					 .arg = g,
					 .tag = GROUP_TAG + (uint32_t)l->n_groups * KUBE_STREAM_TAGS};
	l->n_groups++;
	return g;
}

/* Pods that nobody made but a person are services too, by their labels or their own name. */
static void add_bare(struct logs *l, struct run *r, const char *namespace)
{
	static const char *const labels[] = {"app.kubernetes.io/name", "app", "k8s-app", NULL};
	const char *name = run_request(r)->logs.service, *dot = strrchr(name, '.');
	size_t len = dot && str_eq(dot + 1, namespace) ? (size_t)(dot - name) : strlen(name);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") < strlen(name))
		return;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]) && l->n_groups < GROUPS_MAX; i++) {
		struct group *g = add_group(l, namespace);
		struct str text = {0};
		str_addf(&text, "%s=%.*s", labels[i] ? labels[i] : "metadata.name", (int)len, name);
		g->is_bare = true;
		g->fields = labels[i] ? NULL : mem_dup(text.s);
		g->selector = labels[i] ? mem_dup(text.s) : NULL;
		str_finish(&text);
	}
}

static void add_found(struct logs *l, const struct kube_found *w)
{
	struct group *g;
	if (!w->selector && w->what != KUBE_CRONJOB)
		return; /* it would match every pod */
	g = add_group(l, w->namespace);
	g->cronjob = w->what == KUBE_CRONJOB ? mem_dup(w->name) : NULL;
	g->selector = mem_dup(g->cronjob ? "job-name" : w->selector);
}

static void found(struct run *r, const struct kube_find *f, const struct err *err, void *arg)
{
	struct logs *l = arg;
	if (err && err->kind != ERR_NOT_FOUND) {
		fail(l, r, err);
		return;
	}
	l->groups = mem_array(GROUPS_MAX, sizeof(*l->groups));
	for (size_t i = 0; i < f->n && l->n_groups < GROUPS_MAX; i++)
		add_found(l, &f->found[i]);
	for (size_t i = 0; err && i < f->n_namespaces; i++)
		add_bare(l, r, f->namespaces[i]);
	if (err)
		l->not_found = *err;
	if (f->n > GROUPS_MAX)
		say(r, LINE_GAP, NULL,
		    arena_printf(run_arena(r), "it has %zu workloads: only the first %d are read", f->n,
				 GROUPS_MAX));
	for (size_t i = 0; i < l->n_groups; i++) {
		struct group *g = &l->groups[i];
		g->stream.selector = g->selector;
		g->stream.fields = g->fields;
		kube_stream_start(&g->stream, r);
	}
	if (!l->n_groups)
		end_list(l, r);
}

static void start(struct logs *l, struct run *r)
{
	bool is_broken_told = l->is_broken_told;
	finish(l);
	*l = (struct logs){.run = r, .is_broken_told = is_broken_told};
	l->find = (struct kube_find){
		.service = run_request(r)->logs.service, .tag = FIND_TAG, .done = found, .arg = l};
	kube_find_start(&l->find, r);
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct logs *l = state;
	if (in->kind == INPUT_START) {
		start(l, r);
	} else if (in->tag >= TAIL_TAG) {
		struct member *m = &l->members[(in->tag - TAIL_TAG) / TAIL_STEP];
		if (!m->tail)
			return;
		kube_tail_on(m->tail, r, in);
		if (in->kind != INPUT_UNIT || m->tail->phase == KUBE_TAIL_OVER)
			mind(l, r, m);
	} else if (in->tag >= GROUP_TAG) {
		struct kube_stream *s = &l->groups[(in->tag - GROUP_TAG) / KUBE_STREAM_TAGS].stream;
		kube_stream_on(s, r, in);
	} else {
		kube_find_on(&l->find, r, in);
	}
}

static bool is_following(const struct request *q)
{
	return q->logs.is_following;
}

static bool is_once(const struct request *q)
{
	return !q->logs.is_following;
}

const struct query kubernetes_log_follow = {
	.name = "logs, following",
	.serves = REQUEST_LOGS,
	.suits = is_following,
	.is_standing = true,
	.keeps_state = true,
	.size = sizeof(struct logs),
	.on = on,
	.finish = finish,
};
const struct query kubernetes_logs = {
	.name = "logs",
	.serves = REQUEST_LOGS,
	.suits = is_once,
	.keeps_state = true,
	.size = sizeof(struct logs),
	.on = on,
	.finish = finish,
};

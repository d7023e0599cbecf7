/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove on a cluster: what can be seen of a service from here, each by an answer of its own. Nothing is
 * changed, and no fault is injected: that its alert reaches its owner is told as not proved.
 */
#include <string.h>

#include "backend/providers/kubernetes/apply.h"
#include "backend/providers/kubernetes/object.h"
#include "model/promtext.h"

enum { STEP_ANSWERS, STEP_METRICS, STEP_LOGS, STEP_RUNBOOK, STEP_ALERT, N_STEPS };
static const char *const step_names[N_STEPS] = {
	"it answers",           "metrics are answered",        "logs arrive",
	"its runbook is there", "its alert reaches its owner",
};
enum {
	TAG_VERSION = KUBE_FOLDER_TAG + KUBE_FOLDER_TAGS,
	TAG_FIND,
	TAG_PODS,
	TAG_METRICS,
	TAG_LOGS,
	TAG_RUNBOOK
};
#define DETAIL_MAX 200
#define LOG_LINES 20

struct proving {
	struct arena arena;
	struct texts places;
	size_t at_place;
	const char *namespace, *metrics, *runbook;
	const char *pod, *container;
	int64_t port;
	struct kube_folder folder;
	bool has_runbook;
	struct step steps[N_STEPS];
	char details[N_STEPS][DETAIL_MAX];
	int64_t began;
};

static void tell(struct proving *p, struct run *r, enum audit_state state, const char *detail)
{
	run_operation(r, &(struct operation_told){.state = state, .detail = detail,
						  .kind = state == AUDIT_FAILED ? ERR_FAILED : ERR_NONE,
						  .steps = {p->steps, N_STEPS}, .started_at = p->began});
}

static void step(struct proving *p, struct run *r, int at, enum step_state state, const char *detail)
{
	struct step *s = &p->steps[at];
	run_step(r, s, state);
	if (detail) {
		str_copy(p->details[at], DETAIL_MAX, detail);
		s->detail = p->details[at];
	}
	tell(p, r, AUDIT_RECORDED, NULL);
}

/* What went wrong on the way to a check says nothing about the service: not proved, and why. */
static void not_proved(struct proving *p, struct run *r, int at, const struct input *in)
{
	struct err err;
	kube_failure(r, in, &err);
	step(p, r, at, in->status == 403 || in->status < 400 ? STEP_SKIPPED : STEP_FAILED,
	     arena_printf(run_arena(r), "%s%s", in->status == 403 || in->status < 400 ? "not proved: " : "",
			  err.text));
}

static void list(const struct proving *p, enum step_state state, struct str *out)
{
	for (int i = 0; i < N_STEPS; i++)
		if (p->steps[i].state == (int)state)
			str_addf(out, "%s%s", out->len ? ", " : "", p->steps[i].name);
}

static void conclude(struct proving *p, struct run *r)
{
	struct str proved = {0}, failed = {0}, open = {0}, all = {0};
	struct err err;
	if (p->pod)
		step(p, r, STEP_ALERT, STEP_SKIPPED,
		     "not proved: what watches the cluster evaluates rules, not fairway");
	list(p, STEP_DONE, &proved);
	list(p, STEP_FAILED, &failed);
	list(p, STEP_SKIPPED, &open);
	str_addf(&all, "%s%s",
		 failed.len ? "failed: " : "proved: ", failed.len ? failed.s : str_text(&proved));
	if (open.len)
		str_addf(&all, "; not proved: %s", open.s);
	const char *text = arena_dup(run_arena(r), all.s);
	bool is_good = !failed.len;
	err_set(&err, ERR_FAILED, "%s", text);
	str_finish(&proved);
	str_finish(&failed);
	str_finish(&open);
	str_finish(&all);
	tell(p, r, is_good ? AUDIT_DONE : AUDIT_FAILED, text);
	run_done(r, is_good ? NULL : &err);
}

/* --- the runbook, of the folder --- */

static const char *runbook_of(const struct service_file *f)
{
	for (size_t i = 0; i < f->n_alerts; i++)
		if (f->alerts[i].when == WHEN_ERROR_RATIO && f->alerts[i].runbook)
			return f->alerts[i].runbook;
	return service_file_runbook(f, NULL);
}

static void look_for_runbook(struct proving *p, struct run *r)
{
	const char *folder = run_request(r)->wish.folder;
	step(p, r, STEP_RUNBOOK, STEP_RUNNING, NULL);
	if (folder) {
		kube_folder_start(&p->folder, r, folder, false);
		return;
	}
	step(p, r, STEP_RUNBOOK, STEP_SKIPPED, "not proved: its folder is not known");
	conclude(p, r);
}

static void on_folder(struct proving *p, struct run *r, const struct input *in)
{
	struct err err;
	enum kube_looked looked = kube_folder_on(&p->folder, r, in, &err);
	const char *name = looked == KUBE_LOOKED ? runbook_of(&p->folder.file) : NULL;
	if (looked == KUBE_LOOKS_ON)
		return;
	if (name) {
		const char *slash = strrchr(name, '/');
		p->runbook = name;
		run_ask(r, &(struct ask){.kind = ASK_FILES,
					 .tag = TAG_RUNBOOK,
					 .folder = p->folder.path,
					 .suffix = slash ? slash + 1 : name});
		return;
	}
	step(p, r, STEP_RUNBOOK, looked == KUBE_LOOKED ? STEP_FAILED : STEP_SKIPPED,
	     looked == KUBE_LOOKED ? "service.yaml names none" : err.text);
	conclude(p, r);
}

static void on_runbook(struct proving *p, struct run *r, const struct input *in)
{
	if (in->kind == INPUT_UNIT) {
		p->has_runbook = p->has_runbook || (str_eq(in->name, p->runbook) && in->len > 0);
		return;
	}
	step(p, r, STEP_RUNBOOK, p->has_runbook ? STEP_DONE : STEP_FAILED,
	     arena_printf(run_arena(r), "%s%s", p->runbook, p->has_runbook ? "" : " is missing"));
	conclude(p, r);
}

/* --- its logs --- */

static void ask_logs(struct proving *p, struct run *r)
{
	struct str path = {0};
	step(p, r, STEP_LOGS, STEP_RUNNING, NULL);
	kube_path(&path, KUBE_POD, p->namespace, p->pod, "log");
	str_addf(&path, "?tailLines=%d&limitBytes=65536", LOG_LINES);
	address_parameter(&path, "container", p->container);
	kube_get(r, TAG_LOGS, path.s);
	str_finish(&path);
}

static void on_logs(struct proving *p, struct run *r, const struct input *in)
{
	size_t lines = 0, json = 0;
	if (in->kind == INPUT_FAIL) {
		not_proved(p, r, STEP_LOGS, in);
		look_for_runbook(p, r);
		return;
	}
	if (in->kind != INPUT_UNIT && in->kind != INPUT_END)
		return;
	if (in->kind == INPUT_END && p->steps[STEP_LOGS].state != STEP_RUNNING)
		return;
	for (const char *at = in->data, *end = at + in->len; in->len && at < end;) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);
		cJSON *object = len && *at == '{' ? json_parse(at, len, NULL) : NULL;
		json += object != NULL;
		lines += len > 0;
		cJSON_Delete(object);
		at += len + 1;
	}
	const char *text =
		arena_printf(run_arena(r), "%zu lines of %s, %zu of them JSON", lines, p->pod, json);
	step(p, r, STEP_LOGS, lines ? STEP_DONE : STEP_FAILED, lines ? text : "nothing came from it yet");
	look_for_runbook(p, r);
}

/* --- its metrics, through the API server --- */

static void ask_metrics(struct proving *p, struct run *r)
{
	struct str path = {0};
	if (!p->metrics || p->port <= 0) {
		step(p, r, STEP_METRICS, STEP_SKIPPED, "not proved: service.yaml says no metrics");
		ask_logs(p, r);
		return;
	}
	step(p, r, STEP_METRICS, STEP_RUNNING, NULL);
	kube_path(&path, KUBE_POD, p->namespace, NULL, NULL);
	str_addf(&path, "/%s:%lld/proxy", p->pod, (long long)p->port);
	address_escape(&path, p->metrics, true);
	kube_get(r, TAG_METRICS, path.s);
	str_finish(&path);
}

static void each_sample(const struct promtext_sample *sample, void *arg)
{
	(void)sample, (void)arg;
}

static void on_metrics(struct proving *p, struct run *r, const struct input *in)
{
	struct promtext text = {.each = each_sample};
	if (in->kind == INPUT_FAIL) {
		not_proved(p, r, STEP_METRICS, in);
		ask_logs(p, r);
	} else if (in->kind == INPUT_UNIT) {
		promtext_feed(&text, in->data, in->len);
		promtext_finish(&text);
		step(p, r, STEP_METRICS, text.n_samples ? STEP_DONE : STEP_FAILED,
		     arena_printf(run_arena(r), "%zu samples at %s of %s", text.n_samples, p->metrics,
				  p->pod));
		ask_logs(p, r);
	}
}

/* --- it answers --- */

static void ask_pods(struct proving *p, struct run *r, const cJSON *deployment)
{
	struct str path = {0};
	const char *metrics =
		json_text(json_get(json_get(deployment, "metadata"), "annotations"), KUBE_PREFIX "metrics");
	const char *selector =
		kube_selector(json_get(json_get(deployment, "spec"), "selector"), run_arena(r));
	p->namespace = p->places.items[p->at_place];
	p->metrics = metrics && metrics[0] == '/' ? arena_dup(&p->arena, metrics) : NULL;
	kube_path(&path, KUBE_POD, p->namespace, NULL, NULL);
	address_parameter(&path, "labelSelector", selector);
	kube_get(r, TAG_PODS, path.s);
	str_finish(&path);
}

/* Every probe that the kubelet makes is an answer; without one, ready says only that it runs. */
static bool is_probed(const cJSON *pod)
{
	const cJSON *container;
	cJSON_ArrayForEach(container,
			   json_get(json_get(pod, "spec"),
				    "containers")) if (json_get(container, "readinessProbe")) return true;
	return false;
}

static void on_pods(struct proving *p, struct run *r, const struct input *in)
{
	struct kube_pod pod;
	const cJSON *item;
	int ready = 0, all = 0;
	bool is_asked = false;
	struct err err;
	if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		run_done(r, &err);
	}
	cJSON *pods = in->kind == INPUT_UNIT ? json_parse(in->data, in->len, NULL) : NULL;
	if (in->kind != INPUT_UNIT)
		return;
	cJSON_ArrayForEach(item, json_get(pods, "items"))
	{
		if (!kube_pod_read(item, &p->arena, &pod) || pod.meta.deleted_at)
			continue;
		all++;
		ready += pod.is_ready;
		if (!pod.is_ready || p->pod)
			continue;
		p->pod = arena_dup(&p->arena, pod.meta.name);
		p->container = arena_dup(&p->arena, pod.container ? pod.container : "");
		p->port = pod.port;
		is_asked = is_probed(item);
	}
	cJSON_Delete(pods);
	step(p, r, STEP_ANSWERS, ready ? STEP_DONE : STEP_FAILED,
	     arena_printf(run_arena(r), "%d of %d pods are ready%s", ready, all,
			  ready && is_asked ? ": they answered their readiness probes" : ""));
	if (ready) {
		ask_metrics(p, r);
		return;
	}
	for (int i = STEP_METRICS; i < N_STEPS; i++)
		step(p, r, i, STEP_SKIPPED, NULL);
	conclude(p, r);
}

static void find(struct proving *p, struct run *r)
{
	struct str path = {0};
	kube_path(&path, KUBE_DEPLOYMENT, p->places.items[p->at_place], run_request(r)->wish.service, NULL);
	kube_get(r, TAG_FIND, path.s);
	str_finish(&path);
}

static void on_find(struct proving *p, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		cJSON *deployment = json_parse(in->data, in->len, NULL);
		ask_pods(p, r, deployment);
		cJSON_Delete(deployment);
	} else if (in->kind == INPUT_FAIL && in->status == 404 && ++p->at_place < p->places.n) {
		find(p, r);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		run_done(r, &err);
	}
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct proving *p = state;
	struct err err;
	if (in->kind == INPUT_START) {
		p->began = run_now(r);
		for (int i = 0; i < N_STEPS; i++)
			p->steps[i] = (struct step){.name = step_names[i], .state = STEP_WAITING};
		kube_get(r, TAG_VERSION, "/version");
	} else if (kube_folder_owns(in)) {
		on_folder(p, r, in);
	} else if (in->tag == TAG_VERSION && in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		run_done(r, &err);
	} else if (in->tag == TAG_VERSION && in->kind == INPUT_END) {
		p->places = kube_places(r, &p->arena);
		step(p, r, STEP_ANSWERS, STEP_RUNNING, NULL);
		find(p, r);
	} else if (in->tag == TAG_FIND) {
		on_find(p, r, in);
	} else if (in->tag == TAG_PODS) {
		on_pods(p, r, in);
	} else if (in->tag == TAG_METRICS) {
		on_metrics(p, r, in);
	} else if (in->tag == TAG_LOGS) {
		on_logs(p, r, in);
	} else if (in->tag == TAG_RUNBOOK) {
		on_runbook(p, r, in);
	}
}

static void finish(void *state)
{
	struct proving *p = state;
	kube_folder_finish(&p->folder);
	arena_finish(&p->arena);
}

/* It changes nothing, so nothing needs to be looked at before. */
static void on_plan(void *state, struct run *r, const struct input *in)
{
	const struct wish *w = &run_request(r)->wish;
	struct err err;
	(void)state;
	if (in->kind != INPUT_START)
		return;
	if (!w->service) {
		err_set(&err, ERR_USAGE, "prove needs a service");
		run_done(r, &err);
		return;
	}
	struct message *m = run_message(r, MESSAGE_PLAN);
	const char **steps = arena_alloc(&m->arena, N_STEPS * sizeof(*steps));
	memcpy(steps, step_names, sizeof(step_names));
	record_init(record_class(RECORD_PLAN), &m->plan);
	m->plan.action = "prove";
	m->plan.service = arena_dup(&m->arena, w->service);
	m->plan.environment = arena_dup(&m->arena, kube_environment(r));
	m->plan.class = OP_REVERSIBLE;
	m->plan.title =
		arena_printf(&m->arena, "Prove that %s is watched in %s", w->service, kube_environment(r));
	m->plan.steps = (struct texts){steps, N_STEPS};
	run_send(r, m);
	run_done(r, NULL);
}

static bool suits(const struct request *q)
{
	return str_eq(q->wish.action, "prove");
}

const struct query kubernetes_prove_plan = {
	.name = "plan to prove",
	.serves = REQUEST_PLAN,
	.suits = suits,
	.on = on_plan,
};
const struct query kubernetes_prove_execute = {
	.name = "prove",
	.serves = REQUEST_EXECUTE,
	.suits = suits,
	.size = sizeof(struct proving),
	.on = on,
	.finish = finish,
};

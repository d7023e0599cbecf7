/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec and port-forward: kubectl's work, in the person's terminal, which is lent to it; planned, confirmed and audited
 * like every other operation. One pod of the service is chosen, and stands in the plan.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/find.h"
#include "backend/providers/kubernetes/rights.h"
#include "model/action.h"

#define OWN_WORDS 20 /* at most, beside those of the wish */
/* A shell that is there: not every image has bash. */
#define SHELL "command -v bash >/dev/null 2>&1 && exec bash || exec sh"

enum { TAG_RIGHT, TAG_PODS, TAG_FIND = 0x1000 };

struct pod {
	const char *namespace, *name, *container, *waits;
	bool is_ready, is_running;
};
struct lending {
	struct arena arena;
	struct kube_find find;
	struct pod best;
	bool has_best;
	size_t waiting;
	struct err trouble;
};

static bool is_exec(const struct wish *w)
{
	return str_eq(w->action, "exec");
}

/* --- which pod --- */

/* "POD", "POD/CONTAINER"; of a pod that two namespaces have, "POD.NAMESPACE". */
static bool is_named(const char *instance, const struct kube_meta *m)
{
	char name[512];
	str_copy(name, sizeof(name), instance);
	name[strcspn(name, "/")] = '\0';
	return kube_is_called(name, m->name, m->namespace);
}

static const char *container_of(const struct wish *w)
{
	const char *slash = w->instance ? strchr(w->instance, '/') : NULL;
	return w->container ? w->container : slash ? slash + 1 : NULL;
}

static void take_pod(struct lending *x, const struct wish *w, const cJSON *object)
{
	struct kube_pod p;
	const struct kube_container *all;
	/* A name is a word for kubectl: never one of its options, whatever a server says. */
	if (!kube_pod_read(object, &x->arena, &p) || p.meta.deleted_at || p.meta.name[0] == '-' ||
	    (w->instance && !is_named(w->instance, &p.meta)))
		return;
	const char *wanted = container_of(w), *name = wanted ? wanted : p.container;
	struct pod pod = {.namespace = p.meta.namespace, .name = p.meta.name, .is_ready = p.is_ready, .waits = p.reason};
	size_t n = kube_pod_containers(object, &x->arena, &all);
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].name, name)) {
			pod.container = all[i].name;
			pod.is_running = all[i].is_running;
		}
	bool is_better = !x->has_best || pod.is_running > x->best.is_running ||
			 (pod.is_running == x->best.is_running && pod.is_ready > x->best.is_ready);
	if (!is_better)
		return;
	x->best = (struct pod){arena_dup(&x->arena, pod.namespace), arena_dup(&x->arena, pod.name),
			       arena_dup(&x->arena, pod.container), arena_dup(&x->arena, pod.waits), pod.is_ready,
			       pod.is_running};
	x->has_best = true;
}

static void take_pods(struct lending *x, struct run *r, const struct input *in)
{
	cJSON *list = json_parse(in->data, in->len, NULL);
	const cJSON *object;
	cJSON_ArrayForEach(object, json_get(list, "items"))
	{
		take_pod(x, &run_request(r)->wish, object);
	}
	cJSON_Delete(list);
}

static const char *is_not_fit(struct lending *x, const struct wish *w)
{
	if (!x->has_best && w->instance)
		return arena_printf(&x->arena, "%s has no instance %s", w->service, w->instance);
	if (!x->has_best)
		return arena_printf(&x->arena, "no instance of %s runs", w->service);
	if (!x->best.container)
		return arena_printf(&x->arena, "%s has no container %s", x->best.name, container_of(w));
	if (!x->best.is_running)
		return arena_printf(&x->arena, "%s does not run%s%s", x->best.name, x->best.waits ? ": " : "",
				    x->best.waits ? x->best.waits : "");
	return NULL;
}

/* --- the command --- */

struct words {
	const char **items;
	size_t n;
};

static void add(struct words *w, const char *word)
{
	w->items[w->n++] = word;
}

static void add_option(struct words *w, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	add(w, name);
	add(w, value);
}

static void make_words(struct lending *x, struct run *r, struct words *out)
{
	const struct wish *w = &run_request(r)->wish;
	const struct setting *file = run_setting(r, "kubeconfig");
	out->items = arena_alloc(&x->arena, (OWN_WORDS + w->command.n) * sizeof(*out->items));
	add(out, "kubectl");
	add(out, is_exec(w) ? "exec" : "port-forward");
	add_option(out, "--context", run_context(r));
	add_option(out, "--kubeconfig", file ? file->text : NULL);
	add_option(out, "--namespace", x->best.namespace);
	if (!is_exec(w)) {
		add(out, arena_printf(&x->arena, "pod/%s", x->best.name));
		add(out, w->text);
		return;
	}
	add(out, "--stdin");
	add(out, "--tty");
	add_option(out, "--container", x->best.container);
	add(out, x->best.name);
	add(out, "--");
	for (size_t i = 0; i < w->command.n; i++)
		add(out, w->command.items[i]);
	if (w->command.n)
		return;
	add(out, "sh");
	add(out, "-c");
	add(out, SHELL);
}

static const char *as_line(struct lending *x, const char *const *words, size_t n)
{
	struct str line = {0};
	for (size_t i = 0; i < n; i++) {
		str_add(&line, i ? " " : "");
		str_add_word(&line, words[i]);
	}
	const char *text = arena_dup(&x->arena, str_text(&line));
	str_finish(&line);
	return text;
}

/* --- the plan --- */

static const char *change_of(struct lending *x, const struct wish *w)
{
	if (!is_exec(w))
		return arena_printf(&x->arena, "%s of %s in %s is reached at this machine until it is ended by ctrl-c", w->text,
				    x->best.name, x->best.namespace);
	return arena_printf(&x->arena, "%s runs in container %s of %s in %s, with all that it may do",
			    w->command.n ? as_line(x, w->command.items, w->command.n) : "a shell", x->best.container,
			    x->best.name, x->best.namespace);
}

static void tell_plan(struct lending *x, struct run *r, const char *refusal)
{
	const struct wish *w = &run_request(r)->wish;
	struct message *m = run_message(r, MESSAGE_PLAN);
	struct words words = {0};
	struct plan plan;
	cJSON *list = cJSON_CreateArray();
	const char *change = refusal ? NULL : change_of(x, w);
	static const char *const step[] = {"kubectl"};
	record_init(record_class(RECORD_PLAN), &plan);
	if (!refusal)
		make_words(x, r, &words);
	for (size_t i = 0; i < words.n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(words.items[i]));
	char *basis = json_print(list);
	plan.action = w->action;
	plan.service = w->service;
	plan.environment = kube_environment(r);
	plan.class = (int)action_find(w->action)->class;
	plan.title = arena_printf(&x->arena, "%s %s in %s", w->action, w->service, kube_environment(r));
	plan.changes = (struct texts){&change, change != NULL};
	plan.steps = (struct texts){step, 1};
	plan.equivalent = refusal ? NULL : as_line(x, words.items, words.n);
	plan.basis = refusal ? NULL : basis;
	plan.refusal = refusal;
	plan.refusal_kind = refusal ? err_kind_name(ERR_REFUSED) : NULL;
	record_copy(record_class(RECORD_PLAN), &m->plan, &plan, &m->arena);
	run_send(r, m);
	run_done(r, NULL);
	free(basis);
	cJSON_Delete(list);
}

static struct kube_right right_of(const struct wish *w)
{
	return (struct kube_right){"create", KUBE_POD, is_exec(w) ? "exec" : "portforward"};
}

static void chosen(struct lending *x, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	struct kube_right right = right_of(w);
	const char *refusal = is_not_fit(x, w);
	if (x->trouble.kind && !x->has_best)
		run_done(r, &x->trouble);
	else if (refusal)
		tell_plan(x, r, refusal);
	else
		kube_right_ask(r, TAG_RIGHT, x->best.namespace, &right);
}

static void found(struct run *r, const struct kube_find *f, const struct err *err, void *arg)
{
	struct lending *x = arg;
	if (err) {
		run_done(r, err);
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct str path = {0};
		if (!f->found[i].selector)
			continue;
		kube_path(&path, KUBE_POD, f->found[i].namespace, NULL, NULL);
		address_parameter(&path, "labelSelector", f->found[i].selector);
		x->waiting++;
		kube_get(r, TAG_PODS, path.s);
		str_finish(&path);
	}
	if (!x->waiting)
		chosen(x, r);
}

static bool is_forward(const char *text)
{
	return !str_empty(text) && text[strspn(text, "0123456789:")] == '\0';
}

static void begin(struct lending *x, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	struct err err;
	if (!is_exec(w) && !is_forward(w->text)) {
		err_set(&err, ERR_USAGE, "which port? LOCAL:REMOTE, such as 8080:80");
		run_done(r, &err);
		return;
	}
	x->find = (struct kube_find){.service = w->service, .tag = TAG_FIND, .done = found, .arg = x};
	kube_find_start(&x->find, r);
}

static void take_right(struct lending *x, struct run *r, const struct input *in)
{
	struct kube_right right = right_of(&run_request(r)->wish);
	struct err err = {0};
	bool is_denied = in->kind == INPUT_UNIT && !kube_right_read(in, &err) && !err.kind;
	tell_plan(x, r, is_denied ? kube_right_denied(&right, x->best.namespace, &x->arena) : NULL);
}

static void on_plan(void *state, struct run *r, const struct input *in)
{
	struct lending *x = state;
	if (in->kind == INPUT_START)
		begin(x, r);
	else if (kube_find_owns(&x->find, in))
		kube_find_on(&x->find, r, in);
	else if (in->tag == TAG_RIGHT && (in->kind == INPUT_UNIT || in->kind == INPUT_FAIL))
		take_right(x, r, in);
	else if (in->tag == TAG_PODS && in->kind == INPUT_UNIT)
		take_pods(x, r, in);
	else if (in->tag == TAG_PODS && (in->kind == INPUT_END || in->kind == INPUT_FAIL)) {
		if (in->kind == INPUT_FAIL)
			kube_failure(r, in, &x->trouble);
		if (--x->waiting == 0)
			chosen(x, r);
	}
}

static void finish(void *state)
{
	struct lending *x = state;
	kube_find_finish(&x->find);
	arena_finish(&x->arena);
}

/* --- the execution --- */

static void tell(struct run *r, enum step_state state, enum audit_state outcome, const struct err *err, const int *status)
{
	const char *detail = err ? err->text : NULL;
	struct step step = {.name = "kubectl", .state = state, .detail = detail};
	run_operation(r, &(struct operation_told){.state = outcome, .detail = detail, .kind = err ? err->kind : ERR_NONE,
						  .steps = {&step, 1}, .exit_status = status});
}

static void lend(struct run *r)
{
	const char *text = run_request(r)->basis;
	cJSON *list = text ? json_parse(text, strlen(text), NULL) : NULL;
	struct err err;
	const cJSON *word;
	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 2) {
		err_set(&err, ERR_REFUSED, "this plan does not say what to run: plan it again");
		run_done(r, &err);
		cJSON_Delete(list);
		return;
	}
	tell(r, STEP_RUNNING, AUDIT_RECORDED, NULL, NULL);
	struct message *m = run_message(r, MESSAGE_TERMINAL);
	size_t most = (size_t)cJSON_GetArraySize(list) + 1, n = 0, n_plain = 0;
	const char **argv = arena_alloc(&m->arena, most * sizeof(*argv)), **plain = arena_alloc(&m->arena, most * sizeof(*plain));
	bool has_command = is_exec(&run_request(r)->wish) && run_request(r)->wish.command.n, is_own = true;
	cJSON_ArrayForEach(word, list)
	{
		argv[n++] = arena_dup(&m->arena, cJSON_IsString(word) ? word->valuestring : "");
		is_own = is_own && !str_eq(argv[n - 1], "--");
		if (!is_own || !str_eq(argv[n - 1], "--tty"))
			plain[n_plain++] = argv[n - 1];
	}
	static const char *const none[] = {NULL};
	m->terminal = (struct terminal_wish){.argv = argv, .env = none, .plain = has_command ? plain : NULL,
					     .why = arena_printf(&m->arena, "%s %s in %s", run_request(r)->wish.action,
								 run_request(r)->wish.service, kube_environment(r))};
	run_send(r, m);
	cJSON_Delete(list);
}

static void ended(struct run *r, const struct input *in)
{
	struct err err = {0};
	const struct wish *w = &run_request(r)->wish;
	/* A shell ends with what its last command said; a forward is ended by ctrl-c. */
	bool is_well = in->status == 0 || (is_exec(w) && !w->command.n && in->status < 126) || in->status == 130;
	if (in->kind == INPUT_FAIL)
		err_set(&err, ERR_REFUSED, "kubectl was not run: %s", in->err->text);
	else if (in->status == 127)
		err_set(&err, ERR_FAILED, "it ended with status 127: is kubectl, or the command, there?");
	else if (!is_well)
		err_set(&err, ERR_FAILED, "it ended with status %d", in->status);
	else
		err_set(&err, ERR_NONE, "%s of %s in %s has ended", w->action, w->service, kube_environment(r));
	tell(r, err.kind ? STEP_FAILED : STEP_DONE,
	     err.kind == ERR_REFUSED ? AUDIT_REFUSED : err.kind ? AUDIT_FAILED : AUDIT_DONE, &err,
	     is_exec(w) && in->kind != INPUT_FAIL ? &in->status : NULL);
	run_done(r, err.kind ? &err : NULL);
}

static void on_execute(void *state, struct run *r, const struct input *in)
{
	(void)state;
	if (in->kind == INPUT_START)
		lend(r);
	else if (in->tag == RUN_TERMINAL_TAG)
		ended(r, in);
}

static bool suits(const struct request *q)
{
	return q->wish.service && (is_exec(&q->wish) || str_eq(q->wish.action, "port-forward"));
}

const struct query kubernetes_lend_plan = {
	.name = "plan to lend", .serves = REQUEST_PLAN, .suits = suits, .size = sizeof(struct lending), .on = on_plan,
	.finish = finish,
};
const struct query kubernetes_lend_execute = {
	.name = "lend", .serves = REQUEST_EXECUTE, .suits = suits, .on = on_execute,
};

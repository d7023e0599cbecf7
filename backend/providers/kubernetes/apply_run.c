/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service.yaml is brought to a cluster as its plan said: the image is built, then each object is applied,
 * then the rollout is watched.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/apply.h"
#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/object.h"
#include "backend/providers/kubernetes/rollout.h"
#include "model/version.h"

#define BUILD_MS (30 * 60 * 1000)
#define TAIL_MAX 300 /* bytes: the last lines of a build that failed */
#define STEPS_MAX (MANIFEST_KINDS + 4)
#define DETAIL_MAX 200

enum {
	TAG_BUILD = KUBE_FOLDER_TAG + KUBE_FOLDER_TAGS,
	TAG_LIVE,
	TAG_NAMESPACE,
	TAG_OBJECT,
	TAG_SCALE,
	TAG_ROLLERS,
};

struct applying {
	struct arena arena;
	struct kube_basis basis;
	struct kube_folder folder;
	struct manifest manifest;
	struct step steps[STEPS_MAX];
	char details[STEPS_MAX][DETAIL_MAX];
	size_t n_steps, at;
	int kind;     /* enum manifest_what: the one that is applied */
	bool is_made; /* the Deployment was not there */
	bool has_applied;
	struct kube_change change; /* of the Deployment, for whom its pods are watched */
	struct kube_rollers rollers;
	char *told;            /* what was told of them last */
	struct str tail, line; /* the end of the build's output; an unfinished line of it */
	int64_t began;
};

/* --- how it is told --- */

static void tell(struct applying *x, struct run *r, enum audit_state state, const char *detail, enum err_kind kind)
{
	run_operation(r, &(struct operation_told){.state = state, .detail = detail, .kind = kind,
						  .steps = {x->steps, x->n_steps}, .started_at = x->began,
						  .service = x->folder.file.name});
}

static void add_step(struct applying *x, const char *name)
{
	x->steps[x->n_steps++] = (struct step){.name = name, .state = STEP_WAITING};
}

static void mark(struct applying *x, struct run *r, enum step_state state, const char *detail)
{
	struct step *s = &x->steps[x->at];
	run_step(r, s, state);
	if (detail) {
		str_copy(x->details[x->at], DETAIL_MAX, detail);
		s->detail = x->details[x->at];
	}
}

static void step_begins(struct applying *x, struct run *r)
{
	mark(x, r, STEP_RUNNING, NULL);
	tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
}

static void step_done(struct applying *x, struct run *r, const char *detail)
{
	mark(x, r, STEP_DONE, detail);
	x->at++;
}

/* What was applied before stays: applied again it is the same. */
static void fail(struct applying *x, struct run *r, const struct err *why)
{
	struct err err = *why;
	if (x->n_steps)
		mark(x, r, STEP_FAILED, err.text);
	enum audit_state state = err.kind == ERR_UNKNOWN                      ? AUDIT_UNKNOWN
				 : err.kind == ERR_REFUSED && !x->has_applied ? AUDIT_REFUSED
									      : AUDIT_FAILED;
	tell(x, r, state, err.text, err.kind);
	run_done(r, &err);
}

static void fail_with(struct applying *x, struct run *r, enum err_kind kind, const char *text)
{
	struct err err;
	err_set(&err, kind, "%s", text);
	fail(x, r, &err);
}

/* --- the objects, one after another --- */

static void done(struct applying *x, struct run *r, const char *detail)
{
	step_done(x, r, detail);
	tell(x, r, AUDIT_DONE,
	     arena_printf(run_arena(r), "%s in %s runs %s%s%s", x->folder.file.name, kube_environment(r),
			  x->basis.image, detail ? ": " : "", detail ? detail : ""),
	     ERR_NONE);
	run_done(r, NULL);
}

/* Told when a person would see a difference. */
static void told_once(struct applying *x, struct run *r, const struct kube_look *look, const char *detail)
{
	const char *key = arena_printf(run_arena(r), "%d %s", (int)look->outcome, detail);
	if (str_eq(key, x->told) || look->desired == 0)
		return;
	free(x->told);
	x->told = mem_dup(key);
	mark(x, r, STEP_RUNNING, detail);
	tell(x, r, AUDIT_RECORDED, NULL, ERR_NONE);
}

static void look(struct applying *x, struct run *r)
{
	struct kube_look look;
	struct arena *a = run_arena(r);
	kube_rollers_look(&x->rollers, a, &look);
	bool is_well = look.outcome == KUBE_WELL || look.outcome == KUBE_WATCHING;
	const char *ready = arena_printf(
		a, "%lld of %lld ready%s%s%s", (long long)look.ready, (long long)look.desired,
		look.culprit && !is_well ? "; failing: " : "", look.culprit && !is_well ? look.culprit : "",
		look.outcome == KUBE_WATCHING ? ", watched" : "");
	switch (look.outcome) {
	case KUBE_FAILED:
		fail_with(
			x, r, ERR_FAILED,
			arena_printf(
				a,
				"%s in %s does not get well: %s; fairway rollback %s --env %s takes it back",
				x->folder.file.name, kube_environment(r), look.why, x->folder.file.name,
				kube_environment(r)));
		break;
	case KUBE_UNSEEN:
		fail_with(x, r, ERR_UNKNOWN, arena_printf(a, "all was applied; %s", look.why));
		break;
	case KUBE_HELD:
		done(x, r, look.why);
		break;
	case KUBE_WELL:
		done(x, r, ready);
		break;
	case KUBE_UNDER_WAY:
	case KUBE_WATCHING:
		told_once(x, r, &look, ready);
		break;
	}
}

static void watch(struct applying *x, struct run *r)
{
	run_accepted(r);
	step_begins(x, r);
	if (x->rollers.n)
		kube_rollers_start(&x->rollers, r, TAG_ROLLERS);
	else
		done(x, r, NULL);
}

static const char *cause(struct applying *x, struct run *r)
{
	const struct request *q = run_request(r);
	struct str version = {0};
	manifest_version(&version, image_version(x->basis.image, run_arena(r)));
	struct kube_cause c = {.action = str_eq(q->wish.action, "up") ? "deploy" : q->wish.action,
			       .version = arena_dup(run_arena(r), str_text(&version)),
			       .by = q->by,
			       .reason = q->reason ? q->reason : q->wish.reason};
	str_finish(&version);
	return kube_cause_text(&c, run_arena(r));
}

static void apply_next(struct applying *x, struct run *r)
{
	struct str path = {0};
	while (x->kind < MANIFEST_KINDS && !(x->basis.changed & 1u << x->kind))
		x->kind++;
	if (x->kind == MANIFEST_KINDS) {
		watch(x, r);
		return;
	}
	enum manifest_what what = (enum manifest_what)x->kind;
	char *body = kube_apply_body(&x->manifest, what, what == MANIFEST_DEPLOYMENT ? cause(x, r) : NULL);
	kube_apply_path(&path, what, x->basis.namespace, x->folder.file.name, false,
			x->basis.forced & 1u << what);
	step_begins(x, r);
	kube_send(r, TAG_OBJECT, "PATCH", path.s, KUBE_APPLY, body);
	free(body);
	str_finish(&path);
}

static void object_done(struct applying *x, struct run *r)
{
	step_done(x, r, x->is_made && x->kind == MANIFEST_DEPLOYMENT ? "made" : NULL);
	x->kind++;
	apply_next(x, r);
}

static void scale(struct applying *x, struct run *r)
{
	struct str path = {0};
	char *body = arena_printf(run_arena(r), "{\"spec\":{\"replicas\":%d}}", x->manifest.replicas);
	kube_path(&path, KUBE_DEPLOYMENT, x->basis.namespace, x->folder.file.name, "scale");
	str_add(&path, "?fieldManager=" KUBE_SCALER);
	kube_send(r, TAG_SCALE, "PATCH", path.s, "application/merge-patch+json", body);
	str_finish(&path);
}

/* What was written is what is watched. */
static void take_deployment(struct applying *x, const struct input *in)
{
	cJSON *object = json_parse(in->data, in->len, NULL);
	struct kube_meta meta = {0};
	if (object)
		kube_meta_read(object, &meta);
	x->change = (struct kube_change){
		.what = KUBE_DEPLOYMENT,
		.namespace = x->basis.namespace,
		.name = x->folder.file.name,
		.uid = arena_dup(&x->arena, meta.uid),
		.version = arena_dup(&x->arena, meta.version),
		.generation = meta.generation,
		.type = KUBE_APPLY,
		.has_cause = true,
		.is_rollout = true,
	};
	if (object)
		kube_rollers_add(&x->rollers, &x->change, object);
	cJSON_Delete(object);
}

static void on_object(struct applying *x, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT && in->tag == TAG_OBJECT && x->kind == MANIFEST_DEPLOYMENT) {
		take_deployment(x, in);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		err_prefix(&err, "%s %s", kube_kinds[kube_manifest_what((enum manifest_what)x->kind)].name,
			   x->folder.file.name);
		fail(x, r, &err);
	} else if (in->kind == INPUT_END) {
		x->has_applied = true;
		bool is_new = in->tag == TAG_OBJECT && x->kind == MANIFEST_DEPLOYMENT && x->is_made;
		if (is_new && x->manifest.replicas != 1)
			scale(x, r);
		else
			object_done(x, r);
	}
}

/* --- before them --- */

static void make_namespace(struct applying *x, struct run *r)
{
	struct str path = {0};
	if (!x->basis.is_namespace_made) {
		apply_next(x, r);
		return;
	}
	char *body = arena_printf(
		run_arena(r), "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}",
		x->basis.namespace);
	step_begins(x, r);
	kube_path(&path, KUBE_NAMESPACE, NULL, NULL, NULL);
	str_add(&path, "?fieldManager=" KUBE_MANAGER);
	kube_send(r, TAG_NAMESPACE, "POST", path.s, "application/json", body);
	str_finish(&path);
}

static void on_namespace(struct applying *x, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_END ||
	    (in->kind == INPUT_FAIL && in->status == 409)) { /* somebody was faster */
		step_done(x, r, x->basis.namespace);
		apply_next(x, r);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		fail(x, r, &err);
	}
}

static void build(struct applying *x, struct run *r)
{
	const struct setting *builder = run_setting(r, "builder");
	if (!x->basis.is_built) {
		make_namespace(x, r);
		return;
	}
	step_begins(x, r);
	const char *const argv[] = {builder && builder->text ? builder->text : "", x->folder.path,
				    x->basis.image, NULL};
	run_ask(r, &(struct ask){.kind = ASK_EXEC,
				 .tag = TAG_BUILD,
				 .argv = argv,
				 .folder = x->folder.path,
				 .framing = FRAME_RAW,
				 .is_stream = true,
				 .limit_ms = BUILD_MS});
}

/* Whole lines go on as they come; the last ones are kept, should it fail. */
static void on_output(struct applying *x, struct run *r, const char *bytes, size_t len)
{
	str_addn(&x->line, bytes, len);
	size_t whole = x->line.len;
	while (whole && x->line.s[whole - 1] != '\n')
		whole--;
	if (!whole && x->line.len < 16384)
		return;
	whole = whole ? whole : x->line.len;
	struct message *m = run_message(r, MESSAGE_DOCUMENT);
	m->document.text = arena_dup_n(&m->arena, x->line.s, whole);
	m->document.len = whole;
	run_send(r, m);
	str_addn(&x->tail, x->line.s, whole);
	if (x->tail.len > TAIL_MAX) {
		memmove(x->tail.s, x->tail.s + x->tail.len - TAIL_MAX, TAIL_MAX + 1);
		x->tail.len = TAIL_MAX;
	}
	memmove(x->line.s, x->line.s + whole, x->line.len - whole + 1);
	x->line.len -= whole;
}

/* The last lines as one, without a first one that was cut. */
static const char *last_lines(struct applying *x)
{
	struct str *s = &x->tail;
	while (s->len && s->s[s->len - 1] == '\n')
		s->s[--s->len] = '\0';
	char *from = s->len >= TAIL_MAX - 1 ? strchr(s->s, '\n') : NULL;
	char *text = from ? from + 1 : s->len ? s->s : "it said nothing";
	for (char *c = s->len ? text : ""; *c; c++)
		*c = *c == '\n' ? ';' : *c;
	return text;
}

static void on_build(struct applying *x, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		on_output(x, r, in->data, in->len);
	} else if (in->kind == INPUT_END && in->status == 0) {
		step_done(x, r, x->basis.image);
		make_namespace(x, r);
	} else if (in->kind == INPUT_END) {
		if (x->line.len)
			on_output(x, r, "\n", 1);
		err_set(&err, ERR_FAILED, "the image was not built (status %d): %s", in->status,
			last_lines(x));
		fail(x, r, &err);
	} else if (in->kind == INPUT_FAIL) {
		err = *in->err;
		err_prefix(&err, "the image was not built");
		fail(x, r, &err);
	}
}

/* --- is it still what was planned? --- */

static void on_live(struct applying *x, struct run *r, const struct input *in)
{
	struct kube_meta meta = {0};
	struct err err;
	cJSON *live = NULL;
	if (in->kind == INPUT_FAIL && in->status != 404) {
		kube_failure(r, in, &err);
		fail(x, r, &err);
		return;
	}
	if (in->kind != INPUT_UNIT && in->kind != INPUT_FAIL)
		return;
	if (in->kind == INPUT_UNIT && (live = json_parse(in->data, in->len, NULL)))
		kube_meta_read(live, &meta);
	x->is_made = !x->basis.uid;
	bool is_same =
		str_eq(meta.uid, x->basis.uid) && (!meta.uid || meta.generation == x->basis.generation);
	cJSON_Delete(live);
	if (is_same)
		build(x, r);
	else
		fail_with(x, r, ERR_REFUSED, "the Deployment changed since the plan: look at it again");
}

static void add_steps(struct applying *x)
{
	if (x->basis.is_built)
		add_step(x, "build the image");
	if (x->basis.is_namespace_made)
		add_step(x, "make the namespace");
	for (int i = 0; i < MANIFEST_KINDS; i++)
		if (x->basis.changed & 1u << i)
			add_step(x, kube_kinds[kube_manifest_what((enum manifest_what)i)].name);
	add_step(x, "healthy");
}

/* The version of what is built, as the plan named it; what is called by the time differs each time. */
static bool is_same_version(const struct applying *x)
{
	size_t len = strlen(x->basis.image), own = strlen(x->folder.version);
	if (!x->basis.is_built || x->folder.is_by_time)
		return true;
	return len > own && str_ends(x->basis.image, x->folder.version) &&
	       x->basis.image[len - own - 1] == ':';
}

static void on_folder(struct applying *x, struct run *r, const struct input *in)
{
	struct str path = {0};
	struct err err;
	enum kube_looked looked = kube_folder_on(&x->folder, r, in, &err);
	if (looked == KUBE_LOOKS_ON)
		return;
	if (looked == KUBE_LOOKED_IN_VAIN) {
		fail(x, r, &err);
		return;
	}
	if (!str_eq(x->folder.hash, x->basis.hash) || !is_same_version(x)) {
		fail_with(x, r, ERR_REFUSED, "the folder changed since the plan: look at it again");
		return;
	}
	kube_make_manifest(&x->manifest, r, &x->folder.file, &x->basis);
	add_steps(x);
	kube_path(&path, KUBE_DEPLOYMENT, x->basis.namespace, x->folder.file.name, NULL);
	kube_get(r, TAG_LIVE, path.s);
	str_finish(&path);
}

static void start(struct applying *x, struct run *r)
{
	const struct request *q = run_request(r);
	x->began = run_now(r);
	if (kube_basis_read(q->basis, &x->arena, &x->basis))
		kube_folder_start(&x->folder, r, q->wish.folder, x->basis.is_built);
	else
		fail_with(x, r, ERR_REFUSED, "this plan cannot be read: plan it again");
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct applying *x = state;
	if (in->kind == INPUT_START)
		start(x, r);
	else if (kube_folder_owns(in))
		on_folder(x, r, in);
	else if (in->tag == TAG_BUILD)
		on_build(x, r, in);
	else if (in->tag == TAG_LIVE)
		on_live(x, r, in);
	else if (in->tag == TAG_NAMESPACE)
		on_namespace(x, r, in);
	else if (in->tag == TAG_OBJECT || in->tag == TAG_SCALE)
		on_object(x, r, in);
	else if (in->tag >= TAG_ROLLERS && kube_rollers_on(&x->rollers, r, in))
		look(x, r);
}

static void finish(void *state)
{
	struct applying *x = state;
	manifest_finish(&x->manifest);
	kube_folder_finish(&x->folder);
	kube_rollers_finish(&x->rollers);
	free(x->told);
	str_finish(&x->tail);
	str_finish(&x->line);
	arena_finish(&x->arena);
}

static bool suits(const struct request *q)
{
	return kube_is_apply(&q->wish);
}

const struct query kubernetes_apply_execute = {
	.name = "apply",
	.serves = REQUEST_EXECUTE,
	.suits = suits,
	.size = sizeof(struct applying),
	.on = on,
	.finish = finish,
};

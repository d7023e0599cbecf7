/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of bringing a service.yaml to a cluster: which image, into which namespace, and what the server makes of
 * each object when it is tried there.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/apply.h"
#include "backend/providers/kubernetes/cause.h"
#include "backend/providers/kubernetes/object.h"
#include "base/diff.h"
#include "base/yaml.h"

enum {
	TAG_MONITORS = KUBE_FOLDER_TAG + KUBE_FOLDER_TAGS,
	TAG_FIND,
	TAG_NAMESPACE,
	TAG_LIVE,
	TAG_TRIAL = TAG_LIVE + MANIFEST_KINDS,
};
#define SAID_MAX 64

struct said {
	const char *items[SAID_MAX];
	size_t n;
};
struct planning {
	struct arena arena;
	struct kube_folder folder;
	struct manifest manifest;
	struct kube_basis basis;
	struct texts places;      /* where the service may be */
	size_t at_place;
	cJSON *live[MANIFEST_KINDS], *after[MANIFEST_KINDS];
	int waiting;              /* answers that are out */
	struct said changes, warnings;
	struct err refusal;       /* the first one */
	bool is_over;
};

static void say(struct said *s, const char *text)
{
	if (s->n < SAID_MAX)
		s->items[s->n++] = text;
}

static void refuse(struct planning *p, enum err_kind kind, const char *text)
{
	if (!p->refusal.kind)
		err_set(&p->refusal, kind, "%s", text);
}

static void end(struct planning *p, struct run *r, const struct err *err)
{
	p->is_over = true;
	run_done(r, err);
}

/* --- which image --- */

static bool is_whole_image(const char *version)
{
	return strchr(version, '/') || (strchr(version, ':') && !str_starts(version, "sha256:"));
}

static const char *image_named(struct planning *p, const char *prefix, const char *version)
{
	size_t len = strlen(prefix);
	while (len && prefix[len - 1] == '/')
		len--;
	return arena_printf(&p->arena, "%.*s/%s%c%s", (int)len, prefix, p->folder.file.name,
			    str_starts(version, "sha256:") ? '@' : ':', version);
}

/* The image of what runs, with that version; NULL after refusing. */
static const char *image_beside(struct planning *p, const char *version)
{
	struct kube_workload w;
	struct err err;
	const cJSON *live = p->live[MANIFEST_DEPLOYMENT];
	const char *image = NULL;
	if (!live || !kube_workload_read(KUBE_DEPLOYMENT, live, &p->arena, &w) || !w.image)
		refuse(p, ERR_USAGE, arena_printf(&p->arena, "which image is version %s? Say images: in the configuration of "
						  "this source, or the whole image", version));
	else if (!(image = kube_image_with(w.image, version, &p->arena, &err)))
		refuse(p, err.kind, arena_dup(&p->arena, err.text));
	return image;
}

static const char *setting(struct run *r, const char *name)
{
	const struct setting *s = run_setting(r, name);
	return s && !str_empty(s->text) ? s->text : NULL;
}

static const char *choose_image(struct planning *p, struct run *r)
{
	const struct wish *w = &run_request(r)->wish;
	const char *version = w->version, *prefix = setting(r, "images"), *builder = setting(r, "builder");
	if (!version && str_eq(w->action, "promote")) {
		refuse(p, ERR_NOT_FOUND, arena_printf(&p->arena, "nothing is known of %s in %s: there is no release to bring on",
						      p->folder.file.name, w->from ? w->from : "the environment before"));
		return NULL;
	}
	if (version && is_whole_image(version))
		return arena_dup(&p->arena, version);
	if (version)
		return prefix ? image_named(p, prefix, version) : image_beside(p, version);
	if (!builder || !prefix) {
		refuse(p, ERR_USAGE, "there is no image: name one with --image, or say builder: and images: in the "
				     "configuration of this source");
		return NULL;
	}
	p->basis.is_built = true;
	say(&p->changes, arena_printf(&p->arena, "the image %s is built by %s %s",
				      image_named(p, prefix, p->folder.version), builder, p->folder.path));
	say(&p->warnings, arena_printf(&p->arena, "%s is the program of your configuration: what it runs is its matter",
				       builder));
	if (p->folder.is_by_time)
		say(&p->warnings, "not all of the folder is committed: the version is called by the time");
	return image_named(p, prefix, p->folder.version);
}

/* --- what the server makes of it --- */

/* Without what the server keeps for itself. */
static void show(struct str *out, const cJSON *object)
{
	static const char *const own[] = {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"};
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

static void compare(struct planning *p, enum manifest_what what, struct str *diff)
{
	struct str before = {0}, after = {0};
	struct diff d;
	const char *name = arena_printf(&p->arena, "%s/%s", kube_kinds[kube_manifest_what(what)].name, p->folder.file.name);
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

static void compare_all(struct planning *p, struct str *diff)
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
			say(&p->changes, arena_printf(&p->arena, "%s %s %s", kind, p->folder.file.name,
						      p->live[i] ? "changes" : "is made"));
	}
	if (same.len)
		say(&p->changes, arena_printf(&p->arena, "unchanged: %s", same.s));
	str_finish(&same);
}

static struct texts keep(struct message *m, const struct said *s)
{
	const char **items = arena_alloc(&m->arena, (s->n + 1) * sizeof(*items));
	for (size_t i = 0; i < s->n; i++)
		items[i] = arena_dup(&m->arena, s->items[i]);
	return (struct texts){items, s->n};
}

static void add_steps(struct planning *p, struct said *steps)
{
	if (p->basis.is_built)
		say(steps, "build the image");
	if (p->basis.is_namespace_made)
		say(steps, "make the namespace");
	for (int i = 0; i < MANIFEST_KINDS; i++)
		if (p->basis.changed & 1u << i)
			say(steps, kube_kinds[kube_manifest_what((enum manifest_what)i)].name);
	say(steps, "healthy");
}

static void add_words(struct str *s, const char *option, const char *value)
{
	str_add(s, option);
	str_add_word(s, value);
}

static const char *equivalent(struct planning *p, struct run *r)
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

static void warn(struct planning *p, struct run *r)
{
	const cJSON *live = p->live[MANIFEST_DEPLOYMENT];
	struct kube_meta meta;
	struct kube_identity who;
	for (size_t i = 0; i < p->manifest.notes.n; i++)
		say(&p->warnings, p->manifest.notes.items[i]);
	if (!live)
		return;
	kube_meta_read(live, &meta);
	kube_identify(r, &meta, &who);
	if (who.owner)
		say(&p->warnings, arena_printf(&p->arena, "%s owns Deployment %s: it will set this back; change it there",
					       who.owner, meta.name));
	int64_t replicas = json_int(json_get(live, "spec"), "replicas", 1);
	if (replicas != p->manifest.replicas && !p->manifest.objects[MANIFEST_AUTOSCALER])
		say(&p->warnings, arena_printf(&p->arena, "%lld instances stay wanted, as somebody set them; service.yaml says %d",
					       (long long)replicas, p->manifest.replicas));
}

static void tell(struct planning *p, struct run *r)
{
	struct message *m = run_message(r, MESSAGE_PLAN);
	struct plan *plan = &m->plan;
	struct arena *a = &m->arena;
	struct said steps = {0};
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
	end(p, r, NULL);
}

/* --- the objects are tried --- */

static void try_object(struct planning *p, struct run *r, enum manifest_what what)
{
	struct str path = {0};
	struct header header = {"Content-Type", KUBE_APPLY};
	char *body = kube_apply_body(&p->manifest, what, NULL);
	kube_apply_path(&path, what, p->basis.namespace, p->folder.file.name, true, p->basis.forced & 1u << what);
	/* It stores nothing: it may go out again, like a read. */
	run_ask(r, &(struct ask){.tag = TAG_TRIAL + (uint32_t)what, .method = "PATCH", .path = path.s, .headers = &header,
				 .n_headers = 1, .body = body, .body_len = strlen(body), .framing = FRAME_BODY,
				 .ceiling = 16 * 1024 * 1024, .head_ms = KUBE_HEAD_MS});
	p->waiting++;
	free(body);
	str_finish(&path);
}

static void ask_live(struct planning *p, struct run *r, enum manifest_what what)
{
	struct str path = {0};
	kube_path(&path, kube_manifest_what(what), p->basis.namespace, p->folder.file.name, NULL);
	kube_get(r, TAG_LIVE + (uint32_t)what, path.s);
	p->waiting++;
	str_finish(&path);
}

static void make_objects(struct planning *p, struct run *r)
{
	p->basis.hash = p->folder.hash;
	p->basis.image = choose_image(p, r);
	if (p->refusal.kind) {
		tell(p, r);
		return;
	}
	kube_make_manifest(&p->manifest, r, &p->folder.file, &p->basis);
	for (int i = 0; i < MANIFEST_KINDS && !p->basis.is_namespace_made; i++) {
		if (!p->manifest.objects[i])
			continue;
		if (run_request(r)->wish.take_over)
			p->basis.forced |= 1u << i;
		if (i != MANIFEST_DEPLOYMENT)
			ask_live(p, r, (enum manifest_what)i);
		try_object(p, r, (enum manifest_what)i);
	}
	if (p->basis.is_namespace_made) {
		say(&p->changes, arena_printf(&p->arena, "the namespace %s is made", p->basis.namespace));
		say(&p->warnings, "the server did not try these objects: their namespace is not there yet");
		tell(p, r);
	}
}

/* Who manages what we would set: fairway itself, by another kind of write, may always go on. */
static bool is_ours_alone(const cJSON *status, struct str *told)
{
	const cJSON *cause;
	bool is_ours = false, is_others = false;
	cJSON_ArrayForEach(cause, json_get(json_get(status, "details"), "causes"))
	{
		const char *who = json_text(cause, "message"), *field = json_text(cause, "field");
		if (!str_eq(json_text(cause, "reason"), "FieldManagerConflict") || !who)
			continue;
		bool is_own = str_starts(who, "conflict with \"" KUBE_MANAGER "\"");
		is_ours = is_ours || is_own;
		is_others = is_others || !is_own;
		if (!is_own)
			str_addf(told, "%s%s manages %s", told->len ? ", " : "",
				 str_starts(who, "conflict with ") ? who + strlen("conflict with ") : who,
				 field ? field : "a field");
	}
	return is_ours && !is_others;
}

static void on_conflict(struct planning *p, struct run *r, enum manifest_what what, const struct input *in)
{
	struct str told = {0};
	cJSON *status = json_parse(in->data, in->len, NULL);
	if (is_ours_alone(status, &told) && !(p->basis.forced & 1u << what)) {
		p->basis.forced |= 1u << what;
		try_object(p, r, what);
	} else {
		refuse(p, ERR_REFUSED, arena_printf(&p->arena, "%s of %s %s: change it there, or add --take-over",
						    told.len ? told.s : "another program manages what would change",
						    kube_kinds[kube_manifest_what(what)].name, p->folder.file.name));
	}
	str_finish(&told);
	cJSON_Delete(status);
}

static void on_trial(struct planning *p, struct run *r, enum manifest_what what, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		p->after[what] = json_parse(in->data, in->len, NULL);
	} else if (in->status == 409) {
		on_conflict(p, r, what, in);
	} else {
		kube_failure(r, in, &err);
		err_prefix(&err, "%s %s", kube_kinds[kube_manifest_what(what)].name, p->folder.file.name);
		if (in->status < 400) { /* nobody answered: there is no plan */
			end(p, r, &err);
			return;
		}
		refuse(p, err.kind, arena_dup(&p->arena, err.text));
	}
}

static void on_live(struct planning *p, struct run *r, enum manifest_what what, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT) {
		p->live[what] = json_parse(in->data, in->len, NULL);
	} else if (in->status < 400) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	} /* not there, or not ours to see: the trial tells */
}

static void on_object(struct planning *p, struct run *r, const struct input *in)
{
	if (in->kind != INPUT_UNIT && in->kind != INPUT_FAIL)
		return;
	p->waiting--;
	if (in->tag >= TAG_TRIAL)
		on_trial(p, r, (enum manifest_what)(in->tag - TAG_TRIAL), in);
	else
		on_live(p, r, (enum manifest_what)(in->tag - TAG_LIVE), in);
	if (p->waiting == 0 && !p->is_over)
		tell(p, r);
}

/* --- where it goes --- */

static void find(struct planning *p, struct run *r)
{
	struct str path = {0};
	kube_path(&path, KUBE_DEPLOYMENT, p->places.items[p->at_place], p->folder.file.name, NULL);
	kube_get(r, TAG_FIND, path.s);
	str_finish(&path);
}

static void on_monitors(struct planning *p, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_HEAD && !kube_speaks(in, &err)) {
		end(p, r, &err);
	} else if (in->kind == INPUT_UNIT || (in->kind == INPUT_FAIL && (in->status == 404 || in->status == 403))) {
		cJSON *list = in->kind == INPUT_UNIT ? json_parse(in->data, in->len, NULL) : NULL;
		const cJSON *kind;
		cJSON_ArrayForEach(kind, json_get(list, "resources"))
			p->basis.has_monitor |= str_eq(json_text(kind, "name"), kube_kinds[KUBE_MONITOR].plural);
		cJSON_Delete(list);
		p->places = kube_places(r, &p->arena);
		find(p, r);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void on_find(struct planning *p, struct run *r, const struct input *in)
{
	struct kube_meta meta;
	struct err err;
	if (in->kind == INPUT_UNIT) {
		cJSON *live = p->live[MANIFEST_DEPLOYMENT] = json_parse(in->data, in->len, NULL);
		kube_meta_read(live, &meta);
		p->basis.namespace = p->places.items[p->at_place];
		p->basis.uid = meta.uid;
		p->basis.generation = meta.generation;
		make_objects(p, r);
	} else if (in->kind == INPUT_FAIL && in->status == 404 && p->at_place + 1 < p->places.n) {
		p->at_place++;
		find(p, r);
	} else if (in->kind == INPUT_FAIL && in->status == 404) {
		struct str path = {0};
		p->basis.namespace = p->places.items[0];
		kube_path(&path, KUBE_NAMESPACE, NULL, p->basis.namespace, NULL);
		kube_get(r, TAG_NAMESPACE, path.s);
		str_finish(&path);
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void on_namespace(struct planning *p, struct run *r, const struct input *in)
{
	struct err err;
	if (in->kind == INPUT_UNIT || (in->kind == INPUT_FAIL && (in->status == 404 || in->status == 403))) {
		p->basis.is_namespace_made = in->status == 404;
		make_objects(p, r); /* who may not see namespaces is told by the trial whether it is there */
	} else if (in->kind == INPUT_FAIL) {
		kube_failure(r, in, &err);
		end(p, r, &err);
	}
}

static void on_folder(struct planning *p, struct run *r, const struct input *in)
{
	const struct wish *w = &run_request(r)->wish;
	struct err err;
	switch (kube_folder_on(&p->folder, r, in, &err)) {
	case KUBE_LOOKS_ON:
		return;
	case KUBE_LOOKED_IN_VAIN:
		end(p, r, &err);
		return;
	case KUBE_LOOKED:
		break;
	}
	if (w->service && !str_eq(w->service, p->folder.file.name)) {
		err_set(&err, ERR_USAGE, "%s is the folder of %s, not of %s", w->folder, p->folder.file.name, w->service);
		end(p, r, &err);
		return;
	}
	kube_get(r, TAG_MONITORS, "/apis/monitoring.coreos.com/v1");
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct planning *p = state;
	const struct wish *w = &run_request(r)->wish;
	if (p->is_over)
		return;
	if (in->kind == INPUT_START)
		kube_folder_start(&p->folder, r, w->folder, !w->version);
	else if (kube_folder_owns(in))
		on_folder(p, r, in);
	else if (in->tag == TAG_MONITORS)
		on_monitors(p, r, in);
	else if (in->tag == TAG_FIND)
		on_find(p, r, in);
	else if (in->tag == TAG_NAMESPACE)
		on_namespace(p, r, in);
	else
		on_object(p, r, in);
}

static void finish(void *state)
{
	struct planning *p = state;
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		cJSON_Delete(p->live[i]);
		cJSON_Delete(p->after[i]);
	}
	manifest_finish(&p->manifest);
	kube_folder_finish(&p->folder);
	arena_finish(&p->arena);
}

static bool suits(const struct request *q)
{
	return kube_is_apply(&q->wish);
}

const struct query kubernetes_apply_plan = {
	.name = "plan to apply", .serves = REQUEST_PLAN, .suits = suits, .size = sizeof(struct planning), .on = on,
	.finish = finish,
};

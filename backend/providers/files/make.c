/* SPDX-License-Identifier: Apache-2.0 */
/* `new`: a service from a golden path. Rendered in memory, shown, made all or nothing, with its first
 * commit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/providers/files/files.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "model/service_file.h"
#include "model/version.h"

#define MADE "/made" /* below the state of the demo */
#define ANSWERS_MAX (PATH_MAX_PARAMETERS + 1)

void files_made_finish(struct files_made *m)
{
	path_file_finish(&m->path);
	tree_finish(&m->tree);
	free(m->name);
	free(m->folder);
	*m = (struct files_made){0};
}

static bool load_path(struct run *r, const char *name, struct path_file *f, struct complaints *complaints)
{
	struct complaints carried = {0};
	if (path_file_load_carried(f, name, &carried)) {
		complaints_finish(&carried);
		return true;
	}
	struct stat st;
	const char *folder =
		files_folder(r) ? arena_printf(run_arena(r), "%s/%s", files_folder(r), name) : NULL;
	if (!folder || stat(folder, &st) < 0) {
		complaints_join(complaints, &carried);
		return false;
	}
	complaints_finish(&carried);
	return path_file_load_folder(f, folder, complaints);
}

/* Where the new folder comes to lie: as asked, else in the demo's state beside its sources, else where the
 * program was started. */
static char *target_of(struct run *r, const struct wish *wish, const char *name)
{
	struct str out = {0};
	const char *root = run_root(r);
	char *here = wish->folder || (root && str_ends(root, "/demo")) ? NULL : getcwd(NULL, 0);
	if (wish->folder)
		str_add(&out, wish->folder);
	else
		str_addf(&out, "%s%s/%s",
			 here   ? here
			 : root ? root
				: "/tmp",
			 here || !root ? "" : MADE, name);
	free(here);
	return str_detach(&out);
}

static void add_hash(struct files_made *m)
{
	struct hash h;
	hash_start(&h);
	hash_add_field(&h, m->folder);
	for (size_t i = 0; i < m->tree.n; i++) {
		hash_add_field(&h, m->tree.files[i].path);
		hash_add_field(&h, m->tree.files[i].is_executable ? "x" : "-");
		hash_add_field(&h, m->tree.files[i].bytes);
	}
	hash_finish_hex(&h, m->hash);
}

static bool render(struct files_made *m, const struct path_answer *answers, size_t n,
		   struct complaints *complaints, struct err *err)
{
	if (!path_file_check(&m->path, answers, n, complaints))
		return err_set(err, ERR_USAGE, "%s", complaints->text);
	return path_file_render(&m->path, answers, n, &m->tree, err);
}

bool files_make(struct run *r, const struct wish *wish, struct files_made *m, struct err *err)
{
	struct path_answer answers[ANSWERS_MAX];
	struct complaints complaints = {0};
	size_t n = 0;
	const char *name = wish->service;
	*m = (struct files_made){0};
	for (size_t i = 0; i < wish->set.n && n < PATH_MAX_PARAMETERS; i++) {
		answers[n++] = (struct path_answer){wish->set.items[i].key, wish->set.items[i].value};
		if (str_eq(wish->set.items[i].key, "name"))
			name = wish->set.items[i].value;
	}
	if (name && wish->service == name)
		answers[n++] = (struct path_answer){"name", name};
	bool is_good = false;
	if (!wish->path || !load_path(r, wish->path, &m->path, &complaints))
		err_set(err, wish->path ? ERR_NOT_FOUND : ERR_USAGE, "%s",
			complaints.text ? complaints.text : "which golden path?");
	else if (!name || !str_is_name(name))
		err_set(err, ERR_USAGE,
			"a service is named with small letters, digits and dashes, a letter first");
	else
		is_good = render(m, answers, n, &complaints, err);
	complaints_finish(&complaints);
	if (!is_good) {
		files_made_finish(m);
		return false;
	}
	m->name = mem_dup(name);
	m->folder = target_of(r, wish, name);
	add_hash(m);
	return true;
}

static void on_render(void *state, struct run *r, const struct input *in)
{
	struct files_made made;
	struct err err;
	(void)state;
	if (in->kind != INPUT_START)
		return;
	if (!files_make(r, &run_request(r)->wish, &made, &err)) {
		run_done(r, &err);
		return;
	}
	struct message *m = run_message(r, MESSAGE_FILES);
	struct made_file *items = arena_alloc(&m->arena, (made.tree.n + 1) * sizeof(*items));
	for (size_t i = 0; i < made.tree.n; i++) {
		const struct tree_file *f = &made.tree.files[i];
		items[i] = (struct made_file){arena_dup(&m->arena, f->path),
					      arena_dup_n(&m->arena, f->bytes, f->len), f->len,
					      f->is_executable};
	}
	m->files = (struct made_files){arena_dup(&m->arena, made.folder), items, made.tree.n};
	files_made_finish(&made);
	run_send(r, m);
	run_done(r, NULL);
}

static bool plan_id(char out[33], struct err *err)
{
	unsigned char random[16];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(err, ERR_FAILED, errno, "getrandom");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(out + 2 * i, 3, "%02x", random[i]);
	return true;
}

static struct texts texts_of(struct arena *arena, const char *const *items, size_t n)
{
	const char **copy = arena_alloc(arena, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_dup(arena, items[i]);
	return (struct texts){copy, n};
}

static const char *const step_names[] = {"write", "git init", "first commit", "land"};
#define N_STEPS (sizeof(step_names) / sizeof(step_names[0]))

static void fill_plan(struct message *m, const struct wish *wish, const struct files_made *made)
{
	struct arena *a = &m->arena;
	struct plan *p = &m->plan;
	const char **changes = arena_alloc(a, (made->tree.n + 1) * sizeof(*changes));
	struct stat st;
	for (size_t i = 0; i < made->tree.n; i++)
		changes[i] = arena_printf(a, "%s/%s is made (%zu bytes)", made->folder,
					  made->tree.files[i].path, made->tree.files[i].len);
	p->action = "new";
	p->service = arena_dup(a, made->name);
	p->class = OP_CHANGING;
	p->title = arena_printf(a, "Make %s from %s", made->name, made->path.name);
	p->changes = (struct texts){changes, made->tree.n};
	p->equivalent = arena_printf(a, "fairway new %s %s --dir %s", wish->path, made->name, made->folder);
	p->steps = texts_of(a, step_names, N_STEPS);
	if (lstat(made->folder, &st) == 0) {
		p->refusal = arena_printf(a, "%s is there already", made->folder);
		p->refusal_kind = err_kind_name(ERR_REFUSED);
	}
}

static void on_plan(void *state, struct run *r, const struct input *in)
{
	const struct wish *wish = &run_request(r)->wish;
	struct files_made made;
	struct err err;
	char id[33];
	(void)state;
	if (in->kind != INPUT_START)
		return;
	if (!plan_id(id, &err) || !files_make(r, wish, &made, &err)) {
		run_done(r, &err);
		return;
	}
	struct message *m = run_message(r, MESSAGE_PLAN);
	record_init(record_class(RECORD_PLAN), &m->plan);
	fill_plan(m, wish, &made);
	/* The precondition travels in the id: what is made later must be what was shown. */
	m->plan.id = arena_printf(&m->arena, "%s-%.16s", id, made.hash);
	m->plan.expires_at = run_now(r) + 5 * 60 * 1000;
	files_made_finish(&made);
	run_send(r, m);
	run_done(r, NULL);
}

struct making {
	struct files_made made;
	struct tree_stage stage;
	bool is_staged, has_identity;
	struct step steps[N_STEPS];
	char details[N_STEPS][160];
	int64_t began;
};

static void finish(void *state)
{
	struct making *x = state;
	if (x->is_staged)
		tree_drop(&x->stage);
	files_made_finish(&x->made);
}

static void tell(struct making *x, struct run *r, enum audit_state state, const char *detail)
{
	const char *name = x->made.name;
	run_operation(r, &(struct operation_told){.state = state, .detail = detail,
						  .steps = {x->steps, N_STEPS},
						  .started_at = x->began, .service = name,
						  .made = arena_printf(run_arena(r), "service/%s", name ? name : "")});
}

static void step(struct making *x, struct run *r, size_t i, enum step_state state, const char *detail)
{
	run_step(r, &x->steps[i], state);
	if (detail) {
		str_copy(x->details[i], sizeof(x->details[i]), detail);
		x->steps[i].detail = x->details[i];
	}
}

static void git(struct making *x, struct run *r, size_t step_index, const char *const *arguments)
{
	static const char *const base[] = {VERSION_GIT, "-c", "init.defaultBranch=main"};
	static const char *const stranger[] = {"-c", "user.name=fairway", "-c",
					       "user.email=fairway@localhost"};
	const char *argv[32];
	size_t n = 0;
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		argv[n++] = base[i];
	for (size_t i = 0; x->has_identity && i < 4; i++)
		argv[n++] = stranger[i];
	for (size_t i = 0; arguments[i]; i++)
		argv[n++] = arguments[i];
	argv[n] = NULL;
	run_ask(r, &(struct ask){.kind = ASK_EXEC,
				 .tag = (uint32_t)step_index,
				 .argv = argv,
				 .folder = x->stage.path});
}

enum { STEP_WRITE, STEP_INIT, STEP_COMMIT, STEP_LAND, TAG_ADD };

static void fail(struct making *x, struct run *r, size_t at, const struct err *err)
{
	step(x, r, at, STEP_FAILED, err->text);
	tell(x, r, err->kind == ERR_REFUSED ? AUDIT_REFUSED : AUDIT_FAILED, err->text);
	run_done(r, err);
}

static void land(struct making *x, struct run *r)
{
	struct err err;
	step(x, r, STEP_LAND, STEP_RUNNING, NULL);
	x->is_staged = false; /* a failure drops it too */
	if (!tree_land(&x->stage, &err)) {
		fail(x, r, STEP_LAND, &err);
		return;
	}
	step(x, r, STEP_LAND, STEP_DONE, x->made.folder);
	tell(x, r, AUDIT_DONE, arena_printf(run_arena(r), "%s: %zu files", x->made.folder, x->made.tree.n));
	run_done(r, NULL);
}

/* Only the folder of ours is made on the way; a parent that was asked for must be there. */
static bool make_parent(struct run *r, const struct files_made *made, struct err *err)
{
	const char *parent = run_root(r) ? arena_printf(run_arena(r), "%s%s", run_root(r), MADE) : NULL;
	if (!parent || !str_starts(made->folder, parent) || made->folder[strlen(parent)] != '/')
		return true;
	int fd = file_folder(parent, err);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void start(struct making *x, struct run *r)
{
	static const char *const init[] = {"init", "-q", NULL};
	const struct request *q = run_request(r);
	struct err err;
	x->began = run_now(r);
	for (size_t i = 0; i < N_STEPS; i++)
		x->steps[i] = (struct step){.name = step_names[i], .state = STEP_WAITING};
	step(x, r, STEP_WRITE, STEP_RUNNING, NULL);
	if (!files_make(r, &q->wish, &x->made, &err)) {
		fail(x, r, STEP_WRITE, &err);
		return;
	}
	const char *dash = strchr(q->plan, '-');
	if (!dash || strncmp(dash + 1, x->made.hash, 16) != 0) {
		err_set(&err, ERR_REFUSED, "changed since the plan: look at it again");
		fail(x, r, STEP_WRITE, &err);
		return;
	}
	if (!make_parent(r, &x->made, &err)) {
		fail(x, r, STEP_WRITE, &err);
		return;
	}
	x->is_staged = tree_stage(&x->made.tree, x->made.folder, &x->stage, &err);
	if (!x->is_staged) {
		fail(x, r, STEP_WRITE, &err);
		return;
	}
	step(x, r, STEP_WRITE, STEP_DONE, NULL);
	step(x, r, STEP_INIT, STEP_RUNNING, NULL);
	tell(x, r, AUDIT_RECORDED, NULL);
	git(x, r, STEP_INIT, init);
}

static void commit(struct making *x, struct run *r)
{
	const char *text = arena_printf(run_arena(r), "Make %s from the golden path %s", x->made.name,
					x->made.path.name);
	const char *const arguments[] = {"commit", "-q", "-m", text, NULL};
	git(x, r, STEP_COMMIT, arguments);
}

/* A machine without git gets the service all the same; a person without a name in git gets a commit by
 * "fairway". */
static void git_ended(struct making *x, struct run *r, const struct input *in)
{
	static const char *const add[] = {"add", "-A", NULL};
	bool is_good = in->kind == INPUT_END && in->status == 0;
	if (is_good && in->tag == STEP_INIT) {
		step(x, r, STEP_INIT, STEP_DONE, NULL);
		step(x, r, STEP_COMMIT, STEP_RUNNING, NULL);
		git(x, r, TAG_ADD, add);
	} else if (is_good && in->tag == TAG_ADD) {
		commit(x, r);
	} else if (is_good) {
		step(x, r, STEP_COMMIT, STEP_DONE, NULL);
		land(x, r);
	} else if (in->tag == STEP_COMMIT && in->kind == INPUT_END && !x->has_identity) {
		x->has_identity = true;
		commit(x, r);
	} else {
		const char *why =
			in->kind == INPUT_FAIL ? in->err->text : arena_dup_n(run_arena(r), in->data, in->len);
		step(x, r, in->tag == STEP_INIT ? STEP_INIT : STEP_COMMIT, STEP_SKIPPED, why);
		if (in->tag == STEP_INIT)
			step(x, r, STEP_COMMIT, STEP_SKIPPED, NULL);
		land(x, r);
	}
}

static void on_execute(void *state, struct run *r, const struct input *in)
{
	if (in->kind == INPUT_START)
		start(state, r);
	else if (in->kind == INPUT_END || in->kind == INPUT_FAIL)
		git_ended(state, r, in);
}

static bool is_new(const struct request *q)
{
	return str_eq(q->wish.action, "new");
}

const struct query files_render = {.name = "render", .serves = REQUEST_RENDER, .on = on_render};
const struct query files_plan = {.name = "plan", .serves = REQUEST_PLAN, .suits = is_new, .on = on_plan};
const struct query files_execute = {
	.name = "new",
	.serves = REQUEST_EXECUTE,
	.suits = is_new,
	.size = sizeof(struct making),
	.on = on_execute,
	.finish = finish,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows out of folders, looked at again every few seconds; and the text of runbooks and of path.yaml. */
#include <string.h>

#include "backend/providers/files/files.h"
#include "base/carried.h"
#include "base/err.h"
#include "base/str.h"
#include "base/yaml.h"
#include "model/service_file.h"

#define LOOK_AGAIN_MS 5000

enum { TAG_FILES, TAG_AGAIN };

static const struct {
	const char *role, *suffix;
	enum record_kind kind;
} roles[] = {
	{"catalog", SERVICE_FILE_NAME, RECORD_SERVICE},
	{"runbooks", ".md", RECORD_RUNBOOK},
	{"paths", PATH_FILE_NAME, RECORD_PATH},
};

static size_t role_of(const struct run *r)
{
	size_t i = 0;
	while (i < 2 && !files_has_role(r, roles[i].role))
		i++;
	return i;
}

static void put_path(struct run *r, const struct path_file *f)
{
	struct path row;
	record_init(record_class(RECORD_PATH), &row);
	row.name = f->name;
	row.title = f->title;
	row.description = f->description;
	row.language = f->language;
	run_put(r, &row);
}

static void put_carried(struct run *r)
{
	char name[64];
	size_t index = 0;
	while (path_file_next_carried(&index, name)) {
		struct path_file f = {0};
		struct complaints complaints = {0};
		if (path_file_load_carried(&f, name, &complaints))
			put_path(r, &f);
		path_file_finish(&f);
		complaints_finish(&complaints);
	}
}

/* "a/b/c.md" is runbook c.md of the service in folder a/b, or of a when it lies in a/runbooks. */
static void put_runbook(struct run *r, const char *name)
{
	struct runbook row;
	record_init(record_class(RECORD_RUNBOOK), &row);
	const char *slash = strchr(name, '/');
	if (!slash)
		return;
	row.service = arena_dup_n(run_arena(r), name, (size_t)(slash - name));
	row.name = slash + 1;
	row.title = slash + 1;
	run_put(r, &row);
}

/* Where a service's file lies. */
static const char *folder_of(struct run *r, const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? arena_printf(run_arena(r), "%s/%.*s", files_folder(r), (int)(slash - name), name) : files_folder(r);
}

static bool put_service(struct run *r, const char *name, const char *bytes, size_t len, struct err *err)
{
	struct service_file f = {0};
	struct complaints complaints = {0};
	struct service row;
	if (!service_file_parse(&f, name, bytes, len, &complaints)) {
		err_set(err, ERR_USAGE, "%s", complaints.text ? complaints.text : name);
		complaints_finish(&complaints);
		return false;
	}
	record_init(record_class(RECORD_SERVICE), &row);
	row.name = f.name;
	row.team = f.team;
	row.tier = f.tier;
	row.language = f.language;
	row.lifecycle = f.lifecycle;
	row.description = f.description;
	row.health = HEALTH_UNKNOWN;
	row.folder = folder_of(r, name);
	row.dependencies = (struct texts){f.dependencies.items, f.dependencies.count};
	run_put(r, &row);
	service_file_finish(&f);
	complaints_finish(&complaints);
	return true;
}

static bool put_folder_path(struct run *r, const char *name, struct err *err)
{
	struct path_file f = {0};
	struct complaints complaints = {0};
	size_t len = strlen(name) - strlen(PATH_FILE_NAME);
	const char *folder = arena_printf(run_arena(r), "%s/%.*s", files_folder(r), (int)len, name);
	bool is_good = path_file_load_folder(&f, folder, &complaints);
	/* By that name it is found when a service is made of it. */
	if (is_good && (len < 2 || strlen(f.name) != len - 1 || strncmp(f.name, name, len - 1) != 0))
		complain(&complaints, name, 0, "name", f.name, "it must lie in the folder %s/%s",
			 files_folder(r), f.name);
	if (complaints.count)
		is_good = err_set(err, ERR_USAGE, "%s", complaints.text);
	else
		put_path(r, &f);
	path_file_finish(&f);
	complaints_finish(&complaints);
	return is_good;
}

struct watch {
	struct err wrong; /* the first file that cannot be read; the others are shown all the same */
};

static void put_file(struct run *r, const struct input *in, struct err *err)
{
	switch (roles[role_of(r)].kind) {
	case RECORD_SERVICE:
		put_service(r, in->name, in->data, in->len, err);
		break;
	case RECORD_RUNBOOK:
		put_runbook(r, in->name);
		break;
	default:
		put_folder_path(r, in->name, err);
		break;
	}
}

static void unit(struct watch *w, struct run *r, const struct input *in)
{
	struct err err = {0};
	if (in->err) {
		err = *in->err;
		err_prefix(&err, "%s/%s", files_folder(r), in->name);
	} else {
		put_file(r, in, &err);
	}
	if (err.kind && !w->wrong.kind)
		w->wrong = err;
}

static void look(struct watch *w, struct run *r)
{
	w->wrong = (struct err){0};
	run_begin(r, REQUEST_KIND(roles[role_of(r)].kind));
	if (files_has_role(r, "paths"))
		put_carried(r);
	if (files_folder(r)) {
		run_ask(r, &(struct ask){.kind = ASK_FILES, .tag = TAG_FILES, .folder = files_folder(r),
		                         .suffix = roles[role_of(r)].suffix});
		return;
	}
	run_sync(r, REQUEST_KIND(roles[role_of(r)].kind));
}

static void on(void *state, struct run *r, const struct input *in)
{
	struct watch *w = state;
	switch (in->kind) {
	case INPUT_START: /* what is carried never changes: it is looked at once */
	case INPUT_TIMER:
		look(w, r);
		break;
	case INPUT_UNIT:
		unit(w, r, in);
		break;
	case INPUT_END:
		run_sync(r, REQUEST_KIND(roles[role_of(r)].kind));
		if (w->wrong.kind)
			run_again(r, &w->wrong);
		else
			run_ask(r, &(struct ask){
					   .kind = ASK_TIMER, .tag = TAG_AGAIN, .after_ms = LOOK_AGAIN_MS});
		break;
	case INPUT_FAIL:
		run_again(r, in->err);
		break;
	case INPUT_HEAD:
		break;
	}
}

const struct query files_watch = {
	.name = "files", .serves = REQUEST_WATCH, .is_standing = true, /* a folder that is away fails, it never is silent */
	.size = sizeof(struct watch), .on = on,
};

struct reading {
	bool is_found;
};

static bool is_wanted(const struct request *q, const char *name)
{
	const char *slash = strchr(name, '/'), *folder = q->document == DOCUMENT_PATH ? q->name : q->service;
	if (!slash || !folder)
		return false;
	size_t len = (size_t)(slash - name);
	if (len != strlen(folder) || strncmp(name, folder, len) != 0)
		return false;
	if (q->document == DOCUMENT_PATH)
		return str_eq(slash + 1, PATH_FILE_NAME);
	return !q->name || str_eq(slash + 1, q->name);
}

static void send_text(struct reading *d, struct run *r, const char *text, size_t len)
{
	struct message *m = run_message(r, MESSAGE_DOCUMENT);
	d->is_found = true;
	m->document.text = arena_dup_n(&m->arena, text, len);
	m->document.len = len;
	run_send(r, m);
}

/* true: what is asked for comes later. */
static bool start_document(struct reading *d, struct run *r)
{
	const struct request *q = run_request(r);
	bool is_path = q->document == DOCUMENT_PATH;
	const struct carried *c =
		is_path && q->name && files_has_role(r, "paths")
			? carried_find(arena_printf(run_arena(r), "paths/%s/" PATH_FILE_NAME, q->name))
			: NULL;
	if (c)
		send_text(d, r, c->data, c->size);
	if (c || !files_folder(r) || files_has_role(r, "paths") != is_path)
		return false;
	run_ask(r, &(struct ask){.kind = ASK_FILES,
				 .folder = files_folder(r),
				 .suffix = is_path ? PATH_FILE_NAME : ".md"});
	return true;
}

static void on_document(void *state, struct run *r, const struct input *in)
{
	struct reading *d = state;
	struct err err;
	const struct request *q = run_request(r);
	bool is_asking = in->kind == INPUT_START && start_document(d, r);
	if (in->kind == INPUT_UNIT && !in->err && !d->is_found && is_wanted(q, in->name)) {
		send_text(d, r, in->data, in->len);
	} else if (in->kind == INPUT_FAIL) {
		run_done(r, in->err);
	} else if (!is_asking && (in->kind == INPUT_END || in->kind == INPUT_START)) {
		if (q->document == DOCUMENT_PATH)
			err_set(&err, ERR_NOT_FOUND, "there is no golden path %s", q->name);
		else
			err_set(&err, ERR_NOT_FOUND, "there is no runbook %s of %s", q->name ? q->name : "at all",
				q->service);
		run_done(r, d->is_found ? NULL : &err);
	}
}

static bool is_file(const struct request *q)
{
	return q->document == DOCUMENT_RUNBOOK || q->document == DOCUMENT_PATH;
}

const struct query files_document = {
	.name = "document", .serves = REQUEST_DOCUMENT, .suits = is_file, .size = sizeof(struct reading),
	.on = on_document,
};

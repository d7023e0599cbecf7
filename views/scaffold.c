/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new service from a golden path: form, checked as it is typed → preview of every file → the operation
 * `new`, whose plan, steps and proof views/operate.c shows. arg: the path's name, or "" for the first that
 * the program carries. Where there are several, the form's first field chooses; path.yaml is asked of its
 * source.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/path_file.h"
#include "model/records.h"
#include "tui/form.h"
#include "tui/layout.h"
#include "tui/list.h"
#include "views/reader.h"

#define FORM_FIELD_TO "as-far-as"
#define FORM_FIELD_PATH "golden-path"

struct scaffold {
	struct reader reader; /* the file that is previewed */
	struct path_file path;
	struct form *form;
	struct form_field *fields;
	const char **environments;    /* "nowhere yet", then names; texts in of_form, as of what follows */
	const char **paths;
	size_t n_paths;
	struct arena of_form, of_files; /* of_files: the preview */
	uint64_t asked;               /* for a path.yaml */
	char asked_name[64];
	struct str text;              /* of it, as it comes */
	struct made_files files;
	struct list list;
	bool is_previewing, is_typed;
	char told[320];
};

static bool check(const struct form_field *f, const char *value, char *error, size_t size, void *arg)
{
	struct err err = {0};
	(void)f;
	if (schema_check(arg, value, &err))
		return true;
	str_copy(error, size, err.text);
	return false;
}

static void fill_field(struct scaffold *s, struct form_field *f, const struct schema *p)
{
	const char **options = arena_alloc(&s->of_form, (p->choices.count + 1) * sizeof(*options));
	for (size_t i = 0; i < p->choices.count; i++)
		options[i] = p->choices.items[i];
	*f = (struct form_field){
		.name = p->name,
		.label = p->title,
		.help = p->description,
		.initial = p->default_value,
		.kind = p->is_secret                ? FORM_SECRET
			: p->choices.count          ? FORM_ENUM
			: p->type == SCHEMA_BOOLEAN ? FORM_BOOL
			: p->type == SCHEMA_INTEGER ? FORM_INT
						    : FORM_TEXT,
		.options = options,
		.n_options = p->choices.count,
		.is_required = !p->default_value,
		.check = check,
		.arg = (void *)p,
	};
}

static void add_environments(struct scaffold *s, struct form_field *f)
{
	const struct environment *all[64];
	size_t n = app_environments(s->reader.view.app, all, 64);
	s->environments = arena_alloc(&s->of_form, (n + 1) * sizeof(*s->environments));
	s->environments[0] = "nowhere yet";
	for (size_t i = 0; i < n; i++)
		s->environments[i + 1] = arena_dup(&s->of_form, all[i]->name);
	*f = (struct form_field){
		.name = FORM_FIELD_TO,
		.label = "As far as",
		.kind = FORM_ENUM,
		.options = s->environments,
		.n_options = n + 1,
		.initial = s->environments[n],
		.help = "Through every environment up to this one, then its alert is proved",
	};
}

static size_t add_paths(struct scaffold *s, struct form_field *f)
{
	struct records *table = app_records(s->reader.view.app, RECORD_PATH);
	s->paths = arena_alloc(&s->of_form, (records_count(table) + 1) * sizeof(*s->paths));
	s->n_paths = 0;
	for (record_handle h = records_next(table, RECORDS_NO_ROW); h; h = records_next(table, h))
		s->paths[s->n_paths++] =
			arena_dup(&s->of_form, ((const struct path *)records_row(table, h))->name);
	*f = (struct form_field){
		.name = FORM_FIELD_PATH,
		.label = "Golden path",
		.kind = FORM_ENUM,
		.options = s->paths,
		.n_options = s->n_paths,
		.initial = s->path.name,
		.help = "What the service is made from",
	};
	return s->n_paths > 1 ? 1 : 0;
}

/* The form of the path that was read last. */
static void make_form(struct scaffold *s)
{
	size_t n = s->path.n_parameters;
	form_free(s->form);
	arena_reset(&s->of_form);
	s->fields = arena_alloc(&s->of_form, (n + 2) * sizeof(*s->fields));
	size_t at = add_paths(s, s->fields);
	for (size_t i = 0; i < n; i++)
		fill_field(s, &s->fields[at++], &s->path.parameters[i]);
	add_environments(s, &s->fields[at++]);
	s->form = form_new(s->fields, at);
	app_stale(s->reader.view.app);
}

/* A wrong one is told, and the form stays that of the path before. */
static void take_path(struct scaffold *s, const char *name, const char *text, size_t len)
{
	struct path_file fresh;
	struct complaints wrong = {0};
	s->told[0] = '\0';
	if (path_file_parse(&fresh, name, text, len, &wrong)) {
		form_free(s->form);
		s->form = NULL; /* its fields are those of the path */
		path_file_finish(&s->path);
		s->path = fresh;
	} else {
		snprintf(s->told, sizeof(s->told), "%.*s", (int)strcspn(wrong.text, "\n"), wrong.text);
	}
	make_form(s);
	complaints_finish(&wrong);
}

static void ask_path(struct scaffold *s, const char *name)
{
	app_drop(s->reader.view.app, s->asked);
	str_reset(&s->text);
	str_copy(s->asked_name, sizeof(s->asked_name), name);
	s->asked = app_send(s->reader.view.app, &s->reader.view,
			    request_document(DOCUMENT_PATH, NULL, name, false));
}

static bool open_view(struct view *v, const char *arg, struct err *err)
{
	struct scaffold *s = (struct scaffold *)v;
	struct complaints wrong = {0};
	char first[64] = "";
	size_t index = 0;
	(void)err;
	path_file_next_carried(&index, first);
	path_file_load_carried(&s->path, first, &wrong);
	complaints_finish(&wrong);
	make_form(s);
	reader_init(&s->reader);
	if (arg[0] && !str_eq(arg, first))
		ask_path(s, arg);
	return true;
}

/* The answers as a wish; its pairs lie in the arena. */
static struct wish wish_of(struct scaffold *s)
{
	struct wish w;
	size_t n = s->path.n_parameters;
	struct pair *pairs = arena_alloc(&s->of_form, n * sizeof(*pairs));
	record_init(record_class(RECORD_WISH), &w);
	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct pair){s->path.parameters[i].name,
					 form_value(s->form, s->path.parameters[i].name)};
	const char *to = form_value(s->form, FORM_FIELD_TO);
	w.action = "new";
	w.path = s->path.name;
	w.service = form_value(s->form, "name");
	w.set = (struct pairs){pairs, n};
	w.environment = str_eq(to, s->environments[0]) ? NULL : to;
	return w;
}

static void show_file(struct scaffold *s)
{
	size_t at = list_index(&s->list);
	doc_reset(&s->reader.doc);
	if (at < s->files.n) {
		const char *text = s->files.items[at].text, *end = text + s->files.items[at].len;
		while (text < end) {
			const char *eol = memchr(text, '\n', (size_t)(end - text));
			doc_preformatted(&s->reader.doc, false);
			doc_add_n(&s->reader.doc, STYLE_TEXT, text, (size_t)((eol ? eol : end) - text));
			doc_newline(&s->reader.doc);
			text = eol ? eol + 1 : end;
		}
	}
	pager_finish(&s->reader.pager);
	reader_init(&s->reader);
	app_stale(s->reader.view.app);
}

static size_t files_count(void *arg)
{
	return ((struct scaffold *)arg)->files.n;
}

static uint64_t files_id(size_t at, void *arg)
{
	(void)arg;
	return at + 1;
}

static void files_draw(const struct canvas *row, size_t at, bool is_selected, void *arg)
{
	const struct made_file *f = &((struct scaffold *)arg)->files.items[at];
	(void)is_selected;
	canvas_text(row, 0, 1, f->is_executable ? STYLE_STRONG : STYLE_TEXT, f->path);
}

static void take_files(struct scaffold *s, const struct made_files *files)
{
	arena_reset(&s->of_files);
	struct made_file *items = arena_alloc(&s->of_files, files->n * sizeof(*items));
	for (size_t i = 0; i < files->n; i++) {
		items[i] = files->items[i];
		items[i].path = arena_dup(&s->of_files, files->items[i].path);
		items[i].text = arena_dup_n(&s->of_files, files->items[i].text, files->items[i].len);
	}
	s->files = (struct made_files){arena_dup(&s->of_files, files->folder), items, files->n};
	s->is_previewing = true;
	list_init(&s->list,
		  &(struct list_source){.count = files_count, .id = files_id, .draw = files_draw, .arg = s});
	list_sync(&s->list);
	show_file(s);
}

static void take_document(struct scaffold *s, const struct message *m)
{
	if (m->kind == MESSAGE_DOCUMENT)
		str_addn(&s->text, m->document.text, m->document.len);
	if (m->kind != MESSAGE_DONE)
		return;
	s->asked = 0;
	if (m->err.kind == ERR_NONE) {
		take_path(s, s->asked_name, str_text(&s->text), s->text.len);
		return;
	}
	make_form(s);
	str_copy(s->told, sizeof(s->told), m->err.text);
}

static void message(struct view *v, const struct message *m)
{
	struct scaffold *s = (struct scaffold *)v;
	if (m->request == s->asked)
		take_document(s, m);
	else if (m->kind == MESSAGE_FILES)
		take_files(s, &m->files);
	else if (m->kind == MESSAGE_DONE)
		str_copy(s->told, sizeof(s->told), m->err.kind != ERR_NONE ? m->err.text : "");
}

/* The form's first field may name another path now. */
static void choose_path(struct scaffold *s)
{
	const char *name = form_value(s->form, FORM_FIELD_PATH);
	if (name && !str_eq(name, s->asked ? s->asked_name : s->path.name))
		ask_path(s, name);
}

/* Paths that come to be known later are offered as well, as long as nothing is lost by that. */
static void changed(struct view *v, uint32_t kinds)
{
	struct scaffold *s = (struct scaffold *)v;
	(void)kinds;
	if (!s->is_typed && records_count(app_records(v->app, RECORD_PATH)) != s->n_paths)
		make_form(s);
}

static void preview(struct scaffold *s)
{
	struct wish w = wish_of(s);
	str_copy(s->told, sizeof(s->told), "making the preview…");
	app_send(s->reader.view.app, &s->reader.view, request_render(&w));
}

static bool key(struct view *v, const struct key *k)
{
	struct scaffold *s = (struct scaffold *)v;
	if (s->is_previewing) {
		bool is_hit;
		if (list_key(&s->list, k, &is_hit)) {
			show_file(s);
			return true;
		}
		return reader_key(v, k);
	}
	switch (form_key(s->form, k)) {
	case FORM_DONE:
		preview(s);
		break;
	case FORM_CANCELLED:
		app_close(v->app, v);
		break;
	case FORM_IGNORED:
		return false;
	case FORM_CHANGED:
		s->is_typed = true;
		choose_path(s);
		break;
	case FORM_TAKEN:
		break;
	}
	return true;
}

static bool widget(struct view *v, const char *command)
{
	struct scaffold *s = (struct scaffold *)v;
	if (!s->is_previewing)
		return false;
	if (str_eq(command, "pane-next") || str_eq(command, "pane-previous")) {
		list_move(&s->list, str_eq(command, "pane-next") ? LIST_DOWN : LIST_UP);
		show_file(s);
		return true;
	}
	return reader_widget(v, command);
}

static void draw_form(struct scaffold *s, const struct canvas *body)
{
	struct canvas c = layout_centre(body, body->rows, body->columns > 96 ? 96 : body->columns);
	struct canvas in = canvas_box(&c, &(struct canvas_box){.title = "New service", .is_focused = true});
	canvas_text(&in, 0, 1, STYLE_HEADING, s->path.title);
	canvas_field(&in, 1, 1, in.columns - 2, STYLE_DIM, UTF8_LEFT, s->path.description);
	struct canvas form = canvas_sub(&in, 3, 1, in.rows - 5, in.columns - 2);
	form_draw(s->form, &form);
	canvas_text(&in, in.rows - 1, 1, s->told[0] ? STYLE_ERROR : STYLE_DIM,
		    s->told[0] ? s->told : "tab next field   ctrl-s preview   esc gives up");
}

static void draw(struct view *v, const struct canvas *body)
{
	struct scaffold *s = (struct scaffold *)v;
	char title[200];
	if (!s->is_previewing) {
		draw_form(s, body);
		return;
	}
	struct canvas left, right;
	struct canvas line = canvas_sub(body, body->rows - 1, 0, 1, body->columns);
	struct canvas c = canvas_sub(body, 0, 0, body->rows - 1, body->columns);
	layout_columns(&c, 32, 24, 40, 0, &left, &right);
	snprintf(title, sizeof(title), "%zu files in %s", s->files.n, s->files.folder ? s->files.folder : "");
	struct canvas in = canvas_box(&left, &(struct canvas_box){.title = title, .is_focused = false});
	s->list.is_focused = true;
	list_draw(&s->list, &in);
	size_t at = list_index(&s->list);
	reader_draw(&s->reader, &right, at < s->files.n ? s->files.items[at].path : "", NULL);
	canvas_text(&line, 0, 1, STYLE_INFO,
		    "nothing is made yet: ctrl-s makes it, tab the next file, esc back to the form");
}

/* new, then up in the first environment, promoted from one to the next, and the alert of the last one proved.
 */
static void go(struct scaffold *s)
{
	struct app *app = s->reader.view.app;
	const struct environment *all[64];
	struct wish wishes[66], made = wish_of(s);
	size_t n = 0, environments = app_environments(app, all, 64);
	const char *to = made.environment;
	made.environment = NULL;
	made.folder = s->files.folder;
	wishes[n++] = made;
	for (size_t i = 0; to && i < environments; i++) {
		struct wish *w = &wishes[n++];
		record_init(record_class(RECORD_WISH), w);
		w->action = i ? "promote" : "up";
		w->service = made.service;
		w->folder = s->files.folder;
		w->environment = all[i]->name;
		w->from = i ? all[i - 1]->name : NULL;
		if (str_eq(all[i]->name, to))
			break;
	}
	if (to) {
		struct wish *w = &wishes[n++];
		record_init(record_class(RECORD_WISH), w);
		w->action = "prove";
		w->service = made.service;
		w->folder = s->files.folder;
		w->environment = to;
	}
	app_close(app, &s->reader.view); /* s lives until this key is done */
	app_target(app, made.service, to);
	app_operate_way(app, wishes, n, to);
}

static void run_confirm(struct app *app, struct view *v, const char *arg)
{
	struct scaffold *s = (struct scaffold *)v;
	(void)app, (void)arg;
	if (!s->is_previewing) {
		preview(s);
		return;
	}
	go(s);
}

static void run_back(struct app *app, struct view *v, const char *arg)
{
	struct scaffold *s = (struct scaffold *)v;
	(void)arg;
	if (s->is_previewing)
		s->is_previewing = false;
	else
		app_close(app, v);
}

static void close_view(struct view *v)
{
	struct scaffold *s = (struct scaffold *)v;
	reader_finish(&s->reader);
	form_free(s->form);
	path_file_finish(&s->path);
	str_finish(&s->text);
	arena_finish(&s->of_form);
	arena_finish(&s->of_files);
}

static const struct command commands[] = {
	{"confirm", "Go on: to the preview, then to the plan", 0, run_confirm},
	{"back", "Back to the form, then out", COMMAND_HIDDEN, run_back},
	READER_COMMANDS,
};
static const char *const layers[] = {"scaffold", "pager", NULL};
static const char *const footer[] = {"confirm", "back", NULL};
const struct view_class view_scaffold = {
	.name = "scaffold",
	.title = "New service",
	.help = "A new service from a golden path: form, preview, plan, proof",
	.size = sizeof(struct scaffold),
	.layers = layers,
	.footer = footer,
	VIEW_COMMANDS(commands),
	.shows = 1u << RECORD_PATH,
	.open = open_view,
	.message = message,
	.changed = changed,
	.draw = draw,
	.key = key,
	.widget = widget,
	.close = close_view,
};

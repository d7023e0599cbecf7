/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "model/record_json.h"
#include "platform/state_ring.h"
#include "platform/state_shelf.h"

#define SERIAL_NAME 160

struct change { /* of a begun transaction: to take it back, or to tell it after the commit */
	struct shelf *shelf;
	char *key;
	struct shelf_item old;
};
struct serial {
	char name[SERIAL_NAME];
	int64_t value;
	bool is_dirty;
};
struct waiting { /* for the next flush */
	struct shelf *shelf;
	char *key;
};

struct state {
	struct db *db;
	struct db_query *upsert, *erase, *count;
	struct shelf *shelves;
	size_t n_shelves;
	struct ring ring;
	int depth;
	bool is_broken; /* a write since the outermost begin failed */
	struct change *changes;
	size_t n_changes, cap_changes;
	struct waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct serial *serials;
	size_t n_serials;
	state_watcher *watcher;
	void *watcher_arg;
	void (*later)(void *arg);
	void *later_arg;
};

static struct shelf *shelf_of(const struct state *s, const struct record_class *class)
{
	for (size_t i = 0; i < s->n_shelves; i++)
		if (s->shelves[i].class == class)
			return &s->shelves[i];
	assert(!"a class that state_open() was not told of");
	return NULL;
}

static struct shelf *shelf_named(struct state *s, const char *name)
{
	for (size_t i = 0; i < s->n_shelves; i++)
		if (str_eq(s->shelves[i].class->name, name))
			return &s->shelves[i];
	return NULL;
}

static bool make_tables(struct state *s, struct err *err)
{
	return db_exec(s->db,
	               "CREATE TABLE IF NOT EXISTS record(class TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL,"
	               " PRIMARY KEY(class, key));"
	               "CREATE TABLE IF NOT EXISTS serial(name TEXT PRIMARY KEY, value INTEGER NOT NULL);",
	               err) &&
	       (s->upsert = db_prepare(s->db,
	                               "INSERT INTO record(class, key, json) VALUES(?1, ?2, ?3)"
	                               " ON CONFLICT(class, key) DO UPDATE SET json = excluded.json",
	                               err)) &&
	       (s->erase = db_prepare(s->db, "DELETE FROM record WHERE class = ?1 AND key = ?2", err)) &&
	       (s->count = db_prepare(s->db,
	                              "INSERT INTO serial(name, value) VALUES(?1, ?2)"
	                              " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	                              err));
}

static bool read_record(struct state *s, struct db_query *q, struct err *err)
{
	struct shelf *shelf = shelf_named(s, db_text(q, 0));
	if (!shelf || (shelf->class->flags & CLASS_VOLATILE))
		return true; /* of an older or newer program */
	struct arena arena = {0};
	void *record = arena_alloc(&arena, shelf->class->size);
	const char *json = db_text(q, 2);
	bool ok = record_from_text(shelf->class, json, strlen(json), record, &arena, err);
	if (ok) {
		struct shelf_item item, old;
		shelf_item_make(&item, shelf->class, record);
		old = shelf_swap(shelf, db_text(q, 1), &item);
		shelf_item_finish(&old);
	} else {
		err_prefix(err, "state.db: %s \"%s\"", db_text(q, 0), db_text(q, 1));
	}
	arena_finish(&arena);
	return ok;
}

static void add_serial(struct state *s, const char *name, int64_t value)
{
	s->serials = mem_grow(s->serials, s->n_serials + 1, sizeof(*s->serials));
	struct serial *serial = &s->serials[s->n_serials++];
	*serial = (struct serial){.value = value};
	bool fits = str_copy(serial->name, sizeof(serial->name), name);
	assert(fits);
	(void)fits;
}

static bool read_all(struct state *s, struct err *err)
{
	enum db_row row = DB_FAILED;
	struct db_query *q = db_prepare(s->db, "SELECT class, key, json FROM record ORDER BY rowid", err);
	while (q && (row = db_step(q, err)) == DB_ROW)
		if (!read_record(s, q, err)) {
			row = DB_FAILED;
			break;
		}
	db_finish(q);
	if (row != DB_DONE)
		return false;
	q = db_prepare(s->db, "SELECT name, value FROM serial", err);
	row = DB_FAILED;
	while (q && (row = db_step(q, err)) == DB_ROW)
		add_serial(s, db_text(q, 0), db_int(q, 1));
	db_finish(q);
	return row == DB_DONE;
}

struct state *state_open(const char *dir, const struct record_class *const *own, struct err *err)
{
	struct str path = {0};
	str_addf(&path, "%s/state.db", dir);
	struct db *db = db_open(path.s, err);
	str_finish(&path);
	if (!db)
		return NULL;
	struct state *s = mem_alloc(sizeof(*s));
	s->db = db;
	ring_init(&s->ring);
	size_t n_own = 0;
	while (own && own[n_own])
		n_own++;
	s->shelves = mem_array(RECORD_COUNT + n_own, sizeof(*s->shelves));
	for (int kind = 0; kind < RECORD_COUNT; kind++)
		s->shelves[s->n_shelves++].class = record_class((enum record_kind)kind);
	for (size_t i = 0; i < n_own; i++)
		s->shelves[s->n_shelves++].class = own[i];
	if (!make_tables(s, err) || !read_all(s, err)) {
		state_close(s);
		return NULL;
	}
	return s;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	state_flush(s, NULL);
	state_abort(s);
	db_finish(s->upsert);
	db_finish(s->erase);
	db_finish(s->count);
	db_close(s->db);
	for (size_t i = 0; i < s->n_shelves; i++)
		shelf_finish(&s->shelves[i]);
	for (size_t i = 0; i < s->n_waiting; i++)
		free(s->waiting[i].key);
	ring_finish(&s->ring);
	free(s->waiting);
	free(s->changes);
	free(s->serials);
	free(s->shelves);
	free(s);
}

struct db *state_db(struct state *s)
{
	return s->db;
}

/* ---- telling ---- */

static char *change_line(const struct state *s, const struct shelf *shelf, const char *key, const void *record,
                         size_t *len)
{
	char cursor[64];
	ring_cursor(&s->ring, s->ring.serial + 1, cursor);
	cJSON *line = cJSON_CreateObject();
	json_add_text(line, "type", record ? "PUT" : "DELETE");
	json_add_text(line, "kind", shelf->class->name);
	if (record)
		cJSON_AddItemToObject(line, "item", record_to_json(shelf->class, record));
	else
		json_add_text(line, "key", key);
	json_add_text(line, "cursor", cursor);
	struct str out = {0};
	char *text = json_print(line);
	str_add(&out, text);
	str_addc(&out, '\n');
	free(text);
	cJSON_Delete(line);
	*len = out.len;
	return str_detach(&out);
}

static void tell(struct state *s, struct shelf *shelf, const char *key)
{
	if (!(shelf->class->flags & CLASS_PUBLIC))
		return;
	const struct shelf_entry *e = shelf_find(shelf, key);
	size_t len;
	char *line = change_line(s, shelf, key, e ? e->item.record : NULL, &len);
	ring_add(&s->ring, shelf->class, line, len);
	if (s->watcher)
		s->watcher(shelf->class, line, len, s->watcher_arg);
}

/* ---- writing ---- */

static bool write_serials(struct state *s, struct err *err)
{
	for (size_t i = 0; i < s->n_serials; i++) {
		if (!s->serials[i].is_dirty)
			continue;
		db_bind_text(s->count, 1, s->serials[i].name);
		db_bind_int(s->count, 2, s->serials[i].value);
		if (!db_run(s->count, err))
			return false;
	}
	return true;
}

static void serials_are_written(struct state *s)
{
	for (size_t i = 0; i < s->n_serials; i++)
		s->serials[i].is_dirty = false;
}

static bool write_row(struct state *s, const struct record_class *class, const char *key, const void *record,
                      struct err *err)
{
	struct db_query *q = record ? s->upsert : s->erase;
	db_bind_text(q, 1, class->name);
	db_bind_text(q, 2, key);
	if (record) {
		char *json = record_to_text(class, record);
		db_bind_text(q, 3, json);
		free(json);
	}
	return db_run(q, err);
}

bool state_begin(struct state *s, struct err *err)
{
	if (s->depth == 0) {
		if (!db_begin(s->db, err))
			return false;
		s->is_broken = false;
	}
	s->depth++;
	return true;
}

bool state_is_begun(const struct state *s)
{
	return s->depth > 0;
}

void state_abort(struct state *s)
{
	if (s->depth == 0)
		return;
	s->depth = 0;
	db_rollback(s->db);
	while (s->n_changes > 0) {
		struct change *c = &s->changes[--s->n_changes];
		struct shelf_item gone = shelf_swap(c->shelf, c->key, &c->old);
		shelf_item_finish(&gone);
		free(c->key);
	}
}

bool state_commit(struct state *s, struct err *err)
{
	assert(s->depth > 0);
	if (s->depth > 1) {
		s->depth--;
		return true;
	}
	if (s->is_broken) {
		state_abort(s);
		return err_set(err, ERR_FAILED, "state.db: a part of the change could not be written; nothing of it is kept");
	}
	if (!write_serials(s, err) || !db_commit(s->db, err)) {
		state_abort(s);
		return false;
	}
	serials_are_written(s);
	s->depth = 0;
	/* A watcher may change the state: the list is taken first. */
	struct change *changes = s->changes;
	size_t n = s->n_changes;
	s->changes = NULL;
	s->n_changes = s->cap_changes = 0;
	for (size_t i = 0; i < n; i++) {
		tell(s, changes[i].shelf, changes[i].key);
		shelf_item_finish(&changes[i].old);
		free(changes[i].key);
	}
	free(changes);
	return true;
}

static void remember(struct state *s, struct shelf *shelf, const char *key, struct shelf_item old)
{
	if (s->n_changes == s->cap_changes) {
		s->cap_changes = s->cap_changes ? s->cap_changes * 2 : 16;
		s->changes = mem_grow(s->changes, s->cap_changes, sizeof(*s->changes));
	}
	s->changes[s->n_changes++] = (struct change){shelf, mem_dup(key), old};
}

/* record NULL: delete. */
static bool change(struct state *s, struct shelf *shelf, const char *key, const void *record, struct err *err)
{
	if (!state_begin(s, err))
		return false;
	if (!write_row(s, shelf->class, key, record, err)) {
		s->is_broken = true;
		if (s->depth == 1)
			state_abort(s);
		else
			s->depth--;
		return false;
	}
	struct shelf_item item = {0};
	if (record)
		shelf_item_make(&item, shelf->class, record);
	remember(s, shelf, key, shelf_swap(shelf, key, &item));
	return state_commit(s, err);
}

static void change_memory(struct state *s, struct shelf *shelf, const char *key, const void *record)
{
	struct shelf_item item = {0}, old;
	if (record)
		shelf_item_make(&item, shelf->class, record);
	old = shelf_swap(shelf, key, &item);
	tell(s, shelf, key);
	shelf_item_finish(&old);
}

/* Gives the key in *key; true when the record is as it was, which is then all that is done. */
static bool is_same(struct shelf *shelf, const void *record, struct str *key)
{
	record_key(shelf->class, record, key);
	str_addn(key, "", 0);
	const struct shelf_entry *e = shelf_find(shelf, str_text(key));
	if (!e || !e->item.record || !record_equal(shelf->class, e->item.record, record))
		return false;
	((struct record *)e->item.record)->as_of = ((const struct record *)record)->as_of;
	return true;
}

bool state_put(struct state *s, const struct record_class *class, const void *record, struct err *err)
{
	struct shelf *shelf = shelf_of(s, class);
	struct str key = {0};
	bool ok = true;
	if (!is_same(shelf, record, &key)) {
		if (class->flags & CLASS_VOLATILE)
			change_memory(s, shelf, str_text(&key), record);
		else
			ok = change(s, shelf, str_text(&key), record, err);
	}
	str_finish(&key);
	return ok;
}

bool state_delete(struct state *s, const struct record_class *class, const char *key, struct err *err)
{
	struct shelf *shelf = shelf_of(s, class);
	const struct shelf_entry *e = shelf_find(shelf, key);
	if (!e || !e->item.record)
		return true;
	char *copy = mem_dup(key); /* it may lie in the record */
	bool ok = true;
	if (class->flags & CLASS_VOLATILE)
		change_memory(s, shelf, copy, NULL);
	else
		ok = change(s, shelf, copy, NULL, err);
	free(copy);
	return ok;
}

void state_show(struct state *s, const struct record_class *class, const void *record)
{
	struct shelf *shelf = shelf_of(s, class);
	struct str key = {0};
	if (!is_same(shelf, record, &key))
		change_memory(s, shelf, str_text(&key), record);
	str_finish(&key);
}

void state_hide(struct state *s, const struct record_class *class, const char *key)
{
	struct shelf *shelf = shelf_of(s, class);
	const struct shelf_entry *e = shelf_find(shelf, key);
	if (!e || !e->item.record)
		return;
	char *copy = mem_dup(key);
	change_memory(s, shelf, copy, NULL);
	free(copy);
}

static void wait_for_flush(struct state *s, struct shelf *shelf, const char *key)
{
	for (size_t i = 0; i < s->n_waiting; i++)
		if (s->waiting[i].shelf == shelf && strcmp(s->waiting[i].key, key) == 0)
			return;
	if (s->n_waiting == s->cap_waiting) {
		s->cap_waiting = s->cap_waiting ? s->cap_waiting * 2 : 16;
		s->waiting = mem_grow(s->waiting, s->cap_waiting, sizeof(*s->waiting));
	}
	s->waiting[s->n_waiting++] = (struct waiting){shelf, mem_dup(key)};
	if (s->n_waiting == 1 && s->later)
		s->later(s->later_arg);
}

void state_put_later(struct state *s, const struct record_class *class, const void *record)
{
	struct shelf *shelf = shelf_of(s, class);
	struct str key = {0};
	if (!is_same(shelf, record, &key)) {
		change_memory(s, shelf, str_text(&key), record);
		wait_for_flush(s, shelf, str_text(&key));
	}
	str_finish(&key);
}

void state_on_later(struct state *s, void (*later)(void *arg), void *arg)
{
	s->later = later;
	s->later_arg = arg;
	if (s->n_waiting && later)
		later(arg);
}

bool state_flush(struct state *s, struct err *err)
{
	if (s->depth > 0)
		return err_set(err, ERR_FAILED, "state.db: a change is being written");
	if (s->n_waiting) {
		bool ok = db_begin(s->db, err);
		for (size_t i = 0; ok && i < s->n_waiting; i++) {
			const struct waiting *w = &s->waiting[i];
			const struct shelf_entry *e = shelf_find(w->shelf, w->key);
			ok = write_row(s, w->shelf->class, w->key, e ? e->item.record : NULL, err);
		}
		if (!ok || !write_serials(s, err) || !db_commit(s->db, err)) {
			db_rollback(s->db);
			return false;
		}
		serials_are_written(s);
		for (size_t i = 0; i < s->n_waiting; i++)
			free(s->waiting[i].key);
		s->n_waiting = 0;
	}
	for (size_t i = 0; i < s->n_shelves; i++)
		shelf_tidy(&s->shelves[i]);
	return true;
}

/* ---- reading ---- */

const void *state_get(const struct state *s, const struct record_class *class, const char *key)
{
	const struct shelf_entry *e = key ? shelf_find(shelf_of(s, class), key) : NULL;
	return e ? e->item.record : NULL;
}

const void *state_getf(const struct state *s, const struct record_class *class, const char *fmt, ...)
{
	struct str key = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&key, fmt, ap);
	va_end(ap);
	const void *record = state_get(s, class, str_text(&key));
	str_finish(&key);
	return record;
}

const void *state_next(const struct state *s, const struct record_class *class, size_t *index)
{
	const struct shelf *shelf = shelf_of(s, class);
	while (*index < shelf->n) {
		const void *record = shelf->entries[(*index)++].item.record;
		if (record)
			return record;
	}
	return NULL;
}

size_t state_count(const struct state *s, const struct record_class *class)
{
	return shelf_of(s, class)->live;
}

int64_t state_serial(struct state *s, const char *name)
{
	size_t i = 0;
	while (i < s->n_serials && strcmp(s->serials[i].name, name) != 0)
		i++;
	if (i == s->n_serials)
		add_serial(s, name, 0);
	s->serials[i].is_dirty = true;
	return ++s->serials[i].value;
}

void state_watch(struct state *s, state_watcher *watcher, void *arg)
{
	s->watcher = watcher;
	s->watcher_arg = arg;
}

void state_cursor(const struct state *s, char out[64])
{
	ring_cursor(&s->ring, s->ring.serial, out);
}

bool state_replay(const struct state *s, const char *cursor, state_watcher *watcher, void *arg)
{
	int64_t serial;
	if (!ring_find(&s->ring, cursor, &serial))
		return false;
	const struct ring_change *c;
	while ((c = ring_at(&s->ring, ++serial)))
		watcher(c->class, c->line, c->len, arg);
	return true;
}

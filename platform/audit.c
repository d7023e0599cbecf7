/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/audit.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record_json.h"
#include "platform/state.h"

/* What one operation can take: two rows of at most a few KiB, the journal's frames of the pages they touch, and the
 * records written with them. */
#define AUDIT_ROOM (256 * 1024)
#define AUDIT_SHOWN 2000
#define AUDIT_TEXT_MAX 2000 /* bytes of a reason or a detail */

struct audit {
	struct state *state;
	struct db *db;
	struct db_query *append, *head;
};

static void link_hash(const char *previous, const char *text, char out[HASH_HEX])
{
	struct hash hash;
	hash_start(&hash);
	hash_add_field(&hash, previous);
	hash_add_field(&hash, text);
	hash_finish_hex(&hash, out);
}

static void read_head(struct audit *audit, char out[HASH_HEX])
{
	out[0] = '\0';
	if (db_step(audit->head, NULL) == DB_ROW)
		str_copy(out, HASH_HEX, db_text(audit->head, 0));
	db_reset(audit->head);
}

static void show(struct audit *audit, const char *json, size_t len)
{
	struct arena arena = {0};
	struct audit_entry line;
	const struct record_class *class = record_class(RECORD_AUDIT);
	if (record_from_text(class, json, len, &line, &arena, NULL)) {
		const struct audit_entry *intent = state_get(audit->state, class, line.id);
		if (line.outcome_at && intent) {
			struct audit_entry both = *intent;
			both.state = line.state;
			both.outcome_at = line.outcome_at;
			both.detail = line.detail;
			both.previous = line.previous;
			both.hash = line.hash;
			line = both;
		}
		line.base.as_of = clock_wall_ms();
		state_show(audit->state, class, &line);
	}
	arena_finish(&arena);
}

/* The chained text holds all but the link itself, which is beside it. */
static void show_row(struct audit *audit, const char *text, const char *previous, const char *hash)
{
	cJSON *json = json_parse(text, strlen(text), NULL);
	if (!json)
		return;
	json_add_text(json, "previous", previous);
	json_add_text(json, "hash", hash);
	char *all = json_print(json);
	show(audit, all, strlen(all));
	free(all);
	cJSON_Delete(json);
}

static void show_newest(struct audit *audit)
{
	struct db_query *q = db_prepare(audit->db,
	                                "SELECT text, previous, hash FROM (SELECT * FROM audit ORDER BY seq DESC LIMIT ?1)"
	                                " ORDER BY seq",
	                                NULL);
	if (!q)
		return;
	db_bind_int(q, 1, AUDIT_SHOWN);
	while (db_step(q, NULL) == DB_ROW)
		show_row(audit, db_text(q, 0), db_text(q, 1), db_text(q, 2));
	db_finish(q);
}

struct audit *audit_new(struct state *state, struct err *err)
{
	struct audit *audit = mem_alloc(sizeof(*audit));
	audit->state = state;
	audit->db = state_db(state);
	bool ok = db_exec(audit->db,
	                  "CREATE TABLE IF NOT EXISTS audit(seq INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL,"
	                  " previous TEXT NOT NULL, hash TEXT NOT NULL);"
	                  "CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE UPDATE ON audit BEGIN"
	                  " SELECT RAISE(ABORT, 'audit entries cannot be changed'); END;"
	                  "CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit BEGIN"
	                  " SELECT RAISE(ABORT, 'audit entries cannot be deleted'); END;",
	                  err) &&
	          (audit->append = db_prepare(
		           audit->db, "INSERT INTO audit(text, previous, hash) VALUES(?1, ?2, ?3)", err)) &&
	          (audit->head = db_prepare(audit->db, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1", err));
	if (!ok) {
		audit_free(audit);
		return NULL;
	}
	show_newest(audit);
	return audit;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	db_finish(audit->append);
	db_finish(audit->head);
	free(audit);
}

static bool append(struct audit *audit, const struct audit_entry *line, struct err *err)
{
	char previous[HASH_HEX], hash[HASH_HEX];
	read_head(audit, previous);
	char *text = record_to_text(record_class(RECORD_AUDIT), line);
	link_hash(previous, text, hash);
	db_bind_text(audit->append, 1, text);
	db_bind_text(audit->append, 2, previous);
	db_bind_text(audit->append, 3, hash);
	bool ok = db_run(audit->append, err);
	if (ok)
		show_row(audit, text, previous, hash);
	free(text);
	return ok;
}

static const char *bounded(const char *text, char *room, size_t size)
{
	if (!text)
		return NULL;
	str_copy(room, size, text);
	return room;
}

bool audit_intent(struct audit *audit, const struct audit_entry *entry, char id[AUDIT_ID], struct err *err)
{
	char reason[AUDIT_TEXT_MAX];
	struct audit_entry line = *entry;
	if (!db_reserve(audit->db, AUDIT_ROOM, err))
		return err_prefix(err, "nothing was done");
	/* A plain insert is its own commit; with a serial that must be durable too it is a transaction of the state. */
	if (!state_begin(audit->state, err))
		return false;
	snprintf(id, AUDIT_ID, "a%lld", (long long)state_serial(audit->state, "audit"));
	line.id = id;
	line.at = clock_wall_ms();
	line.state = AUDIT_RECORDED;
	line.outcome_at = 0;
	line.detail = line.previous = line.hash = NULL;
	line.reason = bounded(entry->reason, reason, sizeof(reason));
	if (append(audit, &line, err))
		return state_commit(audit->state, err) || (state_hide(audit->state, record_class(RECORD_AUDIT), id), false);
	state_abort(audit->state);
	return false;
}

bool audit_outcome(struct audit *audit, const char *id, enum audit_state state, const char *detail, struct err *err)
{
	char text[AUDIT_TEXT_MAX];
	struct audit_entry line;
	record_init(record_class(RECORD_AUDIT), &line);
	line.id = id;
	line.state = state;
	line.outcome_at = clock_wall_ms();
	line.detail = bounded(detail, text, sizeof(text));
	return append(audit, &line, err);
}

bool audit_fact(struct audit *audit, const struct audit_entry *entry, enum audit_state state, const char *detail,
                struct err *err)
{
	char id[AUDIT_ID];
	if (!state_begin(audit->state, err))
		return false;
	if (audit_intent(audit, entry, id, err) && audit_outcome(audit, id, state, detail, err))
		return state_commit(audit->state, err);
	state_abort(audit->state);
	return false;
}

bool audit_verify(struct audit *audit, struct audit_check *check, struct err *err)
{
	*check = (struct audit_check){.is_ok = true};
	struct db_query *q = db_prepare(audit->db, "SELECT seq, text, previous, hash FROM audit ORDER BY seq", err);
	if (!q)
		return false;
	enum db_row row;
	while ((row = db_step(q, err)) == DB_ROW) {
		char hash[HASH_HEX];
		link_hash(check->head, db_text(q, 1), hash);
		check->entries++;
		/* A row that was taken out from the middle leaves a hole in the numbers too. */
		bool is_good = db_int(q, 0) == check->entries && str_eq(db_text(q, 2), check->head) &&
		               str_eq(db_text(q, 3), hash);
		if (!is_good && check->is_ok) {
			check->is_ok = false;
			check->first_bad = db_int(q, 0);
		}
		str_copy(check->head, sizeof(check->head), db_text(q, 3));
	}
	db_finish(q);
	return row == DB_DONE;
}

static bool login_uid(pid_t pid, uid_t *uid)
{
	char path[64], text[32] = {0};
	snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	long long value;
	text[n > 0 ? strcspn(text, "\n") : 0] = '\0';
	if (!str_to_int(text, 0, 0xfffffffeLL, &value))
		return false; /* 4294967295: never logged in */
	*uid = (uid_t)value;
	return true;
}

static void add_name(struct str *out, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char room[4096];
	if (getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found)
		str_add(out, entry.pw_name);
	else
		str_addf(out, "uid %u", (unsigned)uid);
}

void audit_who(uid_t uid, pid_t pid, const char *via, char out[AUDIT_WHO])
{
	struct str who = {0};
	uid_t login;
	add_name(&who, uid);
	if (login_uid(pid, &login) && login != uid) {
		str_add(&who, " (login ");
		add_name(&who, login);
		str_addc(&who, ')');
	}
	if (!str_empty(via)) {
		str_add(&who, " via ");
		for (int i = 0; via[i] && i < 64; i++)
			str_addc(&who, via[i] > ' ' && via[i] < 127 ? via[i] : ' ');
	}
	str_copy(out, AUDIT_WHO, str_text(&who));
	str_finish(&who);
}

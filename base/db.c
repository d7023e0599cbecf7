/* SPDX-License-Identifier: Apache-2.0 */
#include "base/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct db {
	sqlite3 *handle;
	char *path;
	int depth;             /* of nested begins */
	bool is_broken;        /* something since the outermost begin failed */
	int file, journal;     /* for db_reserve() only; closing one would drop SQLite's own lock, so they stay open */
};
struct db_query {
	struct db *db;
	sqlite3_stmt *stmt;
};

static bool fail(struct db *db, struct err *err, const char *what)
{
	int code = sqlite3_extended_errcode(db->handle);
	enum err_kind kind = code == SQLITE_FULL || code == SQLITE_BUSY ? ERR_REFUSED : ERR_FAILED;
	if ((code & 0xff) == SQLITE_NOMEM)
		mem_exhausted();
	if (code == SQLITE_FULL)
		return err_set(err, kind, "%s: no room left on the disk; make room, then try again", db->path);
	if ((code & 0xff) == SQLITE_BUSY)
		return err_set(err, kind, "%s: another process has it locked", db->path);
	return err_set(err, kind, "%s: %s: %s", db->path, what, sqlite3_errmsg(db->handle));
}

/* SQLite would make it with the umask's mode, and follow a link. */
static bool make_private(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_FAILED, errno, "%s", path);
	struct stat st;
	bool is_ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
	if (is_ours && (st.st_mode & 077))
		is_ours = fchmod(fd, 0600) == 0;
	close(fd);
	return is_ours || err_set(err, ERR_REFUSED, "%s is not a file of yours alone; move it away", path);
}

static int open_beside(const struct db *db, const char *suffix)
{
	struct str name = {0};
	str_addf(&name, "%s%s", db->path, suffix);
	int fd = open(name.s, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	str_finish(&name);
	return fd;
}

struct db *db_open(const char *path, struct err *err)
{
	if (!make_private(path, err))
		return NULL;
	struct db *db = mem_alloc(sizeof(*db));
	db->path = mem_dup(path);
	db->file = db->journal = -1;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		fail(db, err, "cannot open it");
		db_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db->handle, 0);
	/* The empty transaction takes the exclusive lock now and makes the journal, so that both are had or told here. */
	if (!db_exec(db,
	             "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	             "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
	             "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS opened(at INTEGER); COMMIT;",
	             err)) {
		db_close(db);
		return NULL;
	}
	db->file = open_beside(db, "");
	db->journal = open_beside(db, "-wal");
	return db;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	sqlite3_close(db->handle);
	if (db->file >= 0)
		close(db->file);
	if (db->journal >= 0)
		close(db->journal);
	free(db->path);
	free(db);
}

bool db_exec(struct db *db, const char *sql, struct err *err)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, err, "it refuses");
}

bool db_begin(struct db *db, struct err *err)
{
	if (db->depth == 0) {
		db->is_broken = false;
		if (!db_exec(db, "BEGIN IMMEDIATE", err))
			return false;
	}
	db->depth++;
	return true;
}

bool db_commit(struct db *db, struct err *err)
{
	if (--db->depth > 0)
		return true;
	if (db->is_broken) {
		db_rollback(db);
		return err_set(err, ERR_FAILED, "%s: a part of the change could not be written", db->path);
	}
	if (db_exec(db, "COMMIT", err))
		return true;
	db_rollback(db);
	return false;
}

void db_rollback(struct db *db)
{
	db->depth = 0;
	db->is_broken = false;
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

struct db_query *db_prepare(struct db *db, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		fail(db, err, sql);
		return NULL;
	}
	struct db_query *q = mem_alloc(sizeof(*q));
	*q = (struct db_query){db, stmt};
	return q;
}

void db_finish(struct db_query *q)
{
	if (!q)
		return;
	sqlite3_finalize(q->stmt);
	free(q);
}

void db_bind_text(struct db_query *q, int index, const char *text)
{
	if (sqlite3_bind_text(q->stmt, index, text, -1, SQLITE_TRANSIENT) == SQLITE_NOMEM)
		mem_exhausted();
}

void db_bind_int(struct db_query *q, int index, int64_t value)
{
	sqlite3_bind_int64(q->stmt, index, value);
}

enum db_row db_step(struct db_query *q, struct err *err)
{
	switch (sqlite3_step(q->stmt)) {
	case SQLITE_ROW:
		return DB_ROW;
	case SQLITE_DONE:
		return DB_DONE;
	default:
		q->db->is_broken = true;
		fail(q->db, err, "it cannot be read or written");
		return DB_FAILED;
	}
}

const char *db_text(struct db_query *q, int column)
{
	return (const char *)sqlite3_column_text(q->stmt, column);
}

int64_t db_int(struct db_query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

void db_reset(struct db_query *q)
{
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
}

bool db_run(struct db_query *q, struct err *err)
{
	enum db_row row;
	while ((row = db_step(q, err)) == DB_ROW)
		;
	db_reset(q);
	return row == DB_DONE;
}

static bool reserve(const struct db *db, int fd, int64_t bytes, struct err *err)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return true;
	/* Counted in blocks of 256 KiB, so that most calls find the room there already. */
	off_t end = (off_t)((st.st_size + bytes + 0x3ffff) & ~(int64_t)0x3ffff);
	if ((int64_t)st.st_blocks * 512 >= end || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, end) == 0)
		return true;
	if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
		return true;
	return err_errno(err, ERR_REFUSED, errno, "%s: no room can be kept for the audit entries", db->path);
}

bool db_reserve(struct db *db, int64_t bytes, struct err *err)
{
	return reserve(db, db->journal, bytes, err) && reserve(db, db->file, bytes, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_DB_H
#define BASE_DB_H
/*
 * SQLite, thinly: the only user of <sqlite3.h> (3.40). One process and one connection own a file: it is opened with
 * locking_mode EXCLUSIVE, journal WAL, synchronous FULL, and never waits for a lock of others. The file is made 0600
 * before SQLite sees it, and is never a symbolic link. Errors say which file. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct db;
struct db_query;

struct db *db_open(const char *path, struct err *); /* NULL on failure */
void db_close(struct db *);                         /* every query must be finished before */
/* One or more statements without results. */
bool db_exec(struct db *, const char *sql, struct err *);

/* Nested begins count: only the outermost commit reaches the disk. After a failure everything since the outermost
 * begin is gone; call db_rollback() then. */
bool db_begin(struct db *, struct err *);
bool db_commit(struct db *, struct err *);
void db_rollback(struct db *);

struct db_query *db_prepare(struct db *, const char *sql, struct err *); /* NULL on failure */
void db_finish(struct db_query *);
/* Parameters count from 1. Text is copied; NULL binds null. */
void db_bind_text(struct db_query *, int index, const char *text);
void db_bind_int(struct db_query *, int index, int64_t value);
enum db_row { DB_ROW, DB_DONE, DB_FAILED };
enum db_row db_step(struct db_query *, struct err *);
/* Columns count from 0; text is borrowed until the next step, NULL for null. */
const char *db_text(struct db_query *, int column);
int64_t db_int(struct db_query *, int column);
void db_reset(struct db_query *); /* ready to be bound and stepped anew */
/* Binds nothing, steps to the end, resets. */
bool db_run(struct db_query *, struct err *);

/* Takes room on the disk for `bytes` more in the journal and in the file itself (fallocate(2), past their ends), so
 * that commits of that size cannot fail for a full disk. File systems that cannot do so are taken as they are. */
bool db_reserve(struct db *, int64_t bytes, struct err *);
#endif

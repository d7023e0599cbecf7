/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERR_H
#define BASE_ERR_H
/*
 * Errors of users, files and networks. (Our own mistakes are assert(); running out of memory is mem.h.)
 *
 * A function that can fail returns bool and takes `struct err *` last. It fills the error only on
 * failure, with one sentence fit to show: what happened, where, what to do next. NULL is allowed and
 * means that the caller does not care. A struct err is a value: copy it freely, nothing to free.
 * Any thread.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_kind { /* each maps to one exit status of the command line, design: fairway(1), EXIT STATUS */
	ERR_NONE,
	ERR_FAILED,      /* 1: done and failed */
	ERR_USAGE,       /* 2: usage, configuration, a file that is wrong */
	ERR_REFUSED,     /* 3: guard, lock, permission, plan changed, read-only, not approved, no room for the audit */
	ERR_NOT_FOUND,   /* 4 */
	ERR_UNREACHABLE, /* 5: a source is down or stale */
	ERR_UNKNOWN,     /* 6: the request was out, its outcome is not known */
	ERR_MEMORY,      /* 70 */
	ERR_CANCELLED,   /* 130 */
};

struct err {
	enum err_kind kind;
	int code; /* HTTP status or errno where there is one, else 0 */
	char text[320];
};

/* Fills *err (text cut at its size, on a character's edge) and returns false, so that
 * `return err_set(err, ERR_USAGE, "…")` reads well. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set, then appends ": " and strerror(number); code becomes number. What failed for ENOMEM is ERR_MEMORY. */
bool err_errno(struct err *err, enum err_kind kind, int number, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Puts "WORDS: " before the text that is there. Returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_exit_status(enum err_kind kind);
/* The kind that an exit status or a kind's name ("refused") stands for; the names travel on the wire. */
const char *err_kind_name(enum err_kind kind);
enum err_kind err_kind_of(const char *name); /* ERR_FAILED for a name that is not known */

/*
 * Every complaint about a file at once: "file:line: key: "value": reason", one a line.
 * line 0 leaves ":line" out; key or value NULL leaves that part out. At most 100 are kept, then "and N more".
 */
struct complaints {
	char *text; /* NULL while there are none; owned */
	size_t len, count;
};
void complain(struct complaints *, const char *file, int line, const char *key, const char *value,
              const char *reason, ...) __attribute__((format(printf, 6, 7)));
/* Moves those of *from behind those of *to; *from is empty after. */
void complaints_join(struct complaints *to, struct complaints *from);
void complaints_finish(struct complaints *);
#endif

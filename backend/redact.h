/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BACKEND_REDACT_H
#define BACKEND_REDACT_H
/*
 * Every secret that was loaded, so that none of them leaves by accident: errors, messages, step output, the
 * audit and copies are searched for their values. Values shorter than REDACT_MIN bytes are not looked for:
 * they would be found in innocent text. The newest REDACT_MAX are kept, those of rotated tokens too. Any
 * thread (a lock of its own).
 */
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;
struct message;
struct redact;

#define REDACT_MIN 8
#define REDACT_MAX 64
#define REDACT_MARK "[redacted]"

struct redact *redact_new(void);
void redact_free(struct redact *); /* wipes them; NULL is fine */
void redact_add(struct redact *, const char *secret, size_t len);

/* The text without secrets: itself when it holds none, else a copy in the arena. NULL gives NULL. */
const char *redact_text(struct redact *, struct arena *, const char *text);
/* The same as a copy of its own, free() it; *out_len may be NULL. Text may hold any byte. */
char *redact_copy(struct redact *, const char *text, size_t len, size_t *out_len);
void redact_err(struct redact *, struct err *);
/* Everything that a message carries. The bytes of log lines keep their places: there a secret becomes
 * stars. */
void redact_message(struct redact *, struct message *);
#endif

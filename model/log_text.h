/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_TEXT_H
#define MODEL_LOG_TEXT_H
/*
 * What one log line says: its level, its message, its fields. Called when a line is shown or asked for its
 * level, not when it arrives. Understands a JSON object (RFC 8259), logfmt (key=value …) and plain text with
 * a level word ("ERROR", "[warn]", klog's "E0102 ", syslog's "<3>"). Any bytes are fine: what is no JSON is
 * plain text. Bounded: LOG_TEXT_FIELDS fields, LOG_TEXT_BYTES of unescaped text, nested values stay as their
 * JSON text. Pure, any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {                 /* in rising order, so that "at least warn" is a comparison */
		 LOG_LEVEL_NONE, /* the line does not say: shown as info is */
		 LOG_LEVEL_TRACE,
		 LOG_LEVEL_DEBUG,
		 LOG_LEVEL_INFO,
		 LOG_LEVEL_WARN,
		 LOG_LEVEL_ERROR,
		 LOG_LEVEL_FATAL,
};
const char *log_level_name(enum log_level); /* "", "trace", "debug", "info", "warn", "error", "fatal" */
/* "WARNING", "err", "critical", "E", "50" (as pino writes), …; LOG_LEVEL_NONE when it is no level. */
enum log_level log_level_of(const char *word, size_t len);

struct log_span { /* borrowed; not NUL-terminated */
	const char *s;
	size_t len;
};
struct log_field {
	struct log_span name, value;
};
#define LOG_TEXT_FIELDS 48
#define LOG_TEXT_BYTES 8192
enum log_form { LOG_FORM_PLAIN, LOG_FORM_JSON, LOG_FORM_LOGFMT };
struct log_text {
	enum log_form form;
	enum log_level level;
	struct log_span message; /* the whole line when it is plain */
	struct log_span error;   /* text of the error, stack or exception field; s NULL when there is none */
	struct log_span stamp;   /* time as the line tells it; s NULL when it does not */
	struct log_field fields[LOG_TEXT_FIELDS]; /* the rest, in the line's order */
	size_t n_fields;
	bool is_cut; /* fields or text were left out */
	char unescaped[LOG_TEXT_BYTES];
	size_t used;
};
/* Spans point into line or into *out: both must outlive their use. */
void log_text_parse(struct log_text *out, const char *line, size_t len);
/* The level alone: looks at the start of the line and at "level" members only. */
enum log_level log_text_level(const char *line, size_t len);
#endif

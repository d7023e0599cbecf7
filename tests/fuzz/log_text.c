/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: parts lie inside of the line or of its own memory; the buffer keeps the bytes of each. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/log_buffer.h"
#include "model/log_group.h"
#include "tests/fuzz/fuzz.h"

static void inside(const struct log_text *t, const char *line, size_t len, struct log_span part)
{
	if (!part.s || !part.len)
		return;
	bool in_line = part.s >= line && part.s + part.len <= line + len;
	assert(in_line || (part.s >= t->unescaped && part.s + part.len <= t->unescaped + t->used));
}

static void look_at(struct log_text *t, struct log_trace *trace, const char *line, size_t len)
{
	log_text_parse(t, line, len);
	assert(t->n_fields <= LOG_TEXT_FIELDS && t->used <= LOG_TEXT_BYTES);
	inside(t, line, len, t->message);
	inside(t, line, len, t->error);
	inside(t, line, len, t->stamp);
	for (size_t i = 0; i < t->n_fields; i++) {
		inside(t, line, len, t->fields[i].name);
		inside(t, line, len, t->fields[i].value);
	}
	log_text_level(line, len);
	log_trace_next(trace, line, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct log_buffer *b = log_buffer_new(&(struct log_limits){.bytes = 1u << 20, .lines = 1000});
	uint32_t instance = log_buffer_instance(b, "checkout", "prod", "checkout-prod-1");
	struct log_text *t = mem_alloc(sizeof(*t));
	struct log_trace trace = {0};
	const char *at = (const char *)data, *end = at + len;
	utf8_start_locale();
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		look_at(t, &trace, at, (size_t)(stop - at));
		log_buffer_add(b, instance, 1, at, (size_t)(stop - at));
		at = stop + 1;
	}
	log_buffer_settle(b, INT64_MAX);
	for (uint64_t i = log_buffer_first(b); i < log_buffer_end(b); i++) {
		struct str out = {0};
		struct log_entry entry;
		assert(log_buffer_entry(b, i, &entry) && entry.text[entry.len] == '\n');
		log_buffer_level(b, i);
		log_buffer_export(b, i, &out);
		assert(utf8_is_safe(str_text(&out), out.len));
		str_finish(&out);
	}
	free(t);
	log_buffer_free(b);
	return 0;
}

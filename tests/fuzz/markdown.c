/* SPDX-License-Identifier: Apache-2.0 */
/* Markdown: ends soon with any text, keeps its lines inside of its own text, and counts the code blocks it tells of. */
#include <string.h>

#include "base/err.h"
#include "tests/fuzz/fuzz.h"
#include "tui/doc.h"
#include "tui/markdown.h"

static void on_block(const struct markdown_block *b, void *arg)
{
	assert(b->number == ++*(int *)arg && b->info && b->code && strlen(b->code) == b->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct doc doc = {0};
	struct err err = {0};
	int blocks = 0;
	bool is_shown = markdown_render(&doc, (const char *)data, len, on_block, &blocks, &err);
	assert(is_shown || err.kind == ERR_REFUSED);
	for (size_t i = 0; i < doc.n_lines; i++) {
		size_t n;
		const char *line = doc_text(&doc, i, &n);
		assert(n == 0 || (line >= doc.text.s && line + n <= doc.text.s + doc.text.len));
		assert(n == 0 || !memchr(line, '\n', n));
		assert(doc.lines[i].tag <= blocks);
	}
	doc_finish(&doc);
	return 0;
}

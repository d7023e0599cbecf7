/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_LOG_BLOCK_H
#define MODEL_LOG_BLOCK_H
/*
 * The inside of a log buffer: blocks of lines. A group (a head and the lines that continue it) never spans
 * two blocks, so a block can be judged by itself and in any order. Of model/log_buffer and model/log_view
 * only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/log_buffer.h"

#define LOG_META_GAP 1u
#define LOG_META_CUT 2u
#define LOG_META_MARKED 4u
#define LOG_META_WIDE 8u /* has bytes above 127 */
#define LOG_META_NO_LEVEL 0xffu

struct log_meta {
	int64_t time;
	uint32_t instance;
	uint16_t back; /* lines back to the head; 0: is one */
	uint8_t level; /* of a head: enum log_level, or LOG_META_NO_LEVEL until it was asked for */
	uint8_t flags;
};
struct log_block {
	uint64_t first; /* number of its first line */
	char *bytes;    /* lines, each with its '\n' */
	uint32_t *starts;
	struct log_meta *lines;
	size_t len, n, cap_bytes, cap_lines;
	bool is_ascii;
};
static inline size_t log_block_length(const struct log_block *block, size_t i)
{
	size_t end = i + 1 < block->n ? block->starts[i + 1] : block->len;
	return end - block->starts[i] - 1;
}
/* NULL when the line is not kept. */
struct log_block *log_buffer_block_of(const struct log_buffer *, uint64_t number);
enum log_level log_block_level(struct log_block *, size_t line);
#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/log_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/log_block.h"
#include "model/log_wait.h"

#define DEFAULT_BYTES (64u * 1024 * 1024)
#define DEFAULT_LINES 1000000u
#define BLOCK_LINES 4096u

struct log_buffer {
	struct log_wait *wait;
	struct log_block **blocks; /* blocks[first_block .. n_blocks) are kept, oldest first */
	size_t first_block, n_blocks, cap_blocks;
	uint64_t end, evicted;
	size_t bytes;
	size_t max_bytes, max_lines, block_bytes, block_lines;
};

static size_t at_least(size_t value, size_t least)
{
	return value < least ? least : value;
}

struct log_buffer *log_buffer_new(const struct log_limits *limits)
{
	struct log_buffer *b = mem_alloc(sizeof(*b));
	b->max_bytes = limits && limits->bytes ? limits->bytes : DEFAULT_BYTES;
	b->max_lines = limits && limits->lines ? limits->lines : DEFAULT_LINES;
	b->block_bytes = at_least(b->max_bytes / 8, 64);
	b->block_lines = at_least(b->max_lines / 8, 4);
	if (b->block_bytes > LOG_BUFFER_BLOCK)
		b->block_bytes = LOG_BUFFER_BLOCK;
	if (b->block_lines > BLOCK_LINES)
		b->block_lines = BLOCK_LINES;
	b->wait = log_wait_new();
	return b;
}

static void block_free(struct log_block *block)
{
	free(block->bytes);
	free(block->starts);
	free(block->lines);
	free(block);
}

void log_buffer_clear(struct log_buffer *b)
{
	for (size_t i = b->first_block; i < b->n_blocks; i++)
		block_free(b->blocks[i]);
	b->first_block = b->n_blocks = 0;
	b->bytes = 0;
	log_wait_clear(b->wait);
}

void log_buffer_free(struct log_buffer *b)
{
	if (!b)
		return;
	log_buffer_clear(b);
	free(b->blocks);
	log_wait_free(b->wait);
	free(b);
}

uint32_t log_buffer_instance(struct log_buffer *b, const char *service, const char *environment,
			     const char *instance)
{
	return log_wait_stream(b->wait, service, environment, instance);
}

const struct log_instance *log_buffer_instance_at(const struct log_buffer *b, uint32_t number)
{
	return log_wait_instance(b->wait, number);
}

size_t log_buffer_instances(const struct log_buffer *b)
{
	return log_wait_streams(b->wait);
}

/* Blocks. */

static struct log_block *last_block(const struct log_buffer *b)
{
	return b->first_block < b->n_blocks ? b->blocks[b->n_blocks - 1] : NULL;
}

static size_t block_held(const struct log_block *block)
{
	return block->cap_bytes + block->cap_lines * (sizeof(*block->lines) + sizeof(*block->starts));
}

static void evict(struct log_buffer *b)
{
	while (b->n_blocks - b->first_block > 1 &&
	       (b->bytes > b->max_bytes || b->end - log_buffer_first(b) > b->max_lines)) {
		struct log_block *block = b->blocks[b->first_block++];
		b->evicted += block->n;
		b->bytes -= block_held(block);
		block_free(block);
	}
}

static struct log_block *open_block(struct log_buffer *b)
{
	if (b->n_blocks == b->cap_blocks && b->first_block > b->cap_blocks / 2) {
		memmove(b->blocks, b->blocks + b->first_block,
			(b->n_blocks - b->first_block) * sizeof(struct log_block *));
		b->n_blocks -= b->first_block;
		b->first_block = 0;
	} else if (b->n_blocks == b->cap_blocks) {
		b->cap_blocks = b->cap_blocks ? b->cap_blocks * 2 : 16;
		b->blocks = mem_grow(b->blocks, b->cap_blocks, sizeof(*b->blocks));
	}
	struct log_block *block = mem_alloc(sizeof(*block));
	block->first = b->end;
	block->is_ascii = true;
	b->blocks[b->n_blocks++] = block;
	return block;
}

static void block_reserve(struct log_buffer *b, struct log_block *block, size_t len)
{
	b->bytes -= block_held(block);
	if (block->cap_bytes < block->len + len) {
		size_t cap = at_least(at_least(block->cap_bytes * 2, 4096), block->len + len);
		if (cap > b->block_bytes)
			cap = at_least(b->block_bytes, block->len + len);
		block->bytes = mem_grow(block->bytes, cap, 1);
		block->cap_bytes = cap;
	}
	if (block->n == block->cap_lines) {
		block->cap_lines = block->cap_lines ? block->cap_lines * 2 : 64;
		block->starts = mem_grow(block->starts, block->cap_lines, sizeof(*block->starts));
		block->lines = mem_grow(block->lines, block->cap_lines, sizeof(*block->lines));
	}
	b->bytes += block_held(block);
}

static struct log_meta *find(const struct log_buffer *b, uint64_t number, struct log_block **out)
{
	struct log_block *block = log_buffer_block_of(b, number);
	if (!block)
		return NULL;
	*out = block;
	return &block->lines[number - block->first];
}

/* A trace goes on in the block of its head, so a block is left only for a line that begins a group. */
static bool is_full(const struct log_buffer *b, const struct log_block *block, size_t len)
{
	return block->len + len > b->block_bytes || block->n >= b->block_lines;
}

static void place(const struct log_waiting *w, struct log_stream *stream, void *arg)
{
	struct log_buffer *b = arg;
	struct log_block *block = last_block(b), *head_block;
	struct log_meta *head = w->continues && stream->has_head ? find(b, stream->head, &head_block) : NULL;
	bool is_joined = head && head_block == block && b->end - stream->head < LOG_BUFFER_GROUP_MAX &&
			 block->len + w->len < 2 * b->block_bytes;
	uint8_t level = head && !is_joined ? (uint8_t)log_buffer_level(b, stream->head) : LOG_META_NO_LEVEL;
	if (!block || (!is_joined && is_full(b, block, w->len + 1)))
		block = open_block(b);
	block_reserve(b, block, w->len + 1);
	struct log_meta *line = &block->lines[block->n];
	*line = (struct log_meta){.time = w->time,
				  .instance = w->stream,
				  .flags = w->flags,
				  .back = is_joined ? (uint16_t)(b->end - stream->head) : 0,
				  .level = level};
	if (!is_joined && !(w->flags & LOG_META_GAP)) {
		stream->head = b->end;
		stream->has_head = true;
	}
	block->starts[block->n] = (uint32_t)block->len;
	memcpy(block->bytes + block->len, w->text, w->len);
	block->bytes[block->len + w->len] = '\n';
	block->is_ascii = block->is_ascii && !(w->flags & LOG_META_WIDE);
	block->len += w->len + 1;
	block->n++;
	b->end++;
}

size_t log_buffer_settle(struct log_buffer *b, int64_t until)
{
	size_t n = log_wait_settle(b->wait, until, place, b);
	evict(b);
	return n;
}

static enum log_level head_level(struct log_buffer *b, uint32_t instance, const struct log_waiting *head)
{
	struct log_stream *stream = log_wait_stream_at(b->wait, instance);
	if (head)
		return log_text_level(head->text, head->len);
	return stream->has_head ? log_buffer_level(b, stream->head) : LOG_LEVEL_NONE;
}

void log_buffer_add(struct log_buffer *b, uint32_t instance, int64_t time, const char *bytes, size_t len)
{
	unsigned flags = len > LOG_BUFFER_LINE_MAX ? LOG_META_CUT : 0;
	if (len > LOG_BUFFER_LINE_MAX)
		len = LOG_BUFFER_LINE_MAX;
	struct log_stream *stream = log_wait_stream_at(b->wait, instance);
	enum log_continues is = log_trace_next(&stream->trace, bytes, len);
	if (is == LOG_CONTINUES_ERROR) {
		const struct log_waiting *head = log_wait_head(b->wait, instance);
		is = head_level(b, instance, head) >= LOG_LEVEL_WARN ? LOG_CONTINUES : LOG_HEAD;
	}
	log_wait_add(b->wait, instance, time, bytes, len, flags, is == LOG_CONTINUES);
}

void log_buffer_add_gap(struct log_buffer *b, uint32_t instance, int64_t time, const char *text)
{
	log_wait_add(b->wait, instance, time, text, strlen(text), LOG_META_GAP, false);
}

uint64_t log_buffer_first(const struct log_buffer *b)
{
	return b->first_block < b->n_blocks ? b->blocks[b->first_block]->first : b->end;
}

uint64_t log_buffer_end(const struct log_buffer *b)
{
	return b->end;
}

uint64_t log_buffer_evicted(const struct log_buffer *b)
{
	return b->evicted;
}

size_t log_buffer_bytes(const struct log_buffer *b)
{
	return b->bytes + log_wait_bytes(b->wait);
}

size_t log_buffer_waiting(const struct log_buffer *b)
{
	return log_wait_count(b->wait);
}

struct log_block *log_buffer_block_of(const struct log_buffer *b, uint64_t number)
{
	size_t low = b->first_block, high = b->n_blocks;
	if (low == high || number < b->blocks[low]->first || number >= b->end)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (b->blocks[middle]->first <= number)
			low = middle;
		else
			high = middle;
	}
	return b->blocks[low];
}

bool log_buffer_entry(const struct log_buffer *b, uint64_t number, struct log_entry *out)
{
	struct log_block *block;
	const struct log_meta *line = find(b, number, &block);
	if (!line)
		return false;
	size_t i = (size_t)(number - block->first);
	*out = (struct log_entry){.number = number,
				  .head = number - line->back,
				  .time = line->time,
				  .instance = line->instance,
				  .text = block->bytes + block->starts[i],
				  .len = log_block_length(block, i),
				  .is_gap = line->flags & LOG_META_GAP,
				  .is_cut = line->flags & LOG_META_CUT,
				  .is_marked = line->flags & LOG_META_MARKED};
	return true;
}

enum log_level log_buffer_level(struct log_buffer *b, uint64_t number)
{
	struct log_block *block;
	struct log_meta *line = find(b, number, &block);
	return line ? log_block_level(block, (size_t)(number - block->first)) : LOG_LEVEL_NONE;
}

enum log_level log_block_level(struct log_block *block, size_t i)
{
	i -= block->lines[i].back;
	struct log_meta *line = &block->lines[i];
	if (line->level == LOG_META_NO_LEVEL)
		line->level =
			(uint8_t)log_text_level(block->bytes + block->starts[i], log_block_length(block, i));
	return line->level;
}

uint64_t log_buffer_since(const struct log_buffer *b, int64_t time)
{
	for (size_t i = b->first_block; i < b->n_blocks; i++) {
		const struct log_block *block = b->blocks[i];
		if (!block->n || block->lines[block->n - 1].time < time)
			continue; /* late lines are rare: the last of a block tells enough */
		for (size_t k = 0; k < block->n; k++)
			if (block->lines[k].time >= time)
				return block->first + k;
	}
	return b->end;
}

void log_buffer_mark(struct log_buffer *b, uint64_t number, bool is_marked)
{
	struct log_block *block;
	struct log_meta *line = find(b, number, &block);
	if (line)
		line->flags = (uint8_t)((line->flags & ~LOG_META_MARKED) | (is_marked ? LOG_META_MARKED : 0));
}

void log_buffer_export(const struct log_buffer *b, uint64_t number, struct str *out)
{
	struct log_entry e;
	char stamp[CLOCK_TEXT];
	if (!log_buffer_entry(b, number, &e))
		return;
	const struct log_instance *from = log_buffer_instance_at(b, e.instance);
	clock_rfc3339(e.time, stamp);
	str_add(out, stamp);
	str_addc(out, ' ');
	utf8_cut(out, from->service ? from->service : "-", 64);
	str_addc(out, '/');
	utf8_cut(out, from->instance ? from->instance : "-", 64);
	str_add(out, e.is_gap ? " -- " : " ");
	utf8_mask(out, e.text, e.len, UTF8_ONE_LINE);
	str_addc(out, '\n');
}

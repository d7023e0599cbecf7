/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/redact.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/message.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

struct secret {
	char *bytes;
	size_t len;
};
struct redact {
	pthread_mutex_t lock;
	struct secret secrets[REDACT_MAX];
	size_t n, next; /* next: which one gives way when all are taken */
};

struct redact *redact_new(void)
{
	struct redact *r = mem_alloc(sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

static void forget(struct secret *s)
{
	if (s->bytes)
		explicit_bzero(s->bytes, s->len);
	free(s->bytes);
	*s = (struct secret){0};
}

void redact_free(struct redact *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		forget(&r->secrets[i]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static bool is_known(const struct redact *r, const char *secret, size_t len)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->secrets[i].len == len && memcmp(r->secrets[i].bytes, secret, len) == 0)
			return true;
	return false;
}

void redact_add(struct redact *r, const char *secret, size_t len)
{
	if (len < REDACT_MIN)
		return;
	pthread_mutex_lock(&r->lock);
	if (!is_known(r, secret, len)) {
		size_t at = r->n < REDACT_MAX ? r->n++ : r->next++ % REDACT_MAX;
		forget(&r->secrets[at]);
		r->secrets[at] = (struct secret){mem_dup_n(secret, len), len};
	}
	pthread_mutex_unlock(&r->lock);
}

/* The first secret in the text; of several that begin there the longest. NULL when there is none. */
static const char *find(const struct redact *r, const char *text, size_t len, size_t *found_len)
{
	const char *first = NULL;
	for (size_t i = 0; i < r->n; i++) {
		const char *at = memmem(text, len, r->secrets[i].bytes, r->secrets[i].len);
		if (at && (!first || at < first || (at == first && r->secrets[i].len > *found_len))) {
			first = at;
			*found_len = r->secrets[i].len;
		}
	}
	return first;
}

static bool has_secret(const struct redact *r, const char *text, size_t len)
{
	size_t found;
	return find(r, text, len, &found) != NULL;
}

static void replace(const struct redact *r, struct str *out, const char *text, size_t len)
{
	const char *end = text + len, *at;
	size_t found = 0;
	while ((at = find(r, text, (size_t)(end - text), &found))) {
		str_addn(out, text, (size_t)(at - text));
		str_add(out, REDACT_MARK);
		text = at + found;
	}
	str_addn(out, text, (size_t)(end - text));
}

static const char *replaced(const struct redact *r, struct arena *arena, const char *text, size_t *len)
{
	struct str out = {0};
	if (!text || !has_secret(r, text, *len))
		return text;
	replace(r, &out, text, *len);
	const char *copy = arena_dup_n(arena, str_text(&out), out.len);
	*len = out.len;
	str_finish(&out);
	return copy;
}

static const char *replaced_text(const struct redact *r, struct arena *arena, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	return replaced(r, arena, text, &len);
}

const char *redact_text(struct redact *r, struct arena *arena, const char *text)
{
	pthread_mutex_lock(&r->lock);
	text = replaced_text(r, arena, text);
	pthread_mutex_unlock(&r->lock);
	return text;
}

char *redact_copy(struct redact *r, const char *text, size_t len, size_t *out_len)
{
	struct str out = {0};
	pthread_mutex_lock(&r->lock);
	replace(r, &out, text, len);
	pthread_mutex_unlock(&r->lock);
	if (out_len)
		*out_len = out.len;
	return str_detach(&out);
}

static void clean_err(const struct redact *r, struct err *err)
{
	struct str out = {0};
	if (!has_secret(r, err->text, strlen(err->text)))
		return;
	replace(r, &out, err->text, strlen(err->text));
	str_copy(err->text, sizeof(err->text), str_text(&out));
	str_finish(&out);
}

void redact_err(struct redact *r, struct err *err)
{
	pthread_mutex_lock(&r->lock);
	clean_err(r, err);
	pthread_mutex_unlock(&r->lock);
}

/* --- messages --- */

static void clean_record(const struct redact *r, struct arena *arena, const struct record_class *class,
			 void *record);

static void clean_texts(const struct redact *r, struct arena *arena, struct texts *texts)
{
	const char **copy = arena_alloc(arena, (texts->n + 1) * sizeof(*copy));
	for (size_t i = 0; i < texts->n; i++)
		copy[i] = replaced_text(r, arena, texts->items[i]);
	texts->items = copy;
}

static void clean_pairs(const struct redact *r, struct arena *arena, struct pairs *pairs)
{
	struct pair *copy = arena_alloc(arena, (pairs->n + 1) * sizeof(*copy));
	for (size_t i = 0; i < pairs->n; i++)
		copy[i] = (struct pair){replaced_text(r, arena, pairs->items[i].key),
		                        replaced_text(r, arena, pairs->items[i].value)};
	pairs->items = copy;
}

static void clean_parts(const struct redact *r, struct arena *arena, const struct record_class *sub,
			struct parts *parts)
{
	if (!parts->n)
		return;
	char *copy = arena_alloc(arena, parts->n * sub->size);
	memcpy(copy, parts->items, parts->n * sub->size);
	for (size_t i = 0; i < parts->n; i++)
		clean_record(r, arena, sub, copy + i * sub->size);
	parts->items = copy;
}

static void clean_record(const struct redact *r, struct arena *arena, const struct record_class *class,
			 void *record)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		void *at = record_at(record, f);
		switch (f->type) {
		case FIELD_TEXT:
			*(const char **)at = replaced_text(r, arena, *(const char **)at);
			break;
		case FIELD_TEXTS:
			clean_texts(r, arena, at);
			break;
		case FIELD_PAIRS:
			clean_pairs(r, arena, at);
			break;
		case FIELD_PARTS:
		case FIELD_PART:
			clean_parts(r, arena, f->sub, at);
			break;
		default:
			break;
		}
	}
}

static void clean_changes(const struct redact *r, struct message *m)
{
	struct change *items = arena_alloc(&m->arena, (m->changes.n + 1) * sizeof(*items));
	memcpy(items, m->changes.items, m->changes.n * sizeof(*items));
	for (size_t i = 0; i < m->changes.n; i++) {
		if (items[i].what != CHANGE_PUT)
			continue;
		const struct record_class *class = record_class(items[i].kind);
		void *copy = arena_alloc(&m->arena, class->size);
		memcpy(copy, items[i].record, class->size);
		clean_record(r, &m->arena, class, copy);
		items[i].record = copy;
	}
	m->changes.items = items;
}

/* Lines are offsets into the block, so its length must stay. The block is the message's own. */
static void star_out(const struct redact *r, char *block, size_t len)
{
	char *end = block + len;
	size_t found = 0;
	const char *at;
	while ((at = find(r, block, (size_t)(end - block), &found))) {
		block += at - block;
		memset(block, '*', found);
		block += found;
	}
}

static void clean_logs(const struct redact *r, struct message *m)
{
	size_t len = 0;
	for (size_t i = 0; i < m->logs.n; i++)
		if (m->logs.lines[i].at + m->logs.lines[i].len > len)
			len = m->logs.lines[i].at + m->logs.lines[i].len;
	if (m->owned[0] == m->logs.block)
		star_out(r, m->owned[0], len);
}

static void clean_files(const struct redact *r, struct message *m)
{
	struct made_file *items = arena_alloc(&m->arena, (m->files.n + 1) * sizeof(*items));
	memcpy(items, m->files.items, m->files.n * sizeof(*items));
	for (size_t i = 0; i < m->files.n; i++)
		items[i].text = replaced(r, &m->arena, items[i].text, &items[i].len);
	m->files.items = items;
}

static void clean_message(const struct redact *r, struct message *m)
{
	switch (m->kind) {
	case MESSAGE_RECORDS:
		clean_changes(r, m);
		break;
	case MESSAGE_LOGS:
		clean_logs(r, m);
		break;
	case MESSAGE_DOCUMENT:
		m->document.text = replaced(r, &m->arena, m->document.text, &m->document.len);
		break;
	case MESSAGE_PLAN:
		clean_record(r, &m->arena, record_class(RECORD_PLAN), &m->plan);
		break;
	case MESSAGE_OPERATION:
		clean_record(r, &m->arena, record_class(RECORD_OPERATION), &m->operation);
		break;
	case MESSAGE_FILES:
		clean_files(r, m);
		break;
	case MESSAGE_DONE:
		clean_err(r, &m->err);
		break;
	default: /* numbers, and names that were asked for */
		break;
	}
}

void redact_message(struct redact *r, struct message *m)
{
	pthread_mutex_lock(&r->lock);
	if (r->n)
		clean_message(r, m);
	pthread_mutex_unlock(&r->lock);
}

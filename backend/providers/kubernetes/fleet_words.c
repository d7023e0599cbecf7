/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that repeat, and uids. */
#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/fleet.h"

struct kube_word {
	struct kube_word *next;
	uint32_t hash, uses;
	char text[];
};

static uint32_t hash_of(const char *text)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

static void grow(struct kube_words *w)
{
	size_t n = w->n_buckets ? 2 * w->n_buckets : 256;
	struct kube_word **buckets = mem_array(n, sizeof(struct kube_word *));
	for (size_t i = 0; i < w->n_buckets; i++)
		for (struct kube_word *word = w->buckets[i], *next; word; word = next) {
			next = word->next;
			word->next = buckets[word->hash & (n - 1)];
			buckets[word->hash & (n - 1)] = word;
		}
	free(w->buckets);
	w->buckets = buckets;
	w->n_buckets = n;
}

const char *kube_word_keep(struct kube_words *w, const char *text)
{
	if (!text)
		return NULL;
	if (w->n >= w->n_buckets)
		grow(w);
	uint32_t hash = hash_of(text);
	struct kube_word **at = &w->buckets[hash & (w->n_buckets - 1)];
	for (struct kube_word *word = *at; word; word = word->next)
		if (word->hash == hash && strcmp(word->text, text) == 0) {
			word->uses++;
			return word->text;
		}
	size_t len = strlen(text);
	struct kube_word *word = mem_alloc(sizeof(*word) + len + 1);
	*word = (struct kube_word){.next = *at, .hash = hash, .uses = 1};
	memcpy(word->text, text, len + 1);
	*at = word;
	w->n++;
	return word->text;
}

void kube_word_drop(struct kube_words *w, const char *text)
{
	if (!text)
		return;
	struct kube_word **at = &w->buckets[hash_of(text) & (w->n_buckets - 1)];
	while ((*at)->text != text)
		at = &(*at)->next;
	struct kube_word *word = *at;
	if (--word->uses > 0)
		return;
	*at = word->next;
	w->n--;
	free(word);
}

void kube_word_set(struct kube_words *w, const char **word, const char *text)
{
	const char *old = *word;
	*word = kube_word_keep(w, text);
	kube_word_drop(w, old);
}

void kube_words_finish(struct kube_words *w)
{
	for (size_t i = 0; i < w->n_buckets; i++)
		for (struct kube_word *word = w->buckets[i], *next; word; word = next) {
			next = word->next;
			free(word);
		}
	free(w->buckets);
	*w = (struct kube_words){0};
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "d9428888-122b-11e1-b85c-61cd3cbb3210", RFC 9562. */
static bool read_uuid(const char *text, struct kube_uid *uid)
{
	uint64_t half[2] = {0, 0};
	int n = 0;
	for (const char *c = text; *c; c++) {
		int at = (int)(c - text);
		if (at == 8 || at == 13 || at == 18 || at == 23) {
			if (*c != '-')
				return false;
			continue;
		}
		if (digit(*c) < 0 || n == 32)
			return false;
		half[n / 16] = half[n / 16] << 4 | (uint64_t)digit(*c);
		n++;
	}
	*uid = (struct kube_uid){half[0], half[1]};
	return n == 32;
}

struct kube_uid kube_uid_of(const char *text)
{
	struct kube_uid uid = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
	if (!text)
		return (struct kube_uid){0, 0};
	if (read_uuid(text, &uid))
		return uid;
	uid = (struct kube_uid){0xcbf29ce484222325u, 0x84222325cbf29ce4u};
	for (; *text; text++) {
		uid.a = (uid.a ^ (unsigned char)*text) * 0x100000001b3u;
		uid.b = (uid.b ^ ((unsigned char)*text + 0x5bu)) * 0x100000001b3u;
	}
	return uid;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes by uid, groups by namespace and service, and what becomes of them. Things are in fleet_thing.c, pods
 * in fleet_row.c. */
#include "backend/providers/kubernetes/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/alerts.h"
#include "backend/providers/kubernetes/records.h"

static bool is_same(struct kube_uid a, struct kube_uid b)
{
	return a.a == b.a && a.b == b.b;
}

static size_t bucket_of(const struct kube_fleet *f, struct kube_uid uid)
{
	return (size_t)((uid.a ^ uid.b) * 0x9e3779b97f4a7c15u >> 32) & (f->n_buckets - 1);
}

struct kube_node *kube_fleet_find(const struct kube_fleet *f, struct kube_uid uid, enum kube_node_type type)
{
	struct kube_node *n = f->n_buckets ? f->buckets[bucket_of(f, uid)] : NULL;
	while (n && !(n->type == type && is_same(n->uid, uid)))
		n = n->next;
	return n;
}

static void grow(struct kube_fleet *f)
{
	struct kube_node **old = f->buckets;
	size_t n_old = f->n_buckets;
	f->n_buckets = n_old ? 2 * n_old : 256;
	f->buckets = mem_array(f->n_buckets, sizeof(*f->buckets));
	for (size_t i = 0; i < n_old; i++)
		for (struct kube_node *n = old[i], *next; n; n = next) {
			size_t at = bucket_of(f, n->uid);
			next = n->next;
			n->next = f->buckets[at];
			f->buckets[at] = n;
		}
	free(old);
}

void kube_fleet_add(struct kube_fleet *f, struct kube_node *n)
{
	if (f->n_nodes >= f->n_buckets)
		grow(f);
	size_t at = bucket_of(f, n->uid);
	n->next = f->buckets[at];
	f->buckets[at] = n;
	f->n_nodes++;
}

void kube_fleet_remove(struct kube_fleet *f, struct kube_node *n)
{
	struct kube_node **at = &f->buckets[bucket_of(f, n->uid)];
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	f->n_nodes--;
}

/* --- groups --- */

void kube_fleet_touch(struct kube_fleet *f, struct kube_group *g)
{
	if (!g || g->is_dirty)
		return;
	g->is_dirty = true;
	g->next_dirty = f->dirty;
	f->dirty = g;
}

/* Words are one copy each: their addresses are as good as their texts. */
static struct kube_uid key_of(const char *one, const char *other)
{
	return (struct kube_uid){(uint64_t)(uintptr_t)one, (uint64_t)(uintptr_t)other};
}

static void name_group(struct kube_group *g)
{
	struct str shown = {0};
	str_add(&shown, g->service);
	if (g->name->is_split)
		str_addf(&shown, ".%s", g->namespace);
	free(g->shown);
	g->shown = str_detach(&shown);
}

/* From now on each of them has its namespace in its name; what was told of their pods is told anew. */
static void split(struct kube_fleet *f, struct kube_name *name)
{
	name->is_split = true;
	for (struct kube_group *g = name->groups; g; g = g->next_of_name) {
		name_group(g);
		kube_fleet_touch(f, g);
		f->wants_list = f->wants_list || g->n_pods > 0;
	}
}

struct kube_group *kube_group_of(struct kube_fleet *f, const char *namespace, const char *service)
{
	const char *ns = kube_word_keep(&f->words, namespace ? namespace : ""),
		   *word = kube_word_keep(&f->words, service);
	struct kube_uid uid = key_of(ns, word), name_uid = key_of(word, NULL);
	struct kube_group *g = (struct kube_group *)kube_fleet_find(f, uid, KUBE_NODE_GROUP);
	if (g) {
		kube_word_drop(&f->words, ns);
		kube_word_drop(&f->words, word);
		return g;
	}
	struct kube_name *name = (struct kube_name *)kube_fleet_find(f, name_uid, KUBE_NODE_NAME);
	if (!name) {
		name = mem_alloc(sizeof(*name));
		name->node = (struct kube_node){.uid = name_uid, .type = KUBE_NODE_NAME};
		kube_fleet_add(f, &name->node);
	}
	if (name->groups && !name->is_split)
		split(f, name);
	g = mem_alloc(sizeof(*g));
	*g = (struct kube_group){.node = {.uid = uid, .type = KUBE_NODE_GROUP},
				 .namespace = ns,
				 .service = word,
				 .name = name,
				 .next_of_name = name->groups};
	name->groups = g;
	name_group(g);
	kube_fleet_add(f, &g->node);
	kube_fleet_touch(f, g);
	f->n_groups++;
	return g;
}

static void free_group(struct kube_fleet *f, struct run *r, struct kube_group *g)
{
	if (r) {
		kube_records_gone(f, r, g);
		kube_alerts_drop(f, r, g);
	}
	if (g->is_counted)
		f->health.n[g->health]--;
	struct kube_group **at = &g->name->groups;
	while (*at != g)
		at = &(*at)->next_of_name;
	*at = g->next_of_name;
	if (!g->name->groups) { /* a split is remembered only while it lasts */
		kube_fleet_remove(f, &g->name->node);
		free(g->name);
	}
	kube_fleet_remove(f, &g->node);
	f->n_groups--;
	kube_word_drop(&f->words, g->version);
	kube_word_drop(&f->words, g->service);
	kube_word_drop(&f->words, g->namespace);
	free(g->shown);
	free(g->told_as);
	free(g);
}

/* What changes by itself now, and when the next does. */
static void touch_due(struct kube_fleet *f, int64_t now)
{
	kube_alerts_touch(f, now);
	for (size_t i = 0; i < f->n_buckets; i++)
		for (struct kube_node *n = f->buckets[i]; n; n = n->next) {
			struct kube_group *g = n->type == KUBE_NODE_GROUP ? (struct kube_group *)n : NULL;
			if (g && g->lock_until && g->lock_until <= now)
				kube_fleet_touch(f, g);
			else if (g && g->lock_until && (!f->due || g->lock_until < f->due))
				f->due = g->lock_until;
		}
}

bool kube_fleet_flush(struct kube_fleet *f, struct run *r)
{
	int64_t now = run_now(r);
	kube_rows_settle(f, r, now);
	kube_events_settle(f, r, now);
	if (f->due && f->due <= now)
		touch_due(f, now);
	while (f->is_listed && f->dirty) {
		struct kube_group *g = f->dirty;
		f->dirty = g->next_dirty;
		g->is_dirty = false;
		if (!g->things && !g->n_pods)
			free_group(f, r, g);
		else
			kube_records_group(f, r, g);
	}
	if (f->is_listed)
		kube_records_environment(f, r);
	return f->waiting || f->late;
}

/* --- lists --- */

void kube_fleet_begin(struct kube_fleet *f, uint16_t stream)
{
	for (size_t i = 0; i < f->n_buckets; i++)
		for (struct kube_node *n = f->buckets[i]; n; n = n->next)
			if (n->stream == stream)
				n->is_seen = false;
}

static bool is_told(const struct kube_node *n)
{
	switch (n->type) {
	case KUBE_NODE_POD:
	case KUBE_NODE_EVENT:
		return true;
	case KUBE_NODE_THING:
		return ((const struct kube_thing *)n)->is_told;
	default:
		return false;
	}
}

static void gone(struct kube_fleet *f, struct run *r, struct kube_node *n)
{
	if (n->type == KUBE_NODE_POD)
		kube_row_gone(f, r, (struct kube_row *)n);
	else if (n->type == KUBE_NODE_THING)
		kube_thing_gone(f, r, (struct kube_thing *)n);
	else
		kube_event_gone(f, r, n);
}

/* Taking one out may take out others, so they are gathered first. */
void kube_fleet_sweep(struct kube_fleet *f, struct run *r, uint16_t stream)
{
	struct kube_uid *lost = NULL;
	uint8_t *types = NULL;
	size_t n_lost = 0, cap = 0;
	for (size_t i = 0; i < f->n_buckets; i++)
		for (struct kube_node *n = f->buckets[i]; n; n = n->next) {
			if (n->stream != stream || n->is_seen || !is_told(n))
				continue;
			if (n_lost == cap) {
				cap = cap ? 2 * cap : 64;
				lost = mem_grow(lost, cap, sizeof(*lost));
				types = mem_grow(types, cap, sizeof(*types));
			}
			lost[n_lost] = n->uid;
			types[n_lost++] = n->type;
		}
	for (size_t i = 0; i < n_lost; i++) {
		struct kube_node *n = kube_fleet_find(f, lost[i], types[i]);
		if (n)
			gone(f, r, n);
	}
	free(lost);
	free(types);
}

void kube_fleet_delete(struct kube_fleet *f, struct run *r, const cJSON *object)
{
	struct kube_meta m;
	kube_meta_read(object, &m);
	struct kube_uid uid = kube_uid_of(m.uid);
	struct kube_node *n = kube_fleet_find(f, uid, KUBE_NODE_POD);
	if (!n)
		n = kube_fleet_find(f, uid, KUBE_NODE_THING);
	if (!n)
		n = kube_fleet_find(f, uid, KUBE_NODE_EVENT);
	if (m.uid && n && is_told(n))
		gone(f, r, n);
}

/* --- the end: nothing is told --- */

static void free_node(struct kube_fleet *f, struct kube_node *n)
{
	if (n->type == KUBE_NODE_POD) {
		struct kube_row *row = (struct kube_row *)n;
		if (row->side)
			kube_side_free(f, row->side);
		free(row->id);
	} else if (n->type == KUBE_NODE_THING) {
		kube_thing_free(f, (struct kube_thing *)n);
	} else if (n->type == KUBE_NODE_GROUP) {
		struct kube_group *g = (struct kube_group *)n;
		kube_alerts_free(g->alerts);
		free(g->shown);
		free(g->told_as);
	}
	free(n);
}

void kube_fleet_finish(struct kube_fleet *f)
{
	static const uint8_t order[] = {KUBE_NODE_POD,   KUBE_NODE_EVENT, KUBE_NODE_THING,
					KUBE_NODE_GROUP, KUBE_NODE_NAME,  KUBE_NODE_POD_NAME};
	kube_events_finish(f);
	for (size_t k = 0; k < sizeof(order); k++)
		for (size_t i = 0; i < f->n_buckets; i++) {
			struct kube_node **at = &f->buckets[i];
			while (*at) {
				struct kube_node *n = *at;
				if (n->type != order[k]) {
					at = &n->next;
					continue;
				}
				*at = n->next;
				free_node(f, n);
			}
		}
	free(f->buckets);
	kube_words_finish(&f->words);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define MAX_ANCHORS 256

struct anchor {
	const char *name;
	const struct yaml_node *node; /* NULL while it is still open: an alias to it would never end */
};

struct loader {
	struct yaml *y;
	yaml_parser_t parser;
	size_t nodes, depth, n_anchors;
	struct anchor anchors[MAX_ANCHORS];
};

static bool refuse(struct loader *l, size_t line, const char *what)
{
	complain(l->y->complaints, l->y->file, (int)line, NULL, NULL, "%s", what);
	return false;
}

static size_t event_line(const yaml_event_t *ev)
{
	return ev->start_mark.line + 1;
}

static bool parser_failed(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	if (p->error == YAML_MEMORY_ERROR)
		mem_exhausted();
	size_t line = (p->error == YAML_READER_ERROR ? p->mark.line : p->problem_mark.line) + 1;
	if (p->error == YAML_READER_ERROR)
		return refuse(l, line,
			      "holds a byte that is no text: YAML is UTF-8 without control characters");
	const char *problem = p->problem ? p->problem : "cannot be read";
	complain(l->y->complaints, l->y->file, (int)line, NULL, NULL, "not valid YAML: %s%s%s", problem,
	         p->context ? " " : "", p->context ? p->context : "");
	return false;
}

static struct yaml_node *new_node(struct loader *l, enum yaml_kind kind, size_t line)
{
	size_t max = l->y->max_nodes ? l->y->max_nodes : YAML_MAX_NODES;
	if (++l->nodes > max) {
		complain(l->y->complaints, l->y->file, (int)line, NULL, NULL,
			 "too big: more than %zu values, those of aliases included", max);
		return NULL;
	}
	struct yaml_node *n = arena_alloc(l->y->arena, sizeof(*n));
	n->kind = kind;
	n->line = (int)line;
	return n;
}

/* Escapes in double quotes ("\e", "\0") make control characters that libyaml's reader does not see. */
static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
			return true;
		if (c == 0xC2 && i + 1 < len && (unsigned char)s[i + 1] < 0xA0)
			return true;
	}
	return false;
}

static const char *event_text(struct loader *l, const yaml_event_t *ev)
{
	const char *s = (const char *)ev->data.scalar.value;
	if (!has_control(s, ev->data.scalar.length))
		return arena_dup_n(l->y->arena, s, ev->data.scalar.length);
	refuse(l, event_line(ev), "holds a control character");
	return NULL;
}

static bool anchor_open(struct loader *l, const yaml_char_t *name, size_t line, size_t *slot)
{
	*slot = MAX_ANCHORS;
	if (!name)
		return true;
	if (l->n_anchors == MAX_ANCHORS)
		return refuse(l, line, "too many anchors: at most 256");
	*slot = l->n_anchors++;
	l->anchors[*slot] = (struct anchor){.name = arena_dup(l->y->arena, (const char *)name)};
	return true;
}

static void anchor_close(struct loader *l, size_t slot, const struct yaml_node *node)
{
	if (slot < MAX_ANCHORS)
		l->anchors[slot].node = node;
}

struct tail { /* where the next child goes */
	struct yaml_node *parent, *last;
};

static void append(struct tail *t, struct yaml_node *child, const char *key)
{
	child->key = key;
	child->parent = t->parent;
	child->index = t->parent->count++;
	if (t->last)
		t->last->next = child;
	else
		t->parent->first = child;
	t->last = child;
}

/* An alias becomes a copy, so that every node has one parent and its own key path. */
static struct yaml_node *copy_tree(struct loader *l, const struct yaml_node *from, size_t line)
{
	if (l->depth >= YAML_MAX_DEPTH) {
		refuse(l, line, "nested too deep: at most 64 levels");
		return NULL;
	}
	struct yaml_node *to = new_node(l, from->kind, line);
	if (!to)
		return NULL;
	to->text = from->text;
	to->is_quoted = from->is_quoted;
	struct tail tail = {.parent = to};
	l->depth++;
	for (const struct yaml_node *c = from->first; c; c = c->next) {
		struct yaml_node *copy = copy_tree(l, c, line);
		if (!copy)
			return NULL;
		append(&tail, copy, c->key);
	}
	l->depth--;
	return to;
}

static struct yaml_node *from_alias(struct loader *l, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	for (size_t i = l->n_anchors; i-- > 0;) {
		if (strcmp(l->anchors[i].name, name) != 0)
			continue;
		if (l->anchors[i].node)
			return copy_tree(l, l->anchors[i].node, event_line(ev));
		refuse(l, event_line(ev), "an alias inside of what it names");
		return NULL;
	}
	complain(l->y->complaints, l->y->file, (int)event_line(ev), NULL, name,
		 "no such anchor before this alias");
	return NULL;
}

static struct yaml_node *from_event(struct loader *, const yaml_event_t *);

static bool next_event(struct loader *l, yaml_event_t *ev)
{
	return yaml_parser_parse(&l->parser, ev) || parser_failed(l);
}

/* The key of the pair that starts with *ev, or NULL after a complaint. */
static const char *read_key(struct loader *l, const yaml_event_t *ev)
{
	if (ev->type == YAML_SCALAR_EVENT)
		return event_text(l, ev);
	refuse(l, event_line(ev), "a key must be text");
	return NULL;
}

static bool read_child(struct loader *l, struct tail *tail, const yaml_event_t *first)
{
	const char *key = NULL;
	yaml_event_t value;
	if (tail->parent->kind == YAML_MAP) {
		key = read_key(l, first);
		if (!key || !next_event(l, &value))
			return false;
	}
	struct yaml_node *child = from_event(l, key ? &value : first);
	if (key)
		yaml_event_delete(&value);
	if (child)
		append(tail, child, key);
	return child != NULL;
}

static bool read_children(struct loader *l, struct yaml_node *parent, yaml_event_type_t end)
{
	struct tail tail = {.parent = parent};
	for (;;) {
		yaml_event_t ev;
		if (!next_event(l, &ev))
			return false;
		bool at_end = ev.type == end;
		bool good = at_end || read_child(l, &tail, &ev);
		yaml_event_delete(&ev);
		if (at_end || !good)
			return good;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a,
			       *y = *(const struct yaml_node *const *)b;
	int d = strcmp(x->key, y->key);
	return d ? d : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, since a hostile map of 10,000 keys must not cost 10^8 comparisons. */
static void find_twins(struct loader *l, const struct yaml_node *map)
{
	if (map->count < 2)
		return;
	const struct yaml_node **all = mem_array(map->count, sizeof(*all));
	size_t n = 0;
	for (const struct yaml_node *c = map->first; c; c = c->next)
		all[n++] = c;
	qsort(all, n, sizeof(*all), by_key);
	for (size_t i = 1; i < n; i++)
		if (strcmp(all[i]->key, all[i - 1]->key) == 0)
			yaml_complain(l->y, all[i], "given twice: it is on line %d already",
				      all[i - 1]->line);
	free(all);
}

static struct yaml_node *from_branch(struct loader *l, const yaml_event_t *ev)
{
	bool is_map = ev->type == YAML_MAPPING_START_EVENT;
	size_t line = event_line(ev), slot;
	if (l->depth >= YAML_MAX_DEPTH) {
		refuse(l, line, "nested too deep: at most 64 levels");
		return NULL;
	}
	struct yaml_node *n = new_node(l, is_map ? YAML_MAP : YAML_LIST, line);
	const yaml_char_t *name = is_map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	if (!n || !anchor_open(l, name, line, &slot))
		return NULL;
	l->depth++;
	if (!read_children(l, n, is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT))
		return NULL;
	l->depth--;
	anchor_close(l, slot, n);
	return n;
}

static struct yaml_node *from_scalar(struct loader *l, const yaml_event_t *ev)
{
	size_t slot;
	struct yaml_node *n = new_node(l, YAML_TEXT, event_line(ev));
	if (!n || !anchor_open(l, ev->data.scalar.anchor, event_line(ev), &slot))
		return NULL;
	n->is_quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	n->text = event_text(l, ev);
	anchor_close(l, slot, n);
	return n->text ? n : NULL;
}

static struct yaml_node *from_event(struct loader *l, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_ALIAS_EVENT:
		return from_alias(l, ev);
	case YAML_SCALAR_EVENT:
		return from_scalar(l, ev);
	default: /* in a document's body the grammar leaves only these two */
		return from_branch(l, ev);
	}
}

static bool read_document(struct loader *l, struct yaml_node **root)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	while (type != YAML_STREAM_END_EVENT) {
		yaml_event_t ev;
		if (!next_event(l, &ev))
			return false;
		type = ev.type;
		bool good = true;
		switch (type) {
		case YAML_STREAM_START_EVENT:
		case YAML_STREAM_END_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			good = !*root || l->y->is_lax ||
			       refuse(l, event_line(&ev), "a second document: only one is read");
			type = *root && good ? YAML_STREAM_END_EVENT : type;
			break;
		default:
			*root = from_event(l, &ev);
			good = *root != NULL;
		}
		yaml_event_delete(&ev);
		if (!good)
			return false;
	}
	return true;
}

static void find_all_twins(struct loader *l, const struct yaml_node *n)
{
	if (n->kind == YAML_MAP)
		find_twins(l, n);
	for (const struct yaml_node *c = n->first; c; c = c->next)
		find_all_twins(l, c);
}

/* --- the lax reading --- */

struct nodes {
	struct yaml_node **items;
	size_t n;
};

static void add_node(struct nodes *to, const struct yaml_node *n)
{
	to->items = mem_grow(to->items, to->n + 1, sizeof(struct yaml_node *));
	to->items[to->n++] = (struct yaml_node *)n; /* the arena's, and of this loader */
}

static void add_all(struct nodes *to, const struct yaml_node *parent)
{
	for (const struct yaml_node *c = parent->first; c; c = c->next)
		add_node(to, c);
}

/* Pairs of the maps that "<<" names, as if they stood there: of a list the first map wins. */
static bool add_merged(struct loader *l, struct nodes *to, const struct yaml_node *from)
{
	struct nodes maps = {0};
	bool good = from->kind != YAML_TEXT;
	if (from->kind == YAML_LIST)
		add_all(&maps, from);
	else
		add_node(&maps, from);
	for (size_t i = maps.n; i-- > 0 && good;) {
		good = maps.items[i]->kind == YAML_MAP;
		if (good)
			add_all(to, maps.items[i]);
	}
	free(maps.items);
	return good || refuse(l, (size_t)from->line, "only maps can be merged");
}

/* Of each key the last one stays. */
static void relink(struct yaml_node *map, struct nodes *all)
{
	for (size_t i = 0; i < all->n; i++)
		all->items[i]->index = i;
	struct yaml_node **sorted = mem_array(all->n + 1, sizeof(struct yaml_node *));
	if (all->n)
		memcpy(sorted, all->items, all->n * sizeof(struct yaml_node *));
	qsort(sorted, all->n, sizeof(struct yaml_node *), by_key);
	for (size_t i = 1; i < all->n; i++)
		if (strcmp(sorted[i]->key, sorted[i - 1]->key) == 0)
			all->items[sorted[i - 1]->index] = NULL;
	struct tail tail = {.parent = map};
	map->first = NULL;
	map->count = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (!all->items[i])
			continue;
		all->items[i]->next = NULL;
		append(&tail, all->items[i], all->items[i]->key);
	}
	free(sorted);
}

static bool settle(struct loader *l, struct yaml_node *n)
{
	struct nodes all = {0};
	bool good = true;
	for (const struct yaml_node *c = n->first; c && good; c = c->next)
		good = settle(l, (struct yaml_node *)c);
	if (!good || n->kind != YAML_MAP)
		return good;
	for (const struct yaml_node *c = n->first; c && good; c = c->next) {
		if (strcmp(c->key, "<<") == 0)
			good = add_merged(l, &all, c);
		else
			add_node(&all, c);
	}
	if (good)
		relink(n, &all);
	free(all.items);
	return good;
}

const struct yaml_node *yaml_load(struct yaml *y, const void *bytes, size_t len)
{
	struct loader *l = mem_alloc(sizeof(*l));
	struct yaml_node *root = NULL;
	l->y = y;
	size_t max = l->y->max_bytes ? l->y->max_bytes : YAML_MAX_BYTES;
	if (len > max) {
		complain(y->complaints, y->file, 0, NULL, NULL, "too big: at most %zu MiB", max / YAML_MAX_BYTES);
		free(l);
		return NULL;
	}
	if (!yaml_parser_initialize(&l->parser))
		mem_exhausted();
	if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { /* libyaml skips it only when it guesses the encoding */
		bytes = (const char *)bytes + 3;
		len -= 3;
	}
	yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l->parser, (const unsigned char *)bytes, len);
	bool good = read_document(l, &root);
	yaml_parser_delete(&l->parser);
	if (good && (!root || (root->kind == YAML_TEXT && !root->is_quoted && !*root->text)))
		root = new_node(l, YAML_MAP, 1);
	if (good && y->is_lax)
		good = settle(l, root);
	else if (good)
		find_all_twins(l, root);
	free(l);
	return good ? root : NULL;
}

static bool read_whole(int fd, size_t max, struct str *out, struct err *err)
{
	while (out->len <= max) {
		str_reserve(out, 16384);
		ssize_t n = read(fd, out->s + out->len, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_FAILED, errno, "cannot be read");
		if (n == 0)
			return true;
		out->len += (size_t)n;
	}
	return true;
}

const struct yaml_node *yaml_load_file(struct yaml *y, bool *is_absent)
{
	const struct yaml_node *root = NULL;
	struct err err = {0};
	struct str bytes = {0};
	struct stat st;
	/* O_NONBLOCK: opening a FIFO that nobody writes to would hang here. */
	int fd = open(y->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (is_absent)
		*is_absent = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0)
		err_errno(&err, ERR_USAGE, errno, "cannot be opened");
	else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		err_set(&err, ERR_USAGE, "is not a regular file");
	else if (read_whole(fd, y->max_bytes ? y->max_bytes : YAML_MAX_BYTES, &bytes, &err))
		root = yaml_load(y, bytes.s, bytes.len);
	if (err.kind)
		complain(y->complaints, y->file, 0, NULL, NULL, "%s", err.text);
	if (fd >= 0)
		close(fd);
	str_finish(&bytes);
	return root;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "base/carried.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"

#define UNBOUND "none"

struct binding {
	const char *layer, *command; /* command NULL: unbound here, whatever the outer layers say */
	struct key keys[KEY_CHORD_MAX];
	size_t n;
	const char *file;
	int line;
	unsigned load; /* of which load: the newest one's keys are shown first */
};
struct keymap {
	struct arena arena; /* layers, commands, file names */
	struct binding *bindings;
	size_t n, cap;
	unsigned load;
};

struct keymap *keymap_new(void)
{
	return mem_alloc(sizeof(struct keymap));
}

void keymap_free(struct keymap *map)
{
	if (!map)
		return;
	arena_finish(&map->arena);
	free(map->bindings);
	free(map);
}

/* How many of the first keys agree. */
static size_t common(const struct key *a, const struct key *b, size_t n)
{
	size_t i = 0;
	while (i < n && key_same(&a[i], &b[i]))
		i++;
	return i;
}

static struct binding *find_exact(struct keymap *map, const char *layer, const struct key *keys, size_t n)
{
	for (size_t i = 0; i < map->n; i++) {
		struct binding *b = &map->bindings[i];
		if (b->n == n && common(b->keys, keys, n) == n && strcmp(b->layer, layer) == 0)
			return b;
	}
	return NULL;
}

static bool bind(struct keymap *map, const struct binding *what, struct err *err)
{
	struct binding *b = find_exact(map, what->layer, what->keys, what->n);
	if (b && b->file && what->file && b->load == what->load)
		return err_set(err, ERR_USAGE, "is bound twice in \"%s\", first on line %d", what->layer,
			       b->line);
	if (!b && map->n == map->cap) {
		map->cap = map->cap ? map->cap * 2 : 64;
		map->bindings = mem_grow(map->bindings, map->cap, sizeof(*map->bindings));
	}
	if (!b)
		b = &map->bindings[map->n++];
	*b = *what;
	b->layer = arena_dup(&map->arena, what->layer);
	b->command = arena_dup(&map->arena, what->command);
	b->file = arena_dup(&map->arena, what->file);
	return true;
}

static bool is_unbound(const char *command)
{
	return str_empty(command) || strcmp(command, UNBOUND) == 0;
}

bool keymap_bind(struct keymap *map, const char *layer, const char *keys, const char *command,
		 struct err *err)
{
	struct binding b = {
		.layer = layer, .command = is_unbound(command) ? NULL : command, .load = map->load};
	b.n = key_parse_chord(keys, b.keys, err);
	return b.n > 0 && bind(map, &b, err);
}

static void load_layer(struct keymap *map, struct yaml *y, const struct yaml_node *layer)
{
	if (!yaml_is_map(y, layer))
		return;
	for (const struct yaml_node *node = layer->first; node; node = node->next) {
		const char *command = NULL;
		struct err err;
		/* An empty value is YAML's null: it unbinds as "none" does. */
		bool is_null = node->kind == YAML_TEXT && !node->is_quoted && is_unbound(node->text);
		if (!is_null && !yaml_as_text(y, node, &command))
			continue;
		struct binding b = {.layer = layer->key, .command = is_unbound(command) ? NULL : command,
		                    .file = y->file, .line = node->line, .load = map->load};
		b.n = key_parse_chord(node->key, b.keys, &err);
		if (b.n == 0 || !bind(map, &b, &err))
			yaml_complain(y, node, "%s", err.text);
	}
}

bool keymap_load(struct keymap *map, const char *file, const char *text, size_t len,
		 struct complaints *complaints)
{
	size_t before = complaints->count;
	struct arena arena = {0};
	struct yaml y = {.file = file, .arena = &arena, .complaints = complaints};
	const struct yaml_node *root = yaml_load(&y, text, len);
	map->load++;
	if (root && yaml_is_map(&y, root))
		for (const struct yaml_node *layer = root->first; layer; layer = layer->next)
			load_layer(map, &y, layer);
	arena_finish(&arena);
	return complaints->count == before;
}

bool keymap_load_carried(struct keymap *map, const char *name, struct complaints *complaints, struct err *err)
{
	struct str path = {0};
	str_addf(&path, "keymaps/%s.yaml", name);
	const struct carried *carried = carried_find(path.s);
	str_finish(&path);
	if (!carried)
		return err_set(err, ERR_NOT_FOUND, "there is no keymap \"%s\"", name);
	if (keymap_load(map, carried->path, carried->data, carried->size, complaints))
		return true;
	return err_set(err, ERR_USAGE, "the keymap \"%s\" is wrong", name);
}

static enum keymap_match find_in(const struct keymap *map, const char *layer, const struct key *keys,
				 size_t n, const struct binding **found)
{
	enum keymap_match match = KEYMAP_NONE;
	for (size_t i = 0; i < map->n; i++) {
		const struct binding *b = &map->bindings[i];
		if (b->n < n || common(b->keys, keys, n) < n || strcmp(b->layer, layer) != 0)
			continue;
		if (b->n == n) {
			*found = b;
			return KEYMAP_EXACT;
		}
		if (b->command)
			match = KEYMAP_PREFIX;
	}
	return match;
}

enum keymap_match keymap_find(const struct keymap *map, const char *const *layers, const struct key *keys,
                              size_t n, const char **command)
{
	for (; n > 0 && *layers; layers++) {
		const struct binding *b;
		enum keymap_match match = find_in(map, *layers, keys, n, &b);
		if (match == KEYMAP_NONE)
			continue;
		if (match == KEYMAP_EXACT && !b->command)
			return KEYMAP_NONE;
		if (match == KEYMAP_EXACT)
			*command = b->command;
		return match;
	}
	return KEYMAP_NONE;
}

enum keymap_match keymap_feed(const struct keymap *map, struct keymap_state *state, const char *const *layers,
                              const struct key *key, const char **command)
{
	if (state->n > 0 && key_is(key, KEYSYM_ESC)) {
		state->n = 0;
		return KEYMAP_NONE;
	}
	state->keys[state->n++] = *key;
	enum keymap_match match = keymap_find(map, layers, state->keys, state->n, command);
	if (match != KEYMAP_PREFIX || state->n == KEY_CHORD_MAX)
		state->n = 0;
	return match;
}

/* The key works there: no inner layer took it away. */
static bool is_reached(const struct keymap *map, const char *const *layers, const struct binding *b)
{
	const char *command;
	for (size_t n = 1; n < b->n; n++)
		if (keymap_find(map, layers, b->keys, n, &command) != KEYMAP_PREFIX)
			return false;
	return keymap_find(map, layers, b->keys, b->n, &command) == KEYMAP_EXACT &&
	       strcmp(command, b->command) == 0;
}

static bool is_in(const char *const *layers, const char *layer)
{
	for (; *layers; layers++)
		if (strcmp(*layers, layer) == 0)
			return true;
	return false;
}

/* The next binding of a command to show after `last` (NULL: the first): newest load first, then by order. */
static const struct binding *next_shown(const struct keymap *map, const char *const *layers,
					const char *command, const struct binding *last)
{
	const struct binding *best = NULL;
	for (size_t i = 0; i < map->n; i++) {
		const struct binding *b = &map->bindings[i];
		if (!b->command || strcmp(b->command, command) != 0 || !is_in(layers, b->layer))
			continue;
		bool is_after = !last || b->load < last->load || (b->load == last->load && b > last);
		if (is_after && (!best || b->load > best->load) && is_reached(map, layers, b))
			best = b;
	}
	return best;
}

bool keymap_keys(const struct keymap *map, const char *const *layers, const char *command, char *out,
		 size_t size)
{
	const struct binding *b = next_shown(map, layers, command, NULL);
	if (size > 0)
		out[0] = '\0';
	if (b)
		key_print_chord(b->keys, b->n, out, size);
	return b != NULL;
}

void keymap_keys_all(const struct keymap *map, const char *const *layers, const char *command, char *out,
		     size_t size)
{
	struct str text = {0};
	const struct binding *b = NULL;
	while ((b = next_shown(map, layers, command, b))) {
		char keys[KEY_TEXT * KEY_CHORD_MAX];
		key_print_chord(b->keys, b->n, keys, sizeof(keys));
		struct str shown = {0}, wanted = {0}; /* two layers may bind the same */
		str_addf(&shown, ", %s, ", str_text(&text));
		str_addf(&wanted, ", %s, ", keys);
		if (!strstr(shown.s, wanted.s))
			str_addf(&text, "%s%s", text.len ? ", " : "", keys);
		str_finish(&shown);
		str_finish(&wanted);
	}
	str_copy(out, size, str_text(&text));
	str_finish(&text);
}

size_t keymap_walk(const struct keymap *map, size_t at, struct keymap_binding *out)
{
	while (at < map->n && !map->bindings[at].command)
		at++;
	if (at >= map->n)
		return 0;
	const struct binding *b = &map->bindings[at];
	*out = (struct keymap_binding){.layer = b->layer, .command = b->command, .keys = b->keys, .n = b->n,
	                               .file = b->file, .line = b->line};
	return at + 1;
}

static const char *file_of(const struct binding *b)
{
	return b->file ? b->file : "keys";
}

static void check_command(const struct binding *b, const struct keymap_known *known, size_t n,
                          struct complaints *complaints)
{
	const char **names = mem_array(n + 1, sizeof(*names));
	bool is_known = false;
	for (size_t i = 0; i < n; i++) {
		names[i] = known[i].name;
		is_known = is_known || strcmp(known[i].name, b->command) == 0;
	}
	if (!is_known) {
		const char *near = str_nearest(b->command, names, n);
		char keys[KEY_TEXT * KEY_CHORD_MAX];
		key_print_chord(b->keys, b->n, keys, sizeof(keys));
		complain(complaints, file_of(b), b->line, keys, b->command,
			 near ? "no such command; did you mean %s?" : "no such command%s", near ? near : "");
	}
	free(names);
}

static void check_shadow(const struct keymap *map, const struct binding *b, struct complaints *complaints)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct binding *start = &map->bindings[i];
		if (!start->command || start->n >= b->n || strcmp(start->layer, b->layer) != 0 ||
		    common(start->keys, b->keys, start->n) < start->n)
			continue;
		char keys[KEY_TEXT * KEY_CHORD_MAX], first[KEY_TEXT * KEY_CHORD_MAX];
		key_print_chord(b->keys, b->n, keys, sizeof(keys));
		key_print_chord(start->keys, start->n, first, sizeof(first));
		complain(complaints, file_of(b), b->line, keys, b->command,
			 "cannot be reached: \"%s\" is %s already in \"%s\"", first, start->command,
			 b->layer);
	}
}

bool keymap_check(const struct keymap *map, const struct keymap_known *known, size_t n,
		  struct complaints *complaints)
{
	size_t before = complaints->count;
	for (size_t i = 0; i < map->n; i++) {
		if (!map->bindings[i].command)
			continue;
		check_command(&map->bindings[i], known, n, complaints);
		check_shadow(map, &map->bindings[i], complaints);
	}
	for (size_t i = 0; i < n; i++) {
		bool is_bound = known[i].is_optional;
		for (size_t j = 0; j < map->n && !is_bound; j++)
			is_bound = map->bindings[j].command &&
				   strcmp(map->bindings[j].command, known[i].name) == 0;
		if (!is_bound)
			complain(complaints, "keys", 0, known[i].name, NULL, "no key reaches this command");
	}
	return complaints->count == before;
}

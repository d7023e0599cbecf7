/* SPDX-License-Identifier: Apache-2.0 */
/* What fairway-keymap(5) takes from the rows of the console and from the keys that are compiled in. */
#include <stdio.h>

#include "base/str.h"
#include "cli/dump.h"
#include "cli/mdoc.h"
#include "tui/keymap.h"
#include "views/command.h"

void dump_commands(void)
{
	const char *view = NULL;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0;; view = command_view_at(i++)) {
		size_t n;
		if (i && !view)
			break;
		const struct command *rows = command_rows(view, &n);
		for (size_t k = 0; k < n; k++) {
			mdoc_item(rows[k].name, NULL);
			mdoc_words(rows[k].help ? rows[k].help : "");
			printf(" (%s).\n", view ? view : "everywhere");
		}
	}
	puts(".El");
}

void dump_keys(void)
{
	struct complaints complaints = {0};
	struct keymap *map = keymap_new();
	struct keymap_binding b;
	const char *layer = NULL;
	keymap_load_carried(map, "default", &complaints, NULL);
	for (size_t at = 0; (at = keymap_walk(map, at, &b));) {
		char keys[KEY_TEXT * KEY_CHORD_MAX];
		if (!str_eq(layer, b.layer)) {
			if (layer)
				puts(".El");
			puts(layer ? ".Pp\nLayer" : "Layer");
			mdoc_name(b.layer);
			puts(".Bl -tag -width page-down -compact");
			layer = b.layer;
		}
		key_print_chord(b.keys, b.n, keys, sizeof(keys));
		mdoc_item(keys, NULL);
		mdoc_words(b.command ? b.command : "none");
		putchar('\n');
	}
	if (layer)
		puts(".El");
	complaints_finish(&complaints);
	keymap_free(map);
}

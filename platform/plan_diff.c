/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/plan_diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/diff.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tree.h"
#include "model/record.h"
#include "platform/daemon.h"
#include "platform/release.h"

#define CONTEXT 2

static bool is_text(const struct tree_file *f)
{
	return !f || memchr(f->bytes, '\0', f->len) == NULL;
}

/* What a build leaves behind tells nobody anything. */
static bool is_made(const char *path)
{
	return strstr(path, "__pycache__/") || str_ends(path, ".pyc") || str_ends(path, ".o");
}

/* One file; either side may be missing. */
static void add_file(struct str *out, const struct tree_file *from, const struct tree_file *to)
{
	const char *path = from ? from->path : to->path;
	struct diff diff = {0};
	if (is_made(path) ||
	    (from && to && from->len == to->len && memcmp(from->bytes, to->bytes, to->len) == 0))
		return;
	if (!is_text(from) || !is_text(to)) {
		str_addf(out, "%s changes (no text)\n", path);
		return;
	}
	diff_texts(&diff, from ? from->bytes : "", from ? from->len : 0, to ? to->bytes : "",
		   to ? to->len : 0, CONTEXT);
	diff_print(out, &diff, from ? path : "(none)", to ? path : "(none)");
	diff_finish(&diff);
}

/* Cut at a line's end. */
static const char *bounded(const struct str *text, struct arena *arena)
{
	size_t len = text->len;
	if (len <= PLAN_DIFF_BYTES)
		return len ? arena_dup_n(arena, text->s, len) : NULL;
	size_t left = 0;
	len = PLAN_DIFF_BYTES;
	while (len > 0 && text->s[len - 1] != '\n')
		len--;
	for (size_t i = len; i < text->len; i++)
		left += text->s[i] == '\n';
	return arena_printf(arena, "%.*s… and %zu more lines\n", (int)len, text->s, left);
}

const char *plan_diff(const struct daemon *d, const struct release *from, const struct release *to,
		      struct arena *arena)
{
	struct tree old = {0}, new = {0};
	struct str out = {0};
	char *old_folder = release_folder(d->releases, from->service, from->number);
	char *new_folder = release_folder(d->releases, to->service, to->number);
	const char *text = NULL;
	if (tree_read(&old, old_folder, NULL) && tree_read(&new, new_folder, NULL)) {
		for (size_t i = 0; i < old.n; i++)
			add_file(&out, &old.files[i], tree_find(&new, old.files[i].path));
		for (size_t i = 0; i < new.n; i++)
			if (!tree_find(&old, new.files[i].path))
				add_file(&out, NULL, &new.files[i]);
		text = bounded(&out, arena);
	}
	tree_finish(&old);
	tree_finish(&new);
	str_finish(&out);
	free(old_folder);
	free(new_folder);
	return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: the default compiled in, the user's file over it; layers of the view that has the keyboard. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "views/app_private.h"
#include "views/reload.h"

#define KEYS_MAX (256 * 1024) /* bytes of a user's file */

/* A person's own file, which may well be a link into a folder of dotfiles. */
static bool read_file(const char *name, struct str *text, struct err *err)
{
	char *real = realpath(name, NULL);
	if (!real)
		return err_errno(err, ERR_USAGE, errno, "keymap %s", name);
	bool ok = file_read(AT_FDCWD, real, KEYS_MAX, text, err);
	free(real);
	return ok;
}

/* The file that the configuration names, else keymap.yaml beside it where there is one. free() it; NULL:
 * none. */
static char *own_file(const struct config *config)
{
	const char *named = config_text(config, "keymap");
	const char *slash = config->file ? strrchr(config->file, '/') : NULL;
	if (!str_empty(named))
		return mem_dup(named);
	struct str path = {0};
	str_addf(&path, "%.*s" RELOAD_KEYMAP, slash ? (int)(slash + 1 - config->file) : 0,
		 config->file ? config->file : "");
	char *found = slash && access(path.s, F_OK) == 0 ? mem_dup(path.s) : NULL;
	str_finish(&path);
	return found;
}

static struct keymap *default_keys(struct err *err)
{
	struct complaints wrong = {0};
	struct keymap *map = keymap_new();
	if (!keymap_load_carried(map, "default", &wrong, err)) {
		keymap_free(map);
		map = NULL;
	}
	complaints_finish(&wrong);
	return map;
}

static bool load_own(struct keymap *map, const char *name, struct complaints *wrong, struct err *why)
{
	struct str text = {0};
	bool is_read = read_file(name, &text, why);
	bool ok = is_read && keymap_load(map, name, str_text(&text), text.len, wrong);
	if (is_read && !ok)
		err_set(why, ERR_USAGE, "%.*s", (int)strcspn(wrong->text, "\n"), wrong->text);
	str_finish(&text);
	return ok;
}

/* A wrong file must not take the keys away: it is said, and those in force stay. */
bool app_load_keys(struct app *app, struct err *err)
{
	struct complaints wrong = {0};
	struct err why = {0};
	struct keymap *fresh = default_keys(err);
	char *name = own_file(app->config);
	if (fresh && name && !load_own(fresh, name, &wrong, &why)) {
		keymap_free(fresh);
		fresh = app->keymap ? NULL : default_keys(err);
		app_say(app, STYLE_ERROR, "the %s: %s",
			fresh ? "default keys are in force" : "keys stay as they were", why.text);
	}
	if (fresh) {
		keymap_free(app->keymap);
		app->keymap = fresh;
	}
	complaints_finish(&wrong);
	free(name);
	return app->keymap != NULL;
}

const char *const *app_layers(struct app *app, const struct view *v)
{
	size_t n = 0, max = sizeof(app->layers) / sizeof(app->layers[0]);
	for (const char *const *l = v ? v->class->layers : NULL; l && *l && n < max - 2; l++)
		app->layers[n++] = *l;
	app->layers[n++] = "global";
	app->layers[n] = NULL;
	return app->layers;
}

void app_key_of(struct app *app, const struct view *v, const char *command, char *out, size_t size)
{
	out[0] = '\0';
	keymap_keys(app->keymap, app_layers(app, v), command, out, size);
}

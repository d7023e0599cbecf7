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

#define KEYMAP_FILE "keymap.yaml"
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
	str_addf(&path, "%.*s" KEYMAP_FILE, slash ? (int)(slash + 1 - config->file) : 0,
		 config->file ? config->file : "");
	char *found = slash && access(path.s, F_OK) == 0 ? mem_dup(path.s) : NULL;
	str_finish(&path);
	return found;
}

/* A wrong file must not take the keys away: it is said, and the default stays. */
bool app_load_keys(struct app *app, struct err *err)
{
	struct complaints wrong = {0};
	struct err why = {0};
	struct str text = {0};
	keymap_free(app->keymap);
	app->keymap = keymap_new();
	if (!keymap_load_carried(app->keymap, "default", &wrong, err))
		return false;
	char *name = own_file(app->config);
	if (!name || !read_file(name, &text, &why)) {
		if (name)
			app_fail(app, &why);
		free(name);
		str_finish(&text);
		return true;
	}
	struct keymap *own = keymap_new();
	keymap_load_carried(own, "default", &wrong, &why);
	if (keymap_load(own, name, str_text(&text), text.len, &wrong)) {
		keymap_free(app->keymap);
		app->keymap = own;
	} else {
		app_say(app, STYLE_ERROR, "the default keys are in force: %.*s",
			(int)strcspn(wrong.text, "\n"), wrong.text);
		keymap_free(own);
	}
	complaints_finish(&wrong);
	str_finish(&text);
	free(name);
	return true;
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

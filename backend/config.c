/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/config_private.h"
#include "backend/provider.h"
#include "base/place.h"
#include "base/str.h"

static const char *const time_choices[] = {"local", "utc", NULL};

static const struct option_row options[] = {
	{"context", "Context to open; local while nothing is said", OPTION_TEXT},
	{"read-only", "Refuse every change, in all contexts", OPTION_BOOL, .absent = "false"},
	{"bell", "Ring the terminal's bell once when a new critical alert fires", OPTION_BOOL,
	 .absent = "true"},
	{"mouse", "Take the mouse for focus and scrolling", OPTION_BOOL, .absent = "true"},
	{"ascii", "Draw with ASCII only", OPTION_BOOL, .absent = "false"},
	{"time", "Time zone of what is shown", OPTION_CHOICE, .absent = "local", .choices = time_choices},
	{"log-lines", "Lines that a log view keeps", OPTION_INT, .absent = "100000", .min = 1000,
	 .max = 2000000},
	{"keymap", "Keys of yours, on top of the built-in ones; keymap.yaml beside this file when unsaid",
	 OPTION_PATH},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const struct option_row *config_options(size_t *n)
{
	*n = N_OPTIONS;
	return options;
}

struct setting *config_defaults(struct arena *arena, const struct option_row *rows, size_t n)
{
	struct setting *settings = arena_alloc(arena, (n + 1) * sizeof(*settings));
	option_read(&(struct yaml){.arena = arena}, NULL, rows, n, settings);
	return settings;
}

const struct setting *config_setting(const struct config *c, const char *name)
{
	const struct setting *s = option_find(c->settings, c->n_settings, name);
	if (!s)
		abort(); /* a name that is no row is a mistake of ours */
	return s;
}

const char *config_text(const struct config *c, const char *name)
{
	return config_setting(c, name)->text;
}

int64_t config_number(const struct config *c, const char *name)
{
	return config_setting(c, name)->number;
}

const struct config_context *config_context(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_contexts; i++)
		if (str_eq(c->contexts[i].name, name))
			return &c->contexts[i];
	return NULL;
}

char *config_path(const struct config_flags *flags, struct err *err)
{
	const char *named = flags && flags->file ? flags->file : getenv("FAIRWAY_CONFIG");
	if (!str_empty(named))
		return mem_dup(named);
	struct str path = {0};
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	if (base && base[0] == '/') {
		str_addf(&path, "%s/fairway/config.yaml", base);
	} else if (home && home[0] == '/') {
		str_addf(&path, "%s/.config/fairway/config.yaml", home);
	} else {
		err_set(err, ERR_USAGE,
			"neither XDG_CONFIG_HOME nor HOME is an absolute path: say --config FILE");
		return NULL;
	}
	return str_detach(&path);
}

/* Fills in where the embedded platform of a context lies; both sides of the wire compute it the same way. */
bool config_place_platform(struct config *c, struct config_context *context, struct err *err)
{
	for (size_t i = 0; i < context->n_sources; i++) {
		const struct config_source *s = &context->sources[i];
		if (!str_eq(s->provider->name, "platform"))
			continue;
		struct setting *socket = config_named(s, "socket"), *name = config_named(s, "name");
		char *root = place_root(name->text, err);
		if (!root)
			return false;
		if (!context->platform_root)
			context->platform_root = arena_dup(&c->arena, root);
		if (!socket->text && !s->url) {
			char *path = place_socket(root);
			socket->text = arena_dup(&c->arena, path);
			free(path);
		}
		free(root);
	}
	return true;
}

struct setting *config_named(const struct config_source *s, const char *name)
{
	for (size_t i = 0; i < s->n_settings; i++)
		if (str_eq(s->settings[i].option->name, name))
			return &s->settings[i];
	return NULL;
}

static const struct {
	const char *name, *help;
} builtin[] = {
	{"local", "services of this machine, brought in by fairway up DIR"},
	{"demo", "the sample platform of fairway demo"},
};
#define N_BUILTIN (sizeof(builtin) / sizeof(builtin[0]))

struct config_source config_carried_paths(struct arena *arena)
{
	const struct provider *files = provider_find("files");
	return (struct config_source){
		.name = "paths", .role = "paths", .provider = files,
		.settings = config_defaults(arena, files->options, files->n_options), .n_settings = files->n_options,
	};
}

static void add_builtin(struct config *c, struct config_context *context, size_t i)
{
	struct config_source *s = arena_alloc(&c->arena, 2 * sizeof(*s));
	const struct provider *p = provider_find("platform");
	s[0] = (struct config_source){
		.name = "platform", .role = "platform", .provider = p,
		.settings = config_defaults(&c->arena, p->options, p->n_options), .n_settings = p->n_options,
	};
	s[1] = config_carried_paths(&c->arena);
	config_named(s, "name")->text = builtin[i].name;
	*context = (struct config_context){.name = builtin[i].name,
					   .help = builtin[i].help,
					   .is_builtin = true,
					   .sources = s,
					   .n_sources = 2};
}

static bool choose(struct config *c, const struct config_flags *flags, struct complaints *complaints)
{
	const char *variable = getenv("FAIRWAY_CONTEXT");
	const char *name = flags && flags->context ? flags->context
			   : !str_empty(variable)  ? variable
						   : config_text(c, "context");
	c->is_context_chosen = name != NULL;
	c->context = config_context(c, name ? name : "local");
	if (c->context)
		return true;
	const char *names[64];
	size_t n = 0;
	struct str list = {0};
	for (; n < c->n_contexts && n < 64; n++) {
		names[n] = c->contexts[n].name;
		str_addf(&list, "%s%s", n ? ", " : "", names[n]);
	}
	const char *near = str_nearest(name, names, n);
	complain(complaints, c->file, 0, "context", name, "there is no such context (%s)%s%s%s",
		 str_text(&list), near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	str_finish(&list);
	return false;
}

/* Others who can write it could name commands that run as us. */
static bool is_private(const char *file, struct complaints *complaints)
{
	struct stat st;
	if (stat(file, &st) < 0)
		return true; /* absent: told elsewhere */
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022)) {
		complain(complaints, file, 0, NULL, NULL,
			 "others can write this file, and it names commands: chmod go-w, or take it over");
		return false;
	}
	return true;
}

/* keymap.yaml beside the file, where there is one, unless another is named. */
static void find_keymap(struct config *c)
{
	struct setting *s = &c->settings[config_setting(c, "keymap") - c->settings];
	const char *slash = strrchr(c->file, '/');
	if (s->text || !slash)
		return;
	char *path = arena_printf(&c->arena, "%.*s/keymap.yaml", (int)(slash - c->file), c->file);
	if (access(path, F_OK) == 0)
		s->text = path;
}

static struct config *load(const struct config_flags *flags, struct complaints *complaints)
{
	struct err err;
	char *path = config_path(flags, &err);
	if (!path) {
		complain(complaints, "config", 0, NULL, NULL, "%s", err.text);
		return NULL;
	}
	struct config *c = mem_alloc(sizeof(*c));
	c->file = arena_dup(&c->arena, path);
	free(path);
	c->settings = config_defaults(&c->arena, options, N_OPTIONS);
	c->n_settings = N_OPTIONS;
	size_t n_extra = 0;
	struct config_context *extra = NULL;
	bool is_named = (flags && flags->file) || !str_empty(getenv("FAIRWAY_CONFIG"));
	if (!is_private(c->file, complaints) || !config_read(c, is_named, &extra, &n_extra, complaints))
		return c;
	struct config_context *contexts = arena_alloc(&c->arena, (N_BUILTIN + n_extra) * sizeof(*contexts));
	for (size_t i = 0; i < N_BUILTIN; i++)
		add_builtin(c, &contexts[i], i);
	if (n_extra)
		memcpy(contexts + N_BUILTIN, extra, n_extra * sizeof(*contexts));
	c->contexts = contexts;
	c->n_contexts = N_BUILTIN + n_extra;
	for (size_t i = 0; i < c->n_contexts; i++) {
		contexts[i].is_read_only = contexts[i].is_read_only || config_number(c, "read-only");
		if (!config_place_platform(c, &contexts[i], &err))
			complain(complaints, c->file, 0, contexts[i].name, NULL, "%s", err.text);
	}
	find_keymap(c);
	choose(c, flags, complaints);
	return c;
}

struct config *config_load(const struct config_flags *flags, struct complaints *complaints)
{
	size_t before = complaints->count;
	struct config *c = load(flags, complaints);
	if (c && complaints->count == before)
		return c;
	config_free(c);
	return NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_finish(&c->arena);
	free(c);
}

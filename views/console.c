/* SPDX-License-Identifier: Apache-2.0 */
#include "views/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "tui/term.h"
#include "views/app.h"
#include "views/reload.h"

/* Nothing was ever configured and nothing was ever run here. */
static bool is_first_run(const struct config *config)
{
	const char *root = config->context->platform_root;
	struct stat st;
	char path[4096];
	if (!config->is_absent || config->is_context_chosen || !root)
		return false;
	return snprintf(path, sizeof(path), "%s/state.db", root) < (int)sizeof(path) && stat(path, &st) != 0;
}

static int run_once(const struct console_options *o, const char *context, char switch_to[APP_CONTEXT])
{
	struct config_flags flags = {.file = o->config, .context = context};
	struct complaints wrong = {0};
	struct err err = {0};
	int status = err_exit_status(ERR_USAGE);
	struct config *config = config_load(&flags, &wrong);
	switch_to[0] = '\0';
	if (!config) {
		fprintf(stderr, "%s", wrong.text);
		complaints_finish(&wrong);
		return status;
	}
	if (str_eq(config_text(config, "time"), "utc")) {
		setenv("TZ", "UTC", 1);
		tzset();
	}
	struct reload *reload = reload_new(config, o->config);
	struct backend *backend = backend_start(config, &err);
	if (backend) {
		struct app_options app = {
			.config = config, .reload = reload, .backend = backend, .keys = o->keys};
		app.is_first_run = is_first_run(config);
		app.is_raising = !app.is_first_run && config->context->platform_root;
		status = app_run(&app, switch_to, &err);
	}
	if (err.kind != ERR_NONE) {
		fprintf(stderr, "fairway: %s\n", err.text);
		status = err_exit_status(err.kind);
	}
	backend_stop(backend);
	reload_free(reload);
	return status;
}

int console_run(const struct console_options *o)
{
	char context[APP_CONTEXT], next[APP_CONTEXT];
	const char *chosen = o->context;
	int status;
	mem_on_exhausted(term_restore);
	do {
		status = run_once(o, chosen, next);
		str_copy(context, sizeof(context), next);
		chosen = context;
	} while (next[0]);
	if (status == 0 && o->farewell)
		puts(o->farewell);
	return status;
}

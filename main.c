/* SPDX-License-Identifier: Apache-2.0 */
/* Which role: console, verb, daemon, keeper, relay, shim. */
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/json.h"
#include "base/utf8.h"
#include "cli/verb.h"
#include "platform/build.h"
#include "platform/daemon.h"
#include "platform/keeper.h"
#include "platform/relay.h"
#include "platform/shim.h"
#include "views/console.h"

/* What fairway starts of itself. Each gets the arguments behind its name. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"--keeper", keeper_main},
	{"--daemon", daemon_main},
	{"--pack", build_main},
	{"--relay", relay_main},
	{"--shim", shim_main},
};

int main(int argc, char **argv)
{
	if (getauxval(AT_SECURE)) { /* set-id, capabilities: our environment and files would act with rights of others */
		fputs("fairway: refuses to run with the rights of others (set-user-ID, file capabilities)\n", stderr);
		return 2;
	}
	json_start();
	for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(argv[1], roles[i].name) == 0)
			return roles[i].run(argc - 2, argv + 2);
	utf8_start_locale();
	struct args args;
	bool is_console;
	int status = cli_main(argc, argv, &args, &is_console);
	if (!is_console)
		return status;
	bool is_demo = args.verb && strcmp(args.verb, "demo") == 0;
	struct console_options console = {
		.config = args.config,
		.context = is_demo ? "demo" : args.context,
		.keys = args.keys,
		.farewell = is_demo ? "The demo goes on running: fairway demo down ends it, fairway demo comes back to it." : NULL,
	};
	return console_run(&console);
}

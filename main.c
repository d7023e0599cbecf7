/* SPDX-License-Identifier: Apache-2.0 */
/* Which role: console, verb, daemon, keeper, relay, shim. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/verb.h"
#include "platform/build.h"
#include "platform/keeper.h"
#include "platform/relay.h"
#include "platform/shim.h"

/* What fairway starts of itself. Each gets the arguments behind its name. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} roles[] = {
	{"--keeper", keeper_main},
	{"--pack", build_main},
	{"--relay", relay_main},
	{"--shim", shim_main},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (strcmp(argv[1], roles[i].name) == 0)
			return roles[i].run(argc - 2, argv + 2);
	utf8_start_locale();
	struct args args;
	bool is_console;
	int status = cli_main(argc, argv, &args, &is_console);
	if (!is_console)
		return status;
	fputs("fairway: this build has no console; fairway --help lists the verbs\n", stderr);
	return 2;
}

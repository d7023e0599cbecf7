/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/config.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "base/version.h"
#include "cli/dump.h"
#include "cli/help.h"
#include "cli/session.h"
#include "cli/verb.h"

static void put_error(const struct str *line)
{
	struct str masked = {0};
	utf8_mask(&masked, str_text(line), line->len, UTF8_KEEP_LINES);
	str_addc(&masked, '\n');
	fputs(str_text(&masked), stderr);
	str_finish(&masked);
}

int cli_fail(const struct cli *cli, const struct err *err)
{
	struct str line = {0};
	fflush(stdout);
	if (cli->args->output == OUTPUT_JSON) {
		cJSON *object = cJSON_CreateObject();
		json_add_text(object, "error", err->text);
		json_add_text(object, "kind", err_kind_name(err->kind));
		char *printed = json_print(object), *masked = json_mask(printed);
		fprintf(stderr, "%s\n", masked);
		free(masked);
		free(printed);
		cJSON_Delete(object);
	} else {
		str_addf(&line, cli->verb ? "fairway %s: %s" : "fairway%s: %s", cli->verb ? cli->verb->name : "",
		         err->text);
		put_error(&line);
		str_finish(&line);
	}
	if (err->kind == ERR_CANCELLED && err->code > 0)
		return 128 + err->code; /* the signal that ended it */
	return err_exit_status(err->kind);
}

int cli_refuse(const struct cli *cli, enum err_kind kind, const char *fmt, ...)
{
	struct err err = {0};
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	err_set(&err, kind, "%s", str_text(&text));
	str_finish(&text);
	return cli_fail(cli, &err);
}

void cli_tell(const struct cli *cli, const char *fmt, ...)
{
	if (cli->args->output == OUTPUT_JSON)
		return;
	struct str line = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&line, fmt, ap);
	va_end(ap);
	fflush(stdout);
	put_error(&line);
	str_finish(&line);
}

bool cli_load(struct cli *cli, const char *context)
{
	if (cli->config)
		return true;
	struct complaints complaints = {0};
	struct config_flags flags = {.file = cli->args->config, .context = context ? context : cli->args->context};
	cli->config = config_load(&flags, &complaints);
	if (!cli->config && cli->args->output == OUTPUT_JSON)
		cli_refuse(cli, ERR_USAGE, "%s", complaints.text ? complaints.text : "the configuration is wrong");
	else if (!cli->config)
		cli_tell(cli, "%s", complaints.text ? complaints.text : "fairway: the configuration is wrong");
	complaints_finish(&complaints);
	return cli->config;
}

static bool wants_colour(const struct args *a)
{
	if (a->output == OUTPUT_JSON || a->colour == COLOUR_NEVER)
		return false;
	const char *term = getenv("TERM");
	return a->colour == COLOUR_ALWAYS ||
	       (isatty(STDOUT_FILENO) && str_empty(getenv("NO_COLOR")) && term && !str_eq(term, "dumb"));
}

static bool find_verb(struct cli *cli, struct err *err)
{
	const struct verb *v;
	const char *names[64];
	size_t n = 0;
	cli->verb = verb_find(cli->args->verb);
	if (cli->verb)
		return true;
	for (size_t i = 0; (v = verb_at(i)) && n < sizeof(names) / sizeof(names[0]); i++)
		names[n++] = v->name;
	const char *near = str_nearest(cli->args->verb, names, n);
	return err_set(err, ERR_USAGE, near ? "%s: no such verb; did you mean %s?" : "%s: no such verb; see fairway --help",
	               cli->args->verb, near);
}

static bool check_words(const struct cli *cli, struct err *err)
{
	const struct verb *v = cli->verb;
	size_t n = cli->args->n_words;
	if (n >= v->min_words && n <= v->max_words)
		return true;
	if (n > v->max_words)
		return err_set(err, ERR_USAGE, "%s: one word too many; usage: fairway %s %s",
		               cli->args->words[v->max_words], v->name, v->shape);
	return err_set(err, ERR_USAGE, "a word is missing; usage: fairway %s %s", v->name, v->shape);
}

static int run_verb(struct cli *cli)
{
	signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of fflush(), told below */
	int status = cli->verb->run(cli);
	session_close(cli->session);
	config_free(cli->config);
	errno = 0;
	if ((fflush(stdout) == EOF || ferror(stdout)) && status == 0) {
		status = 1;
		if (errno && errno != EPIPE)
			status = cli_refuse(cli, ERR_FAILED, "cannot write what was found: %s", strerror(errno));
	}
	return status;
}

/* Without a verb: the console, or one of the options that print something instead. */
static int run_bare(struct cli *cli, int argc, char **argv, bool *console)
{
	struct err err;
	if (cli->args->version) {
		printf("fairway %s\n", fairway_version);
		return 0;
	}
	if (cli->args->help) {
		help_program();
		return 0;
	}
	if (cli->args->dump)
		return dump_print(cli->args->dump, &err) ? 0 : cli_fail(cli, &err);
	if (!args_check(cli->args, "without a verb", OPT_CONSOLE, 0, argc, argv, &err))
		return cli_fail(cli, &err);
	*console = true;
	return 0;
}

int cli_main(int argc, char **argv, struct args *args, bool *console)
{
	struct err err = {0};
	struct cli cli = {.args = args};
	*console = false;
	if (!args_parse(argc, argv, args, &err))
		return cli_fail(&cli, &err);
	cli.is_coloured = wants_colour(args);
	cli.is_terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	if (!args->verb)
		return run_bare(&cli, argc, argv, console);
	if (!find_verb(&cli, &err))
		return cli_fail(&cli, &err);
	if (args->help) {
		help_verb(cli.verb);
		return 0;
	}
	if (!check_words(&cli, &err) ||
	    !args_check(args, cli.verb->name, cli.verb->takes, cli.verb->needs, argc, argv, &err))
		return cli_fail(&cli, &err);
	int status = run_verb(&cli);
	*console = cli.wants_console && status == 0;
	return status;
}

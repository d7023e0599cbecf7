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

static void put_json_error(enum err_kind kind, const char *text)
{
	cJSON *object = cJSON_CreateObject();
	json_add_text(object, "error", text);
	json_add_text(object, "kind", err_kind_name(kind));
	char *printed = json_print(object), *masked = json_mask(printed);
	fprintf(stderr, "%s\n", masked);
	free(masked);
	free(printed);
	cJSON_Delete(object);
}

static int fail_with(const struct cli *cli, enum err_kind kind, const char *text)
{
	struct str line = {0};
	fflush(stdout);
	if (cli->args->output == OUTPUT_JSON && text[0]) {
		put_json_error(kind, text);
	} else if (text[0]) {
		str_addf(&line, cli->verb ? "fairway %s: %s" : "fairway%s: %s", cli->verb ? cli->verb->name : "", text);
		put_error(&line);
		str_finish(&line);
	}
	return err_exit_status(kind);
}

int cli_fail(const struct cli *cli, const struct err *err)
{
	int status = fail_with(cli, err->kind, err->text);
	return err->kind == ERR_CANCELLED && err->code > 0 ? 128 + err->code : status; /* the signal that ended it */
}

int cli_refuse(const struct cli *cli, enum err_kind kind, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	int status = fail_with(cli, kind, str_text(&text));
	str_finish(&text);
	return status;
}

int cli_complain(const struct cli *cli, const struct complaints *complaints)
{
	struct str text = {0};
	str_add(&text, complaints->text ? complaints->text : "the file is wrong");
	while (text.len && text.s[text.len - 1] == '\n')
		text.s[--text.len] = '\0';
	fflush(stdout);
	if (cli->args->output == OUTPUT_JSON)
		put_json_error(ERR_USAGE, str_text(&text));
	else
		put_error(&text);
	str_finish(&text);
	return err_exit_status(ERR_USAGE);
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
	if (!cli->config)
		cli_complain(cli, &complaints);
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
	signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of fflush(), see check_output() */
	int status = cli->verb->run(cli);
	session_close(cli->session);
	config_free(cli->config);
	return status;
}

/* What could not be written is no success. A reader that went away knows why. */
static int check_output(const struct cli *cli, int status)
{
	errno = 0;
	bool is_lost = fflush(stdout) == EOF || ferror(stdout);
	if (!is_lost || status != 0)
		return status;
	return errno && errno != EPIPE ? cli_refuse(cli, ERR_FAILED, "cannot write: %s", strerror(errno)) : 1;
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
		return check_output(&cli, run_bare(&cli, argc, argv, console));
	if (!find_verb(&cli, &err))
		return cli_fail(&cli, &err);
	if (args->help) {
		help_verb(cli.verb);
		return check_output(&cli, 0);
	}
	if (!check_words(&cli, &err) ||
	    !args_check(args, cli.verb->name, cli.verb->takes, cli.verb->needs, argc, argv, &err))
		return cli_fail(&cli, &err);
	int status = check_output(&cli, run_verb(&cli));
	*console = cli.wants_console && status == 0;
	return status;
}

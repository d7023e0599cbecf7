/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define USAGE_COLUMNS 100
#define ROW_COLUMNS 26

static void add_option(const struct arg_row *r, bool is_needed, struct str *out)
{
	str_addf(out, is_needed ? " %s" : " [%s", r->name);
	if (r->value)
		str_addf(out, " %s", r->value);
	if (!is_needed)
		str_addc(out, ']');
	if (r->kind == ARG_LIST)
		str_add(out, "…");
}

/* Options in the order of reading: what must be said, then why, then what may be said. */
void help_usage(const struct verb *v, struct str *out)
{
	enum { NEEDED, NEEDED_OF_ALL, OPTIONAL, END };
	const struct arg_row *r;
	str_addf(out, v->shape[0] ? "fairway %s %s" : "fairway %s", v->name, v->shape);
	for (int pass = NEEDED; pass < END; pass++)
		for (size_t i = 0; (r = args_row(i)); i++) {
			bool is_needed = r->with & v->needs;
			int its = !is_needed ? OPTIONAL : r->with & OPT_ALL ? NEEDED_OF_ALL : NEEDED;
			if (r->help && its == pass && (r->with & v->takes || is_needed))
				add_option(r, is_needed, out);
		}
}

/* Breaks before an option where the line would be too long; what follows is indented under the verb. */
static void print_usage(const struct verb *v)
{
	struct str usage = {0};
	help_usage(v, &usage);
	size_t indent = strlen("usage: fairway ") + strlen(v->name) + 1, column = strlen("usage: ");
	fputs("usage: ", stdout);
	for (const char *at = str_text(&usage); *at;) {
		size_t len = strcspn(at + 1, " ") + 1;
		if (at[0] == ' ' && at[1] == '[' && !memchr(at, ']', len))
			len += strcspn(at + len, "]") + 1; /* an option and its value stay together */
		if (column + len > USAGE_COLUMNS && at[0] == ' ') {
			printf("\n%*s", (int)indent - 1, "");
			column = indent - 1;
		}
		fwrite(at, 1, len, stdout);
		column += len;
		at += len;
	}
	putchar('\n');
	str_finish(&usage);
}

static void print_row(const char *left, const char *right)
{
	size_t width = utf8_width(left, strlen(left));
	if (width >= ROW_COLUMNS)
		printf("  %s\n  %*s%s\n", left, ROW_COLUMNS, "", right);
	else
		printf("  %s%*s%s\n", left, (int)(ROW_COLUMNS - width), "", right);
}

static void print_options(unsigned with, unsigned without)
{
	const struct arg_row *r;
	for (size_t i = 0; (r = args_row(i)); i++) {
		if (!r->help || !(r->with & with) || r->with & without)
			continue;
		struct str left = {0};
		str_addf(&left, r->brief ? "%s, %s" : "%.0s%s", r->brief ? r->brief : "", r->name);
		if (r->value)
			str_addf(&left, " %s", r->value);
		print_row(str_text(&left), r->help);
		str_finish(&left);
	}
}

static void print_verbs(bool writes)
{
	const struct verb *v;
	for (size_t i = 0; (v = verb_at(i)); i++) {
		if ((verb_writes(v) || v->run == write_demo) != writes)
			continue;
		struct str left = {0};
		str_addf(&left, "%s %s", v->name, v->shape);
		print_row(str_text(&left), v->help);
		str_finish(&left);
	}
}

void help_program(void)
{
	puts("fairway: the terminal console of an internal developer platform\n"
	     "\n"
	     "usage: fairway [OPTION…]               open the console\n"
	     "       fairway VERB [WORD…] [OPTION…]  do one thing and exit\n"
	     "\n"
	     "Verbs that read:");
	print_verbs(false);
	puts("\nVerbs that change something:");
	print_verbs(true);
	puts("\nOptions of every verb and of the console:");
	print_options(OPT_ALL, 0);
	puts("\nOptions of the console:");
	print_options(OPT_CONSOLE, 0);
	puts("\nfairway VERB --help tells the options of a verb; fairway(1) tells all. Start with: fairway demo");
}

void help_verb(const struct verb *v)
{
	print_usage(v);
	printf("\n%s.\n", v->help);
	if (v->takes | v->needs)
		puts("\nOptions:");
	print_options(v->takes | v->needs, 0);
	puts("\nOptions of every verb:");
	print_options(OPT_ALL, v->takes | v->needs);
}

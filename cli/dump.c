/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dump.h"

#include <stdio.h>
#include <string.h>

#include "backend/config.h"
#include "backend/provider.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/help.h"
#include "cli/mdoc.h"
#include "cli/verb.h"
#include "model/action.h"
#include "model/record.h"

static void dump_options_of(unsigned with)
{
	const struct arg_row *r;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (r = args_row(i)); i++) {
		if (!r->help || !(r->with & with))
			continue;
		struct str name = {0};
		if (r->brief)
			str_addf(&name, "%s, ", r->brief);
		str_add(&name, r->name);
		mdoc_item(str_text(&name), r->value);
		mdoc_sentence(r->help);
		str_finish(&name);
	}
	puts(".El");
}

static void dump_options(void)
{
	dump_options_of(OPT_ALL | OPT_CONSOLE);
}

static void dump_verb_options(void)
{
	dump_options_of(~(unsigned)(OPT_ALL | OPT_CONSOLE | OPT_REASON));
}

static void dump_verbs_that(bool writes)
{
	const struct verb *v;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (v = verb_at(i)); i++) {
		struct str usage = {0};
		if ((verb_writes(v) || v->run == write_demo) != writes)
			continue;
		help_usage(v, &usage);
		fputs(".It Sy ", stdout);
		mdoc_quoted(str_text(&usage) + strlen("fairway "));
		putchar('\n');
		mdoc_sentence(v->help);
		str_finish(&usage);
	}
	puts(".El");
}

static void dump_reads(void)
{
	dump_verbs_that(false);
}

static void dump_writes(void)
{
	dump_verbs_that(true);
}

static const char *field_note(const struct field *f)
{
	switch (f->type) {
	case FIELD_TIME:
		return "time";
	case FIELD_INT:
	case FIELD_REAL:
		return "number";
	case FIELD_BOOL:
		return "true or false";
	case FIELD_TEXTS:
		return "array of texts";
	case FIELD_PAIRS:
		return "object of texts";
	case FIELD_PARTS:
		return "array of objects";
	case FIELD_PART:
		return "object";
	default:
		return NULL;
	}
}

static void put_fields(const struct record_class *class)
{
	for (size_t i = 0; i < class->n_fields; i++) {
		const struct field *f = &class->fields[i];
		fputs(i ? ", " : "", stdout);
		mdoc_words(f->name);
		if (f->type == FIELD_ENUM) {
			fputs(" (", stdout);
			for (size_t k = 0; f->values[k]; k++)
				printf("%s%s", k ? ", " : "", f->values[k]);
			fputs(")", stdout);
		} else if (f->sub) {
			printf(" (%s of ", f->type == FIELD_PART ? "object" : "array");
			put_fields(f->sub);
			fputs(")", stdout);
		} else if (field_note(f)) {
			printf(" (%s)", field_note(f));
		}
	}
}

static void dump_records(void)
{
	puts(".Bl -tag -width Ds");
	for (int kind = 0; kind < RECORD_COUNT; kind++) {
		const struct record_class *class = record_class(kind);
		mdoc_item(class->plural, NULL);
		mdoc_words(class->help);
		fputs(": ", stdout);
		put_fields(class);
		puts(".");
	}
	puts(".El");
}

static void dump_actions(void)
{
	const struct action *a;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (a = action_at(i)); i++) {
		if (a->wants & ACTION_ELSEWHERE)
			continue;
		mdoc_item(a->name, NULL);
		mdoc_words(a->help);
		printf(" (%s).\n", record_value_name(op_class_names, (int)a->class));
	}
	puts(".El");
}

static void dump_statuses(void)
{
	static const struct {
		const char *status, *means;
	} rows[] = {
		{"0", "done"},
		{"1", "done, and failed: a deploy that is not healthy, a port that is taken"},
		{"2", "wrong usage, configuration or file"},
		{"3", "refused: a guard, a lock, a permission, a plan that changed, read-only, commands that were not "
		      "approved, a confirmation that is missing, no room for the audit"},
		{"4", "not found"},
		{"5", "a source is unreachable or stale; what is known is printed all the same"},
		{"6", "the request was out and its outcome is not known"},
		{"70", "out of memory"},
		{"130", "interrupted"},
		{"143", "terminated"},
		{"any", "of exec, once the command runs: the one it ends with; 1 is also what kubectl says when it does not get there"},
	};
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mdoc_item(rows[i].status, NULL);
		mdoc_sentence(rows[i].means);
	}
	puts(".El");
}

static void dump_option_rows(const struct option_row *rows, size_t n)
{
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < n; i++) {
		struct str value = {0};
		mdoc_item(rows[i].name, NULL);
		mdoc_words(rows[i].help);
		option_describe(&value, &rows[i]);
		fputs(": ", stdout);
		mdoc_words(str_text(&value));
		puts(".");
		if (rows[i].absent) {
			fputs("Default: ", stdout);
			mdoc_sentence(rows[i].absent);
		}
		str_finish(&value);
	}
	puts(".El");
}

static void dump_config(void)
{
	size_t n;
	const struct option_row *rows = config_options(&n);
	dump_option_rows(rows, n);
}

static void dump_providers(void)
{
	const struct provider *p;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (p = provider_at(i)); i++) {
		mdoc_item(p->name, NULL);
		mdoc_words(p->help);
		fputs(".\nRoles:", stdout);
		for (size_t k = 0; p->roles[k]; k++)
			printf("%s %s", k ? "," : "", p->roles[k]);
		puts(".");
		if (p->n_options)
			dump_option_rows(p->options, p->n_options);
	}
	puts(".El");
}

static void dump_synopsis(void)
{
	const struct verb *v;
	for (size_t i = 0; (v = verb_at(i)); i++) {
		struct str usage = {0};
		help_usage(v, &usage);
		puts(".Nm");
		mdoc_words(str_text(&usage) + strlen("fairway "));
		putchar('\n');
		str_finish(&usage);
	}
}

static void dump_version(void)
{
	mdoc_words(fairway_version);
	putchar('\n');
}

static void dump_words(void)
{
	const struct verb *v;
	const struct arg_row *r;
	for (size_t i = 0; (v = verb_at(i)); i++)
		puts(v->name);
	for (size_t i = 0; (r = args_row(i)); i++)
		if (r->help)
			puts(r->name);
}

static const struct {
	const char *what;
	void (*print)(void);
} dumps[] = {
	{"options", dump_options}, {"verb-options", dump_verb_options}, {"reads", dump_reads}, {"writes", dump_writes},
	{"statuses", dump_statuses}, {"records", dump_records}, {"actions", dump_actions}, {"config", dump_config},
	{"providers", dump_providers}, {"synopsis", dump_synopsis}, {"commands", dump_commands}, {"keys", dump_keys},
	{"version", dump_version}, {"words", dump_words},
};

bool dump_print(const char *what, struct err *err)
{
	struct str names = {0};
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		if (str_eq(dumps[i].what, what)) {
			dumps[i].print();
			str_finish(&names);
			return true;
		}
		str_addf(&names, i ? ", %s" : "%s", dumps[i].what);
	}
	err_set(err, ERR_USAGE, "--dump \"%s\": there is %s", what, str_text(&names));
	str_finish(&names);
	return false;
}

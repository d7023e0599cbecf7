/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

static const char *const outputs[] = {"table", "json", NULL};
static const char *const colours[] = {"auto", "always", "never", NULL};

#define AT(member) offsetof(struct args, member)
static const struct arg_row rows[] = {
	{"--context", NULL, "NAME", ARG_TEXT, AT(context), OPT_ALL, NULL, "context of the configuration to use"},
	{"--config", NULL, "FILE", ARG_TEXT, AT(config), OPT_ALL, NULL, "configuration file to read"},
	{"--output", "-o", "table|json", ARG_CHOICE, AT(output), OPT_ALL, outputs, "form of what is printed"},
	{"--color", NULL, "auto|always|never", ARG_CHOICE, AT(colour), OPT_ALL, colours, "when to colour tables"},
	{"--reason", NULL, "TEXT", ARG_TEXT, AT(reason), OPT_ALL | OPT_REASON, NULL, "why, for the audit"},
	{"--help", "-h", NULL, ARG_FLAG, AT(help), OPT_ALL, NULL, "print what the verb does and takes"},
	{"--version", NULL, NULL, ARG_FLAG, AT(version), OPT_ALL, NULL, "print the version"},
	{"--dump", NULL, "WHAT", ARG_TEXT, AT(dump), OPT_CONSOLE, NULL, NULL},
	{"--keys", NULL, "SCRIPT", ARG_TEXT, AT(keys), OPT_CONSOLE, NULL, "type these keys first: \"gg<enter>\""},
	{"--service", NULL, "S", ARG_TEXT, AT(service), OPT_SERVICE, NULL, "service"},
	{"--env", "-e", "E", ARG_TEXT, AT(env), OPT_ENV, NULL, "environment"},
	{"--image", NULL, "IMAGE", ARG_TEXT, AT(image), OPT_IMAGE, NULL, "image of its container: registry/name:tag"},
	{"--namespace", "-n", "NS", ARG_TEXT, AT(namespace), OPT_NAMESPACE, NULL, "namespace that the objects name"},
	{"--from", NULL, "E", ARG_TEXT, AT(from), OPT_FROM, NULL,
	 "environment whose release is taken (default: the one before)"},
	{"--to", NULL, "X", ARG_TEXT, AT(to), OPT_TO, NULL, "environment, or for rollback the release, to go to"},
	{"--since", NULL, "10m", ARG_TEXT, AT(since), OPT_SINCE, NULL, "only what is younger: 30s, 10m, 2h, or a time"},
	{"--follow", "-f", NULL, ARG_FLAG, AT(follow), OPT_LOGS, NULL, "go on with what comes"},
	{"--tail", NULL, "N", ARG_TEXT, AT(tail), OPT_LOGS, NULL, "only the last N lines of each instance"},
	{"--level", NULL, "error", ARG_TEXT, AT(level), OPT_LOGS, NULL, "only lines of this level and above"},
	{"--grep", NULL, "RE", ARG_TEXT, AT(grep), OPT_LOGS, NULL, "only lines that match (PCRE2)"},
	{"--instance", NULL, "I", ARG_TEXT, AT(instance), OPT_LOGS | OPT_INSTANCE, NULL,
	 "only this instance (on Kubernetes: POD, or POD/CONTAINER)"},
	{"--workload", NULL, "W", ARG_TEXT, AT(workload), OPT_WORKLOAD, NULL,
	 "which workload of a cluster, where a service has several"},
	{"--container", NULL, "C", ARG_TEXT, AT(container), OPT_CONTAINER, NULL, "which container, where there are several"},
	{"--previous", NULL, NULL, ARG_FLAG, AT(previous), OPT_LOGS, NULL, "of the process before the running one"},
	{"--until", NULL, "T", ARG_TEXT, AT(until), OPT_UNTIL, NULL, "time (RFC 3339) or span (2h) when it ends"},
	{"--for", NULL, "1h", ARG_TEXT, AT(for_), OPT_FOR, NULL, "how long"},
	{"--apply", NULL, NULL, ARG_FLAG, AT(apply), OPT_APPLY, NULL,
	 "on a cluster: all that service.yaml says, not the image alone"},
	{"--dir", NULL, "FOLDER", ARG_TEXT, AT(dir), OPT_NEW | OPT_APPLY, NULL,
	 "folder to make (default: ./NAME), or of --apply (default: the catalog's)"},
	{"--set", NULL, "K=V", ARG_LIST, AT(set), OPT_NEW, NULL, "parameter of the golden path; may be repeated"},
	{"--dry-run", NULL, NULL, ARG_FLAG, AT(dry_run), OPT_NEW | OPT_WRITE, NULL, "show the plan and do nothing"},
	{"--approve", NULL, "SHA256", ARG_TEXT, AT(approve), OPT_APPROVE, NULL, "approve the commands that were shown"},
	{"--yes", "-y", NULL, ARG_FLAG, AT(yes), OPT_WRITE, NULL, "confirm a changing operation"},
	{"--confirm", NULL, "ENV/NAME", ARG_TEXT, AT(confirm), OPT_WRITE, NULL, "confirm in a protected environment"},
	{"--past-migration", NULL, NULL, ARG_FLAG, AT(past_migration), OPT_GUARDS, NULL,
	 "roll back past a database migration"},
	{"--despite-bad", NULL, NULL, ARG_FLAG, AT(despite_bad), OPT_GUARDS, NULL, "take a release that is marked bad"},
	{"--take-over", NULL, NULL, ARG_FLAG, AT(take_over), OPT_GUARDS, NULL,
	 "on a cluster: set what another program manages too"},
	{"--without-databases", NULL, NULL, ARG_FLAG, AT(without_databases), OPT_GUARDS, NULL,
	 "deploy a service whose databases cannot be had"},
	{"--kubeconfig", NULL, "FILE", ARG_TEXT, AT(kubeconfig), OPT_KUBECONFIG, NULL,
	 "kubeconfig to read instead of those of KUBECONFIG or ~/.kube/config"},
	{"--raw", NULL, NULL, ARG_FLAG, AT(raw), OPT_KUBECONFIG, NULL, "print secrets too"},
};

const struct arg_row *args_row(size_t index)
{
	return index < sizeof(rows) / sizeof(rows[0]) ? &rows[index] : NULL;
}

/* word: "--env", "--env=E" or "-e". Sets *value to what stands behind "=". */
static const struct arg_row *find_row(const char *word, const char **value)
{
	const char *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	*value = eq ? eq + 1 : NULL;
	const struct arg_row *r;
	for (size_t i = 0; (r = args_row(i)); i++) {
		if (strlen(r->name) == len && strncmp(r->name, word, len) == 0)
			return r;
		if (r->brief && !eq && strcmp(r->brief, word) == 0)
			return r;
	}
	return NULL;
}

static bool unknown_option(const char *word, struct err *err)
{
	const char *names[sizeof(rows) / sizeof(rows[0])];
	size_t n = 0;
	const struct arg_row *r;
	for (size_t i = 0; (r = args_row(i)); i++)
		if (r->help)
			names[n++] = r->name;
	const char *near = str_nearest(word, names, n);
	if (near)
		return err_set(err, ERR_USAGE, "%s: unknown option; did you mean %s?", word, near);
	return err_set(err, ERR_USAGE, "%s: unknown option; see fairway --help", word);
}

static bool store(const struct arg_row *r, const char *value, struct args *a, struct err *err)
{
	char *at = (char *)a + r->offset;
	switch (r->kind) {
	case ARG_FLAG:
		*(bool *)at = true;
		return true;
	case ARG_TEXT:
		*(const char **)at = value;
		return true;
	case ARG_CHOICE:
		*(int *)at = record_value_of(r->choices, value);
		if (*(int *)at < 0)
			return err_set(err, ERR_USAGE, "%s: \"%s\" is not one of %s", r->name, value, r->value);
		return true;
	case ARG_LIST:
		if (a->n_set == ARGS_SET_MAX)
			return err_set(err, ERR_USAGE, "%s: more than %d", r->name, ARGS_SET_MAX);
		a->set[a->n_set++] = value;
		return true;
	}
	return false;
}

static bool add_word(struct args *a, const char *word, struct err *err)
{
	if (!a->verb) {
		a->verb = word;
		return true;
	}
	if (a->n_words == ARGS_WORDS_MAX)
		return err_set(err, ERR_USAGE, "more than %d words", ARGS_WORDS_MAX);
	a->words[a->n_words++] = word;
	return true;
}

bool args_parse(int argc, char **argv, struct args *a, struct err *err)
{
	*a = (struct args){0};
	bool ended = false;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value;
		if (ended || word[0] != '-' || !word[1]) {
			if (!add_word(a, word, err))
				return false;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			ended = true;
			continue;
		}
		const struct arg_row *r = find_row(word, &value);
		if (!r)
			return unknown_option(word, err);
		if (r->kind == ARG_FLAG && value)
			return err_set(err, ERR_USAGE, "%s takes no value", r->name);
		if (r->kind != ARG_FLAG && !value && !(value = argv[++i]))
			return err_set(err, ERR_USAGE, "%s needs a value: %s %s", r->name, r->name, r->value);
		if (!store(r, value, a, err))
			return false;
	}
	return true;
}

static bool is_missing(const struct args *a, const struct arg_row *r, unsigned needs)
{
	return r->kind == ARG_TEXT && r->with & needs && str_empty(*(const char *const *)((const char *)a + r->offset));
}

bool args_check(const struct args *a, const char *verb, unsigned takes, unsigned needs, int argc, char **argv,
                struct err *err)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *value;
		const struct arg_row *r = argv[i][0] == '-' && argv[i][1] ? find_row(argv[i], &value) : NULL;
		if (!r)
			continue;
		if (!(r->with & (takes | OPT_ALL)))
			return err_set(err, ERR_USAGE, "%s: fairway %s does not take it; see fairway %s --help", r->name,
			               verb, verb);
		if (r->kind != ARG_FLAG && !value)
			i++;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_missing(a, &rows[i], needs))
			return err_set(err, ERR_USAGE, "%s %s is needed; see fairway %s --help", rows[i].name,
			               rows[i].value, verb);
	return true;
}

bool args_span(const char *name, const char *text, int64_t *ms, struct err *err)
{
	if (clock_parse_duration(text, ms))
		return true;
	return err_set(err, ERR_USAGE, "%s: \"%s\" is not a span of time such as 30s, 10m, 2h", name, text);
}

bool args_time(const char *name, const char *text, bool is_ahead, int64_t now_ms, int64_t *wall_ms, struct err *err)
{
	int64_t span;
	if (clock_parse_duration(text, &span)) {
		*wall_ms = is_ahead ? now_ms + span : now_ms - span;
		return true;
	}
	if (clock_parse_rfc3339(text, wall_ms))
		return true;
	return err_set(err, ERR_USAGE, "%s: \"%s\" is neither a span (10m, 2h) nor a time (2026-08-01T10:00:00Z)", name,
	               text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration as text: an annotated one to begin with, and what is in force. */
#include <stdlib.h>

#include "backend/config_private.h"
#include "backend/provider.h"
#include "base/str.h"
#include "base/yaml.h"

static const char example[] = "\n# Contexts beside the built-in ones (local, demo). A token is never written "
			      "here: it comes from a command,\n"
			      "# a file or a variable.\n"
			      "#contexts:\n"
			      "#  acme:\n"
			      "#    read-only: false\n"
			      "#    platform: { kind: platform, name: local }\n"
			      "#    environments:\n"
			      "#      - name: prod\n"
			      "#        protected: true      # changes want the name typed\n"
			      "#        read-only: false\n";

char *config_default_text(void)
{
	struct str out = {0};
	size_t n;
	const struct option_row *rows = config_options(&n);
	str_add(&out,
		"# fairway's configuration, fairway-config(5). What is commented out shows its default.\n");
	for (size_t i = 0; i < n; i++) {
		str_addf(&out, "\n# %s.\n", rows[i].help);
		if (rows[i].choices) {
			str_add(&out, "# One of:");
			for (size_t k = 0; rows[i].choices[k]; k++)
				str_addf(&out, " %s", rows[i].choices[k]);
			str_addc(&out, '\n');
		}
		str_addf(&out, "#%s:%s%s\n", rows[i].name, rows[i].absent ? " " : "",
			 rows[i].absent ? rows[i].absent : "");
	}
	str_add(&out, example);
	return str_detach(&out);
}

static void add_line(struct str *out, const char *indent, const char *name, const char *value)
{
	str_addf(out, "%s%s: ", indent, name);
	yaml_quote_scalar(out, value);
	str_addc(out, '\n');
}

static void add_setting(struct str *out, const char *indent, const struct setting *s)
{
	if (!s->text)
		return;
	str_addf(out, "%s%s: ", indent, s->option->name);
	if (s->option->type == OPTION_BOOL || s->option->type == OPTION_INT)
		str_add(out, s->text); /* not a text to YAML: without quotes */
	else
		option_print(out, s->option, s->text);
	str_add(out, s->is_default ? "    # default\n" : "\n");
}

static void show_token(struct str *out, const struct token_source *t)
{
	switch (t->from) {
	case TOKEN_NONE:
		return;
	case TOKEN_COMMAND:
		str_add(out, "      token: { command: [");
		for (size_t i = 0; t->command[i]; i++) {
			str_add(out, i ? ", " : "");
			yaml_quote_always(out, t->command[i]);
		}
		str_addc(out, ']');
		break;
	case TOKEN_FILE:
	case TOKEN_ENV:
		str_addf(out, "      token: { %s: ", t->from == TOKEN_FILE ? "file" : "env");
		yaml_quote_always(out, t->name);
		break;
	}
	if (t->header)
		str_addf(out, ", header: %s", t->header);
	str_add(out, " }\n");
}

static void show_source(struct str *out, const struct config_source *s)
{
	str_addf(out, "    %s:%s%s\n", s->name, s->environment ? "    # of environment " : "",
		 s->environment ? s->environment : "");
	add_line(out, "      ", "kind", s->provider->name);
	if (s->url)
		add_line(out, "      ", "url", s->url);
	if (s->ca_file)
		add_line(out, "      ", "ca", s->ca_file);
	for (size_t i = 0; i < s->n_settings; i++)
		add_setting(out, "      ", &s->settings[i]);
	show_token(out, &s->token);
}

char *config_show_text(const struct config *c)
{
	struct str out = {0};
	str_addf(&out, "# %s%s\n", c->file, c->is_absent ? " (absent: defaults)" : "");
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct setting *s = &c->settings[i];
		if (!str_eq(s->option->name, "context"))
			add_setting(&out, "", s);
	}
	add_line(&out, "", "context", c->context->name);
	str_add(&out, "contexts:\n");
	for (size_t i = 0; i < c->n_contexts; i++) {
		const struct config_context *x = &c->contexts[i];
		str_addf(&out, "  %s:%s%s%s\n", x->name, x->help ? "    # " : "", x->help ? x->help : "",
			 x->n_sources ? "" : " {}");
		if (x->is_read_only)
			str_add(&out, "    read-only: true\n");
		for (size_t k = 0; k < x->n_sources; k++)
			show_source(&out, &x->sources[k]);
	}
	return str_detach(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fairway config plugins: the credential plugins that the configuration's clusters log in by, and which of them may run. */
#include <cJSON.h>
#include <stdlib.h>

#include "backend/config.h"
#include "backend/consent.h"
#include "backend/kubeconfig.h"
#include "backend/provider.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/verb.h"

struct listing {
	struct cli *cli;
	cJSON *json;     /* NULL: as text */
	bool is_matched; /* one has the hash that is approved */
	int status;
};

static const char *option(const struct config_source *source, const char *name)
{
	const struct setting *s = option_find(source->settings, source->n_settings, name);
	return s ? s->text : NULL;
}

static void tell(struct listing *l, const struct config_source *source, const char *user, const struct consent *c)
{
	struct str line = {0};
	bool is_given = consent_is_given(c->hash);
	if (l->json) {
		cJSON *one = cJSON_CreateObject();
		json_add_text(one, "source", source->name);
		json_add_text(one, "user", user);
		json_add_text(one, "command", c->line);
		json_add_text(one, "approve", *c->hash ? c->hash : NULL);
		json_add_bool(one, "approved", is_given);
		cJSON_AddItemToArray(l->json, one);
		return;
	}
	str_addf(&line, "%s: user %s, %s", source->name, user,
		 is_given ? "approved" : *c->hash ? "not approved" : "not installed");
	output_line(line.s);
	str_reset(&line);
	str_addf(&line, "  %s", c->line);
	output_line(line.s);
	str_reset(&line);
	if (!is_given && *c->hash) {
		str_addf(&line, "  approve with: fairway config plugins --approve %s", c->hash);
		output_line(line.s);
	}
	str_finish(&line);
}

static void take(struct listing *l, const struct config_source *source)
{
	const char *wanted = l->cli->args->approve, *file = option(source, "kubeconfig");
	struct arena arena = {0};
	struct consent consent;
	struct kube_pick pick;
	struct err err = {0};
	struct kubeconfig *k = kubeconfig_load(file, &err);
	const char *context = option(source, "context");
	bool is_read = k && (kubeconfig_is_absent(k) || kubeconfig_pick(k, context, &pick, &err));
	bool is_good = is_read;
	if (is_read && !kubeconfig_is_absent(k) && consent_of(pick.user, &arena, &consent)) {
		if (wanted && str_eq(wanted, consent.hash)) {
			l->is_matched = true;
			is_good = consent_give(&consent, &err);
		}
		if (is_good && (!wanted || str_eq(wanted, consent.hash)))
			tell(l, source, pick.user->name, &consent);
	}
	if (!is_good)
		l->status = cli_refuse(l->cli, err.kind, "%s: %s", source->name, err.text);
	kubeconfig_free(k);
	arena_finish(&arena);
}

int config_plugins(struct cli *cli)
{
	struct listing l = {.cli = cli, .json = cli->args->output == OUTPUT_JSON ? cJSON_CreateArray() : NULL};
	if (!cli_load(cli, NULL)) {
		cJSON_Delete(l.json);
		return err_exit_status(ERR_USAGE);
	}
	const struct config_context *context = cli->config->context;
	for (size_t i = 0; i < context->n_sources; i++)
		if (context->sources[i].provider->reach == REACH_KUBECONFIG)
			take(&l, &context->sources[i]);
	if (cli->args->approve && !l.is_matched && !l.status)
		l.status = cli_refuse(cli, ERR_NOT_FOUND,
				      "no plugin of this configuration is approved with that: fairway config plugins tells them");
	if (l.json)
		output_json(l.json);
	return l.status;
}

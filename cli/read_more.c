/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that read something else than a list: runbook, audit. */
#include <cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/session.h"
#include "cli/verb.h"

static void join(const struct message *m, void *arg)
{
	if (m->kind == MESSAGE_DOCUMENT)
		str_addn(arg, m->document.text, m->document.len);
}

int read_runbook(struct cli *cli)
{
	struct err err = {0};
	struct str text = {0};
	struct rows_wish names = {.service = cli->args->words[0]};
	if (!session_open(cli, NULL, &err) || !rows_read(cli->session, 0, &names, &err) ||
	    !session_ask(cli->session, request_document(DOCUMENT_RUNBOOK, names.service, NULL, false),
	                 SESSION_PATIENCE_MS, join, &text, &err)) {
		str_finish(&text);
		return cli_fail(cli, &err);
	}
	if (cli->args->output == OUTPUT_JSON) {
		cJSON *object = cJSON_CreateObject();
		json_add_text(object, "service", names.service);
		json_add_text(object, "text", str_text(&text));
		output_json(object);
	} else {
		output_text(str_text(&text), text.len);
	}
	str_finish(&text);
	return 0;
}

struct verdict {
	struct cli *cli;
	cJSON *array;
	bool is_bad;
};

static void take_check(const struct message *m, void *arg)
{
	struct verdict *v = arg;
	const struct audit_check *a = &m->audit;
	if (m->kind != MESSAGE_AUDIT)
		return;
	v->is_bad |= !a->is_ok;
	cJSON *object = cJSON_CreateObject();
	json_add_text(object, "chain", a->chain);
	json_add_int(object, "entries", a->entries);
	json_add_text(object, "head", a->head);
	json_add_bool(object, "ok", a->is_ok);
	json_add_text(object, "first_bad", a->first_bad);
	cJSON_AddItemToArray(v->array, object);
	if (v->cli->args->output == OUTPUT_JSON)
		return;
	struct str line = {0};
	str_addf(&line, "%s: %" PRId64 " entries, %s", a->chain, a->entries, a->is_ok ? "the chain is whole" : "BROKEN");
	if (!a->is_ok)
		str_addf(&line, " at entry %s", a->first_bad ? a->first_bad : "unknown");
	if (a->head)
		str_addf(&line, ", head %s", a->head);
	output_line(str_text(&line));
	str_finish(&line);
}

static int verify(struct cli *cli)
{
	struct err err = {0};
	struct verdict v = {.cli = cli, .array = cJSON_CreateArray()};
	int status = 0;
	if (!session_open(cli, NULL, &err) || !rows_read(cli->session, 0, &(struct rows_wish){0}, &err) ||
	    !session_check(cli->session, &err) ||
	    !session_ask(cli->session, request_new(REQUEST_AUDIT_VERIFY), SESSION_PATIENCE_MS, take_check, &v, &err))
		status = cli_fail(cli, &err);
	if (cli->args->output == OUTPUT_JSON && !status)
		output_json(v.array);
	else
		cJSON_Delete(v.array);
	if (!status && v.is_bad)
		return cli_refuse(cli, ERR_FAILED, "entries were changed or removed after they were written");
	if (!status)
		cli_tell(cli, "this proves tampering only against a head that was kept elsewhere: note it down");
	return status;
}

int read_audit(struct cli *cli)
{
	if (!cli->args->n_words)
		return read_list(cli);
	if (!str_eq(cli->args->words[0], "verify"))
		return cli_refuse(cli, ERR_USAGE, "\"%s\" is not verify; usage: fairway audit [verify]",
		                  cli->args->words[0]);
	return verify(cli);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fixture_told.h"

#include <stdlib.h>
#include <string.h>

#include "backend/message.h"
#include "base/str.h"
#include "model/record_json.h"

static void tell_change(struct str *told, const struct change *c)
{
	static const char *const words[] = {"begin", "put", "delete", "sync"};
	const struct record_class *class = record_class(c->kind);
	if (c->what == CHANGE_PUT && c->kind == RECORD_SOURCE) {
		const struct source *s = c->record;
		str_addf(told, "source %s%s%s\n", source_state_names[s->state], s->error ? ": " : "", s->error ? s->error : "");
		return;
	}
	str_addf(told, "%s %s", words[c->what], class->name);
	if (c->what == CHANGE_PUT) {
		char copy[1024];
		memcpy(copy, c->record, class->size);
		((struct record *)(void *)copy)->as_of = 0;
		char *json = record_to_text(class, copy);
		str_addf(told, " %s", json);
		free(json);
	} else if (c->what == CHANGE_DELETE) {
		str_addf(told, " %s", c->key);
	}
	str_addc(told, '\n');
}

static void tell_logs(struct str *told, const struct log_batch *b)
{
	static const char *const words[] = {"log", "gap", "exit", "start", "cut"};
	for (size_t i = 0; i < b->n; i++) {
		const struct log_row *l = &b->lines[i];
		str_addf(told, "%s", words[l->what]);
		if (l->instance != LOG_NO_INSTANCE)
			str_addf(told, " %s", b->instances[l->instance].id);
		if (l->instance != LOG_NO_INSTANCE && b->instances[l->instance].service)
			str_addf(told, "=%s/%s", b->instances[l->instance].service, b->instances[l->instance].environment);
		if (l->what == LINE_TEXT)
			str_addf(told, " %lld", (long long)l->time);
		str_addc(told, ' ');
		str_addn(told, b->block + l->at, l->len);
		str_addc(told, '\n');
	}
}

static void tell_record(struct str *told, const char *word, enum record_kind kind, const void *record)
{
	char *json = record_to_text(record_class(kind), record);
	str_addf(told, "%s %s\n", word, json);
	free(json);
}

void fixture_tell(struct str *told, const struct message *m)
{
	switch (m->kind) {
	case MESSAGE_RECORDS:
		for (size_t i = 0; i < m->changes.n; i++)
			tell_change(told, &m->changes.items[i]);
		break;
	case MESSAGE_LOGS:
		tell_logs(told, &m->logs);
		break;
	case MESSAGE_DOCUMENT:
		str_addf(told, "document %.*s\n", (int)m->document.len, m->document.text);
		break;
	case MESSAGE_SERIES:
		str_addf(told, "series %s %s %zu points, threshold %g, %zu marks\n", m->series.name, m->series.unit,
			 m->series.n, m->series.threshold, m->series.n_marks);
		break;
	case MESSAGE_USE:
		str_addf(told, "use of %s\n", m->uses.source);
		for (size_t i = 0; i < m->uses.n; i++)
			str_addf(told, "use %s %lld %lld\n", m->uses.items[i].instance, (long long)m->uses.items[i].cpu,
				 (long long)m->uses.items[i].memory);
		break;
	case MESSAGE_AUDIT:
		str_addf(told, "audit %s %lld %s\n", m->audit.chain, (long long)m->audit.entries, m->audit.is_ok ? "ok" : "bad");
		break;
	case MESSAGE_INFO:
		str_addf(told, "info %s %s %lld/%lld\n", m->info.name, m->info.version, (long long)m->info.raising_done,
			 (long long)m->info.raising_total);
		break;
	case MESSAGE_PLAN:
		tell_record(told, "plan", RECORD_PLAN, &m->plan);
		break;
	case MESSAGE_TERMINAL:
		str_add(told, "terminal");
		for (size_t i = 0; m->terminal.argv[i]; i++)
			str_addf(told, " %s", m->terminal.argv[i]);
		str_addc(told, '\n');
		break;
	case MESSAGE_OPERATION:
		tell_record(told, "operation", RECORD_OPERATION, &m->operation);
		break;
	default:
		break;
	}
}

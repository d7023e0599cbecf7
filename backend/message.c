/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/message.h"

#include <stdlib.h>

static const char *const kind_names[MESSAGE_KIND_COUNT] = {
	"records", "settled", "logs",      "document", "series", "use", "audit",
	"info",    "plan",    "operation", "files",    "terminal", "done",
};

const char *message_kind_name(enum message_kind kind)
{
	return kind < MESSAGE_KIND_COUNT ? kind_names[kind] : "unknown";
}

struct message *message_new(enum message_kind kind, uint64_t request)
{
	struct message *m = mem_alloc(sizeof(*m));
	m->kind = kind;
	m->request = request;
	return m;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	arena_finish(&m->arena);
	free(m->owned[0]);
	free(m->owned[1]);
	free(m);
}

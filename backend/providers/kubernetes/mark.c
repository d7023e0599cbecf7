/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/providers/kubernetes/mark.h"

#include <stdlib.h>
#include <string.h>

#include "backend/providers/kubernetes/object.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define LATE_MS 60000 /* clocks of a cluster and of those who look at it differ */

static bool read_mark(const cJSON *o, int64_t now, struct arena *arena, struct kube_mark *m)
{
	*m = (struct kube_mark){
		.by = arena_dup(arena, json_text(o, "by")),
		.reason = arena_dup(arena, json_text(o, "reason")),
		.at = kube_time(o, "at"),
		.until = kube_time(o, "until"),
	};
	bool is_lasting = !json_get(o, "until");
	m->by = m->by ? m->by : "somebody";
	return cJSON_IsObject(o) && (is_lasting || m->until > now);
}

static cJSON *parse(const char *annotation)
{
	return annotation ? json_parse(annotation, strlen(annotation), NULL) : NULL;
}

bool kube_lock_read(const char *annotation, int64_t now, struct arena *arena, struct kube_mark *m)
{
	cJSON *o = parse(annotation);
	bool is_there = read_mark(o, now, arena, m);
	cJSON_Delete(o);
	return is_there;
}

bool kube_ack_read(const char *annotation, const char *kind, int64_t since, int64_t now, struct arena *arena,
		   struct kube_mark *m)
{
	cJSON *all = parse(annotation);
	bool is_there = read_mark(json_get(all, kind), now, arena, m) && m->at >= since - LATE_MS;
	cJSON_Delete(all);
	return is_there;
}

const char *kube_lock_text(const struct kube_mark *m, struct arena *arena)
{
	char until[CLOCK_TEXT] = "";
	if (m->until)
		clock_rfc3339(m->until, until);
	return arena_printf(arena, "by %s: %s%s%s", m->by, m->reason ? m->reason : "no reason was given",
			    m->until ? ", until " : "", until);
}

static cJSON *mark_of(const struct kube_mark *m)
{
	cJSON *o = cJSON_CreateObject();
	json_add_text(o, "by", m->by);
	json_add_text(o, "reason", m->reason);
	json_add_time(o, "at", m->at);
	json_add_time(o, "until", m->until);
	return o;
}

/* Takes o. */
static const char *print(cJSON *o, struct arena *arena)
{
	char *text = json_print(o);
	const char *kept = arena_dup(arena, text);
	free(text);
	cJSON_Delete(o);
	return kept;
}

const char *kube_lock_write(const struct kube_mark *m, struct arena *arena)
{
	return m ? print(mark_of(m), arena) : NULL;
}

const char *kube_ack_write(const char *annotation, const char *kind, const struct kube_mark *m, struct arena *arena)
{
	cJSON *all = parse(annotation);
	if (!cJSON_IsObject(all)) {
		cJSON_Delete(all);
		all = cJSON_CreateObject();
	}
	cJSON_DeleteItemFromObjectCaseSensitive(all, kind);
	if (m)
		cJSON_AddItemToObject(all, kind, mark_of(m));
	if (all->child)
		return print(all, arena);
	cJSON_Delete(all);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A reply in Protocol Buffers, or what claims to be: any cut gives the same units, and what a unit is told as in JSON is
 * JSON, whatever its fields hold. The first byte chooses the kind. */
#include <string.h>

#include "backend/providers/kubernetes/proto.h"
#include "tests/fuzz/fuzz.h"

#define CEILING 4096

struct taken {
	enum kube_what what;
	struct str units;
};

/* What a raw member holds is its parser's to judge: of those it is enough that they are read. */
static void read_unit(enum kube_what what, const char *unit, size_t len, bool is_last)
{
	struct str json = {0};
	struct err err;
	bool is_good = is_last ? kube_proto_envelope(unit, len, &json, &err)
			       : kube_proto_object(what, unit, len, &json, &err);
	if (is_good && what != KUBE_REVISION && !memmem(json.s, json.len, "\\u0000", 6)) {
		cJSON *object = json_parse(json.s, json.len, &err);
		assert(object || strstr(err.text, "stands twice"));
		cJSON_Delete(object);
	}
	str_finish(&json);
}

static bool take(const char *unit, size_t len, bool is_last, void *arg)
{
	struct taken *t = arg;
	str_addc(&t->units, is_last ? 'L' : 'U');
	str_addn(&t->units, unit, len);
	read_unit(t->what, unit, len, is_last);
	return true;
}

static void read(const uint8_t *data, size_t len, size_t piece, struct taken *t)
{
	struct frame f;
	bool is_good = true;
	frame_init(&f, FRAME_ITEMS, CEILING, "items", take, t);
	f.proto = &kube_proto_list;
	for (size_t at = 1; is_good && at < len; at += piece)
		is_good = frame_feed(&f, (const char *)data + at, len - at < piece ? len - at : piece, NULL);
	is_good = is_good && frame_end(&f, NULL);
	str_addc(&t->units, is_good ? '+' : '-');
	if (!f.is_proto)
		str_reset(&t->units); /* as JSON its elements are another target's */
	frame_finish(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum kube_what what = len ? (enum kube_what)(data[0] % KUBE_KINDS) : KUBE_KINDS;
	struct taken whole = {.what = what}, pieces = {.what = what};
	struct str status = {0};
	if (len < 2 || !kube_proto_has(what))
		return 0;
	json_start();
	kube_proto_status((const char *)data + 1, len - 1, &status);
	read(data, len, len, &whole);
	read(data, len, data[1] % 7 + 1u, &pieces);
	assert(whole.units.len == pieces.units.len &&
	       (!whole.units.len || memcmp(whole.units.s, pieces.units.s, whole.units.len) == 0));
	str_finish(&whole.units);
	str_finish(&pieces.units);
	str_finish(&status);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <cJSON.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "base/yaml.h"

static void put(struct str *, const cJSON *, int indent, bool is_begun);

static void scalar(struct str *out, const cJSON *value)
{
	if (cJSON_IsString(value)) {
		yaml_quote_scalar(out, value->valuestring);
		return;
	}
	char *text = json_print(value); /* a number, true, false, null, {} and [] are the same in both */
	str_add(out, text);
	free(text);
}

static void line_start(struct str *out, int indent, bool *is_begun)
{
	if (!*is_begun)
		str_addf(out, "%*s", indent, "");
	*is_begun = false;
}

/* What stands after "key:". Items of a list stand below their key, not further in. */
static void member_value(struct str *out, const cJSON *value, int indent)
{
	if (!value->child) {
		str_addc(out, ' ');
		scalar(out, value);
		str_addc(out, '\n');
		return;
	}
	str_addc(out, '\n');
	put(out, value, cJSON_IsArray(value) ? indent : indent + 2, false);
}

/* is_begun: the first line goes on behind a "- ". */
static void put(struct str *out, const cJSON *value, int indent, bool is_begun)
{
	if (!value->child) {
		line_start(out, indent, &is_begun);
		scalar(out, value);
		str_addc(out, '\n');
		return;
	}
	for (const cJSON *c = value->child; c; c = c->next) {
		line_start(out, indent, &is_begun);
		if (cJSON_IsArray(value)) {
			str_add(out, "- ");
			put(out, c, indent + 2, true);
		} else {
			yaml_quote_scalar(out, c->string);
			str_addc(out, ':');
			member_value(out, c, indent);
		}
	}
}

void yaml_put_json(struct str *out, const struct cJSON *json)
{
	put(out, json, 0, false);
}

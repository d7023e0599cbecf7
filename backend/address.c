/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/address.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

void address_escape(struct str *out, const char *text, bool keeps_slash)
{
	for (const char *c = text; *c; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				(*c >= '0' && *c <= '9') || strchr("-._~", *c) || (keeps_slash && *c == '/');
		if (is_plain)
			str_addc(out, *c);
		else
			str_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
	}
}

void address_parameter(struct str *path, const char *name, const char *value)
{
	if (!value)
		return;
	str_addc(path, strchr(str_text(path), '?') ? '&' : '?');
	str_add(path, name);
	str_addc(path, '=');
	address_escape(path, value, false);
}

void address_time(struct str *path, const char *name, int64_t wall_ms)
{
	char text[CLOCK_TEXT];
	if (!wall_ms)
		return;
	clock_rfc3339(wall_ms, text);
	address_parameter(path, name, text);
}

void address_number(struct str *path, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	address_parameter(path, name, text);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/amount.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

#define MI (1024 * 1024)

static void cpu_text(int64_t milli, char *out, size_t size)
{
	if (milli < 10000)
		snprintf(out, size, "%" PRId64 "m", milli);
	else
		snprintf(out, size, "%" PRId64, milli / 1000);
}

static void memory_text(int64_t bytes, char *out, size_t size)
{
	if (bytes < MI)
		snprintf(out, size, "%" PRId64 "Ki", bytes / 1024);
	else if (bytes / MI < 10 * 1024)
		snprintf(out, size, "%" PRId64 "Mi", bytes / MI);
	else
		snprintf(out, size, "%" PRId64 "Gi", bytes / MI / 1024);
}

static void text_of(int64_t used, int64_t limit, int64_t request, void (*write)(int64_t, char *, size_t),
		    char out[AMOUNT_TEXT])
{
	char is[AMOUNT_TEXT / 2 - 1] = "-", most[AMOUNT_TEXT / 2 - 1] = "";
	int64_t bound = limit != RECORD_NONE ? limit : request;
	if (used != RECORD_NONE)
		write(used, is, sizeof(is));
	if (bound != RECORD_NONE)
		write(bound, most, sizeof(most));
	if (used == RECORD_NONE && bound == RECORD_NONE)
		out[0] = '\0';
	else
		snprintf(out, AMOUNT_TEXT, "%s%s%s", is, most[0] ? "/" : "", most);
}

void amount_cpu(const struct instance *i, char out[AMOUNT_TEXT])
{
	text_of(i->cpu, i->cpu_limit, i->cpu_request, cpu_text, out);
}

void amount_memory(const struct instance *i, char out[AMOUNT_TEXT])
{
	text_of(i->memory, i->memory_limit, i->memory_request, memory_text, out);
}

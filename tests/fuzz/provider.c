/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon gone wrong may answer: bytes of any kind behind a good head, through the provider of the platform, on the
 * driver of its fixtures. What it tells is the same however the bytes are cut. The first byte chooses the request. */
#include <string.h>

#include "base/str.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fixture.h"

static const struct {
	const char *request, *sent;
	int status;
} asked[] = {
	{"watch services,instances", "GET /v1/watch?kinds=services,instances", 200},
	{"logs checkout", "GET /v1/logs?service=checkout", 200},
	{"info", "GET /v1/info", 200},
	{"series", "GET /v1/series?service=a&environment=b&name=error_ratio", 200},
	{"audit", "GET /v1/audit/verify", 200},
	{"execute p1 yes", "POST /v1/operations {\"plan\":\"p1\",\"confirm\":\"yes\"}", 202},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str script = {0};
	char whole[4096] = "", pieces[4096] = "";
	if (len < 2 || len > 65536)
		return 0;
	size_t which = data[0] % (sizeof(asked) / sizeof(asked[0]));
	str_addf(&script, "provider platform\nrequest %s\n> %s\n< %d Fairway-Api: 1; Fairway-Instances: checkout-prod-1=checkout/prod\n<- ",
		 asked[which].request, asked[which].sent, asked[which].status);
	for (size_t i = 1; i < len; i++)
		str_addf(&script, "\\x%02x", data[i]);
	/* What it told is compared with something that it never tells: the message then says what it was. */
	str_add(&script, "\n! eof\n= nothing of the kind\n");
	assert(!fixture_run(script.s, script.len, FIXTURE_WHOLE, whole));
	assert(!fixture_run(script.s, script.len, data[1] % 2 ? -1 : (int)(len / 2), pieces));
	const char *a = strchr(whole, ':'), *b = strchr(pieces, ':'); /* behind the line and the cut */
	assert(a && b && str_eq(a, b));
	str_finish(&script);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's two files: what is read writes back and reads again the same. */
#include <stdlib.h>
#include <string.h>

#include "platform/route.h"
#include "base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = mem_dup_n(data, len);
	struct route_table table = {0}, again = {0};
	struct route_ack ack = {0}, ack_again = {0};
	struct str out = {0}, twice = {0};
	struct err err = {0};
	if (route_table_parse(text, &table, &err)) {
		route_table_render(&table, &out);
		assert(route_table_parse(str_text(&out), &again, &err));
		route_table_render(&again, &twice);
		assert(str_eq(str_text(&out), str_text(&twice)));
	} else {
		assert(err.text[0] && table.count == 0);
	}
	str_reset(&out);
	str_reset(&twice);
	if (route_ack_parse(text, &ack, &err)) {
		route_ack_render(&ack, &out);
		assert(route_ack_parse(str_text(&out), &ack_again, &err));
		route_ack_render(&ack_again, &twice);
		assert(str_eq(str_text(&out), str_text(&twice)));
	}
	route_table_finish(&table);
	route_table_finish(&again);
	route_ack_finish(&ack);
	route_ack_finish(&ack_again);
	str_finish(&out);
	str_finish(&twice);
	free(text);
	return 0;
}

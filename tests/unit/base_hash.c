/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"

static void vectors(void **state)
{
	(void)state;
	char hex[HASH_HEX];
	hash_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	hash_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct hash h;
	hash_start(&h);
	hash_add(&h, "a", 1);
	hash_add(&h, "", 0);
	hash_add(&h, "bc", 2);
	char again[HASH_HEX];
	hash_finish_hex(&h, again);
	assert_string_equal(again, hex);
}

static void fields_do_not_shift(void **state)
{
	(void)state;
	static const char *const parts[4][2] = {{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"abc", NULL}};
	char hex[4][HASH_HEX];
	for (int i = 0; i < 4; i++) {
		struct hash h;
		hash_start(&h);
		hash_add_field(&h, parts[i][0]);
		hash_add_field(&h, parts[i][1]);
		hash_finish_hex(&h, hex[i]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(fields_do_not_shift)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

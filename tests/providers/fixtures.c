/* SPDX-License-Identifier: Apache-2.0 */
/* Every script below tests/fixtures: whole, byte by byte, and cut once at each byte. What is told must not differ. Nothing of
 * it has a second thread: where that is looked for, each seventh cut will do. */
#ifdef __SANITIZE_THREAD__
#define CUT_STEP 7
#else
#define CUT_STEP 1
#endif
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "tests/support/fixture.h"

#include <fcntl.h>

/* Prints the first difference; false. */
static bool one(const char *path)
{
	struct str script = {0};
	struct err err;
	char message[4096];
	if (!file_read(AT_FDCWD, path, 1024 * 1024, &script, &err))
		fail_msg("%s", err.text);
	bool is_good = true;
	int bytes = fixture_bytes(script.s, script.len);
	for (int cut = -1; cut < bytes && is_good; cut += cut < 1 ? 1 : CUT_STEP)
		is_good = fixture_run(script.s, script.len, cut, message);
	if (!is_good)
		printf("# %s: %s\n", path, message);
	str_finish(&script);
	return is_good;
}

static void all_of(const char *pattern, size_t at_least)
{
	glob_t found;
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= at_least);
	size_t good = 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		good += one(found.gl_pathv[i]);
	assert_int_equal(good, found.gl_pathc);
	globfree(&found);
}

static void platform(void **state)
{
	(void)state;
	all_of("tests/fixtures/platform/*.fixture", 20);
}

static void kubernetes(void **state)
{
	(void)state;
	all_of("tests/fixtures/kubernetes/*.fixture", 1);
}

/* The driver itself must be able to fail. */
static void a_wrong_script_fails(void **state)
{
	static const char *const wrong[] = {
		"provider platform\nrequest info\n> GET /v1/other\n",
		"provider platform\nrequest info\n> GET /v1/info\n< 200 Fairway-Api: 1\n<- {}\n! eof\n",
		"provider platform\nrequest info\n> GET /v1/info\n! refused\n= done\n",
	};
	char message[4096];
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(fixture_run(wrong[i], strlen(wrong[i]), FIXTURE_WHOLE, message));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(platform), cmocka_unit_test(kubernetes),
					  cmocka_unit_test(a_wrong_script_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

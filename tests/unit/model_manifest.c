/* SPDX-License-Identifier: Apache-2.0 */
/* What a service.yaml is on a cluster, against tests/fixtures/manifest: NAME.yaml, whose first line says
 * environment, image and namespace ("-": none), gives NAME.want. */
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diff.h"
#include "base/file.h"
#include "base/str.h"
#include "model/manifest.h"
#include "model/version.h"

static void read_whole(const char *path, struct str *out)
{
	struct err err;
	if (!file_read(AT_FDCWD, path, 1024 * 1024, out, &err))
		fail_msg("%s", err.text);
}

static void print(const char *text, size_t len, const char *name, struct str *out)
{
	char environment[64], image[200], namespace[64];
	struct service_file file;
	struct complaints wrong = {0};
	struct manifest m;
	assert_int_equal(sscanf(text, "# %63s %199s %63s", environment, image, namespace), 3);
	if (!service_file_parse(&file, name, text, len, &wrong))
		fail_msg("%s", wrong.text);
	manifest_make(&m, &(struct manifest_wish){
		.file = &file, .environment = environment, .image = image,
		.namespace = strcmp(namespace, "-") == 0 ? NULL : namespace});
	for (size_t i = 0; i < m.notes.n; i++)
		str_addf(out, "# %s\n", m.notes.items[i]);
	manifest_print(out, &m);
	manifest_finish(&m);
	service_file_finish(&file);
}

static bool is_as_wanted(const char *path)
{
	struct str text = {0}, want = {0}, made = {0}, again = {0}, told = {0};
	char wanted[300];
	struct diff diff;
	read_whole(path, &text);
	snprintf(wanted, sizeof(wanted), "%.*s.want", (int)(strlen(path) - strlen(".yaml")), path);
	read_whole(wanted, &want);
	print(text.s, text.len, path, &made);
	print(text.s, text.len, path, &again);
	assert_string_equal(made.s, again.s);
	diff_texts(&diff, want.s, want.len, made.s, made.len, 3);
	diff_print(&told, &diff, wanted, "made");
	if (told.len)
		print_message("%s", told.s);
	bool is_same = told.len == 0;
	diff_finish(&diff);
	str_finish(&told);
	str_finish(&again);
	str_finish(&made);
	str_finish(&want);
	str_finish(&text);
	return is_same;
}

static void files_become_objects(void **state)
{
	glob_t found;
	size_t bad = 0;
	(void)state;
	assert_int_equal(glob("tests/fixtures/manifest/*.yaml", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 4);
	for (size_t i = 0; i < found.gl_pathc; i++)
		bad += !is_as_wanted(found.gl_pathv[i]);
	globfree(&found);
	assert_int_equal(bad, 0);
}

static void version_of(const char *image, const char *version)
{
	struct str s = {0};
	struct arena a = {0};
	manifest_version(&s, image_version(image, &a));
	assert_string_equal(str_text(&s), version);
	str_finish(&s);
	arena_finish(&a);
}

static void an_image_tells_its_version(void **state)
{
	(void)state;
	version_of("web", "latest");
	version_of("host:5000/team/web", "latest");
	version_of("host:5000/team/web:2026.11.4", "2026.11.4");
	version_of("web@sha256:0123456789abcdef0123456789abcdef", "0123456789ab");
	version_of("web:1@sha256:0123456789abcdef0123456789abcdef", "1"); /* as people call it */
	version_of("web:1.9.2-3-gabc1234-dirty", "1.9.2-3-gabc1234-dirty");
	version_of("web:__", "");
	version_of("web:1_2345678901234567890123456789012345678901234567890123456789.-/x",
	           "latest"); /* the tag is that of the last part */
	version_of("web:12345678901234567890123456789012345678901234567890123456789012.4",
	           "12345678901234567890123456789012345678901234567890123456789012");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_become_objects),
		cmocka_unit_test(an_image_tells_its_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

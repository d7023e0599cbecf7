/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/tree.h"

struct place {
	char dir[64], target[96];
};

static int setup(void **state)
{
	struct place *p = mem_alloc(sizeof(*p));
	str_copy(p->dir, sizeof(p->dir), "/tmp/fairway-tree-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->target, sizeof(p->target), "%s/orders", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	struct tree_stage s = {0};
	str_copy(s.path, sizeof(s.path), p->dir);
	tree_drop(&s);
	assert_int_not_equal(access(p->dir, F_OK), 0);
	free(p);
	return 0;
}

static struct tree sample(void)
{
	struct tree t = {0};
	assert_true(tree_add(&t, "main.py", "print()\n", 8, false, NULL));
	assert_true(tree_add(&t, "a/b/c.txt", "c", 1, false, NULL));
	assert_true(tree_add(&t, "run.sh", "#!/bin/sh\n", 10, true, NULL));
	assert_true(tree_add(&t, ".gitignore", "", 0, false, NULL));
	return t;
}

static size_t entries_of(const char *dir)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* "." and ".." */
}

static void names(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",     "/a", "a/",  "a//b", "..",   "../a",  "a/../b",
		"a/..", ".",  "./a", "a\\b", "a\nb", "a\x7f", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
	static const char *const good[] = {"a", ".gitignore", "a/b", "..a", "a..", "é/b c"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tree_name_is_safe(bad[i]))
			fail_msg("taken: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(tree_name_is_safe(good[i]));
	struct tree t = {0};
	struct err err;
	assert_true(tree_add(&t, "a/b", "", 0, false, NULL));
	assert_false(tree_add(&t, "a/b", "", 0, false, &err));
	assert_false(tree_add(&t, "a", "", 0, false, &err));
	assert_false(tree_add(&t, "a/b/c", "", 0, false, &err));
	assert_true(tree_add(&t, "ab", "", 0, false, NULL));
	assert_false(tree_add(&t, "../x", "", 0, false, &err));
	assert_int_equal(t.n, 2);
	tree_finish(&t);
}

static void makes_and_reads_back(void **state)
{
	struct place *p = *state;
	struct tree t = sample(), back = {0};
	struct err err = {0};
	struct stat st;
	mode_t old = umask(027);
	if (!tree_create(&t, p->target, &err))
		fail_msg("%s", err.text);
	umask(old);
	assert_int_equal(entries_of(p->dir), 1);
	assert_true(tree_read(&back, p->target, &err));
	assert_int_equal(back.n, t.n);
	for (size_t i = 0; i < t.n; i++) {
		assert_string_equal(back.files[i].path, t.files[i].path);
		assert_string_equal(back.files[i].bytes, t.files[i].bytes);
		assert_int_equal(back.files[i].is_executable, t.files[i].is_executable);
	}
	assert_int_equal(stat(p->target, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750); /* the umask holds */
	tree_finish(&t);
	tree_finish(&back);
}

static void an_existing_target_is_left_alone(void **state)
{
	struct place *p = *state;
	struct tree t = sample();
	struct err err;
	struct tree_stage s;
	assert_int_equal(symlink("/nonexistent", p->target), 0);
	assert_false(tree_create(&t, p->target, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(unlink(p->target), 0);
	/* It appears between staging and landing. */
	assert_true(tree_stage(&t, p->target, &s, &err));
	assert_int_equal(mkdir(p->target, 0777), 0);
	assert_false(tree_land(&s, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(entries_of(p->target), 0);
	assert_int_equal(entries_of(p->dir), 1);
	tree_drop(&s);
	tree_finish(&t);
}

static void bad_targets(void **state)
{
	struct place *p = *state;
	struct tree t = sample();
	struct err err;
	char target[128];
	static const char *const names[] = {"", "..", ".", "/"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(tree_create(&t, names[i], &err));
	snprintf(target, sizeof(target), "%s/none/x", p->dir);
	assert_false(tree_create(&t, target, &err));
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	snprintf(target, sizeof(target), "%s/orders///", p->dir);
	assert_true(tree_create(&t, target, &err));
	tree_finish(&t);
}

static void links_are_not_followed(void **state)
{
	struct place *p = *state;
	struct tree t = {0};
	struct err err;
	char path[128];
	assert_int_equal(mkdir(p->target, 0777), 0);
	snprintf(path, sizeof(path), "%s/link", p->target);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_false(tree_read(&t, p->target, &err));
	assert_non_null(strstr(err.text, "link is no regular file"));
	tree_finish(&t);
}

static void drift(void **state)
{
	struct place *p = *state;
	struct tree t = sample();
	struct arena arena = {0};
	struct tree_change c[4];
	struct err err;
	char path[128];
	assert_true(tree_create(&t, p->target, &err));
	snprintf(path, sizeof(path), "%s/main.py", p->target);
	FILE *f = fopen(path, "w");
	fputs("print(1)\n", f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/run.sh", p->target);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a/b/c.txt", p->target);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(tree_compare(&t, p->target, &arena, c, &err));
	assert_int_equal(c[0].state, TREE_SAME);            /* .gitignore */
	assert_int_equal(c[1].state, TREE_CHANGED);         /* a/b/c.txt: a link, not read */
	assert_null(c[1].old_bytes);
	assert_int_equal(c[2].state, TREE_CHANGED);
	assert_string_equal(c[2].old_bytes, "print(1)\n");
	assert_int_equal(c[3].state, TREE_MISSING);
	assert_false(tree_compare(&t, "/nonexistent", &arena, c, &err));
	arena_finish(&arena);
	tree_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(makes_and_reads_back, setup, teardown),
		cmocka_unit_test_setup_teardown(an_existing_target_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_targets, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(drift, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
